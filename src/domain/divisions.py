"""Re-division (区划调整): what a decree makes of the directory, and where an open case goes.

Closed cases stay with the unit that was. An open case passes to the successor that contains its
place; where nobody can tell, the nearest unit above holds it, on the list 待划归 (workflow.md §5).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from domain import facts as f
from domain.case import Case
from domain.directory import LEVELS, Directory, UnitEntry, circles, fold_directory, homeless
from domain.errors import BadInput
from domain.privacy import Privacy
from domain.privacy import succeeded as privacy_succeeded
from domain.settling import let_happen
from domain.succession import units_named
from domain.turn import Turn
from domain.world import Draft, World

ACTION = "reallot"


class BadDivision(BadInput):
    """区划调整方案整份不能执行，请改正：{detail}。"""

    code = "bad-division"

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep every problem."""
        self.problems = tuple(problems)
        super().__init__(detail="；".join(problems))


def facts_of(decree: f.DivisionDecreed, directory: Directory) -> list[f.Fact]:
    """Return the facts of units that a decree makes, as far as they are not there yet.

    Units below one that passes whole to one successor pass with it, unless the decree says more.
    """
    facts: list[f.Fact] = [
        f.UnitEstablished(
            unit=new.unit, code=new.code, name=new.name, level=new.level, parent=new.parent
        )
        for new in decree.established
        if new.unit not in directory.units
    ]
    parents = {move.unit: move.parent for move in decree.moves if move.parent is not None}
    parents = {**_inherited(decree, directory), **parents}
    facts += [_moved(unit, parent, directory) for unit, parent in parents.items()]
    facts += [
        f.UnitDissolved(unit=move.unit, on=decree.on, successors=move.successors)
        for move in decree.moves
        if move.successors
    ]
    after = fold_directory(directory, facts)
    return [fact for fact in facts if _changes(fact, directory, after)]


def _inherited(decree: f.DivisionDecreed, directory: Directory) -> dict[str, str]:
    """Return the new parents of units whose own one passes whole to one successor."""
    whole = {move.unit: move.successors[0] for move in decree.moves if len(move.successors) == 1}
    said = {move.unit for move in decree.moves}
    return {
        unit.id: whole[unit.parent]
        for unit in directory.units.values()
        if unit.parent in whole and unit.id not in said and unit.dissolved is None
    }


def _moved(unit: str, parent: str, directory: Directory) -> f.Fact:
    entry = directory.units[unit]
    return f.UnitChanged(
        unit=unit, code=entry.code, name=entry.name, level=entry.level, parent=parent
    )


def _changes(fact: f.Fact, before: Directory, after: Directory) -> bool:
    """Whether a fact makes a difference: what was done before is not done again."""
    unit = str(getattr(fact, "unit", ""))
    if isinstance(fact, f.UnitDissolved):
        known = before.units.get(unit)
        return known is None or known.dissolved is None
    was, now = before.units.get(unit), after.units.get(unit)
    return was is None or now is None or was.parent != now.parent


def check_division(decree: f.DivisionDecreed, directory: Directory) -> None:
    """Refuse a decree, whole, that would leave anything but one tree with every building in a grid.

    Raises:
        BadDivision: naming everything that is wrong.
    """
    problems = [*_unknown(decree, directory)]
    if not problems:
        after = fold_directory(directory, facts_of(decree, directory))
        problems = [*_broken(after, directory)]
    if problems:
        raise BadDivision(problems)


def _unknown(decree: f.DivisionDecreed, directory: Directory) -> Iterator[str]:
    """Name what the decree speaks of and nobody knows, or speaks of twice."""
    new = [one.unit for one in decree.established]
    known = {unit for unit, entry in directory.units.items() if entry.dissolved is None} | {*new}
    moved = [move.unit for move in decree.moves]
    for unit in sorted({one for one in [*new, *moved] if [*new, *moved].count(one) > 1}):
        yield f"{unit} 写了不止一次"
    for move in decree.moves:
        for named in (move.unit, move.parent, *move.successors):
            if named is not None and named not in known:
                yield f"单元 {named} 不在组织目录中"
        if (move.parent is None) == (not move.successors):
            yield f"{move.unit} 须写新的上级，或并入、分为哪些单元，二者选一"
        if move.unit in move.successors:
            yield f"{move.unit} 不能并入自己"
    for one in decree.established:
        if one.parent not in known:
            yield f"新设单元 {one.code} 的上级 {one.parent} 不在组织目录中"


def _broken(after: Directory, before: Directory) -> Iterator[str]:
    """Name what would be no tree any more."""
    units = after.units
    for unit in circles(after):
        yield f"{_named(after, unit)} 顺着上级往上又回到了自己"
    for entry in units.values():
        above = units.get(entry.parent or "")
        if entry.dissolved is None and above is not None and above.dissolved is not None:
            yield f"{_named(after, entry.id)} 的上级 {above.name} 已撤销，请写明它归哪个单元"
        elif entry.dissolved is None and above is not None and not _may_hold(above, entry):
            yield f"{_named(after, entry.id)} 不能放在 {_named(after, above.id)} 下面"
        if entry.dissolved is not None and not after.survivors(entry.id):
            yield f"{_named(after, entry.id)} 撤销后没有任何单元承接"
    for unit in sorted(set(homeless(after)) - set(homeless(before))):
        yield f"楼栋 {_named(after, unit)} 不再属于任何网格，请先写明它归哪个网格"


