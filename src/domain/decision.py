"""Decision tables (决策表), compiled: from the values of a case to the row that applies.

Every input's domain is cut into pieces inside which no row tells two values apart; a piece knows
its rows as the bits of an integer, so that a decision is one bitwise `and` over the inputs.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final, Literal, cast

from msgspec import Struct

from domain.errors import GuardFailed, UnknownField

InputType = Literal["integer", "boolean", "choice"]
Value = int | bool | str
MISSING: Final = "“{table}”要据此判断，现在还没有；请先填写"


class Input(Struct, frozen=True, kw_only=True):
    """What a table asks for: where it is read, and which rows each piece of its domain meets."""

    name: str
    title: str
    type: InputType
    sources: tuple[str, ...]
    """Dotted names (`form.people`, `data.people`, `case.rework`); the first that is known."""
    pieces: tuple[Value, ...]
    """The first integer of every piece, ascending; else the values themselves."""
    rows: tuple[int, ...]
    """For every piece, the rows it meets: bit n for row n+1."""
    most: int = 0
    """The last integer of the domain."""
    other: str | None = None
    """Which of the values stands for everything that is not listed."""
    default: Value | None = None

    @property
    def pointer(self) -> str:
        """Where in what was sent it would stand; empty if it never stands there."""
        of_form = [name for name in self.sources if name.startswith("form.")]
        return f"/data/{of_form[0].removeprefix('form.')}" if of_form else ""


class Table(Struct, frozen=True, kw_only=True):
    """决策表: hit policy `unique` (exactly one row applies) or `collect` (all that apply)."""

    name: str
    title: str
    hash: str
    """SHA-256 (hex) of its data as written, in canonical JSON (RFC 8785)."""
    hit: Literal["unique", "collect"]
    inputs: tuple[Input, ...]
    outputs: dict[str, tuple[str, ...]]
    """What each output may be; where rows are collected, the last one listed prevails."""
    rows: tuple[dict[str, str], ...]
    """What each row says."""


class Decision(Struct, frozen=True, kw_only=True):
    """What a table said, of which values, by which rows (numbered from 1)."""

    table: Table
    inputs: dict[str, Value]
    rows: tuple[int, ...]
    outputs: dict[str, str]
    chosen: dict[str, str] = {}
    """What stands after all, where somebody chose otherwise too."""

    @property
    def overridden(self) -> bool:
        """Whether somebody chose something else."""
        return self.chosen != self.outputs


def evaluate(table: Table, read: Callable[[str], object]) -> Decision:
    """Return what a table says, reading its inputs by their dotted names.

    Raises:
        UnknownField: an input is missing, or lies outside its domain.
        GuardFailed: not the one row that publishing had proved (`broken` names the table).
    """
    left = (1 << len(table.rows)) - 1
    inputs: dict[str, Value] = {}
    for one in table.inputs:
        inputs[one.name], piece = _place(one, _known(one, table, read))
        left &= one.rows[piece]
    rows = tuple(_numbers(left))
    if not rows or (table.hit == "unique" and len(rows) > 1):
        detail = f"决策表“{table.title}”没有得出唯一的结果；请管理员核对"
        raise GuardFailed(detail=detail, broken=table.name)
    return Decision(table=table, inputs=inputs, rows=rows, outputs=_outputs(table, rows))


def _numbers(bits: int) -> Iterator[int]:
    """Yield which bits are set, counted from 1."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length()
        bits ^= lowest


def _known(one: Input, table: Table, read: Callable[[str], object]) -> object:
    for name in one.sources:
        found = read(name)
        if found is not None:
            return found
    if one.default is None:
        detail = MISSING.format(table=table.title)
        raise UnknownField(field=one.title, detail=detail, pointer=one.pointer)
    return one.default


def _place(one: Input, found: object) -> tuple[Value, int]:
    """Return the value as the table takes it, and in which piece of the domain it lies."""
    match one.type:
        case "boolean" if isinstance(found, bool):
            return found, one.pieces.index(found)
        case "integer" if isinstance(found, int) and not isinstance(found, bool):
            firsts = cast("tuple[int, ...]", one.pieces)
            if firsts[0] <= found <= one.most:
                return found, bisect_right(firsts, found) - 1
        case "choice" if isinstance(found, str) and found in one.pieces:
            return found, one.pieces.index(found)
        case "choice" if one.other is not None:
            return one.other, one.pieces.index(one.other)
        case _:
            pass
    raise UnknownField(field=one.title, detail=_allowed(one), pointer=one.pointer)


def _allowed(one: Input) -> str:
    match one.type:
        case "integer":
            return f"须为 {one.pieces[0]} 至 {one.most} 的整数"
        case "boolean":
            return "须为 true 或 false"
        case "choice":
            return f"只能是：{'、'.join(map(str, one.pieces))}"


def _outputs(table: Table, rows: tuple[int, ...]) -> dict[str, str]:
    """Return the row's outputs; of several rows, for each output the one listed last."""
    said = [table.rows[number - 1] for number in rows]
    return {
        name: max((one[name] for one in said), key=order.index)
        for name, order in table.outputs.items()
    }
