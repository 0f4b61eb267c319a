"""Compiling what a kind says of its clocks: limits, warnings, extensions, ladders, pauses."""

import re
from collections.abc import Mapping
from typing import Final

from domain.due import Budget, parse_budget
from domain.kind import (
    ClockDefinition,
    EarlyWarning,
    Extension,
    Rework,
    RoleRule,
    Rung,
    Suspension,
    Trigger,
)
from workflows.kind_text import (
    ClockText,
    ExtensionText,
    KindText,
    ReworkText,
    RungText,
    SuspensionText,
    budgets_of,
    chosen_by,
)

PERCENT: Final = re.compile(r"([0-9]{1,6})%")


def budget_of(text: str | None) -> Budget | None:
    """Return a budget where one is written."""
    return None if text is None else parse_budget(text)


def trigger_of(text: str) -> Trigger:
    """Read `case-assigned`, or with one value `milestone-reached:fenced`."""
    fact, _, value = text.partition(":")
    return Trigger(fact, value)


def offset_of(at: str) -> tuple[Budget | None, Budget | None]:
    """Read `due-2wh`, `due` or `due+1wd`: so much before the due, or so much after it.

    Raises:
        BareDuration, ZeroBudget.
    """
    sign, limit = at[3:4], at[4:]
    if not sign:
        return None, None
    budget = parse_budget(limit)
    return (budget, None) if sign == "-" else (None, budget)


def warning_of(text: str) -> EarlyWarning:
    """Read `80%` used up, or `2wh` left.

    Raises:
        BareDuration, ZeroBudget.
    """
    percent = PERCENT.fullmatch(text)
    return (
        EarlyWarning(text, int(percent[1]), None)
        if percent
        else EarlyWarning(text, 0, parse_budget(text))
    )


def suspensions_of(kind: KindText) -> dict[str, Suspension]:
    """Compile the reasons for which clocks may pause."""
    return {name: _suspension(name, reason) for name, reason in kind.suspensions.items()}


def clocks_of(kind: KindText, roles: Mapping[str, RoleRule]) -> tuple[ClockDefinition, ...]:
    """Compile the clocks, in the order of the file."""
    ladders = {name: tuple(_rung(rung) for rung in ladder) for name, ladder in kind.ladders.items()}
    return tuple(_clock(name, clock, roles, ladders) for name, clock in kind.clocks.items())


def _suspension(name: str, reason: SuspensionText) -> Suspension:
    return Suspension(
        name=name,
        title=reason.title,
        clocks=frozenset(reason.clocks),
        cap=budget_of(reason.cap),
        until_required=reason.until == "required",
        from_request=reason.begins == "request",
        natural_days=reason.natural_days,
    )


def _clock(
    name: str,
    clock: ClockText,
    roles: Mapping[str, RoleRule],
    ladders: Mapping[str, tuple[Rung, ...]],
) -> ClockDefinition:
    return ClockDefinition(
        name=name,
        title=clock.title,
        start=frozenset(trigger_of(fact) for fact in clock.start),
        stop=frozenset(trigger_of(fact) for fact in clock.stop),
        budgets=budgets_of(clock.budget),
        by=chosen_by(clock.budget),
        catalogue=clock.catalogue,
        date=clock.date,
        calendar=clock.calendar,
        cutoff=clock.cutoff,
        total=clock.total,
        per=clock.per,
        roll=clock.nonworking_start == "roll",
        warn=tuple(warning_of(text) for text in clock.warn),
        extension=_extension(clock.extension, roles),
        regrade=clock.regrade.policy if clock.regrade else "retroactive",
        grace=budget_of(clock.regrade.grace) if clock.regrade else None,
        rework=_rework(clock.rework),
        ladder=ladders[clock.ladder] if clock.ladder else (),
        outlives=clock.outlives,
    )


def _rung(rung: RungText) -> Rung:
    before, after = offset_of(rung.at)
    return Rung(
        before=before,
        after=after,
        step=rung.do,
        to=rung.to,
        acknowledge=budget_of(rung.acknowledge),
        every=budget_of(rung.every),
    )


def _extension(text: ExtensionText | None, roles: Mapping[str, RoleRule]) -> Extension | None:
    if text is None:
        return None
    approvers = tuple(roles[name] for name in text.approvers)
    return Extension(max=text.max, cap=budget_of(text.cap), approvers=approvers)


def _rework(text: ReworkText | None) -> Rework | None:
    return None if text is None else Rework(text.percent, budget_of(text.least))
