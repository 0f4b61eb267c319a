"""From a permitted action to its facts: one small builder for each fact a kind may emit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from domain import (
    accountability_steps,
    aftercare_steps,
    civic_steps,
    deciding,
    filing_steps,
    privacy_steps,
    requests,
    routing_steps,
)
from domain import facts as f
from domain.asking import decided
from domain.case import Task
from domain.errors import NaiveTime, UnknownField
from domain.kind import Action
from domain.roles import acting_unit
from domain.step import Builder, Step

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
    f.MilestoneReached.TYPE: {"milestone": _CODES},
    **requests.FIELDS,
    **routing_steps.FIELDS,
    **aftercare_steps.FIELDS,
    **privacy_steps.FIELDS,
    **accountability_steps.FIELDS,
    **filing_steps.FIELDS,
    **civic_steps.FIELDS,
}
"""Which fields of a form go into which fact, and of what type they must be; texts always may."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.CaseReclassified.TYPE: ("category",),
    f.CaseGraded.TYPE: ("severity",),
    f.TaskAssigned.TYPE: ("unit",),
    f.MilestoneReached.TYPE: ("milestone",),
    **requests.NEEDED,
    **routing_steps.NEEDED,
    **aftercare_steps.NEEDED,
    **privacy_steps.NEEDED,
    **accountability_steps.NEEDED,
    **filing_steps.NEEDED,
    **civic_steps.NEEDED,
}
"""Fields without which a fact cannot be made."""
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    f.CaseClosed.TYPE: frozenset({"grade", "outcome"}),
    f.CaseGraded.TYPE: frozenset({"misgraded"}),
    f.MilestoneReached.TYPE: frozenset({"milestone"}),
    **routing_steps.CONSTANTS,
    **aftercare_steps.CONSTANTS,
    **privacy_steps.CONSTANTS,
    **accountability_steps.CONSTANTS,
    **filing_steps.CONSTANTS,
    **civic_steps.CONSTANTS,
}
"""What an action may say of a fact once and for all."""
YES: Final = "true"
"""The one value that `misgraded` may have as a constant."""


def _plain(fact: type[f.CaseFact]) -> Builder:
    """Build a fact that says nothing beyond the step itself."""
    return lambda step: (fact(**step.base()),)


def _reported(step: Step) -> tuple[f.Fact, ...]:
    values = step.values
    reported = f.CaseReported(
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
        source_due=_source_due(values.get("source_due"), step.at),
        data=values.get("data", {}),
    )
    return (reported, *filing_steps.mapped(step, reported))


def _source_due(given: datetime | None, reported_at: datetime) -> datetime | None:
    """Return by when the reporting system wants it done, in UTC and whole seconds."""
    if given is None:
        return None
    if given.tzinfo is None:
        raise NaiveTime(value=given.isoformat(), pointer="/due")
    if given <= reported_at:
        raise UnknownField(
            field="来源要求的办结时间", detail="须晚于上报时间；没有要求就不填", pointer="/due"
        )
    return given.replace(microsecond=0).astimezone(UTC)


def _accepted(step: Step) -> tuple[f.Fact, ...]:
    base = step.base()
    return (f.CaseAccepted(**base, accepted_by=base["holder"]),)


def _not_accepted(step: Step) -> tuple[f.Fact, ...]:
    """Confirm what another person proposed, where the kind asks for two; else say so oneself."""
    reason: str = step.values.get("reason_code", "other")
    if any(one.sort == "non_acceptance" for one in step.case.requests):
        reason = decided(step, "non_acceptance")[0].reason
    return (f.CaseNotAccepted(**step.base(), reason=reason),)


def _reclassified(step: Step) -> tuple[f.Fact, ...]:
    category = step.values["category"]
    return (f.CaseReclassified(**step.base(), category=category, previous=step.case.category),)


def _graded(step: Step) -> tuple[f.Fact, ...]:
    """Grade; what the form leaves open stays as it is. Grading again must change something."""
    case = step.case
    severity = step.values["severity"]
    urgency = step.values.get("urgency") or case.urgency or "normal"
    if step.action.to is None and (severity, urgency) == (case.severity, case.urgency):
        raise UnknownField(
            field="严重程度", detail="与现在的分级相同，不需要变更", pointer="/data/severity"
        )
    return (
        f.CaseGraded(
            **step.base(),
            severity=severity,
            urgency=urgency,
            tier=step.world.kind.tiers.get(severity, "county"),
            misgraded=step.action.set.get("misgraded") == YES,
        ),
    )


def _assigned(step: Step) -> tuple[f.Fact, ...]:
    lead: f.Unit | None = step.values.get("lead") or step.case.holder
    if lead is None:
        raise UnknownField(field="牵头单位", detail="必填，不能为空", pointer="/data/lead")
    assisting: tuple[f.Unit, ...] = step.values.get("assisting", ())
    if lead in assisting:
        raise UnknownField(
            field="协办单位", detail="不能包括牵头单位自己", pointer="/data/assisting"
        )
    return (
        f.CaseAssigned(
            **step.base(lead=lead),
            lead=lead,
            assisting=assisting,
            informed=step.values.get("informed", ()),
        ),
    )


def _tasks_of_assisting(step: Step) -> tuple[f.Fact, ...]:
    return _tasks(step, step.case.assisting)


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


def _milestone(step: Step) -> tuple[f.Fact, ...]:
    chosen = step.action.set | step.values
    return (f.MilestoneReached(**step.base(), milestone=chosen["milestone"]),)


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
    f.MilestoneReached.TYPE: _milestone,
    **deciding.BUILDERS,
    **requests.BUILDERS,
    **routing_steps.BUILDERS,
    **aftercare_steps.BUILDERS,
    **privacy_steps.BUILDERS,
    **accountability_steps.BUILDERS,
    **filing_steps.BUILDERS,
    **civic_steps.BUILDERS,
}
FOLLOWS: Final[dict[str, Builder]] = {
    f.CaseAssigned.TYPE: _tasks_of_assisting,
    **accountability_steps.FOLLOWS,
}
"""What a fact brings with it, made of the step after it."""


def builders(action: Action) -> Iterator[Builder]:
    """Yield what makes an action's facts, each of the step after those before it."""
    for name in action.emits:
        yield BUILDERS[name]
        if name in FOLLOWS:
            yield FOLLOWS[name]
