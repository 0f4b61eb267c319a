"""`bihuan codes`: tables that translate other systems' categories, and what they lack."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    follow,
    run,
)
from app.output import document, result, say
from app.register.cells import text_of
from app.register.errors import ColumnError
from app.register.tables import Table, read_table
from projections.categories import unmapped
from workflows.catalogues import BadCodeTable, known_codes, publish_codes, unknown_categories

codes = typer.Typer(help="类别对照表 Tables of other systems' codes", no_args_is_help=True)

COLUMNS: Final = {
    "code": ("code", "编码", "来源编码"),
    "category": ("category", "类别", "本系统类别"),
}


@codes.command("load")
def load(
    source: Annotated[
        Path, typer.Argument(help="code,category 两列 csv / xlsx", exists=True, dir_okay=False)
    ],
    *,
    district_code: DistrictOption,
    system: Annotated[str, typer.Option(help="来源系统 Source system, 如 hotline")],
    data: DataOption = None,
) -> None:
    """载入一个来源系统的类别对照表 Publish a table of another system's codes, as a version."""
    with explained():
        pairs = _pairs(source)
    with district(data, district_code) as services:
        fact = run(lambda: publish_codes(services.engine, system, pairs))
        strange = unknown_categories(services.engine.reference, pairs)
    if strange:
        say(f"注意：这些类别不在事项目录中，照样使用：{'、'.join(strange[:10])}。")
    result(f"{fact.system}\t第 {fact.version} 版\t{len(fact.codes)} 条")


def _pairs(source: Path) -> dict[str, str]:
    """Read the two columns.

    Raises:
        TableError, ColumnError: the file cannot be read, or lacks a column.
        BadCodeTable: a code stands there twice, with different categories.
    """
    table = read_table(source)
    code, category = (_place(table, name) for name in COLUMNS)
    found: dict[str, str] = {}
    for row in table.rows():
        theirs, ours = text_of(row.cells[code]), text_of(row.cells[category])
        if found.setdefault(theirs, ours) != ours:
            raise BadCodeTable(detail=f"第 {row.number} 行的编码“{theirs}”前面已有另一类别")
    return found


def _place(table: Table, name: str) -> int:
    for header in COLUMNS[name]:
        if header in table.headers:
            return table.headers.index(header)
    present = "、".join(filter(None, table.headers))
    raise ColumnError([f"对照表缺少 {name} 列。现有的列：{present}。"], code="missing-column")


@codes.command("list")
def list_tables(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出各来源系统的对照表 List the tables, version by version."""
    with district(data, district_code) as services:
        tables = run(services.engine.refresh).catalogues.tables
    rows = [
        {"system": one.system, "version": one.version, "codes": len(one.codes)}
        for versions in tables.values()
        for one in versions
    ]
    if as_json:
        document(rows)
        return
    for row in rows:
        result(f"{row['system']}\t第 {row['version']} 版\t{row['codes']} 条")


@codes.command("unmapped")
def list_unmapped(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出对照表里没有的来源编码及件数 List codes that no table translates; none is refused."""
    with district(data, district_code) as services:
        follow(services)
        known = known_codes(run(services.engine.refresh))
        with services.database.connection() as connection:
            rows = unmapped(connection, known)
    if as_json:
        document([msgspec.to_builtins(row) for row in rows])
        return
    for row in rows:
        result(f"{row.system}\t{row.code}\t{row.cases} 件\t最近 {row.latest}")
