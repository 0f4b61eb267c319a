"""Ledgers written out for people: xlsx with a sheet that says what it shows, and csv.

Both stream: rows may come from a cursor, and memory does not grow with their number.
"""

# XlsxWriter's signatures are partly untyped.
# pyright: reportUnknownMemberType=false

import csv
import math
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from itertools import chain, islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, Final, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Value = str | int | float | bool | datetime | date | time | timedelta | None
Kind = Literal["text", "number", "datetime", "date", "any"]

BEIJING: Final = timezone(timedelta(hours=8))
# Excel's own limits: UTF-16 units in a cell, rows in a sheet (the first is the header).
CELL_UNITS: Final = 32_767
SHEET_ROWS: Final = 1_048_575
_EXACT_INTEGER: Final = 10**15
_FIRST_EXCEL_YEAR: Final = 1900
_LONG_TEXT_SHEET: Final = "长文本"
_NOTES_SHEET: Final = "说明"
_SAMPLE: Final = 100
_NARROWEST: Final = 8
_WIDEST: Final = 60
# The same input gives the same bytes, so the file carries no moment of its own making.
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter writes it as it stands
# What neither XML nor UTF-8 can carry: controls, lone surrogates, non-characters.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA_STARTS: Final = tuple("=+-@\t\r＝＋－＠")
_SHEET_NAME_TABOO: Final = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a workbook's sheet looks, beside its columns; by the columns' names."""

    title: str = ""
    """Of the sheet; empty: as the ledger is called."""
    frozen: int = 0
    """So many columns stay in sight."""
    widths: Mapping[str, int] = field(default_factory=dict[str, int])
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Headings above several columns that stand side by side."""


