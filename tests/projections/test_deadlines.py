"""办结时限台账: the clocks, and every number of the real register."""

import csv
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from domain import facts as f
from domain.due import Cutoff, due, parse_budget
from eventlog.appender import NewEvent
from eventlog.database import Database
from projections.ledgers.deadlines import DEADLINES
from tests.support.stories import (
    BUREAU,
    TOWN,
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
from workflows.calendars import load_shipped

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA = Path(os.environ.get("BIHUAN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
REGISTER = DATA / "replies" / "replies_2011_2017_1079.csv"
NUMBERS = ("received", "closed", "open", "overdue", "closed_on_time")
TABLE = {
    "2016-07-01": (518, 513, 5, 5, 391),
    "2017-01-01": (626, 611, 15, 10, 464),
    "2017-07-01": (843, 821, 22, 4, 588),
    "2018-01-01": (1079, 1048, 31, 9, 730),
}
DUE = at(20)


def summary(
    district: Database,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    now: datetime | None = None,
    scope: str | None = None,
) -> dict[str, object]:
    with district.connect() as connection:
        return DEADLINES.summary(
            connection, scope=scope, filters={}, as_of=as_of, known_at=known_at, now=now
        )


def numbers(district: Database, as_of: datetime) -> tuple[object, ...]:
    found = summary(district, as_of=as_of)
    return tuple(found[name] for name in NUMBERS)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=SHANGHAI).astimezone(UTC)


def register_stories(budget: str) -> Iterable[list[list[NewEvent]]]:
    """Tell each message of the register: the report; then reply, closing, breach, stop."""
    calendar, teller = load_shipped("cn-office"), Teller()
    with REGISTER.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name = row["留言编号"]
        came, answered = moment(row["留言时间"]), moment(row["答复时间"])
        until = due(came, parse_budget(budget), calendar, Cutoff.end_of_day).at
        report = [
            teller.tell(name, reported(f"n{name}"), came),
            teller.tell(name, started(until, started_at=came, budget=budget), came),
        ]
        reply = [
            teller.tell(name, f.CaseReplied(**move()), answered),
            teller.tell(name, closed("replied"), answered),
        ]
        if answered > until:
            breach = f.DeadlineBreached(
                clock="total", scope="", cycle=1, sequence=1, due=until, effective_at=until,
                detected_at=answered, answerable=TOWN,
            )  # fmt: skip
            reply.append(teller.tell(name, breach, until))
        reply.append(teller.tell(name, stopped(answered, until), answered))
        yield [report, reply]


@pytest.mark.skipif(not REGISTER.exists(), reason="the register is not here")
@pytest.mark.parametrize("order", ["in order", "shuffled", "cut and resumed"])
def test_the_real_register_gives_every_number_of_its_table(district: Database, order: str) -> None:
    stories = list(register_stories("15wd"))
    if order == "shuffled":
        Random(7).shuffle(stories)  # noqa: S311 - any order that repeats
    half = len(stories) // 2 if order == "cut and resumed" else len(stories)
    store(district, requests(stories[:half]))
    follow(district)
    store(district, requests(stories[half:]))
    follow(district)
    for day, wanted in TABLE.items():
        midnight = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
        assert numbers(district, midnight) == wanted, day
    whole = summary(district)
    assert (whole["received"], whole["closed"], whole["closed_on_time"]) == (1079, 1079, 739)
    assert whole["closed_late"] == 1079 - 739
    assert whole["by_outcome"] == {"replied": 1079}


@pytest.mark.skipif(not REGISTER.exists(), reason="the register is not here")
@pytest.mark.parametrize(("budget", "on_time"), [("5wd", 418), ("10wd", 622), ("30wd", 986)])
def test_other_limits_give_the_known_numbers(district: Database, budget: str, on_time: int) -> None:
    store(district, requests(register_stories(budget)))
    follow(district)
    assert summary(district)["closed_on_time"] == on_time


def requests(stories: Iterable[list[list[NewEvent]]]) -> list[list[NewEvent]]:
    """Return all reports' requests, then all replies': so that neighbours share batches."""
    told = list(stories)
    return [story[0] for story in told] + [story[1] for story in told]


def tell(district: Database, *told: Sequence[tuple[f.Fact, float]]) -> None:
    """Store the requests of one case."""
    teller = Teller()
    store(district, [[teller.tell(1, fact, at(h)) for fact, h in request] for request in told])
    follow(district)


def items(district: Database, *, as_of: datetime | None = None) -> list[dict[str, object]]:
    with district.connect() as connection:
        return DEADLINES.page(
            connection, scope=None, filters={"sort": "started_at"}, as_of=as_of, limit=10
        ).items


def test_a_clock_shows_its_due_its_moves_and_how_it_ended(district: Database) -> None:
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(rescheduled(DUE, at(30)), 5)],
        [(closed(), 25), (stopped(at(25), at(30)), 25)],
    )
    (running,) = items(district, as_of=at(1))
    (moved,) = items(district, as_of=at(6))
    (ended,) = items(district)
    assert (running["due"], running["status"], running["rescheduled"]) == (DUE, "running", 0)
    assert (moved["due"], moved["previous_due"], moved["rescheduled"]) == (at(30), DUE, 1)
    assert (ended["status"], ended["met"], ended["stopped_at"]) == ("stopped", True, at(25))


