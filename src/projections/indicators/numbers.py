"""The arithmetic of indicators: exact, rounded once, half up."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from projections.indicators.formula import Formula

SCALES: Final = {
    "percent": Fraction(100),
    "hours": Fraction(1, 3600),
    "days": Fraction(1, 86400),
    "points": Fraction(1),
    "count": Fraction(1),
    "score": Fraction(1),
}


class Number(Struct, frozen=True):
    """What an indicator says: its value as a decimal text, and what it was made of.

    Without anything to divide by there is no value. `terms` are the counts of a weighted sum.
    """

    value: str | None
    numerator: str
    denominator: int | None = None
    terms: dict[str, int] | None = None


class Change(Struct, frozen=True):
    """Another period's number, and how far this one lies from it.

    `change` in the indicator's own unit (percentage points for a percentage), `rate` in percent of
    the other value.
    """

    period: str
    number: Number
    change: str | None
    rate: str | None


def number_of(formula: Formula, sums: Mapping[str, int]) -> Number:
    """Return the number that sums by part make."""
    total = sum(
        (Fraction(one.weight) * sums.get(one.name, 0) for one in formula.counted), Fraction()
    )
    scaled = total * SCALES[formula.unit]
    terms = {one.name: sums.get(one.name, 0) for one in formula.counted} if formula.terms else None
    if formula.denominator is None:
        return Number(rounded(scaled, formula.decimals), _plain(total), None, terms)
    below = sums.get(formula.denominator.name, 0)
    value = rounded(scaled / below, formula.decimals) if below else None
    return Number(value, _plain(total), below, terms)


def change_of(formula: Formula, period: str, now: Number, then: Number) -> Change:
    """Return how a number lies to that of another period; of the rounded values, as people read."""
    if now.value is None or then.value is None:
        return Change(period, then, None, None)
    here, there = Fraction(Decimal(now.value)), Fraction(Decimal(then.value))
    change = rounded(here - there, formula.decimals)
    rate = rounded((here - there) / abs(there) * 100, 2) if there else None
    return Change(period, then, change, rate)


def rounded(value: Fraction, decimals: int) -> str:
    """Return a decimal text, rounded half up (away from zero)."""
    shifted = value * 10**decimals
    # Exact: whole digits first, then the one rounding.
    whole, rest = divmod(abs(shifted.numerator), shifted.denominator)
    whole += 2 * rest >= shifted.denominator
    signed = Decimal(-whole if value < 0 else whole)
    return str(signed.scaleb(-decimals).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def _plain(value: Fraction) -> str:
    """Return an exact sum as text: a whole number, or a decimal as its weights have it."""
    if value.denominator == 1:
        return str(value.numerator)
    return format((Decimal(value.numerator) / Decimal(value.denominator)).normalize(), "f")
