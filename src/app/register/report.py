"""What came of an import: the numbers as JSON, and the rejected rows as a workbook to mend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.register.cells import Cell
from app.register.records import RejectedRow
from app.register.tables import Table
from projections.export import Column
from projections.workbook import write_xlsx


@dataclass(slots=True)
class ImportReport:
    """Counts of one import: read = created + unchanged + updated + the rejected."""

    read: int = 0
    created: int = 0
    unchanged: int = 0
    updated: int = 0
    rejected: list[RejectedRow] = field(default_factory=list[RejectedRow])

    def as_json(self) -> dict[str, object]:
        """Return the answer as interface.md promises it; a reason begins with its stable code."""
        return {
            "read": self.read,
            "created": self.created,
            "unchanged": self.unchanged,
            "updated": self.updated,
            "rejected": [
                {"row": one.row, "source_id": one.source_id, "reason": f"{one.code}：{one.reason}"}
                for one in self.rejected
            ],
        }


def write_rejections(path: Path, rows: Iterable[RejectedRow], source_table: Table) -> None:
    """Write the rejected rows as they stood, with their row number and the reason in red.

    The source is read once more, so that the cells are the original ones, dates as dates.
    """
    rejected = {one.row: one for one in rows}
    columns = [
        Column("row", "原行号", "number"),
        Column("reason", "退回原因", "text", alarm=True),
        *(
            Column(f"column_{place}", header, "any")
            for place, header in enumerate(source_table.headers)
        ),
    ]
    write_xlsx(
        path,
        "退回的行",
        columns,
        _rejected_rows(rejected, source_table),
        {"说明": "这些行没有导入。请按退回原因在原表中改正后重新导入；已导入的行不会重复。"},
    )


def _rejected_rows(
    rejected: dict[int, RejectedRow], source_table: Table
) -> Iterator[Sequence[Cell]]:
    for row in source_table.rows():
        if one := rejected.get(row.number):
            yield (row.number, f"{one.code}：{one.reason}", *row.cells)
