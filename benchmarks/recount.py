"""A new version of the calendar: how long until every open clock is counted by it (R13)."""

import time
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from typing import Any, Final

import uvloop

from benchmarks import deadlines
from benchmarks import district as d
from benchmarks.measure import Result, Watch, rounds
from domain.facts import ClockRescheduled
from eventlog.database import Database
from workflows.calendar_office import Planned, plan, publish, today_of
from workflows.engine import Engine
from workflows.recounts import Preview, recount
from workflows.reference import Reference

DISTRICT: Final = "610327"
CALENDAR: Final = "cn-office"
CLOCKS: Final = 2
"""Open in each case: total (30wd) and handling (10wd)."""
STORIES: Final = 100
DAYS: Final = 3
"""How many days ago the first of them was dispatched; nothing of them is due yet."""
METHOD: Final = (
    "Cases being handled, two open clocks each, 100,000 together. A version of the calendar with "
    "one more holiday, a few days ahead, is published; then `recount`, as `bihuan calendar load` "
    "calls it, in one process with a cold case cache: every case is loaded and decided anew, and "
    "both clocks are rescheduled with their plans, durably. The whole also carries the ledgers and "
    "the timers to the end of the log, and finds that nothing is left. Preview: the same "
    "decisions, written nowhere."
)
MOVED: Final = "SELECT count(*) FROM event WHERE position > %s AND type = %s"


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("recount", METHOD, quick)
    clocks = 2_000 if quick else 100_000
    with d.server() as dsn, d.new_district(dsn, DISTRICT) as database:
        uvloop.run(_run(result, database, clocks))
    return result


async def _run(result: Result, database: Database, clocks: int) -> None:
    async with d.engine_on(database, DISTRICT) as engine:
        now = engine.now()
        starts = [now - timedelta(minutes=n * DAYS * 24 * 60 // STORIES) for n in range(STORIES)]
        plots = [deadlines.waiting(engine, start) for start in starts]
    deadlines.sow(database, plots, clocks // CLOCKS, first=1)
    seconds: list[float] = []
    durable: list[float] = []
    told: list[float] = []
    previewed: list[float] = []
    for turn in range(rounds(quick=result.quick)):
        async with d.engine_on(database, DISTRICT) as engine:
            planned = _another_holiday(engine)
            if turn == 0:
                previewed.append(_previewed(engine, planned, clocks))
            taken, last, times = await _recounted(engine, database, planned, clocks)
        seconds.append(taken)
        durable.append(last)
        told.append(times)
    row = result.figure(f"{clocks:,} open clocks counted anew, all facts durable", "s", durable)
    result.claim(row, "≤", 60)
    result.figure(f"{clocks:,} open clocks counted anew, with ledgers and timers", "s", seconds)
    result.figure("clocks counted anew", "/s", [clocks / last for last in durable])
    result.figure("progress told", "times", told)
    result.figure(f"preview of {clocks:,} open clocks", "s", previewed)


def _previewed(engine: Engine, planned: Planned, clocks: int) -> float:
    watch = Watch()
    with watch.timed():
        preview = Preview(engine, planned)
        moves = sum(1 for _ in preview)
    assert (moves, preview.counts.open, preview.failures) == (clocks, clocks, [])
    return watch.seconds


async def _recounted(
    engine: Engine, database: Database, planned: Planned, clocks: int
) -> tuple[float, float, int]:
    """Publish it and count anew; return the seconds, those until the last case, and the tellings.

    Of each case it is told when its facts are durable.
    """
    told: list[tuple[int, int]] = []
    at = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal at
        at = time.perf_counter()
        told.append((done, total))

    await publish(engine, planned)
    before, watch = d.position(database), Watch()
    began = time.perf_counter()
    with watch.timed():
        done = await recount(engine, CALENDAR, tell=tell, follow=_follow(database))
    assert (done.examined, done.changed, done.failures) == (clocks // CLOCKS,) * 2 + ([],)
    assert told[-1] == (clocks // CLOCKS,) * 2
    with database.connect() as connection:
        counted = connection.execute(MOVED, (before, ClockRescheduled.TYPE)).fetchone()
    assert counted == (clocks,)
    return watch.seconds, at - began, len(told)


def _follow(database: Database) -> Callable[[], None]:
    return lambda: deadlines.carry(database, d.position(database))


def _another_holiday(engine: Engine) -> Planned:
    """Plan a version in which the next workday but two is a holiday.

    It lies before every due, so all of them move.
    """
    reference, today = engine.reference, today_of(engine)
    day = _workday_after(reference, today + timedelta(days=2))
    return plan(reference, today, [_document(reference, day)], name=CALENDAR)


def _workday_after(reference: Reference, day: date) -> date:
    almanac = reference.calendars[CALENDAR]
    while not almanac.is_workday(day):
        day += timedelta(days=1)
    return day


def _document(reference: Reference, holiday: date) -> dict[str, Any]:
    document = deepcopy(reference.documents[CALENDAR])
    empty: dict[str, Any] = {"sources": ["https://www.gov.cn/"], "holidays": {}, "workdays": {}}
    year = document["years"].setdefault(str(holiday.year), empty)
    year["holidays"][f"临时放假 {holiday}"] = str(holiday)
    last = f"{holiday.year}-12-31"
    document["covered"]["to"] = max(document["covered"]["to"], last)
    return document
