"""Where a register's column comes from: a fact's member, a form's value, a sealed text.

Read from the words in the file into plain callables. `publication-made.since` is a member,
`case-accepted` the fact itself, `….at` when it happened, `….on` its day (+08:00), `….size` how
many a list has, `data.people` a form's value, `text.title` a sealed text, `case-closed.text.note`
one of a certain fact.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct

from domain import facts as f
from eventlog.records import Followed

Sort = Literal["text", "number", "flag", "date", "time", "unit", "reference"]
Read = Callable[[Followed], Any]
"""Returns what a fact says, which may be None; KEEP where it says nothing of the matter."""
KEEP: Final = object()

BEIJING: Final = timezone(timedelta(hours=8))
KNOWN: Final[Mapping[str, type[f.Fact]]] = {fact.TYPE: fact for fact in f.FACTS}
STREAMS: Final = (f.CASE, f.DIRECTORY, f.CATALOGUE)
"""Streams that a register may be of; keys, kinds and definitions are nobody's register."""
DATA_FACTS: Final[tuple[type[f.Fact], ...]] = (f.CaseReported, f.DataRecorded, f.CaseCorrected)
NARRATIVE: Final = "narrative"
"""The subject of texts that are nobody's personal data."""
PEOPLE: Final = frozenset({"person", "by", "key", "digest"})
"""Members that say who somebody is."""
SORTS: Final[dict[object, Sort]] = {
    str: "text",
    int: "number",
    bool: "flag",
    datetime: "time",
    date: "date",
    f.Unit: "unit",
}
DATA: Final = "data."
TEXT: Final = "text."


class Source(Struct, frozen=True):
    """A way to a value: which facts have it, of which sort it is, and how it is read."""

    facts: tuple[type[f.Fact], ...]
    sort: Sort
    nullable: bool
    read: Read
    field: str = ""
    """The sealed field, or the field of a form."""


class Unfit(Exception):
    """A source that nothing comes from: what is wrong with the words in the file."""


def source_of(written: str, type_: str | None) -> Source:
    """Return the way to a value.

    Raises:
        Unfit: there is none.
    """
    if written.startswith(DATA):
        return _data(written.removeprefix(DATA), type_)
    if written.startswith(TEXT):
        return _text(written.removeprefix(TEXT), f.CASE_FACTS)
    name, _, rest = written.partition(".")
    fact = fact_of(name)
    if rest.startswith(TEXT):
        return _text(rest.removeprefix(TEXT), (fact,))
    if rest in {"", "at"}:
        return Source((fact,), "time", nullable=False, read=_at)
    if rest == "on":
        return Source((fact,), "date", nullable=False, read=_on)
    return _member(fact, rest)


def fact_of(name: str) -> type[f.Fact]:
    """Return the fact of this written name. Raises Unfit."""
    found = KNOWN.get(name)
    if found is None or found.STREAM not in STREAMS:
        usable = [one for one, fact in KNOWN.items() if fact.STREAM in STREAMS]
        raise Unfit(_unknown(name, usable))
    return found


def member_of(fact: type[f.Fact], path: str) -> tuple[object, bool, Callable[[Any], Any]]:
    """Return a member's type, whether it may be missing, and how it is read. Raises Unfit."""
    steps = path.split(".")
    type_: object = fact
    nullable = False
    for step in steps:
        members = _members(type_)
        if step not in members:
            raise Unfit(_unknown(step, [name for name in members if name not in PEOPLE]))
        if step in PEOPLE:
            raise Unfit(f"“{path}”说的是某个人，台账中不列；请删去")
        type_, missing = _present(members[step])
        nullable = nullable or missing
    return type_, nullable, _getter(steps)


