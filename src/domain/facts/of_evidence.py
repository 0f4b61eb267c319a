"""Files that a step of a case refers to; their content lies sealed outside the log."""

from typing import ClassVar

from domain.facts.of_cases import CaseFact


class EvidenceAttached(CaseFact, frozen=True, kw_only=True):
    """附件: one file that came with the action; what it shows is no part of the log."""

    TYPE: ClassVar[str] = "evidence-attached"
    attachment: str
    sha256: str
    """Hex digest of the content in clear, which ties it to this fact for ever."""
    size: int
    """Bytes."""
    media_type: str
    subject: str
    """Whose data it is: with this subject's key in the case's stream goes the content."""
