"""组织台账: one row a unit, a post, a term of somebody in it, a relation of units, a re-division.

All of it is one stream. A row is seen from its unit and every unit above it, as the tree is now:
a unit that moves takes its posts and terms along.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from domain import facts as f
from eventlog.database import Connection
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.query import Column, Condition, Filter, Moment
from projections.rows import Shape

UNIT: Final = "unit"
POST: Final = "post"
TERM: Final = "term"
DEPUTY: Final = "deputy"
RELATION: Final = "relation"
SUCCESSOR: Final = "successor"
DIVISION: Final = "division"

HOLDS: Final = """
    (since IS NULL OR since <= (%(now)s AT TIME ZONE 'Asia/Shanghai')::date)
    AND (until IS NULL OR until > (%(now)s AT TIME ZONE 'Asia/Shanghai')::date)
"""
"""It is so on the day of the moment asked for."""
# A post is vacant (缺位) on a day on which nobody has a term in it.
SUMMARY: Final = """
    WITH seen AS MATERIALIZED (
        SELECT r.*, {holds} AS holds FROM ({source}) r WHERE {where}
    )
    SELECT count(*),
           count(*) FILTER (WHERE sort = 'unit'),
           count(*) FILTER (WHERE sort = 'unit' AND NOT holds),
           count(*) FILTER (WHERE sort = 'post' AND holds),
           count(*) FILTER (WHERE sort = 'post' AND holds AND NOT EXISTS (
               SELECT FROM seen t WHERE t.sort = 'term' AND t.holds AND t.post = seen.post)),
           count(*) FILTER (WHERE sort = 'term' AND holds),
           count(*) FILTER (WHERE sort = 'deputy' AND holds),
           count(*) FILTER (WHERE sort = 'relation' AND holds)
    FROM seen
"""
NUMBERS: Final = (
    "total",
    "units",
    "dissolved",
    "posts",
    "vacant",
    "terms",
    "deputies",
    "relations",
)
LEVELS: Final = """
    SELECT coalesce(level, ''), count(*) FROM ({source}) r
    WHERE {where} AND sort = 'unit' AND {holds} GROUP BY 1 ORDER BY 1
"""


class DirectoryRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A line of the directory as it stands; people by id."""

    sort: str
    unit: str | None = None
    code: str | None = None
    name: str | None = None
    level: str | None = None
    parent: str | None = None
    post: str | None = None
    role: str | None = None
    person: str | None = None
    relation: str | None = None
    """How `unit` stands to `other`: `second_parent`, `liaison`…; `successor` of a dissolved one."""
    other: str | None = None
    since: date | None = None
    until: date | None = None
    """Exclusive; of a unit, and of its posts, the day from which it is no more."""
    carried_out: bool | None = None
    """Of a re-division, whether it was carried out."""
    changed_at: datetime
    visible_to: tuple[str, ...] = ()


class Organisation(Struct, array_like=True):
    """All rows by key; what paths are made of; how many terms each post has had."""

    rows: dict[str, DirectoryRow]
    parents: dict[str, str | None]
    awaited: dict[str, str]
    """Units that are named and not known: a fold tolerates absent predecessors."""
    terms: dict[str, int]


