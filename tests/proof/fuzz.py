"""Hostile input for every parser and lens, for a bounded time: `python -m proof.fuzz --seconds 120`.

One half of the time each input is a mutation of something well-formed, drawn from a seed; for the other half
`proof.guided` looks for inputs that reach what none has reached before. What may happen is what the parser documents: it
returns, or it raises the errors that are named for it. Anything else fails, and so does an input that takes longer than a
second of processor time, or more memory than there is any reason for. A note that is read is also put back: unchanged it
must come out to the byte.
"""

import argparse
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import cast
from uuid import UUID

from connectors.errors import Misunderstood, TryLater
from connectors.http import Answer
from connectors.multistatus import conditions, parse
from daemon import config, saved_plan
from daemon.errors import ConfigError, DaemonError
from mappings import google_calendar, google_people, graph_contacts, graph_events, note, review_note, vcard, vevent
from mappings.errors import MappingError, UnreadableRecord
from mappings.event import CalendarName, Window
from mappings.graph_json import JsonObject
from mappings.json_object import parsed
from mappings.note_rules import NoteRules
from mappings.person import Uid
from mappings.profiles import PROFILES
from mappings.record import AccountName, NotePath, RemoteId
from proof.histories import say

SLOW_S = 1.0
HANGS_S = 20.0
MEMORY_BYTES_MAX = 2 << 30

_CARDS_AT_MOST = 20
"""Of one text: how many a file holds is no fault of the lens."""

_HOME, _CALENDAR = AccountName("home"), CalendarName("main")
_WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC), UTC)
_RULES = tuple(NoteRules(profile, ("People/**",), "uid", ()) for profile in PROFILES.values())
_VAULT = UUID("00000000-0000-4000-8000-000000000001")
_ALARM = "no answer"

