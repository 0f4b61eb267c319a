"""Open cases pass to a new version of their kind: previewed, approved by another, resumable."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.commands import Act, Report
from domain.errors import (
    ActionUnavailable,
    Collision,
    KindRetired,
    NotFound,
    Refusal,
    SamePerson,
)
from eventlog.database import Database
from eventlog.reader import read_stream
from tests.support import districts as d
from tests.support.kinds import MIGRATION, REPAIR, next_version
from workflows.administration import activate_kind, publish_kind
from workflows.engine import Caller, Engine
from workflows.kind_fit import VersionTaken
from workflows.kind_office import retire_kind
from workflows.language import BadKind, read_source
from workflows.loading import folded
from workflows.migrating import (
    MigrationNotApproved,
    MigrationPreview,
    PlannedMigration,
    approve_migration,
    migrate,
    plan,
)

Story = Callable[[Engine, d.Hands], Awaitable[None]]
OTHER = d.caller(Role.ADMIN)


def run(database: Database, story: Story) -> None:
    """Tell a story in a district whose kind `repair` is active in its first version."""

    async def work() -> None:
        clock = d.Hands()
        async with d.district_engine(database, clock=clock) as engine:
            await published(engine, REPAIR)
            await story(engine, clock)

    asyncio.run(work())


async def published(engine: Engine, text: str, *, active: bool = True) -> str:
    source = read_source(text)
    await publish_kind(engine, source)
    if active:
        await activate_kind(engine, source.name, source.hash)
    return source.hash


async def reported(engine: Engine, *actions: str) -> str:
    told = Report(kind="repair", title="路灯不亮", unit=d.COMMUNITY)
    case = (await engine.report(told, d.caller(Role.INTEGRATOR))).case.id
    for action in actions:
        await act(engine, case, action)
    return case


async def act(engine: Engine, case: str, action: str, **data: object) -> Case:
    told = Act(action=action, data=data)
    return (await engine.act(case, told, d.caller(Role.DISPATCHER))).case


async def planned(engine: Engine, text: str | None = None) -> PlannedMigration:
    await published(engine, text or next_version())
    return plan(engine.reference, "repair", "1.0.0", "2.0.0")


async def approved(engine: Engine, text: str | None = None) -> PlannedMigration:
    found = await planned(engine, text)
    await approve_migration(engine, found, counted(engine, found).counts, OTHER)
    return found


def counted(engine: Engine, found: PlannedMigration) -> MigrationPreview:
    preview = MigrationPreview(engine, found)
    for _ in preview:
        pass
    return preview


def facts(engine: Engine, case: str) -> list[f.Fact]:
    with engine.database.connection() as connection:
        return [record.fact for record in read_stream(connection, case)]


def test_a_preview_says_what_becomes_of_each_case_and_clock_and_writes_nothing(
    district: Database,
) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        fresh = await reported(engine)
        going = await reported(engine, "begin")
        parked = await reported(engine, "begin", "park")
        done = await reported(engine, "begin", "finish")
        found = await planned(engine)
        before = [len(facts(engine, case)) for case in (fresh, going, parked, done)]
        preview = MigrationPreview(engine, found)
        passages = {one.case: one for one in preview}
        assert done not in passages, "what has ended keeps its version"
        assert {one: (passages[one].stage, passages[one].target) for one in passages} == {
            fresh: ("received", "received"),
            going: ("process", "handling"),
            parked: ("parked", "handling"),
        }
        assert [(one.clock, one.change) for one in passages[going].clocks] == [
            ("total", "kept"),
            ("handling", "restarted"),
            ("watch", "started"),
        ]
        counts = preview.counts
        assert (counts.open, counts.passing, counts.refused) == (3, 3, 0)
        assert counts.stages == {
            "received": {"received": 1},
            "process": {"handling": 1},
            "parked": {"handling": 1},
        }
        assert counts.clocks["handling"] == {"restarted": 2}
        assert counts.clocks["total"] == {"kept": 3}
        assert [len(facts(engine, case)) for case in (fresh, going, parked, done)] == before

    run(district, story)


def test_a_migrated_case_follows_the_new_version_from_that_fact_on(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        case = await reported(engine, "begin")
        old = (await engine.case(case)).kind_hash
        clock.now += timedelta(hours=3)
        found = await approved(engine)
        done = await migrate(engine, found)
        assert (done.examined, done.migrated, done.failures) == (1, 1, [])
        now = await engine.case(case)
        assert (now.kind_hash, now.stage, now.phase) == (
            found.new.hash,
            "handling",
            "joint_handling",
        )
        handling, watch = now.clock("handling"), now.clock("watch")
        assert handling is not None
        assert watch is not None
        assert (handling.budget, handling.started_at) == ("5wd", clock.now)
        assert handling.limit.version == "repair@2.0.0"
        assert (watch.status, watch.started_at) == ("running", clock.now)
        with engine.database.connection() as connection:
            records = read_stream(connection, case)
        first = next(one.version for one in records if isinstance(one.fact, f.CaseMigrated))
        assert {one.body.kind for one in records if one.version < first} == {old}
        assert {one.body.kind for one in records if one.version >= first} == {found.new.hash}
        assert folded(records) == now
        # What the old version allowed is gone, and what the new one says goes on to the end.
        with pytest.raises(ActionUnavailable):
            await act(engine, case, "park")
        closed = await act(engine, case, "finish")
        assert closed.stage == "done"
        with engine.database.connection() as connection:
            assert read_stream(connection, case)[-1].body.kind == found.new.hash

    run(district, story)


def test_what_happened_before_a_migration_may_still_be_registered_after_it(
    district: Database,
) -> None:
    text = REPAIR.replace("    in: open\n", "    in: open\n    backdate: 72nh\n")

    async def story(engine: Engine, clock: d.Hands) -> None:
        await published(engine, text.replace("1.0.0", "1.0.1"))
        case = await reported(engine, "begin")
        clock.now += timedelta(hours=1)
        meant = clock.now
        clock.now += timedelta(hours=5)
        new = next_version(MIGRATION.split("      clocks")[0])
        await published(engine, new.replace("    in: open\n", "    in: open\n    backdate: 72nh\n"))
        found = plan(engine.reference, "repair", "1.0.1", "2.0.0")
        await approve_migration(engine, found, counted(engine, found).counts, OTHER)
        assert (await migrate(engine, found)).migrated == 1
        told = Act(action="note", data={"note": "已到现场"}, occurred_at=meant)
        await engine.act(case, told, d.caller(Role.DISPATCHER))

    run(district, story)


def test_nobody_approves_the_rule_that_they_published_and_nothing_passes_unapproved(
    district: Database,
) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        await reported(engine)
        found = await planned(engine)
        counts = counted(engine, found).counts
        with pytest.raises(MigrationNotApproved):
            await migrate(engine, found)
        with pytest.raises(SamePerson):
            await approve_migration(engine, found, counts, cli())
        await approve_migration(engine, found, counts, OTHER)
        approval = engine.reference.migrations[found.pair]
        assert (approval.cases, approval.refused, approval.by) == (1, 0, "test")
        with pytest.raises(Collision):
            await approve_migration(engine, found, counts, d.caller(Role.ADMIN))
        assert (await migrate(engine, found)).migrated == 1

    run(district, story)


def test_a_case_that_would_be_stranded_stays_and_is_named(district: Database) -> None:
    keeps = MIGRATION.replace("{handling: restart}", "{handling: keep, total: keep}")

    async def story(engine: Engine, _: d.Hands) -> None:
        stuck = await reported(engine, "begin")
        going = await reported(engine)
        # Nothing stops the clock `handling` any more, but only where it runs does that matter.
        stops = next_version(keeps).replace(
            "    start: [handling-started]\n    stop: [case-closed]",
            "    start: [handling-started]\n    stop: [handling-started]",
        )
        found = await approved(engine, stops)
        preview = MigrationPreview(engine, found)
        refused = [one for one in preview if one.why]
        assert [(one.case, one.why) for one in refused] == [(stuck, "clock-stranded")]
        assert preview.counts.reasons == {"clock-stranded": 1}
        done = await migrate(engine, found)
        assert done.migrated == 1
        assert [one.case for one in done.failures] == [stuck]
        assert "请改 stages，或写明 cancel" in done.failures[0].problem
        assert (await engine.case(stuck)).kind_hash == found.old.hash
        assert (await engine.case(going)).kind_hash == found.new.hash

    run(district, story)


def test_a_version_that_would_strand_cases_is_not_published(district: Database) -> None:
    lost = MIGRATION.replace(", parked: handling", "")
    gone = next_version().replace(
        "  handling:\n    title: 办理时限", "  another:\n    title: 办理时限"
    )
    cases = [
        (next_version(lost), "处于 repair@1.0.0 的环节“parked”（已搁置）的事项无处可去"),
        (gone.replace("{handling: restart}", "keep"), "时限“handling”在新版中没有了"),
    ]

    async def story(engine: Engine, _: d.Hands) -> None:
        for text, told in cases:
            with pytest.raises(BadKind) as refusal:
                await published(engine, text)
            (problem,) = refusal.value.found
            assert told in problem.detail
            assert (
                text.splitlines()[problem.line - 1]
                .strip()
                .startswith(problem.path.rsplit(".", 1)[-1])
            )

    run(district, story)


def test_a_run_that_was_broken_off_is_simply_begun_again(district: Database) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        cases = [await reported(engine, "begin") for _ in range(12)]
        found = await approved(engine)

        class Killed(Exception):
            pass

        passed: list[str] = []
        really = engine.migrate

        async def dying(case: str, *rest: object) -> object:
            if len(passed) == 5:
                raise Killed
            passed.append(case)
            return await really(case, *rest)  # type: ignore[arg-type]

        engine.migrate = dying  # type: ignore[method-assign, assignment]
        with pytest.raises(ExceptionGroup):
            await migrate(engine, found, at_once=1)
        engine.migrate = really  # type: ignore[method-assign]
        before = {case: len(facts(engine, case)) for case in cases}
        done = await migrate(engine, found)
        assert (done.migrated, done.failures) == (7, [])
        for case in cases:
            told = [one for one in facts(engine, case) if isinstance(one, f.CaseMigrated)]
            assert len(told) == 1
            assert len(facts(engine, case)) == before[case] or case not in passed
        assert (await migrate(engine, found)).examined == 0

    run(district, story)


def test_actions_and_a_migration_at_the_same_time_lose_nothing(district: Database) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        cases = [await reported(engine) for _ in range(8)]
        found = await approved(engine)

        async def busy(case: str) -> None:
            for step in ("begin", "note", "grade"):
                data = {"note": {"note": "进展"}, "grade": {"severity": "major"}}.get(step, {})
                await act(engine, case, step, **data)

        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(migrate(engine, found, at_once=2))
            second = tasks.create_task(migrate(engine, found))
            for case in cases:
                tasks.create_task(busy(case))
        done = first.result()
        assert second.result().failures == []
        assert done.failures == []
        for case in cases:
            now = await engine.case(case)
            assert (now.kind_hash, now.stage) == (found.new.hash, "handling")
            assert now.severity == "major"
            told = [one for one in facts(engine, case) if isinstance(one, f.CaseMigrated)]
            assert len(told) == 1

    run(district, story)


def test_a_retired_kind_takes_in_nothing_new_and_open_cases_go_on(district: Database) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        case = await reported(engine)
        assert await retire_kind(engine, "repair") > 0
        assert await retire_kind(engine, "repair") == 0
        with pytest.raises(KindRetired):
            await reported(engine)
        await act(engine, case, "begin")
        assert (await act(engine, case, "finish")).stage == "done"
        with pytest.raises(NotFound):
            await retire_kind(engine, "nothing")
        digest = read_source(REPAIR).hash
        await activate_kind(engine, "repair", digest)
        await reported(engine)

    run(district, story)


def test_a_published_version_is_never_rewritten(district: Database) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        other = REPAIR.replace("title: 报修", "title: 报修登记")
        with pytest.raises(VersionTaken):
            await published(engine, other)
        # The same content, spelt otherwise, is the same version.
        await published(engine, REPAIR + "\n# 注释\n")
        assert len([one for one in engine.reference.kinds.values() if one.name == "repair"]) == 1

    run(district, story)


def test_a_plan_needs_two_versions_and_a_rule_between_them(district: Database) -> None:
    async def story(engine: Engine, _: d.Hands) -> None:
        await published(engine, next_version("", "2.0.0"))
        for since, to in (("1.0.0", "1.0.0"), ("1.0.0", "2.0.0")):
            with pytest.raises(Collision):
                plan(engine.reference, "repair", since, to)
        with pytest.raises(NotFound):
            plan(engine.reference, "repair", "0.9.0", "2.0.0")

    run(district, story)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("process: handling", "process: handing", "migration.from.1.0.x.stages：没有“handing”"),
        ("process: handling", "process: done", "migration.from.1.0.x.stages.process：“done”是结束"),
        ("{handling: restart}", "{hand: restart}", "migration.from.1.0.x.clocks：没有“hand”"),
        ("{handling: restart}", "stop", "migration.from.1.0.x.clocks"),
        ("{watch: [handling]}", "{watches: [handling]}", "start：没有“watches”；可用：total"),
        ("{watch: [handling]}", "{watch: [hand]}", "migration.from.1.0.x.start.watch：没有“hand”"),
        ("1.0.x", "1.x.0", "migration.from"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_line(right: str, wrong: str, told: str) -> None:
    text = next_version(MIGRATION.replace(right, wrong))
    with pytest.raises(Refusal) as refusal:
        read_source(text)
    assert told in str(refusal.value)
    assert "第 " in str(refusal.value)


def cli() -> Caller:
    """Whoever works at the machine, as which the kind was published."""
    asks = d.caller(Role.ADMIN)
    return Caller(actor=asks.actor, client="cli", key=asks.key, digest=asks.digest)
