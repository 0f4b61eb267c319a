"""工作日历的版本: a calendar, or notices of the State Council, as a new version, previewed."""

import asyncio
from datetime import date
from itertools import islice
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking, Reader
from api.answers import answer
from api.idempotency import recall, sent
from api.logs import logger, where
from api.openapi import command, returns
from api.times import shown
from domain import facts as f
from domain.almanac import Almanac, Regime
from domain.errors import BadInput, NotFound
from eventlog.reader import read_positions
from workflows.calendar_office import Planned, plan, publish, today_of
from workflows.calendars.notices import BadCalendarFile
from workflows.engine import Engine
from workflows.open_clocks import followed
from workflows.recounts import Move, Preview, recount

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/calendars/{name}"
SHOWN: Final = 200
"""So many moves are returned; the counts are of all."""
AT_ONCE: Final = 16
"""Cases recounted at the same time beside whatever else the server does."""
_at_work: Final[set["asyncio.Task[None]"]] = set()


class VersionBody(Struct, forbid_unknown_fields=True):
    """A new version: a whole document, or notices in the shape of holiday-cn."""

    document: dict[str, Any] | None = None
    notices: list[dict[str, Any]] = []
    effective_from: str | None = None
    preview: bool = False


class MoveDocument(Struct, kw_only=True):
    """An open clock that the version moves."""

    case: str
    number: str
    clock: str
    scope: str
    before: str
    after: str
    provisional_before: bool
    provisional_after: bool
    compressed: bool


class MoveCounts(Struct, kw_only=True):
    """Open clocks by what becomes of them."""

    open: int
    earlier: int
    later: int
    confirmed: int
    compressed: int
    unchanged: int
    failed: int


class VersionPreview(Struct, kw_only=True):
    """What a version would be, and do."""

    name: str
    version: str
    previous_version: str | None
    effective_from: str | None
    covered_to: str
    unchanged: bool
    remarks: list[str]
    counts: MoveCounts | None = None
    moves: list[MoveDocument] = []


class VersionPublished(Struct, kw_only=True):
    """A version as it stands in the log; the open clocks are counted by it from now on."""

    name: str
    version: str
    effective_from: str | None
    position: int


class RegimeDocument(Struct, kw_only=True):
    """A version, and the first day that is counted by it."""

    version: str
    effective_from: str | None
    covered_from: str
    covered_to: str


class VersionsDocument(Struct, kw_only=True):
    """A calendar, version by version."""

    name: str
    versions: list[RegimeDocument]
    document: dict[str, Any]
    position: int


@router.get(
    BASE,
    summary="工作日历的各个版本",
    tags=["基础数据"],
    responses=returns(VersionsDocument, "各个版本，最新的在最后"),
)
def read_versions(asking: Reader, district: str, name: str) -> Response:
    """Return which version counts from which day on, and the newest one's document."""
    del district
    reference = asking.reference
    found = VersionsDocument(
        name=name,
        versions=[_regime(one) for one in _known(asking, name).regimes],
        document=reference.documents[name],
        position=reference.position,
    )
    return answer(found)


@router.post(
    BASE + "/versions",
    summary="发布工作日历的新版，或预览其影响",
    tags=["管理"],
    responses={
        **returns(VersionPublished, "已发布，开始重新计时；preview 为 true 时见 VersionPreview"),
    },
    openapi_extra=command(VersionBody),
)
async def publish_version(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Publish a version and count open clocks anew; or only show what that would move.

    Counting goes on after the answer; what an end of the process leaves undone, the same version
    sent again (or `bihuan calendar recount`) takes up.
    """
    del district
    caller, body = await sent(request, asking, VersionBody)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(await run_in_threadpool(_published, asking, stored.last))
    engine = asking.services.engine
    planned = await _planned(engine, name, body)
    if body.preview:
        return answer(await run_in_threadpool(_previewed, asking, planned))
    if planned.unchanged:
        position = (await engine.refresh()).position
    else:
        position = await publish(engine, planned, caller=caller)
    _recount_later(engine, name)
    return answer(
        VersionPublished(
            name=name,
            version=planned.calendar.version,
            effective_from=_text(planned.effective_from),
            position=position,
        )
    )


async def _planned(engine: Engine, name: str, body: VersionBody) -> Planned:
    if (body.document is None) == (not body.notices):
        raise BadCalendarFile(detail="请给出 document 或 notices，二者选一", pointer="/document")
    contents = body.notices or [body.document or {}]
    since = _day(body.effective_from)
    reference = await engine.refresh()
    # Reading a calendar of twenty years takes a moment.
    return await run_in_threadpool(
        plan, reference, today_of(engine), contents, name=name, effective_from=since
    )


def _previewed(asking: Asking, planned: Planned) -> VersionPreview:
    preview = VersionPreview(
        name=planned.name,
        version=planned.calendar.version,
        previous_version=planned.base,
        effective_from=_text(planned.effective_from),
        covered_to=planned.calendar.covered_to.isoformat(),
        unchanged=planned.unchanged,
        remarks=list(planned.remarks),
    )
    if planned.unchanged:
        return preview
    followed(asking.services.database)
    found = Preview(asking.services.engine, planned)
    moves = iter(found)
    preview.moves = [_move(one) for one in islice(moves, SHOWN)]
    for _ in moves:
        pass  # counted
    counts = found.counts
    preview.counts = MoveCounts(
        open=counts.open,
        earlier=counts.earlier,
        later=counts.later,
        confirmed=counts.confirmed,
        compressed=counts.compressed,
        unchanged=counts.unchanged,
        failed=counts.failed,
    )
    return preview


def _published(asking: Asking, position: int) -> VersionPublished:
    with asking.services.database.connection() as connection:
        (record,) = read_positions(connection, [position])
    fact = record.fact
    assert isinstance(fact, f.CalendarPublished)  # noqa: S101 - the key stands for this request
    return VersionPublished(
        name=fact.name,
        version=fact.version,
        effective_from=_text(fact.effective_from),
        position=position,
    )


def _recount_later(engine: Engine, name: str) -> None:
    """Count the clocks in the background; the loop keeps no task that nobody holds."""
    task = asyncio.create_task(_recount(engine, name))
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)


async def _recount(engine: Engine, name: str) -> None:
    try:
        counted = await recount(engine, name, at_once=AT_ONCE)
    except Exception as error:  # noqa: BLE001 - whatever it was, the next run takes up the rest
        logger().error("recount", calendar=name, error=type(error).__name__, where=where(error))
        return
    logger().info(
        "recount",
        calendar=name,
        examined=counted.examined,
        changed=counted.changed,
        failed=len(counted.failures),
    )


def _known(asking: Asking, name: str) -> Almanac:
    almanac = asking.reference.calendars.get(name)
    if almanac is None:
        raise NotFound(what=f"工作日历“{name}”")
    return almanac


def _regime(regime: Regime) -> RegimeDocument:
    one = regime.calendar
    return RegimeDocument(
        version=one.version,
        effective_from=_text(regime.since),
        covered_from=one.covered_from.isoformat(),
        covered_to=one.covered_to.isoformat(),
    )


def _move(move: Move) -> MoveDocument:
    return MoveDocument(
        case=move.case,
        number=move.number,
        clock=move.clock,
        scope=move.scope,
        before=shown(move.before),
        after=shown(move.after),
        provisional_before=move.provisional_before,
        provisional_after=move.provisional_after,
        compressed=move.compressed,
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(detail="日期应写作 2027-01-01", pointer="/effective_from") from None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
