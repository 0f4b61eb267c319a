"""Notices held by one worker, when a failed one is tried again, and where all of it stands.

A claim is a lease: taking a row moves its next attempt beyond the time that this one may last. So
no transaction stays open while somebody else's server is asked, and whoever dies gives back what
it held when the lease ends: it is then sent again, under the same id.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from domain.facts import NoticeIssued, PartyNotified
from eventlog.database import Connection, Database
from eventlog.reader import read_positions
from workflows.steady import OwnConnection

LEASE: Final = timedelta(seconds=60)
"""Longer than sending (10 s) and recording (30 s until the log gives up) can take together."""
SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""How long after a failure a notice rests (Standard Webhooks, "Retries"); three days in all."""
ATTEMPTS: Final = len(SCHEDULE) + 1
STATEMENT_SECONDS: Final = 5.0


class Claimed(Struct, frozen=True, kw_only=True):
    """A notice that this worker may send; `attempts` counts this attempt too."""

    case: str
    fact: NoticeIssued | PartyNotified
    issued_at: datetime
    attempts: int
    last_error: str


class Standing(Struct, frozen=True):
    """Where the notices of a district stand."""

    waiting: int
    oldest: datetime | None
    """When the first of them was issued (district time)."""
    failing: int
    """Of them, those that were tried in vain."""
    last_error: str
    """Of the one that will be tried next among those."""


SETTINGS: Final = """
    SELECT set_config('statement_timeout', %s, false),
           set_config('idle_in_transaction_session_timeout', %s, false)
"""
# A rest that ends later than any can is one from before the server's time was set back.
CLAIM: Final = """
    WITH due AS (
        SELECT case_id, notice FROM delivery
        WHERE (next_at <= %(real)s OR next_at > %(latest)s)
          AND (attempts > 0 OR issued_at >= %(since)s)
        ORDER BY next_at, issued_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE delivery d SET attempts = d.attempts + 1, next_at = %(again)s
    FROM due WHERE (d.case_id, d.notice) = (due.case_id, due.notice)
    RETURNING d.case_id::text, d.position, d.issued_at, d.attempts, d.last_error
"""
# What was issued long before there was a channel, and so never tried.
CLAIM_STALE: Final = """
    WITH stale AS (
        SELECT case_id, notice FROM delivery
        WHERE (next_at <= %(real)s OR next_at > %(latest)s)
          AND attempts = 0 AND issued_at < %(since)s
        ORDER BY next_at, issued_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE delivery d SET next_at = %(again)s
    FROM stale WHERE (d.case_id, d.notice) = (stale.case_id, stale.notice)
    RETURNING d.case_id::text, d.position, d.issued_at, d.attempts, d.last_error
"""
LATER: Final = """
    UPDATE delivery SET next_at = %s, last_error = %s WHERE case_id = %s AND notice = %s
"""
# The fold would do it too, when the follower comes to the fact.
DONE: Final = "DELETE FROM delivery WHERE case_id = %s AND notice = %s"
STANDING: Final = """
    SELECT count(*), min(issued_at), count(*) FILTER (WHERE attempts > 0 AND last_error <> ''),
           coalesce((SELECT last_error FROM delivery WHERE last_error <> ''
                     ORDER BY next_at LIMIT 1), '')
    FROM delivery
"""


class Claims(OwnConnection):
    """One worker's connection; for one thread."""

    def __init__(self, database: Database) -> None:
        """Connect when first asked."""
        super().__init__(database, SETTINGS, (STATEMENT_SECONDS, STATEMENT_SECONDS))

    def claim(self, real: datetime, since: datetime, limit: int) -> list[Claimed]:
        """Take notices that may be sent now, in the order in which they were issued.

        Raises:
            psycopg.Error: the database is away; the next call connects anew.
        """
        return self._read(self.connect().execute(CLAIM, _values(real, since, limit)).fetchall())

    def claim_stale(self, real: datetime, since: datetime, limit: int) -> list[Claimed]:
        """Take notices that are too old to be sent. Raises as `claim`."""
        values = _values(real, since, limit)
        return self._read(self.connect().execute(CLAIM_STALE, values).fetchall())

    def later(self, claimed: Claimed, at: datetime, error: str) -> None:
        """Let a notice rest; it is tried again then, or when the lease ends if this is lost."""
        self.connect().execute(LATER, (at, error, claimed.case, claimed.fact.notice))

    def done(self, claimed: Claimed) -> None:
        """Take a notice off the table: its outcome is in the log."""
        self.connect().execute(DONE, (claimed.case, claimed.fact.notice))

    def _read(self, rows: Sequence[tuple[object, ...]]) -> list[Claimed]:
        """Add what the log says of the claimed rows."""
        if not rows:
            return []
        found = read_positions(self.connect(), [int(str(row[1])) for row in rows])
        facts = {record.position: record.fact for record in found}
        claimed = [
            Claimed(case=case, fact=fact, issued_at=at, attempts=attempts, last_error=error)  # type: ignore[arg-type]
            for case, position, at, attempts, error in rows
            if isinstance(fact := facts.get(position), NoticeIssued | PartyNotified)  # type: ignore[call-overload]
        ]
        return sorted(claimed, key=lambda one: one.issued_at)


def _values(real: datetime, since: datetime, limit: int) -> dict[str, object]:
    again, latest = real + LEASE, real + SCHEDULE[-1] + LEASE
    return {"real": real, "since": since, "limit": limit, "again": again, "latest": latest}


def standing(connection: Connection) -> Standing:
    """Return where the notices of a district stand."""
    row = connection.execute(STANDING).fetchone()
    return Standing(*row) if row else Standing(0, None, 0, "")
