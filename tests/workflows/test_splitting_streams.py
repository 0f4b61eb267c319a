"""拆分 through the real log: whoever reported several issues at once is answered exactly once."""

import asyncio
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from domain.actor import Role
from domain.case import Case
from domain.facts import PartEnded, SplitAnswered
from domain.world import Draft
from eventlog.appender import Answer
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_stream
from eventlog.vault import Vault
from eventlog.verify import verify
from tests.support import districts as d
from tests.workflows.test_engine_races import outcomes, run
from tests.workflows.test_merging_streams import act, closing, dispatcher, reported, texts
from workflows.engine import Engine
from workflows.loading import Held

CLOSE = act("close", grade="substantive", reply="已修好")
FORM: dict[str, Any] = {"titles": ["井盖", "路灯"], "units": [d.COMMUNITY, d.COMMUNITY]}


async def split(engine: Engine, parent: Case) -> list[str]:
    """Split a case into two, both of which are about to be closed."""
    done = await engine.act(parent.id, act("split", **FORM), dispatcher())
    parts = [one.id for one in done.case.split.parts]
    for part in parts:
        await closing(engine, part)
    return parts


def answers(database: Database, case: str) -> list[str]:
    """Return what the parts wrote in the stream of their parent, in order."""
    with database.connection() as connection:
        facts = [record.fact for record in read_stream(connection, case)]
    told = [one for one in facts if isinstance(one, PartEnded | SplitAnswered)]
    return [f"left {one.left}" if isinstance(one, PartEnded) else "answered" for one in told]


def test_the_last_part_answers_the_caller_in_the_same_transaction(district: Database) -> None:
    async def story(engine: Engine, other: Engine, _: d.Hands) -> None:
        parent, duplicate = await reported(engine, "9"), await reported(engine, "10")
        await engine.act(duplicate.id, act("merge", into=parent.id), dispatcher())
        first, second = await split(engine, parent)
        await engine.act(first, CLOSE, dispatcher())
        assert (await other.case(parent.id)).aftercare.answered_at is None
        done = await other.act(second, CLOSE, dispatcher())
        for waiting in (parent, duplicate):
            assert (await engine.case(waiting.id)).aftercare.answered_at is not None
            assert texts(engine, district, waiting.id)["reply"] == "已修好"
        with district.connection() as connection:
            last = read_stream(connection, parent.id)[-1]
        assert done.first <= last.position <= done.position
        rated = act("rate", satisfaction=5)
        await engine.act(parent.id, rated, d.caller(Role.INTEGRATOR))
        assert verify(district).problems == []

    run(district, story)


def test_two_parts_that_close_at_once_answer_the_caller_once(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(3):
            parent = await reported(one)
            first, second = await split(one, parent)
            done, refused = await outcomes(
                one.act(first, CLOSE, dispatcher()), other.act(second, CLOSE, dispatcher())
            )
            assert (len(done), refused) == (2, [])
            assert answers(district, parent.id) == ["left 1", "left 0", "answered"]

    run(district, story)


class Waiting(Engine):
    """An engine that has decided, and waits to be let on before it appends; then it is itself."""

    def __init__(self, database: Database, clock: d.Hands) -> None:
        vault = Vault(database, d.DISTRICT, LocalWrapper(bytes(range(32))))
        super().__init__(database, d.DISTRICT, vault, clock=clock)
        self.decided, self.go_on = asyncio.Event(), asyncio.Event()
        self.attempts = 0

    @override
    async def _append(
        self, drafts: Sequence[Draft], own: Any, caller: Any, others: Any
    ) -> tuple[Answer, list[Held]]:
        self.attempts += 1
        self.decided.set()
        await self.go_on.wait()
        return await super()._append(drafts, own, caller, others)


def test_who_decided_before_the_other_part_closed_decides_again(district: Database) -> None:
    async def story(one: Engine, _: Engine, clock: d.Hands) -> None:
        parent = await reported(one)
        first, second = await split(one, parent)
        slow = Waiting(Database(district.dsn, district.schema), clock)
        try:
            await slow.refresh()
            under_way = asyncio.create_task(slow.act(first, CLOSE, dispatcher()))
            await slow.decided.wait()
            await one.act(second, CLOSE, dispatcher())
            assert answers(district, parent.id) == ["left 1"], "the first is still open"
            slow.go_on.set()
            await under_way
            assert slow.attempts == 2, "its first decision knew of an open part"
            assert answers(district, parent.id) == ["left 1", "left 0", "answered"]
        finally:
            slow.close()
            slow.database.close()

    run(district, story)


def test_who_sees_only_one_part_answers_the_caller_all_the_same(district: Database) -> None:
    async def story(engine: Engine, _other: Engine, _clock: d.Hands) -> None:
        parent = await reported(engine)
        done = await engine.act(
            parent.id,
            act("split", titles=["井盖", "路灯"], units=[d.GRID, d.OTHER_COMMUNITY]),
            dispatcher(),
        )
        first, second = (one.id for one in done.case.split.parts)
        withdraw = act("withdraw", reason="误报")
        await engine.act(first, withdraw, d.caller(Role.INTEGRATOR))
        on_record = act("put_on_record", reason="已知悉")
        officer = d.caller(Role.COMMUNITY_OFFICER, d.OTHER_COMMUNITY)
        await engine.act(second, on_record, officer)
        assert answers(district, parent.id) == ["left 1", "left 0", "answered"]

    run(district, story)
