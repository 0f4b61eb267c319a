"""Who may see and touch a case: confidentiality, hidden reporters, recusal, acting for others."""

from typing import ClassVar

from domain.facts.of_cases import CaseFact
from domain.facts.shapes import Unit


class PrivacyFact(CaseFact, frozen=True, kw_only=True):
    """保密与回避: what all facts of this module are."""


class ConfidentialitySet(PrivacyFact, frozen=True, kw_only=True):
    """保密: only these posts see the case from now on; none lifts it.

    Administrators and auditors of the whole district see every case.
    """

    TYPE: ClassVar[str] = "confidentiality-set"
    posts: tuple[str, ...]


class IdentityHidden(PrivacyFact, frozen=True, kw_only=True):
    """身份隐藏: nobody but intake and callback reads who reported it."""

    TYPE: ClassVar[str] = "identity-hidden"


class RecusalDeclared(PrivacyFact, frozen=True, kw_only=True):
    """回避: a unit (with all below it) or a person neither sees nor touches the case."""

    TYPE: ClassVar[str] = "recusal-declared"
    unit: Unit | None
    person: str | None


class RecusalLifted(PrivacyFact, frozen=True, kw_only=True):
    """解除回避."""

    TYPE: ClassVar[str] = "recusal-lifted"
    unit: Unit | None
    person: str | None


class AgencyRecorded(PrivacyFact, frozen=True, kw_only=True):
    """帮办代办: the record's actor, or the agent named in its texts, acts for the reporter."""

    TYPE: ClassVar[str] = "agency-recorded"
    relation: str
    """How the agent stands to the reporter, by a code: `family`, `neighbour`, `grid_worker`…"""
