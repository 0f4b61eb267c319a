"""`bihuan export`: a ledger as a workbook or CSV, now, as of, or as known at a moment."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.commands.shared import AsOf, DataOption, DistrictOption, KnownAt, district, moment
from app.output import WRONG_USAGE, fail, say
from projections import sheet
from projections.export import write_csv, write_xlsx
from projections.ledgers import LEDGERS


def export(
    ledger: Annotated[str, typer.Argument(help=f"台账 Ledger: {'、'.join(LEDGERS)}")],
    *,
    district_code: DistrictOption,
    out: Annotated[Path, typer.Option(help="输出文件 Output, .xlsx / .csv", dir_okay=False)],
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """导出台账 Export a ledger."""
    if ledger not in LEDGERS:
        fail(f"没有台账“{ledger}”。可用：{'、'.join(LEDGERS)}", WRONG_USAGE)
    if out.suffix not in {".xlsx", ".csv"}:
        fail(f"不认识的输出格式“{out.suffix}”。请用 .xlsx 或 .csv", WRONG_USAGE)
    chosen = LEDGERS[ledger]
    now = datetime.now(UTC)
    with (
        district(data, district_code) as services,
        services.database.connection() as connection,
        services.database.connection() as texts,
        chosen.extract(
            connection,
            scope=None,
            filters={},
            as_of=moment(as_of),
            known_at=moment(known_at),
            now=now,
        ) as extract,
    ):
        columns = sheet.headings(chosen)
        shown = sheet.revealed(extract.items, chosen.columns, texts, services.vault)
        rows = sheet.table(shown, columns)
        told = sheet.provenance(
            chosen,
            district=district_code,
            as_of=extract.as_of,
            position=extract.position,
            final=extract.final,
            filters={},
            now=now,
        )
        if out.suffix == ".csv":
            write_csv(out, columns, rows)
        else:
            write_xlsx(out, chosen.title, columns, rows, told)
    say(f"已导出{chosen.title}到 {out}（位点 {extract.position}）。")
