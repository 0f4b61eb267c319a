"""Who answers for a case: the four that are fixed, the three duties."""

from domain.facts.of_cases import CaseFact


class AccountabilityFact(CaseFact, frozen=True, kw_only=True):
    """四定三包: what all facts of this module are."""
