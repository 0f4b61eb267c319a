"""Typed data of a kind, and what residents do together: votes, publications, claims, rounds."""

from datetime import date
from typing import Any, ClassVar

from domain.facts.of_cases import CaseFact
from domain.facts.shapes import Unit


class CivicFact(CaseFact, frozen=True, kw_only=True):
    """要素与共治: what all facts of this module are."""


class DataRecorded(CivicFact, frozen=True, kw_only=True):
    """登记要素: values of the kind's own form, in clear; later ones replace earlier ones."""

    TYPE: ClassVar[str] = "data-recorded"
    data: dict[str, Any]


class CaseClaimed(CivicFact, frozen=True, kw_only=True):
    """认领: a unit, or a person in it, takes it upon itself; nobody else may then."""

    TYPE: ClassVar[str] = "case-claimed"
    claimant: Unit
    person: str | None


class ClaimReleased(CivicFact, frozen=True, kw_only=True):
    """放弃认领: it is free to be claimed again."""

    TYPE: ClassVar[str] = "claim-released"


class VoteHeld(CivicFact, frozen=True, kw_only=True):
    """表决: who may vote, who was there, who was in favour; by the rule that stands beside it."""

    TYPE: ClassVar[str] = "vote-held"
    step: str
    body: str
    """Whose vote it is, for example `village_party_members`."""
    eligible: int
    present: int
    in_favour: int
    quorum: str
    """What share of the eligible must be present: `2/3`."""
    majority: str
    """More than this share must be in favour: `1/2`…"""
    majority_of: str
    """…of the `eligible` or of the `present`."""
    passed: bool


class PublicationMade(CivicFact, frozen=True, kw_only=True):
    """公示: posted from a day on, until the end of another."""

    TYPE: ClassVar[str] = "publication-made"
    step: str
    since: date
    until: date


class PublicationEnded(CivicFact, frozen=True, kw_only=True):
    """公示期满: it hung as long as it had to."""

    TYPE: ClassVar[str] = "publication-ended"
    step: str


class ObjectionRaised(CivicFact, frozen=True, kw_only=True):
    """公示异议; numbered within the case."""

    TYPE: ClassVar[str] = "objection-raised"
    objection: int


class ObjectionAnswered(CivicFact, frozen=True, kw_only=True):
    """答复异议."""

    TYPE: ClassVar[str] = "objection-answered"
    objection: int


class SignatureRecorded(CivicFact, frozen=True, kw_only=True):
    """签名登记: one more household signed, `signatures` so far; the name is sealed."""

    TYPE: ClassVar[str] = "signature-recorded"
    signatures: int


class FindingRecorded(CivicFact, frozen=True, kw_only=True):
    """排查发现: what a round found became a case of its own."""

    TYPE: ClassVar[str] = "finding-recorded"
    finding: int
    case: str
    number: str
    place: Unit | None
    category: str | None


class ZeroReported(CivicFact, frozen=True, kw_only=True):
    """零报告: the round found nothing, and says so."""

    TYPE: ClassVar[str] = "zero-reported"


class RoundMissed(CivicFact, frozen=True, kw_only=True):
    """逾期未报: the round's time passed in silence."""

    TYPE: ClassVar[str] = "round-missed"
