"""Timers: claiming what is due among a million, firing it, and how late it comes."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final

import uvloop

from benchmarks import deadlines
from benchmarks import district as d
from benchmarks import procrastinate_peer as peer
from benchmarks.measure import Result, Watch, percentile, rounds
from eventlog.database import Database
from workflows.engine import Engine
from workflows.timers.claims import Claims
from workflows.timers.worker import LIMIT, Worker

DISTRICT: Final = "610327"
CONCURRENCIES: Final = (10, 20, 50)
POINTS: Final = 2
"""Timers of a case that come at the same second: the breach, and the rung at the breach."""
A_SECOND: Final = 100
"""Cases that fall due in each second."""
PATIENCE: Final = 60.0
METHOD: Final = (
    "Claiming: the worker's own statement for a batch of rows, until they are in its hands, with a "
    "million more rows that are not due yet; what is claimed is deleted as the worker does it, 20 "
    "batches a second, which is faster than they can be fired. "
    "Firing: closed-loop cases whose urgent handling has just fallen due, in the case cache of "
    "nobody; the worker claims two timers of each (the breach; the ladder's rung at the breach), "
    "loads the case, decides, appends four facts (breach, rung, a notice of each) and deletes the "
    "rows. One unit is a timer on our side, and on procrastinate's a scheduled job, due as well, "
    "whose task inserts one row as long as a fact through a psycopg pool; one worker on one event "
    "loop each, turn by turn against one server, its concurrency the best of 10, 20 and 50. A "
    "case is two timers here: its jobs against our cases stand beside it. Lateness: 100 cases "
    "(200 timers) fall due at every full second; from that second until the fact's "
    "`recorded_at`, and until its commit was known; worker and followers run as in a server."
)
# Four timers a case; those of the due ones lie in the past hour, the others in the coming month.
TIMERS: Final = """
    INSERT INTO timer (case_id, clock, scope, cycle, sequence, point, generation, at)
    SELECT md5(n::text)::uuid, 'handling', '', 1, 1, point, 1, date_trunc('second',
           CASE WHEN n <= %(due)s THEN now() - random() * interval '1 hour'
                ELSE now() + interval '1 hour' + random() * interval '30 days' END)
    FROM (SELECT n FROM generate_series(1, %(cases)s) AS n ORDER BY md5(n::text)) AS shuffled,
         unnest(ARRAY['threshold:80%%', 'breach', 'rung:2', 'rung:3']) AS point
"""
POINTS_A_CASE: Final = 4
PACE: Final = 0.05
"""Seconds from one claim to the next: 4,000 timers a second."""
DUE: Final = "SELECT count(*) FROM timer WHERE at <= %s"
# A breach is planned for the second after the due, and happened at the due.
FIRED: Final = """
    SELECT position, recorded_at,
           occurred_at + CASE type WHEN 'deadline-breached' THEN interval '1 second' ELSE '0' END
    FROM event WHERE position > %s AND type IN ('deadline-breached', 'escalation-raised')
    ORDER BY position
"""
COUNT: Final = """
    SELECT count(*) FROM event
    WHERE position > %s AND type IN ('deadline-breached', 'escalation-raised')
"""


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("timers", METHOD, quick)
    with d.server() as dsn:
        with d.new_district(dsn, DISTRICT) as database:
            _claiming(result, database)
        with d.new_district(dsn, DISTRICT) as database:
            uvloop.run(_firing(result, dsn, database))
            uvloop.run(_lateness(result, database))
    return result


def _claiming(result: Result, database: Database) -> None:
    pending, claims = (100_000, 60) if result.quick else (1_000_000, 300)
    turns = rounds(quick=result.quick)
    _fill(database, pending, due=turns * 2 * (claims + 1) * LIMIT)
    alone: list[float] = []
    beside: list[float] = []
    finishing: list[float] = []
    for _ in range(turns):
        taken, finished = _claims(database, claims)
        alone.append(percentile(taken, 0.99))
        finishing.append(percentile(finished, 0.99))
        beside.append(percentile(_leapfrog(database, claims), 0.99))
    name = f"with {pending:,} pending"
    row = result.figure(f"claim of {LIMIT} {name}, p99", "ms", alone)
    result.claim(row, "≤", 10)
    row = result.figure(
        f"claim of {LIMIT} {name}, another worker holding as many, p99", "ms", beside
    )
    result.claim(row, "≤", 10)
    result.figure(f"deleting what was claimed {name}, p99", "ms", finishing)


def _fill(database: Database, pending: int, *, due: int) -> None:
    cases = (pending + due) // POINTS_A_CASE
    with database.connect() as connection:
        connection.execute(TIMERS, {"cases": cases, "due": due // POINTS_A_CASE})
        connection.execute("VACUUM ANALYZE timer")


def _claims(database: Database, number: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of so many claims by one worker, and of deleting their rows."""
    worker, now = Claims(database), d.real_clock()
    taken: list[float] = []
    finished: list[float] = []
    watch = Watch()
    worker.connect()
    for _ in range(number):
        with watch.timed():
            rows = worker.claim(now, now, LIMIT)
        assert len(rows) == LIMIT
        taken.append(watch.seconds * 1000)
        with watch.timed():
            worker.finish(rows, (), now)
        finished.append(watch.seconds * 1000)
        _rest(taken[-1] + finished[-1])
    worker.close()
    return taken, finished


