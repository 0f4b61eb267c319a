"""Counting every clock of a district again, to see whether today's rules still come to its due."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from domain.drift import Drift, drift
from eventlog.database import Connection, Database
from workflows.loading import load_cases
from workflows.reference import Reference

PAGE: Final = 256
BEGINNING: Final = UUID(int=0)
# Every case has a first fact; the unique key of streams and versions is read in its order.
CASES: Final = """
    SELECT stream_id FROM event
    WHERE stream_type = 'case' AND stream_version = 1 AND stream_id > %s
    ORDER BY stream_id LIMIT %s
"""
COUNT: Final = "SELECT count(*) FROM event WHERE stream_type = 'case' AND stream_version = 1"

Tell = Callable[[int, int], object]
"""Told how many cases are done, of how many."""


def drifts(database: Database, reference: Reference, tell: Tell) -> Iterator[Drift]:
    """Yield what differs, case by case; nothing is recorded (clocks.md R15). Blocks."""
    with database.connection() as connection:
        done, total = 0, _count(connection)
        after = BEGINNING
        while streams := _page(connection, after):
            for held in load_cases(database, [str(stream) for stream in streams]):
                if held is not None:
                    kind = reference.kinds.get(held.case.kind_hash)
                    yield from drift(held.case, reference.almanacs, kind)
            after = streams[-1]
            done += len(streams)
            tell(done, total)


def _count(connection: Connection) -> int:
    row = connection.execute(COUNT).fetchone()
    return int(row[0]) if row else 0


def _page(connection: Connection, after: UUID) -> list[UUID]:
    return [row[0] for row in connection.execute(CASES, (after, PAGE)).fetchall()]
