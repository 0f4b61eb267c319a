"""Courses of people being told what was done (告知), for the golden histories."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Delivery, Settle, Sign
from tests.support import districts as d
from tests.support import given as g

Telling = Callable[..., g.Story]
TIMER: Final = Actor(role=Role.TIMER)
POST: Final = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b04"
"""The deputy head of the county, as `record_histories` has the posts."""
GRADED: Final = (
    *g.ACCEPTED,
    (g.COMMUNITY, ("grade", {"severity": "general", **g.OVERRIDE})),
)


def delivered(notice: int, receipt: str | None = "200") -> Delivery:
    """Return what became of a notice on its channel."""
    return Delivery(
        clock=None,
        notice=notice,
        channel="webhook",
        attempts=1 if receipt else 9,
        receipt=receipt,
        reason="" if receipt else "http-503",
    )


def _signed_for(told: Telling) -> g.Story:
    """Told, delivered, one of them signed for, one by starting to work, one by nobody."""
    units = {"lead": d.WATER, "assisting": [d.HOUSING], "informed": [d.TOWN]}
    story = told(*GRADED, (g.DISPATCHER, ("dispatch", units)))
    numbers = {
        one.fact.cause + str(one.fact.recipient.role): one.fact.notice
        for one in story.history
        if isinstance(one.fact, f.PartyNotified)
    }
    story.given(
        (TIMER, delivered(numbers["case-assignedlead"])),
        (TIMER, delivered(numbers["case-assignedinformed"], None)),
        (g.WATER, Sign(numbers["case-assignedlead"])),
    )
    story.now += timedelta(hours=8)
    story.when(TIMER, Settle())
    return story.given((g.HOUSING, ("complete_task", {"evidence": "已围挡"})))


def _kept_from(told: Telling) -> g.Story:
    """Confidential: only the named post is told, whoever else would be."""
    secret = ("set_confidentiality", {"posts": [POST], "reason": "涉及举报"})
    confided = Actor(role=Role.SUPERVISOR, post=POST)
    return told(
        *GRADED,
        (g.SUPERVISOR, secret),
        (confided, ("supervise", {"level": "red", "reason": "限期"})),
    )


def told_courses(told: Telling) -> dict[str, Callable[[], g.Story]]:
    """Return the courses by name."""
    return {
        "closed-loop/told-signed-for-and-passed-on": partial(_signed_for, told),
        "closed-loop/told-only-whom-it-is-confided-to": partial(_kept_from, told),
    }
