"""What the clocks of a case do when it is paused, extended, regraded, returned, corrected."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.almanac import almanac_of, with_version
from domain.budget import Cutoff, parse_budget
from domain.calendar import Calendar
from domain.case import Case
from domain.clock import Clock
from domain.clocks import tick
from domain.commands import Recount, Settle
from domain.decide import decide
from domain.due import PauseNotAllowed
from domain.kind import ClockDefinition, EarlyWarning, Rework, Rung, Suspension, Trigger
from domain.settling import settle
from domain.world import Draft, World
from tests.support import districts as d
from tests.support import given as g
from workflows.calendars import load_shipped

NINE = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)  # Monday 09:00 in Shanghai
HOUR = timedelta(hours=1)
WAITING = Suspension(
    name="waiting",
    title="等待当事人",
    clocks=frozenset({"handling"}),
    cap=None,
    until_required=False,
    from_request=False,
    natural_days=False,
)


def at(day: int, hour: int, minute: int = 0, second: int = 0, month: int = 10) -> datetime:
    """Return a time of autumn 2026 in Shanghai."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=8)


def handling(budget: str = "24wh", **members: Any) -> ClockDefinition:  # noqa: ANN401 - any member
    defaults: dict[str, Any] = {
        "name": "handling",
        "title": "办理时限",
        "start": frozenset({Trigger("case-assigned"), Trigger("rework-required")}),
        "stop": frozenset({Trigger("completion-claimed")}),
        "budgets": (("", parse_budget(budget)),),
        "calendar": "cn-office",
        "cutoff": Cutoff.close_of_business,
        "total": False,
    }
    return ClockDefinition(**defaults | members)


class Handled:
    """A case that is being handled, with the clocks of a test, and the moment."""

    def __init__(
        self,
        *clocks: ClockDefinition,
        started: datetime = NINE,
        suspensions: tuple[Suspension, ...] = (WAITING,),
        directory: Any = None,  # noqa: ANN401 - a Directory
    ) -> None:
        self.kind = replace(
            g.kind("closed-loop"),
            clocks=clocks or (handling(),),
            suspensions={one.name: one for one in suspensions},
        )
        self.directory = directory or g.directory()
        self.calendars: dict[str, Any] = {"cn-office": load_shipped("cn-office")}
        self.now = started
        self.case = Case(id=g.CASE_ID, kind_hash=self.kind.hash, version=1, stage="assigned")
        self.case = replace(self.case, lead=g.unit(d.WATER), holder=g.unit(d.WATER))
        self.drafts: list[Draft] = []
        self.emit(f.CaseAssigned(**self.base(), lead=g.unit(d.WATER), assisting=(), informed=()))

    def base(self, stage: str = "handling") -> dict[str, Any]:
        move = f.Stage(self.case.stage, stage, "joint_handling")
        return {"action": "test", "stage": move, "holder": g.unit(d.WATER)}

    @property
    def world(self) -> World:
        return World(
            now=self.now,
            actor=g.WATER,
            kind=self.kind,
            directory=self.directory,
            calendars=self.calendars,
            who="tester",
        )

    @property
    def clock(self) -> Clock:
        clock = self.case.clock("handling")
        assert clock is not None
        return clock

    @property
    def status(self) -> str:
        return self.clock.status

    def emit(self, *facts: f.Fact, now: datetime | None = None) -> list[f.Fact]:
        """Let facts happen now, and the clocks follow; returns what the clocks did."""
        self.now = now or self.now
        self.take(settle(self.case, self.now, self.world))
        before = self.case
        self.take([Draft(fact, self.now) for fact in facts])
        followed = tick(before, self.case, facts, self.now, self.world)
        self.take(followed)
        return [draft.fact for draft in followed]

    def take(self, drafts: list[Draft] | tuple[Draft, ...]) -> None:
        from domain.evolve import evolve  # noqa: PLC0415

        for draft in drafts:
            self.case = evolve(self.case, draft.fact, draft.occurred_at)
        self.drafts += drafts

    def wait(self, until: datetime) -> list[f.Fact]:
        """Let time pass; returns what it brought."""
        self.now = until
        drafts = decide(Settle(), self.case, self.world)
        self.take(drafts)
        return [draft.fact for draft in drafts]

    def pause(
        self, since: datetime, until: datetime | None = None, reason: str = "waiting"
    ) -> None:
        """Ask for a pause and have it granted at once."""
        number = self.case.asked + 1
        request: dict[str, Any] = {"request": number, "by": "lead", "reason": reason}
        self.emit(f.SuspensionRequested(**self.base(), **request, until=until), now=since)
        self.emit(f.SuspensionGranted(**self.base("suspended"), **request | {"by": "other"}))

    def resume(self, moment: datetime, reason: str | None = None) -> None:
        self.emit(f.CaseResumed(**self.base(), reason=reason), now=moment)

    def extend(self, more: str, asked: datetime, granted: datetime | None = None) -> list[f.Fact]:
        number = self.case.asked + 1
        request: dict[str, Any] = {"request": number, "clock": "handling"}
        self.emit(f.ExtensionRequested(**self.base(), **request, by="lead", asked=more), now=asked)
        return self.emit(
            f.ExtensionGranted(**self.base(), **request, by="other", granted=more),
            now=granted or asked,
        )

    def grade(self, severity: str, moment: datetime, *, misgraded: bool = False) -> list[f.Fact]:
        fact = f.CaseGraded(
            **self.base(), severity=severity, urgency="normal", tier="town", misgraded=misgraded
        )
        return self.emit(fact, now=moment)


