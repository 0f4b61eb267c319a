"""事项清单: what may be handed down to communities, and every version of the standards.

One row an admitted item (社区工作事项: 新增、调整、退出), a version of a catalogue (事项目录), or a
version of a table of other systems' codes. Everybody in the district may read all of it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

ITEM: Final = "item"
VERSION: Final = "catalogue"
CODES: Final = "codes"
ADMITTED: Final = "admitted"
EXITED: Final = "exited"
CURRENT: Final = "current"
REPLACED: Final = "replaced"
IN_FORCE: Final = """
    sort = 'item' AND admitted_since <= (%(now)s AT TIME ZONE 'Asia/Shanghai')::date
    AND (exited_since IS NULL OR exited_since > (%(now)s AT TIME ZONE 'Asia/Shanghai')::date)
"""
"""A department may hand it down on the day of the moment asked for."""


class CatalogueRow(Struct, frozen=True, kw_only=True, array_like=True):
    """An item or a version as it stands."""

    sort: str
    code: str
    """The item's code, the catalogue's name, or the system whose codes they are."""
    status: str
    """`admitted`, `exited`; `current`, `replaced`."""
    changed_at: datetime
    name: str | None = None
    version: str | None = None
    department: str | None = None
    people: int | None = None
    """人随事走: how many people follow it."""
    money: int | None = None
    """费随事转: how many yuan a year follow it."""
    admitted_since: date | None = None
    """From this day on it may be handed down; of an item whose admission is not known, null."""
    adjusted_since: date | None = None
    adjustments: int = 0
    exited_since: date | None = None
    decided_in: str | None = None
    """The case in which the latest was decided."""
    entries: int | None = None
    """How many items, or codes, a version has."""
    conditions: int | None = None
    """How many filing conditions (立案条件) a version has."""


class Listed(Struct, array_like=True):
    """All rows by key, and which version of each catalogue is the current one."""

    rows: dict[str, CatalogueRow]
    newest: dict[str, str]


def fold(listed: Listed, record: Followed) -> Listed:
    """Take in one more fact of the catalogue, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](listed, fact, record.occurred_at)
    return listed


def show(listed: Listed, before: Mapping[str, CatalogueRow]) -> Mapping[str, CatalogueRow]:
    """Return all rows."""
    del before
    return dict(listed.rows)


def _admitted(listed: Listed, fact: f.ItemAdmitted, at: datetime) -> None:
    """Begin anew, also where it was admitted before and had left: the history has the rest."""
    listed.rows[f"{ITEM}:{fact.item}"] = CatalogueRow(
        sort=ITEM,
        code=fact.item,
        status=ADMITTED,
        changed_at=at,
        admitted_since=fact.since,
        **_terms(fact),
    )


def _adjusted(listed: Listed, fact: f.ItemAdjusted, at: datetime) -> None:
    row = _item(listed, fact.item, at)
    listed.rows[f"{ITEM}:{fact.item}"] = replace(
        row,
        changed_at=at,
        adjusted_since=fact.since,
        adjustments=row.adjustments + 1,
        **_terms(fact),
    )


def _exited(listed: Listed, fact: f.ItemExited, at: datetime) -> None:
    listed.rows[f"{ITEM}:{fact.item}"] = replace(
        _item(listed, fact.item, at),
        changed_at=at,
        status=EXITED,
        exited_since=fact.since,
        decided_in=fact.case,
    )


def _terms(fact: f.ItemAdmitted | f.ItemAdjusted) -> dict[str, Any]:
    return {
        "name": fact.title,
        "department": fact.department,
        "people": fact.people,
        "money": fact.money,
        "decided_in": fact.case,
    }


def _item(listed: Listed, code: str, at: datetime) -> CatalogueRow:
    """Return an item; one whose admission is not known was admitted all the same."""
    known = listed.rows.get(f"{ITEM}:{code}")
    return known or CatalogueRow(sort=ITEM, code=code, status=ADMITTED, changed_at=at)


