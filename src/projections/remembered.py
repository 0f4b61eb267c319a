"""Answers about now that are remembered until something they depend on changes.

What is true now depends on the rows, and where those stand the checkpoints tell; on who asks what,
by which directory, kinds and formulas; and on time, but only at known moments: a due that passes, a
term that begins or ends, midnight. Until the next of them the same question has the same answer, so
the screens of a hall need not have all cases counted again every few seconds.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, LiteralString, TypeVar

from msgspec import Struct

from domain.wall import SHANGHAI
from eventlog.database import Connection
from projections.query import snapshot

T = TypeVar("T")

MOST: Final = 64
"""Answers of a district that one process keeps; those asked for last."""
UNCHANGED: Final = "SELECT NULL::timestamptz"
"""As `changes`: time alone changes nothing."""
# A rebuild that changes rows at the same position changes the time.
STAND: Final = """
    SELECT name, position, state, updated_at FROM checkpoint WHERE name = ANY(%s) ORDER BY name
"""


class Question(Struct, frozen=True):
    """What is asked about now, and what the answer depends on."""

    key: Hashable
    """Who asks what, and the position of the reference facts it is answered by."""
    now: datetime
    follows: Sequence[str]
    """The checkpoints of all tables that are read."""
    changes: LiteralString
    """SQL for the first moment at or after `%(now)s` at which rows change by time alone, if any.

    At midnight in Beijing every answer may change.
    """


class _Known(Struct, frozen=True):
    stand: Hashable
    since: datetime
    until: datetime
    answer: Any


class Remembered:
    """The answers of one district; used by many threads."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        self._lock = Lock()

    def answer(self, connection: Connection, question: Question, find: Callable[[], T]) -> T:
        """Return the answer, remembered or found now; nobody may change what it holds."""
        with snapshot(connection):
            stand = tuple(connection.execute(STAND, (list(question.follows),)).fetchall())
            known = self._recall(question, stand)
            if known is not None:
                found: T = known.answer
                return found
            found = find()
            until = _until(connection, question)
        self._keep(question.key, _Known(stand, question.now, until, found))
        return found

    def _recall(self, question: Question, stand: Hashable) -> _Known | None:
        with self._lock:
            known = self._known.get(question.key)
            if known is None or known.stand != stand:
                return None
            if not known.since <= question.now < known.until:
                return None
            self._known.move_to_end(question.key)
            return known

    def _keep(self, key: Hashable, known: _Known) -> None:
        with self._lock:
            self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)


def _until(connection: Connection, question: Question) -> datetime:
    """Return until when the rows say the same, exclusive."""
    midnight = question.now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    row = connection.execute(question.changes, {"now": question.now}).fetchone()
    tomorrow = midnight + timedelta(days=1)
    return min(tomorrow, row[0]) if row and row[0] else tomorrow
