"""A clock (时限) of a case, folded from its facts: what it counts, what holds it, what is next."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

Instance = tuple[str, str, int, int]
"""What tells a clock's instance from every other of its case: (name, scope, cycle, sequence)."""
ClockEvent = (
    f.ClockStarted
    | f.ClockPaused
    | f.ClockResumed
    | f.ClockRescheduled
    | f.ClockStopped
    | f.ClockCancelled
    | f.ClockStopCorrected
    | f.ThresholdReached
    | f.DeadlineBreached
    | f.BreachRetracted
    | f.BreachSuperseded
    | f.BreachVoided
    | f.EscalationRaised
    | f.NoticeIssued
    | f.NoticeDelivered
    | f.NoticeUndeliverable
    | f.NoticeAcknowledged
    | f.AcknowledgementMissed
)


class Hold(Struct, frozen=True, gc=False):
    """One reason that holds a clock now."""

    reason: str
    since: datetime
    until: datetime | None
    request: int = 0
    """The case's request that was granted."""


class Clock(Struct, frozen=True, gc=False, kw_only=True):
    """One instance of a clock: (clock, scope, cycle, sequence) within its case."""

    name: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool
    limit: f.Limit = f.Limit()
    answerable: f.Unit | None = None
    status: Literal["running", "paused", "stopped", "cancelled"] = "running"
    stopped_at: datetime | None = None
    breached_at: datetime | None = None
    extensions: tuple[str, ...] = ()
    floors: tuple[f.Floor, ...] = ()
    pauses: tuple[f.Span, ...] = ()
    """Pauses that are over, joined where reasons overlapped."""
    held: tuple[Hold, ...] = ()
    """What holds it now; it runs when this is empty."""
    generation: int = 1
    """Rises whenever the due moves; time acts on what the latest one planned."""
    plan: tuple[f.Point, ...] = ()
    """What time will still bring, in order."""
    reached: tuple[str, ...] = ()
    """Names of the points that it has brought already."""

    @property
    def instance(self) -> Instance:
        """What tells this instance from every other of the case."""
        return (self.name, self.scope, self.cycle, self.sequence)

    @property
    def open(self) -> bool:
        """Whether it still counts, or will again."""
        return self.status in {"running", "paused"}

    @property
    def paused_since(self) -> datetime | None:
        """Since when it stands still; None if it does not."""
        return min((hold.since for hold in self.held), default=None)


def clocks_after(clocks: tuple[Clock, ...], fact: ClockEvent) -> tuple[Clock, ...]:
    """Return a case's clocks after one more fact; one that is not known yet changes nothing."""
    instance = (fact.clock, fact.scope, fact.cycle, fact.sequence)
    if isinstance(fact, f.ClockStarted):
        return (*clocks, _started(fact))
    known = any(clock.instance == instance for clock in clocks)
    if isinstance(fact, f.ClockRescheduled) and fact.calendar and not known:
        # Seen from before its start: the new reckoning is complete.
        return (*clocks, _rescheduled(_started(fact), fact))
    return tuple(_after(clock, fact) if clock.instance == instance else clock for clock in clocks)


def bound_to(clocks: tuple[Clock, ...], now: Callable[[f.Unit], f.Unit]) -> tuple[Clock, ...]:
    """Return clocks that bind whoever follows a unit, as far as they still count."""
    return tuple(
        replace(one, answerable=now(one.answerable)) if one.open and one.answerable else one
        for one in clocks
    )


def _started(fact: f.ClockStarted | f.ClockRescheduled) -> Clock:
    return Clock(
        name=fact.clock,
        scope=fact.scope,
        cycle=fact.cycle,
        sequence=fact.sequence,
        total=fact.total,
        started_at=fact.started_at,
        budget=fact.budget,
        cutoff=fact.cutoff,
        calendar=fact.calendar,
        calendar_version=fact.calendar_version,
        due=fact.due,
        provisional=fact.provisional,
        limit=fact.limit,
        answerable=fact.answerable,
        plan=fact.plan,
    )


