"""Typed data of a kind, and what residents do together: votes, publications, claims, rounds."""

from typing import Any, ClassVar

from domain.facts.of_cases import CaseFact


class CivicFact(CaseFact, frozen=True, kw_only=True):
    """要素与共治: what all facts of this module are."""


class DataRecorded(CivicFact, frozen=True, kw_only=True):
    """登记要素: values of the kind's own form, in clear; later ones replace earlier ones."""

    TYPE: ClassVar[str] = "data-recorded"
    data: dict[str, Any]
