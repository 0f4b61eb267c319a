"""待划归: which open cases a re-division left to be allotted by hand.

What was read of the log is remembered, so that asking again reads only what came since.
"""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Final

from domain import facts as f
from domain.case import Case
from eventlog.database import Database
from eventlog.reader import read_head, read_positions
from workflows.engine import Engine
from workflows.loading import load_cases

# The index of reference facts finds it: before the first decree nothing was re-allotted.
DECREED: Final = """
    SELECT coalesce(min(position), 0) FROM event
    WHERE stream_type <> 'case' AND type = 'division-decreed'
"""
# By the primary key, from where the last reading ended.
REALLOTTED: Final = """
    SELECT position FROM event
    WHERE position > %s AND position <= %s AND type = 'case-reallotted' ORDER BY position
"""


class Unallotted:
    """The list of one district, read on from where it was left."""

    def __init__(self) -> None:
        """Nothing is read before it is asked for."""
        self._lock = Lock()
        self._position = 0
        self._waiting: set[str] = set()

    def cases(self, engine: Engine) -> list[Case]:
        """Return the open cases that wait, by id; blocks. Before any division there are none."""
        if not engine.reference.directory.divisions:
            return []
        held = load_cases(engine.database, sorted(self._streams(engine.database)))
        return [one.case for one in held if one is not None and _waits(one.case, engine)]

    def _streams(self, database: Database) -> set[str]:
        """Return what waited when it was last re-allotted; what has ended since is among it."""
        with self._lock:
            for stream, waits in self._news(database):
                (self._waiting.add if waits else self._waiting.discard)(stream)
            return set(self._waiting)

    def _news(self, database: Database) -> Iterator[tuple[str, bool]]:
        with database.connection() as connection:
            head = read_head(connection).position
            if not self._position:
                row = connection.execute(DECREED).fetchone()
                self._position = int(row[0]) if row else 0
            if not self._position or self._position >= head:
                return
            found = connection.execute(REALLOTTED, (self._position, head)).fetchall()
            records = read_positions(connection, [int(one[0]) for one in found]) if found else []
        for record in records:
            if isinstance(record.fact, f.CaseReallotted):
                yield record.stream, record.fact.to_allot
        self._position = head


def _waits(case: Case, engine: Engine) -> bool:
    """Whether nobody can tell whose it is, and somebody has to: what has ended needs nobody."""
    kind = engine.reference.kinds.get(case.kind_hash)
    stage = kind.stages.get(case.stage) if kind else None
    return case.filing.to_allot and (stage is None or not stage.ending)


def to_be_allotted(engine: Engine) -> Sequence[Case]:
    """Return the list 待划归 once, where nothing is remembered; blocks."""
    return Unallotted().cases(engine)
