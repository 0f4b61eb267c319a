"""From a permitted action to its facts: one small builder for each fact a kind may emit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.case import Case, Task, evolve
from domain.errors import UnknownField
from domain.guards import acting_unit
from domain.kind import Action, HolderRule
from domain.world import World

_CODES: Final = frozenset({"code", "choice"})
FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.CaseNotAccepted.TYPE: {"reason_code": _CODES},
    f.CaseReclassified.TYPE: {"category": _CODES},
    f.CaseGraded.TYPE: {"severity": _CODES, "urgency": _CODES},
    f.CaseAssigned.TYPE: {
        "lead": frozenset({"unit"}),
        "assisting": frozenset({"units"}),
        "informed": frozenset({"units"}),
    },
    f.TaskAssigned.TYPE: {"unit": frozenset({"unit"})},
    f.TaskCompleted.TYPE: {"task": frozenset({"integer"})},
    f.TaskWaived.TYPE: {"task": frozenset({"integer"})},
    f.CaseClosed.TYPE: {"grade": _CODES, "outcome": _CODES},
}
"""Which fields of a form go into which fact, and of what type they must be; texts always may."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.CaseReclassified.TYPE: ("category",),
    f.CaseGraded.TYPE: ("severity",),
    f.TaskAssigned.TYPE: ("unit",),
}
"""Fields without which a fact cannot be made."""


class Step(Struct, frozen=True, kw_only=True):
    """What the builders need: the action, the case before, the values of the form, the world."""

    action: Action
    case: Case
    values: dict[str, Any]
    world: World
    at: datetime

    def base(self, *, lead: f.Unit | None = None) -> dict[str, Any]:
        """Return what every fact of a case says: the action, the move, who holds it now."""
        kind = self.world.kind
        target = self.action.to or self.case.stage
        return {
            "action": self.action.name,
            "stage": f.Stage(self.case.stage, target, kind.stages[target].phase),
            "holder": self._holder(lead),
        }

    def after(self, *facts: f.Fact) -> "Step":
        """Return the same step once these facts happened: what follows moves nothing any more."""
        case = self.case
        for fact in facts:
            case = evolve(case, fact, self.at)
        return replace(self, case=case)

    def _holder(self, lead: f.Unit | None) -> f.Unit | None:
        case, directory = self.case, self.world.directory
        match self.action.holder:
            case HolderRule.KEEP:
                return case.holder
            case HolderRule.LEAD:
                return lead or self.values.get("lead") or case.lead or case.holder
            case HolderRule.ACCEPTED_BY:
                return case.accepted_by or case.holder
            case HolderRule.VERIFIER:
                return case.verifier
            case HolderRule.CENTRE:
                return directory.centre or case.holder
            case HolderRule.COMMUNITY:
                return self._community()

    def _community(self) -> f.Unit | None:
        """首接负责: the community of the place, else the place, the reporter's unit, the centre."""
        directory, actor = self.world.directory, self.world.actor
        place = self.case.place or self.values.get("place")
        if place is None and actor.unit in directory.units:
            place = directory.unit(actor.unit) if actor.unit else None
        if place is None:
            return directory.centre
        return directory.ancestor(place, "community") or place


Builder = Callable[[Step], tuple[f.Fact, ...]]


def _plain(fact: type[f.CaseFact]) -> Builder:
    """Build a fact that says nothing beyond the step itself."""
    return lambda step: (fact(**step.base()),)


def _reported(step: Step) -> tuple[f.Fact, ...]:
    values = step.values
    return (
        f.CaseReported(
            **step.base(),
            kind=step.world.kind.name,
            number=step.world.number,
            place=values.get("place"),
            category=values.get("category"),
            severity=values.get("severity"),
            urgency=values.get("urgency"),
            location=values.get("location"),
            source=values.get("source"),
            content=values.get("content"),
            late=values.get("late"),
            data=values.get("data", {}),
        ),
    )


def _accepted(step: Step) -> tuple[f.Fact, ...]:
    base = step.base()
    return (f.CaseAccepted(**base, accepted_by=base["holder"]),)


def _not_accepted(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseNotAccepted(**step.base(), reason=step.values.get("reason_code", "other")),)


def _reclassified(step: Step) -> tuple[f.Fact, ...]:
    category = step.values["category"]
    return (f.CaseReclassified(**step.base(), category=category, previous=step.case.category),)


