"""`bihuan catalogue`: the standard of items as a version, previewed; what communities admitted."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    run,
)
from app.output import SOME_REJECTED, WRONG_USAGE, document, fail, result, say
from app.register.standard import Standard, read_standard
from domain.budget import BareDuration
from domain.catalogue import Catalogue, Item
from workflows.calendar_office import today_of
from workflows.catalogues import NAME, Planned, plan_catalogue, publish_catalogue

catalogue = typer.Typer(help="事项目录 Catalogue of items", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="目录名称 Name of the catalogue")]
Days = Literal["", "wd", "nd"]
Hours = Literal["", "wh", "nh"]


@catalogue.command("load")
def load(
    source: Annotated[
        Path, typer.Argument(help="标准 Standard, csv / xlsx / xls", exists=True, dir_okay=False)
    ],
    *,
    district_code: DistrictOption,
    days: Annotated[
        Days,
        typer.Option(
            help="“天”是 wd 工作日还是 nd 自然日 What a day is",
            show_choices=False,
            show_default=False,
        ),
    ] = "",
    hours: Annotated[
        Hours,
        typer.Option(
            help="“小时”是 wh 工作时还是 nh 自然时 What an hour is",
            show_choices=False,
            show_default=False,
        ),
    ] = "",
    name: Name = NAME,
    preview: Annotated[
        bool, typer.Option("--preview", help="只看与现行版的不同 Show what differs, write nothing")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """载入立案处置标准：大类、小类、立案条件、时限 Publish a standard of items as a version.

    退出码 Exit codes: 0 已载入 done; 2 用法或文件有误 wrong usage or file; 3 部分行没有载入
    some rows were left out, each is named.
    """
    with explained():
        standard = _read(source, days, hours)
    with district(data, district_code) as services:
        engine = services.engine
        planned = plan_catalogue(run(engine.refresh), standard.rows, name=name)
        if not preview and not planned.unchanged:
            run(lambda: publish_catalogue(engine, planned))
    _told(planned, standard, preview=preview, as_json=as_json)


def _read(source: Path, days: str, hours: str) -> Standard:
    try:
        return read_standard(source, days=days, hours=hours)
    except BareDuration as refusal:
        mend = "这份标准没有写明夜间和节假日算不算：请加 --days wd|nd 和 --hours wh|nh"
        fail(f"{refusal}{mend}（{refusal.code}）", WRONG_USAGE)


def _told(planned: Planned, standard: Standard, *, preview: bool, as_json: bool) -> None:
    differs = planned.difference
    if as_json:
        document(_document(planned, standard))
    else:
        counts = (len(differs.added), len(differs.changed), len(differs.removed))
        told = "新增 {}  变更 {}  不再列入 {}".format(*counts)
        result(f"{told}  未载入的行 {len(standard.rejected)}")
        for sign, codes in (("+", differs.added), ("~", differs.changed), ("-", differs.removed)):
            for code in codes if planned.base is not None else ():
                result(f"{sign} {code}")
        for row in standard.rejected:
            result(f"第 {row.row} 行\t{row.source_id}\t{row.code}\t{row.reason}")
        say(_outcome(planned, preview=preview))
    if standard.rejected:
        raise typer.Exit(SOME_REJECTED)


def _outcome(planned: Planned, *, preview: bool) -> str:
    fact = planned.fact
    if planned.unchanged:
        return f"目录 {fact.name} 已是这一版（第 {fact.version} 版），不需要载入。"
    done = "将成为" if preview else "已载入"
    written = "；只是预览，没有写入" if preview else ""
    return (
        f"{done}目录 {fact.name} 第 {fact.version} 版，{planned.conditions} 条立案条件{written}。"
    )


def _document(planned: Planned, standard: Standard) -> dict[str, Any]:
    differs, fact = planned.difference, planned.fact
    return {
        "name": fact.name,
        "version": fact.version,
        "previous_version": planned.base,
        "hash": fact.hash,
        "unchanged": planned.unchanged,
        "read": standard.read,
        "conditions": planned.conditions,
        "items": len(fact.document["items"]),
        "added": list(differs.added),
        "changed": list(differs.changed),
        "removed": list(differs.removed),
        "rejected": [
            {"row": one.row, "source_id": one.source_id, "reason": f"{one.code}：{one.reason}"}
            for one in standard.rejected
        ],
    }


@catalogue.command("list")
def list_catalogues(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出目录的各个版本和准入的社区工作事项 List versions, and what communities admitted."""
    with district(data, district_code) as services:
        known = run(services.engine.refresh).catalogues
        today = today_of(services.engine)
    versions = [_version(one) for many in known.published.values() for one in many]
    admitted = [
        {
            "item": one.item,
            "title": one.title,
            "department": one.department,
            "people": one.people,
            "money": one.money,
            "since": one.since.isoformat(),
        }
        for item in known.admitted
        if (one := known.admitted_on(item, today)) is not None
    ]
    if as_json:
        document({"catalogues": versions, "admitted": admitted})
        return
    for row in versions:
        result(f"{row['name']}\t第 {row['version']} 版\t{row['items']} 项\t{row['hash'][:12]}")
    for row in admitted:
        result(f"准入\t{row['item']}\t{row['title']}\t{row['people']} 人\t{row['money']} 元/年")


def _version(one: Catalogue) -> dict[str, Any]:
    return {"name": one.name, "version": one.version, "hash": one.hash, "items": len(one.items)}


@catalogue.command("show")
def show(
    item: Annotated[str, typer.Argument(help="目录项编码 Code of an item")],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """显示一个目录项的立案条件、时限和结案条件 Show an item, condition by condition."""
    with district(data, district_code) as services:
        found = run(services.engine.refresh).catalogues.find(item)
    if found is None:
        fail(f"事项目录里没有“{item}”；用 bihuan catalogue list 查看目录", WRONG_USAGE)
    version, known = found
    if as_json:
        document({**_version(version), **_item(known)})
        return
    result(
        f"{known.code}\t{known.sort}/{known.major}/{known.minor}\t{version.name}@{version.version}"
    )
    for one in known.conditions:
        result(f"{one.number}\t{one.limit}\t立案：{one.condition}\t结案：{one.closing}")


def _item(item: Item) -> dict[str, Any]:
    return {
        "code": item.code,
        "sort": item.sort,
        "major": item.major,
        "minor": item.minor,
        "conditions": [
            {
                "number": one.number,
                "condition": one.condition,
                "closing": one.closing,
                "limit": one.limit,
            }
            for one in item.conditions
        ],
    }
