"""The rows of a workbook's sheets, in the form in which XlsxWriter streams them.

XlsxWriter makes the book: styles, sheets, widths, filters. Of each sheet it leaves out the rows,
for which it takes most of a minute to a million cells; they are written aside, and put into
their place when the book is packed (docs/decisions/0014).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple
from xml.sax.saxutils import escape

from projections.export import Kind, Value, beijing, writable

CELL_UNITS: Final = 32_767
"""Excel's limit of a cell's text, in UTF-16 units."""
# Characters of rows that are held back before they are encoded and written.
_HELD: Final = 1 << 16
_COPIED: Final = 1 << 20
# Longer texts hardly come twice.
_REMEMBERED: Final = 64
# A text that reads like an escape (ECMA-376 part 1, 22.9.2.19: ST_Xstring).
_ESCAPE: Final = re.compile("(_x[0-9a-fA-F]{4}_)")
# Nothing in it that needs a second look: most texts.
_HARMLESS: Final = re.compile("[^&<>_\\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]*").fullmatch
_EXACT_INTEGER: Final = 10**15
_FIRST_EXCEL_YEAR: Final = 1900
_EPOCH: Final = datetime(1899, 12, 31)  # noqa: DTZ001 - a cell of Excel knows no zone
# Excel counts a 29 February 1900, which never was.
_MISTAKEN_DAY: Final = 59
_DAY_SECONDS: Final = 86_400
# Most moments by far: of these the wall clock of +08:00 need not be made.
_SINCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_DAYS: Final = 25_569
_AHEAD_SECONDS: Final = 8 * 3600
_DIMENSION: Final = re.compile(rb'<dimension ref="[^"]*"/>')
_NO_ROWS: Final = b"<sheetData/>"
_BEGIN: Final = b"<sheetData>"
_END: Final = b"</sheetData>"

Styles = Mapping[Kind, int]
"""The book's number of the style, for each kind of value that a column shows."""


class Spilt(NamedTuple):
    """What a cell could not hold of its text."""

    line: int
    place: int
    parts: Sequence[str]


class _Column(NamedTuple):
    """What the cells of a column are made of, around their place and value."""

    begin: str
    kind: Kind
    text: str
    moment: str
    day: str
    number: str


def _styled(styles: Styles) -> tuple[str, str, str, str]:
    kinds: tuple[Kind, ...] = ("datetime", "date", "number")
    moment, day, number = (f'" s="{styles[kind]}"><v>' for kind in kinds)
    return f'" s="{styles["text"]}"', moment, day, number


class Cells:
    """The rows of one sheet, from the top; `line` counts those that stand."""

    def __init__(self, columns: Sequence[tuple[Kind, Styles]], *, above: int = 0) -> None:
        """Begin below `above` rows that the book itself holds."""
        self.line = above
        self.spilt: list[Spilt] = []
        self._columns = [
            _Column(f'<c r="{_letter(place)}', kind, *_styled(styles))
            for place, (kind, styles) in enumerate(columns)
        ]
        self._rows: list[str] = []
        self._held = 0
        self._written = 0
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - `close` closes it

    @property
    def size(self) -> int:
        """So many bytes are written."""
        return self._written

    def head(self, labels: Iterable[str], style: int) -> None:
        """Add a row of headings."""
        at = str(self.line + 1)
        self._add(
            f'{column.begin}{at}" s="{style}"{_text(label)}'
            for column, label in zip(self._columns, labels, strict=True)
        )

    def add(self, values: Sequence[Value]) -> None:
        """Add a row.

        Raises:
            ValueError: a moment without zone; more values than columns, or fewer.
        """
        at = f"{self.line + 1}"
        row: list[str] = []
        for (begin, kind, text, moment, day, number), value in zip(
            self._columns, values, strict=True
        ):
            if value is None or value == "":
                continue
            if type(value) is str and len(value) <= _REMEMBERED:
                row.append(f"{begin}{at}{text}{_known_text(value)}")
            elif type(value) is datetime and value.tzinfo is not None and value >= _SINCE:
                row.append(f"{begin}{at}{moment}{_serial_since(value)}</v></c>")
            else:
                shown = _shown(value, kind)
                if isinstance(shown, str):
                    if len(shown) * 2 > CELL_UNITS:
                        shown = self._cut(shown, begin)
                    row.append(f"{begin}{at}{text}{_text(shown)}")
                elif isinstance(shown, datetime):
                    row.append(f"{begin}{at}{moment}{_serial(shown)}</v></c>")
                elif isinstance(shown, date):
                    midnight = datetime.combine(shown, time.min)
                    row.append(f"{begin}{at}{day}{_serial(midnight)}</v></c>")
                else:
                    row.append(f"{begin}{at}{number}{shown:.16G}</v></c>")
        self._add(row)

    def _cut(self, text: str, begin: str) -> str:
        """Return what a cell can hold of a text; the rest is spilt."""
        first, *others = parts(text)
        if others:
            place = [column.begin for column in self._columns].index(begin)
            self.spilt.append(Spilt(self.line + 1, place, others))
        return first

    def put(self, sheet: bytes, target: IO[bytes]) -> None:
        """Write the book's sheet with these rows in it."""
        self._flush()
        self._file.seek(0)
        last = _letter(max(len(self._columns) - 1, 0))
        size = f'<dimension ref="A1:{last}{max(self.line, 1)}"/>'.encode()
        sheet = _DIMENSION.sub(size, sheet, count=1)
        before, _, after = sheet.replace(_NO_ROWS, _BEGIN + _END, 1).partition(_END)
        target.write(before)
        copyfileobj(self._file, target, _COPIED)
        target.write(_END + after)

    def close(self) -> None:
        """Drop the rows."""
        self._file.close()

    def _add(self, cells: Iterable[str]) -> None:
        self.line += 1
        row = "".join(cells)
        self._rows.append(f'<row r="{self.line}">{row}</row>')
        self._held += len(row)
        if self._held > _HELD:
            self._flush()

    def _flush(self) -> None:
        self._written += self._file.write("".join(self._rows).encode())
        self._rows.clear()
        self._held = 0


