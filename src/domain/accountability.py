"""The four that are fixed and the three duties, as they stand."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

Slot = Literal["leader", "measures", "deadline", "responsibility"]
DutyName = Literal["investigation", "handling", "stability"]
SLOTS: Final[tuple[Slot, ...]] = ("leader", "measures", "deadline", "responsibility")
DUTIES: Final[tuple[DutyName, ...]] = ("investigation", "handling", "stability")
STABILITY: Final = "stability"
TITLES: Final = {
    "leader": "定领导",
    "measures": "定措施",
    "deadline": "定时间",
    "responsibility": "定责任",
    "investigation": "包调查",
    "handling": "包处理",
    "stability": "包稳定",
}
AccountabilityEvent = (
    f.LeaderFixed
    | f.MeasuresFixed
    | f.MeasureDone
    | f.DeadlineFixed
    | f.ResponsibilityFixed
    | f.FourFixed
    | f.DutyTaken
    | f.DutyFulfilled
    | f.DutyFailed
    | f.RevisitRecorded
)


class Leader(Struct, frozen=True, gc=False):
    """包案领导: who answers, from a moment on."""

    who: f.Answerable
    unit: f.Unit
    since: datetime


class Responsible(Struct, frozen=True, gc=False, kw_only=True):
    """Who carries it out, from a moment on."""

    cadre: f.Answerable
    grid_worker: f.Answerable
    units: tuple[f.Unit, ...]
    since: datetime

    @property
    def persons(self) -> tuple[f.Answerable, ...]:
        """The two who carry it out in person."""
        return (self.cadre, self.grid_worker)


class Measures(Struct, frozen=True, gc=False):
    """The present list of measures: who owes each, and which are done."""

    owners: tuple[f.Unit, ...]
    fixed_at: datetime
    done: frozenset[int] = frozenset()

    @property
    def all_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return len(self.done) == len(self.owners)


class Deadline(Struct, frozen=True, gc=False):
    """定时间."""

    at: datetime
    fixed_at: datetime


class Duty(Struct, frozen=True, gc=False, kw_only=True):
    """One of the three duties as it was last taken."""

    name: str
    status: Literal["running", "fulfilled", "failed"] = "running"
    who: f.Answerable | None
    unit: f.Unit
    since: datetime
    until: datetime | None = None
    watch_until: datetime | None = None
    ended_at: datetime | None = None
    revisits: int = 0
    outcome: str = ""
    """Of the latest revisit."""


class Accountability(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    leaders: tuple[Leader, ...] = ()
    """As they were recorded; each holds from its `since` on, whatever was said before."""
    responsible: tuple[Responsible, ...] = ()
    measures: Measures | None = None
    editions: int = 0
    deadline: Deadline | None = None
    duties: tuple[Duty, ...] = ()
    complete: tuple[str, ...] = ()
    """Which parts the latest `four-fixed` found to stand; none after a reopening."""
    completions: int = 0

    def duty(self, name: str) -> Duty | None:
        """Return one of the three as it was last taken."""
        return next((duty for duty in self.duties if duty.name == name), None)

    def leader_at(self, moment: datetime) -> Leader | None:
        """Return who answered at a moment."""
        return in_effect(self.leaders, moment)


class _Dated(Protocol):
    @property
    def since(self) -> datetime: ...


T = TypeVar("T", bound=_Dated)


def in_effect(terms: tuple[T, ...], moment: datetime) -> T | None:
    """Return what held at a moment: the last recorded that had taken effect by then."""
    return next((term for term in reversed(terms) if term.since <= moment), None)


def accountability_after(
    accountability: Accountability, fact: AccountabilityEvent, occurred_at: datetime
) -> Accountability:
    """Return how it stands after one more fact."""
    now = accountability
    match fact:
        case f.LeaderFixed():
            leader = Leader(f.Answerable(fact.post, fact.person), fact.unit, fact.since)
            return replace(now, leaders=(*now.leaders, leader))
        case f.ResponsibilityFixed():
            return replace(now, responsible=(*now.responsible, _responsible(fact)))
        case f.MeasuresFixed():
            measures = Measures(fact.owners, occurred_at)
            return replace(now, measures=measures, editions=fact.edition)
        case f.MeasureDone():
            return replace(now, measures=_ticked(now.measures, fact.measure))
        case f.DeadlineFixed():
            return replace(now, deadline=Deadline(fact.deadline, occurred_at))
        case f.FourFixed():
            return replace(now, complete=fact.parts, completions=fact.count)
        case f.DutyTaken() | f.DutyFulfilled() | f.DutyFailed() | f.RevisitRecorded():
            return _duty_after(now, fact, occurred_at)
        case _:
            assert_never(fact)


def reopened(accountability: Accountability) -> Accountability:
    """Return what is left when a case is reopened.

    Whoever answers goes on answering, and a watch goes on. Measures, the date, investigation and
    handling were for the cycle that is over.
    """
    duties = tuple(duty for duty in accountability.duties if duty.name == STABILITY)
    return replace(accountability, measures=None, deadline=None, complete=(), duties=duties)


def succeeded(
    accountability: Accountability, now: Callable[[f.Unit], f.Unit], at: datetime
) -> Accountability:
    """Let whoever answers from a moment on stand in the unit that there is now.

    Who was replaced before, and duties that ended, stay with the unit that was.
    """
    measures = accountability.measures
    return replace(
        accountability,
        leaders=_since(accountability.leaders, at, lambda one: replace(one, unit=now(one.unit))),
        responsible=_since(
            accountability.responsible,
            at,
            lambda one: replace(one, units=tuple(dict.fromkeys(map(now, one.units)))),
        ),
        measures=replace(measures, owners=tuple(map(now, measures.owners))) if measures else None,
        duties=tuple(
            replace(duty, unit=now(duty.unit)) if duty.status == "running" else duty
            for duty in accountability.duties
        ),
    )


def _since(terms: tuple[T, ...], at: datetime, change: Callable[[T], T]) -> tuple[T, ...]:
    """Change the term that is in effect at a moment, and all that were recorded after it."""
    current = [n for n, term in enumerate(terms) if term.since <= at]
    first = current[-1] if current else 0
    return (*terms[:first], *map(change, terms[first:]))


def _responsible(fact: f.ResponsibilityFixed) -> Responsible:
    return Responsible(
        cadre=fact.cadre, grid_worker=fact.grid_worker, units=fact.units, since=fact.since
    )


def _ticked(measures: Measures | None, number: int) -> Measures | None:
    return replace(measures, done=measures.done | {number}) if measures else None


def _duty_after(
    now: Accountability,
    fact: f.DutyTaken | f.DutyFulfilled | f.DutyFailed | f.RevisitRecorded,
    at: datetime,
) -> Accountability:
    if isinstance(fact, f.DutyTaken):
        others = tuple(duty for duty in now.duties if duty.name != fact.duty)
        return replace(now, duties=(*others, _taken(now.duty(fact.duty), fact)))
    return replace(
        now,
        duties=tuple(
            _moved(duty, fact, at) if duty.name == fact.duty else duty for duty in now.duties
        ),
    )


def _taken(before: Duty | None, fact: f.DutyTaken) -> Duty:
    """A duty that only changes hands keeps what was found on its revisits."""
    duty = Duty(
        name=fact.duty,
        who=f.Answerable(fact.post or "", fact.person) if fact.post or fact.person else None,
        unit=fact.unit,
        since=fact.since,
        until=fact.until,
        watch_until=fact.watch_until,
    )
    if before is None or before.status != "running":
        return duty
    return replace(duty, revisits=before.revisits, outcome=before.outcome)


def _moved(
    duty: Duty, fact: f.DutyFulfilled | f.DutyFailed | f.RevisitRecorded, at: datetime
) -> Duty:
    match fact:
        case f.DutyFulfilled():
            return replace(duty, status="fulfilled", ended_at=at)
        case f.DutyFailed():
            return replace(duty, status="failed", ended_at=at)
        case f.RevisitRecorded():
            return replace(duty, revisits=fact.revisit, outcome=fact.outcome)
