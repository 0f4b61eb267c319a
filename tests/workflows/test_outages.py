"""Outages: declared by one, approved by another; then paper records are let in for a while."""

import asyncio
from datetime import datetime, timedelta

import pytest

from domain import facts as f
from domain.actor import Role
from domain.errors import BadInput, Collision, FutureTime, NaiveTime, NotFound, Refusal, SamePerson
from domain.world import Outage
from eventlog.database import Database
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from tests.support import districts as d
from tests.support.timed import Timed, another_engine, run
from workflows.engine import Caller
from workflows.outages import approve, declare, reasons

SINCE, UNTIL = d.START - timedelta(days=3, hours=2), d.START - timedelta(days=3)
"""Friday 9 October, 07:00 to 09:00 in Shanghai."""
REASON = "机房停电，联系人王小明"


def key(name: str, role: Role = Role.SUPERVISOR) -> Caller:
    """Whoever holds a key, asking once."""
    once = d.caller(role)
    return Caller(actor=once.actor, client=f"key:{name}", key=once.key, digest=once.digest)


def test_what_one_declares_and_another_approves_is_in_force(district: Database) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        declared = await declare(engine, SINCE, UNTIL, REASON, key("a"))
        assert (declared.outage, declared.by, declared.approval) == (1, "key:a", None)
        assert not engine.reference.approved_outages
        approved = await approve(engine, 1, key("b", Role.LEADER))
        # Two working days after Friday, of which Saturday is one: close of business on Monday.
        register_by = datetime.fromisoformat("2026-10-12T18:00:00+08:00")
        assert approved.approval == f.OutageApproved(outage=1, register_by=register_by, by="key:b")
        assert engine.reference.approved_outages == (Outage(SINCE, UNTIL, register_by),)
        case = await engine.case(await timed.reported())
        world = engine.world(case, d.caller(Role.INTEGRATOR).actor, client="key:c")
        assert (world.outages, world.who) == (engine.reference.approved_outages, "key:c")
        async with another_engine(timed) as other:
            assert other.reference.outages == engine.reference.outages

    run(district, story)


def test_the_reason_is_sealed_and_can_be_read(district: Database) -> None:
    async def story(timed: Timed) -> None:
        declared = await declare(timed.engine, SINCE, UNTIL, f"  {REASON} ", key("a"))
        assert reasons(timed.engine, [declared]) == {1: REASON}
        with district.connection() as connection:
            stream = read_stream(connection, stream_id(d.DISTRICT, f.DISTRICT))
            bodies = connection.execute("SELECT body FROM event").fetchall()
        assert isinstance(stream[-1].fact, f.OutageDeclared)
        assert not any("王小明".encode() in body for (body,) in bodies)

    run(district, story)


def test_nobody_approves_what_they_declared_and_nothing_is_approved_twice(
    district: Database,
) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        await declare(engine, SINCE, UNTIL, REASON, key("a"))
        with pytest.raises(SamePerson):
            await approve(engine, 1, key("a", Role.ADMIN))
        with pytest.raises(NotFound):
            await approve(engine, 2, key("b"))
        await approve(engine, 1, key("b"))
        with pytest.raises(Collision, match="已经批准"):
            await approve(engine, 1, key("c"))

    run(district, story)


@pytest.mark.parametrize(
    ("since", "until", "reason", "refusal"),
    [
        (UNTIL, SINCE, REASON, BadInput),
        (SINCE, SINCE, REASON, BadInput),
        (SINCE, d.START + timedelta(seconds=1), REASON, FutureTime),
        (d.START + timedelta(days=1), d.START + timedelta(days=2), REASON, FutureTime),
        (SINCE.replace(tzinfo=None), UNTIL, REASON, NaiveTime),
        (SINCE, UNTIL, "  ", BadInput),
    ],
)
def test_a_window_that_cannot_be_is_refused(
    district: Database,
    since: datetime,
    until: datetime,
    reason: str,
    refusal: type[Refusal],
) -> None:
    async def story(timed: Timed) -> None:
        with pytest.raises(refusal) as refused:
            await declare(timed.engine, since, until, reason, key("a"))
        assert type(refused.value) is refusal
        assert timed.engine.reference.outages == {}

    run(district, story)


def test_an_outage_that_ends_right_now_may_be_declared(district: Database) -> None:
    async def story(timed: Timed) -> None:
        assert (await declare(timed.engine, SINCE, d.START, REASON, key("a"))).outage == 1

    run(district, story)


def test_approval_comes_too_late_when_nobody_could_register_any_more(district: Database) -> None:
    async def story(timed: Timed) -> None:
        await declare(timed.engine, SINCE, UNTIL, REASON, key("a"))
        timed.clock.now = datetime.fromisoformat("2026-10-12T18:00:01+08:00")
        with pytest.raises(Collision, match="补录期限已过"):
            await approve(timed.engine, 1, key("b"))
        timed.clock.now -= timedelta(seconds=1)
        assert (await approve(timed.engine, 1, key("b"))).approval

    run(district, story)


def test_those_who_declare_at_once_get_different_numbers(district: Database) -> None:
    async def story(timed: Timed) -> None:
        async with another_engine(timed) as other:
            declared = await asyncio.gather(
                *(
                    declare(engine, SINCE, UNTIL, REASON, key(f"{number}"))
                    for number, engine in enumerate((timed.engine, other) * 4)
                )
            )
            assert sorted(one.outage for one in declared) == list(range(1, 9))
            assert len({one.by for one in declared}) == 8
            both = await asyncio.gather(
                approve(timed.engine, 1, key("x")),
                approve(other, 1, key("y")),
                return_exceptions=True,
            )
        assert sorted(isinstance(one, Collision) for one in both) == [False, True]

    run(district, story)
