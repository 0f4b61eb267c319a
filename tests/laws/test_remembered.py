"""A remembered answer is the one that would be found: at any moment, whatever happened since."""

from datetime import UTC, date, datetime, time, timedelta
from typing import LiteralString

import pytest

from domain.wall import SHANGHAI
from eventlog.database import Database
from projections.accountability import Asked, Grouping, Groups, groups
from projections.accountability_sql import CHANGES
from projections.indicators import answers, columns, shipped_texts
from projections.indicators.formula import read_formula
from projections.indicators.periods import Period
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.ledgers.measures import MEASURES
from projections.rebuild import rebuild
from projections.remembered import Question, Remembered
from tests.laws.test_accountability_views import POSTS, kinds, tell
from tests.support import accountable as a

NOW = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def changing(district: Database, columns: LiteralString, table: LiteralString) -> list[datetime]:
    """Return moments just before, at and just after rows change by the clock, and midnights."""
    with district.connect() as connection:
        rows = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
    known = {moment for row in rows for moment in row if moment is not None}
    days = {moment.astimezone(SHANGHAI).date() for moment in known}
    found = sorted(known | {datetime.combine(day, time.min, SHANGHAI) for day in days})
    return [moment + step * TICK for moment in found for step in (-1, 0, 1, 2)]


@pytest.mark.parametrize("by", ["leader", "unit"])
def test_a_remembered_answer_is_the_one_that_would_be_found(
    district: Database, by: Grouping
) -> None:
    tell(district)
    asks = counted = 0
    directory = a.directory(*((post, "somebody", a.LONG_AGO, date(2026, 10, 20)) for post in POSTS))
    remembered = Remembered()
    moments = changing(district, "due, since, until", "accountability")
    with district.connect() as connection:
        for now in [*moments, *moments[::-7]]:
            asked = Asked(
                scope=None, kinds=kinds(), directory=directory, filters={"open": "all"}, now=now
            )
            calls: list[Groups] = []

            def find(asked: Asked = asked, calls: list[Groups] = calls) -> Groups:
                calls.append(groups(connection, asked, by))
                return calls[0]

            question = Question("key", now, ACCOUNTABILITY.follows, CHANGES)
            told = remembered.answer(connection, question, find)
            assert told.items == groups(connection, asked, by).items
            asks, counted = asks + 1, counted + len(calls)
    assert len(moments) // 4 < counted < asks


@pytest.mark.parametrize("name", ["on-time-rate", "closing-rate"])
def test_an_indicator_remembered_is_the_one_that_would_be_found(
    district: Database, name: str
) -> None:
    tell(district)
    formula, directory = read_formula(shipped_texts()[name]), a.directory()
    period = Period("", date(2026, 1, 1), date(2027, 1, 1))
    remembered, asks, calls = Remembered(), 0, list[answers.Answer]()
    moments = changing(district, "due", "measures")
    with district.connect() as connection:
        for now in moments:
            asked = answers.Question(scope=None, by="unit", period=period, now=now)

            def find(asked: answers.Question = asked) -> answers.Answer:
                calls.append(answers.answer(connection, formula, asked, directory))
                return calls[-1]

            question = Question("key", now, MEASURES.follows, columns.CHANGES)
            told = remembered.answer(connection, question, find)
            assert told == answers.answer(connection, formula, asked, directory)
            asks += 1
    assert len(moments) // 4 < len(calls) < asks


def test_what_is_recorded_or_rebuilt_makes_an_answer_be_found_anew(district: Database) -> None:
    remembered = Remembered()
    directory = a.directory()

    def ask() -> tuple[Groups, Groups]:
        asked = Asked(scope=None, kinds=kinds(), directory=directory, now=NOW)
        with district.connect() as connection:
            question = Question("key", NOW, ACCOUNTABILITY.follows, CHANGES)
            told = remembered.answer(
                connection, question, lambda: groups(connection, asked, "kind")
            )
            return told, groups(connection, asked, "kind")

    told, found = ask()
    assert told.items == found.items == {}
    tell(district)
    told, found = ask()
    assert told.items == found.items != {}
    again, _ = ask()
    assert again is told
    with district.connect() as connection:
        connection.execute("UPDATE accountability SET status = 'failed'")
    rebuild(district, ACCOUNTABILITY)
    after, found = ask()
    assert after is not told
    assert after.items == found.items == told.items
