"""Callbacks, ratings, redo, appeals, and which cases this one belongs with."""

from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

AftercareEvent = (
    f.CallbackRecorded
    | f.CaseRated
    | f.RedoRequired
    | f.AppealLodged
    | f.AppealReviewed
    | f.AppealUpheld
    | f.AppealDismissed
    | f.CaseMerged
    | f.DuplicateJoined
    | f.CaseUnmerged
    | f.DuplicateParted
    | f.DuplicateAnswered
    | f.CaseSplit
    | f.SplitOff
    | f.PartEnded
    | f.SplitAnswered
)


class Appeal(Struct, frozen=True, gc=False):
    """An appeal (申诉) that waits for its reviewers, and who of them said what."""

    number: int
    ground: str
    by: str
    views: tuple[tuple[str, str], ...] = ()


class Aftercare(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    redo: int = 0
    """重办 in this cycle."""
    unsettled: bool = False
    """Both redos did not satisfy: only a leader closes now."""
    called_back_at: datetime | None = None
    dissatisfied_at: datetime | None = None
    """When a callback last found somebody dissatisfied; it may be appealed against."""
    rated_at: datetime | None = None
    appealed: tuple[str, ...] = ()
    """The grounds on which there was an appeal, in order: so many appeals there were."""
    appeals: tuple[Appeal, ...] = ()
    """Those that wait."""
    merged_into: str | None = None
    merged_number: str = ""
    came_from: str = ""
    """The stage in which it was merged."""
    answered_at: datetime | None = None
    """When its caller was last told how the primary, or the last of its parts, ended."""
    joined: tuple[f.CaseReference, ...] = ()
    """The duplicates this case stands for; their callers are answered when it ends."""
    sources: tuple[f.SourceReference, ...] = ()
    """Further numbers by which other systems know it."""


def aftercare_after(aftercare: Aftercare, fact: AftercareEvent, occurred_at: datetime) -> Aftercare:
    """Return how it stands after one more fact."""
    match fact:
        case f.CallbackRecorded():
            return _called_back(aftercare, fact, occurred_at)
        case f.CaseRated():
            return replace(aftercare, rated_at=occurred_at)
        case f.RedoRequired():
            return replace(aftercare, redo=fact.count)
        case f.AppealLodged() | f.AppealReviewed() | f.AppealUpheld() | f.AppealDismissed():
            return _appealed(aftercare, fact)
        case f.CaseMerged() | f.CaseUnmerged() | f.DuplicateJoined() | f.DuplicateParted():
            return _merged(aftercare, fact)
        case f.DuplicateAnswered() | f.SplitAnswered():
            return replace(aftercare, answered_at=occurred_at)
        case f.SplitOff():
            return _with_source(aftercare, fact.source)
        case f.CaseSplit():
            return replace(aftercare, answered_at=None)
        case f.PartEnded():
            return aftercare
        case _:
            assert_never(fact)


def reopened(aftercare: Aftercare) -> Aftercare:
    """Return how it stands in a new cycle: callbacks begin anew, what was appealed does not."""
    return replace(aftercare, redo=0, unsettled=False)


def _called_back(aftercare: Aftercare, fact: f.CallbackRecorded, at: datetime) -> Aftercare:
    dissatisfied_at = at if fact.dissatisfied else aftercare.dissatisfied_at
    unsettled = fact.unsettled or aftercare.unsettled
    called = replace(aftercare, called_back_at=at, dissatisfied_at=dissatisfied_at)
    return replace(called, unsettled=unsettled)


def _merged(
    aftercare: Aftercare,
    fact: f.CaseMerged | f.CaseUnmerged | f.DuplicateJoined | f.DuplicateParted,
) -> Aftercare:
    match fact:
        case f.CaseMerged():
            merged = replace(aftercare, merged_into=fact.into, merged_number=fact.number)
            return replace(merged, came_from=fact.back_to, joined=(), answered_at=None)
        case f.CaseUnmerged():
            return replace(aftercare, merged_into=None, merged_number="", came_from="")
        case f.DuplicateJoined():
            joined = (*aftercare.joined, f.CaseReference(fact.duplicate, fact.number))
            return _with_source(replace(aftercare, joined=joined), fact.source)
        case f.DuplicateParted():
            left = tuple(one for one in aftercare.joined if one.id != fact.duplicate)
            return replace(aftercare, joined=left)


def _appealed(
    aftercare: Aftercare,
    fact: f.AppealLodged | f.AppealReviewed | f.AppealUpheld | f.AppealDismissed,
) -> Aftercare:
    appeals = aftercare.appeals
    match fact:
        case f.AppealLodged():
            fresh = Appeal(fact.appeal, fact.ground, fact.by)
            grounds = (*aftercare.appealed, fact.ground)
            return replace(aftercare, appeals=(*appeals, fresh), appealed=grounds)
        case f.AppealReviewed():
            kept = tuple(_viewed(one, fact) for one in appeals)
        case f.AppealUpheld() | f.AppealDismissed():
            kept = tuple(one for one in appeals if one.number != fact.appeal)
    return replace(aftercare, appeals=kept)


def _viewed(appeal: Appeal, fact: f.AppealReviewed) -> Appeal:
    if appeal.number != fact.appeal:
        return appeal
    return replace(appeal, views=(*appeal.views, (fact.by, fact.view)))


def _with_source(aftercare: Aftercare, source: f.SourceReference | None) -> Aftercare:
    if source is None or source in aftercare.sources:
        return aftercare
    return replace(aftercare, sources=(*aftercare.sources, source))
