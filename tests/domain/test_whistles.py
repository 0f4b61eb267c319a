"""吹哨报到: departments are called, no handler named, report in on time; both sides are rated."""

from datetime import datetime
from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Settle
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import EVIDENCE, REASON, SUPERVISOR, Story, only

BLOW = ("blow_whistle", {"departments": [d.WATER, d.HOUSING], **REASON})
BLOWN: g.Steps = (*g.GRADED, (g.COMMUNITY, BLOW))
THERE: g.Steps = (*BLOWN, (g.WATER, "report_in"))
TIMER = Actor(role=Role.TIMER)


def rated(action: str, **data: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - as in a form
    return (action, {"score": 4, **data})


def test_a_community_calls_departments_each_with_a_number_and_a_clock() -> None:
    story = Story(*g.GRADED).when(g.COMMUNITY, BLOW)
    story.then("whistle-blown", "whistle-blown", "clock-started", "clock-started")
    calls = [fact for fact in story.facts(f.WhistleBlown) if isinstance(fact, f.WhistleBlown)]
    assert [(one.whistle, one.call, one.unit.id) for one in calls] == [
        (1, 1, d.WATER),
        (1, 2, d.HOUSING),
    ]
    assert {one.caller for one in calls} == {g.unit(d.COMMUNITY)}
    clocks = [fact for fact in story.facts(f.ClockStarted) if isinstance(fact, f.ClockStarted)]
    told = [(one.clock, one.scope, one.answerable, one.due.isoformat()) for one in clocks]
    assert told == [
        ("reporting_in", "call:1", g.unit(d.WATER), "2026-10-12T03:03:00+00:00"),
        ("reporting_in", "call:2", g.unit(d.HOUSING), "2026-10-12T03:03:00+00:00"),
    ]
    assert story.case.holder == g.unit(d.COMMUNITY)


def test_a_called_department_sees_the_case_and_may_act_in_it() -> None:
    story = Story(*BLOWN)
    assert {d.WATER, d.HOUSING} <= story.case.units
    story.when(g.WATER, ("note", {"note": "已派人"})).then("note-recorded")
    story.when(g.WATER, ("contain", EVIDENCE)).then("containment-taken")


def test_it_reports_in_once_and_only_its_own_clock_stops() -> None:
    story = Story(*BLOWN).when(g.WATER, "report_in").then("reported-in", "clock-stopped")
    assert only(story, f.ClockStopped).scope == "call:1"
    story.when(g.WATER, "report_in").refused("guard-failed")
    story.when(g.TOWN, "report_in").refused("role-forbidden")
    story.when(g.HOUSING, "report_in").then("reported-in", "clock-stopped")


def test_nobody_who_was_not_called_reports_in() -> None:
    Story(*g.GRADED).when(g.WATER, "report_in").refused("role-forbidden")


@pytest.mark.parametrize("unit", [d.COMMUNITY, d.OTHER_TOWN, d.GRID])
def test_a_whistle_calls_departments_only(unit: str) -> None:
    blow = ("blow_whistle", {"departments": [unit], **REASON})
    Story(*g.GRADED).when(g.TOWN, blow).refused("unknown-field", "/data/departments")


def test_only_a_community_or_a_town_of_the_place_blows() -> None:
    for actor in (g.WATER, g.GRID, g.OTHER_TOWN, g.OTHER_COMMUNITY, g.DISPATCHER):
        Story(*g.GRADED).when(actor, BLOW).refused("role-forbidden")
    Story(*g.GRADED).when(g.COMMUNITY, ("blow_whistle", REASON)).refused("unknown-field")


def test_a_department_is_called_again_only_when_it_was_released() -> None:
    story = Story(*THERE)
    again = ("blow_whistle", {"departments": [d.WATER], **REASON})
    story.when(g.TOWN, again).refused("unknown-field", "/data/departments")
    story.when(g.COMMUNITY, ("release_call", {"call": 1})).then("call-released")
    story.when(g.WATER, "report_in").refused("role-forbidden")
    story.when(g.TOWN, again).then("whistle-blown", "clock-started")
    assert (only(story, f.WhistleBlown).whistle, only(story, f.WhistleBlown).call) == (2, 3)
    assert d.WATER in story.case.units


def test_who_blew_or_the_centre_releases_and_says_which_of_several() -> None:
    story = Story(*BLOWN)
    refusal = story.when(g.COMMUNITY, "release_call").refused("unknown-field", "/data/call")
    assert "1、2" in str(refusal)
    story.when(g.TOWN, ("release_call", {"call": 2})).refused("role-forbidden")
    story.when(g.DISPATCHER, ("release_call", {"call": 2})).then("call-released", "clock-stopped")
    story.when(g.COMMUNITY, "release_call").then("call-released", "clock-stopped")
    assert story.case.routing.called == frozenset()


def test_whoever_does_not_come_in_time_breaches_and_its_superiors_are_told() -> None:
    story = Story(*THERE).at("2026-10-12T11:03:00+08:00").when(TIMER, Settle())
    assert story.facts(f.DeadlineBreached) == []
    story.later(seconds=1).when(TIMER, Settle())
    breach = only(story, f.DeadlineBreached)
    assert (breach.scope, breach.answerable) == ("call:2", g.unit(d.HOUSING))
    assert breach.due == datetime.fromisoformat("2026-10-12T11:03:00+08:00")
    assert only(story, f.EscalationRaised).step == "notify"
    story.when(g.HOUSING, "report_in").then("reported-in", "clock-stopped")
    assert only(story, f.ClockStopped).met is False


def test_both_sides_are_rated_once_and_neither_rates_itself() -> None:
    story = Story(*THERE)
    for actor, action in ((g.COMMUNITY, "rate_whistle"), (g.WATER, "rate_report")):
        story.when(actor, rated(action)).refused("role-forbidden")
    story.when(g.HOUSING, rated("rate_whistle", call=1)).refused("role-forbidden")
    story.when(g.COMMUNITY, rated("rate_report", call=1)).then("whistle-rated")
    assert (only(story, f.WhistleRated).side, only(story, f.WhistleRated).score) == ("report", 4)
    story.when(g.WATER, rated("rate_whistle", call=1)).then("whistle-rated")
    assert only(story, f.WhistleRated).side == "whistle"
    story.when(SUPERVISOR, rated("rate_report", call=1)).refused("unknown-field", "/data/call")


def test_what_has_not_come_is_not_rated_until_it_was_released() -> None:
    story = Story(*THERE).when(g.COMMUNITY, rated("rate_report", call=2)).refused("guard-failed")
    assert "报到" in str(story)
    again = Story(*THERE, (g.COMMUNITY, ("release_call", {"call": 2})))
    again.when(SUPERVISOR, rated("rate_report", call=2)).then("whistle-rated")
    again.when(g.HOUSING, rated("rate_whistle", call=2)).then("whistle-rated")


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_lies_between_one_and_five(score: int) -> None:
    bad = ("rate_report", {"call": 1, "score": score})
    Story(*THERE).when(g.COMMUNITY, bad).refused("unknown-field", "/data/score")


def test_a_return_does_not_release_the_called() -> None:
    story = Story(*BLOWN, (g.DISPATCHER, ("dispatch", {"lead": d.WATER})))
    story.given((g.WATER, ("request_return", REASON)), (g.DISPATCHER, "uphold_return"))
    scopes = {clock.scope for clock in story.case.open_clocks if clock.scope}
    assert scopes == {"call:1", "call:2"}
