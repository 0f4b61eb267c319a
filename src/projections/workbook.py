"""Tables as Excel workbooks: the rows on as many sheets as they need, and what they show.

Rows stream: they may come from a cursor, and memory does not grow with their number.
"""

# XlsxWriter's signatures are partly untyped.
# pyright: reportUnknownMemberType=false

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import chain, count, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO, Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from projections.export import PLAIN, Column, Kind, Layout, Value, kept_whole, writable
from projections.workbook_cells import CELL_UNITS, Cells, Styles, parts

SHEET_ROWS: Final = 1_048_575
"""Excel's limit of a sheet's rows, after the headings."""
_LONG_TEXT_SHEET: Final = "长文本"
_LONG_TEXT_HEADS: Final = ("工作表", "行", "列", "段", "内容")
_NOTES_SHEET: Final = "说明"
_SAMPLE: Final = 100
_NARROWEST: Final = 8
_WIDEST: Final = 60
# Beyond it a file within an archive needs the longer form of its head.
_LARGE: Final = 1 << 30
# The same input gives the same bytes, so the file carries no moment of its own making.
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter writes it as it stands
_SHEET_NAME_TABOO: Final = re.compile(r"[\[\]:*?/\\]")
_FORMS: Final[Mapping[Kind, str]] = {
    "text": "@",
    "number": "",
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "date": "yyyy-mm-dd",
}
"""How Excel shows each kind of value."""


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
    with kept_whole(target) as stream, TemporaryFile() as draft, ExitStack() as aside:
        workbook = xlsxwriter.Workbook(draft, {"constant_memory": True})
        try:
            workbook.set_properties({"title": title, "created": _CREATED})
            named = layout.title or title
            book = _Book(workbook, named, columns, sheet_rows, layout, aside)
            book.write(rows, provenance)
        finally:
            workbook.close()  # also on failure: it removes the sheets' own temporary files
        _pack(draft, stream, book.rows)


def _pack(draft: IO[bytes], stream: IO[bytes], rows: Mapping[str, Cells]) -> None:
    """Copy the book, with the rows in their sheets."""
    with ZipFile(draft) as made, ZipFile(stream, "w", ZIP_DEFLATED) as packed:
        for part in made.infolist():
            content, cells = made.read(part), rows.get(part.filename)
            large = cells is not None and cells.size > _LARGE
            with packed.open(part, "w", force_zip64=large) as entry:
                if cells is None:
                    entry.write(content)
                else:
                    cells.put(content, entry)


class _Sheet(NamedTuple):
    """A sheet of the book, and its rows."""

    name: str
    made: Worksheet
    cells: Cells


