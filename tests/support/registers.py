"""Registers as a desk keeps them: written as files, imported by the command, read back."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import openpyxl
import psycopg

from tests.support.commands import PROJECT, Bihuan, Done

DEMO: Final = PROJECT / "src" / "app" / "demo"
HEADERS: Final = (
    "留言编号",
    "留言用户",
    "留言主题",
    "留言时间",
    "留言详情",
    "答复意见",
    "答复时间",
)

Row = Sequence[object]


@dataclass(frozen=True)
class Desk:
    """Somebody who imports registers of one source system."""

    bihuan: Bihuan
    district: str
    system: str
    mapping: Path
    folder: Path

    def register(self, *rows: Row, headers: Row = HEADERS, encoding: str = "utf-8") -> Path:
        path = self.folder / "登记簿.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([headers, *rows])
        return path

    def workbook(self, *rows: Row, headers: Row = HEADERS) -> Path:
        book = openpyxl.Workbook()
        sheet = book.active
        for row in (headers, *rows):
            sheet.append(list(row))
        path = self.folder / "登记簿.xlsx"
        book.save(path)
        book.close()
        return path

    def takes(self, path: Path, *more: object, ends: int = 0) -> Any:  # noqa: ANN401 - JSON
        words = ("--json", *more)
        return import_file(
            self.bihuan, self.district, path, *words, mapping=self.mapping, ends=ends
        ).document

    def replay(self, source_id: str) -> Any:  # noqa: ANN401 - JSON
        case = f"{self.system}/{source_id}"
        return self.bihuan("replay", case, "--district", self.district, "--json").document

    def times(self, source_id: str) -> tuple[str, str | None]:
        """Return when the case was reported and closed, in Shanghai."""
        facts = self.replay(source_id)["facts"]
        at = {fact["type"]: fact["occurred_at"] for fact in facts}
        return at["case-reported"], at.get("case-closed")


def row(
    number: object, reported: object, reply: object = "已处理。", closed: object = "", **other: str
) -> Row:
    subject = other.get("subject", "路灯不亮")
    return (number, "周大爷", subject, reported, "东头第二盏。", reply, closed)


def position(bihuan: Bihuan, code: str) -> int:
    with psycopg.connect(bihuan.dsn) as connection:
        row = connection.execute(f"SELECT position FROM d{code}.ledger").fetchone()
    assert row
    return int(row[0])


def import_file(
    bihuan: Bihuan, code: str, path: Path, *more: object, mapping: Path | None = None, ends: int = 0
) -> Done:
    words = ("--district", code, "--mapping", mapping or DEMO / "mapping.yaml", *more)
    return bihuan("import", "cases", path, *words, code=ends)


def report(**counts: int) -> dict[str, Any]:
    return {"read": 0, "created": 0, "unchanged": 0, "updated": 0, "rejected": []} | counts
