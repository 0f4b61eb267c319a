"""Telling a case's past: importing it from a register, and what a later register says of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain import facts as f
from domain.acting import OFFLINE, act, moment, place_of, report, report_texts
from domain.case import Case
from domain.commands import Act, Import, Update
from domain.errors import ClosedTimes, SourceConflict, TooOld
from domain.filing_steps import translated
from domain.forms import fill, in_clear
from domain.limits import restarted
from domain.settling import let_happen
from domain.turn import Turn
from domain.world import World


def tell(command: Import, turn: Turn) -> None:
    """Tell a case's past; deadlines that lie before now are recorded, nobody is notified.

    Raises:
        TooOld: a step lies before the one it follows; and whatever reporting and acting refuse.
    """
    report(command.report, turn)
    _take_steps(command.steps, turn)


def _take_steps(steps: Sequence[Act], turn: Turn) -> None:
    for step in steps:
        act(step, turn)
    let_happen(turn, turn.world.now)


def update(command: Update, turn: Turn) -> None:
    """Take over what a later register says; a closed case keeps its times (interface.md).

    Raises:
        ClosedTimes, SourceConflict (the kind never changes), TooOld (reported after what was
        done since), or what a step that is new refuses.
    """
    case, world = turn.case, turn.world
    if command.report.content is not None and command.report.content == case.content:
        return
    if command.report.kind != case.kind:
        raise _conflict(command, case)
    reported_at = _reported_at(command, case, world)
    ended = world.kind.stages[case.stage].ending
    if ended and (reported_at, _closed_at(command, world)) != (case.reported_at, case.closed_at):
        raise ClosedTimes(number=case.number, pointer="/occurred_at")
    (told, became), (tells, becomes) = _halves(case.content), _halves(command.report.content)
    if told != tells:
        _correct(command, turn, reported_at)
    elif not ended:
        _note(command, turn, reported_at)
    if not ended:
        _take_steps(_news(command, case), turn)
    elif became != becomes:
        _restate(command, turn, reported_at)


def _conflict(command: Update, case: Case) -> SourceConflict:
    source = command.report.source
    return SourceConflict(
        system=source.system if source else "",
        source_id=source.id if source else "",
        number=case.number,
        pointer="/kind",
    )


def _reported_at(command: Update, case: Case, world: World) -> datetime:
    """Return when it was reported, as the register says now.

    Raises:
        TooOld: the case would have been handled before it was reported.
    """
    known = case.reported_at or world.now
    given = command.report.occurred_at
    at = moment(given, world, OFFLINE) if given else known
    handled = min(case.taken.values(), default=at)
    if at > handled:
        raise TooOld(value=handled, earliest=at, pointer="/occurred_at")
    return at


def _closed_at(command: Update, world: World) -> datetime | None:
    """Return when the register says that the case ended."""
    closing = _closing(command, world)
    return moment(closing.occurred_at, world, OFFLINE) if closing else None


def _closing(command: Update, world: World) -> Act | None:
    """Return the step that ends the case."""
    actions = world.kind.actions
    ends = {
        name
        for name, action in actions.items()
        if action.to and world.kind.stages[action.to].ending
    }
    return next((step for step in reversed(command.steps) if step.action in ends), None)


def _news(command: Update, case: Case) -> list[Act]:
    """Return the steps that the case has not taken yet."""
    return [step for step in command.steps if case.taken.get(step.action) != step.occurred_at]


def _halves(content: str | None) -> tuple[str, str]:
    """Split the two keyed digests: of what was reported, of what became of it."""
    told, _, became = (content or "").partition(".")
    return told, became


def _correct(command: Update, turn: Turn, reported_at: datetime) -> None:
    """Say what is different now, and count anew the clocks that run since the report."""
    case, world = turn.case, turn.world
    told = command.report
    place = place_of(told, world)
    filled = fill(world.kind.report.form, told.data, world.directory, "/data")
    data = in_clear(filled.values)
    system = told.source.system if told.source else ""
    category = translated(world, system, told.category)
    changed = {
        "reported_at": reported_at != case.reported_at,
        "category": category != case.category,
        "place": place != case.place,
        "data": data != case.data,
    }
    fields = tuple(name for name, differs in changed.items() if differs) or ("texts",)
    at = min(reported_at, case.reported_at or reported_at)
    fact = _fact(
        command,
        case,
        world,
        fields=fields,
        reported_at=reported_at,
        place=place,
        category=category,
        data=data,
    )
    turn.record(fact, at, (*report_texts(told), *filled.texts))
    if changed["reported_at"]:
        for clock in case.open_clocks:
            if clock.started_at == case.reported_at:
                restarted(turn, clock, reported_at, "report-time-corrected", at)


def _restate(command: Update, turn: Turn, reported_at: datetime) -> None:
    """Keep the newer words of a closing whose time stands."""
    case, world = turn.case, turn.world
    closing = _closing(command, world)
    if case.closed_at is None or closing is None:
        return
    form = world.kind.actions[closing.action].form
    texts = fill(form, closing.data, world.directory, "/data").texts
    fact = _fact(command, case, world, fields=("texts",), reported_at=reported_at)
    turn.record(fact, case.closed_at, texts)


def _note(command: Update, turn: Turn, reported_at: datetime) -> None:
    """Note that a later register told more, so that the same file again changes nothing."""
    fact = _fact(command, turn.case, turn.world, fields=("progress",), reported_at=reported_at)
    turn.record(fact, turn.case.changed_at or reported_at)


def _fact(command: Update, case: Case, world: World, **changes: Any) -> f.CaseCorrected:  # noqa: ANN401 - fields of the fact
    """Return a correction: the case as it is, but for what changes."""
    initial = world.kind.initial
    standing: dict[str, Any] = {
        "action": "update",
        "stage": f.Stage(case.stage, case.stage, case.phase),
        "holder": case.holder,
        "kind": case.kind,
        "number": case.number,
        "initial": f.Stage(initial.name, initial.name, initial.phase),
        "place": case.place,
        "category": case.category,
        "content": command.report.content,
        "data": case.data,
    }
    return f.CaseCorrected(**standing | changes)
