"""A whole district for tests: founded, with a small directory, and an engine on it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Final

from domain.actor import Actor, Role
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.vault import Vault
from workflows.administration import UnitRow, found, import_directory
from workflows.engine import Caller, Engine

DISTRICT: Final = "610327"
COUNTY: Final = "610327000000"
TOWN: Final = "610327100000"
COMMUNITY: Final = "610327100001"
GRID: Final = "61032710000101"
OTHER_TOWN: Final = "610327101000"
OTHER_COMMUNITY: Final = "610327101001"
WATER: Final = "610327D01"
HOUSING: Final = "610327D02"

UNITS: Final = (
    UnitRow(COUNTY, "演示县", "county", None),
    UnitRow(TOWN, "城关镇", "town", COUNTY),
    UnitRow(COMMUNITY, "东街社区", "community", TOWN),
    UnitRow(GRID, "东街一网格", "grid", COMMUNITY),
    UnitRow(OTHER_TOWN, "河北镇", "town", COUNTY),
    UnitRow(OTHER_COMMUNITY, "河北社区", "community", OTHER_TOWN),
    UnitRow(WATER, "水务局", "department", COUNTY),
    UnitRow(HOUSING, "住建局", "department", COUNTY),
)
START: Final = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)  # Monday 09:00 in Shanghai
_keys = count(1)


class Hands:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def caller(role: Role, unit: str | None = None, *, key: str | None = None) -> Caller:
    """Somebody who asks once."""
    name = key or f"k{next(_keys)}"
    actor = Actor(role=role, unit=unit)
    return Caller(actor=actor, client="test", key=name, digest=name.encode().ljust(32))


@asynccontextmanager
async def district_engine(
    database: Database, *, clock: Callable[[], datetime] | None = None, trial: bool = True
) -> AsyncGenerator[Engine]:
    """A founded district with the small directory, and its engine."""
    vault = Vault(database, DISTRICT, LocalWrapper(bytes(range(32))))
    engine = Engine(database, DISTRICT, vault, clock=clock or Hands())
    try:
        await found(engine, DISTRICT, "演示县", trial=trial)
        await import_directory(engine, UNITS)
        yield engine
    finally:
        engine.close()
