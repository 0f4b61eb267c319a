"""Courses of cases between units, for the golden histories: hops, returns, whistles, other ends."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from domain.actor import Actor, Role
from tests.support import districts as d
from tests.support import given as g

Telling = Callable[..., g.Story]
REASON: Final = {"reason": "理由"}
EVIDENCE: Final = {"evidence": "已处理"}
LEADER: Final = Actor(role=Role.LEADER, person="4d1f0b8a-2c3e-4a5b-9c6d-7e8f9a0b1c02")
UP: Final = (g.COMMUNITY, ("escalate", REASON))
GRADED: Final = (
    *g.ACCEPTED,
    (g.COMMUNITY, ("grade", {"severity": "general", **g.OVERRIDE})),
)


def _dispatched(lead: str) -> tuple[Actor, Any]:
    return (g.DISPATCHER, ("dispatch", {"lead": lead}))


def _returned(actor: Actor, lead: str) -> g.Steps:
    back = (actor, ("request_return", REASON))
    return (_dispatched(lead), back, (g.DISPATCHER, "uphold_return"))


def _up_and_down(told: Telling) -> g.Story:
    """Up by a skip-level rule, down again, not wanted there, and at last taken over."""
    urgent = {"severity": "general", "urgency": "urgent", **g.OVERRIDE}
    return told(
        *g.ACCEPTED,
        (g.COMMUNITY, ("grade", urgent)),
        (g.COMMUNITY, ("escalate", {"to": d.COUNTY, "copied": [d.HOUSING], **REASON})),
        (g.DISPATCHER, "accept_handover"),
        (g.DISPATCHER, ("hand_down", {"to": d.OTHER_TOWN, "copied": [d.TOWN]})),
        (g.OTHER_TOWN, ("request_pass_back", REASON)),
        (g.DISPATCHER, ("uphold_pass_back", {"note": "确属误交"})),
        _dispatched(d.WATER),
    )


def _bound(told: Telling) -> g.Story:
    """Returned twice by the same unit and once by another: the centre says who handles it."""
    return told(
        *GRADED,
        *_returned(g.WATER, d.WATER),
        *_returned(g.WATER, d.WATER),
        *_returned(g.HOUSING, d.HOUSING),
        (g.DISPATCHER, ("designate", {"lead": d.WATER, **REASON})),
        (g.WATER, "start_handling"),
    )


def _called(told: Telling) -> g.Story:
    """Two departments are called: one comes, one is late and released; both sides are rated."""
    story = told(
        *GRADED,
        (g.COMMUNITY, ("blow_whistle", {"departments": [d.WATER, d.HOUSING], **REASON})),
        (g.WATER, ("report_in", {"note": "已到现场"})),
    )
    story.later(hours=6)
    return story.given(
        (g.COMMUNITY, ("release_call", {"call": 2})),
        (g.COMMUNITY, ("rate_report", {"call": 2, "score": 1})),
        (g.WATER, ("rate_whistle", {"call": 1, "score": 5})),
    )


def _supervised(told: Telling) -> g.Story:
    """Supervised more and more strictly, urged, discussed; cleared when it was verified."""
    supervised = (
        (g.SUPERVISOR, ("supervise", {"level": level, **REASON})) for level in ("ordinary", "red")
    )
    meeting = {"sort": "joint", "attended": [d.WATER, d.HOUSING], "minutes": "会议纪要"}
    return told(
        *GRADED,
        _dispatched(d.WATER),
        (g.WATER, "start_handling"),
        *supervised,
        (g.INTEGRATOR, ("urge", {"note": "请尽快"})),
        (LEADER, ("instruct", {"instruction": "请举一反三"})),
        (g.COMMUNITY, ("hold_meeting", {**meeting, "decisions": ["水务局牵头"]})),
        (g.WATER, ("claim_completion", EVIDENCE)),
        (g.COMMUNITY, "verify"),
    )


def _supplemented(told: Telling) -> g.Story:
    """Checked on the spot, then more is asked for, and it is put on record."""
    asked = {"provider": "grid", "items": "现场照片"}
    return told(
        *g.REPORTED,
        (g.COMMUNITY, ("request_check", {"note": "请核实"})),
        (g.GRID, ("confirm_check", {"check_result": "confirmed", **EVIDENCE})),
        (g.COMMUNITY, ("request_supplement", asked)),
        (g.GRID, ("provide_supplement", {"supplement": "照片已补"})),
        (g.COMMUNITY, ("put_on_record", REASON)),
    )


def _voided(told: Telling) -> g.Story:
    """Not to be accepted, says one; not so, another; at last it is voided by two."""
    coded = {"reason_code": "mistaken", **REASON}
    return told(
        *g.REPORTED,
        (g.COMMUNITY, ("not_accept", {"reason_code": "other", **REASON})),
        (g.DISPATCHER, ("refuse_non_acceptance", REASON)),
        (g.COMMUNITY, ("request_void", coded)),
        (g.DISPATCHER, ("refuse_void", REASON)),
        (g.DISPATCHER, ("request_void", coded)),
        (g.SUPERVISOR, "confirm_void"),
    )


def _transferred(told: Telling) -> g.Story:
    """Handed to the town, which takes it over and passes it to another system."""
    out = {"system": "12345", **REASON}
    return told(*GRADED, UP, (g.TOWN, "accept_handover"), (g.TOWN, ("transfer_out", out)))


COURSES: Final[dict[str, Callable[[Telling], g.Story]]] = {
    "closed-loop/escalated-handed-down-and-passed-back": _up_and_down,
    "closed-loop/returned-three-times-and-bound": _bound,
    "closed-loop/whistle-one-came-one-released": _called,
    "closed-loop/supervised-and-cleared": _supervised,
    "closed-loop/supplemented-and-put-on-record": _supplemented,
    "closed-loop/voided-by-two": _voided,
    "closed-loop/transferred-out": _transferred,
}


def routing_courses(told: Telling) -> dict[str, Callable[[], g.Story]]:
    """Return the courses, each to be told by the story-teller that is given."""
    return {name: partial(course, told) for name, course in COURSES.items()}
