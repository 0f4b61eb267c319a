"""`bihuan registers`: the registers of a district, from a file to the day they are retired."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.registers import activate, look_at, publish, retire, version_of, versions
from api.services import DistrictServices
from app.commands.kind_files import text_of
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, follow, run
from app.output import FAILED, document, progress, result, say
from app.wiring import real_clock
from eventlog.written import Problem
from projections import sheet
from projections.query import Column
from projections.rebuild import RebuildHalted
from projections.registers.language import BadRegister, Register, shipped_registers
from projections.registers.previewing import MOST_CASES, Preview, preview
from workflows.kind_report import plain, said
from workflows.language import compile_kind, shipped_sources
from workflows.reference import Reference

registers = typer.Typer(help="自定台账 Registers as data", no_args_is_help=True)

Definition = Annotated[Path, typer.Argument(help="YAML", exists=True, dir_okay=False)]
Definitions = Annotated[list[Path], typer.Argument(help="YAML", exists=True, dir_okay=False)]
Name = Annotated[str, typer.Argument(help="台账名称 Register")]
STATES = {"active": "启用", "published": "未启用", "retired": "已停用"}


@registers.command("check")
def check(
    definitions: Definitions, *, as_json: JsonOption = False, data: DataOption = None
) -> None:
    """检查定义文件，不写入 Check definitions against the shipped kinds; needs no database.

    退出码 Exit codes: 0 都可以发布 all may be published; 1 有错误 there are problems.
    """
    del data
    kinds = Reference(kinds={one.hash: compile_kind(one.text) for one in shipped_sources()})
    told: list[dict[str, Any]] = []
    broken = False
    for file in definitions:
        text = text_of(file)
        try:
            found = look_at(text, kinds)
        except BadRegister as bad:
            broken = True
            told.append(_plain(file, None, bad.found, text))
            _say_problems(file, bad, text, quiet=as_json)
        else:
            told.append(_plain(file, found, (), text))
            _say_good(found, quiet=as_json)
    if as_json:
        document(told)
    if broken:
        raise typer.Exit(FAILED)


@registers.command("list")
def list_registers(
    *, district_code: DistrictOption, as_json: JsonOption = False, data: DataOption = None
) -> None:
    """列出台账的各个版本 List the versions of all registers."""
    with district(data, district_code) as services:
        found = versions(run(services.engine.refresh).definitions)
    if as_json:
        members = ("name", "version", "title", "hash", "state", "shipped")
        document([{member: getattr(one, member) for member in members} for one in found])
        return
    for one in found:
        origin = "随程序" if one.shipped else "自定"
        words = (f"{one.name}@{one.version}", one.title, STATES[one.state], origin, one.hash)
        result("\t".join(words))


@registers.command("show")
def show(
    name: Name,
    *,
    district_code: Annotated[str, typer.Option("--district", help="区县代码 District")] = "",
    data: DataOption = None,
) -> None:
    """打印定义原文 Print a definition."""
    if district_code:
        with district(data, district_code) as services:
            definitions = run(services.engine.refresh).definitions
        for one in definitions.in_use("register"):
            if one.name == name:
                result(one.source.rstrip("\n"))
                return
    for register in shipped_registers():
        if register.name == name and not district_code:
            result(register.text.rstrip("\n"))
            return
    known = "、".join(register.name for register in shipped_registers())
    say(f"没有台账“{name}”。随程序的：{known}")
    raise typer.Exit(FAILED)


@registers.command("preview")
def preview_command(
    definition: Definition,
    *,
    district_code: DistrictOption,
    rows: Annotated[int, typer.Option(min=1, max=500, help="行数 Rows")] = 10,
    cases: Annotated[
        int, typer.Option(min=1, max=100_000, help="看最近多少件 Of the latest cases")
    ] = MOST_CASES,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """预览：前几行和合计，不发布、不写入 First rows and counts; publishes nothing."""
    with district(data, district_code) as services:
        found = _looked(services, definition)
        follow(services)
        now = services.engine.reference.now(real_clock())
        shown = preview(services.database, found, scope=None, now=now, rows=rows, cases=cases)
        listed = _revealed(services, found, shown)
    if as_json:
        document({"items": listed, "summary": shown.summary, "cases": shown.cases})
        return
    _say_preview(found, shown, listed)


@registers.command("publish")
def publish_command(
    definition: Definition,
    *,
    district_code: DistrictOption,
    activate_too: Annotated[
        bool, typer.Option("--activate", help="发布后即启用 Take it into use")
    ] = False,
    data: DataOption = None,
) -> None:
    """发布台账的新版本 Publish a version; what is in use stays in use."""
    with district(data, district_code) as services:
        found = _looked(services, definition)
        done = run(lambda: publish(services, found))
        say(f"{'已发布' if done else '此前已发布'} {found.name}@{found.version} {found.title}。")
        if activate_too:
            _activate(services, found.name, found.version)
    result(found.hash)


@registers.command("activate")
def activate_command(
    name: Name,
    version: Annotated[str, typer.Argument(help="版本 Version, 如 1.0.0")],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
) -> None:
    """启用一个版本：先在旁边建好，再换上；其间原来的照常可读 Build beside, then turn to it.

    中断后重新运行，从中断处继续 Run it again after an interruption: it goes on.
    """
    with district(data, district_code) as services:
        _activate(services, name, version)


@registers.command("retire")
def retire_command(name: Name, *, district_code: DistrictOption, data: DataOption = None) -> None:
    """停用台账；再次启用用 activate Retire a register."""
    with district(data, district_code) as services:
        done = run(lambda: retire(services, name))
    say(f"{name} {'已停用' if done else '此前已停用'}；办理记录都在，再次启用用 activate。")


def _activate(services: DistrictServices, name: str, version: str) -> None:
    known = version_of(run(services.engine.refresh).definitions, name, version)
    with progress(f"建台账 {name}") as bar:
        [task] = bar.task_ids

        def told(done: int, head: int) -> None:
            bar.update(task, completed=done, total=head)

        try:
            done = run(lambda: activate(services, known, progress=told))
        except RebuildHalted as halted:
            say(str(halted))
            raise typer.Exit(FAILED) from None
    say(f"{name}@{version} {'已启用' if done else '本来就在启用'}。")


def _looked(services: DistrictServices, definition: Path) -> Register:
    """Check a file against the district's kinds; what is wrong with it ends the command."""
    text = text_of(definition)
    try:
        return look_at(text, run(services.engine.refresh))
    except BadRegister as bad:
        _say_problems(definition, bad, text, quiet=False)
        raise typer.Exit(FAILED) from None


