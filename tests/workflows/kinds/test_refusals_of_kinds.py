"""What each shipped kind refuses: the wrong person, the wrong moment, what it requires."""
# ruff: noqa: E501 - one line for each row of the tables

from datetime import timedelta
from typing import Any

import pytest

from domain.actor import Actor, Role
from tests.support import courses as c
from tests.support import courses_of_councils as councils
from tests.support import courses_of_remedies as remedies
from tests.support import courses_of_service as service
from tests.support import districts as d
from tests.support import given as g

EVIDENCE, REASON = c.EVIDENCE, c.REASON
OTHER_GRID = Actor(role=Role.GRID_WORKER, unit=d.OTHER_COMMUNITY)
AT_ONCE = councils.PUBLISHED
POSTED_RESOLUTION: c.Course = (*councils.RESOLVED, councils.posted("post_resolution", 7))
POSTED_RESULT: c.Course = (
    *councils.CARRYING_OUT,
    (g.COMMUNITY, ("finish", EVIDENCE)),
    councils.posted("post_result", 20),
)
WITHOUT = {"minutes": "会议记录"}
BOTH = {"people": 0, "money": 0, "opinion": "同意"}
GRADE = {"grade": "procedural", "note": "资料归档"}
MAJOR: c.Course = (
    *remedies.FOUND,
    (g.COMMUNITY, "file"),
    (g.COMMUNITY, ("grade", {"people": 500})),
    (g.TOWN, ("assign", {"lead": d.HOUSING, "order": "加固"})),
    (g.HOUSING, ("start", {"person": "责任人"})),
    remedies.RECTIFIED,
)
DANGEROUS: c.Course = ((g.GRID, c.reported("hazard-remedy", d.GRID, danger=True, people=1)),)
SMOKE: c.Course = (
    (g.INTEGRATOR, c.reported("help-bell", d.GRID, signal="smoke")),
    (g.COMMUNITY, ("answer", {"means": "phone"})),
)
FUND = {"lead": d.COMMUNITY, "granted": 60_000}
EVALUATE = {"score": 40, "result": "failed", "report": "不合格"}
FINISHED: c.Course = (*remedies.FUNDED, (g.COMMUNITY, remedies.FINISHED))
REMEDIED: c.Course = (*remedies.REMEDYING, remedies.TASK_DONE, (g.HOUSING, ("finish", EVIDENCE)))
DONE: c.Course = (
    *service.TEAMED,
    (g.TOWN, "start"),
    (g.HOUSING, ("complete_task", EVIDENCE)),
    (g.TOWN, ("finish", {**EVIDENCE, "visits": 0})),
)
FULFILLED: c.Course = (*service.CLAIMED, (g.WATER, ("fulfil", EVIDENCE)))
OWN_WISH: c.Course = (
    *service.WISHED,
    (g.COMMUNITY, "claim"),
    (g.COMMUNITY, ("fulfil", EVIDENCE)),
)
OWN_TASK: c.Course = (*service.POSTED, (g.COMMUNITY, "claim"), (g.COMMUNITY, ("finish", EVIDENCE)))
OWN_ORDER: c.Course = (
    *service.ORDERED,
    (g.COMMUNITY, ("dispatch", {"lead": d.COMMUNITY})),
    (g.COMMUNITY, "accept"),
    (g.COMMUNITY, service.SERVED),
)
# (kind, what has happened, who, action, data, code of the refusal)
REFUSED: list[tuple[str, c.Course, Actor, str, dict[str, Any], str]] = [
    ("volunteer-order", service.ORDERED, g.TOWN, "dispatch", {"lead": d.WATER}, "role-forbidden"),
    ("volunteer-order", service.DISPATCHED, g.WATER, "accept", {}, "role-forbidden"),
    ("volunteer-order", service.DISPATCHED, g.HOUSING, "serve", {**EVIDENCE, "minutes": 30}, "action-unavailable"),
    ("volunteer-order", service.SERVING, g.COMMUNITY, "rate", {"satisfaction": 6}, "unknown-field"),
    ("volunteer-order", service.SERVING, g.HOUSING, "rate", {"satisfaction": 5}, "role-forbidden"),
    ("volunteer-order", OWN_ORDER, g.COMMUNITY, "rate", {"satisfaction": 5}, "same-person"),
    ("volunteer-order", OWN_ORDER, g.COMMUNITY, "close_unrated", REASON, "same-person"),
    ("micro-wish", service.CLAIMED, g.HOUSING, "fulfil", EVIDENCE, "role-forbidden"),
    ("micro-wish", service.CLAIMED, g.HOUSING, "claim", {}, "action-unavailable"),
    ("micro-wish", FULFILLED, g.WATER, "confirm", {}, "role-forbidden"),
    ("micro-wish", OWN_WISH, g.COMMUNITY, "confirm", {}, "same-person"),
    ("micro-wish", service.CLAIMED, g.WATER, "fulfil", {}, "evidence-missing"),
    ("micro-task", service.POSTED, g.WATER, "finish", EVIDENCE, "action-unavailable"),
    ("micro-task", OWN_TASK, g.COMMUNITY, "confirm", {}, "same-person"),
    ("micro-task", service.POSTED, g.OTHER_COMMUNITY, "withdraw_post", REASON, "role-forbidden"),
    ("agent-service", service.REQUESTED, g.COMMUNITY, "accept", {}, "evidence-missing"),
    ("agent-service", service.REQUESTED, g.COMMUNITY, "accept", {"checklist": "清单", "urgency": "normal"}, "evidence-missing"),
    ("agent-service", (*service.TEAMED, (g.TOWN, "start")), g.TOWN, "finish", {**EVIDENCE, "visits": 0}, "tasks-open"),
    ("agent-service", DONE, g.TOWN, "confirm", {}, "same-person"),
    ("agent-service", service.TEAMED, g.COMMUNITY, "supervise", {"level": "red", **REASON}, "role-forbidden"),
    ("agent-service", service.REQUESTED, g.TOWN, "start", {}, "action-unavailable"),
    ("one-stop-service", service.RECEIVED, g.COMMUNITY, "accept", {}, "role-forbidden"),
    ("one-stop-service", service.DISTRIBUTED, g.OTHER_COMMUNITY, "collect", EVIDENCE, "tasks-open"),
    ("one-stop-service", service.DISTRIBUTED, g.WATER, "reply", service.ANSWER, "action-unavailable"),
    ("one-stop-service", service.DISTRIBUTED, g.SUPERVISOR, "complete_task", EVIDENCE, "role-forbidden"),
    ("one-stop-service", service.ACCEPTED, g.OTHER_COMMUNITY, "distribute", {}, "unknown-field"),
    ("catalogue-admission", ((g.WATER, councils.wanted("new", 20)),), g.DISPATCHER, "accept", {}, "guard-failed"),
    ("catalogue-admission", ((g.WATER, councils.wanted("exit", 20)),), g.DISPATCHER, "accept", {}, "guard-failed"),
    ("catalogue-admission", councils.applied("new")[:1], g.WATER, "accept", {}, "role-forbidden"),
    ("catalogue-admission", councils.applied("new"), g.DISPATCHER, "admit", BOTH, "role-forbidden"),
    ("catalogue-admission", councils.applied("new"), c.LEADER, "exit", {"opinion": "同意"}, "guard-failed"),
    ("catalogue-admission", councils.applied("new"), c.LEADER, "admit", {"people": 1, "opinion": "同意"}, "unknown-field"),
    ("catalogue-admission", councils.applied("new"), c.LEADER, "admit", {**BOTH, "money": -1}, "unknown-field"),
    ("deliberation", councils.DISCUSSING, g.COMMUNITY, "discuss", councils.NO | WITHOUT, "vote-contradicts"),
    ("deliberation", councils.DISCUSSING, g.COMMUNITY, "not_agreed", councils.YES | WITHOUT, "vote-contradicts"),
    ("deliberation", councils.DISCUSSING, g.WATER, "discuss", councils.YES | WITHOUT, "role-forbidden"),
    ("deliberation", councils.DECIDED, g.COMMUNITY, "publish", {"until": c.the_day(3), "notice": "公示"}, "unknown-field"),
    ("deliberation", councils.DECIDED, g.COMMUNITY, "end_publication", {}, "publication-open"),
    ("four-discussions-two-disclosures", councils.RESOLVED[:3], g.COMMUNITY, "review", {"eligible": 30, "present": 19, "in_favour": 19} | WITHOUT, "vote-contradicts"),
    ("four-discussions-two-disclosures", councils.RESOLVED[:3], g.COMMUNITY, "review", {"eligible": 30, "present": 20, "in_favour": 15} | WITHOUT, "vote-contradicts"),
    ("four-discussions-two-disclosures", councils.RAISED, g.COMMUNITY, "resolve", councils.YES | councils.RESOLUTION, "action-unavailable"),
    ("four-discussions-two-disclosures", POSTED_RESOLUTION, g.COMMUNITY, "carry_out", {"plan": "分两期"}, "publication-open"),
    ("four-discussions-two-disclosures", (*POSTED_RESOLUTION, councils.OBJECTION), g.COMMUNITY, "carry_out", {"plan": "分两期"}, "objections-open"),
    ("four-discussions-two-disclosures", POSTED_RESULT, g.COMMUNITY, "close", {}, "publication-open"),
    ("four-discussions-two-disclosures", councils.RESOLVED, g.COMMUNITY, "post_resolution", {"until": c.the_day(5), "notice": "公开"}, "unknown-field"),
    ("covenant", councils.CONSULTED, g.COMMUNITY, "discuss", {**councils.NO, "covenant": "全文"}, "vote-contradicts"),
    ("covenant", councils.DRAFTED, g.INTEGRATOR, "sign", {"name": "演示居民"}, "action-unavailable"),
    ("covenant", AT_ONCE, g.COMMUNITY, "enact", {"from_day": c.the_day(9)}, "publication-open"),
    ("covenant", (*AT_ONCE, councils.OBJECTION, timedelta(days=8)), g.COMMUNITY, "enact", {"from_day": c.the_day(9)}, "objections-open"),
    ("covenant", councils.IN_FORCE, g.TOWN, "praise", {"households": 3, **EVIDENCE}, "role-forbidden"),
    ("help-bell", remedies.RUNG, g.COMMUNITY, "close", {"result": "safe", **EVIDENCE}, "action-unavailable"),
    ("help-bell", remedies.RUNG, g.OTHER_COMMUNITY, "answer", {"means": "phone"}, "role-forbidden"),
    ("help-bell", SMOKE, g.COMMUNITY, "dismiss", EVIDENCE, "guard-failed"),
    ("placement-promise", remedies.REGISTERED, g.COMMUNITY, "promise", {"accepts_any": False}, "guard-failed"),
    ("placement-promise", remedies.PROMISED, g.COMMUNITY, "place", EVIDENCE, "action-unavailable"),
    ("placement-promise", (*remedies.PROMISED, (g.COMMUNITY, remedies.OFFER)), g.COMMUNITY, "lapse", REASON, "role-forbidden"),
    ("placement-promise", (*remedies.PROMISED, (g.TOWN, ("ask_town", {"lead": d.TOWN})), (g.TOWN, remedies.OFFER)), g.TOWN, "lapse", REASON, "same-person"),
    ("screening-round", remedies.BEGUN, g.OTHER_COMMUNITY, "zero_report", remedies.ROUND, "role-forbidden"),
    ("screening-round", remedies.BEGUN, g.GRID, "finish", remedies.ROUND, "action-unavailable"),
    ("screening-round", (*remedies.BEGUN, (g.GRID, ("find", remedies.FINDING))), g.GRID, "zero_report", remedies.ROUND, "action-unavailable"),
    ("screening-round", remedies.BEGUN, g.GRID, "find", {"category": "消防"}, "evidence-missing"),
    ("screening-round", remedies.BEGUN, g.TOWN, "miss", {}, "role-forbidden"),
    ("unmanaged-building", remedies.LISTED, g.COMMUNITY, "assign", {"lead": d.HOUSING}, "evidence-missing"),
    ("unmanaged-building", remedies.FIXED, g.WATER, "start", {}, "role-forbidden"),
    ("unmanaged-building", remedies.REMEDYING, g.HOUSING, "finish", EVIDENCE, "tasks-open"),
    ("unmanaged-building", REMEDIED, g.HOUSING, "hand_over", {"manager": d.COMMUNITY, "note": "移交"}, "role-forbidden"),
    ("unmanaged-building", remedies.LISTED, g.HOUSING, "fix", {}, "action-unavailable"),
    ("service-project", remedies.ACCEPTED, g.COMMUNITY, "approve", {"score": 90, "experts": 3, "opinion": "可行"}, "role-forbidden"),
    ("service-project", remedies.ACCEPTED, g.TOWN, "approve", {"score": 101, "experts": 3, "opinion": "可行"}, "unknown-field"),
    ("service-project", remedies.POSTED, g.DISPATCHER, "fund", FUND, "action-unavailable"),
    ("service-project", remedies.OPEN, g.DISPATCHER, "fund", FUND, "guard-failed"),
    ("service-project", remedies.FUNDED, g.COMMUNITY, "finish", {"served": 1, "spent": 40_001, **EVIDENCE}, "guard-failed"),
    ("service-project", FINISHED, g.TOWN, "evaluate", EVALUATE, "guard-failed"),
    ("conduct-board", councils.SUBMITTED, g.COMMUNITY, "review", {"opinion": "属实"}, "same-person"),
    ("conduct-board", councils.SUBMITTED, g.COMMUNITY, "reject", REASON, "same-person"),
    ("conduct-board", councils.SUBMITTED, g.TOWN, "publish", {"until": c.the_day(7), "notice": "公示"}, "action-unavailable"),
    ("conduct-board", councils.REVIEWED, g.TOWN, "publish", {"until": c.the_day(1), "notice": "公示"}, "unknown-field"),
    ("conduct-board", councils.ON_THE_BOARD, g.TOWN, "end_publication", {}, "publication-open"),
    ("conduct-board", (*councils.ON_THE_BOARD, councils.OBJECTION, timedelta(days=8)), g.TOWN, "end_publication", {}, "objections-open"),
    ("hazard-remedy", DANGEROUS, g.GRID, "rectify_on_the_spot", EVIDENCE, "guard-failed"),
    ("hazard-remedy", (*remedies.FOUND, (g.COMMUNITY, "file")), g.COMMUNITY, "grade", {"severity": "general"}, "evidence-missing"),
    ("hazard-remedy", remedies.RECTIFYING, g.HOUSING, "claim_rectified", EVIDENCE, "tasks-open"),
    ("hazard-remedy", remedies.ASSIGNED, g.WATER, "start", {"person": "责任人"}, "role-forbidden"),
    ("hazard-remedy", MAJOR, g.COMMUNITY, "close", GRADE, "guard-failed"),
    ("hazard-remedy", MAJOR, g.HOUSING, "close", GRADE, "role-forbidden"),
    ("hazard-remedy", (*remedies.ASSIGNED, timedelta(days=4)), g.HOUSING, "request_return", REASON, "return-not-allowed"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row[0]}-{row[3]}-{row[5]}")
def test_what_is_not_allowed_is_refused_and_leaves_no_trace(row: tuple[Any, ...]) -> None:
    kind, course, actor, action, data, code = row
    story = c.told(kind, course)
    length = len(story.history)
    story.when(actor, (action, data)).refused(code)
    assert len(story.history) == length


def test_every_kind_refuses_at_least_two_ways() -> None:
    codes: dict[str, set[str]] = {}
    for kind, *_, code in REFUSED:
        codes.setdefault(kind, set()).add(code)
    assert {kind for kind, found in codes.items() if len(found) < 2} == set()


# (kind, who, unit, code): who may not begin a case of the kind.
NOT_BEGUN = [
    ("volunteer-order", g.WATER, d.COMMUNITY),
    ("micro-wish", g.SUPERVISOR, d.GRID),
    ("micro-task", g.GRID, d.GRID),
    ("agent-service", g.WATER, d.COMMUNITY),
    ("one-stop-service", g.WATER, d.COMMUNITY),
    ("catalogue-admission", g.COMMUNITY, None),
    ("deliberation", g.TOWN, d.COMMUNITY),
    ("four-discussions-two-disclosures", g.OTHER_COMMUNITY, d.COMMUNITY),
    ("covenant", g.GRID, d.GRID),
    ("help-bell", g.WATER, d.GRID),
    ("placement-promise", g.OTHER_COMMUNITY, d.COMMUNITY),
    ("screening-round", g.GRID, d.GRID),
    ("unmanaged-building", g.WATER, d.GRID),
    ("service-project", g.WATER, d.COMMUNITY),
    ("hazard-remedy", g.OTHER_COMMUNITY, d.COMMUNITY),
    ("conduct-board", g.WATER, d.COMMUNITY),
]


@pytest.mark.parametrize(("kind", "actor", "unit"), NOT_BEGUN, ids=lambda one: str(one)[:32])
def test_not_everybody_may_begin_a_case_of_a_kind(
    kind: str, actor: Actor, unit: str | None
) -> None:
    data = {
        "catalogue-admission": dict(councils.wanted("new").data),
        "conduct-board": {"board": "red", "person_name": "演示居民"},
    }.get(kind, {})
    story = g.Story(kind).when(actor, c.reported(kind, unit, **data))
    story.refused("role-forbidden")


def test_whoever_claims_a_wish_first_has_it_until_it_is_given_up() -> None:
    story = c.told("micro-wish", service.CLAIMED)
    assert story.case.civic.claimant == g.unit(d.WATER)
    story.when(g.HOUSING, "claim").refused("action-unavailable")
    story.when(g.COMMUNITY, ("release", REASON)).then(
        "claim-released", "clock-stopped", "clock-started"
    )
    story.when(g.HOUSING, "claim")
    assert story.case.civic.claimant == g.unit(d.HOUSING)


def test_an_application_that_comes_too_late_may_name_a_later_day() -> None:
    story = c.told("catalogue-admission", ((g.WATER, councils.wanted("new", 20)),))
    refusal = story.when(g.DISPATCHER, "accept").refused("guard-failed")
    # 30 working days from Monday 12 October 2026 on; the 12th itself does not count.
    assert "2026-11-23" in str(refusal)
    story.when(g.WATER, ("postpone", {"since": "2026-11-22"}))
    story.when(g.DISPATCHER, "accept").refused("guard-failed")
    story.when(g.WATER, ("postpone", {"since": "2026-11-23"}))
    assert story.when(g.DISPATCHER, "accept").case.stage == "reviewing"


def test_only_time_itself_says_that_a_round_was_missed() -> None:
    assert [rule.held_by for rule in g.kind("screening-round").actions["miss"].by] == [
        (Role.TIMER,)
    ]
