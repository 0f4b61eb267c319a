"""What a cell says as text, freed from what spreadsheets and web forms leave around it."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Final

Cell = str | int | float | bool | datetime | date | time | timedelta | None

# Newline and tab mean something inside a text; other control characters only break databases
# and XML (U+0000 cannot be stored at all).
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Every white space of Unicode, and what cannot be seen at all (zero widths, marks of direction).
_EDGES: Final = (
    "".join(map(chr, (*range(9, 14), 32, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029)))
    + "\u202f\u205f\u3000\u180e\u200b\u200c\u200d\u200e\u200f"
    + "\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
)
# Excel keeps 15 significant digits of a number: a longer one is no longer what was typed.
EXACT_LIMIT: Final = 10**15


def clean(text: str) -> str:
    """NFC; spaces of all sorts and invisible characters off both ends; no control characters."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _CONTROLS.sub("", text)).strip(_EDGES)


def text_of(cell: Cell) -> str:
    """Return the cell as a person reads it: the number 7019.0 is “7019”."""
    match cell:
        case None:
            return ""
        case str():
            return clean(cell)
        case bool():
            return "TRUE" if cell else "FALSE"
        case datetime():
            return cell.replace(microsecond=0).isoformat(sep=" ")
        case float():
            return str(int(cell)) if cell.is_integer() else format(cell, ".15g")
        case _:
            return str(cell)


def is_lossy_number(cell: Cell) -> bool:
    """Tell whether digits were lost: too long a number, or one saved as 2.01712E+17."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return abs(cell) >= EXACT_LIMIT
    return isinstance(cell, str) and bool(re.fullmatch(r"\d(\.\d+)?[eE]\+\d+", clean(cell)))
