"""The life of a register in a district: published, taken into use, retired.

Taking into use: the version is folded beside the one that answers, then one fact turns everybody
to it, then what was before is dropped. Killed in between, it goes on where it stopped.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from api.services import DistrictServices
from domain.definitions import REGISTER, Definition, Definitions
from domain.errors import NotFound
from eventlog.written import Problem
from projections.readable import PROGRAMMED
from projections.registers.building import Progress, build, drop, go_live, sweep
from projections.registers.language import (
    BadRegister,
    Register,
    checked_register,
    published_register,
    shipped_registers,
)
from workflows.definitions import (
    DefinitionSource,
    activate_definition,
    bring_definitions,
    publish_definition,
    retire_definition,
)
from workflows.engine import Caller
from workflows.reference import Reference


class RegisterState(Struct, frozen=True, kw_only=True):
    """A version of a register, and whether it is kept."""

    name: str
    version: str
    title: str
    hash: str
    state: str
    """`active`, `published`, or `retired` with its whole register."""
    published_by: str
    position: int
    shipped: bool


def look_at(text: str, reference: Reference | None) -> Register:
    """Check a register that is to be published in a district, against its kinds of case.

    Raises:
        BadRegister: with every problem, each with its line.
    """
    kinds = None if reference is None else list(reference.kinds.values())
    found = checked_register(text, kinds)
    if found.name in PROGRAMMED:
        detail = f"“{found.name}”是程序自带的台账，不能另作定义；请另取一个名称"
        raise BadRegister([Problem("register", 1, detail)])
    return found


def versions(definitions: Definitions) -> list[RegisterState]:
    """Return every version of every register, by name, then as published."""
    ours = {one.hash for one in shipped_registers()}
    published = [one for one in definitions.published.values() if one.sort == REGISTER]
    return [
        _state(one, definitions, ours)
        for one in sorted(published, key=lambda one: (one.name, one.position))
    ]


def state_of(definitions: Definitions, name: str, digest: str) -> RegisterState:
    """Return how a version stands. Raises NotFound."""
    for one in versions(definitions):
        if (one.name, one.hash) == (name, digest):
            return one
    raise NotFound(what=f"台账“{name[:64]}”的这个版本")


def version_of(definitions: Definitions, name: str, version: str) -> Definition:
    """Return a published version of a register. Raises NotFound."""
    for one in definitions.versions(REGISTER, name):
        if one.version == version:
            return one
    known = "、".join(one.version for one in definitions.versions(REGISTER, name))
    what = f"台账“{name[:64]}”的 {version[:32]} 版（已发布：{known or '无'}）"
    raise NotFound(what=what)


async def publish(
    services: DistrictServices, register: Register, *, caller: Caller | None = None
) -> int:
    """发布台账: returns the position, 0 if it was known. Raises VersionTaken."""
    return await publish_definition(services.engine, definition_of(register), caller=caller)


async def activate(
    services: DistrictServices,
    known: Definition,
    *,
    caller: Caller | None = None,
    progress: Progress | None = None,
) -> int:
    """启用台账: folds it beside what answers, then turns to it; 0 if this version was in use.

    Raises:
        BadRegister: this program cannot keep the version.
        RebuildHalted: a fact cannot be taken in; what answered before still does.
    """
    engine = services.engine
    ledger = published_register(known.source).ledger
    definitions = (await engine.refresh()).definitions
    if definitions.active.get((REGISTER, known.name)) == known.hash:
        return 0
    await asyncio.to_thread(build, services.database, ledger, progress=progress)
    position = await activate_definition(engine, REGISTER, known.name, known.hash, caller=caller)
    await engine.refresh()
    await asyncio.to_thread(_turn_to, services, known)
    return position


async def retire(services: DistrictServices, name: str, *, caller: Caller | None = None) -> int:
    """停用台账: it is not kept any more; 0 if it was retired already.

    Raises:
        NotFound: nothing of this name was ever in use.
    """
    definitions = (await services.engine.refresh()).definitions
    before = definitions.active.get((REGISTER, name))
    position = await retire_definition(services.engine, REGISTER, name, caller=caller)
    await services.engine.refresh()
    if before is not None:
        known = definitions.published[REGISTER, before]
        await asyncio.to_thread(_turn_from, services, known)
    return position


def bring_registers(services: DistrictServices) -> tuple[list[Definition], list[str]]:
    """Publish the registers that came with an upgrade; take those into use that are new here.

    Returns those that are new, and what kept others out, in words. Which version of a register is
    in use stays the district's choice. In a thread and on a loop of its own, as one of several
    server processes opens its districts inside its loop.
    """
    with ThreadPoolExecutor(1) as hand:
        shipped = [definition_of(one) for one in shipped_registers()]
        bring = bring_definitions(services.engine, shipped)
        brought, problems = hand.submit(asyncio.run, bring).result()
    with services.database.connection() as connection:
        sweep(connection, services.ledgers.carried())
    return brought, problems


def definition_of(register: Register) -> DefinitionSource:
    """Return what the fact of its publication says."""
    return DefinitionSource(REGISTER, register.name, register.version, register.hash, register.text)


def _turn_to(services: DistrictServices, known: Definition) -> None:
    """Let this process answer from the new tables, then take away the old ones."""
    services.ledgers.carried()
    with services.database.connection() as connection:
        go_live(connection, published_register(known.source).ledger)


def _turn_from(services: DistrictServices, known: Definition) -> None:
    services.ledgers.carried()
    with services.database.connection() as connection:
        drop(connection, published_register(known.source).ledger)


def _state(one: Definition, definitions: Definitions, ours: set[str]) -> RegisterState:
    place = (REGISTER, one.name)
    state = "retired" if place in definitions.retired else "published"
    if definitions.active.get(place) == one.hash:
        state = "active"
    try:
        title = published_register(one.source).title
    except BadRegister:
        title = one.name
    return RegisterState(
        name=one.name,
        version=one.version,
        title=title,
        hash=one.hash,
        state=state,
        published_by=one.by,
        position=one.position,
        shipped=one.hash in ours,
    )
