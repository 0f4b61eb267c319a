"""What a kind must fulfil whose clocks can be suspended, extended, returned or corrected."""

from collections.abc import Mapping
from typing import Final

from domain import facts as f
from domain.guards import ASSIGNMENT
from workflows.clock_rules import unreadable
from workflows.kind_clocks import trigger_of
from workflows.kind_text import (
    ActionText,
    ClockText,
    KindText,
    SuspensionText,
    budgets_of,
    unknown,
)

DECISIONS: Final[dict[str, frozenset[str]]] = {
    f.SuspensionRequested.TYPE: frozenset(
        {f.SuspensionGranted.TYPE, f.SuspensionRefused.TYPE, f.CaseResumed.TYPE}
    ),
    f.ExtensionRequested.TYPE: frozenset({f.ExtensionGranted.TYPE, f.ExtensionRefused.TYPE}),
    f.ReturnRequested.TYPE: frozenset({f.ReturnUpheld.TYPE, f.ReturnRefused.TYPE}),
    f.CorrectionRequested.TYPE: frozenset({f.CorrectionApproved.TYPE, f.CorrectionRefused.TYPE}),
}
"""Which facts answer which request, or end what it brought; a kind with one has them all."""
WHOLE_DAYS: Final = frozenset({"nd", "month"})
"""Units of which only whole days pause, and only if the reason says so (clocks.md R5)."""


def request_problems(kind: KindText) -> list[str]:
    """Return everything that is wrong with a kind's requests, each with its path in the file."""
    pauses = {f.SuspensionRequested.TYPE, f.SupplementRequested.TYPE}
    asks = any(not pauses.isdisjoint(one.emits) for one in kind.actions.values())
    found = (
        ["suspensions：没有操作申请挂账；请加上，或去掉这些理由"]
        if kind.suspensions and not asks
        else []
    )
    for name, reason in kind.suspensions.items():
        found += [f"suspensions.{name}.{problem}" for problem in _reason_problems(reason, kind)]
    for name, action in kind.actions.items():
        found += [f"actions.{name}.{problem}" for problem in _asking_problems(action, kind)]
        found += [f"actions.{name}.{problem}" for problem in backdate_problems(action.backdate)]
    found += [f"report.{problem}" for problem in backdate_problems(kind.report.backdate)]
    return found + _decision_problems(kind)


def backdate_problems(text: str | None) -> list[str]:
    """Return what is wrong with how late something may be registered (clocks.md R1)."""
    found = unreadable("backdate", text)
    if not found and text is not None and not text.endswith(("nh", "nm")):
        found.append(f"backdate：“{text}”须以自然时计；请写成 72nh")
    return found


def _reason_problems(reason: SuspensionText, kind: KindText) -> list[str]:
    found = [*unknown("clocks", reason.clocks, kind.clocks), *unreadable("cap", reason.cap)]
    if found:
        return found
    for name in reason.clocks:
        clock = kind.clocks[name]
        if clock.date:
            found.append(f"clocks：“{name}”的到期时间由来源规定，不能暂停；请去掉")
        elif _in_whole_days(clock) and not reason.natural_days:
            found.append(f"natural_days：“{name}”以自然日计，须写 natural_days: true 才能暂停")
    return found


def _in_whole_days(clock: ClockText) -> bool:
    return any(budget.unit.value in WHOLE_DAYS for _, budget in budgets_of(clock.budget))


def _asking_problems(action: ActionText, kind: KindText) -> list[str]:
    """What a form lets somebody choose must exist."""
    found: list[str] = []
    if f.SuspensionRequested.TYPE in action.emits:
        found += _reasons_offered(action, kind.suspensions)
    if f.ExtensionRequested.TYPE in action.emits:
        extendable = [name for name, clock in kind.clocks.items() if clock.extension]
        found += _offered(action, "clock", extendable)
        if not extendable:
            found.append("emits：没有时限规定了 extension，没有可以延期的")
    if f.CaseResumed.TYPE in action.emits:
        found += _offered(action, "reason_code", kind.suspensions)
    if f.CorrectionRequested.TYPE in action.emits:
        found += _offered(action, "clock", kind.clocks)
    if "within_return_window" in action.requires and not _starts_on_assignment(kind):
        found.append(f"requires：没有时限从 {ASSIGNMENT.fact} 开始，算不出退单期限")
    return found


def _reasons_offered(action: ActionText, reasons: Mapping[str, SuspensionText]) -> list[str]:
    if not reasons:
        return ["emits：没有列出挂账理由；请在 suspensions 中列出"]
    offered = action.form["reason_code"].values or list(reasons)
    found = _offered(action, "reason_code", reasons)
    ends = any(reasons[name].until == "required" for name in offered if name in reasons)
    if ends and "until" not in action.form:
        found.append("form.until：有的挂账理由须写明恢复的时间；请加上这个 moment 字段")
    return found


def _offered(action: ActionText, field: str, known: Mapping[str, object] | list[str]) -> list[str]:
    values = action.form[field].values if field in action.form else []
    return unknown(f"form.{field}.values", values, known)


def _starts_on_assignment(kind: KindText) -> bool:
    return any(
        trigger_of(text) == ASSIGNMENT for clock in kind.clocks.values() for text in clock.start
    )


def _decision_problems(kind: KindText) -> list[str]:
    """Whoever may ask must get an answer, and there is nothing to decide that nobody asks."""
    happens = {fact for action in kind.actions.values() for fact in action.emits}
    found: list[str] = []
    for request, decisions in DECISIONS.items():
        there = happens & decisions
        if request in happens:
            found += [
                f"actions：有 {request} 而没有 {fact}；请加上这个操作"
                for fact in sorted(decisions - there)
            ]
        else:
            found += [
                f"actions：有 {fact} 而没有 {request}；请加上这个操作" for fact in sorted(there)
            ]
    return found
