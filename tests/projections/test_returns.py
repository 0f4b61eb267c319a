"""退单台账: what was sent back, between whom, and what became of it."""

from typing import Any

import pytest

from domain import facts as f
from domain.errors import UnknownField, UnknownParameter
from eventlog.database import Database
from projections.ledgers.returns import RETURNS
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
    follow,
    move,
    reported,
    store,
)


def requested(number: int = 1, unit: f.Unit = BUREAU) -> f.ReturnRequested:
    return f.ReturnRequested(**move("assigned", "assigned", unit), request=number, by="li")


def upheld(number: int = 1, by: str = "wang") -> f.ReturnUpheld:
    return f.ReturnUpheld(**move("assigned", "awaiting"), request=number, by=by, charged_to=TOWN)


def refused(number: int = 1) -> f.ReturnRefused:
    return f.ReturnRefused(**move("assigned", "assigned", BUREAU), request=number, by="wang")


def flagged(times: int, returns: int) -> f.ReturnFlagged:
    return f.ReturnFlagged(**move(), returner=BUREAU, dispatcher=TOWN, times=times, returns=returns)


def bound(lead: f.Unit = OTHER) -> f.AssignmentBound:
    return f.AssignmentBound(**move("awaiting", "assigned", lead), lead=lead)


def only(district: Database, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as asked
    (row,) = rows_of(district, RETURNS, **asked)
    return row


def test_a_return_is_asked_for_and_then_decided(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(requested(), 2)])
    row = only(district)
    assert (row["id"], row["number"], row["stage"]) == (case_id(1), "n1", "assigned")
    assert (row["status"], row["returner"], row["requested_by"]) == ("requested", "bureau", "li")
    assert (row["requested_at"], row["decided_at"], row["flagged"]) == (at(2), None, False)


@pytest.mark.parametrize(
    ("fact", "status", "charged"), [(upheld(), "upheld", "town"), (refused(), "refused", None)]
)
def test_who_decided_and_whose_time_it_was_stand_beside_it(
    district: Database, fact: f.Fact, status: str, charged: str | None
) -> None:
    tell_case(district, [(reported(), 0)], [(requested(), 2)], [(fact, 3)])
    row = only(district)
    assert (row["status"], row["decided_by"], row["decided_at"]) == (status, "wang", at(3))
    assert row["charged_to"] == charged


def test_ping_pong_is_flagged_and_the_third_return_ends_with_the_centre(
    district: Database,
) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(requested(1), 1)],
        [(upheld(1), 2)],
        [(requested(2), 3)],
        [(upheld(2), 4), (flagged(2, 2), 4)],
        [(requested(3), 5)],
        [(upheld(3), 6), (flagged(3, 3), 6)],
        [(bound(), 7)],
    )
    rows = rows_of(district, RETURNS, sort="requested_at")
    assert [(row["flagged"], row["times"]) for row in rows] == [(False, 1), (True, 2), (True, 3)]
    assert [row["bound_to"] for row in rows] == [None, None, "other"]
    assert rows[-1]["bound_at"] == at(7)
    assert len(rows_of(district, RETURNS, flagged="true")) == 2
    assert len(rows_of(district, RETURNS, bound="true")) == 1
    assert counts_of(district, RETURNS)["flagged"] == 2


def test_decisions_on_nothing_leave_no_row(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(upheld(), 1), (flagged(2, 2), 1), (bound(), 2)])
    assert rows_of(district, RETURNS) == []
    with district.connect() as connection:
        kept = connection.execute("SELECT count(*) FROM returns_state").fetchone()
    assert kept == (0,)


def test_a_request_is_open_while_its_case_is(district: Database) -> None:
    teller = tell_case(district, [(reported(), 0)], [(requested(), 2)])
    assert counts_of(district, RETURNS)["open"] == 1
    tell_case(district, [(closed(), 3)], teller=teller)
    counts = counts_of(district, RETURNS)
    assert (counts["total"], counts["open"]) == (1, 0)
    assert counts["by_returner"] == {"bureau": 1}
    assert counts_of(district, RETURNS, as_of=at(2))["open"] == 1


def test_a_row_says_of_its_case_what_was_known_at_the_same_moment(district: Database) -> None:
    tell_case(
        district,
        [(reported(category="lamp"), 0)],
        [(requested(), 2)],
        [(refused(), 3), (f.CaseReclassified(**move(), category="drain", previous="lamp"), 4)],
    )
    assert only(district)["category"] == "drain"
    before = only(district, as_of=at(2.5))
    assert (before["category"], before["status"]) == ("lamp", "requested")
    assert only(district, as_of=at(3))["status"] == "refused"
    assert rows_of(district, RETURNS, as_of=at(1)) == []


def test_what_is_learnt_later_is_not_shown_as_known_before(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(requested(), 2)])
    with district.connect() as connection:
        first = connection.execute("SELECT max(recorded_at) FROM event").fetchone()
    assert first
    teller = Teller()
    for fact, hours in [(reported(), 0), (requested(), 2)]:
        teller.tell(1, fact, at(hours))
    store(district, [[teller.tell(1, refused(), at(1))]], now=at(9))  # older than the request
    follow(district)
    assert only(district)["status"] == "refused"
    assert only(district, known_at=first[0])["status"] == "requested"
    assert rows_of(district, RETURNS, as_of=at(1)) == []


def test_nobody_sees_the_returns_of_cases_that_are_not_theirs(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(requested(), 2)])
    for unit, seen in (("county", 1), ("village", 1), ("bureau", 1), ("other", 0)):
        assert len(rows_of(district, RETURNS, scope=unit)) == seen, unit
        assert len(exported(district, RETURNS, scope=unit)) == seen, unit
        assert counts_of(district, RETURNS, scope=unit)["total"] == seen, unit
        assert len(rows_of(district, RETURNS, scope=unit, as_of=at(5))) == seen, unit


def test_a_case_that_becomes_secret_takes_its_returns_along(district: Database) -> None:
    secret = f.ConfidentialitySet(**move(), posts=("p1",))
    tell_case(district, [(reported(), 0)], [(requested(), 2)], [(secret, 3)])
    assert rows_of(district, RETURNS, scope="county") == []
    assert rows_of(district, RETURNS, scope="county", as_of=at(2)) == []
    assert counts_of(district, RETURNS, scope="county", as_of=at(2))["total"] == 0


def test_pages_follow_each_other_over_the_columns_of_the_case(district: Database) -> None:
    teller = Teller()
    for name in range(5):
        story = [(reported(f"n{name}"), 0.0)], [(requested(), float(name))]
        tell_case(district, *story, name=name, teller=teller)
    for sort in ("number", "-number", "requested_at"):
        found: list[str] = []
        cursor: str | None = None
        with district.connect() as connection:
            while True:
                page = RETURNS.page(
                    connection, scope=None, filters={"sort": sort}, limit=2, cursor=cursor
                )
                found += [row["number"] for row in page.items]
                cursor = page.next
                if cursor is None:
                    break
        wanted = [f"n{name}" for name in range(5)]
        assert found == (wanted[::-1] if sort.startswith("-") else wanted), sort


def test_unknown_filters_and_values_are_refused(district: Database) -> None:
    with pytest.raises(UnknownParameter):
        rows_of(district, RETURNS, colour="red")
    with pytest.raises(UnknownField):
        rows_of(district, RETURNS, flagged="maybe")
    with pytest.raises(UnknownField):
        rows_of(district, RETURNS, sort="decided_at")
