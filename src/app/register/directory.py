"""A directory of units read from a table and checked as a whole: all of it, or none of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from app.register.cells import Cell, is_lossy_number, text_of
from app.register.errors import ColumnError, RegisterError
from app.register.tables import Row, Table, read_table

LEVELS: Final = ("county", "town", "community", "grid", "building", "household", "department")
_LEVEL_NAMES: Final = {
    **{level: level for level in LEVELS},
    "village": "community",  # 村 stands where 社区 stands
    "县": "county",
    "区县": "county",
    "镇": "town",
    "镇街": "town",
    "乡镇": "town",
    "街道": "town",
    "社区": "community",
    "村": "community",
    "网格": "grid",
    "楼栋": "building",
    "中心户": "household",
    "部门": "department",
}
_COLUMNS: Final = {
    "code": ("code", "编码", "代码"),
    "name": ("name", "名称"),
    "level": ("level", "级别", "层级"),
    "parent": ("parent", "上级编码", "上级"),
}
SECOND_PARENT: Final = ("second_parent", "第二上级", "条线上级")
"""Headers of a column that only a workbook understands."""
_CODE: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_-]{0,31})")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as the file has it; the root's parent is None even if the file names one."""

    row: int
    code: str
    name: str
    level: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that the directory cannot be read with; `sheet` where a workbook has several."""

    row: int
    unit: str
    code: str
    reason: str
    sheet: str = ""

    def __str__(self) -> str:
        """Say which row, of what, what is wrong and how to mend it."""
        return f"{self.sheet} 第 {self.row} 行 {self.unit}：{self.reason}".strip()


@dataclass(frozen=True, slots=True)
class DirectoryTable:
    """Units, parents before children; `notes` say in Chinese what was ignored or understood."""

    rows: tuple[UnitRow, ...]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]


class BadDirectory(RegisterError):
    """The whole file is refused; `rows` lists every bad row."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        self.rows = tuple(rows)
        listed = "\n".join(map(str, self.rows))
        super().__init__("bad-directory", f"组织机构表整份未导入，请改正这些行：\n{listed}")


def read_directory(path: Path) -> DirectoryTable:
    """Read and check a directory of units (columns code, name, level, parent).

    Names may repeat (two villages of one name in two towns); codes may not.

    Raises:
        TableError, ColumnError: the file cannot be read, or lacks a column.
        BadDirectory: some row is wrong; nothing of the file may be used.
    """
    found, bad = examine(read_table(path))
    if bad:
        raise BadDirectory(sorted(bad, key=lambda one: one.row))
    return found


def examine(table: Table) -> tuple[DirectoryTable, list[BadRow]]:
    """Read a table of units, and say what is wrong with it; only without that is it of use.

    Raises:
        ColumnError: it lacks a column.
        RegisterError: it has no row.
    """
    places = _places(table)
    raw = list(table.rows())
    units = [_unit(row, places) for row in raw]
    bad = [
        *(problem for row in raw for problem in _cell_problems(row, places)),
        *_tree_problems(units),
    ]
    if not units:
        raise RegisterError("bad-directory", "组织机构表里一行也没有。")
    ignored = tuple(
        header
        for place, header in enumerate(table.headers)
        if header and place not in places.values() and header not in SECOND_PARENT
    )
    rows = () if bad else _parents_first(units)  # in a circle nobody comes first
    return DirectoryTable(rows, ignored, _notes(raw, places, ignored)), bad


def _places(table: Table) -> dict[str, int]:
    places = {
        field: next((table.headers.index(n) for n in names if n in table.headers), -1)
        for field, names in _COLUMNS.items()
    }
    missing = [field for field, place in places.items() if place < 0]
    if missing:
        present = "、".join(filter(None, table.headers))
        raise ColumnError(
            [f"组织机构表缺少这些列：{'、'.join(missing)}。现有的列：{present}。请补上后重试。"],
            code="missing-column",
        )
    twice = [field for field, n in _COLUMNS.items() if table.headers.count(n[0]) > 1]
    if twice:
        raise ColumnError(
            [f"组织机构表里这些列出现了不止一次：{'、'.join(twice)}。请只留一列。"],
            code="duplicate-column",
        )
    return places


def _cell(row: Row, places: Mapping[str, int], field: str) -> Cell:
    return row.cells[places[field]]


def _unit(row: Row, places: Mapping[str, int]) -> UnitRow:
    level = text_of(_cell(row, places, "level"))
    return UnitRow(
        row=row.number,
        code=text_of(_cell(row, places, "code")),
        name=text_of(_cell(row, places, "name")),
        level=_LEVEL_NAMES.get(level.lower(), level),
        parent=text_of(_cell(row, places, "parent")) or None,
    )


def _cell_problems(row: Row, places: Mapping[str, int]) -> Iterator[BadRow]:
    """What can be told from the row alone."""
    unit = _unit(row, places)
    label = f"{unit.code} {unit.name}".strip()
    if row.surplus:
        yield BadRow(row.number, label, "surplus-cells", "格数比表头多，内容可能已错位")
    if is_lossy_number(_cell(row, places, "code")) or not _CODE.fullmatch(unit.code):
        yield BadRow(
            row.number,
            label,
            "bad-code",
            f"编码“{unit.code}”不合要求：只能用数字、字母、- 和 _，至多 32 位，按文本保存",
        )
    if not unit.name:
        yield BadRow(row.number, label, "name-missing", "缺少名称")
    if unit.level not in LEVELS:
        near = get_close_matches(unit.level, LEVELS, n=1)
        mend = f"是不是 {near[0]}？" if near else f"可用：{'、'.join(LEVELS)}"
        yield BadRow(row.number, label, "unknown-level", f"不认识级别“{unit.level}”；{mend}")