def fold(organisation: Organisation, record: Followed) -> Organisation:
    """Take in one more fact of the directory, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](organisation, fact, record.occurred_at)
    return organisation


def show(
    organisation: Organisation, before: Mapping[str, DirectoryRow]
) -> Mapping[str, DirectoryRow]:
    """Return all rows."""
    del before
    return dict(organisation.rows)


def _unit(
    organisation: Organisation, fact: f.UnitEstablished | f.UnitChanged, at: datetime
) -> None:
    moved = organisation.parents.get(fact.unit, fact.parent) != fact.parent
    organisation.parents[fact.unit] = fact.parent
    moved = organisation.awaited.pop(fact.unit, None) is not None or moved
    known = organisation.rows.get(f"{UNIT}:{fact.unit}")
    row = DirectoryRow(
        sort=UNIT,
        unit=fact.unit,
        code=fact.code,
        name=fact.name,
        level=fact.level,
        parent=fact.parent,
        until=known.until if known else None,
        changed_at=at,
    )
    _put(organisation, f"{UNIT}:{fact.unit}", row, fact.unit)
    if fact.parent is not None and fact.parent not in organisation.parents:
        organisation.awaited[fact.parent] = ""
    if moved:
        _move(organisation)


def _dissolved(organisation: Organisation, fact: f.UnitDissolved, at: datetime) -> None:
    for key, row in list(organisation.rows.items()):
        if row.unit == fact.unit and row.sort in {UNIT, POST}:
            organisation.rows[key] = replace(row, until=fact.on, changed_at=at)
    for successor in fact.successors:
        row = DirectoryRow(
            sort=RELATION,
            unit=fact.unit,
            relation=SUCCESSOR,
            other=successor,
            since=fact.on,
            changed_at=at,
        )
        key = f"{SUCCESSOR}:{fact.unit}:{successor}"
        _put(organisation, key, row, fact.unit, successor)


def _post(organisation: Organisation, fact: f.PostEstablished, at: datetime) -> None:
    row = DirectoryRow(
        sort=POST, unit=fact.unit, post=fact.post, name=fact.title, role=fact.role, changed_at=at
    )
    _put(organisation, f"{POST}:{fact.post}", row, fact.unit)


def _held(organisation: Organisation, fact: f.PostTaken | f.DeputyNamed, at: datetime) -> None:
    number = organisation.terms[fact.post] = organisation.terms.get(fact.post, 0) + 1
    post = organisation.rows.get(f"{POST}:{fact.post}")
    unit = post.unit if post else None
    row = DirectoryRow(
        sort=TERM if isinstance(fact, f.PostTaken) else DEPUTY,
        unit=unit,
        post=fact.post,
        name=post.name if post else None,
        role=post.role if post else None,
        person=fact.person,
        since=fact.since,
        until=fact.until,
        changed_at=at,
    )
    _put(organisation, f"{TERM}:{fact.post}:{number}", row, unit)


def _left(organisation: Organisation, fact: f.PostLeft, at: datetime) -> None:
    """End the person's terms; one that would never begin ends on the day it would have begun."""
    for number in range(1, organisation.terms.get(fact.post, 0) + 1):
        key = f"{TERM}:{fact.post}:{number}"
        row = organisation.rows[key]
        if row.person == fact.person and (row.until is None or row.until > fact.until):
            until = max(fact.until, row.since) if row.since else fact.until
            organisation.rows[key] = replace(row, until=until, changed_at=at)


def _related(organisation: Organisation, fact: f.UnitRelated, at: datetime) -> None:
    row = DirectoryRow(
        sort=RELATION,
        unit=fact.unit,
        relation=fact.sort,
        other=fact.other,
        person=fact.person,
        since=fact.since,
        until=fact.until,
        changed_at=at,
    )
    _put(organisation, f"{RELATION}:{fact.relation}", row, fact.unit, fact.other)


def _ended(organisation: Organisation, fact: f.RelationEnded, at: datetime) -> None:
    key = f"{RELATION}:{fact.relation}"
    row = organisation.rows.get(key)
    if row is not None:
        organisation.rows[key] = replace(row, until=fact.until, changed_at=at)


def _decreed(organisation: Organisation, fact: f.DivisionDecreed, at: datetime) -> None:
    named = [one.parent for one in fact.established] + [one.unit for one in fact.moves]
    row = DirectoryRow(
        sort=DIVISION, code=fact.division, since=fact.on, carried_out=False, changed_at=at
    )
    _put(organisation, f"{DIVISION}:{fact.division}", row, *named)


def _carried_out(organisation: Organisation, fact: f.DivisionCarriedOut, at: datetime) -> None:
    key = f"{DIVISION}:{fact.division}"
    row = organisation.rows.get(key)
    if row is not None:
        organisation.rows[key] = replace(row, carried_out=True, changed_at=at)


