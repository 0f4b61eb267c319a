"""Checking the data of a form against its fields; texts part from values here."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from domain.directory import Directory
from domain.errors import EvidenceMissing, UnknownField
from domain.facts import Text, Unit
from domain.kind import FormField


class Filled(Struct, frozen=True):
    """A form as filled in: values in clear (codes, units resolved), texts to be sealed."""

    values: dict[str, Any]
    texts: tuple[Text, ...]


def fill(
    form: tuple[FormField, ...], data: Mapping[str, Any], directory: Directory, pointer: str
) -> Filled:
    """Check `data` field by field.

    Raises:
        EvidenceMissing: a required text is absent or blank.
        UnknownField: a field is unknown, missing or of another type; `pointer` says which.
        UnknownUnit: a unit is not in the directory.
    """
    fields = {field.name: field for field in form}
    for name in data:
        if name not in fields:
            known = "、".join(fields) or "无"
            raise UnknownField(
                field=name, detail=f"本操作没有这个字段；可填：{known}", pointer=f"{pointer}/{name}"
            )
    values: dict[str, Any] = {}
    texts: list[Text] = []
    for field in form:
        where = f"{pointer}/{field.name}"
        value = _present(field, data.get(field.name), where)
        if value is None:
            continue
        if field.type == "text":
            texts.append(Text(field.name, field.subject, _text(field, value, where)))
        else:
            values[field.name] = _value(field, value, directory, where)
    return Filled(values, tuple(texts))


def _present(field: FormField, value: object, pointer: str) -> object:
    """Return the value, or None for an empty one that may be empty."""
    if value is not None and not (isinstance(value, str) and not value.strip()):
        return value
    if not field.required:
        return None
    if field.type == "text":
        raise EvidenceMissing(field=field.title, pointer=pointer)
    raise UnknownField(field=field.title, detail="必填，不能为空", pointer=pointer)


def _value(field: FormField, value: object, directory: Directory, pointer: str) -> object:
    match field.type:
        case "integer":
            return _typed(field, value, int, "须为整数", pointer)
        case "boolean":
            return _typed(field, value, bool, "须为 true 或 false", pointer)
        case "units":
            return _units(field, value, directory, pointer)
        case "unit":
            return directory.find(_text(field, value, pointer), pointer=pointer)
        case "choice":
            return _choice(field, _text(field, value, pointer), pointer)
        case "text" | "code":
            return _text(field, value, pointer)


def _typed(field: FormField, value: object, wanted: type, detail: str, pointer: str) -> object:
    if type(value) is not wanted:
        raise UnknownField(field=field.title, detail=detail, pointer=pointer)
    return value


def _units(field: FormField, value: object, directory: Directory, pointer: str) -> tuple[Unit, ...]:
    if not isinstance(value, list):
        raise UnknownField(field=field.title, detail="须为单元编码的列表", pointer=pointer)
    items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
    return tuple(
        directory.find(_text(field, item, f"{pointer}/{n}"), pointer=f"{pointer}/{n}")
        for n, item in enumerate(items)
    )


def _choice(field: FormField, value: str, pointer: str) -> str:
    if value not in field.values:
        allowed = "、".join(field.values)
        raise UnknownField(field=field.title, detail=f"只能是：{allowed}", pointer=pointer)
    return value


def _text(field: FormField, value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise UnknownField(field=field.title, detail="须为文字", pointer=pointer)
    if len(value) > field.max_length:
        raise UnknownField(
            field=field.title, detail=f"超过 {field.max_length} 个字", pointer=pointer
        )
    return value.strip()