def _tree_problems(units: Sequence[UnitRow]) -> Iterator[BadRow]:
    """What can be told only from the whole: codes twice, parents, cycles, order of levels."""
    by_code: dict[str, UnitRow] = {}
    for unit in units:
        first = by_code.setdefault(unit.code, unit)
        if first is not unit and unit.code:
            yield _bad(unit, "duplicate-code", f"编码 {unit.code} 与第 {first.row} 行重复")
    yield from _parent_problems(units, by_code)
    cyclic = _cycle_members(by_code)
    for unit in units:
        if unit.code in cyclic:
            yield _bad(unit, "cycle", "顺着上级往上又回到了自己")
        elif unit.parent in by_code and not _may_hold(by_code[unit.parent], unit):
            holder = by_code[unit.parent]
            yield _bad(
                unit, "level-order", f"{unit.level} 不能放在 {holder.level}“{holder.name}”下面"
            )
        elif unit.level == "building" and not _in_grid(unit, by_code):
            yield _bad(unit, "no-grid", "楼栋不在任何网格里；请把上级改成它所属的网格")


def _parent_problems(units: Sequence[UnitRow], by_code: Mapping[str, UnitRow]) -> Iterator[BadRow]:
    """Only the root's parent may be empty or lie outside the file."""
    tops = [unit for unit in units if unit.parent not in by_code]
    levels = Counter(unit.level for unit in tops)
    if len(tops) > 1 and levels["county"] != 1:
        rows = "、".join(str(unit.row) for unit in tops)
        for unit in tops:
            yield _bad(unit, "several-roots", f"最上一级只能有一个，现在第 {rows} 行都没有上级")
        return
    for unit in tops:
        if len(tops) == 1 or unit.level == "county":
            continue
        if unit.parent is None:
            yield _bad(unit, "orphan", "没有写上级；只有最上一级可以不写")
        else:
            yield _bad(unit, "unknown-parent", f"上级 {unit.parent} 不在这份表里")


def _in_grid(unit: UnitRow, by_code: Mapping[str, UnitRow]) -> bool:
    """Tell whether a grid lies above; where the way up is broken, that is what gets named."""
    climbed: set[str] = set()
    step: UnitRow | None = unit
    while step is not None and step.code not in climbed:
        if step.level == "grid":
            return True
        climbed.add(step.code)
        above = step.parent
        if above is not None and above not in by_code:
            return step is unit
        step = by_code.get(above or "")
    return step is not None


def _bad(unit: UnitRow, code: str, reason: str) -> BadRow:
    return BadRow(unit.row, f"{unit.code} {unit.name}".strip(), code, reason)


def _may_hold(holder: UnitRow, unit: UnitRow) -> bool:
    """Tell whether the levels fit; a department hangs anywhere, and holds only departments."""
    if not {holder.level, unit.level} <= set(LEVELS) or unit.level == "department":
        return True
    if holder.level == "department":
        return False
    return LEVELS.index(holder.level) < LEVELS.index(unit.level)


def _cycle_members(by_code: Mapping[str, UnitRow]) -> set[str]:
    """Return the codes from which the way up comes back; every row is walked once."""
    walked_from: dict[str, str] = {}
    members: set[str] = set()
    for start in by_code:
        path: list[str] = []
        code: str | None = start
        while code is not None and code in by_code and code not in walked_from:
            walked_from[code] = start
            path.append(code)
            code = by_code[code].parent
        if code is not None and code in by_code and walked_from[code] == start:
            members.update(path[path.index(code) :])
    return members


def _parents_first(units: Sequence[UnitRow]) -> tuple[UnitRow, ...]:
    """Order by depth, then as in the file; the root loses a parent that lies outside."""
    parents = {unit.code: unit.parent for unit in units}
    depths: dict[str, int] = {}
    for start in parents:
        path: list[str] = []
        code: str | None = start
        while code in parents and code not in depths:
            path.append(code)
            code = parents[code]
        above = depths.get(code, 0) if code is not None else 0
        depths.update((one, above + n) for n, one in enumerate(reversed(path), start=1))
    rooted = (unit if unit.parent in parents else replace(unit, parent=None) for unit in units)
    return tuple(sorted(rooted, key=lambda unit: (depths[unit.code], unit.row)))


def _notes(
    raw: Sequence[Row], places: Mapping[str, int], ignored: Sequence[str]
) -> tuple[str, ...]:
    notes: list[str] = []
    if ignored:
        notes.append(f"没有用到这些列：{'、'.join(ignored)}。")
    villages = sum(text_of(_cell(row, places, "level")).lower() == "village" for row in raw)
    if villages:
        notes.append(f"{villages} 行的级别 village（村）按 community（社区）导入。")
    return tuple(notes)
