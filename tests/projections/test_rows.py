"""The laws of bitemporal rows, on the tables themselves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from domain import facts as f
from eventlog.appender import NewEvent
from eventlog.database import Connection, Database
from eventlog.reader import read_range
from eventlog.records import Record
from eventlog.runner import Runner
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.rebuild import rebuild
from projections.rows import NEVER
from projections.tables import Tables
from tests.support.stories import (
    UNITS,
    Shipped,
    Teller,
    at,
    case_id,
    closed,
    dump,
    follow,
    move,
    reported,
    rescheduled,
    started,
    stopped,
    store,
)

SLOW = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Those whose rows these facts move most; every ledger is held to its laws in tests/laws.
FOLLOWED = (CASES, DEADLINES, ACCOUNTABILITY)
Told = tuple[int, list[tuple[int, int]]]
"""A request: its case, and its facts as (which fact, hours after the first morning)."""


def kept_tables(ledgers: Shipped | None = None) -> list[str]:
    """Return the tables of every ledger, or of some."""
    every = LEDGERS.values() if ledgers is None else ledgers
    return [table for ledger in every for table in ledger.tables.names.values()]


def holder(hours: int) -> f.Unit:
    """Return one of the units."""
    return UNITS[hours % len(UNITS)]


TOTAL: dict[str, Any] = {"clock": "total", "scope": "", "cycle": 1, "sequence": 1}
FOUR: dict[str, Any] = {"clock": "four_fixed", "scope": "", "cycle": 1, "sequence": 1}
STAGE: dict[str, Any] = {"clock": "stage", "scope": "", "cycle": 1, "sequence": 1}
DUE = at(20)
# A story is a list of small numbers: which of these facts, at which hour.
FACTS: tuple[Callable[[int], f.Fact], ...] = (
    lambda n: reported(f"n{n}", place=holder(n), category=f"c{n}"),
    lambda n: f.CaseAccepted(**move("b", f"s{n}", holder(n)), accepted_by=holder(n)),
    lambda n: closed(f"o{n % 2}"),
    lambda n: f.CaseReopened(**move("closed", "b", holder(n)), cycle=n % 3 + 1),
    lambda n: started(DUE, cycle=n % 3 + 1),
    lambda n: started(DUE, total=False, sequence=n % 2 + 1),
    lambda n: stopped(at(n), DUE),
    lambda n: rescheduled(DUE, at(20 + n)),
    lambda n: f.TaskAssigned(**move(holder=holder(n)), task=n % 2, unit=UNITS[-1]),
    lambda _: f.NoteRecorded(**move()),
    lambda n: f.ClockCancelled(**STAGE, cancelled_at=at(n)),
    lambda n: f.ClockPaused(
        **TOTAL, reason=f"r{n % 2}", request=n, paused_at=at(n), until=None, plan=()
    ),
    lambda n: f.ClockResumed(
        **TOTAL,
        reason=f"r{n % 2}",
        request=n,
        resumed_at=at(n),
        running=n > 4,
        short=n % 3 == 0,
        calendar_version="2",
        previous_due=DUE,
        due=at(20 + n),
        provisional=False,
        generation=n,
        plan=(f.Point("threshold:1%", at(30)),),
    ),
    lambda n: f.ThresholdReached(**TOTAL, threshold=f"{n}%", effective_at=at(n), detected_at=at(n)),
    lambda n: f.BreachRetracted(**TOTAL, due=DUE, reason=f"r{n}"),
    lambda n: rescheduled(DUE, at(20 + n), total=True, cutoff="c", calendar="cn-office"),
    lambda n: f.DeadlineBreached(
        **TOTAL, due=DUE, effective_at=DUE, detected_at=at(n), answerable=holder(n)
    ),
    lambda n: f.CaseCorrected(
        **move(),
        fields=("place",),
        reported_at=at(n),
        place=holder(n),
        category=None,
        content=None,
        data={},
    ),
    lambda n: f.LeaderFixed(
        **move(), post=f"p{n}", person=None, unit=holder(n), since=at(n - 1), previous=None
    ),
    lambda n: f.DutyTaken(
        **move(),
        duty="stability" if n % 2 else "handling",
        post=f"p{n}",
        person=f"who{n}",
        unit=holder(n),
        since=at(n),
        until=None,
        watch_until=at(9),
        previous=None,
    ),
    lambda n: f.DutyFailed(**move(), duty="stability" if n % 2 else "handling", reason="r"),
    lambda n: f.MeasuresFixed(**move(), edition=n, owners=(holder(n), UNITS[0])),
    lambda n: f.MeasureDone(**move(), measure=n % 2 + 1),
    lambda n: started(at(5), total=False, clock="four_fixed", sequence=n % 2 + 1),
    lambda n: f.DeadlineBreached(
        **FOUR, due=at(5), effective_at=at(5), detected_at=at(n), answerable=holder(n)
    ),
    lambda _: f.ClockCancelled(**FOUR, cancelled_at=at(5), reason="regraded"),
    lambda n: f.DataRecorded(**move(), data={"campaign": f"k{n % 2}"} if n else {}),
)

facts = st.tuples(st.integers(0, len(FACTS) - 1), st.integers(0, 8))
histories = st.lists(
    st.tuples(st.integers(0, 2), st.lists(facts, min_size=1, max_size=3)), min_size=1, max_size=14
)


def tell(district: Database, history: Sequence[Told]) -> None:
    """Store a history."""
    teller = Teller()
    store(district, [requests_of(teller, name, told) for name, told in history])


def requests_of(
    teller: Teller,
    name: int,
    told: Sequence[tuple[int, int]],
    vocabulary: Sequence[Callable[[int], f.Fact]] = FACTS,
) -> list[NewEvent]:
    """Return one request's facts; reports carry a title."""
    return [
        teller.tell(name, vocabulary[choice](hours), at(hours), texts=["title"] * (choice == 0))
        for choice, hours in told
    ]


