"""Rebuilding: beside the live ledger, resumable, put in place in one step."""

import threading

import pytest

from domain import facts as f
from eventlog.database import Database
from eventlog.runner import Runner, lag
from projections.ledgers import LEDGERS
from projections.ledgers.cases import CASES
from projections.rebuild import RebuildHalted, prepare, rebuild, resume
from projections.tables import BUILD, Tables
from tests.support.schemas import dump as schema_of
from tests.support.stories import (
    Teller,
    at,
    case_id,
    closed,
    dump,
    follow,
    move,
    reported,
    started,
    store,
)


def tell(district: Database, count: int = 30, *, teller: Teller | None = None) -> Teller:
    """Store so many cases of two requests, the second with a late fact."""
    teller = teller or Teller()
    store(
        district,
        [
            [teller.tell(n, reported(f"n{n}"), at(n)), teller.tell(n, started(at(99)), at(n))]
            for n in range(count)
        ],
    )
    store(
        district,
        [
            [
                teller.tell(n, closed(), at(n + 5)),
                teller.tell(n, f.NoteRecorded(**move("closed", "closed")), at(n + 2)),
            ]
            for n in range(count)
        ],
    )
    return teller


def test_a_rebuild_gives_the_same_bytes_and_the_same_schema(district: Database) -> None:
    tell(district)
    follow(district)
    with district.connect() as connection:
        schema = schema_of(connection, district.schema)
    rows = dump(district)
    for ledger in LEDGERS.values():
        rebuild(district, ledger, batch=7)
    assert dump(district) == rows
    with district.connect() as connection:
        assert schema_of(connection, district.schema) == schema
        standing = [(each.name, each.behind, each.state) for each in lag(connection)]
        names = sorted(ledger.tables.name for ledger in LEDGERS.values())
        assert standing == [(name, 0, "live") for name in names]
    follow(district)
    assert dump(district) == rows


def test_progress_is_told_up_to_the_head(district: Database) -> None:
    tell(district, 10)
    heard: list[tuple[int, int]] = []
    rebuild(district, CASES, batch=8, progress=lambda done, head: heard.append((done, head)))
    assert heard[-1] == (40, 40)
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})


def test_wrong_rows_are_gone_after_a_rebuild(district: Database) -> None:
    tell(district, 5)
    follow(district)
    right = dump(district)
    with district.connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong'")
    assert dump(district) != right
    rebuild(district, CASES)
    assert dump(district) == right


def test_an_interrupted_rebuild_goes_on_where_it_stopped(district: Database) -> None:
    tell(district, 20)
    follow(district)
    rows = dump(district)
    build = Tables(CASES.shape, suffix=BUILD)
    with district.connect() as connection:
        prepare(connection, CASES.tables, build)
    runner = Runner(district, [build], batch=10)
    runner.run_once()
    runner.close()
    heard: list[int] = []
    rebuild(district, CASES, batch=10, progress=lambda done, _: heard.append(done))
    assert heard[0] > 10
    assert dump(district) == rows


def test_while_it_is_rebuilt_a_ledger_is_never_empty(district: Database) -> None:
    tell(district, 30)
    follow(district)
    stop, counts, errors = threading.Event(), list[int](), list[Exception]()

    def read() -> None:
        with district.connect() as connection:
            while not stop.is_set():
                try:
                    found = CASES.summary(connection, scope=None, filters={})
                    counts.append(found["total"])
                    page = CASES.page(connection, scope=None, filters={}, limit=100)
                    counts.append(len(page.items))
                except Exception as error:  # noqa: BLE001 - the test shows it
                    errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(3):
        rebuild(district, CASES, batch=10)
    stop.set()
    reader.join(10)
    assert errors == []
    assert set(counts) == {30}


def test_facts_that_come_during_a_rebuild_are_in_it(district: Database) -> None:
    teller = tell(district, 5)
    follow(district)
    told = False

    def tell_more(done: int, head: int) -> None:
        nonlocal told
        if done == head and not told:
            told = True
            store(district, [[teller.tell("more", reported("more"), at(1))]])

    rebuild(district, CASES, progress=tell_more)
    with district.connect() as connection:
        found = CASES.page(connection, scope=None, filters={"number": "more"}, limit=5)
    assert [item["id"] for item in found.items] == [case_id("more")]
    assert found.position == 21


def poison(district: Database, position: int, type_: str) -> None:
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        query = "UPDATE event SET type = %s WHERE position = %s"
        connection.execute(query, (type_, position))


def test_a_poisonous_fact_stops_the_rebuild_and_leaves_the_live_ledger_alone(
    district: Database,
) -> None:
    tell(district, 5)
    follow(district)
    rows = dump(district)
    poison(district, 7, "never-heard-of")
    with pytest.raises(RebuildHalted, match="position 7: UnknownFact"):
        rebuild(district, CASES)
    assert dump(district) == rows
    poison(district, 7, "case-reported")
    rebuild(district, CASES)
    assert dump(district) == rows


def test_a_halted_ledger_is_live_again_after_a_rebuild_or_a_resume(district: Database) -> None:
    tell(district, 5)
    poison(district, 7, "never-heard-of")
    follow(district)
    with district.connect() as connection:
        halted = ("halted", "position 7: UnknownFact")
        told = [(each.state, each.detail) for each in lag(connection)]
        assert told == [halted] * len(LEDGERS)
        poison(district, 7, "case-reported")
        rebuild(district, CASES)
        assert not resume(connection, LEDGERS["cases"])
        assert all(resume(connection, one) for name, one in LEDGERS.items() if name != "cases")
        follow(district)
        standing = [(each.state, each.behind) for each in lag(connection)]
        assert standing == [("live", 0)] * len(LEDGERS)
