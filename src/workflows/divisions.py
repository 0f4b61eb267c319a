"""Re-division (区划调整) carried out: the decree and its units in one append, then every open case.

Cases are asked one after the other what the directory makes of them; what follows already has
nothing left to record. So a run that was broken off is simply begun again, and finds the rest.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.case import Case
from domain.directory import Directory, fold_directory
from domain.divisions import check_division, facts_of, reallot
from domain.errors import Collision, Refusal
from domain.world import Draft
from eventlog.database import Database
from eventlog.streams import stream_id
from workflows.administration import administrator
from workflows.calendar_office import today_of
from workflows.engine import Caller, Drafting, Engine
from workflows.loading import load_cases
from workflows.reference import Reference

PAGE: Final = 256
AT_ONCE: Final = 128
"""Cases re-allotted at the same time: loads and appends are grouped, so they share statements."""
CLERK: Final = Actor(role=Role.ADMIN)
CLIENT: Final = "division"
BEGINNING: Final = UUID(int=0)
_KEYS: Final = UUID("0d9b36c2-6b0a-4b0e-9c53-8b7a5a1d2e41")

# Every case by its first fact, a page at a time; whether it is open only its fold can say.
CASES: Final = """
    SELECT stream_id FROM event
    WHERE stream_version = 1 AND stream_type = 'case' AND stream_id > %s
    ORDER BY stream_id LIMIT %s
"""
Tell = Callable[[int], None]
"""Told how many cases were looked at."""


class Passage(Struct, frozen=True, kw_only=True):
    """What becomes of one open case; units by id."""

    case: str
    number: str
    before: str | None
    after: str | None
    to_allot: bool


class Failure(Struct, frozen=True):
    """A case that could not be re-allotted, and why."""

    case: str
    problem: str


class Redivided(Struct, kw_only=True):
    """What a re-division did, in cases."""

    examined: int = 0
    changed: int = 0
    to_allot: int = 0
    failures: list[Failure] = []


def planned(decree: f.DivisionDecreed, reference: Reference) -> Reference:
    """Return the reference data as it will be once the decree is carried out; writes nothing.

    Raises:
        BadDivision: it would leave anything but one tree with every building in a grid.
        Collision: another decree has this code.
    """
    known = reference.directory.divisions.get(decree.division)
    if known is not None and known != decree:
        raise Collision(detail=f"区划调整“{decree.division}”已登记，内容不同；请另取编号")
    if known is not None and not facts_of(decree, reference.directory):
        return reference  # carried out before
    check_division(decree, reference.directory)
    facts = [decree, *facts_of(decree, reference.directory)]
    return replace(reference, directory=fold_directory(reference.directory, facts))


def preview(
    engine: Engine, decree: f.DivisionDecreed, tell: Tell | None = None
) -> Iterator[Passage]:
    """Yield what becomes of every open case that it concerns; writes nothing, and blocks.

    Raises:
        BadDivision, Collision: see `planned`.
    """
    directory = planned(decree, engine.reference).directory
    for cases in _pages(engine.database):
        for case in cases:
            world = replace(engine.world(case, CLERK, client=CLIENT), directory=directory)
            for draft in reallot(case, decree.division, world):
                if isinstance(draft.fact, f.CaseReallotted):
                    yield _passage(case, draft.fact)
        if tell:
            tell(len(cases))


def _passage(case: Case, fact: f.CaseReallotted) -> Passage:
    return Passage(
        case=case.id,
        number=case.number,
        before=case.holder.id if case.holder else None,
        after=fact.holder.id if fact.holder else None,
        to_allot=fact.to_allot,
    )


def _pages(database: Database) -> Iterator[list[Case]]:
    after = BEGINNING
    while streams := _streams(database, after):
        held = load_cases(database, streams)
        yield [one.case for one in held if one is not None]
        after = UUID(streams[-1])


def _streams(database: Database, after: UUID) -> list[str]:
    with database.connection() as connection:
        return [str(row[0]) for row in connection.execute(CASES, (after, PAGE)).fetchall()]


async def decree(
    engine: Engine, wanted: f.DivisionDecreed, *, caller: Caller | None = None, once: bool = False
) -> bool:
    """登记区划调整; from its day on also its units. Returns whether they stand by now.

    `once`: under a key that is the same in every process, for what happens by itself.

    Raises:
        BadDivision, Collision: see `planned`; then nothing is written.
    """
    today = today_of(engine)
    facts = _facts(wanted, await engine.refresh(), today)
    if facts:

        def drafts(reference: Reference) -> list[Draft]:
            found = [Draft(fact, engine.now()) for fact in _facts(wanted, reference, today)]
            if not found:
                raise _Known
            return found

        who = caller or administrator(engine, "division", wanted.division)
        await _record(engine, drafts, clerk("units", wanted.division) if once else who)
    return wanted.on <= today


class _Known(Exception):
    """Somebody else has just recorded it."""


async def _record(engine: Engine, drafts: Drafting, caller: Caller) -> None:
    """Record what is still missing in the directory's stream, whoever else does so."""
    with suppress(_Known):
        await engine.record(f.DIRECTORY, stream_id(engine.district, f.DIRECTORY), drafts, caller)


