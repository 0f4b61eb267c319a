"""Tables written out for people: what their columns are, and csv; xlsx is `workbook`.

Both stream: rows may come from a cursor, and memory does not grow with their number.
"""

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, Final, Literal

Value = str | int | float | bool | datetime | date | time | timedelta | None
Kind = Literal["text", "number", "datetime", "date", "any"]

BEIJING: Final = timezone(timedelta(hours=8))
# What neither XML nor UTF-8 can carry: controls, lone surrogates, non-characters.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA_STARTS: Final = tuple("=+-@\t\r＝＋－＠")


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


@contextmanager
def kept_whole(target: Path | BinaryIO) -> Generator[BinaryIO]:
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


def beijing(moment: datetime, kind: Kind) -> datetime:
    """Return the wall clock of +08:00; a source cell (kind `any`) may be naive and stays."""
    if moment.tzinfo is None:
        if kind != "any":
            raise ValueError(f"a moment needs its zone: {moment!r}")
        return moment.replace(microsecond=0)
    return moment.astimezone(BEIJING).replace(microsecond=0, tzinfo=None)


def writable(text: str) -> str:
    """Return a text that XML and UTF-8 can carry, with one sort of line end."""
    return _UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def write_csv(
    target: Path | BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Value]]
) -> None:
    """Write `iter_csv` into a file or a binary stream."""
    with kept_whole(target) as stream:
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
    writer.writerow([_escaped(writable(column.label)) for column in columns])
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
            wall = beijing(value, column.kind)
            return wall.isoformat() if value.tzinfo is None else f"{wall.isoformat()}+08:00"
        case str():
            return _escaped(writable(value))
        case bool():
            return "是" if value else "否"
        case _:
            return str(value)


def _escaped(text: str) -> str:
    """OWASP's list of formula starts, their full-width twins, also behind blanks."""
    risky = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if risky else text
