"""What the parts of one action cost in this process, in microseconds; no database in between."""

import statistics
import timeit
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import uvloop
from msgspec.structs import replace

from benchmarks import deadlines, stories
from benchmarks import district as d
from benchmarks.measure import Result, Row, rounds
from domain.actor import Actor, Role
from domain.case import Case, blank
from domain.commands import Act, Command, Report, Settle
from domain.decide import decide
from domain.due import Cutoff, due, parse_budget
from domain.evolve import evolve
from domain.facts import Text
from domain.planning import plan
from domain.turn import Turn
from eventlog import appender
from eventlog.appender import Answer, Request, arguments
from eventlog.database import Connection, Database
from eventlog.envelope import Envelope, Tail, enclose, subjects
from eventlog.records import new_id
from workflows.engine import Engine
from workflows.kind_source import read
from workflows.language import published_kind, shipped_sources

DISTRICT: Final = "610327"
CLIENTS: Final = (16, 64)
METHOD: Final = (
    "Wall time per call, the best of many loops a sample. Batches: how many requests share a "
    "transaction, and how long one takes, while clients act on cases in the cache."
)


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("micro", METHOD, quick)
    with d.server() as dsn, d.new_district(dsn, DISTRICT) as database:
        uvloop.run(_run(database, result))
    return result


async def _run(database: Database, result: Result) -> None:
    async with d.engine_on(database, DISTRICT) as engine:
        cases = await d.seed(engine, 200)
        await _parts(engine, result, cases[0])
        _clocks(engine, result)
        _major(engine, result)
        _compiling(result)
        await _batches(engine, result, cases)


async def _parts(engine: Engine, result: Result, case_id: str) -> None:
    case = await engine.case(case_id)
    world = engine.world(case, d.DISPATCHER)
    tail = Tail(case.id, "case", case.version, "0" * 64)
    now = engine.now()
    envelope = Envelope(
        district=DISTRICT,
        actor=d.DISPATCHER,
        client="bench",
        command=new_id(now),
        kind=case.kind_hash,
        reference_position=1,
        now=now,
    )
    plain, noted = d.recategorise(1), d.note(1)
    drafts = {act.action: decide(act, case, world) for act in (plain, noted)}
    engine.vault.prepare(subjects(drafts["note"], case.id))
    text = Text("note", "narrative", "第 1 次查看现场，路面已清理，围挡仍在。")
    events, _ = enclose(drafts["reclassify"], tail, envelope, engine.vault)
    request = Request("bench", "key", bytes(32), envelope.command, now, events)
    calendar, budget = engine.reference.calendars["cn-office"], parse_budget("15wd")

    def deciding(act: Act) -> Callable[[], object]:
        return lambda: decide(act, case, world)

    parts: dict[str, Callable[[], object]] = {
        "decide, without text": deciding(plain),
        "decide, with a text": deciding(noted),
        "enclose one fact": lambda: enclose(drafts["reclassify"], tail, envelope, engine.vault),
        "enclose one fact with a text": lambda: enclose(
            drafts["note"], tail, envelope, engine.vault
        ),
        "seal one text": lambda: engine.vault.seal(case.id, 11, text),
        "spread a batch of 64 (each)": lambda: arguments([request] * 64),
        "due date of 15wd": lambda: due(now, budget, calendar, Cutoff("end_of_day")),
    }
    for name, part in parts.items():
        each = 64 if "each" in name else 1
        result.figure(name, "µs", [_best(part) / each for _ in range(rounds(quick=result.quick))])


def _clocks(engine: Engine, result: Result) -> None:
    """Measure what clocks cost: a due, a plan, what an action beside them and time itself cost."""
    almanac, now = engine.reference.calendars["cn-office"], engine.now()
    pauses = [
        (now + timedelta(days=day), now + timedelta(days=day + 2, hours=5)) for day in (1, 4, 9)
    ]

    def falling(budget: str) -> Callable[[], object]:
        size = parse_budget(budget)
        return lambda: due(now, size, almanac, pauses=pauses)

    for budget in ("15wd", "80wh", "15nd"):
        row = _each(result, f"due date of {budget} with three pauses", falling(budget))
        result.claim(row, "≤", 50)
    case, breached = _handled(engine)
    handling = next(clock for clock in case.open_clocks if clock.name == "handling")
    doing = replace(
        engine.world(case, stories.DEPARTMENT_OFFICER), now=breached - 2 * deadlines.SECOND
    )
    turn, timely = Turn(case, doing), replace(doing, now=breached)
    note, settle = d.note(1), Settle()
    _each(result, "plan of a handling clock", lambda: plan(handling, turn, handling.started_at))
    _each(result, "decide, with a text, beside handling", lambda: decide(note, case, doing))
    _each(result, "settle a breach and a rung", lambda: decide(settle, case, timely))


