"""Who plays which role of a kind in a case: the actor's role, and how their unit stands to it."""

from domain.actor import Actor
from domain.case import Case
from domain.directory import Directory
from domain.facts import Unit
from domain.kind import Action, Relation, RoleRule
from domain.world import World


def may(action: Action, case: Case, world: World) -> bool:
    """Whether one of the action's roles is the actor's; telling the past needs none."""
    return world.importing or any(
        plays(rule, case, world.actor, world.directory) for rule in action.by
    )


def plays(rule: RoleRule, case: Case, actor: Actor, directory: Directory) -> bool:
    """Whether an actor plays a role of the kind in this case."""
    return actor.role in rule.held_by and _related(rule.relation, case, actor, directory)


def _related(  # noqa: C901, PLR0911 - one arm a relation
    relation: Relation, case: Case, actor: Actor, directory: Directory
) -> bool:
    centre = directory.centre
    unit = acting_unit(actor, directory)
    match relation:
        case Relation.DISTRICT:
            return True
        case Relation.PLACE:
            where = case.place or case.holder
            return actor.unit is None or (where is not None and unit in where.path)
        case Relation.HOLDER:
            # Nobody's case is the centre's (首接负责).
            return _is(case.holder or centre, unit)
        case Relation.LEAD:
            return case.lead is not None and case.lead.id == unit
        case Relation.ASSISTING:
            return any(task.unit.id == unit for task in case.open_tasks)
        case Relation.CALLED:
            return unit in case.routing.called
        case Relation.GIVER:
            return _is(case.routing.giver or centre, unit)
        case Relation.CENTRE:
            return _is(centre, unit)
        case Relation.CLAIMANT:
            return case.civic.claimant is not None and case.civic.claimant.id == unit
        case Relation.VERIFIER:
            return _is(case.verifier or centre, unit)
        case Relation.LEADER:
            return _leads(case, actor, unit)


def _leads(case: Case, actor: Actor, unit: str | None) -> bool:
    """Whether the actor is the adopting leader: by post, by person, or by unit of a plain key."""
    latest = case.accountability.leaders[-1:]
    if not latest:
        return False
    [leader] = latest
    if actor.post is None and actor.person is None:
        return leader.unit.id == unit
    return actor.post == leader.who.post or (
        actor.person is not None and actor.person == leader.who.person
    )


def acting_unit(actor: Actor, directory: Directory) -> str | None:
    """Return the unit an actor acts for: their own, else the district's centre."""
    centre = directory.centre
    return actor.unit or (centre.id if centre else None)


def _is(unit: Unit | None, wanted: str | None) -> bool:
    return (unit.id if unit else None) == wanted