def types(facts: list[f.Fact]) -> list[str]:
    return [fact.TYPE for fact in facts]


@pytest.mark.parametrize(
    ("start", "budget", "pause", "due"),
    [
        (at(12, 16), "4wh", (at(12, 18), at(13, 9)), at(13, 11)),
        (at(12, 16), "4wh", (at(12, 17), at(13, 10)), at(13, 15)),
        (at(16, 16), "7wh", (at(16, 17), at(19, 15)), at(20, 12)),
        (at(12, 10), "3wd", (at(13, 11), at(15, 9)), at(19, 18)),
        (at(12, 10), "3wd", (at(13, 9), at(13, 17)), at(15, 18)),
    ],
)
def test_the_pauses_of_the_design_move_the_due_as_it_says(
    start: datetime, budget: str, pause: tuple[datetime, datetime], due: datetime
) -> None:
    case = Handled(handling(budget), started=start)
    case.pause(pause[0])
    assert case.status == "paused"
    case.resume(pause[1])
    assert case.status == "running"
    assert case.clock.due == due
    assert case.clock.generation == 2
    assert case.wait(due) == []
    assert types(case.wait(due + timedelta(seconds=1)))[0] == "deadline-breached"


def test_reasons_form_a_set_and_the_clock_runs_when_the_last_one_ceases() -> None:
    other = replace(WAITING, name="court", title="等待诉讼结果")
    case = Handled(suspensions=(WAITING, other))
    case.pause(at(12, 10))
    case.pause(at(12, 14), reason="court")
    case.resume(at(12, 15), "waiting")
    assert case.status == "paused"
    case.resume(at(12, 17), "court")
    assert case.status == "running"
    # It is the same as one pause from the first reason to the last.
    expected = Handled()
    expected.pause(at(12, 10))
    expected.resume(at(12, 17))
    assert case.clock.due == expected.clock.due
    assert case.clock.pauses == (f.Span(at(12, 10), at(12, 14)), f.Span(at(12, 14), at(12, 17)))


def test_a_paused_clock_warns_nobody_and_its_end_lets_it_go_on_by_itself() -> None:
    rung = Rung(
        before=None, after=None, step="supervise", to="supervisor", acknowledge=None, every=None
    )
    warn = (EarlyWarning("80%", 80, None),)
    case = Handled(handling("4wh", warn=warn, ladder=(rung,)))
    case.pause(at(12, 10), until=at(14, 9))
    assert [point.name for point in case.clock.plan] == ["resume:waiting"]
    assert case.wait(at(14, 8, 59)) == []
    assert types(case.wait(at(14, 9))) == ["case-resumed", "clock-resumed"]
    assert case.case.stage == "handling"
    assert case.clock.due == at(14, 12)
    assert [point.name for point in case.clock.plan] == ["threshold:80%", "breach", "rung:1"]


def test_a_cap_ends_a_pause_that_has_no_end_of_its_own() -> None:
    case = Handled(suspensions=(replace(WAITING, cap=parse_budget("2wd")),))
    case.pause(at(12, 10))
    assert case.clock.held[0].until == at(14, 18)
    case.wait(at(15, 9))
    assert case.status == "running"
    assert case.clock.pauses == (f.Span(at(12, 10), at(14, 18)),)


