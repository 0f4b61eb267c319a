"""Why a clock is due when it is: the whole computation, from a case's facts, for anybody to check.

The facts say what was decided (the limit, its calendar, pauses, extensions); the table counts it
all again and says whether it comes to the due that was recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.almanac import Almanac
from domain.budget import Budget, Cutoff, Unit, parse_budget
from domain.case import blank
from domain.clock import Clock, Hold, Instance
from domain.clock_names import clock_text
from domain.due import due, total
from domain.errors import NotFound, UnknownCalendar
from domain.evolve import fold
from domain.explain_changes import Change, changes_of
from domain.explain_rows import Matter, Row, Table, lay_out, lay_out_date
from domain.explain_spans import local_day
from domain.reckoning import DATE, pauses_of
from domain.scales import months_later

ANEW = "counted-anew"
ANEW_BY = frozenset({"regraded", "filed"})
Record = tuple[f.Fact, datetime]
"""A fact and when it happened."""


class Explanation(Struct, frozen=True, kw_only=True):
    """A clock as it stood at `until`, and how its due comes about."""

    clock: str
    """The instance, as `domain/clock_names.py` writes it."""
    until: datetime
    started_at: datetime
    budget: str
    extensions: tuple[str, ...]
    size: int
    """The budget with its extensions, in what `counts` says; 0 for a date."""
    counts: str
    """`seconds`, `days`, or `date`: what amounts and sums are in."""
    cutoff: str
    limit: f.Limit
    """Which limit applied, from which version of a definition, and what chose it."""
    calendar: str
    calendar_version: str
    rows: tuple[Row, ...]
    complete: bool
    """False if the table ends early because nobody could check so long a one."""
    changes: tuple[Change, ...]
    """What set and moved the limit, in order."""
    answerable: f.Unit | None
    status: str
    due: datetime
    provisional: bool
    agrees: bool | None
    """Whether the table comes to the recorded due; None while the clock stands still."""
    stopped_at: datetime | None
    met: bool | None
    """None until it stopped, and for one that was cancelled."""
    breached_at: datetime | None


def explain(
    records: Sequence[Record],
    instance: Instance,
    almanacs: Mapping[tuple[str, str], Almanac],
    until: datetime,
) -> Explanation:
    """Explain one clock of a case as it stood at a moment.

    `records` are the case's, in the order of its stream; `almanacs` has every version of every
    calendar, by name and version.

    Raises:
        NotFound: the case had no such clock then.
        UnknownCalendar: the calendar that it was counted by is not among those given.
    """
    known = [(fact, at) for fact, at in records if at <= until]
    case = fold(blank("", ""), known)
    clock = next((one for one in case.clocks if one.instance == instance), None)
    if clock is None:
        raise NotFound(what=f"时限“{clock_text(instance)}”")
    own = [(fact, at) for fact, at in known if _is_of(fact, instance)]
    table = _table(clock, own, _parties(known, clock), almanacs, until)
    return Explanation(
        clock=clock_text(instance),
        until=until,
        started_at=clock.started_at,
        budget=clock.budget,
        extensions=clock.extensions,
        size=_size(clock),
        counts=counts_of(clock.budget),
        cutoff=clock.cutoff,
        limit=clock.limit,
        calendar=clock.calendar,
        calendar_version=clock.calendar_version,
        rows=(*_before(clock, own), *table.rows),
        complete=table.complete,
        changes=changes_of(own),
        answerable=clock.answerable,
        status=clock.status,
        due=clock.due,
        provisional=clock.provisional,
        agrees=_agrees(clock, table),
        stopped_at=clock.stopped_at,
        met=_met(clock),
        breached_at=clock.breached_at,
    )


def explain_budget(  # the whole of what a due depends on, by name
    start: datetime,
    budget: Budget,
    almanac: Almanac,
    cutoff: Cutoff,
    *,
    pauses: Iterable[tuple[datetime, datetime]] = (),
    extensions: Iterable[Budget] = (),
) -> Table:
    """Explain a due that belongs to no case, up to the due.

    Raises what `domain.due.due` raises.
    """
    pauses, extensions = tuple(pauses), tuple(extensions)
    falls = due(start, budget, almanac, cutoff, pauses=pauses, extensions=extensions)
    size = total(budget, extensions)
    return lay_out(
        Matter(
            start=start.replace(microsecond=0),
            unit=budget.unit,
            size=size_in_days(size, start) if budget.unit is Unit.month else size,
            cutoff=cutoff,
            almanac=almanac,
            holds=tuple(Hold("", since, until) for since, until in pauses),
            lived=falls.at,
        )
    )


def _is_of(fact: f.Fact, instance: Instance) -> bool:
    return (
        isinstance(fact, f.ClockFact)
        and (fact.clock, fact.scope, fact.cycle, fact.sequence) == instance
    )


def _table(
    clock: Clock,
    own: Sequence[Record],
    parties: tuple[tuple[datetime, str], ...],
    almanacs: Mapping[tuple[str, str], Almanac],
    until: datetime,
) -> Table:
    lived = until if clock.stopped_at is None else min(clock.stopped_at, until)
    if clock.budget == DATE:
        return lay_out_date(clock.due, clock.started_at, lived)
    almanac = almanacs.get((clock.calendar, clock.calendar_version))
    if almanac is None:
        known = "、".join(" ".join(key) for key in almanacs)
        raise UnknownCalendar(calendar=f"{clock.calendar} {clock.calendar_version}", known=known)
    return lay_out(
        Matter(
            start=clock.started_at,
            unit=parse_budget(clock.budget).unit,
            size=_size(clock),
            cutoff=Cutoff(clock.cutoff),
            almanac=almanac,
            holds=holds_of(own),
            floor=_floor(clock, almanac, until),
            lived=lived,
            parties=parties,
        )
    )


def _size(clock: Clock) -> int:
    """Return what is to be used up: seconds, days, and of months the days they come to."""
    if clock.budget == DATE:
        return 0
    budget = parse_budget(clock.budget)
    size = total(budget, map(parse_budget, clock.extensions))
    return size_in_days(size, clock.started_at) if budget.unit is Unit.month else size


def size_in_days(months: int, start: datetime) -> int:
    """Return how many days it is from the start date to the same day so many months later."""
    first = local_day(start).toordinal()
    return months_later(first, months) - first


def counts_of(budget: str) -> str:
    """Return what a budget's amounts are in: `seconds`, `days`, or `date` for none."""
    if budget == DATE:
        return DATE
    return "seconds" if parse_budget(budget).unit in {Unit.wh, Unit.nh} else "days"


