"""The worker: claims notices that may be sent, sends them, records what became of them.

It lives on the engine's event loop; any number of them, in any processes, share the work. The fact
is the evidence and comes after the sending: who dies in between sends again, under the same id,
and the receiver tells the repetition (Standard Webhooks: at least once). A notice has one outcome:
its command id is derived from the notice alone, so the first one recorded stands.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct

from domain.actor import Actor, Role
from domain.commands import Delivery
from domain.recipients import barred
from eventlog.appender import LogClosed
from workflows.engine import Caller, Engine
from workflows.notices.channel import WEBHOOK, Target, load_target
from workflows.notices.claims import ATTEMPTS, SCHEDULE, Claimed, Claims
from workflows.notices.message import Channel, Failed, Taken, clock_of, compose, message_id
from workflows.steady import Claiming, Trouble

CLIENT: Final = "channel"
LIMIT: Final = 16
"""How many are sent at once."""
POLL_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0
NO_CHANNEL: Final = "no-channel"
MAY_NOT_SEE: Final = "may-not-see"
"""Of a notice whose recipient may not see the case any more (保密、回避)."""
UNKNOWN: Final = "broken-off"
"""Of a notice whose every attempt ended with the process that made it."""


class Tally(Struct):
    """What this worker has done."""

    delivered: int = 0
    failed: int = 0
    """Attempts that the channel did not take."""
    given_up: int = 0


class NoticeWorker(Claiming):
    """Sends the notices of one district."""

    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        *,
        trouble: Trouble | None = None,
        poll: float = POLL_SECONDS,
    ) -> None:
        """Connect when first run; `trouble` hears of errors, for the log."""
        self._claims = Claims(engine.database)
        super().__init__(f"notices-{engine.district}", self._claims, trouble, RETRY_SECONDS)
        self._engine = engine
        self._channel = channel
        self._poll = poll
        self._target: Target | None = None
        self._configured = 0
        """The position at which the channel was configured that `_target` says."""
        self.tally = Tally()

    async def look(self) -> float:
        """Send what may be sent; rest unless there may be more. Cut short, it is sent again."""
        return self._poll if await self.step() < LIMIT else 0.0

    async def close(self) -> None:
        """Give back the connections; the worker is of no more use."""
        await super().close()
        await self._channel.close()

    async def step(self) -> int:
        """Claim some notices and send them; return how many. Nothing in quiet hours.

        Raises:
            psycopg.Error: the database is away; what was claimed comes back by itself.
        """
        await self._engine.current()
        target = await self._channel_now()
        if target is None or target.rests(self._engine.now()):
            return 0
        claims, real = self._claims, self._engine.real()
        found = await self._at_hand(claims.claim, real, target.since, LIMIT)
        if found:
            await _together(self._send(target, one) for one in found)
            return len(found)
        stale = await self._at_hand(claims.claim_stale, real, target.since, LIMIT)
        await _together(self._give_up(one, NO_CHANNEL) for one in stale)
        return len(stale)

    async def _channel_now(self) -> Target | None:
        """Return the channel; its secret is opened once, until it is configured anew."""
        position = self._engine.reference.channel_position
        if position != self._configured:
            self._target = await asyncio.to_thread(load_target, self._engine)
            self._configured = position
        return self._target

    async def _send(self, target: Target, claimed: Claimed) -> None:
        if claimed.attempts > ATTEMPTS:
            await self._give_up(claimed, claimed.last_error or UNKNOWN, ATTEMPTS)
            return
        engine = self._engine
        case = await engine.case(claimed.case)
        if barred(case.privacy, claimed.fact.recipient):
            # Since it was issued the case became confidential, or they stay out of it.
            await self._give_up(claimed, MAY_NOT_SEE, claimed.attempts - 1)
            return
        message = compose(engine.district, case, claimed.fact, claimed.issued_at)
        match await self._channel.send(target, message, engine.real()):
            case Taken(receipt):
                await self._record(claimed, claimed.attempts, receipt=receipt)
                self.tally.delivered += 1
            case Failed(error, final):
                self.tally.failed += 1
                await self._failed(claimed, error, final=final)

    async def _failed(self, claimed: Claimed, error: str, *, final: bool) -> None:
        if final or claimed.attempts >= ATTEMPTS:
            await self._give_up(claimed, error)
        else:
            again = self._engine.real() + SCHEDULE[claimed.attempts - 1]
            await self._at_hand(self._claims.later, claimed, again, error)

    async def _give_up(self, claimed: Claimed, reason: str, attempts: int | None = None) -> None:
        tried = claimed.attempts if attempts is None else attempts
        await self._record(claimed, tried, reason=reason)
        self.tally.given_up += 1

    async def _record(
        self, claimed: Claimed, attempts: int, *, receipt: str | None = None, reason: str = ""
    ) -> None:
        """Record the outcome, then take the notice off the table."""
        fact = claimed.fact
        delivery = Delivery(
            clock=clock_of(fact),
            notice=fact.notice,
            channel=WEBHOOK,
            attempts=attempts,
            receipt=receipt,
            reason=reason,
        )
        caller = caller_for(self._engine.district, claimed.case, fact.notice)
        await self._engine.deliver(claimed.case, delivery, caller)
        await self._at_hand(self._claims.done, claimed)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; what fails harms no other, and comes back when its lease ends.

    Raises:
        LogClosed: the process is about to end; else the first of what went wrong.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    errors = [one for one in results if isinstance(one, BaseException)]
    if errors:
        raise next((one for one in errors if isinstance(one, LogClosed)), errors[0])


def caller_for(district: str, case: str, notice: int) -> Caller:
    """Return who records the outcome of a notice: always under the same key."""
    key = message_id(district, case, notice)
    digest = sha256(key.encode()).digest()
    return Caller(actor=Actor(role=Role.TIMER), client=CLIENT, key=key, digest=digest)
