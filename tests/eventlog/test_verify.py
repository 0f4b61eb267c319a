"""Whatever a superuser changes in the log, `verify` says where."""

import time
from collections.abc import Generator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from domain.facts import Text
from eventlog import verify as module
from eventlog.database import Connection, Database
from eventlog.keys import LocalWrapper
from eventlog.records import chain_hash, leaf_hash
from eventlog.vault import Vault
from eventlog.verify import Verdict, verify
from tests.support.records import DISTRICT, START, Writer, append

HEAD = 9
TEXTS = (Text("narrative", "narrative", "井盖破损"), Text("name", "reporter", "张三"))


@pytest.fixture
def log(district: Database) -> Database:
    """Nine facts of three streams by four commands; facts 2 and 6 carry sealed texts."""
    vault = Vault(district, DISTRICT, LocalWrapper(bytes(32)))
    first, second, third = (Writer(vault=vault) for _ in range(3))
    vault.prepare([(w.stream, text.subject) for w in (first, third) for text in TEXTS])
    commands = [str(uuid4()) for _ in range(4)]
    append(
        district,
        first.write(command=commands[0]),
        first.write(command=commands[0], texts=TEXTS),
        command=commands[0],
    )
    append(district, second.write(command=commands[1]), command=commands[1])
    append(
        district,
        *(w.write(command=commands[2]) for w in (first, second)),
        third.write(command=commands[2], texts=TEXTS),
        command=commands[2],
    )
    append(
        district,
        *(w.write(command=commands[3]) for w in (first, second, third)),
        command=commands[3],
    )
    return district


@pytest.fixture
def superuser(log: Database) -> Generator[Connection]:
    """Somebody who may do anything, with the triggers out of the way."""
    connection = log.connect()
    connection.execute("ALTER TABLE event DISABLE TRIGGER ALL")
    connection.execute("ALTER TABLE event DROP CONSTRAINT event_stream_id_stream_version_key")
    yield connection
    connection.close()


def places(database: Database) -> set[int]:
    return {problem.position for problem in verify(database).problems}


def said(verdict: Verdict) -> str:
    return "\n".join(f"{problem.position} {problem.what}" for problem in verdict.problems)


@pytest.mark.storage
def test_an_untouched_log_is_clean(log: Database) -> None:
    seen: list[tuple[int, int]] = []
    verdict = verify(log, progress=lambda position, head: seen.append((position, head)))
    assert verdict.problems == []
    assert (verdict.positions, verdict.head) == (HEAD, HEAD)
    assert seen == [(HEAD, HEAD)]
    with log.connection() as connection:
        row = connection.execute("SELECT encode(chain, 'hex') FROM ledger").fetchone()
        assert verify(connection) == verdict
    assert row == (verdict.chain,)


def test_an_empty_log_is_clean(district: Database) -> None:
    assert verify(district) == Verdict(0, 0, "00" * 32, [])


