"""三包: duties that are taken, fulfilled or failed; stability, which outlives the end."""

from datetime import datetime
from typing import Any

from domain import facts as f
from domain.actor import Actor
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import only

INVESTIGATION = {"duty": "investigation"}
FAIL: dict[str, Any] = {"reason_code": "no_result", "reason": "当事人外出"}
FAIL_STABILITY = (g.SUPERVISOR, ("fail_duty", {"duty": "stability", **FAIL}))


def revisit(outcome: str) -> tuple[Actor, Any]:
    return g.GRID, ("revisit", {"outcome": outcome, "evidence": "上门走访"})


def take(name: str = "investigation", **more: str) -> tuple[Actor, Any]:
    return g.SUPERVISOR, ("take_duty", {"duty": name, **more})


def test_a_duty_is_taken_by_a_post_or_by_the_unit_that_takes_it() -> None:
    story = a.handling().when(*take(post="post-cadre")).then("duty-taken")
    fact = only(story, f.DutyTaken)
    assert (fact.duty, fact.post, fact.person, fact.unit.id) == (
        "investigation",
        "post-cadre",
        a.CADRE,
        d.COMMUNITY,
    )
    story = a.handling().when(g.WATER, ("take_duty", INVESTIGATION))
    fact = only(story, f.DutyTaken)
    assert (fact.post, fact.person, fact.unit.id) == (None, None, d.WATER)


def test_a_duty_with_a_date_has_a_clock_to_it() -> None:
    until = "2026-10-20T18:00:00+08:00"
    story = a.handling().when(*take(post="post-cadre", until=until))
    story.then("duty-taken", "clock-started")
    started = only(story, f.ClockStarted)
    assert (started.scope, started.due) == ("duty:investigation", datetime.fromisoformat(until))
    assert started.answerable.id == d.COMMUNITY
    story.when(a.LEAD, ("fulfil_duty", {**INVESTIGATION, **a.EVIDENCE}))
    story.then("duty-fulfilled", "clock-stopped")
    past = {"duty": "handling", "until": g.NOW.isoformat()}
    story.when(g.SUPERVISOR, ("take_duty", past)).refused("unknown-field", "/data/until")


def test_a_duty_is_fulfilled_with_evidence_and_only_while_it_is_taken() -> None:
    story = a.handling()
    done = (a.LEAD, ("fulfil_duty", {**INVESTIGATION, **a.EVIDENCE}))
    assert "还没有人承担" in str(story.when(*done).refused("duty-not-allowed"))
    story.took(take(post="post-cadre"))
    story.when(a.LEAD, ("fulfil_duty", INVESTIGATION)).refused("evidence-missing")
    story.when(*done).then("duty-fulfilled")
    assert "已经落实" in str(story.when(*done).refused("duty-not-allowed"))
    assert "已经落实" in str(story.when(*take()).refused("duty-not-allowed"))


def test_a_duty_may_fail_and_be_taken_again_with_a_clock_of_its_own() -> None:
    until = "2026-10-20T18:00:00+08:00"
    story = a.handling("major", take(post="post-cadre", until=until))
    story.when(a.LEAD, ("fail_duty", {**INVESTIGATION, **FAIL}))
    story.then("duty-failed", "clock-stopped")
    story.when(a.LEAD, ("fulfil_duty", {**INVESTIGATION, **a.EVIDENCE})).refused("duty-not-allowed")
    story.when(*take(post="post-other-cadre", until=until)).then("duty-taken", "clock-started")
    assert only(story, f.ClockStarted).sequence == 2
    assert only(story, f.DutyTaken).previous is None


def test_a_running_duty_changes_hands_with_a_note_and_its_clock_goes_on() -> None:
    until = "2026-10-20T18:00:00+08:00"
    story = a.handling("major", take(post="post-cadre", until=until))
    story.when(*take(post="post-other-cadre")).refused("evidence-missing", "/data/handover")
    story.when(*take(post="post-cadre", **a.HANDOVER)).refused("duty-not-allowed")
    longer = {"until": "2026-10-28T18:00:00+08:00", **a.HANDOVER}
    refusal = story.when(*take(post="post-other-cadre", **longer)).refused("duty-not-allowed")
    assert "换人不改变责任期限" in str(refusal)
    story.when(*take(post="post-other-cadre", **a.HANDOVER)).then("duty-taken")
    fact = only(story, f.DutyTaken)
    assert fact.previous == f.Answerable("post-cadre", a.CADRE)
    assert fact.until == datetime.fromisoformat(until)


