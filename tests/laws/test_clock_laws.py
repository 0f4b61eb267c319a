"""Laws of clocks over random lives: two counts agree, and what moves a due moves it the right way.

A few hundred lives in `make test`; in `make laws` as many as BIHUAN_LAWS says.
"""

import dataclasses
import os
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from time import process_time

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import facts as f
from domain.budget import Cutoff, parse_budget
from domain.case import blank
from domain.clock import Clock
from domain.drift import drift
from domain.due import consumed
from domain.evolve import fold
from domain.explain import Explanation, explain
from domain.reckoning import pauses_of, reckon
from tests.support.clock_facts import INSTANCE
from tests.support.clock_stories import (
    REASONS,
    STORIES,
    ClockStory,
    Event,
    Lived,
    Told,
    moment,
    told_and_lived,
    told_to_the_end,
)

LIVES = int(os.environ.get("BIHUAN_LAWS", "300"))
"""How many random clocks are counted twice; the other laws take a tenth, but at least 100."""
SHARDS = 4
FEWER = max(100, LIVES // 10)
LONG = LIVES > 1000
pytestmark = pytest.mark.timeout(0 if LONG else 300)


def many(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_naive_count_agrees_after_everything_that_happens(
    shard: int, record_property: Callable[[str, object], None]
) -> None:
    del shard  # only so that several processes share the work
    figures: Counter[str] = Counter()

    @many(-(-LIVES // SHARDS))
    @given(STORIES)
    def law(story: ClockStory) -> None:
        figures["clocks counted twice"] += 1
        for told, lived, now in told_and_lived(story):
            figures["dues compared"] += 1
            assert told.due(now) == moment(lived.due(now))
        assert told.threshold(now, 80) == moment(lived.threshold(now, 80))
        assert told.threshold(now, 100) == told.due(now)

    began = process_time()
    law()
    record_property("mismatches", 0)
    for name, number in figures.items():
        record_property(name, number)
    record_property("seconds of processor time", round(process_time() - began))


@many(FEWER)
@given(STORIES)
def test_replay_reproduces_every_due_from_facts_read_back(story: ClockStory) -> None:
    told, _ = told_to_the_end(story)
    read = [
        (msgspec.json.decode(msgspec.json.encode(fact), type=type(fact)), at)
        for fact, at in told.records
    ]
    case = blank("", "")
    for fact, at in read:
        case = fold(case, [(fact, at)])
        if isinstance(fact, f.ClockStarted | f.ClockResumed | f.ClockRescheduled):
            assert case.clocks[-1].due == fact.due
    assert case.clocks == told.clocks


@many(FEWER)
@given(STORIES, st.integers(-60 * 24, 60 * 24 * 20), st.integers(1, 60 * 24 * 9))
def test_a_pause_never_makes_a_due_earlier(story: ClockStory, after: int, minutes: int) -> None:
    told, now = told_to_the_end(story)
    since = moment((story.start + after) * 60)
    held = f.Span(since, since + timedelta(minutes=minutes))
    clock = _running(told.clock)
    paused = replace(clock, pauses=(*clock.pauses, held))
    assert _due(paused, told, now) >= _due(clock, told, now)


@many(FEWER)
@given(STORIES, st.integers(1, 30), st.integers(1, 30))
def test_an_extension_is_monotone(story: ClockStory, one: int, more: int) -> None:
    told, now = told_to_the_end(story)
    clock = _running(told.clock)
    unit = parse_budget(clock.budget).unit.value
    dues = [
        _due(replace(clock, extensions=(*clock.extensions, *extra)), told, now)
        for extra in ((), (f"{one}{unit}",), (f"{one + more}{unit}",), (f"{one}{unit}",) * 2)
    ]
    assert dues == sorted(dues) or (more > one and dues[:3] == sorted(dues[:3]))
    assert dues[3] >= dues[1]
    if unit in {"wh", "nh", "wd"} and not clock.floors:
        assert dues[0] < dues[1] < dues[2]


@many(FEWER)
@given(STORIES)
def test_an_explanation_partitions_the_time_and_comes_to_the_due(story: ClockStory) -> None:
    told, now = told_to_the_end(story)
    told_all = explain(told.records, INSTANCE, told.almanacs, moment(now * 60))
    rows = told_all.rows
    assert told_all.complete
    assert told_all.agrees
    assert rows[0].since == told_all.started_at
    assert all(one.until == other.since for one, other in pairwise(rows))
    assert all(one.since < one.until for one in rows)
    assert rows[-1].until == max(told_all.due, moment(now * 60))
    [at_due] = [row for row in rows if row.until == told_all.due]
    assert at_due.total == told_all.size, "the sum at the due is the budget with its extensions"
    assert [row.total for row in rows] == _running_sums([row.amount for row in rows])
    assert all(row.amount == 0 for row in rows if not row.counted)


@many(FEWER)
@given(STORIES)
def test_time_is_charged_exactly_once_and_to_whoever_held_the_case(story: ClockStory) -> None:
    told, now = told_to_the_end(story)
    told_all = explain(told.records, INSTANCE, told.almanacs, moment(now * 60))
    holders = [
        (at, fact.holder.id)
        for fact, at in told.records
        if isinstance(fact, f.CaseFact) and fact.holder
    ]
    for row in told_all.rows:
        lived = row.counted and not row.ahead
        assert (row.charged_to is not None) == lived
        if lived and told_all.counts == "seconds":
            held = {unit for at, unit in holders if row.since < at < row.until}
            before = [unit for at, unit in holders if at <= row.since]
            assert held | {before[-1]} == {row.charged_to}
    charged = sum(row.amount for row in told_all.rows if row.charged_to)
    unit = parse_budget(told_all.budget).unit
    if not told.clock.floors and unit in {"wh", "nh", "wd"}:
        assert charged == _consumed(told, told_all, now)


@many(FEWER)
@given(STORIES, st.integers(0, 14))
def test_drift_is_reported_where_and_only_where_a_rule_was_changed(
    story: ClockStory, day: int
) -> None:
    story = _running_at_the_end(story)
    told, _, now = _last(story)
    case = fold(blank("case", ""), told.records)
    assert drift(case, told.almanacs, None) == []
    otherwise = dataclasses.replace(story, flipped=story.flipped ^ {day})
    rules, lived, now = _last(otherwise)
    counted_now = moment(lived.due(now))
    found = drift(case, rules.almanacs, None)
    assert [(one.what, one.now) for one in found] == (
        [] if counted_now == told.clock.due else [("due", counted_now.isoformat())]
    )


def _last(story: ClockStory) -> tuple[Told, Lived, int]:
    return deque(told_and_lived(story), maxlen=1)[0]


def _running_at_the_end(story: ClockStory) -> ClockStory:
    """Let go whatever holds the clock: nobody has counted yet what stands still."""
    free = [
        Event(1, "resume", number, "wh", 0, 0, frozenset(), 0) for number in range(len(REASONS))
    ]
    return dataclasses.replace(story, events=(*story.events, *free))


def _running(clock: Clock) -> Clock:
    return replace(clock, status="running", stopped_at=None)


def _due(clock: Clock, told: Told, now: int) -> datetime:
    return reckon(clock, told.almanac, moment(now * 60)).due.at


def _consumed(told: Told, told_all: Explanation, now: int) -> int:
    clock = told.clock
    return consumed(
        clock.started_at,
        moment(now * 60),
        parse_budget(told_all.budget).unit,
        told.almanac,
        Cutoff(clock.cutoff),
        pauses=pauses_of(clock, moment(now * 60)),
    )


def _running_sums(amounts: list[int]) -> list[int]:
    return list(accumulate(amounts))
