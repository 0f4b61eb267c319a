"""Conditions of an action (`when:`): what they may read, and that they fail closed.

They compile in `workflows/conditions.py`; here they are plain callables over plain values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, cast

from domain.actor import Actor
from domain.case import Case
from domain.errors import GuardFailed
from domain.facts import Unit
from domain.kind import Action, Condition
from domain.world import World

CASE_VALUES: Final[dict[str, Callable[[Case], object]]] = {
    "case.kind": lambda case: case.kind,
    "case.stage": lambda case: case.stage,
    "case.phase": lambda case: case.phase,
    "case.severity": lambda case: case.severity,
    "case.urgency": lambda case: case.urgency,
    "case.tier": lambda case: case.tier,
    "case.category": lambda case: case.category,
    "case.source_system": lambda case: case.source.system if case.source else None,
    "case.cycle": lambda case: case.cycle,
    "case.rework": lambda case: case.rework,
    "case.open_tasks": lambda case: len(case.open_tasks),
    "case.hops": lambda case: case.routing.hops,
    "case.returns": lambda case: len(case.routing.returns),
    "case.calls": lambda case: len(case.routing.called),
    "case.redo": lambda case: case.aftercare.redo,
    "case.duplicate_of": lambda case: case.aftercare.merged_into,
    "case.merged": lambda case: case.aftercare.merged_into is not None,
    "case.confidential": lambda case: bool(case.privacy.posts),
}
"""What conditions and decision tables may read of a case; its data and the form come besides."""
ACTOR_VALUES: Final[dict[str, Callable[[Actor], object]]] = {
    "actor.role": lambda actor: actor.role.value,
    "actor.unit": lambda actor: actor.unit,
}


BROKEN: Final = "“{text}”无法判断（取值缺失或类型不符），已按不满足处理；请管理员核对事项类型的定义"


def check_case(action: Action, case: Case, world: World) -> None:
    """Refuse unless every condition holds that does not ask for the form.

    Raises:
        GuardFailed: with `broken` among its details if one gave neither yes nor no.
    """
    _check((one for one in action.when if not one.of_form), case, world, {})


def check_form(action: Action, case: Case, world: World, values: Mapping[str, Any]) -> None:
    """Refuse unless every condition holds that asks for the form as it was filled in.

    Raises:
        GuardFailed: see `check_case`.
    """
    _check((one for one in action.when if one.of_form), case, world, values)


def _check(
    conditions: Iterable[Condition], case: Case, world: World, values: Mapping[str, Any]
) -> None:
    if world.importing:
        return  # what a register tells has happened, whatever would be asked for today
    for condition in conditions:
        known = {name: _read(name, case, world.actor, values) for name in condition.reads}
        held = condition.holds(known)
        if held is None:
            raise GuardFailed(detail=BROKEN.format(text=condition.text), broken=condition.text)
        if not held:
            raise GuardFailed(detail=condition.otherwise or condition.text)


def _read(name: str, case: Case, actor: Actor, values: Mapping[str, Any]) -> object:
    of_actor = ACTOR_VALUES.get(name)
    return of_actor(actor) if of_actor else value_of(name, case, values)


def value_of(name: str, case: Case, values: Mapping[str, Any]) -> object:
    """Return what a dotted name stands for, as plain data; None if nothing is known."""
    part, _, member = name.partition(".")
    if part == "form":
        return plain(values.get(member))
    if part == "data":
        return plain(case.data.get(member))
    return CASE_VALUES[name](case)


def plain(value: object) -> object:
    """Return a value as expressions compare it: units by their id, times as RFC 3339 in UTC."""
    if value is None or isinstance(value, str | int):
        return value
    match value:
        case Unit():
            return value.id
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case {"id": str(unit), "path": list()}:  # a unit as the case's data keeps it
            return unit
        case tuple() | list():
            return [plain(one) for one in cast("Sequence[object]", value)]
        case _:
            return value
