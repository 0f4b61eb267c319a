"""办结时限台账: one row a clock, with its due and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from domain import facts as f
from domain.case import Clock
from eventlog.database import Connection
from eventlog.records import Record
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


class Mark(Struct, frozen=True):
    """What a clock's facts said that the case does not keep."""

    rescheduled: int = 0
    previous_due: datetime | None = None
    stage: str | None = None
    holder: str | None = None


class Watched(Struct, frozen=True):
    """A case and its clocks as this ledger sees them; marks by row key."""

    seen: Seen
    marks: dict[str, Mark] = {}


class DeadlineRow(Struct, frozen=True, kw_only=True):
    """A clock; a stage clock keeps the stage and holder under which it ended."""

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
    stage: str
    holder: str | None
    visible_to: tuple[str, ...]
    reported_at: datetime
    ended_at: datetime | None
    outcome: str | None
    title: int | None


def unwatched(case_id: str) -> Watched:
    """Return a case before its first fact."""
    return Watched(unseen(case_id))


def watch(watched: Watched, record: Record) -> Watched:
    """Take in one more fact of the case."""
    seen, fact = see(watched.seen, record), record.body.data
    if isinstance(fact, f.ClockFact):
        key = row_key(fact.clock, fact.scope, fact.cycle, fact.sequence)
        mark = watched.marks.get(key, Mark())
        marked = _mark(mark, fact, seen)
        if marked is not mark:
            return Watched(seen, {**watched.marks, key: marked})
    return Watched(seen, watched.marks)


def row_key(clock: str, scope: str, cycle: int, sequence: int) -> str:
    """Return what tells a clock from the others of its case."""
    return f"{cycle}.{sequence}:{clock}:{scope}"


def show(watched: Watched) -> Mapping[str, DeadlineRow]:
    """Return a row for each clock of the case."""
    seen = watched.seen
    totals = [clock for clock in seen.case.clocks if clock.total]
    counted = max(totals, key=lambda clock: (clock.cycle, clock.sequence), default=None)
    rows: dict[str, DeadlineRow] = {}
    for clock in seen.case.clocks:
        key = row_key(clock.name, clock.scope, clock.cycle, clock.sequence)
        mark = watched.marks.get(key, _UNMARKED)
        rows[key] = _row(clock, seen, mark, counted=clock is counted)
    return rows


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


_UNMARKED: Final = Mark()


def _mark(mark: Mark, fact: f.ClockFact, seen: Seen) -> Mark:
    match fact:
        case f.ClockRescheduled():
            count = mark.rescheduled + 1
            return replace(mark, rescheduled=count, previous_due=fact.previous_due)
        case f.ClockStopped() | f.ClockCancelled():
            holder = seen.case.holder
            return replace(mark, stage=seen.case.stage, holder=holder.id if holder else None)
        case _:
            return mark


def _row(clock: Clock, seen: Seen, mark: Mark, *, counted: bool) -> DeadlineRow:
    case = seen.case
    frozen = mark.stage is not None and not clock.total
    holder = case.holder.id if case.holder else None
    return DeadlineRow(
        number=case.number,
        kind=case.kind,
        clock=clock.name,
        scope=clock.scope,
        cycle=clock.cycle,
        sequence=clock.sequence,
        total=clock.total,
        counted=counted,
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
        rescheduled=mark.rescheduled,
        previous_due=mark.previous_due,
        category=case.category,
        stage=mark.stage if frozen and mark.stage else case.stage,
        holder=mark.holder if frozen else holder,
        visible_to=seen.visible_to,
        reported_at=case.reported_at or clock.started_at,
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
        Column("stage", "环节"),
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
        "stage": Filter("环节", "in", "stage"),
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
