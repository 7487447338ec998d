"""A note for somebody who has none: its name, and its text made from a template.

What a contact or an invitation says is strangers' text. It goes into values of the frontmatter and nowhere else, by the
same lens, with the same proof, as every other value; the template's body is taken as it stands. A template with
commands of a template plug-in (`<%`, `{{`) is refused: such a plug-in runs what it finds in a new file.

The name and the text follow from what is given here and from nothing else, so that they are the same, to the byte, on
every machine.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2s
from uuid import UUID, uuid5

from mappings import fields, frontmatter, frontmatter_edit
from mappings import note as note_lens
from mappings.errors import EditRefused, UnreadableNote
from mappings.fields import FIELDS, Cardinality
from mappings.frontmatter import Scalar, Style
from mappings.frontmatter_edit import NewText
from mappings.normalize import tidy
from mappings.note import FieldRefused, NoteReading
from mappings.note_rules import NoteRules
from mappings.person import FieldName, Uid, Value
from mappings.profiles import Profile
from mappings.record import NotePath
from mappings.yaml_scalar import forbidden_character, has_template_command

STEM_BYTES_MAX = 117
"""With the ending, a name has 120 bytes at most."""

_CREATED_KEY = "created"
_UNSAFE = re.compile(r'[/\\:*?"<>|#^\[\]%\x00-\x1f\x7f-\x9f]+')
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{digit}" for digit in "123456789"), *(f"lpt{digit}" for digit in "123456789")}
)
"""Names that Windows gives to devices, with whatever ending (learn.microsoft.com, "Naming Files, Paths")."""
_NAMELESS = "Unnamed"


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note's text, what it says, and the fields for which it has no room, with reasons."""

    text: str
    reading: NoteReading
    refused: Mapping[FieldName, str]


def uid_of(vault_id: UUID, *origin: str) -> Uid:
    """Return the uid of somebody who gets a note, the same on every machine: of account and remote id, or an address."""
    return Uid(str(uuid5(vault_id, "\n".join(origin))))


def stem_of(name: str) -> str:
    """Return a name as a file can have it on every system, and as Obsidian can link to it."""
    shown = "".join(" " if forbidden_character(character) else character for character in name)
    stem = tidy(_UNSAFE.sub(" ", unicodedata.normalize("NFC", shown))).lstrip(".- ")
    stem = stem.encode("utf-8", "replace")[:STEM_BYTES_MAX].decode("utf-8", "ignore").rstrip(". ")
    is_device = stem.partition(".")[0].rstrip().casefold() in _DEVICES
    return f"_{stem}"[:STEM_BYTES_MAX] if is_device else stem or _NAMELESS


def marked(stem: str, origin: str) -> str:
    """Return another stem for somebody else of the same name, by a short hash of where he comes from."""
    mark = f" {blake2s(origin.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"
    return stem.encode()[: STEM_BYTES_MAX - len(mark)].decode("utf-8", "ignore").rstrip(". ") + mark


def built_in(profile: Profile) -> str:
    """Return the template that serves where the owner has none."""
    name_key = profile.spellings["name"][0]
    return (
        f"---\ntype: people\n{name_key}:\n{_CREATED_KEY}:\nlast_contact:\nauto_created: true\n"
        "tags:\n- type/people\n- needs-review\n---\n"
    )


def check_template(template: str) -> None:
    """Make sure that notes may be made from a template.

    Errors: `EditRefused`.
    """
    if has_template_command(template):
        raise EditRefused(
            "it has commands of a template plug-in (`<%` or `{{`), which would be run or kept in each note"
        )
    try:
        if frontmatter.find_fences(template) is None:
            raise EditRefused("it has no frontmatter")
    except UnreadableNote as error:
        raise EditRefused(str(error)) from error


def filled(
    template: str, path: NotePath, uid: Uid, created: str, values: Mapping[FieldName, Value], rules: NoteRules
) -> NewNote:
    """Return the note that a template makes for somebody.

    Shapes: `created` is `YYYY-MM-DD`, or "" where the key is to be left out. `values` are not blank.
    Errors: `EditRefused` if there is no such note: the template will not do, or the name cannot be written.
    """
    check_template(template)
    try:
        head, body = _parted(template)
        head = _with_created(head, created)
        head, refused = _with_values(_saying_nothing(path), head, values, rules)
        head = note_lens.put(path, head, {}, uid if rules.uid_key else None, rules)
        text = head + body
        reading = note_lens.read(path, text, rules)
    except UnreadableNote as error:
        raise EditRefused(str(error)) from error
    if reading is None or reading.unwritable or (rules.uid_key and reading.reading.uid != uid):
        raise EditRefused("what the template makes would not read as this person's note")
    said = reading.reading.person.name
    if "name" in refused and not fields.same("name", said, values["name"]):
        raise EditRefused(f"its name cannot be written: {refused['name']}")
    # A template without a key for the name leaves it to the file.
    return NewNote(text, reading, {name: reason for name, reason in refused.items() if name != "name"})


def _parted(template: str) -> tuple[str, str]:
    """Part a template behind the line that closes its frontmatter."""
    fences = frontmatter.find_fences(template)
    if fences is None:
        raise EditRefused("it has no frontmatter")
    end = frontmatter.line_end(template, fences.end)
    head, body = template[:end], template[end:]
    return (head, body) if head.endswith("\n") else (f"{head}\n", body)


def _with_created(head: str, created: str) -> str:
    """Give the key `created` its date if it stands ready for one, or take it out."""
    fences = frontmatter.find_fences(head)
    block = frontmatter.parse(head, fences) if fences is not None else None
    node = None if block is None else block.nodes.get(_CREATED_KEY)
    if block is None or not isinstance(node, Scalar) or not node.is_blank:
        return head
    if created:
        return frontmatter_edit.apply(head, [frontmatter_edit.replace(block, node, NewText(created, Style.SINGLE))])
    if block.flow:
        return head
    start, end = frontmatter.line_start(head, node.start), frontmatter.line_end(head, node.start)
    return head[:start] + head[end:]


def _saying_nothing(path: NotePath) -> NotePath:
    """Return a path beside this one that gives no name, so that the name is written though the file has it as well."""
    folder, slash, _ = path.rpartition("/")
    return NotePath(f"{folder}{slash}nobody@example.invalid.md")


def _with_values(
    path: NotePath, head: str, values: Mapping[FieldName, Value], rules: NoteRules
) -> tuple[str, Mapping[FieldName, str]]:
    """Put in every value that can be, the name among them; what the template says itself stays."""
    refused: dict[FieldName, str] = {}
    for name in FIELDS:
        if name not in values:
            continue
        try:
            head = note_lens.put(path, head, {name: _beside(path, head, name, values[name], rules)}, None, rules)
        except FieldRefused as error:
            refused[name] = error.reason
    return head, refused


def _beside(path: NotePath, head: str, name: FieldName, value: Value, rules: NoteRules) -> Value:
    if FIELDS[name].cardinality is Cardinality.ONE:
        return value
    said = note_lens.read(path, head, rules)
    before = () if said is None else fields.texts(fields.value_of(said.reading.person, name))
    return tuple(dict.fromkeys((*before, *fields.texts(value))))