def test_pages_make_no_difference(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(log)
    for size in (1, 2, 4):
        monkeypatch.setattr(module, "PAGE", size)
        assert verify(log) == whole


def test_what_is_appended_meanwhile_is_left_for_the_next_time(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    vault = Vault(log, DISTRICT, LocalWrapper(bytes(32)))

    def meanwhile(_position: int, _head: int) -> None:
        writer = Writer(vault=vault)
        vault.prepare([(writer.stream, text.subject) for text in TEXTS])
        append(log, writer.write(texts=TEXTS))

    verdict = verify(log, progress=meanwhile)
    assert (verdict.problems, verdict.head) == ([], HEAD)
    assert verify(log).problems == []


NUMBERS = ["stream_version", "schema_version"]
IDS = ["stream_id", "event_id", "command_id"]
WORDS = ["stream_type", "type"]
TIMES = ["recorded_at", "occurred_at"]
BYTES = ["body", "leaf"]


def change(connection: Connection, column: str, position: int, where: int, by: int) -> None:
    """Change one byte of one column of one fact: `by` is never zero modulo 256."""
    name = sql.Identifier(column)
    row = connection.execute(
        sql.SQL("SELECT {} FROM event WHERE position = %s").format(name), (position,)
    ).fetchone()
    assert row
    old = row[0]
    new: object
    if column in IDS:
        new = UUID(bytes=_other(old.bytes, where, by))
    elif column in WORDS:
        text = _other(old.encode(), where, by)
        new = "".join(chr(byte or 1) for byte in text)
    elif column in TIMES:
        # A byte of the eight that the time is stored in, short of the years psycopg cannot write.
        new = old + timedelta(microseconds=by * 256 ** (where % 6))
    elif column in NUMBERS:
        new = old + by
    else:
        new = _other(old, where, by)
    assert new != old
    connection.execute(
        sql.SQL("UPDATE event SET {} = %s WHERE position = %s").format(name), (new, position)
    )


def _other(content: bytes, where: int, by: int) -> bytes:
    at = where % len(content)
    return content[:at] + bytes([(content[at] + by) % 256]) + content[at + 1 :]


@pytest.mark.parametrize("column", [*NUMBERS, *IDS, *WORDS, *TIMES, *BYTES])
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(position=st.integers(1, HEAD), where=st.integers(0, 2000), by=st.integers(1, 255))
def test_any_byte_of_any_column_changed_is_found_at_its_position(
    log: Database, superuser: Connection, column: str, position: int, where: int, by: int
) -> None:
    with superuser.transaction():
        superuser.execute("CREATE TABLE IF NOT EXISTS untouched AS TABLE event")
        change(superuser, column, position, where, by)
    try:
        assert position in places(log)
    finally:
        superuser.execute(
            "UPDATE event e SET (stream_id, stream_version, event_id, command_id, stream_type,"
            " type, schema_version, recorded_at, occurred_at, body, leaf) = (SELECT u.stream_id,"
            " u.stream_version, u.event_id, u.command_id, u.stream_type, u.type,"
            " u.schema_version, u.recorded_at, u.occurred_at, u.body, u.leaf"
            " FROM untouched u WHERE u.position = e.position)"
        )


@pytest.mark.parametrize("position", [1, 5, HEAD])
def test_a_deleted_fact_is_found(log: Database, superuser: Connection, position: int) -> None:
    superuser.execute("DELETE FROM event WHERE position = %s", (position,))
    assert position in places(log)


@pytest.mark.parametrize("column", [*IDS, *WORDS, *TIMES, *BYTES, *NUMBERS])
def test_an_emptied_column_is_found(log: Database, superuser: Connection, column: str) -> None:
    name = sql.Identifier(column)
    superuser.execute(sql.SQL("ALTER TABLE event ALTER {} DROP NOT NULL").format(name))
    superuser.execute(sql.SQL("UPDATE event SET {} = NULL WHERE position = 4").format(name))
    assert 4 in places(log)


@pytest.mark.parametrize("value", ["infinity", "-infinity", "4713-01-01 BC", "294276-12-31"])
@pytest.mark.parametrize("column", TIMES)
def test_a_time_out_of_all_bounds_is_found(
    log: Database, superuser: Connection, column: str, value: str
) -> None:
    name = sql.Identifier(column)
    superuser.execute(sql.SQL("UPDATE event SET {} = {} WHERE position = 4").format(name, value))
    assert 4 in places(log)


def test_two_facts_that_changed_places_are_found(log: Database, superuser: Connection) -> None:
    superuser.execute("UPDATE event SET position = -1 WHERE position = 3")
    superuser.execute("UPDATE event SET position = 3 WHERE position = 5")
    superuser.execute("UPDATE event SET position = 5 WHERE position = -1")
    assert {3, 5} <= places(log)


def test_a_moved_position_is_found(log: Database, superuser: Connection) -> None:
    superuser.execute("UPDATE event SET position = 40 WHERE position = 4")
    assert {4, 10} <= places(log)


def test_a_cut_tail_is_found(log: Database, superuser: Connection) -> None:
    superuser.execute("DELETE FROM event WHERE position > 7")
    assert "8 缺少第 8 至 9 条" in said(verify(log))


def test_a_cut_tail_with_the_ledger_turned_back_is_found_by_the_commands(
    log: Database, superuser: Connection
) -> None:
    chain = bytes(32)
    rows = superuser.execute(
        "DELETE FROM event WHERE position > 6; SELECT leaf FROM event ORDER BY position"
    )
    assert rows.nextset()
    for (leaf,) in rows:
        chain = chain_hash(chain, leaf)
    superuser.execute(
        "UPDATE ledger SET position = 6, chain = %s,"
        " last_recorded_at = (SELECT max(recorded_at) FROM event)",
        (chain,),
    )
    assert "7 命令登记（command）的位点区间与日志不符" in said(verify(log))


def test_a_forged_fact_with_a_matching_leaf_breaks_link_and_chain(
    log: Database, superuser: Connection
) -> None:
    row = superuser.execute("SELECT recorded_at, body FROM event WHERE position = 2").fetchone()
    assert row
    body = row[1].replace(b'"action":"note"', b'"action":"gift"')
    superuser.execute(
        "UPDATE event SET body = %s, leaf = %s WHERE position = 2",
        (body, leaf_hash(2, row[0], body)),
    )
    report = said(verify(log))
    assert "4 prev 不是本事项前一条正文的哈希" in report
    assert "9 总账（ledger）的链哈希与全部办理记录算出的不符" in report


def test_an_added_fact_behind_the_head_is_found(log: Database, superuser: Connection) -> None:
    superuser.execute(
        "INSERT INTO event SELECT 10, stream_id, 99, gen_random_uuid(), command_id, stream_type,"
        " type, schema_version, recorded_at, occurred_at, body, leaf FROM event WHERE position = 9"
    )
    assert "10 总账（ledger）的位点之后还有办理记录" in said(verify(log))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET position = position - 1",
        "UPDATE ledger SET chain = set_byte(chain, 0, get_byte(chain, 0) # 1)",
        "UPDATE ledger SET last_recorded_at = last_recorded_at - interval '1 microsecond'",
        "UPDATE ledger SET reference_head = 3",
        "DELETE FROM ledger",
    ],
)
def test_a_changed_ledger_row_is_found(
    log: Database, superuser: Connection, statement: str
) -> None:
    superuser.execute(statement)
    assert verify(log).problems


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE command SET first_position = 2 WHERE first_position = 1", 1),
        ("UPDATE command SET last_position = 5 WHERE first_position = 4", 6),
        ("UPDATE command SET last_position = 4 WHERE first_position = 3", 4),
        ("UPDATE command SET last_position = 99 WHERE last_position = 9", 99),
        ("UPDATE command SET command_id = gen_random_uuid() WHERE first_position = 4", 4),
        ("UPDATE command SET recorded_at = now() WHERE first_position = 4", 4),
    ],
)
def test_a_changed_command_is_found(
    log: Database, superuser: Connection, statement: str, position: int
) -> None:
    superuser.execute(statement)
    assert position in places(log)


