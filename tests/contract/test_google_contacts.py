"""Google's contacts where Google is odd: late feeds, other names, tokens that run out, quotas, merged contacts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import google_grant
from connectors.errors import CursorExpired, Gone, Misunderstood, PreconditionFailed, Refused, SignInNeeded, TryLater
from connectors.google_answers import LONG_S
from connectors.interface import ChangeSet, Cursor, Deleted, Written
from emulators.google import answers
from emulators.google.answers import Answer
from emulators.google.world import Silence, When
from google_worlds import HOME, ME, GoogleWorld
from mappings.google_person import usual_name
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Uid, Value
from mappings.record import Etag, Record, RemoteId
from worlds import person

UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")


def add(google: GoogleWorld, given: str = "Ada", title: str = "Analyst") -> RemoteId:
    return RemoteId(google.book.add(names=[{"givenName": given}], organizations=[{"title": title}]))


def known(changes: ChangeSet) -> dict[RemoteId, Etag]:
    return {record.remote_id: record.etag for record in changes.records}


def an_update(record: Record, values: Mapping[FieldName, Value]) -> UpdateRecord:
    changes = tuple(Change(name, "", value, ("note",)) for name, value in values.items())
    return UpdateRecord(
        HOME, UID, record.remote_id, record.etag, changes, insert_uid=False, agreed=Agreed(HOME, values)
    )


def a_create(name: str = "Ada", uid: Uid = UID, **values: Value) -> CreateRecord:
    return CreateRecord(HOME, uid, person({"name": name, **values}), Agreed(HOME, {}))  # type: ignore[dict-item]  # names of fields


def titles(google: GoogleWorld) -> list[str]:
    return [each.entries["organizations"][0]["title"] for each in google.book.living]


def retitle(google: GoogleWorld, remote_id: RemoteId, title: str) -> None:
    google.book.edit(remote_id, organizations=[{"title": title}])


class TestFeeds:
    """What a feed says is a hint."""

    def test_an_old_version_in_a_late_feed_does_not_undo_what_was_written_since(self, google: GoogleWorld) -> None:
        remote_id = add(google)
        first = google.contacts().changes(None, {})
        google.google.clock.advance(timedelta(minutes=10))
        google.google.unconfirmed.feed_lag = timedelta(minutes=5)
        retitle(google, remote_id, "Countess")
        (seen,) = google.contacts().read([remote_id])
        assert isinstance(seen, Record)
        google.google.clock.advance(timedelta(minutes=4))
        (outcome,) = google.contacts().update([an_update(seen, {"title": "Poet"})])
        assert isinstance(outcome, Written)
        google.google.clock.advance(timedelta(minutes=2))
        # Now the feed shows the first of the two changes.
        late = google.contacts().changes(first.cursor, {remote_id: outcome.record.etag})
        assert (late.records, late.removed) == ((), ())
        google.google.clock.advance(timedelta(minutes=10))
        assert google.contacts().changes(late.cursor, {remote_id: outcome.record.etag}).records == ()

    def test_contacts_that_are_sent_again_without_a_change_are_no_news(self, google: GoogleWorld) -> None:
        for number in range(3):
            google.book.touch(add(google, f"Ada {number}"))
        first = google.contacts().changes(None, {})
        for contact in google.book.living:
            google.book.touch(contact.id)
        since = google.contacts().changes(first.cursor, known(first))
        assert (since.records, since.removed, google.calls().get("people.getBatchGet", 0)) == ((), (), 0)

    def test_a_contact_that_a_list_left_out_is_not_gone(self, google: GoogleWorld) -> None:
        kept, removed = add(google), add(google, "Grace")
        first = google.contacts().changes(None, {})
        google.book.hidden.add(kept)
        google.book.remove(removed)
        complete = google.contacts().changes(None, known(first))
        assert (complete.removed, complete.records, complete.listed) == ((removed,), (), 1)

    def test_a_contact_that_is_said_to_be_deleted_and_is_there_is_not_gone(self, google: GoogleWorld) -> None:
        remote_id = add(google)
        first = google.contacts().changes(None, {})
        google.book.mourn(remote_id)
        assert google.contacts().changes(first.cursor, known(first)).removed == ()

    def test_two_contacts_that_were_merged_are_one_that_changed_and_one_that_is_gone(self, google: GoogleWorld) -> None:
        made = list(google.contacts().create([a_create("Ada"), a_create("Ada L", Uid("other"))]))
        survivor, loser = [outcome.record for outcome in made if isinstance(outcome, Written)]
        first = google.contacts().changes(None, {})
        google.book.merge(survivor.remote_id, loser.remote_id)
        since = google.contacts().changes(first.cursor, known(first))
        assert since.removed == (loser.remote_id,)
        assert [(record.remote_id, record.uid) for record in since.records] == [(survivor.remote_id, UID)]

    @pytest.mark.parametrize(
        ("code", "status", "reason"),
        [
            (400, "FAILED_PRECONDITION", True),
            (400, "FAILED_PRECONDITION", False),
            (400, "INVALID_ARGUMENT", True),
            (400, "INVALID_ARGUMENT", False),
            (410, "", False),
        ],
    )
    def test_a_token_that_is_too_old_says_so_in_every_spelling(
        self, google: GoogleWorld, code: int, status: str, *, reason: bool
    ) -> None:
        add(google)
        cursor = google.contacts().changes(None, {}).cursor
        google.google.clock.advance(timedelta(days=7, minutes=1))
        google.signed_in()
        said = google.google.unconfirmed
        said.expired_code, said.expired_status, said.expired_has_reason = code, status, reason
        with pytest.raises(CursorExpired):
            google.contacts().changes(cursor, {})

    @pytest.mark.parametrize("token", ["garbage", "sync.other.1.1"])
    def test_a_token_that_is_none_or_another_readers_is_one_that_is_too_old(
        self, google: GoogleWorld, token: str
    ) -> None:
        cursor = google.contacts().changes(None, {}).cursor
        assert cursor is not None
        for odd in (f"{cursor.split(' ')[0]} {token}", f"0123 {cursor.split(' ')[1]}"):
            with pytest.raises(CursorExpired):
                google.contacts().changes(Cursor(odd), {})

    def test_a_feed_that_gives_no_further_token_is_asked_again_from_where_it_was(self, google: GoogleWorld) -> None:
        add(google)
        first = google.contacts().changes(None, {})
        google.google.unconfirmed.delta_has_next_token = False
        assert google.contacts().changes(first.cursor, known(first)).cursor == first.cursor

    def test_access_that_runs_out_between_two_pages_is_renewed(self, google: GoogleWorld) -> None:
        for number in range(1001):
            add(google, f"Ada {number}")
        pages: list[str] = []

        def meddle(method: str) -> None:
            pages.append(method)
            google.google.clock.advance(timedelta(hours=2))

        google.google.meddle = meddle
        assert google.contacts().changes(None, {}).listed == 1001
        assert (len(pages), google.google.calls["token"]) == (2, 1)

    def test_full_lists_are_never_asked_for_in_a_loop(self, google: GoogleWorld) -> None:
        google.google.limits.full_syncs = 0
        with pytest.raises(TryLater):
            google.contacts().changes(None, {})
        assert google.google.calls["people.people.connections.list"] <= 15


class TestNames:
    """A contact is found whatever it is called."""

    @pytest.mark.parametrize("old_names_work", [True, False])
    def test_a_contact_behind_which_a_profile_turns_up_stays_the_same(
        self, google: GoogleWorld, *, old_names_work: bool
    ) -> None:
        remote_id = add(google)
        first = google.contacts().changes(None, {})
        google.book.old_names_work = old_names_work
        google.book.link_profile(remote_id, "1174242", names=[{"givenName": "Augusta"}])
        (record,) = google.contacts().changes(first.cursor, known(first)).records
        assert (record.remote_id, record.person.name) == (remote_id, "Ada")
        # Another process knows nothing but the etag.
        (outcome,) = google.contacts().update([an_update(record, {"title": "Poet"})])
        assert isinstance(outcome, Written)
        assert titles(google) == ["Poet"]
        (gone,) = google.contacts().delete([DeleteRecord(HOME, UID, remote_id, outcome.record.etag)])
        assert isinstance(gone, Deleted)
        again = google.contacts().changes(first.cursor, {remote_id: outcome.record.etag})
        assert again.removed == (remote_id,)


class TestMaking:
    """A contact is made once."""

    @pytest.mark.parametrize("what", [Silence.HANG_UP, Silence.CUT_OFF, answers.internal(), answers.unavailable()])
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_create_without_an_answer_is_sent_once(
        self, google: GoogleWorld, what: Answer | Silence, count: int
    ) -> None:
        method = "createContact" if count == 1 else "batchCreateContacts"
        google.google.fault(method, When.AFTER, what)
        contacts = google.contacts()
        intents = [a_create(f"Ada {number}", Uid(f"uid-{number}")) for number in range(count)]
        with pytest.raises(TryLater):
            list(contacts.create(intents))
        assert google.google.calls[f"people.people.{method}"] == 1
        outcomes = list(contacts.create(intents))
        assert [type(each) for each in outcomes] == [Written] * count
        assert len(google.book.living) == count

    def test_whoever_has_just_read_what_changed_makes_contacts_without_another_list(self, google: GoogleWorld) -> None:
        add(google)
        cursor = google.contacts().changes(None, {}).cursor
        google.calls()
        contacts = google.contacts()
        contacts.changes(cursor, {})
        assert isinstance(next(contacts.create([a_create()])), Written)
        assert google.calls() == {"connections.list": 1, "people.createContact": 1}

    def test_whoever_was_deleted_since_is_made_anew_in_the_same_process(self, google: GoogleWorld) -> None:
        contacts = google.contacts()
        (first,) = contacts.create([a_create()])
        assert isinstance(first, Written)
        google.book.remove(first.record.remote_id)
        (second,) = contacts.create([a_create()])
        assert isinstance(second, Written)
        assert second.record.remote_id != first.record.remote_id
        assert len(google.book.living) == 1

    def test_a_contact_that_is_another_notes_by_now_is_not_taken_for_ours(self, google: GoogleWorld) -> None:
        contacts = google.contacts()
        (first,) = contacts.create([a_create()])
        assert isinstance(first, Written)
        google.book.edit(first.record.remote_id, clientData=[{"key": "contactd.uid", "value": "another"}])
        (second,) = contacts.create([a_create()])
        assert isinstance(second, Written)
        assert (second.record.uid, len(google.book.living)) == (UID, 2)

    def test_an_account_that_is_full_says_so(self, google: GoogleWorld) -> None:
        full = answers.error(400, "MY_CONTACTS_OVERFLOW_COUNT", "FAILED_PRECONDITION")
        google.google.fault("createContact", When.BEFORE, full)
        (refused,) = google.contacts().create([a_create()])
        assert "holds no more contacts" in str(refused)


class TestWriting:
    """What is written is what was meant, and nothing else."""

    def test_contacts_with_different_masks_are_never_in_one_batch(self, google: GoogleWorld) -> None:
        ids = [add(google, f"Ada {number}") for number in range(4)]
        changes = google.contacts().changes(None, {})
        records = {record.remote_id: record for record in changes.records}
        fields: list[FieldName] = ["title", "nickname", "title", "nickname"]
        google.calls()
        outcomes = list(
            google.contacts().update(
                [an_update(records[each], {field: "X"}) for each, field in zip(ids, fields, strict=True)]
            )
        )
        assert [type(outcome) for outcome in outcomes] == [Written] * 4
        assert [each.entries["names"][0]["givenName"] for each in google.book.living] == [
            "Ada 0",
            "Ada 1",
            "Ada 2",
            "Ada 3",
        ]
        assert titles(google) == ["X", "Analyst", "X", "Analyst"]
        assert google.calls() == {"people.getBatchGet": 1, "people.batchUpdateContacts": 2}

    def test_an_etag_of_before_is_told_without_being_sent(self, google: GoogleWorld) -> None:
        remote_id = add(google)
        (record,) = google.contacts().changes(None, {}).records
        retitle(google, remote_id, "Countess")
        google.calls()
        (outcome,) = google.contacts().update([an_update(record, {"title": "Poet"})])
        assert isinstance(outcome, PreconditionFailed)
        assert google.calls() == {"people.getBatchGet": 1}

    def test_a_contact_that_goes_between_a_look_and_its_deletion_is_deleted_all_the_same(
        self, google: GoogleWorld
    ) -> None:
        ids = [add(google, f"Ada {number}") for number in range(3)]
        records = google.contacts().changes(None, {}).records
        google.google.meddle = lambda method: (
            google.book.remove(ids[1]) if method.endswith("batchDeleteContacts") else None
        )
        outcomes = list(google.contacts().delete([DeleteRecord(HOME, UID, one.remote_id, one.etag) for one in records]))
        assert [type(outcome) for outcome in outcomes] == [Deleted, Deleted, Deleted]
        assert google.book.living == []

    def test_labels_are_made_given_and_taken_and_other_groups_stay(self, google: GoogleWorld) -> None:
        rowers = google.book.add_group("Rowers")
        groups = ("contactGroups/myContacts", "contactGroups/starred", rowers)
        remote_id = RemoteId(
            google.book.add(
                names=[{"givenName": "Ada"}],
                memberships=[{"contactGroupMembership": {"contactGroupResourceName": each}} for each in groups],
            )
        )
        (record,) = google.contacts().changes(None, {}).records
        assert record.person.tags == ("Rowers",)
        (outcome,) = google.contacts().update([an_update(record, {"tags": ("poets",), "title": "Poet"})])
        assert isinstance(outcome, Written)
        assert (outcome.record.person.tags, outcome.record.person.title) == (("poets",), "Poet")
        (fresh,) = google.contacts().read([remote_id])
        assert isinstance(fresh, Record)
        assert fresh == outcome.record
        held = {
            each["contactGroupMembership"]["contactGroupResourceName"]
            for each in google.book.contacts[remote_id].entries["memberships"]
        }
        assert held >= {"contactGroups/myContacts", "contactGroups/starred"}
        assert len(held) == 3

    def test_a_contact_is_put_among_all_contacts_before_its_last_label_goes(self, google: GoogleWorld) -> None:
        rowers = google.book.add_group("Rowers")
        google.book.add(
            names=[{"givenName": "Ada"}],
            memberships=[{"contactGroupMembership": {"contactGroupResourceName": rowers}}],
        )
        (record,) = google.contacts().changes(None, {}).records
        (outcome,) = google.contacts().update([an_update(record, {"tags": ()})])
        assert isinstance(outcome, Written)
        assert outcome.record.person.tags == ()


@pytest.mark.parametrize("create_takes_groups", [True, False])
def test_a_contact_that_is_made_anew_is_in_its_groups_again_but_for_those_that_are_gone(
    google: GoogleWorld, *, create_takes_groups: bool
) -> None:
    google.google.unconfirmed.create_takes_groups = create_takes_groups
    rowers, gone = google.book.add_group("Rowers"), google.book.add_group("Gone")
    groups = ("contactGroups/starred", rowers, gone)
    memberships = [{"contactGroupMembership": {"contactGroupResourceName": each}} for each in groups]
    google.book.add(
        names=[{"givenName": "Ada"}], memberships=memberships, clientData=[{"key": "contactd.uid", "value": UID}]
    )
    (record,) = google.contacts().changes(None, {}).records
    (deleted,) = google.contacts().delete([DeleteRecord(HOME, UID, record.remote_id, record.etag)])
    assert isinstance(deleted, Deleted)
    del google.book.groups[gone]
    intent = RestoreRecord(HOME, UID, record.remote_id, None, deleted.before, None, Agreed(HOME, {}))
    (made,) = google.contacts().restore([intent])
    assert isinstance(made, Written)
    assert made.record.person.tags == ("Rowers",)
    (contact,) = google.book.living
    held = {each["contactGroupMembership"]["contactGroupResourceName"] for each in contact.entries["memberships"]}
    assert held == {"contactGroups/starred", rowers}
    assert google.google.violations == []


class TestQuotas:
    """Google's kinds of "no" are told apart."""

    def test_a_minutes_quota_is_waited_out_as_long_as_google_says(self, google: GoogleWorld) -> None:
        google.google.fault("connections.list", When.BEFORE, answers.minute_quota(**{"Retry-After": "7"}), 2)
        google.contacts().changes(None, {})
        assert google.waits == [7.0, 7.0]

    def test_a_minutes_quota_without_a_word_is_waited_out_in_growing_drawn_pauses(self, google: GoogleWorld) -> None:
        google.google.fault("createContact", When.BEFORE, answers.minute_quota("write"), 4)
        assert isinstance(next(google.contacts().create([a_create()])), Written)
        assert len(google.waits) == 4
        assert 0 < google.waits[0] < google.waits[-1] <= 45
        assert sum(google.waits) > 40

    def test_a_quota_that_does_not_come_back_is_given_up_within_bounds(self, google: GoogleWorld) -> None:
        google.google.limits.reads_per_minute = 0
        with pytest.raises(TryLater) as refused:
            google.contacts().changes(None, {})
        assert refused.value.retry_after_s is not None
        assert sum(google.google.calls.values()) <= 15

    @pytest.mark.parametrize(
        ("answer", "retry_after_s", "told"),
        [
            (answers.long_quota(), LONG_S, "within hours"),
            (answers.minute_quota(**{"Retry-After": "900"}), 900.0, "minute's quota"),
            (answers.api_disabled(), 3600.0, "not enabled in the project of the OAuth client"),
        ],
    )
    def test_what_lasts_longer_is_not_asked_for_again_now(
        self, google: GoogleWorld, answer: Answer, retry_after_s: float, told: str
    ) -> None:
        google.google.fault("connections.list", When.BEFORE, answer)
        with pytest.raises(TryLater, match=told) as later:
            google.contacts().changes(None, {})
        assert later.value.retry_after_s == retry_after_s
        assert google.google.calls["people.people.connections.list"] == 1

    def test_a_scope_that_is_missing_asks_for_a_new_sign_in(self, google: GoogleWorld) -> None:
        google.google.fault("connections.list", When.BEFORE, answers.scope_missing())
        with pytest.raises(SignInNeeded, match="contactd auth home"):
            google.contacts().changes(None, {})


