"""What a decision table said before an action was taken by it."""

from typing import Any, ClassVar

from domain.facts.of_cases import CaseFact


class DecisionFact(CaseFact, frozen=True, kw_only=True):
    """决策: what all facts of this module are."""


class DecisionMade(DecisionFact, frozen=True, kw_only=True):
    """决策表判定: from which values it decided, by which rows, and what was chosen after all.

    The kind and its version, which hold the table, are those of the record.
    """

    TYPE: ClassVar[str] = "decision-made"
    decision: str
    """The table's name in the kind."""
    table: str
    """SHA-256 (hex) of the table's data."""
    inputs: dict[str, Any]
    """Values in clear, by the name of the input."""
    rows: tuple[int, ...]
    """The rows that applied, numbered from 1."""
    outputs: dict[str, Any]
    """What the table said."""
    overridden: bool
    """Whether somebody chose otherwise; the reason is a sealed text."""
    chosen: dict[str, Any]
    """What stands after all."""
