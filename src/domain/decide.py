"""decide(command, case, world) → the facts to record, or a Refusal. Pure; the only rules there are.

Order within one decision: deadlines that passed unnoticed, the action's facts, the clocks they
start and stop. All of it is recorded, or nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from domain import facts as f
from domain.case import Case, evolve
from domain.clocks import breaches, rescheduled, tick
from domain.commands import Act, Command, Import, Report, Update
from domain.errors import (
    ActionUnavailable,
    ClosedTimes,
    EvidenceMissing,
    FutureTime,
    RoleForbidden,
    TooOld,
    UnknownField,
)
from domain.forms import Filled, fill
from domain.guards import available_names, available_titles, check, may, stage_title
from domain.steps import BUILDERS, Step
from domain.world import Draft, World

SKEW: Final = timedelta(seconds=120)
"""How far clocks of others may be off; a time that much ahead counts as now (interface.md)."""
OFFLINE: Final = timedelta(hours=72)
"""How late an offline device may report (clocks.md R1)."""
REPORTER_FIELDS: Final = ("name", "phone", "address", "id_number", "account")


def decide(command: Command, case: Case, world: World) -> tuple[Draft, ...]:
    """Return what a command makes of a case.

    Raises:
        Refusal: and then nothing happened.
    """
    match command:
        case Report():
            return tuple(_report(command, case, world))
        case Act():
            return tuple(_act(command, case, world))
        case Import():
            return tuple(_import(command, case, world))
        case Update():
            return tuple(_update(command, case, world))
        case _:
            assert_never(command)


def _report(command: Report, case: Case, world: World) -> list[Draft]:
    action = world.kind.report
    place = _place(command, world)
    if not may(action, case, world):
        allowed = "、".join(rule.title for rule in action.by)
        raise RoleForbidden(role=world.actor.role.value, action=action.title, allowed=allowed)
    at = _moment(command.occurred_at, world, OFFLINE, "/occurred_at")
    filled = fill(action.form, command.data, world.directory, "/data")
    late = "import" if world.importing else "offline" if world.now - at > SKEW else None
    values: dict[str, Any] = {
        "place": place,
        "category": command.category,
        "location": command.location,
        "source": command.source,
        "content": command.content,
        "late": late,
        "data": filled.values,
    }
    step = Step(action=action, case=case, values=values, world=world)
    texts = (*_report_texts(command), *filled.texts)
    return _recorded(BUILDERS[f.CaseReported.TYPE](step), texts, at, case, world)


def _place(command: Report, world: World) -> f.Unit | None:
    if command.unit:
        return world.directory.find(command.unit, pointer="/unit")
    actor = world.actor.unit
    return world.directory.unit(actor) if actor in world.directory.units and actor else None


def _report_texts(command: Report) -> list[f.Text]:
    if not command.title.strip():
        raise EvidenceMissing(field="title", pointer="/title")
    texts = [f.Text("title", "narrative", command.title.strip())]
    if command.description and command.description.strip():
        texts.append(f.Text("description", "narrative", command.description))
    for name, value in command.reporter.items():
        if name not in REPORTER_FIELDS:
            known = "、".join(REPORTER_FIELDS)
            raise UnknownField(
                field=name, detail=f"不认识；可填：{known}", pointer=f"/reporter/{name}"
            )
        if value.strip():
            texts.append(f.Text(f"reporter.{name}", "reporter", value.strip()))
    return texts


def _act(command: Act, case: Case, world: World) -> list[Draft]:
    action = world.kind.actions.get(command.action)
    if action is None:
        raise ActionUnavailable(
            stage=stage_title(world.kind, case.stage),
            action=command.action,
            available=available_titles(case, world),
            actions=available_names(case, world),
        )
    check(action, case, world)
    at = _moment(command.occurred_at, world, timedelta(0), "/occurred_at")
    if case.changed_at is not None and at < case.changed_at:
        at = _not_before(at, case.changed_at)
    filled: Filled = fill(action.form, command.data, world.directory, "/data")
    drafts = breaches(case, at, world)
    case = _after(case, drafts)
    step = Step(action=action, case=case, values=filled.values, world=world)
    facts = [fact for name in action.emits for fact in BUILDERS[name](step)]
    return drafts + _recorded(facts, filled.texts, at, case, world)


def _not_before(at: datetime, latest: datetime) -> datetime:
    """Let clocks that are a little apart agree; what is really earlier must be a correction."""
    if latest - at > SKEW:
        raise TooOld(value=at, earliest=latest, pointer="/occurred_at")
    return latest


def _recorded(
    facts: Sequence[f.Fact], texts: Sequence[f.Text], at: datetime, case: Case, world: World
) -> list[Draft]:
    """Give the texts to the first fact, and let the clocks follow."""
    drafts = [Draft(fact, at, tuple(texts) if n == 0 else ()) for n, fact in enumerate(facts)]
    return drafts + tick(_after(case, drafts), facts, at, world)


def _after(case: Case, drafts: Sequence[Draft]) -> Case:
    for draft in drafts:
        case = evolve(case, draft.fact, draft.occurred_at)
    return case


def _moment(given: datetime | None, world: World, allowance: timedelta, pointer: str) -> datetime:
    """Return when it happened: as given, within what is allowed; else now."""
    if given is None:
        return world.now
    at = given.replace(microsecond=0)
    if at > world.now:
        if at - world.now > SKEW:
            raise FutureTime(value=at, now=world.now, pointer=pointer)
        return world.now
    earliest = world.now - max(allowance, SKEW)
    if at < earliest and not world.importing:
        raise TooOld(value=at, earliest=earliest, pointer=pointer)
    return at


def _import(command: Import, case: Case, world: World) -> list[Draft]:
    """Tell a case's past; deadlines that lie before now are recorded, nobody is notified."""
    drafts = _report(command.report, case, world)
    return drafts + _steps(command.steps, _after(case, drafts), world)


