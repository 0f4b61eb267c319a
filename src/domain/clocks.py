"""The clocks of a case: which facts start and stop them, and the facts that say so."""

from collections.abc import Sequence
from datetime import datetime

from domain import facts as f
from domain.case import Case, Clock
from domain.due import Cutoff, due, parse_budget
from domain.errors import UnknownCalendar
from domain.kind import ClockDefinition
from domain.world import Draft, World


def breaches(case: Case, at: datetime, world: World) -> list[Draft]:
    """Record, before anything else happens at `at`, the deadlines that passed unnoticed."""
    late = [clock for clock in case.running_clocks if not clock.breached_at and clock.due < at]
    return [_breached(clock, case, world) for clock in sorted(late, key=lambda clock: clock.due)]


def _breached(clock: Clock, case: Case, world: World) -> Draft:
    fact = f.DeadlineBreached(
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        due=clock.due,
        effective_at=clock.due,
        detected_at=world.now,
        answerable=case.holder,
    )
    return Draft(fact, clock.due)


def tick(case: Case, emitted: Sequence[f.Fact], at: datetime, world: World) -> list[Draft]:
    """Return the clock facts that follow from what was just emitted; `case` is after it."""
    types = {fact.TYPE for fact in emitted}
    definitions = {definition.name: definition for definition in world.kind.clocks}
    ended = world.kind.stages[case.stage].ending and any(map(_moves, emitted))
    drafts: list[Draft] = []
    running: set[str] = set()
    for clock in case.running_clocks:
        definition = definitions.get(clock.name)
        if definition is not None and definition.stop & types:
            drafts += _stopped(clock, at)
        elif ended:
            drafts.append(_cancelled(clock, at))
        else:
            running.add(clock.name)
    drafts += [
        _started(definition, case, at, world)
        for definition in world.kind.clocks
        if definition.start & types and definition.name not in running
    ]
    return drafts


def _moves(fact: f.Fact) -> bool:
    return isinstance(fact, f.CaseFact) and fact.stage.source != fact.stage.target


def _stopped(clock: Clock, at: datetime) -> list[Draft]:
    """Stop a clock; a breach noted meanwhile, of a due that was met, is taken back (R12)."""
    drafts = [_stop(clock, at)]
    if clock.breached_at is not None and at <= clock.due:
        fact = f.BreachRetracted(
            clock=clock.name,
            scope=clock.scope,
            cycle=clock.cycle,
            sequence=clock.sequence,
            due=clock.due,
            reason="stopped-in-time",
        )
        drafts.append(Draft(fact, at))
    return drafts


def _stop(clock: Clock, at: datetime) -> Draft:
    fact = f.ClockStopped(
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        stopped_at=at,
        due=clock.due,
        met=at <= clock.due,
    )
    return Draft(fact, at)


def _cancelled(clock: Clock, at: datetime) -> Draft:
    fact = f.ClockCancelled(
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        cancelled_at=at,
    )
    return Draft(fact, at)


def _started(definition: ClockDefinition, case: Case, at: datetime, world: World) -> Draft:
    calendar = world.calendars.get(definition.calendar)
    if calendar is None:
        raise UnknownCalendar(calendar=definition.calendar, known="、".join(world.calendars))
    before = [
        clock for clock in case.clocks if (clock.name, clock.cycle) == (definition.name, case.cycle)
    ]
    budget = next(
        budget for value, budget in definition.budgets if value in {"", case.urgency, case.severity}
    )
    falls = due(at, budget, calendar, definition.cutoff)
    fact = f.ClockStarted(
        clock=definition.name,
        scope="",
        cycle=case.cycle,
        sequence=len(before) + 1,
        total=definition.total,
        started_at=at,
        budget=str(budget),
        cutoff=definition.cutoff.value,
        calendar=definition.calendar,
        calendar_version=falls.calendar_version,
        due=falls.at,
        provisional=falls.provisional,
    )
    return Draft(fact, at)


def rescheduled(
    clock: Clock, started_at: datetime, reason: str, world: World
) -> f.ClockRescheduled:
    """Count a running clock again from another start, with its own budget and calendar.

    Raises:
        UnknownCalendar: the clock's calendar is no longer known.
    """
    calendar = world.calendars.get(clock.calendar)
    if calendar is None:
        raise UnknownCalendar(calendar=clock.calendar, known="、".join(world.calendars))
    falls = due(started_at, parse_budget(clock.budget), calendar, Cutoff(clock.cutoff))
    return f.ClockRescheduled(
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        reason=reason,
        total=clock.total,
        cutoff=clock.cutoff,
        calendar=clock.calendar,
        started_at=started_at,
        budget=clock.budget,
        calendar_version=falls.calendar_version,
        previous_due=clock.due,
        due=falls.at,
        provisional=falls.provisional,
    )
