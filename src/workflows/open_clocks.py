"""Which open clocks a calendar's newest version can touch, asked of the table of open clocks.

Those that were last counted by an older version and fall due where the versions since differ from
it; and those that stand still, whose due is not known before they run again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from time import monotonic, sleep
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from domain.almanac import Almanac
from domain.due import SHANGHAI
from domain.errors import Collision
from eventlog.database import Connection, Database
from workflows.timers.table import TimerTable

PAGE: Final = 256
PATIENCE: Final = 30.0
"""Seconds that the table is waited for."""
LOOK: Final = 0.05
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING: Final = UUID(int=0)
TABLE: Final = TimerTable().name

# A page of cases by their id; `instances` names what is to be counted again.
PAGE_OF: Final = """
    SELECT o.case_id,
           array_agg(concat_ws('/', o.clock, o.scope, o.cycle, o.sequence, o.generation)
                     ORDER BY o.clock, o.scope, o.cycle, o.sequence)
    FROM open_clock o
    JOIN unnest(%(versions)s::text[], %(sinces)s::timestamptz[]) AS older (version, since)
      ON older.version = o.calendar_version
    WHERE o.calendar = %(name)s AND o.case_id > %(after)s
      AND (o.status = 'paused' OR o.due >= older.since)
    GROUP BY o.case_id ORDER BY o.case_id LIMIT %(limit)s
"""
COUNT: Final = """
    SELECT count(DISTINCT o.case_id)
    FROM open_clock o
    JOIN unnest(%(versions)s::text[], %(sinces)s::timestamptz[]) AS older (version, since)
      ON older.version = o.calendar_version
    WHERE o.calendar = %(name)s AND (o.status = 'paused' OR o.due >= older.since)
"""
OPEN: Final = "SELECT count(*) FROM open_clock WHERE calendar = %s"

HEAD: Final = "SELECT position FROM ledger"
FOLLOWED: Final = "SELECT position, state FROM checkpoint WHERE name = %s"

Values = Mapping[str, object] | Sequence[object]
Page = list[tuple[str, list[str]]]
"""Cases, each with the clocks meant there: `name/scope/cycle/sequence/generation`."""


class ClocksBehind(Collision):
    """时限表尚未跟上办理记录（{state}），不能重新计时。请稍后再试，或用 bihuan doctor 查看。"""

    code = "clocks-behind"


class Older(Struct, frozen=True):
    """Which clocks a version can touch: those of older versions, due from these moments on."""

    name: str
    versions: tuple[str, ...]
    sinces: tuple[datetime, ...]

    def parameters(self, **others: object) -> dict[str, object]:
        """Return what the statements ask for."""
        return {
            "name": self.name,
            "versions": list(self.versions),
            "sinces": list(self.sinces),
            **others,
        }


def older_than_newest(almanacs: Mapping[tuple[str, str], Almanac], name: str) -> Older:
    """Return which open clocks the newest version of a calendar can touch.

    A clock of an older version may have missed several: the earliest day any of them changed.
    """
    history = [almanac for (one, _), almanac in almanacs.items() if one == name]
    sinces: list[datetime] = []
    for almanac in reversed(history[1:]):
        since = almanac.regimes[-1].since
        began = datetime.combine(since, time(), SHANGHAI) if since else EVER
        sinces.append(min([began, *sinces[-1:]]))
    return Older(name, tuple(one.version for one in history[:-1]), tuple(reversed(sinces)))


def touched(database: Database, older: Older) -> int:
    """Return how many cases hold such a clock; blocks."""
    with database.connection() as connection:
        return _number(connection, COUNT, older.parameters())


def open_clocks(database: Database, calendar: str) -> int:
    """Return how many clocks are open that count by a calendar; blocks."""
    with database.connection() as connection:
        return _number(connection, OPEN, (calendar,))


def page(database: Database, older: Older, after: UUID) -> Page:
    """Return the next cases after one; blocks."""
    values = older.parameters(after=after, limit=PAGE)
    with database.connection() as connection:
        rows = connection.execute(PAGE_OF, values).fetchall()
    return [(str(case), instances) for case, instances in rows]


def pages(database: Database, older: Older) -> Iterator[Page]:
    """Yield all cases, page by page; blocks."""
    after = BEGINNING
    while found := page(database, older, after):
        yield found
        after = UUID(found[-1][0])


def _number(connection: Connection, query: LiteralString, values: Values = ()) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def followed(
    database: Database,
    follow: Callable[[], object] | None = None,
    *,
    patience: float = PATIENCE,
) -> None:
    """Wait until the table holds what the log holds now; `follow` carries it forward. Blocks.

    Raises:
        ClocksBehind: it does not come that far.
    """
    with database.connection() as connection:
        head = _number(connection, HEAD)
        if follow is not None:
            follow()
        deadline = monotonic() + patience
        while True:
            position, state = connection.execute(FOLLOWED, (TABLE,)).fetchone() or (-1, "missing")
            if position >= head:
                return
            if state == "halted" or monotonic() > deadline:
                raise ClocksBehind(state=state)
            sleep(LOOK)
