"""The catalogue (事项目录), what communities admitted, and tables of other systems' codes."""

from datetime import date
from typing import Any, ClassVar

from msgspec import Struct

from domain.facts.shapes import CATALOGUE, Fact


class CataloguePublished(Fact, frozen=True, kw_only=True):
    """发布事项目录: a whole new version; nothing of an older one is deleted."""

    TYPE: ClassVar[str] = "catalogue-published"
    STREAM: ClassVar[str] = CATALOGUE
    name: str
    version: str
    hash: str
    """SHA-256 of the document's canonical JSON."""
    document: dict[str, Any]
    """`{"items": [{code, sort, major, minor, conditions: [{number, condition, closing, …}]}]}`."""


class ItemAdmitted(Fact, frozen=True, kw_only=True):
    """准入社区工作事项: a department may hand it down from this day on."""

    TYPE: ClassVar[str] = "item-admitted"
    STREAM: ClassVar[str] = CATALOGUE
    item: str
    title: str
    department: str | None
    people: int
    """人随事走: how many people follow it."""
    money: int
    """费随事转: how many yuan a year follow it."""
    since: date
    case: str
    """The id of the case in which it was decided."""


class ItemExited(Fact, frozen=True, kw_only=True):
    """退出社区工作事项: from this day on it is not handed down any more."""

    TYPE: ClassVar[str] = "item-exited"
    STREAM: ClassVar[str] = CATALOGUE
    item: str
    since: date
    case: str


class ItemAdjusted(Fact, frozen=True, kw_only=True):
    """调整社区工作事项: other people, money or title from this day on."""

    TYPE: ClassVar[str] = "item-adjusted"
    STREAM: ClassVar[str] = CATALOGUE
    item: str
    title: str
    department: str | None
    people: int
    money: int
    since: date
    case: str


class CodePair(Struct, frozen=True, gc=False):
    """Another system's code, and the category of ours that it stands for."""

    code: str
    category: str


class CodeTablePublished(Fact, frozen=True, kw_only=True):
    """发布类别对照表 of another system: a whole new version."""

    TYPE: ClassVar[str] = "code-table-published"
    STREAM: ClassVar[str] = CATALOGUE
    system: str
    version: str
    hash: str
    codes: tuple[CodePair, ...]
