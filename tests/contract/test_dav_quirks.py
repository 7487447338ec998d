"""Each way in which servers differ, one at a time: what is read is right, and what is written is written once."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors import dav
from connectors.carddav import AddressBook
from connectors.errors import CursorExpired, Gone, Misunderstood, PreconditionFailed, Refused, SignInNeeded, TryLater
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from connectors.tokens import open_store
from connectors.webdav import Login, Session, guard
from dav_quirks import BOOK, Quirks, Quirky, quirky
from dav_servers import Passing, Said, always, undisturbed
from mappings.fields import value_of
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, UpdateRecord
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, Record, RemoteId
from worlds import person

ACCOUNT = AccountName("home")
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")
ADA = f"{BOOK}ada.vcf"
OURS = RemoteId(f"{BOOK}{UID}.vcf")


def card(name: str, *lines: str, uid: str = "") -> str:
    every = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid or name}", f"FN:{name}", "N:;;;;", *lines, "END:VCARD", ""]
    return "\r\n".join(every)


def book_of(server: Quirky, contacts: str | None = None, wait: Callable[[float], None] | None = None) -> AddressBook:
    if wait is not None:
        return AddressBook(Session(ACCOUNT, server.url, Login("", None), wait=wait), contacts or "")
    opened = dav.open_contacts(ACCOUNT, dav.Options(server.url, contacts=contacts), open_store(Path("/nowhere")))
    assert isinstance(opened, AddressBook)
    return opened


def known_from(changes: ChangeSet) -> dict[RemoteId, Etag]:
    bad = {each.remote_id: each.etag for each in changes.unreadable}
    return bad | {each.remote_id: each.etag for each in changes.records}


def creation(name: str, **values: Value) -> CreateRecord:
    fields: dict[FieldName, Value] = {"name": name, **values}  # type: ignore[dict-item]  # a test names only fields
    return CreateRecord(ACCOUNT, UID, person(fields), Agreed(ACCOUNT, {}))


def retitled(record: Record, title: str) -> UpdateRecord:
    change = Change("title", record.person.title, title, ("note",))
    return UpdateRecord(ACCOUNT, UID, record.remote_id, record.etag, (change,), False, Agreed(ACCOUNT, {}))


def written(outcome: object) -> Written:
    assert isinstance(outcome, Written)
    return outcome


@contextmanager
def with_ada(quirks: Quirks, *lines: str) -> Generator[tuple[Quirky, AddressBook, Record]]:
    """Run a server on which Ada is, and read her."""
    with quirky(quirks) as server:
        server.put(ADA, card("Ada", "TITLE:Analyst", *lines))
        book = book_of(server)
        (record,) = book.changes(None, {}).records
        yield server, book, record


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404])
def test_a_server_is_enough_to_find_the_address_book(status: int) -> None:
    with with_ada(Quirks(well_known=status)) as (_, _, record):
        assert (record.remote_id, record.person.name) == (ADA, "Ada")


@pytest.mark.parametrize("place", ["", "dav/", "dav/me", "dav/me/", "dav/me/friends/", "dav/me/friends"])
def test_a_principal_a_home_or_the_collection_itself_may_be_configured(place: str) -> None:
    with quirky(Quirks()) as server:
        server.put(ADA, card("Ada"))
        book = dav.open_contacts(ACCOUNT, dav.Options(server.url + place), open_store(Path("/nowhere")))
        assert book is not None
        assert [record.remote_id for record in book.changes(None, {}).records] == [ADA]


TWO = ((BOOK, "Friends"), ("/dav/me/Kündigung & Söhne/", "Büro <1>"))


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("Friends", BOOK),
        ("friends", BOOK),
        ("Büro <1>", TWO[1][0]),
        ("Bu\u0308ro <1>", TWO[1][0]),
        ("kündigung & söhne", TWO[1][0]),
        ("/dav/me/K%C3%BCndigung%20%26%20S%C3%B6hne/", TWO[1][0]),
        ("/dav/me/friends", BOOK),
    ],
)
def test_an_address_book_is_found_by_its_name_or_its_url(wanted: str, path: str) -> None:
    with quirky(Quirks(names=TWO)) as server:
        for book, name in TWO:
            server.put(f"{book}one two.vcf", card(name))
        (record,) = book_of(server, wanted).changes(None, {}).records
        assert record.person.name == dict(TWO)[path]
        (again,) = book_of(server, wanted).read([record.remote_id])
        assert again == record


def test_of_several_address_books_the_owner_says_which() -> None:
    with quirky(Quirks(names=TWO)) as server:
        with pytest.raises(TryLater, match=r'set accounts\.home.contacts to one of "Büro <1>", "Friends", or to a URL'):
            book_of(server).changes(None, {})
        with pytest.raises(TryLater, match="no address book is called so"):
            book_of(server, "Foes").changes(None, {})


def test_the_usual_one_of_several_is_taken() -> None:
    names = ((BOOK, "Friends"), ("/dav/me/contacts/", "Kontakte"))
    with quirky(Quirks(names=names)) as server:
        server.put("/dav/me/contacts/a.vcf", card("Ada"))
        assert [each.person.name for each in book_of(server).changes(None, {}).records] == ["Ada"]


def test_a_look_that_finds_nothing_new_is_one_request() -> None:
    for quirks in (Quirks(), Quirks(syncs=False)):
        with with_ada(quirks) as (server, book, record):
            first = book.changes(None, known := {record.remote_id: record.etag})
            for contacts in (book, book_of(server)):
                server.wire.requests.clear()
                changes = contacts.changes(first.cursor, known)
                assert (changes.records, changes.removed, changes.unreadable) == ((), (), ())
                assert len(server.wire.requests) == 1


@pytest.mark.parametrize(
    "quirks", [Quirks(), Quirks(syncs=False), Quirks(syncs=False, ctag=False), Quirks(says_reports=False)]
)
def test_what_changed_is_found_with_tokens_with_ctags_and_with_neither(quirks: Quirks) -> None:
    with with_ada(quirks) as (server, book, record):
        server.put(f"{BOOK}bo.vcf", card("Bo"))
        first = book.changes(None, {record.remote_id: record.etag})
        known = {record.remote_id: record.etag} | known_from(first)
        server.put(ADA, card("Ada", "TITLE:Poet"))
        server.remove(f"{BOOK}bo.vcf")
        second = book_of(server).changes(first.cursor, known)
        assert [each.person.title for each in second.records] == ["Poet"]
        assert second.removed == (f"{BOOK}bo.vcf",)


def test_a_server_that_says_it_can_sync_but_cannot_is_listed() -> None:
    with with_ada(Quirks()) as (server, _, record):
        server.wire.meddle = lambda passing, carry: (
            Said(415, {}, b"") if b"sync-collection xmlns" in passing.body else carry()
        )
        assert book_of(server).changes(None, {}).records == (record,)


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412])
def test_a_token_that_is_not_known_any_more_says_so_in_several_ways(status: int) -> None:
    with with_ada(Quirks(bad_token=status)) as (server, book, record):
        cursor = book.changes(None, {}).cursor
        server.forget_tokens()
        with pytest.raises(CursorExpired):
            book.changes(cursor, {record.remote_id: record.etag})


def test_a_token_that_is_answered_with_everything_hides_no_deletion() -> None:
    with with_ada(Quirks(bad_token=207)) as (server, book, record):
        server.put(f"{BOOK}bo.vcf", card("Bo"))
        first = book.changes(None, {})
        server.remove(f"{BOOK}bo.vcf")
        server.forget_tokens()
        changes = book.changes(first.cursor, known_from(first))
        assert (changes.complete, changes.removed) == (True, (f"{BOOK}bo.vcf",))
        assert record.remote_id not in {each.remote_id for each in changes.records}


def test_our_own_writes_are_not_taken_for_an_answer_with_everything() -> None:
    with with_ada(Quirks()) as (server, book, _):
        for number in range(6):
            server.put(f"{BOOK}{number}.vcf", card(str(number)))
        first = book.changes(None, {})
        record = next(each for each in first.records if each.remote_id == ADA)
        (outcome,) = book.update([retitled(record, "Poet")])
        known = known_from(first) | {RemoteId(ADA): written(outcome).record.etag}
        server.wire.requests.clear()
        assert not book.changes(first.cursor, known).complete
        assert len(server.wire.requests) == 1


def test_an_answer_in_parts_is_put_together() -> None:
    with quirky(Quirks(page=3)) as server:
        for number in range(10):
            server.put(f"{BOOK}{number}.vcf", card(str(number)))
        book = book_of(server)
        first = book.changes(None, {})
        assert len(first.records) == 10
        for number in range(5):
            server.put(f"{BOOK}{number}.vcf", card(f"{number}!"))
        server.remove(f"{BOOK}9.vcf")
        second = book.changes(first.cursor, known_from(first))
        assert ({each.person.name for each in second.records}, second.removed) == (
            {f"{number}!" for number in range(5)},
            (f"{BOOK}9.vcf",),
        )


@pytest.mark.parametrize("deleted", [200, 204])
def test_a_deletion_is_done_by_either_status(deleted: int) -> None:
    with with_ada(Quirks(deleted=deleted)) as (server, book, record):
        (outcome,) = book.delete([DeleteRecord(ACCOUNT, UID, record.remote_id, record.etag)])
        assert isinstance(outcome, Deleted)
        assert server.cards == {}


def upper_labels(text: str) -> str:
    """Do as Radicale does: names in upper case, lines in another order."""
    begin, version, *lines, end, _ = text.split("\r\n")
    lines = [re.sub(r"^(\w+\.)?([\w-]+)", lambda found: (found[1] or "") + found[2].upper(), line) for line in lines]
    return "\r\n".join([begin, version, *sorted(lines, reverse=True), end, ""])


def version_4(text: str) -> str:
    return text.replace("VERSION:3.0", "VERSION:4.0")


def another_uid(text: str) -> str:
    return re.sub(r"(?m)^UID:.*\r\n", "UID:of-the-server\r\n", text)


def renumbered(text: str) -> str:
    """Spell numbers and addresses otherwise, in the same meaning."""
    return text.replace("+49 30 1234567", "+49301234567").replace("a@example.test", "A@EXAMPLE.TEST")


@pytest.mark.parametrize("keep", [upper_labels, version_4, another_uid, renumbered])
@pytest.mark.parametrize("etag_on_put", [True, False])
def test_a_card_that_the_server_writes_otherwise_means_the_same(keep: Callable[[str], str], etag_on_put: bool) -> None:
    quirks = Quirks(keep=keep, etag_on_put=etag_on_put)
    with quirky(quirks) as server:
        book = book_of(server)
        since = book.changes(None, {}).cursor
        intent = creation("Ada", emails=("a@example.test",), phones=("+49 30 1234567",), last_contact="2026-11-20")
        (outcome,) = book.create([intent])
        record = written(outcome).record
        assert (record.uid, record.reading.held) == (UID, {})
        assert record.etag == server.cards[OURS][0]
        assert written(outcome).after == server.cards[OURS][1].replace("\r\n", "\n")
        assert record.person.last_contact == "2026-11-20"
        changes = book.changes(since, {record.remote_id: record.etag})
        assert changes.records == ()
        (updated,) = book.update([retitled(record, "Poet")])
        assert written(updated).record.person.title == "Poet"
        assert len(server.wire.writes) == 2


def without(*names: str) -> Callable[[str], str]:
    def keep(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(names))

    return keep


def test_a_field_that_the_server_drops_is_held_and_not_taken_for_an_edit() -> None:
    with quirky(Quirks(keep=without("TITLE"))) as server:
        (outcome,) = book_of(server).create([creation("Ada", title="Analyst", nickname="Countess")])
        reading = written(outcome).record.reading
        assert dict(reading.held) == {"title": "the server keeps it otherwise than it was written"}
        assert reading.person.nickname == "Countess"


def test_a_field_that_is_gone_is_held_whatever_the_etag_says() -> None:
    with quirky(Quirks(keep=without("TITLE"))) as server:
        server.wire.meddle = lambda passing, carry: (
            Said((said := carry()).status, {"ETag": '"of what was sent"'}, said.body)
            if passing.method == "PUT"
            else carry()
        )
        (outcome,) = book_of(server).create([creation("Ada", title="Analyst")])
        assert set(written(outcome).record.reading.held) == {"title"}


def test_a_uid_that_the_server_drops_is_not_put_in_again_and_again() -> None:
    with quirky(Quirks(keep=without("X-CONTACTD-UID"))) as server:
        book = book_of(server)
        (first,), (second,) = book.create([creation("Ada")]), book.create([creation("Ada")])
        assert (written(first).record.uid, written(second).record) == (UID, written(first).record)
        assert len(server.cards) == 1


def test_what_somebody_writes_right_after_us_is_his_edit_and_not_the_servers() -> None:
    with with_ada(Quirks()) as (server, book, record):

        def meddle(passing: Passing, carry: Callable[[], Said]) -> Said:
            said = carry()
            if passing.method == "PUT":
                server.put(ADA, card("Ada", "TITLE:Countess"))
            return said

        server.wire.meddle = meddle
        (outcome,) = book.update([retitled(record, "Poet")])
        assert (written(outcome).record.person.title, written(outcome).record.reading.held) == ("Countess", {})


@pytest.mark.parametrize("status", [400, 403, 409, 412, 413, 415, 507])
def test_a_card_that_the_server_will_not_have_is_refused_and_stops_no_other(status: int) -> None:
    with with_ada(Quirks(unacceptable=lambda text: status if "Poet" in text else None)) as (server, book, record):
        server.put(f"{BOOK}bo.vcf", card("Bo"))
        (bo,) = book.read([RemoteId(f"{BOOK}bo.vcf")])
        assert isinstance(bo, Record)
        outcomes = list(book.update([retitled(record, "Poet"), retitled(bo, "Cook")]))
        assert [type(each) for each in outcomes] == [Refused, Written]
        assert f"the server does not take it: {status} (valid-address-data)" in str(outcomes[0])
        (created,) = book.create([creation("Eve", title="Poet")])
        assert isinstance(created, Refused)
        assert server.cards[ADA][1] == card("Ada", "TITLE:Analyst")


def test_one_uid_twice_is_one_contact_if_the_server_says_where_it_is() -> None:
    with quirky(Quirks()) as server:
        server.put(f"{BOOK}moved.vcf", card("Ada", f"X-CONTACTD-UID:{UID}", uid=UID))
        (outcome,) = book_of(server).create([creation("Ada")])
        assert written(outcome).record.remote_id == f"{BOOK}moved.vcf"
        assert len(server.cards) == 1


def test_one_uid_twice_is_refused_if_the_server_does_not_say_where() -> None:
    with quirky(Quirks(names_conflict=False)) as server:
        server.put(f"{BOOK}moved.vcf", card("Ada", uid=UID))
        (outcome,) = book_of(server).create([creation("Ada")])
        assert isinstance(outcome, Refused)
        assert "409 (no-uid-conflict)" in outcome.reason


def test_one_uid_twice_is_two_cards_where_the_server_lets_it() -> None:
    with quirky(Quirks(same_uid=201)) as server:
        server.put(f"{BOOK}moved.vcf", card("Ada", uid=UID))
        (outcome,) = book_of(server).create([creation("Ada")])
        assert written(outcome).record.remote_id == OURS


def test_a_stranger_in_the_place_of_our_card_is_left_alone() -> None:
    with quirky(Quirks()) as server:
        server.put(OURS, card("Stranger"))
        (outcome,) = book_of(server).create([creation("Ada")])
        assert isinstance(outcome, Refused)
        assert server.texts() == {OURS: card("Stranger")}


def test_without_etags_everything_is_read_and_nothing_is_overwritten() -> None:
    with with_ada(Quirks(etags=False)) as (server, book, record):
        assert book.changes(None, {record.remote_id: record.etag}).records == ()
        outcomes = (
            *book.update([retitled(record, "Poet")]),
            *book.delete([DeleteRecord(ACCOUNT, UID, record.remote_id, record.etag)]),
        )
        assert [type(each) for each in outcomes] == [Refused, Refused]
        assert "gives it no etag" in str(outcomes[0])
        server.put(ADA, card("Ada", "TITLE:Poet"))
        (news,) = book.changes(None, {record.remote_id: record.etag}).records
        assert news.person.title == "Poet"


def test_a_server_without_multiget_is_asked_for_one_card_at_a_time() -> None:
    with with_ada(Quirks(multiget=False)) as (_, book, record):
        assert (record.person.title, record.etag) == ("Analyst", '"1"')
        (outcome,) = book.update([retitled(record, "Poet")])
        assert written(outcome).record.person.title == "Poet"


def test_hrefs_may_be_absolute_and_quoted_in_any_way() -> None:
    with quirky(Quirks()) as server:
        server.quirks.href = lambda path: server.url.rstrip("/") + path.replace("a", "%61").replace(" ", "%20")
        server.put(f"{BOOK}ada lovelace.vcf", card("Ada"))
        book = book_of(server)
        first = book.changes(None, {})
        assert [each.remote_id for each in first.records] == [f"{BOOK}ada%20lovelace.vcf"]
        assert book.changes(None, known_from(first)).records == ()
        (outcome,) = book.update([retitled(first.records[0], "Poet")])
        assert written(outcome).record.person.title == "Poet"


@pytest.mark.parametrize(
    "href",
    [
        "http://elsewhere.test/dav/me/friends/a.vcf",
        "//elsewhere.test/dav/me/friends/a.vcf",
        "/dav/me/friends/../../you/a.vcf",
        "/dav/me/friends/%2e%2e/a.vcf",
        "/dav/you/a.vcf",
        "/dav/me/friends/deep/a.vcf",
        "/dav/me/friends/a.vcf?x=1",
        "/dav/me/friends/a%00.vcf",
        "http://[::1/a.vcf",
    ],
)
def test_an_href_that_leads_out_of_the_address_book_is_not_followed(href: str) -> None:
    with quirky(Quirks(href=lambda _: href)) as server:
        server.put(ADA, card("Ada"))
        with pytest.raises(Misunderstood, match="names a resource"):
            book_of(server).changes(None, {})
        assert not any("you" in each.path or "deep" in each.path for each in server.wire.requests)


def test_a_principal_at_another_host_gets_no_password(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("hush")
    (tmp_path / "word").chmod(0o600)
    with quirky(Quirks()) as server, quirky(Quirks()) as elsewhere:
        other = elsewhere.url.replace("127.0.0.1", "localhost")
        body = f"<current-user-principal><href>{other}dav/me/</href></current-user-principal>"
        multistatus = (
            '<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop>'
            f"{body}</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
        )
        server.wire.meddle = always(Said(207, {}, multistatus.encode()))
        options = dav.Options(server.url, "me", password_file=tmp_path / "word")
        book = dav.open_contacts(ACCOUNT, options, open_store(tmp_path / "tokens"))
        assert book is not None
        with pytest.raises(Misunderstood, match="names localhost, where nothing was sent"):
            book.changes(None, {})
        assert elsewhere.wire.requests == []


BOMB = """<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<multistatus xmlns="DAV:"><response><href>/&b;</href></response></multistatus>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<multistatus xmlns="DAV:"><sync-token>&a;</sync-token></multistatus>"""
DEEP = '<multistatus xmlns="DAV:">' + "<response>" * 100_000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (BOMB, Misunderstood),
        (OUTSIDE, Misunderstood),
        (DEEP, Misunderstood),
        ("<multistatus xmlns='DAV:'><response><href>/dav", TryLater),
        ("", TryLater),
        ("<html><body>Log in to the hotel", TryLater),
        (
            "<multistatus xmlns='DAV:'><response><href>/</href><status>fine</status></response></multistatus>",
            Misunderstood,
        ),
    ],
)
def test_an_answer_that_is_hostile_or_broken_is_the_accounts_failure(body: str, error: type[Exception]) -> None:
    with with_ada(Quirks()) as (server, book, record):
        cursor = book.changes(None, {}).cursor
        server.wire.meddle = always(Said(207, {}, body.encode()))
        with pytest.raises(error):
            book.changes(cursor, {record.remote_id: record.etag})


def test_a_page_that_is_no_dav_is_told() -> None:
    with with_ada(Quirks()) as (server, _, _):
        server.wire.meddle = always(Said(200, {}, b"<html>Welcome</html>"))
        with pytest.raises(Misunderstood, match="answered 200, which is no list of resources"):
            book_of(server).changes(None, {})


def test_a_wrong_password_says_how_to_mend_it(tmp_path: Path) -> None:
    with with_ada(Quirks()) as (server, book, record):
        cursor = book.changes(None, {}).cursor
        server.wire.meddle = always(Said(401, {"WWW-Authenticate": "Basic"}, b""))
        word = tmp_path / "word"
        word.write_text("hush")
        word.chmod(0o600)
        options = dav.Options(server.url, "me", password_file=word)
        signed = dav.open_contacts(ACCOUNT, options, open_store(tmp_path / "tokens"))
        assert signed is not None
        server.wire.requests.clear()
        with pytest.raises(
            SignInNeeded, match=f"does not let me with this password in; correct the first line of {word}"
        ):
            signed.changes(None, {})
        assert len(server.wire.requests) == 1
        with pytest.raises(SignInNeeded, match=r"give accounts\.home a username and a password"):
            book.changes(cursor, {record.remote_id: record.etag})


def test_a_password_that_was_changed_is_looked_up_again(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("old")
    word.chmod(0o600)
    with with_ada(Quirks()) as (server, _, record):
        right = "Basic bWU6bmV3"  # me:new
        server.wire.meddle = lambda passing, carry: (
            carry() if passing.headers.get("authorization") == right else Said(401, {}, b"")
        )
        options = dav.Options(server.url, "me", password_file=word)
        book = dav.open_contacts(ACCOUNT, options, open_store(tmp_path / "tokens"))
        assert book is not None
        with pytest.raises(SignInNeeded):
            book.changes(None, {})
        word.write_text("new")
        assert book.changes(None, {}).records == (record,)


def test_groups_are_no_people_and_are_left_alone() -> None:
    members = [f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{UID}"]
    groups = {
        f"{BOOK}apple.vcf": card("Family", "X-ADDRESSBOOKSERVER-KIND:group", *members),
        f"{BOOK}rfc.vcf": card("Club", "KIND:group", "MEMBER:urn:uuid:1"),
        f"{BOOK}odd.vcf": card("Team", "item1.kind;X-A=b:Group "),
    }
    with with_ada(Quirks()) as (server, book, record):
        for path, text in groups.items():
            server.put(path, text)
        changes = book.changes(None, {})
        assert (changes.records, changes.unreadable, changes.removed, changes.listed) == ((record,), (), (), 1)
        (read,) = book.read([RemoteId(f"{BOOK}apple.vcf")])
        assert isinstance(read, Unreadable)
        as_if = Record(RemoteId(f"{BOOK}rfc.vcf"), Etag('"3"'), record.reading)
        assert [type(each) for each in book.update([retitled(as_if, "Poet")])] == [Refused]
        assert groups.items() <= server.texts().items()


def test_a_photo_and_what_we_have_no_word_for_survive_a_write() -> None:
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "/9j/4AAQSkZJRgABAQAAAQABAAD" * 4000
    with with_ada(Quirks(), photo, "X-SOCIALPROFILE;type=engine:x-apple:ada", "item1.TEL:1", "item1.X-ABLabel:Lab") as (
        server,
        book,
        record,
    ):
        (outcome,) = book.update([retitled(record, "Poet")])
        assert written(outcome).record.person.title == "Poet"
        before = card(
            "Ada",
            "TITLE:Analyst",
            photo,
            "X-SOCIALPROFILE;type=engine:x-apple:ada",
            "item1.TEL:1",
            "item1.X-ABLabel:Lab",
        )
        assert server.cards[ADA][1] == before.replace("Analyst", "Poet")


def test_a_card_that_is_too_large_is_told_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.BODY_BYTES_MAX", 20_000)
    with with_ada(Quirks()) as (server, book, _):
        server.put(f"{BOOK}big.vcf", card("Big", "NOTE:" + "x" * 30_000))
        for number in range(20):
            server.put(f"{BOOK}{number}.vcf", card(str(number), "NOTE:" + "x" * 3_000))
        server.wire.requests.clear()
        changes = book.changes(None, {})
        assert len(changes.records) == 21
        assert [(each.remote_id, "MiB in one answer" in each.reason) for each in changes.unreadable] == [
            (f"{BOOK}big.vcf", True)
        ]
        assert len(server.wire.requests) < 40


def test_a_collection_that_is_gone_is_an_account_that_is_away() -> None:
    with with_ada(Quirks()) as (server, book, record):
        first = book.changes(None, {})
        server.quirks.names = ()
        with pytest.raises(CursorExpired):
            book.changes(first.cursor, {record.remote_id: record.etag})
        with pytest.raises(TryLater, match="no address book was found"):
            book.changes(None, {record.remote_id: record.etag})
        with pytest.raises(TryLater, match="is not there any more"):
            list(book.read([record.remote_id]))


def test_a_cursor_of_another_account_or_address_book_is_none() -> None:
    with quirky(Quirks(names=TWO)) as server:
        cursor = book_of(server, "Friends").changes(None, {}).cursor
        with pytest.raises(CursorExpired):
            book_of(server, "Büro <1>").changes(cursor, {})
        with pytest.raises(CursorExpired):
            book_of(server, "Friends").changes(Cursor("nonsense"), {})


def test_what_changed_meanwhile_is_told_apart_from_what_is_gone() -> None:
    with with_ada(Quirks()) as (server, book, record):

        def meddle(passing: Passing, carry: Callable[[], Said]) -> Said:
            if passing.method == "PUT":
                server.put(ADA, card("Ada", "TITLE:Countess"))
            return carry()

        server.wire.meddle = meddle
        (outcome,) = book.update([retitled(record, "Poet")])
        assert isinstance(outcome, PreconditionFailed)
        assert server.cards[ADA][1] == card("Ada", "TITLE:Countess")

        (now,) = book.read([RemoteId(ADA)])
        assert isinstance(now, Record)

        def removing(passing: Passing, carry: Callable[[], Said]) -> Said:
            if passing.method == "PUT":
                server.remove(ADA)
            return carry()

        server.wire.meddle = removing
        (outcome,) = book.update([retitled(now, "Poet")])
        assert isinstance(outcome, Gone)
        assert server.cards == {}


def test_values_are_read_back_as_they_are_there() -> None:
    with with_ada(Quirks()) as (_, book, record):
        (outcome,) = book.update([retitled(record, "Poet")])
        (again,) = book.read([record.remote_id])
        assert again == written(outcome).record
        assert value_of(written(outcome).record.person, "title") == "Poet"


def test_a_password_without_a_username_is_a_bearer_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    (tmp_path / "token").chmod(0o600)
    with with_ada(Quirks()) as (server, _, record):
        book = dav.open_contacts(
            ACCOUNT, dav.Options(server.url, password_file=tmp_path / "token"), open_store(tmp_path / "tokens")
        )
        assert book is not None
        server.wire.requests.clear()
        assert book.changes(None, {}).records == (record,)
        assert {each.headers.get("authorization") for each in server.wire.requests} == {"Bearer t0ken"}


def test_where_nobody_signs_in_nothing_is_said_of_whom() -> None:
    with with_ada(Quirks()) as (server, _, _):
        assert {each.headers.get("authorization") for each in server.wire.requests} == {None}


def test_no_address_book_is_opened_where_none_is_wanted(tmp_path: Path) -> None:
    options = dav.Options("https://dav.example.test/", contacts="")
    assert dav.open_contacts(ACCOUNT, options, open_store(tmp_path)) is None
    assert dav.open_calendars(ACCOUNT, options, open_store(tmp_path)) == ()


def test_calendars_are_named_by_their_urls_ends_unless_those_are_the_same(tmp_path: Path) -> None:
    wanted = ("Work", "/me/h%C3%A4user/", "https://dav.example.test/a/x/", "https://dav.example.test/b/x/")
    calendars = dav.open_calendars(
        ACCOUNT, dav.Options("https://dav.example.test/", calendars=wanted), open_store(tmp_path)
    )
    assert [each.name for each in calendars] == ["Work", "häuser", wanted[2], wanted[3]]


def test_a_new_card_is_where_the_server_has_put_it() -> None:
    with quirky(Quirks(own_paths=True)) as server:
        book = book_of(server)
        cursor = book.changes(None, {}).cursor
        (outcome,) = book.create([creation("Ada")])
        record = written(outcome).record
        assert (record.remote_id, record.uid) == (f"{BOOK}0%20of%20ours.vcf", UID)
        changes = book.changes(cursor, {record.remote_id: record.etag})
        assert (changes.records, changes.removed) == ((), ())
        (updated,) = book.update([retitled(record, "Poet")])
        assert written(updated).record.person.title == "Poet"


@pytest.mark.parametrize("token", ["t0\x00ken", "töken", "two words", "a\tb"])
def test_a_token_that_is_none_is_told_without_what_it_is(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(0o600)
    with quirky(Quirks()) as server:
        book = dav.open_contacts(
            ACCOUNT, dav.Options(server.url, password_file=tmp_path / "token"), open_store(tmp_path / "tokens")
        )
        assert book is not None
        with pytest.raises(SignInNeeded, match="no token has") as caught:
            book.changes(None, {})
        assert token not in str(caught.value)
        assert server.wire.requests == []


@pytest.mark.parametrize(
    ("etag", "header"),
    [
        ('"1"', '"1"'),
        ('W/"1"', 'W/"1"'),
        ("1", '"1"'),
        ("", None),
        ('"1"\r\nX-Evil: 1', None),
        ('"ü"', None),
        ('"a b"', None),
    ],
)
def test_an_etag_that_no_header_can_hold_guards_nothing(etag: str, header: str | None) -> None:
    assert guard(etag) == header


def test_a_token_without_an_end_is_not_kept() -> None:
    with with_ada(Quirks()) as (server, book, _):
        body = '<multistatus xmlns="DAV:"><sync-token>' + "x" * 100_000 + "</sync-token></multistatus>"
        cursor = book.changes(None, {}).cursor
        server.wire.meddle = always(Said(207, {}, body.encode()))
        with pytest.raises(Misunderstood, match="how far it goes"):
            book.changes(cursor, {})


def test_two_accounts_may_have_an_address_book_each_on_one_server() -> None:
    with quirky(Quirks(names=TWO)) as server:
        first, second = book_of(server, "Friends"), book_of(server, "Büro <1>")
        (one,), (other,) = first.create([creation("Ada")]), second.create([creation("Ada")])
        assert {written(one).record.remote_id, written(other).record.remote_id} == {
            OURS,
            f"/dav/me/K%C3%BCndigung%20&%20S%C3%B6hne/{UID}.vcf",
        }
        assert [len(book.changes(None, {}).records) for book in (first, second)] == [1, 1]
        (foreign,) = first.read([written(other).record.remote_id])
        assert isinstance(foreign, Gone)


def test_one_card_that_the_server_chokes_on_hides_no_other() -> None:
    with quirky(Quirks()) as server:
        for number in range(60):
            server.put(f"{BOOK}{number}.vcf", card(str(number)))
        server.wire.meddle = lambda passing, carry: (
            Said(500, {}, b"") if f"{BOOK}17.vcf<".encode() in passing.body else carry()
        )
        changes = book_of(server, wait=lambda _: None).changes(None, {})
        assert len(changes.records) == 59
        assert [(each.remote_id, each.reason) for each in changes.unreadable] == [
            (f"{BOOK}17.vcf", "127.0.0.1 answered 500")
        ]
        assert len(server.wire.requests) < 45


def test_a_server_that_fails_at_everything_is_left_alone() -> None:
    with quirky(Quirks()) as server:
        for number in range(60):
            server.put(f"{BOOK}{number}.vcf", card(str(number)))
        server.wire.meddle = lambda passing, carry: Said(500, {}, b"") if b"multiget xmlns" in passing.body else carry()
        with pytest.raises(TryLater, match="answered 500"):
            book_of(server, wait=lambda _: None).changes(None, {})
        assert len(server.wire.requests) < 75


@pytest.mark.parametrize(
    "body",
    [
        "<response>" + "<a/>" * 20_000 + "</response>",
        (
            "<response><href>/dav/me/</href><propstat><prop>"
            '<C:addressbook-home-set xmlns:C="urn:ietf:params:xml:ns:carddav"><href>http://[::1/</href>'
            "</C:addressbook-home-set></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
        ),
    ],
)
def test_a_place_that_is_none_and_an_answer_that_swells_are_refused(body: str) -> None:
    with quirky(Quirks()) as server:
        server.wire.meddle = always(Said(207, {}, f'<multistatus xmlns="DAV:">{body}</multistatus>'.encode()))
        with pytest.raises(Misunderstood):
            book_of(server).changes(None, {})


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(syncs=False)])
def test_what_could_not_be_had_is_asked_for_again(quirks: Quirks) -> None:
    with with_ada(quirks) as (server, _, record):
        server.put(f"{BOOK}bo.vcf", card("Bo"))
        server.wire.meddle = lambda passing, carry: (
            Said(500, {}, b"") if f"{BOOK}bo.vcf<".encode() in passing.body else carry()
        )
        book = book_of(server, wait=lambda _: None)
        first = book.changes(None, {})
        second = book.changes(first.cursor, known_from(first))
        for changes in (first, second):
            assert [each.remote_id for each in changes.unreadable] == [f"{BOOK}bo.vcf"]
        server.wire.meddle = undisturbed
        third = book.changes(second.cursor, known_from(first))
        assert [each.person.name for each in third.records] == ["Bo"]
        known = known_from(first) | known_from(third)
        server.wire.requests.clear()
        assert book.changes(third.cursor, known).records == ()
        assert len(server.wire.requests) == 1
        assert known[record.remote_id] == record.etag


def test_a_contact_that_becomes_a_group_is_told_to_whoever_takes_it_for_a_person() -> None:
    with with_ada(Quirks()) as (server, book, record):
        first = book.changes(None, {})
        server.put(ADA, card("Ada", "KIND:group"))
        second = book.changes(first.cursor, {record.remote_id: record.etag})
        assert [(each.remote_id, each.reason) for each in second.unreadable] == [
            (ADA, "a list of contacts, and no person")
        ]
        server.put(ADA, card("Ada"))
        assert [each.person.name for each in book.changes(second.cursor, known_from(second)).records] == ["Ada"]
