"""A table file as rows of cells, each with the row number that a person sees in Excel."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from python_calamine import (
    CalamineError,
    CalamineSheet,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,  # pyright: ignore[reportUnknownVariableType] - its PathLike has no parameter
)

from app.register.cells import Cell, clean, text_of
from app.register.encodings import detect_encoding
from app.register.errors import TableError

_WORKBOOK_STARTS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DELIMITERS: Final = ",\t;"
# Put after the last line: when it does not come back alone, a quote was never closed.
_SENTINEL: Final = "\uf8ff"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` counts as Excel shows it. `surplus`: a CSV row wider than its header."""

    number: int
    cells: tuple[Cell, ...]
    surplus: bool = False


class Table:
    """A table with its header; `rows()` may be called again and reads the file afresh."""

    def __init__(self, source: "_Text | _Sheet", header_row: int) -> None:
        self.header_row = header_row
        self._source = source
        header = next(islice(source.records(), header_row - 1, None), None)
        self.headers = tuple(text_of(cell) for cell in header or ())
        if not any(self.headers):
            raise TableError(
                "no-header",
                f"第 {header_row} 行没有表头。请用 header_row 写明表头在第几行。",
            )

    def rows(self) -> Iterator[Row]:
        """Rows below the header; empty rows are skipped but counted."""
        width = len(self.headers)
        for number, cells in enumerate(self._source.records(), start=1):
            if number <= self.header_row or not any(text_of(cell) for cell in cells):
                continue
            surplus = self._source.delimited and any(text_of(cell) for cell in cells[width:])
            padded = tuple(cells[:width]) + (None,) * (width - len(cells))
            yield Row(number, padded, surplus)


def read_table(path: Path, *, header_row: int = 1, sheet: str | None = None) -> Table:
    """Open a csv, xlsx, xls or ods file; what it is shows in its bytes, not in its name.

    Text files are read row by row. A workbook's sheet is held in memory by its library.
    `sheet` names a worksheet; without it the first visible one is read.

    Raises:
        TableError: the file is missing, damaged, protected, in an unknown encoding or empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        reason = "文件不存在" if isinstance(error, FileNotFoundError) else "文件打不开"
        raise TableError("unreadable-table", f"{reason}：{path}。请核对路径和权限。") from error
    if start.startswith(_WORKBOOK_STARTS):
        return Table(_open_sheet(path, sheet), header_row)
    _refuse_strangers(path, start)
    if sheet is not None:
        raise TableError("unknown-sheet", f"文本表格没有工作表“{sheet}”，请去掉 sheet。")
    return Table(_open_text(path, header_row), header_row)


def _refuse_strangers(path: Path, start: bytes) -> None:
    if not start.strip():
        raise TableError("unreadable-table", f"文件是空的：{path.name}。")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise TableError(
            "unreadable-table",
            f"{path.name} 实际上是网页格式的表格。请用 Excel 打开后另存为 xlsx 再试。",
        )


@dataclass(frozen=True, slots=True)
class _Text:
    """A delimited text file."""

    path: Path
    encoding: str
    delimiter: str
    delimited: bool = True

    def records(self) -> Iterator[Sequence[Cell]]:
        """One list a record, blank lines included, as Excel numbers them."""
        number = 1
        with self.path.open(encoding=self.encoding, newline="") as file:
            lines = chain(_ended(file), [_SENTINEL])
            reader = csv.reader(lines, delimiter=self.delimiter)
            try:
                for number, record in enumerate(reader, start=1):
                    if record == [_SENTINEL]:
                        return
                    if record and record[-1].endswith(_SENTINEL):
                        raise _unclosed(number)
                    yield record
            except csv.Error as error:  # a cell beyond the csv module's limit
                raise _unclosed(number + 1) from error


def _unclosed(number: int) -> TableError:
    return TableError(
        "unclosed-quote",
        f"从第 {number} 行起有一个引号没有配对，"
        "后面的内容连成了一格（超过 13 万字的一格也会如此）。请补上或去掉这个引号。",
    )


def _ended(file: io.TextIOBase) -> Iterator[str]:
    """Give the last line its newline, so that the sentinel stands alone."""
    for line in file:
        yield line if line.endswith(("\n", "\r")) else line + "\n"


def _open_text(path: Path, header_row: int) -> _Text:
    """Take the delimiter that cuts the header into most cells; comma when in doubt."""
    encoding = detect_encoding(path)
    candidates = [_Text(path, encoding, delimiter) for delimiter in _DELIMITERS]

    def width(text: _Text) -> int:
        return len(next(islice(text.records(), header_row - 1, None), ()))

    return max(candidates, key=width)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A worksheet; calamine holds it in memory and counts its rows from the sheet's first."""

    sheet: CalamineSheet
    delimited: bool = False

    def records(self) -> Iterator[Sequence[Cell]]:
        return self.sheet.iter_rows()


def _open_sheet(path: Path, wanted: str | None) -> _Sheet:
    try:
        with path.open("rb") as file:
            workbook = load_workbook(file)
        names = [
            meta.name
            for meta in workbook.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet
            and (wanted is not None or meta.visible == SheetVisibleEnum.Visible)
        ]
        name = _choose(names, wanted)
        return _Sheet(workbook.get_sheet_by_name(name))
    except PasswordError as error:
        raise TableError(
            "unreadable-table", f"{path.name} 有密码保护。请去掉密码另存后再试。"
        ) from error
    except CalamineError as error:
        raise TableError(
            "unreadable-table",
            f"{path.name} 读不出来，可能已损坏或加了密码。请用 Excel 打开并另存为 xlsx 后再试。",
        ) from error


def sheets_of(path: Path) -> list[str]:
    """Return the names of a workbook's sheets; what is no workbook has none."""
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(_WORKBOOK_STARTS):
                return []
            file.seek(0)
            return load_workbook(file).sheet_names
    except (CalamineError, OSError):
        return []


def _choose(names: Sequence[str], wanted: str | None) -> str:
    if wanted is None and names:
        return names[0]
    for name in names:
        if wanted is not None and clean(name) == clean(wanted):
            return name
    listed = "、".join(names) or "无"
    raise TableError("unknown-sheet", f"没有工作表“{wanted or ''}”；文件里有：{listed}。")
