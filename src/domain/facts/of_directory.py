"""What the directory knows beyond its tree: relations, deputies, posts given up, re-divisions."""

from datetime import date
from typing import ClassVar

from msgspec import Struct

from domain.facts.shapes import DIRECTORY, Fact


class UnitRelated(Fact, frozen=True, kw_only=True):
    """建立单元关系, from a day on: a second parent 条线, 包联, 双报到, 坐班."""

    TYPE: ClassVar[str] = "unit-related"
    STREAM: ClassVar[str] = DIRECTORY
    relation: str
    """Its permanent id."""
    sort: str
    """`second_parent`, `liaison` 包联, `double_report` 双报到, `duty_desk` 坐班."""
    unit: str
    """The unit that has the second parent; that is looked after; that reports; that sits."""
    other: str
    """The second parent; who looks after it; where it reports, or sits."""
    person: str | None
    since: date
    until: date | None


class RelationEnded(Fact, frozen=True, kw_only=True):
    """解除单元关系: from this day on it holds no more."""

    TYPE: ClassVar[str] = "relation-ended"
    STREAM: ClassVar[str] = DIRECTORY
    relation: str
    until: date


class DeputyNamed(Fact, frozen=True, kw_only=True):
    """指定代理人: who answers for a post while nobody holds it."""

    TYPE: ClassVar[str] = "deputy-named"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    person: str
    since: date
    until: date | None


class PostLeft(Fact, frozen=True, kw_only=True):
    """离任: from this day on the person holds, or deputises for, the post no more."""

    TYPE: ClassVar[str] = "post-left"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    person: str
    until: date


class UnitDissolved(Fact, frozen=True, kw_only=True):
    """撤销组织单元: what it had passes to its successors; its closed cases stay with it."""

    TYPE: ClassVar[str] = "unit-dissolved"
    STREAM: ClassVar[str] = DIRECTORY
    unit: str
    on: date
    successors: tuple[str, ...]


class NewUnit(Struct, frozen=True, gc=False):
    """A unit that a re-division sets up."""

    unit: str
    code: str
    name: str
    level: str
    parent: str


class DivisionMove(Struct, frozen=True, gc=False):
    """What becomes of a unit: it moves under another parent, or dissolves into successors."""

    unit: str
    parent: str | None
    successors: tuple[str, ...]


class DivisionDecreed(Fact, frozen=True, kw_only=True):
    """区划调整: units are split, merged and moved on a date."""

    TYPE: ClassVar[str] = "division-decreed"
    STREAM: ClassVar[str] = DIRECTORY
    division: str
    on: date
    established: tuple[NewUnit, ...]
    moves: tuple[DivisionMove, ...]


class DivisionCarriedOut(Fact, frozen=True, kw_only=True):
    """区划调整执行完毕: its units stand, and every open case was asked whether it follows them."""

    TYPE: ClassVar[str] = "division-carried-out"
    STREAM: ClassVar[str] = DIRECTORY
    division: str
    cases: int
    """How many open cases followed in the run that ended it; those before it are not counted."""
    to_allot: int
    """How many of them went to the list 待划归."""
