"""By which value of a fact its happening is told from others of its name: `case-graded:major`."""

from typing import Final

from domain import facts as f

VALUES: Final[dict[str, str]] = {
    f.MilestoneReached.TYPE: "milestone",
    f.CaseGraded.TYPE: "severity",
    f.CaseClosed.TYPE: "outcome",
    f.CaseUnmerged.TYPE: "back_to",
    f.DutyTaken.TYPE: "duty",
    f.DutyFulfilled.TYPE: "duty",
    f.DutyFailed.TYPE: "duty",
    f.RevisitRecorded.TYPE: "outcome",
}
"""By which a clock may start or stop, and somebody be told."""
TOLD_BY: Final[dict[str, str]] = {
    **VALUES,
    f.SupplementRequested.TYPE: "provider",
    f.SupervisionRaised.TYPE: "level",
    f.MeetingHeld.TYPE: "sort",
    f.AppealLodged.TYPE: "ground",
}
"""By which somebody may be told: a clock cannot tell these."""
