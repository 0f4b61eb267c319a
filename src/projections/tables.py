"""The tables of a ledger: current rows, past rows and the states they are folded from.

`cases` holds what is true now as known now, `cases_history` every row that was replaced or taken
back, `cases_state` what the next fold needs. All of a batch goes in with five statements.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Generic

import msgspec
from msgspec.inspect import type_info
from msgspec.structs import astuple
from psycopg import Cursor, sql

from domain.facts import FACTS
from eventlog.batch import Facts, batch_of
from eventlog.database import Connection
from eventlog.reader import read_tails
from eventlog.records import Followed
from eventlog.runner import Policy
from projections.code import code_digest
from projections.copying import (
    COPY_OPTIONS,
    array,
    bytes_array,
    copy_lines,
    text_array,
    unit_array,
)
from projections.counts import ADD, MOVE, Tally, add_columns, deltas, move_columns, moves
from projections.rows import Kept, Line, Past, R, S, Shape, Taken

FOREVER: Final = "infinity"
BUILD: Final = "__build"
"""Ends the names of tables that are being rebuilt beside the live ones."""
WRITING: Final = "1"
"""Raised when the same rows of a fold are stored otherwise: every ledger is rebuilt then."""

_encode: Final = msgspec.msgpack.Encoder().encode

LOAD: Final = "SELECT case_id::text, state FROM {state} WHERE case_id = ANY(%s::uuid[])"
# In place: no index holds the state, so most updates stay on their page.
KEEP: Final = """
    INSERT INTO {state} (case_id, state) SELECT * FROM unnest(%s::uuid[], %s::bytea[])
    ON CONFLICT (case_id) DO UPDATE SET state = excluded.state
"""
# Current rows are replaced as a whole, so that COPY can bring the new ones.
REPLACE: Final = """
    DELETE FROM {current} c USING unnest(%s::uuid[], %s::text[]) AS w (case_id, row_key)
    WHERE c.case_id = w.case_id AND c.row_key = w.row_key
"""
# Only late facts do this. At most one row of a key that still stands begins at a moment.
TAKE_BACK: Final = """
    UPDATE {history} h SET position_to = w.position
    FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::bigint[])
         AS w (case_id, row_key, valid_from, position)
    WHERE h.case_id = w.case_id AND h.row_key = w.row_key AND h.valid_from = w.valid_from
      AND h.position_to = 9223372036854775807
"""
COPY_CURRENT: Final = (
    "COPY {current} (case_id, row_key, valid_from, position_from, {columns}) FROM STDIN ({options})"
)
COPY_HISTORY: Final = """
    COPY {history} (case_id, row_key, valid_from, valid_to, ended_position, position_from,
                    position_to, {columns}) FROM STDIN ({options})
