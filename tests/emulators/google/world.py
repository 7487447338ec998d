"""The emulated Google: its accounts, its time, what it answers where nobody knows, and what goes wrong next."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from emulators.google.answers import Answer
from emulators.google.clock import Clock
from emulators.google.contacts import AddressBook
from emulators.google.diary import Diaries


class When(Enum):
    """At which end of a request something goes wrong."""

    BEFORE = "before the request is carried out"
    AFTER = "after it was carried out, before the answer arrives"


class Silence(Enum):
    """Ways to give no answer."""

    HANG_UP = "the connection is closed"
    CUT_OFF = "half of the answer is sent"
    NO_JSON = "a page that is no JSON, with status 200"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request for a method; `method` is the end of its id, "" for any."""

    method: str
    when: When
    what: Answer | Silence


class BatchFailure(Enum):
    """What a batch with one bad item in it does, which nobody has documented."""

    PER_ITEM = "the others are carried out, and the bad one has a status"
    WHOLE = "none is carried out, and the request fails"
    PARTLY = "those before the bad one are carried out, and the request fails"


@dataclass
class Unconfirmed:
    """The answers to what the facts could not confirm; a client has to be safe under each."""

    expired_code: int = 400
    expired_status: str = "FAILED_PRECONDITION"
    expired_has_reason: bool = True
    batch_failure: BatchFailure = BatchFailure.PER_ITEM
    feed_lag: timedelta = timedelta(0)
    listing_lags_too: bool = False
    delta_has_next_token: bool = True
    create_takes_groups: bool = True


@dataclass
class Limits:
    """Quotas; None for none. `full_syncs` are those that may still begin."""

    reads_per_minute: int | None = None
    writes_per_minute: int | None = None
    full_syncs: int | None = None


@dataclass
class Account:
    """One Google account; `granted` are the scopes that its owner ticks, None for all that are asked for."""

    email: str
    book: AddressBook
    diaries: Diaries
    granted: frozenset[str] | None = None
    denies: bool = False


@dataclass
class Tokens:
    """What was given out, and how."""

    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    access: dict[str, tuple[str, float, str]] = field(default_factory=dict[str, tuple[str, float, str]])
    refresh: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    revoked: set[str] = field(default_factory=set[str])
    lifetime_s: int = 3599
    rotates: bool = False
    refresh_lifetime_s: int | None = None
    accepts_basic_only: bool = False


class Google:
    """Everything at once; a test has its hands in here while the server runs."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lock = threading.RLock()
        self.accounts: dict[str, Account] = {}
        self.signs_in = ""
        self.client_id, self.client_secret = "1-abc.apps.googleusercontent.test", "GOCSPX-s3cr3t"
        self.tokens = Tokens()
        self.limits = Limits()
        self.unconfirmed = Unconfirmed()
        self.faults: deque[Fault] = deque()
        self.calls: Counter[str] = Counter()
        self.violations: list[str] = []
        self.mutates_at_once = 0
        self.spent: dict[str, deque[tuple[float, int]]] = {"read": deque(), "write": deque()}
        self.refuses = ""
        """A text for which a contact that has it is refused."""
        self.fails_on = ""
        """A text on which the server fails, whenever a contact is to have it."""
        self.meddle: Callable[[str], None] = lambda method: None  # noqa: ARG005  # called with each method's id first

    def account(self, email: str) -> Account:
        """Return an account, made if it is not there; the last one made signs in unless a test says otherwise."""
        if email not in self.accounts:
            self.accounts[email] = Account(email, AddressBook(self.clock), Diaries(self.clock, email))
            self.signs_in = email
        return self.accounts[email]

    def fault(self, method: str, when: When, what: Answer | Silence, times: int = 1) -> None:
        """Let the next requests for a method go wrong."""
        self.faults.extend([Fault(method, when, what)] * times)

    def next_fault(self, method: str) -> Fault | None:
        """Return the fault that is for this request, which is over with it."""
        for fault in self.faults:
            if method.endswith(fault.method):
                self.faults.remove(fault)
                return fault
        return None

    def spend(self, kind: str, units: int) -> bool:
        """Take units of a minute's quota; False if there are not that many left."""
        limit = self.limits.reads_per_minute if kind == "read" else self.limits.writes_per_minute
        spent, now = self.spent[kind], self.clock.now.timestamp()
        while spent and spent[0][0] <= now - 60:
            spent.popleft()
        if limit is not None and sum(count for _, count in spent) + units > limit:
            return False
        spent.append((now, units))
        return True
