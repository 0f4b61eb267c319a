"""What commands share: their common options, opening a district, and saying what went wrong."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import psycopg
import typer

from api.defining import shipped_indicators
from api.services import DistrictServices
from app.embedded import EmbeddedError
from app.migrate import BadDistrictId, MigrationRefused
from app.output import WRONG_USAGE, fail, say
from app.register.errors import RegisterError
from app.settings import Settings
from app.wiring import (
    DatabaseRefused,
    DatabaseUnreachable,
    Site,
    UnknownDistrict,
    carry_ledgers,
    open_site,
)
from domain.errors import BadInput, NaiveTime, Refusal
from eventlog.appender import LogClosed, LogUnavailable
from eventlog.database import UnsafeServer
from eventlog.keys import KeyFileBroken, KeyFileUnsafe, WrongMasterKey
from workflows.definitions import bring_definitions
from workflows.reference import Reference

Result = TypeVar("Result")

STOPPED: Final = 128
"""A command that a signal ended leaves with this and the signal's number."""
_ended_by: Final[list[int]] = []

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="数据目录 Data folder; 默认 BIHUAN_DATA 或 ./var", show_default=False
    ),
]
DistrictOption = Annotated[
    str, typer.Option("--district", help="区县代码 District code, 如 610327")
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON Print one JSON document")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="按发生时间截至 As of (what was true), RFC 3339")
]
KnownAt = Annotated[str, typer.Option("--known-at", help="按记录时间截至 As known at, RFC 3339")]


def settings_for(data: Path | None) -> Settings:
    """Return the settings, the command line winning over the environment."""
    return Settings(data=data) if data is not None else Settings()


@contextmanager
def site(data: Path | None) -> Generator[Site]:
    """Open the site a command works on; what prevents it ends the command with a message.

    A command told to end (SIGTERM, its terminal closed) still stops the database it started.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    _ended_by.clear()
    with explained(), open_site(settings_for(data), notify=say) as opened:
        yield opened


def _end(number: int, _: object) -> None:
    """Stop as Ctrl-C does, which the event loop knows how to unwind; only the code differs."""
    _ended_by.append(number)
    signal.raise_signal(signal.SIGINT)


@contextmanager
def district(
    data: Path | None, code: str, *, following: bool = False
) -> Generator[DistrictServices]:
    """Open one district of the site."""
    with site(data) as opened, opened.open(code, following=following) as services:
        yield services


@contextmanager
def explained() -> Generator[None]:
    """Turn what may go wrong into a sentence and an exit code; bugs keep their traceback."""
    try:
        yield
    except BrokenPipeError:
        raise
    except BadInput as refusal:
        fail(f"{refusal}（{refusal.code}）", WRONG_USAGE)
    except Refusal as refusal:
        fail(f"{refusal}（{refusal.code}）")
    except (BadDistrictId, RegisterError, UnknownDistrict) as error:
        fail(error, WRONG_USAGE)
    except (
        EmbeddedError,
        MigrationRefused,
        DatabaseRefused,
        DatabaseUnreachable,
        UnsafeServer,
        KeyFileBroken,
        KeyFileUnsafe,
        WrongMasterKey,
        LogClosed,
        LogUnavailable,
        OSError,
    ) as error:
        fail(error)
    except psycopg.OperationalError as error:
        fail(f"数据库中断：{str(error).strip()}。请检查数据库后重试；已确认的记录没有丢失。")
    except KeyboardInterrupt:
        say("已中断；已写入的记录都在，可以重新运行。")
        if _ended_by:
            raise SystemExit(STOPPED + _ended_by[0]) from None
        raise


def follow(services: DistrictServices) -> None:
    """Bring the ledgers to the end of the log; say which cannot follow."""
    for halted in carry_ledgers(services):
        say(f"台账已停止，内容不是最新的：{halted}。处理办法见 bihuan doctor。")


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run something asynchronous to its end; of several failures at once, the first is raised."""
    try:
        return asyncio.run(work())
    except ExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]  # pyright: ignore[reportUnknownVariableType]
        raise first from None


def with_indicators(services: DistrictServices) -> Reference:
    """Return what a district has; the indicators that ship are its own from the first look on."""

    async def work() -> Reference:
        _, problems = await bring_definitions(services.engine, shipped_indicators())
        for problem in problems:
            say(problem)
        return await services.engine.refresh()

    return run(work)


def moment(text: str) -> datetime | None:
    """Read an option's time; empty is none.

    Raises:
        NaiveTime: it has no offset, or is no time.
    """
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise NaiveTime(value=text) from None
    # A date alone, or 2026-10-08T09 without an offset: nobody may guess the rest.
    if read.tzinfo is None:
        raise NaiveTime(value=text)
    return read
