"""Publishing, activating and retiring what a district defines: registers and indicators.

What such a text means is the business of the rooms that read it; they check it before it comes
here. Here it becomes facts of a stream of its own, as kinds of case do.
"""

from collections.abc import Iterable

from msgspec import Struct

from domain import facts as f
from domain.definitions import Definition
from domain.errors import NotFound, Refusal
from domain.facts.shapes import Fact
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.administration import administrator
from workflows.engine import Caller, Engine
from workflows.kind_fit import VersionTaken
from workflows.reference import Reference


class DefinitionSource(Struct, frozen=True):
    """A checked text: `hash` is of its canonical data, so that comments do not matter."""

    sort: str
    name: str
    version: str
    hash: str
    text: str


async def publish_definition(
    engine: Engine, source: DefinitionSource, *, caller: Caller | None = None
) -> int:
    """发布定义: known from now on by its hash; returns the position, 0 if it was known already.

    Raises:
        VersionTaken: this version was published with other content.
    """
    if (source.sort, source.hash) in engine.reference.definitions.published:
        return 0
    published = f.DefinitionPublished(
        sort=source.sort,
        name=source.name,
        version=source.version,
        hash=source.hash,
        source=source.text,
    )
    what = f"definition-publish:{source.sort}:{source.hash}"
    who = caller or administrator(engine, what, source.hash, once=True)

    def drafts(reference: Reference) -> list[Draft]:
        _refuse_taken(reference, source)
        return [Draft(published, engine.now())]

    stream = _stream(engine, source.sort, source.name)
    return (await engine.record(f.DEFINITION, stream, drafts, who)).last


async def activate_definition(
    engine: Engine, sort: str, name: str, digest: str, *, caller: Caller | None = None
) -> int:
    """启用定义: returns the position, 0 if this version counts already.

    Raises:
        NotFound: this version was not published.
    """
    known = engine.reference.definitions.published.get((sort, digest))
    if known is None or known.name != name:
        raise NotFound(what=f"“{name[:64]}”的这个版本")
    if engine.reference.definitions.active.get((sort, name)) == digest:
        return 0
    fact = f.DefinitionActivated(sort=sort, name=name, hash=digest)
    return await _record(engine, fact, sort, name, caller, "activate")


async def retire_definition(
    engine: Engine, sort: str, name: str, *, caller: Caller | None = None
) -> int:
    """停用定义: returns the position, 0 if it was retired.

    Raises:
        NotFound: nothing of this name was ever in use.
    """
    definitions = engine.reference.definitions
    if (sort, name) in definitions.retired:
        return 0
    if (sort, name) not in definitions.active:
        raise NotFound(what=f"“{name[:64]}”")
    fact = f.DefinitionRetired(sort=sort, name=name)
    return await _record(engine, fact, sort, name, caller, "retire")


async def bring_definitions(
    engine: Engine, shipped: Iterable[DefinitionSource]
) -> tuple[list[Definition], list[str]]:
    """Publish what came with the program; activate what this district never had.

    An upgrade changes nothing that is in use: which version counts stays the district's choice;
    and one that published something else under the same version keeps its own. Returns those newly
    published, and what kept others out, in words. Several processes may do this at once.
    """
    brought: list[Definition] = []
    problems: list[str] = []
    if (await engine.refresh()).district is None:
        return brought, problems
    for source in shipped:
        try:
            brought += await _bring(engine, source)
        except Refusal as refusal:
            problems.append(f"{source.sort} {source.name}@{source.version}：{refusal}")
    return brought, problems


async def _bring(engine: Engine, source: DefinitionSource) -> list[Definition]:
    """Publish one, and activate it where nothing of its name ever was; return it if it is new."""
    position = await publish_definition(engine, source)
    definitions = (await engine.refresh()).definitions
    if not definitions.ever_used(source.sort, source.name):
        await activate_definition(engine, source.sort, source.name, source.hash)
        await engine.refresh()
    return [definitions.published[source.sort, source.hash]] if position else []


async def _record(
    engine: Engine, fact: Fact, sort: str, name: str, caller: Caller | None, what: str
) -> int:
    who = caller or administrator(engine, f"definition-{what}", sort, name)
    drafts = [Draft(fact, engine.now())]
    return (await engine.record(f.DEFINITION, _stream(engine, sort, name), drafts, who)).last


def _refuse_taken(reference: Reference, source: DefinitionSource) -> None:
    for one in reference.definitions.versions(source.sort, source.name):
        if one.version == source.version and one.hash != source.hash:
            raise VersionTaken(kind=source.name, version=source.version, pointer="/source")


def _stream(engine: Engine, sort: str, name: str) -> str:
    return stream_id(engine.district, f.DEFINITION, sort, name)
