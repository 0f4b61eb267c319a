"""What people do now: report an issue, take an action; and which times they may give for it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.allotting import action_of
from domain.beside import beside
from domain.case import Case
from domain.clocks import wind
from domain.commands import Act, Report
from domain.conditions import check_form
from domain.deciding import decided
from domain.divisions import succession
from domain.errors import (
    ActionUnavailable,
    EvidenceMissing,
    FutureTime,
    NaiveTime,
    Recused,
    RoleForbidden,
    TooOld,
    UnknownField,
)
from domain.evidence import attached, uploads_of
from domain.filing_guards import check_filled
from domain.forms import fill, in_clear
from domain.guards import available_names, available_titles, check, stage_title
from domain.kind import Action
from domain.privacy_steps import recused_among
from domain.roles import may
from domain.settling import let_happen
from domain.step import Step
from domain.steps import builders
from domain.turn import Turn
from domain.world import Draft, World

SKEW: Final = timedelta(seconds=120)
"""How far clocks of others may be off; a time that much ahead counts as now (interface.md)."""
OFFLINE: Final = timedelta(hours=72)
"""How late an offline device may report (clocks.md R1)."""
REPORTER_FIELDS: Final = ("name", "phone", "address", "id_number", "account")
AGENT_FIELDS: Final = ("name", "phone", "address", "relation")
"""Of whoever reports on behalf of the reporter (帮办代办); the relation is a code, in clear."""
RELATIONS: Final = ("family", "neighbour", "grid_worker", "community", "volunteer", "other")
HIDDEN: Final = "hidden"


def report(command: Report, turn: Turn) -> None:
    """Take in an issue.

    Raises:
        RoleForbidden: not for this role, or not for a place outside the actor's own.
        UnknownUnit, NaiveTime, FutureTime, TooOld, EvidenceMissing, UnknownField,
        AttachmentUnusable.
    """
    case, world = turn.case, turn.world
    action = world.kind.report
    place = place_of(command, world)
    if not may(action, replace(case, place=place), world):
        allowed = "、".join(rule.title for rule in action.by)
        raise RoleForbidden(role=world.actor.role.value, action=action.title, allowed=allowed)
    at = moment(command.occurred_at, world, allowance(action, OFFLINE))
    uploads = uploads_of(command.attachments, case, world)
    filled = fill(action.form, command.data, world.directory, "/data", attached=bool(uploads))
    values: dict[str, Any] = {
        "place": place,
        "category": command.category,
        "location": command.location,
        "source": command.source,
        "content": command.content,
        "data": in_clear(filled.values),
        "source_due": command.due,
    }
    if command.identity == HIDDEN:
        action = replace(action, emits=(*action.emits, f.IdentityHidden.TYPE))
    if command.agent:
        action = replace(action, emits=(*action.emits, f.AgencyRecorded.TYPE))
        values["relation"] = _relation(command.agent)
    step = Step(action=action, case=case, values=values, world=world, at=at, uploads=uploads)
    _record(turn, step, (*report_texts(command), *filled.texts))


def act(command: Act, turn: Turn) -> None:
    """Take an action of the case's kind.

    Raises:
        ActionUnavailable, RoleForbidden, NaiveTime, FutureTime, TooOld, EvidenceMissing,
        UnknownField, UnknownUnit, AttachmentUnusable, or what the action requires.
    """
    case, world = turn.case, turn.world
    action = action_of(world.kind, case, command.action)
    if action is None:
        raise ActionUnavailable(
            stage=stage_title(world.kind, case.stage),
            action=command.action,
            available=available_titles(case, world),
            actions=available_names(case, world),
        )
    at = _not_before(moment(command.occurred_at, world, allowance(action)), case, world)
    # First what time has brought by then: a pause that ended may have moved the case.
    let_happen(turn, at)
    case = turn.case
    check(action, case, world)
    uploads = uploads_of(command.attachments, case, world)
    filled = fill(action.form, command.data, world.directory, "/data", attached=bool(uploads))
    decision = decided(action, filled, case, world)
    values = filled.values | (decision.chosen if decision else {})
    check_form(action, case, world, values)
    step = Step(
        action=action,
        case=case,
        values=values,
        world=world,
        at=at,
        decision=decision,
        uploads=uploads,
    )
    check_filled(step)
    _refuse_recused(step)
    _record(turn, step, filled.texts)


def _refuse_recused(step: Step) -> None:
    """回避: nothing is given to a unit that stays out of the case; but it may be lifted.

    Raises:
        Recused.
    """
    unit = None
    if not {f.RecusalDeclared.TYPE, f.RecusalLifted.TYPE}.intersection(step.action.emits):
        unit = recused_among(step.values, step.case) if step.case.privacy.units else None
    if unit is not None:
        entry = step.world.directory.units.get(unit.id)
        raise Recused(unit=entry.name if entry else unit.id)


def allowance(action: Action, least: timedelta = timedelta(0)) -> timedelta:
    """Return how late an action may be registered (clocks.md R1)."""
    limit = action.backdating
    return max(least, timedelta(seconds=limit.size)) if limit else least


def lateness(at: datetime, world: World) -> str | None:
    """Return why something is registered later than it happened; None if it is not."""
    if world.importing:
        return "import"
    if world.now - at <= SKEW:
        return None
    return "outage" if _in_outage(at, world) else "offline"


def _in_outage(at: datetime, world: World) -> bool:
    """Whether something happened while the system was away, and may still be registered."""
    return any(
        one.since <= at < one.until and world.now <= one.register_by for one in world.outages
    )


def moment(given: datetime | None, world: World, allowed: timedelta) -> datetime:
    """Return when it happened, in UTC and whole seconds: as given, if that is allowed; else now.

    Raises:
        NaiveTime, FutureTime, TooOld (telling the past has no limit).
    """
    if given is None:
        return world.now
    if given.tzinfo is None:
        raise NaiveTime(value=given.isoformat(), pointer="/occurred_at")
    at = given.replace(microsecond=0).astimezone(UTC)
    if at > world.now:
        if at - world.now > SKEW:
            raise FutureTime(value=at, now=world.now, pointer="/occurred_at")
        return world.now
    earliest = world.now - max(allowed, SKEW)
    if at < earliest and not world.importing and not _in_outage(at, world):
        raise TooOld(value=at, earliest=earliest, pointer="/occurred_at")
    return at


def _not_before(at: datetime, case: Case, world: World) -> datetime:
    """Let clocks that are a little apart agree; what is really earlier must be a correction."""
    latest = case.changed_at
    if latest is None or at >= latest:
        return at
    if world.importing or latest - at > SKEW:
        raise TooOld(value=at, earliest=latest, pointer="/occurred_at")
    return latest


def _record(turn: Turn, step: Step, texts: Sequence[f.Text]) -> None:
    """Make the action's facts one after the other, and let the clocks follow.

    The first fact carries the texts, and is the one that moves the case.
    """
    before = step.case
    step = replace(step, late=lateness(step.at, step.world), texts=tuple(texts))
    facts: list[f.Fact] = []
    for build in builders(step.action):
        made = build(step)
        step = step.after(*made)
        facts += made
    for more in (attached(step), _come_back(before, step)):
        step = step.after(*more)
        facts += more
    turn.drafts += [
        Draft(fact, step.at, step.texts if n == 0 else ()) for n, fact in enumerate(facts)
    ]
    turn.case = step.case
    wind(turn, before, facts, step.at)
    turn.take(beside(before, step, facts))


def _come_back(before: Case, step: Step) -> Sequence[f.Fact]:
    """Let what is open again follow its units: closed cases were left with those that were."""
    stages, directory = step.world.kind.stages, step.world.directory
    if not directory.divisions or before.version == 0 or before.stage not in stages:
        return ()
    if not stages[before.stage].ending or stages[step.case.stage].ending:
        return ()
    return succession(step.case, next(reversed(directory.divisions)), directory, step.at)


def place_of(command: Report, world: World) -> f.Unit | None:
    """Return where it is: the unit that was named, else the reporter's own.

    Raises:
        UnknownUnit.
    """
    if command.unit and command.unit.strip():
        return world.directory.find(command.unit, pointer="/unit")
    actor = world.actor.unit
    return world.directory.unit(actor) if actor and actor in world.directory.units else None


def report_texts(command: Report) -> list[f.Text]:
    """Return what is sealed of a report.

    Raises:
        EvidenceMissing: there is no title.
        UnknownField: something of the reporter that is not asked for.
    """
    if not command.title.strip():
        raise EvidenceMissing(field="标题", pointer="/title")
    texts = [f.Text("title", "narrative", command.title.strip())]
    if command.description and command.description.strip():
        texts.append(f.Text("description", "narrative", command.description))
    texts += _personal("reporter", command.reporter, REPORTER_FIELDS)
    if command.agent and not command.agent.get("name", "").strip():
        raise EvidenceMissing(field="代办人姓名", pointer="/agent/name")
    relation = {"relation": ""}
    texts += _personal("agent", command.agent | relation, AGENT_FIELDS)
    return texts


def _relation(agent: Mapping[str, str]) -> str:
    """Return how an agent stands to the reporter: a code, it is recorded in clear."""
    relation = agent.get("relation", "").strip() or "other"
    if relation not in RELATIONS:
        listed = "、".join(RELATIONS)
        raise UnknownField(field="relation", detail=f"只能是：{listed}", pointer="/agent/relation")
    return relation


def _personal(whose: str, given: Mapping[str, str], known: Sequence[str]) -> list[f.Text]:
    """Return what is sealed of a person; all of it goes when the reporter's key is destroyed."""
    for name in given:
        if name not in known:
            listed = "、".join(known)
            raise UnknownField(
                field=name, detail=f"不认识；可填：{listed}", pointer=f"/{whose}/{name}"
            )
    return [
        f.Text(f"{whose}.{name}", "reporter", value.strip())
        for name, value in given.items()
        if value.strip()
    ]
