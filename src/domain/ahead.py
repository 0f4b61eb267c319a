"""Applying in good time: how long before the day that is asked for (社区工作事项准入)."""

from datetime import date
from typing import Final

from domain.case import Case
from domain.due import Budget, Cutoff, Unit, due
from domain.errors import GuardFailed, UnknownCalendar
from domain.explain_spans import local_day
from domain.kind import Action
from domain.world import World

AHEAD: Final = Budget(30, Unit.wd)
"""So long before its first day a department applies (background.md §2.2, the rule of 西城)."""
WANTED: Final = "since"
"""The field of the report that says from which day on."""


def applied_ahead(action: Action, case: Case, world: World) -> None:
    """Refuse an application that came too late for the day it names.

    Raises:
        GuardFailed: with the earliest day that it may name.
        UnknownCalendar.
    """
    if world.importing or case.reported_at is None:
        return
    name = next((clock.calendar for clock in case.clocks), "cn-office")
    calendar = world.calendars.get(name)
    if calendar is None:
        raise UnknownCalendar(calendar=name, known="、".join(world.calendars))
    earliest = local_day(due(case.reported_at, AHEAD, calendar, Cutoff.close_of_business).at)
    wanted = case.data.get(WANTED)
    if not isinstance(wanted, str) or date.fromisoformat(wanted) < earliest:
        detail = f"须提前 30 个工作日申请，最早自 {earliest} 起；请先改期，再{action.title}"
        raise GuardFailed(detail=detail)
