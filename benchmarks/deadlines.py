"""Cases whose deadlines fall when a measurement wants it, brought in fast, with their timers."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from benchmarks import district as d
from benchmarks import stories
from benchmarks.fill import plant
from domain.actor import Actor, Role
from domain.commands import Act, Report, Settle
from eventlog.database import Database
from eventlog.runner import Runner
from projections.ledgers import LEDGERS
from workflows.engine import Engine
from workflows.timers.table import TimerTable

KIND: Final = "closed-loop"
TIMER: Final = Actor(role=Role.TIMER)
URGENT: Final = timedelta(hours=24)
"""The limit of urgent handling, around the clock."""
SECOND: Final = timedelta(seconds=1)


def overdue(engine: Engine, due: datetime) -> stories.Template:
    """Return an urgent case whose handling falls due at a moment, all its warnings given.

    One second later two timers of it come at once: the breach, and the rung at the breach.
    """
    moves = [*dispatched(due - URGENT, "urgent"), (due - SECOND, TIMER, Settle())]
    return stories.template(engine, KIND, moves, stream=str(uuid4()))


def waiting(engine: Engine, start: datetime) -> stories.Template:
    """Return a case that is being handled: two clocks are open, total and handling."""
    return stories.template(engine, KIND, dispatched(start, "normal"), stream=str(uuid4()))


def sow(database: Database, plots: Sequence[stories.Template], cases: int, *, first: int) -> int:
    """Bring in so many cases and their timers; return the head of the log."""
    head = plant(database, plots, cases, first=first)
    carry(database, head)
    with database.connect() as connection:
        connection.execute("VACUUM ANALYZE timer, open_clock")
    return head


def carry(database: Database, head: int) -> None:
    """Let the ledgers and the timers follow the log to a position."""
    runner = _runner(database)
    try:
        runner.run_until(head)
        assert all(lag.behind == 0 for lag in runner.lags()), runner.lags()
    finally:
        runner.close()


@contextmanager
def following(database: Database) -> Generator[Runner]:
    """Let the ledgers and the timers follow the log meanwhile, in a thread as in a server."""
    runner, stop = _runner(database), threading.Event()
    thread = threading.Thread(target=runner.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield runner
    finally:
        stop.set()
        runner.wake()
        thread.join()


def _runner(database: Database) -> Runner:
    return Runner(database, [*(ledger.tables for ledger in LEDGERS.values()), TimerTable()])


def dispatched(at: datetime, urgency: str) -> list[stories.Move]:
    """Return what leads to a dispatch at a moment."""
    report = Report(kind=KIND, title="路口井盖破损", unit=d.COMMUNITY)
    grades = {"severity": "general", "urgency": urgency, "override_reason": "测量用"}
    return [
        (at - 3 * SECOND, d.DISPATCHER, report),
        (at - 2 * SECOND, stories.OFFICER, Act(action="accept")),
        (at - SECOND, stories.OFFICER, Act(action="grade", data=grades)),
        (at, stories.OFFICER, Act(action="dispatch", data={"lead": d.DEPARTMENT})),
    ]
