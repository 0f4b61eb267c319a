"""Courses of the kinds in which somebody serves, helps or gives: orders, wishes, tasks, windows."""

from datetime import timedelta
from typing import Final

from tests.support import districts as d
from tests.support import given as g
from tests.support.courses import A_DAY, EVIDENCE, LEADER, NOTE, REASON, Course, reported

SERVED: Final = ("serve", {**EVIDENCE, "minutes": 90, "people": 1})
ORDER: Final = reported("volunteer-order", service="理发", wanted_on="2026-10-15")
ORDERED: Final[Course] = ((g.INTEGRATOR, ORDER),)
DISPATCHED: Final[Course] = (*ORDERED, (g.COMMUNITY, ("dispatch", {"lead": d.HOUSING})))
SERVING: Final[Course] = (*DISPATCHED, (g.HOUSING, "accept"), (g.HOUSING, SERVED))
VOLUNTEER_ORDER: Final[dict[str, Course]] = {
    "rated": (*SERVING, (g.COMMUNITY, ("rate", {"satisfaction": 5, "comment": "很好"}))),
    "declined-and-served-twice": (
        *ORDERED,
        (g.COMMUNITY, NOTE),
        (g.COMMUNITY, ("reclassify", {"category": "便民"})),
        (g.COMMUNITY, ("dispatch", {"lead": d.WATER, "note": "请尽快"})),
        (g.WATER, ("decline", REASON)),
        (g.DISPATCHER, ("dispatch", {"lead": d.HOUSING})),
        (g.HOUSING, "accept"),
        A_DAY,
        (g.HOUSING, SERVED),
        (g.INTEGRATOR, ("serve_again", {"reason": "未剪完"})),
        (g.HOUSING, SERVED),
        (g.INTEGRATOR, ("rate", {"satisfaction": 4})),
    ),
    "nobody-rated": (
        *SERVING,
        timedelta(days=9),
        (g.COMMUNITY, ("close_unrated", {"reason": "三次联系未接听"})),
    ),
    "not-accepted": (
        *ORDERED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "paid_service", **REASON})),
    ),
    "withdrawn": (*DISPATCHED, (g.INTEGRATOR, ("withdraw", REASON))),
}

WISHED: Final[Course] = (
    (g.GRID, reported("micro-wish", d.GRID, visit=True, special_group="lone_elder")),
)
CLAIMED: Final[Course] = (*WISHED, (g.WATER, ("claim", {"plan": "周末送到家"})))
MICRO_WISH: Final[dict[str, Course]] = {
    "claimed-and-confirmed": (
        *WISHED,
        (g.COMMUNITY, ("recommend", {"informed": [d.WATER, d.HOUSING]})),
        (g.WATER, "claim"),
        (g.WATER, ("release", REASON)),
        (g.HOUSING, "claim"),
        (g.HOUSING, NOTE),
        (g.HOUSING, ("fulfil", EVIDENCE)),
        (g.COMMUNITY, ("not_fulfilled", {"reason": "尺寸不合"})),
        (g.HOUSING, ("fulfil", EVIDENCE)),
        (g.COMMUNITY, ("confirm", {"note": "谢谢"})),
    ),
    "nobody-claimed": (
        *WISHED,
        timedelta(days=20),
        (g.COMMUNITY, ("close_unclaimed", {"reason": "社区自行购置"})),
    ),
    "not-accepted": (
        *WISHED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "not_micro", **REASON})),
    ),
    "withdrawn": (*WISHED, (g.GRID, ("withdraw", REASON))),
}

POSTED: Final[Course] = (
    (g.COMMUNITY, reported("micro-task", position="sanitation_upkeep", points=2)),
)
MICRO_TASK: Final[dict[str, Course]] = {
    "claimed-and-confirmed": (
        *POSTED,
        (g.COMMUNITY, ("recommend", {"informed": [d.GRID, d.WATER]})),
        (g.GRID, "claim"),
        (g.GRID, ("release", REASON)),
        (g.WATER, ("claim", {"note": "在职党员"})),
        (g.WATER, NOTE),
        (g.WATER, ("finish", EVIDENCE)),
        (g.COMMUNITY, ("redo", REASON)),
        (g.WATER, ("finish", EVIDENCE)),
        (g.COMMUNITY, ("confirm", {"points": 3})),
    ),
    "lapsed": (*POSTED, (g.COMMUNITY, ("withdraw_post", REASON))),
}

