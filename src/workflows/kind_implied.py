"""Facts that no action names: they follow by themselves from those that some action does."""

from collections.abc import Iterator
from typing import Final

from domain import facts as f
from workflows.kind_text import KindText

SLOTS: Final = frozenset(
    {f.LeaderFixed.TYPE, f.MeasuresFixed.TYPE, f.DeadlineFixed.TYPE, f.ResponsibilityFixed.TYPE}
)
FAILURES: Final = frozenset({f.DutyFailed.TYPE, f.RevisitRecorded.TYPE})


def implied(kind: KindText) -> Iterator[str]:
    """Yield what follows: an appeal is decided; of 四定三包, the four stand, or a duty fails."""
    rule = kind.accountability
    happens = {fact for action in kind.actions.values() for fact in action.emits}
    if f.AppealReviewed.TYPE in happens:
        yield from (f.AppealUpheld.TYPE, f.AppealDismissed.TYPE)
    if rule is None:
        return
    if rule.four_fixed.required_by and happens & SLOTS:
        yield f.FourFixed.TYPE
    if f.RevisitRecorded.TYPE in happens:
        yield f.DutyFailed.TYPE
    if rule.reopens_to is not None and happens & FAILURES:
        yield f.CaseReopened.TYPE
