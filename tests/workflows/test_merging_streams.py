"""并案 and 拆分 through the real log: several streams in one transaction, also in races."""

from typing import Any

from domain.actor import Role
from domain.case import Case
from domain.commands import Act, Report
from domain.facts import DuplicateAnswered, DuplicateJoined, SourceReference
from eventlog.database import Database
from eventlog.reader import read_stream
from eventlog.streams import part_of
from tests.support import districts as d
from tests.support.given import OVERRIDE
from tests.workflows.test_engine_races import outcomes, run
from workflows.engine import Caller, Engine

REASON = {"reason": "理由"}
EVIDENCE = {"evidence": "已处理"}


def dispatcher() -> Caller:
    return d.caller(Role.DISPATCHER)


def act(name: str, **data: Any) -> Act:  # noqa: ANN401 - a form's values
    return Act(action=name, data=data)


async def reported(engine: Engine, number: str = "") -> Case:
    source = SourceReference("hotline", number) if number else None
    report = Report(
        kind="closed-loop",
        title="井盖破损",
        unit=d.COMMUNITY,
        source=source,
        content=f"{number}." if number else None,
    )
    return (await engine.report(report, d.caller(Role.INTEGRATOR))).case


async def closing(engine: Engine, case: str) -> None:
    """Bring a case to just before its closing."""
    community, water = (Role.COMMUNITY_OFFICER, d.COMMUNITY), (Role.DEPARTMENT_OFFICER, d.WATER)
    steps: list[tuple[tuple[Role, str | None], Act]] = [
        (community, act("accept")),
        (community, act("grade", severity="general", **OVERRIDE)),
        ((Role.DISPATCHER, None), act("dispatch", lead=d.WATER)),
        (water, act("start_handling")),
        (water, act("claim_completion", **EVIDENCE)),
        (community, act("verify")),
    ]
    for (role, unit), step in steps:
        await engine.act(case, step, d.caller(role, unit))


def texts(engine: Engine, database: Database, case: str) -> dict[str, str | None]:
    with database.connection() as connection:
        records = read_stream(connection, case)
    opened = engine.vault.open_records(records)
    return {field: text for (_, field), text in opened.items()}


def test_both_streams_are_written_at_once_and_every_caller_is_answered(district: Database) -> None:
    async def story(engine: Engine, other: Engine, _clock: d.Hands) -> None:
        primary, first, second = [await reported(engine, str(n)) for n in range(3)]
        await closing(engine, primary.id)
        merged = await engine.act(first.id, act("merge", into=primary.id), dispatcher())
        assert merged.case.stage == "merged"
        # Another process, which knows the primary as it was, lets the next one join.
        await other.act(second.id, act("merge", into=primary.id), dispatcher())
        close = act("close", grade="substantive", reply="已换新井盖")
        done = await engine.act(primary.id, close, dispatcher())
        assert [one.id for one in done.case.aftercare.joined] == [first.id, second.id]
        assert done.case.aftercare.sources == (
            SourceReference("hotline", "1"),
            SourceReference("hotline", "2"),
        )
        for duplicate in (first, second):
            case = await other.case(duplicate.id)
            assert case.aftercare.answered_at is not None
            assert texts(engine, district, duplicate.id)["reply"] == "已换新井盖"

    run(district, story)


