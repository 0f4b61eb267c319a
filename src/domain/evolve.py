"""How a case comes to be what it is: its facts folded, one after the other; no lookups."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, assert_never

from msgspec.structs import replace

from domain import accountability as answers_for
from domain import aftercare as afterwards
from domain import facts as f
from domain import routing as routes
from domain.accountability import AccountabilityEvent, accountability_after
from domain.aftercare import AftercareEvent, aftercare_after
from domain.case import APPROVERS, Case, Notice, Request, RequestSort, Task
from domain.civic import CivicEvent, civic_after
from domain.clock import Instance, bound_to, clocks_after
from domain.filing import FilingEvent, beyond, filing_after
from domain.privacy import PrivacyEvent, privacy_after
from domain.routing import RoutingEvent, routing_after
from domain.splitting import split_after
from domain.succession import succeed
from domain.told import ENDING, laid_down, told_after

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
    | f.CaseMigrated
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
    | RoutingEvent
    | f.SupplementRequested
    | f.SupplementProvided
    | f.VoidRequested
    | f.VoidRefused
    | f.CaseVoided
    | f.NonAcceptanceProposed
    | f.NonAcceptanceRefused
    | AccountabilityEvent
    | CivicEvent
    | FilingEvent
    | AftercareEvent
    | PrivacyEvent
    | f.DecisionMade
    | f.EvidenceAttached
)

QUIET: Final[frozenset[type[f.Fact]]] = frozenset(
    {
        f.ContainmentTaken,
        f.NoteRecorded,
        f.CaseHandledOnTheSpot,
        f.HandlingStarted,
        f.CompletionClaimed,
        f.CompletionVerified,
        f.CaseReplied,
        f.CaseWithdrawn,
        f.CaseResumed,
        f.MilestoneReached,
        f.DecisionMade,
    }
)
"""Facts that say no more of a case than every step does: the last arm of `_step`."""


def fold(case: Case, happened: Iterable[tuple[f.Fact, datetime]]) -> Case:
    """Apply facts with their `occurred_at`, in version order."""
    for fact, occurred_at in happened:
        case = evolve(case, fact, occurred_at)
    return case


def evolve(case: Case, fact: f.Fact, occurred_at: datetime) -> Case:
    """Return the case after one more fact; a fact of another stream is a programming error."""
    if isinstance(fact, f.CaseCorrected):
        return _corrected(case, fact, occurred_at)
    if isinstance(fact, f.CaseMigrated):
        return _migrated(case, fact)
    if isinstance(fact, f.CaseFact):
        # Most facts of a case change nothing beyond the step; a match this long is not for free.
        quiet = type(fact) in QUIET
        moved = case if quiet else _step(case, fact, occurred_at)  # type: ignore[arg-type]
        if case.told and isinstance(fact, ENDING):
            moved = replace(moved, told=laid_down(case.told))
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
    if isinstance(fact, f.NoticeFact):
        told = told_after(case.told, fact)  # type: ignore[arg-type]
        noticed = max(case.noticed, fact.notice)
        return replace(case, version=case.version + 1, noticed=noticed, told=told)
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


def _migrated(case: Case, fact: f.CaseMigrated) -> Case:
    """Follow another version; nobody did anything, so what happened before is still let in."""
    return replace(
        case,
        version=case.version + 1,
        kind_hash=fact.to_hash,
        stage=fact.stage.target,
        phase=fact.stage.phase,
        holder=fact.holder,
    )


def _step(case: Case, fact: CaseEvent, occurred_at: datetime) -> Case:  # noqa: C901, PLR0911, PLR0912 - one arm a fact
    match fact:
        # Families first, so that few questions lead to any fact; one civic fact is of the case.
        case f.DataRecorded():
            return replace(case, data={**case.data, **fact.data})
        case f.RoutingFact():
            way = routing_after(case.routing, fact, occurred_at)
            moved = replace(case, routing=way)
            return _lapsed(moved, "return") if isinstance(fact, routes.HANDED_ON) else moved
        case f.AftercareFact():
            return _after_closing(case, fact, occurred_at)
        case f.PrivacyFact():
            return replace(case, privacy=privacy_after(case.privacy, fact, occurred_at))
        case f.AccountabilityFact():
            return replace(
                case, accountability=accountability_after(case.accountability, fact, occurred_at)
            )
        case f.FilingFact():
            filing = filing_after(case.filing, fact, occurred_at)
            filed = replace(case, filing=filing, **beyond(fact))
            if isinstance(fact, f.UnitsSucceeded):
                return succeed(case, fact, occurred_at)
            return _followed(case, filed, fact) if isinstance(fact, f.CaseReallotted) else filed
        case f.CivicFact():
            return replace(case, civic=civic_after(case.civic, fact, occurred_at))
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
                routing=routes.reported(case.routing, fact),
            )
        case f.CaseAccepted():
            way = routes.accepted(case.routing, fact)
            case = _lapsed(replace(case, routing=way), "non_acceptance", "supplement")
            return replace(case, accepted_by=fact.accepted_by)
        case f.CaseNotAccepted():
            return _lapsed(case, "non_acceptance", "supplement")
        case f.CaseReclassified():
            return replace(case, category=fact.category)
        case f.CaseGraded():
            return replace(case, severity=fact.severity, urgency=fact.urgency, tier=fact.tier)
        case f.CaseAssigned():
            way = routes.assigned(case.routing, fact, case.holder, case.accepted_by)
            case = _lapsed(replace(case, routing=way), "return")
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
        case f.SupplementRequested():
            return _asked(case, fact, "supplement", occurred_at)
        case f.VoidRequested():
            return _asked(case, fact, "void", occurred_at)
        case f.NonAcceptanceProposed():
            return _asked(case, fact, "non_acceptance", occurred_at)
        case f.ReturnUpheld():
            way = routes.returned(case.routing, fact, case.holder)
            return _decided(replace(case, routing=way), fact)
        case (
            f.SuspensionGranted()
            | f.SuspensionRefused()
            | f.ExtensionGranted()
            | f.ExtensionRefused()
            | f.ReturnRefused()
            | f.CorrectionRefused()
            | f.SupplementProvided()
            | f.VoidRefused()
            | f.CaseVoided()
            | f.NonAcceptanceRefused()
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
            way = routes.reopened(case.routing)
            again = replace(again, accountability=answers_for.reopened(case.accountability))
            again = replace(again, aftercare=afterwards.reopened(case.aftercare))
            return replace(again, rework=0, outcome=None, closed_at=None, routing=way)
        case f.EvidenceAttached():
            return replace(case, attached=(*case.attached, fact.attachment))
        case (
            f.ContainmentTaken()
            | f.NoteRecorded()
            | f.CaseHandledOnTheSpot()
            | f.HandlingStarted()
            | f.CompletionClaimed()
            | f.CompletionVerified()
            | f.CaseReplied()
            | f.CaseWithdrawn()
            | f.CaseCorrected()
            | f.CaseMigrated()
            | f.CaseResumed()
            | f.MilestoneReached()
            | f.DecisionMade()
        ):
            return case
        case _:
            assert_never(fact)


def _followed(was: Case, case: Case, fact: f.CaseReallotted) -> Case:
    """Let tasks and running clocks follow to the successors; no time changes (workflow.md §5)."""
    owed = {one.task: one.unit for one in fact.tasks}
    tasks = tuple(replace(task, unit=owed.get(task.number, task.unit)) for task in case.tasks)
    before = (was.place, was.lead, was.accepted_by, was.holder, *(one.unit for one in was.tasks))
    after = (case.place, case.lead, case.accepted_by, fact.holder, *(one.unit for one in tasks))
    pairs = {one.id: now for one, now in zip(before, after, strict=True) if one and now}
    clocks = bound_to(case.clocks, lambda unit: pairs.get(unit.id, unit))
    return replace(case, tasks=tasks, clocks=clocks)


def _after_closing(case: Case, fact: AftercareEvent, occurred_at: datetime) -> Case:
    """Take over what follows a closing; what must be done again is not closed any more."""
    care = aftercare_after(case.aftercare, fact, occurred_at)
    case = replace(case, split=split_after(case.split, fact))
    undone = isinstance(fact, f.RedoRequired) or (
        isinstance(fact, f.CallbackRecorded) and fact.unsettled
    )
    if undone:
        return replace(case, aftercare=care, outcome=None, closed_at=None)
    return replace(case, aftercare=care)


def _settled(
    tasks: tuple[Task, ...], number: int, status: Literal["done", "waived"]
) -> tuple[Task, ...]:
    return tuple(replace(task, status=status) if task.number == number else task for task in tasks)


def _asked(
    case: Case,
    fact: f.RequestFact,
    sort: RequestSort,
    at: datetime,
    *,
    until: datetime | None = None,
) -> Case:
    clock: Instance | None = None
    reason = asked = ""
    match fact:
        case f.ExtensionRequested():
            latest = case.clock(fact.clock)
            clock, asked = latest.instance if latest else None, fact.asked
        case f.CorrectionRequested():
            clock = (fact.clock, fact.scope, fact.cycle, fact.sequence)
        case f.SuspensionRequested() | f.VoidRequested() | f.NonAcceptanceProposed():
            reason = fact.reason
        case f.SupplementRequested():
            reason, asked = fact.suspension, fact.provider
        case _:
            pass
    request = Request(
        number=fact.request,
        sort=sort,
        by=fact.by,
        at=at,
        clock=clock,
        reason=reason,
        asked=asked,
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


def _lapsed(case: Case, *sorts: RequestSort) -> Case:
    """Drop requests that what has happened made moot."""
    left = tuple(one for one in case.requests if one.sort not in sorts)
    return case if len(left) == len(case.requests) else replace(case, requests=left)
