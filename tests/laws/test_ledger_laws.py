"""Random facts of the whole vocabulary at every ledger: whatever way they come, it shows the same.

A few histories in `make test`; in `make laws` many. Each is made of the stored samples of facts,
in any order and at any time: late ones, ones without what should have come before them.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache, reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from domain import facts as f
from eventlog.appender import NewEvent
from eventlog.database import Connection, Database
from eventlog.reader import read_range
from eventlog.records import Record
from eventlog.runner import Runner
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.ledgers.cases import CASES
from projections.query import Moment, source
from projections.rebuild import rebuild
from projections.scope import Scope
from tests.support.stories import UNITS, Teller, at, reported, store

LIVES = int(os.environ.get("BIHUAN_LAWS", "300"))
LONG = LIVES > 1000
pytestmark = pytest.mark.timeout(0 if LONG else 300)
LAW = settings(
    max_examples=max(2, LIVES // 1000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SAMPLES = Path(__file__).parent.parent / "golden" / "facts"
NAMES = list(LEDGERS)
FAR = at(24 * 365)
SCOPES = (Scope("town"), Scope("village"), Scope("other"), Scope("bureau"), Scope())

Told = tuple[int, list[tuple[int, int]]]
"""A request: its case, and its facts as (which of the vocabulary, how many hours later)."""


@cache
def vocabulary(name: str) -> tuple[f.Fact, ...]:
    """Return facts that concern a ledger, and what begins and ends every case."""
    shape = LEDGERS[name].shape
    wanted = [fact for fact in f.FACTS if shape.stream == fact.STREAM]
    if shape.facts is not None:
        wanted = [fact for fact in wanted if fact in shape.facts]
    always: list[type[f.Fact]] = [f.CaseClosed, f.CaseReopened] if shape.stream == f.CASE else []
    return tuple(sample(fact) for fact in (*wanted, *always))


def sample(fact: type[f.Fact]) -> f.Fact:
    """Return the stored sample of a fact, in its newest shape."""
    content = (SAMPLES / f"{fact.TYPE}.{fact.SCHEMA}.json").read_bytes()
    return msgspec.json.decode(content, type=fact)


def varied(fact: f.Fact, hours: int) -> f.Fact:
    """Return the fact with another holder now and then, and other counts."""
    if isinstance(fact, f.CaseFact):
        fact = replace(fact, holder=UNITS[hours % len(UNITS)])
    changes = {
        name: hours % 3 + 1
        for name in ("request", "task", "cycle", "sequence", "notice", "call")
        if isinstance(getattr(fact, name, None), int)
    }
    return replace(fact, **changes)


def requests(name: str, history: Sequence[Told]) -> list[list[NewEvent]]:
    """Return the requests of a history; about half of the cases are reported first."""
    words, teller, told = vocabulary(name), Teller(), list[list[NewEvent]]()
    for case in range(0, 3, 2):
        place = UNITS[case + 1]
        told.append([teller.tell(case, reported(f"n{case}", place=place), at(0), texts=["title"])])
    for case, facts in history:
        told.append(
            [
                teller.tell(case, varied(words[choice % len(words)], hours), at(hours))
                for choice, hours in facts
            ]
        )
    return told


histories = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 8)), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=14 if LONG else 9,
)


def clear(district: Database) -> None:
    """Empty the district: Hypothesis tells many histories in one test."""
    tables = [table for one in LEDGERS.values() for table in one.tables.names.values()]
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        # The sample of an attachment refers to none that anybody has sent.
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_attaches_evidence")
        listed = ", ".join(["event", "command", "personal", "checkpoint", *tables])
        connection.execute(f"TRUNCATE {listed}".encode())
        connection.execute(
            "UPDATE ledger SET position = 0, reference_head = 0, last_recorded_at = '2000-01-01Z'"
        )


def follow(district: Database, name: str, batch: int) -> None:
    """Carry the ledger, and the one of cases, to the end of the log."""
    followed = {one.name: one for one in (CASES, LEDGERS[name])}
    runner = Runner(district, [one.tables for one in followed.values()], batch=batch)
    try:
        while runner.run_once():
            pass
    finally:
        runner.close()


def dump(district: Database, name: str) -> dict[str, list[str]]:
    """Return every row of the ledger's tables as text, in order; cells of nothing left out."""
    with district.connect() as connection:
        return {
            table: sorted(
                line
                for (line,) in connection.execute(f"SELECT t::text FROM {table} t".encode())
                if not (table.endswith("_counts") and set(line.split(",")[6:]) <= {"0", "0)"})
                and not (table.endswith("_days") and set(line.split(",")[3:]) <= {"0", "0)"})
                and not (table.endswith("_stock") and line.endswith(",0)"))
            )
            for table in LEDGERS[name].tables.names.values()
        }


