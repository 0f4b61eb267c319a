"""Who may see and touch a case: confidentiality, hidden reporters, recusal, acting for others."""

from domain.facts.of_cases import CaseFact


class PrivacyFact(CaseFact, frozen=True, kw_only=True):
    """保密与回避: what all facts of this module are."""