CHECKLIST: Final = ("accept", {"checklist": "身份证、委托书"})
REQUESTED: Final[Course] = ((g.GRID, reported("agent-service", d.GRID, special_group="disabled")),)
TEAMED: Final[Course] = (
    *REQUESTED,
    (g.COMMUNITY, CHECKLIST),
    (g.TOWN, ("assign", {"lead": d.TOWN, "assisting": [d.HOUSING], "team": "二人小组"})),
)
AGENT_SERVICE: Final[dict[str, Course]] = {
    "green-lane-with-weekly-meetings": (
        *REQUESTED,
        (g.GRID, ("record_agency", {"relation": "grid_worker", "consent": "委托书一份"})),
        *TEAMED[1:],
        (g.TOWN, NOTE),
        (g.TOWN, "start"),
        (g.TOWN, ("assign_task", {"unit": d.WATER})),
        (g.WATER, ("complete_task", EVIDENCE)),
        (g.TOWN, ("waive_task", REASON)),
        timedelta(days=4),
        (g.TOWN, ("weekly_meeting", {"attended": [d.HOUSING], "minutes": "议定本周办结"})),
        (LEADER, ("supervise", {"level": "ordinary", **REASON})),
        (g.TOWN, ("finish", {**EVIDENCE, "visits": 0})),
        (g.COMMUNITY, ("rework", REASON)),
        (g.TOWN, ("finish", {**EVIDENCE, "visits": 1})),
        (g.COMMUNITY, ("confirm", {"note": "已收到"})),
    ),
    "impossible": (*TEAMED, (g.COMMUNITY, ("give_up", {"reason": "须本人到场"}))),
    "not-accepted": (
        *REQUESTED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "must_be_in_person", **REASON})),
    ),
    "withdrawn": (*TEAMED, (g.GRID, ("withdraw", REASON))),
}

RECEIVED: Final[Course] = (
    (
        g.OTHER_COMMUNITY,
        reported("one-stop-service", d.OTHER_COMMUNITY, registration="other_county"),
    ),
)
ACCEPTED: Final[Course] = (*RECEIVED, (g.OTHER_COMMUNITY, ("accept", {"receipt": "回执一"})))
DISTRIBUTED: Final[Course] = (
    *ACCEPTED,
    (g.OTHER_COMMUNITY, ("distribute", {"assisting": [d.WATER, d.HOUSING]})),
)
ANSWER: Final = {"reply": "已全部办好", "visits": 1}
ONE_STOP: Final[dict[str, Course]] = {
    "answered-once": (
        *DISTRIBUTED,
        (g.WATER, ("complete_task", EVIDENCE)),
        (g.OTHER_TOWN, ("add_department", {"unit": d.TOWN})),
        (g.HOUSING, ("complete_task", EVIDENCE)),
        (g.OTHER_COMMUNITY, ("waive_task", REASON)),
        (g.OTHER_COMMUNITY, NOTE),
        (g.OTHER_COMMUNITY, ("collect", EVIDENCE)),
        (g.OTHER_COMMUNITY, ("reply", ANSWER)),
    ),
    "supplemented-on-the-green-lane": (
        (g.INTEGRATOR, reported("one-stop-service", special_group="lone_elder")),
        (g.COMMUNITY, ("ask_supplement", {"missing": "缺户口簿"})),
        timedelta(days=2),
        (g.INTEGRATOR, ("supplement", {"supplied": "户口簿"})),
        (g.COMMUNITY, "accept"),
        (g.COMMUNITY, ("handle_at_window", EVIDENCE)),
        (g.COMMUNITY, ("reply", {**ANSWER, "visits": 0})),
    ),
    "passed-on-to-the-town": (
        *RECEIVED,
        (g.OTHER_COMMUNITY, ("pass_on", REASON)),
        (g.OTHER_TOWN, "take_over"),
        (g.OTHER_TOWN, "accept"),
        (g.OTHER_TOWN, ("handle_at_window", EVIDENCE)),
        (g.OTHER_TOWN, ("reply", {**ANSWER, "visits": 2})),
    ),
    "department-late": (
        *DISTRIBUTED,
        (g.WATER, ("complete_task", EVIDENCE)),
        timedelta(days=15),
        (g.HOUSING, ("complete_task", EVIDENCE)),
        (g.OTHER_COMMUNITY, ("collect", EVIDENCE)),
        (g.OTHER_COMMUNITY, ("refuse", {**ANSWER, "reply": "不符合条件"})),
    ),
    "not-accepted": (
        *RECEIVED,
        (g.OTHER_COMMUNITY, ("not_accept", {"reason_code": "not_eligible", **REASON})),
    ),
    "withdrawn": (*ACCEPTED, (g.OTHER_COMMUNITY, ("withdraw", REASON))),
}
