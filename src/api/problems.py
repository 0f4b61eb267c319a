"""Refusals as RFC 9457 problems; the one table that says which HTTP status a refusal has."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

import msgspec
import psycopg
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from api.books import BadDirectoryFile
from api.errors import Internal, MethodNotAllowed, Unavailable
from api.logs import logger
from api.times import shown
from api.traces import trace_of
from domain.divisions import BadDivision
from domain.errors import BadInput, NotFound, Refusal
from eventlog.appender import LogClosed, LogUnavailable
from eventlog.written import BadDefinition

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:bihuan:problem:"
RETRY_SECONDS: Final = "1"

# A code that is missing here counts as bad input; a test names whatever is missing.
STATUSES: Final[dict[str, tuple[int, str]]] = {
    "bad-input": (400, "输入有误"),
    "malformed-json": (400, "正文不是有效的 JSON"),
    "duplicate-member": (400, "JSON 字段重复"),
    "unknown-parameter": (400, "不认识的查询参数"),
    "bad-cursor": (400, "翻页标记无效"),
    "narrow-search": (400, "查找范围过大"),
    "bad-search": (400, "查找内容不当"),
    "key-missing": (400, "缺少 Idempotency-Key"),
    "unauthenticated": (401, "没有有效的访问密钥"),
    "not-allowed": (403, "不能这样办理"),
    "role-forbidden": (403, "角色无权办理"),
    "recused": (403, "应当回避"),
    "same-person": (403, "须由另一人办理"),
    "not-found": (404, "没有找到"),
    "method-not-allowed": (405, "方法不支持"),
    "not-acceptable": (406, "格式不支持"),
    "refused": (409, "操作未被接受"),
    "collision": (409, "与已有记录冲突"),
    "action-unavailable": (409, "当前环节不能办理"),
    "guard-failed": (409, "不满足办理条件"),
    "tasks-open": (409, "协办任务未完成"),
    "trial-only": (409, "仅限试运行区县"),
    "clock-backwards": (409, "试运行时钟不能倒拨"),
    "district-exists": (409, "区县已经启用"),
    "return-not-allowed": (409, "不能退回"),
    "accountability-incomplete": (409, "四定三包不完整"),
    "effective-too-early": (409, "生效时间过早"),
    "deadline-not-allowed": (409, "不能这样定时间"),
    "duty-not-allowed": (409, "三包责任不能这样办理"),
    "item-not-admitted": (409, "事项未准入"),
    "pause-not-allowed": (409, "不能挂账"),
    "extension-late": (409, "延期申请过晚"),
    "extension-not-allowed": (409, "不能延期"),
    "callback-dissatisfied": (409, "回访不满意"),
    "callback-missing": (409, "尚未回访"),
    "redo-exhausted": (409, "重办次数已满"),
    "leader-closes": (409, "须由领导办结"),
    "already-rated": (409, "已经评价"),
    "appeal-late": (409, "申诉过期"),
    "appeal-not-allowed": (409, "不能申诉"),
    "merge-not-allowed": (409, "不能并案"),
    "duplicates-joined": (409, "有并入的事项"),
    "recused-leads": (409, "牵头单位须回避"),
    "already-claimed": (409, "已被认领"),
    "vote-contradicts": (409, "表决结果与人数不符"),
    "publication-open": (409, "公示期未满"),
    "objections-open": (409, "公示异议未答复"),
    "correction-not-allowed": (409, "不能更正"),
    "request-pending": (409, "申请正在审批"),
    "kind-retired": (409, "事项类型已停用"),
    "migration-refused": (409, "不能迁移到新版"),
    "migration-not-approved": (409, "迁移尚未批准"),
    "ranking-stale": (409, "考核通报已有变化"),
    "version-taken": (409, "这个版本号已有不同内容"),
    "source-conflict": (409, "来源编号已有不同内容"),
    "closed-times": (409, "已办结事项的时间不能修改"),
    "subject-erased": (409, "个人信息已删除"),
    "attachment-erased": (410, "附件已删除"),
    "version-stale": (412, "办理记录已更新"),
    "too-large": (413, "请求正文过大"),
    "unsupported-media-type": (415, "不能上传这类文件"),
    "range-outside": (416, "附件没有这个范围"),
    "attachment-unusable": (422, "附件不能使用"),
    "unknown-field": (422, "字段有误"),
    "unknown-kind": (422, "没有这个事项类型"),
    "unknown-unit": (422, "没有这个单元"),
    "unknown-calendar": (422, "没有这个工作日历"),
    "bad-calendar": (422, "工作日历有误"),
    "naive-time": (422, "时间格式有误"),
    "future-time": (422, "时间晚于现在"),
    "too-old": (422, "时间过早"),
    "evidence-missing": (422, "缺少办理凭据"),
    "key-reused": (422, "Idempotency-Key 已用于另一个请求"),
    "bad-definition": (422, "定义有误"),
    "bad-kind": (422, "事项类型定义有误"),
    "bad-formula": (422, "指标定义有误"),
    "bad-concern-rule": (422, "民情规则有误"),
    "bad-register": (422, "台账定义有误"),
    "bad-directory": (422, "组织目录有误"),
    "bad-division": (422, "区划调整方案有误"),
    "bad-catalogue": (422, "事项目录有误"),
    "bad-code-table": (422, "类别对照表有误"),
    "bare-duration": (422, "时限缺少单位"),
    "zero-budget": (422, "时限不能为零"),
    "no-opening": (422, "工作日历没有工作时间"),
    "unit-mismatch": (422, "时限单位不符"),
    "rate-limited": (429, "请求过于频繁"),
    "too-many-uploads": (429, "待引用的附件过多"),
    "attachment-damaged": (500, "附件已损坏"),
    "internal": (500, "服务内部出错"),
    "busy": (503, "正在被频繁办理"),
    "ledger-behind": (503, "台账尚未跟上"),
    "register-halted": (500, "台账没有建成"),
    "clocks-behind": (503, "时限表尚未跟上"),
    "unavailable": (503, "暂时无法使用"),
}
CLIENT_GONE: Final = 499
"""What the log says when nobody waits for the answer any more."""
NOT_READY: Final = 503


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem; `errors` point at the fields or query parameters at fault."""

    type: str
    code: str
    title: str
    status: int
    detail: str
    trace_id: str
    errors: list[dict[str, str]] = []
    available: list[str] | None = None
    """Names of the actions that are possible now."""
    current_version: int | None = None


