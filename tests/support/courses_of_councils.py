"""Courses of the kinds in which many decide, or the district does: votes, covenants, admission."""

from datetime import timedelta
from typing import Any, Final

from domain.commands import Report
from tests.support import districts as d
from tests.support import given as g
from tests.support.courses import (
    A_DAY,
    EVIDENCE,
    LEADER,
    NOTE,
    REASON,
    Course,
    Step,
    reported,
    the_day,
)

MINUTES: Final = {"minutes": "会议记录"}
RESOLUTION: Final = {"resolution": "同意加装电梯"}
YES: Final = {"eligible": 30, "present": 24, "in_favour": 20}
NO: Final = {"eligible": 30, "present": 24, "in_favour": 9}
OBJECTION: Final = (g.INTEGRATOR, ("object", {"objection_text": "费用分摊不公"}))
ANSWERED: Final = (g.COMMUNITY, ("answer", {"answer": "已按楼层分摊"}))


def posted(action: str, days: int) -> Step:
    """Return the posting of a notice, from today on for so many days (counted from the start)."""
    return (g.COMMUNITY, (action, {"until": the_day(days), "notice": "公示全文"}))


PROPOSED: Final[Course] = ((g.GRID, reported("deliberation", d.GRID, households=60)),)
DISCUSSING: Final[Course] = (*PROPOSED, (g.COMMUNITY, ("accept", {"agenda": "加装电梯"})))
DECIDED: Final[Course] = (
    *DISCUSSING,
    (g.COMMUNITY, ("discuss", YES | MINUTES)),
    (g.COMMUNITY, ("decide", YES | RESOLUTION)),
)
DELIBERATION: Final[dict[str, Course]] = {
    "five-steps": (
        *DECIDED,
        (g.COMMUNITY, NOTE),
        posted("publish", 7),
        A_DAY,
        OBJECTION,
        ANSWERED,
        timedelta(days=8),
        (g.COMMUNITY, "end_publication"),
        (g.COMMUNITY, ("assign", {"lead": d.HOUSING, "assisting": [d.WATER]})),
        (g.HOUSING, ("assign_task", {"unit": d.TOWN})),
        (g.WATER, ("complete_task", EVIDENCE)),
        (g.HOUSING, ("waive_task", REASON)),
        (g.HOUSING, ("finish", EVIDENCE)),
        (g.COMMUNITY, ("rework", REASON)),
        (g.HOUSING, ("finish", EVIDENCE)),
        (g.INTEGRATOR, ("evaluate", {"satisfaction": 4})),
    ),
    "not-agreed": (*DISCUSSING, (g.COMMUNITY, ("not_agreed", NO | MINUTES))),
    "rejected": (
        *DISCUSSING,
        (g.COMMUNITY, ("discuss", YES | MINUTES)),
        (g.COMMUNITY, ("reject", NO | RESOLUTION)),
    ),
    "revoked": (*DECIDED, posted("publish", 7), OBJECTION, (g.COMMUNITY, ("revoke", REASON))),
    "not-accepted": (
        *PROPOSED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "not_self_governance", **REASON})),
    ),
    "withdrawn": (*DISCUSSING, (g.GRID, ("withdraw", REASON))),
}

RAISED: Final[Course] = (
    (g.COMMUNITY, reported("four-discussions-two-disclosures", amount=80_000)),
)
RESOLVED: Final[Course] = (
    *RAISED,
    (g.COMMUNITY, ("propose", YES | MINUTES)),
    (g.COMMUNITY, ("consult", YES | MINUTES)),
    (g.COMMUNITY, ("review", YES | MINUTES)),
    (g.COMMUNITY, ("resolve", YES | RESOLUTION)),
)
FINISH: Final = (g.COMMUNITY, ("finish", EVIDENCE))
CARRYING_OUT: Final[Course] = (
    *RESOLVED,
    posted("post_resolution", 7),
    timedelta(days=8),
    (g.COMMUNITY, ("carry_out", {"plan": "分两期"})),
)
FOUR_DISCUSSIONS: Final[dict[str, Course]] = {
    "four-votes-two-postings": (
        *RESOLVED,
        (g.COMMUNITY, NOTE),
        posted("post_resolution", 7),
        OBJECTION,
        ANSWERED,
        timedelta(days=8),
        (g.COMMUNITY, ("carry_out", {"plan": "分两期"})),
        FINISH,
        posted("post_result", 15),
        (g.COMMUNITY, ("redo", REASON)),
        FINISH,
        posted("post_result", 15),
        timedelta(days=8),
        (g.COMMUNITY, "close"),
    ),
    "not-proposed": (*RAISED, (g.COMMUNITY, ("not_proposed", NO | MINUTES))),
    "not-agreed": (*RESOLVED[:2], (g.COMMUNITY, ("not_agreed", NO | MINUTES))),
    "not-reviewed": (*RESOLVED[:3], (g.COMMUNITY, ("not_reviewed", NO | MINUTES))),
    "not-resolved": (*RESOLVED[:4], (g.COMMUNITY, ("not_resolved", NO | RESOLUTION))),
    "revoked": (
        *RESOLVED,
        posted("post_resolution", 7),
        OBJECTION,
        (g.TOWN, ("revoke", REASON)),
    ),
    "abandoned": (*CARRYING_OUT, (g.TOWN, ("abandon", REASON))),
    "withdrawn": (*RAISED, (g.COMMUNITY, ("withdraw", REASON))),
}

