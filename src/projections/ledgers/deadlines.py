"""办结时限台账: one row a clock, with its due and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

from msgspec.structs import astuple, replace
from psycopg import sql

from domain import facts as f
from eventlog.database import Connection
from projections.counts import SHANGHAI, Stock, Tally, day_of
from projections.ledger import Ledger
from projections.query import Column, Condition, Filter, Moment
from projections.rows import Shape
from projections.seen import Seen
from projections.watched import Clock, Timed, Watched, unwatched, watch

# Cases with a total clock, one each: `counted` marks it. Both ends of a moment count as past
# ("by T"), except that a clock due at T is not yet overdue; nor is one that stands still, whose due
# moves on with every day. On time and late come from due and stop, never from breach facts.
SUMMARY: Final = """
    SELECT coalesce(outcome, '') AS outcome, count(*),
           count(*) FILTER (WHERE ended_at IS NOT NULL),
           count(*) FILTER (WHERE ended_at IS NULL AND due < %(now)s
                                  AND (status <> 'paused' OR breached_at IS NOT NULL)),
           count(*) FILTER (WHERE ended_at IS NOT NULL AND status = 'stopped'
                                  AND stopped_at <= due),
           count(*) FILTER (WHERE ended_at IS NOT NULL AND status = 'stopped'
                                  AND stopped_at > due)
    FROM ({source}) r WHERE counted AND reported_at {when} %(now)s AND {where} GROUP BY 1 ORDER BY 1
"""
# What the counters cannot know: what falls due on the day of asking, and what is yet to come.
FROM_STOCK: Final = """
    SELECT outcome, sum(number)::bigint,
           coalesce(sum(number) FILTER (WHERE open = 'false'), 0)::bigint,
           coalesce(sum(number) FILTER (WHERE due <> '' AND due < %(today)s), 0)::bigint,
           coalesce(sum(number) FILTER (WHERE stands = 'on_time'), 0)::bigint,
           coalesce(sum(number) FILTER (WHERE stands = 'late'), 0)::bigint
    FROM ({stock}) s GROUP BY 1
"""
TODAY: Final = """
    SELECT coalesce(outcome, ''), 0, 0, count(*), 0, 0 FROM ({source}) r
    WHERE counted AND ended_at IS NULL AND due >= %(midnight)s AND due < %(now)s
      AND (status <> 'paused' OR breached_at IS NOT NULL) AND {where} GROUP BY 1
"""


class DeadlineRow(Timed, kw_only=True):
    """A clock, and its case; a stage clock keeps the holder under which it ended."""

    counted: bool
    """The one clock of its case that summaries count: the total clock of the latest cycle."""
    holder: str | None
    number: str
    kind: str
    category: str | None
    visible_to: tuple[str, ...]
    reported_at: datetime
    ended_at: datetime | None
    outcome: str | None
    title: int | None


def show(watched: Watched, before: Mapping[str, DeadlineRow]) -> Mapping[str, DeadlineRow]:
    """Return a row for each clock of the case; those that nothing changed as they were.

    What a row says of the case is the same in every row but for the holder, so one tells whether
    that still stands; what it says of the clock stands while no fact has changed the clock.
    """
    seen, counted = watched.seen, watched.counted
    held = _id(seen.holder)
    stands = _stands(next(iter(before.values()), None), seen)
    rows: dict[str, DeadlineRow] = {}
    for key, clock in watched.clocks.items():
        holder, counts = (clock.holder if clock.left else held), key == counted
        row = before.get(key)
        if row is None or row.changes != clock.row.changes:
            row = _row(clock, seen, holder, counts=counts)
        elif not stands:
            row = replace(row, holder=holder, counted=counts, **_of_case(seen, clock))
        elif row.holder != holder or row.counted != counts:
            row = replace(row, holder=holder, counted=counts)
        rows[key] = row
    return rows


def _stands(row: DeadlineRow | None, seen: Seen) -> bool:
    """Say whether rows still show the case as it is: cheaper than new rows."""
    return (
        row is not None
        and row.visible_to == seen.visible_to
        and row.category == seen.category
        and row.ended_at == seen.ended_at
        and row.outcome == seen.outcome
        and row.title == seen.title
        and row.reported_at == seen.reported_at
        and row.number == seen.number
        and row.kind == seen.kind
    )


def summarise(
    connection: Connection, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Count cases received, closed, open, overdue, closed on time and late, and by outcome."""
    return _told(_counted(connection, "<=", source, where, moment))


