"""Notices reach their channel: once, signed, without personal data, and every outcome is a fact."""

from datetime import datetime, time, timedelta

import pytest

from domain import facts as f
from domain.due import SHANGHAI
from eventlog.database import Database
from tests.support import districts as d
from tests.support.couriers import (
    PRIVATE,
    SECRET,
    TIMEOUT,
    TOLD,
    Post,
    outcome,
    run,
    undelivered,
)
from tests.support.receiver import NotVerified, Reply
from tests.support.timed import URGENT, Timed
from workflows.engine import Caller
from workflows.notices.channel import Target, close_channel, set_channel, signing_key
from workflows.notices.claims import ATTEMPTS, SCHEDULE


def test_a_notice_is_delivered_once_signed_and_its_receipt_kept(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(body=b'{"receipt": "sms-7"}')]
        case = await post.issued()
        assert await post.work() == 1
        (event,) = post.verified()
        assert (event["data"]["case"], event["data"]["notice"]) == (case, 1)
        assert post.outcomes(case) == [outcome(1, receipt="sms-7")]
        assert post.rows() == []
        post.follow()
        assert await post.work() == 0
        assert len(post.receiver.got) == 1
        (record,) = post.records(case, f.NoticeDelivered)
        assert (record.body.client, record.body.actor.role) == ("channel", "timer")

    run(district, story)


def test_what_time_brings_is_told_to_the_channel(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        timed = Timed(post.database, post.clock, post.engine)
        case = await timed.reported(*URGENT)
        post.later(days=2)
        await timed.work()
        await timed.close()
        post.follow()
        issued = [one.fact for one in post.records(case, f.NoticeIssued)]
        assert issued
        assert await post.work() == len(issued)
        told = [(one["data"]["notice"], one["data"]["cause"]) for one in post.verified()]
        assert sorted(told) == [
            (one.notice, one.cause) for one in issued if isinstance(one, f.NoticeIssued)
        ]
        assert len(post.outcomes(case)) == len(issued)

    run(district, story)


def test_an_event_says_what_where_and_whom_by_numbers_alone(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        by = d.START + timedelta(hours=2)
        case = await post.issued(acknowledge=f.Point("acknowledge:1", by))
        known = await post.engine.case(case)
        clock = known.clock("total")
        assert clock is not None
        await post.work()
        (event,) = post.verified()
        (got,) = post.receiver.got
        assert event == {
            "specversion": "1.0",
            "id": got.id,
            "source": f"/v1/districts/{d.DISTRICT}",
            "type": "notice-issued",
            "subject": f"cases/{case}",
            "time": "2026-10-12T09:00:00+08:00",
            "datacontenttype": "application/json",
            "data": {
                "case": case,
                "number": known.number,
                "kind": "closed-loop",
                "notice": 1,
                "clock": "total",
                "scope": "",
                "cycle": 1,
                "sequence": 1,
                "cause": "breach",
                "step": "overdue",
                "covers": ["total/threshold:80%", "total/breach"],
                "due": clock.due.astimezone(SHANGHAI).isoformat(),
                "acknowledge_by": "2026-10-12T11:00:00+08:00",
                "recipient": {
                    "role": "handler",
                    "unit": d.WATER,
                    "post": "post-1",
                    "person": "p-1",
                },
                "links": {"case": f"/v1/districts/{d.DISTRICT}/cases/{case}"},
            },
        }
        sent = got.body.decode() + str(got.headers)
        assert not any(word in sent for word in PRIVATE)

    run(district, story)


def test_a_failure_is_tried_again_after_the_standards_rests(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(500), Reply(hangs=2 * TIMEOUT), Reply()]
        case = await post.issued()
        assert await post.work() == 1
        assert post.trying() == [(1, 5, "http-500")]
        post.later(seconds=4)
        assert await post.work() == 0
        post.later(seconds=1)
        assert await post.work() == 1
        assert post.trying() == [(2, 300, "timeout")]
        assert (post.standing().failing, post.standing().last_error) == (1, "timeout")
        post.later(seconds=299)
        assert await post.work() == 0
        assert post.outcomes(case) == []
        post.later(seconds=1)
        assert await post.work() == 1
        assert len({got.id for got in post.receiver.got}) == 1
        assert post.outcomes(case) == [outcome(1, attempts=3)]
        tally = post.worker.tally
        assert (tally.delivered, tally.failed, tally.given_up) == (1, 2, 0)

    run(district, story)


def test_a_retry_is_signed_anew_with_its_own_time(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(500), Reply()]
        await post.issued()
        await post.work()
        post.later(hours=1)
        await post.work()
        first, second = (int(got.headers["webhook-timestamp"]) for got in post.receiver.got)
        assert second - first == 3600
        post.receiver.got.pop(0)
        post.verified()

    run(district, story)


def test_after_three_days_a_notice_is_given_up_for_good(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(503)]
        case = await post.issued()
        rests: list[int] = []
        while await post.work():
            for _, rest, _ in post.trying():
                rests.append(rest)
                post.later(seconds=rest)
        assert [timedelta(seconds=rest) for rest in rests] == list(SCHEDULE)
        assert len(post.receiver.got) == ATTEMPTS == 10
        assert post.outcomes(case) == [undelivered(1, attempts=10, reason="http-503")]
        assert post.rows() == []
        post.later(days=30)
        assert await post.work() == 0

    run(district, story)


def test_an_address_that_is_gone_is_given_up_at_once(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(410)]
        case = await post.issued()
        await post.work()
        assert post.outcomes(case) == [undelivered(1, attempts=1, reason="http-410")]
        assert len(post.receiver.got) == 1

    run(district, story)


def test_one_that_fails_holds_up_no_other(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(hangs=2 * TIMEOUT), Reply(500), Reply()]
        await post.issued(times=40)
        assert await post.work() == 40
        assert len(post.rows()) == 2
        assert sorted(error for *_, error in post.trying()) == ["http-500", "timeout"]

    run(district, story)


@pytest.mark.parametrize(
    ("quiet", "local", "rests"),
    [
        ("22:00-07:00", "21:59:59", False),
        ("22:00-07:00", "22:00:00", True),
        ("22:00-07:00", "23:59:59", True),
        ("22:00-07:00", "00:00:00", True),
        ("22:00-07:00", "06:59:59", True),
        ("22:00-07:00", "07:00:00", False),
        ("12:00-14:00", "11:59:59", False),
        ("12:00-14:00", "12:00:00", True),
        ("12:00-14:00", "14:00:00", False),
    ],
)
def test_quiet_hours_are_the_districts_and_may_pass_midnight(
    quiet: str, local: str, *, rests: bool
) -> None:
    since, until = (time.fromisoformat(one) for one in quiet.split("-"))
    target = Target(url="http://x", key=b"", quiet=(since, until), since=d.START)
    assert target.rests(datetime.fromisoformat(f"2026-10-12T{local}+08:00")) is rests
    assert not Target(url="http://x", key=b"", quiet=None, since=d.START).rests(d.START)


def test_quiet_hours_delay_the_sending_and_never_the_fact(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened(quiet="22:00-07:00")
        post.later(hours=13)
        case = await post.issued()
        assert len(post.records(case, f.NoticeIssued)) == 1
        for hours in (1, 6, 1):
            assert await post.work() == 0
            post.later(hours=hours)
        post.later(hours=1)
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1)]
        assert [got.headers["webhook-timestamp"] for got in post.receiver.got] == [
            str(int((d.START + timedelta(hours=22)).timestamp()))
        ]

    run(district, story)


def test_a_retry_that_falls_into_quiet_hours_waits_for_their_end(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened(quiet="09:00-10:00")
        post.later(days=1, seconds=-2)
        post.receiver.replies = [Reply(500), Reply()]
        case = await post.issued()
        assert await post.work() == 1
        post.later(minutes=30)
        assert await post.work() == 0
        post.later(minutes=30, seconds=2)
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1, attempts=2)]

    run(district, story)


