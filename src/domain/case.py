"""A case (事项): what decisions need to know of it; `domain/evolve.py` folds it from its facts.

Everything for reading (who wrote what, when) lives in ledgers.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from domain import facts as f
from domain.accountability import Accountability
from domain.aftercare import Aftercare
from domain.civic import Civic
from domain.clock import Clock, Instance
from domain.filing import Filing
from domain.privacy import Privacy
from domain.routing import Routing
from domain.splitting import Split
from domain.told import Told

APPROVERS: Final = 2
"""How many confirm the correction of a closed clock's time (interface.md)."""


class Task(Struct, frozen=True, gc=False):
    """One piece of joint work that an assisting unit owes the lead."""

    number: int
    unit: f.Unit
    status: Literal["open", "done", "waived"] = "open"


RequestSort = Literal[
    "suspension",
    "extension",
    "return",
    "correction",
    "supplement",
    "void",
    "non_acceptance",
]


class Request(Struct, frozen=True, gc=False, kw_only=True):
    """A request (申请) that waits for somebody's decision."""

    number: int
    sort: RequestSort
    by: str
    at: datetime
    clock: Instance | None = None
    """Of an extension: what counted when it was asked for; a newer instance is not meant."""
    reason: str = ""
    asked: str = ""
    until: datetime | None = None
    """Of a suspension its end; of a correction the moment at which the clock had stopped."""
    approvals: tuple[str, ...] = ()


class Notice(Struct, frozen=True, gc=False):
    """A notice (通知) that must still be signed for."""

    number: int
    clock: Instance
    step: str
    recipient: f.Recipient


class Case(Struct, frozen=True, gc=False, kw_only=True):
    """A case as of its `version`-th fact; version 0 is a case of which nothing is known yet."""

    id: str
    kind_hash: str
    version: int = 0
    kind: str = ""
    number: str = ""
    stage: str = ""
    phase: str = ""
    holder: f.Unit | None = None
    place: f.Unit | None = None
    category: str | None = None
    severity: str | None = None
    urgency: str | None = None
    tier: str | None = None
    source: f.SourceReference | None = None
    content: str | None = None
    data: dict[str, object] = {}
    reported_at: datetime | None = None
    source_due: datetime | None = None
    changed_at: datetime | None = None
    """When somebody last did something: the latest `occurred_at`, breaches left aside."""
    taken: dict[str, datetime] = {}
    """When each action was last taken, of a case that its source may tell again."""
    accepted_by: f.Unit | None = None
    lead: f.Unit | None = None
    assisting: tuple[f.Unit, ...] = ()
    informed: tuple[f.Unit, ...] = ()
    tasks: tuple[Task, ...] = ()
    cycle: int = 1
    rework: int = 0
    outcome: str | None = None
    closed_at: datetime | None = None
    clocks: tuple[Clock, ...] = ()
    asked: int = 0
    """How many requests there were."""
    requests: tuple[Request, ...] = ()
    """Those that wait for a decision."""
    noticed: int = 0
    """How many notices were issued."""
    unsigned: tuple[Notice, ...] = ()
    """Those that must still be signed for."""
    told: tuple[Told, ...] = ()
    """Of what somebody did (告知): those that must still be signed for."""
    routing: Routing = Routing()
    aftercare: Aftercare = Aftercare()
    privacy: Privacy = Privacy()
    accountability: Accountability = Accountability()
    filing: Filing = Filing()
    civic: Civic = Civic()
    split: Split = Split()
    attached: tuple[str, ...] = ()
    """Files (附件) that its facts refer to, by id."""

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """Joint work still owed."""
        return tuple(task for task in self.tasks if task.status == "open")

    @property
    def open_clocks(self) -> tuple[Clock, ...]:
        """Clocks that count now, or will again when their pause ends."""
        return tuple(clock for clock in self.clocks if clock.open)

    def clock(self, name: str) -> Clock | None:
        """Return the latest instance of a clock of the case itself or of a task."""
        return next((clock for clock in reversed(self.clocks) if clock.name == name), None)

    def request(self, number: int) -> Request | None:
        """Return a request that waits for a decision."""
        return next((one for one in self.requests if one.number == number), None)

    @property
    def bound(self) -> tuple[str, ...]:
        """The ids of the cases whose callers may wait for this one, or for which its own waits."""
        care, split = self.aftercare, self.split
        joined = (one.id for one in (*care.joined, *split.parts))
        return (*filter(None, (care.merged_into, split.parent)), *joined)

    @property
    def waits(self) -> bool:
        """Whether its end answered nobody (并案, 拆分), and no answer has come from elsewhere."""
        handed_over = bool(self.aftercare.merged_into or self.split.parts)
        return handed_over and self.aftercare.answered_at is None

    @property
    def verifier(self) -> f.Unit | None:
        """Who checks the result: the unit that accepted, or the one above it where it handled."""
        answers = self.accepted_by or self.holder
        while answers is not None and len(answers.path) > 1 and self._may_not_verify(answers):
            above = answers.path[:-1]
            answers = f.Unit(above[-1], above)
        return answers

    def _may_not_verify(self, unit: f.Unit) -> bool:
        """Whether a unit handled the case itself, or stays out of it (回避)."""
        return (self.lead is not None and unit.id == self.lead.id) or self.privacy.recuses(unit)

    @property
    def units(self) -> frozenset[str]:
        """Every unit in whose scope the case lies: place, holder, lead, assistants, ancestors."""
        own = (self.place, self.holder, self.lead, self.accepted_by, self.civic.claimant)
        units = [unit for unit in (*own, *self.assisting, *self.informed) if unit]
        units += [task.unit for task in self.tasks]
        units += self.routing.involved
        return frozenset(step for unit in units for step in unit.path)


def blank(case_id: str, kind_hash: str) -> Case:
    """Return the case before its first fact."""
    return Case(id=case_id, kind_hash=kind_hash)
