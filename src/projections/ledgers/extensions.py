"""延期挂账台账: one row a request for more time (延期) or a pause (挂账), and what it brought."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, OF_CASE, case_columns, case_filters
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

EXTENSION: Final = "extension"
SUSPENSION: Final = "suspension"
REQUESTED: Final = "requested"
GRANTED: Final = "granted"
REFUSED: Final = "refused"
SUSPENDED: Final = """
    sort = 'suspension' AND status = 'granted' AND resumed_at IS NULL AND ended_at IS NULL
"""
"""The case stands still for this reason."""


class ExtensionRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A request as it stands; budgets as they were written, people by their id or key."""

    request: int
    sort: str
    status: str = REQUESTED
    applicant: str | None
    """The unit that held the case when it was asked for."""
    requested_at: datetime
    requested_by: str
    clock: str | None = None
    """Of an extension: which clock."""
    reason_code: str | None = None
    """Of a suspension: for which of the kind's reasons."""
    asked: str | None = None
    """Of an extension: how much more, in the clock's own unit."""
    until: datetime | None = None
    """Of a suspension: when it ends by itself, as asked for; once granted, as it is."""
    decided_at: datetime | None = None
    decided_by: str | None = None
    granted: str | None = None
    used: int | None = None
    """Which grant it was, of the clock (延期) or for the reason (挂账): what is used of the cap."""
    previous_due: datetime | None = None
    due: datetime | None = None
    """The clock's due by this extension."""
    paused_at: datetime | None = None
    resumed_at: datetime | None = None


class Extensions(Struct, array_like=True):
    """The requests of a case by row key."""

    rows: dict[str, ExtensionRow]


def heeds(fact: f.Fact) -> bool:
    """Say whether a fact is of a request: most changes of clocks are not."""
    if isinstance(fact, f.ClockRescheduled | f.ClockPaused | f.ClockResumed):
        return fact.request > 0
    return True


def fold(extensions: Extensions, record: Followed) -> Extensions:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](extensions, fact, record.occurred_at)
    return extensions


def show(extensions: Extensions, before: Mapping[str, ExtensionRow]) -> Mapping[str, ExtensionRow]:
    """Return all rows."""
    del before
    return dict(extensions.rows)


def _asked(
    extensions: Extensions, fact: f.ExtensionRequested | f.SuspensionRequested, at: datetime
) -> None:
    row = ExtensionRow(
        request=fact.request,
        sort=EXTENSION if isinstance(fact, f.ExtensionRequested) else SUSPENSION,
        applicant=fact.holder.id if fact.holder else None,
        requested_at=at,
        requested_by=fact.by,
    )
    if isinstance(fact, f.ExtensionRequested):
        row = replace(row, clock=fact.clock, asked=fact.asked)
    else:
        row = replace(row, reason_code=fact.reason, until=fact.until)
    extensions.rows[str(fact.request)] = row


def _extended(extensions: Extensions, fact: f.ExtensionGranted, at: datetime) -> None:
    decision: dict[str, Any] = {"decided_at": at, "decided_by": fact.by}
    _change(extensions, fact.request, status=GRANTED, granted=fact.granted, **decision)


def _suspended(extensions: Extensions, fact: f.SuspensionGranted, at: datetime) -> None:
    before = sum(
        row.status == GRANTED and row.reason_code == fact.reason
        for row in extensions.rows.values()
        if row.request != fact.request
    )
    decision: dict[str, Any] = {"decided_at": at, "decided_by": fact.by}
    _change(extensions, fact.request, status=GRANTED, used=before + 1, **decision)


def _refused(
    extensions: Extensions, fact: f.ExtensionRefused | f.SuspensionRefused, at: datetime
) -> None:
    _change(extensions, fact.request, status=REFUSED, decided_at=at, decided_by=fact.by)


