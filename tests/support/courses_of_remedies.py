"""Courses of the kinds in which something is found and put right: hazards, buildings, rounds."""

from datetime import timedelta
from typing import Final

from tests.support import districts as d
from tests.support import given as g
from tests.support.courses import (
    EVIDENCE,
    LEADER,
    NOTE,
    OTHER_DISPATCHER,
    REASON,
    TIMER,
    Course,
    reported,
    the_day,
    the_moment,
)

HAZARD: Final = reported(
    "hazard-remedy", d.GRID, campaign="hazard_remediation", people=40, danger=False
)
FOUND: Final[Course] = ((g.GRID, HAZARD),)
GRADED: Final[Course] = (*FOUND, (g.COMMUNITY, "file"), (g.COMMUNITY, "grade"))
ASSIGNED: Final[Course] = (
    *GRADED,
    (g.TOWN, ("assign", {"lead": d.HOUSING, "assisting": [d.WATER], "order": "十日内加固"})),
)
RECTIFYING: Final[Course] = (*ASSIGNED, (g.HOUSING, ("start", {"person": "责任人"})))
TASK_DONE: Final = (g.WATER, ("complete_task", EVIDENCE))
RECTIFIED: Final = (g.HOUSING, ("claim_rectified", EVIDENCE))
REINSPECTED: Final = (g.COMMUNITY, ("close", {"grade": "substantive", "note": "隐患已消除"}))
SUSPEND: Final = {"reason_code": "awaiting_appraisal", "until": the_moment(10), **EVIDENCE}
HAZARD_REMEDY: Final[dict[str, Course]] = {
    "rectified-and-reinspected": (
        *RECTIFYING,
        (g.GRID, ("contain", EVIDENCE)),
        (g.COMMUNITY, NOTE),
        (g.COMMUNITY, ("reclassify", {"category": "房屋安全"})),
        (g.TOWN, ("mark_campaign", {"campaign": "safety_responsibility"})),
        TASK_DONE,
        (g.HOUSING, ("assign_task", {"unit": d.TOWN})),
        (g.HOUSING, ("waive_task", REASON)),
        RECTIFIED,
        (g.COMMUNITY, ("rework", REASON)),
        RECTIFIED,
        REINSPECTED,
    ),
    "suspended-extended-late": (
        *RECTIFYING,
        TASK_DONE,
        (g.HOUSING, ("request_suspension", SUSPEND)),
        (g.COMMUNITY, ("refuse_suspension", REASON)),
        (g.HOUSING, ("request_suspension", SUSPEND)),
        (g.COMMUNITY, "grant_suspension"),
        timedelta(days=2),
        (g.HOUSING, "resume"),
        (g.HOUSING, ("request_extension", {"asked": "5wd", **REASON})),
        (g.COMMUNITY, ("refuse_extension", REASON)),
        (g.HOUSING, ("request_extension", {"asked": "5wd", **REASON})),
        (g.SUPERVISOR, ("grant_extension", {"granted": "3wd"})),
        timedelta(days=50),
        RECTIFIED,
        REINSPECTED,
    ),
    "returned-and-overridden": (
        *FOUND,
        (g.COMMUNITY, "file"),
        (
            g.COMMUNITY,
            ("grade", {"danger": True, "severity": "major", "override_reason": "学校旁边"}),
        ),
        (g.TOWN, ("assign", {"lead": d.WATER, "order": "立即围挡"})),
        (g.WATER, ("request_return", REASON)),
        (g.DISPATCHER, ("refuse_return", REASON)),
        (g.WATER, ("request_return", REASON)),
        (g.DISPATCHER, "uphold_return"),
        (g.TOWN, ("regrade", {"severity": "serious", "urgency": "urgent", **REASON})),
        (g.TOWN, ("assign", {"lead": d.HOUSING, "order": "立即围挡"})),
        (g.HOUSING, ("start", {"person": "责任人"})),
        RECTIFIED,
        REINSPECTED,
    ),
    "on-the-spot-and-back-again": (
        *FOUND,
        (g.GRID, ("rectify_on_the_spot", EVIDENCE)),
        timedelta(days=3),
        (g.TOWN, ("reopen", {"reason": "再次堆放"})),
        (g.COMMUNITY, "grade"),
    ),
    "not-accepted": (
        *FOUND,
        (g.COMMUNITY, ("not_accept", {"reason_code": "no_hazard", **REASON})),
    ),
    "withdrawn": (*FOUND, (g.GRID, ("withdraw", REASON))),
}

