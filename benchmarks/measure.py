"""What a measurement gives: samples, their median, and claims that hold or do not."""

import statistics
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

from msgspec import Struct, field

ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2


class Row(Struct, frozen=True):
    """One figure: its samples, in the order they were taken."""

    name: str
    unit: str
    samples: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)


class Claim(Struct, frozen=True):
    """What the design promises of a figure, and whether it is so."""

    name: str
    value: float
    relation: Literal["≥", "≤"]
    bound: float

    @property
    def holds(self) -> bool:
        """Whether it is so."""
        return self.value >= self.bound if self.relation == "≥" else self.value <= self.bound


class Result(Struct):
    """A benchmark's outcome: how it was done, the figures, the claims."""

    name: str
    method: str
    quick: bool
    rows: list[Row] = field(default_factory=list[Row])
    claims: list[Claim] = field(default_factory=list[Claim])

    def figure(self, name: str, unit: str, samples: Iterable[float], *, note: str = "") -> Row:
        """Keep a figure and print it."""
        row = Row(name, unit, tuple(samples), note)
        self.rows.append(row)
        print(f"  {name}: {shown(row.median)} {unit} ({spread(row)})", flush=True)
        return row

    def ratio(self, name: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
        """Keep the ratios of pairs that were measured one after the other."""
        pairs = zip(ours, theirs, strict=True)
        return self.figure(name, "×", [mine / other for mine, other in pairs])

    def claim(self, row: Row, relation: Literal["≥", "≤"], bound: float) -> None:
        """Hold a figure's median against what is promised."""
        claim = Claim(row.name, row.median, relation, bound)
        self.claims.append(claim)
        verdict = "holds" if claim.holds else "MISSED"
        print(f"  → {row.name} {relation} {bound}: {verdict}", flush=True)

    def document(self, machine: dict[str, Any]) -> dict[str, Any]:
        """Return what is written as JSON."""
        return {
            "name": self.name,
            "method": self.method,
            "quick": self.quick,
            "machine": machine,
            "figures": [
                {
                    "name": row.name,
                    "unit": row.unit,
                    "median": row.median,
                    "min": min(row.samples),
                    "max": max(row.samples),
                    "samples": row.samples,
                    "note": row.note,
                }
                for row in self.rows
            ],
            "claims": [
                {
                    "name": claim.name,
                    "value": claim.value,
                    "promised": f"{claim.relation} {claim.bound}",
                    "holds": claim.holds,
                }
                for claim in self.claims
            ],
        }


class Watch:
    """A stopwatch: `seconds` holds the length of the last `timed` block."""

    seconds: float = 0.0

    @contextmanager
    def timed(self) -> Generator[None]:
        """Take the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds = time.perf_counter() - start


def rounds(*, quick: bool) -> int:
    """Return how many samples a figure has."""
    return QUICK_ROUNDS if quick else ROUNDS


def shown(value: float) -> str:
    """Write a number with three or four digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(row: Row) -> str:
    """Write the smallest and the largest sample."""
    return f"{shown(min(row.samples))}–{shown(max(row.samples))}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0…1) of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
