"""承接单位: wherever an open case names a unit that a re-division changed, it names the successor.

Every place of a case that holds a unit is passed through here, family by family. What is over
stays with the unit that was: clocks and duties that ended, terms that others replaced.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from domain import accountability, civic, privacy, routing
from domain import facts as f
from domain.case import Case, Notice
from domain.clock import bound_to
from domain.told import Told

N = TypeVar("N", Notice, Told)
Now = Callable[[f.Unit], f.Unit]
"""Tells what there is now in place of a unit: itself, where nothing changed."""


def succeed(case: Case, fact: f.UnitsSucceeded, at: datetime) -> Case:
    """Return a case after its units were succeeded by others; no clock's time changes."""
    by = {one.unit: one.by for one in fact.units}

    def now(unit: f.Unit) -> f.Unit:
        return by.get(unit.id, unit)

    if not fact.division:
        return _allotted(case, now)
    case = replace(case, privacy=privacy.succeeded(case.privacy, fact.recused))
    return passed(case, now, at)


def passed(case: Case, now: Now, at: datetime) -> Case:
    """Return a case each of whose units is what there is now in its place, but for recusals."""
    return replace(
        case,
        holder=_one(case.holder, now),
        place=_one(case.place, now),
        lead=_one(case.lead, now),
        accepted_by=_one(case.accepted_by, now),
        assisting=tuple(map(now, case.assisting)),
        informed=tuple(map(now, case.informed)),
        tasks=tuple(replace(task, unit=now(task.unit)) for task in case.tasks),
        unsigned=tuple(_addressed(notice, now) for notice in case.unsigned),
        told=tuple(_addressed(notice, now) for notice in case.told),
        clocks=bound_to(case.clocks, now),
        routing=routing.succeeded(case.routing, now),
        accountability=accountability.succeeded(case.accountability, now, at),
        civic=civic.succeeded(case.civic, now),
    )


def units_named(case: Case, at: datetime) -> tuple[f.Unit, ...]:
    """Return every unit that would pass, each with the paths it is named with."""
    found: dict[f.Unit, None] = {}

    def note(unit: f.Unit) -> f.Unit:
        found[unit] = None
        return unit

    passed(case, note, at)
    return tuple(found)


def _allotted(case: Case, now: Now) -> Case:
    """Let only what goes with holding the case pass: others may have their part by right."""
    return replace(
        case,
        clocks=bound_to(case.clocks, now),
        routing=routing.allotted(case.routing, now),
        civic=civic.succeeded(case.civic, now),
    )


def _one(unit: f.Unit | None, now: Now) -> f.Unit | None:
    return now(unit) if unit else None


def _addressed(notice: N, now: Now) -> N:
    recipient = notice.recipient
    return replace(notice, recipient=replace(recipient, unit=_one(recipient.unit, now)))
