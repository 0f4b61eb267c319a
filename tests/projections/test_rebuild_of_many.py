"""Rebuilding many at once: one pass, compared at the end, and all that was built on them kept."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as struct_replace
from psycopg import sql

from eventlog.ahead import Ahead
from eventlog.batch import Batch
from eventlog.database import Connection, Database
from eventlog.records import Followed
from eventlog.runner import Policy, Runner, lag
from projections.comparing import Rows
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, CaseRow, show
from projections.ledgers.deadlines import DEADLINES
from projections.rebuild import (
    Outcome,
    Pair,
    go_on,
    pair_of,
    prepare,
    rebuild,
    rebuild_all,
    rebuild_beside,
)
from projections.rebuilding import Rebuilder, standing_of
from projections.seen import Seen, see
from projections.tables import BUILD, Tables
from tests.projections.test_rebuild import poison, tell
from tests.support.stories import case_id, dump, follow

BOTH = (CASES, DEADLINES)


def states(district: Database) -> dict[str, str]:
    with district.connect() as connection:
        return {one.name: one.state for one in lag(connection)}


def test_all_are_folded_in_one_pass_over_the_log(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(district, 10)
    follow(district)
    rows, asked, read = dump(district), list[int](), Ahead.read

    def counting(ahead: Ahead, after: int, limit: int) -> Batch:
        asked.append(after)
        return read(ahead, after, limit)

    monkeypatch.setattr(Ahead, "read", counting)
    heard: list[tuple[str, int, int]] = []

    def told(name: str, done: int, head: int) -> None:
        heard.append((name, done, head))

    outcomes = rebuild_all(district, [pair_of(one) for one in BOTH], progress=told, batch=20)
    assert asked == sorted(set(asked)), "no range was read twice"
    assert {name for name, done, head in heard if done == head == 40} == {"cases@1", "deadlines@1"}
    assert all(one.found and not one.found.differing and one.found.comparable for one in outcomes)
    assert dump(district) == rows


def test_one_that_halts_stops_no_other(district: Database) -> None:
    tell(district, 3)
    follow(district)
    spoilt = replace(CASES.shape, fold=_failing)
    pairs = [Pair(CASES.tables, Tables(spoilt, suffix=BUILD)), pair_of(DEADLINES)]
    outcomes = {one.name: one for one in rebuild_all(district, pairs)}
    assert outcomes["cases@1"].halted == "position 1: ValueError"
    assert outcomes["deadlines@1"].found is not None
    assert states(district)["cases@1"] == "live"
    assert states(district)["cases@1__build"] == "halted"


def _failing(seen: Seen, record: Followed) -> Seen:
    raise ValueError(seen, record)


def test_what_differs_is_told_and_kept(district: Database) -> None:
    tell(district, 5)
    follow(district)
    right = dump(district)
    with district.connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong' WHERE number IN ('n1', 'n3')")
        connection.execute("DELETE FROM cases WHERE number = 'n4'")
    found = rebuild(district, CASES)
    assert found.comparable
    assert (found.rows["current"].before, found.rows["current"].after) == (4, 5)
    assert found.rows["current"].differing == 3
    assert found.first == sorted(case_id(n) for n in (1, 3, 4))
    assert dump(district) == right
    with district.connect() as connection:
        standing = standing_of(connection, CASES)
    assert standing.compared == found
    assert standing.live is not None
    assert "3 行不同" in standing.live.detail


def test_nothing_is_touched_where_old_and_new_are_the_same(district: Database) -> None:
    tell(district, 5)
    follow(district)
    with district.connect() as connection:
        query = "SELECT array_agg(ctid::text || xmin ORDER BY case_id) FROM cases"
        before = connection.execute(query).fetchone()
        found = rebuild(district, CASES)
        assert "完全一致" in found.text
        assert connection.execute(query).fetchone() == before


def test_where_a_few_rows_differ_the_others_are_left_alone(district: Database) -> None:
    tell(district, 5)
    follow(district)
    right = dump(district)
    with district.connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong' WHERE number = 'n1'")
        query = "SELECT ctid::text, xmin::text FROM cases WHERE number <> 'n1' ORDER BY number"
        before = connection.execute(query).fetchall()
        assert rebuild(district, CASES).differing == 1
        assert connection.execute(query).fetchall() == before
    assert dump(district) == right


@pytest.mark.parametrize("filled", [False, True])
def test_a_ledger_far_behind_is_not_brought_on_only_to_be_compared(
    district: Database, monkeypatch: pytest.MonkeyPatch, *, filled: bool
) -> None:
    """A new one is empty; one that stood still for long has rows that nobody holds to account."""
    tell(district, 5)
    follow(district)
    right = dump(district)
    with district.connect() as connection:
        connection.execute(
            "UPDATE checkpoint SET position = 0 WHERE name = %s", (CASES.tables.name,)
        )
        if not filled:
            connection.execute("TRUNCATE cases, cases_history, cases_state, cases_counts")
    folded: list[str] = []
    apply = Tables.apply

    def counted(tables: Tables[Any, Any], connection: Connection, records: Any) -> None:  # noqa: ANN401
        folded.append(tables.name)
        apply(tables, connection, records)

    monkeypatch.setattr(Tables, "apply", counted)
    found = rebuild(district, CASES, batch=19)
    assert set(folded) == {CASES.tables.name + BUILD}
    assert not found.comparable
    assert found.rows["current"] == Rows(5 * filled, 5, 5 * (not filled))
    assert dump(district) == right


DEPENDENTS = """
    CREATE SCHEMA {bi};
    CREATE VIEW {bi}.open_cases WITH (security_barrier) AS SELECT number, stage FROM cases;
    COMMENT ON VIEW {bi}.open_cases IS '在办事项';
    GRANT SELECT ON {bi}.open_cases TO PUBLIC;
    CREATE VIEW {bi}.stages AS SELECT stage, count(*) AS count FROM {bi}.open_cases GROUP BY 1;
    CREATE MATERIALIZED VIEW {bi}.kept AS SELECT number FROM cases;
    GRANT SELECT (number, stage) ON cases TO PUBLIC;
    CREATE POLICY own ON cases FOR SELECT USING (stage <> 'secret');
    ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
    CREATE STATISTICS stage_of_kind ON kind, stage FROM cases;
    CREATE INDEX mine ON cases (stage) WHERE stage = 'closed';
