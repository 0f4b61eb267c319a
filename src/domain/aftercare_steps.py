"""From permitted actions to facts, of the family in `domain/aftercare.py`."""

from typing import Any, Final

from domain import facts as f
from domain.aftercare import Appeal
from domain.asking import person
from domain.case import Case
from domain.errors import AppealNotAllowed, CallbackDissatisfied, SamePerson, UnknownField
from domain.kind import Kind
from domain.merging_steps import BUILDERS as MERGING_BUILDERS
from domain.merging_steps import FIELDS as MERGING_FIELDS
from domain.merging_steps import NEEDED as MERGING_NEEDED
from domain.step import Builder, Step

_CODES: Final = frozenset({"code", "choice"})
_INTEGER: Final = frozenset({"integer"})
GRADES: Final = range(1, 6)
"""满意度五级, 5 the best."""
DISSATISFIED: Final = 2
"""From this grade down somebody is dissatisfied."""
GROUNDS: Final = ("overdue", "rework", "dissatisfaction", "supervision")
VIEWS: Final = ("uphold", "dismiss")
REVIEWERS: Final = 2
"""How many reviewers must agree (workflow.md §1: two different reviewers)."""
YES: Final = "true"


def _called_back(step: Step) -> tuple[f.Fact, ...]:
    """Record what the reporter says.

    Raises:
        UnknownField: no such grade; or it is the action for the other answer.
        CallbackDissatisfied: what must be redone is recorded by another action of the kind.
    """
    solved, satisfaction = step.values["solved"], _satisfaction(step)
    dissatisfied = not solved or satisfaction <= DISSATISFIED
    emits, unsettled = step.action.emits, step.action.set.get("unsettled") == YES
    if not dissatisfied and (f.RedoRequired.TYPE in emits or unsettled):
        raise UnknownField(
            field="满意度", detail="已经解决且不是不满意的，不必重办", pointer="/data/satisfaction"
        )
    if dissatisfied and f.RedoRequired.TYPE not in emits and not unsettled:
        _refuse_unanswered(step)
    fact = f.CallbackRecorded(
        **step.base(),
        solved=solved,
        satisfaction=satisfaction,
        dissatisfied=dissatisfied,
        unsettled=unsettled,
    )
    return (fact,)


def _refuse_unanswered(step: Step) -> None:
    """Where the kind has a way to redo, a dissatisfied answer takes it; the past is as it was."""
    ways = "、".join(f"“{title}”" for title in _ways_back(step.world.kind))
    if ways and not step.world.importing:
        raise CallbackDissatisfied(ways=ways)


def _ways_back(kind: Kind) -> list[str]:
    return [
        one.title
        for one in kind.actions.values()
        if f.RedoRequired.TYPE in one.emits or one.set.get("unsettled") == YES
    ]


def _satisfaction(step: Step) -> int:
    grade: int = step.values["satisfaction"]
    if grade not in GRADES:
        raise UnknownField(
            field="满意度",
            detail="为 1 至 5：1 很不满意，2 不满意，3 一般，4 满意，5 很满意",
            pointer="/data/satisfaction",
        )
    return grade


def _rated(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseRated(**step.base(), satisfaction=_satisfaction(step)),)


def _redo(step: Step) -> tuple[f.Fact, ...]:
    return (f.RedoRequired(**step.base(), count=step.case.aftercare.redo + 1),)


def _appeal_lodged(step: Step) -> tuple[f.Fact, ...]:
    """Ask once for each ground, and only for what there is.

    Raises:
        AppealNotAllowed.
    """
    ground, care = step.values["ground"], step.case.aftercare
    if ground in care.appealed:
        raise AppealNotAllowed(detail="同一理由只能申诉一次", pointer="/data/ground")
    if not step.world.importing and not _stands(ground, step.case):
        raise AppealNotAllowed(detail="本事项没有可以据此申诉的记录", pointer="/data/ground")
    number = len(care.appealed) + 1
    lodged = f.AppealLodged(**step.base(), appeal=number, ground=ground, by=person(step.world))
    return (lodged,)


def _stands(ground: str, case: Case) -> bool:
    """Whether there is anything on record that the ground speaks of."""
    match ground:
        case "overdue":
            return any(clock.breached_at is not None for clock in case.clocks)
        case "rework":
            return bool(case.rework or case.aftercare.redo)
        case "dissatisfaction":
            return case.aftercare.dissatisfied_at is not None
        case "supervision":
            return True  # its points are given by people, not by facts of the case alone
        case _:
            return False


def _appeal_reviewed(step: Step) -> tuple[f.Fact, ...]:
    """Give one reviewer's view; as soon as two agree, the appeal is decided.

    Raises:
        UnknownField: none waits, or the form does not say which.
        SamePerson: whoever asked, or gave a view already, gives none.
    """
    appeal, view, who = _waiting(step), step.values["view"], person(step.world)
    if not step.world.importing and who in {appeal.by, *(one for one, _ in appeal.views)}:
        raise SamePerson(action=step.action.title)
    members: dict[str, Any] = {"appeal": appeal.number, "ground": appeal.ground}
    reviewed = f.AppealReviewed(**step.base(), **members, by=who, view=view)
    if sum(one == view for _, one in appeal.views) + 1 < REVIEWERS:
        return (reviewed,)
    base = step.after(reviewed).base()
    upheld = view == VIEWS[0]
    verdict = f.AppealUpheld(**base, **members) if upheld else f.AppealDismissed(**base, **members)
    return (reviewed, verdict)


def _waiting(step: Step) -> Appeal:
    """Return the appeal that the form names; unnamed, the only one there is."""
    waiting = step.case.aftercare.appeals
    named: int | None = step.values.get("appeal")
    found = [one for one in waiting if named in {None, one.number}]
    if len(found) != 1:
        numbers = "、".join(str(one.number) for one in waiting) or "无"
        raise UnknownField(
            field="申诉序号",
            detail=f"请写明是哪一项；等待复核的：{numbers}",
            pointer="/data/appeal",
        )
    return found[0]


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.CallbackRecorded.TYPE: {"solved": frozenset({"boolean"}), "satisfaction": _INTEGER},
    f.CaseRated.TYPE: {"satisfaction": _INTEGER},
    f.AppealLodged.TYPE: {"ground": _CODES},
    f.AppealReviewed.TYPE: {"appeal": _INTEGER, "view": _CODES},
    **MERGING_FIELDS,
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.CallbackRecorded.TYPE: ("solved", "satisfaction"),
    f.CaseRated.TYPE: ("satisfaction",),
    f.AppealLodged.TYPE: ("ground",),
    f.AppealReviewed.TYPE: ("view",),
    **MERGING_NEEDED,
}
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    f.CallbackRecorded.TYPE: frozenset({"unsettled"}),
}
BUILDERS: Final[dict[str, Builder]] = {
    f.CallbackRecorded.TYPE: _called_back,
    f.CaseRated.TYPE: _rated,
    f.RedoRequired.TYPE: _redo,
    f.AppealLodged.TYPE: _appeal_lodged,
    f.AppealReviewed.TYPE: _appeal_reviewed,
    **MERGING_BUILDERS,
}
