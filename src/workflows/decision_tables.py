"""Decision tables: from rows as written to pieces of domains, and the proof that nothing is left.

Every input's domain is cut where some row begins or ends, so that inside a piece no row tells two
values apart: what holds for the pieces holds for every value, exactly. Two rows overlap if they
share a piece of every input. Rows without overlap leave a gap if and only if they hold fewer
combinations than there are, which is counted, never listed; with overlaps the combinations are
searched, set of rows by set of rows.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import combinations, islice
from math import prod
from typing import Any, Final

import rfc8785
from msgspec import Struct

from domain.deciding import REASON
from domain.decision import Input, InputType, Table, Value
from workflows.conditions import Sort, Variable, texts_of, variables_of
from workflows.kind_text import ActionText, Cell, DecisionText, InputText, KindText, unknown

RANGE: Final = re.compile(r"(-?[0-9]+)?\.\.(-?[0-9]+)?")
SORTS: Final[dict[InputType, Sort]] = {"integer": "int", "boolean": "bool", "choice": "string"}
SHOWN: Final = 10
"""How many overlaps are named; whoever mends these sees the next."""
PATIENCE: Final = 50_000
"""How many sets of rows the search for a gap among overlapping rows looks at."""


class TooComplex(Exception):
    """The search gave up."""


class Axis(Struct, frozen=True):
    """One input's domain in pieces; `rows[n]` holds which pieces row n+1 meets, as bits."""

    pieces: tuple[Value, ...]
    rows: tuple[int, ...]

    @property
    def whole(self) -> int:
        """All pieces, as bits."""
        return (1 << len(self.pieces)) - 1


def decision_problems(kind: KindText) -> list[str]:
    """Return what is wrong with the decision tables, and with the actions that use them."""
    found = [
        f"decisions.{name}.{problem}"
        for name, table in kind.decisions.items()
        for problem in _table_problems(table)
    ]
    for name, action in kind.actions.items():
        if action.decide is not None:
            found += [f"actions.{name}.{problem}" for problem in _use_problems(action, kind)]
    return found


def table_of(name: str, kind: KindText, action: ActionText) -> Table:
    """Compile a table that was checked, as one action uses it."""
    text = kind.decisions[name]
    axes = axes_of(text)
    return Table(
        name=name,
        title=text.title,
        hash=hash_of(text),
        hit=text.hit,
        inputs=tuple(
            _input(one, text.inputs[one], axis, _title(text.inputs[one], kind, action) or one)
            for one, axis in axes.items()
        ),
        outputs={one: tuple(values) for one, values in text.outputs.items()},
        rows=tuple(row.then for row in text.rows),
    )


def decision_fields(action: ActionText, kind: KindText) -> dict[str, bool]:
    """Return the fields of a form that its decision keeps; True for those that it fills in."""
    table = kind.decisions.get(action.decide or "")
    if table is None:
        return {}
    read = {name for text in table.inputs.values() for name in _sources(text)}
    asked = {name.removeprefix("form."): False for name in read if name.startswith("form.")}
    return asked | dict.fromkeys(table.outputs, True)


def hash_of(table: DecisionText) -> str:
    """Return the SHA-256 (hex) of a table's data as written, in canonical JSON (RFC 8785)."""
    data: dict[str, Any] = table.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return sha256(rfc8785.dumps(data)).hexdigest()


def _input(name: str, text: InputText, axis: Axis, title: str) -> Input:
    numbers = range(len(axis.rows))
    return Input(
        name=name,
        title=title,
        type=text.type,
        sources=tuple(_sources(text)),
        pieces=axis.pieces,
        rows=tuple(
            sum(1 << row for row in numbers if axis.rows[row] >> piece & 1)
            for piece in range(len(axis.pieces))
        ),
        most=text.most or 0,
        other=text.other,
        default=text.default,
    )


def _sources(text: InputText) -> list[str]:
    return [text.source] if isinstance(text.source, str) else text.source


