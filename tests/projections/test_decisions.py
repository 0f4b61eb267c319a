"""议事台账: votes, publications, objections and signatures of 五民, 四议两公开 and 公约."""

from datetime import date
from typing import Any

import pytest

from domain import facts as f
from domain.errors import UnknownField
from eventlog.database import Database
from projections.ledgers.decisions import DECISIONS
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import VILLAGE, Teller, at, closed, move, reported, store

MONDAY, NEXT_MONDAY = date(2026, 3, 2), date(2026, 3, 9)


def voted(*, passed: bool = True, step: str = "proposal") -> f.VoteHeld:
    return f.VoteHeld(
        **move(),
        step=step,
        body="party_branch",
        eligible=9,
        present=7,
        in_favour=5 if passed else 2,
        quorum="2/3",
        majority="1/2",
        majority_of="present",
        passed=passed,
    )


def posted(step: str = "resolution") -> f.PublicationMade:
    return f.PublicationMade(**move(), step=step, since=MONDAY, until=NEXT_MONDAY)


def taken_down(step: str = "resolution") -> f.PublicationEnded:
    return f.PublicationEnded(**move(), step=step)


def objected(number: int = 1) -> f.ObjectionRaised:
    return f.ObjectionRaised(**move(), objection=number)


def answered(number: int = 1) -> f.ObjectionAnswered:
    return f.ObjectionAnswered(**move(), objection=number)


def signed(count: int) -> f.SignatureRecorded:
    return f.SignatureRecorded(**move(), signatures=count)


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, DECISIONS, sort="held_at", **asked)


def test_a_vote_stands_with_the_rule_that_it_was_counted_by(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(voted(), 1)])
    (row,) = rows(district)
    assert (row["sort"], row["status"], row["step"]) == ("vote", "passed", "proposal")
    assert (row["eligible"], row["present"], row["in_favour"]) == (9, 7, 5)
    assert (row["quorum"], row["majority"], row["majority_of"]) == ("2/3", "1/2", "present")
    assert (row["held_at"], row["number"]) == (at(1), "n1")


def test_each_vote_is_a_row_of_its_own(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(voted(passed=False), 1)], [(voted(step="review"), 2)])
    assert [row["status"] for row in rows(district)] == ["failed", "passed"]
    counts = counts_of(district, DECISIONS)
    assert (counts["votes"], counts["passed"], counts["failed"]) == (2, 1, 1)
    assert len(rows(district, step="review")) == 1


def test_a_publication_hangs_until_it_has_hung_as_long_as_it_must(district: Database) -> None:
    teller = tell_case(district, [(reported(), 0)], [(posted(), 1)])
    (row,) = rows(district)
    assert (row["status"], row["since"], row["until"]) == ("posted", MONDAY, NEXT_MONDAY)
    assert counts_of(district, DECISIONS)["posted"] == 1
    tell_case(district, [(taken_down("result"), 2)], [(taken_down(), 200)], teller=teller)
    (row,) = rows(district)
    assert (row["status"], row["over_at"]) == ("ended", at(200))
    (row,) = rows(district, as_of=at(100))
    assert row["status"] == "posted"


def test_publications_are_found_by_their_days(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(posted(), 1)])
    assert len(rows(district, until_from="2026-03-09", until_before="2026-03-10")) == 1
    assert rows(district, until_before="2026-03-09") == []
    with pytest.raises(UnknownField):
        rows(district, until_before="2026-03-09T00:00:00Z")


def test_an_objection_waits_for_its_answer(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(posted(), 1)],
        [(objected(1), 2), (objected(2), 3)],
        [(answered(1), 4)],
    )
    found = {row["item"]: row for row in rows(district, sort_of="objection")}
    assert (found[1]["status"], found[1]["over_at"], found[1]["step"]) == (
        "answered",
        at(4),
        "resolution",
    )
    assert (found[2]["status"], found[2]["over_at"]) == ("raised", None)
    counts = counts_of(district, DECISIONS)
    assert (counts["objections"], counts["unanswered"]) == (2, 1)


def test_signatures_are_counted_in_one_row(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(signed(1), 1)], [(signed(2), 2)])
    (row,) = rows(district)
    assert (row["sort"], row["signatures"]) == ("signatures", 2)
    assert (row["held_at"], row["over_at"]) == (at(1), at(2))
    assert counts_of(district, DECISIONS)["signatures"] == 2


def test_minutes_are_told_by_where_they_lie(district: Database) -> None:
    teller = Teller()
    told = [
        teller.tell(1, reported(), at(0)),
        teller.tell(1, voted(), at(1), texts=["minutes"]),
    ]
    store(district, [told])
    tell_case(district, [(signed(1), 2)], teller=teller)
    (row,) = rows(district, sort_of="vote")
    assert (row["minutes"], row["resolution"]) == (2, None)


def test_what_hangs_of_a_case_that_has_ended_is_not_counted_as_posted(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(posted(), 1), (objected(), 1)], [(closed(), 2)])
    counts = counts_of(district, DECISIONS)
    assert (counts["posted"], counts["unanswered"], counts["total"]) == (0, 0, 2)


def test_nobody_sees_the_councils_of_others(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(voted(), 1)])
    for unit, seen in (("county", 1), ("village", 1), ("other", 0)):
        assert len(rows(district, scope=unit)) == seen, unit
        assert len(exported(district, DECISIONS, scope=unit)) == seen, unit
        assert counts_of(district, DECISIONS, scope=unit)["total"] == seen, unit
