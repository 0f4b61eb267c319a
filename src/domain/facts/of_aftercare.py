"""What follows closing, and how cases belong together: callbacks, redo, appeals, merging."""

from domain.facts.of_cases import CaseFact


class AftercareFact(CaseFact, frozen=True, kw_only=True):
    """办结之后: what all facts of this module are."""
