"""Which column of a register is which field of a case: the mapping, as its author wrote it."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.register.cells import clean

_DIRECTIVES: Final = frozenset("YymdHIMSfpz%")
_HALF_HOURS: Final = "%I"


def _column(name: str) -> str:
    if not (cleaned := clean(name)):
        raise ValueError("要写出列名")
    return cleaned


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"不是正则表达式：{error}") from error
    if groups < 1:
        raise ValueError("正则里要有一个括号，括住要取出的部分，例如 电话(\\d+)")
    return text


def _format(text: str) -> str:
    used = set(re.findall(r"%(.)", text))
    if unknown := used - _DIRECTIVES:
        raise ValueError(f"不认识 %{' %'.join(sorted(unknown))}；可用 %Y %m %d %H %M %S 等")
    if not (used & set("Yy") and {"m", "d"} <= used):
        raise ValueError("日期格式要有年 %Y、月 %m、日 %d，例如 %Y/%m/%d %H:%M:%S")
    if _HALF_HOURS in text and "p" not in used:
        raise ValueError("%I 是十二小时制，要与 %p 同用；二十四小时制请用 %H")
    datetime(2000, 1, 1).strftime(text)  # noqa: DTZ001 - only tries the format
    return text


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"没有时区“{name}”，例如 Asia/Shanghai")
    return name


ColumnName = Annotated[str, AfterValidator(_column)]
Pattern = Annotated[str, AfterValidator(_pattern)]
DateFormat = Annotated[str, AfterValidator(_format)]
ZoneName = Annotated[str, AfterValidator(_zone)]
Word = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A part of a mapping: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IdRule(Part):
    """The column with the source system's own number; never a constant."""

    column: ColumnName
    pattern: Pattern | None = None


class TextRule(Part):
    """A text from a column, or a constant.

    `pattern` takes its named or first group out of the text; then `values` and `aliases`
    (the same thing, said of codes and of units) replace whole texts. What is in neither stays.
    """

    column: ColumnName | None = None
    constant: Word | None = None
    pattern: Pattern | None = None
    values: dict[str, str] = Field(default_factory=dict[str, str])
    aliases: dict[str, str] = Field(default_factory=dict[str, str])

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("column 和 constant 要写且只写一个")
        return self


class MomentRule(Part):
    """A column with moments; `format` or `formats` (strptime) bind its texts to these shapes."""

    column: ColumnName
    format: DateFormat | None = None
    formats: tuple[DateFormat, ...] = ()
    timezone: ZoneName | None = None

    @property
    def all_formats(self) -> tuple[str, ...]:
        """Return `format` and `formats` as one."""
        return (*((self.format,) if self.format else ()), *self.formats)


class SourceRule(Part):
    """Where the register came from, and its number for the case."""

    system: Word
    id: IdRule


class ReporterRule(Part):
    """Who reported."""

    name: TextRule | None = None
    phone: TextRule | None = None
    address: TextRule | None = None

    def rules(self) -> dict[str, TextRule]:
        """Return what the mapping names, by our names."""
        named = {"name": self.name, "phone": self.phone, "address": self.address}
        return {name: rule for name, rule in named.items() if rule is not None}


class AcceptedRule(Part):
    """When the case was accepted 受理."""

    at: MomentRule
    text: TextRule | None = None


class DispatchedRule(AcceptedRule):
    """When the case was dispatched 派遣, and to whom."""

    unit: TextRule | None = None


class ClosedRule(Part):
    """When and with which reply the case was closed."""

    at: MomentRule
    reply: TextRule | None = None
    outcome: TextRule | None = None


class Mapping(Part):
    """A register's mapping (interface.md, `bihuan import cases`)."""

    kind: Word
    source: SourceRule
    title: TextRule | None = None
    description: TextRule | None = None
    reporter: ReporterRule = ReporterRule()
    reported_at: MomentRule
    category: TextRule | None = None
    unit: TextRule | None = None
    location: TextRule | None = None
    data: dict[str, TextRule] = Field(default_factory=dict[str, TextRule])
    accepted: AcceptedRule | None = None
    dispatched: DispatchedRule | None = None
    closed: ClosedRule | None = None
    header_row: int = Field(default=1, ge=1)
    sheet: Word | None = None
    timezone: ZoneName = "Asia/Shanghai"

    @model_validator(mode="after")
    def _some_text(self) -> Self:
        if self.title is None and self.description is None:
            raise ValueError("title 和 description 至少要写一个")
        return self

    def zone(self, rule: MomentRule) -> ZoneInfo:
        """Return the zone of texts without an offset."""
        return ZoneInfo(rule.timezone or self.timezone)

    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping names, in the order of its fields, once each."""
        return tuple(dict.fromkeys(_columns(self)))


def _columns(part: BaseModel) -> Iterator[str]:
    for name in type(part).model_fields:
        value: object = getattr(part, name)
        if name == "column" and isinstance(value, str):
            yield value
        elif isinstance(value, BaseModel):
            yield from _columns(value)
        elif name == "data" and isinstance(part, Mapping):
            for rule in part.data.values():
                yield from _columns(rule)
