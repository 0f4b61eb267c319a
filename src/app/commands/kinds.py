"""`bihuan kinds`: the kinds of case of a district, and checking a file before it is published."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    run,
)
from app.output import WRONG_USAGE, document, fail, result, say
from workflows.administration import activate_kind, publish_kind
from workflows.language import compile_kind, read_source, remarks

kinds = typer.Typer(help="事项类型 Kinds of case", no_args_is_help=True)

Definition = Annotated[Path, typer.Argument(help="YAML", exists=True, dir_okay=False)]


@kinds.command("check")
def check(definition: Definition, *, as_json: JsonOption = False, data: DataOption = None) -> None:
    """检查定义文件，不写入 Check a definition, write nothing; needs no database."""
    del data
    text = _text_of(definition)
    with explained():
        kind = compile_kind(text)
        warnings = remarks(text)
    for warning in warnings:
        say(f"请注意：{warning}。")
    if as_json:
        members = {"name": kind.name, "version": kind.version, "hash": kind.hash}
        document({**members, "warnings": warnings})
        return
    stages, actions = len(kind.stages), len(kind.actions)
    result(f"可用：{kind.title} {kind.name}@{kind.version}，{stages} 个环节、{actions} 个操作")
    result(kind.hash)


@kinds.command("list")
def list_kinds(
    *, district_code: DistrictOption, as_json: JsonOption = False, data: DataOption = None
) -> None:
    """列出事项类型 List the kinds."""
    with district(data, district_code) as services:
        reference = run(services.engine.refresh)
    rows = [
        {
            "name": kind.name,
            "version": kind.version,
            "title": kind.title,
            "hash": kind.hash,
            "active": reference.active.get(kind.name) == kind.hash,
        }
        for kind in reference.kinds.values()
    ]
    if as_json:
        document(rows)
        return
    for row in rows:
        state = "启用" if row["active"] else "未启用"
        result(f"{row['name']}@{row['version']}\t{row['title']}\t{state}\t{row['hash']}")


@kinds.command("publish")
def publish(
    definition: Definition,
    *,
    district_code: DistrictOption,
    activate: Annotated[bool, typer.Option(help="发布后即启用 Activate for new cases")] = False,
    data: DataOption = None,
) -> None:
    """发布事项类型的新版本 Publish a version of a kind; open cases keep theirs."""
    with district(data, district_code) as services:
        source = read_source(_text_of(definition))

        async def work() -> None:
            await services.engine.refresh()
            await publish_kind(services.engine, source)
            if activate:
                await activate_kind(services.engine, source.name, source.hash)

        run(work)
    say(f"已发布{'并启用' if activate else ''} {source.name}@{source.version}。")
    result(source.hash)


def _text_of(definition: Path) -> str:
    """Return a definition's text; a byte order mark is what editors leave."""
    try:
        return definition.read_text("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{definition} 不是 UTF-8 文本。请另存为 UTF-8。", WRONG_USAGE)
