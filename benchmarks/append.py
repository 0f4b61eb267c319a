"""Load a case of ten facts, decide, append durably: against the library's get + save.

Both sides run in this process against one server, turn by turn: ours as tasks of one event loop,
the library as threads. An action without text (reclassify) is one fact on both sides; beside it
stands ours with a text, which is sealed, as the library has nothing like it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import uvloop

from benchmarks import commits, stock
from benchmarks import district as d
from benchmarks.measure import Result, rounds
from domain.commands import Act
from workflows.cache import Cache
from workflows.engine import Engine

DISTRICT: Final = "610327"
CLIENTS: Final = (16, 64)
FACTS: Final = 10
METHOD: Final = (
    "16 or 64 clients, each on its own cases of ten facts; one fact an action; both sides in one "
    "process, turn by turn, against one embedded server. Cold: the case cache holds nothing."
)


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("append", METHOD, quick)
    cases, seconds = (800, 1.0) if quick else (3000, 2.0)
    with d.server() as dsn:
        uvloop.run(_run(dsn, result, cases, seconds))
    return result


async def _run(dsn: str, result: Result, cases: int, seconds: float) -> None:
    commits.prepare(dsn)
    with d.new_district(dsn, DISTRICT) as database:
        async with d.engine_on(database, DISTRICT) as engine:
            ids = await d.seed(engine, cases)
            with stock.tickets(dsn, threads=max(CLIENTS)) as app:
                tickets = stock.seed(app, cases // 2, FACTS)
            for clients in CLIENTS:
                await _against(dsn, result, engine, (ids, tickets), clients, seconds)
    stock.drop(dsn)


async def _against(
    dsn: str,
    result: Result,
    engine: Engine,
    seeded: tuple[Sequence[str], Sequence[UUID]],
    clients: int,
    seconds: float,
) -> None:
    ids, tickets = seeded
    rates: dict[str, list[float]] = {}

    def keep(name: str, rate: float) -> None:
        rates.setdefault(name, []).append(rate)

    async def ours(act: Callable[[int], Act], *, cold: bool = False) -> float:
        cache(engine, cold=cold)
        # Cached cases grow by many facts; cold ones must stay as short as they were seeded.
        border = len(ids) // 6
        own = ids[border:] if cold else ids[:border]
        if not cold:
            await asyncio.gather(*(engine.case(one) for one in own))
        done = await d.hammer(engine, own, act, clients=clients, seconds=seconds)
        return done / seconds

    def theirs(cached: int) -> float:
        with stock.tickets(dsn, threads=clients, cached=cached) as app:
            stock.hammer(app, tickets, threads=clients, seconds=0.3)
            return stock.hammer(app, tickets, threads=clients, seconds=seconds) / seconds

    cache(engine, cold=False)
    await d.hammer(engine, ids, d.note, clients=clients, seconds=seconds)
    for _ in range(rounds(quick=result.quick)):
        keep("stock", await asyncio.to_thread(theirs, 0))
        keep("warm", await ours(d.recategorise))
        keep("text", await ours(d.note))
        keep("cold", await ours(d.recategorise, cold=True))
        keep("stock cached", await asyncio.to_thread(theirs, len(tickets)))
        floor = await asyncio.to_thread(commits.commits, dsn, clients=clients, seconds=seconds)
        keep("commits", floor)
    _tell(result, rates, clients)


def cache(engine: Engine, *, cold: bool) -> None:
    """Let the engine forget every case after each action, or keep them all."""
    engine._cache = Cache(0 if cold else 1_000_000)  # noqa: SLF001 - what is measured


def _tell(result: Result, rates: dict[str, list[float]], clients: int) -> None:
    at = f"at {clients} clients"
    names = {
        "stock": "stock get + save",
        "stock cached": "stock with its cache",
        "warm": "ours, case in the cache",
        "text": "ours, case in the cache, with a sealed text",
        "cold": "ours, cold",
        "commits": f"single-row commits ({commits.peer()})",
    }
    for key, name in names.items():
        result.figure(f"{name} {at}", "/s", rates[key])
    cold = result.ratio(f"cold against stock {at}", rates["cold"], rates["stock"])
    warm = result.ratio(f"cached against stock {at}", rates["warm"], rates["stock"])
    result.ratio(f"cached against stock with its cache {at}", rates["warm"], rates["stock cached"])
    result.ratio(f"cached against single-row commits {at}", rates["warm"], rates["commits"])
    if clients == 16:
        result.claim(cold, "≥", 1.8)
        result.claim(warm, "≥", 5)
    else:
        result.claim(warm, "≥", 8)
