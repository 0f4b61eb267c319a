"""Compiling and checking what a kind says of its recurring rounds (周期任务)."""

from domain import facts as f
from domain.actor import Role
from domain.kind import Recurring
from workflows.kind_text import KindText, RecurringText, unknown


def recurring_of(text: RecurringText | None) -> Recurring | None:
    """Return how cases of the kind begin by themselves, where they do."""
    if text is None:
        return None
    return Recurring(
        every=text.every,
        level=text.level,
        title=text.title,
        calendar=text.calendar,
        missed=text.missed,
    )


def recurring_problems(kind: KindText) -> list[str]:
    """Return what is wrong: time itself must be able to begin a round, and to end it unheard."""
    rule = kind.recurring
    if rule is None:
        return []
    found = unknown("recurring.missed", [rule.missed], kind.actions)
    if found:
        return found
    action = kind.actions[rule.missed]
    if f.RoundMissed.TYPE not in action.emits:
        found.append(f"actions.{rule.missed}.emits：逾期未报须记 {f.RoundMissed.TYPE}")
    if action.stages != "open":
        found.append(f"actions.{rule.missed}.in：须为 open，任何未结束的环节都可能逾期")
    for where, by in (("report.by", kind.report.by), (f"actions.{rule.missed}.by", action.by)):
        if not any(Role.TIMER in kind.roles[name].held_by for name in by if name in kind.roles):
            found.append(f"{where}：须有一个 held_by 含 timer 的角色，由系统按时办理")
    return found
