"""What a batch of facts does to the plans of clocks: only its net effect, clock by clock.

Facts carry whole plans, so nothing is kept between batches. The order of the log decides. Points
are written for open clocks only, so what comes after a clock's end brings nothing back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct

from domain import facts as f
from domain.clock import ClockEvent
from domain.told import ENDING
from eventlog.records import Followed

Key = tuple[str, str, str, int, int]
"""Of a clock in its district: (case, clock, scope, cycle, sequence)."""


FOLDED: Final = frozenset(
    fact for fact in f.FACTS if issubclass(fact, (f.ClockFact, f.NoticeFact, *ENDING))
)
"""The facts that change any plan."""
OF_THE_CASE: Final = ("", "", 0, 0)
"""In place of a clock: what time brings to the case itself (a signature that is awaited)."""


class Change(Struct):
    """What becomes of one clock's rows; what is empty stays as it is."""

    started: bool = False
    """Within this batch: there are no rows of it yet."""
    closed: bool = False
    status: str = ""
    calendar: str = ""
    calendar_version: str = ""
    due: datetime | None = None
    generation: int = 0
    replaced: bool = False
    """The whole plan is new: all points there were are gone."""
    gone: set[str] = set()
    points: dict[str, datetime] = {}


def changes_of(records: Sequence[Followed]) -> dict[Key, Change]:
    """Return the net effect of a batch; clocks that began and ended within it are left out."""
    changes: dict[Key, Change] = {}
    for record in records:
        fact = record.body.data
        if isinstance(fact, f.ClockFact):
            key = (record.body.stream, fact.clock, fact.scope, fact.cycle, fact.sequence)
            change = changes.get(key)
            if change is None:
                change = changes[key] = Change()
            _happened(change, fact)  # type: ignore[arg-type]
        elif isinstance(fact, (f.NoticeFact, *ENDING)):
            _awaited(changes.setdefault((record.body.stream, *OF_THE_CASE), Change()), fact)
    return {key: one for key, one in changes.items() if not (one.started and one.closed)}


def _happened(change: Change, fact: ClockEvent) -> None:  # noqa: C901 - one arm a fact
    match fact:
        case f.ClockStarted():
            change.started, change.calendar = True, fact.calendar
            _counts(change, fact, "running", 1)
        case f.ClockPaused():
            change.status = "paused"
            _replan(change, fact.plan)
        case f.ClockResumed():
            _counts(change, fact, "running" if fact.running else "", fact.generation)
        case f.ClockRescheduled():
            _counts(change, fact, "", fact.generation)
        case f.ClockStopped() | f.ClockCancelled():
            change.closed = True
            _replan(change, ())
        case f.ThresholdReached():
            _past(change, f"threshold:{fact.threshold}")
        case f.DeadlineBreached():
            _past(change, "breach")
        case f.EscalationRaised():
            _past(change, f"rung:{fact.rung}")
            _add(change, fact.again)
        case f.NoticeIssued():
            _add(change, fact.acknowledge)
        case f.NoticeAcknowledged() | f.AcknowledgementMissed():
            _past(change, f"acknowledge:{fact.notice}")
        case (
            f.ClockStopCorrected()
            | f.BreachRetracted()
            | f.BreachSuperseded()
            | f.BreachVoided()
            | f.NoticeDelivered()
            | f.NoticeUndeliverable()
        ):
            pass
        case _:
            assert_never(fact)


def _awaited(change: Change, fact: f.Fact) -> None:
    """Keep until when what somebody was told must be signed for; a case that ends waits no more."""
    match fact:
        case f.PartyNotified():
            _add(change, fact.acknowledge)
        case f.PartyNoticeAcknowledged() | f.PartyNoticeUnsigned():
            _past(change, f"acknowledge:{fact.notice}")
        case _ if isinstance(fact, ENDING):
            _replan(change, ())
        case _:
            pass


def _counts(
    change: Change,
    fact: f.ClockStarted | f.ClockResumed | f.ClockRescheduled,
    status: str,
    generation: int,
) -> None:
    """Take over a new reckoning, and the plan that follows from it."""
    change.status = status or change.status
    change.calendar_version = fact.calendar_version
    change.due = fact.due
    change.generation = generation
    _replan(change, fact.plan)


def _replan(change: Change, plan: Iterable[f.Point]) -> None:
    change.replaced, change.gone = True, set()
    change.points = {point.name: point.at for point in plan}


def _past(change: Change, name: str) -> None:
    change.points.pop(name, None)
    if not change.replaced:
        change.gone.add(name)


def _add(change: Change, point: f.Point | None) -> None:
    if point is not None:
        change.points[point.name] = point.at
