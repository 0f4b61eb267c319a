"""What the engine reads of the log: cases with the ends of their streams, reference data, answers.

All of it blocks; the engine calls it on other threads, the loads of many cases as one statement.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from domain.case import Case, blank
from domain.errors import NotFound
from domain.evolve import fold
from domain.facts import CASE
from domain.world import Stream
from eventlog.database import Database
from eventlog.envelope import Tail
from eventlog.reader import (
    Stored,
    read_command,
    read_head,
    read_range,
    read_reference,
    read_stream,
    read_tails,
)
from eventlog.records import Record
from workflows.reference import Reference, fold_reference


class Held(Struct, frozen=True, gc=False):
    """A case in the cache, with the end of its stream."""

    case: Case
    tail: Tail


def load_cases(database: Database, streams: Sequence[str]) -> list[Held | None]:
    """Return the cases of these streams, in order; None where there is none."""
    with database.connection() as connection:
        found = read_tails(connection, list(dict.fromkeys(streams)))
    return [_held(stream, *found[stream]) for stream in streams]


def found(held: Held | None) -> Held:
    """Return a case that has to be there.

    Raises:
        NotFound: it is not.
    """
    if held is None:
        raise NotFound(what="事项")
    return held


def load_tail(database: Database, stream_type: str, stream: str) -> Tail:
    """Return where a stream ends."""
    one = Stream(stream_type, stream)
    return load_tails(database, {one: stream})[one]


def load_tails(database: Database, streams: Mapping[Stream, str]) -> dict[Stream, Tail]:
    """Return where streams end, given with their ids; in one statement."""
    with database.connection() as connection:
        found = read_tails(connection, list(streams.values()))
    return {
        stream: Tail(known, stream.type, len(found[known][0]), found[known][1])
        for stream, known in streams.items()
    }


def load_reference(database: Database, reference: Reference) -> Reference:
    """Return reference data as it is now, read on from what is known."""
    with database.connection() as connection:
        head = read_head(connection)
        if head.reference_head <= reference.position:
            return reference
        records = read_reference(connection, reference.position, head.position)
    return fold_reference(reference, records, head.position)


def load_command(database: Database, client: str, key: str) -> Stored | None:
    """Return what was recorded under a key; None if nobody used it."""
    with database.connection() as connection:
        return read_command(connection, client, key)


def load_through(database: Database, first: int, last: int) -> list[Record]:
    """Return the records of the case that position `first` belongs to, up to `last`."""
    with database.connection() as connection:
        stream = read_range(connection, first - 1, 1)[0].stream
        records = read_stream(connection, stream)
    return [record for record in records if record.position <= last]


def folded(records: Sequence[Record]) -> Case:
    """Return the case that a stream's records, from the first on, amount to."""
    first = records[0].body
    return fold(
        blank(first.stream, first.kind or ""),
        ((record.fact, record.occurred_at) for record in records),
    )


def _held(stream: str, records: Sequence[Record], prev: str) -> Held | None:
    """Fold a stream; None if it is not a case, or not there."""
    if not records or records[0].body.stream_type != CASE:
        return None
    return Held(folded(records), Tail(stream, CASE, len(records), prev))
