"""延期挂账台账: what was asked for, what was granted, how much of the cap is used, until when."""

from datetime import datetime
from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.extensions import EXTENSIONS
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import (
    BUREAU,
    VILLAGE,
    at,
    closed,
    move,
    reported,
    rescheduled,
    started,
)

HANDLING: dict[str, Any] = {"clock": "handling", "scope": "", "cycle": 1, "sequence": 1}
DUE = at(20)


def asked(request: int = 1) -> f.ExtensionRequested:
    members: dict[str, Any] = {
        **move("handling", "handling", BUREAU),
        "request": request,
        "by": "li",
    }
    return f.ExtensionRequested(**members, clock="handling", asked="5wd")


def granted(request: int = 1) -> f.ExtensionGranted:
    return f.ExtensionGranted(**move(), request=request, by="wang", clock="handling", granted="3wd")


def moved(request: int = 1, extensions: tuple[str, ...] = ("3wd",)) -> f.ClockRescheduled:
    return rescheduled(
        DUE,
        at(40),
        clock="handling",
        reason="extension-granted",
        request=request,
        extensions=extensions,
    )


def suspension(request: int = 1, until: datetime | None = None) -> f.SuspensionRequested:
    members: dict[str, Any] = {
        **move("handling", "handling", BUREAU),
        "request": request,
        "by": "li",
    }
    return f.SuspensionRequested(**members, reason="awaiting_parties", until=until)


def allowed(request: int = 1) -> f.SuspensionGranted:
    members: dict[str, Any] = {
        **move("handling", "suspended", BUREAU),
        "request": request,
        "by": "wang",
    }
    return f.SuspensionGranted(**members, reason="awaiting_parties")


def paused(
    request: int = 1, until: datetime | None = None, clock: str = "handling"
) -> f.ClockPaused:
    members: dict[str, Any] = {
        **HANDLING,
        "clock": clock,
        "reason": "awaiting_parties",
        "request": request,
    }
    return f.ClockPaused(**members, paused_at=at(2), until=until, plan=())


def resumed(request: int = 1, clock: str = "handling", hours: float = 9) -> f.ClockResumed:
    members: dict[str, Any] = {
        **HANDLING,
        "clock": clock,
        "reason": "awaiting_parties",
        "request": request,
    }
    return f.ClockResumed(
        **members,
        resumed_at=at(hours),
        running=True,
        short=False,
        calendar_version="1",
        previous_due=DUE,
        due=at(30),
        provisional=False,
        generation=2,
        plan=(),
    )


def only(district: Database, **asked_for: Any) -> dict[str, Any]:  # noqa: ANN401 - as asked
    (row,) = rows_of(district, EXTENSIONS, **asked_for)
    return row


def test_an_extension_says_what_was_asked_and_what_was_granted(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0), (started(DUE, total=False, clock="handling"), 0)],
        [(asked(), 1)],
        [(granted(), 3), (moved(), 3)],
    )
    row = only(district)
    assert (row["sort"], row["applicant"], row["requested_by"]) == ("extension", "bureau", "li")
    assert (row["status"], row["asked"], row["granted"]) == ("granted", "5wd", "3wd")
    assert (row["used"], row["previous_due"], row["due"]) == (1, DUE, at(40))
    assert only(district, as_of=at(2))["status"] == "requested"


def test_the_second_extension_of_a_clock_uses_two_of_the_cap(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(asked(1), 1)],
        [(granted(1), 2), (moved(1), 2)],
        [(asked(2), 3)],
        [(granted(2), 4), (moved(2, ("3wd", "3wd")), 4)],
    )
    rows = rows_of(district, EXTENSIONS, sort="requested_at")
    assert [row["used"] for row in rows] == [1, 2]


def test_a_refused_extension_uses_nothing(district: Database) -> None:
    refused = f.ExtensionRefused(**move(), request=1, by="wang", clock="handling")
    tell_case(district, [(reported(), 0)], [(asked(), 1)], [(refused, 2)])
    row = only(district)
    assert (row["status"], row["used"], row["decided_at"]) == ("refused", None, at(2))
    counts = counts_of(district, EXTENSIONS)
    assert (counts["open"], counts["refused"], counts["granted"]) == (0, 1, 0)


def test_a_suspension_lasts_until_the_reason_ceases(district: Database) -> None:
    teller = tell_case(
        district,
        [(reported(), 0)],
        [(suspension(until=at(8)), 1)],
        [(allowed(), 2), (paused(until=at(8)), 2)],
    )
    row = only(district)
    assert (row["status"], row["reason_code"], row["until"]) == (
        "granted",
        "awaiting_parties",
        at(8),
    )
    assert (row["paused_at"], row["resumed_at"], row["used"]) == (at(2), None, 1)
    assert counts_of(district, EXTENSIONS)["suspended"] == 1
    assert len(rows_of(district, EXTENSIONS, suspended="true")) == 1
    tell_case(district, [(resumed(), 9)], teller=teller)
    assert only(district)["resumed_at"] == at(9)
    assert counts_of(district, EXTENSIONS)["suspended"] == 0
    assert counts_of(district, EXTENSIONS, as_of=at(8))["suspended"] == 1


def test_several_clocks_of_one_suspension_are_one_row(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(suspension(), 1)],
        [(allowed(), 2), (paused(), 2), (paused(clock="total"), 2)],
        [(resumed(hours=9), 9), (resumed(clock="total", hours=9), 9)],
    )
    assert only(district)["resumed_at"] == at(9)


def test_the_second_suspension_for_a_reason_is_counted(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(suspension(1), 1)],
        [(allowed(1), 2), (paused(1), 2)],
        [(resumed(1, hours=3), 3)],
        [(suspension(2), 4)],
        [(allowed(2), 5)],
    )
    rows = rows_of(district, EXTENSIONS, sort="requested_at")
    assert [row["used"] for row in rows] == [1, 2]


def test_a_case_that_has_ended_waits_for_nothing(district: Database) -> None:
    tell_case(district, [(reported(), 0)], [(asked(), 1)], [(closed(), 2)])
    assert counts_of(district, EXTENSIONS)["open"] == 0
    assert counts_of(district, EXTENSIONS, as_of=at(1))["open"] == 1


def test_decisions_and_clocks_without_a_request_leave_no_row(district: Database) -> None:
    tell_case(
        district,
        [(reported(), 0)],
        [(granted(), 1), (moved(), 1), (allowed(2), 1), (paused(2), 1), (resumed(2), 9)],
    )
    assert rows_of(district, EXTENSIONS) == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM extensions_state").fetchone() == (0,)


def test_nobody_sees_the_requests_of_cases_that_are_not_theirs(district: Database) -> None:
    tell_case(district, [(reported(place=VILLAGE), 0)], [(asked(), 1)])
    for unit, seen in (("county", 1), ("bureau", 1), ("other", 0)):
        assert len(rows_of(district, EXTENSIONS, scope=unit)) == seen, unit
        assert len(exported(district, EXTENSIONS, scope=unit)) == seen, unit
        assert counts_of(district, EXTENSIONS, scope=unit)["total"] == seen, unit