def _graded(step: Step) -> tuple[f.Fact, ...]:
    severity = step.values["severity"]
    tier = step.world.kind.tiers.get(severity, "county")
    urgency = step.values.get("urgency") or "normal"
    return (f.CaseGraded(**step.base(), severity=severity, urgency=urgency, tier=tier),)


def _assigned(step: Step) -> tuple[f.Fact, ...]:
    lead: f.Unit | None = step.values.get("lead") or step.case.holder
    if lead is None:
        raise UnknownField(field="牵头单位", detail="必填，不能为空", pointer="/data/lead")
    assisting: tuple[f.Unit, ...] = step.values.get("assisting", ())
    if lead in assisting:
        raise UnknownField(
            field="协办单位", detail="不能包括牵头单位自己", pointer="/data/assisting"
        )
    assigned = f.CaseAssigned(
        **step.base(lead=lead),
        lead=lead,
        assisting=assisting,
        informed=step.values.get("informed", ()),
    )
    return (assigned, *_tasks(step.after(assigned), assisting))


def _tasks(step: Step, units: tuple[f.Unit, ...]) -> tuple[f.Fact, ...]:
    """Give each assisting unit one task, numbered within the case."""
    base = step.base()
    first = len(step.case.tasks) + 1
    return tuple(
        f.TaskAssigned(**base, task=number, unit=unit) for number, unit in enumerate(units, first)
    )


def _task_assigned(step: Step) -> tuple[f.Fact, ...]:
    return _tasks(step, (step.values["unit"],))


def _task_completed(step: Step) -> tuple[f.Fact, ...]:
    """Nobody but the unit that owes a task completes it."""
    unit = acting_unit(step.world.actor, step.world.directory)
    own = [task for task in step.case.open_tasks if task.unit.id == unit]
    return (f.TaskCompleted(**step.base(), task=_chosen(step, own)),)


def _task_waived(step: Step) -> tuple[f.Fact, ...]:
    return (f.TaskWaived(**step.base(), task=_chosen(step, list(step.case.open_tasks))),)


def _chosen(step: Step, tasks: list[Task]) -> int:
    """Return the task that the form names; unnamed, the only one there is."""
    named: int | None = step.values.get("task")
    chosen = [task.number for task in tasks if named in {None, task.number}]
    if len(chosen) != 1:
        numbers = "、".join(str(task.number) for task in tasks) or "无"
        raise UnknownField(
            field="任务序号", detail=f"请写明是哪一项；未完成的：{numbers}", pointer="/data/task"
        )
    return chosen[0]


def _rework(step: Step) -> tuple[f.Fact, ...]:
    return (f.ReworkRequired(**step.base(), count=step.case.rework + 1),)


def _closed(step: Step) -> tuple[f.Fact, ...]:
    chosen = step.action.set | step.values
    return (
        f.CaseClosed(
            **step.base(),
            grade=chosen.get("grade", "substantive"),
            outcome=chosen.get("outcome", "closed"),
        ),
    )


def _reopened(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseReopened(**step.base(), cycle=step.case.cycle + 1),)


BUILDERS: Final[dict[str, Builder]] = {
    f.CaseReported.TYPE: _reported,
    f.ContainmentTaken.TYPE: _plain(f.ContainmentTaken),
    f.NoteRecorded.TYPE: _plain(f.NoteRecorded),
    f.CaseHandledOnTheSpot.TYPE: _plain(f.CaseHandledOnTheSpot),
    f.CaseAccepted.TYPE: _accepted,
    f.CaseNotAccepted.TYPE: _not_accepted,
    f.CaseReclassified.TYPE: _reclassified,
    f.CaseGraded.TYPE: _graded,
    f.CaseAssigned.TYPE: _assigned,
    f.HandlingStarted.TYPE: _plain(f.HandlingStarted),
    f.TaskAssigned.TYPE: _task_assigned,
    f.TaskCompleted.TYPE: _task_completed,
    f.TaskWaived.TYPE: _task_waived,
    f.CompletionClaimed.TYPE: _plain(f.CompletionClaimed),
    f.CompletionVerified.TYPE: _plain(f.CompletionVerified),
    f.ReworkRequired.TYPE: _rework,
    f.CaseReplied.TYPE: _plain(f.CaseReplied),
    f.CaseClosed.TYPE: _closed,
    f.CaseReopened.TYPE: _reopened,
    f.CaseWithdrawn.TYPE: _plain(f.CaseWithdrawn),
}
