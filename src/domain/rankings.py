"""Ranking units (考核通报): ranks, the digest of what is signed, what moved since; pure.

A ranking is previewed, then signed as it was previewed. What was signed stays; a correction is
version n+1, signed again. Nothing republishes itself.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from domain import facts as f

ORDER: Final = msgspec.json.Encoder(order="sorted")


class Difference(Struct, frozen=True, kw_only=True):
    """How a unit stands in one version and stood in the one before it; None: it was not there."""

    unit: str
    name: str
    level: str
    rank_before: int | None
    rank: int | None
    points_before: str | None
    points: str | None


class Score(Struct, frozen=True):
    """A unit with its points, not yet ranked."""

    unit: f.Unit
    name: str
    level: str
    points: str
    terms: dict[str, int]


def ranked(scores: Iterable[Score]) -> tuple[f.RankedUnit, ...]:
    """Rank units within their level, the most points first; equal points share a rank (1、2、2、4).

    Those of equal points stand in the order of their ids, so that the same result reads the same.
    """
    levels: dict[str, list[Score]] = {}
    for score in scores:
        levels.setdefault(score.level, []).append(score)
    return tuple(one for level in levels.values() for one in _of_level(level))


def _of_level(scores: list[Score]) -> list[f.RankedUnit]:
    ordered = sorted(scores, key=lambda one: (-Decimal(one.points), one.unit.id))
    found: list[f.RankedUnit] = []
    for place, score in enumerate(ordered, start=1):
        same = bool(found) and Decimal(found[-1].points) == Decimal(score.points)
        rank = found[-1].rank if same else place
        found.append(
            f.RankedUnit(score.unit, score.name, score.level, rank, score.points, score.terms)
        )
    return found


def digest_of(fact: f.RankingSigned) -> str:
    """Return the digest of what a preview showed: the result, what it is of, its version.

    The position is left out: facts that change nothing in the result make no other ranking.
    """
    shown = {
        name: getattr(fact, name)
        for name in (
            "ranking", "title", "formula", "formula_hash", "period", "since", "until", "as_of",
            "version", "units",
        )
    }  # fmt: skip
    return sha256(ORDER.encode(shown)).hexdigest()


def differences(
    before: Iterable[f.RankedUnit], after: Iterable[f.RankedUnit]
) -> tuple[Difference, ...]:
    """Return every unit whose rank or points are not what they were, in the order of `after`.

    Units that have gone stand at the end.
    """
    old, new = _by_unit(before), _by_unit(after)
    return tuple(
        _difference(old.get(unit), new.get(unit))
        for unit in dict.fromkeys((*new, *old))
        if _standing(old.get(unit)) != _standing(new.get(unit))
    )


def _by_unit(units: Iterable[f.RankedUnit]) -> Mapping[str, f.RankedUnit]:
    return {one.unit.id: one for one in units}


def _standing(one: f.RankedUnit | None) -> tuple[int, Decimal] | None:
    return (one.rank, Decimal(one.points)) if one else None


def _difference(before: f.RankedUnit | None, after: f.RankedUnit | None) -> Difference:
    known = after or before
    if known is None:
        raise LookupError("a difference is of a unit in at least one version")
    return Difference(
        unit=known.unit.id,
        name=known.name,
        level=known.level,
        rank_before=before.rank if before else None,
        rank=after.rank if after else None,
        points_before=before.points if before else None,
        points=after.points if after else None,
    )