def test_a_breached_clock_cannot_be_paused() -> None:
    case = Handled(handling("1wh"))
    case.wait(at(12, 11))
    with pytest.raises(PauseNotAllowed):
        case.pause(at(12, 11))


def test_a_short_pause_over_a_cutoff_is_marked_for_audit() -> None:
    case = Handled(handling("3wd"))
    case.pause(at(13, 17, 30))
    case.resume(at(14, 9, 30))
    resumed = [one.fact for one in case.drafts if isinstance(one.fact, f.ClockResumed)]
    assert [fact.short for fact in resumed] == [True]
    assert case.clock.due == at(16, 18)
    longer = Handled(handling("3wd"))
    longer.pause(at(13, 15))
    longer.resume(at(14, 9, 30))
    assert [one.fact.short for one in longer.drafts if isinstance(one.fact, f.ClockResumed)] == [
        False
    ]


def test_an_extension_adds_budget_and_survives_a_pause_and_its_resumption() -> None:
    case = Handled(handling("3wd"))
    assert types(case.extend("2wd", at(13, 9))) == ["clock-rescheduled"]
    assert case.clock.due == at(19, 18)
    case.pause(at(14, 9))
    case.resume(at(15, 9))
    assert case.clock.extensions == ("2wd",)
    assert case.clock.due == at(20, 18)


def test_an_extension_asked_for_in_time_and_granted_late_supersedes_the_breach_between() -> None:
    case = Handled(handling("4wh"))
    due = case.clock.due
    case.emit(
        f.ExtensionRequested(**case.base(), request=1, by="lead", clock="handling", asked="8wh"),
        now=due,
    )
    assert "deadline-breached" in types(case.wait(due + HOUR))
    facts = case.emit(
        f.ExtensionGranted(**case.base(), request=1, by="other", clock="handling", granted="8wh")
    )
    assert types(facts) == ["breach-superseded", "clock-rescheduled"]
    assert case.clock.breached_at is None
    assert case.clock.due == at(13, 16)
    # The first breach stays in the history; a new due may be breached again.
    assert "deadline-breached" in types(case.wait(at(13, 16, 0, 1)))


BY_SEVERITY: dict[str, Any] = {
    "budgets": (
        ("serious", parse_budget("8wh")),
        ("general", parse_budget("24wh")),
        ("", parse_budget("24wh")),
    ),
    "by": ("severity",),
    "grace": parse_budget("2wh"),
}


def test_vector_13_a_stricter_grade_counts_from_the_start_with_all_pauses() -> None:
    case = Handled(handling(**BY_SEVERITY))
    case.pause(at(12, 14))
    case.resume(at(12, 16))
    assert case.clock.due == at(15, 16)
    [fact] = case.grade("serious", at(13, 10))
    assert isinstance(fact, f.ClockRescheduled)
    assert (fact.previous_due, fact.due) == (at(15, 16), at(13, 12))
    assert fact.reason == "regraded"
    assert not fact.compressed
    assert case.clock.limit.by == "severity=serious"


def test_a_stricter_grade_leaves_at_least_the_grace() -> None:
    case = Handled(handling(**BY_SEVERITY))
    [fact] = case.grade("serious", at(13, 16))
    assert isinstance(fact, f.ClockRescheduled)
    assert fact.compressed
    assert fact.due == at(13, 18)
    assert fact.floors == (f.Floor(at(13, 16), "2wh"),)


def test_being_stricter_never_makes_a_due_later() -> None:
    case = Handled(handling(**BY_SEVERITY))
    due = case.clock.due
    assert case.grade("serious", due - HOUR) == []
    assert case.clock.due == due


def test_a_looser_grade_does_not_heal_a_breach_unless_the_grade_had_been_wrong() -> None:
    case = Handled(handling(**BY_SEVERITY))
    case.grade("serious", at(12, 10))
    case.wait(at(14, 9))
    breached_at = case.clock.breached_at
    assert breached_at is not None
    assert case.grade("general", at(14, 10)) == []
    assert case.clock.breached_at == breached_at
    assert types(case.grade("general", at(14, 11), misgraded=True)) == [
        "breach-voided",
        "clock-rescheduled",
    ]
    assert case.clock.breached_at is None
    assert case.clock.due == at(15, 12)


