"""延期: asked for while the due is not past, in the clock's own unit, within its limits (R6)."""

from typing import Any, Final

from domain import facts as f
from domain.asking import asked, decided
from domain.case import Request
from domain.clock import Clock
from domain.due import Budget, UnitMismatch, parse_budget
from domain.errors import (
    ExtensionLate,
    ExtensionNotAllowed,
    Refusal,
    RoleForbidden,
    UnknownField,
)
from domain.kind import ClockDefinition, Extension
from domain.roles import plays
from domain.step import Step

CLOCK: Final = "/data/clock"


def extension_requested(step: Step) -> tuple[f.Fact, ...]:
    """Ask for more time; the clock runs on until somebody grants it.

    Raises:
        UnknownField, ExtensionNotAllowed, ExtensionLate, RequestPending, or what is wrong with
        the budget (BareDuration, ZeroBudget, UnitMismatch).
    """
    clock, definition = _named(step) if "clock" in step.values else _only(step)
    budget = _budget(step.values["asked"], "/data/asked")
    _refuse_late(step, clock, definition)
    _refuse_too_much(budget, clock, definition, "/data/asked")
    members = asked(step, "extension", lambda one: one.clock == clock.instance)
    return (f.ExtensionRequested(**members, clock=clock.name, asked=str(budget)),)


def extension_granted(step: Step) -> tuple[f.Fact, ...]:
    """Grant what was asked for, or something else.

    Raises:
        UnknownField, SamePerson, RoleForbidden (the level rises with the count),
        ExtensionNotAllowed, or what is wrong with the budget.
    """
    request, members = decided(step, "extension")
    clock, definition = _find(step, _asked_for(request))
    if clock.instance != request.clock:
        raise ExtensionNotAllowed(detail=f"“{definition.title}”在申请之后重新开始计时，申请已失效")
    _refuse_low_level(step, clock, definition)
    budget = _budget(step.values.get("granted") or request.asked, "/data/granted")
    _refuse_too_much(budget, clock, definition, "/data/granted")
    return (f.ExtensionGranted(**members, clock=clock.name, granted=str(budget)),)


def extension_refused(step: Step) -> tuple[f.Fact, ...]:
    """Refuse; the number of extensions does not rise."""
    request, members = decided(step, "extension")
    return (f.ExtensionRefused(**members, clock=_asked_for(request)),)


def _asked_for(request: Request) -> str:
    return request.clock[0] if request.clock else ""


def _named(step: Step) -> tuple[Clock, ClockDefinition]:
    return _find(step, step.values["clock"])


def _only(step: Step) -> tuple[Clock, ClockDefinition]:
    """Return the one clock that can be extended now, where the form names none."""
    kind = step.world.kind
    found = [
        clock.name
        for clock in step.case.open_clocks
        if (definition := kind.clock(clock.name)) is not None and definition.extension
    ]
    if len(found) != 1:
        known = "、".join(found) or "无"
        raise UnknownField(
            field="时限", detail=f"请写明延长哪一个；可以延期的：{known}", pointer=CLOCK
        )
    return _find(step, found[0])


def _find(step: Step, name: str) -> tuple[Clock, ClockDefinition]:
    definition = step.world.kind.clock(name)
    if definition is None:
        known = "、".join(one.name for one in step.world.kind.clocks if one.extension) or "无"
        raise UnknownField(field="时限", detail=f"没有“{name}”；可以延期的：{known}", pointer=CLOCK)
    if definition.extension is None:
        raise ExtensionNotAllowed(detail=f"“{definition.title}”没有规定可以延期", pointer=CLOCK)
    clock = step.case.clock(name)
    if clock is None or not clock.open:
        raise ExtensionNotAllowed(detail=f"“{definition.title}”没有在计时", pointer=CLOCK)
    return clock, definition


def _budget(text: str, pointer: str) -> Budget:
    try:
        return parse_budget(text)
    except Refusal as refusal:
        refusal.pointer = pointer
        raise


def _refuse_late(step: Step, clock: Clock, definition: ClockDefinition) -> None:
    """A paused clock's due is not known yet, so it cannot be past."""
    if clock.status == "running" and step.at > clock.due:
        raise ExtensionLate(clock=definition.title, due=clock.due)


def _refuse_too_much(
    budget: Budget, clock: Clock, definition: ClockDefinition, pointer: str
) -> None:
    own, rule = parse_budget(clock.budget), _rule(definition)
    if budget.unit is not own.unit:
        raise UnitMismatch(extension=budget, budget=own, pointer=pointer)
    if len(clock.extensions) >= rule.max:
        raise ExtensionNotAllowed(detail=f"“{definition.title}”最多延期 {rule.max} 次，已经用完")
    if rule.cap is None:
        return
    if rule.cap.unit is not own.unit:
        detail = f"延期的上限是 {rule.cap}，不适用于 {own} 的时限"
        raise ExtensionNotAllowed(detail=detail)
    before = sum(parse_budget(one).size for one in clock.extensions)
    if before + budget.size > rule.cap.size:
        detail = f"“{definition.title}”的延期累计不能超过 {rule.cap}"
        raise ExtensionNotAllowed(detail=detail, pointer=pointer)


def _refuse_low_level(step: Step, clock: Clock, definition: ClockDefinition) -> None:
    """The n-th extension needs the n-th approver of the list, or a later one."""
    world = step.world
    approvers = _rule(definition).approvers
    enough = approvers[min(len(clock.extensions), len(approvers) - 1) :]
    case = step.case
    if not world.importing and not any(
        plays(rule, case, world.actor, world.directory) for rule in enough
    ):
        allowed = "、".join(rule.title for rule in enough)
        details: dict[str, Any] = {"role": world.actor.role.value, "allowed": allowed}
        raise RoleForbidden(action=step.action.title, **details)


def _rule(definition: ClockDefinition) -> Extension:
    if definition.extension is None:
        raise ExtensionNotAllowed(detail=f"“{definition.title}”没有规定可以延期")
    return definition.extension