class TestGrants:
    """The grant lasts, or it is said why it does not."""

    def test_tokens_that_are_replaced_at_each_renewal_serve_two_connectors(self, google: GoogleWorld) -> None:
        google.google.tokens.rotates = True
        first, second = google.contacts(), google.contacts()
        for _ in range(3):
            google.google.clock.advance(timedelta(hours=2))
            for contacts in (first, second):
                assert contacts.changes(None, {}).listed == 0
        assert google.google.calls["token"] == 3
        assert google_grant.read_grant(google.tokens, HOME).refresh_token in google.google.tokens.refresh

    @pytest.mark.parametrize("what", [Silence.HANG_UP, answers.internal(), answers.unavailable(), Silence.NO_JSON])
    def test_a_sign_in_server_that_fails_says_nothing_of_the_grant(
        self, google: GoogleWorld, what: Answer | Silence
    ) -> None:
        kept = google_grant.read_grant(google.tokens, HOME)
        google.google.clock.advance(timedelta(hours=2))
        google.google.fault("token", When.BEFORE, what, 30)
        with pytest.raises(TryLater):
            google.contacts().changes(None, {})
        assert google_grant.read_grant(google.tokens, HOME) == kept
        google.google.faults.clear()
        assert google.contacts().changes(None, {}).listed == 0

    @pytest.mark.parametrize(
        ("age_days", "ends_days", "told"),
        [
            (3, 0, "probably the consent screen is in Testing"),
            (200, 0, "access was taken away"),
            (8, 7, "as Google had"),
        ],
    )
    def test_a_grant_that_is_no_longer_taken_says_why_that_may_be(
        self, google: GoogleWorld, age_days: int, ends_days: int, told: str
    ) -> None:
        grant, day = google_grant.read_grant(google.tokens, HOME), 24 * 3600
        begun = grant.signed_in_at_s - age_days * day
        ends = begun + ends_days * day if ends_days else 0.0
        google_grant.write_grant(google.tokens, HOME, replace(grant, signed_in_at_s=begun, ends_at_s=ends))
        google.google.clock.advance(timedelta(hours=2))
        google.google.tokens.revoked.add(ME)
        with pytest.raises(SignInNeeded, match=told):
            google.contacts().changes(None, {})
        assert google.google.calls["token"] == 1

    def test_a_new_sign_in_is_used_by_a_connector_that_has_been_running(self, google: GoogleWorld) -> None:
        contacts = google.contacts()
        contacts.changes(None, {})
        google.google.tokens.revoked.add(ME)
        with pytest.raises(SignInNeeded):
            contacts.changes(None, {})
        google.google.tokens.revoked.clear()
        google.google.tokens.access.clear()
        google.google.tokens.refresh.clear()
        google.signed_in()
        assert contacts.changes(None, {}).listed == 0

    def test_a_grant_that_does_not_fit_what_is_configured_is_told_without_asking(self, google: GoogleWorld) -> None:
        grant = google_grant.read_grant(google.tokens, HOME)
        for other, told in (
            (replace(grant, scopes=()), "does not cover contacts"),
            (replace(grant, client_id="x"), "another OAuth client"),
        ):
            google_grant.write_grant(google.tokens, HOME, other)
            with pytest.raises(SignInNeeded, match=told):
                google.contacts().changes(None, {})
        google.tokens.write(HOME, "{")
        with pytest.raises(SignInNeeded, match="cannot be read"):
            google.contacts().changes(None, {})
        assert sum(google.google.calls.values()) == 0


