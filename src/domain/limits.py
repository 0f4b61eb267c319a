"""Limits that change while a clock runs: extensions, another grade, another calendar."""

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.case import Case, Request
from domain.clock import Clock
from domain.due import Budget, Cutoff, Unit, due, parse_budget
from domain.kind import ClockDefinition, Kind, Rework
from domain.planning import reckoned, rescheduled
from domain.reckoning import DATE, used
from domain.turn import Turn, of

NOTICE: Final = "8wh"
"""With at least so much notice an earlier due of a new calendar applies (clocks.md R13)."""
_MINUTES: Final = 60


def choose(definition: ClockDefinition, case: Case) -> tuple[Budget, str]:
    """Return the budget for a case's urgency and severity, and what chose it."""
    values = {name: getattr(case, name) for name in definition.by}
    for value, budget in definition.budgets:
        for name, given in values.items():
            if value == given:
                return budget, f"{name}={value}"
        if not value:
            return budget, ""
    raise AssertionError(definition.name)  # publishing asks for a default


def limit_of(definition: ClockDefinition, case: Case, kind: Kind) -> tuple[Budget, f.Limit]:
    """Return the budget that applies to a case now, and where it stands.

    The filing condition's own limit where the clock follows the catalogue and the case is filed,
    else the default of its urgency and severity. What the source system set is a clock of its own
    (`date: source_due`), so the earliest of both shows (workflow.md §1).
    """
    filing = case.filing
    if definition.catalogue and filing.limit:
        limit = f.Limit("catalogue", filing.catalogue, filing.by)
        return parse_budget(filing.limit), limit
    budget, by = choose(definition, case)
    return budget, f.Limit("kind", f"{kind.name}@{kind.version}", by)


