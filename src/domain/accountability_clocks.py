"""What 四定三包 does to clocks: absolute dates, grades that no longer hold, what stands."""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.case import Case
from domain.clock import Clock
from domain.kind import ClockDefinition, Trigger
from domain.planning import rescheduled
from domain.turn import Turn, of

FIXED: Final = "fixed_deadline"
COMPLETE: Final = Trigger(f.FourFixed.TYPE)


def date_of(definition: ClockDefinition, fact: f.Fact, case: Case) -> datetime | None:
    """Return the absolute due of a clock that has no budget; None if nobody set one."""
    match definition.date:
        case "fixed_deadline":
            return case.accountability.deadline.at if case.accountability.deadline else None
        case "duty_until":
            return fact.until or fact.watch_until if isinstance(fact, f.DutyTaken) else None
        case _:
            return case.source_due


def dated_by(definition: ClockDefinition, version: str) -> f.Limit:
    """Return where an absolute due comes from: the reporting system, or who answers."""
    origin = "source" if definition.date == "source_due" else "accountability"
    return f.Limit(origin, version, definition.date or "")


def refix(turn: Turn, fact: f.DeadlineFixed, at: datetime) -> None:
    """定时间 was fixed anew: the clocks that count to it count to the new date."""
    for clock in turn.case.open_clocks:
        definition = turn.definition(clock)
        if definition is not None and definition.date == FIXED and clock.due != fact.deadline:
            after = replace(clock, due=fact.deadline)
            turn.record(rescheduled(clock, after, turn, at, reason="deadline-fixed"), at)


def leave_grade(turn: Turn, graded: f.CaseGraded, at: datetime) -> None:
    """Cancel what only a grade had started that the case has no longer.

    A breach stands all the same, unless that grade is confirmed to have been wrong (R7).
    """
    for clock in turn.case.open_clocks:
        definition = turn.definition(clock)
        if definition is None or not _of_another_grade(definition, graded):
            continue
        if clock.breached_at is not None and graded.misgraded:
            turn.record(f.BreachVoided(**of(clock), due=clock.due, reason="misgraded"), at)
        turn.record(f.ClockCancelled(**of(clock), cancelled_at=at, reason="regraded"), at)


def _of_another_grade(definition: ClockDefinition, graded: f.CaseGraded) -> bool:
    return all(
        one.fact == graded.TYPE and one.value and one.value != graded.severity
        for one in definition.start
    )


def stands(definition: ClockDefinition, turn: Turn) -> bool:
    """Whether a clock that waits for 四定 has nothing to wait for: they stand already."""
    rule, case = turn.world.kind.accountability, turn.case
    if rule is None or COMPLETE not in definition.stop:
        return False
    required = rule.slots_at(case.severity)
    return set(required) <= set(case.accountability.complete)


def taker(clock: Clock, case: Case) -> f.Answerable | None:
    """Return whose duty a clock counts."""
    sort, _, name = clock.scope.partition(":")
    duty = case.accountability.duty(name) if sort == "duty" else None
    return duty.who if duty else None
