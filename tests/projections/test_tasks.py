"""协同任务台账: who owes what to whom, by when, and whether it was done."""

from typing import Any

import pytest

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.tasks import TASKS
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import (
    BUREAU,
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    case_id,
    closed,
    move,
    reported,
    rescheduled,
    started,
    stopped,
)

ASSIST: dict[str, Any] = {"clock": "assistance", "scope": "task:1", "cycle": 1, "sequence": 1}
DUE = at(20)


def assigned(task: int = 1, unit: f.Unit = BUREAU) -> f.TaskAssigned:
    return f.TaskAssigned(**move("assigned", "assigned", TOWN), task=task, unit=unit)


def completed(task: int = 1) -> f.TaskCompleted:
    return f.TaskCompleted(**move("handling", "handling"), task=task)


def waived(task: int = 1) -> f.TaskWaived:
    return f.TaskWaived(**move("handling", "handling"), task=task)


def called(call: int = 1, unit: f.Unit = BUREAU) -> f.WhistleBlown:
    return f.WhistleBlown(**move(), whistle=1, call=call, unit=unit, caller=VILLAGE)


def reported_in(call: int = 1, unit: f.Unit = BUREAU) -> f.ReportedIn:
    return f.ReportedIn(**move(), call=call, unit=unit)


def rated(side: str, score: int) -> f.WhistleRated:
    return f.WhistleRated(**move(), call=1, side=side, score=score)


def clocked(scope: str = "task:1") -> f.ClockStarted:
    return started(DUE, total=False, clock="assistance", scope=scope)


def only(district: Database, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as asked
    (row,) = rows_of(district, TASKS, **asked)
    return row


def test_a_task_is_owed_to_the_lead_until_its_clock_is_due(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(assigned(), 1), (clocked(), 1)])
    row = only(district)
    assert (row["id"], row["sort"], row["task"]) == (case_id(1), "assist", 1)
    assert (row["owed_by"], row["owed_to"], row["status"]) == ("bureau", "town", "open")
    assert (row["assigned_at"], row["due"], row["number"]) == (at(1), DUE, "n1")


@pytest.mark.parametrize(("fact", "status"), [(completed(), "done"), (waived(), "waived")])
def test_a_task_is_done_or_waived(district: Database, fact: f.Fact, status: str) -> None:
    tell_case(district, [(reported(), 0)], [(assigned(), 1), (clocked(), 1)], [(fact, 3)])
    row = only(district)
    assert (row["status"], row["done_at"]) == (status, at(3))
    assert counts_of(district, TASKS)[status] == 1


def test_the_due_follows_the_clock_of_the_task_and_no_other(district: Database) -> None:
    moved = rescheduled(DUE, at(30), clock="assistance", scope="task:1")
    tell_case(
        district,
        [(reported(), 0), (started(at(5)), 0)],
        [(assigned(), 1), (clocked(), 1)],
        [(moved, 2), (rescheduled(DUE, at(9)), 2)],
    )
    assert only(district)["due"] == at(30)
    assert only(district, as_of=at(1))["due"] == DUE


def test_a_call_is_answered_by_coming_and_both_sides_are_rated(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(called(), 1), (clocked("call:1"), 1)],
        [(reported_in(), 2)],
        [(f.CallReleased(**move(), call=1), 3)],
        [(rated("report", 5), 4), (rated("whistle", 3), 4)],
    )
    row = only(district)
    assert (row["sort"], row["owed_by"], row["owed_to"]) == ("call", "bureau", "village")
    assert (row["status"], row["done_at"], row["due"]) == ("done", at(2), DUE)
    assert (row["report_score"], row["whistle_score"], row["whistle"]) == (5, 3, 1)


def test_who_is_released_before_coming_owes_nothing_more(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(called(), 1)], [(f.CallReleased(**move(), call=1), 3)])
    assert only(district)["status"] == "released"
    counts = counts_of(district, TASKS)
    assert (counts["open"], counts["released"]) == (0, 1)


