"""What an upgrade brings to districts that are there: kinds are published, none is activated."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from domain import facts as f
from domain.world import Draft
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from eventlog.vault import Vault
from tests.support import districts as d
from workflows.administration import administrator, publish_calendar
from workflows.calendars import shipped
from workflows.engine import Engine
from workflows.kind_office import publish_shipped
from workflows.language import SHIPPED, Source, published_kind

LANDED = Path(__file__).parents[1] / "golden" / "kinds" / "closed-loop@1.0.0.yaml"


@asynccontextmanager
async def engine_on(database: Database) -> AsyncGenerator[Engine]:
    vault = Vault(database, d.DISTRICT, LocalWrapper(bytes(range(32))))
    engine = Engine(database, d.DISTRICT, vault, clock=d.Hands())
    try:
        await engine.refresh()
        yield engine
    finally:
        engine.close()


async def founded_long_ago(engine: Engine) -> str:
    """Found a district as an older program did: one kind, in its first version."""
    for calendar, document in shipped().items():
        await publish_calendar(engine, calendar, document)
    kind = published_kind(LANDED.read_text("utf-8"))
    source = LANDED.read_text("utf-8")
    facts: list[tuple[str, str, f.Fact]] = [
        (
            f.KIND,
            kind.name,
            f.KindPublished(name=kind.name, version=kind.version, hash=kind.hash, source=source),
        ),
        (f.KIND, kind.name, f.KindActivated(name=kind.name, hash=kind.hash)),
        (
            f.DISTRICT,
            "",
            f.DistrictFounded(district=d.DISTRICT, code=d.DISTRICT, name="演示县", trial=True),
        ),
    ]
    for sort, name, fact in facts:
        stream = (
            stream_id(engine.district, sort, name) if name else stream_id(engine.district, sort)
        )
        await engine.record(
            sort, stream, [Draft(fact, engine.now())], administrator(engine, fact.TYPE)
        )
    return kind.hash


def test_an_upgrade_publishes_what_is_missing_once_and_activates_nothing(
    district: Database,
) -> None:
    async def story() -> None:
        async with engine_on(district) as one, engine_on(district) as other:
            assert await publish_shipped(one) == ([], []), "nobody founded it yet"
            old = await founded_long_ago(one)
            done = await asyncio.gather(publish_shipped(one), publish_shipped(other))
            assert [problems for _, problems in done] == [[], []]
            reference = await one.refresh()
            assert reference.active == {"closed-loop": old}
            assert {kind.name for kind in reference.kinds.values()} == set(SHIPPED)
            for name in SHIPPED:
                stream = stream_id(one.district, f.KIND, name)
                with one.database.connection() as connection:
                    told = [record.fact for record in read_stream(connection, stream)]
                hashes = [fact.hash for fact in told if isinstance(fact, f.KindPublished)]
                assert len(hashes) == len(set(hashes)), name
            again: tuple[list[Source], list[str]] = await publish_shipped(other)
            assert again == ([], [])

    asyncio.run(story())
