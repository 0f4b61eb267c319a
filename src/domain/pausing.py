"""挂账 and 恢复: clocks that stand still for a listed reason, and go on (clocks.md R5)."""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.case import Request
from domain.clock import Clock, Hold, clocks_after
from domain.due import Cutoff, PauseNotAllowed, Unit, consumed, due, parse_budget
from domain.kind import Action, Suspension
from domain.planning import SECOND, plan, reckoned
from domain.reckoning import DATE
from domain.turn import Turn, of

SHORT: Final = 2 * 3600
"""Pauses of fewer working seconds that cover a cutoff are listed for audit."""
WHOLE_DAYS: Final = frozenset({Unit.nd, Unit.month})


def suspend(turn: Turn, request: Request, at: datetime) -> None:
    """Pause the clocks that the reason of a granted request names.

    Raises:
        PauseNotAllowed: a clock's due has passed, or nothing runs that could pause.
    """
    rule = turn.world.kind.suspensions[request.reason]
    clocks = [clock for clock in turn.case.open_clocks if _pauses(clock, rule)]
    if not clocks:
        raise PauseNotAllowed(detail=f"没有因“{rule.title}”可以暂停的时限在计时")
    for clock in clocks:
        _pause(turn, clock, rule, request, at)


def wait(turn: Turn, reason: str, number: int, at: datetime) -> None:
    """Pause what a listed reason names, as far as it may pause: an overdue clock goes on.

    Nobody approves it: what is missing must come before anything can go on (待补充).
    """
    rule = turn.world.kind.suspensions.get(reason)
    if rule is None:
        return
    request = Request(number=number, sort="supplement", by="", at=at, reason=reason)
    for clock in turn.case.open_clocks:
        if _pauses(clock, rule) and clock.breached_at is None and clock.due >= at:
            _pause(turn, clock, rule, request, at)


def _pauses(clock: Clock, rule: Suspension) -> bool:
    if clock.name not in rule.clocks or clock.budget == DATE:
        return False
    if any(hold.reason == rule.name for hold in clock.held):
        return False
    return rule.natural_days or parse_budget(clock.budget).unit not in WHOLE_DAYS


def _pause(turn: Turn, clock: Clock, rule: Suspension, request: Request, at: datetime) -> None:
    since = max(request.at if rule.from_request else at, clock.started_at)
    if clock.breached_at is not None or (not clock.held and clock.due < since):
        raise PauseNotAllowed(detail=f"时限“{clock.name}”已经超期，超期后不能再挂账")
    until = request.until
    if rule.cap is not None:
        almanac = turn.almanac(clock.calendar)
        longest = due(since, rule.cap, almanac, Cutoff(clock.cutoff)).at
        until = min(until, longest) if until else longest
    held = replace(clock, held=(*clock.held, Hold(rule.name, since, until, request.number)))
    fact = f.ClockPaused(
        **of(clock),
        reason=rule.name,
        request=request.number,
        paused_at=since,
        until=until,
        plan=plan(held, turn, at),
    )
    turn.record(fact, at)


def resume(turn: Turn, reason: str | None, at: datetime) -> None:
    """Let go what the reason held (every reason, where none is named)."""
    for clock in turn.case.open_clocks:
        for hold in clock.held:
            if reason in {None, hold.reason}:
                _let_go(turn, clock, hold.reason, at)


def resume_by_itself(turn: Turn, clock: Clock, point: f.Point) -> None:
    """Let go what the named end, or the cap, of a pause ends; the case's stage follows.

    Everything that the same reason held until that second goes on together.
    """
    reason = point.name.partition(":")[2]
    together = [one for one in turn.case.open_clocks if point in one.plan]
    elsewhere = any(
        hold.reason != reason or point not in one.plan
        for one in turn.case.open_clocks
        for hold in one.held
    )
    action = _way_back(turn)
    if action is not None and not elsewhere:
        _move(turn, action, reason, point.at)
    for one in together or [clock]:
        _let_go(turn, one, reason, point.at)


def _way_back(turn: Turn) -> Action | None:
    """Return the action by which people resume from where the case stands."""
    return next(
        (
            action
            for action in turn.world.kind.actions.values()
            if f.CaseResumed.TYPE in action.emits and turn.case.stage in action.stages
        ),
        None,
    )


def _move(turn: Turn, action: Action, reason: str, at: datetime) -> None:
    case, stages = turn.case, turn.world.kind.stages
    target = action.to or case.stage
    fact = f.CaseResumed(
        action=action.name,
        stage=f.Stage(case.stage, target, stages[target].phase),
        holder=case.holder,
        reason=reason,
    )
    turn.record(fact, at)


def _let_go(turn: Turn, clock: Clock, reason: str, at: datetime) -> None:
    clock = turn.clock(clock)
    hold = next((one for one in clock.held if one.reason == reason), None)
    if hold is None:
        return
    almanac = turn.almanac(clock.calendar)
    fact = f.ClockResumed(
        **of(clock),
        reason=reason,
        request=hold.request,
        resumed_at=at,
        running=len(clock.held) == 1,
        short=_short(turn, clock, hold, at),
        calendar_version=almanac.version,
        previous_due=clock.due,
        due=clock.due,
        provisional=clock.provisional,
        generation=clock.generation + 1,
        plan=(),
    )
    # The fold knows what the pauses are after it; the fact then says what that makes of the due.
    [after] = clocks_after((clock,), fact)
    after = reckoned(after, almanac, at)
    told = replace(fact, due=after.due, provisional=after.provisional, plan=plan(after, turn, at))
    turn.record(told, at)


def _short(turn: Turn, clock: Clock, hold: Hold, at: datetime) -> bool:
    """Whether a pause of hardly any working time covered a cutoff, and so gained a day."""
    if parse_budget(clock.budget).unit is not Unit.wd:
        return False
    almanac, cutoff = turn.almanac(clock.calendar), Cutoff(clock.cutoff)
    if consumed(hold.since, at, Unit.wh, almanac, cutoff) >= SHORT:
        return False
    until_start, until_end = (
        consumed(clock.started_at, moment - SECOND, Unit.wd, almanac, cutoff)
        for moment in (hold.since, at)
    )
    return until_end > until_start
