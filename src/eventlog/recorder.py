"""The eventsourcing library's recorders on our tables: its interfaces, our log.

They store any (originator, version, topic, state): `state` is the body, `topic` the type; what
else a row needs is taken from the body when it is one of ours, or made up. Strictness sits in the
mapper and the engine. Inserting goes through the SQL function `append`, like everything else.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import msgspec
import psycopg
from eventsourcing import persistence
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DataError,
    IntegrityError,
    Notification,
    PersistenceError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)
from typing_extensions import override

from eventlog.appender import (
    NewEvent,
    Request,
    append_batch,
)
from eventlog.database import Connection, Database
from eventlog.records import uuid7
from eventlog.subscription import LogSubscription
from eventlog.verify_rows import Envelope

CLIENT: Final = "recorder"
FOREIGN: Final = "library"
TRACKING: Final = "tracking:"

EVENTS: Final = """
    SELECT stream_id, stream_version, type, body FROM event
    WHERE stream_id = %s AND stream_version > %s AND stream_version <= %s
    ORDER BY stream_version {} LIMIT %s
"""
ASCENDING: Final[LiteralString] = EVENTS.replace("{}", "")
DESCENDING: Final[LiteralString] = EVENTS.replace("{}", "DESC")
NOTIFICATIONS: Final = """
    SELECT stream_id, stream_version, type, body, position FROM event
    WHERE position >= %(first)s AND (%(stop)s::bigint IS NULL OR position <= %(stop)s)
      AND (%(topics)s::text[] IS NULL OR type = ANY(%(topics)s))
    ORDER BY position LIMIT %(limit)s
"""
HEAD: Final = "SELECT nullif(position, 0) FROM ledger"
# The row moves forward only; an equal or lower position changes nothing and is refused.
TRACK: Final = """
    INSERT INTO checkpoint AS c (name, position) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = now()
    WHERE c.position < excluded.position
"""
TRACKED: Final = "SELECT position FROM checkpoint WHERE name = %s"
OLDEST: Final = -1
NEWEST: Final = 2**31 - 1


class LogAggregateRecorder(AggregateRecorder):
    """Streams of one district, one by one."""

    def __init__(self, database: Database) -> None:
        """Use a district's tables."""
        self._database = database

    @override
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Store events, all or none; IntegrityError if a stream has moved on."""
        with _translated(), self._database.connection() as connection, connection.transaction():
            _append(connection, stored_events)
        return None

    @override
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return a stream's events between two versions."""
        lowest, highest = OLDEST if gt is None else gt, NEWEST if lte is None else lte
        parameters = (originator_id, lowest, highest, limit)
        rows = self._rows(DESCENDING if desc else ASCENDING, parameters)
        return [StoredEvent(*row) for row in rows]

    def _rows(self, query: LiteralString, parameters: Any = None) -> list[tuple[Any, ...]]:  # noqa: ANN401 - sequence or mapping
        with (
            _translated(),
            self._database.connection() as connection,
            connection.cursor(binary=True) as cursor,
        ):
            return cursor.execute(query, parameters).fetchall()


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """A district's log as the library's application sequence: notification id = position."""

    @override
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Store events and return their positions."""
        with _translated(), self._database.connection() as connection, connection.transaction():
            return _append(connection, stored_events)

    @override
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return events by position; complete by construction, so nothing is ever skipped."""
        first = 0 if start is None else start + (not inclusive_of_start)
        wanted = list(topics) or None
        parameters = {"first": first, "stop": stop, "topics": wanted, "limit": limit}
        return [Notification(*row) for row in self._rows(NOTIFICATIONS, parameters)]

    @override
    def max_notification_id(self) -> int | None:
        """Return the last position, or None in an empty log."""
        rows = self._rows(HEAD)
        return rows[0][0] if rows else None

    @override
    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Return an iterator over the log that waits for what is appended later."""
        return LogSubscription(self, gt, topics)


class LogProcessRecorder(LogApplicationRecorder, ProcessRecorder):
    """Stores events together with how far another application was followed (`checkpoint`)."""

    @override
    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **kwargs: Any,
    ) -> Sequence[int]:
        """Store events and the tracking position in one transaction."""
        with _translated(), self._database.connection() as connection, connection.transaction():
            positions = _append(connection, stored_events)
            if tracking is not None:
                _track(connection, tracking)
            return positions

    @override
    def insert_tracking(self, tracking: Tracking) -> None:
        """Move a tracking position forward; IntegrityError if it is there already."""
        with _translated(), self._database.connection() as connection:
            _track(connection, tracking)

    @override
    def max_tracking_id(self, application_name: str) -> int | None:
        """Return how far an application was followed, or None if it never was."""
        rows = self._rows(TRACKED, (TRACKING + application_name,))
        return rows[0][0] if rows else None


def _append(connection: Connection, stored_events: Sequence[StoredEvent]) -> list[int]:
    """Append as one command of its own, in the caller's transaction."""
    if not stored_events:
        return []
    now, command = datetime.now(UTC), str(uuid4())
    bodies = [_envelope(event) for event in stored_events]
    commands = {body.command if body else command for body in bodies}
    if len(commands) > 1:
        raise DataError("the events of one call belong to one command")
    events = tuple(
        _row(event, body, now) for event, body in zip(stored_events, bodies, strict=True)
    )
    digest = sha256(b"".join(event.state for event in stored_events)).digest()
    request = Request(CLIENT, str(uuid4()), digest, commands.pop(), now, events)
    answer = append_batch(connection, [request])[0]
    if answer.outcome != "stored":
        raise IntegrityError("a stream is not at the version before the first event's")
    return list(range(answer.first, answer.last + 1))


def _envelope(event: StoredEvent) -> Envelope | None:
    """Return what the state says of itself, if it is a body of this very event."""
    try:
        body = msgspec.json.decode(event.state, type=Envelope)
    except (msgspec.MsgspecError, ValueError):
        return None
    if body.sealed:
        raise DataError("sealed texts need their ciphertexts beside them: use the engine")
    place = (str(event.originator_id), event.originator_version, event.topic)
    return body if (body.stream, body.version, body.type) == place else None


def _row(event: StoredEvent, body: Envelope | None, now: datetime) -> NewEvent:
    """Return the row for an event; what a foreign state does not say is made up."""
    return NewEvent(
        stream=str(event.originator_id),
        version=event.originator_version,
        event=body.event if body else str(uuid7(now)),
        stream_type=body.stream_type if body else FOREIGN,
        type=event.topic,
        schema=body.schema if body else 1,
        occurred_at=body.occurred_at if body else now,
        body=event.state,
    )


def _track(connection: Connection, tracking: Tracking) -> None:
    name = TRACKING + tracking.application_name
    if connection.execute(TRACK, (name, tracking.notification_id)).rowcount == 0:
        raise IntegrityError(f"{name} has already reached {tracking.notification_id}")


@contextmanager
def _translated() -> Generator[None]:
    """Raise the library's error of the same name for one of the driver's."""
    try:
        yield
    except psycopg.Error as error:
        for kind in type(error).__mro__:
            if kind.__module__ == "psycopg" and hasattr(persistence, kind.__name__):
                raise getattr(persistence, kind.__name__)(error) from error
        raise PersistenceError(error) from error
