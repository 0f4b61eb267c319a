"""The rows of 指标底账: each one thing that indicators count; and what their fold remembers."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from domain import facts as f

ROUND: Final = "round"
DISPATCH: Final = "dispatch"
CALL: Final = "call"
SUPERVISION: Final = "supervision"
CLOSED: Final = "closed"


class MeasureRow(Struct, frozen=True, kw_only=True):
    """One thing that is counted; units by id, with the path that led to them then.

    What does not belong to its sort stands as it does here.
    """

    sort: str
    at: datetime
    """When it began: the report, the dispatch, the call, the order."""
    cycle: int = 1
    latest: bool = True
    """Of rounds: no other one of this case has begun after it."""
    unit: str | None = None
    """Who is judged by it."""
    unit_path: tuple[str, ...] = ()
    other: str | None = None
    """Whom a dispatch went to; who blew the whistle; where the case lies."""
    other_path: tuple[str, ...] = ()
    filed_at: datetime | None = None
    responded_at: datetime | None = None
    accepted_at: datetime | None = None
    dispatched_at: datetime | None = None
    due: datetime | None = None
    stopped_at: datetime | None = None
    on_time: bool | None = None
    paused: bool = False
    closed_at: datetime | None = None
    ended_at: datetime | None = None
    ending: str | None = None
    grade: str | None = None
    on_the_spot: bool = False
    duration: int | None = None
    """Seconds from its beginning to the closing, by the calendar on the wall."""
    dispatches: int = 0
    returns: int = 0
    passed: int = 0
    failed: int = 0
    redos: int = 0
    callbacks: int = 0
    solved: bool | None = None
    satisfaction: int | None = None
    duplicates: int = 0
    yellow: int = 0
    red: int = 0
    level: str | None = None
    score: int | None = None
    """How well whoever is judged did, from 1 to 5: the department that was called."""
    other_score: int | None = None
    """How well the other side did: who blew the whistle."""
    exempt_overdue: bool = False
    exempt_rework: bool = False
    exempt_dissatisfaction: bool = False
    exempt_supervision: bool = False


class Measured(Struct, array_like=True):
    """A case as indicators see it: its rows, and what the next fact needs."""

    rows: dict[str, MeasureRow] = {}
    cycle: int = 1
    totals: dict[str, tuple[str, int]] = {}
    """The total clock of each round, as its name and sequence."""
    lead: f.Unit | None = None
    claimant: f.Unit | None = None
    holder: f.Unit | None = None
    accepted_by: f.Unit | None = None
    place: f.Unit | None = None
    dispatched: int = 0
    supervised: int = 0

    @property
    def judged(self) -> f.Unit | None:
        """Who answers for the round that runs: whoever handles it, or has to."""
        return self.lead or self.claimant or self.holder or self.accepted_by or self.place