"""


class Tables(Generic[S, R]):
    """The three tables of a ledger, live or being rebuilt; a follower of the log."""

    policy: Policy = "halt"

    def __init__(self, shape: Shape[S, R], *, suffix: str = "") -> None:
        """Name the tables; `suffix` tells a rebuild's from the live ones."""
        self.shape = shape
        self.suffix = suffix
        self._decoder = msgspec.msgpack.Decoder(Kept[shape.state])  # type: ignore[name-defined]

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return checkpoint_name(self.shape) + self.suffix

    @property
    def fingerprint(self) -> str:
        """What its rows depend on, the same for the live tables and a rebuild's."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint_of(self.shape)

    @cached_property
    def facts(self) -> Facts:
        """The facts that it folds."""
        return facts_of(self.shape)

    @property
    def names(self) -> dict[str, str]:
        """The three tables by what they hold."""
        name, suffix = self.shape.name, self.suffix
        tables = {
            "current": name + suffix,
            "history": f"{name}_history{suffix}",
            "state": f"{name}_state{suffix}",
        }
        if self.shape.tally is not None:
            tables["counts"] = f"{name}_counts{suffix}"
            tables["days"] = f"{name}_days{suffix}"
            tables["stock"] = f"{name}_stock{suffix}"
        return tables

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write what changed."""
        streams = self._heeded(batch_of(records).streams(self.facts))
        if not streams:
            return
        lines = self._load(connection, streams)
        self._bring_streams(connection, lines, streams)
        for line in lines:
            line.apply(streams[line.case_id])
        self._write(connection, lines)

    def _heeded(
        self, streams: Mapping[str, Sequence[Followed]]
    ) -> Mapping[str, Sequence[Followed]]:
        """Leave out facts of the right class that are none of the ledger's all the same."""
        heeds = self.shape.heeds
        if heeds is None:
            return streams
        heeded = {
            stream: [record for record in records if heeds(record.body.data)]
            for stream, records in streams.items()
        }
        return {stream: records for stream, records in heeded.items() if records}

    def _load(self, connection: Connection, streams: Iterable[str]) -> list[Line[S, R]]:
        with connection.cursor(binary=True) as cursor:
            rows = cursor.execute(self._sql(LOAD), (array(streams),)).fetchall()
        kept = {case_id: self._decoder.decode(state) for case_id, state in rows}
        return [Line(self.shape, stream, kept.get(stream)) for stream in streams]

    def _bring_streams(
        self,
        connection: Connection,
        lines: Sequence[Line[S, R]],
        streams: Mapping[str, Sequence[Followed]],
    ) -> None:
        """Give cases with late facts their whole stream; most often the batch holds all of it."""
        late = [line for line in lines if line.is_late(streams[line.case_id])]
        for line in late:
            line.ordered = False
            line.stream = streams[line.case_id]
        partial = [line for line in late if line.latest is not None]
        if partial:
            found = read_tails(connection, [line.case_id for line in partial])
            for line in partial:
                stream, _ = found[line.case_id]
                line.stream = [record for record in stream if self.shape.concerns(record)]

    def _write(self, connection: Connection, lines: Sequence[Line[S, R]]) -> None:
        taken = [(line.case_id, each) for line in lines for each in line.taken]
        past = [self._past(line.case_id, each) for line in lines for each in line.past]
        changed = [(line, key) for line in lines for key in line.changed()]
        replaced = [(line.case_id, key) for line, key in changed if key in line.stored]
        with connection.cursor() as cursor:
            if taken:
                cursor.execute(self._sql(TAKE_BACK), _taken_columns(taken))
            if past:
                with cursor.copy(self._sql(COPY_HISTORY)) as copy:
                    copy.write(copy_lines(past))
            if replaced:
                owners = array([case_id for case_id, _ in replaced])
                keys = text_array([key for _, key in replaced])
                cursor.execute(self._sql(REPLACE), (owners, keys))
            if changed:
                with cursor.copy(self._sql(COPY_CURRENT)) as copy:
                    copy.write(copy_lines([self._current(line, key) for line, key in changed]))
            kept = [line for line in lines if line.worth_keeping]
            if kept:
                ids = array([line.case_id for line in kept])
                states = bytes_array([_encode(line.kept()) for line in kept])
                cursor.execute(self._sql(KEEP), (ids, states))
            if self.shape.tally is not None:
                pairs = [(line.shown.get(key), line.rows[key]) for line, key in changed]
                self._count(cursor, self.shape.tally, pairs)

    def _count(
        self,
        cursor: Cursor[tuple[Any, ...]],
        tally: Tally[R],
        pairs: Sequence[tuple[R | None, R]],
    ) -> None:
        """Move the counters by what changed."""
        moved = deltas(tally, pairs)
        if moved:
            cursor.execute(self._sql(ADD), add_columns(moved, len(tally.measures)))
        shifted = moves(tally, pairs)
        if shifted:
            cursor.execute(self._sql(MOVE), move_columns(shifted))

    def _current(self, line: Line[S, R], key: str) -> list[object]:
        span = line.spans[key]
        return [line.case_id, key, span.valid_from, span.position, *self._values(line.rows[key])]

    def _past(self, case_id: str, past: Past[R]) -> list[object]:
        until = past.valid_to or FOREVER
        positions = (past.ended, past.position_from, past.position_to)
        return [case_id, past.key, past.valid_from, until, *positions, *self._values(past.row)]

    def _values(self, row: R) -> list[object]:
        values: list[object] = list(astuple(row))
        for index in self._lists:
            values[index] = unit_array(values[index])
        return values

    @cached_property
    def _lists(self) -> tuple[int, ...]:
        """Which columns hold lists of units."""
        found = enumerate(msgspec.structs.fields(self.shape.row))
        return tuple(index for index, field in found if field.type == tuple[str, ...])

    def _sql(self, query: str) -> sql.Composed:
        return self._composed[query]

    @cached_property
    def _composed(self) -> dict[str, sql.Composed]:
        names = {holds: sql.Identifier(name) for holds, name in self.names.items()}
        columns = sql.SQL(", ").join(map(sql.Identifier, self.shape.columns))
        queries = (LOAD, KEEP, REPLACE, TAKE_BACK, COPY_CURRENT, COPY_HISTORY)
        options = sql.SQL(COPY_OPTIONS)
        composed = {
            query: sql.SQL(query).format(columns=columns, options=options, **names)
            for query in queries
        }
        tally = self.shape.tally
        if tally is not None:
            composed[ADD] = sql.SQL(ADD).format(
                counts=names["counts"], days=names["days"], **_sums(tally)
            )
            composed[MOVE] = sql.SQL(MOVE).format(stock=names["stock"], **_standing(tally))
        return composed


