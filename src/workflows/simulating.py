"""What if: recorded cases under a draft of their kind. Nothing is written.

Each case is told twice from its own records, once under the kind it followed and once under the
draft, and only what differs between the two is reported: what the facts no longer say then cannot
look like a difference. Directory and calendars are those of today in both tellings.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain.actor import Actor, Role
from domain.case import Case, blank
from domain.clock import Clock
from domain.commands import Act, Report, Settle
from domain.decide import decide
from domain.errors import Refusal
from domain.evolve import evolve
from domain.forms import named_cases
from domain.kind import Kind
from domain.world import World
from eventlog.database import Database
from eventlog.reader import read_tails
from eventlog.records import Record
from workflows.engine import Engine
from workflows.loading import load_cases
from workflows.retracing import Deed, command_of, deeds
from workflows.sight import is_case_id

PAGE: Final = 128
TIMER: Final = Actor(role=Role.TIMER)
# The newest first: those that are most like what will come.
CASES: Final = """
    SELECT stream_id FROM event
    WHERE stream_type = 'case' AND stream_version = 1 AND position(%s::bytea IN body) > 0
    ORDER BY position DESC LIMIT %s
"""

Tell = Callable[[int, int], object]
"""Told how many cases are done, of how many."""


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that would be otherwise under the draft."""

    case: str
    number: str
    what: str
    """`severity`, `urgency`, `tier`, `outcome`, `stage`, `due`, `breach`, `refused`."""
    clock: str = ""
    before: str | None
    after: str | None


class Tally(Struct, kw_only=True):
    """A simulation in numbers, of cases."""

    cases: int = 0
    same: int = 0
    different: int = 0
    refused: int = 0
    """Cases of which the draft would refuse an action that the kind allowed."""
    unclear: int = 0
    """Cases that cannot be told again from their records; they are not compared."""
    by: dict[str, int] = {}
    """By what is otherwise: how many times."""
    actions: dict[str, int] = {}
    """By action: how many times the draft would refuse it."""


class _Telling(Struct, kw_only=True):
    """A case told under one kind, up to now or to the first refusal."""

    case: Case
    told: int = 0
    refused: str = ""
    why: str = ""


class Simulation:
    """Every difference that a draft would make, found while it is iterated; it blocks."""

    def __init__(
        self, engine: Engine, draft: Kind, *, limit: int, tell: Tell | None = None
    ) -> None:
        """Keep what to tell; `tally` is complete after the last difference."""
        self.tally = Tally()
        self._engine = engine
        self._draft = draft
        self._limit = limit
        self._tell = tell or _silent

    def __iter__(self) -> Iterator[Difference]:
        """Yield the differences, case by case."""
        streams = of_kind(self._engine.database, self._draft.name, self._limit)
        for start in range(0, len(streams), PAGE):
            page = streams[start : start + PAGE]
            with self._engine.database.connection() as connection:
                found = read_tails(connection, page)
            for stream in page:
                yield from self._one(stream, found[stream][0])
            self._tell(start + len(page), len(streams))

    def _one(self, stream: str, records: Sequence[Record]) -> Iterator[Difference]:
        kind = self._engine.reference.kinds.get(records[0].body.kind or "")
        happened = deeds(records)
        self.tally.cases += 1
        if kind is None or not happened or happened[0].action != "report":
            self.tally.unclear += 1
            return
        before = self._told(stream, happened, kind)
        if before.refused or not before.told:
            self.tally.unclear += 1
            return
        after = self._told(stream, happened, self._draft)
        found = list(differences(before.case, after))
        self.tally.same += not found
        self.tally.different += bool(found)
        for one in found:
            self.tally.by[one.what] = self.tally.by.get(one.what, 0) + 1
            yield one
        if after.refused:
            self.tally.refused += 1
            count = self.tally.actions.get(after.refused, 0)
            self.tally.actions[after.refused] = count + 1

    def _told(self, stream: str, happened: Sequence[Deed], kind: Kind) -> _Telling:
        case, told = blank(stream, kind.hash), 0
        for deed in happened:
            command = command_of(deed, kind)
            try:
                case = self._after(case, command, deed, kind)
            except Refusal as refusal:
                return _Telling(case=case, told=told, refused=deed.action, why=str(refusal))
            told += 1
        # Both tellings end now, so that what is still open is compared at the same moment.
        last = Deed(actor=TIMER, client="", now=self._engine.now(), occurred_at=None, action="")
        return _Telling(case=self._after(case, Settle(), last, kind), told=told)

    def _after(self, case: Case, command: Report | Act | Settle, deed: Deed, kind: Kind) -> Case:
        if isinstance(command, Settle) and not case.version:
            return case
        world = self._world(case, command, deed, kind)
        for draft in decide(command, case, world):
            if draft.stream is None:
                case = evolve(case, draft.fact, draft.occurred_at)
        return case

    def _world(self, case: Case, command: Report | Act | Settle, deed: Deed, kind: Kind) -> World:
        engine = self._engine
        known = next(iter(engine.reference.kinds))
        number = case.number or str(getattr(deed.facts[0], "number", "")) if deed.facts else ""
        world = engine.world(
            replace(case, kind_hash=known), deed.actor, number=number, client=deed.client
        )
        named = [one for one in named_cases(command, kind) if is_case_id(one)]
        others = load_cases(engine.database, named) if named else []
        seen = {held.case.id: held.case for held in others if held is not None}
        kinds = {**world.kinds, kind.hash: kind}
        return replace(world, now=deed.now, kind=kind, kinds=kinds, others=seen)


def of_kind(database: Database, name: str, limit: int) -> list[str]:
    """Return the newest cases of a kind; blocks."""
    with database.connection() as connection:
        rows = connection.execute(CASES, (f'"kind":"{name}"'.encode(), limit)).fetchall()
    return [str(row[0]) for row in rows]


def differences(before: Case, after: _Telling) -> Iterator[Difference]:
    """Return what is otherwise. After a refusal only what had been decided by then counts."""
    draft = after.case
    known = {"case": before.id, "number": before.number}
    if after.refused:
        yield Difference(**known, what="refused", clock=after.refused, before=None, after=after.why)
    for what in ("severity", "urgency", "tier", "outcome", "stage"):
        old, new = getattr(before, what), getattr(draft, what)
        if old != new and (not after.refused or (new is not None and what in _GRADES)):
            yield Difference(**known, what=what, before=old, after=new)
    yield from _clocks(before, draft, whole=not after.refused)


_GRADES: Final = ("severity", "urgency", "tier")


def _clocks(before: Case, draft: Case, *, whole: bool) -> Iterator[Difference]:
    old = {clock.instance: clock for clock in before.clocks}
    new = {clock.instance: clock for clock in draft.clocks}
    for instance in {**old, **new}:
        one, other = old.get(instance), new.get(instance)
        if other is None and not whole:
            continue
        members: dict[str, Any] = {
            "case": before.id,
            "number": before.number,
            "clock": "/".join(map(str, instance)),
        }
        if _due(one) != _due(other):
            yield Difference(**members, what="due", before=_due(one), after=_due(other))
        if whole and (_late(one), _late(other)) in {("yes", "no"), ("no", "yes")}:
            yield Difference(**members, what="breach", before=_late(one), after=_late(other))


def _due(clock: Clock | None) -> str | None:
    return None if clock is None else _shown(clock.due)


def _late(clock: Clock | None) -> str:
    return "" if clock is None else "yes" if clock.breached_at else "no"


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _silent(_: int, __: int) -> None:
    return None