def test_a_due_moment_itself_is_in_time_and_not_overdue(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE), 0)], [(closed(), 20), (stopped(DUE, DUE), 20)])
    assert numbers(district, at(19)) == (1, 0, 1, 0, 0)
    assert numbers(district, DUE) == (1, 1, 0, 0, 1)


def test_an_open_case_is_overdue_right_after_its_due(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE), 0)])
    assert summary(district, as_of=DUE)["overdue"] == 0
    assert summary(district, as_of=at(20.01))["overdue"] == 1
    assert summary(district, now=at(21))["overdue"] == 1


def test_overdue_goes_by_the_due_as_it_stood_then(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE), 0)], [(rescheduled(DUE, at(50)), 30)])
    assert summary(district, as_of=at(25))["overdue"] == 1
    assert summary(district, as_of=at(35))["overdue"] == 0


def test_a_breach_fact_alone_makes_nothing_late(district: Database) -> None:
    breach = f.DeadlineBreached(
        clock="total", scope="", cycle=1, sequence=1, due=at(5), effective_at=at(5),
        detected_at=at(6), answerable=None,
    )  # fmt: skip
    tell(
        district,
        [(reported(), 0), (started(at(5)), 0)],
        [(breach, 5)],
        [(rescheduled(at(5), DUE), 6)],
        [(closed(), 10), (stopped(at(10), DUE), 10)],
    )
    found = summary(district)
    assert (found["closed_on_time"], found["closed_late"]) == (1, 0)


def test_the_latest_cycle_counts_and_a_case_only_once(district: Database) -> None:
    again = f.CaseReopened(**move("closed", "b"), cycle=2)
    tell(
        district,
        [(reported(), 0), (started(DUE), 0)],
        [(closed(), 10), (stopped(at(10), DUE), 10)],
        [(again, 15), (started(at(40), cycle=2, started_at=at(15)), 15)],
    )
    assert numbers(district, at(12)) == (1, 1, 0, 0, 1)
    assert numbers(district, at(16)) == (1, 0, 1, 0, 0)
    assert numbers(district, at(41)) == (1, 0, 1, 1, 0)
    first, second = items(district)
    assert (first["cycle"], first["status"], second["cycle"]) == (1, "stopped", 2)


def test_a_case_without_a_total_clock_is_not_counted(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE, total=False), 0)])
    assert summary(district)["received"] == 0
    assert len(items(district)) == 1


def test_other_endings_close_without_being_on_time_or_late(district: Database) -> None:
    cancelled = f.ClockCancelled(clock="total", scope="", cycle=1, sequence=1, cancelled_at=at(2))
    refused = f.CaseNotAccepted(**move(), reason="r")
    tell(district, [(reported(), 0), (started(DUE), 0)], [(refused, 2), (cancelled, 2)])
    found = summary(district)
    assert (found["closed"], found["closed_on_time"], found["closed_late"]) == (1, 0, 0)
    assert found["by_outcome"] == {"not-accepted": 1}


def test_a_stage_clock_keeps_the_holder_under_whom_it_ended(district: Database) -> None:
    stage_stop = stopped(at(2), DUE, clock="stage")
    tell(
        district,
        [(reported(), 0), (started(DUE, total=False), 0)],
        [(f.HandlingStarted(**move("b", "handling", BUREAU)), 1)],
        [(stage_stop, 2)],
        [(f.NoteRecorded(**move("handling", "verifying", TOWN)), 3)],
    )
    (row,) = items(district)
    assert row["holder"] == "bureau"


def test_known_at_gives_the_numbers_of_then(district: Database) -> None:
    teller = Teller()
    report = [teller.tell(1, reported(), at(0)), teller.tell(1, started(DUE), at(0))]
    store(district, [report], now=at(0))
    late = [teller.tell(1, closed(), at(10)), teller.tell(1, stopped(at(10), DUE), at(10))]
    store(district, [late], now=at(48))
    follow(district)
    then = summary(district, known_at=at(30), now=at(99))
    now = summary(district, as_of=at(30), now=at(99))
    assert (then["open"], then["overdue"], then["position"]) == (1, 1, 2)
    assert (now["open"], now["closed_on_time"], now["position"]) == (0, 1, 4)
    assert then["as_of"] == at(30)


def test_the_overdue_filter_lists_running_clocks_past_their_due(district: Database) -> None:
    tell(district, [(reported(), 0), (started(DUE), 0)])
    with district.connect() as connection:
        counts = [
            len(
                DEADLINES.page(
                    connection, scope=None, filters={"overdue": "true"}, limit=9, now=now
                ).items
            )
            for now in (at(19), at(21))
        ]
    assert counts == [0, 1]
