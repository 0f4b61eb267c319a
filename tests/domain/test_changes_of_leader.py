"""Changes of who answers: from when they hold, with a handover, and what a breach freezes."""

from datetime import date

from domain import facts as f
from domain.accountability_matrix import matrix
from tests.support import accountable as a
from tests.support import given as g
from tests.support.people import only

ANOTHER = {"leader": "post-deputy"}


def test_another_leader_is_fixed_with_a_handover_note_sealed_beside_the_fact() -> None:
    story = a.handling("major", a.FIX_LEADER)
    story.when(g.SUPERVISOR, ("fix_leader", ANOTHER)).refused("evidence-missing", "/data/handover")
    story.when(g.SUPERVISOR, ("fix_leader", {**ANOTHER, **a.HANDOVER})).then("leader-fixed")
    fact = only(story, f.LeaderFixed)
    assert fact.previous == f.Answerable("post-chief", a.CHIEF)
    assert [text.field for text in story.drafts[0].texts] == ["handover"]
    again = story.when(g.SUPERVISOR, ("fix_leader", {**ANOTHER, **a.HANDOVER}))
    assert "与现在的相同" in str(again.refused("unknown-field", "/data/leader"))


def test_a_change_may_take_effect_later_and_the_one_before_answers_until_then() -> None:
    story = a.handling("major", a.FIX_LEADER)
    when = "2026-10-19T00:00:00+08:00"
    form = {**ANOTHER, **a.HANDOVER, "effective_at": when}
    story.when(g.SUPERVISOR, ("fix_leader", form)).then("leader-fixed")
    assert _leader(story) == (a.CHIEF, "set")
    story.at("2026-10-19T09:00")
    assert _leader(story) == (a.DEPUTY, "set")
    first = {"leader": "post-chief", "effective_at": when}
    a.handling().when(g.SUPERVISOR, ("fix_leader", first)).refused(
        "unknown-field", "/data/effective_at"
    )


def test_no_change_takes_effect_before_a_recorded_breach() -> None:
    story = a.handling("major", a.FIX_LEADER).at("2026-10-14T09:00")
    [breach] = [
        draft.fact
        for draft in story.history
        if isinstance(draft.fact, f.DeadlineBreached) and draft.fact.clock == "four_fixed"
    ]
    early = {**ANOTHER, **a.HANDOVER, "effective_at": "2026-10-12T12:00:00+08:00"}
    refusal = story.when(g.SUPERVISOR, ("fix_leader", early)).refused("effective-too-early")
    assert refusal.details["earliest"] == breach.effective_at
    fine = {**early, "effective_at": "2026-10-13T12:00:00+08:00"}
    story.when(g.SUPERVISOR, ("fix_leader", fine)).then("leader-fixed")


def test_nobody_answers_from_before_the_case() -> None:
    early = {"leader": "post-chief", "effective_at": "2026-10-01T12:00:00+08:00"}
    a.handling().when(g.SUPERVISOR, ("fix_leader", early)).refused("effective-too-early")


def test_a_breach_names_the_fixed_leader_first_as_of_the_day_of_the_due() -> None:
    story = a.handling("major", a.FIX_LEADER)
    story.directory = a.directory(
        ("post-chief", a.CHIEF, a.LONG_AGO, date(2026, 10, 13)),
        ("post-chief", "successor", date(2026, 10, 13), None),
    )
    story.at("2026-10-20T09:00")
    breach = next(
        draft.fact
        for draft in story.history
        if isinstance(draft.fact, f.DeadlineBreached) and draft.fact.clock == "four_fixed"
    )
    assert breach.posts[0] == f.Answerable("post-chief", "successor")
    # The unit that the clock binds has posts of its own, after the leader.
    assert f.Answerable("post-cadre", a.CADRE) in breach.posts[1:]


def test_who_answered_in_a_breach_is_who_had_taken_effect_by_the_due() -> None:
    story = a.handling("major", a.FIX_LEADER)
    when = "2026-10-20T00:00:00+08:00"
    form = {**ANOTHER, **a.HANDOVER, "effective_at": when}
    story.took((g.SUPERVISOR, ("fix_leader", form))).at("2026-10-21T09:00")
    breach = next(
        draft.fact
        for draft in story.history
        if isinstance(draft.fact, f.DeadlineBreached) and draft.fact.clock == "four_fixed"
    )
    assert breach.posts[0] == f.Answerable("post-chief", a.CHIEF)


def test_a_breach_of_a_duty_names_its_taker_after_the_leader() -> None:
    until = "2026-10-14T18:00:00+08:00"
    taken = {"duty": "investigation", "post": "post-worker", "until": until}
    story = a.handling("major", a.FIX_LEADER, (g.SUPERVISOR, ("take_duty", taken)))
    story.at("2026-10-15T09:00")
    breach = next(
        draft.fact
        for draft in story.history
        if isinstance(draft.fact, f.DeadlineBreached) and draft.fact.clock == "duty"
    )
    assert breach.posts[:2] == (
        f.Answerable("post-chief", a.CHIEF),
        f.Answerable("post-worker", a.WORKER),
    )


def test_others_carry_it_out_with_a_handover_note() -> None:
    story = a.handling("major", a.FIX_RESPONSIBILITY)
    other = {"cadre": "post-other-cadre", "grid_worker": "post-worker"}
    step = (g.DISPATCHER, ("fix_responsibility", other))
    story.when(*step).refused("evidence-missing", "/data/handover")
    story.when(g.DISPATCHER, ("fix_responsibility", {**other, **a.HANDOVER}))
    story.then("responsibility-fixed")


def _leader(story: a.Story) -> tuple[str | None, str]:
    cell = matrix(story.case, story.directory, story.now)[0]
    return cell.who[0].person, cell.status
