"""What a calendar's new version does to open clocks (clocks.md R13): shown before, done after.

Which clocks it can touch is asked of the table of open clocks: those last counted by an older
version whose due lies where the versions after it differ, and those that stand still. So a run
that was broken off is simply begun again, and finds only the rest.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.almanac import Almanac
from domain.case import Case
from domain.commands import Recount
from domain.decide import decide
from domain.errors import Refusal
from domain.world import World
from workflows.calendar_office import Planned
from workflows.engine import Caller, Engine
from workflows.loading import load_cases
from workflows.open_clocks import (
    BEGINNING,
    Older,
    followed,
    older_than_newest,
    open_clocks,
    page,
    pages,
    touched,
)
from workflows.reference import Reference

AT_ONCE: Final = 128
"""Cases recounted at the same time: loads and appends are grouped, so they share statements."""
COUNTER: Final = Actor(role=Role.ADMIN)
CLIENT: Final = "calendar"
REASON: Final = "calendar-changed"
_KEYS: Final = UUID("1f6f1f0e-58f5-4d4b-8d38-6f2f6a3a7c10")

Tell = Callable[[int, int], None]
"""Told how many cases are done, of how many."""


class Move(Struct, frozen=True, kw_only=True):
    """What becomes of one open clock."""

    case: str
    number: str
    clock: str
    scope: str
    before: datetime
    after: datetime
    provisional_before: bool
    provisional_after: bool
    compressed: bool


class Counts(Struct, kw_only=True):
    """A preview in numbers, of clocks."""

    open: int = 0
    earlier: int = 0
    later: int = 0
    confirmed: int = 0
    """No longer provisional, whether the due moves or not."""
    compressed: int = 0
    unchanged: int = 0
    failed: int = 0
    """Cases that cannot be counted by it."""

    def add(self, move: Move) -> None:
        """Count one clock that changes."""
        self.earlier += move.after < move.before
        self.later += move.after > move.before
        self.confirmed += move.provisional_before and not move.provisional_after
        self.compressed += move.compressed
        self.unchanged -= 1


class Failure(Struct, frozen=True):
    """A case that could not be counted, and why."""

    case: str
    problem: str


class Recounted(Struct, kw_only=True):
    """What a recount did, in cases."""

    examined: int = 0
    changed: int = 0
    failures: list[Failure] = []


class Preview:
    """Every open clock that a planned version moves, found while it is iterated; writes nothing.

    It blocks: cases are read in pages, folded, and asked what counting them again would record.
    """

    def __init__(self, engine: Engine, planned: Planned, tell: Tell | None = None) -> None:
        """Keep what to look at; `counts` and `failures` are complete after the last move."""
        self.counts = Counts()
        self.failures: list[Failure] = []
        self._engine = engine
        self._planned = planned
        self._tell = tell or _silent

    def __iter__(self) -> Iterator[Move]:
        """Yield the moves, case by case."""
        name = self._planned.name
        older = older_than_newest(_with(self._engine.reference, self._planned), name)
        database = self._engine.database
        self.counts.open = self.counts.unchanged = open_clocks(database, name)
        total, done = touched(database, older), 0
        for cases in pages(database, older):
            for held in load_cases(database, [case for case, _ in cases]):
                if held is not None:
                    yield from self._moves(held.case)
            done += len(cases)
            self._tell(done, total)

    def _moves(self, case: Case) -> Iterator[Move]:
        try:
            drafts = decide(Recount(), case, self._world(case))
        except Refusal as refusal:
            self.counts.failed += 1
            self.failures.append(Failure(case.number, str(refusal)))
            return
        clocks = {clock.instance: clock for clock in case.clocks}
        for fact in (draft.fact for draft in drafts):
            if isinstance(fact, f.ClockRescheduled) and fact.reason == REASON:
                clock = clocks[fact.clock, fact.scope, fact.cycle, fact.sequence]
                move = Move(
                    case=case.id,
                    number=case.number,
                    clock=fact.clock,
                    scope=fact.scope,
                    before=fact.previous_due,
                    after=fact.due,
                    provisional_before=clock.provisional,
                    provisional_after=fact.provisional,
                    compressed=fact.compressed,
                )
                self.counts.add(move)
                yield move

    def _world(self, case: Case) -> World:
        world = self._engine.world(case, COUNTER, client=CLIENT)
        calendars = {**world.calendars, self._planned.name: self._planned.almanac}
        return replace(world, calendars=calendars)


def _with(reference: Reference, planned: Planned) -> dict[tuple[str, str], Almanac]:
    return reference.almanacs | {(planned.name, planned.almanac.version): planned.almanac}


async def recount(
    engine: Engine,
    name: str,
    *,
    tell: Tell | None = None,
    follow: Callable[[], object] | None = None,
    at_once: int = AT_ONCE,
) -> Recounted:
    """Count all open clocks of a calendar by its newest version.

    `follow` carries the table of open clocks forward where nobody else does. Clocks that start
    meanwhile, in another process, may still be counted by the version before: so it goes on until
    a pass finds nothing that it has not tried.

    Raises:
        ClocksBehind: nothing carries the table of open clocks.
    """
    work = _Recount(engine, name, tell or _silent, asyncio.Semaphore(at_once))
    while True:
        older = older_than_newest((await engine.refresh()).almanacs, name)
        await asyncio.to_thread(followed, engine.database, follow)
        if not await work.run(older):
            return work.result


class _Recount:
    """A recount under way: what was tried, and what came of it."""

    def __init__(self, engine: Engine, name: str, tell: Tell, room: asyncio.Semaphore) -> None:
        self.result = Recounted()
        self._engine = engine
        self._name = name
        self._tell = tell
        self._room = room
        self._tried: set[str] = set()

    async def run(self, older: Older) -> int:
        """Count what was not tried yet; return how many cases that were."""
        database, before = self._engine.database, len(self._tried)
        total = before + await asyncio.to_thread(touched, database, older)
        after: UUID | None = BEGINNING
        async with asyncio.TaskGroup() as tasks:
            while after is not None:
                cases = await asyncio.to_thread(page, database, older, after)
                for case, instances in cases:
                    if case not in self._tried:
                        self._tried.add(case)
                        await self._room.acquire()
                        tasks.create_task(self._one(case, instances, total))
                after = UUID(cases[-1][0]) if cases else None
        return len(self._tried) - before

    async def _one(self, case: str, instances: Sequence[str], total: int) -> None:
        result, caller = self.result, _caller(self._engine, self._name, case, instances)
        try:
            outcome = await self._engine.recount(case, caller)
            result.changed += outcome.position > 0
        except Refusal as refusal:
            result.failures.append(Failure(case, str(refusal)))
        finally:
            self._room.release()
        result.examined += 1
        self._tell(result.examined, max(total, result.examined))


def _caller(engine: Engine, name: str, case: str, instances: Sequence[str]) -> Caller:
    """Return who counts: the same clocks under the same version are counted once."""
    version = engine.reference.calendars[name].version
    key = str(uuid5(_KEYS, "\0".join((case, name, version, *instances))))
    return Caller(actor=COUNTER, client=CLIENT, key=key, digest=sha256(key.encode()).digest())


def _silent(_: int, __: int) -> None:
    return None
