"""Under which item of the catalogue a case stands, what was admitted, where it was re-allotted."""

from datetime import date
from typing import ClassVar

from msgspec import Struct

from domain.facts.of_cases import CaseFact
from domain.facts.shapes import Unit


class FilingFact(CaseFact, frozen=True, kw_only=True):
    """立案归目: what all facts of this module are."""


class CaseFiled(FilingFact, frozen=True, kw_only=True):
    """归目: the item and the filing condition (立案条件) that the case meets, and its own limit."""

    TYPE: ClassVar[str] = "case-filed"
    item: str
    condition: int
    """Its number within the item, as in that version of the catalogue."""
    catalogue: str
    version: str
    limit: str
    """A budget: `4wh`, `2nh`."""
    closing: str
    """SHA-256 of the closing condition (结案条件), as the catalogue words it."""


class CategoryMapped(FilingFact, frozen=True, kw_only=True):
    """类别对照: another system's code, translated by that system's table; the code is kept."""

    TYPE: ClassVar[str] = "category-mapped"
    system: str
    code: str
    """As it came."""
    category: str
    version: str
    """Of the table."""


class AdmissionDecided(FilingFact, frozen=True, kw_only=True):
    """准入决定: whether an item may be handed down to communities (人随事走、费随事转)."""

    TYPE: ClassVar[str] = "admission-decided"
    decision: str
    """`admitted`, `exited` or `adjusted`; the catalogue's own stream says the same."""
    item: str
    title: str
    department: Unit | None
    people: int | None
    """How many people follow the matter; null when it exits."""
    money: int | None
    """How many yuan a year follow it; null when it exits."""
    since: date


class TaskHeld(Struct, frozen=True, gc=False):
    """A task, and the unit that owes it from now on."""

    task: int
    unit: Unit


class CaseReallotted(FilingFact, frozen=True, kw_only=True):
    """重新划归: after a re-division, or once its place is known, these units have the case."""

    TYPE: ClassVar[str] = "case-reallotted"
    division: str
    """The re-division's code; empty when somebody allotted the case."""
    place: Unit | None
    lead: Unit | None
    accepted_by: Unit | None
    assisting: tuple[Unit, ...]
    informed: tuple[Unit, ...]
    tasks: tuple[TaskHeld, ...]
    """Every task, done or not."""
    to_allot: bool
    """Whether nobody can tell which successor it is: the case is on the list 待划归."""


class UnitPassed(Struct, frozen=True, gc=False):
    """A unit as the case knew it, and what stands in its place now."""

    unit: str
    by: Unit
    """The successor; or the unit itself, which has moved."""


class RecusalPassed(Struct, frozen=True, gc=False):
    """A unit that stays out of the case (回避), and those that do so in its place."""

    unit: str
    by: tuple[Unit, ...]
    """All its successors: whoever comes from it is in one of them."""


class UnitsSucceeded(FilingFact, frozen=True, kw_only=True):
    """承接单位: wherever an open case names one of these units, it names its successor from now on.

    What is over stays with the unit that was: clocks and duties that ended, leaders and
    responsibilities that others replaced, frozen breaches. No clock changes.
    """

    TYPE: ClassVar[str] = "units-succeeded"
    division: str
    """The re-division's code; empty when somebody allotted the case: then only what goes with
    holding it passes (first receiver, latest hop, claimant, open clocks)."""
    units: tuple[UnitPassed, ...]
    """Each unit that the case named (`unit`, its id), and what stands in its place now (`by`)."""
    recused: tuple[RecusalPassed, ...]
    """Each unit that stayed out of the case (回避), and all that do so in its place."""