def _put(organisation: Organisation, key: str, row: DirectoryRow, *units: str | None) -> None:
    """Add a row that is seen from these units and all above them."""
    named = [unit for unit in units if unit is not None]
    for unit in named:
        if unit not in organisation.parents:
            organisation.awaited[unit] = ""
    organisation.rows[key] = replace(row, visible_to=_paths(organisation, named))


def _move(organisation: Organisation) -> None:
    """Show all rows from where their units stand now."""
    for key, row in organisation.rows.items():
        if row.sort != DIVISION:  # what was decreed concerns whom it concerned then
            named = [unit for unit in (row.unit, row.other) if unit is not None]
            seen_from = _paths(organisation, named)
            if seen_from != row.visible_to:
                organisation.rows[key] = replace(row, visible_to=seen_from)


def _paths(organisation: Organisation, units: Iterable[str]) -> tuple[str, ...]:
    """Return units and all above them, in order; a circle is cut where it closes."""
    steps: set[str] = set()
    for unit in units:
        step: str | None = unit
        while step is not None and step not in steps:
            steps.add(step)
            step = organisation.parents.get(step)
    return tuple(sorted(steps))


def summarise(
    connection: Connection, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Count units, posts and vacancies, terms, deputies and relations as of the moment's day."""
    parts = {"source": source.where, "where": where.where, "holds": sql.SQL(HOLDS)}
    asked = {**source.parameters, **where.parameters, "now": moment.now}
    row = connection.execute(sql.SQL(SUMMARY).format(**parts), asked).fetchone()
    levels = connection.execute(sql.SQL(LEVELS).format(**parts), asked).fetchall()
    return {**dict(zip(NUMBERS, row or (), strict=True)), "by_level": dict(levels)}


STEPS: Final[dict[type[f.Fact], Callable[[Organisation, Any, datetime], None]]] = {
    f.UnitEstablished: _unit,
    f.UnitChanged: _unit,
    f.UnitDissolved: _dissolved,
    f.PostEstablished: _post,
    f.PostTaken: _held,
    f.DeputyNamed: _held,
    f.PostLeft: _left,
    f.UnitRelated: _related,
    f.RelationEnded: _ended,
    f.DivisionDecreed: _decreed,
    f.DivisionCarriedOut: _carried_out,
}

DIRECTORY: Final = Ledger(
    shape=Shape(
        name="directory",
        version=1,
        stream=f.DIRECTORY,
        facts=frozenset(STEPS),
        state=Organisation,
        row=DirectoryRow,
        blank=lambda _: Organisation({}, {}, {}, {}),
        fold=fold,
        show=show,
    ),
    title="组织台账",
    columns=(
        Column("sort", "种类"),
        Column("unit", "单元", "unit"),
        Column("code", "编码"),
        Column("name", "名称"),
        Column("level", "层级"),
        Column("parent", "上级单元", "unit"),
        Column("post", "岗位"),
        Column("role", "岗位角色"),
        Column("person", "人员", "person"),
        Column("relation", "关系"),
        Column("other", "关系单元", "unit"),
        Column("since", "自", "date"),
        Column("until", "至（不含）", "date"),
        Column("carried_out", "已执行", "flag"),
        Column("changed_at", "最近变更时间", "time"),
    ),
    filters={
        "sort_of": Filter("种类", "in", "sort"),
        "unit": Filter("所在单元", "within"),
        "code": Filter("编码", "in", "code"),
        "level": Filter("层级", "in", "level"),
        "parent": Filter("上级单元", "in", "parent"),
        "post": Filter("岗位", "in", "post"),
        "role": Filter("岗位角色", "in", "role"),
        "person": Filter("人员", "in", "person"),
        "relation": Filter("关系", "in", "relation"),
        "holds": Filter("当日有效", "test", test=HOLDS),
        "since_from": Filter("自（起）", "day_from", "since"),
        "since_before": Filter("自（止）", "day_before", "since"),
        "until_from": Filter("至（起）", "day_from", "until"),
        "until_before": Filter("至（止）", "day_before", "until"),
    },
    sorts=("changed_at", "sort"),
    summarise=summarise,
)
