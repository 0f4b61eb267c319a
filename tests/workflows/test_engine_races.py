"""Two engines on one district, as two processes have them: nothing lost, nothing doubled."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.actor import Role
from domain.commands import Act, Import, Report
from domain.errors import KeyReused, Refusal, SourceConflict, TooOld, UnknownKind, UnknownUnit
from domain.facts import SourceReference
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_stream
from eventlog.vault import Vault
from tests.support import districts as d
from tests.support.given import OVERRIDE
from workflows.administration import (
    UnitRow,
    activate_kind,
    found,
    import_directory,
    issue_key,
    key_digest,
    publish_calendar,
    publish_kind,
    revoke_key,
    set_trial_clock,
)
from workflows.calendars import shipped
from workflows.engine import Caller, Engine, Outcome
from workflows.language import SHIPPED, read_source, shipped_sources
from workflows.reference import Reference

REPORT = Report(kind="closed-loop", title="井盖破损", unit=d.COMMUNITY)
SOURCED = replace(REPORT, source=SourceReference("hotline", "1"), content="a.")
NOTE = Act(action="note", data={"note": "进展"})
SOON = 3.0


@asynccontextmanager
async def two(database: Database, clock: d.Hands) -> AsyncGenerator[tuple[Engine, Engine]]:
    """Two engines with their own connections, caches and reference data."""
    async with d.district_engine(database, clock=clock) as one:
        pool = Database(database.dsn, database.schema)
        vault = Vault(pool, d.DISTRICT, LocalWrapper(bytes(range(32))))
        other = Engine(pool, d.DISTRICT, vault, clock=clock)
        await other.refresh()
        try:
            yield one, other
        finally:
            other.close()
            pool.close()


def run(database: Database, story: Callable[[Engine, Engine, d.Hands], Awaitable[None]]) -> None:
    async def tell() -> None:
        clock = d.Hands()
        async with two(database, clock) as (one, other):
            await story(one, other, clock)

    asyncio.run(tell())


async def outcomes(*waiting: Awaitable[Outcome]) -> tuple[list[Outcome], list[Refusal]]:
    """Wait for all; anything but a refusal is an error."""
    results = await asyncio.gather(*waiting, return_exceptions=True)
    errors = [one for one in results if isinstance(one, BaseException)]
    for error in errors:
        if not isinstance(error, Refusal):
            raise error
    done = [one for one in results if isinstance(one, Outcome)]
    return done, [error for error in errors if isinstance(error, Refusal)]


async def until(engine: Engine, known: Callable[[Reference], bool]) -> None:
    """Wait until an engine knows something that another one wrote."""
    async with asyncio.timeout(SOON):
        while not known(await engine.current()):  # noqa: ASYNC110 - the other knows no events
            await asyncio.sleep(0.05)


def community(key: str | None = None) -> Caller:
    return d.caller(Role.COMMUNITY_OFFICER, d.COMMUNITY, key=key)


async def reported(engine: Engine) -> str:
    return (await engine.report(REPORT, d.caller(Role.INTEGRATOR))).case.id


def test_of_conflicting_actions_exactly_one_wins(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(5):
            case = await reported(one)
            await other.act(case, NOTE, community())
            done, refused = await outcomes(
                *(
                    engine.act(case, Act(action="accept"), community())
                    for engine in (one, other) * 3
                )
            )
            assert len(done) == 1
            assert {refusal.code for refusal in refused} == {"action-unavailable"}

    run(district, story)


def test_actions_that_do_not_conflict_all_happen_each_once(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        case = await reported(one)
        done, refused = await outcomes(
            *(engine.act(case, NOTE, community()) for engine in (one, other) * 10)
        )
        assert (len(done), refused) == (20, [])
        with one.database.connection() as connection:
            records = read_stream(connection, case)
        assert [record.version for record in records] == list(range(1, 24))
        assert await one.case(case) == await other.case(case)

    run(district, story)


def test_a_stale_cache_is_never_the_reason_of_a_refusal(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        case = await reported(one)
        await other.act(case, Act(action="accept"), community())
        # `one` still holds the case as reported; there, grading is not available.
        graded = await one.act(
            case, Act(action="grade", data={"severity": "major", **OVERRIDE}), community()
        )
        assert graded.case.stage == "awaiting_dispatch"
        # `other` still holds it as accepted, and the caller saw the newest version.
        version = graded.case.version
        noted = await other.act(case, NOTE, community(), expected=version)
        assert noted.case.version == version + 1

    run(district, story)


def test_if_match_holds_against_the_log_not_the_cache(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        case = await reported(one)
        seen = (await other.act(case, NOTE, community())).case.version
        done, refused = await outcomes(
            *(engine.act(case, NOTE, community(), expected=seen) for engine in (one, other) * 3)
        )
        assert len(done) == 1
        assert {refusal.code for refusal in refused} == {"version-stale"}
        assert {refusal.details["current"] for refusal in refused} == {seen + 1}

    run(district, story)


def test_a_retry_gets_the_first_answer_whatever_happened_since(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        caller = d.caller(Role.INTEGRATOR, key="report-once")
        first = await one.report(REPORT, caller)
        accept = community("accept-once")
        accepted = await one.act(first.case.id, Act(action="accept"), accept, expected=3)
        await other.act(
            first.case.id, Act(action="grade", data={"severity": "major", **OVERRIDE}), community()
        )
        for engine in (one, other):
            again = await engine.report(REPORT, caller)
            assert (again.case, again.first, again.created) == (first.case, first.first, True)
            assert again.replayed
            once = await engine.act(first.case.id, Act(action="accept"), accept, expected=3)
            assert (once.case, once.position) == (accepted.case, accepted.position)
            assert once.recorded_at == accepted.recorded_at

    run(district, story)


def test_twins_write_once_and_get_one_answer(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        caller = d.caller(Role.INTEGRATOR, key="twin-report")
        done, refused = await outcomes(*(e.report(REPORT, caller) for e in (one, other) * 3))
        assert refused == []
        assert len({(o.case.id, o.first, o.position) for o in done}) == 1
        case = done[0].case.id
        accept = community("twin-accept")
        done, refused = await outcomes(
            *(e.act(case, Act(action="accept"), accept) for e in (one, other) * 3)
        )
        assert refused == []
        assert len({(o.case.version, o.position) for o in done}) == 1

    run(district, story)


def test_a_key_of_another_request_is_refused_everywhere(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        caller = d.caller(Role.INTEGRATOR, key="used")
        first = await one.report(REPORT, caller)
        changed = replace(caller, digest=b"another".ljust(32))
        for engine in (one, other):
            with pytest.raises(KeyReused):
                await engine.report(REPORT, changed)
            with pytest.raises(KeyReused):
                await engine.act(first.case.id, NOTE, changed)
            # Also where the request could not be accepted at all.
            with pytest.raises(KeyReused):
                await engine.act(first.case.id, Act(action="verify"), changed)

    run(district, story)


def test_one_source_reference_is_one_case(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        done, refused = await outcomes(
            *(e.report(SOURCED, d.caller(Role.INTEGRATOR)) for e in (one, other) * 3)
        )
        assert refused == []
        assert len({o.case.id for o in done}) == 1
        assert sum(o.created for o in done) == 1
        await one.act(done[0].case.id, NOTE, community())
        changed = replace(SOURCED, title="路灯不亮", content="b.")
        for engine in (one, other):
            with pytest.raises(SourceConflict) as conflict:
                await engine.report(changed, d.caller(Role.INTEGRATOR))
            assert done[0].case.number in str(conflict.value)

    run(district, story)


def test_a_known_source_is_answered_even_if_it_would_be_refused_today(district: Database) -> None:
    async def story(one: Engine, other: Engine, clock: d.Hands) -> None:
        dated = replace(SOURCED, occurred_at=clock.now)
        first = await one.report(dated, d.caller(Role.INTEGRATOR))
        clock.now += timedelta(days=10)
        for engine in (one, other):
            again = await engine.report(dated, d.caller(Role.INTEGRATOR))
            assert (again.case.id, again.created) == (first.case.id, False)
        new = replace(dated, source=SourceReference("hotline", "2"))
        with pytest.raises(TooOld):
            await other.report(new, d.caller(Role.INTEGRATOR))

    run(district, story)


def test_two_imports_of_one_changed_row_update_it_once(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        importer = Role.IMPORTER
        row = Import(report=replace(SOURCED, content="a.x"))
        await one.report(row, d.caller(importer), updating=True)
        changed = Import(report=replace(SOURCED, title="新标题", content="b.x"))
        done, refused = await outcomes(
            *(e.report(changed, d.caller(importer), updating=True) for e in (one, other) * 3)
        )
        assert refused == []
        assert sum(o.position > 0 for o in done) == 1
        assert len({o.case.version for o in done}) == 1

    run(district, story)


SECOND_VERSION = ("version: 2.1.0", "version: 2.2.0"), ("title: 记录进展", "title: 记录最新进展")


def test_a_new_version_of_a_kind_is_known_everywhere_and_open_cases_keep_theirs(
    district: Database,
) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        old = await other.report(REPORT, d.caller(Role.INTEGRATOR))
        text = shipped_sources()[0].text
        for before, after in SECOND_VERSION:
            assert before in text
            text = text.replace(before, after)
        source = read_source(text)
        with pytest.raises(UnknownKind):
            await activate_kind(one, source.name, source.hash)
        await publish_kind(one, source)
        await activate_kind(one, source.name, source.hash)
        # A case of the new version is handled at once by an engine that has not heard of it.
        new = await one.report(REPORT, d.caller(Role.INTEGRATOR))
        assert new.case.kind_hash == source.hash
        await other.act(new.case.id, NOTE, community())
        assert other.reference.active["closed-loop"] == source.hash
        kept = await other.act(old.case.id, NOTE, community())
        assert kept.case.kind_hash == old.case.kind_hash != source.hash
        assert (await other.report(REPORT, d.caller(Role.INTEGRATOR))).case.kind_hash == source.hash

    run(district, story)


def test_a_new_unit_is_known_everywhere_before_anybody_is_refused(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        there = replace(REPORT, unit="新村")
        with pytest.raises(UnknownUnit):
            await other.report(there, d.caller(Role.INTEGRATOR))
        await import_directory(one, [UnitRow("V9", "新村", "community", d.TOWN)])
        done = await other.report(there, d.caller(Role.INTEGRATOR))
        assert done.case.place is not None
        assert done.case.place.path == (d.COUNTY, d.TOWN, "V9")

    run(district, story)


def test_a_key_is_known_and_revoked_everywhere_within_a_second_or_so(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        key = await issue_key(one, Role.GRID_WORKER, unit="东街一网格", name="某网格员")
        secret = key.secret
        digest = key_digest(secret)
        await until(other, lambda known: digest in known.keys)
        grant = other.reference.keys[digest]
        assert (grant.role, grant.unit) == (Role.GRID_WORKER, d.GRID)
        await revoke_key(other, grant.key)
        await until(one, lambda known: digest not in known.keys)
        with pytest.raises(Refusal, match="没有找到密钥"):
            await revoke_key(one, grant.key)

    run(district, story)


def test_the_trial_clock_moves_for_everybody_and_only_forward(district: Database) -> None:
    async def story(one: Engine, other: Engine, clock: d.Hands) -> None:
        case = await reported(one)
        later = clock.now + timedelta(days=60)
        await set_trial_clock(one, later)
        await until(other, lambda known: known.trial_clock is not None)
        assert other.now() == one.now() == later
        noted = await other.act(case, NOTE, community())
        assert noted.recorded_at is not None
        assert noted.recorded_at >= later
        assert all(clock.breached_at for clock in noted.case.open_clocks)
        for wrong in (
            later - timedelta(seconds=1),
            later.replace(year=9999),
            later.replace(tzinfo=None),
        ):
            with pytest.raises(Refusal):
                await set_trial_clock(other, wrong)

    run(district, story)


def test_a_directory_that_would_be_no_tree_is_refused_whole(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        before = one.reference.directory
        for rows in (
            [UnitRow(d.TOWN, "城关镇", "town", d.GRID)],
            [UnitRow("X", "另一个县", "county", None)],
            [UnitRow("X", "新村", "community", "nowhere")],
            [UnitRow("X", "新村", "village", d.TOWN)],
        ):
            with pytest.raises(Refusal):
                await import_directory(one, rows)
        assert (await other.refresh()).directory == before
        change = await import_directory(one, [UnitRow(d.TOWN, "新城镇", "town", d.COUNTY)])
        assert (change.established, change.changed) == (0, 1)

    run(district, story)


def test_a_founding_that_broke_off_is_taken_up_again_and_happens_once(district: Database) -> None:
    async def story() -> None:
        vault = Vault(district, d.DISTRICT, LocalWrapper(bytes(range(32))))
        engine = Engine(district, d.DISTRICT, vault, clock=d.Hands())
        try:
            await engine.refresh()
            for name, document in shipped().items():  # a founding begins with the calendars
                await publish_calendar(engine, name, document)
            await found(engine, d.DISTRICT, "演示县", trial=False)
            assert set(engine.reference.active) == set(SHIPPED)
            with pytest.raises(Refusal, match="已经启用"):
                await found(engine, d.DISTRICT, "演示县", trial=False)
            with pytest.raises(Refusal, match="正式区县"):
                await set_trial_clock(engine, d.START + timedelta(days=1))
        finally:
            engine.close()

    asyncio.run(story())
