"""The clocks of a case: which facts start, stop, pause, move and cancel them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.accountability_clocks import date_of, dated_by, leave_grade, refix, stands
from domain.almanac import Almanac
from domain.case import APPROVERS, Case, Request
from domain.clock import Clock, clocks_after
from domain.due import due, opening
from domain.kind import ClockDefinition, Trigger
from domain.limits import extend, limit_of, refile, regrade, reworked
from domain.pausing import resume, suspend, wait
from domain.planning import plan, reckoned
from domain.reckoning import DATE
from domain.settling import breached
from domain.turn import Turn, of
from domain.values import VALUES
from domain.world import Draft, World

HOPS: Final = (f.CaseHandedDown.TYPE, f.CaseEscalated.TYPE)
"""What hands a case on to another unit, which may return it."""
SCOPES: Final = ("task", "call", "duty", "objection")
"""What a clock may be for besides the case itself, by the member of the fact that names it."""


def tick(
    before: Case, case: Case, facts: Sequence[f.Fact], at: datetime, world: World
) -> list[Draft]:
    """Return the clock facts that follow from what was just emitted, as `wind` records them."""
    turn = Turn(case, world)
    wind(turn, before, facts, at)
    return turn.drafts


def wind(turn: Turn, before: Case, facts: Sequence[f.Fact], at: datetime) -> None:
    """Let the clocks follow what was just emitted.

    `before` is the case before those facts; all of them happened at `at`.

    Raises:
        PauseNotAllowed, UnknownCalendar, NoOpening.
    """
    for fact in facts:
        _react(turn, fact, before, at)
    triggered = {mark: fact for fact in facts for mark in _marks(fact)}
    ended = _ended(turn, facts)
    if ended or not turn.world.kind.triggers.isdisjoint(triggered):
        _stop(turn, triggered, at, ended=ended)
        _start(turn, facts, triggered, at)


def _react(  # noqa: C901 - one arm a fact
    turn: Turn, fact: f.Fact, before: Case, at: datetime
) -> None:
    """Do what a particular fact does to clocks that run already."""
    request = before.request(fact.request) if isinstance(fact, f.RequestFact) else None
    match fact:
        case f.SuspensionGranted() if request is not None:
            suspend(turn, request, at)
        case f.ExtensionGranted() if request is not None:
            extend(turn, fact, request, at)
        case f.CorrectionApproved() if request is not None and fact.approvals >= APPROVERS:
            _correct(turn, request, at)
        case f.ReturnUpheld():
            _cancel_returned(turn, fact, before, at)
        case f.SupplementRequested():
            wait(turn, fact.suspension, fact.request, at)
        case f.SupplementProvided() if request is not None and request.reason:
            resume(turn, request.reason, at)
        case f.CaseResumed():
            resume(turn, fact.reason, at)
        case f.CaseGraded():
            regrade(turn, fact, at)
            leave_grade(turn, fact, at)
        case f.CaseFiled():
            refile(turn, at)
        case f.DeadlineFixed():
            refix(turn, fact, at)
        case _:
            pass


def _marks(fact: f.Fact) -> tuple[Trigger, ...]:
    """Return what a clock may wait for of a fact: its name, and its name with its value."""
    value = VALUES.get(fact.TYPE)
    if value is None:
        return (Trigger(fact.TYPE),)
    return (Trigger(fact.TYPE), Trigger(fact.TYPE, str(getattr(fact, value))))


def _ended(turn: Turn, facts: Sequence[f.Fact]) -> bool:
    return turn.world.kind.stages[turn.case.stage].ending and any(map(_moves, facts))


def _moves(fact: f.Fact) -> bool:
    return isinstance(fact, f.CaseFact) and fact.stage.source != fact.stage.target


def _stop(turn: Turn, triggered: dict[Trigger, f.Fact], at: datetime, *, ended: bool) -> None:
    """Stop what a fact stops; what is left when the case ends is cancelled."""
    for clock in turn.case.open_clocks:
        definition = turn.definition(clock)
        stops = definition.stop if definition else frozenset[Trigger]()
        if any(mark in triggered and _concerns(clock, triggered[mark]) for mark in stops):
            _stopped(turn, clock, at)
        elif ended and not (definition and definition.outlives):
            turn.record(f.ClockCancelled(**of(clock), cancelled_at=at), at)


def _concerns(clock: Clock, fact: f.Fact) -> bool:
    """Whether a fact is about a clock's own task, where it has one."""
    return not clock.scope or clock.scope == _scope(fact)


