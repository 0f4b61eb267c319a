"""交办, 上报, 接办, 首接负责: only the holder passes a case on, one step at a time."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.directory import fold_directory
from domain.world import World
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import EVIDENCE, REASON, Story, altered, only

UP = ("escalate", REASON)
GRADE = ("grade", {"severity": "general", **g.OVERRIDE})
URGENT: g.Steps = (
    *g.ACCEPTED,
    (g.COMMUNITY, ("grade", {"severity": "serious", "urgency": "urgent", **g.OVERRIDE})),
)
WITH_TOWN: g.Steps = (*g.ACCEPTED, (g.COMMUNITY, UP))
TAKEN: g.Steps = (*WITH_TOWN, (g.TOWN, "accept_handover"))
WITH_CENTRE: g.Steps = (*TAKEN, (g.TOWN, UP), (g.DISPATCHER, "accept_handover"))


def to(unit: str) -> tuple[str, dict[str, Any]]:
    return ("hand_down", {"to": unit})


def test_a_case_goes_one_level_up_and_each_hop_is_counted() -> None:
    story = Story(*g.ACCEPTED).when(g.COMMUNITY, UP).then("case-escalated", "clock-started")
    hop = only(story, f.CaseEscalated)
    assert (hop.hop, hop.giver, hop.receiver) == (1, g.unit(d.COMMUNITY), g.unit(d.TOWN))
    assert (hop.holder, hop.rule) == (g.unit(d.TOWN), "")
    clock = only(story, f.ClockStarted)
    assert (clock.clock, clock.answerable) == ("handover", g.unit(d.TOWN))
    story.when(g.TOWN, "accept_handover").then("handover-accepted", "clock-stopped")
    story.when(g.TOWN, UP).then("case-escalated", "clock-started")
    assert story.case.routing.hops == 2
    assert story.case.holder == g.unit(d.COUNTY)
    assert story.case.stage == "awaiting_grading"


def test_nobody_stands_above_the_centre() -> None:
    Story(*WITH_CENTRE).when(g.DISPATCHER, UP).refused("guard-failed")


def test_a_case_goes_down_to_a_unit_directly_below() -> None:
    story = Story(*WITH_CENTRE).when(g.DISPATCHER, to(d.OTHER_TOWN))
    assert only(story, f.CaseHandedDown).receiver == g.unit(d.OTHER_TOWN)
    assert story.case.holder == g.unit(d.OTHER_TOWN)
    assert story.case.routing.hops == 3


@pytest.mark.parametrize("unit", [d.COMMUNITY, d.GRID, d.COUNTY])
def test_a_case_does_not_go_down_past_a_level_nor_to_the_holder_itself(unit: str) -> None:
    Story(*WITH_CENTRE).when(g.DISPATCHER, to(unit)).refused("unknown-field", "/data/to")


def test_what_is_handed_down_stays_in_the_line_of_the_holder() -> None:
    story = Story(*TAKEN)
    story.when(g.TOWN, to(d.OTHER_COMMUNITY)).refused("unknown-field", "/data/to")
    story.when(g.TOWN, to(d.OTHER_TOWN)).refused("unknown-field", "/data/to")
    story.when(g.TOWN, to(d.COMMUNITY)).then("case-handed-down", "clock-started")


class OtherwiseRelated(Story):
    """The water bureau also stands under the other town, until the end of the month."""

    def world(self, actor: Actor) -> World:
        since, until = date(2026, 1, 1), date(2026, 11, 1)
        second = f.UnitRelated(
            relation="r1",
            sort="second_parent",
            unit=d.WATER,
            other=d.OTHER_TOWN,
            person=None,
            since=since,
            until=until,
        )
        known = fold_directory(g.directory(), [second])
        return replace(super().world(actor), directory=known)


def test_a_second_parent_hands_down_and_is_escalated_to_while_it_is_one() -> None:
    steps: g.Steps = (*WITH_CENTRE, (g.DISPATCHER, to(d.OTHER_TOWN)))
    story = OtherwiseRelated(*steps, (g.OTHER_TOWN, "accept_handover"))
    story.given((g.OTHER_TOWN, to(d.WATER)), (g.WATER, "accept_handover"))
    up = ("escalate", {"to": d.OTHER_TOWN, **REASON})
    now = story.now
    story.at("2026-11-02T10:00:00+08:00").when(g.WATER, up).refused("unknown-field", "/data/to")
    story.at(now).when(g.WATER, up).then("case-escalated", "clock-started")


def test_a_community_hands_a_case_to_a_department_of_its_county() -> None:
    story = Story(*g.ACCEPTED).when(g.COMMUNITY, to(d.WATER))
    assert story.case.holder == g.unit(d.WATER)
    story.when(g.WATER, "accept_handover")
    story.given((g.WATER, GRADE))
    story.when(g.WATER, ("dispatch", {"lead": d.WATER})).then("case-assigned", "clock-started")


def test_only_the_holder_acts_and_only_after_it_has_accepted() -> None:
    story = Story(*WITH_TOWN)
    for actor, action in ((g.COMMUNITY, UP), (g.COMMUNITY, GRADE)):
        story.when(actor, action).refused("role-forbidden")
    story.when(g.COMMUNITY, "accept_handover").refused("role-forbidden")
    for action in (UP, to(d.COMMUNITY), GRADE):
        assert "接办" in str(story.when(g.TOWN, action).refused("guard-failed"))
    story.when(g.TOWN, "accept_handover").then("handover-accepted", "clock-stopped")
    story.when(g.TOWN, "accept_handover").refused("guard-failed")
    story.when(g.TOWN, GRADE)
    assert story.case.stage == "awaiting_dispatch"


def test_an_urgent_case_may_skip_the_town_which_is_informed() -> None:
    story = Story(*URGENT).when(g.COMMUNITY, ("escalate", {"to": d.COUNTY, **REASON}))
    hop = only(story, f.CaseEscalated)
    assert (hop.receiver, hop.rule) == (g.unit(d.COUNTY), "urgency=urgent>county")
    assert hop.copied == (g.unit(d.TOWN),)


def test_without_a_rule_no_level_is_skipped() -> None:
    over = ("escalate", {"to": d.COUNTY, **REASON})
    refusal = Story(*g.GRADED).when(g.COMMUNITY, over).refused("unknown-field", "/data/to")
    assert "城关镇" in str(refusal)
    for unit in (d.OTHER_TOWN, d.WATER, d.COMMUNITY, d.GRID):
        beside = ("escalate", {"to": unit, **REASON})
        Story(*URGENT).when(g.COMMUNITY, beside).refused("unknown-field", "/data/to")


def test_a_rule_may_be_for_one_category_only() -> None:
    rule = ("  - {urgency: urgent, tier: county", "  - {category: 燃气, tier: county")
    for category, code in (("燃气", None), ("市容", "unknown-field")):
        story = Story(*g.ACCEPTED, kind=altered(rule))
        story.given((g.COMMUNITY, ("reclassify", {"category": category})))
        story.when(g.COMMUNITY, ("escalate", {"to": d.COUNTY, **REASON}))
        assert story.refusal is None if code is None else story.refused(code)


def test_copied_units_see_the_case_and_others_do_not() -> None:
    story = Story(*g.ACCEPTED, (g.COMMUNITY, ("escalate", {"copied": [d.WATER], **REASON})))
    assert d.WATER in story.case.units
    assert d.HOUSING not in story.case.units


def test_the_first_unit_answers_until_another_has_accepted() -> None:
    story = Story(*g.REPORTED)
    assert story.case.routing.responsible == g.unit(d.COMMUNITY)
    story.given((g.GRID, "submit"), (g.COMMUNITY, UP))
    assert story.case.holder == g.unit(d.TOWN)
    assert story.case.routing.responsible == g.unit(d.COMMUNITY)
    story.given((g.TOWN, "accept_handover"))
    assert story.case.routing.responsible == g.unit(d.TOWN)


def test_accepting_the_case_accepts_the_handover() -> None:
    story = Story(*g.REPORTED, (g.GRID, "submit"), (g.COMMUNITY, UP))
    story.when(g.TOWN, "accept").then("case-accepted", "clock-stopped", "clock-stopped")
    assert story.case.routing.responsible == g.unit(d.TOWN)
    assert story.case.accepted_by == g.unit(d.TOWN)
    assert story.case.routing.pending is None


@pytest.mark.parametrize(
    ("actor", "unit", "holder"),
    [
        (g.INTEGRATOR, d.GRID, d.COMMUNITY),
        (g.INTEGRATOR, d.TOWN, d.TOWN),
        (g.INTEGRATOR, None, d.COUNTY),
    ],
)
def test_without_an_owner_the_community_of_the_place_answers_then_the_centre(
    actor: Actor, unit: str | None, holder: str
) -> None:
    story = Story((actor, g.report(unit=unit)))
    assert story.case.holder == story.case.routing.responsible == g.unit(holder)


def test_containment_is_never_blocked() -> None:
    steps: list[g.Steps] = [
        g.REPORTED,
        (*g.REPORTED, (g.COMMUNITY, ("request_check", {"note": "请核实"}))),
        WITH_TOWN,
        g.HANDLING,
    ]
    for before in steps:
        Story(*before).when(g.GRID, ("contain", EVIDENCE)).then("containment-taken")
    Story(*WITH_CENTRE).when(g.TOWN, ("contain", EVIDENCE)).then("containment-taken")


@pytest.mark.parametrize("category", [None, "从没听过的类别", "99-99", "市容/其他"])
def test_no_report_is_refused_for_its_category_or_for_having_none(category: str | None) -> None:
    report = g.report(category=category)
    story = Story().when(g.GRID, report)
    assert only(story, f.CaseReported).category == category
    story.given((g.COMMUNITY, "accept"), (g.COMMUNITY, ("reclassify", {"category": "市容"})))
    told = next(one.fact for one in reversed(story.history) if one.fact.TYPE == "case-reclassified")
    assert isinstance(told, f.CaseReclassified)
    assert told.previous == category


def test_the_check_before_filing_comes_back_with_what_was_found() -> None:
    story = Story(*g.REPORTED, (g.COMMUNITY, ("request_check", {"note": "请核实"})))
    assert (story.case.stage, story.case.phase) == ("pre_filing_check", "discovery")
    story.when(g.WATER, ("confirm_check", EVIDENCE)).refused("role-forbidden")
    story.when(g.GRID, ("confirm_check", EVIDENCE)).refused("unknown-field")
    story.when(g.GRID, ("confirm_check", {"check_result": "confirmed", **EVIDENCE}))
    story.then("note-recorded", "data-recorded")
    assert story.case.stage == "awaiting_acceptance"
    assert story.case.data["check_result"] == "confirmed"


def test_the_importer_may_tell_of_any_way_that_a_case_went() -> None:
    told = Actor(role=Role.IMPORTER)
    story = Story(*g.ACCEPTED).when(told, to(d.OTHER_COMMUNITY))
    assert story.case.holder == g.unit(d.OTHER_COMMUNITY)
