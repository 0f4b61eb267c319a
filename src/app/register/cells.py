"""What a cell says as text, freed from what spreadsheets and web forms leave around it."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Final

Cell = str | int | float | bool | datetime | date | time | timedelta | None

# Newline and tab mean something inside a text; other control characters only break databases
# and XML (U+0000 cannot be stored at all).
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INVISIBLE: Final = "\u180e\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2060\ufeff"
_EDGES: Final = re.compile(rf"\A[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+\Z")
# Excel keeps 15 significant digits of a number: a longer one is no longer what was typed.
EXACT_LIMIT: Final = 10**15


def clean(text: str) -> str:
    """NFC; spaces of all sorts and invisible characters off both ends; no control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _EDGES.sub("", unicodedata.normalize("NFC", _CONTROLS.sub("", lines)))


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
