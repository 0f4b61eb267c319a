"""Who answers for a case: the four that are fixed, the three duties."""

from datetime import datetime
from typing import ClassVar

from domain.facts.of_cases import CaseFact
from domain.facts.shapes import Answerable, Unit


class AccountabilityFact(CaseFact, frozen=True, kw_only=True):
    """四定三包: what all facts of this module are."""


class LeaderFixed(AccountabilityFact, frozen=True, kw_only=True):
    """定领导: the adopting leader (包案领导) who answers, from `since` on."""

    TYPE: ClassVar[str] = "leader-fixed"
    post: str
    person: str | None
    """Who held the post when it took effect; nobody is a vacancy (缺位)."""
    unit: Unit
    since: datetime
    """From when; never before a breach that is on record then."""
    previous: Answerable | None
    """Whom it replaces; the handover note is sealed beside the fact."""


class MeasuresFixed(AccountabilityFact, frozen=True, kw_only=True):
    """定措施: a numbered list; the texts are sealed as `measures.1`, `measures.2`…"""

    TYPE: ClassVar[str] = "measures-fixed"
    edition: int
    """How many lists there were; a new one replaces the one before, ticks included."""
    owners: tuple[Unit, ...]
    """Who owes each measure, in the order of the list: as many as there are measures."""


class MeasureDone(AccountabilityFact, frozen=True, kw_only=True):
    """措施落实: one measure of the present list is ticked off, with evidence."""

    TYPE: ClassVar[str] = "measure-done"
    measure: int
    """Its number in the list, from 1."""


class DeadlineFixed(AccountabilityFact, frozen=True, kw_only=True):
    """定时间: by when; never later than the clocks' dues as they stand, and never moved by them.

    Texts of the milestones are sealed as `milestones.1`, `milestones.2`…
    """

    TYPE: ClassVar[str] = "deadline-fixed"
    deadline: datetime
    milestones: tuple[datetime, ...]
    previous: datetime | None


class ResponsibilityFixed(AccountabilityFact, frozen=True, kw_only=True):
    """定责任: who carries it out, from `since` on; the lead unit coordinates."""

    TYPE: ClassVar[str] = "responsibility-fixed"
    cadre: Answerable
    """社区责任干部."""
    grid_worker: Answerable
    """责任网格员."""
    units: tuple[Unit, ...]
    coordinator: Unit | None
    since: datetime


class FourFixed(AccountabilityFact, frozen=True, kw_only=True):
    """四定齐备: everything that the severity requires stands, as of the fact before this one."""

    TYPE: ClassVar[str] = "four-fixed"
    severity: str | None
    parts: tuple[str, ...]
    """What is required: of `leader`, `measures`, `deadline`, `responsibility`."""
    count: int
    """How often it was complete, this time included."""


class DutyTaken(AccountabilityFact, frozen=True, kw_only=True):
    """承担三包责任: investigation 包调查, handling 包处理 or stability 包稳定 is somebody's."""

    TYPE: ClassVar[str] = "duty-taken"
    duty: str
    post: str | None
    person: str | None
    unit: Unit
    since: datetime
    until: datetime | None
    """By when, where somebody said so."""
    watch_until: datetime | None
    """Of stability: until when it is watched before it may count as fulfilled."""
    previous: Answerable | None
    """Whose it was until then, of a duty that changes hands while it runs."""


class DutyFulfilled(AccountabilityFact, frozen=True, kw_only=True):
    """三包责任落实: with evidence."""

    TYPE: ClassVar[str] = "duty-fulfilled"
    duty: str


class DutyFailed(AccountabilityFact, frozen=True, kw_only=True):
    """三包责任未落实: with a coded reason; it may be taken again."""

    TYPE: ClassVar[str] = "duty-failed"
    duty: str
    reason: str


class RevisitRecorded(AccountabilityFact, frozen=True, kw_only=True):
    """稳控回访: somebody went and looked whether it has stayed settled."""

    TYPE: ClassVar[str] = "revisit-recorded"
    duty: str
    """Always `stability`."""
    revisit: int
    """Its number since the duty was taken, from 1."""
    outcome: str
    """`stable` or `unstable`; unstable fails the duty, and reopens a case that had ended."""