def _standing(tally: Tally[Any]) -> dict[str, sql.Composable]:
    facets = tally.stock.facets
    return {
        "facets": sql.SQL(", ").join(map(sql.Identifier, facets)),
        "standing": sql.SQL(", ").join([sql.Identifier("w", facet) for facet in facets]),
        "arrays": sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(facets)),
    }


def _sums(tally: Tally[Any]) -> dict[str, sql.Composable]:
    measures = [sql.Identifier(measure) for measure in tally.measures]
    added = [sql.SQL("{0} = c.{0} + excluded.{0}").format(measure) for measure in measures]
    return {
        "measures": sql.SQL(", ").join(measures),
        "sums": sql.SQL(", ").join([sql.SQL("sum(w.{0}) AS {0}").format(one) for one in measures]),
        "moved": sql.SQL(" OR ").join([sql.SQL("sum(w.{}) <> 0").format(one) for one in measures]),
        "arrays": sql.SQL(", ").join([sql.SQL("%s::integer[]")] * len(measures)),
        "added": sql.SQL(", ").join(added),
    }


def checkpoint_name(shape: Shape[Any, Any]) -> str:
    """Return under which name a ledger's checkpoint stands, for example `cases@1`."""
    return f"{shape.name}@{shape.version}"


def facts_of(shape: Shape[Any, Any]) -> Facts:
    """Return the classes of facts that a shape folds: of its streams, and among those it names."""
    known = FACTS if shape.facts is None else shape.facts
    return frozenset(fact for fact in known if shape.stream == fact.STREAM)


def fingerprint_of(shape: Shape[Any, Any]) -> str:
    """Digest what stored rows and states look like, and the code that makes them.

    A change of it needs a rebuild; see `projections/code.py` for what of the code counts.
    """
    parts = [WRITING, checkpoint_name(shape), repr(type_info(shape.row))]
    parts += [repr(type_info(shape.state)), *_named(shape.facts)]
    roots: list[object] = [shape.blank, shape.fold, shape.show]
    if shape.tally is not None:
        parts += [*shape.tally.measures, *shape.tally.stock.facets]
        roots += [shape.tally.days, shape.tally.facets, shape.tally.stock.stands]
    return sha256("\n".join([*parts, code_digest(roots)]).encode()).hexdigest()[:16]


def _named(facts: Facts | None) -> list[str]:
    return sorted(fact.TYPE for fact in facts) if facts is not None else []


def _taken_columns(taken: Sequence[tuple[str, Taken]]) -> list[str]:
    return [
        array(case_id for case_id, _ in taken),
        text_array(each.key for _, each in taken),
        text_array(each.valid_from.isoformat() for _, each in taken),
        array(str(each.position) for _, each in taken),
    ]
