"""Due rows held by one worker, the incidents of those that failed, and where all of it stands.

The row lock is the claim: it ends with the transaction, so whoever dies gives back what it held.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple

from domain.clock import Instance
from eventlog.database import Connection, Database
from workflows.steady import OwnConnection
from workflows.timers.arrays import array

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=10)
"""How long after a failure a row rests: twice as long each time, between these."""
HELD_SECONDS: Final = 60.0
"""How long a worker that sleeps keeps its rows; then the server gives them back."""
STATEMENT_SECONDS: Final = 5.0
"""No statement of ours takes long; one that does must not hold up the end of the process."""


class Due(Struct, frozen=True, gc=False):
    """A row of the table: a point that district time has reached."""

    case: str
    clock: str
    scope: str
    cycle: int
    sequence: int
    point: str
    generation: int
    at: datetime

    @property
    def instance(self) -> Instance:
        """What tells the clock from every other of its case."""
        return (self.clock, self.scope, self.cycle, self.sequence)


class Standing(Struct, frozen=True):
    """Where the timers of a district stand."""

    pending: int
    overdue: int
    """Of them, those whose time has come."""
    oldest: datetime | None
    """When the first of those should have happened; none is overdue where it is absent."""
    incidents: int
    """Of them, those that failed and wait to be tried again."""

    def age(self, now: datetime) -> float:
        """Return for how many seconds of district time the first one waits."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


# Statistics lag behind a table that churns so: by the index, in the order of time, whatever they
# say. What is deleted is in the log as a fact, so nobody waits for the disk.
SETTINGS: Final = """
    SELECT set_config('idle_in_transaction_session_timeout', %s, false),
           set_config('statement_timeout', %s, false),
           set_config('synchronous_commit', 'off', false),
           set_config('enable_seqscan', 'off', false),
           set_config('enable_bitmapscan', 'off', false),
           set_config('enable_sort', 'off', false),
           set_config('enable_hashjoin', 'off', false),
           set_config('enable_mergejoin', 'off', false)
"""
# Whom another worker holds is passed over, and so is what failed and still rests: asked row by
# row, by the key. A rest that ends later than any can is from before the time was set back.
CLAIM: Final = """
    SELECT t.case_id::text, t.clock, t.scope, t.cycle, t.sequence, t.point, t.generation, t.at
    FROM timer t
    WHERE t.at <= %(now)s AND (
        SELECT true FROM timer_incident i
        WHERE (i.case_id, i.clock, i.scope, i.cycle, i.sequence, i.point)
            = (t.case_id, t.clock, t.scope, t.cycle, t.sequence, t.point)
          AND i.at = t.at AND i.retry_at > %(real)s AND i.retry_at <= %(latest)s) IS NULL
    ORDER BY t.at LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED
"""
DELETE: Final = """
    WITH gone AS (
        DELETE FROM timer t
        USING unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[],
                     %s::int[], %s::timestamptz[])
              AS w (case_id, clock, scope, cycle, sequence, point, generation, at)
        WHERE (t.case_id, t.clock, t.scope, t.cycle, t.sequence, t.point, t.generation, t.at)
            = (w.case_id, w.clock, w.scope, w.cycle, w.sequence, w.point, w.generation, w.at)
        RETURNING t.case_id, t.clock, t.scope, t.cycle, t.sequence, t.point)
    DELETE FROM timer_incident i USING gone
    WHERE (i.case_id, i.clock, i.scope, i.cycle, i.sequence, i.point)
        = (gone.case_id, gone.clock, gone.scope, gone.cycle, gone.sequence, gone.point)
"""
# A point that was moved since is another one, and starts anew.
REMEMBER: Final = """
    INSERT INTO timer_incident AS i (case_id, clock, scope, cycle, sequence, point, at, attempts,
                                     since, retry_at, error)
    SELECT case_id, clock, scope, cycle, sequence, point, at, 1, %(real)s,
           %(real)s::timestamptz + %(shortest)s, error
    FROM unnest(%(case)s::uuid[], %(clock)s::text[], %(scope)s::text[], %(cycle)s::int[],
                %(sequence)s::int[], %(point)s::text[], %(at)s::timestamptz[], %(error)s::text[])
         AS w (case_id, clock, scope, cycle, sequence, point, at, error)
    ON CONFLICT (case_id, clock, scope, cycle, sequence, point) DO UPDATE
    SET at = excluded.at, error = excluded.error,
        attempts = CASE WHEN i.at = excluded.at THEN i.attempts + 1 ELSE 1 END,
        since = CASE WHEN i.at = excluded.at THEN i.since ELSE excluded.since END,
        retry_at = %(real)s::timestamptz + CASE WHEN i.at = excluded.at
            THEN least(%(longest)s::interval, %(shortest)s::interval * 2 ^ least(i.attempts, 20))
            ELSE %(shortest)s END
"""
# Of points that are gone, because a clock stopped or was moved, nothing is left to be done.
TIDY: Final = """
    DELETE FROM timer_incident i WHERE NOT EXISTS (
        SELECT FROM timer t
        WHERE (t.case_id, t.clock, t.scope, t.cycle, t.sequence, t.point, t.at)
            = (i.case_id, i.clock, i.scope, i.cycle, i.sequence, i.point, i.at))
"""
STANDING: Final = """
    SELECT (SELECT count(*) FROM timer), (SELECT count(*) FROM timer WHERE at <= %(now)s),
           (SELECT min(at) FROM timer WHERE at <= %(now)s),
           (SELECT count(*) FROM timer_incident i JOIN timer t
            USING (case_id, clock, scope, cycle, sequence, point, at))
"""


