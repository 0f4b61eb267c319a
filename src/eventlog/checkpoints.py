"""Checkpoints: how far each follower has come, and the lease that a lock on its row is.

One place for all that the runner says to the table `checkpoint` and its neighbour `quarantine`.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal, Protocol, runtime_checkable

from msgspec import Struct

from eventlog.batch import Facts
from eventlog.database import Connection
from eventlog.records import Followed

Policy = Literal["halt", "quarantine"]


class Follower(Protocol):
    """What the runner carries forward."""

    @property
    def name(self) -> str:
        """Its checkpoint, for example `cases@1`."""
        ...

    @property
    def fingerprint(self) -> str:
        """What its rows depend on; another fingerprint under the same name needs a rebuild."""
        ...

    @property
    def policy(self) -> Policy:
        """What a fact that cannot be applied does: stop all, or set its case aside."""
        ...

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write the rows, in the caller's transaction.

        The runner gives a `Batch`, which knows the facts by class and by stream.
        """
        ...


@runtime_checkable
class Selective(Protocol):
    """A follower that says which facts concern it: a range without any costs it nothing."""

    @property
    def facts(self) -> Facts:
        """The classes of facts that it looks at."""
        ...


class Lag(Struct, frozen=True):
    """How far a follower is behind, and whether it still moves."""

    name: str
    position: int
    head: int
    behind: int
    state: str
    detail: str
    seconds: float = 0.0
    """How long the next fact has been waiting for it."""
    batches: int = 0
    """Ranges it has taken."""
    pace: int = 0
    """Facts a second, in the last range that took a measurable time."""
    quarantined: int = 0
    """Streams set aside, see `policy`."""


LAG: Final = """
    SELECT c.name, c.position, l.position, l.position - c.position, c.state, c.detail,
           coalesce(greatest(extract(epoch FROM now() - e.recorded_at), 0), 0)::float8,
           c.batches, c.pace,
           (SELECT count(*) FROM quarantine q WHERE q.name = c.name)
    FROM checkpoint c CROSS JOIN ledger l LEFT JOIN event e ON e.position = c.position + 1
    ORDER BY c.name
"""
# Known from the first connection on, so that lag is visible before the first range.
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint)
    SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT (name) DO NOTHING
"""
# Rows folded by other code must not be continued by this one.
DISOWN: Final = """
    UPDATE checkpoint c SET state = 'halted', detail = %s, updated_at = now()
    FROM unnest(%s::text[], %s::text[]) AS w (name, fingerprint)
    WHERE c.name = w.name AND c.fingerprint <> w.fingerprint AND c.state <> 'halted'
"""
CHANGED: Final = "the ledger has changed: rebuild it"
"""The detail of a follower that stands still because its code is another now."""
# Without a lock: who has anything to do at all? Runs at every poll.
WAITING: Final = """
    SELECT c.name, c.position FROM checkpoint c, ledger l
    WHERE c.name = ANY(%s) AND c.position < l.position AND c.state IN ('live', 'building')
"""
# The lease. Whoever comes second goes on to another follower instead of queueing.
LOCK: Final = """
    SELECT position FROM checkpoint
    WHERE name = %s AND state IN ('live', 'building') FOR UPDATE SKIP LOCKED
"""
ADVANCE: Final = """
    UPDATE checkpoint SET position = %s, batches = batches + 1, pace = coalesce(%s, pace),
                          updated_at = now()
    WHERE name = %s
"""
# Followers that a range does not concern, all at once; who moved meanwhile, or is held, stays.
MOVE: Final = """
    UPDATE checkpoint SET position = %s, batches = batches + 1, updated_at = now()
    WHERE name IN (SELECT name FROM checkpoint
                   WHERE name = ANY(%s) AND position = %s AND state IN ('live', 'building')
                   ORDER BY name FOR UPDATE SKIP LOCKED)
"""
HALT: Final = """
    UPDATE checkpoint SET state = 'halted', detail = %s, updated_at = now()
    WHERE name = %s AND position = %s
"""
# A request that cannot be applied: which facts of which streams it wrote.
REQUEST: Final = """
    SELECT e.position, e.stream_id FROM event e
    WHERE e.recorded_at = (SELECT recorded_at FROM event WHERE position = %s) ORDER BY e.position
"""
SET_ASIDE: Final = """
    INSERT INTO quarantine (name, stream_id, position, error) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name, stream_id) DO NOTHING
"""
ASIDE: Final = "SELECT stream_id::text FROM quarantine WHERE name = %s"
ASIDE_DETAIL: Final = """
    UPDATE checkpoint SET updated_at = now(), detail = (
        SELECT format('%%s quarantined, last at position %%s', count(*), max(q.position))
        FROM quarantine q WHERE q.name = checkpoint.name)
    WHERE name = %s
"""


def lag(connection: Connection) -> list[Lag]:
    """Return where every follower stands, by name."""
    return [Lag(*row) for row in connection.execute(LAG).fetchall()]


def register(connection: Connection, followers: Collection[Follower]) -> None:
    """Make followers known; those whose code is not that of their rows any more stand still."""
    if not followers:
        return
    names = [follower.name for follower in followers]
    prints = [follower.fingerprint for follower in followers]
    connection.execute(REGISTER, (names, prints))
    connection.execute(DISOWN, (CHANGED, names, prints))


def waiting(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Return who of these has facts before it, and after which position."""
    return dict(connection.execute(WAITING, (names,)).fetchall())


def take_lease(connection: Connection, name: str) -> int | None:
    """Lock a follower for the rest of the transaction; return its position, None if it is held."""
    row = connection.execute(LOCK, (name,)).fetchone()
    return int(row[0]) if row else None


def advance(connection: Connection, name: str, position: int, *, pace: int | None = None) -> None:
    """Move a follower whose lease the transaction has; `pace` in facts a second, if measured."""
    connection.execute(ADVANCE, (position, pace, name))


def pass_by(connection: Connection, names: Sequence[str], start: int, end: int) -> int:
    """Move followers that a range does not concern; return how many were moved."""
    return connection.execute(MOVE, (end, names, start)).rowcount


def halt(connection: Connection, name: str, position: int, reason: str) -> None:
    """Let a follower stand still before the fact after a position, visibly."""
    connection.execute(HALT, (f"position {position + 1}: {reason}", name, position))


def set_aside(connection: Connection, name: str, position: int, reason: str) -> int:
    """Set the streams of the request after a position aside, and move past it.

    Return how many facts the request has.
    """
    request = connection.execute(REQUEST, (position + 1,)).fetchall()
    for at, stream in request:
        connection.execute(SET_ASIDE, (name, stream, at, reason))
    advance(connection, name, request[-1][0])
    connection.execute(ASIDE_DETAIL, (name,))
    return len(request)


def aside(connection: Connection, name: str) -> frozenset[str]:
    """Return the streams that a follower has set aside."""
    return frozenset(stream for (stream,) in connection.execute(ASIDE, (name,)).fetchall())
