"""What if: recorded cases under a draft; nothing is written, and only real differences are told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain.actor import Role
from domain.commands import Act, Report
from domain.kind import Kind
from eventlog.database import Database
from eventlog.reader import read_head, read_stream
from tests.support import districts as d
from tests.support.kinds import REPAIR
from workflows.administration import activate_kind, publish_kind
from workflows.engine import Engine
from workflows.language import compile_kind, read_source, shipped_sources
from workflows.retracing import PLACEHOLDER, command_of, deeds
from workflows.simulating import Difference, Simulation

Story = Callable[[Engine, d.Hands], Awaitable[None]]
DRAFT = REPAIR.replace("version: 1.0.0", "version: 1.1.0")


def run(database: Database, story: Story) -> None:
    async def work() -> None:
        clock = d.Hands()
        async with d.district_engine(database, clock=clock) as engine:
            source = read_source(REPAIR)
            await publish_kind(engine, source)
            await activate_kind(engine, source.name, source.hash)
            await story(engine, clock)

    asyncio.run(work())


async def told(engine: Engine, clock: d.Hands, *actions: tuple[str, dict[str, object]]) -> str:
    """Report a case and take these actions, an hour apart."""
    report = Report(kind="repair", title="路灯不亮", unit=d.COMMUNITY)
    case = (await engine.report(report, d.caller(Role.INTEGRATOR))).case.id
    for action, data in actions:
        clock.now += timedelta(hours=1)
        act = Act(action=action, data=data)
        await engine.act(case, act, d.caller(Role.DISPATCHER))
    return case


BEGUN: tuple[str, dict[str, object]] = ("begin", {})
NOTED: tuple[str, dict[str, object]] = ("note", {"note": "已到现场"})
MAJOR: tuple[str, dict[str, object]] = ("grade", {"severity": "major"})
DONE: tuple[str, dict[str, object]] = ("finish", {"note": "已换灯泡"})


def simulated(engine: Engine, draft: str, limit: int = 100) -> tuple[Simulation, list[Difference]]:
    with engine.database.connection() as connection:
        before = read_head(connection).position
    simulation = Simulation(engine, compile_kind(draft), limit=limit)
    found = list(simulation)
    with engine.database.connection() as connection:
        assert read_head(connection).position == before, "nothing is written"
    return simulation, found


def test_under_the_same_rules_nothing_is_otherwise(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        await told(engine, clock)
        await told(engine, clock, BEGUN, NOTED, MAJOR)
        await told(engine, clock, BEGUN, MAJOR, DONE)
        clock.now += timedelta(days=30)
        simulation, found = simulated(engine, DRAFT)
        assert found == []
        tally = simulation.tally
        assert (tally.cases, tally.same, tally.different, tally.unclear) == (3, 3, 0, 0)

    run(district, story)


def test_another_limit_shows_in_dues_and_breaches(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        late = await told(engine, clock, BEGUN)
        graded = await told(engine, clock, BEGUN, MAJOR)
        clock.now += timedelta(days=4)
        draft = DRAFT.replace("default: 5wd", "default: 1wd")
        simulation, found = simulated(engine, draft)
        assert {(one.case, one.what, one.before, one.after) for one in found} == {
            (late, "due", "2026-10-19T10:00:00Z", "2026-10-13T10:00:00Z"),
            (late, "breach", "no", "yes"),
        }
        assert all(one.clock == "handling//1/1" for one in found)
        assert simulation.tally.by == {"due": 1, "breach": 1}
        assert graded not in {one.case for one in found}

    run(district, story)


def test_what_the_draft_would_refuse_is_named_with_its_reason(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        case = await told(engine, clock, BEGUN, NOTED, DONE)
        kept = await told(engine, clock, BEGUN)
        draft = DRAFT.replace(
            "form: {note: {title: 说明, type: text}}", "requires: [tasks_settled]"
        )
        draft = draft.replace(
            "in: [process]\n    by: [desk]\n    requires",
            "in: [parked]\n    by: [desk]\n    requires",
        )
        simulation, found = simulated(engine, draft)
        (refused,) = [one for one in found if one.what == "refused"]
        assert (refused.case, refused.clock) == (case, "finish")
        assert "不能办理“办结”" in (refused.after or "")
        assert simulation.tally.actions == {"finish": 1}
        assert (simulation.tally.refused, simulation.tally.same) == (1, 1)
        assert kept not in {one.case for one in found}

    run(district, story)


def test_another_outcome_is_told(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        case = await told(engine, clock, BEGUN, DONE)
        simulation, found = simulated(engine, DRAFT.replace("outcome: closed", "outcome: mended"))
        assert [(one.case, one.what, one.before, one.after) for one in found] == [
            (case, "outcome", "closed", "mended")
        ]
        assert simulation.tally.different == 1

    run(district, story)


def test_only_the_newest_cases_are_told_where_there_are_more(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        for _ in range(3):
            await told(engine, clock, BEGUN)
        assert simulated(engine, DRAFT, limit=2)[0].tally.cases == 2

    run(district, story)


def test_commands_are_told_again_from_facts_with_texts_left_sealed(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        case = await told(engine, clock, BEGUN, NOTED, MAJOR, DONE)
        with engine.database.connection() as connection:
            found = deeds(read_stream(connection, case))
        kind: Kind = compile_kind(REPAIR)
        commands = [command_of(deed, kind) for deed in found]
        assert isinstance(commands[0], Report)
        assert (commands[0].title, commands[0].unit) == (PLACEHOLDER, d.COMMUNITY)
        assert [(one.action, one.data) for one in commands if isinstance(one, Act)] == [
            ("begin", {}),
            ("note", {"note": PLACEHOLDER}),
            ("grade", {"severity": "major"}),
            ("finish", {"note": PLACEHOLDER}),
        ]

    run(district, story)


def test_a_changed_table_shows_in_the_severity_that_it_would_give(district: Database) -> None:
    async def story(engine: Engine, clock: d.Hands) -> None:
        report = Report(kind="closed-loop", title="墙砖脱落", unit=d.COMMUNITY, data={"people": 3})
        officer = d.caller(Role.COMMUNITY_OFFICER, d.COMMUNITY)
        case = (await engine.report(report, d.caller(Role.INTEGRATOR))).case.id
        await engine.act(case, Act(action="accept"), officer)
        clock.now += timedelta(hours=1)
        officer = d.caller(Role.COMMUNITY_OFFICER, d.COMMUNITY)
        graded = await engine.act(case, Act(action="grade"), officer)
        assert graded.case.severity == "general"
        text = next(one.text for one in shipped_sources() if one.name == "closed-loop")
        draft = text.replace("then: {severity: general,", "then: {severity: serious,")
        _, found = simulated(engine, draft.replace("version: 2.1.0", "version: 2.1.1"))
        said = [(one.what, one.before, one.after) for one in found]
        assert ("severity", "general", "serious") in said, said

    run(district, story)
