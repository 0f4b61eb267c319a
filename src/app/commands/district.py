"""`bihuan district`: founding districts, and which there are."""

from typing import Annotated

import typer

from api.registers import bring_registers
from app.commands.shared import DataOption, JsonOption, run, site
from app.migrate import create_district
from app.output import document, result, say
from workflows.administration import found

district = typer.Typer(help="区县 Districts", no_args_is_help=True)


@district.command("add")
def add(
    code: Annotated[str, typer.Argument(help="GB/T 2260 代码 Code, 如 610327")],
    *,
    name: Annotated[str, typer.Option(help="名称 Name")],
    trial: Annotated[
        bool, typer.Option("--trial", help="试运行：时钟可设 Trial: its clock can be set")
    ] = False,
    data: DataOption = None,
) -> None:
    """启用一个区县：建库、公布工作日历、启用随程序的事项类型和台账 Found a district."""
    with site(data) as opened:
        if code not in opened.districts():
            create_district(opened.dsn, code)
        with opened.open(code) as services:
            run(lambda: found(services.engine, code, name, trial=trial))
            bring_registers(services)
    say(f"已启用{'试运行' if trial else ''}区县 {code} {name}。")


@district.command("list")
def list_districts(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """列出区县 List the districts."""
    with site(data) as opened:
        rows: list[dict[str, object]] = []
        for code in opened.districts():
            with opened.open(code) as services:
                founded = run(services.engine.refresh).district
                trial = founded.trial if founded else None
                rows.append({"id": code, "name": founded.name if founded else "", "trial": trial})
    if as_json:
        document(rows)
        return
    for row in rows:
        result(f"{row['id']}\t{row['name']}\t{'试运行' if row['trial'] else '正式'}")
