"""Laws of decisions over random sequences of commands, legal and not, of both kinds."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.actor import Role
from domain.case import Case, blank
from domain.commands import Act, Command, Import, Update
from domain.errors import Refusal
from domain.evolve import fold
from domain.facts import CASE, FACTS, NoticeFact, SourceReference
from domain.forms import in_clear
from domain.world import Draft
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Record, Who, decode, encode
from eventlog.records import recorded as in_place
from eventlog.vault import Vault
from tests.support import districts as d
from tests.support import given as g
from tests.support.moves import Drawn, Move, attempt, sequences
from workflows.engine import Engine
from workflows.loading import folded


def walk(kind: str, sequence: list[Move]) -> g.Story:
    """Report a case, then try everything; check that a refusal leaves no trace."""
    story = g.Story(kind)
    source = SourceReference("board", "1")
    told = g.report(kind, unit=d.GRID, source=source, content="a.x")
    story.when(g.INTEGRATOR, told)
    assert story.refusal is None
    for move in sequence:
        story.later(seconds=move.seconds)
        before, length = story.case, len(story.history)
        story.when(*attempt(story.case, move, story.world))
        _check_order(story.drafts)
        if story.refusal is not None:
            assert story.case is before
            assert len(story.history) == length
            assert "—" not in str(story.refusal)
    return story


def recorded(story: g.Story) -> list[Record]:
    """Encode every fact, check its bytes, and read it back."""
    records: list[Record] = []
    for version, draft in enumerate(story.history, 1):
        body = _body(story, version, draft)
        raw = encode(body)
        assert raw == rfc8785.dumps(json.loads(raw, parse_float=_no_floats))
        assert all(key.isascii() for key in _keys(json.loads(raw)))
        records.append(in_place(version, draft.occurred_at, decode(body.type, body.schema, raw)))
    return records


def _no_floats(text: str) -> float:
    raise AssertionError(text)


def _keys(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [*tree, *(key for value in tree.values() for key in _keys(value))]
    return [key for value in tree for key in _keys(value)] if isinstance(tree, list) else []


def _body(story: g.Story, version: int, draft: Draft) -> Body[Any]:
    fact = draft.fact
    return Body(
        profile=PROFILE,
        district=d.DISTRICT,
        stream_type=CASE,
        stream=story.case.id,
        version=version,
        event=story.case.id,
        command=story.case.id,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        occurred_at=draft.occurred_at,
        actor=Who("admin", None, None, None, None),
        client="test",
        kind=story.kind.hash,
        reference_position=0,
        data=fact,
        sealed=(),
        prev=NO_PREVIOUS,
    )


def test_what_a_report_carries_in_clear_is_what_will_be_read_back() -> None:
    place = g.unit(d.COMMUNITY)
    told = in_clear({"where": place, "units": (place,), "people": 3})
    assert told == json.loads(msgspec.json.encode(told))
    assert told["where"]["path"][-1] == d.COMMUNITY


BOUNDED = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(sequences)
@BOUNDED
def test_whatever_was_accepted_replays_to_the_same_case(
    drawn: Drawn,
) -> None:
    story = walk(*drawn)
    records = recorded(story)
    g.same(folded(records), story.case)
    assert {type(draft.fact) for draft in story.history} <= set(FACTS)
    _check_clocks(story.case)
    _check_doings(story)


OUTLIVING = {"stability"}
"""Clocks that go on when a case ends (包稳定)."""


def _check_clocks(case: Case) -> None:
    instances = [clock.instance for clock in case.clocks]
    assert len(instances) == len(set(instances))
    running = [(clock.name, clock.scope) for clock in case.open_clocks]
    assert len(running) == len(set(running))
    for clock in case.clocks:
        assert clock.due > clock.started_at
        assert clock.open == (clock.stopped_at is None)
    if case.outcome is not None:
        assert {name for name, _ in running} <= OUTLIVING
    assert [task.number for task in case.tasks] == list(range(1, len(case.tasks) + 1))


def _check_order(drafts: Sequence[Draft]) -> None:
    """No fact is older than one before it; the breach comes before the stop."""
    times = [draft.occurred_at for draft in drafts if draft.stream is None]
    assert times == sorted(times)


def _check_doings(story: g.Story) -> None:
    """Nor is what somebody did older than what was done before; who is told of it is told later."""
    _check_order([one for one in story.history if not isinstance(one.fact, NoticeFact)])
    times = [draft.occurred_at for draft in story.history]
    assert all(at.microsecond == 0 and at <= story.now for at in times)


@given(sequences)
@settings(BOUNDED, max_examples=15)
def test_the_same_commands_give_the_same_facts(
    drawn: Drawn,
) -> None:
    assert walk(*drawn).history == walk(*drawn).history


@st.composite
def registers(draw: st.DrawFn) -> list[tuple[int, int | None, str]]:
    """Draw what successive registers say: minutes to the report, to the reply, and words."""
    row = st.tuples(
        st.sampled_from([0, 0, 0, -50_000, 3_000]),
        st.none() | st.sampled_from([10, 20_000, 60_000, 140_000]),
        st.sampled_from("xy"),
    )
    return draw(st.lists(row, min_size=1, max_size=5))


@given(registers())
@settings(BOUNDED, max_examples=80)
def test_successive_registers_replay_and_the_same_again_changes_nothing(
    rows: list[tuple[int, int | None, str]],
) -> None:
    story = g.Story("public-reply")
    start = g.NOW - timedelta(days=100)
    for moved, answer, words in rows:
        report = g.report(
            "public-reply",
            title=words,
            content=f"{moved}{words}.{answer}",
            source=SourceReference("board", "1"),
            occurred_at=start + timedelta(minutes=moved),
        )
        steps = () if answer is None else (_reply(start, answer),)
        new = story.case.version == 0
        told: Command = (
            Import(report=report, steps=steps) if new else Update(report=report, steps=steps)
        )
        story.when(g.IMPORTER, told)
        if story.refusal is None:
            once = story.case
            story.when(g.IMPORTER, Update(report=report, steps=steps)).then()
            assert story.case is once
        story.later(hours=1)
    if story.history:
        records = recorded(story)
        g.same(folded(records), story.case)
        _check_clocks(story.case)
        _check_past(records, story)


def _reply(start: datetime, minutes: int) -> Act:
    return Act(
        action="reply", data={"reply": "答复"}, occurred_at=start + timedelta(minutes=minutes)
    )


def _check_past(records: list[Record], story: g.Story) -> None:
    """At every moment of its past the case was something that can be shown."""
    moments = OrderedDict.fromkeys(record.occurred_at for record in records)
    for moment in moments:
        seen = fold(
            blank(story.case.id, story.kind.hash),
            [(one.fact, one.occurred_at) for one in records if one.occurred_at <= moment],
        )
        assert seen.number == g.NUMBER
        assert seen.stage in story.kind.stages
        assert msgspec.json.encode(seen)


@given(sequences)
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_engine_holds_what_a_cold_load_gives_and_keeps_nothing_of_a_refusal(
    founded: Database, drawn: Drawn
) -> None:
    asyncio.run(_walk_engine(founded, *drawn))


@pytest.fixture
def founded(district: Database) -> Database:
    async def found() -> None:
        async with d.district_engine(district):
            pass

    asyncio.run(found())
    return district


async def _walk_engine(database: Database, kind: str, sequence: list[Move]) -> None:
    clock = d.Hands()
    vault = Vault(database, d.DISTRICT, LocalWrapper(bytes(range(32))))
    engine = Engine(database, d.DISTRICT, vault, clock=clock)
    try:
        await engine.refresh()
        told = g.report(kind, unit=d.GRID)
        case = (await engine.report(told, d.caller(Role.INTEGRATOR))).case
        for move in sequence:
            clock.now += timedelta(seconds=move.seconds)
            actor, act = attempt(case, move, partial(engine.world, case))
            try:
                after = (await engine.act(case.id, act, d.caller(actor.role, actor.unit))).case
                assert after.version > case.version
            except Refusal:
                after = case
            case = after
            held = engine._cache.get(case.id)  # noqa: SLF001 - the law is about it
            assert held is not None
            g.same(held.case, case)
            g.same(await engine.case(case.id), case)
    finally:
        engine.close()