def _title(text: InputText, kind: KindText, action: ActionText) -> str:
    """Return what people call an input: its own title, else that of the field it comes from."""
    if text.title:
        return text.title
    forms = {"form": action.form, "data": kind.report.form}
    for source in _sources(text):
        root, _, name = source.partition(".")
        if name in forms.get(root, {}):
            return forms[root][name].title
    return ""


# What is wrong with a table as such


def _table_problems(table: DecisionText) -> list[str]:
    found = [
        f"inputs.{name}.{problem}"
        for name, one in table.inputs.items()
        for problem in _input_problems(one)
    ]
    found += [
        f"outputs.{name}：取值重复，请只保留一个"
        for name, values in table.outputs.items()
        if len(set(values)) != len(values)
    ]
    if not found:
        for number, _ in enumerate(table.rows):
            found += [f"rows.{number}.{problem}" for problem in _row_problems(table, number)]
    return found or _proof_problems(table)


def _input_problems(text: InputText) -> list[str]:
    found: list[str] = []
    if (text.type == "integer") != (text.least is not None and text.most is not None):
        found.append("least：integer 须写明 least 和 most，其他类型不能有")
    if text.type != "integer" and (text.least is not None or text.most is not None):
        found.append("least：只有 integer 可以有 least、most")
    if text.least is not None and text.most is not None and text.least > text.most:
        found.append("least：不能大于 most")
    if (text.type == "choice") != bool(text.values):
        found.append("values：choice 须列出取值，其他类型不能有取值")
    if len(set(text.values)) != len(text.values):
        found.append("values：取值重复，请只保留一个")
    if text.other is not None and text.other not in text.values:
        found.append("other：须是 values 中的一个，代表其余一切取值")
    if not found and text.default is not None:
        found += _cell_problems("default", text.default, text)
        if isinstance(text.default, str) and text.type == "integer":
            found = ["default：须为整数"]
    return found


def _row_problems(table: DecisionText, number: int) -> list[str]:
    row = table.rows[number]
    found = [
        *unknown("when", row.when, table.inputs),
        *unknown("then", row.then, table.outputs),
    ]
    found += [f"then：缺少 {name}" for name in table.outputs if name not in row.then]
    for name, cells in row.when.items():
        if name in table.inputs:
            for cell in cells if isinstance(cells, list) else [cells]:
                found += _cell_problems(f"when.{name}", cell, table.inputs[name])
    for name, value in row.then.items():
        if name in table.outputs:
            found += unknown(f"then.{name}", [value], table.outputs[name])
    return found


def _cell_problems(where: str, cell: Cell, text: InputText) -> list[str]:
    match text.type:
        case "boolean":
            return [] if isinstance(cell, bool) else [f"{where}：须为 true 或 false"]
        case "choice":
            known = isinstance(cell, str) and cell in text.values
            return [] if known else [f"{where}：只能是：{'、'.join(text.values)}"]
        case "integer":
            return _range_problems(where, cell, text)


def _range_problems(where: str, cell: Cell, text: InputText) -> list[str]:
    found = _range(cell, text)
    if found is None:
        return [f"{where}：“{cell}”须为整数，或写成 0..29、30..、..29"]
    first, last = found
    if first > last:
        return [f"{where}：“{cell}”里没有任何数"]
    if first < (text.least or 0) or last > (text.most or 0):
        return [f"{where}：“{cell}”超出 {text.least}..{text.most}"]
    return []


