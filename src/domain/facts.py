"""The vocabulary of facts (办理记录): everything that can ever have happened, by its written name.

A fact records results, not only intentions: whoever folds it needs no kind, calendar or directory.
Facts never carry free text or identities: those are `Text` values that travel beside the fact and
are sealed in the vault (docs/facts.md explains every field and shows a sample of each fact).
Times are aware UTC, whole seconds. `SCHEMA` counts the shapes a fact has had, from 1; a default
value, once shipped, never changes. No floats, ASCII keys, integers below 2**53.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Final

from msgspec import Struct

CASE: Final = "case"
KIND: Final = "kind"
DIRECTORY: Final = "directory"
CALENDAR: Final = "calendar"
ACCESS: Final = "access"
DISTRICT: Final = "district"


class Unit(Struct, frozen=True, gc=False):
    """A unit and where it stood in the tree then: `path` from the root down to the unit itself."""

    id: str
    path: tuple[str, ...]


class Stage(Struct, frozen=True, gc=False):
    """A move between stages (环节); equal when the fact moves nothing."""

    source: str
    target: str
    phase: str


class SourceReference(Struct, frozen=True, gc=False):
    """The number another system knows this case by."""

    system: str
    id: str


class Location(Struct, frozen=True, gc=False):
    """A point as it was given: integers of 1e-7 degree in the stated reference system."""

    crs: str
    longitude: int
    latitude: int


class Text(Struct, frozen=True, gc=False):
    """Clear text on its way into the vault; `subject` is whose data it is (reporter, narrative)."""

    field: str
    subject: str
    value: str


class Fact(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """What happened; immutable, past tense."""

    TYPE: ClassVar[str] = ""
    STREAM: ClassVar[str] = ""
    SCHEMA: ClassVar[int] = 1


class CaseFact(Fact, frozen=True, kw_only=True):
    """A step of a case: which action, between which stages, and who holds the case afterwards."""

    STREAM: ClassVar[str] = CASE
    action: str
    stage: Stage
    holder: Unit | None


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
    late: str | None
    """Why it was registered later than it happened: `import`, `offline`, or nothing."""
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


class ClockFact(Fact, frozen=True, kw_only=True):
    """One clock (时限) of a case: `clock` names it, `cycle` and `sequence` count its instances.

    `scope` is the task or duty it belongs to, empty for the case itself.
    """

    STREAM: ClassVar[str] = CASE
    clock: str
    scope: str
    cycle: int
    sequence: int


class ClockStarted(ClockFact, frozen=True, kw_only=True):
    """计时开始; `total` marks the clock that runs from intake to the verified end."""

    TYPE: ClassVar[str] = "clock-started"
    total: bool
    started_at: datetime
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool


class ClockRescheduled(ClockFact, frozen=True, kw_only=True):
    """时限变更: the due moved, and why. Complete, as `case-corrected` is."""

    TYPE: ClassVar[str] = "clock-rescheduled"
    reason: str
    total: bool = False
    cutoff: str = ""
    calendar: str = ""
    started_at: datetime
    budget: str
    calendar_version: str
    previous_due: datetime
    due: datetime
    provisional: bool


class ClockStopped(ClockFact, frozen=True, kw_only=True):
    """计时结束; met if and only if `stopped_at` is not after `due`."""

    TYPE: ClassVar[str] = "clock-stopped"
    stopped_at: datetime
    due: datetime
    met: bool


class ClockCancelled(ClockFact, frozen=True, kw_only=True):
    """计时取消: the matter ended without this clock mattering any more."""

    TYPE: ClassVar[str] = "clock-cancelled"
    cancelled_at: datetime


class DeadlineBreached(ClockFact, frozen=True, kw_only=True):
    """超期: sticky; statistics use `effective_at` (the due), never when it was noticed."""

    TYPE: ClassVar[str] = "deadline-breached"
    due: datetime
    effective_at: datetime
    detected_at: datetime
    answerable: Unit | None


class BreachRetracted(ClockFact, frozen=True, kw_only=True):
    """超期撤销: learnt later, the clock had stopped in time; the breach stays on record."""

    TYPE: ClassVar[str] = "breach-retracted"
    due: datetime
    reason: str


class DistrictFounded(Fact, frozen=True, kw_only=True):
    """区县启用."""

    TYPE: ClassVar[str] = "district-founded"
    STREAM: ClassVar[str] = DISTRICT
    district: str
    code: str
    name: str
    trial: bool


class TrialClockSet(Fact, frozen=True, kw_only=True):
    """试运行时钟: from `real` on, now reads `now` plus the time passed since."""

    TYPE: ClassVar[str] = "trial-clock-set"
    STREAM: ClassVar[str] = DISTRICT
    now: datetime
    real: datetime


class UnitEstablished(Fact, frozen=True, kw_only=True):
    """设立组织单元; `unit` is its permanent id, at first its code."""

    TYPE: ClassVar[str] = "unit-established"
    STREAM: ClassVar[str] = DIRECTORY
    unit: str
    code: str
    name: str
    level: str
    parent: str | None


class UnitChanged(Fact, frozen=True, kw_only=True):
    """组织单元变更: its code, name, level or parent from now on."""

    TYPE: ClassVar[str] = "unit-changed"
    STREAM: ClassVar[str] = DIRECTORY
    unit: str
    code: str
    name: str
    level: str
    parent: str | None


class PostEstablished(Fact, frozen=True, kw_only=True):
    """设立岗位 in a unit."""

    TYPE: ClassVar[str] = "post-established"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    unit: str
    title: str
    role: str


class PersonRegistered(Fact, frozen=True, kw_only=True):
    """登记人员; the name is sealed (field `name`)."""

    TYPE: ClassVar[str] = "person-registered"
    STREAM: ClassVar[str] = DIRECTORY
    person: str


class PostTaken(Fact, frozen=True, kw_only=True):
    """任职: a person holds a post from a day to a day (exclusive; open when absent)."""

    TYPE: ClassVar[str] = "post-taken"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    person: str
    since: date
    until: date | None


class KeyIssued(Fact, frozen=True, kw_only=True):
    """发放访问密钥; only its SHA-256 is kept, its label is sealed (field `name`)."""

    TYPE: ClassVar[str] = "key-issued"
    STREAM: ClassVar[str] = ACCESS
    key: str
    digest: str
    role: str
    unit: str | None


class KeyRevoked(Fact, frozen=True, kw_only=True):
    """停用访问密钥."""

    TYPE: ClassVar[str] = "key-revoked"
    STREAM: ClassVar[str] = ACCESS
    key: str


class KindPublished(Fact, frozen=True, kw_only=True):
    """发布事项类型: the YAML source as written; `hash` is of its canonical data."""

    TYPE: ClassVar[str] = "kind-published"
    STREAM: ClassVar[str] = KIND
    name: str
    version: str
    hash: str
    source: str


class KindActivated(Fact, frozen=True, kw_only=True):
    """启用事项类型: new cases follow it from now on."""

    TYPE: ClassVar[str] = "kind-activated"
    STREAM: ClassVar[str] = KIND
    name: str
    hash: str


class CalendarPublished(Fact, frozen=True, kw_only=True):
    """发布工作日历: a whole new version, with its source documents."""

    TYPE: ClassVar[str] = "calendar-published"
    STREAM: ClassVar[str] = CALENDAR
    name: str
    version: str
    document: dict[str, Any]


CASE_FACTS: Final[tuple[type[CaseFact], ...]] = (
    CaseReported,
    ContainmentTaken,
    NoteRecorded,
    CaseHandledOnTheSpot,
    CaseAccepted,
    CaseNotAccepted,
    CaseReclassified,
    CaseGraded,
    CaseAssigned,
    HandlingStarted,
    TaskAssigned,
    TaskCompleted,
    TaskWaived,
    CompletionClaimed,
    CompletionVerified,
    ReworkRequired,
    CaseReplied,
    CaseClosed,
    CaseReopened,
    CaseWithdrawn,
    CaseCorrected,
)
CLOCK_FACTS: Final[tuple[type[ClockFact], ...]] = (
    ClockStarted,
    ClockRescheduled,
    ClockStopped,
    ClockCancelled,
    DeadlineBreached,
    BreachRetracted,
)
REFERENCE_FACTS: Final[tuple[type[Fact], ...]] = (
    DistrictFounded,
    TrialClockSet,
    UnitEstablished,
    UnitChanged,
    PostEstablished,
    PersonRegistered,
    PostTaken,
    KeyIssued,
    KeyRevoked,
    KindPublished,
    KindActivated,
    CalendarPublished,
)
FACTS: Final[tuple[type[Fact], ...]] = (*CASE_FACTS, *CLOCK_FACTS, *REFERENCE_FACTS)
