"""Brings the tables to the program's revision: the registry, and the schema of each district.

Revisions are plain SQL files, run by alembic in one transaction a schema (migrations/README.md).
Alembic is loaded only where something is to be upgraded: it takes longer than most commands.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

PUBLIC: Final = "public"
DISTRICT: Final = "district"
# Any number that no other program in this database uses: two upgrades take turns on it.
UPGRADE_LOCK: Final = 0x6269_6875_616E


class MigrationRefused(Exception):
    """数据库结构无法使用。"""

    code: ClassVar[str] = "migration-refused"

    def __init__(self, **details: str) -> None:
        """Fill the details into the message, which is the docstring."""
        super().__init__((type(self).__doc__ or "").format(**details))


class BadDistrictId(MigrationRefused):
    """区县编号 {district} 无效：应为 6 位数字，后面最多再加 6 位小写字母或数字，例如 610327。"""

    code = "bad-district-id"


class DistrictExists(MigrationRefused):
    """区县 {district} 已存在，未作任何改动。"""

    code = "district-exists"


class DistrictUnknown(MigrationRefused):
    """数据库中没有区县 {district}。请检查编号，或先用 bihuan district add 添加。"""

    code = "district-unknown"


class RevisionMismatch(MigrationRefused):
    """区县 {district} 的数据库版本是 {found}，本程序需要 {wanted}。

    请先用本程序升级数据库；若数据库版本更新，请改用新版程序。
    """

    code = "district-revision"


def migrations_folder() -> Path:
    """Return where the revisions lie: in the wheel beside this file, else in the repository."""
    packed = Path(__file__).parent / "_migrations"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "migrations"


@cache
def program_revision(branch: str = DISTRICT) -> str:
    """Return the newest revision that this program brings for a branch (public, district).

    Revisions are numbered, one after the other, so it is the last by name; a test asks alembic.
    """
    names = [file.stem for file in (migrations_folder() / branch).glob(f"{branch}_*.py")]
    if not names:
        raise LookupError(f"no revisions in {migrations_folder() / branch}")
    return max(names)


def upgrade(dsn: str) -> None:
    """Bring the registry and every district to the program's revision; safe to run twice at once.

    A district is one transaction: it is upgraded entirely or not at all.

    Raises:
        RevisionMismatch: a newer program has been here.
    """
    if _is_current(dsn):
        return
    with _upgrading(dsn) as connection:
        _upgrade_registry(connection)
    for district, schema in districts(dsn).items():
        with _upgrading(dsn) as connection:
            _upgrade_district(connection, district, schema)


def _is_current(dsn: str) -> bool:
    """Tell whether there is nothing to upgrade, from what the upgrades wrote down."""
    with psycopg.connect(dsn) as connection:
        known = "SELECT to_regclass('public.district'), to_regclass('public.schema_revision')"
        row = connection.execute(known).fetchone()
        if row is None or None in row:
            return False
        registry = connection.execute("SELECT version_num FROM public.schema_revision").fetchall()
        held = connection.execute("SELECT id, revision FROM public.district").fetchall()
    wanted = program_revision()
    for district, revision in held:
        if revision > wanted:
            raise RevisionMismatch(district=district, found=revision, wanted=wanted)
    current = registry == [(program_revision(PUBLIC),)]
    return current and all(revision == wanted for _, revision in held)


def create_district(dsn: str, district: str) -> str:
    """Create and register the schema of a new district, with all its tables; return its name.

    Raises:
        BadDistrictId: no id of a district looks like that.
        DistrictExists: it is there already; nothing was changed.
    """
    if not re.fullmatch(r"[0-9]{6}[a-z0-9]{0,6}", district):
        raise BadDistrictId(district=district)
    schema = f"d{district}"
    with _upgrading(dsn) as connection:
        _upgrade_registry(connection)
        if _revision(connection, district) is not None:
            raise DistrictExists(district=district)
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
        connection.exec_driver_sql(
            "INSERT INTO public.district (id, schema, revision) VALUES (%s, %s, '')",
            (district, schema),
        )
        _upgrade_district(connection, district, schema)
    return schema


def drop_district(dsn: str, district: str) -> None:
    """Remove a district and its log, for ever: only for invented data that was never used."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "d{district}" CASCADE'.encode())
        connection.execute("DELETE FROM public.district WHERE id = %s", (district,))


def districts(dsn: str) -> dict[str, str]:
    """Return the schema of each registered district, by its id."""
    with psycopg.connect(dsn) as connection:
        known = connection.execute("SELECT to_regclass('public.district')").fetchone()
        if known is None or known[0] is None:
            return {}
        return dict(
            connection.execute("SELECT id, schema FROM public.district ORDER BY id").fetchall()
        )


def check_revision(dsn: str, district: str) -> None:
    """Refuse a district whose tables are not those that this program was written for.

    Raises:
        DistrictUnknown: it is not registered.
        RevisionMismatch: it is at another revision.
    """
    if district not in districts(dsn):
        raise DistrictUnknown(district=district)
    with psycopg.connect(dsn) as connection:
        query = "SELECT revision FROM public.district WHERE id = %s"
        row = connection.execute(query, (district,)).fetchone()
    found, wanted = str(row[0] if row else ""), program_revision()
    if found != wanted:
        raise RevisionMismatch(district=district, found=found, wanted=wanted)


def run_sql(name: str) -> None:
    """Run migrations/sql/NAME.sql in the schema being upgraded; what every revision calls."""
    from alembic import op  # noqa: PLC0415 - see the top

    _run_file(op.get_bind(), name)


def _run_file(connection: "Connection", name: str) -> None:
    script = (migrations_folder() / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    # Without parameters the driver sends the file as it is, percent signs and all statements.
    connection.execution_options(no_parameters=True).exec_driver_sql(script)


def _upgrade_registry(connection: "Connection") -> None:
    _run_revisions(connection, PUBLIC, PUBLIC)


def _upgrade_district(connection: "Connection", district: str, schema: str) -> None:
    _run_revisions(connection, DISTRICT, schema)
    _run_file(connection, "grants")
    connection.exec_driver_sql(
        "UPDATE public.district SET revision = %s WHERE id = %s", (program_revision(), district)
    )


def _run_revisions(connection: "Connection", branch: str, schema: str) -> None:
    from alembic import command  # noqa: PLC0415 - see the top

    # Only this schema: a name that is missing here must not be found elsewhere.
    connection.exec_driver_sql(f'SET LOCAL search_path TO "{schema}"')
    config = _config(branch)
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "head")


def _config(branch: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see the top

    folder = migrations_folder()
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("version_locations", str(folder / branch).replace("%", "%%"))
    return config


@contextmanager
def _upgrading(dsn: str) -> Generator["Connection"]:
    """Open a transaction that no other upgrade of this database runs beside."""
    from sqlalchemy import NullPool, create_engine  # noqa: PLC0415 - see the top

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (UPGRADE_LOCK,))
        yield connection


def _revision(connection: "Connection", district: str) -> str | None:
    query = "SELECT revision FROM public.district WHERE id = %s"
    return connection.exec_driver_sql(query, (district,)).scalar()
