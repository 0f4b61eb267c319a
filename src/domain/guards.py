"""Who may take an action now, and what it requires of the case."""

from collections.abc import Iterator
from typing import Final

from domain import (
    accountability_guards,
    aftercare_guards,
    civic_guards,
    filing_guards,
    privacy_guards,
    routing_guards,
)
from domain.ahead import applied_ahead
from domain.allotting import actions_of
from domain.case import Case
from domain.clock import Clock
from domain.conditions import check_case
from domain.due import SHANGHAI, Budget, Cutoff, due
from domain.due import Unit as Counted
from domain.errors import (
    ActionUnavailable,
    Refusal,
    ReturnNotAllowed,
    RoleForbidden,
    SamePerson,
    TasksOpen,
    UnknownCalendar,
)
from domain.facts import CaseAssigned
from domain.kind import Action, Kind, Trigger
from domain.requirement import Requirement
from domain.roles import acting_unit, may
from domain.world import World

ASSIGNMENT: Final = Trigger(CaseAssigned.TYPE)
RETURN_WINDOW: Final = Budget(2, Counted.wd)
"""So long after its assignment it may be returned; later it counts as accepted (workflow.md §1)."""


def check(action: Action, case: Case, world: World) -> None:
    """Refuse an action that is not available, not this actor's, or whose requirements fail.

    Raises:
        ActionUnavailable, RoleForbidden, or what a requirement raises.
    """
    if case.stage not in action.stages:
        raise ActionUnavailable(
            stage=stage_title(world.kind, case.stage),
            action=action.title,
            available=available_titles(case, world),
            actions=available_names(case, world),
        )
    if not may(action, case, world):
        raise RoleForbidden(
            role=world.actor.role.value,
            action=action.title,
            allowed="、".join(rule.title for rule in action.by) or "无",
        )
    for requirement in action.requires:
        REQUIREMENTS[requirement](action, case, world)
    check_case(action, case, world)


def available_names(case: Case, world: World) -> list[str]:
    """Return the names of the actions the actor may take now."""
    return [action.name for action in _available(case, world)]


def _available(case: Case, world: World) -> Iterator[Action]:
    for action in actions_of(world.kind, case):
        if case.stage in action.stages and may(action, case, world):
            yield action


def available_titles(case: Case, world: World) -> str:
    """Return those actions' titles for a message."""
    titles = [action.title for action in _available(case, world)]
    return "、".join(titles) or "无"


def stage_title(kind: Kind, stage: str) -> str:
    """Return what people call a stage."""
    return kind.stages[stage].title if stage in kind.stages else stage


def refusals(action: Action, case: Case, world: World) -> list[Refusal]:
    """Return why an action is not possible now; empty if it is."""
    try:
        check(action, case, world)
    except Refusal as refusal:
        return [refusal]
    return []


def _tasks_settled(action: Action, case: Case, world: World) -> None:
    """Joint work must be done or waived before completion is claimed (workflow.md §1)."""
    del action
    if case.open_tasks:
        names = world.directory.units
        owed = [
            names[task.unit.id].name if task.unit.id in names else task.unit.id
            for task in case.open_tasks
        ]
        raise TasksOpen(tasks="、".join(owed))


def _another_unit(action: Action, case: Case, world: World) -> None:
    """Verification is never by the handler (workflow.md §1)."""
    if world.importing or case.lead is None:
        return
    if acting_unit(world.actor, world.directory) == case.lead.id:
        raise SamePerson(action=action.title)


def _within_return_window(action: Action, case: Case, world: World) -> None:
    """A wrong dispatch is returned soon; whoever had claimed completion once has accepted it."""
    del action
    clock = _assignment(case, world)
    if world.importing or clock is None:
        return
    calendar = world.calendars.get(clock.calendar)
    if calendar is None:
        raise UnknownCalendar(calendar=clock.calendar, known="、".join(world.calendars))
    last = due(clock.started_at, RETURN_WINDOW, calendar, Cutoff(clock.cutoff)).at
    if case.rework or world.now > last:
        until = last.astimezone(SHANGHAI)
        detail = f"派遣后两个工作日内、返工之前才能退单，最迟 {until}；此后视为已经接收"
        raise ReturnNotAllowed(detail=detail, last=last)


def _assignment(case: Case, world: World) -> Clock | None:
    """Return the clock that the latest assignment started (publishing sees to it that one does)."""
    names = {one.name for one in world.kind.clocks if ASSIGNMENT in one.start}
    return next(
        (
            clock
            for clock in reversed(case.clocks)
            if clock.name in names and clock.limit.origin != "rework"
        ),
        None,
    )


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "tasks_settled": _tasks_settled,
    "another_unit": _another_unit,
    "within_return_window": _within_return_window,
    "applied_ahead": applied_ahead,
    **routing_guards.REQUIREMENTS,
    **aftercare_guards.REQUIREMENTS,
    **privacy_guards.REQUIREMENTS,
    **accountability_guards.REQUIREMENTS,
    **filing_guards.REQUIREMENTS,
    **civic_guards.REQUIREMENTS,
}
