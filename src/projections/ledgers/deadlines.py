"""办结时限台账: one row a clock, with its due and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec import Struct
from psycopg import sql

from domain import facts as f
from eventlog.database import Connection
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.query import Column, Condition, Filter, Moment
from projections.rows import Shape
from projections.seen import Seen, see, unseen

# Cases with a total clock, one each: `counted` marks it. Both ends of a moment count as past
# ("by T"), except that a clock due at T is not yet overdue. On time and late come from due and
# stop, never from breach facts.
SUMMARY: Final = """
    SELECT coalesce(outcome, '') AS outcome, count(*),
           count(*) FILTER (WHERE ended_at IS NOT NULL),
           count(*) FILTER (WHERE ended_at IS NULL AND due < %(now)s),
           count(*) FILTER (WHERE ended_at IS NOT NULL AND status = 'stopped'
                                  AND stopped_at <= due),
           count(*) FILTER (WHERE ended_at IS NOT NULL AND status = 'stopped'
                                  AND stopped_at > due)
    FROM ({source}) r WHERE counted AND reported_at <= %(now)s AND {where} GROUP BY 1 ORDER BY 1
"""


class Clock(Struct, array_like=True):
    """One clock as this ledger sees it."""

    name: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool
    status: str = "running"
    stopped_at: datetime | None = None
    breached_at: datetime | None = None
    rescheduled: int = 0
    previous_due: datetime | None = None
    left: bool = False
    """Whether `holder` is who held the case when this stage clock ended."""
    holder: str | None = None


class Watched(Struct, array_like=True):
    """A case and its clocks by row key."""

    seen: Seen
    clocks: dict[str, Clock]
    counted: str = ""
    """The row key of the total clock of the latest cycle."""


class DeadlineRow(Struct, frozen=True, kw_only=True):
    """A clock; a stage clock keeps the holder under which it ended."""

    number: str
    kind: str
    clock: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    counted: bool
    """The one clock of its case that summaries count: the total clock of the latest cycle."""
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool
    status: str
    stopped_at: datetime | None
    met: bool | None
    breached_at: datetime | None
    rescheduled: int
    previous_due: datetime | None
    category: str | None
    holder: str | None
    visible_to: tuple[str, ...]
    reported_at: datetime
    ended_at: datetime | None
    outcome: str | None
    title: int | None


def unwatched(case_id: str) -> Watched:
    """Return a case before its first fact."""
    return Watched(unseen(case_id), {})


def watch(watched: Watched, record: Followed) -> Watched:
    """Take in one more fact of the case, and return what was given (see projections.seen)."""
    see(watched.seen, record)
    fact = record.body.data
    if isinstance(fact, f.ClockFact):
        key = f"{fact.cycle}.{fact.sequence}:{fact.clock}:{fact.scope}"
        if isinstance(fact, f.ClockStarted):
            _start(watched, key, fact)
        elif key in watched.clocks:  # a clock whose start is unknown has no row
            _tick(watched.clocks[key], fact, watched.seen)  # type: ignore[arg-type]
    return watched


def show(watched: Watched, before: Mapping[str, DeadlineRow]) -> Mapping[str, DeadlineRow]:
    """Return a row for each clock of the case; those that nothing changed as they were."""
    seen, counted = watched.seen, watched.counted
    held = _id(seen.holder)
    rows: dict[str, DeadlineRow] = {}
    for key, clock in watched.clocks.items():
        holder, counts = (clock.holder if clock.left else held), key == counted
        row = before.get(key)
        if row is None or not _stands(row, clock, seen, holder, counts=counts):
            row = _row(clock, seen, holder, counts=counts)
        rows[key] = row
    return rows


def _stands(
    row: DeadlineRow, clock: Clock, seen: Seen, holder: str | None, *, counts: bool
) -> bool:
    """Say whether a row still shows all that can change of a clock: cheaper than a new row."""
    return (
        row.holder == holder
        and row.counted == counts
        and row.status == clock.status
        and row.due == clock.due
        and row.stopped_at == clock.stopped_at
        and row.breached_at == clock.breached_at
        and row.rescheduled == clock.rescheduled
        and row.started_at == clock.started_at
        and row.visible_to == seen.visible_to
        and row.category == seen.category
        and row.ended_at == seen.ended_at
        and row.outcome == seen.outcome
        and row.title == seen.title
        and row.reported_at == (seen.reported_at or clock.started_at)
        and row.number == seen.number
        and row.kind == seen.kind
    )


def summarise(
    connection: Connection, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Count cases received, closed, open, overdue, closed on time and late, and by outcome."""
    query = sql.SQL(SUMMARY).format(source=source.where, where=where.where)
    parameters = {**source.parameters, **where.parameters, "now": moment.now}
    found = connection.execute(query, parameters).fetchall()
    received, closed, overdue, on_time, late = (
        sum(row[column] for row in found) for column in range(1, 6)
    )
    return {
        "received": received,
        "closed": closed,
        "open": received - closed,
        "overdue": overdue,
        "closed_on_time": on_time,
        "closed_late": late,
        "by_outcome": {row[0]: row[2] for row in found if row[2]},
    }


