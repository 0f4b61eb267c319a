"""What actions may require of a case, of the family in `domain/routing.py`."""

from typing import Final

from domain.requirement import Requirement

REQUIREMENTS: Final[dict[str, Requirement]] = {}