@pytest.mark.parametrize("name", NAMES)
@LAW
@given(history=histories, batch=st.integers(1, 9), data=st.data())
def test_one_by_one_in_batches_cut_and_resumed_or_rebuilt_the_bytes_are_equal(
    district: Database, name: str, history: list[Told], batch: int, data: st.DataObject
) -> None:
    told = requests(name, history)
    cut = data.draw(st.integers(0, len(told)))
    clear(district)
    store(district, told)
    follow(district, name, 1)
    one_by_one = dump(district, name)
    rebuild(district, LEDGERS[name], batch=batch)
    assert dump(district, name) == one_by_one
    clear(district)
    store(district, told[:cut])
    follow(district, name, batch)
    store(district, told[cut:])
    follow(district, name, batch)
    assert dump(district, name) == one_by_one


@pytest.mark.parametrize("name", NAMES)
@LAW
@given(history=histories)
def test_as_of_and_known_at_every_moment_it_shows_the_fold_of_the_facts_that_count(
    district: Database, name: str, history: list[Told]
) -> None:
    ledger = LEDGERS[name]
    clear(district)
    store(district, requests(name, history))
    follow(district, name, 5)
    with district.connect() as connection:
        records = read_range(connection, 0, 10_000)
        ends = {record.recorded_at: record.position for record in records}
        for position in sorted(ends.values()):
            for moment in (None, at(0), at(2), at(4.5), at(8)):
                wanted = expected(ledger, records, moment, position)
                assert found(connection, ledger, moment, position) == wanted


def expected(
    ledger: Ledger[Any, Any], records: Sequence[Record], as_of: datetime | None, position: int
) -> list[str]:
    """Return the rows that the definition gives: one fold a stream, of the facts that count."""
    streams: dict[str, list[Record]] = {}
    for record in records:
        if ledger.shape.concerns(record) and record.position <= position:
            streams.setdefault(record.stream, []).append(record)
    return sorted(
        repr([stream, key, *asdict(row).values()])
        for stream, told in streams.items()
        for key, row in rows_of(ledger, stream, told, as_of)
    )


def rows_of(
    ledger: Ledger[Any, Any], stream: str, told: Sequence[Record], as_of: datetime | None
) -> Iterator[tuple[str, Any]]:
    counted = [one for one in told if as_of is None or one.occurred_at <= as_of]
    state = reduce(ledger.shape.fold, counted, ledger.shape.blank(stream))
    yield from ledger.shape.show(state, {}).items() if counted else ()


def found(
    connection: Connection, ledger: Ledger[Any, Any], as_of: datetime | None, position: int
) -> list[str]:
    """Return the ledger's own rows as its tables show them at a moment and a position."""
    moment = Moment(as_of=as_of, position=position, current=False, now=FAR, final=True)
    rows = source(ledger.tables.names, ledger.shape.columns, moment)
    lines = connection.execute(rows.where, rows.parameters).fetchall()
    return sorted(
        repr([str(line[0]), *(tuple(one) if isinstance(one, list) else one for one in line[1:])])
        for line in lines
    )


@pytest.mark.parametrize("name", NAMES)
@LAW
@given(history=histories, limit=st.integers(1, 3))
def test_nobody_sees_a_foreign_row_in_pages_counts_or_files(
    district: Database, name: str, history: list[Told], limit: int
) -> None:
    ledger = LEDGERS[name]
    clear(district)
    store(district, requests(name, history))
    follow(district, name, 7)
    with district.connect() as connection:
        everything = list(ledger.rows(connection, scope=None, filters={}))
        mine = visible(connection, ledger)
        # Some ledgers count orders, not rows: then only that nobody's are counted is a law.
        counts_rows = ledger.summary(connection, scope=None, filters={}).get("total") == len(
            everything
        )
        for scope in SCOPES:
            wanted = sorted(repr(row) for row in everything if row["id"] in mine[scope.unit])
            if ledger.cases is None and ledger is not CASES and ledger.shape.stream != f.CASE:
                wanted = sorted(
                    repr(row) for row in ledger.rows(connection, scope=scope, filters={})
                )
            for moments in ({}, {"known_at": FAR}):
                asked: dict[str, Any] = {"scope": scope, "filters": {}, **moments}
                listed = sorted(repr(row) for row in ledger.rows(connection, **asked))
                assert listed == wanted
                assert sorted(map(repr, paged(connection, ledger, asked, limit))) == wanted
                total = ledger.summary(connection, **asked).get("total", 0)
                assert total == len(wanted) if counts_rows else total <= len(wanted)


def visible(connection: Connection, ledger: Ledger[Any, Any]) -> dict[str | None, set[str]]:
    """Return the cases that each scope may see, by the ledger of cases."""
    del ledger
    seen = connection.execute("SELECT case_id::text, visible_to FROM cases").fetchall()
    return {
        scope.unit: {
            case
            for case, units in seen
            if (scope.unit is None or scope.unit in units)
            and not any(unit.startswith("\x1fconfidential") for unit in units)
        }
        for scope in SCOPES
    }


def paged(
    connection: Connection, ledger: Ledger[Any, Any], asked: dict[str, Any], limit: int
) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = ledger.page(connection, **asked, limit=limit, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
