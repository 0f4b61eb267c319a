"""Registers as data keep the laws of ledgers in code, over the recorded cases of the kinds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from domain import facts as f
from eventlog.database import Connection, Database
from eventlog.reader import read_range
from eventlog.records import Followed, Record
from eventlog.records import Told as Seen
from eventlog.runner import Runner
from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.rebuild import rebuild
from projections.registers.building import ensure
from projections.registers.language import SHIPPED, checked_register, shipped_registers
from tests.support.golden_cases import all_requests, golden, requests_of, shipped_kinds
from tests.support.stories import COUNTY, DAY_ONE, VILLAGE, Teller, at, case_id, store

REGISTERS = {one.name: one.ledger for one in shipped_registers()}
KINDS = (
    "hazard-remedy",
    "dispute-adoption",
    "unmanaged-building",
    "micro-wish",
    "micro-task",
    "volunteer-order",
    "screening-round",
    "deliberation",
    "covenant",
    "agent-service",
    "one-stop-service",
)
SHORT = [history for kind in KINDS for history in golden(kind).values() if len(history) < 60]
Told = dict[str, list[str]]


def follow(district: Database, *, batch: int = 2000) -> None:
    """Carry the registers, and the cases that they are joined with, to the end of the log."""
    with district.connect() as connection:
        for ledger in REGISTERS.values():
            ensure(connection, ledger)
    followers = [CASES.tables, *(ledger.tables for ledger in REGISTERS.values())]
    runner = Runner(district, followers, batch=batch)
    try:
        while runner.run_once():
            pass
    finally:
        runner.close()


def dump(district: Database) -> Told:
    """Return every row of every register's tables."""
    tables = [name for ledger in REGISTERS.values() for name in ledger.tables.names.values()]
    with district.connect() as connection:
        return {
            table: sorted(
                str(line)
                for (line,) in connection.execute(f"SELECT t::text FROM {table} t".encode())
            )
            for table in tables
        }


def clear(district: Database) -> None:
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        tables = ["event", "command", "personal", "checkpoint", "quarantine"]
        tables += CASES.tables.names.values()
        connection.execute(f"TRUNCATE {', '.join(tables)}".encode())
        connection.execute(
            "UPDATE ledger SET position = 0, reference_head = 0, last_recorded_at = '2000-01-01Z'"
        )


def expected(
    ledger: Ledger[Any, Any], records: Sequence[Record], moment: datetime | None, position: int
) -> list[str]:
    """Return the rows that the definition gives: one fold a case, of the facts that count."""
    rows: list[str] = []
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
        rows += [visible(ledger, asdict(row)) for row in shown.values()]
    return sorted(rows)


def visible(ledger: Ledger[Any, Any], row: Mapping[str, Any]) -> str:
    own = [one.name for one in ledger.columns if one.name in ledger.shape.columns]
    return repr([(name, row[name]) for name in own])


def found(
    connection: Connection, ledger: Ledger[Any, Any], *, as_of: datetime | None, position: int
) -> list[str]:
    query = "SELECT recorded_at FROM event WHERE position = %s"
    row = connection.execute(query, (position,)).fetchone()
    assert row
    rows = ledger.rows(connection, scope=None, filters={}, as_of=as_of, known_at=row[0])
    return sorted(visible(ledger, one) for one in rows)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_register_may_be_published_as_it_is(name: str) -> None:
    text = next(one.text for one in shipped_registers() if one.name == name)
    assert checked_register(text, shipped_kinds()).name == name


def test_one_by_one_batched_or_rebuilt_the_rows_are_equal_to_the_byte(district: Database) -> None:
    store(district, all_requests(KINDS))
    follow(district, batch=13)
    in_small = dump(district)
    for ledger in REGISTERS.values():
        rebuild(district, ledger, batch=100_000)
    assert dump(district) == in_small
    filled = {name for name, one in REGISTERS.items() if in_small[one.tables.names["current"]]}
    assert filled == set(SHIPPED) - {"pairings"}


