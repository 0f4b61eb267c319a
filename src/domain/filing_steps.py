"""From permitted actions to facts, of the family in `domain/filing.py`."""

from datetime import date
from typing import Any, Final

from domain import facts as f
from domain.catalogue import Item
from domain.errors import UnknownField
from domain.explain_spans import local_day
from domain.step import Builder, Step
from domain.world import World

_CODES: Final = frozenset({"code", "choice"})
DECISIONS: Final = ("admitted", "exited", "adjusted")


def _filed(step: Step) -> tuple[f.Fact, ...]:
    """File under an item and one of its conditions; another item is another category."""
    code: str = step.values.get("item") or step.case.category or ""
    found = step.world.catalogues.find(code)
    if found is None:
        detail = f"事项目录里没有“{code}”；请改填目录中的编码，或先归类" if code else "请填写编码"
        raise UnknownField(field="目录项", detail=detail, pointer="/data/item")
    catalogue, item = found
    condition = item.condition(_number(step, item))
    if condition is None:
        listed = "、".join(f"{one.number} {one.condition}" for one in item.conditions) or "无"
        detail = f"“{item.minor}”没有这一条；可用：{listed}"
        raise UnknownField(field="立案条件", detail=detail, pointer="/data/condition")
    base = step.base()
    filed = f.CaseFiled(
        **base,
        item=code,
        condition=condition.number,
        catalogue=catalogue.name,
        version=catalogue.version,
        limit=condition.limit,
        closing=condition.closing_hash,
    )
    if code == step.case.category:
        return (filed,)
    base = step.after(filed).base()
    return (filed, f.CaseReclassified(**base, category=code, previous=step.case.category))


def _number(step: Step, item: Item) -> int:
    """Return the condition's number; unnamed, the only one there is."""
    named: int | None = step.values.get("condition")
    if named is None and len(item.conditions) == 1:
        return item.conditions[0].number
    return named or 0


def mapped(step: Step, reported: f.CaseReported) -> tuple[f.Fact, ...]:
    """Translate the category of a report by the table of the system it came from.

    A code that is not in the table is kept as it came; nobody is refused because of it.
    """
    system = reported.source.system if reported.source else ""
    table = step.world.catalogues.table(system)
    category = table.codes.get(reported.category or "") if table else None
    if table is None or category is None or reported.category is None:
        return ()
    base = step.after(reported).base()
    return (
        f.CategoryMapped(
            **base,
            system=system,
            code=reported.category,
            category=category,
            version=table.version,
        ),
    )


def translated(world: World, system: str, category: str | None) -> str | None:
    """Return our category for another system's, where its table has it; else theirs."""
    table = world.catalogues.table(system)
    return table.codes.get(category, category) if table and category else category


def _decided(step: Step) -> tuple[f.Fact, ...]:
    """Decide on an item's admission; what the application said need not be said again."""
    chosen = {**step.case.data, **step.values, **step.action.set}
    decision = _decision(str(chosen.get("decision", "")))
    exits = decision == "exited"
    people, money = (None, None) if exits else (_count(chosen, one) for one in COUNTED)
    item = str(chosen.get("item") or "")
    if not item:
        raise UnknownField(field="事项编码", detail="必填，不能为空", pointer="/data/item")
    return (
        f.AdmissionDecided(
            **step.base(),
            decision=decision,
            item=item,
            title=str(chosen.get("item_title") or item),
            department=_department(step),
            people=people,
            money=money,
            since=_since(chosen.get("since"), step),
        ),
    )


COUNTED: Final = ("people", "money")
_TITLES: Final = {"people": "随事转移的人员数", "money": "随事转移的经费（元/年）"}


def _decision(name: str) -> str:
    if name not in DECISIONS:
        known = "、".join(DECISIONS)
        raise UnknownField(field="决定", detail=f"只能是：{known}", pointer="/data/decision")
    return name


def _count(chosen: dict[str, Any], name: str) -> int:
    """Return how much follows the matter (人随事走、费随事转); none must be said as 0."""
    value = chosen.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        detail = "必填，须为不小于 0 的整数；没有就填 0"
        raise UnknownField(field=_TITLES[name], detail=detail, pointer=f"/data/{name}")
    return value


def _department(step: Step) -> f.Unit | None:
    """Return which department applied: the form says it, or the case came from there."""
    return step.values.get("department") or step.case.place


def _since(given: object, step: Step) -> date:
    """Return from which day on; the application's data has it as a text."""
    if isinstance(given, date):
        return given
    if not isinstance(given, str) or not given:
        return local_day(step.at)
    try:
        return date.fromisoformat(given)
    except ValueError:
        detail = "须为日期，如 2026-03-02"
        raise UnknownField(field="生效日期", detail=detail, pointer="/data/since") from None


def _reallotted(step: Step) -> tuple[f.Fact, ...]:
    """划归: say where it lies, and so whose it is; what others do stays theirs."""
    place: f.Unit = step.values["place"]
    case, directory = step.case, step.world.directory
    base = step.base()
    was: f.Unit | None = base["holder"]
    holder = was
    if holder is None or holder.id in place.path:
        holder = directory.ancestor(place, "community") or place
    members: dict[str, Any] = {**base, "holder": holder}
    allotted = f.CaseReallotted(
        **members,
        division="",
        place=place,
        lead=holder if _same(case.lead, was) else case.lead,
        accepted_by=holder if _same(case.accepted_by, was) else case.accepted_by,
        assisting=case.assisting,
        informed=case.informed,
        tasks=tuple(f.TaskHeld(task.number, task.unit) for task in case.tasks),
        to_allot=False,
    )
    if was is None or was == holder:
        return (allotted,)
    base = step.after(allotted).base()
    units = (f.UnitPassed(was.id, holder),)
    return (allotted, f.UnitsSucceeded(**base, division="", units=units, recused=()))


def _same(one: f.Unit | None, other: f.Unit | None) -> bool:
    return one is not None and other is not None and one.id == other.id


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.CaseFiled.TYPE: {"item": _CODES, "condition": frozenset({"integer"})},
    f.AdmissionDecided.TYPE: {
        "decision": frozenset({"choice"}),
        "item": _CODES,
        "item_title": _CODES,
        "department": frozenset({"unit"}),
        "people": frozenset({"integer"}),
        "money": frozenset({"integer"}),
        "since": frozenset({"day"}),
    },
    f.CaseReallotted.TYPE: {"place": frozenset({"unit"})},
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.CaseReallotted.TYPE: ("place",),
}
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    f.AdmissionDecided.TYPE: frozenset({"decision"}),
}
BUILDERS: Final[dict[str, Builder]] = {
    f.CaseFiled.TYPE: _filed,
    f.CategoryMapped.TYPE: lambda _: (),  # comes with the report, of no action of its own
    f.AdmissionDecided.TYPE: _decided,
    f.CaseReallotted.TYPE: _reallotted,
}
