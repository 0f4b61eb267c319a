"""指标底账: given facts, then what indicators count, and who is judged by it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from domain import facts as f
from eventlog.database import Database
from eventlog.reader import read_range
from projections.ledgers.measures import MEASURES
from projections.measured import FOLDED, measure, unmeasured
from projections.measured import MEASURES as FOLDS
from projections.measured_clocks import TICKED
from projections.measured_rows import MeasureRow
from tests.support.stories import (
    BUREAU,
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    closed,
    follow,
    move,
    reported,
    rescheduled,
    started,
    stopped,
    store,
)

DUE = at(20)
Told = Sequence[tuple[f.Fact, float]]


def tell(district: Database, told: Told) -> None:
    teller = Teller()
    store(district, [[teller.tell(1, fact, at(hours))] for fact, hours in told])
    follow(district)


def rows(district: Database, told: Told, **moments: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """Store a case and return its rows by sort and beginning, as the ledger shows them."""
    tell(district, told)
    return shown(district, **moments)


def shown(district: Database, *, scope: str | None = None, **moments: Any) -> dict[str, Any]:  # noqa: ANN401
    with district.connect() as connection:
        page = MEASURES.page(connection, scope=scope, filters={}, limit=100, **moments)
    return {f"{one['sort']} {one['cycle']} {one['at']:%d %H}": one for one in page.items}


def only(found: dict[str, dict[str, Any]], sort: str = "round") -> dict[str, Any]:
    (row,) = (one for one in found.values() if one["sort"] == sort)
    return row


def lead(unit: f.Unit = BUREAU) -> f.CaseAssigned:
    return f.CaseAssigned(
        **move("reported", "assigned", unit), lead=unit, assisting=(), informed=()
    )


def test_a_case_from_report_to_closing_is_one_round_of_the_unit_that_closed_it(
    district: Database,
) -> None:
    told = [
        (reported(), 0),
        (started(DUE), 0),
        (f.CaseAccepted(**move(), accepted_by=VILLAGE), 1),
        (lead(), 2),
        (f.CompletionVerified(**move(holder=VILLAGE)), 8),
        (closed(), 9),
        (stopped(at(9), DUE), 9),
    ]
    row = only(rows(district, told))
    assert (row["unit"], row["other"], row["place"]) == ("bureau", "village", "village")
    assert (row["at"], row["filed_at"], row["accepted_at"]) == (at(0), at(1), at(1))
    assert (row["dispatched_at"], row["responded_at"]) == (at(2), at(1))
    assert (row["due"], row["stopped_at"], row["on_time"]) == (DUE, at(9), True)
    assert (row["closed_at"], row["duration"], row["ending"]) == (at(9), 9 * 3600, "closed")
    assert (row["passed"], row["dispatches"], row["grade"]) == (1, 1, "substantive")
    then = only(shown(district, as_of=at(1)))
    assert (then["unit"], then["dispatched_at"], then["closed_at"]) == ("town", None, None)


def test_whoever_holds_it_after_the_closing_is_not_judged_by_it(district: Database) -> None:
    told = [(reported(), 0), (replace(closed(), holder=OTHER), 3)]
    assert only(rows(district, told))["unit"] == "town"


def test_a_return_counts_against_the_dispatch_and_whoever_sent_it(district: Database) -> None:
    returned = f.ReturnUpheld(**move(holder=VILLAGE), request=1, by="p", charged_to=VILLAGE)
    found = rows(district, [(reported(), 0), (lead(OTHER), 1), (returned, 2), (lead(), 3)])
    dispatches = [one for one in found.values() if one["sort"] == "dispatch"]
    by_time = sorted(dispatches, key=lambda one: one["at"])
    assert [(one["unit"], one["other"], one["returns"]) for one in by_time] == [
        ("village", "other", 1),
        ("village", "bureau", 0),
    ]
    assert (only(found)["unit"], only(found)["returns"], only(found)["dispatches"]) == (
        "bureau", 1, 2,
    )  # fmt: skip


def test_a_case_that_is_reopened_begins_another_round_and_keeps_the_one_before(
    district: Database,
) -> None:
    found = rows(
        district,
        [
            (reported(), 0),
            (started(DUE), 0),
            (lead(), 1),
            (closed(), 9),
            (stopped(at(9), DUE), 9),
            (f.CaseReopened(**move("closed", "b"), cycle=2), 30),
            (started(at(50), cycle=2, started_at=at(30)), 30),
            (lead(OTHER), 31),
            (closed(), 60),
            (stopped(at(60), at(50), cycle=2), 60),
        ],
    )
    rounds = sorted((one for one in found.values() if one["sort"] == "round"), key=_cycle)
    assert [(one["unit"], one["latest"], one["on_time"], one["closed_at"]) for one in rounds] == [
        ("bureau", False, True, at(9)),
        ("other", True, False, at(60)),
    ]
    assert rounds[1]["duration"] == 30 * 3600


def _cycle(row: dict[str, Any]) -> int:
    return int(row["cycle"])


def test_a_case_that_is_done_again_is_not_closed_meanwhile(district: Database) -> None:
    again = f.RedoRequired(**move("closed", "b"), count=1)
    asked = f.CallbackRecorded(**move(), solved=False, satisfaction=2, dissatisfied=True)
    row = only(rows(district, [(reported(), 0), (closed(), 5), (asked, 6), (again, 6)]))
    assert (row["closed_at"], row["ending"], row["duration"], row["redos"]) == (None, None, None, 1)
    assert (row["callbacks"], row["solved"], row["satisfaction"]) == (1, False, 2)


def test_supervision_counts_to_whoever_had_the_case_then(district: Database) -> None:
    yellow = f.SupervisionRaised(**move(), level="yellow", previous=None)
    red = f.SupervisionRaised(**move(), level="red", previous="yellow")
    found = rows(district, [(reported(), 0), (lead(OTHER), 1), (yellow, 2), (lead(), 3), (red, 4)])
    orders = {one["level"]: one["unit"] for one in found.values() if one["sort"] == "supervision"}
    assert orders == {"yellow": "other", "red": "bureau"}
    assert (only(found)["yellow"], only(found)["red"]) == (1, 1)


def test_a_whistle_is_answered_in_time_and_rated_on_both_sides(district: Database) -> None:
    called = f.WhistleBlown(**move(), whistle=1, call=1, unit=BUREAU, caller=VILLAGE)
    clock = {"clock": "report_in", "scope": "call:1"}
    found = rows(
        district,
        [
            (reported(), 0),
            (called, 1),
            (started(at(3), total=False, **clock), 1),
            (f.ReportedIn(**move(), call=1, unit=BUREAU), 2),
            (stopped(at(2), at(3), **clock), 2),
            (f.WhistleRated(**move(), call=1, side="report", score=4), 5),
            (f.WhistleRated(**move(), call=1, side="whistle", score=3), 5),
        ],
    )
    call = only(found, "call")
    assert (call["unit"], call["other"], call["responded_at"]) == ("bureau", "village", at(2))
    assert (call["due"], call["on_time"], call["score"], call["other_score"]) == (at(3), True, 4, 3)
    assert only(found)["due"] is None, "the call's clock is not the case's"


def test_an_appeal_exempts_the_score_and_leaves_the_fact(district: Database) -> None:
    upheld = f.AppealUpheld(**move(), appeal=1, ground="overdue")
    late = [(reported(), 0), (started(DUE), 0), (closed(), 30), (stopped(at(30), DUE), 30)]
    row = only(rows(district, [*late, (upheld, 40)]))
    assert (row["exempt_overdue"], row["exempt_rework"], row["on_time"]) == (True, False, False)


def test_a_due_that_moved_and_a_stop_that_was_corrected_judge_anew(district: Database) -> None:
    late = [(reported(), 0), (started(DUE), 0), (stopped(at(30), DUE), 30)]
    corrected = f.ClockStopCorrected(
        clock="total", scope="", cycle=1, sequence=1, request=1,
        previous_stopped_at=at(30), stopped_at=at(19), due=DUE, met=True,
    )  # fmt: skip
    found = rows(district, [*late, (corrected, 31)])
    assert (only(found)["on_time"], only(found)["stopped_at"]) == (True, at(19))
    before = only(shown(district, as_of=at(30)))
    assert before["on_time"] is False
    moved = [*late, (rescheduled(DUE, at(40)), 32)]
    (row,) = _folded(district, moved)
    assert (row.due, row.on_time) == (at(40), True)


def _folded(district: Database, told: Told) -> list[MeasureRow]:
    """Fold facts told of another case, without the tables."""
    teller = Teller()
    store(district, [[teller.tell(2, fact, at(hours))] for fact, hours in told])
    with district.connect() as connection:
        records = [one for one in read_range(connection, 0, 100) if one.body.version]
    other = records[-1].stream
    state = unmeasured("")
    for record in records:
        if record.stream == other and MEASURES.shape.concerns(record):
            state = measure(state, record)
    return list(state.rows.values())


def test_only_rows_of_cases_in_scope_are_shown_in_pages_and_counts(district: Database) -> None:
    tell(district, [(reported(place=VILLAGE), 0), (closed(), 5)])
    assert len(shown(district, scope="village")) == 1
    assert shown(district, scope="other") == {}
    with district.connect() as connection:
        inside = MEASURES.summary(connection, scope="town", filters={})
        outside = MEASURES.summary(connection, scope="other", filters={})
    assert (inside["total"], inside["closed"], inside["by_sort"]) == (1, 1, {"round": 1})
    assert (outside["total"], outside["by_sort"]) == (0, {})


def test_a_fold_tolerates_facts_whose_predecessors_are_absent(district: Database) -> None:
    told = [
        (stopped(at(1), DUE), 1),
        (f.ReportedIn(**move(), call=7, unit=BUREAU), 2),
        (f.WhistleRated(**move(), call=7, side="report", score=4), 3),
        (f.ReturnUpheld(**move(), request=1, by="p", charged_to=None), 4),
        (f.CaseReopened(**move(), cycle=3), 5),
        (f.AppealUpheld(**move(), appeal=1, ground="overdue"), 6),
    ]
    found = rows(district, told)
    assert sorted(one["cycle"] for one in found.values()) == [1, 3]
    assert not [one for one in found.values() if one["sort"] != "round"]


def test_every_fact_that_is_folded_is_of_a_case() -> None:
    assert {*FOLDS, *TICKED} == FOLDED
    assert all(fact.STREAM == f.CASE for fact in FOLDED)
    assert TOWN.id in VILLAGE.path
