"""Plays invented lives of cases through the real engine, on a clock that runs as fast as it can.

A life is a generator: it says after how long who does what, and is told what became of it. What
time brings is settled as the timer worker does it, at its own time. The same seed plays the same.
"""

import asyncio
import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

from domain.actor import Actor, Role
from domain.case import Case
from domain.commands import Act, Report
from domain.errors import Refusal
from workflows.engine import Caller, Engine

CLIENT: Final = "demo"
TIMER: Final = Actor(role=Role.TIMER)
SLOT: Final = timedelta(minutes=20)
"""What falls into the same few minutes is done together, and shares transactions."""
_KEYS: Final = UUID("5a0b6f0e-7b1e-5d7a-9a53-0d5c7e1b9a42")


class Do(Struct, frozen=True):
    """The next step of a life: at this moment this person does this, to the life's own case."""

    at: datetime
    actor: Actor
    command: Report | Act
    case: str = ""
    """Another case than the life's own."""
    may_fail: bool = False
    """Whether the life expects that it may be refused."""


class Done(Struct, frozen=True):
    """What became of a step."""

    case: Case
    refusal: Refusal | None = None


Life = Generator[Do, Done, None]
Steps = Generator[Do, Done, datetime]
"""A part of a life, which ends at a moment."""
Tries = Generator[Do, Done, datetime | None]
"""The same, or in vain."""
Tell = Callable[[float], None]


class Clock:
    """The time of whoever plays; moves only forward."""

    def __init__(self, now: datetime) -> None:
        """Begin at a moment."""
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


class Player:
    """Plays lives in one district until a moment; what lies after it stays open."""

    def __init__(self, engine: Engine, clock: Clock, until: datetime) -> None:
        """Nothing is played before `play`; the engine must go by this clock."""
        self._engine = engine
        self._clock = clock
        self._began = clock.now
        self._until = until
        self._coming: list[tuple[datetime, int, _Turn]] = []
        self._count = 0
        self._settled: set[tuple[str, datetime]] = set()
        self.refused: list[str] = []
        """What was refused, of steps that no life had expected to be."""

    async def play(self, lives: Iterable[Life], tell: Tell) -> int:
        """Play all lives to the end; tell how far it is; return how many steps were taken."""
        for number, life in enumerate(lives):
            self._next(_Played(life, str(number)), None)
        steps = 0
        while self._coming:
            at = self._coming[0][0]
            turns: list[tuple[datetime, _Turn]] = []
            while self._coming and self._coming[0][0] < at + SLOT:
                when, _, turn = heapq.heappop(self._coming)
                turns.append((when, turn))
            self._clock.now = max(self._clock.now, turns[-1][0])
            await asyncio.gather(*(self._together(one) for one in _by_case(turns)))
            steps += len(turns)
            tell((self._clock.now - self._began) / (self._until - self._began))
        return steps

    async def _together(self, turns: list[tuple[datetime, "_Turn"]]) -> None:
        """Take the turns of one case, one after the other."""
        for at, turn in turns:
            if isinstance(turn, _Settling):
                await self._settle(turn.case, at)
            else:
                await self._step(turn)

    async def _step(self, played: "_Played") -> None:
        do = played.do
        if do is None:
            return
        played.steps += 1
        caller = _caller(do.actor, f"{played.name}:{played.steps}")
        refusal = None
        try:
            if isinstance(do.command, Report):
                outcome = await self._engine.report(do.command, caller)
                played.case = outcome.case.id
            else:
                outcome = await self._engine.act(do.case or played.case, do.command, caller)
            case = outcome.case
        except Refusal as error:
            refusal = error
            if not do.may_fail:
                self.refused.append(_told(do.command, error))
            if not played.case:
                return
            case = await self._engine.case(played.case)
        self._watch(case)
        self._next(played, Done(case, refusal))

    def _next(self, played: "_Played", done: Done | None) -> None:
        """Ask a life for its next step."""
        try:
            do = next(played.life) if done is None else played.life.send(done)
        except StopIteration:
            return
        if do.at < self._until:
            played.do = do
            self._push(do.at, played)

    async def _settle(self, case: str, at: datetime) -> None:
        outcome = await self._engine.settle(case, _caller(TIMER, f"{case}:{at.isoformat()}"))
        self._watch(outcome.case)

    def _watch(self, case: Case) -> None:
        """Come back when time brings something to the case."""
        points = [point for clock in case.open_clocks for point in clock.plan[:1]]
        points += [told.point for told in case.told if told.point is not None]
        for point in points:
            moment = (case.id, point.at)
            if point.at < self._until and moment not in self._settled:
                self._settled.add(moment)
                self._push(max(point.at, self._clock.now), _Settling(case.id))

    def _push(self, at: datetime, turn: "_Turn") -> None:
        self._count += 1
        heapq.heappush(self._coming, (at, self._count, turn))


class _Settling(Struct):
    """A moment at which time brings something to a case."""

    case: str


class _Played(Struct):
    """A life under way: its case and its next step."""

    life: Life
    name: str
    case: str = ""
    do: Do | None = None
    steps: int = 0


_Turn = _Settling | _Played


def _by_case(turns: list[tuple[datetime, _Turn]]) -> list[list[tuple[datetime, _Turn]]]:
    """Part turns by the case they are about; those of one case keep their order."""
    parted: dict[str, list[tuple[datetime, _Turn]]] = {}
    for at, turn in turns:
        parted.setdefault(turn.case or f"life:{id(turn)}", []).append((at, turn))
    return list(parted.values())


def _told(command: Report | Act, refusal: Refusal) -> str:
    name = command.kind if isinstance(command, Report) else command.action
    return f"{name}: {refusal.code}: {refusal}"


def _caller(actor: Actor, name: str) -> Caller:
    key = str(uuid5(_KEYS, name))
    return Caller(actor=actor, client=CLIENT, key=key, digest=sha256(key.encode()).digest())