def test_what_is_gone_under_every_name_is_gone(google: GoogleWorld) -> None:
    assert [type(each) for each in google.contacts().read([RemoteId("abc123")])] == [Gone]


class TestShapes:
    """An answer that is not what is documented says nothing of any contact."""

    @pytest.mark.parametrize(
        "body",
        [
            {"connections": "none"},
            {"connections": ["Ada"]},
            {"connections": [{"resourceName": "people/c1", "etag": "x"}]},
            {"connections": [{"resourceName": "people/c1", "metadata": {"sources": [{"type": "CONTACT"}]}}]},
            {"nextPageToken": 7},
        ],
    )
    def test_a_list_of_another_shape_is_not_understood(self, google: GoogleWorld, body: dict[str, object]) -> None:
        add(google)
        everything = known(google.contacts().changes(None, {}))
        google.google.fault("connections.list", When.BEFORE, Answer(200, body))
        with pytest.raises(Misunderstood):
            google.contacts().changes(None, everything)

    def test_pages_without_an_end_are_not_read_for_ever(self, google: GoogleWorld) -> None:
        google.google.fault("connections.list", When.BEFORE, Answer(200, {"nextPageToken": "again"}), 1000)
        with pytest.raises(Misunderstood, match="without an end"):
            google.contacts().changes(None, {})

    @pytest.mark.parametrize(
        "body",
        [
            {"responses": []},
            {"responses": [{"requestedResourceName": "people/c28772997619311"}]},
            {"responses": [{"requestedResourceName": "people/c28772997619311", "person": {"etag": "x"}}]},
            {},
        ],
    )
    def test_a_look_that_says_nothing_of_a_contact_does_not_make_it_gone(
        self, google: GoogleWorld, body: dict[str, object]
    ) -> None:
        remote_id = add(google)
        assert usual_name(remote_id) == "people/c28772997619311"
        first = google.contacts().changes(None, {})
        google.book.hidden.add(remote_id)
        google.google.fault("getBatchGet", When.BEFORE, Answer(200, body), 9)
        with pytest.raises((TryLater, Misunderstood)):
            google.contacts().changes(None, known(first))

    def test_a_page_that_is_nobodys_is_no_word_on_a_contact(self, google: GoogleWorld) -> None:
        """As a proxy answers, or an address that is wrong: 404, and no JSON."""
        add(google)
        (record,) = google.contacts().changes(None, {}).records
        google.google.fault("updateContact", When.BEFORE, answers.no_such_page())
        (outcome,) = google.contacts().update([an_update(record, {"title": "Poet"})])
        assert isinstance(outcome, Refused)

    def test_a_contact_that_went_and_left_its_profile_is_gone(self, google: GoogleWorld) -> None:
        remote_id = add(google)
        first = google.contacts().changes(None, {})
        google.book.remove(remote_id)
        left = {"resourceName": "people/c28772997619311", "etag": "x", "metadata": {"objectType": "PERSON"}}
        response = {"requestedResourceName": "people/c28772997619311", "httpStatusCode": 200, "person": left}
        google.google.fault("getBatchGet", When.BEFORE, Answer(200, {"responses": [response]}))
        assert google.contacts().changes(first.cursor, known(first)).removed == (remote_id,)
