"""Notices under faults: workers racing or killed, clocks and databases failing, tables rebuilt."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from api.webhook_channel import WebhookChannel
from domain import facts as f
from domain.actor import Role
from domain.world import Draft
from eventlog.database import Database
from eventlog.runner import lag
from tests.support import districts as d
from tests.support.couriers import (
    Post,
    outcome,
    run,
    undelivered,
)
from tests.support.receiver import Reply
from tests.support.timed import engine_on
from workflows.notices.claims import ATTEMPTS, Claims
from workflows.notices.table import rebuild
from workflows.notices.worker import NoticeWorker, caller_for


def test_two_workers_racing_send_each_notice_once(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        cases = [await post.issued(times=3) for _ in range(20)]
        dsn, schema = post.database.dsn, post.database.schema
        async with engine_on(dsn, schema, post.clock) as other:
            rival = NoticeWorker(other, WebhookChannel(timeout=10))
            mine = NoticeWorker(post.engine, WebhookChannel(timeout=10))
            taken = [0, 0]
            while sum(taken) < 60:
                steps = await asyncio.gather(mine.step(), rival.step())
                assert any(steps)
                taken = [before + step for before, step in zip(taken, steps, strict=True)]
            await mine.close()
            await rival.close()
        assert all(taken)
        assert len({got.id for got in post.receiver.got}) == len(post.receiver.got) == 60
        for case in cases:
            facts = post.outcomes(case)
            assert sorted(facts, key=str) == [outcome(number) for number in (1, 2, 3)]

    run(district, story)


DIES: Final = """
import asyncio, os, signal, sys
from datetime import datetime
from api.webhook_channel import WebhookChannel
from tests.support.timed import engine_on
from workflows.notices.worker import NoticeWorker

