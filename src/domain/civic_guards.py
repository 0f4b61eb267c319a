"""What actions may require of a case, of the family in `domain/civic.py`."""

from typing import Final

from domain.requirement import Requirement

REQUIREMENTS: Final[dict[str, Requirement]] = {}
