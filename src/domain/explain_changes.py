"""What set a clock's limit and what moved it, in order: pauses, extensions, grades, calendars."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from domain import facts as f

STARTED = "started"
PAUSED = "paused"
RESUMED = "resumed"


class Change(Struct, frozen=True, gc=False, kw_only=True):
    """One fact about a clock; what it does not touch is empty."""

    at: datetime
    """When it happened."""
    code: str
    """`started`, `paused`, `resumed`, a rescheduling's reason, or the name of the fact."""
    due: datetime | None = None
    """The due from then on."""
    previous_due: datetime | None = None
    budget: str = ""
    added: str = ""
    """An extension, in the clock's own unit."""
    reason: str = ""
    until: datetime | None = None
    """Of a pause: when it ends by itself."""
    request: int = 0
    limit: f.Limit | None = None
    calendar_version: str = ""
    floors: tuple[f.Floor, ...] = ()
    """Earliest dues that apply from then on."""
    compressed: bool = False
    stopped_at: datetime | None = None


def changes_of(own: Sequence[tuple[f.Fact, datetime]]) -> tuple[Change, ...]:
    """Return the story of one clock's limit from its facts."""
    extensions = 0
    found: list[Change] = []
    for fact, at in own:
        if isinstance(fact, f.ClockRescheduled):
            found.append(_rescheduled(fact, at, extensions))
            extensions = len(fact.extensions)
        elif (change := _change(fact, at)) is not None:
            found.append(change)
    return tuple(found)


def _rescheduled(fact: f.ClockRescheduled, at: datetime, extensions: int) -> Change:
    granted = fact.reason == "extension-granted" and len(fact.extensions) > extensions
    return Change(
        at=at,
        code=fact.reason,
        due=fact.due,
        previous_due=fact.previous_due,
        budget=fact.budget,
        added=fact.extensions[-1] if granted else "",
        request=fact.request,
        limit=fact.limit,
        calendar_version=fact.calendar_version,
        floors=fact.floors,
        compressed=fact.compressed,
    )


def _change(fact: f.Fact, at: datetime) -> Change | None:
    match fact:
        case f.ClockStarted():
            return Change(
                at=at,
                code=STARTED,
                due=fact.due,
                budget=fact.budget,
                limit=fact.limit,
                calendar_version=fact.calendar_version,
            )
        case f.ClockPaused():
            return Change(
                at=fact.paused_at,
                code=PAUSED,
                reason=fact.reason,
                until=fact.until,
                request=fact.request,
            )
        case f.ClockResumed():
            return Change(
                at=fact.resumed_at,
                code=RESUMED,
                due=fact.due,
                previous_due=fact.previous_due,
                reason=fact.reason,
                calendar_version=fact.calendar_version,
            )
        case _:
            return _outcome(fact, at)


def _outcome(fact: f.Fact, at: datetime) -> Change | None:
    code = fact.TYPE
    match fact:
        case f.DeadlineBreached():
            return Change(at=at, code=code, due=fact.due)
        case f.BreachRetracted() | f.BreachVoided():
            return Change(at=at, code=code, due=fact.due, reason=fact.reason)
        case f.BreachSuperseded():
            return Change(at=at, code=code, due=fact.due, request=fact.request)
        case f.ClockStopped():
            return Change(at=at, code=code, due=fact.due, stopped_at=fact.stopped_at)
        case f.ClockStopCorrected():
            return Change(
                at=at, code=code, due=fact.due, stopped_at=fact.stopped_at, request=fact.request
            )
        case f.ClockCancelled():
            return Change(at=at, code=code, reason=fact.reason, stopped_at=fact.cancelled_at)
        case _:
            return None