PLAIN: Final = Layout()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `kind` tells how its values are shown; `alarm` shows them in red.

    `any` follows each value's own type.
    """

    name: str
    label: str
    kind: Kind = "text"
    alarm: bool = False


def write_xlsx(
    target: Path | BinaryIO,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Value]],
    provenance: Mapping[str, str],
    *,
    sheet_rows: int = SHEET_ROWS,
    layout: Layout = PLAIN,
) -> None:
    """Write a workbook: the rows, then «说明» with `provenance` (as-of moment, position, filter).

    Moments become real Excel dates of +08:00. Nothing becomes a formula or a link. A text
    beyond 32,767 UTF-16 units goes on in «长文本»; rows beyond `sheet_rows` on further sheets.

    Raises:
        ValueError: a moment without zone in a column of kind `datetime`.
    """
    with _kept_whole(target) as stream, TemporaryFile() as draft:
        workbook = xlsxwriter.Workbook(draft, {"constant_memory": True})
        try:
            workbook.set_properties({"title": title, "created": _CREATED})
            named = layout.title or title
            _Book(workbook, named, columns, provenance, sheet_rows, layout).write(rows)
        finally:
            workbook.close()  # also on failure: it removes the sheets' own temporary files
        draft.seek(0)
        copyfileobj(draft, stream)


@contextmanager
def _kept_whole(target: Path | BinaryIO) -> Generator[BinaryIO]:
    """Open the target; a path only comes to hold the new file when it is complete."""
    if not isinstance(target, Path):
        yield target
        return
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


class _Book:
    """A workbook being written, front to back."""

    def __init__(
        self,
        workbook: xlsxwriter.Workbook,
        title: str,
        columns: Sequence[Column],
        provenance: Mapping[str, str],
        sheet_rows: int,
        layout: Layout,
    ) -> None:
        self._workbook = workbook
        self._layout = layout
        self._head_line = 1 if layout.groups else 0
        """The headings' row: headings of groups stand above it."""
        self._title = _SHEET_NAME_TABOO.sub(" ", title).strip("'")[:24] or "台账"
        self._columns = columns
        self._provenance = provenance
        self._sheet_rows = sheet_rows
        self._long_text: Worksheet | None = None
        self._long_rows = 0
        head = {"bold": True, "bg_color": "#D9E7F5", "border": 1, "text_wrap": True}
        self._head = self._format(**head, valign="vcenter")
        self._group = self._format(**head, valign="vcenter", align="center")
        self._moment = "yyyy-mm-dd hh:mm:ss"
        self._formats = {
            (kind, alarm): self._format(
                **({"num_format": number} if number else {}),
                **({"font_color": "#C00000", "bold": True} if alarm else {}),
                valign="top",
            )
            for kind, number in (
                ("text", "@"),
                ("number", ""),
                ("datetime", self._moment),
                ("date", "yyyy-mm-dd"),
            )
            for alarm in (False, True)
        }

    def _format(self, **properties: object) -> Format:
        return self._workbook.add_format(properties)

    def write(self, rows: Iterable[Sequence[Value]]) -> None:
        remaining = iter(rows)
        sample = list(islice(remaining, min(_SAMPLE, self._sheet_rows)))
        given = self._layout.widths
        widths = [
            given.get(column.name) or _width(column, sample, place)
            for place, column in enumerate(self._columns)
        ]
        number = 1
        sheet, name = self._open(number, widths)
        self._write_notes()
        line = 0
        for row in chain(sample, remaining):
            if line == self._sheet_rows:
                self._finish(sheet, line)
                number += 1
                sheet, name = self._open(number, widths)
                line = 0
            line += 1
            for place, (column, value) in enumerate(zip(self._columns, row, strict=True)):
                at = (line + self._head_line, place)
                self._write_value(sheet, name, at, column, value)
        self._finish(sheet, line)

    def _open(self, number: int, widths: Sequence[int]) -> tuple[Worksheet, str]:
        name = self._title if number == 1 else f"{self._title} ({number})"
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(self._head_line + 1, self._frozen())
        self._write_groups(sheet)
        for place, (column, width) in enumerate(zip(self._columns, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(self._head_line, place, _writable(column.label), self._head)
        return sheet, name

    def _frozen(self) -> int:
        """Return how many columns stay: the id comes before those that are counted."""
        ahead = 1 if self._columns and self._columns[0].name == "id" else 0
        return self._layout.frozen + ahead if self._layout.frozen else 0

    def _write_groups(self, sheet: Worksheet) -> None:
        for label, names in self._layout.groups:
            places = [at for at, one in enumerate(self._columns) if one.name in names]
            if len(places) > 1:
                sheet.merge_range(0, places[0], 0, places[-1], _writable(label), self._group)
            elif places:
                sheet.write_string(0, places[0], _writable(label), self._group)

    def _finish(self, sheet: Worksheet, lines: int) -> None:
        if self._columns:
            first = self._head_line
            sheet.autofilter(first, 0, first + lines, len(self._columns) - 1)

    def _write_notes(self) -> None:
        sheet = self._workbook.add_worksheet(_NOTES_SHEET)
        sheet.set_column(0, 0, 16)
        sheet.set_column(1, 1, 80)
        limit = f"超过 {CELL_UNITS} 字的内容，其余部分在工作表“{_LONG_TEXT_SHEET}”；时间为北京时间"
        for line, (label, text) in enumerate((*self._provenance.items(), ("格式", limit))):
            sheet.write_string(line, 0, _writable(label), self._head)
            sheet.write_string(line, 1, _parts(_writable(text))[0], self._formats["text", False])

    def _write_value(
        self, sheet: Worksheet, name: str, at: tuple[int, int], column: Column, value: Value
    ) -> None:
        line, place = at
        if value is None or value == "":
            return
        shown = _shown(value, column.kind)
        if isinstance(shown, datetime):
            sheet.write_datetime(line, place, shown, self._formats["datetime", column.alarm])
        elif isinstance(shown, date):
            midnight = datetime.combine(shown, time.min)
            sheet.write_datetime(line, place, midnight, self._formats["date", column.alarm])
        elif isinstance(shown, str):
            first, *others = _parts(shown)
            sheet.write_string(line, place, first, self._formats["text", column.alarm])
            for part, text in enumerate(others, start=2):
                self._write_long_text(name, line + 1, column.label, part, text)
        else:
            sheet.write_number(line, place, shown, self._formats["number", column.alarm])

    def _write_long_text(self, name: str, row: int, label: str, part: int, text: str) -> None:
        sheet = self._long_text
        if sheet is None:
            sheet = self._long_text = self._workbook.add_worksheet(_LONG_TEXT_SHEET)
            sheet.freeze_panes(1, 0)
            sheet.set_column(4, 4, _WIDEST)
            for place, head in enumerate(("工作表", "行", "列", "段", "内容")):
                sheet.write_string(0, place, head, self._head)
        self._long_rows += 1
        line = self._long_rows
        sheet.write_string(line, 0, name)
        sheet.write_number(line, 1, row)
        sheet.write_string(line, 2, _writable(label))
        sheet.write_number(line, 3, part)
        sheet.write_string(line, 4, text, self._formats["text", False])


def _shown(value: Value, kind: Kind) -> str | int | float | datetime | date:
    """Return what Excel can hold of a value: a Beijing moment, a day, an exact number, a text."""
    match value:
        case datetime():
            moment = _beijing(value, kind)
            return moment if moment.year >= _FIRST_EXCEL_YEAR else moment.isoformat(sep=" ")
        case date():
            return value if value.year >= _FIRST_EXCEL_YEAR else value.isoformat()
        case bool():
            return "是" if value else "否"
        case int() | float():
            exact = math.isfinite(value) and abs(value) < _EXACT_INTEGER
            return value if exact and kind != "text" else str(value)
        case _:
            return _writable(str(value))


def _beijing(moment: datetime, kind: Kind) -> datetime:
    """Return the wall clock of +08:00; a source cell (kind `any`) may be naive and stays."""
    if moment.tzinfo is None:
        if kind != "any":
            raise ValueError(f"a moment needs its zone: {moment!r}")
        return moment.replace(microsecond=0)
    return moment.astimezone(BEIJING).replace(microsecond=0, tzinfo=None)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _parts(text: str) -> list[str]:
    """Cut a text into pieces that a cell can hold, never through a character."""
    if len(text) * 2 <= CELL_UNITS:
        return [text]
    parts: list[str] = []
    start = units = 0
    for place, character in enumerate(text):
        size = 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 - beyond it: a surrogate pair
        if units + size > CELL_UNITS:
            parts.append(text[start:place])
            start, units = place, 0
        units += size
    return [*parts, text[start:]]


def _width(column: Column, sample: Iterable[Sequence[Value]], place: int) -> int:
    """Return a width in characters from the label and the first rows; Chinese counts double."""
    if column.kind == "datetime":
        return 20
    lengths = (_display_length(cell) for row in sample for cell in row[place : place + 1])
    widest = max((_display_length(column.label) + 3, *lengths))
    return min(max(widest + 1, _NARROWEST), _WIDEST)


def _display_length(value: Value) -> int:
    if isinstance(value, datetime):
        return 19
    first_line = str("" if value is None else value)[:_WIDEST].partition("\n")[0]
    return sum(2 if character > "\u2e7f" else 1 for character in first_line)


def write_csv(
    target: Path | BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Value]]
) -> None:
    """Write `iter_csv` into a file or a binary stream."""
    with _kept_whole(target) as stream:
        for chunk in iter_csv(columns, rows):
            stream.write(chunk)


