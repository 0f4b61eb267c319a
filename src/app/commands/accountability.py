"""`bihuan accountability`: 四定三包 by case, leader, unit or campaign, as a workbook or CSV."""

from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from api.services import DistrictServices
from app.commands.shared import (
    AsOf,
    DataOption,
    DistrictOption,
    KnownAt,
    district,
    explained,
    follow,
    moment,
    run,
)
from app.output import WRONG_USAGE, fail, say
from app.wiring import real_clock
from projections.accountability import Asked, Grouping
from projections.accountability_files import write_cases, write_groups
from projections.query import Moment
from projections.wall_chart import Naming
from workflows.directory_office import names_of

accountability = typer.Typer(
    name="accountability", help="四定三包 Who answers for what", no_args_is_help=True
)

Out = Annotated[Path, typer.Option(help="输出文件 Output, .xlsx / .csv", dir_okay=False)]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", help="筛选 Filter, 如 status=late、open=all；可多次", metavar="名称=值"
    ),
]


@accountability.command()
def cases(
    *,
    district_code: DistrictOption,
    out: Out,
    filters: Filters = None,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """每个事项一行、七格；xlsx 为可打印的挂图 One line a case; the chart to print."""
    _export(None, district_code, out, filters, as_of, known_at, data)


@accountability.command()
def leaders(
    *,
    district_code: DistrictOption,
    out: Out,
    filters: Filters = None,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """按包案领导合计 By leader."""
    _export("leader", district_code, out, filters, as_of, known_at, data)


@accountability.command()
def units(
    *,
    district_code: DistrictOption,
    out: Out,
    filters: Filters = None,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """按牵头单位合计，含下级 By unit, with its subordinates."""
    _export("unit", district_code, out, filters, as_of, known_at, data)


@accountability.command()
def campaigns(
    *,
    district_code: DistrictOption,
    out: Out,
    filters: Filters = None,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """按专项行动合计 By campaign."""
    _export("campaign", district_code, out, filters, as_of, known_at, data)


def _export(
    by: Grouping | None,
    code: str,
    out: Path,
    filters: list[str] | None,
    as_of: str,
    known_at: str,
    data: Path | None,
) -> None:
    if out.suffix not in {".xlsx", ".csv"}:
        fail(f"不认识的输出格式“{out.suffix}”。请用 .xlsx 或 .csv", WRONG_USAGE)
    given = [one.partition("=") for one in filters or []]
    pairs = {name: value for name, _, value in given}
    with explained():
        moments = {"as_of": moment(as_of), "known_at": moment(known_at)}
    with district(data, code) as services:
        follow(services)
        reference = run(services.engine.refresh)
        asked = Asked(
            scope=None,
            kinds=reference.kinds,
            directory=reference.directory,
            filters=pairs,
            now=reference.now(real_clock()),
            marked=by == "campaign",
            **moments,
        )
        part = out.with_name(f".{out.name}.part")
        try:
            with part.open("wb") as target:
                found = _write(by, services, target, asked, out.suffix.removeprefix("."))
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    say(f"已导出四定三包到 {out}（位点 {found.position}）。")


def _write(
    by: Grouping | None, services: DistrictServices, target: BinaryIO, asked: Asked, form: str
) -> Moment:
    naming = Naming(asked.directory, names_of(services.engine))
    with services.database.connection() as connection:
        if by is None:
            return write_cases(target, form, connection, asked, naming, services.id)
        return write_groups(target, form, connection, asked, by, naming, services.id)
