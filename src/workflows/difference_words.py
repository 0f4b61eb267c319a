"""What a simulation found, in the words that people know: titles instead of names, local times."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.due import SHANGHAI
from domain.kind import Kind
from workflows.kind_words import VALUES
from workflows.simulating import Difference

WHAT: Final = {
    "severity": "严重程度",
    "urgency": "紧急程度",
    "tier": "响应层级",
    "outcome": "办理结果",
    "stage": "环节",
    "due": "到期时间",
    "breach": "是否超期",
    "refused": "会被拒绝的操作",
}
SAID: Final = {"yes": "超期", "no": "未超期"}
TIERS: Final = {"community": "社区", "town": "镇街", "county": "区县"}
SCOPES: Final = {"task": "协办", "call": "吹哨", "duty": "三包责任", "objection": "异议"}
NOTHING: Final = "—"


class Words:
    """The titles of a kind's versions; where they differ, of the one given last."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        """Gather what stages, actions and clocks are called."""
        self.stages: dict[str, str] = {}
        self.actions: dict[str, str] = {}
        self.clocks: dict[str, str] = {}
        for kind in kinds:
            self.stages |= {stage.name: stage.title for stage in kind.stages.values()}
            self.actions |= {one.name: one.title for one in kind.actions.values()}
            self.actions["report"] = kind.report.title
            self.clocks |= {clock.name: clock.title for clock in kind.clocks}

    def row(self, one: Difference) -> tuple[str, str, str, str, str]:
        """Return a difference as number, what, clock or action, before, after."""
        about = self.action(one.clock) if one.what == "refused" else self._clock(one.clock)
        before, after = (self._value(one.what, value) for value in (one.before, one.after))
        return (one.number, WHAT[one.what], about, before, after)

    def action(self, name: str) -> str:
        """Return what an action is called."""
        return self.actions.get(name, name)

    def _clock(self, instance: str) -> str:
        """Return a clock's title; of several, for which piece of work, cycle and time it is."""
        if not instance:
            return ""
        name, scope, cycle, sequence = instance.split("/")
        sort, _, number = scope.partition(":")
        parts = [f"{SCOPES.get(sort, sort)} {number}"] if scope else []
        parts += [f"第 {cycle} 轮"] if cycle != "1" else []
        parts += [f"第 {sequence} 次"] if sequence != "1" else []
        return self.clocks.get(name, name) + (f"（{'，'.join(parts)}）" if parts else "")

    def _value(self, what: str, value: str | None) -> str:
        if value is None:
            return NOTHING
        match what:
            case "stage":
                return self.stages.get(value, value)
            case "due":
                return datetime.fromisoformat(value).astimezone(SHANGHAI).isoformat()
            case "tier":
                return TIERS.get(value, value)
            case _:
                return SAID.get(value) or VALUES.get(value) or value
