"""Stories of cases for tests of ledgers: facts as the engine would write them, stored as told."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from domain import facts as f
from eventlog.appender import Answer, Appender, NewEvent, Request
from eventlog.database import Database
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Sealed, Who, encode
from eventlog.runner import Runner
from projections.ledger import Ledger
from projections.ledgers import LEDGERS

Shipped = Sequence[Ledger[Any, Any]]
DAY_ONE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SPACE = UUID(int=7)
WHO = Who("importer", None, None, None, None)
COUNTY = f.Unit("county", ("county",))
TOWN = f.Unit("town", ("county", "town"))
VILLAGE = f.Unit("village", ("county", "town", "village"))
OTHER = f.Unit("other", ("county", "other"))
BUREAU = f.Unit("bureau", ("county", "bureau"))
UNITS = (COUNTY, TOWN, VILLAGE, OTHER, BUREAU)


def at(hours: float) -> datetime:
    """Return a moment so many hours after the first day's morning."""
    return DAY_ONE + timedelta(hours=hours)


def case_id(name: object) -> str:
    """Return the id of the case of this name."""
    return str(uuid5(SPACE, str(name)))


def move(source: str = "a", target: str = "b", holder: f.Unit | None = TOWN) -> dict[str, Any]:
    """Return what every fact of a case carries."""
    stage = f.Stage(source, target, "discovery")
    return {"action": "act", "stage": stage, "holder": holder}


def reported(
    number: str = "n1", *, place: f.Unit | None = VILLAGE, **changes: object
) -> f.CaseReported:
    """Return a report."""
    fact = f.CaseReported(
        **move("", "reported"),
        kind="public-reply",
        number=number,
        place=place,
        category=None,
        severity=None,
        urgency=None,
        location=None,
        source=None,
        content=None,
        late=None,
        data={},
    )
    return replace(fact, **changes)


def started(due: datetime, *, total: bool = True, **changes: object) -> f.ClockStarted:
    """Return the start of a clock."""
    fact = f.ClockStarted(
        clock="total" if total else "stage",
        scope="",
        cycle=1,
        sequence=1,
        total=total,
        started_at=DAY_ONE,
        budget="15wd",
        cutoff="end_of_day",
        calendar="cn-office",
        calendar_version="1",
        due=due,
        provisional=False,
    )
    return replace(fact, **changes)


def stopped(moment: datetime, due: datetime, **changes: object) -> f.ClockStopped:
    """Return the stop of a clock."""
    fact = f.ClockStopped(
        clock="total",
        scope="",
        cycle=1,
        sequence=1,
        stopped_at=moment,
        due=due,
        met=moment <= due,
    )
    return replace(fact, **changes)


def rescheduled(previous: datetime, due: datetime, **changes: object) -> f.ClockRescheduled:
    """Return a change of the total clock's due."""
    fact = f.ClockRescheduled(
        clock="total",
        scope="",
        cycle=1,
        sequence=1,
        reason="calendar",
        started_at=DAY_ONE,
        budget="15wd",
        calendar_version="2",
        previous_due=previous,
        due=due,
        provisional=False,
    )
    return replace(fact, **changes)


def closed(outcome: str = "solved") -> f.CaseClosed:
    """Return a closing."""
    return f.CaseClosed(**move("b", "closed"), grade="substantive", outcome=outcome)


class Teller:
    """Numbers the facts of each case as they are told."""

    def __init__(self) -> None:
        """Begin with no case."""
        self._versions: dict[str, int] = {}

    def tell(
        self, name: object, fact: f.Fact, occurred_at: datetime, *, texts: Sequence[str] = ()
    ) -> NewEvent:
        """Return the next fact of a case; `texts` names its sealed fields."""
        stream = case_id(name)
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        event = str(uuid5(SPACE, f"{stream}/{version}"))
        body: Body[f.Fact] = Body(
            profile=PROFILE,
            district="610327",
            stream_type=fact.STREAM,
            stream=stream,
            version=version,
            event=event,
            command=event,
            type=fact.TYPE,
            schema=fact.SCHEMA,
            occurred_at=occurred_at,
            actor=WHO,
            client="test",
            kind="hash",
            reference_position=0,
            data=fact,
            sealed=tuple(Sealed(field, "narrative", "k", "d", "c") for field in texts),
            prev=NO_PREVIOUS,
        )
        kind = (fact.STREAM, fact.TYPE, fact.SCHEMA)
        return NewEvent(stream, version, event, *kind, occurred_at, encode(body))


def store(
    database: Database, requests: Iterable[Sequence[NewEvent]], *, now: datetime = DAY_ONE
) -> list[Answer]:
    """Append requests in their order, each a command of its own."""
    appender = Appender(database)
    answers: list[Answer] = []
    waiting: dict[str, Future[Answer]] = {}
    try:
        for events in requests:
            streams = {event.stream for event in events}
            if streams & waiting.keys():  # the appender would let others pass before it
                answers += [future.result(60) for future in dict.fromkeys(waiting.values())]
                waiting = {}
            key = events[0].event
            digest = sha256(key.encode()).digest()
            request = Request("test", key, digest, key, now, tuple(events))
            waiting |= dict.fromkeys(streams, appender.submit(request))
        answers += [future.result(60) for future in dict.fromkeys(waiting.values())]
    finally:
        appender.close()
    wrong = [answer for answer in answers if answer.outcome != "stored"]
    if wrong:
        raise AssertionError(wrong)
    return answers


def follow(database: Database, *, batch: int = 2000, ledgers: Shipped | None = None) -> None:
    """Carry the shipped ledgers, or some of them, to the end of the log."""
    followed = LEDGERS.values() if ledgers is None else ledgers
    runner = Runner(database, [ledger.tables for ledger in followed], batch=batch)
    try:
        while runner.run_once():
            pass
    finally:
        runner.close()


def dump(database: Database, *, ledgers: Shipped | None = None) -> dict[str, list[str]]:
    """Return every row of every ledger table, or of some ledgers', as text, in order."""
    tables = [
        table
        for ledger in (LEDGERS.values() if ledgers is None else ledgers)
        for holds, table in ledger.tables.names.items()
        if holds not in {"counts", "days", "stock"}
    ]
    with database.connect() as connection:
        return {
            table: sorted(
                str(line)
                for (line,) in connection.execute(f"SELECT t::text FROM {table} t".encode())
            )
            for table in tables
        }
