"""The one place where everything is put together; tests and commands substitute parts here."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.logs import logger
from api.services import DistrictServices
from app import embedded
from app.migrate import check_revision, districts, upgrade
from app.settings import Settings
from eventlog.database import Database, assert_durable
from eventlog.keys import LocalWrapper, load_kek
from eventlog.reader import read_head
from eventlog.runner import Runner
from eventlog.vault import Vault
from projections.ledgers import LEDGERS
from projections.places import PlaceTable
from workflows.engine import Engine
from workflows.kind_office import publish_shipped
from workflows.language import Source
from workflows.loading import load_reference
from workflows.notices.table import DeliveryTable
from workflows.reference import Reference
from workflows.timers.table import TimerTable

LOOK_AGAIN_SECONDS = 1.0
"""How often an unknown district is looked up anew."""


def real_clock() -> datetime:
    """Return the time; the only clock of the program."""
    return datetime.now(UTC)


class UnknownDistrict(Exception):
    """没有区县“{district}”。已有：{known}。新建用 bihuan district add。"""

    def __init__(self, district: str, known: list[str]) -> None:
        """Say which there are."""
        text = (type(self).__doc__ or "").format(district=district, known="、".join(known) or "无")
        super().__init__(text)


class DatabaseUnreachable(Exception):
    """连不上数据库：{reason}。请检查 BIHUAN_DATABASE_URL。"""

    def __init__(self, reason: object) -> None:
        """Say why, without the address: it may hold a password."""
        super().__init__((type(self).__doc__ or "").format(reason=str(reason).strip()))


class DatabaseRefused(Exception):
    """数据库拒绝建表或升级：{reason}。请让 BIHUAN_DATABASE_URL 中的用户有权在该库中建模式和表。"""

    def __init__(self, reason: object) -> None:
        """Say why."""
        super().__init__((type(self).__doc__ or "").format(reason=str(reason).strip()))


@dataclass(frozen=True, slots=True)
class Site:
    """A database server with its registry up to date, and the master key."""

    dsn: str
    wrapper: LocalWrapper
    clock: Callable[[], datetime] = real_clock

    def districts(self) -> dict[str, str]:
        """Return the schema of each district."""
        return districts(self.dsn)

    @contextmanager
    def open(self, district: str, *, following: bool = False) -> Generator[DistrictServices]:
        """Open a district; `following` keeps its ledgers up to date in a thread.

        Raises:
            UnknownDistrict: it does not exist.
            RevisionMismatch: its schema is not this program's.
        """
        schemas = self.districts()
        if district not in schemas:
            raise UnknownDistrict(district, list(schemas))
        check_revision(self.dsn, district)
        opened = _Opened(self, district, schemas[district], following=following)
        try:
            yield opened.services
        finally:
            opened.close()


class _Opened:
    """A district in use: its engine, its vault, and the thread that carries its ledgers."""

    def __init__(self, site: Site, district: str, schema: str, *, following: bool) -> None:
        self._database = Database(site.dsn, schema)
        self._stop = threading.Event()
        # Whoever serves is asked for the district's time before anything else.
        known = load_reference(self._database, Reference()) if following else Reference()
        vault = Vault(self._database, district, site.wrapper)
        ledgers = [ledger.tables for ledger in LEDGERS.values()]
        runner = Runner(self._database, [*ledgers, TimerTable(), DeliveryTable(), PlaceTable()])
        engine = Engine(
            self._database,
            district,
            vault,
            clock=site.clock,
            committed=(lambda _: runner.wake()) if following else None,
        )
        engine.reference = known
        self.services = DistrictServices(district, self._database, engine, vault, runner)
        self._thread = threading.Thread(
            target=runner.run, args=(self._stop,), name=f"runner-{district}", daemon=True
        )
        if following:
            self._thread.start()

    def close(self) -> None:
        """Write what is under way, stop following, give the connections back."""
        self.services.engine.close()
        self._stop.set()
        self.services.runner.wake()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self.services.runner.close()
        self._database.close()


def carry_ledgers(services: DistrictServices) -> list[str]:
    """Bring the ledgers to the end of the log, for who reads them next; return who cannot follow.

    Where a server runs, its runner holds the lease and does it within moments.
    """
    with services.database.connection() as connection:
        services.runner.run_until(read_head(connection).position)
    return [f"{one.name}：{one.detail}" for one in services.runner.lags() if one.state == "halted"]


def bring_kinds(services: DistrictServices) -> None:
    """Publish the kinds that came with an upgrade; which version is in use stays as it is (D6).

    Nobody uses this engine yet, so it may run on a loop of its own; in a thread of its own, as one
    of several server processes opens its districts inside its loop.
    """
    with ThreadPoolExecutor(1) as hand:
        published, problems = hand.submit(_bring, services.engine).result()
    for source in published:
        logger().info("kind-published", district=services.id, kind=source.name, hash=source.hash)
    for problem in problems:
        logger().warning("kind-not-published", district=services.id, problem=problem)


def _bring(engine: Engine) -> tuple[list[Source], list[str]]:
    return asyncio.run(publish_shipped(engine))


class OpenDistricts(Mapping[str, DistrictServices]):
    """The districts a server serves: opened when first asked for, so a new one needs no restart."""

    def __init__(self, site: Site) -> None:
        """Open those that exist now."""
        self._site = site
        self._opened: dict[str, _Opened] = {}
        self._looked = -LOOK_AGAIN_SECONDS
        self._closed = False
        self._lock = threading.Lock()
        self.look()

    def __getitem__(self, district: str) -> DistrictServices:
        if district not in self._opened:
            self.look()
        return self._opened[district].services

    def __iter__(self) -> Iterator[str]:
        # A copy: another thread may open one meanwhile.
        return iter(list(self._opened))

    def __len__(self) -> int:
        return len(self._opened)

    def look(self) -> None:
        """Open districts that came since."""
        with self._lock:
            if self._closed or time.monotonic() - self._looked < LOOK_AGAIN_SECONDS:
                return
            for district, schema in self._site.districts().items():
                if district not in self._opened:
                    check_revision(self._site.dsn, district)
                    opened = _Opened(self._site, district, schema, following=True)
                    bring_kinds(opened.services)
                    self._opened[district] = opened
            self._looked = time.monotonic()

    def close(self) -> None:
        """Close them all; none is opened any more."""
        with self._lock:
            self._closed = True
            for opened in self._opened.values():
                opened.close()
            self._opened.clear()


@contextmanager
def open_site(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = real_clock,
    notify: Callable[[str], None] | None = None,
) -> Generator[Site]:
    """Start or reach the database, bring its schemas up to date, read the master key.

    Raises:
        DatabaseUnreachable: the configured server does not answer.
        DatabaseRefused: its user may not make the tables.
        UnsafeServer: it may forget what it acknowledged.
        embedded.EmbeddedError: the embedded server cannot start.
    """
    with ExitStack() as running:
        if settings.database_url:
            dsn = settings.database_url
        else:
            dsn = running.enter_context(embedded.start(settings.data, notify=notify)).dsn
        _assert_reachable(dsn)
        _upgrade(dsn)
        wrapper = LocalWrapper(load_kek(settings.master_key))
        yield Site(dsn, wrapper, clock)


def _assert_reachable(dsn: str) -> None:
    """Refuse a server that does not answer, or may forget; never with the address's password."""
    try:
        password = str(conninfo_to_dict(dsn).get("password") or "")
    except psycopg.ProgrammingError:
        # Its message quotes the address.
        wanted = "地址应写成 postgresql://用户:密码@主机:端口/库名"
        raise DatabaseUnreachable(wanted) from None
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            assert_durable(connection)
    except psycopg.OperationalError as error:
        told = str(error)
        raise DatabaseUnreachable(told.replace(password, "***") if password else told) from None


def _upgrade(dsn: str) -> None:
    try:
        upgrade(dsn)
    except Exception as error:
        # The migration library wraps what the server said.
        cause = getattr(error, "orig", error)
        if isinstance(cause, _REFUSALS):
            raise DatabaseRefused(cause) from None
        raise


_REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
