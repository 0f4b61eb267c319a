"""How cases of each kind may have begun, for laws that go on from anywhere in the middle."""

from datetime import timedelta
from functools import cache
from typing import Any, Final

from tests.support import accountable as a
from tests.support import adoption
from tests.support import districts as d
from tests.support import given as g
from tests.support.courses import EVIDENCE, REASON, Course, the_moment
from tests.support.kind_histories import COURSES

REPORTED: Final = ((g.GRID, g.report(unit=d.GRID)),)
HANDLED: Final[Course] = (
    *REPORTED,
    (g.COMMUNITY, "accept"),
    (g.COMMUNITY, ("grade", {"severity": "general", **g.OVERRIDE})),
    (g.DISPATCHER, ("dispatch", {"lead": d.WATER, "assisting": [d.HOUSING]})),
    (g.WATER, "start_handling"),
    (g.HOUSING, ("complete_task", EVIDENCE)),
)
DONE: Final[Course] = (
    (g.WATER, ("claim_completion", EVIDENCE)),
    (g.COMMUNITY, "verify"),
    (g.COMMUNITY, ("close", {"grade": "substantive"})),
)
BAD: Final[dict[str, Any]] = {"solved": False, "satisfaction": 1, **REASON}
GOOD: Final[dict[str, Any]] = {"solved": True, "satisfaction": 5}
MAJOR: Final[Course] = (
    *REPORTED,
    (g.COMMUNITY, "accept"),
    (g.COMMUNITY, a.grade("major")),
    (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
    (g.WATER, "start_handling"),
    *a.FOUR,
    *a.duty("investigation"),
    *a.duty("handling"),
    a.STABILITY,
    *DONE,
)
SUSPENDED: Final[Course] = (
    *HANDLED,
    (
        g.WATER,
        (
            "request_suspension",
            {"reason_code": "awaiting_parties", "until": the_moment(5), **EVIDENCE},
        ),
    ),
    (g.SUPERVISOR, "grant_suspension"),
)
WAITING: Final[Course] = (
    *HANDLED,
    (g.WATER, ("request_extension", {"asked": "2wd", **REASON})),
    (g.WATER, ("request_return", REASON)),
)
PASSED_ON: Final[Course] = (
    *HANDLED[:3],
    (g.COMMUNITY, ("escalate", REASON)),
    (g.TOWN, ("request_pass_back", REASON)),
)
WHISTLED: Final[Course] = (
    *HANDLED[:3],
    (g.COMMUNITY, ("blow_whistle", {"departments": [d.WATER, d.HOUSING], **REASON})),
    (g.WATER, "report_in"),
)
RETURNED: Final[Course] = (
    *HANDLED[:3],
    *(
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (g.WATER, ("request_return", REASON)),
        (g.DISPATCHER, "uphold_return"),
    )
    * 3,
)
CORRECTED: Final[Course] = (
    *HANDLED,
    *DONE,
    (
        g.COMMUNITY,
        (
            "request_correction",
            {"clock": "handling", "stopped_at": "2026-10-12T09:05:00+08:00", **EVIDENCE},
        ),
    ),
)
CLOSED_LOOP: Final[tuple[Course, ...]] = (
    *(HANDLED, SUSPENDED, WAITING, PASSED_ON, WHISTLED, RETURNED, CORRECTED),
    (*HANDLED, *DONE, (g.DISPATCHER, ("record_callback", GOOD)), (g.DISPATCHER, "archive")),
    (*HANDLED, *DONE, *((g.DISPATCHER, ("redo", BAD)), *DONE) * 2),
    (
        *(*HANDLED, *DONE, *((g.DISPATCHER, ("redo", BAD)), *DONE) * 2),
        (g.DISPATCHER, ("report_unsettled", BAD)),
    ),
    MAJOR,
    (*MAJOR, timedelta(days=31), (g.COMMUNITY, ("revisit", {"outcome": "stable", **EVIDENCE}))),
    (*REPORTED, (g.COMMUNITY, ("not_accept", {"reason_code": "other", **REASON}))),
    (*REPORTED, (g.COMMUNITY, ("request_supplement", {"provider": "grid", "items": "照片"}))),
    (*REPORTED, (g.GRID, ("handle_on_the_spot", EVIDENCE))),
)


@cache
def openings(kind: str) -> tuple[Course, ...]:
    """Return courses of a kind; they may be broken off anywhere."""
    told: dict[str, tuple[Course, ...]] = {
        "closed-loop": CLOSED_LOOP,
        "dispute-adoption": (adoption.CIRCULATED,),
        "public-reply": (((g.INTEGRATOR, g.report("public-reply", unit=d.COMMUNITY)),),),
    }
    return told.get(kind) or tuple(COURSES[kind].values())
