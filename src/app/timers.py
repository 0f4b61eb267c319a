"""The workers of a process: timers and notices of each open district, on its engine's loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from api.logs import logger, where
from api.services import DistrictServices
from api.webhook_channel import WebhookChannel
from app.wiring import OpenDistricts
from workflows.notices.worker import NoticeWorker
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


def begin(services: DistrictServices) -> list[Running]:
    """Start the workers of a district."""
    workers: list[Working] = [worker_of(services), courier_of(services)]
    return [(worker, asyncio.create_task(worker.run())) for worker in workers]


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
