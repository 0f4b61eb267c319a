"""Every kind that ships, whole ways through: its stages, its facts, its clocks, its words."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor
from domain.commands import Act, Command, Report
from domain.kind import PHASES, Kind
from eventlog.database import Database
from tests.support import districts as d
from tests.support import given as g
from tests.support.courses import Course
from tests.support.kind_histories import COURSES, KIND_HISTORIES
from workflows.engine import Caller
from workflows.language import SHIPPED, remarks, shipped_sources

OWN_TESTS = {"closed-loop", "public-reply", "dispute-adoption"}
"""Kinds whose courses are told elsewhere."""
GO_ON = {"hazard-remedy/on-the-spot-and-back-again"}
"""Courses that are broken off while the case is open."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def kinds() -> list[Kind]:
    return [g.kind(name) for name in SHIPPED]


def stages(story: g.Story) -> list[str]:
    """Return the stages that a case came through, one after the other."""
    moves = [one.fact.stage.target for one in story.history if isinstance(one.fact, f.CaseFact)]
    return [stage for n, stage in enumerate(moves) if n == 0 or stage != moves[n - 1]]


def types(story: g.Story) -> set[str]:
    return {one.fact.TYPE for one in story.history}


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_kind_speaks_chinese_and_every_stage_has_its_phase(kind: Kind) -> None:
    actions = [kind.report, *kind.actions.values()]
    titles = [
        kind.title,
        *(stage.title for stage in kind.stages.values()),
        *(action.title for action in actions),
        *(rule.title for action in actions for rule in action.by),
        *(field.title for action in actions for field in action.form),
        *(clock.title for clock in kind.clocks),
    ]
    assert [title for title in titles if not CHINESE.search(title)] == []
    assert {stage.phase for stage in kind.stages.values()} <= set(PHASES)
    assert len({action.title for action in actions}) == len(actions)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_kind_has_one_total_clock_for_the_ledger_and_all_its_stages_can_end(kind: Kind) -> None:
    assert [clock.total for clock in kind.clocks].count(True) == 1
    for name, stage in kind.stages.items():
        if not stage.ending:
            assert any(kind.stages[one].ending for one in kind.ahead(name)), name


def test_nothing_is_remarked_on_when_a_kind_is_published() -> None:
    found = {one.name: remarks(one.text) for one in shipped_sources()}
    assert {name: said for name, said in found.items() if said and name not in OWN_TESTS} == {}


def test_the_courses_are_those_of_every_other_shipped_kind() -> None:
    assert set(COURSES) == set(SHIPPED) - OWN_TESTS


@pytest.mark.parametrize("kind", COURSES)
def test_every_action_is_taken_in_some_course(kind: str) -> None:
    told = [KIND_HISTORIES[f"{kind}/{name}"]() for name in COURSES[kind]]
    facts = [one.fact for story in told for one in story.history]
    assert {one.action for one in facts if isinstance(one, f.CaseFact)} == {
        "report",
        *g.kind(kind).actions,
    }


@pytest.mark.parametrize("kind", COURSES)
def test_every_clock_starts_and_stops_in_some_course(kind: str) -> None:
    told = [KIND_HISTORIES[f"{kind}/{name}"]() for name in COURSES[kind]]
    facts = [one.fact for story in told for one in story.history]
    clocks = {clock.name for clock in g.kind(kind).clocks}
    assert {one.clock for one in facts if isinstance(one, f.ClockStarted)} == clocks
    assert {one.clock for one in facts if isinstance(one, f.ClockStopped)} == clocks


@pytest.mark.parametrize("name", KIND_HISTORIES)
def test_a_course_ends_with_no_clock_left_and_is_always_the_same(name: str) -> None:
    story = KIND_HISTORIES[name]()
    assert story.kind.stages[story.case.stage].ending == (name not in GO_ON)
    if name not in GO_ON:
        assert story.case.open_clocks == ()
        assert story.case.clock("total") is not None
    assert KIND_HISTORIES[name]().history == story.history


