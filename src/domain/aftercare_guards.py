"""What actions may require of a case, of the family in `domain/aftercare.py`."""

from datetime import datetime
from typing import Final

from domain.case import Case
from domain.due import Budget, Cutoff, due
from domain.due import Unit as Counted
from domain.errors import (
    AlreadyRated,
    AppealLate,
    CallbackMissing,
    GuardFailed,
    LeaderCloses,
    RedoExhausted,
    UnknownCalendar,
)
from domain.kind import Action
from domain.requirement import Requirement
from domain.world import World

REDOS: Final = 2
"""So often a case is redone; then only a leader closes it, procedurally (workflow.md §1)."""
APPEAL_WINDOW: Final = Budget(5, Counted.wd)
"""So long after closing the handling unit may appeal (workflow.md §1)."""


def _redo_left(action: Action, case: Case, world: World) -> None:
    """重办 at most twice."""
    del action
    if case.aftercare.redo >= REDOS and not world.importing:
        raise RedoExhausted(count=case.aftercare.redo)


def _redo_exhausted(action: Action, case: Case, world: World) -> None:
    """Before a case goes to a leader it was redone as often as it may be."""
    del action
    if case.aftercare.redo < REDOS and not world.importing:
        detail = f"只重办过 {case.aftercare.redo} 次；不满意的，请先办理“重办”"
        raise GuardFailed(detail=detail)


def _settled(action: Action, case: Case, world: World) -> None:
    """What two redos did not settle nobody but a leader closes."""
    del action
    if case.aftercare.unsettled and not world.importing:
        raise LeaderCloses


def _unsettled(action: Action, case: Case, world: World) -> None:
    """A leader closes in this way only what two redos did not settle."""
    del action
    if not case.aftercare.unsettled and not world.importing:
        raise GuardFailed(detail="两次重办后回访仍不满意的，才由领导作程序性办结")


def _called_back(action: Action, case: Case, world: World) -> None:
    """Nothing is archived (归档) before its caller was asked, or has rated."""
    del world
    asked = (case.aftercare.called_back_at, case.aftercare.rated_at)
    closed_at = case.closed_at
    if closed_at is None or not any(at is not None and at >= closed_at for at in asked):
        raise CallbackMissing(action=action.title)


def _unrated(action: Action, case: Case, world: World) -> None:
    """A result is rated once; a duplicate, or what was split, once its caller was answered."""
    del action, world
    care, parts = case.aftercare, case.split.parts
    if case.waits and care.merged_into:
        raise GuardFailed(detail=f"主事项 {care.merged_number} 尚未办结，办结答复后再评价")
    if case.waits:
        raise GuardFailed(detail=f"拆分出的 {len(parts)} 件尚未全部办结，全部答复后再评价")
    result = care.answered_at if care.merged_into or parts else case.closed_at
    if result is not None and care.rated_at is not None and care.rated_at >= result:
        raise AlreadyRated


def _within_appeal_window(action: Action, case: Case, world: World) -> None:
    """An appeal comes within five working days of the closing, or of the bad callback."""
    del action
    since = appealable_since(case)
    if since is None or world.importing:
        return
    last = _counted(since, case, world)
    if last is not None and world.now > last:
        raise AppealLate(last=last)


def appealable_since(case: Case) -> datetime | None:
    """Return from when the window counts; a callback may come later than the closing."""
    moments = [at for at in (case.closed_at, case.aftercare.dissatisfied_at) if at is not None]
    return max(moments, default=None)


def _counted(since: datetime, case: Case, world: World) -> datetime | None:
    """Return the end of the window, by the calendar of the case's latest clock."""
    if not case.clocks:
        return None
    clock = case.clocks[-1]
    calendar = world.calendars.get(clock.calendar)
    if calendar is None:
        raise UnknownCalendar(calendar=clock.calendar, known="、".join(world.calendars))
    return due(since, APPEAL_WINDOW, calendar, Cutoff.end_of_day).at


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "redo_left": _redo_left,
    "redo_exhausted": _redo_exhausted,
    "settled": _settled,
    "unsettled": _unsettled,
    "called_back": _called_back,
    "unrated": _unrated,
    "within_appeal_window": _within_appeal_window,
}
