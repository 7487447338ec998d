"""Google's calendars where Google is odd: pages, kinds, what others hide, limits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.calendar_interface import EventSet, Known
from connectors.errors import Misunderstood, SignInNeeded, TryLater
from connectors.google_answers import LONG_S
from emulators.google import answers
from emulators.google.answers import Answer
from emulators.google.diary import Diaries
from emulators.google.world import Silence, When
from google_worlds import ME, GoogleWorld
from mappings.event import Kind, Window

MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)


@pytest.fixture
def diaries(google: GoogleWorld) -> Diaries:
    return google.google.account(ME).diaries


def at(day: int) -> dict[str, Any]:
    start, end = (datetime(2026, 5, day, hour, tzinfo=UTC).isoformat() for hour in (9, 10))
    return {"start": {"dateTime": start}, "end": {"dateTime": end}}


def read(google: GoogleWorld, name: str = "primary") -> EventSet:
    assert google.google.violations == []
    return google.calendar(name).events(MAY)


def test_pages_that_are_short_or_empty_are_read_on(google: GoogleWorld, diaries: Diaries) -> None:
    for day in range(1, 8):
        diaries.add(at(day))
    diaries.page_size_max, diaries.empty_pages = 3, 1
    assert len(read(google).events) == 7
    assert google.calls() == {"events.list": 4}


def test_a_year_of_meetings_is_one_request(google: GoogleWorld, diaries: Diaries) -> None:
    for number in range(1200):
        diaries.add(at(1 + number % 28))
    assert len(read(google).events) == 1200
    assert google.calls() == {"events.list": 1}


def test_every_kind_of_entry_is_told_apart(google: GoogleWorld, diaries: Diaries) -> None:
    diaries.add(at(1))
    birthday = {"type": "birthday", "contact": "people/c1"}
    diaries.add({**at(2), "eventType": "birthday", "birthdayProperties": birthday, "summary": "Ada"})
    diaries.add({**at(3), "eventType": "workingLocation", "workingLocationProperties": {"type": "homeOffice"}})
    assert [event.kind for event in read(google).events] == [Kind.ORDINARY, Kind.BIRTHDAY, Kind.WORKING_LOCATION]


def test_instances_of_a_series_are_one_meeting_at_several_times(google: GoogleWorld, diaries: Diaries) -> None:
    for day in (4, 11):
        instance = {**at(day), "iCalUID": "tea@google.com", "recurringEventId": "tea", "id": f"tea_{day}"}
        diaries.add({**instance, "originalStartTime": at(4 if day == 4 else 12)["start"]})
    assert [(event.uid, event.occurrence) for event in read(google).events] == [
        ("tea@google.com", "2026-05-04T09:00:00Z"),
        ("tea@google.com", "2026-05-12T09:00:00Z"),
    ]


def test_what_is_left_of_a_cancelled_event_is_nothing(google: GoogleWorld, diaries: Diaries) -> None:
    diaries.cancel(diaries.add(at(1)))
    found = read(google)
    assert (found.events, found.unreadable, found.complete) == ((), (), True)


def test_a_calendar_of_which_only_the_times_may_be_seen(google: GoogleWorld, diaries: Diaries) -> None:
    diaries.access_role = "freeBusyReader"
    diaries.add({**at(1), "visibility": "private", "iCalUID": ""})
    (event,) = read(google).events
    assert (event.title, event.attendees, event.is_private) == ("", (), True)
    assert str(event.uid) == str(event.source)


def test_calendars_are_found_by_ids_with_signs_in_them(google: GoogleWorld, diaries: Diaries) -> None:
    name = "en.uk#holiday@group.v.calendar.google.com"
    diaries.calendars[name] = {}
    diaries.add(at(1), name)
    assert len(read(google, name).events) == 1


def test_a_calendar_that_is_not_there_is_told_with_the_way_to_its_id(google: GoogleWorld) -> None:
    with pytest.raises(TryLater, match=r"no such calendar.*accounts\.home\.calendars"):
        read(google, "nobody@example.test")


def test_what_is_known_in_the_same_version_is_not_sent_on(google: GoogleWorld, diaries: Diaries) -> None:
    kept, changed = diaries.add(at(1)), diaries.add(at(2))
    before = read(google)
    diaries.change(changed, {"summary": "Cake"})
    after = google.calendar().events(MAY, Known(before.etags, before.cursor))
    assert (set(map(str, after.unchanged)), [event.title for event in after.events]) == ({kept}, ["Cake"])


@pytest.mark.parametrize("code", [403, 429])
@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_a_minutes_quota_is_waited_out_whatever_it_is_called(google: GoogleWorld, code: int, reason: str) -> None:
    google.google.fault("events.list", When.BEFORE, answers.calendar_rate_limit(code, reason), 2)
    assert read(google).complete
    assert len(google.waits) == 2


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (answers.calendar_rate_limit(403, "quotaExceeded"), TryLater, "within hours"),
        (answers.calendar_error(403, "accessNotConfigured", "Access Not Configured", "usageLimits"), TryLater, "not enabled"),
        (answers.calendar_error(403, "insufficientPermissions", "Insufficient Permission", "global"), SignInNeeded, "auth home"),
        (answers.calendar_error(400, "badRequest", "Bad Request", "global"), Misunderstood, "400"),
        (answers.calendar_gone(), Misunderstood, "410"),
        (Answer(200, {"items": "none"}), Misunderstood, "items"),
    ],
)  # fmt: skip
def test_other_refusals_are_what_they_are(
    google: GoogleWorld, answer: Answer, error: type[Exception], told: str
) -> None:
    google.google.fault("events.list", When.BEFORE, answer, 9)
    with pytest.raises(error, match=told) as refused:
        read(google)
    if "within hours" in str(refused.value):
        assert getattr(refused.value, "retry_after_s", None) == LONG_S
    assert google.google.calls["calendar.events.list"] == 1


@pytest.mark.parametrize("what", [Silence.HANG_UP, Silence.CUT_OFF, Silence.NO_JSON, answers.internal()])
def test_a_read_that_fails_is_repeated_a_few_times_and_never_half_taken(
    google: GoogleWorld, diaries: Diaries, what: Answer | Silence
) -> None:
    diaries.add(at(1))
    google.google.fault("events.list", When.AFTER, what, 2)
    assert len(read(google).events) == 1
    google.google.fault("events.list", When.AFTER, what, 9)
    with pytest.raises(TryLater):
        read(google)
    assert google.google.calls["calendar.events.list"] == 6