def _after(clock: Clock, fact: ClockEvent) -> Clock:  # noqa: C901, PLR0911, PLR0912 - one arm a fact
    match fact:
        case f.ClockStarted():
            return clock
        case f.ClockPaused():
            hold = Hold(fact.reason, fact.paused_at, fact.until, fact.request)
            return replace(clock, status="paused", held=(*clock.held, hold), plan=fact.plan)
        case f.ClockResumed():
            return _resumed(clock, fact)
        case f.ClockRescheduled():
            return _rescheduled(clock, fact)
        case f.ClockStopped():
            return replace(_ended(clock, fact.stopped_at, "stopped"), due=fact.due)
        case f.ClockCancelled():
            return _ended(clock, fact.cancelled_at, "cancelled")
        case f.ClockStopCorrected():
            return replace(clock, stopped_at=fact.stopped_at)
        case f.ThresholdReached():
            return _past(clock, f"threshold:{fact.threshold}")
        case f.DeadlineBreached():
            return replace(_past(clock, "breach"), breached_at=fact.effective_at)
        case f.BreachRetracted() | f.BreachSuperseded() | f.BreachVoided():
            return replace(clock, breached_at=None)
        case f.EscalationRaised():
            return _past(clock, f"rung:{fact.rung}", fact.again)
        case f.NoticeIssued():
            return _with(clock, fact.acknowledge)
        case f.NoticeAcknowledged():
            return _without(clock, f"acknowledge:{fact.notice}")
        case f.AcknowledgementMissed():
            return _past(clock, f"acknowledge:{fact.notice}")
        case f.NoticeDelivered() | f.NoticeUndeliverable():
            return clock
        case _:
            assert_never(fact)


def _resumed(clock: Clock, fact: f.ClockResumed) -> Clock:
    """Let one reason go; the last one ends the pause, which becomes one span."""
    held = tuple(hold for hold in clock.held if hold.reason != fact.reason)
    changes: dict[str, Any] = {
        "held": held,
        "calendar_version": fact.calendar_version,
        "due": fact.due,
        "provisional": fact.provisional,
        "generation": fact.generation,
        "plan": fact.plan,
    }
    since = clock.paused_since
    if held or since is None:
        # What stood still until now because of this reason alone is kept as a pause.
        gone = _let_go(clock, fact)
        return replace(clock, pauses=(*clock.pauses, *gone), **changes)
    # A pause that ended in the second in which it began was none.
    whole = (f.Span(since, fact.resumed_at),) if since < fact.resumed_at else ()
    return replace(clock, status="running", pauses=(*clock.pauses, *whole), **changes)


def _let_go(clock: Clock, fact: f.ClockResumed) -> tuple[f.Span, ...]:
    """Return the span that the reason held, where it began before those that go on."""
    rest = min((one.since for one in clock.held if one.reason != fact.reason), default=None)
    began = min((one.since for one in clock.held if one.reason == fact.reason), default=None)
    if began is None or rest is None or began >= rest:
        return ()
    end = min(rest, fact.resumed_at)
    return (f.Span(began, end),) if began < end else ()


def _rescheduled(clock: Clock, fact: f.ClockRescheduled) -> Clock:
    return replace(
        clock,
        started_at=fact.started_at,
        budget=fact.budget,
        calendar_version=fact.calendar_version,
        limit=fact.limit,
        extensions=fact.extensions,
        floors=fact.floors,
        due=fact.due,
        provisional=fact.provisional,
        generation=fact.generation,
        plan=fact.plan,
    )


def _ended(clock: Clock, at: datetime, status: Literal["stopped", "cancelled"]) -> Clock:
    """End a clock: nothing of its plan happens any more; a pause ends with it."""
    since = clock.paused_since
    pauses = (*clock.pauses, f.Span(since, at)) if since and since < at else clock.pauses
    return replace(clock, status=status, stopped_at=at, pauses=pauses, held=(), plan=())


def _past(clock: Clock, name: str, again: f.Point | None = None) -> Clock:
    """Take a point off the plan, and put its next occurrence there."""
    reached = clock.reached if name in clock.reached else (*clock.reached, name)
    return replace(_with(_without(clock, name), again), reached=reached)


def _without(clock: Clock, name: str) -> Clock:
    return replace(clock, plan=tuple(point for point in clock.plan if point.name != name))


def _with(clock: Clock, point: f.Point | None) -> Clock:
    if point is None or not clock.open:
        return clock
    return replace(clock, plan=tuple(sorted((*clock.plan, point), key=lambda one: one.at)))