def test_without_a_channel_notices_wait_and_nothing_is_sent(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await post.issued(times=2)
        assert await post.work() == 0
        assert post.outcomes(case) == []
        assert post.standing().waiting == 2
        await post.opened()
        await close_channel(post.engine)
        assert await post.work() == 0
        assert post.standing().waiting == 2
        assert post.receiver.got == []

    run(district, story)


def test_a_channel_that_comes_later_sends_what_is_of_the_last_day_only(district: Database) -> None:
    async def story(post: Post) -> None:
        old = await post.issued(times=20)
        post.later(seconds=1)
        young = await post.issued()
        post.later(days=1)
        await post.opened()
        assert await post.work() == 21
        (event,) = post.verified()
        assert event["data"]["case"] == young
        assert post.outcomes(young) == [outcome(1)]
        assert post.outcomes(old) == [
            undelivered(number, attempts=0, reason="no-channel") for number in range(1, 21)
        ]
        assert post.rows() == []

    run(district, story)


def test_a_channel_configured_anew_goes_on_with_what_was_tried(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(500), Reply()]
        case = await post.issued()
        await post.work()
        post.later(days=2)
        await post.opened(quiet="01:00-02:00")
        assert await post.work() == 1
        assert post.outcomes(case) == [outcome(1, attempts=2)]

    run(district, story)


def test_a_new_secret_signs_from_the_next_notice_on(district: Database) -> None:
    async def story(post: Post) -> None:
        await set_channel(post.engine, post.receiver.url)
        await post.issued()
        await post.work()
        with pytest.raises(NotVerified):
            post.verified()
        post.receiver.got.clear()
        await post.opened()
        await post.issued()
        await post.work()
        assert len(post.verified()) == 1

    run(district, story)


def test_what_was_signed_for_already_is_not_sent(district: Database) -> None:
    async def story(post: Post) -> None:
        by = d.START + timedelta(days=30)
        case = await post.issued(acknowledge=f.Point("acknowledge:1", by))
        key = Caller(actor=TOLD, client="test", key="sign", digest=b"x" * 32)
        await post.engine.sign(case, 1, key)
        post.follow()
        await post.opened()
        assert await post.work() == 0
        assert (post.rows(), post.receiver.got) == ([], [])

    run(district, story)


def test_the_signing_secret_stands_in_no_fact(district: Database) -> None:
    async def story(post: Post) -> None:
        made = await set_channel(post.engine, post.receiver.url)
        await post.opened()
        with post.database.connection() as connection:
            bodies = connection.execute("SELECT body FROM event").fetchall()
            texts = connection.execute("SELECT ciphertext FROM personal").fetchall()
        stored = b"".join(bytes(one) for (one,) in [*bodies, *texts])
        assert made.secret is not None
        for secret in (made.secret, SECRET):
            assert secret.removeprefix("whsec_").encode() not in stored
            assert signing_key(secret) not in stored
        assert post.receiver.url.encode() in stored

    run(district, story)