def _steps(steps: Sequence[Act], case: Case, world: World) -> list[Draft]:
    drafts: list[Draft] = []
    for step in steps:
        more = _act(step, case, world)
        case = _after(case, more)
        drafts += more
    return drafts + breaches(case, world.now, world)


def _update(command: Update, case: Case, world: World) -> list[Draft]:
    """Take over what a later register says; a closed case keeps its times (interface.md)."""
    report = command.report
    reported_at = report.occurred_at or case.reported_at or world.now
    closed_at = command.steps[-1].occurred_at if command.steps else None
    ended = world.kind.stages[case.stage].ending
    if ended and (reported_at != case.reported_at or closed_at != case.closed_at):
        raise ClosedTimes(number=case.number)
    before, after = _halves(case.content), _halves(report.content)
    drafts: list[Draft] = []
    if before[0] != after[0]:
        drafts += _correction(command, case, reported_at, world)
    elif ended:
        drafts += _restated(command, case, world)
    else:
        drafts += _progress_noted(command, case, world)
    if not ended:
        drafts += _steps(command.steps, _after(case, drafts), world)
    return drafts


def _halves(content: str | None) -> tuple[str, str]:
    """Split the two keyed digests: of what was reported, of what became of it."""
    report, _, progress = (content or "").partition(".")
    return report, progress


def _correction(command: Update, case: Case, reported_at: datetime, world: World) -> list[Draft]:
    report = command.report
    place = _place(report, world)
    filled = fill(world.kind.report.form, report.data, world.directory, "/data")
    changed = {
        "reported_at": reported_at != case.reported_at,
        "category": report.category != case.category,
        "place": place != case.place,
        "data": filled.values != case.data,
    }
    fields = tuple(name for name, differs in changed.items() if differs) or ("texts",)
    at = min(reported_at, case.reported_at or reported_at)
    fact = f.CaseCorrected(
        **_standing(case),
        fields=fields,
        reported_at=reported_at,
        place=place,
        category=report.category,
        content=report.content,
        data=filled.values,
    )
    drafts = [Draft(fact, at, (*_report_texts(report), *filled.texts))]
    if reported_at != case.reported_at:
        drafts += [
            Draft(rescheduled(clock, reported_at, "report-time-corrected", world), at)
            for clock in case.running_clocks
            if clock.started_at == case.reported_at
        ]
    return drafts


def _restated(command: Update, case: Case, world: World) -> list[Draft]:
    """Keep the newer words of a closing whose time stands."""
    texts: list[f.Text] = []
    for step in command.steps:
        action = world.kind.actions[step.action]
        texts += fill(action.form, step.data, world.directory, "/data").texts
    return [Draft(_unchanged(command, case, ("texts",)), case.closed_at or world.now, tuple(texts))]


def _progress_noted(command: Update, case: Case, world: World) -> list[Draft]:
    """Note that a later register told more, so that the same file again changes nothing."""
    del world
    at = case.changed_at or command.report.occurred_at
    if at is None:
        raise UnknownField(field="reported_at", detail="必填", pointer="/occurred_at")
    return [Draft(_unchanged(command, case, ("progress",)), at)]


def _unchanged(command: Update, case: Case, fields: tuple[str, ...]) -> f.CaseCorrected:
    return f.CaseCorrected(
        **_standing(case),
        fields=fields,
        reported_at=case.reported_at or command.report.occurred_at,  # type: ignore[arg-type]
        place=case.place,
        category=case.category,
        content=command.report.content,
        data=case.data,
    )


def _standing(case: Case) -> dict[str, Any]:
    """What a fact says that moves nothing."""
    return {
        "action": "update",
        "stage": f.Stage(case.stage, case.stage, case.phase),
        "holder": case.holder,
    }
