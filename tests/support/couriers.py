"""A district whose notices are sent: issued by hand, or by what time brings."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from api.webhook_channel import WebhookChannel
from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Report
from domain.world import Draft
from eventlog.database import Database
from eventlog.reader import read_stream
from eventlog.records import Record
from eventlog.runner import Runner
from tests.support import districts as d
from tests.support.receiver import Receiver, receiving, verify
from workflows.engine import Engine
from workflows.notices.channel import set_channel
from workflows.notices.claims import Standing, standing
from workflows.notices.table import DeliveryTable
from workflows.notices.worker import NoticeWorker

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's own
TIMEOUT: Final = 2.0
"""Seconds; a busy machine must not fail a test that is not about it."""
PRIVATE: Final = ("李建国", "13800138000", "井盖破损", "路口井盖破了")
"""Whatever of the case is nobody's business outside."""


class Post:
    """A founded district, its clock, a receiver, and a worker between them."""

    def __init__(self, engine: Engine, clock: d.Hands, receiver: Receiver) -> None:
        self.engine = engine
        self.database = engine.database
        self.clock = clock
        self.receiver = receiver
        self.worker = NoticeWorker(engine, WebhookChannel(timeout=TIMEOUT))

    async def opened(self, *, quiet: str | None = None) -> None:
        """Configure the channel."""
        await set_channel(self.engine, self.receiver.url, secret=SECRET, quiet=quiet)

    async def reported(self) -> str:
        told = Report(
            kind="closed-loop",
            title=PRIVATE[2],
            description=PRIVATE[3],
            reporter={"name": PRIVATE[0], "phone": PRIVATE[1]},
            unit=d.COMMUNITY,
        )
        return (await self.engine.report(told, d.caller(Role.INTEGRATOR))).case.id

    async def issued(self, *, times: int = 1, case: str = "", **members: object) -> str:
        """Issue so many notices of a case, a new one unless it is named; return the case."""
        case = case or await self.reported()
        noticed = (await self.engine.case(case)).noticed
        drafts = [
            Draft(notice(noticed + number, **members), self.engine.now())
            for number in range(1, times + 1)
        ]
        caller = d.caller(Role.TIMER)
        await self.engine.record(f.CASE, case, drafts, caller)
        self.follow()
        return case

    def follow(self, *, batch: int = 2000) -> None:
        """Carry the table to the end of the log."""
        runner = Runner(self.database, [DeliveryTable()], batch=batch)
        try:
            while runner.run_once():
                pass
        finally:
            runner.close()

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(**span)

    async def work(self) -> int:
        """Send until nothing may be sent any more; return how many were taken up."""
        taken = 0
        while step := await self.worker.step():
            taken += step
        return taken

    def records(self, case: str, *types: type[f.Fact]) -> list[Record]:
        with self.database.connection() as connection:
            found = read_stream(connection, case)
        return [one for one in found if isinstance(one.fact, types)]

    def outcomes(self, case: str) -> list[f.Fact]:
        """Return what became of a case's notices, as the log has it."""
        found = self.records(case, f.NoticeDelivered, f.NoticeUndeliverable)
        return [one.fact for one in found]

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the table, as far as the log makes it."""
        query = """
            SELECT case_id::text, notice, position, issued_at FROM delivery
            ORDER BY case_id, notice
        """
        with self.database.connection() as connection:
            return connection.execute(query).fetchall()

    def trying(self) -> list[tuple[Any, ...]]:
        """Return the table, as far as the workers make it: seconds until the next attempt."""
        query = """
            SELECT attempts, round(extract(epoch FROM next_at - %s))::int, last_error
            FROM delivery ORDER BY case_id, notice
        """
        with self.database.connection() as connection:
            return connection.execute(query, (self.clock.now,)).fetchall()

    def standing(self) -> Standing:
        with self.database.connection() as connection:
            return standing(connection)

    def verified(self) -> list[dict[str, Any]]:
        """Return what the receiver got, every message checked as the standard says."""
        now = self.clock.now.timestamp()
        for got in self.receiver.got:
            verify(SECRET, got.headers, got.body, now)
        return [got.event for got in self.receiver.got]


def notice(number: int, **members: object) -> f.NoticeIssued:
    """Return a notice of the handler's clock."""
    given: dict[str, Any] = {
        "clock": "total",
        "scope": "",
        "cycle": 1,
        "sequence": 1,
        "notice": number,
        "cause": "breach",
        "step": "overdue",
        "covers": ("total/threshold:80%", "total/breach"),
        "recipient": f.Recipient("handler", f.Unit(d.WATER, (d.COUNTY, d.WATER)), "post-1", "p-1"),
        "acknowledge": None,
        **members,
    }
    return f.NoticeIssued(**given)


def outcome(number: int, *, receipt: str = "http-200", attempts: int = 1) -> f.NoticeDelivered:
    """Return the fact that a notice was delivered."""
    return f.NoticeDelivered(
        clock="total",
        scope="",
        cycle=1,
        sequence=1,
        notice=number,
        channel="webhook",
        attempts=attempts,
        receipt=receipt,
    )


def undelivered(number: int, *, attempts: int, reason: str) -> f.NoticeUndeliverable:
    """Return the fact that a notice was given up."""
    return f.NoticeUndeliverable(
        clock="total",
        scope="",
        cycle=1,
        sequence=1,
        notice=number,
        channel="webhook",
        attempts=attempts,
        reason=reason,
    )


TOLD: Final = Actor(role=Role.SUPERVISOR, person="p-1")
"""Whom every notice made here is for."""


def run(database: Database, story: Callable[[Post], Awaitable[None]]) -> None:
    """Tell a story in a founded district with a receiver."""

    async def tell() -> None:
        clock = d.Hands()
        async with d.district_engine(database, clock=clock) as engine:
            with receiving() as receiver:
                post = Post(engine, clock, receiver)
                try:
                    await story(post)
                finally:
                    await post.worker.close()

    asyncio.run(tell())
