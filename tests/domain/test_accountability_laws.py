"""Laws of 四定三包, over random lives of a case."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import facts as f
from domain.accountability_matrix import matrix
from domain.actor import Actor
from domain.case import blank
from domain.commands import Settle
from domain.evolve import fold
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g

Step = tuple[Actor, Any]
HANDED = {**a.HANDOVER}
FAIL = {"reason_code": "other", "reason": "未落实"}
DUTIES = ("investigation", "handling", "stability")
MOVES: tuple[Step, ...] = (
    *a.FOUR,
    (g.SUPERVISOR, ("fix_leader", {"leader": "post-deputy", **HANDED})),
    (g.SUPERVISOR, ("fix_leader", {"leader": "post-chief", **HANDED})),
    (g.SUPERVISOR, ("fix_leader", {"leader": a.EMPTY, **HANDED})),
    (
        g.DISPATCHER,
        (
            "fix_responsibility",
            {"cadre": "post-other-cadre", "grid_worker": "post-worker", **HANDED},
        ),
    ),
    (a.LEAD, ("tick_measure", {"measure": 1, **a.EVIDENCE})),
    (a.LEAD, ("tick_measure", {"measure": 2, **a.EVIDENCE})),
    *((g.SUPERVISOR, ("take_duty", {"duty": one, "post": "post-cadre"})) for one in DUTIES),
    *((a.LEAD, ("fulfil_duty", {"duty": one, **a.EVIDENCE})) for one in DUTIES),
    *((g.SUPERVISOR, ("fail_duty", {"duty": one, **FAIL})) for one in DUTIES),
    (g.GRID, ("revisit", {"outcome": "stable", **a.EVIDENCE})),
    (g.GRID, ("revisit", {"outcome": "unstable", **a.EVIDENCE})),
    *(
        (g.SUPERVISOR, ("regrade", {"severity": one, "reason": "情况变化"}))
        for one in ("general", "serious", "major")
    ),
    (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
    (a.LEAD, "start_handling"),
    a.CLAIM,
    a.VERIFY,
    a.CLOSE,
    (g.SUPERVISOR, ("reopen", {"reason": "群众反映"})),
)
lives = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(1, 72)), max_size=30)


def required(story: a.Story) -> tuple[str, ...]:
    rule = story.kind.accountability
    assert rule is not None
    return rule.slots_at(story.case.severity)


def live(story: a.Story, steps: list[tuple[Step, int]]) -> None:
    """Try every step, some hours after the one before; what is refused changes nothing."""
    for (actor, step), hours in steps:
        story.later(hours=hours).when(a.TIMER, Settle())
        story.when(actor, step)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(4)), st.sampled_from(["serious", "major"]))
def test_any_order_makes_the_four_stand_exactly_once(order: list[int], severity: str) -> None:
    story = a.handling(severity)
    date = (a.LEAD, ("fix_deadline", {"deadline": "2026-10-16T12:00:00+08:00"}))
    for number in order:
        story.took(date if number == 2 else a.FOUR[number])
    fixed = [draft.fact for draft in story.history if isinstance(draft.fact, f.FourFixed)]
    assert len(fixed) == 1
    assert set(fixed[0].parts) == set(required(story))


@settings(max_examples=60, deadline=None)
@given(lives)
def test_the_four_are_said_to_stand_once_for_each_time_they_come_to_stand(
    steps: list[tuple[Step, int]],
) -> None:
    story = a.handling()
    told: set[str] = set()
    for step in steps:
        live(story, [step])
        for draft in story.drafts:
            if isinstance(draft.fact, f.CaseReopened):
                told = set()
            if isinstance(draft.fact, f.FourFixed):
                assert not set(draft.fact.parts) <= told, "said twice"
                told = set(draft.fact.parts)
    counts = [draft.fact.count for draft in story.history if isinstance(draft.fact, f.FourFixed)]
    assert counts == list(range(1, len(counts) + 1))


@settings(max_examples=60, deadline=None)
@given(lives)
def test_the_matrix_of_a_moment_is_that_of_the_facts_that_had_occurred_by_then(
    steps: list[tuple[Step, int]],
) -> None:
    story = a.handling()
    seen = [(story.now, matrix(story.case, story.directory, story.now))]
    for step in steps:
        live(story, [step])
        # A second later: what happens in the same second counts as seen, and the worker has too.
        story.later(seconds=1).when(a.TIMER, Settle())
        seen.append((story.now, matrix(story.case, story.directory, story.now)))
    for moment, was in seen:
        by_then = [
            (draft.fact, draft.occurred_at)
            for draft in story.history
            if draft.occurred_at <= moment
        ]
        then = fold(blank(story.case.id, story.kind.hash), by_then)
        assert matrix(then, story.directory, moment) == was


@settings(max_examples=60, deadline=None)
@given(lives)
def test_nothing_is_claimed_or_verified_that_is_not_accounted_for(
    steps: list[tuple[Step, int]],
) -> None:
    story = a.handling()
    for step in steps:
        before = {cell.part: cell for cell in matrix(story.case, story.directory, story.now)}
        needed = required(story)
        live(story, [step])
        if story.facts(f.CompletionClaimed):
            assert all(before[part].since is not None for part in needed)
            assert not any(before[part].vacant for part in needed)
        if story.facts(f.CompletionVerified):
            open_ = ("set", "at_risk", "late")
            assert before["investigation"].status not in open_
            assert before["handling"].status not in open_