def _rescheduled(extensions: Extensions, fact: f.ClockRescheduled, _: datetime) -> None:
    row = extensions.rows.get(str(fact.request))
    if row is not None and row.sort == EXTENSION:
        dues = {"previous_due": fact.previous_due, "due": fact.due}
        _change(extensions, fact.request, used=len(fact.extensions), **dues)


def _paused(extensions: Extensions, fact: f.ClockPaused, _: datetime) -> None:
    """Several clocks pause for one request: from the first on, until the last."""
    row = extensions.rows.get(str(fact.request))
    if row is not None and row.sort == SUSPENSION:
        since = min(fact.paused_at, row.paused_at or fact.paused_at)
        _change(extensions, fact.request, paused_at=since, until=fact.until, resumed_at=None)


def _resumed(extensions: Extensions, fact: f.ClockResumed, _: datetime) -> None:
    row = extensions.rows.get(str(fact.request))
    if row is not None and row.sort == SUSPENSION:
        at = max(fact.resumed_at, row.resumed_at or fact.resumed_at)
        _change(extensions, fact.request, resumed_at=at)


def _change(extensions: Extensions, request: int, **changes: Any) -> None:  # noqa: ANN401 - as the row has them
    row = extensions.rows.get(str(request))
    if row is not None:
        extensions.rows[str(request)] = replace(row, **changes)


STEPS: Final[dict[type[f.Fact], Callable[[Extensions, Any, datetime], None]]] = {
    f.ExtensionRequested: _asked,
    f.ExtensionGranted: _extended,
    f.ExtensionRefused: _refused,
    f.SuspensionRequested: _asked,
    f.SuspensionGranted: _suspended,
    f.SuspensionRefused: _refused,
    f.ClockRescheduled: _rescheduled,
    f.ClockPaused: _paused,
    f.ClockResumed: _resumed,
}

EXTENSIONS: Final = Ledger(
    shape=Shape(
        name="extensions",
        version=1,
        facts=frozenset(STEPS),
        heeds=heeds,
        state=Extensions,
        row=ExtensionRow,
        blank=lambda _: Extensions({}),
        fold=fold,
        show=show,
    ),
    title="延期挂账台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("request", "申请序号", "number"),
        Column("sort", "申请种类"),
        Column("status", "申请状态"),
        Column("applicant", "申请单位", "unit"),
        Column("requested_at", "申请时间", "time"),
        Column("requested_by", "申请人", "person"),
        Column("clock", "时限"),
        Column("asked", "申请延长"),
        Column("granted", "同意延长"),
        Column("reason_code", "挂账理由"),
        Column("until", "挂账至", "time"),
        Column("decided_at", "决定时间", "time"),
        Column("decided_by", "决定人", "person"),
        Column("used", "第几次", "number"),
        Column("previous_due", "原到期时间", "time"),
        Column("due", "延期后到期时间", "time"),
        Column("paused_at", "挂账时间", "time"),
        Column("resumed_at", "恢复时间", "time"),
        *case_columns("holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number"),
        "sort_of": Filter("申请种类", "in", "sort"),
        "status": Filter("申请状态", "in", "status"),
        "applicant": Filter("申请单位", "in", "applicant"),
        "clock": Filter("时限", "in", "clock"),
        "reason_code": Filter("挂账理由", "in", "reason_code"),
        "suspended": Filter("正在挂账", "test", test=SUSPENDED),
        "requested_from": Filter("申请时间起", "from", "requested_at"),
        "requested_before": Filter("申请时间止", "before", "requested_at"),
    },
    sorts=("requested_at", "number"),
    summarise=counting(
        {
            "open": "status = 'requested' AND ended_at IS NULL",
            "granted": "status = 'granted'",
            "refused": "status = 'refused'",
            "suspended": SUSPENDED,
            "past_their_end": f"{SUSPENDED} AND until < %(now)s",
        },
        by={"by_sort": "sort", "by_unit": "applicant"},
    ),
)
