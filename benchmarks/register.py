"""A real register from its file to its ledgers, and the server's memory afterwards.

The register is the one of BIHUAN_TEST_DATA (default ../shared/data); where it is absent, an
invented one of the same shape.
"""

import asyncio
import csv
import os
import random
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil  # type: ignore[import-untyped]  # has no stubs of its own

from app.imports import import_rows
from app.register.mapping_file import load_mapping
from app.register.rows import read_register
from app.settings import Settings
from app.wiring import open_site
from benchmarks import district as d
from benchmarks import processes
from benchmarks.measure import Result, Watch, rounds
from domain.actor import Role
from eventlog.database import Database
from eventlog.runner import Runner
from projections.ledgers import LEDGERS
from workflows.administration import issue_key

ROOT: Final = Path(__file__).parents[1]
REAL: Final = "replies/replies_2011_2017_1079.csv"
INVENTED_ROWS: Final = 1_079
COLUMNS: Final = (
    "留言编号",
    "留言用户",
    "留言主题",
    "留言时间",
    "留言详情",
    "答复意见",
    "答复时间",
)
METHOD: Final = (
    "`import_rows` from the file, both ledgers carried to the end of the log afterwards, into a "
    "new district each time; facts over the whole time. Memory: resident set of a server process "
    "that then opened the district and answered one ledger summary."
)
DISTRICTS: Final = tuple(f"61032{n}" for n in range(1, 8))


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("register", METHOD, quick)
    rates: list[float] = []
    rows: list[float] = []
    with TemporaryDirectory(prefix="bihuan-bench-") as name:
        folder = Path(name)
        source, mapping = _register(folder)
        with open_site(Settings(data=folder / "data")) as site:
            for district in DISTRICTS[: rounds(quick=quick)]:
                with d.new_district(site.dsn, district) as database:
                    facts, read, seconds = asyncio.run(
                        _imported(database, district, source, mapping)
                    )
                    rates.append(facts / seconds)
                    rows.append(read / seconds)
            with d.new_district(site.dsn, "610327") as database:
                asyncio.run(_imported(database, "610327", source, mapping))
                key = asyncio.run(_key(database))
                memory = _memory(folder / "data", key)
    note = "the real one" if REAL in source.as_posix() else "an invented one"
    result.figure("rows", "/s", rows, note=note)
    result.claim(result.figure("facts, end to end", "facts/s", rates, note=note), "≥", 1_000)
    result.figure("memory of the server after it", "MiB", [memory])
    return result


async def _imported(
    database: Database, district: str, source: Path, mapping: Path
) -> tuple[int, int, float]:
    """Return how many facts and rows were imported in how many seconds, ledgers included."""
    rules = load_mapping(mapping)
    watch = Watch()
    async with d.engine_on(database, district) as engine:
        before = d.position(database)
        with watch.timed():
            report = await import_rows(engine, read_register(source, rules, now=engine.now()))
            runner = Runner(database, [ledger.tables for ledger in LEDGERS.values()])
            runner.run_until(d.position(database))
            runner.close()
    assert report.created == report.read, report.as_json()
    return d.position(database) - before, report.read, watch.seconds


async def _key(database: Database) -> str:
    async with d.engine_on(database, "610327") as engine:
        return (await issue_key(engine, Role.ADMIN, unit=None, name=None)).secret


def _memory(data: Path, key: str) -> float:
    port = processes.free_port()
    with processes.bihuan(data, port=port, log=data / "bench.log") as pid:
        address = f"http://127.0.0.1:{port}/v1/districts/610327/ledgers/deadlines/summary"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - ours
            assert answer.status == 200
        return float(psutil.Process(pid).memory_info().rss) / 2**20


def _register(folder: Path) -> tuple[Path, Path]:
    data = Path(os.environ.get("BIHUAN_TEST_DATA", ROOT.parent / "shared" / "data"))
    real = data / REAL
    return (real if real.exists() else _invented(folder)), ROOT / "src/app/demo/mapping.yaml"


def _invented(folder: Path) -> Path:
    chance = random.Random(1)  # noqa: S311 - no secret
    path = folder / "register.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for number in range(INVENTED_ROWS):
            asked = datetime(2011, 1, 1) + timedelta(minutes=number * 3_000)  # noqa: DTZ001 - local text
            answered = asked + timedelta(hours=chance.randint(5, 900))
            detail = "路灯不亮，夜间行走不便，请尽快维修。" * chance.randint(3, 20)
            reply = "经核实，已安排维修，感谢您的监督。" * chance.randint(3, 20)
            name, title = f"用户{number}", f"第 {number} 处路灯不亮"
            times = (f"{asked:%Y/%m/%d %H:%M:%S}", f"{answered:%Y/%m/%d %H:%M:%S}")
            lines.writerow([number, name, title, times[0], detail, reply, times[1]])
    return path
