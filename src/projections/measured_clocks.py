"""How clocks change what indicators count: the total one of each round, and that of each call."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from projections.measured_rows import Measured

CALL_SCOPE: Final = "call:"
"""Begins the scope of a call's own clock."""


def change(state: Measured, key: str, **changes: Any) -> None:  # noqa: ANN401 - columns of any type
    """Replace a row by one with other values in these columns."""
    state.rows = {**state.rows, key: replace(state.rows[key], **changes)}


def _started(state: Measured, fact: f.ClockStarted) -> None:
    key = _begun(state, fact)
    if key is not None:
        change(state, key, due=fact.due, stopped_at=None, on_time=None, paused=False)


def _begun(state: Measured, fact: f.ClockStarted | f.ClockRescheduled) -> str | None:
    """Return whose clock begins: a round's total one, unless a later one counts; or a call's."""
    if fact.total and str(fact.cycle) in state.rows:
        _, latest = state.totals.get(str(fact.cycle), ("", 0))
        if fact.sequence < latest:
            return None
        state.totals = {**state.totals, str(fact.cycle): (fact.clock, fact.sequence)}
    return _timed(state, fact)


def _timed(state: Measured, fact: f.ClockFact) -> str | None:
    """Return the row whose due this clock is, if it is one's."""
    if fact.scope.startswith(CALL_SCOPE):
        key = f"w{fact.scope.removeprefix(CALL_SCOPE)}"
        return key if key in state.rows else None
    key, name = str(fact.cycle), (fact.clock, fact.sequence)
    known = state.totals.get(key) == name and not fact.scope
    return key if known and key in state.rows else None


def _rescheduled(state: Measured, fact: f.ClockRescheduled) -> None:
    _move(state, _begun(state, fact) if fact.calendar else _timed(state, fact), fact.due)


def _move(state: Measured, key: str | None, due: datetime) -> None:
    if key is not None:
        stopped = state.rows[key].stopped_at
        change(state, key, due=due, on_time=None if stopped is None else stopped <= due)


def _paused(state: Measured, fact: f.ClockPaused) -> None:
    key = _timed(state, fact)
    if key is not None:
        change(state, key, paused=True)


def _resumed(state: Measured, fact: f.ClockResumed) -> None:
    key = _timed(state, fact)
    if key is not None:
        _move(state, key, fact.due)
        change(state, key, paused=not fact.running)


def _stopped(state: Measured, fact: f.ClockStopped | f.ClockStopCorrected) -> None:
    key = _timed(state, fact)
    if key is not None:
        on_time = fact.stopped_at <= fact.due
        change(state, key, due=fact.due, stopped_at=fact.stopped_at, on_time=on_time, paused=False)


def _cancelled(state: Measured, fact: f.ClockCancelled) -> None:
    """Leave no due: the matter ended, or went elsewhere, without the clock mattering."""
    key = _timed(state, fact)
    if key is not None:
        change(state, key, due=None, stopped_at=None, on_time=None, paused=False)


TICKED: Final[dict[type[f.Fact], Callable[[Measured, Any], None]]] = {
    f.ClockStarted: _started,
    f.ClockRescheduled: _rescheduled,
    f.ClockPaused: _paused,
    f.ClockResumed: _resumed,
    f.ClockStopped: _stopped,
    f.ClockStopCorrected: _stopped,
    f.ClockCancelled: _cancelled,
}