class _Book:
    """A workbook being written, front to back."""

    def __init__(
        self,
        workbook: xlsxwriter.Workbook,
        title: str,
        columns: Sequence[Column],
        sheet_rows: int,
        layout: Layout,
        aside: ExitStack,
    ) -> None:
        self.rows: dict[str, Cells] = {}
        """By the part of the file that holds their sheet."""
        self._workbook = workbook
        self._layout = layout
        self._head_line = 1 if layout.groups else 0
        """The headings' row: headings of groups stand above it."""
        self._title = _SHEET_NAME_TABOO.sub(" ", title).strip("'")[:24] or "台账"
        self._columns = columns
        self._sheet_rows = sheet_rows
        self._aside = aside
        self._long_text: _Sheet | None = None
        self._styles = count(1)
        head: dict[str, object] = {"bold": True, "bg_color": "#D9E7F5", "border": 1}
        head |= {"text_wrap": True, "valign": "vcenter"}
        self._head, _ = self._style(**head)
        _, self._group = self._style(**head, align="center")
        self._plain = self._styles_of(alarm=False)
        self._alarming = self._styles_of(alarm=True)

    def _style(self, **properties: object) -> tuple[int, Format]:
        """Add a style under the next number; 0 is the book's own."""
        number = next(self._styles)
        return number, self._workbook.add_format({**properties, "xf_index": number})

    def _styles_of(self, *, alarm: bool) -> Styles:
        red = {"font_color": "#C00000", "bold": True} if alarm else {}
        return {
            kind: self._style(**({"num_format": form} if form else {}), **red, valign="top")[0]
            for kind, form in _FORMS.items()
        }

    def write(self, rows: Iterable[Sequence[Value]], provenance: Mapping[str, str]) -> None:
        remaining = iter(rows)
        sample = list(islice(remaining, min(_SAMPLE, self._sheet_rows)))
        given = self._layout.widths
        widths = [
            given.get(column.name) or _width(column, sample, place)
            for place, column in enumerate(self._columns)
        ]
        number = 1
        sheet = self._open(number, widths)
        self._write_notes(provenance)
        full = self._head_line + 1 + self._sheet_rows
        for row in chain(sample, remaining):
            if sheet.cells.line == full:
                self._finish(sheet)
                number += 1
                sheet = self._open(number, widths)
            sheet.cells.add(row)
            if sheet.cells.spilt:
                self._write_long_texts(sheet)
        self._finish(sheet)

    def _open(self, number: int, widths: Sequence[int]) -> _Sheet:
        styles: list[tuple[Kind, Styles]] = [
            (column.kind, self._alarming if column.alarm else self._plain)
            for column in self._columns
        ]
        name = self._title if number == 1 else f"{self._title} ({number})"
        sheet = self._add_sheet(name, styles, widths, above=self._head_line)
        sheet.made.freeze_panes(self._head_line + 1, self._frozen())
        self._write_groups(sheet.made)
        sheet.cells.head([column.label for column in self._columns], self._head)
        return sheet

    def _add_sheet(
        self,
        name: str,
        styles: Sequence[tuple[Kind, Styles]],
        widths: Sequence[int],
        *,
        above: int = 0,
    ) -> _Sheet:
        made = self._workbook.add_worksheet(name)
        for place, width in enumerate(widths):
            made.set_column(place, place, width)
        cells = self._aside.enter_context(closing(Cells(styles, above=above)))
        self.rows[f"xl/worksheets/sheet{len(self.rows) + 1}.xml"] = cells
        return _Sheet(name, made, cells)

    def _frozen(self) -> int:
        """Return how many columns stay: the id comes before those that are counted."""
        ahead = 1 if self._columns and self._columns[0].name == "id" else 0
        return self._layout.frozen + ahead if self._layout.frozen else 0

    def _write_groups(self, made: Worksheet) -> None:
        for label, names in self._layout.groups:
            places = [at for at, one in enumerate(self._columns) if one.name in names]
            # A blank before it: what looks like markup would be taken for it.
            text = writable(label) if not label.startswith("<") else f" {writable(label)}"
            if len(places) > 1:
                made.merge_range(0, places[0], 0, places[-1], text, self._group)
            elif places:
                made.write_string(0, places[0], text, self._group)

    def _finish(self, sheet: _Sheet) -> None:
        if self._columns:
            last = sheet.cells.line - 1
            sheet.made.autofilter(self._head_line, 0, last, len(self._columns) - 1)

    def _write_notes(self, provenance: Mapping[str, str]) -> None:
        heads: Styles = dict.fromkeys(_FORMS, self._head)
        sheet = self._add_sheet(_NOTES_SHEET, [("text", heads), ("text", self._plain)], [16, 80])
        limit = f"超过 {CELL_UNITS} 字的内容，其余部分在工作表“{_LONG_TEXT_SHEET}”；时间为北京时间"
        for label, text in (*provenance.items(), ("格式", limit)):
            sheet.cells.add([label, parts(writable(text))[0]])

    def _write_long_texts(self, sheet: _Sheet) -> None:
        if self._long_text is None:
            kinds: tuple[Kind, ...] = ("text", "number", "text", "number", "text")
            styles: list[tuple[Kind, Styles]] = [(kind, self._plain) for kind in kinds]
            widths = [16, 8, 16, 8, _WIDEST]
            self._long_text = self._add_sheet(_LONG_TEXT_SHEET, styles, widths)
            self._long_text.made.freeze_panes(1, 0)
            self._long_text.cells.head(_LONG_TEXT_HEADS, self._head)
        for line, place, others in sheet.cells.spilt:
            for part, text in enumerate(others, start=2):
                label = self._columns[place].label
                self._long_text.cells.add([sheet.name, line, label, part, text])
        sheet.cells.spilt.clear()


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
