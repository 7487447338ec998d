"""The note lens: a note's text to what it says of one person, and changed values back into the text.

`put` proves each edit before anybody gets it: the changed text is read again by both readers, the field must
say what was wanted, and every other field, key and held reason must be as before. Whatever cannot be proved
is refused, for the one field where that is possible; a refused note is held, never broken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mappings import fields, frontmatter, frontmatter_edit, normalize, profile_lines, recent_context, signs
from mappings.errors import EditRefused, UnreadableNote
from mappings.frontmatter import Block, Fences, Heard, Scalar, Style
from mappings.frontmatter_edit import NewText
from mappings.note_edit import Edit, edit_field
from mappings.note_fields import NOTHING, Found, find_fields
from mappings.note_rules import NoteRules
from mappings.person import FieldName, Person, Uid, Value
from mappings.profiles import Profile, is_excluded_path
from mappings.record import NotePath, Reading
from mappings.yaml_scalar import forbidden_character

NOTE_BYTES_MAX = 4 * 1024 * 1024
VALUE_CHARACTERS_MAX = 1_000

_ADDRESS_IN_NAME = re.compile(r"[^\s@]@[^\s@]")

_NAME_PARTS: frozenset[FieldName] = frozenset({"given_name", "family_name"})


@dataclass(frozen=True, slots=True)
class NoteReading:
    """What a note says.

    `holdable` are the fields for which the note has a place or its profile makes one; `dated` the derived ones of
    which it has the key already. `context_date` is the newest date of its list "Recent Context", "" for none.
    `unwritable` is the reason why nothing may be written into it, "" if it may.
    """

    reading: Reading
    holdable: frozenset[FieldName]
    dated: frozenset[FieldName]
    context_date: str
    unwritable: str


class FieldRefused(EditRefused):
    """One field's wanted value cannot be written without doubt: hold it, the note's other fields go on."""

    def __init__(self, field: FieldName, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class _Note:
    """A person's note, taken apart. `own_name` says whether the name stands in it, rather than its parts."""

    path: NotePath
    text: str
    rules: NoteRules
    block: Block | None
    found: Mapping[FieldName, Found]
    own_name: bool
    reading: NoteReading

    @property
    def person(self) -> Person:
        return self.reading.reading.person

    @property
    def held(self) -> Mapping[FieldName, str]:
        return self.reading.reading.held


