"""What units are ranked by, as somebody signed it: a whole result, version by version."""

from datetime import date, datetime
from typing import ClassVar

from msgspec import Struct

from domain.facts.shapes import RANKING, Fact, Unit


class RankedUnit(Struct, frozen=True):
    """A unit's place among those of its level; `points` as a decimal text."""

    unit: Unit
    name: str
    """As it was called then."""
    level: str
    rank: int
    """From 1 within its level; units with the same points share one."""
    points: str
    terms: dict[str, int]
    """How many of each the points were made of."""


class RankingSigned(Fact, frozen=True, kw_only=True):
    """签发考核通报: a ranking of units as it is published; a correction is the next version."""

    TYPE: ClassVar[str] = "ranking-signed"
    STREAM: ClassVar[str] = RANKING
    ranking: str
    """The indicator's name."""
    title: str
    formula: str
    """`unit-points@1.0.0`."""
    formula_hash: str
    period: str
    """`2026-10`."""
    since: date
    until: date
    """Exclusive."""
    as_of: datetime
    """What was true at this moment…"""
    position: int
    """…as the log knew it up to here."""
    version: int
    digest: str
    """Of all that was previewed; see `domain/rankings.py`."""
    units: tuple[RankedUnit, ...]
    by: str
    """Who signed: the person where known, else the key."""
