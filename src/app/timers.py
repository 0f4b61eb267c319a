"""The workers of a process: timers and notices of each open district, on its engine's loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from api.logs import logger, where
from api.services import DistrictServices
from api.webhook_channel import WebhookChannel
from app.wiring import OpenDistricts
from eventlog.appender import LogClosed
from projections.ledgers.cases import open_from
from workflows.attachments import Sweeper
from workflows.divisions import Redivided
from workflows.engine import Engine
from workflows.notices.worker import NoticeWorker
from workflows.open_clocks import ClocksBehind, followed, older_than_newest
from workflows.recounts import recount
from workflows.redividing import Redivider, Told
from workflows.rounds import SYSTEM, Rounds, StillOpen
from workflows.timers.worker import STOP_SECONDS, Worker


class Working(Protocol):
    """A worker: works until told to stop."""

    async def run(self) -> None:
        """Work."""
        ...

    def stop(self) -> None:
        """Let `run` end after what is under way."""
        ...


Running = tuple[Working, asyncio.Task[None]]
RECOUNTED_AT_ONCE: Final = 16
"""Cases, beside whatever else the process does."""
LOOK_SECONDS: Final = 2.0
"""How often districts are looked for that came since."""


@asynccontextmanager
async def workers_of(districts: OpenDistricts) -> AsyncGenerator[None]:
    """Let time happen in all districts for as long as the block lasts, also in those to come."""
    workers = _Workers(districts)
    following = asyncio.create_task(workers.follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await workers.stop()


class _Workers:
    """A task for each of a district's workers."""

    def __init__(self, districts: OpenDistricts) -> None:
        self._districts = districts
        self._running: dict[str, list[Running]] = {}

    async def follow(self) -> None:
        """Give every district its workers."""
        while True:
            for name, services in self._districts.items():
                if name not in self._running:
                    self._running[name] = begin(services)
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await asyncio.to_thread(self._districts.look)
            except Exception as error:  # noqa: BLE001 - those that are open are served all the same
                logger().warning("districts", error=type(error).__name__, at=where(error))

    async def stop(self) -> None:
        """End them all."""
        await end([one for running in self._running.values() for one in running])


class Recounter:
    """Takes up once what an end of the process left of counting by a new calendar."""

    def __init__(self, engine: Engine, trouble: Callable[[BaseException], None]) -> None:
        """Nothing is counted before `run`."""
        self._engine = engine
        self._trouble = trouble
        self._stopping = False

    async def run(self) -> None:
        """Go through the calendars that have older versions, once their open clocks are known."""
        try:
            almanacs = (await self._engine.current()).almanacs
            for name in {name for name, _ in almanacs}:
                if older_than_newest(almanacs, name).versions:
                    await self._followed()
                    if not self._stopping:
                        await recount(self._engine, name, at_once=RECOUNTED_AT_ONCE)
        except LogClosed:
            return
        except Exception as error:  # noqa: BLE001 - the next start, or the command, takes it up
            self._trouble(error)

    async def _followed(self) -> None:
        """Wait for the table of open clocks, without a thread that would outlive the process."""
        while not self._stopping:
            try:
                await asyncio.to_thread(followed, self._engine.database, patience=0.0)
            except ClocksBehind:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    def stop(self) -> None:
        """Begin no further calendar."""
        self._stopping = True


def begin(services: DistrictServices) -> list[Running]:
    """Start the workers of a district."""
    workers: list[Working] = [
        worker_of(services),
        courier_of(services),
        Recounter(services.engine, _logged("recount", services)),
        Rounds(services.engine, _logged("round", services), _open_rounds(services)),
        Redivider(services.engine, _logged("division", services), _told(services)),
        Sweeper(services.engine.uploads, _logged("attachments", services)),
    ]
    return [(worker, asyncio.create_task(worker.run())) for worker in workers]


def _open_rounds(services: DistrictServices) -> StillOpen:
    def read() -> list[str]:
        with services.database.connection() as connection:
            return open_from(connection, SYSTEM)

    return read


async def end(running: Collection[Running]) -> None:
    """Let the batches in flight end; whatever lasts too long is given back."""
    for worker, _ in running:
        worker.stop()
    tasks = [task for _, task in running]
    if tasks:
        _, lasting = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in lasting:
            task.cancel()
        await asyncio.gather(*lasting, return_exceptions=True)


def worker_of(services: DistrictServices) -> Worker:
    """Return a timer worker for a district."""
    trouble = _logged("timer", services)
    return Worker(services.engine, tally=services.timers, trouble=trouble)


def courier_of(services: DistrictServices) -> NoticeWorker:
    """Return a worker that sends a district's notices."""
    return NoticeWorker(services.engine, WebhookChannel(), trouble=_logged("notice", services))


def _logged(event: str, services: DistrictServices) -> Callable[[BaseException], None]:
    """Return what logs the troubles of a worker, never with a message."""

    def trouble(error: BaseException) -> None:
        name = type(error).__name__
        logger().warning(event, district=services.id, error=name, at=where(error))

    return trouble


def _told(services: DistrictServices) -> Told:
    """Return what logs how far a re-division is: numbers only."""

    def told(division: str, result: Redivided, done: bool) -> None:  # noqa: FBT001 - see Told
        logger().info(
            "division",
            district=services.id,
            division=division,
            examined=result.examined,
            changed=result.changed,
            to_allot=result.to_allot,
            failures=len(result.failures),
            done=done,
        )

    return told
