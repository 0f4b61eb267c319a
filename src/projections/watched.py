"""What the ledger of deadlines folds of a case: the case as seen, and each of its clocks.

As in `projections.seen`, the fold changes the state it is given: a batch owns its states.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from domain import facts as f
from eventlog.records import Followed
from projections.seen import Seen, see, unseen

GREEN: Final = "green"
YELLOW: Final = "yellow"
RED: Final = "red"
OPEN: Final = frozenset({"running", "paused"})
"""Statuses of a clock that still counts, or will again."""


class Timed(Struct, array_like=True):
    """A clock as its row shows it, column by column: a row begins with these."""

    clock: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    limit_origin: str
    limit_by: str
    due: datetime
    provisional: bool
    answerable: str | None
    """Who answers: for a breach that stands whoever did then, else whom the clock binds."""
    changes: int = 0
    """How many facts have changed the row; tells cheaply that it still stands."""
    status: str = "running"
    light: str = GREEN
    """红黄绿灯, by facts alone: breached; past a threshold; neither."""
    paused_at: datetime | None = None
    pauses: int = 0
    short_pauses: int = 0
    """Pauses of hardly any working time that gained a day: listed for audit (clocks.md R5)."""
    extensions: int = 0
    extended: str = ""
    """What was granted, in the order of granting."""
    stopped_at: datetime | None = None
    met: bool | None = None
    """Whether it stopped in time; None while it has not stopped, or where it was cancelled."""
    warned_at: datetime | None = None
    warning: str | None = None
    breached_at: datetime | None = None
    breaches: int = 0
    """Ever recorded, those that do not stand any more included."""
    rung: int = 0
    generation: int = 1
    compressed: bool = False
    rescheduled: int = 0
    previous_due: datetime | None = None


class Clock(Struct, array_like=True):
    """A clock's row so far, and what the next fact needs besides."""

    row: Timed
    bound: str | None
    """The unit that it binds."""
    holds: tuple[tuple[str, datetime], ...] = ()
    """What holds it now, and since when."""
    warnings: tuple[tuple[str, datetime], ...] = ()
    """Thresholds that it has passed and that do not lie ahead of it again."""
    left: bool = False
    """Whether `holder` is who held the case when this stage clock ended."""
    holder: str | None = None


class Watched(Struct, array_like=True):
    """A case and its clocks by row key."""

    seen: Seen
    clocks: dict[str, Clock]
    counted: str = ""
    """The row key of the total clock of the latest cycle."""


def unwatched(case_id: str) -> Watched:
    """Return a case before its first fact."""
    return Watched(unseen(case_id), {})


def watch(watched: Watched, record: Followed) -> Watched:
    """Take in one more fact of the case, and return what was given (see projections.seen)."""
    see(watched.seen, record)
    fact = record.body.data
    if isinstance(fact, f.ClockFact):
        key = f"{fact.cycle}.{fact.sequence}:{fact.clock}:{fact.scope}"
        clock = watched.clocks.get(key)
        if clock is None or isinstance(fact, f.ClockStarted):
            _begin(watched, key, fact)
        else:
            clock.row.changes += TICKS[type(fact)](clock, fact, watched.seen)
    elif isinstance(fact, f.UnitsSucceeded):
        for clock in watched.clocks.values():
            clock.row.changes += _succeeded(clock, fact)
    return watched


def _begin(watched: Watched, key: str, fact: f.ClockFact) -> None:
    """Take in a clock; of one whose start is not known, only what is complete in itself."""
    if isinstance(fact, f.ClockStarted):
        _start(watched, key, fact)
    elif isinstance(fact, f.ClockRescheduled) and fact.calendar:
        # Seen from before its start: the new reckoning is complete.
        _start(watched, key, fact)
        _rescheduled(watched.clocks[key], fact, watched.seen)


def _start(watched: Watched, key: str, fact: f.ClockStarted | f.ClockRescheduled) -> None:
    before, bound = watched.clocks.get(key), _id(fact.answerable)
    row = Timed(
        clock=fact.clock,
        scope=fact.scope,
        cycle=fact.cycle,
        sequence=fact.sequence,
        total=fact.total,
        started_at=fact.started_at,
        budget=fact.budget,
        cutoff=fact.cutoff,
        calendar=fact.calendar,
        calendar_version=fact.calendar_version,
        limit_origin=fact.limit.origin,
        limit_by=fact.limit.by,
        due=fact.due,
        provisional=fact.provisional,
        answerable=bound,
        changes=before.row.changes + 1 if before else 0,
    )
    watched.clocks[key] = Clock(row, bound)
    counted = watched.clocks.get(watched.counted)
    latest = (counted.row.cycle, counted.row.sequence) if counted else (0, 0)
    if fact.total and (fact.cycle, fact.sequence) >= latest:
        watched.counted = key


def _paused(clock: Clock, fact: f.ClockPaused, _: Seen) -> bool:
    if not clock.holds:
        clock.row.pauses += 1
    _hold(clock, "paused", (*clock.holds, (fact.reason, fact.paused_at)))
    return True


def _resumed(clock: Clock, fact: f.ClockResumed, _: Seen) -> bool:
    left = tuple(hold for hold in clock.holds if hold[0] != fact.reason)
    if fact.running:
        _hold(clock, "running", ())
    else:
        _hold(clock, "paused", left)
    clock.row.short_pauses += fact.short
    _move(clock, fact)
    return True