def _range(cell: Cell, text: InputText) -> tuple[int, int] | None:
    """Return the first and last integer of a cell, an open end being that of the domain."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return cell, cell
    match = RANGE.fullmatch(cell)
    if match is None or cell == "..":
        return None
    first = text.least or 0 if match[1] is None else int(match[1])
    return first, text.most or 0 if match[2] is None else int(match[2])


# The proof


def _proof_problems(table: DecisionText) -> list[str]:
    axes = axes_of(table)
    overlapping = list(islice(overlaps(axes), SHOWN + 1)) if table.hit == "unique" else []
    found = [
        f"rows.{second - 1}：第 {first} 行与第 {second} 行重叠，如 {_shown(example, table, axes)}"
        for first, second, example in overlapping[:SHOWN]
    ]
    if len(overlapping) > SHOWN:
        found.append("rows：还有更多重叠的行")
    try:
        example = gap(axes)
    except TooComplex:
        return [*found, "rows：太复杂，无法证明没有空缺；请减少重叠，或拆成几张表"]
    if example is not None:
        found.append(f"rows：没有一行适用于 {_shown(example, table, axes)}")
    return found


def axes_of(table: DecisionText) -> dict[str, Axis]:
    """Cut the domain of every input where some row begins or ends."""
    return {name: _axis(name, text, table) for name, text in table.inputs.items()}


def _axis(name: str, text: InputText, table: DecisionText) -> Axis:
    cells = [row.when.get(name) for row in table.rows]
    listed = [one if one is None or isinstance(one, list) else [one] for one in cells]
    if text.type == "integer":
        return _integer_axis(text, listed)
    pieces: tuple[Value, ...] = (False, True) if text.type == "boolean" else tuple(text.values)
    whole = (1 << len(pieces)) - 1
    rows = [
        whole if one is None else sum({1 << pieces.index(cell) for cell in one}) for one in listed
    ]
    return Axis(pieces, tuple(rows))


def _integer_axis(text: InputText, listed: list[list[Cell] | None]) -> Axis:
    spans = [
        None if one is None else [span for cell in one if (span := _range(cell, text)) is not None]
        for one in listed
    ]
    cuts = {text.least or 0}
    for span in (span for row in spans if row is not None for span in row):
        cuts |= {span[0], span[1] + 1}
    pieces = tuple(sorted(cut for cut in cuts if cut <= (text.most or 0)))
    whole = (1 << len(pieces)) - 1
    rows = [whole if row is None else _met(pieces, row) for row in spans]
    return Axis(pieces, tuple(rows))


def _met(pieces: tuple[int, ...], spans: list[tuple[int, int]]) -> int:
    return sum(
        1 << number
        for number, piece in enumerate(pieces)
        if any(first <= piece <= last for first, last in spans)
    )


def overlaps(axes: Mapping[str, Axis]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Return the pairs of rows (from 1) that share a combination, with its first pieces."""
    columns = [axis.rows for axis in axes.values()]
    rows = range(len(columns[0]))
    for first, second in combinations(rows, 2):
        shared = [column[first] & column[second] for column in columns]
        if all(shared):
            yield first + 1, second + 1, tuple(_lowest(bits) for bits in shared)


def gap(axes: Mapping[str, Axis]) -> tuple[int, ...] | None:
    """Return a combination of pieces that no row meets; None if there is none.

    Raises:
        TooComplex: rows overlap in too many ways to say.
    """
    listed = list(axes.values())
    if next(overlaps(axes), None) is None:
        return _counted_gap(listed)
    return _searched_gap(listed)


def _counted_gap(axes: list[Axis]) -> tuple[int, ...] | None:
    """Follow, input by input, a piece whose rows hold fewer combinations than there are."""
    rows = list(range(len(axes[0].rows)))
    example: list[int] = []
    for depth, axis in enumerate(axes):
        behind = axes[depth + 1 :]
        expected = prod(len(one.pieces) for one in behind)
        held = {row: prod(one.rows[row].bit_count() for one in behind) for row in rows}
        for piece in range(len(axis.pieces)):
            meeting = [row for row in rows if axis.rows[row] >> piece & 1]
            if sum(held[row] for row in meeting) < expected:
                break
        else:
            return None
        example.append(piece)
        rows = meeting
    return tuple(example)


