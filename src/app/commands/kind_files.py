"""`bihuan kinds check` and `draw`: what a definition says, and what is wrong with it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.shared import DataOption, JsonOption, district, explained, run
from app.output import FAILED, WRONG_USAGE, document, fail, result, say
from domain.kind import Kind
from workflows.kind_drawing import svg
from workflows.kind_pages import mermaid, page, write_pages
from workflows.kind_report import Checked, plain, said
from workflows.kind_report import check as looked_at
from workflows.kind_tables import Table, tables
from workflows.kind_words import PHASE_TITLES
from workflows.language import SHIPPED, compile_kind, published_kind, shipped_sources
from workflows.migrating import version

Definition = Annotated[Path, typer.Argument(help="YAML", exists=True, dir_okay=False)]


class Form(StrEnum):
    """In which form a kind is drawn."""

    page = "page"
    mermaid = "mermaid"
    table = "table"
    svg = "svg"


def check(definition: Definition, *, as_json: JsonOption = False, data: DataOption = None) -> None:
    """检查定义文件，不写入 Check a definition, write nothing; needs no database.

    退出码 Exit codes: 0 可以发布 may be published; 1 有错误 there are problems;
    2 不是 UTF-8 文本 no UTF-8 text.
    """
    del data
    text = text_of(definition)
    checked = looked_at(text)
    if as_json:
        document(_plain(checked))
    else:
        _say(checked, definition.name)
    if checked.problems:
        raise typer.Exit(FAILED)


def _say(checked: Checked, file: str) -> None:
    for problem in checked.problems:
        for line in said(problem, file, checked.text):
            say(line)
    for warning in checked.warnings:
        first, *rest = said(warning, file, checked.text)
        for line in (f"请注意：{first}", *rest):
            say(line)
    kind = checked.kind
    if kind is None:
        say(f"错误：共 {len(checked.problems)} 处，改正之后才能发布（bad-kind）。")
        return
    stages, actions = len(kind.stages), len(kind.actions)
    result(f"可用：{kind.title} {kind.name}@{kind.version}，{stages} 个环节、{actions} 个操作")
    result(kind.hash)
    for line in summary(kind, checked.tables):
        result(line)


def summary(kind: Kind, shown: list[Table]) -> list[str]:
    """Return what was understood, in lines that anybody can follow."""
    lines = ["", "一件事这样走："]
    for phase, title in PHASE_TITLES.items():
        here = [stage.title for stage in kind.stages.values() if stage.phase == phase]
        if here:
            lines.append(f"  {title}：{'、'.join(here)}")
    for table in shown:
        if table.title != "环节":
            lines += ["", f"{table.title}："]
            lines += [f"  {_row(table, row)}" for row in table.rows]
    return lines


def _row(table: Table, row: tuple[str, ...]) -> str:
    """Say a row of a table as one line: what it is about, and then what is known of it."""
    rest = zip(table.headings[1:], row[1:], strict=True)
    return f"{row[0]}：" + "；".join(f"{heading} {cell}" for heading, cell in rest if cell)


def _plain(checked: Checked) -> dict[str, Any]:
    told: dict[str, Any] = {
        "valid": checked.kind is not None,
        "problems": [plain(one, checked.text) for one in checked.problems],
        "warnings": [plain(one, checked.text) for one in checked.warnings],
    }
    kind = checked.kind
    if kind is None:
        return told
    described = [
        {"title": one.title, "headings": one.headings, "rows": one.rows} for one in checked.tables
    ]
    known = {"name": kind.name, "version": kind.version, "hash": kind.hash, "title": kind.title}
    return {**known, **told, "tables": described}


def draw(
    kind: Annotated[str, typer.Argument(help="类型名称或定义文件 A kind, or a file")] = "",
    *,
    form: Annotated[Form, typer.Option("--format", help="形式 What to draw")] = Form.page,
    out: Annotated[
        Path | None,
        typer.Option(help="写入文件 Write to a file", dir_okay=False, show_default=False),
    ] = None,
    pages: Annotated[
        Path | None,
        typer.Option(
            help="为随程序的每个类型写一页 A page a shipped kind, into this folder",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    district_code: Annotated[
        str, typer.Option("--district", help="画该区县启用的版本 As this district has it")
    ] = "",
    data: DataOption = None,
) -> None:
    """画出流转图和“谁能办什么”的表 Draw a kind: SVG, Mermaid, and plain tables in Markdown."""
    if (pages is None) == (not kind):
        fail("请写类型名称或定义文件，或用 --pages 文件夹，二者选一", WRONG_USAGE)
    if pages is not None:
        shipped = [compile_kind(source.text) for source in shipped_sources()]
        changed = write_pages(shipped, pages)
        say(f"已写 {len(shipped)} 个类型的页面，改动 {len(changed)} 个文件。")
        return
    with explained():
        drawn = _drawn(_kind(kind, district_code, data), form)
    if out is None:
        result(drawn)
    else:
        out.write_text(drawn + "\n", "utf-8")
        say(f"已写入 {out}。")


def _drawn(kind: Kind, form: Form) -> str:
    match form:
        case Form.mermaid:
            return mermaid(kind)
        case Form.table:
            return "\n\n".join(f"## {one.title}\n\n{one.markdown()}" for one in tables(kind))
        case Form.svg:
            return svg(kind)
        case Form.page:
            return page(kind).rstrip("\n")


def _kind(named: str, code: str, data: Path | None) -> Kind:
    """Return the kind of a file, of a district, or of those that ship."""
    if code:
        name, _, wanted = named.partition("@")
        with district(data, code) as services:
            reference = run(services.engine.refresh)
        return version(reference, name, wanted) if wanted else reference.kind(name)
    path = Path(named)
    if path.is_file():
        return published_kind(text_of(path))
    known = {source.name: source for source in shipped_sources()} if named in SHIPPED else {}
    if named not in known:
        kinds = "、".join(SHIPPED)
        fail(f"没有文件“{named}”，也没有这个随程序的类型；可用：{kinds}", WRONG_USAGE)
    return compile_kind(known[named].text)


def text_of(definition: Path) -> str:
    """Return a definition's text; a byte order mark is what editors leave."""
    try:
        return definition.read_text("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{definition} 不是 UTF-8 文本。请另存为 UTF-8。", WRONG_USAGE)
