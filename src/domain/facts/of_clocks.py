"""What happens to the clocks (时限) of a case, and the notices (通知) that time brings about."""

from datetime import datetime
from typing import ClassVar

from domain.facts.shapes import CASE, Answerable, Fact, Floor, Limit, Point, Recipient, Unit


class ClockFact(Fact, frozen=True, kw_only=True):
    """One clock (时限) of a case: `clock` names it, `cycle` and `sequence` count its instances.

    `scope` is the task or duty it belongs to (`task:2`), empty for the case itself.
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
    """From when it counts: the fact's time, or the end of an outage (clocks.md R1)."""
    budget: str
    """As `parse_budget` reads it; `date` for a due that somebody else set."""
    cutoff: str
    calendar: str
    calendar_version: str
    due: datetime
    provisional: bool
    limit: Limit = Limit()
    answerable: Unit | None = None
    """Whom it binds: the holder, or the unit of the task; null for the total clock."""
    plan: tuple[Point, ...] = ()
    """What time will bring, in order; the plan of generation 1."""


class ClockPaused(ClockFact, frozen=True, kw_only=True):
    """计时暂停 for one reason; it runs again when no reason holds it (clocks.md R5)."""

    TYPE: ClassVar[str] = "clock-paused"
    reason: str
    request: int
    """The case's request that was granted."""
    paused_at: datetime
    """Inclusive; the request's time where the reason allows it, else the approval's."""
    until: datetime | None
    """Exclusive: it then resumes by itself. Given, or where the reason's cap ends."""
    plan: tuple[Point, ...]
    """While paused: only when it resumes by itself."""


class ClockResumed(ClockFact, frozen=True, kw_only=True):
    """计时恢复: a reason ceased; `running` says whether it was the last one."""

    TYPE: ClassVar[str] = "clock-resumed"
    reason: str
    request: int
    resumed_at: datetime
    running: bool
    short: bool
    """Under 2 working hours and yet covered a cutoff: listed for audit (clocks.md R5)."""
    calendar_version: str
    previous_due: datetime
    due: datetime
    provisional: bool
    generation: int
    plan: tuple[Point, ...]


class ClockRescheduled(ClockFact, frozen=True, kw_only=True):
    """时限变更: the due moved, and why. Complete, as `case-corrected` is."""

    TYPE: ClassVar[str] = "clock-rescheduled"
    reason: str
    """`extension-granted`, `regraded`, `calendar-changed`, `kind-migrated`…"""
    request: int = 0
    """The request that was granted; 0 if nobody asked."""
    total: bool = False
    cutoff: str = ""
    calendar: str = ""
    started_at: datetime
    budget: str
    calendar_version: str
    limit: Limit = Limit()
    answerable: Unit | None = None
    extensions: tuple[str, ...] = ()
    floors: tuple[Floor, ...] = ()
    previous_due: datetime
    due: datetime
    provisional: bool
    compressed: bool = False
    """The due comes from a floor: what was left of the new limit was too short (R7, R13)."""
    generation: int = 1
    plan: tuple[Point, ...] = ()


class ClockStopped(ClockFact, frozen=True, kw_only=True):
    """计时结束; met if and only if `stopped_at` is not after `due`."""

    TYPE: ClassVar[str] = "clock-stopped"
    stopped_at: datetime
    due: datetime
    met: bool


class ClockCancelled(ClockFact, frozen=True, kw_only=True):
    """计时取消: the matter ended, or went elsewhere, without this clock mattering any more."""

    TYPE: ClassVar[str] = "clock-cancelled"
    cancelled_at: datetime
    reason: str = "case-ended"
    """`case-ended`; `regraded`: it was due only at another severity; `return-upheld`: then its
    time is charged to whom `charged_to` says."""
    charged_to: Unit | None = None


class ClockStopCorrected(ClockFact, frozen=True, kw_only=True):
    """办结时间更正: two others confirmed that the clock had stopped at another moment."""

    TYPE: ClassVar[str] = "clock-stop-corrected"
    request: int
    previous_stopped_at: datetime
    stopped_at: datetime
    due: datetime
    met: bool


