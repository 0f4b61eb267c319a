"""Checking the data of a form against its fields; texts part from values here."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from domain.commands import Act
from domain.directory import Directory
from domain.errors import EvidenceMissing, NaiveTime, Refusal, UnknownField
from domain.facts import Text, Unit
from domain.kind import LARGEST_INTEGER, SEALED, FormField, Kind

LONGEST_LIST: Final = 200


class Filled(Struct, frozen=True):
    """A form as filled in: values in clear (codes, units resolved), texts to be sealed."""

    values: dict[str, Any]
    texts: tuple[Text, ...]


def fill(
    form: tuple[FormField, ...],
    data: Mapping[str, Any],
    directory: Directory,
    pointer: str,
    *,
    attached: bool = False,
) -> Filled:
    """Check `data` field by field; empty values count as absent, or as the field's default.

    The first field at fault is refused, with the others beside it (`Refusal.also`).
    `attached`: a file came along, which some required texts are satisfied with.

    Raises:
        EvidenceMissing: a required text is absent or blank.
        UnknownField: a field is unknown, missing or of another type; `pointer` says which.
        UnknownUnit: a unit is not in the directory.
    """
    values: dict[str, Any] = {}
    texts: list[Text] = []
    wrong = _not_asked_for(form, data, pointer)
    for field in form:
        where = f"{pointer}/{field.name}"
        try:
            value = _present(field, data.get(field.name), where, attached=attached)
            if value is None:
                continue
            if field.type in SEALED:
                texts += _sealed(field, value, where)
            else:
                values[field.name] = _value(field, value, directory, where)
            wrong += _broken_keywords(field, value, where)
        except Refusal as refusal:
            wrong.append(refusal)
    if wrong:
        wrong[0].also = tuple(wrong[1:])
        raise wrong[0]
    return Filled(values, tuple(texts))


def _not_asked_for(
    form: tuple[FormField, ...], data: Mapping[str, Any], pointer: str
) -> list[Refusal]:
    fields = [field.name for field in form]
    return [
        UnknownField(
            field=name,
            detail=f"本操作没有这个字段；可填：{'、'.join(fields) or '无'}",
            pointer=f"{pointer}/{name}",
        )
        for name in data
        if name not in fields
    ]


def _sealed(field: FormField, value: object, pointer: str) -> list[Text]:
    if field.type == "texts":
        return _texts(field, value, pointer)
    return [Text(field.name, field.subject, _text(field, value, pointer))]


def _broken_keywords(field: FormField, value: object, pointer: str) -> list[Refusal]:
    found = field.check(value) if field.check else []
    return [
        UnknownField(field=field.title, detail=detail, pointer=f"{pointer}{inside}")
        for inside, detail in found
    ]


def in_clear(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a fact carries them, and as they are read back."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return plain


def _present(field: FormField, value: object, pointer: str, *, attached: bool) -> object:
    """Return the value, or None for an empty one that may be empty."""
    if value is None:
        value = field.default
    empty = value is None or value == [] or (isinstance(value, str) and not value.strip())
    if not empty:
        return value
    if not field.required or (attached and field.or_attachment):
        return None
    if field.type in SEALED:
        raise EvidenceMissing(field=field.title, pointer=pointer)
    raise UnknownField(field=field.title, detail="必填，不能为空", pointer=pointer)


def _value(  # noqa: C901 - one arm a type
    field: FormField, value: object, directory: Directory, pointer: str
) -> object:
    match field.type:
        case "integer":
            return _integer(field, value, pointer)
        case "boolean":
            if not isinstance(value, bool):
                raise UnknownField(field=field.title, detail="须为 true 或 false", pointer=pointer)
            return value
        case "units":
            return _units(field, value, directory, pointer)
        case "unit":
            return directory.find(_text(field, value, pointer), pointer=pointer)
        case "choice":
            return _choice(field, _text(field, value, pointer), pointer)
        case "moment":
            return read_moment(_text(field, value, pointer), pointer)
        case "day":
            return _day(field, value, pointer)
        case "codes":
            return tuple(_text(field, one, where) for one, where in _items(field, value, pointer))
        case "text" | "texts" | "code" | "case" | "post":
            return _text(field, value, pointer)


def read_moment(text: str, pointer: str) -> datetime:
    """Read an RFC 3339 time with its offset, in UTC and whole seconds.

    Raises:
        NaiveTime.
    """
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise NaiveTime(value=text, pointer=pointer) from None
    if moment.tzinfo is None:
        raise NaiveTime(value=text, pointer=pointer)
    return moment.replace(microsecond=0).astimezone(UTC)


def _integer(field: FormField, value: object, pointer: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnknownField(field=field.title, detail="须为整数", pointer=pointer)
    if abs(value) > LARGEST_INTEGER:
        raise UnknownField(field=field.title, detail="数值过大", pointer=pointer)
    return value


def _units(field: FormField, value: object, directory: Directory, pointer: str) -> tuple[Unit, ...]:
    found = [
        directory.find(_text(field, item, where), pointer=where)
        for item, where in _items(field, value, pointer)
    ]
    return tuple(dict.fromkeys(found))  # named twice is meant once


def _items(field: FormField, value: object, pointer: str) -> list[tuple[object, str]]:
    """Return what a list holds, each with its own pointer."""
    if not isinstance(value, list):
        raise UnknownField(field=field.title, detail="须为列表", pointer=pointer)
    items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
    if len(items) > LONGEST_LIST:
        raise UnknownField(field=field.title, detail=f"超过 {LONGEST_LIST} 项", pointer=pointer)
    return [(item, f"{pointer}/{n}") for n, item in enumerate(items)]


def _texts(field: FormField, value: object, pointer: str) -> list[Text]:
    """Return the texts of a list, each under its number from 1: `measures.1`."""
    return [
        Text(f"{field.name}.{n}", field.subject, _text(field, item, where))
        for n, (item, where) in enumerate(_items(field, value, pointer), 1)
    ]


def _day(field: FormField, value: object, pointer: str) -> date:
    try:
        return date.fromisoformat(_text(field, value, pointer))
    except ValueError:
        raise UnknownField(
            field=field.title, detail="须为日期，如 2026-03-02", pointer=pointer
        ) from None


def named_cases(command: object, kind: Kind) -> list[str]:
    """Return the ids of other cases that the form of an action names."""
    action = kind.actions.get(command.action) if isinstance(command, Act) else None
    if action is None or not isinstance(command, Act):
        return []
    fields = [field.name for field in action.form if field.type == "case"]
    given = [command.data.get(name) for name in fields]
    return [one.strip().lower() for one in given if isinstance(one, str)]


def _choice(field: FormField, value: str, pointer: str) -> str:
    if value not in field.values:
        allowed = "、".join(field.values)
        raise UnknownField(field=field.title, detail=f"只能是：{allowed}", pointer=pointer)
    return value


def _text(field: FormField, value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise UnknownField(field=field.title, detail="须为文字", pointer=pointer)
    text = value.strip()
    if len(text) > field.limit:
        raise UnknownField(field=field.title, detail=f"超过 {field.limit} 个字", pointer=pointer)
    if field.type != "text" and not text.isprintable():
        raise UnknownField(field=field.title, detail="含有控制字符或换行", pointer=pointer)
    return text