class Dies(WebhookChannel):
    async def send(self, target, message, at):
        answer = await super().send(target, message, at)
        print(answer, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    dsn, schema, now = sys.argv[1:]
    async with engine_on(dsn, schema, lambda: datetime.fromisoformat(now)) as engine:
        await NoticeWorker(engine, Dies()).step()

asyncio.run(main())
"""


def test_killed_between_sending_and_recording_it_sends_again_under_the_same_id(
    district: Database,
) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        case = await post.issued()
        died = await asyncio.to_thread(_die, post)
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert died.stdout == "Taken(receipt='http-200')\n"
        assert post.outcomes(case) == []
        post.later(seconds=59)
        assert await post.work() == 0, "its lease has not ended"
        post.later(seconds=1)
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1, attempts=2)]
        first, second = post.receiver.got
        assert first.id == second.id
        assert first.body == second.body

    run(district, story)


def _die(post: Post) -> "subprocess.CompletedProcess[str]":
    root = Path(__file__).parents[2]
    arguments = (post.database.dsn, post.database.schema, post.clock.now.isoformat())
    return subprocess.run(
        [sys.executable, "-c", DIES, *arguments],
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_who_dies_at_every_attempt_does_not_send_for_ever(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        case = await post.issued()
        claims = Claims(post.database)
        for _ in range(ATTEMPTS):
            assert len(claims.claim(post.clock.now, d.START - timedelta(days=1), 10)) == 1
            post.later(seconds=60)
        claims.close()
        assert await post.work() == 1
        assert post.receiver.got == []
        assert post.outcomes(case) == [undelivered(1, attempts=10, reason="broken-off")]

    run(district, story)


def test_a_fact_that_was_recorded_already_stays_the_only_one(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        case = await post.issued()
        await post.work()
        # As if the row had come back: by a crash before it was deleted, by an older copy.
        with post.database.connection() as connection:
            connection.execute("DELETE FROM checkpoint WHERE name = 'notices@1'")
            (record,) = post.records(case, f.NoticeIssued)
            connection.execute(
                "INSERT INTO delivery (case_id, notice, position, issued_at, attempts)"
                " VALUES (%s, 1, %s, now(), 9)",
                (case, record.position),
            )
        post.receiver.replies = [Reply(500)]
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1)]
        assert post.rows() == []

    run(district, story)


def test_a_clock_set_back_holds_up_nothing_for_longer_than_a_day(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(500), Reply()]
        case = await post.issued()
        post.later(days=3)
        await post.work()
        post.later(days=-2)
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1, attempts=2)]

    run(district, story)


@pytest.mark.parametrize("batch", [1, 2, 5, 2000])
def test_the_table_holds_the_notices_without_an_outcome(district: Database, batch: int) -> None:
    async def story(post: Post) -> None:
        cases = [await post.issued(times=3) for _ in range(4)]
        await post.engine.record(
            f.CASE,
            cases[0],
            [_draft(outcome(2)), _draft(undelivered(3, attempts=1, reason="x"))],
            d.caller(Role.TIMER),
        )
        acknowledged = f.NoticeAcknowledged(
            clock="total", scope="", cycle=1, sequence=1, notice=1, by="k"
        )
        await post.engine.record(f.CASE, cases[1], [_draft(acknowledged)], d.caller(Role.TIMER))
        with post.database.connection() as connection:
            connection.execute("DELETE FROM checkpoint WHERE name = 'notices@1'")
            connection.execute("DELETE FROM delivery")
        post.follow(batch=batch)
        gone = {(cases[0], 2), (cases[0], 3), (cases[1], 1)}
        wanted = [
            (case, one.fact.notice, one.position, one.occurred_at)
            for case in cases
            for one in post.records(case, f.NoticeIssued)
            if isinstance(one.fact, f.NoticeIssued) and (case, one.fact.notice) not in gone
        ]
        assert post.rows() == sorted(wanted)

    run(district, story)


def _draft(fact: f.Fact) -> Draft:
    return Draft(fact, d.START)


def test_rebuilding_gives_the_same_rows_and_keeps_what_workers_know(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(500), Reply(500), Reply()]
        await post.issued(times=5)
        assert await post.work() == 5
        before, trying = post.rows(), post.trying()
        assert [attempts for attempts, *_ in trying] == [1, 1]
        with post.database.connection() as connection:
            assert rebuild(connection, batch=3) == 2
            assert (post.rows(), post.trying()) == (before, trying)
            connection.execute(
                "UPDATE delivery SET position = 1, issued_at = now() WHERE notice ="
                " (SELECT min(notice) FROM delivery)"
            )
            connection.execute("INSERT INTO delivery VALUES (gen_random_uuid(), 1, 1, now())")
            connection.execute("DELETE FROM checkpoint WHERE name = 'notices@1'")
            rebuild(connection)
            (standing,) = lag(connection)
        assert (post.rows(), post.trying()) == (before, trying)
        assert (standing.name, standing.behind, standing.state) == ("notices@1", 0, "live")

    run(district, story)


def test_the_runner_goes_on_where_a_rebuild_ended(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await post.issued()
        with post.database.connection() as connection:
            rebuild(connection)
        await post.issued(case=case)
        assert [number for _, number, *_ in post.rows()] == [1, 2]

    run(district, story)


def test_the_worker_runs_until_told_and_ends_at_once(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        worker = NoticeWorker(post.engine, WebhookChannel(), poll=0.02)
        working = asyncio.create_task(worker.run())
        case = await post.issued()
        await _until(lambda: post.outcomes(case))
        worker.stop()
        async with asyncio.timeout(1):
            await working

    run(district, story)


def test_a_lost_database_connection_is_waited_for(district: Database) -> None:
    async def story(post: Post) -> None:
        troubles: list[BaseException] = []
        await post.opened()
        worker = NoticeWorker(post.engine, WebhookChannel(), poll=0.02, trouble=troubles.append)
        working = asyncio.create_task(worker.run())
        first = await post.issued()
        await _until(lambda: post.outcomes(first))
        # Between two claims its last statement may be another one: so until it noticed.
        while not troubles:
            with post.database.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE '%delivery%'"
                    " AND pid <> pg_backend_pid()"
                )
            await asyncio.sleep(0.05)
        second = await post.issued()
        await _until(lambda: post.outcomes(second))
        worker.stop()
        await working
        assert {type(one).__name__ for one in troubles} == {"AdminShutdown"}
        assert len(post.receiver.got) == 2

    run(district, story)


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the log knows no events
            await asyncio.sleep(0.02)


def test_the_same_notice_is_always_recorded_under_the_same_key() -> None:
    one = caller_for("610327", "c", 1)
    assert one == caller_for("610327", "c", 1)
    others = {caller_for(*parts).key for parts in (("610328", "c", 1), ("610327", "c", 2))}
    assert one.key not in others
    assert re.fullmatch(r"[0-9a-f-]{36}", one.key)
