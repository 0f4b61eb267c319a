"""办结时限台账: pauses, extensions, warnings, breaches that do not stand, and whom they concern."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from domain import facts as f
from domain.case import blank
from domain.clock import Clock
from domain.evolve import fold
from eventlog.database import Database
from projections.ledgers.deadlines import DEADLINES
from projections.seen import STEPS
from projections.watched import TICKS
from tests.domain.test_golden import HISTORIES, happened, read
from tests.projections.test_deadlines import DUE, items, numbers, summary, tell
from tests.support.stories import (
    BUREAU,
    TOWN,
    Teller,
    at,
    case_id,
    closed,
    follow,
    move,
    reported,
    rescheduled,
    started,
    stopped,
    store,
)

CLOCK: dict[str, Any] = {"clock": "total", "scope": "", "cycle": 1, "sequence": 1}


def breach(due: datetime = DUE, **changes: Any) -> f.DeadlineBreached:  # noqa: ANN401 - members
    members: dict[str, Any] = {"effective_at": due, "detected_at": due, "answerable": BUREAU}
    return f.DeadlineBreached(**CLOCK, due=due, **members | changes)


def paused(since: datetime, reason: str = "awaiting_material") -> f.ClockPaused:
    return f.ClockPaused(**CLOCK, reason=reason, request=1, paused_at=since, until=None, plan=())


def resumed(
    until: datetime,
    due: datetime,
    reason: str = "awaiting_material",
    **changes: Any,  # noqa: ANN401 - members
) -> f.ClockResumed:
    members: dict[str, Any] = {
        "reason": reason,
        "request": 1,
        "resumed_at": until,
        "running": True,
        "short": False,
        "calendar_version": "2",
        "previous_due": DUE,
        "due": due,
        "provisional": False,
        "generation": 2,
        "plan": (),
    }
    return f.ClockResumed(**CLOCK, **members | changes)


def warned(threshold: str, hour: float) -> f.ThresholdReached:
    return f.ThresholdReached(
        **CLOCK, threshold=threshold, effective_at=at(hour), detected_at=at(hour)
    )


def row(district: Database, *, as_of: datetime | None = None) -> dict[str, Any]:
    (found,) = items(district, as_of=as_of)
    return found


def listed(district: Database, now: datetime, **filters: str) -> int:
    with district.connect() as connection:
        page = DEADLINES.page(connection, scope=None, filters=filters, limit=9, now=now)
    return len(page.items)


def test_every_fact_of_a_case_is_folded_and_no_other() -> None:
    assert set(STEPS) == set(f.CASE_FACTS)
    assert set(TICKS) == set(f.CLOCK_FACTS) - {f.ClockStarted}


def test_a_clock_says_which_limit_applies_to_whom(district: Database) -> None:
    limit = f.Limit("kind", "closed-loop@1.0.0", "urgency=urgent")
    tell(district, [(reported(), 0), (started(DUE, limit=limit, answerable=BUREAU), 0)])
    found = row(district)
    assert (found["limit_origin"], found["limit_by"]) == ("kind", "urgency=urgent")
    assert (found["answerable"], found["light"], found["generation"]) == ("bureau", "green", 1)


def test_a_pause_lasts_until_its_last_reason_ceases(district: Database) -> None:
    first = resumed(at(9), at(21), "weather", running=False)
    last = resumed(at(11), at(26), running=True, generation=3)
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(paused(at(4)), 5), (paused(at(5), "weather"), 5)],
        [(first, 9)],
        [(last, 11)],
    )
    holding, still, running = (row(district, as_of=at(hour)) for hour in (6, 10, 12))
    assert (holding["status"], holding["paused_at"], holding["pauses"]) == ("paused", at(4), 1)
    assert (still["status"], still["paused_at"], still["due"]) == ("paused", at(4), at(21))
    assert (running["status"], running["paused_at"], running["pauses"]) == ("running", None, 1)
    assert (running["due"], running["previous_due"], running["generation"]) == (at(26), DUE, 3)
    assert running["rescheduled"] == 0


def test_what_stands_still_is_not_overdue_unless_it_was_breached(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE), 0)], [(paused(at(4)), 4)])
    assert listed(district, at(99), overdue="true") == 0
    assert listed(district, at(99), status="paused") == listed(district, at(99), paused="true") == 1
    assert summary(district, now=at(99))["overdue"] == 0
    tell_more(district, 2, [(reported("n2"), 0), (started(DUE), 0)], [(breach(), 20)])
    tell_more(
        district,
        3,
        [(reported("n3"), 0), (started(DUE), 0)],
        [(breach(), 20)],
        [(paused(at(21)), 21)],
    )
    assert listed(district, at(99), overdue="true") == 2
    assert summary(district, now=at(99))["overdue"] == 2
    assert listed(district, at(99), paused="false") == 1


def tell_more(district: Database, name: int, *told: Sequence[tuple[f.Fact, float]]) -> None:
    """Store the requests of another case."""
    teller = Teller()
    store(district, [[teller.tell(name, fact, at(h)) for fact, h in request] for request in told])
    follow(district)


def test_a_clock_that_stops_while_paused_has_the_due_that_the_stop_tells(
    district: Database,
) -> None:
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(paused(at(4)), 4)],
        [(closed(), 30), (stopped(at(30), at(46)), 30)],
    )
    found = row(district)
    assert (found["status"], found["paused_at"], found["pauses"]) == ("stopped", None, 1)
    assert (found["due"], found["met"]) == (at(46), True)


def test_short_pauses_that_gained_a_day_can_be_listed(district: Database) -> None:
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(paused(at(8)), 8)],
        [(resumed(at(10), at(44), short=True), 10)],
    )
    tell_more(district, 2, [(reported("n2"), 0), (started(DUE), 0)])
    assert row_of(district, "n1")["short_pauses"] == 1
    assert listed(district, at(11), short_pause="true") == 1
    assert listed(district, at(11), short_pause="false") == 1


def row_of(district: Database, number: str) -> dict[str, Any]:
    return next(one for one in items(district) if one["number"] == number)


def test_an_extension_is_counted_and_told(district: Database) -> None:
    once = rescheduled(DUE, at(30), reason="extension-granted", extensions=("1wd",), generation=2)
    twice = rescheduled(
        at(30), at(50), reason="extension-granted", extensions=("1wd", "2wd"), generation=3
    )
    tell(district, [(reported(), 0), (started(DUE), 0)], [(once, 5)], [(twice, 9)])
    assert (row(district, as_of=at(6))["extensions"], row(district)["extensions"]) == (1, 2)
    assert (row(district)["extended"], row(district)["generation"]) == ("1wd + 2wd", 3)
    assert listed(district, at(9), extended="true") == 1
    assert listed(district, at(9), extended="false") == 0


def test_the_light_turns_with_warnings_and_breaches_alone(district: Database) -> None:
    superseded = f.BreachSuperseded(**CLOCK, due=DUE, request=1)
    ahead = (f.Point("threshold:80%", at(40)),)
    longer = rescheduled(DUE, at(50), extensions=("3wd",), generation=2, plan=ahead)
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(warned("50%", 10), 10)],
        [(warned("80%", 16), 16)],
        [(breach(), 20)],
        [(superseded, 22), (longer, 22)],
        [(warned("80%", 40), 40)],
    )
    told = {
        hour: (found["light"], found["warning"], found["warned_at"], found["breached_at"])
        for hour in (9, 11, 17, 21, 23, 41)
        for found in [row(district, as_of=at(hour))]
    }
    assert told == {
        9: ("green", None, None, None),
        11: ("yellow", "50%", at(10), None),
        17: ("yellow", "80%", at(16), None),
        21: ("red", "80%", at(16), DUE),
        23: ("yellow", "50%", at(10), None),  # of 80 % it is warned again
        41: ("yellow", "80%", at(40), None),
    }
    assert listed(district, at(50), light="yellow,red") == 1
    assert listed(district, at(50), light="red") == 0
    assert listed(district, at(50), warned="true") == 1


@pytest.mark.parametrize(
    "undone",
    [
        f.BreachRetracted(**CLOCK, due=DUE, reason="stopped-in-time"),
        f.BreachSuperseded(**CLOCK, due=DUE, request=1),
        f.BreachVoided(**CLOCK, due=DUE, reason="misgraded"),
    ],
    ids=lambda fact: fact.TYPE,
)
def test_a_breach_that_does_not_stand_stays_counted(district: Database, undone: f.Fact) -> None:
    tell(
        district,
        [(reported(), 0), (started(DUE, answerable=TOWN), 0)],
        [(breach(), 20)],
        [(undone, 25)],
    )
    then, now = row(district, as_of=at(21)), row(district)
    assert (then["light"], then["answerable"], then["breaches"]) == ("red", "bureau", 1)
    assert (now["light"], now["answerable"], now["breaches"]) == ("green", "town", 1)
    assert now["breached_at"] is None


def test_the_highest_rung_stays_and_a_compressed_due_is_marked(district: Database) -> None:
    def rung(number: int, hour: float) -> f.EscalationRaised:
        return f.EscalationRaised(
            **CLOCK, rung=number, step="remind", effective_at=at(hour), detected_at=at(hour),
            again=None,
        )  # fmt: skip

    stricter = rescheduled(DUE, at(15), reason="regraded", compressed=True, generation=2)
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(stricter, 3)],
        [(rung(2, 16), 16)],
        [(rung(1, 17), 17)],
    )
    found = row(district)
    assert (found["rung"], found["compressed"], found["generation"]) == (2, True, 2)


def test_a_corrected_stop_counts_from_its_own_time(district: Database) -> None:
    corrected = f.ClockStopCorrected(
        **CLOCK, request=1, previous_stopped_at=at(25), stopped_at=at(19), due=DUE, met=True
    )
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(breach(), 20)],
        [(closed(), 25), (stopped(at(25), DUE), 25)],
        [(corrected, 40), (f.BreachRetracted(**CLOCK, due=DUE, reason="stop-corrected"), 40)],
    )
    then, now = row(district, as_of=at(39)), row(district)
    assert (then["stopped_at"], then["met"], then["light"]) == (at(25), False, "red")
    assert (now["stopped_at"], now["met"], now["light"]) == (at(19), True, "green")
    assert numbers(district, at(39))[-1] == 0
    assert numbers(district, at(41))[-1] == 1


def test_notices_and_what_becomes_of_them_change_no_clock(district: Database) -> None:
    notice = f.NoticeIssued(
        **CLOCK, notice=1, cause="breach", step="overdue", covers=("total/breach",),
        recipient=f.Recipient("handler", BUREAU), acknowledge=None,
    )  # fmt: skip
    tell(district, [(reported(), 0), (started(DUE), 0)], [(breach(), 20)], [(notice, 21)])
    with district.connect() as connection:
        past = connection.execute("SELECT count(*) FROM deadlines_history").fetchone()
    assert past == (1,)  # as it was before the breach


def test_of_a_clock_seen_from_before_its_start_the_new_reckoning_is_complete(
    district: Database,
) -> None:
    corrected = f.CaseCorrected(
        **move(), fields=("reported_at",), reported_at=at(-5), place=None, category=None,
        content=None, data={},
    )  # fmt: skip
    earlier = rescheduled(
        DUE, at(12), total=True, cutoff="end_of_day", calendar="cn-office", started_at=at(-5)
    )
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(corrected, -5), (earlier, -5)],
    )
    assert numbers(district, at(-1)) == (1, 0, 1, 0, 0)
    assert row(district, as_of=at(-1))["due"] == at(12)
    assert numbers(district, at(13)) == (1, 0, 1, 1, 0)


def shown(case: str, clock: Clock) -> tuple[object, ...]:
    """Return what a row shows of a clock, by the domain's fold."""
    return (
        case,
        *clock.instance,
        clock.status,
        clock.started_at,
        clock.budget,
        clock.limit.origin,
        clock.due,
        clock.provisional,
        clock.paused_since,
        " + ".join(clock.extensions),
        clock.stopped_at,
        clock.breached_at,
        clock.generation,
    )


