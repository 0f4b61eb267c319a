"""Who holds a case and who is called to it: hops, whistles, supervision, meetings, other ends."""

from domain.facts.of_cases import CaseFact


class RoutingFact(CaseFact, frozen=True, kw_only=True):
    """流转: what all facts of this module are."""
