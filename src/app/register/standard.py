"""A standard of items (部件事件立案处置标准) read from a table: 大类, 小类, conditions, limits.

A row whose limit cannot be read is left out and named; the rest is read. What 天 and 小时 count
is never guessed: whoever loads the file says it.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.register.cells import text_of
from app.register.errors import ColumnError, RegisterError
from app.register.records import RejectedRow
from app.register.tables import Row, Table, read_table
from domain.budget import BareDuration, parse_budget
from domain.errors import Refusal
from workflows.catalogues import ConditionRow

COLUMNS: Final = {
    "sort": ("类型", "sort"),
    "major_code": ("大类代码", "major_code"),
    "major": ("大类名称", "major"),
    "minor_code": ("小类代码", "minor_code"),
    "minor": ("小类名称", "minor"),
    "condition": ("立案条件", "condition"),
    "closing": ("结案条件", "closing"),
    "limit": ("处置时限", "limit"),
}
SORTS: Final = {"部件": "component", "事件": "event"}
# 紧急 means around the clock, nights and holidays too (background.md §2.1).
UNITS: Final = {
    "紧急工作时": "nh",
    "紧急工作日": "nd",
    "工作时": "wh",
    "工作小时": "wh",
    "工作日": "wd",
    "自然时": "nh",
    "自然日": "nd",
    "个月": "month",
}
BARE: Final = {"小时": "hours", "时": "hours", "天": "days", "日": "days"}
"""What a standard writes without saying whether nights and holidays count."""
_LIMIT: Final = re.compile(r"([0-9]{1,5})(\D{1,6})")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Standard:
    """What was read, and the rows that were left out, by name."""

    rows: tuple[ConditionRow, ...]
    rejected: tuple[RejectedRow, ...]
    read: int


def read_standard(path: Path, *, days: str = "", hours: str = "") -> Standard:
    """Read a standard; `days` (wd or nd) and `hours` (wh or nh) say what 天 and 小时 count.

    Raises:
        TableError, ColumnError: the file cannot be read, or lacks a column.
        BareDuration: it has 天 or 小时, and nobody said what they count.
    """
    table = read_table(path)
    places = _places(table)
    chosen = {"days": days, "hours": hours}
    cells = [
        (row, {name: _text(row, place) for name, place in places.items()}) for row in table.rows()
    ]
    if not cells:
        raise RegisterError("bad-catalogue", "目录表里一行也没有。")
    _refuse_bare([one["limit"] for _, one in cells], chosen)
    rows: list[ConditionRow] = []
    rejected: list[RejectedRow] = []
    numbers: Counter[str] = Counter()
    for row, one in cells:
        code = _code(one)
        numbers[code] += 1
        reason = _reason(one, code, chosen)
        if reason:
            rejected.append(RejectedRow(row.number, f"{code}#{numbers[code]}", *reason))
        else:
            rows.append(_condition(one, code, numbers[code], chosen))
    return Standard(tuple(rows), tuple(rejected), len(cells))


def _places(table: Table) -> dict[str, int]:
    places = {
        name: next((table.headers.index(one) for one in names if one in table.headers), -1)
        for name, names in COLUMNS.items()
    }
    missing = [COLUMNS[name][0] for name, place in places.items() if place < 0]
    if missing:
        present = "、".join(filter(None, table.headers))
        problem = f"目录表缺少这些列：{'、'.join(missing)}。现有的列：{present}。请补上后重试。"
        raise ColumnError([problem], code="missing-column")
    return places


def _text(row: Row, place: int) -> str:
    return text_of(row.cells[place])


def _code(one: Mapping[str, str]) -> str:
    """Return `component-01-22`: numbers in two digits, as a spreadsheet drops their zeros."""
    sort = SORTS.get(one["sort"], one["sort"])
    parts = [one["major_code"], one["minor_code"]]
    return "-".join([sort, *(part.zfill(2) if _NUMBER.fullmatch(part) else part for part in parts)])


def _refuse_bare(limits: list[str], chosen: Mapping[str, str]) -> None:
    """Refuse the whole file where what a limit counts would be a guess.

    Raises:
        BareDuration: naming the first such limit.
    """
    for limit in limits:
        parts = _LIMIT.fullmatch(limit)
        which = BARE.get(parts[2]) if parts else None
        if which and not chosen[which]:
            raise BareDuration(text=limit)


def _reason(one: Mapping[str, str], code: str, chosen: Mapping[str, str]) -> tuple[str, str] | None:
    """Return why a row is left out: its stable code, and what to mend."""
    missing = [COLUMNS[name][0] for name in ("minor_code", "condition") if not one[name]]
    if missing or code.startswith("-"):
        return "cell-missing", f"缺少{'、'.join(missing) or '类型'}"
    try:
        parse_budget(_budget(one["limit"], chosen))
    except Refusal as refusal:
        known = "、".join([*UNITS, *BARE])
        why = f"处置时限“{one['limit']}”读不出来（{one['minor']}：{one['condition'][:30]}）；"
        return refusal.code, f"{why}请写成整数加 {known} 之一"
    return None


def _budget(limit: str, chosen: Mapping[str, str]) -> str:
    """Return a limit as a budget; what cannot be read stays as it is, and is refused then."""
    parts = _LIMIT.fullmatch(limit)
    if parts is None:
        return limit
    number, unit = parts[1], parts[2].strip()
    word = UNITS.get(unit) or chosen.get(BARE.get(unit, ""), "")
    return f"{int(number)}{word}" if word else limit


def _condition(
    one: Mapping[str, str], code: str, number: int, chosen: Mapping[str, str]
) -> ConditionRow:
    return ConditionRow(
        code=code,
        sort=one["sort"],
        major=one["major"],
        minor=one["minor"],
        number=number,
        condition=one["condition"],
        closing=one["closing"],
        limit=_budget(one["limit"], chosen),
    )