def clear(district: Database) -> None:
    """Empty the district: Hypothesis tells many histories in one test."""
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        tables = "event, command, personal, checkpoint, quarantine"
        ledgers = ", ".join(kept_tables())
        connection.execute(f"TRUNCATE {tables}, {ledgers}".encode())
        connection.execute(
            "UPDATE ledger SET position = 0, reference_head = 0, last_recorded_at = '2000-01-01Z'"
        )


def records_of(connection: Connection) -> list[Record]:
    return read_range(connection, 0, 10_000)


def expected(
    ledger: Ledger[Any, Any], records: Sequence[Record], moment: datetime | None, position: int
) -> set[str]:
    """Return the rows that the definition gives: one fold a case, of the facts that count."""
    rows: set[str] = set()
    for stream in {record.stream for record in records}:
        told = [
            record
            for record in records
            if record.stream == stream
            and ledger.shape.concerns(record)
            and record.position <= position
            and (moment is None or record.occurred_at <= moment)
        ]
        state = reduce(ledger.shape.fold, told, ledger.shape.blank(stream))
        shown: Mapping[str, Any] = ledger.shape.show(state, {})
        rows |= {repr(sorted(visible(ledger, asdict(row)).items())) for row in shown.values()}
    return rows


def visible(ledger: Ledger[Any, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's own columns; what stands there of its case is another ledger's."""
    own = set(ledger.shape.columns)
    shown = {one.name: row[one.name] for one in ledger.columns if one.name in own}
    lists: dict[str, Any] = {name: one for name, one in shown.items() if isinstance(one, list)}
    return shown | {name: tuple(one) for name, one in lists.items()}


def found(
    connection: Connection, ledger: Ledger[Any, Any], *, as_of: datetime | None, position: int
) -> set[str]:
    """Return the rows that the tables show at a moment and a position."""
    known_at = connection.execute(
        "SELECT recorded_at FROM event WHERE position = %s", (position,)
    ).fetchone()
    assert known_at
    rows = ledger.rows(connection, scope=None, filters={}, as_of=as_of, known_at=known_at[0])
    return {repr(sorted(visible(ledger, row).items())) for row in rows}


def borders(records: Sequence[Record]) -> list[int]:
    """Return the last position of every request."""
    last = {record.recorded_at: record.position for record in records}
    return sorted(last.values())


@SLOW
@given(history=histories)
def test_every_moment_and_position_shows_the_fold_of_the_facts_that_count(
    district: Database, history: list[Told]
) -> None:
    clear(district)
    tell(district, history)
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        records = records_of(connection)
        for ledger in FOLLOWED:
            for position in borders(records):
                for moment in (None, at(0), at(2), at(4.5), at(8)):
                    wanted = expected(ledger, records, moment, position)
                    assert found(connection, ledger, as_of=moment, position=position) == wanted


@SLOW
@given(history=histories, batch=st.integers(1, 9))
def test_one_by_one_batched_or_rebuilt_the_tables_are_equal_to_the_byte(
    district: Database, history: list[Told], batch: int
) -> None:
    clear(district)
    tell(district, history)
    follow(district, batch=1, ledgers=FOLLOWED)
    one_by_one = dump(district, ledgers=FOLLOWED)
    for ledger in FOLLOWED:
        rebuild(district, ledger, batch=batch)
    assert dump(district, ledgers=FOLLOWED) == one_by_one


@SLOW
@given(history=histories, data=st.data())
def test_cut_anywhere_and_resumed_the_tables_are_equal(
    district: Database, history: list[Told], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    clear(district)
    teller = Teller()
    told = [requests_of(teller, name, each) for name, each in history]
    store(district, told[:cut])
    follow(district, ledgers=FOLLOWED)
    store(district, told[cut:])
    follow(district, ledgers=FOLLOWED)
    in_two = dump(district, ledgers=FOLLOWED)
    for ledger in FOLLOWED:
        rebuild(district, ledger)
    assert dump(district, ledgers=FOLLOWED) == in_two


def test_facts_in_order_close_one_row_and_open_one(district: Database) -> None:
    tell(district, [(0, [(0, 1)]), (0, [(1, 2)])])
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        history = connection.execute(
            "SELECT stage, valid_from, valid_to, ended_position, position_from, position_to"
            " FROM cases_history"
        ).fetchall()
        current = connection.execute(
            "SELECT stage, valid_from, position_from FROM cases"
        ).fetchall()
    assert history == [("reported", at(1), at(2), 2, 1, NEVER)]
    assert current == [("s2", at(2), 2)]


def test_facts_of_one_request_and_moment_are_one_row(district: Database) -> None:
    tell(district, [(0, [(0, 1), (4, 1), (1, 1)])])
    follow(district, ledgers=FOLLOWED)
    assert dump(district, ledgers=FOLLOWED)["cases_history"] == []
    assert len(dump(district, ledgers=FOLLOWED)["cases"]) == 1


def test_an_older_fact_takes_back_only_what_it_changes(district: Database) -> None:
    # Reported at 1, accepted at 4; then it turns out that it was reopened at 6 (in order), and
    # accepted elsewhere at 2 (late).
    tell(district, [(0, [(0, 1)]), (0, [(1, 4)]), (0, [(3, 6)]), (0, [(1, 2)])])
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        rows = connection.execute(
            "SELECT valid_from, position_from, position_to FROM cases_history"
            " ORDER BY position_from, valid_from"
        ).fetchall()
    assert (at(1), 1, 4) in rows, "the report's row ended too late: taken back"
    assert (at(1), 4, NEVER) in rows, "and written anew with its right end"
    assert (at(2), 4, NEVER) in rows, "the late fact's own row"
    assert len(rows) == 6


class Killed(psycopg.OperationalError):
    """The process died here."""


class Killing:
    """A cursor factory whose cursors die at the n-th statement."""

    def __init__(self, after: int) -> None:
        self.left = after
        killing = self

        class Cursor(psycopg.Cursor[Any]):
            def execute(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
                killing.strike()
                return super().execute(*arguments, **options)

            def copy(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
                killing.strike()
                return super().copy(*arguments, **options)

        self.factory = Cursor

    def strike(self) -> None:
        """Count down."""
        self.left -= 1
        if self.left < 0:
            raise Killed


class Doomed(Database):
    """A database whose connections die at the n-th statement."""

    def __init__(self, database: Database, after: int) -> None:
        super().__init__(database.dsn, database.schema)
        self.killing = Killing(after)

    def connect(self) -> Connection:
        connection = super().connect()
        connection.cursor_factory = self.killing.factory
        return connection


def test_killed_at_every_statement_and_run_again_the_rows_are_equal(district: Database) -> None:
    history: list[Told] = [
        (0, [(0, 1), (4, 1)]),
        (1, [(0, 2), (4, 2)]),
        (0, [(1, 3)]),
        (1, [(1, 1)]),
        (0, [(2, 5), (6, 5)]),
        (1, [(7, 3)]),
    ]
    tell(district, history)
    follow(district, ledgers=FOLLOWED)
    wanted = dump(district, ledgers=FOLLOWED)
    died = 0
    for after in range(200):
        with district.connect() as connection:
            ledgers = ", ".join(kept_tables(FOLLOWED))
            connection.execute(f"TRUNCATE checkpoint, {ledgers}".encode())
        doomed = Doomed(district, after)
        runner = Runner(doomed, [CASES.tables, DEADLINES.tables], batch=3)
        try:
            while runner.run_once():
                pass
        except Killed:
            died += 1
        else:
            assert died == after
            break
        finally:
            runner.close()
        follow(district, ledgers=FOLLOWED)
        assert dump(district, ledgers=FOLLOWED) == wanted, f"killed at statement {after}"
    assert died > 30


def test_a_text_with_every_sort_of_character_survives(district: Database) -> None:
    nasty = 'a"b\\c\nd\te\rf,g{h}null \u2028 噪声🧹 \\n \x01'
    teller = Teller()
    unit = f.Unit('u"\\,{}\n', ("county", 'u"\\,{}\n', "NULL", ""))
    store(district, [[teller.tell(0, reported(nasty, place=unit), at(0))]])
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        row = connection.execute("SELECT number, place, visible_to FROM cases").fetchone()
    assert row == (nasty, unit.id, sorted({*unit.path, "town", "county"}))


def test_a_nul_does_not_halt_a_ledger(district: Database) -> None:
    store(district, [[Teller().tell(0, reported("a\0b"), at(0))]])
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        assert connection.execute("SELECT number FROM cases").fetchone() == ("a\ufffdb",)


@pytest.mark.parametrize("name", list(LEDGERS))
def test_the_tables_have_the_columns_of_the_rows(district: Database, name: str) -> None:
    shape = LEDGERS[name].shape
    with district.connect() as connection:
        query = """
            SELECT column_name FROM information_schema.columns
            WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
        """
        for table, history in ((shape.name, 2), (f"{shape.name}_history", 5)):
            rows = connection.execute(query, (district.schema, table)).fetchall()
            assert [row[0] for row in rows][2 + history :] == list(shape.columns)


def test_the_fingerprint_tells_states_and_rows_of_other_shapes_apart() -> None:
    shapes = [ledger.shape for ledger in LEDGERS.values()]
    assert len({Tables(shape).fingerprint for shape in shapes}) == len(shapes)
    assert Tables(shapes[0]).fingerprint == Tables(shapes[0]).fingerprint


def test_two_cases_of_one_request_both_move(district: Database) -> None:
    teller = Teller()
    store(district, [[teller.tell(n, reported(f"n{n}"), at(0)) for n in range(2)]])
    follow(district, ledgers=FOLLOWED)
    with district.connect() as connection:
        rows = connection.execute("SELECT case_id::text, position_from FROM cases").fetchall()
    assert sorted(rows) == sorted([(case_id(0), 1), (case_id(1), 2)])