LISTED: Final[Course] = (
    (g.GRID, reported("unmanaged-building", d.GRID, sort="three_nos_estate", buildings=3)),
    (g.COMMUNITY, ("list", {"condition": "无物业", "problems": ["lighting", "drainage"]})),
)
OWNER: Final = {"owner": "原厂办"}
FIXED: Final[Course] = (
    *LISTED,
    (g.TOWN, ("assign", {"lead": d.HOUSING, "assisting": [d.WATER], **OWNER})),
    (
        g.HOUSING,
        (
            "fix",
            {
                "mode": "community_managed",
                "responsibility": "楼长负责",
                "standard": "路灯全亮",
                "until": the_day(120),
            },
        ),
    ),
)
REMEDYING: Final[Course] = (*FIXED, (g.HOUSING, "start"))
FUNDS: Final = {"reason_code": "awaiting_funds", **EVIDENCE}
UNMANAGED_BUILDING: Final[dict[str, Course]] = {
    "owner-found-and-handed-over": (
        *LISTED,
        (g.TOWN, ("assign", {"lead": d.WATER, **OWNER})),
        (g.WATER, ("decline", REASON)),
        *REMEDYING[2:],
        (g.GRID, ("contain", EVIDENCE)),
        (g.COMMUNITY, NOTE),
        (g.HOUSING, ("request_suspension", FUNDS)),
        (g.TOWN, ("refuse_suspension", REASON)),
        (g.HOUSING, ("request_suspension", FUNDS)),
        (g.TOWN, "grant_suspension"),
        timedelta(days=5),
        (g.HOUSING, "resume"),
        (g.HOUSING, ("request_extension", {"asked": "10wd", **REASON})),
        (g.TOWN, ("refuse_extension", REASON)),
        (g.HOUSING, ("request_extension", {"asked": "10wd", **REASON})),
        (g.TOWN, "grant_extension"),
        TASK_DONE,
        (g.HOUSING, ("assign_task", {"unit": d.TOWN})),
        (g.HOUSING, ("waive_task", REASON)),
        (g.HOUSING, ("finish", EVIDENCE)),
        (g.COMMUNITY, ("rework", REASON)),
        (g.HOUSING, ("finish", EVIDENCE)),
        (g.COMMUNITY, ("hand_over", {"manager": d.COMMUNITY, "note": "已签移交书"})),
    ),
    "not-accepted": (
        LISTED[0],
        (g.COMMUNITY, ("not_accept", {"reason_code": "managed", **REASON})),
    ),
    "withdrawn": (LISTED[0], (g.GRID, ("withdraw", REASON))),
}

RUNG: Final[Course] = (
    (g.INTEGRATOR, reported("help-bell", d.GRID, device="ML-0007", signal="pressed")),
)
HELP_BELL: Final[dict[str, Course]] = {
    "visited": (
        *RUNG,
        (g.COMMUNITY, ("answer", {"means": "intercom"})),
        (g.INTEGRATOR, NOTE),
        (g.GRID, ("contain", EVIDENCE)),
        (g.GRID, ("visit", EVIDENCE)),
        (g.GRID, ("close", {"result": "safe", **EVIDENCE})),
    ),
    "late-and-escalated": (
        *RUNG,
        timedelta(minutes=40),
        (g.COMMUNITY, ("escalate", {"lead": d.WATER, "reason": "无人应答"})),
        (g.WATER, ("visit", EVIDENCE)),
        (g.WATER, ("close", {"result": "hospital", **EVIDENCE})),
    ),
    "false-alarm": (
        *RUNG,
        (g.COMMUNITY, ("answer", {"means": "phone"})),
        (g.COMMUNITY, ("dismiss", EVIDENCE)),
    ),
}