_TOKENS: Sequence[bytes] = (
    b"\0", b"\r", b"\n", b"\r\n", b"---\n", b"...\n", b": ", b"- ", b"&a ", b"*a", b"<<: ", b"!!x ", b"[" * 500, b"{" * 500,
    b'"', b"'", b"\\", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"<%", b"1e999", b"-1", b"9" * 5000,
    b"null", b"true", b"[]", b"{}", b"[[[]]]", b"BEGIN:VCARD\r\n", b"END:VCARD\r\n", b";", b",", b"=", b"=0A", b"^n",
    b"RRULE:FREQ=SECONDLY\r\n", b"RRULE:FREQ=DAILY;COUNT=999999999\r\n", b"TZID=Nowhere", b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;", b"<a>" * 300, b"\\u0000", b"\\ud800", b"99999-99-99", b"0000-00-00", b"+", b"#", b"|\n ", b">-\n ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One parser, the errors that it may raise, and what it is fed with at first."""

    name: str
    feed: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: Sequence[bytes]


def _notes(content: bytes) -> None:
    text = note.decode(content)
    for rules in _RULES:
        found = note.read(NotePath("People/Ada.md"), text, rules)
        if found is None:
            continue
        if note.put(NotePath("People/Ada.md"), text, {}, None, rules) != text:
            raise AssertionError("a note that nothing was changed of came out otherwise")
        try:
            note.put(NotePath("People/Ada.md"), text, {"title": "Lead", "phones": ("+49 30 1",)}, Uid("u-1"), rules)
        except MappingError:
            continue


def _card(content: bytes) -> None:
    text = vcard.decode(content)
    for card in vcard.cards(text)[:_CARDS_AT_MOST]:
        reading = vcard.get(card)
        if vcard.put(card, {}, None) != card:
            raise AssertionError("a card that nothing was changed of came out otherwise")
        written = vcard.put(card, {"title": "Lead"}, Uid("u-1"))
        if "title" not in reading.held and vcard.get(written).person.title != "Lead":
            raise AssertionError("a card does not say what was put into it")


def _calendar(content: bytes) -> None:
    origin = vevent.Origin(_HOME, _CALENDAR, RemoteId("x"))
    vevent.events_in(vevent.parse(vevent.decode(content)), _WINDOW, origin)


def _google(content: bytes) -> None:
    contact = parsed(content.decode(errors="replace"))
    google_people.get(contact, {})
    google_people.put(contact, {"title": "Lead"}, Uid("u-1"))


def _google_event(content: bytes) -> None:
    google_calendar.event_of(parsed(content.decode(errors="replace")), _HOME, _CALENDAR)


def _document(content: bytes) -> JsonObject:
    """Return an item of an answer, as the client hands it on: it is sure to be JSON, and an object."""
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnreadableRecord(None, "no object")
    return cast("JsonObject", found)  # what JSON can hold


def _graph(content: bytes) -> None:
    contact = graph_contacts.contact(_document(content))
    graph_contacts.get(contact)
    graph_contacts.put(contact, {"title": "Lead"}, Uid("u-1"), marked_line=False)


def _graph_event(content: bytes) -> None:
    graph_events.event(_document(content), _HOME, _CALENDAR)


def _multistatus(content: bytes) -> None:
    conditions(content)
    parse(Answer("https://dav.test/home/", 207, {}, content))


def _review(content: bytes) -> None:
    text = content.decode(errors="replace")
    review_note.ticked(text)
    review_note.rendered(text, ())


def _file(read: Callable[[Path], object], folder: Path) -> Callable[[bytes], None]:
    def feed(content: bytes) -> None:
        path = folder / "file"
        path.write_bytes(content)
        read(path)

    return feed


def targets(folder: Path) -> tuple[Target, ...]:
    """Return everything that reads what others wrote; `folder` is for those that read files."""
    root = Path(__file__).parents[2]
    example = (root / "config.example.toml").read_bytes()
    return (
        Target("notes", _notes, (MappingError,), _NOTES),
        Target("vCard", _card, (MappingError,), _CARDS),
        Target(
            "iCalendar",
            _calendar,
            (MappingError,),
            [path.read_bytes() for path in sorted((root / "tests" / "sample_calendar").glob("*.ics"))],
        ),
        Target("Google contact", _google, (MappingError,), [_GOOGLE]),
        Target("Google event", _google_event, (MappingError,), [_GOOGLE_EVENT]),
        Target("Graph contact", _graph, (MappingError,), [_GRAPH]),
        Target("Graph event", _graph_event, (MappingError,), [_GRAPH_EVENT]),
        Target("multistatus", _multistatus, (TryLater, Misunderstood), [_XML]),
        Target("configuration", _file(config.load, folder), (ConfigError,), [example]),
        Target(
            "saved plan",
            _file(lambda path: saved_plan.read(path, _VAULT), folder),
            (DaemonError,),
            [_PLAN, b"{}", b"[]"],
        ),
        Target("review note", _review, (), [b"# Questions\n\n- [x] keep <!-- contactd 12ab -->\n- [ ] other\n"]),
    )


_NOTES = (
    b'---\ntype: person\nuid: u-0\nname: Ada\nphone: "+49 30 1234"\nemails:\n  - a@x.test\n  - b@x.test\ntags: [person, x]\n---\n\n# Ada\n\n**Role**: Lead (of two)\n- **Email:** a@x.test\n',
    b"\xef\xbb\xbf---\r\nname: 'Ada'\r\ncompany: >-\r\n  North\r\n  light\r\nx: &a [1, 2]\r\ny: *a\r\n---\r\ntext\r\n",
    b'{"name": "Ada", "x": [1, {"y": null}]}\n',
)
_CARDS = (
    (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Q\r\nN:Q;Ada;;;\r\nEMAIL;TYPE=work:a@x.test\r\nTEL:+49 30 1\r\nORG:North;Team\r\n"
        b"TITLE:Boss\r\nBDAY:--0412\r\nitem1.URL:https://x.test\r\nitem1.X-ABLabel:site\r\nNOTE:a\\nb\r\nX-CONTACTD-UID:u-0\r\nEND:VCARD\r\n"
    ),
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=84;x\r\nTEL;HOME:1\r\nEND:VCARD\r\n",
    b'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nADR;LABEL="a^nb":;;s;c;;1;D\r\nBDAY:19850412T\r\nEND:VCARD\r\n',
)
_GOOGLE = b'{"resourceName": "people/c1", "etag": "x", "names": [{"metadata": {"primary": true, "source": {"type": "CONTACT"}}, "displayName": "Ada Q", "givenName": "Ada", "familyName": "Q"}], "emailAddresses": [{"value": "a@x.test"}], "phoneNumbers": [{"value": "+49 30 1"}], "organizations": [{"name": "North", "title": "Boss"}], "birthdays": [{"date": {"month": 4, "day": 12}}], "clientData": [{"key": "contactd", "value": "u-0"}], "urls": [{"value": "https://x.test"}]}'
_GOOGLE_EVENT = b'{"id": "e1", "status": "confirmed", "summary": "x", "start": {"dateTime": "2026-03-01T10:00:00+01:00", "timeZone": "Europe/Berlin"}, "end": {"dateTime": "2026-03-01T11:00:00+01:00"}, "attendees": [{"email": "a@x.test", "responseStatus": "accepted"}], "organizer": {"email": "b@x.test"}, "iCalUID": "u@x"}'
_GRAPH = b'{"id": "c1", "changeKey": "k", "@odata.etag": "W/1", "displayName": "Ada Q", "givenName": "Ada", "surname": "Q", "emailAddresses": [{"name": "Ada", "address": "a@x.test"}], "businessPhones": ["+49 30 1"], "mobilePhone": "", "companyName": "North", "jobTitle": "Boss", "birthday": "1985-04-12T11:59:00Z", "categories": [], "personalNotes": "", "singleValueExtendedProperties": [{"id": "String x", "value": "u-0"}]}'
_GRAPH_EVENT = b'{"id": "e1", "iCalUId": "u", "subject": "x", "isAllDay": false, "isCancelled": false, "type": "singleInstance", "showAs": "busy", "start": {"dateTime": "2026-03-01T10:00:00.0000000", "timeZone": "UTC"}, "end": {"dateTime": "2026-03-01T11:00:00.0000000", "timeZone": "UTC"}, "attendees": [{"emailAddress": {"address": "a@x.test"}, "status": {"response": "accepted"}, "type": "required"}], "organizer": {"emailAddress": {"address": "b@x.test"}}, "responseStatus": {"response": "organizer"}}'
_XML = b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/home/a.vcf</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response><d:sync-token>x</d:sync-token></d:multistatus>'
_PLAN = b'{"format": 1, "vault": "00000000-0000-4000-8000-000000000001", "at": "2026-03-01T10:00:00Z", "people": []}'


def mutated(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of the seeds, spoiled in a few places."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(6):
            case 0:
                content[at:at] = rng.choice(_TOKENS)
            case 1:
                del content[at : at + rng.choice((1, 1, 5, 40))]
            case 2:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                end = at + rng.randrange(1, 60)
                content[at:at] = content[at:end] * rng.choice((1, 2, 30))
            case 4:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                content[at:at] = other[start : start + rng.randrange(1, 80)]
            case _:
                del content[at:]
    return bytes(content)


def bombs(target: Target) -> Iterator[bytes]:
    """Yield what is small, or as large as may be, and unfolds, nests or repeats without end."""
    laughs = b"a: &a [x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 107)
    )
    yield b"---\ntype: person\n" + laughs + b"---\n"
    yield b"---\nx: " + b"[" * 100_000 + b"\n---\n"
    yield b"---\na: &a {b: 1}\n" + b"c: {<<: [*a, *a]}\n" * 2000 + b"---\n"
    yield b"---\n" + b"".join(b"k%d: v\n" % n for n in range(50_000)) + b"---\n"
    yield b"---\n" + b"# comment\n" * 500_000 + b"---\n"
    yield b"[" * 200_000
    yield b'{"a":' * 100_000
    yield b"<a>" * 200_000
    yield (
        b'<!DOCTYPE l [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n, n - 1, n - 1) for n in range(1, 30))
        + b"]><l>&a29;</l>"
    )
    for seed in target.seeds:
        yield seed * (1_000_000 // max(1, len(seed)))


def main() -> int:
    """Feed every target its share of the time."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--first", type=int, default=1, help="the seed to begin at")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    signal.signal(signal.SIGALRM, _hangs)
    total = guided = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        chosen = [one for one in targets(Path(folder)) if asked.only in one.name]
        share_s = asked.seconds / len(chosen) / 2
        for target in chosen:
            # On its own: the program that is guided has counters in it, and is slower.
            ran = _guided(target, share_s, asked.first, Path(folder))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, -1))
            fed, failed = _feed(target, asked.first, share_s)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            total, guided, failures = total + fed, guided + ran, failures + failed + (ran == 0)
    words = f"{total} inputs at random and {guided} guided ones to {len(chosen)} parsers and lenses"
    say(f"{words} in {asked.seconds:.0f} s; {failures} failed")
    return 1 if failures else 0


def _guided(target: Target, seconds: float, first: int, folder: Path) -> int:
    """Return how many inputs were tried under guidance, 0 if one of them failed."""
    inputs = folder / f"inputs of {target.name}"
    inputs.mkdir()
    for number, seed in enumerate(target.seeds):
        (inputs / str(number)).write_bytes(seed)
    command = [sys.executable, "-m", "proof.guided", target.name, str(round(seconds)), str(first), str(inputs)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    done = re.search(r"^Done (\d+) runs", ran.stderr, re.MULTILINE)
    reached = re.findall(r" cov: (\d+)", ran.stderr)
    if ran.returncode != 0 or done is None:
        say(f"{target.name}: a guided input failed", ran.stdout[-2000:], ran.stderr[-2000:])
        return 0
    say(f"{target.name}: {done[1]} guided inputs; {reached[0]} places reached at first, {reached[-1]} at last")
    return int(done[1])


def _feed(target: Target, first: int, seconds: float) -> tuple[int, int]:
    fed = failed = 0
    kinds: set[str] = set()
    ends = time.monotonic() + seconds
    for fed, (name, content) in enumerate(_inputs(target, first), start=1):  # noqa: B007  # counted to the end
        what = fault(target, content)
        if what and what not in kinds:
            kinds.add(what)
            failed += 1
            say(f"{target.name}: {name}: {what}; {content[:200]!r}")
        if time.monotonic() > ends:
            break
    say(f"{target.name}: {fed} inputs, {failed} kinds of failure")
    return fed, failed


def _inputs(target: Target, first: int) -> Iterator[tuple[str, bytes]]:
    for number, bomb in enumerate(bombs(target)):
        yield f"bomb {number}", bomb
    seed = first
    while True:
        yield f"seed {seed}", mutated(Random(seed), target.seeds)  # noqa: S311  # nobody is to be kept from guessing
        seed += 1


def fault(target: Target, content: bytes) -> str:
    """Return what went wrong, "" if nothing did."""
    began = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    try:
        target.feed(content)
    except target.errors:
        pass
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        where = f"{at.tb_frame.f_code.co_qualname}:{at.tb_lineno}" if at is not None else ""
        return f"{type(error).__name__} in {where}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    took = time.process_time() - began
    return "takes more than a second" if took > SLOW_S else ""


def _hangs(signum: int, frame: object) -> None:
    del signum, frame
    raise TimeoutError(_ALARM)


if __name__ == "__main__":
    sys.exit(main())
