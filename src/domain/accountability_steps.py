"""From permitted actions to facts, of the family in `domain/accountability.py`."""

from typing import Final

from domain.step import Builder

FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {}
CONSTANTS: Final[dict[str, frozenset[str]]] = {}
BUILDERS: Final[dict[str, Builder]] = {}
