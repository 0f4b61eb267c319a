"""A case (事项): what decisions need to know of it, folded from its facts.

Everything for reading (who wrote what, when) lives in ledgers; nothing here looks anything up.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

CaseEvent = (
    f.CaseReported
    | f.ContainmentTaken
    | f.NoteRecorded
    | f.CaseHandledOnTheSpot
    | f.CaseAccepted
    | f.CaseNotAccepted
    | f.CaseReclassified
    | f.CaseGraded
    | f.CaseAssigned
    | f.HandlingStarted
    | f.TaskAssigned
    | f.TaskCompleted
    | f.TaskWaived
    | f.CompletionClaimed
    | f.CompletionVerified
    | f.ReworkRequired
    | f.CaseReplied
    | f.CaseClosed
    | f.CaseReopened
    | f.CaseWithdrawn
    | f.CaseCorrected
)
ClockEvent = (
    f.ClockStarted
    | f.ClockRescheduled
    | f.ClockStopped
    | f.ClockCancelled
    | f.DeadlineBreached
    | f.BreachRetracted
)


class Task(Struct, frozen=True, gc=False):
    """One piece of joint work that an assisting unit owes the lead."""

    number: int
    unit: f.Unit
    status: Literal["open", "done", "waived"] = "open"


class Clock(Struct, frozen=True, gc=False, kw_only=True):
    """One instance of a clock: (clock, scope, cycle, sequence) within its case."""

    name: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool
    status: Literal["running", "stopped", "cancelled"] = "running"
    stopped_at: datetime | None = None
    breached_at: datetime | None = None

    @property
    def instance(self) -> tuple[str, str, int, int]:
        """What tells this instance from every other of the case."""
        return (self.name, self.scope, self.cycle, self.sequence)


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

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """Joint work still owed."""
        return tuple(task for task in self.tasks if task.status == "open")

    @property
    def running_clocks(self) -> tuple[Clock, ...]:
        """Clocks that count now."""
        return tuple(clock for clock in self.clocks if clock.status == "running")

    @property
    def verifier(self) -> f.Unit | None:
        """Who checks the result: the unit that accepted, or the one above it where it handled."""
        answers = self.accepted_by or self.holder
        if answers is None or self.lead is None or answers.id != self.lead.id:
            return answers
        above = answers.path[:-1]
        return f.Unit(above[-1], above) if above else answers

    @property
    def units(self) -> frozenset[str]:
        """Every unit in whose scope the case lies: place, holder, lead, assistants, ancestors."""
        own = (self.place, self.holder, self.lead, self.accepted_by)
        units = [unit for unit in (*own, *self.assisting, *self.informed) if unit]
        units += [task.unit for task in self.tasks]
        return frozenset(step for unit in units for step in unit.path)


def blank(case_id: str, kind_hash: str) -> Case:
    """Return the case before its first fact."""
    return Case(id=case_id, kind_hash=kind_hash)


def fold(case: Case, happened: Iterable[tuple[f.Fact, datetime]]) -> Case:
    """Apply facts with their `occurred_at`, in version order."""
    for fact, occurred_at in happened:
        case = evolve(case, fact, occurred_at)
    return case


def evolve(case: Case, fact: f.Fact, occurred_at: datetime) -> Case:
    """Return the case after one more fact; a fact of another stream is a programming error."""
    if isinstance(fact, f.CaseCorrected):
        return _corrected(case, fact, occurred_at)
    if isinstance(fact, f.CaseFact):
        moved = _step(case, fact, occurred_at)  # type: ignore[arg-type]
        return replace(
            moved,
            version=case.version + 1,
            stage=fact.stage.target,
            phase=fact.stage.phase,
            holder=fact.holder,
            changed_at=_later(case.changed_at, occurred_at),
            taken={**case.taken, fact.action: occurred_at} if case.source else case.taken,
        )
    if isinstance(fact, f.ClockFact):
        clocks = _clocks(case.clocks, fact)  # type: ignore[arg-type]
        breach = isinstance(fact, (f.DeadlineBreached, f.BreachRetracted))
        latest = case.changed_at if breach else _later(case.changed_at, occurred_at)
        return replace(case, version=case.version + 1, clocks=clocks, changed_at=latest)
    raise TypeError(f"{fact.TYPE} is no fact of a case")


def _later(before: datetime | None, occurred_at: datetime) -> datetime:
    return max(before, occurred_at) if before else occurred_at


def _corrected(case: Case, fact: f.CaseCorrected, occurred_at: datetime) -> Case:
    """Take over what is right; where the case stands is not touched by a correction."""
    corrected = replace(
        case,
        version=case.version + 1,
        place=fact.place,
        category=fact.category,
        content=fact.content,
        data=fact.data,
        reported_at=fact.reported_at,
        changed_at=_later(case.changed_at, occurred_at),
    )
    if case.version or fact.initial is None:
        return corrected
    # Seen from a moment before the report's first time: the correction is all there is.
    return replace(
        corrected,
        kind=fact.kind,
        number=fact.number,
        stage=fact.initial.target,
        phase=fact.initial.phase,
        holder=fact.holder,
    )


def _step(case: Case, fact: CaseEvent, occurred_at: datetime) -> Case:  # noqa: C901, PLR0911, PLR0912 - one arm a fact
    match fact:
        case f.CaseReported():
            return replace(
                case,
                kind=fact.kind,
                number=fact.number,
                place=fact.place,
                category=fact.category,
                severity=fact.severity,
                urgency=fact.urgency,
                source=fact.source,
                content=fact.content,
                data=fact.data,
                reported_at=occurred_at,
            )
        case f.CaseAccepted():
            return replace(case, accepted_by=fact.accepted_by)
        case f.CaseReclassified():
            return replace(case, category=fact.category)
        case f.CaseGraded():
            return replace(case, severity=fact.severity, urgency=fact.urgency, tier=fact.tier)
        case f.CaseAssigned():
            return replace(case, lead=fact.lead, assisting=fact.assisting, informed=fact.informed)
        case f.TaskAssigned():
            return replace(case, tasks=(*case.tasks, Task(fact.task, fact.unit)))
        case f.TaskCompleted():
            return replace(case, tasks=_settled(case.tasks, fact.task, "done"))
        case f.TaskWaived():
            return replace(case, tasks=_settled(case.tasks, fact.task, "waived"))
        case f.ReworkRequired():
            return replace(case, rework=fact.count)
        case f.CaseClosed():
            return replace(case, outcome=fact.outcome, closed_at=occurred_at)
        case f.CaseReopened():
            # Who takes it up again answers for it, if nobody had accepted it before.
            answers = case.accepted_by or fact.holder
            again = replace(case, cycle=fact.cycle, accepted_by=answers)
            return replace(again, rework=0, outcome=None, closed_at=None)
        case (
            f.ContainmentTaken()
            | f.NoteRecorded()
            | f.CaseHandledOnTheSpot()
            | f.CaseNotAccepted()
            | f.HandlingStarted()
            | f.CompletionClaimed()
            | f.CompletionVerified()
            | f.CaseReplied()
            | f.CaseWithdrawn()
            | f.CaseCorrected()
        ):
            return case
        case _:
            assert_never(fact)


def _settled(
    tasks: tuple[Task, ...], number: int, status: Literal["done", "waived"]
) -> tuple[Task, ...]:
    return tuple(replace(task, status=status) if task.number == number else task for task in tasks)


def _clocks(clocks: tuple[Clock, ...], fact: ClockEvent) -> tuple[Clock, ...]:
    instance = (fact.clock, fact.scope, fact.cycle, fact.sequence)
    if isinstance(fact, f.ClockStarted):
        return (*clocks, _started(fact))
    known = any(clock.instance == instance for clock in clocks)
    if isinstance(fact, f.ClockRescheduled) and fact.calendar and not known:
        return (*clocks, _started(fact))
    return tuple(_ticked(clock, fact) if clock.instance == instance else clock for clock in clocks)


def _started(fact: f.ClockStarted | f.ClockRescheduled) -> Clock:
    return Clock(
        name=fact.clock,
        scope=fact.scope,
        cycle=fact.cycle,
        sequence=fact.sequence,
        total=fact.total,
        started_at=fact.started_at,
        budget=fact.budget,
        cutoff=fact.cutoff,
        calendar=fact.calendar,
        calendar_version=fact.calendar_version,
        due=fact.due,
        provisional=fact.provisional,
    )


def _ticked(
    clock: Clock,
    fact: f.ClockRescheduled
    | f.ClockStopped
    | f.ClockCancelled
    | f.DeadlineBreached
    | f.BreachRetracted,
) -> Clock:
    match fact:
        case f.ClockRescheduled():
            return replace(
                clock,
                started_at=fact.started_at,
                budget=fact.budget,
                calendar_version=fact.calendar_version,
                due=fact.due,
                provisional=fact.provisional,
            )
        case f.ClockStopped():
            return replace(clock, status="stopped", stopped_at=fact.stopped_at)
        case f.ClockCancelled():
            return replace(clock, status="cancelled", stopped_at=fact.cancelled_at)
        case f.DeadlineBreached():
            return replace(clock, breached_at=fact.effective_at)
        case f.BreachRetracted():
            return replace(clock, breached_at=None)
        case _:
            assert_never(fact)