def _floor(clock: Clock, almanac: Almanac, until: datetime) -> datetime | None:
    pauses, cutoff = pauses_of(clock, until), Cutoff(clock.cutoff)
    return max(
        (
            due(floor.since, parse_budget(floor.budget), almanac, cutoff, pauses=pauses).at
            for floor in clock.floors
        ),
        default=None,
    )


def holds_of(own: Sequence[Record]) -> tuple[Hold, ...]:
    """Return every pause of a clock with its reason, until it ended or will end by itself."""
    over: list[Hold] = []
    held: dict[str, Hold] = {}
    for fact, _ in own:
        match fact:
            case f.ClockPaused():
                held[fact.reason] = Hold(fact.reason, fact.paused_at, fact.until)
            case f.ClockResumed() if fact.reason in held:
                over.append(replace(held.pop(fact.reason), until=fact.resumed_at))
            case f.ClockStopped() | f.ClockCancelled():
                at = fact.stopped_at if isinstance(fact, f.ClockStopped) else fact.cancelled_at
                over += [replace(hold, until=at) for hold in held.values()]
                held.clear()
            case _:
                pass
    found = (*over, *held.values())
    return tuple(hold for hold in found if hold.until is None or hold.since < hold.until)


def _parties(known: Sequence[Record], clock: Clock) -> tuple[tuple[datetime, str], ...]:
    """Return whose time it is from when on (clocks.md R9): exactly one unit's at each moment.

    A task's is its unit's, a case's clock that of whoever held the case; but the time of a
    handling that was returned is charged to who had dispatched it (R8).
    """
    charged = [
        fact.charged_to
        for fact, _ in known
        if isinstance(fact, f.ClockCancelled) and _is_of(fact, clock.instance)
    ]
    owner = next(iter(charged), None) or (clock.answerable if clock.scope else None)
    if owner is not None:
        return ((clock.started_at, owner.id),)
    held: list[tuple[datetime, str]] = []
    for fact, at in known:
        # A correction moves nothing. Without a holder the one before stays responsible (首接负责).
        unit = fact.holder if isinstance(fact, f.CaseFact) else None
        moved = unit is not None and not isinstance(fact, f.CaseCorrected)
        if unit is not None and moved and (not held or held[-1][1] != unit.id):
            held.append((at, unit.id))
    answers = clock.answerable
    return tuple(held) or (((clock.started_at, answers.id),) if answers else ())


def _met(clock: Clock) -> bool | None:
    if clock.status != "stopped" or clock.stopped_at is None:
        return None
    return clock.stopped_at <= clock.due


def _agrees(clock: Clock, table: Table) -> bool | None:
    """Compare the table with the record, where both are about the same."""
    if stood_still(clock) or table.due is None:
        return None
    return table.due == clock.due


def stood_still(clock: Clock) -> bool:
    """Whether a clock's recorded due is from before a pause that nobody has counted yet."""
    if clock.status == "cancelled":
        return any(span.until == clock.stopped_at for span in clock.pauses)
    return clock.status == "paused"


def _before(clock: Clock, own: Sequence[Record]) -> tuple[Row, ...]:
    """Return the time before a regrading that started the count anew: it counts no more."""
    anew = any(isinstance(fact, f.ClockRescheduled) and fact.reason in ANEW_BY for fact, _ in own)
    first = min(
        (fact.started_at for fact, _ in own if isinstance(fact, f.ClockStarted)),
        default=clock.started_at,
    )
    if not anew or first >= clock.started_at:
        return ()
    return (Row(since=first, until=clock.started_at, counted=False, why=ANEW, amount=0, total=0),)
