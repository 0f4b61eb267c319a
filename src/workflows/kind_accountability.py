"""Compiling what a kind says of 四定三包, and what must be true of it before it is published."""

from collections.abc import Mapping
from typing import Final

from domain import facts as f
from domain.accountability import DUTIES, SLOTS, STABILITY
from domain.accountability_rule import DEFAULT, AccountabilityRule
from domain.duty_steps import OUTCOMES
from workflows.clock_rules import unreadable
from workflows.kind_clocks import budget_of
from workflows.kind_implied import FAILURES
from workflows.kind_text import (
    AccountabilityText,
    ActionText,
    KindText,
    RequiredText,
    form_values,
    unknown,
)

FIXING: Final = {
    "leader": f.LeaderFixed.TYPE,
    "measures": f.MeasuresFixed.TYPE,
    "deadline": f.DeadlineFixed.TYPE,
    "responsibility": f.ResponsibilityFixed.TYPE,
}
"""Which fact fixes which of the four."""
GUARDED: Final = {
    f.CompletionClaimed.TYPE: "four_fixed",
    f.CompletionVerified.TYPE: "duties_done",
}
"""What an action with this fact must require where anything is required at all."""
FAMILY: Final = (*FIXING.values(), f.MeasureDone.TYPE, f.DutyTaken.TYPE, f.DutyFulfilled.TYPE)


def accountability_of(text: AccountabilityText | None) -> AccountabilityRule | None:
    """Compile the section; a kind without one requires nothing.

    Raises:
        BareDuration, ZeroBudget.
    """
    if text is None:
        return None
    return AccountabilityRule(
        slots=_required(text.four_fixed, SLOTS),
        duties=_required(text.duties, DUTIES),
        deadline_within=tuple(text.deadline_within),
        watch=budget_of(text.watch),
        reopens_to=text.reopens_to,
    )


def _required(text: RequiredText, order: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {
        severity: tuple(part for part in order if part in parts)
        for severity, parts in text.required_by.items()
    }


def accountability_problems(kind: KindText) -> list[str]:
    """Return everything that is wrong with 四定三包, each with its path in the file."""
    rule = kind.accountability
    if rule is None:
        return _without(kind)
    found = [
        *_required_problems("four_fixed", rule.four_fixed, SLOTS, kind),
        *_required_problems("duties", rule.duties, DUTIES, kind),
        *unknown("deadline_within", rule.deadline_within, kind.clocks),
        *unreadable("watch", rule.watch),
        *_reopening_problems(rule, kind),
    ]
    found = [f"accountability.{problem}" for problem in found] or _unfixable(rule, kind)
    for name, action in kind.actions.items():
        found += [f"actions.{name}.{problem}" for problem in _action_problems(action, rule)]
    for name, clock in kind.clocks.items():
        if clock.outlives and clock.per != "duty":
            found.append(f"clocks.{name}.outlives：只用于 per: duty 的时限；请去掉")
    return found


def _without(kind: KindText) -> list[str]:
    """四定三包 is a whole: its facts and guards need the section that says what is required."""
    return [
        f"actions.{name}.emits：有 {fact} 而没有 accountability；请加上这一节"
        for name, action in kind.actions.items()
        for fact in action.emits
        if fact in FAMILY or fact in FAILURES
    ]


def _required_problems(
    where: str, text: RequiredText, parts: tuple[str, ...], kind: KindText
) -> list[str]:
    found: list[str] = []
    known = [
        DEFAULT,
        *dict.fromkeys([*form_values(kind, f.CaseGraded.TYPE, "severity"), *kind.tiers]),
    ]
    found += unknown(f"{where}.required_by", text.required_by, known)
    for severity, required in text.required_by.items():
        found += unknown(f"{where}.required_by.{severity}", required, parts)
    return found


def _reopening_problems(rule: AccountabilityText, kind: KindText) -> list[str]:
    """A case whose stability can fail after its end must have a stage to go on in."""
    after_end = any(
        FAILURES & set(action.emits)
        and any(kind.stages[name].ending for name in action.stages if name in kind.stages)
        for action in kind.actions.values()
        if isinstance(action.stages, list)
    )
    target = rule.reopens_to
    if target is None:
        return ["reopens_to：稳控失败会重新办理，须写明回到哪个环节"] if after_end else []
    if target not in kind.stages:
        return unknown("reopens_to", [target], kind.stages)
    return (
        [f"reopens_to：“{target}”是 ending 环节，须是未结束的环节"]
        if kind.stages[target].ending
        else []
    )


def _unfixable(rule: AccountabilityText, kind: KindText) -> list[str]:
    """Whatever is required can be fixed, taken and fulfilled by somebody's action."""
    happens = {fact for one in kind.actions.values() if one.by for fact in one.emits}
    slots = {part for parts in rule.four_fixed.required_by.values() for part in parts}
    found = [
        f"accountability.four_fixed：没有操作可以{FIXING[part]}；请加上这个操作"
        for part in SLOTS
        if part in slots and FIXING[part] not in happens
    ]
    duties = {part for parts in rule.duties.required_by.values() for part in parts}
    needed = [f.DutyTaken.TYPE, f.DutyFulfilled.TYPE, f.DutyFailed.TYPE]
    needed += [f.RevisitRecorded.TYPE] if STABILITY in duties else []
    found += [
        f"accountability.duties：没有操作有 {fact}；请加上这个操作"
        for fact in needed
        if duties and fact not in happens
    ]
    for fact, values in ((f.DutyTaken.TYPE, DUTIES), (f.DutyFulfilled.TYPE, DUTIES)):
        offered = form_values(kind, fact, "duty")
        found += unknown(f"accountability.duties（{fact}）", offered, values)
    return found


def _action_problems(action: ActionText, rule: AccountabilityText) -> list[str]:
    """Completion and verification wait for what is required."""
    required = {
        "four_fixed": any(rule.four_fixed.required_by.values()),
        "duties_done": any(rule.duties.required_by.values()),
    }
    found = [
        f"requires：{fact} 须有 {guard}（四定三包）"
        for fact, guard in GUARDED.items()
        if fact in action.emits and required[guard] and guard not in action.requires
    ]
    if f.RevisitRecorded.TYPE in action.emits and "outcome" in action.form:
        found += unknown("form.outcome.values", action.form["outcome"].values, OUTCOMES)
    return found
