"""吹哨 and 报到: departments are called in, report in, are released, and both sides are rated."""

from collections.abc import Callable
from typing import Final

from domain import facts as f
from domain.errors import GuardFailed, RoleForbidden, UnknownField
from domain.roles import acting_unit
from domain.routing import Call
from domain.step import Builder, Step

LOWEST, HIGHEST = 1, 5
_INTEGER: Final = frozenset({"integer"})
DEPARTMENTS: Final = "/data/departments"


def _whistle_blown(step: Step) -> tuple[f.Fact, ...]:
    """Call each department; who of them comes is theirs to say.

    Raises:
        UnknownField: a unit is no department, or was called already.
    """
    units: tuple[f.Unit, ...] = step.values["departments"]
    for unit in units:
        _refuse(step, unit)
    routing, base = step.case.routing, step.base()
    caller = _own(step)
    return tuple(
        f.WhistleBlown(**base, whistle=routing.whistles + 1, call=number, unit=unit, caller=caller)
        for number, unit in enumerate(units, len(routing.calls) + 1)
    )


def _refuse(step: Step, unit: f.Unit) -> None:
    entry = step.world.directory.units[unit.id]
    if entry.level != "department":
        detail = f"“{entry.name}”不是部门；吹哨只能呼叫部门，下级单位请交办"
        raise UnknownField(field="呼叫的部门", detail=detail, pointer=DEPARTMENTS)
    if unit.id in step.case.routing.called:
        detail = f"“{entry.name}”已经被呼叫，还没有解除"
        raise UnknownField(field="呼叫的部门", detail=detail, pointer=DEPARTMENTS)


def _own(step: Step) -> f.Unit | None:
    """Return the unit that acts."""
    directory = step.world.directory
    unit = acting_unit(step.world.actor, directory)
    return directory.unit(unit) if unit in directory.units else None


def _reported_in(step: Step) -> tuple[f.Fact, ...]:
    own = _own(step)
    call = _chosen(step, lambda one: one.unit == own and not (one.released or one.reported))
    return (f.ReportedIn(**step.base(), call=call.number, unit=call.unit),)


def _released(step: Step) -> tuple[f.Fact, ...]:
    """Whoever blew the whistle says that a department is needed no more; so may the centre."""
    call = _chosen(step, lambda one: not one.released)
    if not _speaks_for(step, call.caller):
        raise RoleForbidden(
            role=step.world.actor.role.value, action=step.action.title, allowed="吹哨的单位"
        )
    return (f.CallReleased(**step.base(), call=call.number),)


def _rated(step: Step) -> tuple[f.Fact, ...]:
    """Each side rates the other, once a call; the centre may rate both.

    Raises:
        UnknownField: no such call, or a score that is none.
        GuardFailed: the department has not reported in, or the side was rated already.
        RoleForbidden: a side does not rate itself.
    """
    side, score = step.action.set.get("side", "report"), step.values["score"]
    if not LOWEST <= score <= HIGHEST:
        raise UnknownField(field="评分", detail="须为 1 至 5 的整数", pointer="/data/score")
    call = _chosen(step, lambda one: side not in one.rated)
    if not (call.reported or call.released):
        raise GuardFailed(detail=f"第 {call.number} 号呼叫还没有报到，不能评价")
    rater = call.unit if side == "whistle" else call.caller
    if not _speaks_for(step, rater):
        allowed = "被呼叫的部门" if side == "whistle" else "吹哨的单位"
        raise RoleForbidden(
            role=step.world.actor.role.value, action=step.action.title, allowed=allowed
        )
    return (f.WhistleRated(**step.base(), call=call.number, side=side, score=score),)


def _speaks_for(step: Step, unit: f.Unit | None) -> bool:
    directory = step.world.directory
    own, centre = acting_unit(step.world.actor, directory), directory.centre
    allowed = {one.id for one in (unit, centre) if one is not None}
    return step.world.importing or own in allowed


def _chosen(step: Step, possible: Callable[[Call], bool]) -> Call:
    """Return the call that the form names; unnamed, the only one there is."""
    named: int | None = step.values.get("call")
    some = [one for one in step.case.routing.calls if possible(one)]
    found = [one for one in some if named in {None, one.number}]
    if len(found) != 1:
        numbers = "、".join(str(one.number) for one in some) or "无"
        raise UnknownField(
            field="呼叫序号", detail=f"请写明是哪一项；可选：{numbers}", pointer="/data/call"
        )
    return found[0]


CALL_FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.WhistleBlown.TYPE: {"departments": frozenset({"units"})},
    f.ReportedIn.TYPE: {"call": _INTEGER},
    f.CallReleased.TYPE: {"call": _INTEGER},
    f.WhistleRated.TYPE: {"call": _INTEGER, "score": _INTEGER},
}
CALL_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.WhistleBlown.TYPE: ("departments",),
    f.WhistleRated.TYPE: ("score",),
}
CALL_BUILDERS: Final[dict[str, Builder]] = {
    f.WhistleBlown.TYPE: _whistle_blown,
    f.ReportedIn.TYPE: _reported_in,
    f.CallReleased.TYPE: _released,
    f.WhistleRated.TYPE: _rated,
}
