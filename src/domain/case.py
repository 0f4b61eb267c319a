"""A case (事项): what decisions need to know of it, folded from its facts.

Everything for reading (who wrote what, when) lives in ledgers; nothing here looks anything up.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.accountability import Accountability, accountability_after
from domain.aftercare import Aftercare, aftercare_after
from domain.civic import Civic, CivicEvent, civic_after
from domain.clock import Clock, Instance, clocks_after
from domain.filing import Filing, filing_after
from domain.privacy import Privacy, privacy_after
from domain.routing import Routing, routing_after

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
    | f.MilestoneReached
    | f.SuspensionRequested
    | f.SuspensionGranted
    | f.SuspensionRefused
    | f.CaseResumed
    | f.ExtensionRequested
    | f.ExtensionGranted
    | f.ExtensionRefused
    | f.ReturnRequested
    | f.ReturnUpheld
    | f.ReturnRefused
    | f.CorrectionRequested
    | f.CorrectionApproved
    | f.CorrectionRefused
    | CivicEvent
)

QUIET: Final[frozenset[type[f.Fact]]] = frozenset(
    {
        f.ContainmentTaken,
        f.NoteRecorded,
        f.CaseHandledOnTheSpot,
        f.CaseNotAccepted,
        f.HandlingStarted,
        f.CompletionClaimed,
        f.CompletionVerified,
        f.CaseReplied,
        f.CaseWithdrawn,
        f.CaseResumed,
        f.MilestoneReached,
    }
)
"""Facts that say no more of a case than every step does: the last arm of `_step`."""
APPROVERS: Final = 2
"""How many confirm the correction of a closed clock's time (interface.md)."""


class Task(Struct, frozen=True, gc=False):
    """One piece of joint work that an assisting unit owes the lead."""

    number: int
    unit: f.Unit
    status: Literal["open", "done", "waived"] = "open"


class Request(Struct, frozen=True, gc=False, kw_only=True):
    """A request (申请) that waits for somebody's decision."""

    number: int
    sort: Literal["suspension", "extension", "return", "correction"]
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
    routing: Routing = Routing()
    aftercare: Aftercare = Aftercare()
    privacy: Privacy = Privacy()
    accountability: Accountability = Accountability()
    filing: Filing = Filing()
    civic: Civic = Civic()

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
        # Most facts of a case change nothing beyond the step; a match this long is not for free.
        quiet = type(fact) in QUIET
        moved = case if quiet else _step(case, fact, occurred_at)  # type: ignore[arg-type]
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
        clocks = clocks_after(case.clocks, fact)  # type: ignore[arg-type]
        latest = _later(case.changed_at, occurred_at) if _done(fact) else case.changed_at
        case = replace(case, version=case.version + 1, clocks=clocks, changed_at=latest)
        return _noticed(case, fact)
    raise TypeError(f"{fact.TYPE} is no fact of a case")


def _done(fact: f.ClockFact) -> bool:
    """Whether somebody did something; the rest is what time, or a channel, brought."""
    moved = (f.ClockStarted, f.ClockPaused, f.ClockResumed, f.ClockRescheduled)
    return isinstance(fact, (*moved, f.ClockStopped, f.ClockCancelled))