def _published(listed: Listed, fact: f.CataloguePublished, at: datetime) -> None:
    items = fact.document.get("items", ())
    conditions = sum(len(item.get("conditions", ())) for item in items)
    _put(listed, VERSION, fact.name, fact.version, at)
    key = listed.newest[f"{VERSION}:{fact.name}"]
    listed.rows[key] = replace(listed.rows[key], entries=len(items), conditions=conditions)


def _mapped(listed: Listed, fact: f.CodeTablePublished, at: datetime) -> None:
    _put(listed, CODES, fact.system, fact.version, at)
    key = listed.newest[f"{CODES}:{fact.system}"]
    listed.rows[key] = replace(listed.rows[key], entries=len(fact.codes))


def _put(listed: Listed, sort: str, code: str, version: str, at: datetime) -> None:
    """Let a version take the place of the one before it."""
    name = f"{sort}:{code}"
    key, before = f"{name}@{version}", listed.newest.get(name)
    if before is not None:
        listed.rows[before] = replace(listed.rows[before], status=REPLACED, changed_at=at)
    row = CatalogueRow(sort=sort, code=code, status=CURRENT, changed_at=at, version=version)
    listed.rows[key], listed.newest[name] = row, key


STEPS: Final[dict[type[f.Fact], Callable[[Listed, Any, datetime], None]]] = {
    f.ItemAdmitted: _admitted,
    f.ItemAdjusted: _adjusted,
    f.ItemExited: _exited,
    f.CataloguePublished: _published,
    f.CodeTablePublished: _mapped,
}

CATALOGUE: Final = Ledger(
    shape=Shape(
        name="catalogue",
        version=1,
        stream=f.CATALOGUE,
        facts=frozenset(STEPS),
        state=Listed,
        row=CatalogueRow,
        blank=lambda _: Listed({}, {}),
        fold=fold,
        show=show,
    ),
    title="事项清单",
    open_to_all=True,
    columns=(
        Column("sort", "种类"),
        Column("code", "编码"),
        Column("name", "名称"),
        Column("version", "版本"),
        Column("status", "状态"),
        Column("department", "责任部门", "unit"),
        Column("people", "人随事走（人）", "number"),
        Column("money", "费随事转（元/年）", "number"),
        Column("admitted_since", "准入自", "date"),
        Column("adjusted_since", "调整自", "date"),
        Column("adjustments", "调整次数", "number"),
        Column("exited_since", "退出自", "date"),
        Column("entries", "条目数", "number"),
        Column("conditions", "立案条件数", "number"),
        Column("decided_in", "决定所在事项"),
        Column("changed_at", "最近变更时间", "time"),
    ),
    filters={
        "sort_of": Filter("种类", "in", "sort"),
        "code": Filter("编码", "in", "code"),
        "status": Filter("状态", "in", "status"),
        "department": Filter("责任部门", "in", "department"),
        "in_force": Filter("现行", "test", test=IN_FORCE),
        "admitted_from": Filter("准入自（起）", "day_from", "admitted_since"),
        "admitted_before": Filter("准入自（止）", "day_before", "admitted_since"),
        "exited_from": Filter("退出自（起）", "day_from", "exited_since"),
        "exited_before": Filter("退出自（止）", "day_before", "exited_since"),
    },
    sorts=("changed_at", "code"),
    summarise=counting(
        {
            "open": IN_FORCE,
            "admitted": "status = 'admitted'",
            "adjusted": "sort = 'item' AND adjustments > 0",
            "exited": "status = 'exited'",
            "versions": "sort <> 'item'",
        },
        by={"by_department": "department"},
        total="sort = 'item'",
        sums={
            "people": f"coalesce(sum(people) FILTER (WHERE {IN_FORCE}), 0)",
            "money": f"coalesce(sum(money) FILTER (WHERE {IN_FORCE}), 0)",
        },
    ),
)