@pytest.mark.parametrize(
    ("policy", "due"),
    [("restart", at(14, 12)), ("remaining_ratio", at(13, 18))],
)
def test_the_other_policies_begin_anew_or_keep_the_share_that_is_left(
    policy: str, due: datetime
) -> None:
    case = Handled(handling(**BY_SEVERITY | {"regrade": policy, "grace": None}))
    case.grade("serious", at(13, 11))
    # 9 of 24 working hours were used up: 15/24 of 8 hours are left, 5 hours.
    assert case.clock.due == due


def test_rework_starts_another_clock_with_a_share_of_the_limit() -> None:
    case = Handled(handling("5wd", rework=Rework(50, parse_budget("1wd"))))
    case.emit(f.CompletionClaimed(**case.base()), now=at(14, 10))
    case.emit(f.ReworkRequired(**case.base(), count=1), now=at(15, 10))
    first, second = case.case.clocks
    assert (first.status, first.stopped_at) == ("stopped", at(14, 10))
    assert (second.sequence, second.budget, second.limit.origin) == (2, "3wd", "rework")
    # The verifier's day is not the handler's.
    assert second.started_at == at(15, 10)


def test_an_upheld_return_charges_the_dispatcher_and_cancels_the_handlers_clock() -> None:
    total = handling("30wd", name="total", total=True, stop=frozenset({Trigger("case-closed")}))
    case = Handled(handling("5wd"), total)
    case.emit(f.ReturnRequested(**case.base(), request=1, by="lead"), now=at(12, 15))
    assert case.status == "running"
    town = g.unit(d.TOWN)
    [cancelled] = case.emit(
        f.ReturnUpheld(**case.base("awaiting_dispatch"), request=1, by="town", charged_to=town),
        now=at(13, 9),
    )
    assert isinstance(cancelled, f.ClockCancelled)
    assert (cancelled.clock, cancelled.reason) == ("handling", "return-upheld")
    assert cancelled.charged_to == town
    running = case.case.clock("total")
    assert running is not None
    assert running.status == "running"


def test_two_approvals_correct_when_a_clock_stopped_and_take_a_breach_back() -> None:
    case = Handled(handling("4wh"))
    due = case.clock.due
    case.wait(due + HOUR)
    case.emit(f.CompletionClaimed(**case.base()))
    instance: dict[str, Any] = {"clock": "handling", "scope": "", "cycle": 1, "sequence": 1}
    case.emit(
        f.CorrectionRequested(**case.base(), request=1, by="a", stopped_at=due, **instance),
        now=due + 3 * HOUR,
    )
    assert case.emit(f.CorrectionApproved(**case.base(), request=1, by="b", approvals=1)) == []
    facts = case.emit(f.CorrectionApproved(**case.base(), request=1, by="c", approvals=2))
    assert types(facts) == ["clock-stop-corrected", "breach-retracted"]
    assert (case.clock.stopped_at, case.clock.breached_at) == (due, None)


LADDER = (
    Rung(
        before=parse_budget("2wh"),
        after=None,
        step="notify",
        to="handler",
        acknowledge=None,
        every=None,
    ),
    Rung(
        before=None,
        after=None,
        step="supervise",
        to="supervisor",
        acknowledge=parse_budget("4wh"),
        every=None,
    ),
    Rung(
        before=None,
        after=parse_budget("1wd"),
        step="remind",
        to="handler",
        acknowledge=None,
        every=parse_budget("1wd"),
    ),
)


def test_a_ladder_is_climbed_rung_by_rung_each_once() -> None:
    warn = (EarlyWarning("50%", 50, None), EarlyWarning("2wh", 0, parse_budget("2wh")))
    case = Handled(handling("8wh", warn=warn, ladder=LADDER))
    seen: list[tuple[str, datetime]] = []
    moment = NINE
    while moment < at(15, 12):
        moment += timedelta(minutes=20)
        seen += [
            (fact.TYPE, fact.effective_at)
            for fact in case.wait(moment)
            if isinstance(fact, (f.ThresholdReached, f.EscalationRaised, f.DeadlineBreached))
        ]
    assert seen == [
        ("threshold-reached", at(12, 15)),
        ("threshold-reached", at(12, 17)),
        ("escalation-raised", at(12, 17)),
        ("deadline-breached", at(13, 10)),
        ("escalation-raised", at(13, 10, 0, 1)),
        ("escalation-raised", at(14, 18)),
    ]


