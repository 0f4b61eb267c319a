"""The worker: claims what is due, lets it happen, takes it off the table; any number of them.

It lives on the engine's event loop. Its transaction only holds rows: the facts are appended by the
engine, and are durable before a row is deleted. Dying in between costs nothing: the case's plan
no longer holds the point, and the command id stands for the facts (clocks.md R14).
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from traceback import extract_tb
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

from domain.actor import Actor, Role
from domain.case import Case
from domain.errors import Refusal
from domain.facts import Point
from eventlog.appender import LogClosed
from workflows.engine import Caller, Engine
from workflows.steady import Claiming, Trouble
from workflows.timers.claims import Claims, Due
from workflows.timers.fold import OF_THE_CASE

CLIENT: Final = "timer"
LIMIT: Final = 50
POLL_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 4.0
"""How long the batch in flight may still take when the worker is to stop."""
LATE: Final = timedelta(seconds=60)
UNSETTLED: Final = "unsettled"
"""It is due, and yet the case does nothing about it: a fault of the program."""
_BY_CASE: Final = attrgetter("case", "at")
_NAMESPACE: Final = UUID("0c9c8f2e-6f0b-5a53-8a53-3b1e0f7d9a42")
_MICROSECOND: Final = 1_000_000


class Tally(Struct):
    """What the workers of a district in this process have done."""

    fired: int = 0
    late: int = 0
    """Of them, those that happened more than a minute of district time after their time."""
    failed: int = 0


class Batch(Struct):
    """What became of rows that were claimed together; those in neither list are left for later."""

    done: list[Due] = []
    failed: list[tuple[Due, str]] = []


class Worker(Claiming):
    """Lets happen what time brings in one district."""

    def __init__(
        self,
        engine: Engine,
        *,
        tally: Tally | None = None,
        trouble: Trouble | None = None,
        limit: int = LIMIT,
        poll: float = POLL_SECONDS,
    ) -> None:
        """Connect when first run; `trouble` hears of errors, for the log."""
        self._claims = Claims(engine.database)
        super().__init__(f"timer-{engine.district}", self._claims, trouble, RETRY_SECONDS)
        self._engine = engine
        self._limit = limit
        self._poll = poll
        self._tidied = 0.0
        self.tally = tally or Tally()

    async def look(self) -> float:
        """Let happen what is due; rest unless there may be more."""
        return self._pause() if await self.step() < self._limit else 0.0

    async def step(self) -> int:
        """Claim one batch and settle its cases; return how many rows were claimed.

        Raises:
            psycopg.Error: the database is away; what is done stays done, the rest is given back.
        """
        # First of all our own connection: the engine's pool waits long for a lost database.
        await self._at_hand(self._claims.connect)
        await self._engine.current()
        await self._tidy()
        engine = self._engine
        rows = await self._at_hand(self._claims.claim, engine.now(), engine.real(), self._limit)
        if rows:
            batch = await self._settle(rows)
            await self._at_hand(self._claims.finish, batch.done, batch.failed, engine.real())
            self.tally.failed += len(batch.failed)
        return len(rows)

    async def _settle(self, rows: Sequence[Due]) -> Batch:
        """Settle every case once, all at the same time."""
        by_case = groupby(sorted(rows, key=_BY_CASE), attrgetter("case"))
        cases = await asyncio.gather(*[self._settle_case(list(due)) for _, due in by_case])
        return Batch(
            [row for one in cases for row in one.done],
            [row for one in cases for row in one.failed],
        )

    async def _settle_case(self, rows: Sequence[Due]) -> Batch:
        """Let happen what is due to a case; what fails is set down, and harms no other case."""
        batch = Batch()
        try:
            await self._let_happen(rows, batch)
        except LogClosed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this case
            self._trouble(error)
            batch.failed = [(row, _told(error)) for row in rows if row not in batch.done]
        return batch

    async def _let_happen(self, rows: Sequence[Due], batch: Batch) -> None:
        """Settle a case until none of these points is planned; once is nearly always enough.

        A row may go once the case, as of any later fact than the row, does not plan its point. A
        repeated answer is late enough: had the fold come past it, the row would not be there.
        """
        case: Case | None = None
        stored = False
        for row in rows:
            if case is None or _planned(case, row):
                outcome = await self._engine.settle(row.case, caller(row))
                case, stored = outcome.case, outcome.position > 0 and not outcome.replayed
            if not _planned(case, row):
                batch.done.append(row)
                self._count(row, stored=stored)
            elif row.at <= self._engine.now():
                batch.failed.append((row, UNSETTLED))
            # Otherwise the clock was set back meanwhile, and its time will come.

    def _count(self, row: Due, *, stored: bool) -> None:
        if stored:
            self.tally.fired += 1
            self.tally.late += self._engine.now() - row.at > LATE

    async def _tidy(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._tidied > TIDY_SECONDS:
            await self._at_hand(self._claims.tidy)
            self._tidied = now

    def _pause(self) -> float:
        """Return how long to wait: never past the next second, when something may be due."""
        engine = self._engine
        fraction = engine.reference.trial_offset(engine.real()).microsecond
        return min(self._poll, (_MICROSECOND - fraction) / _MICROSECOND)


def caller(row: Due) -> Caller:
    """Return who lets a point happen; the same point always asks under the same key (R14)."""
    parts = (row.case, *row.instance, row.point, row.generation, row.at.isoformat())
    key = str(uuid5(_NAMESPACE, "|".join(map(str, parts))))
    digest = sha256(key.encode()).digest()
    return Caller(actor=Actor(role=Role.TIMER), client=CLIENT, key=key, digest=digest)


def _planned(case: Case, row: Due) -> bool:
    """Whether time will still bring this point to the case."""
    point = Point(row.point, row.at)
    if row.instance == OF_THE_CASE:
        return any(point == one.point for one in case.told)
    return any(
        clock.instance == row.instance
        and clock.generation == row.generation
        and clock.open
        and point in clock.plan
        for clock in case.clocks
    )


def _told(error: Exception) -> str:
    """Return what an operator may read of an error: no message, it could hold anything."""
    if isinstance(error, Refusal):
        return error.code
    frames = extract_tb(error.__traceback__)
    place = f" {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
