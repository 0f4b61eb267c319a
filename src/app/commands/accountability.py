"""`bihuan accountability`: 四定三包 by case, leader, unit or campaign, as a workbook or CSV."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final

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


WAYS: Final[dict[str, tuple[Grouping | None, str]]] = {
    "cases": (None, "每个事项一行、七格；xlsx 为可打印的挂图 One line a case; the chart to print."),
    "leaders": ("leader", "按包案领导合计 By leader."),
    "units": ("unit", "按牵头单位合计，含下级 By unit, with its subordinates."),
    "campaigns": ("campaign", "按专项行动合计 By campaign."),
}
"""The commands: by what each counts, and how it explains itself."""


def _command(by: Grouping | None) -> Callable[..., None]:
    """Return the command that writes the cases, or their groups by `by`."""

    def export(
        *,
        district_code: DistrictOption,
        out: Out,
        filters: Filters = None,
        as_of: AsOf = "",
        known_at: KnownAt = "",
        data: DataOption = None,
    ) -> None:
        with explained():
            moments = {"as_of": moment(as_of), "known_at": moment(known_at)}
        _export(by, data, district_code, out, filters or [], moments)

    return export


for _name, (_by, _help) in WAYS.items():
    accountability.command(_name, help=_help)(_command(_by))


def _export(
    by: Grouping | None,
    data: Path | None,
    code: str,
    out: Path,
    filters: list[str],
    moments: dict[str, datetime | None],
) -> None:
    if out.suffix not in {".xlsx", ".csv"}:
        fail(f"不认识的输出格式“{out.suffix}”。请用 .xlsx 或 .csv", WRONG_USAGE)
    given = [one.partition("=") for one in filters]
    pairs = {name: value for name, _, value in given}
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
