"""Migrating open cases to a new version of their kind: shown before, approved by another, done.

Which cases it concerns is asked of the log itself: those that at some time followed the version
they leave. One that has passed over already is skipped, so a run that was broken off is simply
begun again and finds only the rest. Cases that have ended keep the version they ended under.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.case import Case
from domain.commands import Migrate
from domain.decide import decide
from domain.errors import Collision, NotAllowed, NotFound, Refusal, SamePerson
from domain.kind import Kind, Migration
from domain.world import Draft
from eventlog.database import Database
from eventlog.streams import stream_id
from workflows.engine import Caller, Engine
from workflows.loading import load_cases
from workflows.outages import asker
from workflows.reference import Reference

AT_ONCE: Final = 64
"""Cases that pass at the same time: loads and appends are grouped, so they share statements."""
PAGE: Final = 256
MIGRATOR: Final = Actor(role=Role.ADMIN)
CLIENT: Final = "migration"
_KEYS: Final = UUID("52c0b0a4-6e0f-4a39-9b55-6d0f2f6d7c11")
# The record that began a case, or moved it, names the version that it followed from then on.
CASES: Final = """
    SELECT DISTINCT stream_id FROM event
    WHERE stream_type = 'case' AND (stream_version = 1 OR type = 'case-migrated')
      AND position(%s::bytea IN body) > 0
    ORDER BY stream_id