def from_stock(
    connection: Connection, stock: Condition, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Say the same from counters, and from the few rows of which the hour decides."""
    now = moment.now.astimezone(SHANGHAI)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    given = {**source.parameters, **where.parameters, "now": now, "midnight": midnight}
    today = sql.SQL(TODAY).format(source=source.where, where=where.where)
    cells = sql.SQL(FROM_STOCK).format(stock=stock.where)
    found = [
        *connection.execute(cells, {**stock.parameters, "today": day_of(now)}).fetchall(),
        *connection.execute(today, given).fetchall(),
    ]
    totals: dict[str, list[int]] = {}
    for sign, rows in ((1, found), (-1, _counted(connection, ">", source, where, moment))):
        for outcome, *numbers in rows:
            total = totals.setdefault(outcome, [0] * len(numbers))
            totals[outcome] = [a + sign * b for a, b in zip(total, numbers, strict=True)]
    return _told([(outcome, *totals[outcome]) for outcome in sorted(totals)])


def _counted(
    connection: Connection,
    when: LiteralString,
    source: Condition,
    where: Condition,
    moment: Moment,
) -> list[tuple[Any, ...]]:
    """Count the rows that were reported by the moment, or after it."""
    query = sql.SQL(SUMMARY).format(source=source.where, where=where.where, when=sql.SQL(when))
    parameters = {**source.parameters, **where.parameters, "now": moment.now}
    return connection.execute(query, parameters).fetchall()


def _told(found: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
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


def counted_on(row: DeadlineRow) -> tuple[datetime | None, ...]:
    """Return when it fell due, was stopped in time or late, and when its breach took effect.

    One clock a case counts, as in the summary: the total clock of the latest cycle.
    """
    if not row.counted:
        return None, None, None, None
    met, late = (row.stopped_at if row.met is way else None for way in (True, False))
    return row.due, met, late, row.breached_at


def facets(row: DeadlineRow) -> tuple[str, str | None, str | None, tuple[str, ...]]:
    """Return what dashboards tell clocks apart by; a clock's row knows no severity."""
    return row.kind, row.category, None, row.visible_to


def stands(row: DeadlineRow) -> tuple[str, ...] | None:
    """Return how the one clock of a case that counts stands, for the stock.

    `due` is the day from whose end on an open one is overdue; one that stands still has none.
    """
    if not row.counted:
        return None
    if row.ended_at is None:
        moves = row.status != "paused" or row.breached_at is not None
        due = day_of(row.due) if moves else ""
        return row.kind, "true", row.status, row.light, row.outcome or "", due
    how = ""
    if row.status == "stopped" and row.stopped_at is not None:
        how = "on_time" if row.stopped_at <= row.due else "late"
    return row.kind, "false", how, row.light, row.outcome or "", ""


def _id(unit: f.Unit | None) -> str | None:
    return unit.id if unit else None


def _row(clock: Clock, seen: Seen, holder: str | None, *, counts: bool) -> DeadlineRow:
    # By place: naming so many columns would cost ten times as much.
    shown = astuple(clock.row)
    return DeadlineRow(*shown, counted=counts, holder=holder, **_of_case(seen, clock))


def _of_case(seen: Seen, clock: Clock) -> dict[str, Any]:
    """Return what the rows of all clocks of a case say of it; see `_stands`."""
    return {
        "number": seen.number,
        "kind": seen.kind,
        "category": seen.category,
        "visible_to": seen.visible_to,
        "reported_at": seen.reported_at or clock.row.started_at,
        "ended_at": seen.ended_at,
        "outcome": seen.outcome,
        "title": seen.title,
    }


DEADLINES: Final = Ledger(
    shape=Shape(
        name="deadlines",
        version=1,
        state=Watched,
        row=DeadlineRow,
        blank=unwatched,
        fold=watch,
        show=show,
        tally=Tally(
            ("falling_due", "on_time", "late", "breached"),
            counted_on,
            facets,
            Stock(("kind", "open", "stands", "light", "outcome", "due"), stands),
        ),
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
        Column("limit_origin", "时限来源"),
        Column("limit_by", "时限依据"),
        Column("due", "到期时间", "time"),
        Column("provisional", "日历待公布", "flag"),
        Column("calendar", "工作日历"),
        Column("calendar_version", "日历版本"),
        Column("status", "计时状态"),
        Column("light", "红黄绿灯"),
        Column("paused_at", "本次暂停时间", "time"),
        Column("pauses", "暂停次数", "number"),
        Column("short_pauses", "短暂停次数", "number"),
        Column("extensions", "延期次数", "number"),
        Column("extended", "延期长度"),
        Column("stopped_at", "停止时间", "time"),
        Column("met", "按期", "flag"),
        Column("warned_at", "预警时间", "time"),
        Column("warning", "预警线"),
        Column("breached_at", "超期时间", "time"),
        Column("breaches", "超期记录次数", "number"),
        Column("answerable", "责任单位", "unit"),
        Column("rung", "升级级别", "number"),
        Column("generation", "到期时间版次", "number"),
        Column("compressed", "时限压缩", "flag"),
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
        "paused": Filter("正在暂停", "given", "paused_at"),
        "extended": Filter("有延期", "some", "extensions"),
        "warned": Filter("已预警", "given", "warned_at"),
        "light": Filter("红黄绿灯", "in", "light"),
        "short_pause": Filter("有短暂停（供核查）", "some", "short_pauses"),
        "clock": Filter("时限", "in", "clock"),
        "total": Filter("总时限", "flag", "total"),
        "counted": Filter("最近一轮总时限", "flag", "counted"),
        "met": Filter("按期", "flag", "met"),
        "kind": Filter("事项类型", "in", "kind"),
        "category": Filter("类别", "in", "category"),
        "holder": Filter("承办单位", "in", "holder"),
        "answerable": Filter("责任单位", "in", "answerable"),
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
    from_stock=from_stock,
)