WAYS: dict[str, str] = {
    "volunteer-order/rated": "ordered dispatched accepted served rated",
    "volunteer-order/declined-and-served-twice": (
        "ordered dispatched ordered dispatched accepted served accepted served rated"
    ),
    "micro-wish/claimed-and-confirmed": (
        "wished claimed wished claimed fulfilled claimed fulfilled confirmed"
    ),
    "micro-task/claimed-and-confirmed": (
        "posted claimed posted claimed done claimed done confirmed"
    ),
    "agent-service/green-lane-with-weekly-meetings": (
        "requested accepted assigned handling done handling done closed"
    ),
    "one-stop-service/answered-once": "received accepted processing ready answered",
    "one-stop-service/supplemented-on-the-green-lane": (
        "received awaiting_supplement received accepted ready answered"
    ),
    "catalogue-admission/admitted-then-revoked": (
        "applied reviewing reviewed reviewing reviewed admitted exited"
    ),
    "deliberation/five-steps": (
        "proposed discussing deciding publishing decided running evaluating running evaluating "
        "closed"
    ),
    "four-discussions-two-disclosures/four-votes-two-postings": (
        "raised proposed consulted reviewed resolved resolution_posted carrying_out carried_out "
        "result_posted carrying_out carried_out result_posted closed"
    ),
    "covenant/signed-and-praised": "consulting discussing signing publishing in_force praised",
    "help-bell/visited": "rung answered visited closed",
    "help-bell/late-and-escalated": "rung escalated visited closed",
    "placement-promise/kept": "registered promised offered placed offered placed kept",
    "screening-round/two-findings": "open found reported",
    "screening-round/missed": "open missed",
    "unmanaged-building/owner-found-and-handed-over": (
        "found listed owner_found listed owner_found fixed remedying suspended remedying remedied "
        "remedying remedied handed_over"
    ),
    "service-project/evaluated": (
        "applied accepted publishing reviewed running evaluating running evaluating evaluated"
    ),
    "hazard-remedy/rectified-and-reinspected": (
        "found filed graded assigned rectifying rectified rectifying rectified closed"
    ),
    "conduct-board/listed-after-an-objection": (
        "drafted submitted drafted submitted reviewed published listed"
    ),
    "hazard-remedy/returned-and-overridden": (
        "found filed graded assigned graded assigned rectifying rectified closed"
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_case_goes_the_way_that_the_design_draws(name: str) -> None:
    assert stages(KIND_HISTORIES[name]()) == WAYS[name].split()


ENDS: dict[str, set[str]] = {
    "volunteer-order/rated": {"case-rated", "case-closed"},
    "micro-wish/claimed-and-confirmed": {"case-claimed", "claim-released", "completion-verified"},
    "agent-service/green-lane-with-weekly-meetings": {
        "agency-recorded",
        "decision-made",
        "meeting-held",
        "supervision-raised",
        "task-waived",
    },
    "one-stop-service/answered-once": {"task-assigned", "task-completed", "case-replied"},
    "one-stop-service/supplemented-on-the-green-lane": {
        "supplement-requested",
        "clock-paused",
        "supplement-provided",
        "clock-resumed",
    },
    "catalogue-admission/admitted-then-revoked": {"admission-decided", "task-waived"},
    "deliberation/five-steps": {
        "vote-held",
        "publication-made",
        "objection-raised",
        "objection-answered",
        "publication-ended",
        "case-rated",
    },
    "covenant/signed-and-praised": {"signature-recorded", "publication-ended", "data-recorded"},
    "screening-round/two-findings": {"finding-recorded"},
    "screening-round/zero-report": {"zero-reported"},
    "screening-round/missed": {"round-missed", "deadline-breached", "note-recorded"},
    "hazard-remedy/suspended-extended-late": {
        "suspension-granted",
        "suspension-refused",
        "case-resumed",
        "extension-granted",
        "deadline-breached",
        "escalation-raised",
        "notice-issued",
    },
}


@pytest.mark.parametrize("name", ENDS)
def test_a_course_leaves_its_facts(name: str) -> None:
    assert types(KIND_HISTORIES[name]()) >= ENDS[name]


def test_a_round_makes_a_case_of_every_finding() -> None:
    story = KIND_HISTORIES["screening-round/two-findings"]()
    found = [one.fact for one in story.history if isinstance(one.fact, f.FindingRecorded)]
    assert [story.others[one.case].kind for one in found] == ["closed-loop", "closed-loop"]
    assert [story.others[one.case].number for one in found] == [one.number for one in found]
    assert [one.category for one in found] == ["消防", None]


def test_an_admission_says_what_follows_the_matter_and_an_exit_says_nothing() -> None:
    story = KIND_HISTORIES["catalogue-admission/admitted-then-revoked"]()
    decided = [one.fact for one in story.history if isinstance(one.fact, f.AdmissionDecided)]
    assert [(one.decision, one.people, one.money) for one in decided] == [
        ("admitted", 2, 30_000),
        ("exited", None, None),
    ]
    assert {one.item for one in decided} == {"community.water-meter"}


def test_the_green_lane_is_decided_by_the_special_group_alone() -> None:
    lanes: dict[tuple[str, str], str | None] = {}
    for group in ("none", "minor", "lone_elder", "disabled", "other"):
        for home in ("this_town", "other_town", "other_county"):
            told = g.report("one-stop-service", unit=d.COMMUNITY)
            data = {"special_group": group, "registration": home}
            report = Report(kind=told.kind, title=told.title, unit=told.unit, data=data)
            story = g.given((g.COMMUNITY, report), kind_name="one-stop-service")
            lanes[group, home] = story.when(g.COMMUNITY, "accept").case.urgency
    # 三同三通: wherever somebody is registered, nothing is different.
    assert lanes == {
        (group, home): "normal" if group == "none" else "urgent" for group, home in lanes
    }


def test_a_window_that_passes_a_matter_on_adds_a_hop_and_settling_it_there_adds_none() -> None:
    hops = {
        name: KIND_HISTORIES[f"one-stop-service/{name}"]().case.routing.hops
        for name in ("answered-once", "passed-on-to-the-town")
    }
    assert hops == {"answered-once": 0, "passed-on-to-the-town": 1}


@pytest.mark.parametrize(
    ("people", "danger", "severity", "urgency"),
    [
        (0, False, "general", "normal"),
        (29, False, "general", "normal"),
        (30, False, "serious", "normal"),
        (100, False, "major", "normal"),
        (2, True, "general", "urgent"),
        (3, True, "serious", "urgent"),
        (30, True, "major", "urgent"),
    ],
)
def test_a_hazard_is_graded_by_its_table(
    people: int,
    danger: bool,  # noqa: FBT001 - a row
    severity: str,
    urgency: str,
) -> None:
    report = g.report("hazard-remedy", unit=d.GRID, data={"people": people, "danger": danger})
    story = g.given((g.GRID, report), (g.COMMUNITY, "file"), kind_name="hazard-remedy")
    case = story.when(g.COMMUNITY, "grade").case
    assert (case.severity, case.urgency) == (severity, urgency)


@pytest.mark.parametrize(
    ("name", "clock", "budget"),
    [
        ("catalogue-admission/adjusted", "total", "30wd"),
        ("catalogue-admission/adjusted", "review", "15wd"),
        ("placement-promise/kept", "promise", "48nh"),
        ("help-bell/visited", "response", "15nm"),
        ("one-stop-service/answered-once", "processing", "10wd"),
        ("one-stop-service/supplemented-on-the-green-lane", "processing", "3wd"),
        ("agent-service/green-lane-with-weekly-meetings", "handling", "5wd"),
        ("agent-service/green-lane-with-weekly-meetings", "weekly_review", "7nd"),
        ("hazard-remedy/returned-and-overridden", "rectification", "24nh"),
        ("four-discussions-two-disclosures/four-votes-two-postings", "objection", "3nd"),
    ],
)
def test_a_clock_counts_what_the_documents_say(name: str, clock: str, budget: str) -> None:
    facts = [one.fact for one in KIND_HISTORIES[name]().history]
    started = [one for one in facts if isinstance(one, f.ClockStarted) and one.clock == clock]
    assert started[0].budget == budget


def test_the_promise_of_48_hours_counts_nights_and_days_off_alike() -> None:
    story = KIND_HISTORIES["placement-promise/broken"]()
    promise = story.case.clock("promise")
    assert promise is not None
    assert promise.due - promise.started_at == timedelta(hours=48)
    assert promise.breached_at is not None


# Through the real engine, where each sees only what lies in their scope.


@pytest.mark.parametrize("kind", COURSES)
def test_the_first_course_of_a_kind_goes_through_the_real_log(
    kind: str, district: Database
) -> None:
    course = next(iter(COURSES[kind].values()))
    asyncio.run(_walk(kind, course, district))


async def _walk(kind: str, course: Course, district: Database) -> None:
    hands = d.Hands()
    async with d.district_engine(district, clock=hands) as engine:
        case_id = ""
        for step in course:
            if isinstance(step, timedelta):
                hands.now += step
                continue
            actor, command = step
            if isinstance(command, Report):
                case_id = (await engine.report(command, _caller(actor))).case.id
            else:
                await engine.act(case_id, _act(command), _caller(actor))
            hands.now += timedelta(minutes=1)
        engine._cache.clear()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - load it cold
        case = await engine.case(case_id)
    ending = next(iter(KIND_HISTORIES[f"{kind}/{name}"]() for name in COURSES[kind]))
    assert case.stage == ending.case.stage
    assert case.data == ending.case.data
    assert case.outcome == ending.case.outcome


def _caller(actor: Actor) -> Caller:
    caller = d.caller(actor.role, actor.unit)
    client = f"{actor.role.value}:{actor.unit}"
    return Caller(actor=actor, client=client, key=caller.key, digest=caller.digest)


def _act(command: Command | str | tuple[str, dict[str, Any]]) -> Act:
    match command:
        case str():
            return Act(action=command)
        case (name, data):
            return Act(action=name, data=data)
        case _:
            raise TypeError(command)
