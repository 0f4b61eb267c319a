"""Conditions of a formula: written as data, checked against the columns, compiled to SQL.

Every value travels as a parameter; only names of known columns ever stand in a query.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, LiteralString, cast

from msgspec import Struct
from psycopg import sql

from projections.indicators.columns import COLUMNS, Named
from projections.reading import Fault

How = Literal[
    "is", "in", "not", "given", "missing", "least", "most", "above", "below", "by", "after"
]

GIVEN: Final = {"given": "given", "missing": "missing"}
NUMBERS: Final = ("least", "most", "above", "below")
MOMENTS: Final = ("by", "after")
_SQL: Final[dict[How, LiteralString]] = {
    "is": "{column} = {value}",
    "in": "{column} = ANY({value}::text[])",
    "not": "({column} IS NULL OR {column} <> ALL({value}::text[]))",
    "given": "{column} IS NOT NULL",
    "missing": "{column} IS NULL",
    "least": "{column} >= {value}",
    "most": "{column} <= {value}",
    "above": "{column} > {value}",
    "below": "{column} < {value}",
    "by": "{column} <= {value}",
    "after": "{column} > {value}",
}
_WORDS: Final = {
    "text": "文字，或文字的列表，或 {not: 文字}，或 given、missing",
    "flag": "true 或 false，或 given、missing",
    "number": "整数，或 {least: 整数}、{most: …}、{above: …}、{below: …}，或 given、missing",
    "time": "given、missing，或 {by: 另一时间列}、{after: 另一时间列}",
}


class Test(Struct, frozen=True):
    """One column compared: with values, with another column (`by`, `after`), or with nothing."""

    column: str
    how: How
    value: tuple[str | int | bool, ...] = ()


Tests = tuple[Test, ...]
"""All of them must hold."""


def read_tests(path: str, written: object, faults: list[Fault]) -> Tests:
    """Read `{column: value, …}`; what is wrong is added to `faults`."""
    if not isinstance(written, Mapping):
        faults.append(Fault(path, "须为“列名: 取值”的映射；多个条件须同时成立"))
        return ()
    members = cast("Mapping[str, object]", written)
    found: list[Test] = []
    for name, value in members.items():
        here = f"{path}.{name}"
        column = COLUMNS.get(str(name))
        if column is None:
            faults.append(Fault(here, f"没有“{name}”；可用：{'、'.join(COLUMNS)}"))
            continue
        found += _tests(here, column, value, faults)
    return tuple(found)


def _tests(path: str, column: Named, value: object, faults: list[Fault]) -> Iterator[Test]:
    if isinstance(value, str) and value in GIVEN:
        yield Test(column.name, "given" if value == "given" else "missing")
        return
    if isinstance(value, Mapping):
        for how, operand in cast("Mapping[str, object]", value).items():
            yield from _operator(f"{path}.{how}", column, str(how), operand, faults)
        return
    made = _plain(column, value)
    if made is None:
        faults.append(
            Fault(path, f"{column.label}（{column.name}）的取值应为{_WORDS[column.holds]}")
        )
    else:
        yield made


def _plain(column: Named, value: object) -> Test | None:
    match column.holds:
        case "flag":
            return Test(column.name, "is", (value,)) if isinstance(value, bool) else None
        case "number":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return Test(column.name, "is", (cast("int", value),)) if whole else None
        case "text":
            texts = _texts(value)
            return Test(column.name, "in", texts) if texts else None
        case "time":
            return None


def _texts(value: object) -> tuple[str, ...]:
    listed = cast("Sequence[object]", value) if isinstance(value, list) else [value]
    texts = tuple(one for one in listed if isinstance(one, str))
    return texts if len(texts) == len(listed) else ()


def _operator(
    path: str, column: Named, how: str, operand: object, faults: list[Fault]
) -> Iterator[Test]:
    if column.holds == "number" and how in NUMBERS and type(operand) is int:
        yield Test(column.name, cast("How", how), (operand,))
    elif column.holds == "text" and how == "not" and _texts(operand):
        yield Test(column.name, "not", _texts(operand))
    elif column.holds == "time" and how in MOMENTS and _is_moment(operand):
        yield Test(column.name, cast("How", how), (str(operand),))
    else:
        wanted = _WORDS[column.holds]
        faults.append(Fault(path, f"{column.label}（{column.name}）的取值应为{wanted}"))


def _is_moment(operand: object) -> bool:
    known = COLUMNS.get(str(operand))
    return known is not None and known.holds == "time"


class Binder:
    """Collects the parameters of a query under names of their own."""

    def __init__(self) -> None:
        """Begin with none."""
        self.parameters: dict[str, object] = {}

    def bind(self, value: object) -> sql.Composable:
        """Return the placeholder of a value."""
        name = f"f{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)


def compiled(tests: Tests, binder: Binder) -> sql.Composed:
    """Return what holds where all tests do; what is unknown does not hold."""
    parts = [_compiled(test, binder) for test in tests]
    joined = sql.SQL(" AND ").join(parts or [sql.SQL("true")])
    return sql.SQL("coalesce({}, false)").format(joined)


def _compiled(test: Test, binder: Binder) -> sql.Composable:
    column = COLUMNS[test.column].sql
    value: sql.Composable = sql.SQL("NULL")
    match test.how:
        case "in" | "not":
            value = binder.bind(list(test.value))
        case "by" | "after":
            value = COLUMNS[str(test.value[0])].sql
        case "given" | "missing":
            pass
        case _:
            value = binder.bind(test.value[0])
    return sql.SQL(_SQL[test.how]).format(column=column, value=value)


def columns_of(tests: Tests) -> set[str]:
    """Return the columns that tests look at."""
    others = {str(test.value[0]) for test in tests if test.how in MOMENTS}
    return {test.column for test in tests} | others


def exact(value: Any) -> Decimal | None:  # noqa: ANN401 - as YAML has it
    """Return a number that is written exactly: an integer, or a decimal in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        found = Decimal(value)
    except ArithmeticError:
        return None
    return found if found.is_finite() else None
