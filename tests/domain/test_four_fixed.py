"""四定: what is fixed, when the four stand, and that completion waits for them."""

from datetime import date, datetime
from itertools import permutations
from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor, Role
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import only


def types(story: g.Story) -> list[str]:
    return [draft.fact.TYPE for draft in story.drafts]


def said(story: g.Story, type_: type[f.Fact]) -> list[Any]:
    return [draft.fact for draft in story.history if isinstance(draft.fact, type_)]


def test_a_leader_answers_by_a_post_from_now_on() -> None:
    story = a.handling().when(*a.FIX_LEADER).then("leader-fixed")
    fact = only(story, f.LeaderFixed)
    assert (fact.post, fact.person, fact.unit.id) == ("post-chief", a.CHIEF, d.COUNTY)
    assert (fact.since, fact.previous) == (story.now, None)


def test_a_post_is_found_by_its_title_where_only_one_has_it() -> None:
    story = a.handling().when(g.SUPERVISOR, ("fix_leader", {"leader": "县长"}))
    assert only(story, f.LeaderFixed).post == "post-chief"
    refused = a.handling().when(g.SUPERVISOR, ("fix_leader", {"leader": "市长"}))
    assert "不在组织目录中" in str(refused.refused("unknown-field", "/data/leader"))


def test_a_vacant_post_may_be_fixed_and_does_not_stand() -> None:
    others = (a.FIX_MEASURES, a.FIX_DEADLINE, a.FIX_RESPONSIBILITY)
    story = a.handling("major", *others, (g.SUPERVISOR, ("fix_leader", {"leader": a.EMPTY})))
    assert said(story, f.FourFixed) == []
    assert said(story, f.LeaderFixed)[0].person is None
    assert "定领导（岗位缺位）" in str(story.when(*a.CLAIM).refused("accountability-incomplete"))


def test_measures_have_owners_one_for_all_or_one_for_each() -> None:
    three = ["甲", "乙", "丙"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"measures": three}, [d.WATER] * 3),
        ({"measures": three, "owners": [d.HOUSING]}, [d.HOUSING] * 3),
        (
            {"measures": three, "owners": [d.WATER, "住建局", d.WATER]},
            [d.WATER, d.HOUSING, d.WATER],
        ),
    ]
    for data, owners in cases:
        story = a.handling().when(a.LEAD, ("fix_measures", data))
        fact = only(story, f.MeasuresFixed)
        assert [unit.id for unit in fact.owners] == owners
        texts = [text.field for text in story.drafts[0].texts]
        assert texts == ["measures.1", "measures.2", "measures.3"]
    uneven = {"measures": three, "owners": [d.WATER, d.HOUSING]}
    a.handling().when(a.LEAD, ("fix_measures", uneven)).refused("unknown-field", "/data/owners")
    unknown = {"measures": three, "owners": ["外星局"]}
    a.handling().when(a.LEAD, ("fix_measures", unknown)).refused("unknown-unit", "/data/owners/0")


def test_measures_are_ticked_off_once_and_a_new_list_starts_again() -> None:
    story = a.handling("major", a.FIX_MEASURES)
    tick = ("tick_measure", {"measure": 2, **a.EVIDENCE})
    story.when(a.LEAD, tick).then("measure-done")
    assert "须为未落实的措施：1" in str(story.when(a.LEAD, tick).refused("unknown-field"))
    story.when(a.LEAD, ("tick_measure", {"measure": 3, **a.EVIDENCE})).refused("unknown-field")
    assert only(story.when(*a.FIX_MEASURES), f.MeasuresFixed).edition == 2
    story.when(a.LEAD, tick).then("measure-done")


def test_a_measure_is_ticked_off_with_evidence_only() -> None:
    story = a.handling("major", a.FIX_MEASURES)
    story.when(a.LEAD, ("tick_measure", {"measure": 1})).refused("evidence-missing")
    a.handling().when(a.LEAD, ("tick_measure", {"measure": 1, **a.EVIDENCE})).refused(
        "unknown-field", "/data/measure"
    )


