"""The views of 四定三包 as files: the chart to print, and plain tables of the same numbers."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, Final

from msgspec.structs import replace

from domain.accountability_posts import day_of
from eventlog.database import Connection
from projections import export, workbook
from projections.accountability import Asked, Grouping, groups, page
from projections.accountability_cells import cells_of
from projections.accountability_groups import Ranked, ranked, with_subordinates
from projections.query import Moment, snapshot
from projections.wall_chart import (
    TITLE,
    ChartLine,
    Naming,
    flat_columns,
    flat_rows,
    write_chart,
)

CHUNK: Final = 500
"""Lines that are read at once."""
COUNTED: Final = {
    "cases": "事项数",
    "open": "未终结",
    "missing": "缺",
    "set": "已定",
    "at_risk": "临期",
    "late": "逾期",
    "fulfilled": "落实",
    "failed": "未落实",
    "vacant": "缺位",
    "breached": "曾超期",
}
"""The counts of a group, as people read them."""
HELD_OPEN: Final = ("held", "open")
"""What nobody counts."""
GROUPED: Final[dict[Grouping, str]] = {
    "leader": "包案领导",
    "unit": "单位",
    "campaign": "专项行动",
    "kind": "事项类型",
    "category": "类别",
}
CAMPAIGNS: Final = {
    "hazard_remediation": "风险隐患大整治",
    "petition_backlog": "信访积案大起底",
    "dispute_resolution": "矛盾纠纷大化解",
    "safety_responsibility": "安全责任大落实",
}
"""四大行动, by the codes of the kind that ships; others are shown as they are."""


def write_cases(
    target: BinaryIO,
    form: str,
    connection: Connection,
    asked: Asked,
    naming: Naming,
    district: str,
) -> Moment:
    """Write every case that is meant: xlsx is the chart, csv a plain table. Raises as `page`."""
    titles = {kind.name: kind.title for kind in asked.kinds.values()}
    naming = replace(naming, kinds=titles)
    with snapshot(connection):
        moment, lines = _every(connection, asked)
        if form == "csv":
            export.write_csv(target, flat_columns(), flat_rows(lines, naming))
        else:
            write_chart(target, lines, naming, provenance(asked, moment, district))
    return moment


def write_groups(
    target: BinaryIO,
    form: str,
    connection: Connection,
    asked: Asked,
    by: Grouping,
    naming: Naming,
    district: str,
) -> Moment:
    """Write every group with its counts. Raises as `page`."""
    moment, found = counted(connection, asked, by)
    columns = [export.Column("name", GROUPED[by]), export.Column("who", "人员、单位")]
    columns += [
        export.Column(f"{sort}_{name}", prefix + label, "number")
        for sort, prefix in _sorts(by).items()
        for name, label in COUNTED.items()
        if (sort, name) != HELD_OPEN
    ]
    rows = (list(_row(one, by, naming, moment)) for one in found)
    if form == "csv":
        export.write_csv(target, columns, rows)
    else:
        title = f"四定三包（{GROUPED[by]}）"
        workbook.write_xlsx(target, title, columns, rows, provenance(asked, moment, district))
    return moment


def counted(connection: Connection, asked: Asked, by: Grouping) -> tuple[Moment, list[Ranked]]:
    """Return all groups in their order. Raises as `page`."""
    found = groups(connection, asked, by)
    if by == "unit":
        return found.moment, with_subordinates(found.items, asked.directory)
    return found.moment, ranked(found.items)


def group_name(key: str, by: Grouping, naming: Naming) -> str:
    """Return what a group is called; one without a key has no name."""
    match by:
        case "leader":
            return naming.post(key)
        case "unit":
            return naming.unit(key)
        case "campaign":
            return CAMPAIGNS.get(key, key)
        case _:
            return key


def provenance(asked: Asked, moment: Moment, district: str) -> dict[str, str]:
    """Return what «说明» says: as of when, up to which position, under which filters."""
    told = "；".join(f"{name}={value}" for name, value in sorted(asked.filters.items()))
    return {
        "视图": TITLE,
        "区县": district,
        "截至（发生时间）": _local(asked.as_of, "现在"),
        "截至（记录时间）": _local(asked.known_at, "现在"),
        "位点": str(moment.position),
        "是否定稿": "是" if moment.final else "否（之后的补录仍可能改变）",
        "筛选": told or "无（在办事项）",
    }


def _every(connection: Connection, asked: Asked) -> tuple[Moment, Iterator[ChartLine]]:
    first = page(connection, asked, limit=CHUNK)

    def lines() -> Iterator[ChartLine]:
        found = first
        while True:
            for one in found.items:
                cells = cells_of(one, asked.directory, found.moment.now)
                yield ChartLine(one, cells)
            if found.next is None:
                return
            found = page(connection, asked, limit=CHUNK, cursor=found.next)

    return first.moment, lines()


def _sorts(by: Grouping) -> Mapping[str, str]:
    """Return the counts of a group, each with what goes before its label."""
    match by:
        case "leader":
            return {"cases": "", "held": "三包·"}
        case "unit":
            return {"cases": "", "within": "含下级·", "held": "本单位各格·"}
        case _:
            return {"cases": ""}


def _row(one: Ranked, by: Grouping, naming: Naming, moment: Moment) -> Iterator[export.Value]:
    yield group_name(one.key, by, naming) or "（无）"
    yield _answering(one.key, naming, moment) if by == "leader" else None
    counts = {"cases": one.cases, "within": one.within, "held": one.held}
    for sort in _sorts(by):
        yield from (counts[sort][name] for name in COUNTED if (sort, name) != HELD_OPEN)


def _answering(key: str, naming: Naming, moment: Moment) -> str | None:
    post = naming.directory.posts.get(key)
    if post is None:
        return None
    person = post.holder_on(day_of(moment.now))
    who = (naming.persons.get(person) or person) if person else "缺位"
    return f"{naming.unit(post.unit)} {who}"


def _local(at: datetime | None, otherwise: str) -> str:
    return at.astimezone(export.BEIJING).isoformat(timespec="seconds") if at else otherwise
