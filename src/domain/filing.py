"""Under which item and condition of the catalogue a case stands, and whether it has a place."""

from datetime import datetime
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

FilingEvent = (
    f.CaseFiled | f.CategoryMapped | f.AdmissionDecided | f.CaseReallotted | f.UnitsSucceeded
)


class Filing(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    item: str = ""
    condition: int = 0
    catalogue: str = ""
    """`city-management@2`: the version that the limit stands in."""
    limit: str = ""
    """The condition's own budget; empty: the case is filed under none."""
    code: str = ""
    """What another system called its category, where a table translated it."""
    to_allot: bool = False
    """Since a re-division nobody can tell whose it is."""

    @property
    def by(self) -> str:
        """What chose the limit, as a clock's facts say it."""
        return f"item={self.item}#{self.condition}"


def beyond(fact: FilingEvent) -> dict[str, Any]:
    """Return what a fact says of the case itself: another category, other units."""
    match fact:
        case f.CategoryMapped():
            return {"category": fact.category}
        case f.CaseReallotted():
            names = ("place", "lead", "accepted_by", "assisting", "informed")
            return {name: getattr(fact, name) for name in names}
        case f.CaseFiled() | f.AdmissionDecided() | f.UnitsSucceeded():
            return {}
        case _:
            assert_never(fact)


def filing_after(filing: Filing, fact: FilingEvent, occurred_at: datetime) -> Filing:
    """Return how it stands after one more fact."""
    del occurred_at
    match fact:
        case f.CaseFiled():
            return replace(
                filing,
                item=fact.item,
                condition=fact.condition,
                catalogue=f"{fact.catalogue}@{fact.version}",
                limit=fact.limit,
            )
        case f.CategoryMapped():
            return replace(filing, code=fact.code)
        case f.CaseReallotted():
            return replace(filing, to_allot=fact.to_allot)
        case f.AdmissionDecided() | f.UnitsSucceeded():
            return filing
        case _:
            assert_never(fact)