def test_the_date_is_not_later_than_the_dues_as_they_stand_now() -> None:
    story = a.handling()
    handling = story.case.clock("handling")
    total = story.case.clock("total")
    assert handling is not None
    assert total is not None
    assert handling.due < total.due
    late = {"deadline": total.due.isoformat()}
    refusal = story.when(a.LEAD, ("fix_deadline", late)).refused("deadline-not-allowed")
    assert "不得晚于“办理时限”的到期时间" in str(refusal)
    just = {"deadline": handling.due.isoformat()}
    story.when(a.LEAD, ("fix_deadline", just)).then("deadline-fixed", "clock-started")
    past = {"deadline": g.NOW.isoformat()}
    story.when(a.LEAD, ("fix_deadline", past)).refused("deadline-not-allowed")


def test_a_clock_counts_to_the_fixed_date_and_follows_a_new_one() -> None:
    story = a.handling("major", a.FIX_DEADLINE)
    clock = story.case.clock("deadline")
    assert clock is not None
    assert clock.due == datetime.fromisoformat(a.DEADLINE)
    assert (clock.budget, clock.limit.origin, clock.limit.by) == (
        "date",
        "accountability",
        "fixed_deadline",
    )
    earlier = {"deadline": "2026-10-29T12:00:00+08:00"}
    story.when(a.LEAD, ("fix_deadline", earlier)).then("deadline-fixed", "clock-rescheduled")
    moved = only(story, f.ClockRescheduled)
    assert (moved.reason, moved.due) == (
        "deadline-fixed",
        datetime.fromisoformat(earlier["deadline"]),
    )
    assert only(story, f.DeadlineFixed).previous == datetime.fromisoformat(a.DEADLINE)


def test_extending_a_clock_does_not_move_the_date() -> None:
    story = a.handling("major", a.FIX_DEADLINE)
    asked = ("request_extension", {"asked": "5wd", "reason": "材料未到"})
    story.took((a.LEAD, asked), (g.COMMUNITY, "grant_extension"))
    assert story.case.accountability.deadline is not None
    assert story.case.accountability.deadline.at == datetime.fromisoformat(a.DEADLINE)
    clock = story.case.clock("deadline")
    assert clock is not None
    assert clock.due == datetime.fromisoformat(a.DEADLINE)


def test_a_date_that_has_passed_is_not_moved_any_more() -> None:
    story = a.handling("major", a.FIX_DEADLINE).at("2026-11-02T09:00")
    later = {"deadline": "2026-11-05T12:00:00+08:00"}
    refusal = story.when(a.LEAD, ("fix_deadline", later)).refused("deadline-not-allowed")
    assert "原定的时间已过" in str(refusal)
    breaches = {one.clock: one.effective_at for one in said(story, f.DeadlineBreached)}
    assert breaches["deadline"] == datetime.fromisoformat(a.DEADLINE)


def test_milestones_have_a_moment_each_in_their_order() -> None:
    dates = ["2026-10-20T18:00:00+08:00", "2026-10-26T18:00:00+08:00"]
    form: dict[str, Any] = {"deadline": a.DEADLINE, "milestones": ["调查", "处理"]}
    story = a.handling().when(a.LEAD, ("fix_deadline", {**form, "milestone_dates": dates}))
    assert only(story, f.DeadlineFixed).milestones == tuple(map(datetime.fromisoformat, dates))
    for wrong in (dates[:1], dates[::-1], [dates[0], "2026-11-20T18:00:00+08:00"], []):
        story = a.handling().when(a.LEAD, ("fix_deadline", {**form, "milestone_dates": wrong}))
        story.refused("unknown-field", "/data/milestone_dates")
    naive = {**form, "milestone_dates": ["2026-10-20T18:00:00", dates[1]]}
    a.handling().when(a.LEAD, ("fix_deadline", naive)).refused("naive-time")