def parts(text: str) -> list[str]:
    """Cut a text into pieces that a cell can hold, never through a character."""
    if len(text) * 2 <= CELL_UNITS:
        return [text]
    pieces: list[str] = []
    start = units = 0
    for place, character in enumerate(text):
        size = 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 - beyond it: a surrogate pair
        if units + size > CELL_UNITS:
            pieces.append(text[start:place])
            start, units = place, 0
        units += size
    return [*pieces, text[start:]]


def _shown(value: Value, kind: Kind) -> str | int | float | datetime | date:
    """Return what Excel can hold of a value: a Beijing moment, a day, an exact number, a text."""
    match value:
        case str():
            return writable(value)
        case datetime():
            moment = beijing(value, kind)
            return moment if moment.year >= _FIRST_EXCEL_YEAR else moment.isoformat(sep=" ")
        case date():
            return value if value.year >= _FIRST_EXCEL_YEAR else value.isoformat()
        case bool():
            return "是" if value else "否"
        case int() | float():
            exact = math.isfinite(value) and abs(value) < _EXACT_INTEGER
            return value if exact and kind != "text" else str(value)
        case _:
            return writable(str(value))


def _serial(moment: datetime) -> str:
    """Return Excel's number of a wall clock: days since 1900, and the part of the day."""
    passed = moment - _EPOCH
    days = passed.days + (passed.days > _MISTAKEN_DAY)
    return f"{days + passed.seconds / _DAY_SECONDS:.16G}"


def _serial_since(moment: datetime) -> str:
    """Return the same of a moment since 1970, at once."""
    days, seconds = divmod(int(moment.timestamp()) + _AHEAD_SECONDS, _DAY_SECONDS)
    return f"{days + _SINCE_DAYS + seconds / _DAY_SECONDS:.16G}"


def _text(text: str) -> str:
    """Return the end of a text's cell."""
    return _known_text(text) if len(text) <= _REMEMBERED else _new_text(text)


def _new_text(text: str) -> str:
    if _HARMLESS(text):
        return f' t="inlineStr"><is><t>{text}</t></is></c>'
    kept = ' xml:space="preserve"' if text != text.strip() else ""
    carried = escape(_ESCAPE.sub(r"_x005F\1", writable(text)))
    return f' t="inlineStr"><is><t{kept}>{carried}</t></is></c>'


_known_text = lru_cache(maxsize=8_192)(_new_text)


def _letter(place: int) -> str:
    """Return a column's letters: A, B … Z, AA …"""
    high, low = divmod(place, 26)
    return (_letter(high - 1) if high else "") + chr(ord("A") + low)