def _scope(fact: f.Fact) -> str:
    for sort in SCOPES:
        number = getattr(fact, sort, None)
        if number is not None:
            return f"{sort}:{number}"
    return ""


def _stopped(turn: Turn, clock: Clock, at: datetime) -> None:
    """Stop a clock; a breach noted meanwhile, of a due that was met, is taken back (R12)."""
    falls = _due_at(turn, clock, at)
    fact = f.ClockStopped(**of(clock), stopped_at=at, due=falls, met=at <= falls)
    turn.record(fact, at)
    if clock.breached_at is not None and at <= clock.due:
        _retract(turn, clock, "stopped-in-time", at)


def _due_at(turn: Turn, clock: Clock, at: datetime) -> datetime:
    """Return the due; of a clock that stands still, as if it went on at this moment."""
    if not clock.held:
        return clock.due
    return reckoned(clock, turn.almanac(clock.calendar), at).due


def _retract(turn: Turn, clock: Clock, reason: str, at: datetime) -> None:
    turn.record(f.BreachRetracted(**of(clock), due=clock.due, reason=reason), at)


def _start(
    turn: Turn, facts: Sequence[f.Fact], triggered: dict[Trigger, f.Fact], at: datetime
) -> None:
    """Start what a fact starts; once a case has ended only what outlives it begins."""
    open_now = {(clock.name, clock.scope) for clock in turn.case.open_clocks}
    over = turn.world.kind.stages[turn.case.stage].ending
    marks = frozenset(triggered)
    for definition in turn.world.kind.clocks:
        if definition.start.isdisjoint(marks):
            continue
        by = [triggered[mark] for mark in definition.start if mark in marks]
        if (over and not definition.outlives) or stands(definition, turn):
            continue
        scopes = {"": by[0]} if definition.per == "case" else _scopes(definition, facts)
        for scope, fact in scopes.items():
            if (definition.name, scope) not in open_now:
                _started(turn, definition, scope, fact, at)


def _scopes(definition: ClockDefinition, facts: Sequence[f.Fact]) -> dict[str, f.Fact]:
    return {
        _scope(fact): fact
        for fact in facts
        if _scope(fact).startswith(f"{definition.per}:")
        and any(mark in definition.start for mark in _marks(fact))
    }


def _started(
    turn: Turn, definition: ClockDefinition, scope: str, fact: f.Fact, at: datetime
) -> None:
    case = turn.case
    if definition.date is not None and date_of(definition, fact, case) is None:
        return  # nobody set a date
    calendar, almanac = _calendar(turn, definition)
    before = [
        clock
        for clock in case.clocks
        if (clock.name, clock.scope, clock.cycle) == (definition.name, scope, case.cycle)
    ]
    started_at = at if definition.total else _for_staff(fact, at, turn.world)
    if definition.roll:
        started_at = opening(started_at, almanac)
    members: dict[str, Any] = {
        "clock": definition.name,
        "scope": scope,
        "cycle": case.cycle,
        "sequence": len(before) + 1,
        "total": definition.total,
        "started_at": started_at,
        "cutoff": definition.cutoff.value,
        "calendar": calendar,
        "answerable": _answerable(definition, fact, case),
        **_limited(definition, fact, started_at, almanac, turn),
    }
    fresh = f.ClockStarted(**members)
    [clock] = clocks_after((), fresh)
    members["plan"] = plan(clock, turn, started_at)
    turn.record(f.ClockStarted(**members), at)


def begin(turn: Turn, definition: ClockDefinition, fact: f.CaseFact, at: datetime) -> None:
    """Start a clock of the case itself, though nothing happened that starts it otherwise."""
    _started(turn, definition, "", fact, at)


