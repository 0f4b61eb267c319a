"""A struct with something in every place that it has, for tests that must not miss one."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct

from domain import facts as f

MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
SIMPLE: Final[dict[Any, Any]] = {
    str: "text",
    int: 1,
    bool: False,
    datetime: MOMENT,
    date: MOMENT.date(),
    object: "anything",
    Any: "anything",
}
S = TypeVar("S", bound=Struct)


def filled(shape: type[S], unit: f.Unit) -> S:
    """Return a struct in which every collection has a member and every unit is this one."""
    hints = get_type_hints(shape)
    return shape(**{name: _value(hints[name], unit) for name in shape.__struct_fields__})


def _value(hint: Any, unit: f.Unit) -> Any:  # noqa: ANN401 - any annotation of a struct
    kind, parts = get_origin(hint), get_args(hint)
    if hint is f.Unit:
        return unit
    if hint in SIMPLE:
        return SIMPLE[hint]
    if kind is Literal:
        return parts[0]
    if kind in {Union, UnionType}:
        return _value(next(part for part in parts if part is not NoneType), unit)
    if kind is tuple:
        wanted = parts[:1] if parts[-1] is Ellipsis else parts
        return tuple(_value(part, unit) for part in wanted)
    if kind is frozenset:
        return frozenset({_value(parts[0], unit)})
    if kind is dict:
        return {_value(parts[0], unit): _value(parts[1], unit)}
    return filled(hint, unit)


def units_in(value: object, where: str = "") -> Iterator[tuple[str, f.Unit]]:
    """Yield every unit within a value, with the dotted way there; numbers stand for members."""
    if isinstance(value, f.Unit):
        yield where, value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from units_in(getattr(value, name), f"{where}.{name}" if where else name)
    elif isinstance(value, Mapping):
        for name, one in cast("Mapping[str, object]", value).items():
            yield from units_in(one, f"{where}.{name}")
    elif isinstance(value, list | tuple | set | frozenset):
        for number, one in enumerate(cast("Iterable[object]", value)):
            yield from units_in(one, f"{where}.{number}")