def test_verification_waits_for_investigation_and_handling() -> None:
    story = a.handling("major", *a.FOUR, take(post="post-cadre"), a.CLAIM)
    refusal = story.when(*a.VERIFY).refused("accountability-incomplete")
    assert "包调查正在进行、包处理无人承担、包稳定无人承担" in str(refusal)
    story.took((a.LEAD, ("fail_duty", {**INVESTIGATION, **FAIL})))
    assert "包调查未能落实" in str(story.when(*a.VERIFY).refused("accountability-incomplete"))
    story.took(*a.duty("investigation"), *a.duty("handling"))
    assert "：包稳定无人承担。" in str(story.when(*a.VERIFY).refused("accountability-incomplete"))
    story.took(a.STABILITY).when(*a.VERIFY)
    assert only(story, f.CompletionVerified).action == "verify"


def test_a_duty_that_nobody_required_must_not_be_open_either() -> None:
    story = a.handling("general", take("handling"), a.CLAIM)
    assert "：包处理正在进行。" in str(story.when(*a.VERIFY).refused("accountability-incomplete"))
    story.took((a.LEAD, ("fail_duty", {"duty": "handling", **FAIL}))).when(*a.VERIFY)
    assert only(story, f.CompletionVerified).action == "verify"


def test_stability_outlives_the_end_and_its_clock_with_it() -> None:
    story = a.closed()
    assert (story.case.stage, story.case.outcome) == ("closed", "closed")
    assert [clock.name for clock in story.case.open_clocks] == ["stability"]
    running = story.case.accountability.duty("stability")
    assert running is not None
    assert running.status == "running"


def test_stability_is_fulfilled_when_its_watch_ends_and_it_was_found_stable() -> None:
    story = a.closed()
    done = (a.LEAD, ("fulfil_duty", {"duty": "stability", **a.EVIDENCE}))
    refusal = story.when(*done).refused("duty-not-allowed")
    assert "稳控观察期到 2026-11-11 为止" in str(refusal)
    story.at("2026-11-11T09:00")
    assert "还没有结果为稳定的回访" in str(story.when(*done).refused("duty-not-allowed"))
    story.when(*revisit("stable")).then("revisit-recorded")
    assert only(story, f.RevisitRecorded).revisit == 1
    story.when(*done).then("duty-fulfilled", "clock-stopped")
    assert only(story, f.ClockStopped).met
    assert story.case.stage == "closed"


def test_an_unstable_revisit_fails_the_duty_and_reopens_the_case_at_once() -> None:
    story = a.closed().at("2026-10-20T09:00").when(*revisit("unstable"))
    assert [draft.fact.TYPE for draft in story.drafts][:3] == [
        "revisit-recorded",
        "duty-failed",
        "case-reopened",
    ]
    assert (story.case.stage, story.case.cycle, story.case.outcome) == (
        "awaiting_dispatch",
        2,
        None,
    )
    assert story.case.holder is not None
    assert story.case.holder.id == d.COMMUNITY
    assert only(story, f.DutyFailed).reason == "unstable"
    open_now = {(clock.name, clock.cycle) for clock in story.case.open_clocks}
    assert open_now == {("total", 2)}


def test_a_failed_stability_reopens_only_a_case_that_had_ended() -> None:
    story = a.closed().when(*FAIL_STABILITY)
    assert only(story, f.CaseReopened).cycle == 2
    open_case = a.handling("major", a.STABILITY).when(*FAIL_STABILITY)
    open_case.then("duty-failed", "clock-stopped")
    unstable = a.handling("major", a.STABILITY).when(*revisit("unstable"))
    unstable.then("revisit-recorded", "duty-failed", "clock-stopped")


def test_after_a_reopening_the_same_people_answer_and_the_rest_is_fixed_anew() -> None:
    story = a.closed().took(revisit("unstable"))
    now = story.case.accountability
    assert now.leader_at(story.now) is not None
    assert (now.measures, now.deadline, now.complete) == (None, None, ())
    assert [(duty.name, duty.status) for duty in now.duties] == [("stability", "failed")]
    story.took((g.DISPATCHER, ("dispatch", {"lead": d.WATER})), (a.LEAD, "start_handling"))
    refusal = story.when(*a.CLAIM).refused("accountability-incomplete")
    assert "：未定措施、未定时间。" in str(refusal)
    story.took(a.FIX_MEASURES).when(*a.FIX_DEADLINE)
    assert only(story, f.FourFixed).count == 2


def test_a_plain_reopening_lets_the_watch_go_on() -> None:
    story = a.closed().took((g.SUPERVISOR, ("reopen", {"reason": "群众反映"})))
    assert ("stability", 1) in {(clock.name, clock.cycle) for clock in story.case.open_clocks}
    running = story.case.accountability.duty("stability")
    assert running is not None
    assert running.status == "running"


def test_a_case_without_stability_is_not_revisited() -> None:
    story = a.handling().when(*revisit("stable"))
    assert "包稳定" in str(story.refused("duty-not-allowed"))
    a.handling("major", a.STABILITY).when(g.GRID, ("revisit", {"outcome": "fine"})).refused(
        "unknown-field", "/data/outcome"
    )
