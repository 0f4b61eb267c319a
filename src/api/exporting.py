"""A ledger as a file: csv or xlsx, with unit names instead of ids, and a sheet of provenance."""

import tempfile
from collections.abc import Generator, Mapping
from typing import BinaryIO, Final, cast

from msgspec import Struct

from api.times import shown
from domain.directory import Directory
from projections import export, sheet, workbook
from projections.ledger import Extract
from projections.query import Column, Kind
from projections.readable import Readable

MEMORY_BYTES: Final = 1 << 20
CHUNK_BYTES: Final = 1 << 16
CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES: Final = {"csv": CSV, "xlsx": XLSX}
_KINDS: Final[dict[Kind, export.Kind]] = {
    "text": "text",
    "time": "datetime",
    "date": "date",
    "number": "number",
    "flag": "text",
    "unit": "text",
    "person": "text",
    "reference": "text",
}


class Provenance(Struct, frozen=True):
    """Under what conditions a file was made."""

    asked: Mapping[str, str]
    """Filters and moments as they were given."""
    district: str


def listed(ledger: Readable) -> list[Column]:
    """Return the columns that leave the house: a sealed text's place is of no use outside."""
    return [column for column in ledger.columns if column.kind != "reference"]


def write_file(
    form: str,
    ledger: Readable,
    extract: Extract,
    directory: Directory,
    provenance: Provenance,
) -> BinaryIO:
    """Write all rows into a temporary file, so that a slow reader keeps no transaction open."""
    target = cast("BinaryIO", tempfile.SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115 - read later
    columns = listed(ledger)
    shown_columns = [export.Column(one.name, one.label, _KINDS[one.kind]) for one in columns]
    rows = sheet.table(sheet.in_words(extract.items, columns, directory), shown_columns)
    if form == "csv":
        export.write_csv(target, shown_columns, rows)
    else:
        notes = _notes(ledger, extract, provenance)
        layout = ledger.layout
        workbook.write_xlsx(target, ledger.title, shown_columns, rows, notes, layout=layout)
    target.seek(0)
    return target


def chunks(source: BinaryIO) -> Generator[bytes]:
    """Yield a file piece by piece, then close it."""
    with source:
        while piece := source.read(CHUNK_BYTES):
            yield piece


def _notes(ledger: Readable, extract: Extract, provenance: Provenance) -> dict[str, str]:
    conditions = "；".join(f"{name}={value}" for name, value in provenance.asked.items())
    return {
        "台账": ledger.title,
        "区县": provenance.district,
        "截至": shown(extract.as_of) if extract.as_of else "导出时",
        "位点": str(extract.position),
        "条件": conditions or "无",
    }