def _handled(engine: Engine) -> tuple[Case, datetime]:
    """Return a case whose handling has just begun, its warnings given, and when it is breached."""
    now = engine.now()
    moves = deadlines.dispatched(now, "urgent")
    moves.append((now + deadlines.URGENT - deadlines.SECOND, deadlines.TIMER, Settle()))
    case = blank(str(uuid4()), engine.reference.kind(deadlines.KIND).hash)
    for at, actor, command in moves:
        world = replace(engine.world(case, actor, number="1"), now=at)
        for draft in decide(command, case, world):
            case = evolve(case, draft.fact, draft.occurred_at)
    return case, now + deadlines.URGENT + deadlines.SECOND


def _major(engine: Engine, result: Result) -> None:
    """Measure decisions on a major case: guards, decision table, accountability and its clocks."""
    officer, now = Actor(role=Role.COMMUNITY_OFFICER, unit=d.COMMUNITY), engine.now()
    case = blank(str(uuid4()), engine.reference.kind(deadlines.KIND).hash)
    reported = Report(
        kind=deadlines.KIND,
        title="外墙砖脱落",
        unit=d.COMMUNITY,
        data={"people": 80, "danger": True},
    )
    measures = {"measures": ["围挡", "勘查", "修复"]}
    steps: tuple[tuple[Actor, Command], ...] = (
        (d.DISPATCHER, reported),
        (officer, Act(action="accept")),
        (officer, Act(action="grade")),
        (officer, Act(action="fix_measures", data=measures)),
        (d.DISPATCHER, Act(action="dispatch", data={"lead": d.DEPARTMENT})),
        (officer, d.note(1)),
    )
    taken: list[Row] = []
    for actor, command in steps:
        world = replace(engine.world(case, actor, number="1"), now=now)
        deciding, before = command, case
        if isinstance(command, Act):
            name = f"decide, {command.action} of a major case"
            taken.append(_each(result, name, lambda: decide(deciding, before, world)))  # noqa: B023 - called at once
        for draft in decide(command, case, world):
            case = evolve(case, draft.fact, draft.occurred_at)
    assert case.severity == "major", case.severity
    medians = [
        statistics.median(each) for each in zip(*(row.samples for row in taken), strict=True)
    ]
    result.claim(result.figure("decide on a major case, median of these", "µs", medians), "≤", 200)


def _compiling(result: Result) -> None:
    """Measure what a start costs: every shipped kind read, checked and compiled."""
    texts = [source.text for source in shipped_sources()]
    seconds: list[float] = []
    for _ in range(rounds(quick=result.quick)):
        read.cache_clear()
        published_kind.cache_clear()
        start = timeit.default_timer()
        for text in texts:
            published_kind(text)
        seconds.append(timeit.default_timer() - start)
    row = result.figure(f"compile all {len(texts)} kinds", "s", seconds)
    result.claim(row, "≤", 1)


def _each(result: Result, name: str, part: Callable[[], object]) -> Row:
    return result.figure(name, "µs", [_best(part) for _ in range(rounds(quick=result.quick))])


def _best(part: Callable[[], object]) -> float:
    """Return the microseconds of the fastest loop."""
    loops, _ = timeit.Timer(part).autorange()
    loops = max(1, loops // 10)
    return min(timeit.repeat(part, number=loops, repeat=5)) / loops * 1e6


async def _batches(engine: Engine, result: Result, cases: list[str]) -> None:
    sizes: list[int] = []
    times: list[float] = []
    original = appender.append_batch

    def watched(connection: Connection, requests: list[Request]) -> list[Answer]:
        start = timeit.default_timer()
        answers = original(connection, requests)
        times.append((timeit.default_timer() - start) * 1000)
        sizes.append(len(requests))
        return answers

    appender.append_batch = watched  # type: ignore[assignment] # only to look on
    try:
        for clients in CLIENTS:
            mean: list[float] = []
            took: list[float] = []
            for _ in range(rounds(quick=result.quick)):
                sizes.clear()
                times.clear()
                await d.hammer(engine, cases, d.recategorise, clients=clients, seconds=1.0)
                mean.append(sum(sizes) / len(sizes))
                took.append(sum(times) / len(times))
            result.figure(f"requests a transaction at {clients} clients", "", mean)
            result.figure(f"one transaction at {clients} clients", "ms", took)
    finally:
        appender.append_batch = original
