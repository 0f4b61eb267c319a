"""Counting open clocks again after a calendar changed (clocks.md R13)."""

from domain.limits import recounted
from domain.settling import let_happen
from domain.turn import Turn


def recount(turn: Turn) -> None:
    """Count a case's open clocks by the calendars as they are now; what had passed stays passed.

    Raises:
        UnknownCalendar: a clock's calendar is no longer known.
    """
    now = turn.world.now
    let_happen(turn, now)
    for clock in turn.case.open_clocks:
        recounted(turn, clock, now)