def test_responsibility_names_two_posts_and_the_lead_coordinates() -> None:
    story = a.handling().when(*a.FIX_RESPONSIBILITY).then("responsibility-fixed")
    fact = only(story, f.ResponsibilityFixed)
    assert (fact.cadre, fact.grid_worker) == (
        f.Answerable("post-cadre", a.CADRE),
        f.Answerable("post-worker", a.WORKER),
    )
    assert fact.coordinator is not None
    assert [unit.id for unit in (*fact.units, fact.coordinator)] == [d.WATER, d.WATER]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_whatever_comes_last_makes_the_four_stand_once(order: tuple[int, ...]) -> None:
    story = a.handling("major", *(a.FOUR[n] for n in order[:3]))
    assert said(story, f.FourFixed) == []
    story.when(*a.FOUR[order[3]])
    four = only(story, f.FourFixed)
    assert four.parts == ("leader", "measures", "deadline", "responsibility")
    assert (four.severity, four.count) == ("major", 1)
    assert "clock-stopped" in types(story)
    story.when(a.LEAD, ("fix_measures", {"measures": ["又一条"]})).then("measures-fixed")


def test_a_serious_case_needs_no_leader_and_a_general_one_nothing() -> None:
    serious = a.handling("serious")
    deadline = {"deadline": "2026-10-16T12:00:00+08:00"}
    serious.took(a.FIX_MEASURES, (a.LEAD, ("fix_deadline", deadline)), a.FIX_RESPONSIBILITY)
    [four] = said(serious, f.FourFixed)
    assert four.parts == ("measures", "deadline", "responsibility")
    serious.when(*a.CLAIM).then("completion-claimed", "clock-stopped", "clock-started")
    general = a.handling("general").when(*a.CLAIM)
    general.then("completion-claimed", "clock-stopped", "clock-started")
    assert said(a.handling("general", a.FIX_MEASURES), f.FourFixed) == []


def test_completion_is_not_claimed_while_one_of_the_four_is_missing() -> None:
    story = a.handling()
    refusal = story.when(*a.CLAIM).refused("accountability-incomplete")
    assert "未定领导、未定措施、未定时间、未定责任" in str(refusal)
    story.took(a.FIX_LEADER, a.FIX_MEASURES, a.FIX_RESPONSIBILITY)
    assert "：未定时间。" in str(story.when(*a.CLAIM).refused("accountability-incomplete"))
    story.took(a.FIX_DEADLINE).when(*a.CLAIM).then(
        "completion-claimed", "clock-stopped", "clock-started"
    )


def test_a_post_that_falls_vacant_stands_in_the_way_until_it_is_held_again() -> None:
    story = a.handling("major", *a.FOUR)
    story.directory = a.directory(("post-chief", a.CHIEF, a.LONG_AGO, date(2026, 10, 14)))
    story.at("2026-10-14T09:00")
    assert "定领导（岗位缺位）" in str(story.when(*a.CLAIM).refused("accountability-incomplete"))
    story.took((g.SUPERVISOR, ("fix_leader", {"leader": "post-deputy", **a.HANDOVER})))
    story.when(*a.CLAIM).then("completion-claimed", "clock-stopped", "clock-started")


def test_first_containment_is_never_blocked() -> None:
    for stage in (a.graded(), a.handling()):
        stage.when(a.LEAD if stage.case.lead else g.GRID, ("contain", {"evidence": "已围挡"}))
        stage.then("containment-taken")


def test_the_four_are_due_24_natural_hours_after_grading() -> None:
    story = a.graded()
    clock = story.case.clock("four_fixed")
    assert clock is not None
    assert (clock.due - clock.started_at).total_seconds() == 24 * 3600
    assert a.graded("serious").case.clock("four_fixed") is None
    story.at("2026-10-13T10:00")
    [breach] = [one for one in said(story, f.DeadlineBreached) if one.clock == "four_fixed"]
    assert breach.effective_at == clock.due