REGISTERED: Final[Course] = ((g.COMMUNITY, reported("placement-promise", accepts_any=True)),)
PROMISED: Final[Course] = (*REGISTERED, (g.COMMUNITY, ("promise", {"accepts_any": True})))
OFFER: Final = ("offer", {"source": "公益岗", "employer": "演示超市理货"})
PLACED: Final = (g.COMMUNITY, ("place", EVIDENCE))
PLACEMENT_PROMISE: Final[dict[str, Course]] = {
    "kept": (
        *PROMISED,
        (g.COMMUNITY, NOTE),
        (g.COMMUNITY, ("ask_town", {"lead": d.TOWN})),
        (g.TOWN, OFFER),
        PLACED,
        (g.COMMUNITY, ("not_placed", {"reason": "三日后离岗"})),
        (g.TOWN, OFFER),
        PLACED,
        (g.COMMUNITY, ("close", {"note": "在岗"})),
    ),
    "broken": (
        *PROMISED,
        timedelta(days=3),
        (g.COMMUNITY, OFFER),
        PLACED,
        (g.COMMUNITY, ("close", {"note": "在岗"})),
    ),
    "lapsed": (*PROMISED, (g.COMMUNITY, OFFER), (g.TOWN, ("lapse", {"reason": "两次拒绝"}))),
    "not-accepted": (
        *REGISTERED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "picks_and_chooses", **REASON})),
    ),
    "withdrawn": (*PROMISED, (g.COMMUNITY, ("withdraw", REASON))),
}

BEGUN: Final[Course] = ((TIMER, reported("screening-round", d.GRID)),)
ROUND: Final = {"visited": 46, "summary": "走访一轮"}
FINDING: Final = {"title": "楼道堆物", "description": "三单元", "category": "消防"}
SCREENING_ROUND: Final[dict[str, Course]] = {
    "two-findings": (
        *BEGUN,
        (g.GRID, NOTE),
        (g.GRID, ("find", FINDING)),
        (g.GRID, ("find", {"title": "邻里争吵", "unit": d.COMMUNITY})),
        (g.GRID, ("finish", ROUND)),
    ),
    "zero-report": (*BEGUN, timedelta(days=3), (g.GRID, ("zero_report", ROUND))),
    "missed": (*BEGUN, timedelta(days=7), (TIMER, "miss"), (g.GRID, ("explain", REASON))),
    "cancelled": (*BEGUN, (g.TOWN, ("cancel", REASON))),
}

APPLIED: Final[Course] = (
    (g.COMMUNITY, reported("service-project", mode="venture", amount=50_000, fee="free")),
)
ACCEPTED: Final[Course] = (*APPLIED, (g.COMMUNITY, "accept"))
REVIEWED: Final[Course] = (
    *ACCEPTED,
    (g.TOWN, ("approve", {"score": 86, "experts": 5, "opinion": "可行"})),
)
POSTED: Final[Course] = (
    *REVIEWED,
    (g.COMMUNITY, ("publish", {"until": the_day(7), "notice": "评审结果"})),
)
OBJECTION: Final = (g.INTEGRATOR, ("object", {"objection_text": "重复立项"}))
OPEN: Final[Course] = (*POSTED, timedelta(days=8), (g.COMMUNITY, "end_publication"))
FUNDED: Final[Course] = (
    *OPEN,
    (g.DISPATCHER, ("fund", {"lead": d.COMMUNITY, "granted": 40_000, "contract": "GY-1"})),
)
FINISHED: Final = ("finish", {"served": 260, "spent": 39_000, **EVIDENCE})
SERVICE_PROJECT: Final[dict[str, Course]] = {
    "evaluated": (
        *POSTED,
        OBJECTION,
        (g.TOWN, ("answer", {"answer": "不重复"})),
        *OPEN[-2:],
        FUNDED[-1],
        (g.COMMUNITY, NOTE),
        (g.COMMUNITY, ("report_progress", {"served": 90, "spent": 9000, "report": "中期"})),
        (g.COMMUNITY, FINISHED),
        (g.TOWN, ("rework", REASON)),
        (g.COMMUNITY, FINISHED),
        (g.TOWN, ("evaluate", {"score": 90, "result": "good", "report": "评估报告"})),
    ),
    "not-reviewed": (*ACCEPTED, (g.TOWN, ("refuse", REASON))),
    "overturned": (*POSTED, OBJECTION, (g.TOWN, ("overturn", REASON))),
    "not-funded": (*OPEN, (OTHER_DISPATCHER, ("not_funded", REASON))),
    "terminated": (*FUNDED, (LEADER, ("terminate", REASON))),
    "not-accepted": (
        *APPLIED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "incomplete", **REASON})),
    ),
    "withdrawn": (*ACCEPTED, (g.COMMUNITY, ("withdraw", REASON))),
}
