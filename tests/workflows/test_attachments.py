"""Files and engines: a command holds what it refers to, and lets go of it whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.actor import Role
from domain.commands import Act, Report
from domain.errors import Busy, NotAllowed
from domain.evidence import AttachmentUnusable
from domain.facts import EvidenceAttached
from eventlog.attachments import HELD, KEPT
from eventlog.database import Database
from eventlog.reader import read_stream
from tests.support import districts as d
from tests.support import files
from tests.workflows.test_engine_races import run
from workflows.engine import Caller, Engine

CLIENT = "test"


def upload(engine: Engine) -> str:
    """Let a file have arrived; return its id."""
    arriving = engine.uploads.store.begin(CLIENT, engine.real())
    arriving.write(files.PNG)
    return arriving.finish("image/png", str(uuid4())).id


def note(*ids: str) -> Act:
    return Act(action="note", data={"note": "进展"}, attachments=ids)


def grid(key: str | None = None) -> Caller:
    return d.caller(Role.GRID_WORKER, d.GRID, key=key)


async def reported(engine: Engine, *ids: str, key: str | None = None) -> str:
    report = Report(kind="closed-loop", title="井盖破损", attachments=ids)
    return (await engine.report(report, grid(key))).case.id


def state(engine: Engine, file: str) -> str:
    found = engine.uploads.store.find([file])
    return found[file].state if file in found else "gone"


def attached(database: Database, case: str) -> list[str]:
    with database.connection() as connection:
        facts = [record.fact for record in read_stream(connection, case)]
    return [fact.attachment for fact in facts if isinstance(fact, EvidenceAttached)]


def test_of_two_processes_that_refer_to_one_file_one_wins(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(5):
            file = await asyncio.to_thread(upload, one)
            cases = [await reported(one), await reported(one)]
            done = await asyncio.gather(
                one.act(cases[0], note(file), grid()),
                other.act(cases[1], note(file), grid()),
                return_exceptions=True,
            )
            assert sum(isinstance(result, AttachmentUnusable) for result in done) == 1
            assert sum(len(attached(district, case)) for case in cases) == 1

    run(district, story)


def test_what_a_dead_process_held_is_free_again_after_a_while(district: Database) -> None:
    async def story(one: Engine, other: Engine, clock: d.Hands) -> None:
        file, case = await asyncio.to_thread(upload, one), await reported(one)
        claim = {file: "narrative"}
        assert one.uploads.store.claim(claim, str(uuid4()), "dead", clock())
        with pytest.raises(Busy):
            await other.act(case, note(file), grid())
        clock.now += HELD + timedelta(seconds=1)
        assert other.uploads.sweep().released == 1
        await other.act(case, note(file), grid())
        assert attached(district, case) == [file]

    run(district, story)


def test_a_command_that_stood_still_until_its_file_was_swept_is_refused(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(one: Engine, other: Engine, clock: d.Hands) -> None:
        file, case = await asyncio.to_thread(upload, one), await reported(one)
        appending: Callable[..., Awaitable[Any]] = one._append  # noqa: SLF001 - the step between

        async def late(*arguments: object) -> Any:  # noqa: ANN401 - handed on
            clock.now += KEPT + timedelta(minutes=1)
            assert other.uploads.sweep().deleted == 1
            return await appending(*arguments)

        monkeypatch.setattr(one, "_append", late)
        with pytest.raises(AttachmentUnusable):
            await one.act(case, note(file), grid())
        assert attached(district, case) == []

    run(district, story)


def test_a_command_that_failed_lets_go_of_its_file_at_once(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        file, case = await asyncio.to_thread(upload, one), await reported(one)

        async def failing(*_: object) -> None:
            assert state(one, file) == "claimed"
            raise NotAllowed(detail="此时")

        with monkeypatch.context() as patch:
            patch.setattr(one, "_append", failing)
            with pytest.raises(NotAllowed):
                await one.act(case, note(file), grid())
        assert state(one, file) == "waiting"
        await other.act(case, note(file), grid())
        assert state(one, file) == "attached"

    run(district, story)


def test_twins_of_a_report_in_two_processes_are_one_case_with_its_file(
    district: Database,
) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(5):
            file, key = await asyncio.to_thread(upload, one), str(uuid4())[:30]
            cases = await asyncio.gather(
                reported(one, file, key=key), reported(other, file, key=key)
            )
            assert len(set(cases)) == 1
            assert attached(district, cases[0]) == [file]

    run(district, story)
