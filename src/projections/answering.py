"""What the ledger of 四定三包 folds of a case: who answers, the clocks of it, breaches that stand.

The domain's own fold says how it stands, so that ledger and matrix can never tell two stories. As
in `projections.seen`, the fold changes the state it is given: a batch owns its states.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.accountability import (
    DUTIES,
    SLOTS,
    Accountability,
    accountability_after,
    reopened,
    succeeded,
)
from domain.accountability_matrix import FOUR_FIXED
from domain.clock import Clock, Instance, clocks_after
from domain.reckoning import DATE
from eventlog.records import Followed

CAMPAIGN: Final = "campaign"
"""The data field by which a kind marks a campaign (专项行动), and the row that says so."""
FIXED: Final = "fixed_deadline"
DUTY: Final = "duty:"
PERSONS: Final = ("leader", "responsibility")
"""Parts with terms: a row each, of which one is in effect at a moment."""
FACTS: Final = (
    f.CaseReported,
    f.CaseCorrected,
    f.DataRecorded,
    f.CaseReopened,
    f.UnitsSucceeded,
    f.LeaderFixed,
    f.MeasuresFixed,
    f.MeasureDone,
    f.DeadlineFixed,
    f.ResponsibilityFixed,
    f.FourFixed,
    f.DutyTaken,
    f.DutyFulfilled,
    f.DutyFailed,
    f.RevisitRecorded,
    f.ClockStarted,
    f.ClockResumed,
    f.ClockRescheduled,
    f.ClockStopped,
    f.ClockCancelled,
    f.ClockStopCorrected,
    f.ThresholdReached,
    f.DeadlineBreached,
    f.BreachRetracted,
    f.BreachSuperseded,
    f.BreachVoided,
)
"""All that it folds; what it never sees costs it nothing."""


class Breach(Struct, frozen=True, array_like=True):
    """A breach that stands: of which clock, what was lacking then, and who answers for it."""

    clock: Instance
    parts: tuple[str, ...]
    at: datetime
    unit: str | None
    posts: tuple[f.Answerable, ...]


class Answering(Struct, array_like=True):
    """What is folded of a case; blank until it has any of 四定三包."""

    now: Accountability = Accountability()
    clocks: tuple[Clock, ...] = ()
    """Of the four, of the fixed date, of duties."""
    parts: tuple[str, ...] = ()
    """Which were ever there: their rows stay, missing or not."""
    breaches: tuple[Breach, ...] = ()
    campaign: str | None = None
    marked: bool = False
    """Whether it was ever listed in a campaign: its row stays."""


def blank(_: str) -> Answering:
    """Return a case of which nothing is known."""
    return Answering()


def fold(state: Answering, record: Followed) -> Answering:
    """Take in one more fact of the case, and return what was given (see projections.seen)."""
    fact, at = record.body.data, record.body.occurred_at
    match fact:
        case f.AccountabilityFact():
            state.now = accountability_after(state.now, fact, at)  # type: ignore[arg-type]
        case f.ClockFact():
            _ticked(state, fact)
        case f.CaseReopened():
            state.now = reopened(state.now)
            state.breaches = tuple(one for one in state.breaches if one.parts == DUTIES[2:])
        case f.UnitsSucceeded() if fact.division:
            by = {one.unit: one.by for one in fact.units}
            state.now = succeeded(state.now, lambda unit: by.get(unit.id, unit), at)
        case f.CaseReported() | f.CaseCorrected():
            _listed(state, fact.data.get(CAMPAIGN))
        case f.DataRecorded() if CAMPAIGN in fact.data:
            _listed(state, fact.data[CAMPAIGN])
        case _:
            pass
    there = (*state.parts, *_there(state))
    if len(there) != len(state.parts):
        state.parts = tuple(dict.fromkeys(there))
    return state


def _listed(state: Answering, campaign: object) -> None:
    state.campaign = campaign if isinstance(campaign, str) and campaign else None
    state.marked = state.marked or state.campaign is not None


def _there(state: Answering) -> Iterator[str]:
    """Name the parts that somebody fixed or took."""
    now = state.now
    if now.leaders:
        yield "leader"
    if now.measures:
        yield "measures"
    if now.deadline:
        yield "deadline"
    if now.responsible:
        yield "responsibility"
    for duty in now.duties:
        yield duty.name


def _ticked(state: Answering, fact: f.ClockFact) -> None:
    """Follow the clocks that the matrix shows; all others are none of this ledger's."""
    instance = (fact.clock, fact.scope, fact.cycle, fact.sequence)
    known = any(clock.instance == instance for clock in state.clocks)
    if not known and not _concerns(fact):
        return
    state.clocks = clocks_after(state.clocks, fact)  # type: ignore[arg-type]
    if not known and fact.clock == FOUR_FIXED:
        state.parts = tuple(dict.fromkeys((*state.parts, *SLOTS)))
    match fact:
        case f.DeadlineBreached() if known:
            parts = _lacking(state, fact)
            unit = fact.answerable.id if fact.answerable else None
            breach = Breach(instance, parts, fact.effective_at, unit, fact.posts)
            state.breaches = (*_others(state, instance), breach)
        case f.BreachRetracted() | f.BreachSuperseded() | f.BreachVoided():
            state.breaches = _others(state, instance)
        case _:
            pass


def _concerns(fact: f.ClockFact) -> bool:
    """Whether a clock begins of which the matrix tells."""
    if not isinstance(fact, f.ClockStarted | f.ClockRescheduled):
        return False
    if isinstance(fact, f.ClockRescheduled) and not fact.calendar:
        return False  # not complete: seen from before its start
    dated = fact.budget == DATE and fact.limit.by == FIXED
    return dated or fact.clock == FOUR_FIXED or fact.scope.startswith(DUTY)


def _others(state: Answering, instance: Instance) -> tuple[Breach, ...]:
    return tuple(one for one in state.breaches if one.clock != instance)


def _lacking(state: Answering, fact: f.DeadlineBreached) -> tuple[str, ...]:
    """Return what was not done when a clock ran out; the four may lack only by a vacancy."""
    if fact.scope.startswith(DUTY):
        return (fact.scope.removeprefix(DUTY),)
    there = set(_there(state))
    if fact.clock == FOUR_FIXED:
        return tuple(part for part in SLOTS if part not in there) or PERSONS
    measures = state.now.measures
    return ("deadline",) if measures is None or measures.all_done else ("measures", "deadline")


def latest(state: Answering, wanted: Callable[[Clock], bool]) -> Clock | None:
    """Return the clock that was started last, of those that are wanted."""
    return next((clock for clock in reversed(state.clocks) if wanted(clock)), None)


def dated(clock: Clock) -> bool:
    """Whether a clock counts to the fixed date."""
    return clock.budget == DATE and clock.limit.by == FIXED