class _Shown(dict[str, object]):
    """A refusal's details as people read them: moments as +08:00, a dash for what is missing."""

    def __missing__(self, key: str) -> str:
        return "—"


def problem_of(refusal: Refusal, trace_id: str) -> Problem:
    """Describe a refusal."""
    status, title = STATUSES.get(refusal.code, STATUSES["bad-input"])
    detail = _detail(refusal)
    return Problem(
        type=TYPE + refusal.code,
        code=refusal.code,
        title=title,
        status=status,
        detail=detail,
        trace_id=trace_id,
        errors=[error for one in (refusal, *refusal.also) for error in _errors(one, _detail(one))],
        available=cast("list[str] | None", refusal.details.get("actions")),
        current_version=cast("int | None", refusal.details.get("current"))
        if refusal.code == "version-stale"
        else None,
    )


def response_to(
    refusal: Refusal, trace_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the HTTP answer to a refusal."""
    problem = problem_of(refusal, trace_id)
    if "broken" in refusal.details:  # a condition gave neither yes nor no: the kind needs mending
        logger().error("guard-broken", condition=refusal.details["broken"], trace_id=trace_id)
    extra = dict(headers or {})
    if refusal.code == "unauthenticated":
        extra["WWW-Authenticate"] = 'Bearer realm="bihuan"'
    if problem.status == NOT_READY:
        extra["Retry-After"] = RETRY_SECONDS
    return Response(msgspec.json.encode(problem), problem.status, extra, MEDIA_TYPE)


def _detail(refusal: Refusal) -> str:
    details = _Shown(
        (name, shown(value) if isinstance(value, datetime) else value)
        for name, value in refusal.details.items()
    )
    return type(refusal).title().format_map(details)


def _errors(refusal: Refusal, detail: str) -> list[dict[str, str]]:
    if isinstance(refusal, BadDefinition):
        # A definition: every problem, with its line in the YAML that was sent.
        return [
            {"pointer": one.pointer, "line": str(one.line), "detail": one.detail}
            for one in refusal.found
        ]
    if isinstance(refusal, BadDirectoryFile):
        return [
            {
                "pointer": f"/{one.sheet}/{one.row}",
                "sheet": one.sheet,
                "row": str(one.row),
                "code": one.code,
                "detail": one.detail,
            }
            for one in refusal.rows
        ]
    if isinstance(refusal, BadDivision):
        return [{"pointer": refusal.pointer, "detail": one} for one in refusal.problems]
    if not refusal.pointer:
        return []
    where = "pointer" if refusal.pointer.startswith("/") else "parameter"
    return [{where: refusal.pointer, "detail": detail}]


async def _refused(request: Request, error: Refusal) -> Response:
    return response_to(error, trace_of(request.scope).id)


async def _not_routed(request: Request, error: HTTPException) -> Response:
    """Put the framework's own refusals into our words."""
    trace = trace_of(request.scope).id
    if error.status_code == STATUSES["method-not-allowed"][0]:
        return response_to(MethodNotAllowed(method=request.method), trace, error.headers)
    if error.status_code == STATUSES["not-found"][0]:
        return response_to(NotFound(what="这个地址"), trace)
    return response_to(BadInput(detail="请求无法理解"), trace)


async def _not_valid(request: Request, error: RequestValidationError) -> Response:
    """Name the query parameter that the framework could not read, without repeating its value."""
    name = str(error.errors()[0]["loc"][-1])
    refusal = BadInput(detail=f"查询参数“{name}”的取值不符合要求，请查阅接口文档", pointer=name)
    return response_to(refusal, trace_of(request.scope).id)


async def _unavailable(request: Request, error: Exception) -> Response:
    del error
    return response_to(Unavailable(), trace_of(request.scope).id)


def internal(trace_id: str) -> Response:
    """Return the answer to an error of ours; what it was stands in the log only."""
    return response_to(Internal(), trace_id)


HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {
    Refusal: cast("ExceptionHandler", _refused),
    HTTPException: cast("ExceptionHandler", _not_routed),
    RequestValidationError: cast("ExceptionHandler", _not_valid),
    LogUnavailable: _unavailable,
    LogClosed: _unavailable,
    PoolTimeout: _unavailable,
    psycopg.OperationalError: _unavailable,
    psycopg.InterfaceError: _unavailable,
}


def problem_schema() -> dict[str, Any]:
    """Return the JSON Schema of a problem, for the API's description."""
    return msgspec.json.schema(Problem)
