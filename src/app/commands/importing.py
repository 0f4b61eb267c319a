"""`bihuan import`: the directory, and the registers that a district kept before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.services import DistrictServices
from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    follow,
    run,
)
from app.imports import check_fits, import_rows
from app.output import SOME_REJECTED, document, progress, result, say
from app.register.directory import read_directory
from app.register.mapping_file import load_mapping
from app.register.report import ImportReport, write_rejections
from app.register.rows import open_register, read_register
from app.register.workbook import is_workbook, read_workbook
from workflows.administration import DirectoryChange, UnitRow, import_directory
from workflows.directory_office import import_book

importing = typer.Typer(help="导入 Import", no_args_is_help=True)

Source = Annotated[Path, typer.Argument(help="csv / xlsx / xls", exists=True, dir_okay=False)]


@importing.command("directory")
def directory(
    source: Source,
    *,
    district_code: DistrictOption,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """导入组织目录：code,name,level,parent，或整本工作簿 Import units; a bad file changes nothing.

    工作簿 A workbook has the sheets 单元、岗位、人员任职、关系, as `directory export` writes them.
    """
    if is_workbook(source):
        _import_book(source, district_code, data, as_json=as_json)
        return
    with district(data, district_code) as services:
        table = read_directory(source)
        for note in table.notes:
            say(note)
        rows = [UnitRow(row.code, row.name, row.level, row.parent) for row in table.rows]
        change: DirectoryChange = run(lambda: import_directory(services.engine, rows))
    counts = {
        "read": len(rows),
        "created": change.established,
        "updated": change.changed,
        "unchanged": change.unchanged,
    }
    _print(counts, as_json=as_json)


def _import_book(source: Path, code: str, data: Path | None, *, as_json: bool) -> None:
    with district(data, code) as services:
        known = run(services.engine.refresh).directory
        book, notes = read_workbook(source, known)
        for note in notes:
            say(note)
        change = run(lambda: import_book(services.engine, book))
    if as_json:
        document({"read": len(book.units), **msgspec.to_builtins(change)})
        return
    told = "单元 {}  岗位 {}  人员 {}  任职 {}  关系 {}".format(*msgspec.structs.astuple(change))
    result(f"变更：{told}" if change.total else "与现有目录一致，没有变更")


@importing.command("cases")
def cases(
    source: Source,
    *,
    district_code: DistrictOption,
    mapping: Annotated[
        Path, typer.Option(help="字段映射 Mapping (YAML)", exists=True, dir_okay=False)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只检查不写入 Check only, write nothing")
    ] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="退回行写到 Workbook of rejected rows (.xlsx)")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """导入原有台账；重复导入不会重复建案 Import a register; the same file again changes nothing.

    退出码 Exit codes: 0 完成 done; 2 用法有误 wrong usage; 3 部分行被退回 some rows were rejected.
    """
    with district(data, district_code) as services:
        report = _import(services, source, mapping, dry_run=dry_run)
    # A dry run leaves nothing behind unless it is told to.
    if report.rejected and (rejected or not dry_run):
        _write_rejected(report, source, mapping, rejected)
    if as_json:
        document(report.as_json())
    else:
        _print({k: v for k, v in report.as_json().items() if k != "rejected"}, as_json=False)
        if dry_run:
            say("只检查，没有写入。")
        for row in report.rejected:
            result(f"第 {row.row} 行\t{row.source_id}\t{row.code}\t{row.reason}")
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def _write_rejected(report: ImportReport, source: Path, mapping: Path, wanted: Path | None) -> None:
    """Write the rejected rows with their reasons, beside the register unless told where."""
    path = wanted or source.with_name(f"{source.stem}-退回.xlsx")
    with explained():
        table = open_register(source, load_mapping(mapping))
        try:
            write_rejections(path, report.rejected, table)
        except OSError as error:
            say(f"写不了退回表 {path}（{error.strerror}）。请用 --rejected 另写一处。")
            return
    say(f"退回 {len(report.rejected)} 行，原因见 {path}")


def _import(
    services: DistrictServices, source: Path, mapping: Path, *, dry_run: bool
) -> ImportReport:
    """Import, then carry the ledgers to the end of the log."""
    rules = load_mapping(mapping)
    engine = services.engine

    async def work() -> ImportReport:
        check_fits((await engine.refresh()).kind(rules.kind), rules)
        rows = read_register(source, rules, now=engine.now())
        return await import_rows(
            engine, rows, advance=lambda n: bar.advance(task, n), dry_run=dry_run
        )

    with progress("导入 importing") as bar:
        task = bar.task_ids[0]
        report = run(work)
    with progress("台账 ledgers"):
        follow(services)
    return report


def _print(counts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        document(counts)
        return
    titles = {"read": "读入", "created": "新建", "unchanged": "未变", "updated": "更新"}
    result("  ".join(f"{title} {counts[name]}" for name, title in titles.items()))
