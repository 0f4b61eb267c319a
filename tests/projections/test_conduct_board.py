"""文明行为榜台账: proposed, reviewed, posted, objected to, answered, withdrawn."""

from datetime import date
from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.conduct_board import CONDUCT_BOARD
from projections.scope import Scope
from tests.support.asking import counts_of, exported, rows_of
from tests.support.stories import OTHER, Teller, at, follow, move, reported, store

MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 6)


def proposed(number: str = "n1", **changes: Any) -> f.CaseReported:  # noqa: ANN401 - any field
    changes = {"kind": "conduct-board", "data": {"board": "good_deed"}, **changes}
    return reported(number, **changes)


def reached(milestone: str) -> f.MilestoneReached:
    return f.MilestoneReached(**move(), milestone=milestone)


def posted() -> f.PublicationMade:
    return f.PublicationMade(**move(), step="board", since=MONDAY, until=FRIDAY)


def objected(number: int = 1) -> f.ObjectionRaised:
    return f.ObjectionRaised(**move(), objection=number)


def answered(number: int = 1) -> f.ObjectionAnswered:
    return f.ObjectionAnswered(**move(), objection=number)


def withdrawn() -> f.CaseWithdrawn:
    return f.CaseWithdrawn(**move("b", "withdrawn"))


def ended(outcome: str) -> f.CaseClosed:
    return f.CaseClosed(**move("b", "closed"), grade="substantive", outcome=outcome)


def tell(
    district: Database, *told: tuple[f.Fact, float], name: object = 1, teller: Teller | None = None
) -> Teller:
    teller = teller or Teller()
    requests = [
        [
            teller.tell(
                name,
                fact,
                at(hours),
                texts=["title", "person_name"] if isinstance(fact, f.CaseReported) else (),
            )
        ]
        for fact, hours in told
    ]
    store(district, requests)
    follow(district)
    return teller


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, CONDUCT_BOARD, sort="proposed_at", **asked)


def test_a_proposal_is_submitted_reviewed_and_posted(district: Database) -> None:
    tell(
        district,
        (proposed(), 0),
        (reached("submitted"), 1),
        (reached("sent_back"), 2),
        (reached("submitted"), 3),
        (reached("reviewed"), 4),
        (posted(), 5),
    )
    (row,) = rows(district)
    assert (row["board"], row["status"]) == ("good_deed", "published")
    assert (row["since"], row["until"]) == (MONDAY, FRIDAY)
    assert (row["submitted_at"], row["reviewed_at"]) == (at(3), at(4))
    assert row["name"] is not None
    assert [one["status"] for one in rows(district, as_of=at(2.5))] == ["sent_back"]
    assert counts_of(district, CONDUCT_BOARD, now=at(6))["hangs"] == 1
    assert counts_of(district, CONDUCT_BOARD, now=at(24 * 5))["hangs"] == 0


def test_an_objection_waits_until_it_is_answered(district: Database) -> None:
    told = ((proposed(), 0), (posted(), 1), (objected(), 2), (objected(2), 3), (answered(), 4))
    teller = tell(district, *told)
    (row,) = rows(district, objected="true")
    assert (row["objections"], row["unanswered"], row["answered_at"]) == (2, 1, at(4))
    tell(district, (answered(2), 5), teller=teller)
    assert rows(district, objected="true") == []


def test_it_is_withdrawn_rejected_or_listed_to_the_end(district: Database) -> None:
    ends = (withdrawn(), ended("rejected"), ended("listed"))
    for number, end in enumerate(ends):
        tell(district, (proposed(f"n{number}"), 0), (posted(), 1), (end, 2), name=number)
    found = sorted(row["status"] for row in rows(district))
    assert found == ["listed", "rejected", "withdrawn"]
    assert {row["over_at"] for row in rows(district)} == {at(2)}
    assert rows(district, hangs="true") == []
    assert counts_of(district, CONDUCT_BOARD, now=at(3))["withdrawn"] == 1


def test_cases_of_other_kinds_are_none_of_its_business(district: Database) -> None:
    tell(district, (reported(), 0), (posted(), 1), (objected(), 2))
    assert rows(district) == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM conduct_board_state").fetchone() == (0,)


def test_nobody_sees_proposals_of_others(district: Database) -> None:
    tell(district, (proposed(), 0), (posted(), 1))
    tell(district, (proposed("n2", place=OTHER, holder=OTHER), 0), name=2)
    assert [row["number"] for row in rows(district, scope=Scope("village"))] == ["n1"]
    assert len(exported(district, CONDUCT_BOARD, scope=Scope("other"))) == 1
    assert counts_of(district, CONDUCT_BOARD, scope=Scope("bureau"))["total"] == 0
