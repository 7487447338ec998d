"""What a run did and found: every note and every record accounted for, per account, and the exit code that says it.

A partial read is a state of its own (`Health.AWAY`, an incomplete listing), never a smaller success.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.health import Health
from mappings.event import CalendarName
from mappings.identity import Doubt, Question
from mappings.plan import Plan
from mappings.record import AccountName, NotePath, RemoteId


@dataclass(frozen=True, slots=True)
class Trouble:
    """One note or record that was left alone, where it is, and why; `line` is 0 where no line is meant."""

    place: NotePath | RemoteId
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class VaultReport:
    """What the look at the vault found; `incomplete` is why not everything could be listed, "" if it was."""

    files: int
    people: int
    read: int
    troubles: tuple[Trouble, ...]
    incomplete: str


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What reading one account found; `reason` says why it is not `OK`, `retry_after_s` when it wants to be asked again."""

    name: AccountName
    health: Health
    reason: str
    retry_after_s: float | None
    listed: int
    changed: int
    missing: int
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class CalendarReport:
    """What reading one calendar found: `listed` records, and the `events` that take place in the window.

    `names_nobody` says that there are events and none has any attendee.
    """

    account: AccountName
    name: CalendarName
    health: Health
    reason: str
    listed: int
    events: int
    troubles: tuple[Trouble, ...]
    names_nobody: bool


@dataclass(frozen=True, slots=True)
class Deeds:
    """What was really done: counts by what was done, and the steps that failed, each with its reason.

    `copies` are notes beside others that hold an edit which somebody saved while we wrote.
    """

    notes_written: int
    notes_made: int
    notes_removed: int
    created: Mapping[AccountName, int]
    updated: Mapping[AccountName, int]
    deleted: Mapping[AccountName, int]
    linked: int
    parted: int
    failures: tuple[Trouble, ...]
    postponed: tuple[Trouble, ...]
    copies: tuple[NotePath, ...]
    broken: Mapping[AccountName, str]


@dataclass(frozen=True, slots=True)
class Report:
    """One run from end to end; `deeds` is None for a dry run."""

    run: int
    vault: VaultReport
    accounts: tuple[AccountReport, ...]
    calendars: tuple[CalendarReport, ...]
    plan: Plan
    deeds: Deeds | None

    @property
    def exit_code(self) -> int:
        """The highest that applies: 4 a plan waits, 2 an account failed or was partial, 1 something is held, 0 in step."""
        if self.plan.brakes:
            return 4
        if self._partial:
            return 2
        return 1 if self._held else 0

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that wait; that a contact was deleted and its note kept is settled until the owner says so."""
        return tuple(question for question in self.plan.questions if question.doubt is not Doubt.DELETED)

    @property
    def counts(self) -> Mapping[str, int]:
        """What the journal keeps of the run."""
        done = self.deeds
        return {
            "people": self.vault.people,
            "notes_written": done.notes_written if done else 0,
            "notes_made": done.notes_made if done else 0,
            "contacts_written": sum(sum(each.values()) for each in (done.created, done.updated)) if done else 0,
            "contacts_deleted": sum(done.deleted.values()) if done else 0,
            "failed": len(done.failures) if done else 0,
        }

    @property
    def _partial(self) -> bool:
        broken = bool(self.deeds and self.deeds.broken)
        healths = {*(one.health for one in self.accounts), *(one.health for one in self.calendars)}
        failed = not healths <= {Health.OK, Health.REMEMBERED, Health.LEFT_OUT}
        return broken or failed or bool(self.vault.incomplete)

    @property
    def _held(self) -> bool:
        open_conflicts = any(not conflict.settled_by for conflict in self.plan.conflicts)
        troubles = bool(self.vault.troubles) or any(one.troubles for one in self.accounts)
        troubles |= any(one.troubles for one in self.calendars)
        failed = bool(self.deeds and (self.deeds.failures or self.deeds.postponed or self.deeds.copies))
        return open_conflicts or troubles or failed or bool(self.plan.holds or self.questions)
