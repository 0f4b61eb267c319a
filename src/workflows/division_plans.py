"""A re-division as somebody asks for it, by codes; the decree that it makes, by permanent ids."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.directory import LEVELS, Directory
from domain.divisions import BadDivision

_CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,31}")


class PlannedUnit(Struct, frozen=True, kw_only=True):
    """A unit that is new."""

    code: str
    name: str
    level: str
    parent: str


class PlannedMove(Struct, frozen=True, kw_only=True):
    """What becomes of a unit: another parent, or the units that it dissolves into."""

    unit: str
    parent: str | None = None
    into: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """The whole of it; whether it makes a tree is judged later."""

    division: str
    on: date
    units: tuple[PlannedUnit, ...] = ()
    moves: tuple[PlannedMove, ...] = ()


def decree_of(plan: Plan, directory: Directory) -> f.DivisionDecreed:
    """Return the decree that a plan makes; a new unit's permanent id is its code.

    Raises:
        BadDivision: what is wrong, entry by entry.
    """
    if found := [*_problems(plan)]:
        raise BadDivision(found)
    ids = {**{one.code: one.code for one in plan.units}, **directory.by_code}
    return f.DivisionDecreed(
        division=plan.division,
        on=plan.on,
        established=tuple(
            f.NewUnit(one.code, one.code, one.name, one.level, ids.get(one.parent, one.parent))
            for one in plan.units
        ),
        moves=tuple(
            f.DivisionMove(
                ids.get(one.unit, one.unit),
                ids.get(one.parent, one.parent) if one.parent else None,
                tuple(ids.get(code, code) for code in one.into),
            )
            for one in plan.moves
        ),
    )


def _problems(plan: Plan) -> Iterator[str]:
    if not plan.units and not plan.moves:
        yield "一条调整也没有；请写 units 或 moves"
    for number, one in enumerate(plan.units, 1):
        if not _CODE.fullmatch(one.code):
            yield f"units 第 {number} 条：编码“{one.code}”只能用数字、字母、- 和 _，至多 32 位"
        elif one.level not in LEVELS:
            yield f"units 第 {number} 条：不认识级别“{one.level}”；可用：{'、'.join(LEVELS)}"
    for number, move in enumerate(plan.moves, 1):
        if (not move.parent) == (not move.into):
            yield f"moves 第 {number} 条：parent（新的上级）和 into（并入、分为）二者选一"