def test_a_case_that_becomes_major_later_has_24_hours_from_then() -> None:
    story = a.handling("serious")
    grade = ("regrade", {"severity": "major", "reason": "人数增加"})
    story.at("2026-10-13T09:00").when(g.SUPERVISOR, grade)
    clock = story.case.clock("four_fixed")
    assert clock is not None
    assert clock.started_at == story.now
    urgent = ("regrade", {"severity": "major", "urgency": "urgent", "reason": "更急"})
    story.later(hours=1).when(g.SUPERVISOR, urgent)
    assert [one.sequence for one in story.case.clocks if one.name == "four_fixed"] == [1]


def test_a_case_that_is_major_no_more_has_no_24_hours_and_a_breach_stands() -> None:
    down = ("regrade", {"severity": "general", "reason": "已缓和"})
    story = a.handling().when(g.SUPERVISOR, down)
    [cancelled] = story.facts(f.ClockCancelled)
    assert isinstance(cancelled, f.ClockCancelled)
    assert (cancelled.clock, cancelled.reason) == ("four_fixed", "regraded")
    late = a.handling().at("2026-10-13T10:00").when(g.SUPERVISOR, down)
    assert late.facts(f.BreachVoided) == []
    wrong = ("correct_grading", {"severity": "general", "reason": "误定"})
    voided = a.handling().at("2026-10-13T10:00").when(g.SUPERVISOR, wrong)
    assert "four_fixed" in [
        one.clock for one in voided.facts(f.BreachVoided) if isinstance(one, f.BreachVoided)
    ]


def test_what_was_fixed_before_grading_stands_with_the_grade() -> None:
    story = a.Story().took(*g.ACCEPTED)
    before = (
        a.FIX_LEADER,
        (g.DISPATCHER, a.FIX_MEASURES[1]),
        (g.DISPATCHER, a.FIX_DEADLINE[1]),
        a.FIX_RESPONSIBILITY,
    )
    story.took(*before)
    story.when(g.COMMUNITY, a.grade("major"))
    assert only(story, f.FourFixed).count == 1
    assert story.case.clock("four_fixed") is None


def test_grading_down_may_be_what_makes_the_rest_complete() -> None:
    story = a.handling("major", a.FIX_MEASURES, a.FIX_RESPONSIBILITY)
    story.took((a.LEAD, ("fix_deadline", {"deadline": "2026-10-16T12:00:00+08:00"})))
    story.when(g.SUPERVISOR, ("regrade", {"severity": "serious", "reason": "已缓和"}))
    assert only(story, f.FourFixed).parts == ("measures", "deadline", "responsibility")
    assert story.case.open_clocks
    assert "four_fixed" not in [clock.name for clock in story.case.open_clocks]


def test_nobody_fixes_what_is_not_theirs() -> None:
    story = a.handling()
    story.when(g.GRID, a.FIX_LEADER[1]).refused("role-forbidden")
    story.when(g.HOUSING, a.FIX_MEASURES[1]).refused("role-forbidden")
    story.when(g.WATER, a.FIX_RESPONSIBILITY[1]).refused("role-forbidden")


def test_the_adopting_leader_acts_by_post_by_person_or_by_unit() -> None:
    story = a.handling("major", a.FIX_LEADER)
    by_post = Actor(role=Role.LEADER, unit=d.COUNTY, post="post-chief")
    by_person = Actor(role=Role.LEADER, person=a.CHIEF)
    by_unit = Actor(role=Role.LEADER, unit=d.COUNTY)
    for actor in (by_post, by_person, by_unit):
        story.copy_at(actor, a.FIX_MEASURES[1]).then("measures-fixed")
    other = Actor(role=Role.LEADER, post="post-deputy", person=a.DEPUTY)
    story.copy_at(other, a.FIX_MEASURES[1]).refused("role-forbidden")