"""

Tell = Callable[[int, int], object]
"""Told how many cases are done, of how many."""


class MigrationNotApproved(NotAllowed):
    """{kind} 从 {old} 到 {new} 的迁移还没有人批准。请先预览，再由新版发布人以外的管理员批准。"""

    code = "migration-not-approved"


class PlannedMigration(Struct, frozen=True):
    """From which version to which, and by which rule."""

    old: Kind
    new: Kind
    rule: Migration

    @property
    def pair(self) -> tuple[str, str, str]:
        """By what an approval is known."""
        return (self.old.hash, self.new.hash, self.rule.digest)

    @property
    def command(self) -> Migrate:
        """What is asked of every case."""
        return Migrate(since=self.old.hash, to=self.new.hash, plan=self.rule.digest)


class Passage(Struct, frozen=True, kw_only=True):
    """What becomes of one open case; `why` is empty if it passes."""

    case: str
    number: str
    stage: str
    target: str
    clocks: tuple[f.ClockPassage, ...] = ()
    why: str = ""
    detail: str = ""


class PassageCounts(Struct, kw_only=True):
    """A preview in numbers."""

    open: int = 0
    passing: int = 0
    refused: int = 0
    stages: dict[str, dict[str, int]] = {}
    """By the old stage: how many come to which new one."""
    clocks: dict[str, dict[str, int]] = {}
    """By clock: how many are kept, restarted, cancelled, started."""
    reasons: dict[str, int] = {}
    """Of the refused ones."""

    def add(self, passage: Passage) -> None:
        """Count one case."""
        self.open += 1
        if passage.why:
            self.refused += 1
            self.reasons[passage.why] = self.reasons.get(passage.why, 0) + 1
            return
        self.passing += 1
        stages = self.stages.setdefault(passage.stage, {})
        stages[passage.target] = stages.get(passage.target, 0) + 1
        for one in passage.clocks:
            changes = self.clocks.setdefault(one.clock, {})
            changes[one.change] = changes.get(one.change, 0) + 1


class CaseFailure(Struct, frozen=True):
    """A case that could not pass, and why."""

    case: str
    problem: str


class Migrated(Struct, kw_only=True):
    """What a migration did, in cases."""

    examined: int = 0
    migrated: int = 0
    failures: list[CaseFailure] = []


def plan(
    reference: Reference, name: str, since: str, to: str, *, draft: Kind | None = None
) -> PlannedMigration:
    """Find the two versions and the rule between them; `draft` stands for one not yet published.

    Raises:
        NotFound: no such version was published.
        Collision: the new version does not say how cases of the old one pass to it.
    """
    old = version(reference, name, since)
    new = draft or version(reference, name, to)
    rule = new.migration_from(old.version)
    if old.hash == new.hash:
        raise Collision(detail="两个版本相同，没有可迁移的；请核对版本号")
    if rule is None:
        detail = (
            f"{name}@{new.version} 没有写明怎样从 {old.version} 迁移；"
            f"请在新版文件中加上 migration，换一个版本号后发布"
        )
        raise Collision(detail=detail)
    return PlannedMigration(old, new, rule)


def version(reference: Reference, name: str, wanted: str) -> Kind:
    """Return a published version of a kind, the latest that bears this number.

    Raises:
        NotFound.
    """
    known = [one for one in reference.kinds.values() if (one.name, one.version) == (name, wanted)]
    if not known:
        raise NotFound(what=f"已发布的 {name}@{wanted}")
    return known[-1]


class MigrationPreview:
    """Every open case that a migration concerns, found while it is iterated; writes nothing.

    It blocks: cases are read in pages, folded, and asked what passing over would record.
    """

    def __init__(self, engine: Engine, planned: PlannedMigration, tell: Tell | None = None) -> None:
        """Keep what to look at; `counts` are complete after the last case."""
        self.counts = PassageCounts()
        self._engine = engine
        self._planned = planned
        self._tell = tell or _silent

    def __iter__(self) -> Iterator[Passage]:
        """Yield what becomes of each case."""
        database, old = self._engine.database, self._planned.old
        streams = concerned(database, old.hash)
        done = 0
        for page in _pages(streams):
            for held in load_cases(database, page):
                if held is not None and open_under(held.case, old):
                    passage = self._passage(held.case)
                    self.counts.add(passage)
                    yield passage
            done += len(page)
            self._tell(done, len(streams))

    def _passage(self, case: Case) -> Passage:
        new = self._planned.new
        stage = self._planned.rule.stages.get(case.stage, case.stage)
        world = self._engine.world(case, MIGRATOR, client=CLIENT)
        world = replace(world, kinds={**world.kinds, new.hash: new})
        seen = Passage(case=case.id, number=case.number, stage=case.stage, target=stage)
        try:
            drafts = decide(self._planned.command, case, world)
        except Refusal as refusal:
            why = str(refusal.details.get("why", refusal.code))
            return replace(seen, why=why, detail=str(refusal))
        return next(
            replace(seen, target=fact.stage.target, clocks=fact.clocks)
            for fact in (draft.fact for draft in drafts)
            if isinstance(fact, f.CaseMigrated)
        )


def concerned(database: Database, digest: str) -> list[str]:
    """Return the cases that at some time followed a version; blocks."""
    with database.connection() as connection:
        rows = connection.execute(CASES, (f'"kind":"{digest}"'.encode(),)).fetchall()
    return [str(row[0]) for row in rows]


def open_under(case: Case, kind: Kind) -> bool:
    """Whether a case follows this version, and has not ended."""
    return case.kind_hash == kind.hash and not kind.stages[case.stage].ending


async def approve_migration(
    engine: Engine, planned: PlannedMigration, counts: PassageCounts, caller: Caller
) -> int:
    """批准迁移: by somebody else than who published the new version; returns the position.

    Raises:
        SamePerson: whoever published it wrote its rule.
        Collision: it was approved before.
    """

    def drafts(reference: Reference) -> list[Draft]:
        if planned.pair in reference.migrations:
            raise Collision(detail="这个迁移已经批准，不需要再次批准；可以开始迁移")
        if reference.publications[planned.new.hash].by == asker(caller):
            raise SamePerson(action="批准迁移")
        fact = f.KindMigrationApproved(
            name=planned.new.name,
            from_hash=planned.old.hash,
            to_hash=planned.new.hash,
            plan=planned.rule.digest,
            cases=counts.passing,
            refused=counts.refused,
            by=asker(caller),
        )
        return [Draft(fact, engine.now())]

    stream = stream_id(engine.district, f.KIND, planned.new.name)
    return (await engine.record(f.KIND, stream, drafts, caller)).last


async def migrate(
    engine: Engine, planned: PlannedMigration, *, tell: Tell | None = None, at_once: int = AT_ONCE
) -> Migrated:
    """Let every open case of the old version pass over; what is refused stays, and is listed.

    Cases that come meanwhile, in another process, may still follow the old version: so it goes
    on until a pass finds nothing that it has not tried.

    Raises:
        MigrationNotApproved.
    """
    reference = await engine.refresh()
    if planned.pair not in reference.migrations:
        raise MigrationNotApproved(
            kind=planned.new.name, old=planned.old.version, new=planned.new.version
        )
    work = _Migration(engine, planned, tell or _silent, asyncio.Semaphore(at_once))
    while await work.run():
        pass
    return work.result


class _Migration:
    """A migration under way: what was tried, and what came of it."""

    def __init__(
        self, engine: Engine, planned: PlannedMigration, tell: Tell, room: asyncio.Semaphore
    ) -> None:
        self.result = Migrated(failures=[])
        self._engine = engine
        self._planned = planned
        self._tell = tell
        self._room = room
        self._tried: set[str] = set()

    async def run(self) -> int:
        """Try what was not tried yet; return how many cases that were."""
        database, old = self._engine.database, self._planned.old
        streams = await asyncio.to_thread(concerned, database, old.hash)
        rest = [stream for stream in streams if stream not in self._tried]
        for page in _pages(rest):
            self._tried.update(page)
            held = await asyncio.to_thread(load_cases, database, page)
            cases = [one.case for one in held if one is not None and open_under(one.case, old)]
            await self._pass(cases)
            self._tell(len(self._tried), len(streams))
        return len(rest)

    async def _pass(self, cases: Sequence[Case]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for case in cases:
                await self._room.acquire()
                tasks.create_task(self._one(case))

    async def _one(self, case: Case) -> None:
        result = self.result
        try:
            caller = _caller(self._planned, case)
            outcome = await self._engine.migrate(case.id, self._planned.command, caller)
            result.migrated += outcome.position > 0
        except Refusal as refusal:
            result.failures.append(CaseFailure(case.id, str(refusal)))
        finally:
            self._room.release()
        result.examined += 1


def _caller(planned: PlannedMigration, case: Case) -> Caller:
    """Return who asks: the same case, as it was seen, passes once."""
    key = str(uuid5(_KEYS, "\0".join((case.id, str(case.version), *planned.pair))))
    return Caller(actor=MIGRATOR, client=CLIENT, key=key, digest=sha256(key.encode()).digest())


def _pages(streams: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(streams), PAGE):
        yield streams[start : start + PAGE]


def _silent(_: int, __: int) -> None:
    return None
