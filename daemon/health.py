"""How an account fared in a run; apart from the report, so that `status` need not load all that plans."""

from enum import StrEnum


class Health(StrEnum):
    """How an account fared; `REMEMBERED` was not read in this run, and planned with as it was when read last."""

    OK = "ok"
    REMEMBERED = "remembered"
    AWAY = "away"
    SIGNED_OUT = "signed out"
    MISUNDERSTOOD = "misunderstood"
    LEFT_OUT = "left out"

    @property
    def is_planned_with(self) -> bool:
        """Whether the account's records have a part in the plan."""
        return self in {Health.OK, Health.REMEMBERED}