def test_commands_that_were_forgotten_after_ninety_days_are_no_problem(
    log: Database, superuser: Connection
) -> None:
    superuser.execute("DELETE FROM command WHERE first_position < 4")
    assert verify(log).problems == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM personal WHERE position = 6 AND field = 'name'", "尚未销毁"),
        ("UPDATE personal SET ciphertext = ciphertext || '\\x00' WHERE position = 6", "摘要不符"),
        ("UPDATE personal SET field = 'phone' WHERE position = 6 AND field = 'name'", "没有登记"),
        ("UPDATE personal SET key_id = gen_random_uuid() WHERE position = 6", "不符"),
        ("UPDATE subject_key SET subject = subject || '2'", "另一对象"),
        ("DELETE FROM subject_key", "缺失"),
    ],
)
def test_a_change_to_sealed_texts_is_found(
    log: Database, superuser: Connection, statement: str, what: str
) -> None:
    superuser.execute(statement)
    verdict = verify(log)
    assert 6 in {problem.position for problem in verdict.problems}
    assert what in said(verdict)


def test_a_text_moved_behind_the_head_is_found(log: Database, superuser: Connection) -> None:
    superuser.execute("UPDATE personal SET position = 77 WHERE position = 6 AND field = 'name'")
    assert {6, 77} <= places(log)


@pytest.mark.parametrize("rest", ["", "DELETE FROM personal"])
def test_an_erased_text_is_no_problem_with_or_without_its_ciphertext(
    log: Database, superuser: Connection, rest: str
) -> None:
    superuser.execute("UPDATE subject_key SET wrapped = NULL")
    if rest:
        superuser.execute(rest.encode())
    assert verify(log).problems == []


def test_a_fact_that_this_program_does_not_know_is_named(
    log: Database, superuser: Connection
) -> None:
    superuser.execute("UPDATE event SET schema_version = 7 WHERE position = 5")
    assert "5 日志中有不认识的办理记录 note-recorded（第 7 版）" in said(verify(log))


def test_a_ruined_log_lists_only_so_many_problems(
    log: Database, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PROBLEMS", 5)
    superuser.execute("UPDATE event SET leaf = '\\x00', event_id = gen_random_uuid()")
    problems = verify(log).problems
    assert len(problems) == 6
    assert problems[-1].what == "另有 13 处问题未列出"


def test_verifying_is_fast_enough_for_a_night(district: Database) -> None:
    facts = 5_000
    writers = [Writer() for _ in range(50)]
    for _ in range(4):
        events = [writer.write(command=str(UUID(int=1))) for writer in writers for _ in range(25)]
        append(district, *events, command=str(UUID(int=1)), at=START)
    started = time.perf_counter()
    verdict = verify(district)
    rate = facts / (time.perf_counter() - started)
    print(f"verify: {rate:,.0f} facts/s")  # noqa: T201 - the figure is the point
    assert (verdict.problems, verdict.positions) == ([], facts)
    assert rate > 5_000
