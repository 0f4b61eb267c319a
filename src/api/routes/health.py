"""健康检查、指标: whether the process lives, whether it may be used, and its counters."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, LiteralString

import psycopg
from fastapi import APIRouter
from msgspec import Struct
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer
from api.metrics import CONTENT_TYPE_LATEST
from api.openapi import returns
from api.problems import NOT_READY
from api.services import DistrictServices
from eventlog.reader import read_head
from eventlog.runner import lag
from projections.tables import BUILD

router: Final = APIRouter()
TOLERATED: Final = timedelta(seconds=5)
"""How far our clock may be behind the last recorded fact (event-log.md)."""
REVISION: Final[LiteralString] = """
    SELECT revision FROM public.district WHERE schema = current_schema()
"""


class Health(Struct, kw_only=True):
    """Whether the process may be used; if not, why."""

    status: str
    problems: list[str] = []


class Readiness:
    """Remembers at which revision each schema was opened; the program checked it then."""

    def __init__(self) -> None:
        """Know no schema yet."""
        self._revisions: dict[str, str] = {}

    def problems(self, districts: Mapping[str, DistrictServices]) -> Iterator[str]:
        """Yield what keeps the process from being used, without any data of a district."""
        for name in list(districts):
            try:
                yield from self._district_problems(name, districts[name])
            except (psycopg.Error, PoolTimeout, KeyError, LookupError):
                yield f"{name}：数据库没有应答"

    def _district_problems(self, name: str, services: DistrictServices) -> Iterator[str]:
        with services.database.connection() as connection:
            head = read_head(connection)
            standing = lag(connection)
            row = connection.execute(REVISION).fetchone()
        revision = str(row[0]) if row else ""
        if self._revisions.setdefault(name, revision) != revision:
            yield f"{name}：数据库结构已升级，请重新启动服务"
        rebuilt = {one.name.removesuffix(BUILD) for one in standing if one.state == "building"}
        for one in standing:
            # What is being rebuilt answers with its old rows meanwhile.
            if one.state == "halted" and one.name not in rebuilt:
                yield f"{name}：台账 {one.name} 已停止（{one.detail}）"
        if services.engine.now() < head.last_recorded_at - TOLERATED:
            yield f"{name}：服务器时钟比最近一条办理记录慢 5 秒以上"


@router.get(
    "/health/live", summary="进程在运行", tags=["运行"], responses=returns(Health, "在运行")
)
def live() -> Response:
    """Say that the process lives."""
    return answer(Health(status="live"))


@router.get(
    "/health/ready", summary="可以使用", tags=["运行"], responses=returns(Health, "可以使用")
)
def ready(request: Request) -> Response:
    """Say whether the process may be used."""
    state = request.app.state
    problems = list(state.readiness.problems(state.door.services.districts))
    if problems:
        return answer(Health(status="not-ready", problems=problems), NOT_READY)
    return answer(Health(status="ready"))


@router.get(
    "/metrics",
    summary="指标（Prometheus）",
    tags=["运行"],
    responses={200: {"description": "指标", "content": {"text/plain": {}}}},
    response_class=Response,
)
def read_metrics(request: Request) -> Response:
    """Return the counters."""
    state = request.app.state
    content = state.metrics.exposition(state.door.services.districts)
    return Response(content, media_type=CONTENT_TYPE_LATEST)