def _searched_gap(axes: list[Axis]) -> tuple[int, ...] | None:
    """Search by sets of rows that are still possible; a set seen before leaves no gap."""
    count = len(axes[0].rows)
    # A row that takes everything from some depth on closes whatever is left there.
    closing = [
        sum(
            1 << row
            for row in range(count)
            if all(axis.rows[row] == axis.whole for axis in axes[depth:])
        )
        for depth in range(len(axes) + 1)
    ]
    by_piece = [
        [
            sum(1 << row for row in range(count) if axis.rows[row] >> piece & 1)
            for piece in range(len(axis.pieces))
        ]
        for axis in axes
    ]
    seen: set[tuple[int, int]] = set()

    def search(depth: int, rows: int) -> tuple[int, ...] | None:
        if not rows:
            return (0,) * (len(axes) - depth)
        if rows & closing[depth] or (depth, rows) in seen:
            return None
        if len(seen) > PATIENCE:
            raise TooComplex
        for piece, meeting in enumerate(by_piece[depth]):
            found = search(depth + 1, rows & meeting)
            if found is not None:
                return (piece, *found)
        seen.add((depth, rows))
        return None

    return search(0, (1 << count) - 1)


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _shown(example: tuple[int, ...], table: DecisionText, axes: Mapping[str, Axis]) -> str:
    parts = [
        f"{name}={_piece(table.inputs[name], axes[name].pieces, piece)}"
        for name, piece in zip(axes, example, strict=True)
    ]
    return "、".join(parts)


def _piece(text: InputText, pieces: tuple[Value, ...], piece: int) -> str:
    value = pieces[piece]
    if isinstance(value, bool):
        return str(value).lower()
    if text.type != "integer":
        return str(value)
    following = pieces[piece + 1] if piece + 1 < len(pieces) else (text.most or 0) + 1
    last = int(following) - 1
    return str(value) if last == value else f"{value}..{last}"


# What is wrong with its use


def _use_problems(action: ActionText, kind: KindText) -> list[str]:
    found = unknown("decide", [action.decide or ""], kind.decisions)
    if found or action.decide is None:
        return found
    table = kind.decisions[action.decide]
    for name, text in table.inputs.items():
        found += _source_problems(f"decide：{action.decide} 的 {name} ", text, action, kind)
    for name, values in table.outputs.items():
        found += _output_problems(name, values, action)
    reason = action.form.get(REASON)
    if reason is None or reason.type != "text" or reason.required:
        found.append(f"form.{REASON}：须有这个选填的 text 字段，用来说明为何与决策表不同")
    return found


def _source_problems(where: str, text: InputText, action: ActionText, kind: KindText) -> list[str]:
    known, sealed = variables_of(kind, action), texts_of(kind, action)
    usable = [name for name in known if not name.startswith("actor.")]
    found: list[str] = []
    for source in _sources(text):
        if source in sealed:
            found.append(f"{where}取自 {source}，那是密封的文字，不能据以判定")
        elif source not in usable:
            found += [f"{where}{one}" for one in unknown("取自", [source], usable)]
        elif not _fits(known[source], text.type):
            found.append(f"{where}是 {text.type}，而 {source} 不是")
    outputs = {f"form.{name}" for name in kind.decisions[action.decide or ""].outputs}
    if outputs.intersection(_sources(text)):
        found.append(f"{where}不能取自它自己的结果")
    return found


def _fits(variable: Variable, wanted: InputType) -> bool:
    return variable.sort in {SORTS[wanted], "any"}


def _output_problems(name: str, values: list[str], action: ActionText) -> list[str]:
    field = action.form.get(name)
    if field is None or field.type != "choice":
        return [f"form.{name}：须有这个 choice 字段，决策表的结果填在这里"]
    if field.required or field.default is not None:
        return [f"form.{name}：由决策表填写，不能必填，也不能有默认值"]
    return unknown(f"form.{name}.values", values, field.values)
