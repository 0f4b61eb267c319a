"""A re-division read from a file: which units are new, which move, which dissolve into which.

YAML, or a workbook with the sheets 新设 (code, name, level, parent) and 调整 (unit, parent, into).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from app.register.cells import text_of
from app.register.errors import RegisterError
from app.register.tables import read_table, sheets_of
from domain import facts as f
from domain.directory import LEVELS, Directory

NEW, MOVES = "新设", "调整"
_BETWEEN: Final = re.compile(r"[、,，;；\s]+")
_CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,31}")
Entry = Mapping[str, Any]


class BadDivisionFile(RegisterError):
    """The file is no re-division; every problem is one line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "bad-division", "区划调整方案整份不能执行，请改正：\n" + "\n".join(problems)
        )


def read_division(path: Path, on: date, directory: Directory) -> f.DivisionDecreed:
    """Read a re-division that takes effect on a day; units by their codes.

    Raises:
        BadDivisionFile: what is wrong, entry by entry; whether it makes a tree is judged later.
    """
    content = _workbook(path) if sheets_of(path) else _yaml(path)
    units = list(_entries(content, "units"))
    moves = list(_entries(content, "moves"))
    problems = [*_unit_problems(units), *_move_problems(moves)]
    if not moves and not units:
        problems.append("一条调整也没有；请写 units 或 moves")
    if problems:
        raise BadDivisionFile(problems)
    ids = {**{_text(one, "code"): _text(one, "code") for one in units}, **directory.by_code}
    division = str(content.get("division") or path.stem)
    return f.DivisionDecreed(
        division=division,
        on=on,
        established=tuple(_new(one, ids) for one in units),
        moves=tuple(_move(one, ids) for one in moves),
    )


def _yaml(path: Path) -> Entry:
    try:
        content: object = cast("Any", YAML(typ="safe", pure=True)).load(path.read_text("utf-8-sig"))
    except (YAMLError, UnicodeDecodeError) as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = f"第 {mark.line + 1} 行" if mark else ""
        raise BadDivisionFile([f"{path.name}{line}不是有效的 YAML（UTF-8）"]) from None
    if not isinstance(content, dict):
        raise BadDivisionFile([f"{path.name} 的最外层应为对象，有 units 和 moves"])
    return cast("Entry", content)


def _workbook(path: Path) -> Entry:
    found = sheets_of(path)
    sheets = {"units": NEW, "moves": MOVES}
    return {name: list(_rows(path, sheet)) for name, sheet in sheets.items() if sheet in found}


def _rows(path: Path, sheet: str) -> Iterator[Entry]:
    table = read_table(path, sheet=sheet)
    for row in table.rows():
        values = dict(zip(table.headers, map(text_of, row.cells), strict=False))
        yield {**values, "#": f"{sheet} 第 {row.number} 行"}


def _entries(content: Entry, name: str) -> Iterator[Entry]:
    listed: object = content.get(name) or []
    if not isinstance(listed, list):
        raise BadDivisionFile([f"{name} 应为列表"])
    for number, one in enumerate(cast("list[object]", listed), 1):
        if not isinstance(one, dict):
            raise BadDivisionFile([f"{name} 第 {number} 条应为对象"])
        yield {"#": f"{name} 第 {number} 条", **cast("Entry", one)}


def _text(one: Entry, name: str) -> str:
    value = one.get(name)
    return "" if value is None else str(value).strip()


def _into(one: Entry) -> tuple[str, ...]:
    value = one.get("into")
    if isinstance(value, list):
        return tuple(str(part).strip() for part in cast("list[object]", value))
    return tuple(filter(None, _BETWEEN.split(_text(one, "into"))))


def _unit_problems(units: list[Entry]) -> Iterator[str]:
    for one in units:
        missing = [name for name in ("code", "name", "level", "parent") if not _text(one, name)]
        if missing:
            yield f"{one['#']}：缺少 {'、'.join(missing)}"
        elif not _CODE.fullmatch(_text(one, "code")):
            yield f"{one['#']}：编码“{_text(one, 'code')}”只能用数字、字母、- 和 _，至多 32 位"
        elif _text(one, "level") not in LEVELS:
            yield f"{one['#']}：不认识级别“{_text(one, 'level')}”；可用：{'、'.join(LEVELS)}"


def _move_problems(moves: list[Entry]) -> Iterator[str]:
    for one in moves:
        if not _text(one, "unit"):
            yield f"{one['#']}：缺少 unit"
        elif bool(_text(one, "parent")) == bool(_into(one)):
            yield f"{one['#']}：parent（新的上级）和 into（并入、分为）二者选一"


def _new(one: Entry, ids: Mapping[str, str]) -> f.NewUnit:
    code, parent = _text(one, "code"), _text(one, "parent")
    return f.NewUnit(code, code, _text(one, "name"), _text(one, "level"), ids.get(parent, parent))


def _move(one: Entry, ids: Mapping[str, str]) -> f.DivisionMove:
    unit, parent = _text(one, "unit"), _text(one, "parent")
    successors = tuple(ids.get(code, code) for code in _into(one))
    return f.DivisionMove(ids.get(unit, unit), ids.get(parent, parent) or None, successors)