def iter_csv(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """Yield a csv row by row: UTF-8 with BOM and CRLF, as Excel opens it; moments of +08:00.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.

    Raises:
        ValueError: a moment without zone in a column of kind `datetime`.
    """
    line = _Line()
    writer = csv.writer(line, lineterminator="\r\n")
    writer.writerow([_escaped(_writable(column.label)) for column in columns])
    yield b"\xef\xbb\xbf" + line.taken()
    for row in rows:
        writer.writerow(
            [_csv_text(value, column) for column, value in zip(columns, row, strict=True)]
        )
        yield line.taken()


class _Line:
    """The one line that the csv writer has just written."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str) -> None:
        self._text += text

    def taken(self) -> bytes:
        text, self._text = self._text, ""
        return text.encode()


def _csv_text(value: Value, column: Column) -> str:
    match value:
        case None:
            return ""
        case datetime():
            wall = _beijing(value, column.kind)
            return wall.isoformat() if value.tzinfo is None else f"{wall.isoformat()}+08:00"
        case str():
            return _escaped(_writable(value))
        case bool():
            return "是" if value else "否"
        case _:
            return str(value)


def _escaped(text: str) -> str:
    """OWASP's list of formula starts, their full-width twins, also behind blanks."""
    risky = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if risky else text
