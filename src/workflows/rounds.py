"""Recurring rounds (周期任务): begun by themselves, once a period in a unit; silence is missed.

Which rounds exist follows from their source reference `round / kind:unit:period`: any number of
processes may start the same one, it begins once. A period that passed while nothing ran is not
made up for.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from domain.actor import Actor, Role
from domain.commands import Act, Report
from domain.due import SHANGHAI
from domain.errors import Refusal
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
_KEYS: Final = UUID("3a4f6c1e-52b7-5f0a-9b1d-0c7f5b2e8d11")

StillOpen = Callable[[], Iterable[str]]
"""Names the rounds that have not ended, as far as the ledger of cases knows; it may be behind."""


class Rounds(Steady):
    """Starts the rounds of one district, and ends those that passed in silence."""

    def __init__(self, engine: Engine, trouble: Trouble, still_open: StillOpen) -> None:
        """Nothing is started before `run`."""
        super().__init__(trouble, LOOK_SECONDS)
        self._engine = engine
        self._still_open = still_open
        self._begun: set[str] = set()
        """What this process need not begin again."""

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
        rules = {kind.name: rule for kind in _active(reference) if (rule := kind.recurring)}
        still_open = list(await asyncio.to_thread(self._still_open))
        self._begun.update(still_open)
        changed = 0
        for kind, rule in rules.items():
            when = period(rule, today)
            units = [one for one in reference.directory.units.values() if one.level == rule.level]
            for unit in units if self._has_round(rule, today) else []:
                changed += await self._begin(kind, rule, unit.id, when)
                if self._stopping.is_set():
                    return changed
        for name in still_open:
            rule = rules.get(_kind_of(name))
            if rule is not None and _period_of(name) != period(rule, today):
                changed += await self._end(rule, name, today)
        return changed

    def _has_round(self, rule: Recurring, today: date) -> bool:
        if rule.every != "day" or not rule.calendar:
            return True
        almanac = self._engine.reference.calendars.get(rule.calendar)
        return almanac is None or almanac.is_workday(today)

    async def _begin(self, kind: str, rule: Recurring, unit: str, when: str) -> int:
        name = f"{kind}:{unit}:{when}"
        if name in self._begun:
            return 0
        report = Report(
            kind=kind,
            title=f"{rule.title}（{when}）",
            unit=unit,
            source=SourceReference(SYSTEM, name),
            content=f"{SYSTEM}.{name}",
        )
        outcome = await self._engine.report(report, _caller("begin", name))
        self._begun.add(name)
        return int(outcome.created and not outcome.replayed)

    async def _end(self, rule: Recurring, name: str, today: date) -> int:
        """End a round whose period has passed, if it is still open."""
        case_id = sourced_case(self._engine.district, SYSTEM, name)
        case = await self._engine.case(case_id)
        own = self._engine.reference.kinds[case.kind_hash]
        rule = own.recurring or rule
        if own.stages[case.stage].ending or _period_of(name) == period(rule, today):
            return 0
        # Somebody may be ending it at this very moment: then it was not missed.
        with suppress(Refusal):
            await self._engine.act(case_id, Act(action=rule.missed), _caller("missed", name))
            return 1
        return 0


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


def _kind_of(name: str) -> str:
    return name.partition(":")[0]


def _period_of(name: str) -> str:
    return name.rpartition(":")[2]


def _caller(what: str, name: str) -> Caller:
    """Return who asks: the same round is begun, and missed, once."""
    key = str(uuid5(_KEYS, f"{what}\0{name}"))
    digest = sha256(key.encode()).digest()
    return Caller(actor=CLOCKWORK, client=CLIENT, key=key, digest=digest)
