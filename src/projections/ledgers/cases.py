"""事项台账: one row a case, with where it stands and who has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from psycopg import sql

from domain.facts import Unit
from eventlog.database import Connection
from projections.counts import Stock, Tally
from projections.ledger import Ledger
from projections.query import Column, Condition, Filter, Moment
from projections.rows import Shape
from projections.seen import Seen, see, unseen

# One pass over the visible rows; the few groups are added up in the program.
SUMMARY: Final = """
    SELECT kind, stage, ended_at IS NULL, count(*) FROM ({source}) r WHERE {where} GROUP BY 1, 2, 3
"""
OPEN_FROM: Final = """
    SELECT source_id FROM {cases}
    WHERE source_system = %s AND source_id IS NOT NULL AND ended_at IS NULL
"""
FROM_STOCK: Final = """
    SELECT kind, stage, open = 'true', sum(number)::bigint FROM ({stock}) s GROUP BY 1, 2, 3
"""


class CaseRow(Struct, frozen=True, kw_only=True):
    """A case as its register shows it; units by id, the title by the position of its fact."""

    number: str
    kind: str
    kind_hash: str
    stage: str
    phase: str
    severity: str | None
    urgency: str | None
    tier: str | None
    category: str | None
    place: str | None
    holder: str | None
    lead: str | None
    accepted_by: str | None
    visible_to: tuple[str, ...]
    reported_at: datetime
    closed_at: datetime | None
    ended_at: datetime | None
    """When it reached any end, not only a closing."""
    outcome: str | None
    cycle: int
    rework: int
    version: int
    source_system: str | None
    source_id: str | None
    title: int | None
    changed_at: datetime


def show(seen: Seen, before: Mapping[str, CaseRow]) -> Mapping[str, CaseRow]:
    """Return the case's one row; every fact changes it."""
    del before
    changed_at, source = seen.changed_at, seen.source
    if changed_at is None:
        return {}
    return {
        "": CaseRow(
            number=seen.number,
            kind=seen.kind,
            kind_hash=seen.kind_hash,
            stage=seen.stage,
            phase=seen.phase,
            severity=seen.severity,
            urgency=seen.urgency,
            tier=seen.tier,
            category=seen.category,
            place=_id(seen.place),
            holder=_id(seen.holder),
            lead=_id(seen.lead),
            accepted_by=_id(seen.accepted_by),
            visible_to=seen.visible_to,
            reported_at=seen.reported_at or changed_at,
            closed_at=seen.closed_at,
            ended_at=seen.ended_at,
            outcome=seen.outcome,
            cycle=seen.cycle,
            rework=seen.rework,
            version=seen.version,
            source_system=source.system if source else None,
            source_id=source.id if source else None,
            title=seen.title,
            changed_at=changed_at,
        )
    }