def _say_problems(file: Path, bad: BadRegister, text: str, *, quiet: bool) -> None:
    if quiet:
        return
    for problem in bad.found:
        for line in said(problem, file.name, text):
            say(line)
    say(f"错误：{file.name} 共 {len(bad.found)} 处，改正之后才能发布（{bad.code}）。")


def _say_good(found: Register, *, quiet: bool) -> None:
    if quiet:
        return
    ledger = found.ledger
    headings = "、".join(column.label for column in ledger.columns)
    result(f"可用：{found.title} {found.name}@{found.version}，{len(ledger.columns)} 列")
    result(found.hash)
    result(f"  各列：{headings}")
    result(f"  筛选：{'、'.join(one.label for one in ledger.filters.values())}")


def _plain(
    file: Path, found: Register | None, problems: tuple[Problem, ...], text: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"file": file.name, "valid": found is not None}
    if found is not None:
        told |= {"name": found.name, "version": found.version, "hash": found.hash}
    return told | {"problems": [plain(one, text) for one in problems]}


def _revealed(services: DistrictServices, found: Register, shown: Preview) -> list[dict[str, Any]]:
    columns, directory = found.ledger.columns, services.engine.reference.directory
    with services.database.connection() as texts:
        items = sheet.revealed(shown.items, columns, texts, services.vault)
        return list(sheet.in_words(items, columns, directory))


def _say_preview(found: Register, shown: Preview, listed: list[dict[str, Any]]) -> None:
    few = "" if shown.whole else f"（只看了最近 {shown.cases} 件）"
    say(f"{found.title} {found.name}@{found.version} 预览{few}，没有写入任何内容。")
    result("\t".join(column.label for column in found.ledger.columns))
    for item in listed:
        result("\t".join(_cell(item, column) for column in found.ledger.columns))
    for name, value in shown.summary.items():
        if name not in {"as_of", "position", "final"}:
            result(f"{name}：{value}")


def _cell(item: dict[str, Any], column: Column) -> str:
    value = sheet.cell(item[column.name])
    return "" if value is None else str(value)
