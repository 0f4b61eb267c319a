"""`POST …/actions/{action}` through the real server, against bare endpoints that insert one row.

Both servers run as processes of their own with the same uvicorn settings; the same generator, in a
third process, loads them turn by turn. Between turns our ledgers catch up.
"""

import asyncio
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
from msgspec import Struct

from app.settings import Settings
from app.wiring import Site, open_site
from benchmarks import bare, load, processes
from benchmarks import district as d
from benchmarks.measure import Result, rounds
from domain.actor import Role
from eventlog.database import Database
from workflows.administration import issue_key

DISTRICT: Final = "610327"
CONNECTIONS: Final = (16, 64)
METHOD: Final = (
    "Keep-alive connections from a process of its own, every answer checked. Ours: one worker, "
    "reclassify (one fact, no text), ledgers followed meanwhile. Peers: FastAPI with pydantic, one "
    "row of the same size, psycopg pools of 40. Cold: a server just started, each case once."
)


class Prepared(Struct, frozen=True):
    """A data directory with cases and a key, its database in use."""

    data: Path
    dsn: str
    database: Database
    key: str
    cases: list[str]
    district: str = DISTRICT

    def plan(self, port: int, connections: int, seconds: float, *, turn: str) -> load.Plan:
        """Return what to send to our server."""
        act = "actions/reclassify"
        return load.Plan(
            port=port,
            connections=connections,
            seconds=seconds,
            paths=[f"/v1/districts/{self.district}/cases/{case}/{act}" for case in self.cases],
            bodies=BODIES,
            headers={"Authorization": f"Bearer {self.key}"},
            keys=turn,
        )


BODIES: Final = [f'{{"data":{{"category":"{code}"}}}}' for code in range(10, 100)]


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("http", METHOD, quick)
    cases, seconds = (400, 1.5) if quick else (4000, 5.0)
    with prepared(cases) as ready:
        _warm(result, ready, seconds)
        _cold(result, ready)
    return result


@contextmanager
def prepared(cases: int) -> Generator[Prepared]:
    """Found a district in a new data directory, with cases of ten facts and a dispatcher's key."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bihuan-bench-")))
        site = stack.enter_context(open_site(Settings(data=folder)))
        with psycopg.connect(site.dsn, autocommit=True) as connection:
            connection.execute(bare.TABLE)
        yield stack.enter_context(beside(site, folder, DISTRICT, cases))


@contextmanager
def beside(site: Site, folder: Path, district: str, cases: int) -> Generator[Prepared]:
    """Found one more district at a site."""
    with d.new_district(site.dsn, district) as database:
        key, ids = asyncio.run(_seeded(site, database, district, cases))
        yield Prepared(folder, site.dsn, database, key, ids, district)


async def _seeded(
    site: Site, database: Database, district: str, cases: int
) -> tuple[str, list[str]]:
    async with d.engine_on(database, district, wrapper=site.wrapper) as engine:
        key = (await issue_key(engine, Role.DISPATCHER, unit=None, name=None)).secret
        return key, await d.seed(engine, cases)


def _warm(result: Result, ready: Prepared, seconds: float) -> None:
    port, bare_port = processes.free_port(), processes.free_port()
    log = ready.data / "bench.log"
    with (
        processes.bihuan(ready.data, port=port, log=log),
        processes.bare(ready.dsn, port=bare_port, log=log),
    ):
        load.run(ready.plan(port, 64, 2 * seconds, turn="warm-up"))
        for connections in CONNECTIONS:
            _turns(result, ready, (port, bare_port), connections, seconds)


def _turns(
    result: Result, ready: Prepared, ports: tuple[int, int], connections: int, seconds: float
) -> None:
    outcomes: dict[str, list[load.Outcome]] = {"ours": [], "/plain": [], "/loop": []}
    for turn in range(rounds(quick=result.quick)):
        d.caught_up(ready.database)
        plan = ready.plan(ports[0], connections, seconds, turn=f"w{connections}-{turn}")
        outcomes["ours"].append(load.run(plan))
        d.caught_up(ready.database)
        for path in ("/plain", "/loop"):
            outcomes[path].append(load.run(bare_plan(ports[1], path, connections, seconds)))
    at = f"at {connections} connections"
    names = {"ours": "our action, warm", "/plain": "bare def", "/loop": "bare async"}
    for key, name in names.items():
        result.figure(f"{name} {at}", "/s", [each.rate for each in outcomes[key]])
        result.figure(f"{name}, p99 {at}", "ms", [each.p99 for each in outcomes[key]])
    rates = {key: [each.rate for each in found] for key, found in outcomes.items()}
    against = result.ratio(f"warm against bare def {at}", rates["ours"], rates["/plain"])
    result.ratio(f"warm against bare async {at}", rates["ours"], rates["/loop"])
    result.claim(against, "≥", 0.7)


def bare_plan(port: int, path: str, connections: int, seconds: float) -> load.Plan:
    """Return what to send to the peers."""
    return load.Plan(
        port=port,
        connections=connections,
        seconds=seconds,
        paths=[path] * connections,
        bodies=BODIES,
    )


def _cold(result: Result, ready: Prepared) -> None:
    """Start a server anew for each sample; nothing is in its cache."""
    ours: list[load.Outcome] = []
    theirs: list[load.Outcome] = []
    log = ready.data / "bench.log"
    for turn in range(rounds(quick=result.quick)):
        port = processes.free_port()
        with processes.bihuan(ready.data, port=port, log=log):
            plan = ready.plan(port, 16, 600.0, turn=f"c{turn}")
            ours.append(load.run(load.once(plan)))
            d.caught_up(ready.database)
        port = processes.free_port()
        with processes.bare(ready.dsn, port=port, log=log):
            load.run(bare_plan(port, "/plain", 16, 0.5))
            theirs.append(load.run(bare_plan(port, "/plain", 16, ours[-1].seconds)))
    result.figure("our action, cold at 16 connections", "/s", [each.rate for each in ours])
    result.figure("our action, cold, p99 at 16 connections", "ms", [each.p99 for each in ours])
    rates = ([each.rate for each in ours], [each.rate for each in theirs])
    result.claim(result.ratio("cold against bare def at 16 connections", *rates), "≥", 0.35)
