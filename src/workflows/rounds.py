"""Recurring rounds (周期任务): begun by themselves, once a period in a unit; silence is missed.

Which rounds exist follows from their source reference `round / kind:unit:period`: any number of
processes may start the same one, it begins once. A period that passed while nothing ran is not
made up for.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from domain.actor import Actor, Role
from domain.commands import Act, Report
from domain.due import SHANGHAI
from domain.errors import NotFound, Refusal
from domain.facts import SourceReference
from domain.kind import Kind, Recurring
from eventlog.streams import sourced_case
from workflows.engine import Caller, Engine
from workflows.reference import Reference
from workflows.steady import Steady, Trouble

SYSTEM: Final = "round"
CLIENT: Final = "round"
CLOCKWORK: Final = Actor(role=Role.TIMER)
LOOK_SECONDS: Final = 20.0
LOOK_BACK: Final = 40
"""How many periods back a round is looked for that nobody ended."""
_KEYS: Final = UUID("3a4f6c1e-52b7-5f0a-9b1d-0c7f5b2e8d11")


class Rounds(Steady):
    """Starts the rounds of one district, and ends those that passed in silence."""

    def __init__(self, engine: Engine, trouble: Trouble) -> None:
        """Nothing is started before `run`."""
        super().__init__(trouble, LOOK_SECONDS)
        self._engine = engine
        self._done: set[str] = set()
        """What this process need not look at again."""

    async def look(self) -> float:
        """Look every few seconds whether a period began."""
        await self.step()
        return LOOK_SECONDS

    async def step(self) -> int:
        """Start and end what is to be; return how many rounds were started or ended.

        Raises:
            psycopg.Error: the database is away.
        """
        reference = await self._engine.current()
        today = self._engine.now().astimezone(SHANGHAI).date()
        changed = 0
        for kind in _active(reference):
            rule = kind.recurring
            if rule is None:
                continue
            for unit in [one.id for one in reference.directory.units.values()]:
                if reference.directory.units[unit].level == rule.level:
                    changed += await self._unit(kind, rule, unit, today)
                    if self._stopping.is_set():
                        return changed
        return changed

    async def _unit(self, kind: Kind, rule: Recurring, unit: str, today: date) -> int:
        changed = 0
        if self._has_round(rule, today):
            changed += await self._begin(kind, rule, unit, period(rule, today))
        names = [_name(kind, unit, period(rule, day)) for day in earlier(rule, today)]
        return changed + sum(await asyncio.gather(*(self._end(rule, name) for name in names)))

    def _has_round(self, rule: Recurring, today: date) -> bool:
        if rule.every != "day" or not rule.calendar:
            return True
        almanac = self._engine.reference.calendars.get(rule.calendar)
        return almanac is None or almanac.is_workday(today)

    async def _begin(self, kind: Kind, rule: Recurring, unit: str, when: str) -> int:
        name = _name(kind, unit, when)
        if name in self._done:
            return 0
        report = Report(
            kind=kind.name,
            title=f"{rule.title}（{when}）",
            unit=unit,
            source=SourceReference(SYSTEM, name),
            content=f"{SYSTEM}.{name}",
        )
        outcome = await self._engine.report(report, _caller("begin", name))
        self._done.add(name)
        return int(outcome.created and not outcome.replayed)

    async def _end(self, rule: Recurring, name: str) -> int:
        """End a round of an earlier period that is still open; what never began is no round."""
        key = f"{name}:ended"
        if key in self._done:
            return 0
        case_id = sourced_case(self._engine.district, SYSTEM, name)
        missed = 0
        with suppress(NotFound):
            case = await self._engine.case(case_id)
            own = self._engine.reference.kinds[case.kind_hash]
            action = own.recurring.missed if own.recurring else rule.missed
            if not own.stages[case.stage].ending:
                # Somebody may be ending it at this very moment: then it was not missed.
                with suppress(Refusal):
                    await self._engine.act(case_id, Act(action=action), _caller("missed", name))
                    missed = 1
        self._done.add(key)
        return missed


def _active(reference: Reference) -> list[Kind]:
    return [reference.kinds[digest] for digest in reference.active.values()]


def period(rule: Recurring, day: date) -> str:
    """Return the name of the period that a day lies in: 2026-03-02, 2026-W10, 2026-03."""
    match rule.every:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{day:%Y-%m}"


def earlier(rule: Recurring, today: date) -> Iterator[date]:
    """Yield a day in each of the periods before this one, the latest first."""
    day = today
    for _ in range(LOOK_BACK):
        match rule.every:
            case "day":
                day -= timedelta(days=1)
            case "week":
                day -= timedelta(days=7)
            case "month":
                day = day.replace(day=1) - timedelta(days=1)
        yield day


def _name(kind: Kind, unit: str, when: str) -> str:
    return f"{kind.name}:{unit}:{when}"


def _caller(what: str, name: str) -> Caller:
    """Return who asks: the same round is begun, and missed, once."""
    key = str(uuid5(_KEYS, f"{what}\0{name}"))
    digest = sha256(key.encode()).digest()
    return Caller(actor=CLOCKWORK, client=CLIENT, key=key, digest=digest)
