"""四定三包 as a matrix: seven cells a case, each with its state, who, since when and by when.

Pure: a case (as it stood then), the directory and the moment. Whoever asks for another moment folds
the facts that had occurred by then; posts are looked up as of that day.
"""

from datetime import datetime, time
from typing import Final, Literal

from msgspec import Struct

from domain import facts as f
from domain.accountability import DUTIES, SLOTS, Duty, in_effect
from domain.accountability_posts import day_of, on_day, vacant, vacant_since
from domain.case import Case
from domain.clock import Clock
from domain.directory import Directory
from domain.due import SHANGHAI
from domain.reckoning import DATE

Status = Literal["missing", "set", "at_risk", "late", "fulfilled", "failed"]
FOUR_FIXED: Final = "four_fixed"
"""What kinds call the clock by which the four are due."""


class Answering(Struct, frozen=True, gc=False):
    """Who answers by a post on that day; a post without a person is vacant (缺位)."""

    post: str | None
    person: str | None
    unit: f.Unit | None


class Cell(Struct, frozen=True, gc=False, kw_only=True):
    """One of the four or of the three.

    `since` is from when it has stood as it stands: fixed, taken, fulfilled, failed; or vacant.
    """

    part: str
    status: Status
    who: tuple[Answering, ...] = ()
    since: datetime | None = None
    due: datetime | None = None
    vacant: bool = False
    done: int | None = None
    """Of measures: how many are done, of `total`; of stability: how many revisits there were."""
    total: int | None = None


def matrix(case: Case, directory: Directory, moment: datetime) -> tuple[Cell, ...]:
    """Return the seven cells, the four first, as they are at a moment."""
    slots = {
        "leader": _leader,
        "measures": _measures,
        "deadline": _deadline,
        "responsibility": _responsibility,
    }
    four = [slots[name](case, directory, moment) for name in SLOTS]
    return (*four, *(_duty(name, case, directory, moment) for name in DUTIES))


def _leader(case: Case, directory: Directory, moment: datetime) -> Cell:
    term = case.accountability.leader_at(moment)
    if term is None:
        return _missing("leader", case, moment)
    who = (term.who,)
    return _persons("leader", case, directory, moment, who, (term.unit,), term.since)


def _responsibility(case: Case, directory: Directory, moment: datetime) -> Cell:
    term = in_effect(case.accountability.responsible, moment)
    if term is None:
        return _missing("responsibility", case, moment)
    return _persons("responsibility", case, directory, moment, term.persons, term.units, term.since)


def _persons(
    part: str,
    case: Case,
    directory: Directory,
    moment: datetime,
    persons: tuple[f.Answerable, ...],
    units: tuple[f.Unit, ...],
    since: datetime,
) -> Cell:
    """A part that persons answer for is missing while one of their posts is vacant."""
    empty = vacant(persons, directory, moment)
    return Cell(
        part=part,
        status="missing" if empty else "fulfilled" if case.closed_at else "set",
        who=(*_holding(persons, directory, moment), *_other_units(persons, directory, units)),
        since=_vacant_from(persons, directory, moment) or since if empty else since,
        vacant=empty,
    )


def _holding(
    persons: tuple[f.Answerable, ...], directory: Directory, moment: datetime
) -> tuple[Answering, ...]:
    day = day_of(moment)
    found: list[Answering] = []
    for one in persons:
        post = directory.posts.get(one.post)
        unit = directory.unit(post.unit) if post and post.unit in directory.units else None
        found.append(Answering(one.post or None, on_day(one, directory, day).person, unit))
    return tuple(found)


def _other_units(
    persons: tuple[f.Answerable, ...], directory: Directory, units: tuple[f.Unit, ...]
) -> tuple[Answering, ...]:
    """Return the units that answer beside the posts named."""
    named = {directory.posts[one.post].unit for one in persons if one.post in directory.posts}
    return tuple(Answering(None, None, unit) for unit in units if unit.id not in named)


def _vacant_from(
    persons: tuple[f.Answerable, ...], directory: Directory, moment: datetime
) -> datetime | None:
    """Return the moment at which the first of the vacant posts fell vacant."""
    days = [vacant_since(one, directory, day_of(moment)) for one in persons]
    known = [day for day in days if day is not None]
    return datetime.combine(min(known), time(), SHANGHAI) if known else None


def _missing(part: str, case: Case, moment: datetime) -> Cell:
    """Nobody fixed it: the clock of the four says by when, and whether it is late."""
    clock = case.clock(FOUR_FIXED)
    counted = clock if clock is not None and clock.status != "cancelled" else None
    return Cell(
        part=part,
        status=_pressed(counted, counted.due, moment) or "missing" if counted else "missing",
        due=counted.due if counted else None,
    )


def _pressed(
    clock: Clock | None, due: datetime | None, moment: datetime
) -> Literal["late", "at_risk"] | None:
    """Return how time presses on what is not done: past the due, or after a warning."""
    if due is not None and moment > due:
        return "late"
    warned = clock is not None and any(name.startswith("threshold:") for name in clock.reached)
    return "at_risk" if warned else None


def _measures(case: Case, directory: Directory, moment: datetime) -> Cell:
    del directory
    now = case.accountability
    if now.measures is None:
        return _missing("measures", case, moment)
    due = now.deadline.at if now.deadline else None
    pressed = _pressed(_dated(case), due, moment)
    return Cell(
        part="measures",
        status="fulfilled" if now.measures.all_done else pressed or "set",
        who=tuple(Answering(None, None, unit) for unit in dict.fromkeys(now.measures.owners)),
        since=now.measures.fixed_at,
        due=due,
        done=len(now.measures.done),
        total=len(now.measures.owners),
    )


def _deadline(case: Case, directory: Directory, moment: datetime) -> Cell:
    del directory
    fixed = case.accountability.deadline
    if fixed is None:
        return _missing("deadline", case, moment)
    clock = _dated(case)
    reached = clock.stopped_at if clock and clock.status == "stopped" else case.closed_at
    if reached is not None:
        status: Status = "fulfilled" if reached <= fixed.at else "late"
    else:
        status = _pressed(clock, fixed.at, moment) or "set"
    return Cell(part="deadline", status=status, since=fixed.fixed_at, due=fixed.at)


def _dated(case: Case) -> Clock | None:
    """Return the clock that counts to the fixed date, where the kind has one."""
    return next(
        (
            clock
            for clock in reversed(case.clocks)
            if clock.budget == DATE and clock.limit.by == "fixed_deadline"
        ),
        None,
    )


def _duty(name: str, case: Case, directory: Directory, moment: datetime) -> Cell:
    duty = case.accountability.duty(name)
    if duty is None:
        return Cell(part=name, status="missing")
    clock = next((one for one in reversed(case.clocks) if one.scope == f"duty:{name}"), None)
    due = duty.until or (clock.due if clock else duty.watch_until)
    persons = (duty.who,) if duty.who else ()
    who = _holding(persons, directory, moment)
    named = any(one.unit is not None for one in who)
    return Cell(
        part=name,
        status=_pressed(clock, due, moment) or "set" if duty.status == "running" else duty.status,
        who=who if named else (Answering(None, who[0].person if who else None, duty.unit),),
        since=duty.ended_at or duty.since,
        due=due,
        vacant=_left(duty, directory, moment),
        done=duty.revisits or None,
    )


def _left(duty: Duty, directory: Directory, moment: datetime) -> bool:
    """Whether a running duty's post is vacant."""
    if duty.status != "running" or duty.who is None or not duty.who.post:
        return False
    return vacant([duty.who], directory, moment)
