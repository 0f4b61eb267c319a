"""What follows closing, and how cases belong together: callbacks, redo, appeals, merging."""

from typing import ClassVar

from msgspec import Struct

from domain.facts.of_cases import CaseFact
from domain.facts.shapes import SourceReference


class AftercareFact(CaseFact, frozen=True, kw_only=True):
    """办结之后: what all facts of this module are."""


class CaseReference(Struct, frozen=True, gc=False):
    """Another case: its id, and the number people read."""

    id: str
    number: str


class CallbackRecorded(AftercareFact, frozen=True, kw_only=True):
    """回访: what whoever reported it says of the result; closed is not solved."""

    TYPE: ClassVar[str] = "callback-recorded"
    solved: bool
    satisfaction: int
    """五级: 5 very satisfied, 4 satisfied, 3 so-so, 2 dissatisfied, 1 very dissatisfied."""
    dissatisfied: bool
    unsettled: bool = False
    """After both redos still dissatisfied: the closing no longer stands, only a leader closes."""


class CaseRated(AftercareFact, frozen=True, kw_only=True):
    """评价: five grades, as `callback-recorded` has them, given by the reporter's side."""

    TYPE: ClassVar[str] = "case-rated"
    satisfaction: int


class RedoRequired(AftercareFact, frozen=True, kw_only=True):
    """重办: back to handling, because whoever reported it is not satisfied."""

    TYPE: ClassVar[str] = "redo-required"
    count: int


class AppealFact(AftercareFact, frozen=True, kw_only=True):
    """An appeal (申诉); `appeal` numbers them within the case."""

    appeal: int
    ground: str
    """`overdue`, `rework`, `dissatisfaction` or `supervision`."""


class AppealLodged(AppealFact, frozen=True, kw_only=True):
    """申诉: the handling unit asks that something should not count against it."""

    TYPE: ClassVar[str] = "appeal-lodged"
    by: str
    """Who asks: the person where known, else the key."""


class AppealReviewed(AppealFact, frozen=True, kw_only=True):
    """申诉复核: what one reviewer thinks of it; two who agree decide."""

    TYPE: ClassVar[str] = "appeal-reviewed"
    by: str
    view: str
    """`uphold` or `dismiss`."""


class AppealUpheld(AppealFact, frozen=True, kw_only=True):
    """申诉成立: it does not count in the score (剔除); what happened stays on record."""

    TYPE: ClassVar[str] = "appeal-upheld"


class AppealDismissed(AppealFact, frozen=True, kw_only=True):
    """申诉不成立."""

    TYPE: ClassVar[str] = "appeal-dismissed"


class CaseMerged(AftercareFact, frozen=True, kw_only=True):
    """并案: the same issue as another case, which is worked on; this one waits for its result."""

    TYPE: ClassVar[str] = "case-merged"
    into: str
    number: str
    back_to: str
    """The stage to which it returns if the merging is undone."""


class DuplicateJoined(AftercareFact, frozen=True, kw_only=True):
    """并入重复件: this case now also stands for another one, and for its source."""

    TYPE: ClassVar[str] = "duplicate-joined"
    duplicate: str
    number: str
    source: SourceReference | None


class CaseUnmerged(AftercareFact, frozen=True, kw_only=True):
    """解除并案: it goes on by itself, from the stage in which it was merged."""

    TYPE: ClassVar[str] = "case-unmerged"
    parted_from: str
    number: str
    back_to: str


class DuplicateParted(AftercareFact, frozen=True, kw_only=True):
    """移出重复件: this case no longer stands for another one."""

    TYPE: ClassVar[str] = "duplicate-parted"
    duplicate: str
    number: str


class DuplicateAnswered(AftercareFact, frozen=True, kw_only=True):
    """并案答复: the case that this one was merged into has ended; its caller is told, and may rate.

    Written each time the primary ends.
    """

    TYPE: ClassVar[str] = "duplicate-answered"
    primary: str
    number: str
    ending: str
    """The stage in which the primary ended."""
    grade: str | None
    """How it was closed, where it was."""


class CaseSplit(AftercareFact, frozen=True, kw_only=True):
    """拆分: several issues in one report, each of which is a case of its own from now on."""

    TYPE: ClassVar[str] = "case-split"
    parts: tuple[CaseReference, ...]


class SplitOff(AftercareFact, frozen=True, kw_only=True):
    """拆分而来: this case is a part of another; its source is a further reference here."""

    TYPE: ClassVar[str] = "split-off"
    parent: str
    number: str
    source: SourceReference | None


class PartEnded(AftercareFact, frozen=True, kw_only=True):
    """分件办结: a part of this case has its result; its reply is also this case's caller's.

    Written each time a part ends; of two that end at once, each sees the other's.
    """

    TYPE: ClassVar[str] = "part-ended"
    part: str
    number: str
    ending: str
    """The stage in which the part ended."""
    grade: str | None
    """How it was closed, where it was."""
    left: int
    """How many parts still wait for their result."""


class SplitAnswered(AftercareFact, frozen=True, kw_only=True):
    """拆分答复: no part waits any more; the caller is told, and may rate.

    Written each time the last open part ends.
    """

    TYPE: ClassVar[str] = "split-answered"
    parts: int
