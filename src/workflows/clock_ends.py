"""Clocks around the end of a case: those that would never begin, or that nothing could stop.

When a case ends its clocks are cancelled, and of what its last action starts only what outlives it
begins. Neither keeps a kind from being published; it is only perhaps not what was meant.
"""

from collections.abc import Iterator
from typing import Final

from domain import facts as f
from domain.kind import Trigger
from domain.values import VALUES
from workflows.kind_clocks import trigger_of
from workflows.kind_text import ActionText, ClockText, KindText

CAUSES: Final[dict[str, frozenset[str]]] = {
    f.AppealUpheld.TYPE: frozenset({f.AppealReviewed.TYPE}),
    f.AppealDismissed.TYPE: frozenset({f.AppealReviewed.TYPE}),
    f.DutyFailed.TYPE: frozenset({f.RevisitRecorded.TYPE}),
}
"""By which other facts these may come about."""


def ending_warnings(kind: KindText) -> Iterator[str]:
    """Yield what is odd about clocks that begin with the end of a case, or outlive it."""
    for name, clock in kind.clocks.items():
        if clock.outlives:
            yield from _never_stopped(f"clocks.{name}.stop", clock, kind)
        else:
            yield from _never_begins(f"clocks.{name}.start", clock, kind)


def _never_begins(where: str, clock: ClockText, kind: KindText) -> Iterator[str]:
    """Name the triggers that only come about with the end of a case."""
    for text in clock.start:
        causes = [one for one in kind.actions.values() if _brings(one, trigger_of(text))]
        if causes and all(_ends(one, kind) for one in causes):
            titles = "、".join(f"“{one.title}”" for one in causes)
            yield f"{where}：{text} 只随{titles}发生，事项已经结束，不会开始计时；请去掉"


def _never_stopped(where: str, clock: ClockText, kind: KindText) -> Iterator[str]:
    """Name the ends after which nobody can do what stops a clock that goes on."""
    starts, stops = map(trigger_of, clock.start), [trigger_of(text) for text in clock.stop]
    for start in starts:
        for action in kind.actions.values():
            if action.to and _ends(action, kind) and _brings(action, start):
                after = _reached(action.to, kind)
                if not any(_possible(one, stops, after) for one in kind.actions.values()):
                    yield f"{where}：“{action.title}”之后没有操作能停止它；请加上这样的操作"
    endings = {name for name, stage in kind.stages.items() if stage.ending}
    if not any(_possible(one, stops, endings) for one in kind.actions.values()):
        yield f"{where}：事项结束之后没有操作能停止它；请让有关操作也能在结束的环节办理"


def _possible(action: ActionText, stops: list[Trigger], stages: set[str]) -> bool:
    """Whether somebody may stop it by this action in one of these stages."""
    inside = action.stages != "open" and not stages.isdisjoint(action.stages)
    return bool(action.by) and inside and any(_brings(action, stop) for stop in stops)


def _ends(action: ActionText, kind: KindText) -> bool:
    return action.to is not None and kind.stages[action.to].ending


def _brings(action: ActionText, trigger: Trigger) -> bool:
    """Whether an action brings about a fact, with this value where one is meant."""
    if not {trigger.fact, *CAUSES.get(trigger.fact, ())}.intersection(action.emits):
        return False
    field = VALUES.get(trigger.fact, "")
    if not trigger.value or trigger.fact not in action.emits:
        return True
    asked = action.form.get(field)
    if field in action.set or not asked or not asked.values:
        return action.set.get(field, trigger.value) == trigger.value
    return trigger.value in asked.values


def _reached(stage: str, kind: KindText) -> set[str]:
    """Return the stages to which a case can come from one, itself among them."""
    reached, news = {stage}, [stage]
    while news:
        here = news.pop()
        moves = (one for one in kind.actions.values() if one.stages != "open" and one.by)
        found = {one.to for one in moves if one.to and here in one.stages} - reached
        reached |= found
        news += sorted(found)
    return reached