class ThresholdReached(ClockFact, frozen=True, kw_only=True):
    """预警: a share of the limit is used up, or only so much is left (clocks.md R10)."""

    TYPE: ClassVar[str] = "threshold-reached"
    threshold: str
    """`80%` used up, or `2wh` left."""
    effective_at: datetime
    detected_at: datetime


class DeadlineBreached(ClockFact, frozen=True, kw_only=True):
    """超期: sticky; statistics use `effective_at` (the due), never when it was noticed."""

    TYPE: ClassVar[str] = "deadline-breached"
    due: datetime
    effective_at: datetime
    detected_at: datetime
    answerable: Unit | None
    posts: tuple[Answerable, ...] = ()
    """Who held the posts of that unit on the day of the due: frozen here (clocks.md R12)."""


class BreachRetracted(ClockFact, frozen=True, kw_only=True):
    """超期撤销: learnt later, the clock had stopped in time; the breach stays on record."""

    TYPE: ClassVar[str] = "breach-retracted"
    due: datetime
    reason: str


class BreachSuperseded(ClockFact, frozen=True, kw_only=True):
    """超期因延期失效: asked for in time, granted after the due (clocks.md R6); kept, visible."""

    TYPE: ClassVar[str] = "breach-superseded"
    due: datetime
    request: int


class BreachVoided(ClockFact, frozen=True, kw_only=True):
    """超期作废: the grade had been wrong, as somebody else confirmed (clocks.md R7)."""

    TYPE: ClassVar[str] = "breach-voided"
    due: datetime
    reason: str


class EscalationRaised(ClockFact, frozen=True, kw_only=True):
    """升级: a rung of the clock's ladder was reached (clocks.md R11)."""

    TYPE: ClassVar[str] = "escalation-raised"
    rung: int
    """From 1, in the order of the ladder."""
    step: str
    """`notify`, `remind`, `supervise`, `propose_reassignment`, `name_leader`, `publicise`."""
    effective_at: datetime
    detected_at: datetime
    again: Point | None
    """When a recurring rung comes next; missed ticks are never replayed."""


class NoticeIssued(ClockFact, frozen=True, kw_only=True):
    """通知: one person or unit is told, once, of all that one moment brought (clocks.md R12)."""

    TYPE: ClassVar[str] = "notice-issued"
    notice: int
    """Its number within the case, from 1."""
    cause: str
    """The highest of `covers`: `threshold:80%`, `breach`, `rung:2`, `acknowledge:1`."""
    step: str
    """What the ladder asks for there; `warn` for a threshold."""
    covers: tuple[str, ...]
    """Everything it tells of, as `clock/cause`, in due order."""
    recipient: Recipient
    acknowledge: Point | None
    """By when it must be signed for (签收); null if it need not be."""


class NoticeDelivered(ClockFact, frozen=True, kw_only=True):
    """通知送达: the channel took it."""

    TYPE: ClassVar[str] = "notice-delivered"
    notice: int
    channel: str
    attempts: int
    receipt: str
    """What the channel's receiver answered, as a code."""


class NoticeUndeliverable(ClockFact, frozen=True, kw_only=True):
    """通知未送达: the channel was tried for as long as it may be."""

    TYPE: ClassVar[str] = "notice-undeliverable"
    notice: int
    channel: str
    attempts: int
    reason: str


class NoticeAcknowledged(ClockFact, frozen=True, kw_only=True):
    """通知签收: who was told says so."""

    TYPE: ClassVar[str] = "notice-acknowledged"
    notice: int
    by: str
    """Who signed: the person where known, else the key."""


class AcknowledgementMissed(ClockFact, frozen=True, kw_only=True):
    """未按时签收: nobody signed in time; the next in line is told."""

    TYPE: ClassVar[str] = "acknowledgement-missed"
    notice: int
    effective_at: datetime
    detected_at: datetime