def test_at_every_moment_and_position_a_register_shows_the_fold_of_the_facts_that_count(
    district: Database,
) -> None:
    store(district, all_requests(("hazard-remedy", "screening-round", "deliberation")))
    follow(district)
    with district.connect() as connection:
        records = read_range(connection, 0, 100_000)
        moments = sorted({record.occurred_at for record in records})
        ends = sorted({one.recorded_at: one.position for one in records}.values())
        for position in (*ends[:: max(len(ends) // 4, 1)], ends[-1]):
            for moment in (None, *moments[:: max(len(moments) // 4, 1)]):
                for ledger in REGISTERS.values():
                    wanted = expected(ledger, records, moment, position)
                    assert found(connection, ledger, as_of=moment, position=position) == wanted


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    chosen=st.lists(st.sampled_from(SHORT), min_size=1, max_size=3),
    shifts=st.lists(st.integers(-3, 6), min_size=1, max_size=8),
    batch=st.integers(1, 9),
)
def test_facts_in_any_order_of_time_leave_the_same_rows_however_they_are_batched(
    district: Database, chosen: list[list[tuple[f.Fact, datetime]]], shifts: list[int], batch: int
) -> None:
    clear(district)
    teller = Teller()
    told = [
        request
        for name, history in enumerate(chosen)
        for request in requests_of(
            teller,
            name,
            [(fact, at(shifts[place % len(shifts)])) for place, (fact, _) in enumerate(history)],
        )
    ]
    store(district, told)
    follow(district, batch=batch)
    with district.connect() as connection:
        records = read_range(connection, 0, 100_000)
        last = records[-1].position
        for moment in (None, at(0), at(3)):
            for ledger in REGISTERS.values():
                wanted = expected(ledger, records, moment, last)
                assert found(connection, ledger, as_of=moment, position=last) == wanted
    rows = dump(district)
    for ledger in REGISTERS.values():
        if rows[ledger.tables.names["state"]]:
            rebuild(district, ledger)
    assert dump(district) == rows


def test_what_was_listed_once_stays_listed() -> None:
    for ledger in REGISTERS.values():
        shape = ledger.shape
        for history in SHORT:
            state, seen = shape.blank("x"), set[str]()
            for place, (fact, moment) in enumerate(history):
                record = _record(place + 1, fact, moment)
                if shape.concerns(record):
                    state = shape.fold(state, record)
                shown = set(shape.show(state, {}))
                assert seen <= shown
                seen = shown


def test_no_row_of_a_foreign_unit_is_ever_shown_counted_or_exported(district: Database) -> None:
    store(district, all_requests(("hazard-remedy", "deliberation", "micro-wish")))
    follow(district)
    ours, foreign = "610327100001", "610327101001"
    with district.connect() as connection:
        for name in ("hazards", "campaigns", "disclosures", "claims"):
            ledger = REGISTERS[name]
            everything = list(ledger.rows(connection, scope=None, filters={}))
            assert everything, name
            for scope in (ours, foreign, COUNTY.id, VILLAGE.id):
                asked: dict[str, Any] = {"scope": scope, "filters": {}}
                rows = list(ledger.rows(connection, **asked))
                page = ledger.page(connection, limit=500, **asked)
                counts = ledger.summary(connection, **asked)
                query = "SELECT case_id::text FROM cases WHERE visible_to @> ARRAY[%s]"
                within = {one for (one,) in connection.execute(query, (scope,))}
                assert {row["id"] for row in rows} <= within
                assert len(rows) == len(page.items) == counts["total"]
                assert len(rows) == sum(row["id"] in within for row in everything)


def test_relations_of_units_are_open_to_everybody(district: Database) -> None:
    related = f.UnitRelated(
        relation="r1",
        sort="liaison",
        unit="a",
        other="b",
        person=None,
        since=DAY_ONE.date(),
        until=None,
    )
    teller = Teller()
    store(district, [[teller.tell("directory", related, DAY_ONE)]])
    ended = f.RelationEnded(relation="r1", until=at(48).date())
    store(district, [[teller.tell("directory", ended, at(5))]])
    follow(district)
    with district.connect() as connection:
        pairings = REGISTERS["pairings"]
        (row,) = pairings.rows(connection, scope="nobody", filters={})
        (before,) = pairings.rows(connection, scope="nobody", filters={}, as_of=at(1))
    assert (row["bond"], row["until"], row["ended"]) == ("liaison", at(48).date(), True)
    assert (before["until"], before["ended"]) == (None, False)
    assert row["id"] == case_id("directory")


def _record(position: int, fact: f.Fact, moment: datetime) -> Followed:
    body: Seen[f.Fact] = Seen(
        stream="x",
        version=position,
        type=fact.TYPE,
        occurred_at=moment,
        kind=None,
        data=fact,
        sealed=(),
    )
    return Followed(position, position, body)