def _hold(clock: Clock, status: str, holds: tuple[tuple[str, datetime], ...]) -> None:
    clock.holds, clock.row.status = holds, status
    clock.row.paused_at = min(since for _, since in holds) if holds else None


def _rescheduled(clock: Clock, fact: f.ClockRescheduled, _: Seen) -> bool:
    row = clock.row
    row.started_at, row.budget = fact.started_at, fact.budget
    row.limit_origin, row.limit_by = fact.limit.origin, fact.limit.by
    row.extensions, row.extended = len(fact.extensions), " + ".join(fact.extensions)
    row.compressed = fact.compressed
    row.rescheduled += 1
    _move(clock, fact)
    return True


def _move(clock: Clock, fact: f.ClockResumed | f.ClockRescheduled) -> None:
    """Take over another due; a threshold that is planned again is no warning any more."""
    row = clock.row
    row.calendar_version, row.provisional = fact.calendar_version, fact.provisional
    row.due, row.previous_due, row.generation = fact.due, fact.previous_due, fact.generation
    _judge(row)
    if clock.warnings:
        ahead = {point.name for point in fact.plan}
        _warn(clock, (one for one in clock.warnings if f"threshold:{one[0]}" not in ahead))


def _warn(clock: Clock, warnings: Iterable[tuple[str, datetime]]) -> None:
    clock.warnings = tuple(warnings)
    latest = clock.warnings[-1] if clock.warnings else (None, None)
    clock.row.warning, clock.row.warned_at = latest
    _light(clock)


def _light(clock: Clock) -> None:
    row = clock.row
    row.light = RED if row.breached_at is not None else YELLOW if clock.warnings else GREEN


def _judge(row: Timed) -> None:
    if row.status == "stopped" and row.stopped_at is not None:
        row.met = row.stopped_at <= row.due


def _stopped(clock: Clock, fact: f.ClockStopped, seen: Seen) -> bool:
    clock.row.due = fact.due  # of a clock that was paused it is known only now
    _end(clock, "stopped", fact.stopped_at, seen)
    _judge(clock.row)
    return True


def _cancelled(clock: Clock, fact: f.ClockCancelled, seen: Seen) -> bool:
    _end(clock, "cancelled", fact.cancelled_at, seen)
    return True


def _end(clock: Clock, status: str, at: datetime, seen: Seen) -> None:
    _hold(clock, status, ())
    clock.row.stopped_at = at
    if not clock.row.total:
        clock.left, clock.holder = True, _id(seen.holder)


def _stop_corrected(clock: Clock, fact: f.ClockStopCorrected, _: Seen) -> bool:
    clock.row.stopped_at = fact.stopped_at
    _judge(clock.row)
    return True


def _threshold(clock: Clock, fact: f.ThresholdReached, _: Seen) -> bool:
    _warn(clock, (*clock.warnings, (fact.threshold, fact.effective_at)))
    return True


def _breached(clock: Clock, fact: f.DeadlineBreached, _: Seen) -> bool:
    row = clock.row
    row.breached_at, row.answerable = fact.effective_at, _id(fact.answerable)
    row.breaches += 1
    _light(clock)
    return True


def _unbreached(
    clock: Clock, fact: f.BreachRetracted | f.BreachSuperseded | f.BreachVoided, _: Seen
) -> bool:
    """A breach that does not stand stays counted: the record shows that there was one."""
    del fact
    clock.row.breached_at, clock.row.answerable = None, clock.bound
    _light(clock)
    return True


def _succeeded(clock: Clock, fact: f.UnitsSucceeded) -> bool:
    """Let whoever a clock binds be who is in their place now; a breach keeps who answered then."""
    now = next((one.by.id for one in fact.units if one.unit == clock.bound), clock.bound)
    if clock.row.status not in OPEN or now == clock.bound:
        return False
    clock.bound = now
    if clock.row.breached_at is None:
        clock.row.answerable = now
    return True


def _escalated(clock: Clock, fact: f.EscalationRaised, _: Seen) -> bool:
    changed = fact.rung > clock.row.rung
    clock.row.rung = max(clock.row.rung, fact.rung)
    return changed


def _nothing(clock: Clock, fact: Any, _: Seen) -> bool:  # noqa: ANN401 - see TICKS
    """Take in what became of a notice: no column of a clock."""
    del clock, fact
    return False


def _id(unit: f.Unit | None) -> str | None:
    return unit.id if unit else None


_NOTICES: Final = (
    f.NoticeIssued,
    f.NoticeDelivered,
    f.NoticeUndeliverable,
    f.NoticeAcknowledged,
    f.AcknowledgementMissed,
)

# By type, as in `projections.seen`; each says whether the clock's row changes. A test holds the
# list against the vocabulary. A start is no change of a clock but a clock.
TICKS: Final[dict[type[f.ClockFact], Callable[[Clock, Any, Seen], bool]]] = {
    **dict.fromkeys(_NOTICES, _nothing),
    f.ClockPaused: _paused,
    f.ClockResumed: _resumed,
    f.ClockRescheduled: _rescheduled,
    f.ClockStopped: _stopped,
    f.ClockCancelled: _cancelled,
    f.ClockStopCorrected: _stop_corrected,
    f.ThresholdReached: _threshold,
    f.DeadlineBreached: _breached,
    f.BreachRetracted: _unbreached,
    f.BreachSuperseded: _unbreached,
    f.BreachVoided: _unbreached,
    f.EscalationRaised: _escalated,
}
