"""The action over HTTP in a district whose log has grown, against a nearly empty one.

BIHUAN_BENCH_GROWTH names other sizes, for example `1000000,5000000` (the default): a million facts
take about 2 GB with their indexes and ledgers.
"""

import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from benchmarks import district as d
from benchmarks import load, over_http, processes
from benchmarks.fill import fill
from benchmarks.measure import Result, rounds
from benchmarks.over_http import DISTRICT, Prepared
from eventlog.runner import Runner
from projections.ledgers import LEDGERS

SIZES: Final = (1_000_000, 5_000_000)
QUICK_SIZES: Final = (20_000,)
VARIABLE: Final = "BIHUAN_BENCH_GROWTH"
BYTES_A_FACT: Final = 3_000
"""In tables, indexes, ledgers and write-ahead log, roughly."""
CONNECTIONS: Final = 16
METHOD: Final = (
    "The same as `http` at 16 connections, warm, and each case for the first time (cold), in a "
    "district of a few thousand facts and after filling it; its ledgers follow, then a CHECKPOINT. "
    "Turns at one size come one after the other, as a log does not shrink; a bare endpoint beside "
    "each turn shows how the machine did, and the ratios are of rates over that."
)


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("growth", METHOD, quick)
    cases, seconds = (400, 1.5) if quick else (4000, 5.0)
    with over_http.prepared(cases) as ready:
        warm, cold = _measured(result, ready, seconds, "of an empty district")
        for size in _sizes(quick=quick):
            _grow(ready, size)
            name = f"after {size:,} facts"
            grown_warm, grown_cold = _measured(result, ready, seconds, name)
            pairs = ((warm, grown_warm, "warm"), (cold, grown_cold, "cold"))
            for empty, grown, how in pairs:
                row = result.ratio(f"{how}: times slower {name}", empty, grown)
                result.claim(row, "≤", 1.3)
    return result


def _sizes(*, quick: bool) -> list[int]:
    told = os.environ.get(VARIABLE)
    sizes = [int(size) for size in told.split(",")] if told else [*SIZES]
    return [*QUICK_SIZES] if quick and not told else sizes


def _grow(ready: Prepared, size: int) -> None:
    free = shutil.disk_usage(ready.data).free
    assert free > size * BYTES_A_FACT, f"{size:,} facts need {size * BYTES_A_FACT / 1e9:.0f} GB"
    head = fill(ready.database, DISTRICT, size)
    began = time.perf_counter()
    runner = Runner(ready.database, [ledger.tables for ledger in LEDGERS.values()])
    try:
        runner.run_until(head)
    finally:
        runner.close()
    with psycopg.connect(ready.dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(f"  (ledgers followed in {time.perf_counter() - began:.0f} s)", flush=True)


def _measured(
    result: Result, ready: Prepared, seconds: float, name: str
) -> tuple[list[float], list[float]]:
    """Return our rates, warm and cold, each over that of a bare endpoint beside it."""
    warm: list[float] = []
    cold: list[float] = []
    rates: list[float] = []
    p99: list[float] = []
    with _bare(ready) as bare_port:
        for turn in range(rounds(quick=result.quick)):
            port = processes.free_port()
            with processes.bihuan(ready.data, port=port, log=ready.data / "bench.log"):
                plan = ready.plan(port, CONNECTIONS, 600.0, turn=f"{name}-c{turn}".replace(" ", ""))
                first = load.run(load.once(plan))
                d.caught_up(ready.database)
                plan = ready.plan(
                    port, CONNECTIONS, seconds, turn=f"{name}-w{turn}".replace(" ", "")
                )
                outcome = load.run(plan)
                d.caught_up(ready.database)
            beside = over_http.bare_plan(bare_port, "/plain", CONNECTIONS, seconds)
            floor = load.run(beside).rate
            warm.append(outcome.rate / floor)
            cold.append(first.rate / floor)
            rates.append(outcome.rate)
            p99.append(outcome.p99)
    result.figure(f"our action, warm, {name}", "/s", rates)
    result.figure(f"our action, warm, p99 {name}", "ms", p99)
    return warm, cold


@contextmanager
def _bare(ready: Prepared) -> Generator[int]:
    port = processes.free_port()
    log: Path = ready.data / "bench.log"
    with processes.bare(ready.dsn, port=port, log=log):
        load.run(over_http.bare_plan(port, "/plain", CONNECTIONS, 0.5))
        yield port