def _limited(
    definition: ClockDefinition,
    fact: f.Fact,
    started_at: datetime,
    almanac: Almanac,
    turn: Turn,
) -> dict[str, Any]:
    """Return the budget, where it comes from, and the due that it makes."""
    kind = turn.world.kind
    version = f"{kind.name}@{kind.version}"
    if definition.date is not None:
        return {
            "budget": DATE,
            "limit": dated_by(definition, version),
            "calendar_version": almanac.version,
            "due": date_of(definition, fact, turn.case),
            "provisional": False,
        }
    budget, limit = limit_of(definition, turn.case, kind)
    if isinstance(fact, (f.ReworkRequired, f.RedoRequired)) and definition.rework is not None:
        budget, limit = reworked(budget, definition.rework), replace(limit, origin="rework")
    falls = due(started_at, budget, almanac, definition.cutoff)
    return {
        "budget": str(budget),
        "limit": limit,
        "calendar_version": falls.calendar_version,
        "due": falls.at,
        "provisional": falls.provisional,
    }


def _calendar(turn: Turn, definition: ClockDefinition) -> tuple[str, Almanac]:
    """Return the calendar of the unit that holds the case, else of the kind (R13)."""
    holder, world = turn.case.holder, turn.world
    own = world.directory.calendar_of(holder) if holder else None
    name = own if own is not None and own in world.calendars else definition.calendar
    return name, turn.almanac(name)


def _answerable(definition: ClockDefinition, fact: f.Fact, case: Case) -> f.Unit | None:
    """Return whom a clock binds: the task's unit, the holder; the total clock whoever holds."""
    if definition.total:
        return None
    own = (f.TaskAssigned, f.WhistleBlown, f.DutyTaken)
    return fact.unit if isinstance(fact, own) else case.holder


def _for_staff(fact: f.Fact, at: datetime, world: World) -> datetime:
    """Count what was registered late from when staff could know of it (clocks.md R1)."""
    late = fact.late if isinstance(fact, f.CaseFact) else None
    if late == "outage":
        ends = [one.until for one in world.outages if one.since <= at < one.until]
        return min(max([at, *ends]), world.now)
    return world.now if late in {"offline", "split"} else at


def _cancel_returned(turn: Turn, fact: f.ReturnUpheld, before: Case, at: datetime) -> None:
    """Cancel what bound the unit that returned the case, and its tasks' clocks (R8)."""
    lead = before.lead
    for clock in turn.case.open_clocks:
        if clock.total:
            continue
        bound = clock.answerable is not None and lead is not None and clock.answerable.id == lead.id
        its_own = (bound and not clock.scope) or clock.scope.startswith("task:")
        if its_own or _counts_a_hop(turn, clock):
            cancelled = f.ClockCancelled(
                **of(clock), cancelled_at=at, reason="return-upheld", charged_to=fact.charged_to
            )
            turn.record(cancelled, at)


def _counts_a_hop(turn: Turn, clock: Clock) -> bool:
    """Whether a clock counts until somebody accepts what was handed on (接办)."""
    definition = turn.definition(clock)
    return definition is not None and any(one.fact in HOPS for one in definition.start)


def _correct(turn: Turn, request: Request, at: datetime) -> None:
    """With the second approval a clock had stopped at another moment; nothing is erased."""
    clock = next((one for one in turn.case.clocks if one.instance == request.clock), None)
    stopped_at = request.until
    if clock is None or clock.stopped_at is None or stopped_at is None:
        return
    met = stopped_at <= clock.due
    corrected = f.ClockStopCorrected(
        **of(clock),
        request=request.number,
        previous_stopped_at=clock.stopped_at,
        stopped_at=stopped_at,
        due=clock.due,
        met=met,
    )
    turn.record(corrected, at)
    if met and clock.breached_at is not None:
        _retract(turn, clock, "stop-corrected", at)
    elif not met and clock.breached_at is None:
        turn.record(breached(turn, clock), clock.due)