def test_after_downtime_one_notice_a_recipient_tells_of_everything_at_the_highest_rung() -> None:
    warn = (EarlyWarning("50%", 50, None), EarlyWarning("80%", 80, None))
    case = Handled(handling("8wh", warn=warn, ladder=LADDER))
    facts = case.wait(at(21, 10))
    assert types(facts) == [
        "threshold-reached",
        "escalation-raised",
        "threshold-reached",
        "deadline-breached",
        "escalation-raised",
        "escalation-raised",
        "notice-issued",
        "notice-issued",
    ]
    times = [fact.effective_at for fact in facts[:6]]  # type: ignore[attr-defined]
    assert times == sorted(times)
    handler, supervisor = [fact for fact in facts if isinstance(fact, f.NoticeIssued)]
    assert (handler.step, handler.cause) == ("remind", "rung:3")
    assert len(handler.covers) == 5
    assert supervisor.step == "supervise"
    # The reminder comes again, but not for the days that were missed.
    [again] = [point for point in case.clock.plan if point.name == "rung:3"]
    assert again.at == at(22, 18)


def test_whoever_does_not_sign_in_time_is_passed_over_and_the_next_in_line_is_told() -> None:
    case = Handled(handling("4wh", ladder=LADDER[1:2]))
    facts = case.wait(at(12, 15, 0, 1))
    [notice] = [fact for fact in facts if isinstance(fact, f.NoticeIssued) and fact.acknowledge]
    assert notice.acknowledge is not None
    later = case.wait(notice.acknowledge.at)
    assert types(later)[0] == "acknowledgement-missed"


def test_the_stop_ends_the_ladder_and_what_stopped_in_time_never_breaches() -> None:
    case = Handled(handling("4wh", ladder=LADDER))
    case.emit(f.CompletionClaimed(**case.base()), now=case.clock.due)
    assert case.clock.plan == ()
    assert case.wait(at(30, 9)) == []
    [stop] = [one.fact for one in case.drafts if isinstance(one.fact, f.ClockStopped)]
    assert stop.met


def summer(calendar: Calendar) -> Calendar:
    """Return the calendar with one more holiday, Wednesday 14 October."""
    days = dict(calendar.days) | {date(2026, 10, 14): False}
    return replace_calendar(calendar, days)


def replace_calendar(calendar: Calendar, days: dict[date, bool]) -> Calendar:
    return Calendar(
        calendar.name, "new", calendar.hours, days, calendar.covered_from, calendar.covered_to
    )


def test_a_new_calendar_moves_open_clocks_once_and_never_closed_or_breached_ones() -> None:
    case = Handled(handling("3wd"))
    calendar = load_shipped("cn-office")
    case.calendars["cn-office"] = with_version(
        almanac_of(calendar), summer(calendar), date(2026, 10, 14)
    )
    drafts = decide(Recount(), case.case, case.world)
    [draft] = drafts
    assert isinstance(draft.fact, f.ClockRescheduled)
    assert (draft.fact.previous_due, draft.fact.due) == (at(15, 18), at(16, 18))
    assert draft.fact.reason == "calendar-changed"
    case.take(drafts)
    assert decide(Recount(), case.case, case.world) == ()
    stopped = Handled(handling("3wd"))
    stopped.emit(f.CompletionClaimed(**stopped.base()))
    stopped.calendars = case.calendars
    assert decide(Recount(), stopped.case, stopped.world) == ()
    late = Handled(handling("1wh"))
    late.wait(at(12, 12))
    late.calendars = case.calendars
    assert decide(Recount(), late.case, late.world) == ()


def test_an_earlier_due_of_a_new_calendar_leaves_eight_working_hours() -> None:
    case = Handled(handling("3wd"), started=at(14, 10))
    assert case.clock.due == at(19, 18)
    calendar = load_shipped("cn-office")
    days = dict(calendar.days) | {date(2026, 10, 17): True}
    newer = with_version(almanac_of(calendar), replace_calendar(calendar, days), date(2026, 10, 16))
    case.calendars["cn-office"] = newer
    [draft] = decide(Recount(), case.case, case.world)
    assert isinstance(draft.fact, f.ClockRescheduled)
    assert draft.fact.due == at(17, 18)
    case.now = at(17, 11)
    [late] = decide(Recount(), case.case, case.world)
    assert isinstance(late.fact, f.ClockRescheduled)
    assert late.fact.compressed
    assert at(17, 18) < late.fact.due < at(19, 18)
    case.now = at(19, 15)
    assert decide(Recount(), case.case, case.world) == ()
