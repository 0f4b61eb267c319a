"""Migrations: from zero equals what the SQL files declare, at once, and never half."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from app import migrate
from app.migrate import (
    BadDistrictId,
    DistrictExists,
    DistrictUnknown,
    RevisionMismatch,
    check_revision,
    create_district,
    districts,
    migrations_folder,
    program_revision,
    upgrade,
)
from eventlog.database import Database
from tests.support.schemas import dump

pytestmark = pytest.mark.storage

SQL = migrations_folder() / "sql"


def declare(dsn: str, schema: str) -> None:
    """Make a schema from the SQL files alone, without alembic."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET search_path TO {schema}")
        connection.execute("CREATE TABLE schema_revision (version_num varchar(32) NOT NULL)")
        connection.execute(
            "ALTER TABLE schema_revision"
            " ADD CONSTRAINT schema_revision_pkc PRIMARY KEY (version_num)"
        )
        for file in [*sorted(SQL.glob("district_*.sql")), SQL / "grants.sql"]:
            connection.execute(file.read_bytes())


def register_unmigrated(dsn: str, district: str) -> None:
    """Leave a district as a program without any revision would have."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"CREATE SCHEMA d{district}")
        connection.execute(
            "INSERT INTO public.district (id, schema, revision) VALUES (%s, %s, '')",
            (district, f"d{district}"),
        )


def test_a_new_district_an_upgraded_one_and_the_sql_files_give_the_same_schema(
    empty_dsn: str,
) -> None:
    upgrade(empty_dsn)
    create_district(empty_dsn, "610327")
    register_unmigrated(empty_dsn, "610328")
    upgrade(empty_dsn)
    declare(empty_dsn, "declared")
    with psycopg.connect(empty_dsn) as connection:
        created = dump(connection, "d610327")
        assert len(created) > 50
        assert dump(connection, "d610328") == created
        assert dump(connection, "declared") == created


def test_the_comparison_of_schemas_notices_a_missing_index(empty_dsn: str) -> None:
    create_district(empty_dsn, "610327")
    create_district(empty_dsn, "610328")
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("DROP INDEX d610328.command_recorded_at")
        assert dump(connection, "d610327") != dump(connection, "d610328")


def test_a_new_district_is_one_call_on_an_empty_database(empty_dsn: str) -> None:
    assert districts(empty_dsn) == {}
    assert create_district(empty_dsn, "610327ab") == "d610327ab"
    assert districts(empty_dsn) == {"610327ab": "d610327ab"}
    check_revision(empty_dsn, "610327ab")


def test_a_district_that_exists_is_refused_and_left_alone(empty_dsn: str) -> None:
    create_district(empty_dsn, "610327")
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("UPDATE d610327.ledger SET position = 7")
    with pytest.raises(DistrictExists, match="610327 已存在"):
        create_district(empty_dsn, "610327")
    with psycopg.connect(empty_dsn) as connection:
        assert connection.execute("SELECT position FROM d610327.ledger").fetchone() == (7,)


@pytest.mark.parametrize("district", ["61032", "610327-1", "6103２7", "610327A", "610327abcdefg"])
def test_an_id_that_is_no_district_id_is_refused(empty_dsn: str, district: str) -> None:
    with pytest.raises(BadDistrictId):
        create_district(empty_dsn, district)
    assert districts(empty_dsn) == {}


def test_concurrent_upgrades_take_turns(empty_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty_dsn] * 4))
    for number in range(3):
        register_unmigrated(empty_dsn, f"61032{number}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty_dsn] * 4))
    for district in districts(empty_dsn):
        check_revision(empty_dsn, district)


def test_concurrent_creators_of_one_district_leave_one_of_it(empty_dsn: str) -> None:
    def create(_: int) -> bool:
        try:
            create_district(empty_dsn, "610327")
        except DistrictExists:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(create, range(3))) == [False, False, True]


def test_a_district_of_another_revision_is_not_served(empty_dsn: str) -> None:
    create_district(empty_dsn, "610327")
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("UPDATE public.district SET revision = 'district_9999_later'")
    with pytest.raises(RevisionMismatch, match=f"district_9999_later.*{program_revision()}"):
        check_revision(empty_dsn, "610327")


def test_a_district_nobody_added_is_not_served(empty_dsn: str) -> None:
    upgrade(empty_dsn)
    with pytest.raises(DistrictUnknown):
        check_revision(empty_dsn, "610327")


def test_a_failing_revision_leaves_nothing_of_a_new_district(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(empty_dsn)
    with monkeypatch.context() as broken:
        broken.setattr(migrate, "program_revision", lambda: None)
        with pytest.raises(IntegrityError, match="NotNullViolation"):
            create_district(empty_dsn, "610327")
    assert districts(empty_dsn) == {}
    create_district(empty_dsn, "610327")


def test_every_sql_file_is_a_revision_and_listed_in_the_readme() -> None:
    files = {file.stem for file in SQL.glob("*_*.sql")}
    assert files == {
        file.stem
        for branch in ("public", "district")
        for file in (migrations_folder() / branch).glob("*.py")
    }
    readme = (migrations_folder() / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", readme, re.MULTILINE)) == files
    assert program_revision() == max(name for name in files if name.startswith("district_"))


def test_in_an_installed_wheel_the_revisions_lie_beside_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (migrations_folder() / "env.py").is_file()
    monkeypatch.setattr(migrate, "__file__", str(tmp_path / "app" / "migrate.py"))
    (tmp_path / "app" / "_migrations").mkdir(parents=True)
    assert migrations_folder() == tmp_path / "app" / "_migrations"


def test_the_applications_role_adds_and_reads_facts_but_never_changes_them(
    district: Database,
) -> None:
    with district.connect() as connection:
        connection.execute("SET ROLE bihuan_app")
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (0,)
        rights = connection.execute(
            "SELECT array_agg(p) FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p"
            " WHERE has_table_privilege('event', p)"
        ).fetchone()
        assert rights == (["SELECT", "INSERT"],)


def test_a_user_who_may_not_create_roles_can_migrate(empty_dsn: str, server: str) -> None:
    # Debian's server is this process's own; on the shared one other tests need the role.
    hidden = "ALTER ROLE bihuan_app RENAME TO bihuan_hidden"
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute(hidden if server == "debian15" else "")
        connection.execute(f"GRANT CREATE ON DATABASE {row[0]} TO plain")
        connection.execute("GRANT CREATE ON SCHEMA public TO plain")
    create_district(psycopg.conninfo.make_conninfo(empty_dsn, user="plain"), "610327")
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        found = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'bihuan_app'")
        assert found.fetchone() == (int(server != "debian15"),)
        if server == "debian15":
            connection.execute("ALTER ROLE bihuan_hidden RENAME TO bihuan_app")
        connection.execute("DROP OWNED BY plain")
        connection.execute("DROP ROLE plain")
