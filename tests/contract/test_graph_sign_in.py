"""Signing in at Microsoft with stock msal, against an authority of our own: both ways in, renewal, and every no."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors import microsoft
from connectors.errors import ConnectorError, Misunderstood, SignInFailed, SignInNeeded, TryLater
from connectors.graph_sign_in import Access, Registration
from connectors.http import Client
from connectors.interface import Page, SignIn, Way
from connectors.tokens import TokenStore, open_store
from emulators.graph import certificates
from emulators.graph.authority import Authority, Refusal, signed_in_at
from emulators.graph.browser import agree
from emulators.graph.server import served
from emulators.graph.service import Service
from mappings.record import AccountName

HOME = AccountName("home")
LIMIT_S = 60.0


@dataclass
class World:
    """An authority, a mailbox, and a store of tokens."""

    authority: Authority
    options: microsoft.Options
    tokens: TokenStore
    ca_file: Path
    shown: list[Page] = field(default_factory=list[Page])

    def sign_in(self, way: Way = Way.ADDRESS, email: str = "") -> tuple[str, ...]:
        return microsoft.sign_in(SignIn(HOME, email, way, self._show), self.options, self.tokens)

    def _show(self, page: Page) -> None:
        self.shown.append(page)
        if not page.code:
            threading.Thread(target=agree, args=(page.address, self.ca_file), daemon=True).start()

    def access(self, now: list[float]) -> Access:
        authority = f"{self.options.endpoints.authority}/{self.options.tenant}"
        registration = Registration(self.options.client_id, authority, self.options.scopes)
        client = Client(authority, ca_file=self.ca_file)
        return Access(HOME, registration, self.tokens, lambda: client, lambda: now[0])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    made = certificates.made(tmp_path)
    authority = Authority(Service())
    with served(authority.service) as graph, signed_in_at(authority, made.server_file) as base:
        endpoints = microsoft.Endpoints(graph, base, made.ca_file)
        options = microsoft.Options(authority.client_id, endpoints=endpoints)
        yield World(authority, options, open_store(tmp_path / "tokens"), made.ca_file)


@pytest.mark.parametrize("way", [Way.ADDRESS, Way.DEVICE])
def test_whoever_agrees_is_let_in_and_told_as_whom_and_to_what(world: World, way: Way) -> None:
    told = world.sign_in(way, "Me@Example.test")
    assert told == ("Signed in as me@example.test.", "Contacts can be read.", "Calendars can be read.")
    (page,) = world.shown
    assert page.code == ("FJC3-ABCD" if way is Way.DEVICE else "")
    (contacts,) = (microsoft.open_contacts(HOME, world.options, world.tokens),)
    assert contacts is not None
    assert contacts.changes(None, {}).complete


def test_nothing_more_is_asked_for_than_what_is_wanted(world: World) -> None:
    base = microsoft.Options("c", endpoints=world.options.endpoints)
    assert base.scopes == ("Contacts.ReadWrite", "Calendars.ReadBasic", "User.Read")
    assert microsoft.Options("c", calendars=()).scopes == ("Contacts.ReadWrite", "User.Read")
    assert microsoft.Options("c", contacts=False).scopes == ("Calendars.ReadBasic", "User.Read")


def test_the_authority_is_asked_nothing_while_the_token_lasts(world: World) -> None:
    world.sign_in()
    world.authority.requests.clear()
    first = world.access([0.0]).token(anew=False)
    assert world.access([0.0]).token(anew=False) == first
    assert not world.authority.requests


def test_a_token_that_is_about_to_end_is_renewed_and_stored_before_it_is_used(world: World) -> None:
    world.sign_in()
    kept = json.loads(world.tokens.read(HOME) or "")
    access = world.access([kept["until"] - 60])
    fresh = access.token(anew=False)
    stored = json.loads(world.tokens.read(HOME) or "")
    assert fresh == stored["token"] != kept["token"]
    assert stored["cache"] != kept["cache"]
    assert world.authority.requests["POST oauth2/v2.0/token"] == 2


def test_a_token_that_was_refused_is_renewed_once_and_others_take_the_new_one(world: World) -> None:
    world.sign_in()
    one, other = world.access([0.0]), world.access([0.0])
    one.token(anew=False)
    other.token(anew=False)
    world.authority.end_access()
    fresh = one.token(anew=True)
    assert other.token(anew=True) == fresh
    assert world.authority.requests["POST oauth2/v2.0/token"] == 2


def test_eight_at_once_renew_once_even_where_an_old_token_is_worth_nothing(world: World) -> None:
    world.sign_in()
    world.authority.revokes_old = True
    accesses = [world.access([0.0]) for _ in range(8)]
    for access in accesses:
        access.token(anew=False)
    found: list[str] = []

    def renew(access: Access) -> None:
        found.append(access.token(anew=True))

    threads = [threading.Thread(target=renew, args=(access,)) for access in accesses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert (len(found), len(set(found))) == (8, 1)
    assert world.authority.requests["POST oauth2/v2.0/token"] == 2


def test_a_token_that_cannot_be_renewed_now_is_used_to_its_end(world: World) -> None:
    world.sign_in()
    kept = json.loads(world.tokens.read(HOME) or "")
    world.authority.answers_html = True
    assert world.access([kept["until"] - 60]).token(anew=False) == kept["token"]
    with pytest.raises(TryLater):
        world.access([kept["until"] + 60]).token(anew=False)
    assert json.loads(world.tokens.read(HOME) or "") == kept


def test_an_account_that_nobody_signed_in_to_says_so(world: World) -> None:
    with pytest.raises(SignInNeeded, match="contactd auth home"):
        world.access([0.0]).token(anew=False)


def test_a_permission_that_was_added_to_the_configuration_needs_a_new_sign_in(world: World) -> None:
    world.options = microsoft.Options(world.options.client_id, calendars=(), endpoints=world.options.endpoints)
    world.sign_in()
    world.options = microsoft.Options(world.options.client_id, endpoints=world.options.endpoints)
    with pytest.raises(SignInNeeded, match=r"Calendars\.ReadBasic"):
        world.access([0.0]).token(anew=False)


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [
        (Refusal("invalid_grant", (700082,)), SignInNeeded, "not used for 90 days"),
        (Refusal("invalid_grant", (50173,)), SignInNeeded, "password was changed"),
        (Refusal("invalid_grant", (), suberror="bad_token"), SignInNeeded, "no longer valid"),
        (Refusal("interaction_required", (50076,)), SignInNeeded, "second factor"),
        (Refusal("interaction_required", (53003,)), SignInNeeded, "conditional access"),
        (Refusal("interaction_required"), SignInNeeded, "sign in again"),
        (Refusal("invalid_client", (7000218,)), SignInNeeded, "public client flows"),
        (Refusal("consent_required", (65001,)), SignInNeeded, "consented"),
        (Refusal("temporarily_unavailable", status=400), TryLater, "busy"),
        (Refusal("server_error", status=503), TryLater, "503"),
    ],
)
def test_why_a_renewal_is_refused_is_told_in_words_and_nothing_that_was_kept_is_lost(
    world: World, refusal: Refusal, error: type[ConnectorError], words: str
) -> None:
    world.sign_in()
    kept = world.tokens.read(HOME)
    world.authority.refusals.append(refusal)
    with pytest.raises(error, match=words) as raised:
        world.access([10.0**10]).token(anew=False)
    assert "me@example.test" not in str(raised.value)
    assert world.tokens.read(HOME) == kept


@pytest.mark.parametrize("way", [Way.ADDRESS, Way.DEVICE])
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal("access_denied", (90094,)), "declined|administrator"),
        (Refusal("invalid_scope", (70011,)), "permissions|refuses"),
    ],
)
def test_why_a_sign_in_is_refused_is_told_in_words_and_nothing_is_kept(
    world: World, way: Way, refusal: Refusal, words: str
) -> None:
    world.authority.refusals.append(refusal)
    with pytest.raises(SignInFailed, match=words):
        world.sign_in(way)
    assert world.tokens.read(HOME) is None


def test_the_wrong_account_is_told_and_what_was_kept_stays(world: World) -> None:
    world.sign_in()
    kept = world.tokens.read(HOME)
    world.authority.email = "other@example.test"
    with pytest.raises(SignInFailed, match=r"you signed in as other@example\.test"):
        world.sign_in(email="me@example.test")
    assert world.tokens.read(HOME) == kept


def test_less_than_was_asked_for_is_told(world: World) -> None:
    world.authority.withheld = ("Contacts.ReadWrite",)
    with pytest.raises(SignInFailed, match=r"without Contacts\.ReadWrite"):
        world.sign_in()


def test_permissions_named_with_their_resource_are_the_same(world: World) -> None:
    world.authority.scope_in_full = True
    assert world.sign_in()[0] == "Signed in as me@example.test."


def test_what_is_not_said_is_granted_as_it_was_asked_for(world: World) -> None:
    world.authority.says_scope = False
    assert world.sign_in()[0] == "Signed in as me@example.test."
    world.authority.says_scope, world.authority.withheld = True, ("User.Read",)
    assert world.sign_in()[0] == "Signed in as me@example.test."


def test_a_tenant_that_nobody_knows_is_told(world: World) -> None:
    world.sign_in()
    world.options = microsoft.Options(world.options.client_id, tenant="nowhere.test", endpoints=world.options.endpoints)
    with pytest.raises(SignInFailed, match=r'no tenant "nowhere\.test"'):
        world.sign_in()
    with pytest.raises(SignInNeeded, match=r'no tenant "nowhere\.test"'):
        world.access([10.0**10]).token(anew=False)


def test_a_mailbox_that_is_not_there_is_told_at_once(world: World) -> None:
    world.authority.service.has_mailbox = False
    with pytest.raises(SignInFailed, match="no mailbox"):
        world.sign_in()
    assert world.tokens.read(HOME) is None


def test_a_network_that_answers_itself_is_no_refusal(world: World) -> None:
    world.authority.answers_html = True
    with pytest.raises(TryLater):
        world.sign_in()


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": ""},
        {"tenant": "a/b"},
        {"contact_folders": ()},
        {"calendar_permission": "Calendars.ReadWrite"},
    ],
)
def test_a_configuration_that_cannot_be_is_told(wrong: dict[str, str]) -> None:
    options: dict[str, object] = {"client_id": "c", **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        microsoft.Options(**options)  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize(
    ("graph", "authority"),
    [
        ("http://graph.test/v1.0", "https://a.test"),
        ("https://graph.test", "http://127.0.0.1:1"),
        ("ftp://x", "https://a"),
    ],
)
def test_nothing_is_sent_in_the_clear_but_to_this_machine(graph: str, authority: str) -> None:
    with pytest.raises(ValueError, match="https"):
        microsoft.Endpoints(graph, authority)
    assert microsoft.Endpoints("http://127.0.0.1:1", "https://localhost:1").graph_base == "http://127.0.0.1:1/v1.0"


def test_who_signed_in_is_known_without_asking_and_until_when_if_nobody_uses_it(world: World) -> None:
    with pytest.raises(SignInNeeded, match="nobody has signed in"):
        microsoft.signed_in(HOME, world.options, world.tokens)
    world.sign_in()
    before = time.time()
    world.access([before]).token(anew=True)
    found = microsoft.signed_in(HOME, world.options, world.tokens)
    assert (found.email, found.unless_used) == ("me@example.test", True)
    ninety_days_s = 90 * 24 * 3600
    assert found.ends_at_s == pytest.approx(before + ninety_days_s, abs=2 * 3600)
    world.tokens.write(HOME, json.dumps({"cache": "{", "token": "t", "until": 0, "scopes": []}))
    with pytest.raises(Misunderstood):
        microsoft.signed_in(HOME, world.options, world.tokens)
