"""Requests (申请) that somebody else decides on: suspending, extending, returning, correcting.

Each builder checks what only the form can say; what a grant does to the clocks follows from its
fact (clocks.md R5–R8).
"""

from typing import Final

from domain import facts as f
from domain.asking import asked, decided
from domain.clock import Clock
from domain.due import SHANGHAI, Cutoff, PauseNotAllowed, due
from domain.errors import CorrectionNotAllowed, FutureTime, UnknownCalendar, UnknownField
from domain.extending import extension_granted, extension_refused, extension_requested
from domain.kind import Suspension
from domain.step import Builder, Step

_CODES: Final = frozenset({"code", "choice"})
_MOMENT: Final = frozenset({"moment"})
_INTEGER: Final = frozenset({"integer"})
_REQUEST: Final = {"request": _INTEGER}
STOPPED_AT: Final = "/data/stopped_at"


def _suspension_requested(step: Step) -> tuple[f.Fact, ...]:
    """Ask for a pause with a listed reason (clocks.md R5).

    Raises:
        PauseNotAllowed: not for this reason, this long, or these clocks now.
        UnknownField: no such reason, or it needs an end and has none.
        RequestPending.
    """
    rule = _reason(step, step.values["reason_code"])
    until = step.values.get("until")
    if until is None and rule.until_required:
        raise UnknownField(
            field="挂账至", detail=f"“{rule.title}”必须写明恢复的时间", pointer="/data/until"
        )
    clocks = _pausable(step, rule)
    if until is not None:
        _refuse_long(step, rule, clocks[0])
    members = asked(step, "suspension", lambda one: one.reason == rule.name)
    return (f.SuspensionRequested(**members, reason=rule.name, until=until),)


def _suspension_granted(step: Step) -> tuple[f.Fact, ...]:
    request, members = decided(step, "suspension")
    if request.until is not None and request.until <= step.at:
        raise PauseNotAllowed(detail="申请的恢复时间已过，请重新申请")
    clocks = _pausable(step, _reason(step, request.reason))
    if any(clock.started_at > request.at for clock in clocks):
        raise PauseNotAllowed(detail="时限在申请之后重新开始计时，申请已失效")
    return (f.SuspensionGranted(**members, reason=request.reason),)


def _suspension_refused(step: Step) -> tuple[f.Fact, ...]:
    return (f.SuspensionRefused(**decided(step, "suspension")[1]),)


def _reason(step: Step, name: str) -> Suspension:
    reasons = step.world.kind.suspensions
    if name not in reasons:
        listed = "、".join(reasons) or "无"
        raise UnknownField(
            field="挂账理由", detail=f"没有“{name}”；可用：{listed}", pointer="/data/reason_code"
        )
    return reasons[name]


def _pausable(step: Step, rule: Suspension) -> list[Clock]:
    """Return the open clocks that a reason names; none of them may be past its due."""
    clocks = [clock for clock in step.case.open_clocks if clock.name in rule.clocks]
    if not clocks:
        raise PauseNotAllowed(detail=f"没有因“{rule.title}”可以暂停的时限在计时")
    for clock in clocks:
        definition = step.world.kind.clock(clock.name)
        title = definition.title if definition else clock.name
        if clock.breached_at is not None:
            raise PauseNotAllowed(detail=f"“{title}”已经超期，超期后不能再挂账")
        if any(hold.reason == rule.name for hold in clock.held):
            raise PauseNotAllowed(detail=f"“{title}”已经因“{rule.title}”挂账")
    return clocks


def _refuse_long(step: Step, rule: Suspension, clock: Clock) -> None:
    """The end lies ahead, and not beyond the cap counted from now."""
    until = step.values["until"]
    if until <= step.at:
        raise PauseNotAllowed(detail="恢复的时间须晚于现在", pointer="/data/until")
    if rule.cap is None:
        return
    calendar = step.world.calendars.get(clock.calendar)
    if calendar is None:
        raise UnknownCalendar(calendar=clock.calendar, known="、".join(step.world.calendars))
    longest = due(step.at, rule.cap, calendar, Cutoff(clock.cutoff)).at
    if until > longest:
        latest = longest.astimezone(SHANGHAI)
        detail = f"“{rule.title}”最长 {rule.cap}，恢复的时间不能晚于 {latest}"
        raise PauseNotAllowed(detail=detail, pointer="/data/until")


def _resumed(step: Step) -> tuple[f.Fact, ...]:
    """Go on; without a reason every reason ceases. What resumed by itself may be resumed again."""
    reason: str | None = step.values.get("reason_code")
    held = {hold.reason for clock in step.case.open_clocks for hold in clock.held}
    if reason is not None and reason not in held:
        known = "、".join(sorted(held)) or "无"
        raise UnknownField(
            field="挂账理由", detail=f"没有因此挂账；现有：{known}", pointer="/data/reason_code"
        )
    return (f.CaseResumed(**step.base(), reason=reason),)


def _return_requested(step: Step) -> tuple[f.Fact, ...]:
    return (f.ReturnRequested(**asked(step, "return", lambda _: True)),)


