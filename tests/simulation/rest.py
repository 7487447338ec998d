"""What must hold at the end of a history, when everybody has come to rest; see `oracle` for the promises."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from daemon import conflicts, links
from daemon.conflicts import Held
from mappings.fields import texts
from mappings.operation import Parting
from mappings.person import FieldName, Uid
from mappings.record import AccountName, NotePath
from mappings.world import LinkState
from simulation import values, whereabouts
from simulation.ledger import Keys, Ledger, Side, fields_of_note, pair_of
from simulation.values import MANY, TYPED
from simulation.violation import Violation
from simulation.world import World


@dataclass(frozen=True, slots=True)
class Claims:
    """What the program claims in its state; `logged` are the keys of all values in the log of conflicts, by field."""

    bound: tuple[LinkState, ...]
    paths: dict[Uid, NotePath]
    asked: frozenset[tuple[Uid, FieldName]]
    logged: dict[tuple[Uid, FieldName], set[str]]
    held: tuple[Held, ...]

    @classmethod
    def of(cls, world: World) -> "Claims":
        """Read them, once."""
        logged: defaultdict[tuple[Uid, FieldName], set[str]] = defaultdict(set)
        for kept in conflicts.all_conflicts(world.state):
            for value in (kept.conflict.ours, *kept.conflict.theirs.values()):
                logged[kept.conflict.uid, kept.conflict.field] |= values.keys(texts(value))
        return cls(
            bound=links.links(world.state),
            paths=links.people(world.state),
            asked=frozenset((one.conflict.uid, one.conflict.field) for one in conflicts.open_conflicts(world.state)),
            logged=logged,
            held=tuple(conflicts.holds_since(world.state)),
        )

    def excuses(self, uid: Uid, name: FieldName) -> bool:
        """Tell whether the program has told why a field is not in step."""
        path = self.paths[uid]
        return (uid, name) in self.asked or any(one.subject == path and one.kind in {"", name} for one in self.held)


def judge(world: World, ledger: Ledger) -> Iterator[Violation]:
    """Yield every promise that was not kept."""
    claims = Claims.of(world)
    for link in claims.bound:
        if link.uid in claims.paths:
            yield from _judge_pair(world, ledger, claims, link)
            yield from _judge_base(ledger, claims, link)
    yield from _judge_losses(world, ledger)
    yield from _judge_doubles(world, ledger)
    yield from _judge_partings(world, ledger)
    if world.nature.calendars:
        yield from _judge_dates(world, ledger, claims)
    if not (ledger.doubtful or ledger.deleted_notes or ledger.deleted_records or ledger.lost_states):
        yield from _judge_questions(world, claims)


def _judge_pair(world: World, ledger: Ledger, claims: Claims, link: LinkState) -> Iterator[Violation]:
    path = claims.paths[link.uid]
    if ledger.current((link.account, link.remote_id)) != (link.account, link.remote_id):
        yield Violation("agree", f"{path} is still linked to {link.account} {link.remote_id}, which was renamed")
    pair = pair_of(world, path, link)
    if pair is None:
        return
    for name in TYPED:
        ours, theirs = (values.keys(said[name]) for said in pair)
        if claims.excuses(link.uid, name):
            continue
        if ours != theirs:
            words = f"{path} and {link.account} {link.remote_id}: {name} {pair[0][name]} != {pair[1][name]}"
            yield Violation("agree", words)
        else:
            yield from _judge_undone(world, ledger, claims, link, (name, ours))


def _judge_undone(
    world: World, ledger: Ledger, claims: Claims, link: LinkState, common: tuple[FieldName, Keys]
) -> Iterator[Violation]:
    name, keys = common
    is_new = not world.nature.uid_key and claims.paths[link.uid] in ledger.deleted_notes
    if is_new or ledger.lost_states or any(uid == link.uid for _, uid in ledger.copied_uids):
        return  # who meets without a base unites lists, and fills what is blank
    if world.nature.calendars and name == "last_contact":
        return  # a date may well come back that the calendars gave before
    # An edit that nobody saw goes with the record that it was made in.
    records = [(one.account, one.remote_id) for one in claims.bound if one.uid == link.uid]
    living: list[Side] = [each for each in records if each[1] in world.books[each[0]].all_entries]
    for key in sorted(keys - claims.logged.get((link.uid, name), set())):
        if ledger.was_undone(key, (link.account, link.remote_id), [claims.paths[link.uid], *living]):
            yield Violation("undone", f"{link.uid} {name}: {key} came back, though somebody replaced or cleared it")


def _judge_base(ledger: Ledger, claims: Claims, link: LinkState) -> Iterator[Violation]:
    for name in TYPED:
        if name in link.base:
            base = values.keys(texts(link.base[name]))
            is_copied = (link.account, link.uid) in ledger.copied_uids
            for side in (claims.paths[link.uid], (link.account, link.remote_id)):
                # The base is of the record in whose place its older copy was kept.
                if is_copied and isinstance(side, tuple):
                    continue
                held = ledger.held[side][name]
                # While a list is asked about, what was merged into it stays where it is: no side says all of it.
                in_parts = name in MANY and claims.excuses(link.uid, name) and base <= frozenset[str]().union(*held)
                if base not in held and not in_parts:
                    yield Violation("base", f"{side}: {name} never said {link.base[name]!r}")


def _judge_losses(world: World, ledger: Ledger) -> Iterator[Violation]:
    written = whereabouts.everything(world)
    for typed in ledger.typed:
        if world.nature.calendars and typed.field == "last_contact":
            continue  # a floor below a later meeting stands nowhere but in the state
        key = values.key(typed.text)
        if key not in written and key not in ledger.replaced and key not in ledger.gone:
            yield Violation("lost", f"{typed.field} {typed.text!r}, typed at {typed.side} ({typed.moment})")


def _judge_dates(world: World, ledger: Ledger, claims: Claims) -> Iterator[Violation]:
    """Where somebody had a word, the date is one of those words, or what the calendars say; else it is only theirs."""
    words = {typed.text for typed in ledger.typed if typed.field == "last_contact"} | {""}
    # What an old copy has put back counts as a word too, and may be any date that ever stood there.
    is_old = any(name == "last_contact" for _, name in ledger.put_back)
    for uid, path in claims.paths.items():
        file = world.vault.files.get(path)
        said = fields_of_note(path, file.content) if file is not None else None
        if said is None or claims.excuses(uid, "last_contact") or is_old:
            continue
        date, defined = "".join(said["last_contact"]), world.last_contact(said["emails"], world.now)
        allowed = {defined} | (words if world.nature.words else set[str]())
        if date not in allowed:
            yield Violation("dates", f"{path}: last contact {date!r}, by its definition {defined!r}")


def _judge_doubles(world: World, ledger: Ledger) -> Iterator[Violation]:
    for account, book in world.books.items():
        seen: set[str] = set()
        for remote_id, entry in book.all_entries.items():
            if entry.uid in seen and (account, entry.uid) not in ledger.copied_uids:
                yield Violation("double", f"{account} {remote_id}: a second record of {entry.uid}")
            seen |= {entry.uid} if entry.uid is not None else set()


def _judge_partings(world: World, ledger: Ledger) -> Iterator[Violation]:
    rows = world.state.all("SELECT account, uid, remote_id, reason FROM tombstones")
    for account, uid, remote_id, reason in rows:
        if reason in {Parting.NOTE_DELETED, Parting.CONTACT_SAYS_MORE} and not ledger.note_was_deleted(
            uid, links.path_of(world.state, uid)
        ):
            yield Violation("deleted", f"{uid} was parted from {account} {remote_id}: no note was deleted")
        is_late = world.nature.slow and (account, remote_id) in ledger.renamed
        if is_late or (account, uid) in ledger.copied_uids:
            # A feed that lags may tell for long that a record is gone, and not yet what it is called now; one that was
            # renamed and copied at once cannot be told from its copy.
            continue
        if reason == Parting.RECORD_DELETED and ledger.current((account, remote_id)) not in ledger.deleted_records:
            yield Violation("deleted", f"{uid} was parted from {account} {remote_id}: it was not deleted")


def _judge_questions(world: World, claims: Claims) -> Iterator[Violation]:
    """Where nobody did anything doubtful, everybody is linked, or has a namesake whom nobody is linked to."""
    settled = {(link.account, link.uid) for link in claims.bound}
    for question in conflicts.link_questions(world.state):
        settled.add((question.account, question.uid))
        if not _has_namesake(world, claims, question.account, question.path):
            yield Violation("unasked", f"{question.path}, {question.account}: {question.detail}")
    for uid, path in claims.paths.items():
        for account in world.books:
            if (account, uid) not in settled and path in world.vault.files:
                yield Violation("agree", f"{path} has no record in {account}")


def _has_namesake(world: World, claims: Claims, account: AccountName, path: NotePath) -> bool:
    file = world.vault.files.get(path)
    said = fields_of_note(path, file.content) if file is not None else None
    bound = {link.remote_id for link in claims.bound if link.account == account}
    free = [entry for remote_id, entry in world.books[account].all_entries.items() if remote_id not in bound]
    return said is not None and any((entry.person.name,) == said["name"] for entry in free)
