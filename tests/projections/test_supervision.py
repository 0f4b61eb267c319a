"""督办台账: orders by level, what was answered, instructions and reminders."""

from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.supervision import SUPERVISION
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import BUREAU, TOWN, VILLAGE, Teller, at, closed, move, reported, store


def ordered(level: str = "ordinary", previous: str | None = None) -> f.SupervisionRaised:
    return f.SupervisionRaised(**move("a", "a", BUREAU), level=level, previous=previous)


def cleared(level: str = "ordinary") -> f.SupervisionCleared:
    return f.SupervisionCleared(**move(), level=level)


def urged(count: int) -> f.CaseUrged:
    return f.CaseUrged(**move("a", "a", TOWN), count=count)


def noted() -> f.NoteRecorded:
    return f.NoteRecorded(**move("a", "a", BUREAU))


def instructed() -> f.InstructionGiven:
    return f.InstructionGiven(**move("a", "a", BUREAU))


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, SUPERVISION, sort="given_at", **asked)


def test_an_order_stands_until_the_result_is_verified(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(ordered(), 1)], [(cleared(), 5)])
    (row,) = rows(district)
    assert (row["sort"], row["level"], row["supervised"]) == ("order", "ordinary", "bureau")
    assert (row["status"], row["given_at"], row["over_at"]) == ("cleared", at(1), at(5))
    (row,) = rows(district, as_of=at(4))
    assert (row["status"], row["over_at"]) == ("standing", None)


def test_a_higher_level_takes_the_place_of_the_lower(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(ordered(), 1)], [(ordered("yellow", "ordinary"), 3)])
    first, second = rows(district)
    assert (first["status"], first["over_at"]) == ("raised", at(3))
    assert (second["status"], second["level"], second["previous"]) == (
        "standing",
        "yellow",
        "ordinary",
    )
    counts = counts_of(district, SUPERVISION)
    assert (counts["total"], counts["open"], counts["raised"]) == (2, 1, 1)
    assert counts["by_level"] == {"ordinary": 1, "yellow": 1}


def test_what_is_noted_while_it_stands_answers_an_order(district: Database) -> None:
    claimed = f.CompletionClaimed(**move("handling", "claimed", BUREAU))
    teller = tell_case(district, [(reported(), 0)], [(noted(), 1)], [(ordered(), 2)])
    assert counts_of(district, SUPERVISION)["unanswered"] == 1
    tell_case(
        district, [(noted(), 3)], [(claimed, 4)], [(cleared(), 5), (noted(), 6)], teller=teller
    )
    (row,) = rows(district)
    assert (row["responses"], row["responded_at"]) == (2, at(3))
    assert counts_of(district, SUPERVISION)["unanswered"] == 0
    assert rows(district, responded="false") == []


def test_reminders_are_counted_in_one_row(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(urged(1), 1)], [(urged(2), 4)])
    (row,) = rows(district)
    assert (row["sort"], row["times"], row["status"]) == ("reminders", 2, None)
    assert (row["given_at"], row["latest_at"]) == (at(1), at(4))
    counts = counts_of(district, SUPERVISION)
    assert (counts["total"], counts["reminders"], counts["instructions"]) == (0, 2, 0)


def test_an_instruction_says_where_its_text_lies(district: Database) -> None:
    teller = Teller()
    told = [
        teller.tell(1, reported(), at(0)),
        teller.tell(1, instructed(), at(1), texts=["instruction"]),
    ]
    store(district, [told])
    tell_case(district, [(noted(), 2)], teller=teller)
    (row,) = rows(district, sort_of="instruction")
    assert (row["instruction"], row["reason"], row["status"]) == (2, None, None)
    assert counts_of(district, SUPERVISION)["instructions"] == 1


def test_cases_that_are_not_supervised_leave_nothing(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(noted(), 1)], [(cleared(), 2)])
    assert rows(district) == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM supervision_state").fetchone() == (0,)


def test_an_order_on_a_case_that_has_ended_is_not_open(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(ordered("red"), 1)], [(closed(), 2)])
    counts = counts_of(district, SUPERVISION)
    assert (counts["total"], counts["open"], counts["unanswered"]) == (1, 0, 0)
    assert len(rows(district, level="red,yellow")) == 1
    assert rows(district, open="true") == []


def test_nobody_sees_the_supervision_of_cases_that_are_not_theirs(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(ordered(), 1)])
    for unit, seen in (("county", 1), ("village", 1), ("other", 0)):
        assert len(rows(district, scope=unit)) == seen, unit
        assert len(exported(district, SUPERVISION, scope=unit)) == seen, unit
        assert counts_of(district, SUPERVISION, scope=unit)["total"] == seen, unit