"""
BUILT_ON = """
    SELECT 'view', c.relname || array_to_string(c.reloptions, ',') || c.relacl::text
        || obj_description(c.oid) FROM pg_class c WHERE c.relnamespace = {bi}::regnamespace
    UNION ALL SELECT 'policy', polname || pg_get_expr(polqual, polrelid) FROM pg_policy
    UNION ALL SELECT 'column', attname || attacl::text FROM pg_attribute
        WHERE attrelid = 'cases'::regclass AND attacl IS NOT NULL
    UNION ALL SELECT 'table', relrowsecurity::text FROM pg_class WHERE oid = 'cases'::regclass
    UNION ALL SELECT 'index', relname FROM pg_class WHERE relname = 'mine'
    UNION ALL SELECT 'statistics', stxname FROM pg_statistic_ext
    ORDER BY 1, 2
"""


def test_all_that_was_built_on_a_ledger_outlives_its_rebuild(district: Database) -> None:
    tell(district, 5)
    follow(district)
    bi = f"{district.schema}_bi"
    with district.connect() as connection:
        connection.execute(sql.SQL(DEPENDENTS).format(bi=sql.Identifier(bi)))
        connection.execute("UPDATE cases SET stage = 'wrong'")
        query = sql.SQL(BUILT_ON).format(bi=sql.Literal(bi))
        before = connection.execute(query).fetchall()
        rebuild(district, CASES)
        after = connection.execute(query).fetchall()
        stages = sql.SQL("SELECT * FROM {}.stages").format(sql.Identifier(bi))
        assert connection.execute(stages).fetchall() == [("closed", 5)]
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(bi)))
    assert after == before
    assert len(before) == 9


def test_readers_wait_for_nobody_while_rows_are_exchanged(district: Database) -> None:
    tell(district, 5)
    follow(district)
    with district.connect() as reader, reader.transaction():
        reader.execute("SELECT * FROM cases").fetchall()
        with district.connect() as connection:
            connection.execute("UPDATE cases SET stage = 'wrong'")
        worker = threading.Thread(target=rebuild, args=(district, CASES))
        worker.start()
        worker.join(30)
        assert not worker.is_alive(), "the rebuild waits for a reader"
        assert reader.execute("SELECT DISTINCT stage FROM cases").fetchall() == [("closed",)]


def other_show(seen: Seen, before: Mapping[str, CaseRow]) -> Mapping[str, CaseRow]:
    """Return the row as other code would."""
    return {key: struct_replace(row, stage="new") for key, row in show(seen, before).items()}


@pytest.fixture
def changed() -> Ledger[Any, Any]:
    """Cases, shown by other code under the same name."""
    return replace(CASES, shape=replace(CASES.shape, show=other_show))


def test_changed_code_halts_a_ledger_and_is_rebuilt_by_itself(
    district: Database, changed: Ledger[Any, Any]
) -> None:
    tell(district, 3)
    follow(district)
    runner = Runner(district, [changed.tables])
    assert runner.run_once() == 0
    runner.close()
    with district.connect() as connection:
        halted = next(one for one in lag(connection) if one.name == "cases@1")
        assert (halted.state, halted.detail) == (
            "halted",
            "the ledger has changed: rebuild it",
        )
        page = changed.page(connection, scope=None, filters={}, limit=5)
        assert {item["stage"] for item in page.items} == {"closed"}, "old rows answer meanwhile"
    outcomes = served(district, changed, automatic=True)
    assert [one.name for one in outcomes] == ["cases@1"]
    with district.connect() as connection:
        page = changed.page(connection, scope=None, filters={}, limit=5)
        assert {item["stage"] for item in page.items} == {"new"}
    assert states(district)["cases@1"] == "live"


def served(district: Database, ledger: Ledger[Any, Any], *, automatic: bool) -> list[Any]:
    """Let a server's rebuilder do what there is to do."""
    outcomes, ended = list[Any](), threading.Event()

    def done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        ended.set()

    rebuilder = Rebuilder(district, {ledger.name: ledger}, done=done)
    rebuilder.start(automatic=automatic)
    ended.wait(20 if automatic else 0.5)
    rebuilder.close()
    return outcomes


