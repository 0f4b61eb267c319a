"""The one place where everything is put together; tests and commands substitute parts here."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.defining import shipped_indicators
from api.logs import logger, where
from api.registers import bring_registers
from api.services import DistrictServices
from app import embedded
from app.books import Workbooks
from app.migrate import check_revision, districts, upgrade
from app.settings import Settings
from domain.definitions import Definitions
from eventlog.database import Database, assert_durable
from eventlog.keys import LocalWrapper, load_kek
from eventlog.reader import read_head
from eventlog.runner import Follower, Runner
from eventlog.vault import Vault
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.places import PlaceTable
from projections.readers import readers
from projections.rebuild import Outcome
from projections.rebuilding import Rebuilder
from projections.registers.building import ensure
from projections.registers.district import DistrictLedgers
from projections.search import SearchTable
from projections.views import bring_views
from workflows.definitions import bring_definitions
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
    rebuild: bool = True
    """Whether who serves rebuilds by itself the ledgers whose code has changed."""

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


class _Latest:
    """What a district has defined: as its engine knows, or, where nothing keeps that, as asked."""

    def __init__(self, engine: Engine, *, asks: bool) -> None:
        self._engine = engine
        self._asks = asks
        self._known = engine.reference

    def definitions(self) -> Definitions:
        """Return the definitions, at most as old as what the engine decides by."""
        if self._asks:
            self.ask()
        return self._latest().definitions

    def ask(self) -> None:
        """Read what came since."""
        self._known = load_reference(self._engine.database, self._latest())

    def _latest(self) -> Reference:
        return max(self._known, self._engine.reference, key=lambda one: one.position)


class _Opened:
    """A district in use: its engine, its vault, and the thread that carries its ledgers."""

    def __init__(self, site: Site, district: str, schema: str, *, following: bool) -> None:
        self._database = Database(site.dsn, schema)
        self._stop = threading.Event()
        # Whoever serves is asked for the district's time before anything else.
        known = load_reference(self._database, Reference()) if following else Reference()
        vault = Vault(self._database, district, site.wrapper)
        ledgers = [ledger.tables for ledger in LEDGERS.values()]
        others = (TimerTable(), DeliveryTable(), PlaceTable(), SearchTable(vault))
        self._always: list[Follower] = [*ledgers, *others]
        self._runner = runner = Runner(self._database, self._always)
        engine = Engine(
            self._database,
            district,
            vault,
            clock=site.clock,
            committed=(lambda _: runner.wake()) if following else None,
        )
        engine.reference = known
        latest = _Latest(engine, asks=not following)
        in_use = DistrictLedgers(latest.definitions, self._keep, latest.ask)
        self._rebuilder = Rebuilder(
            self._database, in_use, trouble=_troubled(district), done=_rebuilt(district)
        )
        self.services = DistrictServices(
            district,
            self._database,
            engine,
            vault,
            runner,
            books=Workbooks(),
            ledgers=in_use,
            rebuilder=self._rebuilder,
        )
        self._thread = threading.Thread(
            target=runner.run, args=(self._stop,), name=f"runner-{district}", daemon=True
        )
        if following:
            self.services.ledgers.carried()  # from the first range on
            self._thread.start()
            self._rebuilder.start(automatic=site.rebuild)

    def _keep(self, registers: Sequence[Ledger[Any, Any]]) -> None:
        """Let the registers in use have their tables, and the runner carry them."""
        with self._database.connection() as connection:
            for register in registers:
                ensure(connection, register)
        self._runner.follow([*self._always, *(register.tables for register in registers)])

    def close(self) -> None:
        """Write what is under way, stop following, give the connections back."""
        self.services.engine.close()
        self._rebuilder.close()
        self._stop.set()
        self.services.runner.wake()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self.services.runner.close()
        self._database.close()


def _troubled(district: str) -> Callable[[BaseException], None]:
    """Return what logs why rebuilding fails, never with a message."""

    def trouble(error: BaseException) -> None:
        name = type(error).__name__
        logger().warning("rebuild", district=district, error=name, at=where(error))

    return trouble


def _rebuilt(district: str) -> Callable[[Outcome], None]:
    """Return what logs how rebuilds end."""

    def done(outcome: Outcome) -> None:
        ledger, found = outcome.name, outcome.found
        if found is None:
            logger().warning(
                "rebuild-halted", district=district, ledger=ledger, detail=outcome.halted
            )
        else:
            logger().info("rebuilt", district=district, ledger=ledger, differing=found.differing)

    return done


def carry_ledgers(services: DistrictServices) -> list[str]:
    """Bring the ledgers to the end of the log, for who reads them next; return who cannot follow.

    Where a server runs, its runner holds the lease and does it within moments.
    """
    services.ledgers.carried()
    with services.database.connection() as connection:
        services.runner.run_until(read_head(connection).position)
    return [f"{one.name}：{one.detail}" for one in services.runner.lags() if one.state == "halted"]


def bring_kinds(services: DistrictServices) -> None:
    """Publish what came with an upgrade; which version is in use stays as it is (D6).

    Nobody uses this engine yet, so it may run on a loop of its own; in a thread of its own, as one
    of several server processes opens its districts inside its loop.
    """
    with ThreadPoolExecutor(1) as hand:
        published, problems = hand.submit(_bring, services.engine).result()
    for source in published:
        logger().info("kind-published", district=services.id, kind=source.name, hash=source.hash)
    for problem in problems:
        logger().warning("kind-not-published", district=services.id, problem=problem)


def _bring_registers(services: DistrictServices) -> None:
    brought, problems = bring_registers(services)
    for one in brought:
        logger().info("register-published", district=services.id, register=one.name)
    for problem in problems:
        logger().warning("register-not-published", district=services.id, problem=problem)


def _bring(engine: Engine) -> tuple[list[Source], list[str]]:
    async def bring() -> tuple[list[Source], list[str]]:
        published, problems = await publish_shipped(engine)
        _, others = await bring_definitions(engine, shipped_indicators())
        return published, problems + others

    return asyncio.run(bring())


def keep_views(services: DistrictServices) -> None:
    """Let BI tools see the ledgers that there are now, where anybody reads with such a tool."""
    with services.database.connection() as connection:
        if not readers(connection):
            return
        try:
            ledgers = services.ledgers.values()
            if bring_views(connection, services.database.schema, ledgers):
                logger().info("views-renewed", district=services.id)
        except psycopg.errors.InsufficientPrivilege as error:
            logger().warning("views-not-renewed", district=services.id, reason=str(error))


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
                    _bring_registers(opened.services)
                    self._opened[district] = opened
            for opened in self._opened.values():
                opened.services.ledgers.carried()  # also what another process took into use
                keep_views(opened.services)
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
        yield Site(dsn, wrapper, clock, settings.rebuild)


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