def _may_hold(above: UnitEntry, entry: UnitEntry) -> bool:
    """Whether the levels fit; a department hangs anywhere, and holds only departments."""
    if entry.level == "department" or not {above.level, entry.level} <= set(LEVELS):
        return True
    return above.level != "department" and LEVELS.index(above.level) < LEVELS.index(entry.level)


def _named(directory: Directory, unit: str) -> str:
    entry = directory.units[unit]
    return f"{entry.name}（{entry.code}）"


class Passed(Struct, frozen=True):
    """Where a unit of a case is now; `sure` if nobody has to decide it."""

    unit: f.Unit | None
    sure: bool = True


def follow(unit: f.Unit | None, directory: Directory, place: f.Unit | None = None) -> Passed:
    """Return what there is now in place of a unit: itself, or the successor that has the place.

    Where several might, the nearest unit above that there still is, and nobody is sure.
    """
    if unit is None or unit.id not in directory.units:
        return Passed(unit)
    found = directory.survivors(unit.id)
    if len(found) > 1 and place is not None:
        found = [one for one in found if one in place.path] or found
    if len(found) == 1:
        return Passed(directory.unit(found[0]))
    return Passed(_nearest(unit, directory), sure=False)


def _nearest(unit: f.Unit, directory: Directory) -> f.Unit | None:
    for step in reversed(unit.path[:-1]):
        found = directory.survivors(step)
        if len(found) == 1:
            return directory.unit(found[0])
    return directory.centre


def reallot(case: Case, division: str, world: World) -> list[Draft]:
    """划归: let an open case follow its units through a re-division; nothing, if none changed.

    Clocks do not notice: none of their facts is recorded besides what time has brought anyway.
    """
    if case.version == 0 or world.kind.stages[case.stage].ending:
        return []
    turn = Turn(case, world)
    let_happen(turn, world.now)
    facts = succession(turn.case, division, world.directory, world.now)
    for fact in facts:
        turn.record(fact, world.now)
    return turn.drafts if facts else []


def succession(
    case: Case, division: str, directory: Directory, at: datetime
) -> list[f.CaseReallotted | f.UnitsSucceeded]:
    """Return what lets a case name only units that there are; nothing, if it does already."""
    place = follow(case.place, directory)
    sure_place = place.unit if place.sure else None
    recused = tuple(_recusals(case.privacy, directory))
    privacy = privacy_succeeded(case.privacy, recused) if recused else Privacy()
    fact = _reallotted(case, division, directory, privacy)
    by = {
        unit.id: now
        for unit in units_named(case, at)
        if (now := follow(unit, directory, sure_place).unit) is not None and now != unit
    }
    facts: list[f.CaseReallotted | f.UnitsSucceeded] = [fact] if fact else []
    if by or recused:
        facts.append(
            f.UnitsSucceeded(
                action=ACTION,
                stage=f.Stage(case.stage, case.stage, case.phase),
                holder=fact.holder if fact else case.holder,
                late=None,
                division=division,
                units=tuple(f.UnitPassed(unit, now) for unit, now in by.items()),
                recused=recused,
            )
        )
    return facts


def _recusals(privacy: Privacy, directory: Directory) -> Iterator[f.RecusalPassed]:
    """Yield which units stay out (回避) in place of others: all that have people of theirs."""
    for unit in privacy.units:
        now = tuple(directory.unit(one) for one in directory.survivors(unit.id))
        if now not in {(), (unit,)}:
            yield f.RecusalPassed(unit.id, now)


def _let_in(unit: f.Unit | None, privacy: Privacy, directory: Directory) -> f.Unit | None:
    """Return who may hold the case: the unit, or the nearest above it that does not stay out."""
    while unit is not None and privacy.recuses(unit):
        above = unit.path[:-1]
        unit = f.Unit(above[-1], above) if above else None
    return unit or directory.centre


def _reallotted(
    case: Case, division: str, directory: Directory, privacy: Privacy
) -> f.CaseReallotted | None:
    place = follow(case.place, directory)
    sure_place = place.unit if place.sure else None
    own = [follow(one, directory, sure_place) for one in (case.holder, case.lead, case.accepted_by)]
    holder, lead, accepted_by = own
    tasks = tuple(
        f.TaskHeld(task.number, follow(task.unit, directory, sure_place).unit or task.unit)
        for task in case.tasks
    )
    fact = f.CaseReallotted(
        action=ACTION,
        stage=f.Stage(case.stage, case.stage, case.phase),
        holder=_let_in(holder.unit, privacy, directory) if case.holder else None,
        late=None,
        division=division,
        place=place.unit,
        lead=lead.unit,
        accepted_by=accepted_by.unit,
        assisting=_all(case.assisting, directory, sure_place),
        informed=_all(case.informed, directory, sure_place),
        tasks=tasks,
        to_allot=case.filing.to_allot or not place.sure or not all(one.sure for one in own),
    )
    return fact if _differs(case, fact) else None


def _all(units: Sequence[f.Unit], directory: Directory, place: f.Unit | None) -> tuple[f.Unit, ...]:
    return tuple(follow(one, directory, place).unit or one for one in units)


def _differs(case: Case, fact: f.CaseReallotted) -> bool:
    was = (case.holder, case.place, case.lead, case.accepted_by, case.assisting, case.informed)
    now = (fact.holder, fact.place, fact.lead, fact.accepted_by, fact.assisting, fact.informed)
    owed = tuple(f.TaskHeld(task.number, task.unit) for task in case.tasks)
    return was != now or owed != fact.tasks