def _leapfrog(database: Database, number: int) -> list[float]:
    """Return the milliseconds of claims, each made while another worker holds the rows before."""
    workers, now = (Claims(database), Claims(database)), d.real_clock()
    taken: list[float] = []
    watch = Watch()
    workers[0].connect()
    held = workers[1].claim(now, now, LIMIT)
    for turn in range(number):
        with watch.timed():
            rows = workers[turn % 2].claim(now, now, LIMIT)
        assert len(rows) == LIMIT
        assert not {(row.case, row.point) for row in rows} & {(row.case, row.point) for row in held}
        taken.append(watch.seconds * 1000)
        workers[1 - turn % 2].finish(held, (), now)
        held = rows
        _rest(taken[-1])
    for worker in workers:
        worker.close()
    return taken


def _rest(milliseconds: float) -> None:
    """Wait until the next claim is due; so much of the time is over already."""
    time.sleep(max(0.0, PACE - milliseconds / 1000))


async def _firing(result: Result, dsn: str, database: Database) -> None:
    cases = 300 if result.quick else 3_000
    await peer.prepare(dsn)
    tried = {n: await peer.fired(dsn, cases, concurrency=n) for n in CONCURRENCIES}
    best = max(tried, key=lambda n: tried[n])
    ours: list[float] = []
    followed: list[float] = []
    theirs: list[float] = []
    for turn in range(rounds(quick=result.quick)):
        for follow, rates in ((False, ours), (True, followed)):
            first = (2 * turn + follow) * cases
            rates.append(await _fire(database, cases, first, follow=follow))
        theirs.append(await peer.fired(dsn, cases * POINTS, concurrency=best))
    result.figure("our timers fired", "/s", ours)
    result.figure("our timers fired, the log followed meanwhile", "/s", followed)
    jobs = result.figure("procrastinate", "jobs/s", theirs, note=f"concurrency {best}")
    row = result.ratio("our timers against its jobs", ours, jobs.samples)
    result.claim(row, "≥", 3)
    result.ratio("our timers, the log followed, against its jobs", followed, jobs.samples)
    result.ratio("our cases against its jobs", [rate / POINTS for rate in ours], jobs.samples)


async def _fire(database: Database, cases: int, first: int, *, follow: bool) -> float:
    """Let so many cases fall due and be settled; return timers a second."""
    async with d.engine_on(database, DISTRICT) as engine:
        plot = deadlines.overdue(engine, engine.now() - timedelta(minutes=1))
    head = deadlines.sow(database, [plot], cases, first=first)
    watch = Watch()
    with deadlines.following(database) if follow else nullcontext():
        async with d.engine_on(database, DISTRICT) as engine:
            worker = Worker(engine, trouble=_raised)
            with watch.timed():
                while await worker.step():
                    pass
            await worker.close()
    deadlines.carry(database, d.position(database))
    with database.connect() as connection:
        assert connection.execute(COUNT, (head,)).fetchone() == (cases * POINTS,)
        assert connection.execute(DUE, (d.real_clock(),)).fetchone() == (0,)
    return cases * POINTS / watch.seconds


async def _lateness(result: Result, database: Database) -> None:
    seconds = 5 if result.quick else 20
    recorded: list[float] = []
    durable: list[float] = []
    for turn in range(rounds(quick=result.quick)):
        by_log, known = await _late(database, seconds, first=1_000_000 * (turn + 1))
        recorded.append(percentile(by_log, 0.99))
        durable.append(percentile(known, 0.99))
    name = f"{A_SECOND} due a second"
    result.claim(result.figure(f"recorded late at {name}, p99", "s", recorded), "≤", 1)
    result.claim(result.figure(f"known to be durable late at {name}, p99", "s", durable), "≤", 1)


async def _late(database: Database, seconds: int, *, first: int) -> tuple[list[float], list[float]]:
    """Return how late each timer was recorded and known to be durable, in seconds."""
    commits: list[tuple[int, datetime]] = []
    heard: list[Callable[[], None]] = []

    def committed(position: int) -> None:
        commits.append((position, datetime.now(UTC)))
        for hear in heard:
            hear()

    cases = seconds * A_SECOND
    async with d.engine_on(database, DISTRICT, committed=committed) as engine:
        # Time enough to bring them in and to follow.
        began = engine.now() + timedelta(seconds=5 + cases // 100)
        plots = [deadlines.overdue(engine, began + timedelta(seconds=n)) for n in range(seconds)]
        head = await asyncio.to_thread(deadlines.sow, database, plots, cases, first=first)
        assert engine.now() < began, "no time was left"
        with deadlines.following(database) as runner:
            heard.append(runner.wake)
            await _worked(engine, database, head, cases * POINTS)
    with database.connect() as connection:
        fired = connection.execute(FIRED, (head,)).fetchall()
    by_log = [(recorded_at - at).total_seconds() for _, recorded_at, at in fired]
    positions = [position for position, _ in commits]
    known = [
        (commits[bisect_left(positions, position)][1] - at).total_seconds()
        for position, _, at in fired
    ]
    return by_log, known


async def _worked(engine: Engine, database: Database, head: int, timers: int) -> None:
    """Let the worker run by itself until all is fired."""
    worker = Worker(engine, trouble=_raised)
    running = asyncio.create_task(worker.run())
    deadline = time.monotonic() + PATIENCE
    while await asyncio.to_thread(_count, database, head) < timers:
        assert time.monotonic() < deadline, "timers were left"
        await asyncio.sleep(0.5)
    worker.stop()
    await running


def _count(database: Database, head: int) -> int:
    with database.connection() as connection:
        row = connection.execute(COUNT, (head,)).fetchone()
    return int(row[0]) if row else 0


def _raised(error: BaseException) -> None:
    raise error
