"""Compiling and checking what a kind says of the ways between units: skip levels, hops, waits."""

from typing import Final

from domain import facts as f
from domain.clocks import HOPS
from domain.kind import SkipLevel
from workflows.kind_text import ActionText, KindText, SkipLevelText, form_values, unknown

SIDES: Final = ("whistle", "report")
"""Which side an evaluation is of: the caller, or the department."""
ANSWERS: Final[dict[str, frozenset[str]]] = {
    f.SupplementRequested.TYPE: frozenset({f.SupplementProvided.TYPE}),
    f.VoidRequested.TYPE: frozenset({f.CaseVoided.TYPE, f.VoidRefused.TYPE}),
    f.NonAcceptanceProposed.TYPE: frozenset({f.CaseNotAccepted.TYPE, f.NonAcceptanceRefused.TYPE}),
    f.WhistleBlown.TYPE: frozenset({f.ReportedIn.TYPE, f.CallReleased.TYPE}),
}
"""What a kind must also have, so that nobody waits for an answer that cannot come."""


def skip_levels_of(rules: list[SkipLevelText]) -> tuple[SkipLevel, ...]:
    """Compile the skip-level rules (越级规则), in the order of the file."""
    return tuple(
        SkipLevel(
            category=rule.category, urgency=rule.urgency, tier=rule.tier, copied=tuple(rule.copied)
        )
        for rule in rules
    )


def routing_problems(kind: KindText) -> list[str]:
    """Return what is wrong with how a kind's cases move between units."""
    happens = {fact for action in kind.actions.values() for fact in action.emits}
    found = _skip_problems(kind, happens)
    for name, action in kind.actions.items():
        found += [f"actions.{name}.{problem}" for problem in _action_problems(action, kind)]
    for fact, answers in ANSWERS.items():
        if fact in happens:
            found += [
                f"actions：有 {fact} 而没有 {answer}；请加上这个操作"
                for answer in sorted(answers - happens)
            ]
    return found


def _skip_problems(kind: KindText, happens: set[str]) -> list[str]:
    found: list[str] = []
    if kind.skip_levels and f.CaseEscalated.TYPE not in happens:
        found.append(f"skip_levels：没有操作上报（{f.CaseEscalated.TYPE}）；请加上，或去掉规则")
    urgencies = form_values(kind, f.CaseGraded.TYPE, "urgency")
    for number, rule in enumerate(kind.skip_levels):
        named = [rule.urgency] if rule.urgency and urgencies else []
        found += unknown(f"skip_levels.{number}.urgency", named, urgencies)
        if rule.tier in rule.copied:
            found.append(f"skip_levels.{number}.copied：“{rule.tier}”就是接收的一级；请去掉")
    return found


def _action_problems(action: ActionText, kind: KindText) -> list[str]:
    found: list[str] = []
    if set(HOPS) & set(action.emits[1:]):
        found.append("emits：交办、上报须是第一条办理记录，其余写在它后面")
    suspension = action.set.get("suspension")
    if suspension is not None and f.SupplementRequested.TYPE in action.emits:
        found += unknown("set.suspension", [suspension], kind.suspensions)
    if f.WhistleRated.TYPE in action.emits:
        found += unknown("set.side", [action.set.get("side", "")], SIDES)
    return found