class Claims(OwnConnection):
    """One worker's connection, and the transaction in which it holds rows; for one thread."""

    def __init__(self, database: Database) -> None:
        """Connect when first asked."""
        super().__init__(database, SETTINGS, (HELD_SECONDS, STATEMENT_SECONDS))

    def claim(self, now: datetime, real: datetime, limit: int) -> list[Due]:
        """Hold the first rows that are due at `now` and that nobody else holds, in due order.

        Raises:
            psycopg.Error: the database is away; nothing is held, the next call connects anew.
        """
        connection = self.connect()
        values = {"now": now, "real": real, "latest": real + LONGEST, "limit": limit}
        connection.execute("BEGIN")
        found = [Due(*row) for row in connection.execute(CLAIM, values).fetchall()]
        if not found:
            connection.execute("COMMIT")
        return found

    def finish(
        self, done: Sequence[Due], failed: Sequence[tuple[Due, str]], real: datetime
    ) -> None:
        """Take what is done off the table, remember what failed, let go of all of it.

        Raises:
            psycopg.Error: the transaction was lost; whoever claims the rows next finds them done.
        """
        connection = self.connect()
        if done:
            connection.execute(DELETE, _columns(done))
        if failed:
            connection.execute(REMEMBER, _incidents(failed, real))
        connection.execute("COMMIT")

    def tidy(self) -> None:
        """Forget incidents of points that are gone."""
        self.connect().execute(TIDY)


def standing(connection: Connection, now: datetime) -> Standing:
    """Return where the timers of a district stand at a moment of its time."""
    row = connection.execute(STANDING, {"now": now}).fetchone()
    return Standing(*row) if row else Standing(0, 0, None, 0)


def _columns(rows: Sequence[Due]) -> list[str]:
    return [array(column) for column in zip(*map(astuple, rows), strict=True)]


def _incidents(failed: Sequence[tuple[Due, str]], real: datetime) -> dict[str, object]:
    columns = _columns([row for row, _ in failed])
    return {
        **dict(zip(Due.__struct_fields__, columns, strict=True)),
        "error": array(error for _, error in failed),
        "real": real,
        "shortest": SHORTEST,
        "longest": LONGEST,
    }