def test_what_is_past_its_due_and_still_open_is_overdue(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(assigned(), 1), (clocked(), 1)])
    assert counts_of(district, TASKS, now=at(19))["overdue"] == 0
    counts = counts_of(district, TASKS, now=at(21))
    assert (counts["overdue"], counts["open"], counts["by_unit"]) == (1, 1, {"bureau": 1})
    assert len(rows_of(district, TASKS, as_of=at(21), overdue="true")) == 1
    assert rows_of(district, TASKS, as_of=at(19), overdue="true") == []


def test_what_stands_still_is_not_overdue_unless_it_was(district: Database) -> None:
    paused = f.ClockPaused(**ASSIST, reason="r", request=3, paused_at=at(2), until=None, plan=())
    breached = f.DeadlineBreached(
        **ASSIST, due=DUE, effective_at=DUE, detected_at=DUE, answerable=BUREAU
    )
    teller = tell_case(
        district, [(reported(), 0)], [(assigned(), 1), (clocked(), 1)], [(paused, 2)]
    )
    assert counts_of(district, TASKS, now=at(21))["overdue"] == 0
    tell_case(district, [(breached, 22)], teller=teller)
    assert counts_of(district, TASKS, now=at(23))["overdue"] == 1
    assert len(rows_of(district, TASKS, breached="true")) == 1
    voided = f.BreachRetracted(**ASSIST, due=DUE, reason="clock-stop-corrected")
    tell_case(district, [(voided, 24)], teller=teller)
    assert only(district)["breached_at"] is None


def test_done_after_its_due_is_done_late(district: Database) -> None:
    stop = stopped(at(21), DUE, clock="assistance", scope="task:1")
    tell_case(
        district,
        [(reported(), 0)],
        [(assigned(), 1), (clocked(), 1)],
        [(completed(), 21), (stop, 21)],
    )
    counts = counts_of(district, TASKS)
    assert (counts["done"], counts["done_late"], counts["overdue"]) == (1, 1, 0)


def test_a_successor_owes_what_is_open_and_not_what_is_over(district: Database) -> None:
    successor = f.UnitsSucceeded(
        **move(), division="2026-1", units=(f.UnitPassed("bureau", OTHER),), recused=()
    )
    tell_case(
        district,
        [(reported(), 0)],
        [(assigned(1), 1), (assigned(2), 1)],
        [(completed(1), 2)],
        [(successor, 3)],
    )
    assert {row["task"]: row["owed_by"] for row in rows_of(district, TASKS)} == {
        1: "bureau",
        2: "other",
    }


def test_an_allotted_case_takes_its_open_tasks_along(district: Database) -> None:
    allotted = f.CaseReallotted(
        **move(),
        division="2026-1",
        place=VILLAGE,
        lead=BUREAU,
        accepted_by=VILLAGE,
        assisting=(),
        informed=(),
        tasks=(f.TaskHeld(1, OTHER),),
        to_allot=False,
    )
    tell_case(district, [(reported(), 0)], [(assigned(), 1)], [(allotted, 2)])
    row = only(district)
    assert (row["owed_by"], row["owed_to"]) == ("other", "bureau")


def test_clocks_of_the_case_itself_are_none_of_the_ledgers(district: Database) -> None:
    tell_case(district, [(reported(), 0), (started(DUE), 0)], [(completed(), 2), (closed(), 2)])
    assert rows_of(district, TASKS) == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM tasks_state").fetchone() == (0,)


def test_nobody_sees_the_tasks_of_cases_that_are_not_theirs(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(assigned(), 1)], teller=Teller())
    for unit, seen in (("county", 1), ("bureau", 1), ("other", 0)):
        assert len(rows_of(district, TASKS, scope=unit)) == seen, unit
        assert len(exported(district, TASKS, scope=unit)) == seen, unit
        assert counts_of(district, TASKS, scope=unit)["total"] == seen, unit
