"""区划调整 on its day: a decree is carried out by itself, in any number of processes only once.

What it did is remembered by nobody but the log: a process that begins finds the decrees whose day
has come and that no `division-carried-out` names, and goes on with them.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from domain import facts as f
from domain.errors import Refusal
from workflows.calendar_office import today_of
from workflows.divisions import Redivided, carried_out, decree, pending, reallot_all
from workflows.engine import REFRESH_SECONDS, Engine
from workflows.steady import Steady, Trouble

LOOK_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 600.0
"""How long a decree is left alone that some case, or the tree, would not follow."""
TOLD_SECONDS: Final = 10.0
"""How often a long run says how far it is."""
AT_ONCE: Final = 16
"""Cases, beside whatever else the process does."""
KNOWN_SECONDS: Final = 2 * REFRESH_SECONDS
"""After so long every process decides by the new directory: then the cases are asked."""

Told = Callable[[str, Redivided, bool], None]
"""Told of which re-division, how far it is, and whether that was all."""


class Redivider(Steady):
    """Carries out the re-divisions of one district on their day.

    Told to stop, it ends with the page of cases under way; the next process finds the rest.
    """

    def __init__(
        self, engine: Engine, trouble: Trouble, told: Told, *, known: float = KNOWN_SECONDS
    ) -> None:
        """Nothing is done before `run`; `known` is how long other processes take to know it."""
        super().__init__(trouble, LOOK_SECONDS)
        self._engine = engine
        self._told = told
        self._known = known
        self._not_before: dict[str, float] = {}

    async def look(self) -> float:
        """Look every few seconds whether the day of a re-division has come."""
        await self.step()
        return LOOK_SECONDS

    async def step(self) -> int:
        """Carry out what is due; return how many re-divisions were.

        Raises:
            psycopg.Error: the database is away.
        """
        done = 0
        for wanted in pending((await self._engine.current()).directory, today_of(self._engine)):
            if self._stopping.is_set() or self._now() < self._not_before.get(wanted.division, 0):
                continue
            try:
                done += await self._carry_out(wanted)
            except Refusal as refusal:
                # The tree is another by now than when it was decreed: somebody has to mend it.
                self._trouble(refusal)
                self._leave(wanted)
        return done

    async def _carry_out(self, wanted: f.DivisionDecreed) -> bool:
        """Let its units stand, then every open case follow; say so in the log once all of them do.

        Raises:
            Refusal: it would not make a tree any more.
        """
        engine = self._engine
        await decree(engine, wanted, once=True)
        await self._wait(self._known)
        result = Redivided()
        telling = asyncio.create_task(self._tell(wanted.division, result))
        try:
            await reallot_all(
                engine,
                wanted.division,
                at_once=AT_ONCE,
                result=result,
                stopped=self._stopping.is_set,
            )
        finally:
            telling.cancel()
        if result.failures:
            self._leave(wanted)
        done = not result.failures and not self._stopping.is_set()
        if done:
            await carried_out(engine, wanted.division, result)
        self._told(wanted.division, result, done)
        return done

    async def _tell(self, division: str, result: Redivided) -> None:
        """Say again and again how far it is."""
        while True:
            await asyncio.sleep(TOLD_SECONDS)
            self._told(division, result, False)  # noqa: FBT003 - whether that was all

    def _leave(self, wanted: f.DivisionDecreed) -> None:
        self._not_before[wanted.division] = self._now() + AGAIN_SECONDS

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
