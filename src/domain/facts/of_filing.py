"""Under which item of the catalogue a case stands, where it was re-allotted, its attachments."""

from domain.facts.of_cases import CaseFact


class FilingFact(CaseFact, frozen=True, kw_only=True):
    """立案归目: what all facts of this module are."""
