"""通知签收台账: who was told what, whether it arrived, and whether they signed."""

from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.receipts import RECEIPTS
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import BUREAU, TOWN, VILLAGE, at, closed, reported

TOTAL: dict[str, Any] = {"clock": "total", "scope": "", "cycle": 1, "sequence": 1}
HANDLER = f.Recipient("handler", BUREAU, "p1", "li", ("p0",))
LEAD = f.Recipient("lead", TOWN)


def issued(number: int = 1, *, sign: float | None = 5) -> f.NoticeIssued:
    return f.NoticeIssued(
        **TOTAL,
        notice=number,
        cause="breach",
        step="notify",
        covers=("total/breach",),
        recipient=HANDLER,
        acknowledge=f.Point(f"acknowledge:{number}", at(sign)) if sign else None,
    )


def told(number: int = 1, *, sign: float | None = 5, instead_of: int = 0) -> f.PartyNotified:
    return f.PartyNotified(
        notice=number,
        cause="case-assigned",
        covers=("case-assigned",),
        action="dispatch",
        recipient=LEAD,
        acknowledge=f.Point(f"acknowledge:{number}", at(sign)) if sign else None,
        within="1wh" if sign else "",
        calendar="cn-office" if sign else "",
        instead_of=instead_of,
    )


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, RECEIPTS, sort="issued_at", **asked)


def only(district: Database, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as asked
    (row,) = rows(district, **asked)
    return row


def test_a_notice_of_a_clock_says_who_is_told_of_what(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(issued(), 1)])
    row = only(district)
    assert (row["sort"], row["clock"], row["cause"], row["step"]) == (
        "clock",
        "total",
        "breach",
        "notify",
    )
    assert (row["role"], row["recipient"], row["post"], row["person"]) == (
        "handler",
        "bureau",
        "p1",
        "li",
    )
    assert (row["vacancies"], row["status"], row["acknowledge_by"]) == (1, "issued", at(5))


def test_a_notice_of_what_was_done_says_by_which_action(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(told(), 1)])
    row = only(district)
    assert (row["sort"], row["cause"], row["step"]) == ("action", "case-assigned", "dispatch")
    assert (row["clock"], row["recipient"], row["instead_of"]) == (None, "town", None)


def test_a_notice_arrives_or_does_not(district: Database) -> None:
    arrived = f.NoticeDelivered(**TOTAL, notice=1, channel="sms", attempts=2, receipt="ok")
    lost = f.PartyNoticeUndeliverable(notice=2, channel="sms", attempts=9, reason="gone")
    tell_case(
        district, [(reported(), 0)], [(issued(1), 1), (told(2), 1)], [(arrived, 2), (lost, 3)]
    )
    found = {row["notice"]: row for row in rows(district)}
    assert (found[1]["status"], found[1]["attempts"], found[1]["arrived_at"]) == (
        "delivered",
        2,
        at(2),
    )
    assert (found[2]["status"], found[2]["channel"]) == ("undeliverable", "sms")
    counts = counts_of(district, RECEIPTS)
    assert (counts["delivered"], counts["undeliverable"], counts["total"]) == (1, 1, 2)


def test_who_signs_stands_beside_it(district: Database) -> None:
    acted = f.PartyNoticeAcknowledged(notice=1, by="wang", acted=True)
    tell_case(district, [(reported(), 0)], [(told(), 1)], [(acted, 3)])
    row = only(district)
    assert (row["acknowledged_at"], row["acknowledged_by"], row["acted"]) == (at(3), "wang", True)
    counts = counts_of(district, RECEIPTS, now=at(9))
    assert (counts["signed"], counts["open"], counts["overdue"]) == (1, 0, 0)
    assert rows(district, unsigned="true") == []


def test_what_nobody_signs_in_time_is_missed_and_the_next_in_line_is_told(
    district: Database,
) -> None:
    missed = f.PartyNoticeUnsigned(notice=1, effective_at=at(5), detected_at=at(6))
    tell_case(district, [(reported(), 0)], [(told(), 1)], [(missed, 5), (told(2, instead_of=1), 5)])
    first, second = rows(district)
    assert (first["missed_at"], second["instead_of"]) == (at(5), 1)
    assert counts_of(district, RECEIPTS)["missed"] == 1
    late = f.AcknowledgementMissed(**TOTAL, notice=3, effective_at=at(5), detected_at=at(6))
    tell_case(district, [(reported(), 0)], [(issued(3), 1)], [(late, 5)], name=2)
    assert counts_of(district, RECEIPTS)["missed"] == 2


def test_a_notice_is_overdue_once_its_time_to_sign_is_past(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(issued(1), 1), (issued(2, sign=None), 1)])
    assert counts_of(district, RECEIPTS, now=at(4))["overdue"] == 0
    counts = counts_of(district, RECEIPTS, now=at(6))
    assert (counts["overdue"], counts["open"], counts["total"]) == (1, 1, 2)
    assert len(rows(district, overdue="true", as_of=at(6))) == 1
    assert rows(district, overdue="true", as_of=at(4)) == []


def test_a_notice_that_went_to_somebody_else_says_so(district: Database) -> None:
    diverted = f.NoticeDiverted(notice=1, role="lead", withheld=())
    tell_case(district, [(reported(), 0)], [(told(), 1), (diverted, 1)])
    assert only(district)["diverted"] is True
    assert len(rows(district, diverted="true")) == 1


def test_what_became_of_a_notice_that_is_not_known_leaves_no_row(district: Database) -> None:
    signed = f.NoticeAcknowledged(**TOTAL, notice=7, by="li")
    tell_case(district, [(reported(), 0)], [(signed, 1)])
    assert rows(district) == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM receipts_state").fetchone() == (0,)


def test_nobody_has_to_sign_for_a_case_that_has_ended(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(issued(), 1)], [(closed(), 2)])
    assert counts_of(district, RECEIPTS)["open"] == 0


def test_nobody_sees_the_notices_of_cases_that_are_not_theirs(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(issued(), 1)])
    for unit, seen in (("county", 1), ("village", 1), ("other", 0)):
        assert len(rows(district, scope=unit)) == seen, unit
        assert len(exported(district, RECEIPTS, scope=unit)) == seen, unit
        assert counts_of(district, RECEIPTS, scope=unit)["total"] == seen, unit
