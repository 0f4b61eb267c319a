"""The action over HTTP in a district whose log has grown, against a nearly empty one beside it.

BIHUAN_BENCH_GROWTH names other sizes, for example `1000000,5000000` (the default): a million facts
take about 2 GB with their indexes and ledgers.
"""

import os
import shutil
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg

from app.settings import Settings
from app.wiring import open_site
from benchmarks import bare, load, over_http, processes
from benchmarks import district as d
from benchmarks.fill import fill
from benchmarks.measure import Result, rounds
from benchmarks.over_http import Prepared
from eventlog.runner import Runner
from projections.ledgers import LEDGERS

SMALL: Final = "610326"
GROWN: Final = "610327"
SIZES: Final = (1_000_000, 5_000_000)
QUICK_SIZES: Final = (20_000,)
VARIABLE: Final = "BIHUAN_BENCH_GROWTH"
BYTES_A_FACT: Final = 3_000
"""In tables, indexes, ledgers and write-ahead log, roughly."""
CONNECTIONS: Final = 16
METHOD: Final = (
    "The same as `http` at 16 connections, each case for the first time after a start (cold), "
    "then warm, in two districts of one server: one of a few thousand facts, one filled; its "
    "ledgers follow, then VACUUM and a CHECKPOINT. The two take turns, seconds apart, the first "
    "one changing places every round, and each ratio is of such a pair; a bare endpoint beside "
    "each round shows how the machine did."
)


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("growth", METHOD, quick)
    cases = 400 if quick else 4000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bihuan-bench-")))
        site = stack.enter_context(open_site(Settings(data=folder)))
        with psycopg.connect(site.dsn, autocommit=True) as connection:
            connection.execute(bare.TABLE)
        small, grown = (
            stack.enter_context(over_http.beside(site, folder, district, cases))
            for district in (SMALL, GROWN)
        )
        for size in _sizes(quick=quick):
            _grow(grown, size)
            _measured(result, small, grown, f"after {size:,} facts")
    return result


def _sizes(*, quick: bool) -> list[int]:
    told = os.environ.get(VARIABLE)
    sizes = [int(size) for size in told.split(",")] if told else [*SIZES]
    return [*QUICK_SIZES] if quick and not told else sizes


def _grow(ready: Prepared, size: int) -> None:
    free = shutil.disk_usage(ready.data).free
    assert free > size * BYTES_A_FACT, f"{size:,} facts need {size * BYTES_A_FACT / 1e9:.0f} GB"
    head = fill(ready.database, ready.district, size)
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


def _measured(result: Result, small: Prepared, grown: Prepared, name: str) -> None:
    """Let both take turns, cold and warm; hold the ratio against what is promised."""
    seconds = 1.5 if result.quick else 5.0
    rates: dict[tuple[str, str], list[float]] = {}
    p99: list[float] = []
    floor: list[float] = []
    with _bare(small) as bare_port:
        for turn in range(rounds(quick=result.quick)):
            pair = (small, grown) if turn % 2 else (grown, small)
            port = processes.free_port()
            with processes.bihuan(small.data, port=port, log=small.data / "bench.log"):
                for how, length in (("cold", 600.0), ("warm", seconds)):
                    for ready in pair:
                        key = f"{how}-{name}-{turn}".replace(" ", "")
                        plan = ready.plan(port, CONNECTIONS, length, turn=key)
                        found = load.run(load.once(plan) if how == "cold" else plan)
                        d.caught_up(ready.database)
                        rates.setdefault((how, ready.district), []).append(found.rate)
                        if ready is grown and how == "warm":
                            p99.append(found.p99)
            beside = over_http.bare_plan(bare_port, "/plain", CONNECTIONS, seconds)
            floor.append(load.run(beside).rate)
    for how in ("warm", "cold"):
        empty, full = rates[how, SMALL], rates[how, GROWN]
        result.figure(f"our action, {how}, in the small district, beside {name}", "/s", empty)
        result.figure(f"our action, {how}, {name}", "/s", full)
        row = result.ratio(f"{how}: times slower {name}", empty, full)
        result.claim(row, "≤", 1.3)
    result.figure(f"our action, warm, p99 {name}", "ms", p99)
    result.figure(f"bare def beside {name}", "/s", floor)


@contextmanager
def _bare(ready: Prepared) -> Generator[int]:
    port = processes.free_port()
    log: Path = ready.data / "bench.log"
    with processes.bare(ready.dsn, port=port, log=log):
        load.run(over_http.bare_plan(port, "/plain", CONNECTIONS, 0.5))
        yield port
