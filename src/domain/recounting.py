"""Counting open clocks again after a calendar changed (clocks.md R13)."""

from domain.case import Case
from domain.limits import recounted
from domain.settling import settle
from domain.turn import Turn
from domain.world import Draft, World


def recount(case: Case, world: World) -> list[Draft]:
    """Count a case's open clocks by the calendars as they are now; what had passed stays passed.

    Raises:
        UnknownCalendar: a clock's calendar is no longer known.
    """
    drafts = settle(case, world.now, world)
    turn = Turn(case, world)
    for draft in drafts:
        turn.record(draft.fact, draft.occurred_at)
    for clock in turn.case.open_clocks:
        recounted(turn, clock, world.now)
    return turn.drafts
