"""考核通报 (单位): one row a unit and signed version, with what moved since the version before.

Only what was signed stands here; nothing republishes itself. Every version stays readable, and
everybody in the district may read all of them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

CURRENT: Final = "current"
REPLACED: Final = "replaced"


class RankingRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A unit in a version; `before` is how it stood in the version that this one corrects."""

    ranking: str
    title: str
    formula: str
    period: str
    since: date
    until: date
    """Exclusive."""
    version: int
    status: str
    """`current`, or `replaced` by a later version."""
    level: str
    unit: str
    name: str
    rank: int
    points: str
    rank_before: int | None = None
    points_before: str | None = None
    moved: bool = False
    """Whether its rank or points are others than in the version before, if there was one."""
    as_of: datetime
    known_up_to: int
    signed_at: datetime
    signed_by: str


class Rankings(Struct, array_like=True):
    """All rows of a ranking's period by key."""

    rows: dict[str, RankingRow]


def fold(rankings: Rankings, record: Followed) -> Rankings:
    """Take in one more version, and return what was given."""
    fact = record.body.data
    if isinstance(fact, f.RankingSigned):
        _signed(rankings, fact, record.occurred_at)
    return rankings


def show(rankings: Rankings, before: Mapping[str, RankingRow]) -> Mapping[str, RankingRow]:
    """Return all rows."""
    del before
    return dict(rankings.rows)


def _signed(rankings: Rankings, fact: f.RankingSigned, at: datetime) -> None:
    rows = rankings.rows
    latest = max((row.version for row in rows.values()), default=0)
    for key, row in rows.items():
        if row.version < fact.version and row.status == CURRENT:
            rows[key] = replace(row, status=REPLACED)
    before = {row.unit: row for row in rows.values() if row.version == fact.version - 1}
    status = CURRENT if fact.version >= latest else REPLACED
    for one in fact.units:
        row = _row(fact, one, before.get(one.unit.id), at)
        rows[f"{fact.version}:{one.unit.id}"] = replace(
            row, status=status, moved=bool(before) and _moved(row)
        )


def _row(
    fact: f.RankingSigned, one: f.RankedUnit, before: RankingRow | None, at: datetime
) -> RankingRow:
    return RankingRow(
        ranking=fact.ranking,
        title=fact.title,
        formula=fact.formula,
        period=fact.period,
        since=fact.since,
        until=fact.until,
        version=fact.version,
        status=CURRENT,
        level=one.level,
        unit=one.unit.id,
        name=one.name,
        rank=one.rank,
        points=one.points,
        rank_before=before.rank if before else None,
        points_before=before.points if before else None,
        as_of=fact.as_of,
        known_up_to=fact.position,
        signed_at=at,
        signed_by=fact.by,
    )


def _moved(row: RankingRow) -> bool:
    before = row.points_before
    return row.rank != row.rank_before or before is None or Decimal(before) != Decimal(row.points)


UNIT_RANKING: Final = Ledger(
    shape=Shape(
        name="unit_ranking",
        version=1,
        stream=f.RANKING,
        facts=frozenset({f.RankingSigned}),
        state=Rankings,
        row=RankingRow,
        blank=lambda _: Rankings({}),
        fold=fold,
        show=show,
    ),
    title="考核通报（单位）",
    open_to_all=True,
    columns=(
        Column("ranking", "指标"),
        Column("title", "通报名称"),
        Column("period", "考核期"),
        Column("version", "版次", "number"),
        Column("status", "状态", words={CURRENT: "现行", REPLACED: "已被更正"}),
        Column("level", "层级"),
        Column("rank", "名次", "number"),
        Column("unit", "单位", "unit"),
        Column("name", "单位名称（签发时）"),
        Column("points", "得分"),
        Column("rank_before", "上一版名次", "number"),
        Column("points_before", "上一版得分"),
        Column("moved", "与上一版不同", "flag"),
        Column("formula", "公式"),
        Column("since", "考核期自", "date"),
        Column("until", "考核期至（不含）", "date"),
        Column("as_of", "数据截至", "time"),
        Column("known_up_to", "数据位点", "number"),
        Column("signed_at", "签发时间", "time"),
        Column("signed_by", "签发人", "person"),
    ),
    filters={
        "ranking": Filter("指标", "in", "ranking"),
        "period": Filter("考核期", "in", "period"),
        "status": Filter("状态", "in", "status"),
        "level": Filter("层级", "in", "level"),
        "unit": Filter("单位", "in", "unit"),
        "moved": Filter("与上一版不同", "flag", "moved"),
        "signed_from": Filter("签发时间起", "from", "signed_at"),
        "signed_before": Filter("签发时间止", "before", "signed_at"),
    },
    sorts=("signed_at", "rank", "period"),
    summarise=counting(
        {
            "current": "status = 'current'",
            "replaced": "status = 'replaced'",
            "moved": "moved",
        },
        by={"by_period": "period", "by_level": "level"},
        sums={"versions": "count(DISTINCT (case_id, version))"},
    ),
)