def _return_upheld(step: Step) -> tuple[f.Fact, ...]:
    """Send a wrong dispatch back: its time is the dispatcher's, and what it asked of others lapses.

    The unit that gets it back is the one that dispatched it, or answers for whoever did.
    """
    _, members = decided(step, "return")
    dispatcher = step.case.routing.giver or members["holder"]
    upheld = f.ReturnUpheld(**members, charged_to=dispatcher)
    after = step.after(upheld)
    waived = [f.TaskWaived(**after.base(), task=task.number) for task in after.case.open_tasks]
    return (upheld, *waived)


def _return_refused(step: Step) -> tuple[f.Fact, ...]:
    return (f.ReturnRefused(**decided(step, "return")[1]),)


def _correction_requested(step: Step) -> tuple[f.Fact, ...]:
    """Ask that a clock stopped at another moment than was recorded.

    Raises:
        UnknownField, CorrectionNotAllowed, FutureTime, RequestPending.
    """
    clock = _stopped(step)
    stopped_at = step.values["stopped_at"]
    if stopped_at > step.world.now:
        raise FutureTime(value=stopped_at, now=step.world.now, pointer=STOPPED_AT)
    if stopped_at < clock.started_at:
        detail = f"时间早于时限的开始 {clock.started_at.astimezone(SHANGHAI)}"
        raise CorrectionNotAllowed(detail=detail, pointer=STOPPED_AT)
    if stopped_at == clock.stopped_at:
        raise CorrectionNotAllowed(detail="时间与记录的相同", pointer=STOPPED_AT)
    members = asked(step, "correction", lambda one: one.clock == clock.instance)
    name, scope, cycle, sequence = clock.instance
    fact = f.CorrectionRequested(
        **members, clock=name, scope=scope, cycle=cycle, sequence=sequence, stopped_at=stopped_at
    )
    return (fact,)


def _stopped(step: Step) -> Clock:
    """Return the clock that the form names: of this cycle, the latest unless it says which."""
    values, case = step.values, step.case
    task, sequence = values.get("task"), values.get("sequence")
    found = [
        clock
        for clock in case.clocks
        if (clock.name, clock.cycle) == (values["clock"], case.cycle)
        and (task is None or clock.scope == f"task:{task}")
        and sequence in {None, clock.sequence}
    ]
    if not found:
        names = "、".join(dict.fromkeys(clock.name for clock in case.clocks)) or "无"
        raise UnknownField(
            field="时限", detail=f"没有这个时限；本事项有：{names}", pointer="/data/clock"
        )
    if len({clock.scope for clock in found}) > 1:
        raise UnknownField(field="任务序号", detail="请写明是哪一项协办任务", pointer="/data/task")
    if found[-1].status != "stopped":
        raise CorrectionNotAllowed(detail="这个时限没有办结时间", pointer="/data/clock")
    return found[-1]


def _correction_approved(step: Step) -> tuple[f.Fact, ...]:
    request, members = decided(step, "correction")
    return (f.CorrectionApproved(**members, approvals=len(request.approvals) + 1),)


def _correction_refused(step: Step) -> tuple[f.Fact, ...]:
    return (f.CorrectionRefused(**decided(step, "correction")[1]),)


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.SuspensionRequested.TYPE: {"reason_code": _CODES, "until": _MOMENT},
    f.SuspensionGranted.TYPE: _REQUEST,
    f.SuspensionRefused.TYPE: _REQUEST,
    f.CaseResumed.TYPE: {"reason_code": _CODES},
    f.ExtensionRequested.TYPE: {"clock": _CODES, "asked": _CODES},
    f.ExtensionGranted.TYPE: {**_REQUEST, "granted": _CODES},
    f.ExtensionRefused.TYPE: _REQUEST,
    f.ReturnUpheld.TYPE: _REQUEST,
    f.ReturnRefused.TYPE: _REQUEST,
    f.CorrectionRequested.TYPE: {
        "clock": _CODES,
        "task": _INTEGER,
        "sequence": _INTEGER,
        "stopped_at": _MOMENT,
    },
    f.CorrectionApproved.TYPE: _REQUEST,
    f.CorrectionRefused.TYPE: _REQUEST,
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.SuspensionRequested.TYPE: ("reason_code",),
    f.ExtensionRequested.TYPE: ("asked",),
    f.CorrectionRequested.TYPE: ("clock", "stopped_at"),
}
BUILDERS: Final[dict[str, Builder]] = {
    f.SuspensionRequested.TYPE: _suspension_requested,
    f.SuspensionGranted.TYPE: _suspension_granted,
    f.SuspensionRefused.TYPE: _suspension_refused,
    f.CaseResumed.TYPE: _resumed,
    f.ExtensionRequested.TYPE: extension_requested,
    f.ExtensionGranted.TYPE: extension_granted,
    f.ExtensionRefused.TYPE: extension_refused,
    f.ReturnRequested.TYPE: _return_requested,
    f.ReturnUpheld.TYPE: _return_upheld,
    f.ReturnRefused.TYPE: _return_refused,
    f.CorrectionRequested.TYPE: _correction_requested,
    f.CorrectionApproved.TYPE: _correction_approved,
    f.CorrectionRefused.TYPE: _correction_refused,
}
