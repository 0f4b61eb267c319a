"""The matrix of 四定三包: seven cells, as of a moment."""

from datetime import UTC, date, datetime
from typing import Any

from domain.accountability_matrix import Cell, matrix
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g

PARTS = (
    "leader",
    "measures",
    "deadline",
    "responsibility",
    "investigation",
    "handling",
    "stability",
)


def cells(story: a.Story) -> dict[str, Cell]:
    return {cell.part: cell for cell in matrix(story.case, story.directory, story.now)}


def states(story: a.Story) -> list[str]:
    return [cell.status for cell in matrix(story.case, story.directory, story.now)]


def tick(number: int) -> tuple[Any, Any]:
    return a.LEAD, ("tick_measure", {"measure": number, **a.EVIDENCE})


def test_there_are_seven_cells_the_four_first() -> None:
    found = matrix(a.handling("general").case, a.directory(), g.NOW)
    assert tuple(cell.part for cell in found) == PARTS
    assert {cell.status for cell in found} == {"missing"}
    assert {cell.due for cell in found} == {None}


def test_what_is_missing_is_due_when_the_24_hours_end_at_risk_before_and_late_after() -> None:
    story = a.graded()
    clock = story.case.clock("four_fixed")
    assert clock is not None
    leader = cells(story)["leader"]
    assert (leader.status, leader.due) == ("missing", clock.due)
    assert states(story.at("2026-10-12T22:00"))[:4] == ["at_risk"] * 4
    assert states(story.at("2026-10-13T10:00")) == ["late"] * 4 + ["missing"] * 3


def test_what_is_fixed_says_who_and_since_when() -> None:
    story = a.handling("major", *a.FOUR)
    found = cells(story)
    assert states(story)[:4] == ["set"] * 4
    [leader] = found["leader"].who
    assert (leader.post, leader.person) == ("post-chief", a.CHIEF)
    assert leader.unit is not None
    assert leader.unit.id == d.COUNTY
    worker = found["responsibility"].who
    assert [one.person for one in worker] == [a.CADRE, a.WORKER, None]
    assert [one.unit.id for one in worker if one.unit] == [d.COMMUNITY, d.GRID, d.WATER]
    measures = found["measures"]
    assert (measures.done, measures.total) == (0, 2)
    assert measures.due == found["deadline"].due == datetime.fromisoformat(a.DEADLINE)


def test_measures_and_the_date_are_late_when_the_day_has_passed() -> None:
    story = a.handling("major", *a.FOUR, tick(1))
    assert states(story.at("2026-10-29T19:00"))[1:3] == ["at_risk"] * 2
    assert states(story.at("2026-10-31T09:00"))[1:3] == ["late"] * 2
    assert cells(story)["measures"].done == 1
    assert states(story.took(tick(2)))[1:3] == ["fulfilled", "late"]


def test_after_a_verified_end_the_four_are_fulfilled_and_stability_goes_on() -> None:
    story = a.closed()
    assert states(story) == ["fulfilled", "set", "fulfilled", "fulfilled"] + ["fulfilled"] * 2 + [
        "set"
    ]
    ticked = a.handling("major", *a.FOUR, tick(1), tick(2))
    assert states(ticked)[1] == "fulfilled"


def test_a_date_that_was_kept_too_late_stays_late() -> None:
    story = a.handling("major", *a.FOUR, *a.duty("investigation"), *a.duty("handling"))
    story.took(a.STABILITY).at("2026-11-02T09:00").took(a.CLAIM, a.VERIFY, a.CLOSE)
    assert cells(story)["deadline"].status == "late"


def test_duties_are_set_at_risk_late_fulfilled_failed() -> None:
    until = "2026-10-20T18:00:00+08:00"
    taken = (
        g.SUPERVISOR,
        ("take_duty", {"duty": "handling", "post": "post-cadre", "until": until}),
    )
    story = a.handling("major", taken, *a.duty("investigation"))
    assert states(story)[4:] == ["fulfilled", "set", "missing"]
    assert cells(story)["handling"].due == datetime.fromisoformat(until)
    assert states(story.at("2026-10-19T19:00"))[5] == "at_risk"
    assert states(story.at("2026-10-21T09:00"))[5] == "late"
    fail = {"duty": "handling", "reason_code": "no_result", "reason": "未谈妥"}
    assert states(story.took((a.LEAD, ("fail_duty", fail))))[5] == "failed"


def test_a_duty_of_a_unit_names_the_unit() -> None:
    story = a.handling("major", (g.WATER, ("take_duty", {"duty": "handling"})))
    [who] = cells(story)["handling"].who
    assert (who.post, who.person) == (None, None)
    assert who.unit is not None
    assert who.unit.id == d.WATER


def test_revisits_are_counted() -> None:
    revisit = (g.GRID, ("revisit", {"outcome": "stable", **a.EVIDENCE}))
    assert cells(a.closed(revisit, revisit))["stability"].done == 2


def test_a_post_that_falls_vacant_shows_so_from_that_day() -> None:
    story = a.handling("major", *a.FOUR)
    story.directory = a.directory(("post-chief", a.CHIEF, a.LONG_AGO, date(2026, 10, 14)))
    story.at("2026-10-13T23:00")
    assert cells(story)["leader"].status == "set"
    story.at("2026-10-14T00:00")
    leader = cells(story)["leader"]
    assert (leader.status, leader.vacant) == ("missing", True)
    assert leader.since == datetime(2026, 10, 13, 16, tzinfo=UTC)
    assert [one.person for one in leader.who] == [None]


def test_a_successor_in_the_post_answers_from_their_first_day() -> None:
    story = a.handling("major", *a.FOUR)
    story.directory = a.directory(
        ("post-cadre", a.CADRE, a.LONG_AGO, date(2026, 10, 14)),
        ("post-cadre", "next", date(2026, 10, 16), None),
    )
    assert cells(story.at("2026-10-15T09:00"))["responsibility"].vacant
    found = cells(story.at("2026-10-16T09:00"))["responsibility"]
    assert (found.status, found.who[0].person) == ("set", "next")


def test_a_running_duty_whose_post_is_vacant_says_so() -> None:
    story = a.handling("major", a.STABILITY)
    story.directory = a.directory(("post-cadre", a.CADRE, a.LONG_AGO, date(2026, 10, 14)))
    assert not cells(story)["stability"].vacant
    assert cells(story.at("2026-10-14T09:00"))["stability"].vacant
