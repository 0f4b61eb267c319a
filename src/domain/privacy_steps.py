"""From permitted actions to facts, of the family in `domain/privacy.py`."""

from typing import Any, Final

from domain import facts as f
from domain.case import Case
from domain.directory import Directory
from domain.errors import RecusedLeads, UnknownField
from domain.step import Builder, Step


def _confidential(step: Step) -> tuple[f.Fact, ...]:
    """Name the posts that may see it; none lifts it.

    Raises:
        UnknownField: no such post; or nothing would change.
    """
    posts: tuple[str, ...] = tuple(dict.fromkeys(step.values.get("posts", ())))
    known = step.world.directory.posts
    for n, post in enumerate(posts):
        if post not in known:
            raise UnknownField(
                field="知悉岗位", detail=f"没有岗位“{post}”", pointer=f"/data/posts/{n}"
            )
    if posts == step.case.privacy.posts:
        raise UnknownField(field="知悉岗位", detail="与现在的相同", pointer="/data/posts")
    return (f.ConfidentialitySet(**step.base(), posts=posts),)


def _hidden(step: Step) -> tuple[f.Fact, ...]:
    return (f.IdentityHidden(**step.base()),)


def _recusal_declared(step: Step) -> tuple[f.Fact, ...]:
    """Keep a unit or a person out; what a unit held or owed passes on.

    Raises:
        UnknownField: nobody is named, somebody unknown, somebody again, or the whole district.
        RecusedLeads: it leads the handling, and the action does not send the case back.
    """
    unit, person = _named(step)
    directory, case = step.world.directory, step.case
    if case.privacy.recuses(unit) or person in case.privacy.persons:
        raise UnknownField(field="回避", detail="已经回避", pointer="/data/unit")
    if unit is not None and len(unit.path) == 1:
        raise UnknownField(
            field="回避单位", detail="是全区县的上级，不能回避；请写明人员", pointer="/data/unit"
        )
    if unit is not None and _within(case.lead, unit) and not _sent_back(step):
        raise RecusedLeads(unit=_name(unit, directory))
    base = step.base()
    if unit is not None:
        base["holder"] = _above(base["holder"], unit, step)
    declared = f.RecusalDeclared(**base, unit=unit, person=person)
    after = step.after(declared)
    rest: dict[str, Any] = {**base, "stage": _still(declared.stage)}
    owed = [task for task in after.case.open_tasks if unit and _within(task.unit, unit)]
    return (declared, *(f.TaskWaived(**rest, task=task.number) for task in owed))


def _still(stage: f.Stage) -> f.Stage:
    return f.Stage(stage.target, stage.target, stage.phase)


def _sent_back(step: Step) -> bool:
    """Whether the lead is no longer asked to do anything: sent back, ended, or the past."""
    case, stages = step.case, step.world.kind.stages
    return step.world.importing or step.action.to is not None or stages[case.stage].ending


def _named(step: Step) -> tuple[f.Unit | None, str | None]:
    unit: f.Unit | None = step.values.get("unit")
    person: str | None = step.values.get("person")
    if (unit is None) == (person is None):
        raise UnknownField(
            field="回避", detail="请写明一个单位（unit）或一名人员（person）", pointer="/data/unit"
        )
    if person is not None and person not in step.world.directory.persons:
        raise UnknownField(field="回避人员", detail="不在组织目录中", pointer="/data/person")
    return unit, person


def _within(inner: f.Unit | None, outer: f.Unit) -> bool:
    return inner is not None and outer.id in inner.path


def _above(holder: f.Unit | None, unit: f.Unit, step: Step) -> f.Unit | None:
    """Return who holds the case once a unit stays out: who held it, else the one above both."""
    if not _within(holder, unit):
        return holder
    above = unit.path[:-1]
    return f.Unit(above[-1], above) if above else step.world.directory.centre


def _recusal_lifted(step: Step) -> tuple[f.Fact, ...]:
    unit, person = _named(step)
    privacy = step.case.privacy
    known = {one.id for one in privacy.units}
    if (unit is not None and unit.id not in known) or (
        person is not None and person not in privacy.persons
    ):
        raise UnknownField(field="回避", detail="现在没有回避", pointer="/data/unit")
    return (f.RecusalLifted(**step.base(), unit=unit, person=person),)


def _agency(step: Step) -> tuple[f.Fact, ...]:
    return (f.AgencyRecorded(**step.base(), relation=step.values["relation"]),)


def recused_among(values: dict[str, Any], case: Case) -> f.Unit | None:
    """Return the first unit that a form names though it stays out of the case."""
    for value in values.values():
        listed: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]
        for one in listed:
            if isinstance(one, f.Unit) and case.privacy.recuses(one):
                return one
    return None


def _name(unit: f.Unit, directory: Directory) -> str:
    entry = directory.units.get(unit.id)
    return entry.name if entry else unit.id


_WHOM: Final = {"unit": frozenset({"unit"}), "person": frozenset({"code"})}
FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.ConfidentialitySet.TYPE: {"posts": frozenset({"codes"})},
    f.RecusalDeclared.TYPE: _WHOM,
    f.RecusalLifted.TYPE: _WHOM,
    f.AgencyRecorded.TYPE: {"relation": frozenset({"code", "choice"})},
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {f.AgencyRecorded.TYPE: ("relation",)}
CONSTANTS: Final[dict[str, frozenset[str]]] = {}
BUILDERS: Final[dict[str, Builder]] = {
    f.ConfidentialitySet.TYPE: _confidential,
    f.IdentityHidden.TYPE: _hidden,
    f.RecusalDeclared.TYPE: _recusal_declared,
    f.RecusalLifted.TYPE: _recusal_lifted,
    f.AgencyRecorded.TYPE: _agency,
}