def _member(fact: type[f.Fact], path: str) -> Source:
    plain, _, last = path.rpartition(".")
    if last == "size" and plain:
        type_, _, sized = member_of(fact, plain)
        if get_origin(type_) is not tuple:
            raise Unfit(f"“{plain}”不是列表，没有 size；请去掉“.size”")
        return Source((fact,), "number", nullable=False, read=lambda one: len(sized(one) or ()))
    type_, nullable, get = member_of(fact, path)
    sort = SORTS.get(type_)
    if sort is None:
        raise Unfit(_not_a_value(path, type_))
    return Source((fact,), sort, nullable=nullable, read=_id_of(get) if sort == "unit" else get)


def _id_of(get: Callable[[Any], Any]) -> Read:
    def read(record: Followed) -> str | None:
        unit = get(record)
        return None if unit is None else str(unit.id)

    return read


def _data(field: str, type_: str | None) -> Source:
    """Return the way to a value of the kinds' own forms; what is of another type counts as none."""
    sort: Sort = type_ or "text"  # type: ignore[assignment]
    convert = CONVERSIONS[sort]

    def read(record: Followed) -> Any:  # noqa: ANN401 - of the sort that was asked for
        fact = record.body.data
        given: Mapping[str, Any] = getattr(fact, "data", {})
        if field not in given:  # a correction says all that was reported
            return None if isinstance(fact, f.CaseCorrected) else KEEP
        return convert(given[field])

    return Source(DATA_FACTS, sort, nullable=True, read=read, field=field)


def _text(field: str, facts: Sequence[type[f.Fact]]) -> Source:
    """Return the way to where a sealed text lies; personal ones are passed over."""

    def read(record: Followed) -> Any:  # noqa: ANN401 - a position, or KEEP
        for text in record.body.sealed:
            if text.field == field and text.subject == NARRATIVE:
                return record.position
        return KEEP

    return Source(tuple(facts), "reference", nullable=True, read=read, field=field)


def _at(record: Followed) -> datetime:
    return record.body.occurred_at


def _on(record: Followed) -> date:
    return record.body.occurred_at.astimezone(BEIJING).date()


def _getter(steps: Sequence[str]) -> Callable[[Followed], Any]:
    def get(record: Followed) -> Any:  # noqa: ANN401 - of the member's type
        value: Any = record.body.data
        for step in steps:
            value = getattr(value, step, None)
        return value

    return get


def _members(type_: object) -> dict[str, object]:
    if not (isinstance(type_, type) and issubclass(type_, Struct)):
        return {}
    return {one.name: one.type for one in msgspec.structs.fields(type_)}


def _present(type_: object) -> tuple[object, bool]:
    """Part `X | None` into X and whether it may be missing."""
    if get_origin(type_) not in {UnionType, Union}:
        return type_, False
    members = [one for one in get_args(type_) if one is not NoneType]
    return members[0], len(members) < len(get_args(type_))


def _not_a_value(path: str, type_: object) -> str:
    if get_origin(type_) is tuple:
        return f"“{path}”是列表；要列出有几个，请写“{path}.size”"
    inside = _members(type_)
    if inside:
        usable = "、".join(f"{path}.{name}" for name in inside if name not in PEOPLE)
        return f"“{path}”不是一个值；可用：{usable}"
    return f"“{path}”不是一个值；表单中登记的请写 data.名称"


def _unknown(name: str, usable: Sequence[str]) -> str:
    return f"没有“{name}”；可用：{'、'.join(usable)}"


def _as_text(value: object) -> str | None:
    if isinstance(value, list | tuple):
        return "、".join(map(str, cast("Sequence[object]", value))) or None
    return value if isinstance(value, str) else None


def _as_number(value: object) -> int | None:
    if isinstance(value, list | tuple):
        return len(cast("Sequence[object]", value))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _as_flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _as_time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _as_unit(value: object) -> str | None:
    """A form keeps a unit as its id, or as the id with where it stood in the tree."""
    if isinstance(value, dict):
        return _as_text(cast("Mapping[str, object]", value).get("id"))
    return _as_text(value)


CONVERSIONS: Final[Mapping[str, Callable[[object], Any]]] = {
    "text": _as_text,
    "number": _as_number,
    "flag": _as_flag,
    "date": _as_date,
    "time": _as_time,
    "unit": _as_unit,
}