def _noticed(case: Case, fact: f.ClockFact) -> Case:
    match fact:
        case f.NoticeIssued():
            unsigned = case.unsigned
            if fact.acknowledge is not None:
                clock = (fact.clock, fact.scope, fact.cycle, fact.sequence)
                unsigned = (*unsigned, Notice(fact.notice, clock, fact.step, fact.recipient))
            return replace(case, noticed=fact.notice, unsigned=unsigned)
        case f.NoticeAcknowledged():
            # Who signs late signs all the same: a missed acknowledgement changes nothing here.
            left = tuple(one for one in case.unsigned if one.number != fact.notice)
            return replace(case, unsigned=left)
        case _:
            return case


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
                source_due=fact.source_due,
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
        case f.SuspensionRequested():
            return _asked(case, fact, "suspension", occurred_at, until=fact.until)
        case f.ExtensionRequested():
            return _asked(case, fact, "extension", occurred_at)
        case f.ReturnRequested():
            return _asked(case, fact, "return", occurred_at)
        case f.CorrectionRequested():
            return _asked(case, fact, "correction", occurred_at, until=fact.stopped_at)
        case f.CorrectionApproved():
            return _approved(case, fact)
        case (
            f.SuspensionGranted()
            | f.SuspensionRefused()
            | f.ExtensionGranted()
            | f.ExtensionRefused()
            | f.ReturnUpheld()
            | f.ReturnRefused()
            | f.CorrectionRefused()
        ):
            return _decided(case, fact)
        case f.ReworkRequired():
            return replace(case, rework=fact.count)
        case f.CaseClosed():
            return replace(case, outcome=fact.outcome, closed_at=occurred_at)
        case f.CaseReopened():
            # Who takes it up again answers for it, if nobody had accepted it before.
            answers = case.accepted_by or fact.holder
            again = replace(case, cycle=fact.cycle, accepted_by=answers)
            return replace(again, rework=0, outcome=None, closed_at=None)
        case f.RoutingFact():
            return replace(case, routing=routing_after(case.routing, fact, occurred_at))
        case f.AftercareFact():
            return replace(case, aftercare=aftercare_after(case.aftercare, fact, occurred_at))
        case f.PrivacyFact():
            return replace(case, privacy=privacy_after(case.privacy, fact, occurred_at))
        case f.AccountabilityFact():
            return replace(
                case, accountability=accountability_after(case.accountability, fact, occurred_at)
            )
        case f.FilingFact():
            return replace(case, filing=filing_after(case.filing, fact, occurred_at))
        case f.DataRecorded():
            return replace(case, data={**case.data, **fact.data})
        case f.CivicFact():
            return replace(case, civic=civic_after(case.civic, fact, occurred_at))
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
            | f.CaseResumed()
            | f.MilestoneReached()
        ):
            return case
        case _:
            assert_never(fact)


def _settled(
    tasks: tuple[Task, ...], number: int, status: Literal["done", "waived"]
) -> tuple[Task, ...]:
    return tuple(replace(task, status=status) if task.number == number else task for task in tasks)


def _asked(
    case: Case,
    fact: f.SuspensionRequested | f.ExtensionRequested | f.ReturnRequested | f.CorrectionRequested,
    sort: Literal["suspension", "extension", "return", "correction"],
    at: datetime,
    *,
    until: datetime | None = None,
) -> Case:
    clock: Instance | None = None
    match fact:
        case f.ExtensionRequested():
            latest = case.clock(fact.clock)
            clock = latest.instance if latest else None
        case f.CorrectionRequested():
            clock = (fact.clock, fact.scope, fact.cycle, fact.sequence)
        case _:
            pass
    request = Request(
        number=fact.request,
        sort=sort,
        by=fact.by,
        at=at,
        clock=clock,
        reason=fact.reason if isinstance(fact, f.SuspensionRequested) else "",
        asked=fact.asked if isinstance(fact, f.ExtensionRequested) else "",
        until=until,
    )
    return replace(case, asked=fact.request, requests=(*case.requests, request))


def _approved(case: Case, fact: f.CorrectionApproved) -> Case:
    """Keep a correction open until its second approver."""
    if fact.approvals >= APPROVERS:
        return _decided(case, fact)
    requests = tuple(
        replace(one, approvals=(*one.approvals, fact.by)) if one.number == fact.request else one
        for one in case.requests
    )
    return replace(case, requests=requests)


def _decided(case: Case, fact: f.RequestFact) -> Case:
    return replace(case, requests=tuple(one for one in case.requests if one.number != fact.request))
