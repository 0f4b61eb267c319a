"""The tables `timer` and `open_clock`: the plans of all open clocks, one row a point.

A follower of the log like every ledger, so rows and position are kept or lost together. The worker
deletes rows too, after the facts that make them past are durable; the fold would do it anyway.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from psycopg import sql

from eventlog.batch import Facts, batch_of
from eventlog.database import Connection
from eventlog.records import Followed
from eventlog.runner import Policy
from workflows.timers.arrays import array
from workflows.timers.fold import FOLDED, OF_THE_CASE, Change, Key, changes_of

NAME: Final = "timers"
VERSION: Final = 1

# Every statement takes a whole batch: one array a column.
CLOSE: Final = """
    DELETE FROM {open} o
    USING unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[])
          AS w (case_id, clock, scope, cycle, sequence)
    WHERE (o.case_id, o.clock, o.scope, o.cycle, o.sequence)
        = (w.case_id, w.clock, w.scope, w.cycle, w.sequence)
"""
OPEN: Final = """
    INSERT INTO {open} (case_id, clock, scope, cycle, sequence, generation, status, calendar,
                        calendar_version, due)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::int[],
                         %s::text[], %s::text[], %s::text[], %s::timestamptz[])
    ON CONFLICT (case_id, clock, scope, cycle, sequence) DO UPDATE
    SET generation = excluded.generation, status = excluded.status, calendar = excluded.calendar,
        calendar_version = excluded.calendar_version, due = excluded.due
"""
# What is empty stays. A clock that ended before has no row, and gets none.
RECKON: Final = """
    UPDATE {open} o
    SET generation = greatest(o.generation, w.generation),
        status = coalesce(nullif(w.status, ''), o.status),
        calendar_version = coalesce(nullif(w.calendar_version, ''), o.calendar_version),
        due = coalesce(w.due, o.due)
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::int[], %s::text[],
                %s::text[], %s::timestamptz[])
         AS w (case_id, clock, scope, cycle, sequence, generation, status, calendar_version, due)
    WHERE (o.case_id, o.clock, o.scope, o.cycle, o.sequence)
        = (w.case_id, w.clock, w.scope, w.cycle, w.sequence)
"""
CLEAR: Final = """
    DELETE FROM {timer} t
    USING unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[])
          AS w (case_id, clock, scope, cycle, sequence)
    WHERE (t.case_id, t.clock, t.scope, t.cycle, t.sequence)
        = (w.case_id, w.clock, w.scope, w.cycle, w.sequence)
"""
PAST: Final = """
    DELETE FROM {timer} t
    USING unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[])
          AS w (case_id, clock, scope, cycle, sequence, point)
    WHERE (t.case_id, t.clock, t.scope, t.cycle, t.sequence, t.point)
        = (w.case_id, w.clock, w.scope, w.cycle, w.sequence, w.point)
"""
# Only for clocks that are open: a late notice of a closed one plans nothing.
PLAN: Final = """
    INSERT INTO {timer} (case_id, clock, scope, cycle, sequence, point, generation, at)
    SELECT w.case_id, w.clock, w.scope, w.cycle, w.sequence, w.point, o.generation, w.at
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[],
                %s::timestamptz[]) AS w (case_id, clock, scope, cycle, sequence, point, at)
    JOIN {open} o USING (case_id, clock, scope, cycle, sequence)
    ON CONFLICT (case_id, clock, scope, cycle, sequence, point) DO UPDATE
    SET generation = excluded.generation, at = excluded.at
"""
# Of the case itself: there is no clock that could have ended.
AWAIT: Final = """
    INSERT INTO {timer} (case_id, clock, scope, cycle, sequence, point, generation, at)
    SELECT w.case_id, w.clock, w.scope, w.cycle, w.sequence, w.point, 0, w.at
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[],
                %s::timestamptz[]) AS w (case_id, clock, scope, cycle, sequence, point, at)
    ON CONFLICT (case_id, clock, scope, cycle, sequence, point) DO UPDATE SET at = excluded.at
"""
STATEMENTS: Final = (AWAIT, CLOSE, OPEN, RECKON, CLEAR, PAST, PLAN)


class TimerTable:
    """The two tables, live or being rebuilt."""

    policy: Policy = "halt"
    facts: Facts = FOLDED

    def __init__(self, *, suffix: str = "") -> None:
        """Name the tables; `suffix` tells a rebuild's from the live ones."""
        self.suffix = suffix
        # The rows hold nothing but what facts carry: the version alone says what they look like.
        self.fingerprint = str(VERSION)

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return f"{NAME}@{VERSION}{self.suffix}"

    @property
    def names(self) -> Mapping[str, str]:
        """The tables by what they hold."""
        return {"timer": f"timer{self.suffix}", "open": f"open_clock{self.suffix}"}

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write what changed."""
        changes = changes_of(batch_of(records).of(self.facts))
        self._write_clocks(connection, changes)
        self._write_points(connection, changes)

    def _write_clocks(self, connection: Connection, changes: Mapping[Key, Change]) -> None:
        closed = [key for key, one in changes.items() if one.closed]
        self._run(connection, CLOSE, closed)
        started = {key: one for key, one in changes.items() if one.started}
        self._run(
            connection,
            OPEN,
            list(started),
            _column(started, lambda one: one.generation),
            _column(started, lambda one: one.status),
            _column(started, lambda one: one.calendar),
            _column(started, lambda one: one.calendar_version),
            _column(started, lambda one: one.due),
        )
        # A point alone that comes or goes changes nothing of its clock.
        changed = {
            key: one
            for key, one in changes.items()
            if one.replaced and not (one.started or one.closed) and key[1:] != OF_THE_CASE
        }
        self._run(
            connection,
            RECKON,
            list(changed),
            _column(changed, lambda one: one.generation),
            _column(changed, lambda one: one.status),
            _column(changed, lambda one: one.calendar_version),
            _column(changed, lambda one: one.due),
        )

    def _write_points(self, connection: Connection, changes: Mapping[Key, Change]) -> None:
        cleared = [key for key, one in changes.items() if one.replaced and not one.started]
        self._run(connection, CLEAR, cleared)
        gone = [(key, name) for key, one in changes.items() for name in one.gone]
        self._run(connection, PAST, [key for key, _ in gone], [name for _, name in gone])
        for query, of_the_case in ((PLAN, False), (AWAIT, True)):
            points = [
                (key, *point)
                for key, one in changes.items()
                if (key[1:] == OF_THE_CASE) is of_the_case
                for point in one.points.items()
            ]
            self._run(
                connection,
                query,
                [key for key, _, _ in points],
                [name for _, name, _ in points],
                [at for _, _, at in points],
            )

    def _run(
        self, connection: Connection, query: str, keys: Sequence[Key], *columns: Iterable[object]
    ) -> None:
        """Run a statement over these clocks, if there are any."""
        if keys:
            values = [array(column) for column in (*zip(*keys, strict=True), *columns)]
            connection.execute(self._composed[query], values)

    @cached_property
    def _composed(self) -> dict[str, sql.Composed]:
        names = {holds: sql.Identifier(name) for holds, name in self.names.items()}
        return {query: sql.SQL(query).format(**names) for query in STATEMENTS}


def _column(changes: Mapping[Key, Change], pick: Callable[[Change], object]) -> list[object]:
    return [pick(one) for one in changes.values()]