DRAFTED: Final[Course] = ((g.COMMUNITY, reported("covenant", households=390, edition=2)),)
CONSULTED: Final[Course] = (
    *DRAFTED,
    (g.INTEGRATOR, ("collect_opinion", {"opinion": "写明停车"})),
    (g.COMMUNITY, ("submit", {"opinions": 12, "summary": "采纳九条"})),
)
SIGN: Final = (g.INTEGRATOR, ("sign", {"name": "演示居民", "house": "一单元"}))
PUBLISHED: Final[Course] = (
    *CONSULTED,
    (g.COMMUNITY, ("discuss", {**YES, "covenant": "公约全文"})),
    SIGN,
    SIGN,
    posted("publish", 7),
)
IN_FORCE: Final[Course] = (
    *PUBLISHED,
    timedelta(days=8),
    (g.COMMUNITY, ("enact", {"from_day": the_day(9)})),
)
COVENANT: Final[dict[str, Course]] = {
    "signed-and-praised": (
        *PUBLISHED,
        (g.COMMUNITY, NOTE),
        OBJECTION,
        ANSWERED,
        timedelta(days=8),
        (g.COMMUNITY, ("enact", {"from_day": the_day(9)})),
        SIGN,
        (g.COMMUNITY, ("praise", {"households": 10, **EVIDENCE, "names": ["演示居民"]})),
    ),
    "discussed-again-and-kept": (
        *PUBLISHED,
        OBJECTION,
        (g.TOWN, ("discuss_again", REASON)),
        (g.COMMUNITY, ("discuss", {**YES, "covenant": "公约全文"})),
        posted("publish", 7),
        ANSWERED,
        timedelta(days=8),
        (g.COMMUNITY, ("enact", {"from_day": the_day(9)})),
        (g.TOWN, ("keep", REASON)),
    ),
    "rejected": (*CONSULTED, (g.COMMUNITY, ("reject", NO | MINUTES))),
    "withdrawn": (*DRAFTED, (g.COMMUNITY, ("withdraw", REASON))),
}

FOLLOWS: Final = {"people": 2, "money": 30_000}


def wanted(change: str, days: int = 90) -> Report:
    """Return a department's application, for a day so many days ahead."""
    data: dict[str, Any] = {
        "change": change,
        "item": "community.water-meter",
        "item_title": "水表抄录",
        "since": the_day(days),
        "basis": "演示依据",
        **FOLLOWS,
    }
    return reported("catalogue-admission", None, **data)


def applied(change: str, accept: str = "accept") -> Course:
    """Return an application that was accepted for review, and reviewed."""
    return (
        (g.WATER, wanted(change)),
        (g.DISPATCHER, accept),
        (g.DISPATCHER, ("review", {"advice": "admit", "opinion": "依据充分"})),
    )


ADMITTED: Final = ("admit", {**FOLLOWS, "opinion": "同意"})
CATALOGUE_ADMISSION: Final[dict[str, Course]] = {
    "admitted-then-revoked": (
        (g.WATER, wanted("new", 10)),
        (g.WATER, ("postpone", {"since": the_day(90)})),
        (g.DISPATCHER, "accept"),
        (g.DISPATCHER, ("consult", {"unit": d.COMMUNITY, "note": "请提意见"})),
        (g.COMMUNITY, ("give_opinion", EVIDENCE)),
        (g.DISPATCHER, ("consult", {"unit": d.OTHER_COMMUNITY, "note": "请提意见"})),
        (g.DISPATCHER, ("waive_opinion", REASON)),
        (g.WATER, NOTE),
        (g.DISPATCHER, ("review", {"advice": "refuse", "opinion": "经费不足"})),
        (LEADER, ("send_back", REASON)),
        (g.DISPATCHER, ("review", {"advice": "admit", "opinion": "经费已补足"})),
        (LEADER, ADMITTED),
        timedelta(days=30),
        (LEADER, ("revoke", {"reason": "居民普遍不认可"})),
    ),
    "adjusted": (*applied("adjust"), (LEADER, ("adjust", {**FOLLOWS, "opinion": "同意"}))),
    "exited": (*applied("exit", "accept_exit"), (LEADER, ("exit", {"opinion": "同意退出"}))),
    "refused-late": (*applied("new"), timedelta(days=40), (LEADER, ("refuse", REASON))),
    "not-accepted": (
        (g.WATER, wanted("new", 10)),
        (g.DISPATCHER, ("not_accept", {"reason_code": "too_late", **REASON})),
    ),
    "withdrawn": (*applied("new")[:2], (g.WATER, ("withdraw", REASON))),
}

PRAISED: Final[Course] = (
    (g.GRID, reported("conduct-board", d.GRID, board="good_deed", person_name="张演示")),
)
SUBMITTED: Final[Course] = (*PRAISED, (g.COMMUNITY, ("submit", EVIDENCE)))
REVIEWED: Final[Course] = (*SUBMITTED, (g.TOWN, ("review", {"opinion": "事迹属实"})))
ON_THE_BOARD: Final[Course] = (*REVIEWED, posted("publish", 7))
CONDUCT_BOARD: Final[dict[str, Course]] = {
    "listed-after-an-objection": (
        *SUBMITTED,
        (g.TOWN, ("send_back", REASON)),
        (g.COMMUNITY, NOTE),
        (g.COMMUNITY, ("submit", EVIDENCE)),
        (g.TOWN, ("review", {"opinion": "事迹属实"})),
        posted("publish", 7),
        A_DAY,
        OBJECTION,
        ANSWERED,
        timedelta(days=8),
        (g.COMMUNITY, "end_publication"),
    ),
    "withdrawn-from-the-board": (*ON_THE_BOARD, OBJECTION, (g.TOWN, ("withdraw", REASON))),
    "rejected": (*SUBMITTED, (g.TOWN, ("reject", REASON))),
}
