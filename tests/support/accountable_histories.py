"""Histories of 四定三包: a major case that is accounted for, and the adoption of a dispute."""

from collections.abc import Callable
from typing import Any, Final

from tests.support import accountable as a
from tests.support import adoption as ad
from tests.support import given as g

FAILED: Final[dict[str, Any]] = {"reason_code": "no_contact", "reason": "当事人外出"}
STABLE: Final = ("revisit", {"outcome": "stable", **a.EVIDENCE})
UNSTABLE: Final = ("revisit", {"outcome": "unstable", **a.EVIDENCE})


def accounted_for() -> g.Story:
    """Fixed late, another leader after the breach, a duty that failed once, a watch that held."""
    story = a.handling("major", a.FIX_LEADER, a.FIX_MEASURES).at("2026-10-14T09:00")
    change = {"leader": "post-deputy", "effective_at": "2026-10-13T12:00:00+08:00", **a.HANDOVER}
    dates = {"milestones": ["调查"], "milestone_dates": ["2026-10-20T18:00:00+08:00"]}
    taken = {"duty": "investigation", "post": "post-cadre", "until": "2026-10-20T18:00:00+08:00"}
    other = {"duty": "investigation", "post": "post-other-cadre", **a.HANDOVER}
    story.took(
        (g.SUPERVISOR, ("fix_leader", change)),
        (a.LEAD, ("fix_deadline", {"deadline": a.DEADLINE, **dates})),
        a.FIX_RESPONSIBILITY,
        (g.SUPERVISOR, ("take_duty", taken)),
        (g.SUPERVISOR, ("take_duty", other)),
        (a.LEAD, ("fail_duty", {"duty": "investigation", **FAILED})),
        *a.duty("investigation"),
        *a.duty("handling"),
        (a.LEAD, ("tick_measure", {"measure": 1, **a.EVIDENCE})),
        (a.LEAD, ("tick_measure", {"measure": 2, **a.EVIDENCE})),
        a.STABILITY,
    )
    story.at("2026-10-20T09:00").took(a.CLAIM, a.VERIFY, a.CLOSE)
    story.at("2026-11-13T10:00").took((g.GRID, STABLE))
    return story.took((a.LEAD, ("fulfil_duty", {"duty": "stability", **a.EVIDENCE})))


def unstable() -> g.Story:
    """Closed, and open again because it did not stay settled."""
    return a.closed().at("2026-10-20T09:00").took((g.GRID, UNSTABLE))


def regraded() -> g.Story:
    """Major, then serious: no leader is needed any more, and what is fixed is complete."""
    story = a.handling("major", a.FIX_MEASURES, a.FIX_RESPONSIBILITY)
    soon = {"deadline": "2026-10-16T12:00:00+08:00"}
    down = {"severity": "serious", "reason": "已缓和"}
    return story.took((a.LEAD, ("fix_deadline", soon)), (g.SUPERVISOR, ("regrade", down)))


def adopted() -> g.Story:
    """Sent back once, adopted, extended, struck off, circulated."""
    back = (ad.FIRST, ("send_back", {"reason": "情况不清"}))
    ask = (ad.ADOPTER, ("request_extension", {"asked": "20nd", "reason": "需鉴定"}))
    return ad.Adoption(
        ad.REPORT,
        ad.SUBMIT,
        back,
        *ad.CIRCULATED[1:4],
        ask,
        (ad.FIRST, ("grant_extension", {"granted": "15nd"})),
        *ad.CIRCULATED[4:],
    )


def flared_up() -> g.Story:
    """Circulated, and adopted anew when the dispute flared up."""
    return ad.Adoption(*ad.CIRCULATED).at("2026-10-20T09:00").took((g.COMMUNITY, UNSTABLE))


def not_adopted() -> g.Story:
    """The first leader does not adopt it: it is no major dispute."""
    refused = ("not_adopt", {"reason_code": "not_major", "reason": "按一般纠纷调解"})
    return ad.Adoption(ad.REPORT, ad.SUBMIT, (ad.FIRST, refused))


ACCOUNTABLE_HISTORIES: Final[dict[str, Callable[[], g.Story]]] = {
    "closed-loop/accounted-for": accounted_for,
    "closed-loop/stability-failed-and-reopened": unstable,
    "closed-loop/four-fixed-by-regrading": regraded,
    "dispute-adoption/struck-off-and-circulated": adopted,
    "dispute-adoption/flared-up": flared_up,
    "dispute-adoption/not-adopted": not_adopted,
}
