"""Who holds a case and who is called to it: hops, whistles, supervision, meetings, other ends."""

from typing import ClassVar

from domain.facts.of_cases import CaseFact, RequestFact
from domain.facts.shapes import Unit


class RoutingFact(CaseFact, frozen=True, kw_only=True):
    """流转: what all facts of this module are, but for requests."""


class CaseHandedDown(RoutingFact, frozen=True, kw_only=True):
    """交办: the holder hands the case to a unit directly below it, or to a department."""

    TYPE: ClassVar[str] = "case-handed-down"
    hop: int
    giver: Unit | None
    receiver: Unit
    copied: tuple[Unit, ...]


class CaseEscalated(RoutingFact, frozen=True, kw_only=True):
    """上报上级: the holder hands the case one level up, or further where a rule lets it."""

    TYPE: ClassVar[str] = "case-escalated"
    hop: int
    giver: Unit | None
    receiver: Unit
    copied: tuple[Unit, ...]
    rule: str
    """The skip-level rule that let it pass over a level, as its values; empty: one level up."""


class HandoverAccepted(RoutingFact, frozen=True, kw_only=True):
    """接办: the unit that was handed the case answers for it from here on (首接负责)."""

    TYPE: ClassVar[str] = "handover-accepted"
    unit: Unit


class SupplementRequested(RequestFact, frozen=True, kw_only=True):
    """要求补充材料: nothing goes on before somebody says more."""

    TYPE: ClassVar[str] = "supplement-requested"
    provider: str
    """Who is asked: `intake`, `grid`, or `reporter` (whom the intake asks)."""
    suspension: str
    """The listed reason for which clocks pause meanwhile; empty: none does."""


class SupplementProvided(RequestFact, frozen=True, kw_only=True):
    """补充材料: what was asked for."""

    TYPE: ClassVar[str] = "supplement-provided"


class CasePutOnRecord(RoutingFact, frozen=True, kw_only=True):
    """备案: kept on record, and nothing has to be done."""

    TYPE: ClassVar[str] = "case-put-on-record"


class CaseTransferredOut(RoutingFact, frozen=True, kw_only=True):
    """转出: another system goes on with it."""

    TYPE: ClassVar[str] = "case-transferred-out"
    system: str


class VoidRequested(RequestFact, frozen=True, kw_only=True):
    """申请作废, with a coded reason: this should never have been a case."""

    TYPE: ClassVar[str] = "void-requested"
    reason: str


class VoidRefused(RequestFact, frozen=True, kw_only=True):
    """不同意作废."""

    TYPE: ClassVar[str] = "void-refused"


class CaseVoided(RequestFact, frozen=True, kw_only=True):
    """作废, confirmed by a second person; what was recorded stays."""

    TYPE: ClassVar[str] = "case-voided"
    reason: str


class NonAcceptanceProposed(RequestFact, frozen=True, kw_only=True):
    """拟不予受理, with a coded reason; a second person confirms it (`case-not-accepted`)."""

    TYPE: ClassVar[str] = "non-acceptance-proposed"
    reason: str


class NonAcceptanceRefused(RequestFact, frozen=True, kw_only=True):
    """不同意不予受理: the case goes on."""

    TYPE: ClassVar[str] = "non-acceptance-refused"


class ReturnFlagged(RoutingFact, frozen=True, kw_only=True):
    """重复退单标记: not the first return between the same two units."""

    TYPE: ClassVar[str] = "return-flagged"
    returner: Unit
    dispatcher: Unit
    times: int
    """How often the one has returned this case to the other."""
    returns: int
    """How often it has been returned at all; from the third on the centre decides."""


class AssignmentBound(RoutingFact, frozen=True, kw_only=True):
    """指定承办: the centre decides who handles it; it cannot be returned."""

    TYPE: ClassVar[str] = "assignment-bound"
    lead: Unit


class WhistleBlown(RoutingFact, frozen=True, kw_only=True):
    """吹哨: a community or town calls a department, and names no handler."""

    TYPE: ClassVar[str] = "whistle-blown"
    whistle: int
    call: int
    unit: Unit
    caller: Unit | None


class ReportedIn(RoutingFact, frozen=True, kw_only=True):
    """报到: the department that was called is there."""

    TYPE: ClassVar[str] = "reported-in"
    call: int
    unit: Unit


class CallReleased(RoutingFact, frozen=True, kw_only=True):
    """解除吹哨: the department is needed no more."""

    TYPE: ClassVar[str] = "call-released"
    call: int


class WhistleRated(RoutingFact, frozen=True, kw_only=True):
    """吹哨报到评价: how well one side did, from 1 to 5."""

    TYPE: ClassVar[str] = "whistle-rated"
    call: int
    side: str
    """Which side is rated: `whistle` (the caller) or `report` (the department)."""
    score: int


class MeetingHeld(RoutingFact, frozen=True, kw_only=True):
    """会议: `joint` 联席会议, `study` 研判会, `weekly` 一周例会; its minutes are sealed."""

    TYPE: ClassVar[str] = "meeting-held"
    sort: str
    attended: tuple[Unit, ...]


class SupervisionRaised(RoutingFact, frozen=True, kw_only=True):
    """督办: `ordinary` 普通, `yellow` 黄牌 or `red` 红牌; its level only ever rises."""

    TYPE: ClassVar[str] = "supervision-raised"
    level: str
    previous: str | None


class SupervisionCleared(RoutingFact, frozen=True, kw_only=True):
    """督办解除: the result was verified."""

    TYPE: ClassVar[str] = "supervision-cleared"
    level: str


class CaseUrged(RoutingFact, frozen=True, kw_only=True):
    """催办: somebody wants it sooner; `count` is how often so far."""

    TYPE: ClassVar[str] = "case-urged"
    count: int


class InstructionGiven(RoutingFact, frozen=True, kw_only=True):
    """领导批示: a leader says how to go about it."""

    TYPE: ClassVar[str] = "instruction-given"
