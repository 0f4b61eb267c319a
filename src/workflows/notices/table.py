"""The table `delivery`: which notices have no outcome yet, and where in the log they stand.

A follower of the log like every ledger. A row is only an index: what is sent is the fact itself.
How often it was tried, and when next, is the worker's own state in the same row: no fact tells of
it, a rebuild leaves it alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain import facts as f
from eventlog.batch import Facts, batch_of
from eventlog.database import Connection
from eventlog.reader import read_requests
from eventlog.records import Followed
from eventlog.runner import BATCH, Policy

Key = tuple[str, int]
"""Of a notice in its district: (case, its number there)."""

NAME: Final = "notices"
VERSION: Final = 1
CHECKPOINT: Final = f"{NAME}@{VERSION}"
FINGERPRINT: Final = str(VERSION)
"""The rows hold nothing but what facts carry: the version alone says what they look like."""

# A row that is there already keeps how sending it went.
ADD: Final = """
    INSERT INTO delivery (case_id, notice, position, issued_at)
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::timestamptz[])
    ON CONFLICT (case_id, notice) DO UPDATE
    SET position = excluded.position, issued_at = excluded.issued_at
"""
REMOVE: Final = """
    DELETE FROM delivery d USING unnest(%s::uuid[], %s::int[]) AS w (case_id, notice)
    WHERE (d.case_id, d.notice) = (w.case_id, w.notice)
"""
KEEP_ONLY: Final = """
    DELETE FROM delivery d WHERE NOT EXISTS (
        SELECT FROM unnest(%s::uuid[], %s::int[]) AS w (case_id, notice)
        WHERE (d.case_id, d.notice) = (w.case_id, w.notice))
"""
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# The lease: the runner passes over a follower that is being rebuilt.
HOLD: Final = "SELECT position FROM checkpoint WHERE name = %s FOR UPDATE"
PUT_LIVE: Final = """
    UPDATE checkpoint SET position = %s, fingerprint = %s, state = 'live', detail = '',
                          updated_at = now()
    WHERE name = %s
"""


class Waiting(Struct, frozen=True, gc=False):
    """A notice without an outcome: where it stands in the log, and when it was issued."""

    position: int
    issued_at: datetime


class DeliveryTable:
    """The table, as the runner carries it forward."""

    policy: Policy = "halt"
    name = CHECKPOINT
    fingerprint = FINGERPRINT
    facts: Facts = frozenset(
        {
            f.NoticeIssued,
            f.PartyNotified,
            f.NoticeDelivered,
            f.NoticeUndeliverable,
            f.NoticeAcknowledged,
            f.PartyNoticeDelivered,
            f.PartyNoticeUndeliverable,
            f.PartyNoticeAcknowledged,
        }
    )

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write what changed."""
        issued, ended = changes_of(batch_of(records).of(self.facts))
        if ended:
            connection.execute(REMOVE, _keys(list(ended)))
        _add(connection, issued)


def changes_of(records: Sequence[Followed]) -> tuple[dict[Key, Waiting], set[Key]]:
    """Return which notices were issued and have no outcome, and which have one now."""
    issued: dict[Key, Waiting] = {}
    ended: set[Key] = set()
    for record in records:
        match record.fact:
            case f.NoticeIssued() | f.PartyNotified() as fact:
                issued[record.stream, fact.notice] = Waiting(record.position, record.occurred_at)
            case (
                f.NoticeDelivered()
                | f.NoticeUndeliverable()
                | f.NoticeAcknowledged()
                | f.PartyNoticeDelivered()
                | f.PartyNoticeUndeliverable()
                | f.PartyNoticeAcknowledged()
            ) as fact:
                # Who signs has read it: there is nothing left to send.
                issued.pop((record.stream, fact.notice), None)
                ended.add((record.stream, fact.notice))
            case _:
                pass
    return issued, ended


def rebuild(connection: Connection, *, batch: int = BATCH) -> int:
    """Fold the table anew from the first fact, in one transaction; return how many rows it has.

    Workers go on meanwhile; what they know of sending a notice stays with its row.
    """
    with connection.transaction():
        connection.execute(REGISTER, (CHECKPOINT, FINGERPRINT))
        connection.execute(HOLD, (CHECKPOINT,))
        waiting: dict[Key, Waiting] = {}
        position = 0
        while records := read_requests(connection, position, batch):
            issued, ended = changes_of(records)
            waiting = {key: one for key, one in waiting.items() if key not in ended} | issued
            position = records[-1].position
        connection.execute(KEEP_ONLY, _keys(list(waiting)))
        _add(connection, waiting)
        connection.execute(PUT_LIVE, (position, FINGERPRINT, CHECKPOINT))
    return len(waiting)


def _add(connection: Connection, waiting: Mapping[Key, Waiting]) -> None:
    if waiting:
        positions = [one.position for one in waiting.values()]
        times = [one.issued_at for one in waiting.values()]
        connection.execute(ADD, [*_keys(list(waiting)), positions, times])


def _keys(keys: Sequence[Key]) -> list[list[object]]:
    return [[case for case, _ in keys], [notice for _, notice in keys]]