def _facts(wanted: f.DivisionDecreed, reference: Reference, today: date) -> list[f.Fact]:
    """Return what is not recorded yet: the decree, and on its day the units."""
    planned(wanted, reference)
    known = wanted.division in reference.directory.divisions
    facts: list[f.Fact] = [] if known else [wanted]
    return facts + (facts_of(wanted, reference.directory) if wanted.on <= today else [])


def pending(directory: Directory, today: date) -> list[f.DivisionDecreed]:
    """Return the decrees whose day has come and that were not carried out to the end."""
    found = [
        one
        for one in directory.divisions.values()
        if one.on <= today and one.division not in directory.carried_out
    ]
    return sorted(found, key=lambda one: one.on)


async def carried_out(engine: Engine, division: str, result: Redivided) -> None:
    """执行完毕: every open case was asked; nobody has to ask them again."""
    fact = f.DivisionCarriedOut(division=division, cases=result.changed, to_allot=result.to_allot)

    def drafts(reference: Reference) -> list[Draft]:
        if division in reference.directory.carried_out:
            raise _Known
        return [Draft(fact, engine.now())]

    await _record(engine, drafts, clerk("carried-out", division))


async def carry_out(engine: Engine, division: str, tell: Tell | None = None) -> Redivided:
    """划归: let every open case follow its units, and say in the log that all of them did.

    Raises:
        What is no refusal ends it; what was re-allotted by then stays.
    """
    result = await reallot_all(engine, division, tell)
    if not result.failures:
        await carried_out(engine, division, result)
    return result


async def reallot_all(
    engine: Engine,
    division: str,
    tell: Tell | None = None,
    *,
    at_once: int = AT_ONCE,
    result: Redivided | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Redivided:
    """Ask every open case; batched, and begun again where it was broken off, or `stopped`.

    Counts in `result`, where it is given, as it goes.

    Raises:
        What is no refusal ends it; what was re-allotted by then stays.
    """
    await engine.refresh()
    counts, after = result or Redivided(), BEGINNING
    room = asyncio.Semaphore(at_once)
    while streams := await asyncio.to_thread(_streams, engine.database, after):
        if stopped():
            break
        async with asyncio.TaskGroup() as tasks:
            for case in streams:
                await room.acquire()
                tasks.create_task(_one(engine, case, division, counts, room))
        after = UUID(streams[-1])
        if tell:
            tell(len(streams))
    return counts


async def _one(
    engine: Engine, case: str, division: str, result: Redivided, room: asyncio.Semaphore
) -> None:
    try:
        # By the newest directory, in every attempt: the key says which.
        caller = clerk(case, division, str(engine.reference.position))
        outcome = await engine.reallot(case, division, caller)
        result.changed += outcome.position > 0
        result.to_allot += outcome.position > 0 and outcome.case.filing.to_allot
    except Refusal as refusal:
        result.failures.append(Failure(case, str(refusal)))
    finally:
        room.release()
        result.examined += 1


def clerk(*parts: str) -> Caller:
    """Return who carries a re-division out: what has the same key happens once, whoever does it."""
    key = str(uuid5(_KEYS, "\0".join(parts)))
    return Caller(actor=CLERK, client=CLIENT, key=key, digest=sha256(key.encode()).digest())
