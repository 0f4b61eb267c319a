"""`bihuan export`: a ledger as a workbook or CSV, now, as of, or as known at a moment."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

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
from projections import sheet
from projections.export import write_csv
from projections.ledgers import LEDGERS
from projections.readable import QUERIES, Readable
from projections.registers.language import SHIPPED
from projections.workbook import write_xlsx

ALL: Final = "all"
"""What people write who mean every ledger."""


def export(
    ledger: Annotated[str, typer.Argument(help="台账 Ledger，如 cases、hazards")],
    *,
    district_code: DistrictOption,
    out: Annotated[Path, typer.Option(help="输出文件 Output, .xlsx / .csv", dir_okay=False)],
    as_of: AsOf = "",
    known_at: KnownAt = "",
    data: DataOption = None,
) -> None:
    """导出台账 Export a ledger."""
    if ledger == ALL:
        fail(f"一次导出一个台账。可用：{'、'.join([*LEDGERS, *SHIPPED])}", WRONG_USAGE)
    if out.suffix not in {".xlsx", ".csv"}:
        fail(f"不认识的输出格式“{out.suffix}”。请用 .xlsx 或 .csv", WRONG_USAGE)
    with explained():
        moments = {"as_of": moment(as_of), "known_at": moment(known_at)}
    with district(data, district_code) as services:
        known: dict[str, Readable] = {**services.ledgers, **QUERIES}
        found = known.get(ledger)
        if found is None:
            fail(f"没有台账“{ledger}”。可用：{'、'.join(known)}", WRONG_USAGE)
        follow(services)
        position = _write(services, found, out, moments)
    say(f"已导出{found.title}到 {out}（位点 {position}）。")


def _write(
    services: DistrictServices,
    ledger: Readable,
    out: Path,
    moments: dict[str, datetime | None],
) -> int:
    """Write the ledger's rows with their texts; return the position they stand at."""
    reference = run(services.engine.refresh)
    now, directory = reference.now(real_clock()), reference.directory
    with (
        services.database.connection() as connection,
        services.database.connection() as texts,
        ledger.extract(connection, scope=None, filters={}, now=now, **moments) as extract,
    ):
        columns = sheet.headings(ledger)
        shown = sheet.revealed(extract.items, ledger.columns, texts, services.vault)
        rows = sheet.table(sheet.in_words(shown, ledger.columns, directory), columns)
        if out.suffix == ".csv":
            write_csv(out, columns, rows)
            return extract.position
        told = sheet.provenance(
            ledger,
            district=services.id,
            as_of=extract.as_of,
            position=extract.position,
            final=extract.final,
            filters={},
            now=now,
        )
        write_xlsx(out, ledger.title, columns, rows, told, layout=ledger.layout)
        return extract.position