def test_without_the_setting_nothing_begins_by_itself(
    district: Database, changed: Ledger[Any, Any]
) -> None:
    tell(district, 1)
    follow(district)
    runner = Runner(district, [changed.tables])
    runner.run_once()
    runner.close()
    assert served(district, changed, automatic=False) == []
    assert states(district)["cases@1"] == "halted"


def test_what_was_begun_is_taken_up_by_the_next_start(district: Database) -> None:
    tell(district, 20)
    follow(district)
    rows = dump(district)
    with district.connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong'")
        prepare(connection, *pair_of(CASES))
    runner = Runner(district, [pair_of(CASES).build], batch=10)
    runner.run_once()
    runner.close()
    with district.connect() as connection:
        standing = standing_of(connection, CASES)
        assert standing.build is not None
        assert (standing.build.state, standing.build.position, standing.build.batches) == (
            "building",
            10,
            1,
        )
    rebuilder = Rebuilder(district, {"cases": CASES})
    (outcome,) = rebuilder.look()
    assert outcome.found is not None
    assert dump(district) == rows
    assert rebuilder.look() == []


def test_told_to_stop_a_rebuild_stands_where_it_is(district: Database) -> None:
    tell(district, 20)
    follow(district)
    with district.connect() as connection:
        prepare(connection, *pair_of(CASES))
    stop = threading.Event()
    stop.set()
    assert go_on(district, [pair_of(CASES)], batch=10, stop=stop) == []
    with district.connect() as connection:
        build = standing_of(connection, CASES).build
    assert build is not None
    assert build.position == 10


def test_two_who_rebuild_at_once_share_the_work_and_end_it_once(district: Database) -> None:
    tell(district, 30)
    follow(district)
    rows = dump(district)
    with district.connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong'")
        prepare(connection, *pair_of(CASES))
    found: list[Any] = []

    def work() -> None:
        found.extend(go_on(district, [pair_of(CASES)], batch=5))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if not found:  # each saw the other at work and left: whoever looks next ends it
        found.extend(go_on(district, [pair_of(CASES)]))
    assert {one.name for one in found} == {"cases@1"}
    assert dump(district) == rows


class Quarantining(Tables[Any, Any]):
    """Cases, whose facts that cannot be taken in set only their case aside."""

    policy: Policy = "quarantine"


def test_quarantined_cases_are_released_by_a_rebuild_after_mending(district: Database) -> None:
    tell(district, 3)
    follow(district)
    right = dump(district)
    with district.connect() as connection:
        connection.execute("TRUNCATE cases, cases_history, cases_state, cases_counts")
        connection.execute("UPDATE checkpoint SET position = 0 WHERE name = 'cases@1'")
    broken = Quarantining(replace(CASES.shape, fold=_fails_at(case_id(1))))
    broken.__dict__["_fingerprint"] = CASES.tables.fingerprint
    run(district, broken)
    with district.connect() as connection:
        standing = next(one for one in lag(connection) if one.name == "cases@1")
        assert (standing.state, standing.behind, standing.quarantined) == ("live", 0, 1)
        assert standing.detail.startswith("1 quarantined")
    found = rebuild_beside(
        district, Quarantining(CASES.shape), Quarantining(CASES.shape, suffix=BUILD)
    )
    assert found.rows["current"].differing == 1
    assert dump(district) == right
    with district.connect() as connection:
        assert connection.execute("SELECT * FROM quarantine").fetchall() == []
        assert next(one for one in lag(connection) if one.name == "cases@1").quarantined == 0


def test_what_a_rebuild_sets_aside_stays_aside(district: Database) -> None:
    tell(district, 3)
    follow(district)
    poison(district, 3, "never-heard-of")
    rebuild_beside(district, Quarantining(CASES.shape), Quarantining(CASES.shape, suffix=BUILD))
    with district.connect() as connection:
        aside = connection.execute("SELECT name, stream_id::text FROM quarantine").fetchall()
        assert aside == [("cases@1", case_id(1))]
        assert CASES.summary(connection, scope=None, filters={})["total"] == 2


def _fails_at(stream: str) -> Callable[[Seen, Followed], Seen]:
    def fold(seen: Seen, record: Followed) -> Seen:
        if record.stream == stream:
            raise ValueError(stream)
        return see(seen, record)

    return fold


def run(district: Database, follower: Any) -> None:  # noqa: ANN401 - a follower
    runner = Runner(district, [follower])
    while runner.run_once():
        pass
    runner.close()
