"""One field's new values as splices of a note: which spots change, which are added, which key is made."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mappings import fields, frontmatter_edit, profile_lines
from mappings.errors import EditRefused
from mappings.frontmatter import Block, Style
from mappings.frontmatter_edit import NewText, Splice
from mappings.note_fields import Found, ItemSpot, KeySpot, LineSpot, Slot, Spot
from mappings.person import FieldName, Value
from mappings.profiles import Profile

_QUOTED: frozenset[FieldName] = frozenset({"phones", "birthday", "last_contact", "next_meeting", "last_1on1"})
"""Fields whose values some reader takes for a number or date when they stand without quotes."""

_COUNTS: frozenset[FieldName] = frozenset({"meetings_90d"})
"""Fields whose values are numbers to every reader."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Splices, the keys whose values they change, and the texts and numbers that are to be found there afterwards."""

    splices: tuple[Splice, ...]
    keys: frozenset[str]
    texts: tuple[str, ...]
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to happen to a field's slots: texts that get a new one in their place, that go, and that come."""

    replaced: tuple[tuple[Slot, str], ...]
    removed: tuple[Slot, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """A spot and its new text; None takes the old one out."""

    spot: Spot
    new: NewText | None


def difference(field: FieldName, slots: Sequence[Slot], wanted: Value) -> Difference:
    """Compare what a note says with what it is to say.

    A text that means the same stays as it is spelled. A text that goes gives its place to one that comes.
    """
    staying = fields.keys(field, wanted)
    present = fields.keys(field, tuple(slot.text for slot in slots))
    going = [slot for slot in slots if not fields.keys(field, (slot.text,)) <= staying]
    coming = [text for text in fields.texts(wanted) if not fields.keys(field, (text,)) <= present]
    pairs = tuple(zip(going, coming, strict=False))
    return Difference(pairs, tuple(going[len(pairs) :]), tuple(coming[len(pairs) :]))


def edit_field(note: str, block: Block | None, profile: Profile, field: FieldName, found: Found, wanted: Value) -> Edit:
    """Return the splices that make a note say the wanted value.

    Errors: `EditRefused` where that cannot be done without touching more than the value.
    """
    wish = difference(field, found.slots, wanted)
    style = _style_anew(block, field)
    added = [NewText(text, style, is_count=field in _COUNTS) for text in wish.added]
    ready = [spot for spot in found.vacant if not _is_to_be_list(profile, field, spot, len(added))]
    changes = [
        *(_Change(slot.spot, NewText(text, style, is_count=field in _COUNTS)) for slot, text in wish.replaced),
        *(_Change(slot.spot, None) for slot in wish.removed),
        *(_Change(spot, new) for spot, new in zip(ready, added, strict=False)),
    ]
    texts = [change.new for change in changes if not isinstance(change.spot, LineSpot)] + added[len(ready) :]
    further = added[len(ready) :]
    home = _home(profile, field, found)
    made = Edit((), frozenset(), (), ())
    if isinstance(home, ItemSpot):
        changes += (_Change(_beyond(home), new) for new in further)
    elif further and home is not None and block is not None:
        changes, made = _as_list(block, home, changes, further)
    elif further:
        made = _create(note, block, profile, field, further)
    keys = {change.spot.key for change in changes if not isinstance(change.spot, LineSpot)}
    splices = (*_single_splices(note, block, changes), *_list_splices(block, changes), *made.splices)
    written = [new for new in texts if new is not None]
    return Edit(
        splices,
        frozenset(keys) | made.keys,
        tuple(new.text for new in written if not new.is_count),
        tuple(new.text for new in written if new.is_count),
    )


def _beyond(spot: ItemSpot) -> ItemSpot:
    return ItemSpot(spot.key, spot.items, len(spot.items.items))


def _as_list(
    block: Block, home: KeySpot, changes: list[_Change], further: Sequence[NewText]
) -> tuple[list[_Change], Edit]:
    """Make a list of a single value, changed or not, and the further ones."""
    firsts = [change.new for change in changes if change.spot is home and change.new is not None]
    if not firsts and not home.scalar.is_blank:
        firsts = [NewText(home.scalar.text, home.scalar.style)]
    listed = frontmatter_edit.make_list(block, home.scalar, [*firsts, *further])
    others = [change for change in changes if change.spot is not home]
    return others, Edit((listed,), frozenset({home.key}), (), ())


def _home(profile: Profile, field: FieldName, found: Found) -> KeySpot | ItemSpot | None:
    """Return the list that takes further texts, or the single value that is to become one."""
    spots = [*(slot.spot for slot in found.slots), *found.vacant]
    lists = [spot for spot in spots if isinstance(spot, ItemSpot)]
    if lists:
        return lists[0]
    if field in profile.numbered:
        return None
    return next((spot for spot in spots if isinstance(spot, KeySpot)), None)


def _create(note: str, block: Block | None, profile: Profile, field: FieldName, texts: Sequence[NewText]) -> Edit:
    first_key = profile.created_as.get(field)
    if first_key is None:
        raise EditRefused(f"the profile `{profile.name}` adds no key for it")
    if field in profile.numbered:
        keys = _free_keys(() if block is None else tuple(block.nodes), first_key, len(texts))
        groups: list[tuple[str, Sequence[NewText]]] = [(key, (text,)) for key, text in zip(keys, texts, strict=True)]
    else:
        groups = [(first_key, texts)]
    as_list = field in profile.listed or (len(texts) > 1 and field not in profile.numbered)
    splice = frontmatter_edit.create(note, block, groups, as_list=as_list)
    return Edit((splice,), frozenset(key for key, _ in groups), (), ())


def _free_keys(taken: Sequence[str], first: str, count: int) -> list[str]:
    names = (first if number == 1 else f"{first}[{number}]" for number in itertools.count(1))
    return list(itertools.islice((name for name in names if name not in taken), count))


def _single_splices(note: str, block: Block | None, changes: Sequence[_Change]) -> Iterator[Splice]:
    for change in changes:
        match change.spot:
            case LineSpot(value) if change.new is None:
                yield profile_lines.clear(value)
            case LineSpot(value) if change.new is not None:
                yield profile_lines.write(note, value, change.new.text)
            case KeySpot(_, scalar) if block is not None:
                if change.new is None:
                    yield frontmatter_edit.clear(block, scalar)
                else:
                    yield frontmatter_edit.replace(block, scalar, change.new)
            case _:
                continue


def _list_splices(block: Block | None, changes: Sequence[_Change]) -> Iterator[Splice]:
    lists: dict[str, list[tuple[ItemSpot, NewText | None]]] = {}
    for change in changes:
        if isinstance(change.spot, ItemSpot):
            lists.setdefault(change.spot.key, []).append((change.spot, change.new))
    for spots in lists.values():
        items = spots[0][0].items
        count = len(items.items)
        replaced = {spot.position: new for spot, new in spots if new is not None and spot.position < count}
        removed = frozenset(spot.position for spot, new in spots if new is None)
        added = [new for spot, new in spots if new is not None and spot.position == count]
        if block is not None:
            yield from frontmatter_edit.edit_items(block, items, replaced, removed, added)


def _is_to_be_list(profile: Profile, field: FieldName, spot: Spot, count: int) -> bool:
    """Tell whether an empty key is to become a list rather than get one value."""
    if not isinstance(spot, KeySpot) or not spot.scalar.is_null or field in profile.numbered:
        return False
    return field in profile.listed or count > 1


def _style_anew(block: Block | None, field: FieldName) -> Style:
    if field in _QUOTED:
        return Style.DOUBLE
    return Style.PLAIN if block is None else frontmatter_edit.neighbours_style(block)
