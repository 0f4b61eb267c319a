"""督办, 催办, 领导批示, 会议: what stands beside the stages and moves nothing."""

from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor, Role
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import EVIDENCE, LEADER, REASON, Story, only


def supervise(level: str) -> tuple[str, dict[str, Any]]:
    return ("supervise", {"level": level, **REASON})


HANDLING: g.Steps = (
    *g.ACCEPTED,
    # Not so serious that anybody must adopt it.
    (g.COMMUNITY, ("grade", {"severity": "general", **g.OVERRIDE})),
    (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
    (g.WATER, "start_handling"),
)
CLAIMED: g.Steps = ((g.WATER, ("claim_completion", EVIDENCE)),)
COMMUNITY_LEADS: g.Steps = (*g.GRADED, (g.DISPATCHER, ("dispatch", {"lead": d.COMMUNITY})))


def test_supervision_rises_and_never_falls() -> None:
    story = Story(*HANDLING).when(g.SUPERVISOR, supervise("yellow")).then("supervision-raised")
    raised = only(story, f.SupervisionRaised)
    assert (raised.level, raised.previous) == ("yellow", None)
    for level in ("ordinary", "yellow"):
        refusal = story.when(g.SUPERVISOR, supervise(level)).refused("guard-failed", "/data/level")
        assert "现在已经是黄牌督办，只能升级" in str(refusal)
    story.when(g.SUPERVISOR, supervise("red"))
    assert only(story, f.SupervisionRaised).previous == "yellow"
    story.when(g.SUPERVISOR, supervise("purple")).refused("unknown-field", "/data/level")
    assert story.case.holder == g.unit(d.WATER)


def test_supervision_is_cleared_when_the_result_is_verified_and_only_then() -> None:
    story = Story(*HANDLING, (g.SUPERVISOR, supervise("red")), *CLAIMED)
    story.when(g.COMMUNITY, ("rework", REASON))
    assert story.case.routing.supervision == "red"
    story.given(*CLAIMED)
    story.when(g.COMMUNITY, "verify")
    story.then("completion-verified", "supervision-cleared", "clock-stopped")
    assert only(story, f.SupervisionCleared).level == "red"
    assert story.case.routing.supervision is None


def test_a_case_that_nobody_supervised_is_verified_without_more() -> None:
    story = Story(*HANDLING, *CLAIMED).when(g.COMMUNITY, "verify")
    story.then("completion-verified", "clock-stopped")


def test_a_lower_unit_supervises_nobody_above_it() -> None:
    at_town = Actor(role=Role.SUPERVISOR, unit=d.TOWN)
    at_community = Actor(role=Role.SUPERVISOR, unit=d.COMMUNITY)
    Story(*COMMUNITY_LEADS).when(g.TOWN, supervise("ordinary")).then("supervision-raised")
    Story(*HANDLING).when(at_town, supervise("ordinary")).then("supervision-raised")
    Story(*HANDLING).when(at_community, supervise("ordinary")).refused("guard-failed")
    held_by_centre = ((g.INTEGRATOR, g.report()),)
    Story(*held_by_centre).when(at_town, supervise("ordinary")).refused("guard-failed")


@pytest.mark.parametrize("actor", [g.COMMUNITY, g.WATER, g.GRID, g.INTEGRATOR, g.OTHER_TOWN])
def test_whoever_stands_below_or_beside_does_not_supervise(actor: Actor) -> None:
    Story(*HANDLING).when(actor, supervise("red")).refused("role-forbidden")


def test_urging_is_counted() -> None:
    story = Story(*HANDLING).when(g.INTEGRATOR, "urge").then("case-urged")
    assert only(story, f.CaseUrged).count == 1
    story.when(g.TOWN, ("urge", {"note": "请尽快"}))
    assert only(story, f.CaseUrged).count == 2
    story.when(g.WATER, "urge").refused("role-forbidden")


def test_a_leader_gives_instructions_in_writing() -> None:
    said = ("instruct", {"instruction": "请举一反三"})
    story = Story(*HANDLING).when(LEADER, said).then("instruction-given")
    assert [text.value for text in story.drafts[0].texts] == ["请举一反三"]
    story.when(LEADER, "instruct").refused("evidence-missing", "/data/instruction")
    story.when(g.SUPERVISOR, said).refused("role-forbidden")


MEETING = {"sort": "joint", "attended": [d.WATER, d.HOUSING], "minutes": "会议纪要"}


@pytest.mark.parametrize("sort", ["joint", "study", "weekly"])
def test_a_meeting_has_its_units_and_its_minutes_and_decisions_are_sealed(sort: str) -> None:
    held = ("hold_meeting", {**MEETING, "sort": sort, "decisions": ["水务局牵头", "三日内完成"]})
    story = Story(*HANDLING).when(g.COMMUNITY, held).then("meeting-held")
    fact = only(story, f.MeetingHeld)
    assert (fact.sort, fact.attended) == (sort, (g.unit(d.WATER), g.unit(d.HOUSING)))
    fields = [text.field for text in story.drafts[0].texts]
    assert fields == ["minutes", "decisions.1", "decisions.2"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sort": "party"}, "unknown-field"),
        ({"minutes": " "}, "evidence-missing"),
        ({"attended": []}, "unknown-field"),
        ({"attended": ["海事局"]}, "unknown-unit"),
    ],
)
def test_a_meeting_that_is_told_wrong_is_refused(change: dict[str, Any], code: str) -> None:
    Story(*HANDLING).when(g.COMMUNITY, ("hold_meeting", MEETING | change)).refused(code)