def summarise(
    connection: Connection, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Count all, open and ended cases, and by kind and stage."""
    del moment  # nothing here depends on the time of day
    query = sql.SQL(SUMMARY).format(source=source.where, where=where.where)
    return _told(connection.execute(query, {**source.parameters, **where.parameters}).fetchall())


def from_stock(
    connection: Connection, stock: Condition, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Say the same from counters."""
    del source, where, moment
    query = sql.SQL(FROM_STOCK).format(stock=stock.where)
    return _told(connection.execute(query, stock.parameters).fetchall())


def _told(found: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    by_kind: dict[str, int] = {}
    by_stage: dict[str, int] = {}
    for kind, stage, _, count in sorted(found):
        by_kind[kind] = by_kind.get(kind, 0) + count
        by_stage[stage] = by_stage.get(stage, 0) + count
    total = sum(count for _, _, _, count in found)
    still_open = sum(count for _, _, is_open, count in found if is_open)
    counts = {"total": total, "open": still_open, "closed": total - still_open}
    return {**counts, "by_kind": by_kind, "by_stage": by_stage}


def counted_on(row: CaseRow) -> tuple[datetime | None, ...]:
    """Return when it was received, when it ended and when it was closed."""
    return row.reported_at, row.ended_at, row.closed_at


def facets(row: CaseRow) -> tuple[str, str | None, str | None, tuple[str, ...]]:
    """Return what dashboards tell cases apart by."""
    return row.kind, row.category, row.severity, row.visible_to


def stands(row: CaseRow) -> tuple[str, ...]:
    """Return where it stands, for the stock."""
    is_open = "false" if row.ended_at else "true"
    return row.kind, row.stage, row.phase, row.severity or "", is_open


def open_from(connection: Connection, system: str) -> list[str]:
    """Return which of a source's cases have not ended: their ids in it, as the ledger stands."""
    query = sql.SQL(OPEN_FROM).format(cases=sql.Identifier(CASES.tables.names["current"]))
    return [source_id for (source_id,) in connection.execute(query, (system,)).fetchall()]


def _id(unit: Unit | None) -> str | None:
    return unit.id if unit else None


CASES: Final = Ledger(
    shape=Shape(
        name="cases",
        version=1,
        state=Seen,
        row=CaseRow,
        blank=unseen,
        fold=see,
        show=show,
        tally=Tally(
            ("received", "ended", "closed"),
            counted_on,
            facets,
            Stock(("kind", "stage", "phase", "severity", "open"), stands),
        ),
    ),
    title="事项台账",
    columns=(
        Column("number", "编号"),
        Column("title", "标题", "reference"),
        Column("kind", "事项类型"),
        Column("stage", "环节"),
        Column("phase", "阶段"),
        Column("category", "类别"),
        Column("severity", "严重程度"),
        Column("urgency", "紧急程度"),
        Column("tier", "响应层级"),
        Column("place", "发生地", "unit"),
        Column("holder", "当前承办", "unit"),
        Column("lead", "牵头单位", "unit"),
        Column("accepted_by", "受理单位", "unit"),
        Column("reported_at", "上报时间", "time"),
        Column("closed_at", "结案时间", "time"),
        Column("ended_at", "终结时间", "time"),
        Column("outcome", "办理结果"),
        Column("cycle", "办理轮次", "number"),
        Column("rework", "返工次数", "number"),
        Column("version", "记录版次", "number"),
        Column("source_system", "来源系统"),
        Column("source_id", "来源编号"),
        Column("changed_at", "最近办理时间", "time"),
    ),
    filters={
        "q": Filter("编号或标题包含", "words"),
        "open": Filter("在办", "open"),
        "kind": Filter("事项类型", "in", "kind"),
        "stage": Filter("环节", "in", "stage"),
        "phase": Filter("阶段", "in", "phase"),
        "category": Filter("类别", "in", "category"),
        "severity": Filter("严重程度", "in", "severity"),
        "urgency": Filter("紧急程度", "in", "urgency"),
        "tier": Filter("响应层级", "in", "tier"),
        "unit": Filter("管辖单元", "within"),
        "place": Filter("发生地", "in", "place"),
        "holder": Filter("当前承办", "in", "holder"),
        "lead": Filter("牵头单位", "in", "lead"),
        "accepted_by": Filter("受理单位", "in", "accepted_by"),
        "outcome": Filter("办理结果", "in", "outcome"),
        "number": Filter("编号", "in", "number"),
        "source_system": Filter("来源系统", "in", "source_system"),
        "source_id": Filter("来源编号", "in", "source_id"),
        "reported_from": Filter("上报时间起", "from", "reported_at"),
        "reported_before": Filter("上报时间止", "before", "reported_at"),
        "ended_from": Filter("终结时间起", "from", "ended_at"),
        "ended_before": Filter("终结时间止", "before", "ended_at"),
    },
    sorts=("reported_at", "changed_at", "number"),
    summarise=summarise,
    from_stock=from_stock,
)

OF_CASE: Final = (
    "number",
    "title",
    "kind",
    "stage",
    "category",
    "severity",
    "place",
    "holder",
    "reported_at",
    "ended_at",
    "outcome",
)
"""What ledgers of parts of a case say of it, from this one at the same moment."""


def case_columns(*names: str) -> tuple[Column, ...]:
    """Return these columns of a case, as a ledger of a part of it lists them (see `of_case`)."""
    known = {column.name: column for column in CASES.columns}
    return tuple(known[name] for name in names)


def case_filters(*names: str) -> dict[str, Filter]:
    """Return these filters by what stands of a case in each row."""
    return {name: CASES.filters[name] for name in names}
