"""To whom the holder may hand a case on: down by 交办, up by 上报, past a level only by a rule."""

from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.case import Case
from domain.directory import Directory, UnitEntry
from domain.due import SHANGHAI
from domain.errors import GuardFailed, UnknownField
from domain.kind import SkipLevel
from domain.relations import SECOND_PARENT
from domain.step import Step

TO: Final = "/data/to"


class Ascent(Struct, frozen=True):
    """To whom a case is escalated, by which rule (empty: one level up), and who is informed."""

    receiver: f.Unit
    rule: str = ""
    informed: tuple[f.Unit, ...] = ()


def subordinate(step: Step) -> f.Unit:
    """Return the unit that the case is handed down to.

    Raises:
        UnknownField: it is neither directly below the holder, nor a department of its line.
    """
    receiver: f.Unit = step.values["to"]
    holder = step.case.holder
    if holder is None or step.world.importing or _below(receiver, holder, step):
        return receiver
    detail = "只能交给直接下级单位，或同一条线的部门；更远的请逐级交办"
    raise UnknownField(field="交办给", detail=detail, pointer=TO)


def _below(receiver: f.Unit, holder: f.Unit, step: Step) -> bool:
    if receiver.id == holder.id:
        return False
    above = {*receiver.path[-2:-1], *_second_parents(receiver, step)}
    department = step.world.directory.units[receiver.id].level == "department"
    return holder.id in above or (department and not above.isdisjoint(holder.path))


def _second_parents(unit: f.Unit, step: Step) -> set[str]:
    """Return the units that a unit stands under beside the tree, on that day (条线)."""
    day = step.at.astimezone(SHANGHAI).date()
    relations = step.world.directory.relations.on(day, SECOND_PARENT)
    return {one.other for one in relations if one.unit == unit.id}


def superior(step: Step) -> Ascent:
    """Return to whom the case is escalated: one level up, unless a rule of the kind goes further.

    Raises:
        GuardFailed: nobody stands above the holder.
        UnknownField: the unit that was named stands elsewhere, or further up than the rules let.
    """
    case, wanted = step.case, step.values.get("to")
    above = case.holder.path[:-1] if case.holder else ()
    if not above:
        raise GuardFailed(detail="承办单位没有上级；可以交办给下级或部门，或直接办理")
    next_up = f.Unit(above[-1], above)
    if wanted is None or wanted.id == next_up.id:
        return Ascent(next_up)
    if case.holder is not None and wanted.id in _second_parents(case.holder, step):
        return Ascent(wanted)
    rule = _rule(step, wanted) if wanted.id in above else None
    if rule is None:
        detail = f"只能上报上一级（{_name(step, next_up)}）；越级须有这类事项的越级规则"
        raise UnknownField(field="上报给", detail=detail, pointer=TO)
    informed = _of_levels(above[len(wanted.path) :], rule.copied, step.world.directory)
    return Ascent(wanted, rule.said, informed)


def _rule(step: Step, wanted: f.Unit) -> SkipLevel | None:
    """Return the first rule that fits the case and leads to the level of the unit."""
    level = step.world.directory.units[wanted.id].level
    rules = step.world.kind.skip_levels
    return next((one for one in rules if one.tier == level and _fits(one, step.case)), None)


def _fits(rule: SkipLevel, case: Case) -> bool:
    return rule.category in {"", case.category} and rule.urgency in {"", case.urgency}


def _of_levels(
    ids: tuple[str, ...], levels: tuple[str, ...], directory: Directory
) -> tuple[f.Unit, ...]:
    """Return those units that were passed over, and are of levels that a rule informs."""
    entries: list[UnitEntry] = [directory.units[one] for one in ids]
    return tuple(f.Unit(one.id, one.path) for one in entries if one.level in levels)


def _name(step: Step, unit: f.Unit) -> str:
    entry = step.world.directory.units.get(unit.id)
    return entry.name if entry else unit.id
