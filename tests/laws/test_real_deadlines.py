"""Deadlines that others kept: a city's service requests, and the log of a permit office.

Each case is told to the domain with its recorded past; the clock of its source's date (`source`)
then says who was in time. The data stays where it is: BIHUAN_TEST_DATA, else ../shared/data.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain import facts as f
from domain.clock import Clock
from domain.commands import Act, Import
from domain.explain import explain
from tests.support import districts as d
from tests.support import given as g

PROJECT = Path(__file__).parents[2]
DATA = PROJECT / os.environ.get("BIHUAN_TEST_DATA", "../shared/data")
BOSTON = ZoneInfo("America/New_York")
SECOND = timedelta(seconds=1)


def shared(path: str) -> Path:
    if not (DATA / path).exists():
        pytest.skip(f"no {path}: set BIHUAN_TEST_DATA to the shared test data")
    return DATA / path


def told(opened: datetime, due: datetime | None, closed: datetime | None, now: datetime) -> g.Story:
    """Tell the past of a case, as a register has it."""
    report = g.report(unit=d.GRID, occurred_at=opened, due=due)
    steps = () if closed is None else (Act(action="register_closing", occurred_at=closed),)
    story = g.Story(now=now).when(g.IMPORTER, Import(report=report, steps=steps))
    assert story.refusal is None, story.refusal
    return story


def source_clock(story: g.Story) -> Clock | None:
    return story.case.clock("source")


def test_bostons_own_flags_come_out_of_our_clocks() -> None:
    flags: Counter[str] = Counter()
    now = datetime(2022, 6, 1, tzinfo=UTC)  # the register was taken after every target date
    with shared("us311/boston311-100.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            opened, due, closed = (
                datetime.fromisoformat(row[name]).replace(tzinfo=BOSTON) if row[name] else None
                for name in ("open_dt", "target_dt", "closed_dt")
            )
            assert opened is not None
            clock = source_clock(told(opened, due, closed, now))
            assert (clock is None) == (due is None)
            late = clock is not None and clock.breached_at is not None
            flag = "OVERDUE" if late else "ONTIME"
            assert flag == row["ontime"], row["case_enquiry_id"]
            flags[flag] += 1
    assert flags == {"ONTIME": 83, "OVERDUE": 17}


@cache
def permits() -> dict[str, list[dict[str, str]]]:
    """Return the events of each case, in the order of the log."""
    cases: dict[str, list[dict[str, str]]] = {}
    with shared("process_logs/receipt.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cases.setdefault(row["case:concept:name"], []).append(row)
    return cases


def whole(text: str) -> datetime | None:
    """Return the first whole second by which it had happened; the log has milliseconds."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at.replace(microsecond=0) + (SECOND if at.microsecond else 0 * SECOND)


def stories(*, cut: bool = False) -> Iterator[tuple[str, g.Story]]:
    """Tell every permit case; with `cut`, its end loses its fraction as other input does."""
    now = datetime(2013, 1, 1, tzinfo=UTC)
    for name, events in permits().items():
        row = events[0]
        due = datetime.fromisoformat(row["case:deadline"])
        ended = whole(row["case:enddate"])
        if cut and ended:
            ended = datetime.fromisoformat(row["case:enddate"]).replace(microsecond=0)
        started = datetime.fromisoformat(row["case:startdate"])
        # Two cases ended, by the log, before they began: they are told from their end on.
        yield name, told(min(started, ended or started), due, ended, now)


def judged(*, cut: bool = False) -> Counter[str]:
    found: Counter[str] = Counter()
    for _, story in stories(cut=cut):
        clock = source_clock(story)
        assert clock is not None
        stops = [one.fact for one in story.history if isinstance(one.fact, f.ClockStopped)]
        met = {stop.clock: stop.met for stop in stops}.get("source")
        assert clock.status == ("running" if met is None else "stopped")
        found["open" if met is None else "in time" if met else "late"] += 1
        if met is not None:
            assert met == (clock.breached_at is None)
    return found


def test_the_permit_offices_deadlines_come_out_of_our_clocks() -> None:
    assert judged() == {"in time": 952, "late": 377, "open": 105}


def test_two_permits_ended_in_the_very_second_of_their_deadline() -> None:
    # They ended 20 ms after midnight, their deadline. Cut to whole seconds, as input is
    # (interface.md), that is in time; rounded up, as above, it is the office's own figure.
    assert judged(cut=True) == {"in time": 954, "late": 375, "open": 105}


def test_what_happens_after_the_end_moves_nothing() -> None:
    after = 0
    for name, story in stories():
        events = permits()[name]
        ended = whole(events[0]["case:enddate"])
        last = max(datetime.fromisoformat(row["time:timestamp"]) for row in events)
        if ended is None or last <= datetime.fromisoformat(events[0]["case:enddate"]):
            continue
        after += 1
        before = source_clock(story)
        story.when(g.SUPERVISOR, ("reopen", {"reason": "收到补充材料"}))
        assert story.refusal is None
        assert source_clock(story) == before
        records = [(draft.fact, draft.occurred_at) for draft in story.history]
        assert before is not None
        told_all = explain(records, before.instance, {}, story.now)
        assert told_all.stopped_at == ended
        assert told_all.met == (ended <= told_all.due)
    assert after == 145