def _start(watched: Watched, key: str, fact: f.ClockStarted) -> None:
    watched.clocks[key] = Clock(
        name=fact.clock,
        scope=fact.scope,
        cycle=fact.cycle,
        sequence=fact.sequence,
        total=fact.total,
        started_at=fact.started_at,
        budget=fact.budget,
        cutoff=fact.cutoff,
        calendar=fact.calendar,
        calendar_version=fact.calendar_version,
        due=fact.due,
        provisional=fact.provisional,
    )
    counted = watched.clocks.get(watched.counted)
    latest = (counted.cycle, counted.sequence) if counted else (0, 0)
    if fact.total and (fact.cycle, fact.sequence) >= latest:
        watched.counted = key


def _tick(
    clock: Clock,
    fact: f.ClockRescheduled
    | f.ClockStopped
    | f.ClockCancelled
    | f.DeadlineBreached
    | f.BreachRetracted,
    seen: Seen,
) -> None:
    match fact:
        case f.ClockRescheduled():
            clock.started_at, clock.budget = fact.started_at, fact.budget
            clock.calendar_version, clock.provisional = fact.calendar_version, fact.provisional
            clock.due, clock.previous_due = fact.due, fact.previous_due
            clock.rescheduled += 1
        case f.ClockStopped():
            clock.status, clock.stopped_at = "stopped", fact.stopped_at
            _leave(clock, seen)
        case f.ClockCancelled():
            clock.status, clock.stopped_at = "cancelled", fact.cancelled_at
            _leave(clock, seen)
        case f.DeadlineBreached():
            clock.breached_at = fact.effective_at
        case f.BreachRetracted():
            clock.breached_at = None
        case _:
            assert_never(fact)


def _leave(clock: Clock, seen: Seen) -> None:
    if not clock.total:
        clock.left, clock.holder = True, _id(seen.holder)


def _id(unit: f.Unit | None) -> str | None:
    return unit.id if unit else None


def _row(clock: Clock, seen: Seen, holder: str | None, *, counts: bool) -> DeadlineRow:
    return DeadlineRow(
        number=seen.number,
        kind=seen.kind,
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        total=clock.total,
        counted=counts,
        started_at=clock.started_at,
        budget=clock.budget,
        cutoff=clock.cutoff,
        calendar=clock.calendar,
        calendar_version=clock.calendar_version,
        due=clock.due,
        provisional=clock.provisional,
        status=clock.status,
        stopped_at=clock.stopped_at,
        met=_met(clock),
        breached_at=clock.breached_at,
        rescheduled=clock.rescheduled,
        previous_due=clock.previous_due,
        category=seen.category,
        holder=holder,
        visible_to=seen.visible_to,
        reported_at=seen.reported_at or clock.started_at,
        ended_at=seen.ended_at,
        outcome=seen.outcome,
        title=seen.title,
    )


def _met(clock: Clock) -> bool | None:
    if clock.status != "stopped" or clock.stopped_at is None:
        return None
    return clock.stopped_at <= clock.due


DEADLINES: Final = Ledger(
    shape=Shape(
        name="deadlines",
        version=1,
        state=Watched,
        row=DeadlineRow,
        blank=unwatched,
        fold=watch,
        show=show,
    ),
    title="办结时限台账",
    columns=(
        Column("number", "编号"),
        Column("title", "标题", "reference"),
        Column("kind", "事项类型"),
        Column("clock", "时限"),
        Column("scope", "所属任务"),
        Column("cycle", "办理轮次", "number"),
        Column("sequence", "次数", "number"),
        Column("total", "总时限", "flag"),
        Column("started_at", "起算时间", "time"),
        Column("budget", "时限长度"),
        Column("due", "到期时间", "time"),
        Column("provisional", "日历待公布", "flag"),
        Column("calendar", "工作日历"),
        Column("calendar_version", "日历版本"),
        Column("status", "计时状态"),
        Column("stopped_at", "停止时间", "time"),
        Column("met", "按期", "flag"),
        Column("breached_at", "超期时间", "time"),
        Column("rescheduled", "时限变更次数", "number"),
        Column("previous_due", "变更前到期时间", "time"),
        Column("category", "类别"),
        Column("holder", "承办单位", "unit"),
        Column("reported_at", "上报时间", "time"),
        Column("ended_at", "终结时间", "time"),
        Column("outcome", "办理结果"),
    ),
    filters={
        "open": Filter("事项在办", "open"),
        "overdue": Filter("已超期未停", "overdue"),
        "status": Filter("计时状态", "in", "status"),
        "clock": Filter("时限", "in", "clock"),
        "total": Filter("总时限", "flag", "total"),
        "counted": Filter("最近一轮总时限", "flag", "counted"),
        "met": Filter("按期", "flag", "met"),
        "kind": Filter("事项类型", "in", "kind"),
        "category": Filter("类别", "in", "category"),
        "holder": Filter("承办单位", "in", "holder"),
        "unit": Filter("管辖单元", "within"),
        "outcome": Filter("办理结果", "in", "outcome"),
        "number": Filter("编号", "in", "number"),
        "due_from": Filter("到期时间起", "from", "due"),
        "due_before": Filter("到期时间止", "before", "due"),
        "reported_from": Filter("上报时间起", "from", "reported_at"),
        "reported_before": Filter("上报时间止", "before", "reported_at"),
    },
    sorts=("due", "reported_at", "started_at"),
    summarise=summarise,
)