def test_merging_both_ways_at_once_leaves_one_primary(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(4):
            left, right = await reported(one), await reported(one)
            done, refused = await outcomes(
                one.act(left.id, act("merge", into=right.id), dispatcher()),
                other.act(right.id, act("merge", into=left.id), dispatcher()),
            )
            assert (len(done), len(refused)) == (1, 1)
            assert refused[0].code in {"merge-not-allowed", "action-unavailable"}
            cases = [await one.case(case.id) for case in (left, right)]
            assert sorted(case.stage for case in cases) == ["merged", "reported"]
            [primary] = [case for case in cases if case.stage == "reported"]
            [joined] = primary.aftercare.joined
            assert joined.id == done[0].case.id

    run(district, story)


def test_who_joins_while_the_primary_closes_is_answered_or_refused(district: Database) -> None:
    async def story(one: Engine, other: Engine, _: d.Hands) -> None:
        for _round in range(4):
            primary, duplicate = await reported(one), await reported(one)
            await closing(one, primary.id)
            close = act("close", grade="substantive")
            done, refused = await outcomes(
                one.act(primary.id, close, dispatcher()),
                other.act(duplicate.id, act("merge", into=primary.id), dispatcher()),
            )
            case = await one.case(duplicate.id)
            assert len(done) + len(refused) == 2
            if case.stage == "merged":
                assert case.aftercare.answered_at is not None, "nobody is forgotten"
            else:
                assert [one.code for one in refused] == ["merge-not-allowed"]

    run(district, story)


def test_a_parted_duplicate_is_gone_from_its_primary(district: Database) -> None:
    async def story(engine: Engine, other: Engine, _clock: d.Hands) -> None:
        primary, duplicate = await reported(engine), await reported(engine)
        await engine.act(duplicate.id, act("merge", into=primary.id), dispatcher())
        await other.act(duplicate.id, act("unmerge", **REASON), dispatcher())
        assert (await engine.case(primary.id)).aftercare.joined == ()
        await closing(engine, primary.id)
        await engine.act(primary.id, act("close", grade="staged"), dispatcher())
        with district.connection() as connection:
            facts = [record.fact for record in read_stream(connection, duplicate.id)]
        assert not any(isinstance(fact, DuplicateAnswered) for fact in facts)
        assert (await other.case(duplicate.id)).stage == "reported"

    run(district, story)


def test_a_repeated_request_merges_once(district: Database) -> None:
    async def story(engine: Engine, other: Engine, _clock: d.Hands) -> None:
        primary, duplicate = await reported(engine), await reported(engine)
        caller = d.caller(Role.DISPATCHER, key="merge-once")
        first = await engine.act(duplicate.id, act("merge", into=primary.id), caller)
        again = await other.act(duplicate.id, act("merge", into=primary.id), caller)
        assert (again.replayed, again.position) == (True, first.position)
        with district.connection() as connection:
            facts = [record.fact for record in read_stream(connection, primary.id)]
        assert sum(isinstance(fact, DuplicateJoined) for fact in facts) == 1

    run(district, story)


def test_a_case_is_split_with_all_its_parts_or_not_at_all(district: Database) -> None:
    async def story(engine: Engine, other: Engine, _clock: d.Hands) -> None:
        parent = await reported(engine, "9")
        form = {"titles": ["井盖", "路灯"], "units": [d.GRID]}
        bad = act("split", **form | {"units": [d.GRID, "没有"]})
        _, refused = await outcomes(engine.act(parent.id, bad, dispatcher()))
        assert [one.code for one in refused] == ["unknown-unit"]
        done, refused = await outcomes(
            engine.act(parent.id, act("split", **form), dispatcher()),
            other.act(parent.id, act("split", **form), dispatcher()),
        )
        assert (len(done), len(refused)) == (1, 1)
        for number, title in enumerate(form["titles"], 1):
            part = await other.case(part_of(d.DISTRICT, parent.id, number))
            assert (part.stage, part.number) == ("reported", f"{parent.number}-{number}")
            assert texts(engine, district, part.id)["title"] == title
            accepted = await other.act(part.id, act("accept"), dispatcher())
            assert accepted.case.stage == "awaiting_grading"

    run(district, story)


def test_a_case_out_of_sight_cannot_be_merged_into(district: Database) -> None:
    async def story(engine: Engine, _other: Engine, _clock: d.Hands) -> None:
        own, far = await reported(engine), await reported(engine)
        keep = act("set_confidentiality", posts=[], **REASON)
        _, refused = await outcomes(engine.act(far.id, keep, d.caller(Role.SUPERVISOR)))
        assert refused[0].code == "unknown-field", "nothing would change"
        officer = d.caller(Role.COMMUNITY_OFFICER, d.OTHER_COMMUNITY)
        _, refused = await outcomes(engine.act(own.id, act("merge", into=far.id), officer))
        assert refused[0].code == "not-found"

    run(district, story)


def test_every_stream_still_verifies(district: Database) -> None:
    async def story(engine: Engine, _other: Engine, _clock: d.Hands) -> None:
        primary, duplicate = await reported(engine), await reported(engine)
        await engine.act(duplicate.id, act("merge", into=primary.id), dispatcher())
        for case in (primary, duplicate):
            with district.connection() as connection:
                records = read_stream(connection, case.id)
            assert [record.version for record in records] == list(range(1, len(records) + 1))

    run(district, story)
