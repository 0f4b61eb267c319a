"""The demo district: invented, lifelike, played by the real engine, the same from the same seed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from app.demo.county import county
from app.demo.founding import founded, lives
from app.demo.player import Clock, Player
from domain import facts as f
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_range
from eventlog.records import Record
from eventlog.vault import Vault
from workflows.engine import Engine
from workflows.language import SHIPPED

SEED = 7
UNTIL = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
BEGAN = UNTIL - timedelta(days=60)
CASES = 90


def luck() -> Random:
    return Random(SEED)  # noqa: S311 - luck, no secret


def test_the_small_county_has_the_numbers_of_the_design() -> None:
    there = county(luck())
    levels = Counter(unit.level for unit in there.units)
    assert levels == {"county": 1, "town": 2, "community": 5, "grid": 59, "department": 31}
    workers = [one for one in there.officers if one.role == "grid_worker" and one.person]
    assert 100 <= len(workers) <= 118
    codes = [unit.code for unit in there.units]
    assert len(codes) == len(set(codes))


def test_the_larger_county_has_towns_streets_and_117_communities() -> None:
    there = county(luck(), scale=10)
    levels = Counter(unit.level for unit in there.units)
    assert (levels["town"], levels["community"]) == (24, 117)
    posts = [one.post for one in there.officers]
    assert len(posts) == len(set(posts))


def played(database: Database) -> tuple[list[str], list[Record]]:
    """Found the county and play some lives; return what was refused, and the log."""

    async def play() -> list[str]:
        clock = Clock(BEGAN)
        vault = Vault(database, "610327", LocalWrapper(bytes(range(32))))
        engine = Engine(database, "610327", vault, clock=clock)
        try:
            there = await founded(engine, "云岭县（演示数据）")
            player = Player(engine, clock, UNTIL)
            some = islice(lives(luck(), there, BEGAN, UNTIL, 1), CASES)
            await player.play(some, lambda _: None)
            return player.refused
        finally:
            engine.close()

    refused = asyncio.run(play())
    with database.connection() as connection:
        return refused, read_range(connection, 0, 100_000)


def told(records: list[Record]) -> Counter[tuple[str, datetime]]:
    return Counter((record.fact.TYPE, record.occurred_at) for record in records)


def test_lives_are_played_to_their_end_without_a_refusal_and_in_their_own_time(
    district: Database, fresh_district: Database
) -> None:
    refused, records = played(district)
    assert refused == []
    kinds = Counter(
        record.fact.kind for record in records if isinstance(record.fact, f.CaseReported)
    )
    assert sum(kinds.values()) >= CASES
    assert set(kinds) <= set(SHIPPED)
    assert len(kinds) >= 10
    assert all(BEGAN <= record.recorded_at <= UNTIL + timedelta(hours=1) for record in records)
    ended = sum(isinstance(record.fact, f.CaseClosed) for record in records)
    late = sum(isinstance(record.fact, f.DeadlineBreached) for record in records)
    assert ended > CASES / 2
    assert late > 0
    # The same seed plays the same, in another district.
    assert told(played(fresh_district)[1]) == told(records)