def decode(raw: bytes) -> str:
    """Return a note's bytes as text, line endings and byte order mark as they are.

    Errors: `UnreadableNote` if it is not UTF-8, or larger than a note can be.
    """
    if len(raw) > NOTE_BYTES_MAX:
        raise UnreadableNote(None, f"larger than {NOTE_BYTES_MAX // 1024 // 1024} MiB")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableNote(raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from error


def read(path: NotePath, text: str, rules: NoteRules) -> NoteReading | None:
    """Return what a person's note says, None for a note that is not a person's.

    Errors: `UnreadableNote` for one that may be a person's and cannot be read.
    """
    note = _open(path, text, rules)
    return None if note is None else note.reading


def addresses(text: str, rules: NoteRules) -> tuple[str, ...]:
    """Return the addresses of a note that is nobody's, be it kept out: somebody may have meant it to be a person's.

    Errors: none; what cannot be read is nobody's.
    """
    try:
        fences = frontmatter.find_fences(text)
        if fences is None or "@" not in text[fences.start : fences.end]:
            return ()
        block = frontmatter.parse(text, fences)
    except UnreadableNote:
        return ()
    found = find_fields(block, profile_lines.read_lines(text, fences.end), rules.profile)
    names: tuple[FieldName, ...] = ("emails", "former_emails", "aliases")
    return tuple(text for name in names for text in found.get(name, NOTHING).texts if normalize.is_email(text))


def keys(text: str) -> frozenset[str]:
    """Return the keys of a note's frontmatter, for `profiles.detect`.

    Errors: `UnreadableNote`.
    """
    fences = frontmatter.find_fences(text)
    return frozenset() if fences is None else frozenset(frontmatter.parse(text, fences).nodes)


def put(path: NotePath, text: str, changes: Mapping[FieldName, Value], uid: Uid | None, rules: NoteRules) -> str:
    """Return the note's text with the changed values, and with the uid unless it is None.

    Shapes: values are tidy (`normalize.tidy`). A value that the note says already, however it spells it, changes
    nothing.
    Errors: `FieldRefused` if one field's value cannot be written, `EditRefused` if the note as a whole may not be,
    `UnreadableNote` if it cannot be read.
    """
    note = _open(path, text, rules)
    if note is None:
        raise EditRefused("the note is not a person's")
    if note.reading.unwritable:
        raise EditRefused(note.reading.unwritable)
    # A name that is the sum of its parts follows them, so they come first.
    for field in sorted(changes, key=lambda field: field == "name"):
        note = _put_field(note, field, changes[field])
    return note.text if uid is None else _put_uid(note, uid).text


def _open(path: NotePath, text: str, rules: NoteRules) -> _Note | None:
    if is_excluded_path(path, rules.template_folders):
        return None
    is_named = signs.matches(path, rules.people_globs)
    fences = _fences(text, is_named=is_named)
    if fences is not None:
        block = frontmatter.parse(text, fences)
        is_ours = signs.is_person(path, block, rules.profile, rules.people_globs)
        return _taken_apart(path, text, rules, block, fences.end) if is_ours else None
    return _taken_apart(path, text, rules, None, 0) if is_named else None


def _fences(text: str, *, is_named: bool) -> Fences | None:
    """Return where the frontmatter stands; None is cheap, for the many notes that are nobody's."""
    try:
        fences = frontmatter.find_fences(text)
    except UnreadableNote:
        if is_named or signs.may_be_person(text[: frontmatter.BLOCK_BYTES_MAX]):
            raise
        return None
    if is_named or (fences is not None and signs.may_be_person(text[fences.start : fences.end])):
        frontmatter.check_characters(text)
        return fences
    return None


def _taken_apart(path: NotePath, text: str, rules: NoteRules, block: Block | None, body_start: int) -> _Note:
    found = find_fields(block, profile_lines.read_lines(text, body_start), rules.profile)
    held: dict[FieldName, str] = {field: place.held for field, place in found.items() if place.held}
    person = _person(path, block, found, rules.profile)
    uid = _uid(block, rules.uid_key)
    unwritable = _unwritable(block, rules.uid_key)
    own_name = bool(found.get("name", NOTHING).slots)
    holdable: set[FieldName] = {*found, *rules.profile.created_as}
    if not _NAME_PARTS.isdisjoint(found):
        holdable.add("name")
    reading = NoteReading(
        Reading(uid, person, held),
        holdable=frozenset(holdable),
        dated=frozenset(found.keys() & fields.DERIVED),
        context_date=recent_context.newest_date(text, body_start),
        unwritable=unwritable,
    )
    return _Note(path, text, rules, block, found, own_name, reading)


def _person(path: NotePath, block: Block | None, found: Mapping[FieldName, Found], profile: Profile) -> Person:
    texts = {field: place.texts for field, place in found.items()}

    def one(field: FieldName) -> str:
        return next(iter(texts.get(field, ())), "")

    def many(field: FieldName) -> tuple[str, ...]:
        return tuple(dict.fromkeys(texts.get(field, ())))

    parts = normalize.tidy(" ".join((one("given_name"), _middle(block, profile), one("family_name"))))
    return Person(
        name=one("name") or parts or _name_of_file(path),
        given_name=one("given_name"),
        family_name=one("family_name"),
        nickname=one("nickname"),
        aliases=many("aliases"),
        emails=many("emails"),
        former_emails=many("former_emails"),
        phones=many("phones"),
        organization=one("organization"),
        department=one("department"),
        title=one("title"),
        location=one("location"),
        addresses=many("addresses"),
        birthday=one("birthday"),
        links=many("links"),
        tags=many("tags"),
        last_contact=one("last_contact"),
        next_meeting=one("next_meeting"),
        last_1on1=one("last_1on1"),
        meetings_90d=one("meetings_90d"),
    )


def _name_of_file(path: NotePath) -> str:
    """Return the name that a file gives; an address is nobody's name, and would become one in an address book."""
    name = normalize.tidy(path.rpartition("/")[2].removesuffix(".md").removeprefix("@"))
    return "" if _ADDRESS_IN_NAME.search(name) else name


def _middle(block: Block | None, profile: Profile) -> str:
    texts = (text for key in profile.middle_names for text in (block.texts(key) if block is not None else ()))
    return normalize.tidy(" ".join(texts))


def _uid(block: Block | None, uid_key: str) -> Uid | None:
    texts = block.texts(uid_key) if block is not None and uid_key else ()
    return Uid(texts[0]) if len(texts) == 1 else None


def _unwritable(block: Block | None, uid_key: str) -> str:
    if block is None:
        return ""
    if uid_key and len(block.texts(uid_key)) > 1:
        return f"`{uid_key}` has several values"
    return block.unwritable


def _put_field(note: _Note, field: FieldName, wanted: Value) -> _Note:
    if field in note.held:
        raise FieldRefused(field, note.held[field])
    if fields.same(field, fields.value_of(note.person, field), wanted):
        return note
    if field == "name" and _is_made_of_parts(note):
        return _put_name_in_parts(note, "".join(fields.texts(wanted)))
    try:
        _check_texts(fields.texts(wanted))
        after = _proved(note, _edit(note, field, wanted), field)
    except EditRefused as refusal:
        raise FieldRefused(field, refusal.reason) from refusal
    if not fields.same(field, fields.value_of(after.person, field), wanted):
        raise FieldRefused(field, "it would not read back as it was meant")
    return after


def _is_made_of_parts(note: _Note) -> bool:
    has_parts = not _NAME_PARTS.isdisjoint(note.found)
    return has_parts and not note.own_name and "name" not in note.rules.profile.created_as


def _put_name_in_parts(note: _Note, wanted: str) -> _Note:
    """Give a name that is the sum of its parts by giving them: the last word is the family's, as contacts split it."""
    given, _, family = wanted.rpartition(" ")
    if not given and not note.person.family_name:
        given, family = wanted, ""
    given = given.removesuffix(f" {_middle(note.block, note.rules.profile)}")
    try:
        after = _put_field(_put_field(note, "given_name", given), "family_name", family)
    except FieldRefused as refusal:
        raise FieldRefused("name", refusal.reason) from refusal
    if after.person.name != wanted:
        raise FieldRefused("name", "the note has the name in parts, and they would not make this one")
    return after


def _edit(note: _Note, field: FieldName, wanted: Value) -> Edit:
    found = note.found.get(field, NOTHING)
    if found.fixed:
        raise EditRefused(found.fixed)
    return edit_field(note.text, note.block, note.rules.profile, field, found, wanted)


def _check_texts(texts: tuple[str, ...]) -> None:
    for text in texts:
        character = forbidden_character(text)
        if character or text != normalize.tidy(text):
            raise EditRefused(f"the value is not on one plain line ({character or 'blanks'})")
        if len(text) > VALUE_CHARACTERS_MAX:
            raise EditRefused(f"the value is longer than {VALUE_CHARACTERS_MAX:,} characters")


def _put_uid(note: _Note, uid: Uid) -> _Note:
    key = note.rules.uid_key
    if note.reading.reading.uid == uid:
        return note
    if note.reading.reading.uid is not None or not key:
        raise EditRefused("the note carries another uid" if key else "the rules give no key for the uid")
    _check_texts((uid,))
    new = NewText(uid, Style.PLAIN if note.block is None else frontmatter_edit.neighbours_style(note.block))
    if note.block is None or key not in note.block.nodes:
        splice = frontmatter_edit.create(note.text, note.block, [(key, [new])], as_list=False)
    else:
        node = note.block.nodes[key]
        if not isinstance(node, Scalar):
            raise EditRefused(f"`{key}` is not a single text")
        splice = frontmatter_edit.replace(note.block, node, new)
    after = _proved(note, Edit((splice,), frozenset({key}), (uid,), ()))
    if after.reading.reading.uid != uid:
        raise EditRefused("the uid would not read back")
    return after


def _proved(note: _Note, edit: Edit, *changed: FieldName) -> _Note:
    """Return the note with an edit made, if nothing but the changed fields reads otherwise."""
    try:
        after = _open(note.path, frontmatter_edit.apply(note.text, edit.splices), note.rules)
    except UnreadableNote as error:
        raise EditRefused(f"the note could not be read afterwards ({error})") from error
    if after is None or after.reading.unwritable:
        raise EditRefused("the note would no longer read as a person's")
    _check_second_reading(note.block, after.block, edit)
    following = not note.own_name and not _NAME_PARTS.isdisjoint(changed)
    for field in fields.FIELDS:
        before, now = (fields.value_of(side.person, field) for side in (note, after))
        if before != now and field not in changed and not (following and field == "name"):
            raise EditRefused(f"it would change the note's {field} as well")
    if after.held != note.held:
        raise EditRefused("it would make another field unreadable")
    return after


def _check_second_reading(before: Block | None, after: Block | None, edit: Edit) -> None:
    """Compare what the second reader gets: the edit's keys hold its texts, every other key its old value."""
    changed = {repr(key) for key in edit.keys}
    heard: Mapping[str, Heard] = after.heard if after is not None else {}
    written = {text for key in changed if key in heard for text in heard[key].texts}
    counted = {count for key in changed if key in heard for count in heard[key].counts}
    says_it = written.issuperset(edit.texts) and (counted | written).issuperset(edit.counts)
    if _notations(before, changed) != _notations(after, changed) or not says_it:
        raise EditRefused("two readers of YAML would not agree on the result")


def _notations(block: Block | None, changed: set[str]) -> list[tuple[str, str]]:
    return [] if block is None else [(key, heard.notation) for key, heard in block.heard.items() if key not in changed]
