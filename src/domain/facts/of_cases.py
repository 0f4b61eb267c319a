"""What happens to a case (事项), but for its clocks."""

from datetime import datetime
from typing import Any, ClassVar

from domain.facts.shapes import CASE, Fact, Location, SourceReference, Stage, Unit


class CaseFact(Fact, frozen=True, kw_only=True):
    """A step of a case: which action, between which stages, and who holds the case afterwards."""

    STREAM: ClassVar[str] = CASE
    action: str
    stage: Stage
    holder: Unit | None
    late: str | None = None
    """Why it was registered later than it happened: `import`, `offline`, `outage`, or nothing."""


class CaseReported(CaseFact, frozen=True, kw_only=True):
    """上报: an issue came in; it is a case from here on."""

    TYPE: ClassVar[str] = "case-reported"
    kind: str
    number: str
    place: Unit | None
    category: str | None
    severity: str | None
    urgency: str | None
    location: Location | None
    source: SourceReference | None
    content: str | None
    """HMAC-SHA256 (hex) of what the source sent, to tell a repeat from a conflict."""
    source_due: datetime | None = None
    """By when the reporting system wants it done: an absolute moment (clocks.md R2)."""
    data: dict[str, Any]


class ContainmentTaken(CaseFact, frozen=True, kw_only=True):
    """先期处置: what was done at once, in any stage."""

    TYPE: ClassVar[str] = "containment-taken"


class NoteRecorded(CaseFact, frozen=True, kw_only=True):
    """记事 or progress: something worth keeping that moves nothing."""

    TYPE: ClassVar[str] = "note-recorded"


class CaseHandledOnTheSpot(CaseFact, frozen=True, kw_only=True):
    """格内处理: the grid worker settled it where it was found."""

    TYPE: ClassVar[str] = "case-handled-on-the-spot"


class CaseAccepted(CaseFact, frozen=True, kw_only=True):
    """受理并立案: the unit that accepts also verifies in the end."""

    TYPE: ClassVar[str] = "case-accepted"
    accepted_by: Unit | None


class CaseNotAccepted(CaseFact, frozen=True, kw_only=True):
    """不予受理, with a coded reason."""

    TYPE: ClassVar[str] = "case-not-accepted"
    reason: str


class CaseReclassified(CaseFact, frozen=True, kw_only=True):
    """重新归类: the category before stays on record."""

    TYPE: ClassVar[str] = "case-reclassified"
    category: str
    previous: str | None


class CaseGraded(CaseFact, frozen=True, kw_only=True):
    """分级: how serious, how urgent, and which tier therefore leads."""

    TYPE: ClassVar[str] = "case-graded"
    severity: str
    urgency: str
    tier: str
    misgraded: bool = False
    """The grade before was wrong, as this fact's actor confirms: breaches of it are voided."""


class CaseAssigned(CaseFact, frozen=True, kw_only=True):
    """派遣: one lead unit (牵头), any number assisting (协办) or informed (知会)."""

    TYPE: ClassVar[str] = "case-assigned"
    lead: Unit
    assisting: tuple[Unit, ...]
    informed: tuple[Unit, ...]


class HandlingStarted(CaseFact, frozen=True, kw_only=True):
    """开始办理: the lead unit took the case up."""

    TYPE: ClassVar[str] = "handling-started"


class TaskAssigned(CaseFact, frozen=True, kw_only=True):
    """协办任务: one unit owes the lead one piece of work."""

    TYPE: ClassVar[str] = "task-assigned"
    task: int
    unit: Unit


class TaskCompleted(CaseFact, frozen=True, kw_only=True):
    """协办完成."""

    TYPE: ClassVar[str] = "task-completed"
    task: int


class TaskWaived(CaseFact, frozen=True, kw_only=True):
    """免除协办, with a reason."""

    TYPE: ClassVar[str] = "task-waived"
    task: int


class CompletionClaimed(CaseFact, frozen=True, kw_only=True):
    """办结申请: the lead says it is done, with evidence."""

    TYPE: ClassVar[str] = "completion-claimed"


class CompletionVerified(CaseFact, frozen=True, kw_only=True):
    """核查通过: by the unit that accepted, never by the handler."""

    TYPE: ClassVar[str] = "completion-verified"


class ReworkRequired(CaseFact, frozen=True, kw_only=True):
    """返工: the check failed; `count` is how often so far in this cycle."""

    TYPE: ClassVar[str] = "rework-required"
    count: int


class CaseReplied(CaseFact, frozen=True, kw_only=True):
    """答复: the reporter was answered."""

    TYPE: ClassVar[str] = "case-replied"


