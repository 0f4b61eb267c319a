"""What workers share: a loop that outlives whatever goes wrong, and a connection of their own."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import LiteralString, TypeVar

from eventlog.appender import LogClosed
from eventlog.database import Connection, Database

Result = TypeVar("Result")

Trouble = Callable[[BaseException], None]
"""Hears what went wrong: a database that is away, a case that refuses."""


class Steady(ABC):
    """Looks for work again and again, until told to stop; lives on the engine's event loop."""

    def __init__(self, trouble: Trouble | None, again: float) -> None:
        """Do nothing before `run`; after an error, look again in `again` seconds."""
        self._trouble = trouble or _unheard
        self._again = again
        self._stopping = asyncio.Event()

    @abstractmethod
    async def look(self) -> float:
        """Do what there is to do; return for how many seconds to rest before the next look."""

    async def run(self) -> None:
        """Work until told to stop, or until the log is closed; a lost database is waited for.

        What is under way is finished; cancelled, it is given back.
        """
        with suppress(LogClosed):
            while not self._stopping.is_set():
                await self._wait(await self._looked())

    def stop(self) -> None:
        """Let `run` end after what is under way; from the loop's own thread."""
        self._stopping.set()

    async def _looked(self) -> float:
        try:
            return await self.look()
        except LogClosed:
            raise
        except Exception as error:  # noqa: BLE001 - it must outlive whatever goes wrong
            await self._heard(error)
            return self._again

    async def _heard(self, error: Exception) -> None:
        """Let the error be known; whatever it was, the next look tries again."""
        self._trouble(error)

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)


class Claiming(Steady):
    """A worker that claims rows over a connection of its own, which one thread owns."""

    def __init__(
        self, name: str, claims: "OwnConnection", trouble: Trouble | None, again: float
    ) -> None:
        """Connect when first asked; `name` is the thread's."""
        super().__init__(trouble, again)
        self._held = claims
        self._hand = ThreadPoolExecutor(1, name)

    async def run(self) -> None:
        """Work until told to stop, then give back the connection."""
        try:
            await super().run()
        finally:
            await self.close()

    async def close(self) -> None:
        """Give back the connection and what it holds; the worker is of no more use."""
        with suppress(RuntimeError):  # it was closed before
            self._hand.submit(self._held.close)
        self._hand.shutdown(wait=False)

    async def _heard(self, error: Exception) -> None:
        """Let go of the connection: it may be lost."""
        await super()._heard(error)
        await self._at_hand(self._held.close)

    async def _at_hand(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Do what blocks on the one thread that owns the connection."""
        return await asyncio.get_running_loop().run_in_executor(self._hand, work, *arguments)


class OwnConnection:
    """A connection that is made when it is asked for, and anew when it was lost; for one thread."""

    def __init__(
        self, database: Database, settings: LiteralString, limits: Sequence[float]
    ) -> None:
        """Connect when first asked; `settings` take the limits, in seconds, as milliseconds."""
        self._database = database
        self._settings: LiteralString = settings
        self._limits = [str(int(1000 * seconds)) for seconds in limits]
        self._connection: Connection | None = None

    def connect(self) -> Connection:
        """Return the connection, a new one where there is none.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        if self._connection is None:
            connection = self._database.connect()
            try:
                connection.execute(self._settings, self._limits)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Give back the connection; what it holds goes back with it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _unheard(_: BaseException) -> None:
    """Let nobody know."""
