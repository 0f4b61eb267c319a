"""Views for BI tools: nothing without a scope, never a foreign row, no personal data."""

from collections.abc import Generator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from domain import facts as f
from eventlog.database import Database
from projections.ledgers import LEDGERS
from projections.readers import ReaderExists, add_reader, readers, remove_reader
from projections.rebuild import rebuild
from projections.views import HIDDEN_KINDS, bring_views, view_schema
from tests.support.stories import (
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    case_id,
    follow,
    move,
    reported,
    started,
    store,
)

Reader = tuple[str, str]


@pytest.fixture
def told(district: Database) -> Database:
    """A case of the village, one of another town, one that is confidential, one kept from town."""
    teller = Teller()
    hidden = f.ConfidentialitySet(**move(), posts=("chief",))
    recused = f.RecusalDeclared(**move(), unit=TOWN, person=None)
    store(
        district,
        [
            [teller.tell(1, reported("n1", place=VILLAGE), at(0), texts=["title"])],
            [teller.tell(1, started(at(20)), at(0))],
            [teller.tell(2, reported("n2", place=OTHER, holder=OTHER), at(1))],
            [teller.tell(3, reported("n3", place=VILLAGE), at(2)), teller.tell(3, hidden, at(2))],
            [teller.tell(4, reported("n4", place=VILLAGE), at(3)), teller.tell(4, recused, at(3))],
        ],
    )
    follow(district)
    with district.connect() as connection:
        bring_views(connection, district.schema, LEDGERS.values())
    return district


@pytest.fixture
def names(told: Database) -> Generator[list[str]]:
    """Names of users that are gone when the test has ended: users belong to the server."""
    made = [f"bi_{uuid4().hex[:12]}" for _ in range(2)]
    yield made
    with told.connect() as connection:
        for name in made:
            remove_reader(connection, name)


def add(district: Database, role: str, unit: f.Unit | None) -> None:
    with district.connect() as connection:
        path = unit.path if unit else ()
        add_reader(connection, district.schema, role, "secret", unit.id if unit else None, path)


def read(district: Database, role: str, query: str) -> list[Any]:
    dsn = make_conninfo(district.dsn, user=role, password="secret")  # noqa: S106 - of a test
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in query.split(";")[:-1]:
            connection.execute(statement.encode())
        return connection.execute(query.rsplit(";", maxsplit=1)[-1].encode()).fetchall()


NUMBERS = "SELECT number FROM cases ORDER BY number"


def test_a_reader_sees_its_unit_and_nothing_that_is_kept_from_it(
    told: Database, names: list[str]
) -> None:
    add(told, names[0], TOWN)
    add(told, names[1], None)
    assert read(told, names[0], NUMBERS) == [("n1",)]
    assert read(told, names[0], "SELECT id::text, clock FROM deadlines") == [(case_id(1), "total")]
    assert read(told, names[1], NUMBERS) == [("n1",), ("n2",), ("n4",)]


def test_a_setting_narrows_and_never_widens(told: Database, names: list[str]) -> None:
    add(told, names[0], TOWN)
    assert read(told, names[0], f"SET bihuan.unit = 'village'; {NUMBERS}") == [("n1",)]
    assert read(told, names[0], f"SET bihuan.unit = 'other'; {NUMBERS}") == []
    assert read(told, names[0], f"SET bihuan.unit = '*'; {NUMBERS}") == [("n1",)]


def test_an_empty_setting_or_an_unknown_user_shows_nothing(
    told: Database, names: list[str]
) -> None:
    add(told, names[0], None)
    assert read(told, names[0], f"SET bihuan.unit = ''; {NUMBERS}") == []
    with told.connect() as connection:
        connection.execute("DELETE FROM reader WHERE role = %s", (names[0],))
    assert read(told, names[0], NUMBERS) == []
    with told.connect() as connection:
        connection.execute("INSERT INTO reader VALUES (%s, NULL, '{}')", (names[0],))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {schema}.cases",
        "SELECT * FROM {schema}.event",
        "SELECT * FROM {schema}.personal",
        "DELETE FROM cases",
        "SET ROLE bihuan_views; SELECT 1",
    ],
)
def test_a_reader_has_no_other_right(told: Database, names: list[str], query: str) -> None:
    add(told, names[0], None)
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
    ):
        read(told, names[0], query.replace("{schema}", told.schema))


def test_views_have_chinese_comments_and_no_places_of_texts(told: Database) -> None:
    query = """
        SELECT c.relname, a.attname, col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'v'
    """
    with told.connect() as connection:
        found = connection.execute(query, (view_schema(told.schema),)).fetchall()
    assert {name for name, _, _ in found} == {name.replace("-", "_") for name in LEDGERS}
    assert all(comment for _, _, comment in found)
    columns = {(view, column) for view, column, _ in found}
    for name, ledger in LEDGERS.items():
        hidden = {column.name for column in ledger.columns if column.kind in HIDDEN_KINDS}
        assert not {(name.replace("-", "_"), column) for column in hidden} & columns


def test_making_them_again_changes_nothing(told: Database) -> None:
    with told.connect() as connection:
        assert not bring_views(connection, told.schema, LEDGERS.values())


def test_a_rebuild_keeps_views_rights_and_scope(told: Database, names: list[str]) -> None:
    add(told, names[0], TOWN)
    for name in ("cases", "deadlines"):
        rebuild(told, LEDGERS[name])
    assert read(told, names[0], NUMBERS) == [("n1",)]
    assert read(told, names[0], "SELECT clock FROM deadlines") == [("total",)]


def test_a_reader_is_added_once_and_removed(told: Database, names: list[str]) -> None:
    add(told, names[0], TOWN)
    with pytest.raises(ReaderExists):
        add(told, names[0], None)
    with told.connect() as connection:
        assert readers(connection) == [(names[0], "town")]
        assert remove_reader(connection, names[0])
        assert not remove_reader(connection, names[0])
    with pytest.raises(psycopg.OperationalError):
        read(told, names[0], NUMBERS)