class CaseClosed(CaseFact, frozen=True, kw_only=True):
    """结案: `grade` substantive, staged or procedural; statistics split by `outcome`."""

    TYPE: ClassVar[str] = "case-closed"
    grade: str
    outcome: str


class CaseReopened(CaseFact, frozen=True, kw_only=True):
    """重新办理: another cycle of the same case."""

    TYPE: ClassVar[str] = "case-reopened"
    cycle: int


class CaseWithdrawn(CaseFact, frozen=True, kw_only=True):
    """撤回, by the reporter."""

    TYPE: ClassVar[str] = "case-withdrawn"


class MilestoneReached(CaseFact, frozen=True, kw_only=True):
    """阶段性完成: one of the steps that staged limits count to (围护, 修复, 恢复)."""

    TYPE: ClassVar[str] = "milestone-reached"
    milestone: str


class RequestFact(CaseFact, frozen=True, kw_only=True):
    """A request (申请) that somebody else decides on; `request` numbers them within the case."""

    request: int
    by: str
    """Who asks or decides: the person where known, else the key. Never the same one twice."""


class SuspensionRequested(RequestFact, frozen=True, kw_only=True):
    """挂账申请: pause the clocks that the reason names; nothing pauses before it is granted."""

    TYPE: ClassVar[str] = "suspension-requested"
    reason: str
    until: datetime | None


class SuspensionGranted(RequestFact, frozen=True, kw_only=True):
    """同意挂账."""

    TYPE: ClassVar[str] = "suspension-granted"
    reason: str


class SuspensionRefused(RequestFact, frozen=True, kw_only=True):
    """不同意挂账."""

    TYPE: ClassVar[str] = "suspension-refused"


class CaseResumed(CaseFact, frozen=True, kw_only=True):
    """恢复办理: a reason for waiting ceased; without a reason, all of them."""

    TYPE: ClassVar[str] = "case-resumed"
    reason: str | None


class ExtensionRequested(RequestFact, frozen=True, kw_only=True):
    """延期申请, while the clock's due is not past: so much more, in the clock's own unit."""

    TYPE: ClassVar[str] = "extension-requested"
    clock: str
    asked: str


class ExtensionGranted(RequestFact, frozen=True, kw_only=True):
    """同意延期; what is granted may differ from what was asked."""

    TYPE: ClassVar[str] = "extension-granted"
    clock: str
    granted: str


class ExtensionRefused(RequestFact, frozen=True, kw_only=True):
    """不同意延期; it does not count against the number of extensions."""

    TYPE: ClassVar[str] = "extension-refused"
    clock: str


class ReturnRequested(RequestFact, frozen=True, kw_only=True):
    """退单申请: the lead says that this was dispatched to the wrong unit."""

    TYPE: ClassVar[str] = "return-requested"


class ReturnUpheld(RequestFact, frozen=True, kw_only=True):
    """同意退单: the handler's time is charged to the dispatcher (clocks.md R8)."""

    TYPE: ClassVar[str] = "return-upheld"
    charged_to: Unit | None


class ReturnRefused(RequestFact, frozen=True, kw_only=True):
    """不同意退单: the clock never stopped."""

    TYPE: ClassVar[str] = "return-refused"


class CorrectionRequested(RequestFact, frozen=True, kw_only=True):
    """更正申请: a clock had stopped at another moment than was recorded, with evidence."""

    TYPE: ClassVar[str] = "correction-requested"
    clock: str
    scope: str
    cycle: int
    sequence: int
    stopped_at: datetime


class CorrectionApproved(RequestFact, frozen=True, kw_only=True):
    """同意更正; it takes effect with the second approver."""

    TYPE: ClassVar[str] = "correction-approved"
    approvals: int


class CorrectionRefused(RequestFact, frozen=True, kw_only=True):
    """不同意更正."""

    TYPE: ClassVar[str] = "correction-refused"


class CaseCorrected(CaseFact, frozen=True, kw_only=True):
    """更正: what was recorded before was wrong. It moves nothing: the stage is as it is now.

    It holds from the report on: `occurred_at` of its record is the earlier of the old and the new
    report time. Seen from between the two it is the case's first fact, so it is complete.
    """

    TYPE: ClassVar[str] = "case-corrected"
    fields: tuple[str, ...]
    """What changed: reported_at, place, category, data, texts, or only progress."""
    kind: str = ""
    number: str = ""
    initial: Stage | None = None
    """Where the case stood when it was reported."""
    reported_at: datetime
    place: Unit | None
    category: str | None
    content: str | None
    data: dict[str, Any]