def reworked(budget: Budget, rework: Rework) -> Budget:
    """Return what is left for a rework: a share, rounded up, but at least so much (R8)."""
    size = -(-budget.size * rework.percent // 100)
    if rework.least is not None and rework.least.unit is budget.unit:
        size = max(size, rework.least.size)
    return sized(size, budget.unit)


def sized(size: int, unit: Unit) -> Budget:
    """Return a budget of so many seconds (rounded up to minutes) or days or months."""
    if unit not in {Unit.wh, Unit.nh}:
        return Budget(size, unit)
    hours, minutes = divmod(-(-size // _MINUTES), _MINUTES)
    return Budget(hours, unit, minutes)


def extend(turn: Turn, granted: f.ExtensionGranted, request: Request, at: datetime) -> None:
    """延期: add what was granted; a breach since the request in time is superseded (R6)."""
    clock = turn.case.clock(granted.clock)
    if clock is None or not clock.open:
        return
    if clock.breached_at is not None and request.at <= clock.due:
        superseded = f.BreachSuperseded(**of(clock), due=clock.due, request=request.number)
        turn.record(superseded, at)
        clock = turn.clock(clock)
    longer = replace(clock, extensions=(*clock.extensions, granted.granted))
    after = reckoned(longer, turn.almanac(clock.calendar), at)
    turn.record(
        rescheduled(clock, after, turn, at, reason="extension-granted", request=request.number),
        at,
    )


def regrade(turn: Turn, graded: f.CaseGraded, at: datetime) -> None:
    """定级变更: count the clocks whose limit depends on the grade anew (R7)."""
    for clock in turn.case.open_clocks:
        definition = turn.definition(clock)
        if definition is not None and definition.by and clock.budget != DATE:
            _regrade(turn, clock, definition, at, misgraded=graded.misgraded)


def refile(turn: Turn, at: datetime) -> None:
    """归目: count the clocks that follow the catalogue by the filing condition's own limit."""
    for clock in turn.case.open_clocks:
        definition = turn.definition(clock)
        if definition is not None and definition.catalogue and clock.budget != DATE:
            _regrade(turn, clock, definition, at, reason="filed")


def _regrade(
    turn: Turn,
    clock: Clock,
    definition: ClockDefinition,
    at: datetime,
    *,
    misgraded: bool = False,
    reason: str = "regraded",
) -> None:
    budget, limit = limit_of(definition, turn.case, turn.world.kind)
    if clock.limit.origin == "rework" and definition.rework is not None:
        budget = reworked(budget, definition.rework)
    if str(budget) == clock.budget:
        return
    # A breach stands, unless the grade it was counted by is confirmed to have been wrong.
    if clock.breached_at is not None and not misgraded:
        return
    fresh = _under(clock, definition, budget, _restated(clock.limit, limit), turn, at)
    after, compressed = _not_at_once(clock, fresh, definition.grace, turn, at)
    if after is None:
        return
    if clock.breached_at is not None:
        turn.record(f.BreachVoided(**of(clock), due=clock.due, reason="misgraded"), at)
        after = replace(after, breached_at=None)
    fact = rescheduled(turn.clock(clock), after, turn, at, reason=reason, compressed=compressed)
    turn.record(fact, at)


def _under(
    clock: Clock,
    definition: ClockDefinition,
    budget: Budget,
    limit: f.Limit,
    turn: Turn,
    at: datetime,
) -> Clock:
    """Return a clock under another budget, by the policy of its definition."""
    old, almanac = parse_budget(clock.budget), turn.almanac(clock.calendar)
    changes: dict[str, Any] = {"limit": limit, "floors": ()}
    match definition.regrade:
        case "retroactive":
            # Extensions that were granted carry over if they count in the same unit.
            kept = clock.extensions if old.unit is budget.unit else ()
            changes |= {"budget": str(budget), "extensions": kept}
        case "restart":
            changes |= {"budget": str(budget), "extensions": (), "started_at": at}
        case "remaining_ratio":
            whole = old.size + sum(parse_budget(more).size for more in clock.extensions)
            gone = min(used(clock, almanac, at), whole)
            size = max(1, -(-budget.size * (whole - gone) // whole))
            left = str(sized(size, budget.unit))
            changes |= {"budget": left, "extensions": (), "started_at": at}
    return reckoned(replace(clock, **changes), almanac, at)


def _restated(before: f.Limit, after: f.Limit) -> f.Limit:
    """Return what a limit says of itself: a rework stays one; a kind keeps the version it had."""
    origin = "rework" if before.origin == "rework" else after.origin
    catalogue = "catalogue" in {before.origin, after.origin}
    version = after.version if catalogue else before.version
    return f.Limit(origin, version, after.by)


def _not_at_once(
    clock: Clock, after: Clock, grace: Budget | None, turn: Turn, at: datetime
) -> tuple[Clock | None, bool]:
    """Keep an earlier due from coming at once: at least the grace is left, from now on.

    Where less than that is left anyway, nothing changes (None): being stricter never makes a due
    later.
    """
    if after.due >= clock.due or grace is None:
        return after, False
    almanac = turn.almanac(clock.calendar)
    if due(at, grace, almanac, Cutoff(clock.cutoff)).at <= after.due:
        return after, False
    floored = replace(after, floors=(*after.floors, f.Floor(at, str(grace))))
    floored = reckoned(floored, almanac, at)
    return (floored, True) if floored.due < clock.due else (None, False)


def recounted(turn: Turn, clock: Clock, at: datetime) -> None:
    """日历更新: count a running clock by its calendar as it is now (R13).

    Breaches stand; what is over is never counted again; an earlier due applies only with notice.
    """
    if clock.breached_at is not None or clock.budget == DATE:
        return
    almanac = turn.almanac(clock.calendar)
    if almanac.version == clock.calendar_version:
        return
    fresh = reckoned(clock, almanac, at)
    after, compressed = _not_at_once(clock, fresh, parse_budget(NOTICE), turn, at)
    if after is None or (after.due, after.provisional) == (clock.due, clock.provisional):
        return
    fact = rescheduled(clock, after, turn, at, reason="calendar-changed", compressed=compressed)
    turn.record(fact, at)


def restarted(turn: Turn, clock: Clock, started_at: datetime, reason: str, at: datetime) -> None:
    """Count a clock again from another start, with its own budget and calendar."""
    almanac = turn.almanac(clock.calendar)
    after = reckoned(replace(clock, started_at=started_at), almanac, at)
    turn.record(rescheduled(clock, after, turn, at, reason=reason), at)