Row = tuple[object, ...]
ROW = (
    "id", "clock", "scope", "cycle", "sequence", "status", "started_at", "budget", "limit_origin",
    "due", "provisional", "paused_at", "extended", "stopped_at", "breached_at", "generation",
)  # fmt: skip


def test_the_ledger_agrees_with_the_domain_at_every_moment_of_the_recorded_cases(
    district: Database,
) -> None:
    histories = {path.stem: happened(read(path)) for path in HISTORIES}
    teller = Teller()
    for name, told in histories.items():
        store(district, [[teller.tell(name, fact, at) for fact, at in told]])
    follow(district)
    moments = {at for told in histories.values() for _, at in told}
    assert len(moments) > 50
    counted, clocks = dict[str, int](), dict[str, set[Row]]()
    with district.connect() as connection:
        for moment in sorted(moments):
            rows = DEADLINES.rows(connection, scope=None, filters={}, as_of=moment)
            found = {tuple(row[name] for name in ROW) for row in rows}
            # What counts only grows: a case's clocks are reckoned anew when another fact counts.
            for name, told in histories.items():
                counting = [one for one in told if one[1] <= moment]
                if counted.get(name) != len(counting):
                    case = fold(blank("", ""), counting)
                    clocks[name] = {shown(case_id(name), clock) for clock in case.clocks}
                    counted[name] = len(counting)
            assert found == set[Row]().union(*clocks.values()), moment
