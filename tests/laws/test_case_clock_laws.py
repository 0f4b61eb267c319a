"""Random handling of a case, decided as ever: every due is what counting by hand comes to."""

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from domain import facts as f
from domain.actor import Actor, Role
from domain.almanac import almanac_of
from domain.commands import Settle
from domain.drift import drift
from domain.explain import explain
from tests.support import districts as d
from tests.support import given as g
from tests.support.case_lives import NAMES, CaseByHand, minute_of
from tests.support.people import UNASKED, Story, altered
from workflows.calendars import load_shipped

LIVES = int(os.environ.get("BIHUAN_LAWS", "300"))
FEWER = max(100, LIVES // 10)
pytestmark = pytest.mark.timeout(0 if LIVES > 1000 else 300)
OFFICE = almanac_of(load_shipped("cn-office"))
ALMANACS = {(OFFICE.name, OFFICE.version): OFFICE}
TIMER = Actor(role=Role.TIMER)
SEVERITIES = ("general", "serious", "major")
URGENCIES = ("normal", "normal", "urgent")
EVIDENCE = {"evidence": "情况属实"}
REASON = {"reason": "理由"}

Step = tuple[Actor, Any]


def steps_of(what: int, one: int, other: int, now: datetime, unit: str) -> list[Step]:
    """Return what people do: ask and grant, take up again, regrade, send back."""
    grade = {"severity": SEVERITIES[one % 3], "urgency": URGENCIES[other % 3], **REASON}
    regrading = "correct_grading" if what == 7 and one % 2 else "regrade"
    until = (now + timedelta(days=1 + one, minutes=other)).isoformat()
    match what:
        case 0:
            asked = {"reason_code": "awaiting_parties", "until": until, **EVIDENCE}
            return [(g.WATER, ("request_suspension", asked)), (g.SUPERVISOR, "grant_suspension")]
        case 1:
            asked = {"reason_code": "awaiting_procedure", "until": until, **EVIDENCE}
            return [(g.WATER, ("request_suspension", asked)), (g.SUPERVISOR, "grant_suspension")]
        case 2 | 3:
            return [(g.WATER, "resume")]
        case 4 | 5:
            asked = {"asked": f"{1 + one % 5}{unit}", **REASON}
            granted = {"granted": f"{1 + other % 5}{unit}"} if other % 2 else {}
            return [
                (g.WATER, ("request_extension", asked)),
                (g.SUPERVISOR, ("grant_extension", granted)),
            ]
        case 6 | 7:
            return [(g.SUPERVISOR, (regrading, grade))]
        case 8:
            return [
                (g.WATER, ("claim_completion", EVIDENCE)),
                (g.COMMUNITY, ("rework", REASON)),
            ]
        case _:
            return [(TIMER, Settle())]


LIVED = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 20), st.integers(0, 1439), st.integers(1, 5 * 1440)
    ),
    max_size=8,
)


def handled(severity: str, urgency: str, lived: list[tuple[int, int, int, int]]) -> g.Story:
    """Let a case be handled; what is refused did not happen."""
    story = Story(
        *g.ACCEPTED,
        (g.COMMUNITY, ("grade", {"severity": severity, "urgency": urgency, **g.OVERRIDE})),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (g.WATER, "start_handling"),
        kind=altered(UNASKED),
    )
    for what, one, other, minutes in lived:
        story.later(minutes=minutes)
        clock = story.case.clock("handling")
        assert clock is not None
        unit = "nh" if clock.budget.endswith("h") else "wd"
        for actor, step in steps_of(what, one, other, story.now, unit):
            story.when(actor, step)
            story.later(minutes=1 + one)
    return story


def checked(story: g.Story) -> int:
    """Compare every due that the story's facts state with the one counted by hand."""
    case, compared = CaseByHand(), 0
    stating = f.ClockStarted | f.ClockResumed | f.ClockRescheduled | f.ClockStopped
    for draft in story.history:
        case.happened(draft)
        fact = draft.fact
        if isinstance(fact, stating) and fact.clock in NAMES:
            expected = case.expected(fact.clock, minute_of(draft.occurred_at))
            assert fact.due == expected, (fact.TYPE, fact.clock, draft.occurred_at)
            compared += 1
    return compared


@settings(
    max_examples=FEWER,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(st.sampled_from(SEVERITIES), st.sampled_from(URGENCIES), LIVED)
@example("general", "normal", [(4, 2, 0, 1440), (6, 1, 0, 1440)])  # extended, then stricter
@example("general", "normal", [(6, 1, 0, 20_630)])  # stricter an hour before the due: no later
@example("serious", "normal", [(1, 3, 100, 2000), (0, 2, 5, 2880), (6, 0, 0, 600)])
def test_every_due_that_is_recorded_is_the_one_counted_by_hand(
    severity: str, urgency: str, lived: list[tuple[int, int, int, int]]
) -> None:
    story = handled(severity, urgency, lived)
    assert checked(story) >= 3
    assert drift(story.case, ALMANACS, story.kind) == []
    records = [(draft.fact, draft.occurred_at) for draft in story.history]
    for clock in story.case.clocks:
        explained = explain(records, clock.instance, ALMANACS, story.now)
        assert explained.agrees in {True, None}
        assert (explained.agrees is None) == (clock.status == "paused")
        assert all(
            bool(row.charged_to) == (row.counted and not row.ahead) for row in explained.rows
        )


def test_a_breach_is_voided_only_where_the_right_grade_gives_another_due() -> None:
    story = handled("serious", "normal", [])
    clock = story.case.clock("handling")
    assert clock is not None
    story.now = clock.due + timedelta(minutes=1)
    stricter = {"severity": "serious", "urgency": "urgent", **REASON}
    story.when(g.SUPERVISOR, ("correct_grading", stricter))
    assert story.refusal is None
    after = story.case.clock("handling")
    assert after is not None
    assert after.breached_at == clock.due, "late by its old limit, and by the right one too"
