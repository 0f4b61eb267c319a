"""Rebuilding ledgers beside the live ones, any number in one pass, and putting them in place.

The live tables answer all the while. A rebuild that is interrupted goes on where it stopped; one
whose code has changed starts again. Memory is bounded by the runner's batch. At the end old and new
rows are compared at one position; what was found stands in the checkpoint.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from psycopg import sql

from eventlog.batch import Batch
from eventlog.checkpoints import CHANGED, aside
from eventlog.database import Connection, Database
from eventlog.hands import HANDS
from eventlog.reader import read_requests
from eventlog.runner import BATCH, Follower, Runner
from projections.comparing import Comparison, compare, exchange
from projections.ledger import Ledger
from projections.tables import BUILD, Tables

Progress = Callable[[int, int], None]
"""Hears the position reached and the head of the log."""
AllProgress = Callable[[str, int, int], None]
"""Hears it of each, by the name of its live checkpoint."""


class RebuildHalted(Exception):
    """台账“{ledger}”重建中断：{detail}。原台账未受影响。请排除原因后再次重建，将从中断处继续。"""

    def __init__(self, ledger: str, detail: str) -> None:
        """Name the fact that could not be taken in."""
        text = (type(self).__doc__ or "").format(ledger=ledger, detail=detail)
        super().__init__(text)


BEGUN: Final = "SELECT fingerprint FROM checkpoint WHERE name = %s"
DISCARD: Final = "DELETE FROM checkpoint WHERE name = %s"
RELEASE: Final = "DELETE FROM quarantine WHERE name = %s"
# What the rebuild set aside in its turn stays aside.
INHERIT: Final = "UPDATE quarantine SET name = %s WHERE name = %s"
BEGIN: Final = "INSERT INTO checkpoint (name, fingerprint, state) VALUES (%s, %s, 'building')"
GO_ON: Final = "UPDATE checkpoint SET state = 'building', detail = '' WHERE name = %s"
# The live ledger must have a checkpoint before it can be locked.
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
HOLD: Final = """
    SELECT name, position, state, fingerprint FROM checkpoint
    WHERE name = ANY(%s) ORDER BY name FOR UPDATE
"""
PUT_LIVE: Final = """
    UPDATE checkpoint SET position = %s, fingerprint = %s, state = 'live', detail = %s,
                          compared = %s::jsonb, updated_at = now()
    WHERE name = %s
"""
COMPARED: Final = "SELECT compared FROM checkpoint WHERE name = %s AND compared IS NOT NULL"
STAND: Final = """
    SELECT c.name, c.position, l.position, c.state, c.detail FROM checkpoint c, ledger l
    WHERE c.name = ANY(%s)
"""
RESUME: Final = """
    UPDATE checkpoint SET state = 'live', detail = '', updated_at = now()
    WHERE name = %s AND fingerprint = %s AND state = 'halted'
"""
# Whose code is another now, and whose rebuild has begun already.
OUTDATED: Final = """
    SELECT name FROM checkpoint WHERE name = ANY(%s) AND state = 'halted' AND detail = %s
"""
# What folding needs: the keys, and finding the rows of a case. The rest is not for reading.
INDEXES: Final = """
    SELECT i.relname, pg_get_indexdef(i.oid), pg_get_constraintdef(k.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype = 'p'
    WHERE x.indrelid = %s::regclass AND (k.oid IS NOT NULL OR x.indkey[0] = 1)
      AND x.indpred IS NULL
    ORDER BY i.relname
"""
OPTIONS: Final = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass"
COPY_TABLE: Final = """
    CREATE TABLE {build} (LIKE {live} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)
"""


class Rebuilt(Follower, Protocol):
    """A follower whose tables can be made anew beside the live ones."""

    @property
    def names(self) -> Mapping[str, str]:
        """Its tables by what they hold."""
        ...


class Pair(NamedTuple):
    """A follower as it is, and as it is being built."""

    live: Rebuilt
    build: Rebuilt


class Outcome(NamedTuple):
    """What became of a rebuild: what was found, or the reason why it stands."""

    name: str
    found: Comparison | None
    halted: str = ""


def pair_of(ledger: Ledger[Any, Any]) -> Pair:
    """Return a ledger's tables, and those of its rebuild."""
    return Pair(ledger.tables, Tables(ledger.shape, suffix=BUILD))


def rebuild(
    database: Database,
    ledger: Ledger[Any, Any],
    *,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> Comparison:
    """Fold a ledger anew from the first fact, then put it in place of the live one.

    Also what a halted ledger needs once its cause is mended, one whose code has changed, and one
    that has set cases aside.

    Raises:
        RebuildHalted: a fact cannot be taken in; the live ledger is as it was.
    """
    pair = pair_of(ledger)
    return rebuild_beside(database, pair.live, pair.build, progress=progress, batch=batch)


def rebuild_beside(
    database: Database,
    live: Rebuilt,
    build: Rebuilt,
    *,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> Comparison:
    """Fold into the tables of `build`, whose names end with BUILD; see `rebuild`."""

    def told(_: str, position: int, head: int) -> None:
        if progress:
            progress(position, head)

    (outcome,) = rebuild_all(database, [Pair(live, build)], progress=told, batch=batch)
    if outcome.found is None:
        raise RebuildHalted(live.name.partition("@")[0], outcome.halted)
    return outcome.found


def rebuild_all(
    database: Database,
    pairs: Sequence[Pair],
    *,
    progress: AllProgress | None = None,
    batch: int = BATCH,
    hands: int = HANDS,
) -> list[Outcome]:
    """Fold any number of ledgers anew in one pass over the log; one that halts stops no other."""
    with database.connect() as connection:
        for pair in pairs:
            with connection.transaction():
                prepare(connection, pair.live, pair.build)
    return go_on(database, pairs, progress=progress, batch=batch, hands=hands)


def go_on(
    database: Database,
    pairs: Sequence[Pair],
    *,
    progress: AllProgress | None = None,
    batch: int = BATCH,
    hands: int = HANDS,
    stop: threading.Event | None = None,
) -> list[Outcome]:
    """Bring rebuilds to their end that were begun; those whose mark is gone are finished.

    When `stop` is set, it ends after the range under way, and the next call goes on there.
    """
    with database.connect() as connection:
        stands = _catch_up(database, connection, pairs, progress, batch, hands, stop)
        outcomes: list[Outcome] = []
        for pair in pairs:
            stand = stands.get(pair.build.name)
            if stop is not None and stop.is_set():
                break
            if stand is not None and stand.state == "halted":
                outcomes.append(Outcome(pair.live.name, None, stand.detail))
                continue
            with connection.transaction():
                found = _put_in_place(connection, pair, batch)
            # Whoever else was at it has ended it.
            found = found or last_comparison(connection, pair.live.name)
            if found is not None:
                outcomes.append(Outcome(pair.live.name, found))
        return outcomes


def resume(connection: Connection, ledger: Ledger[Any, Any]) -> bool:
    """Let a halted ledger try again, if it is still of this code; say whether it was halted."""
    tables = ledger.tables
    return connection.execute(RESUME, (tables.name, tables.fingerprint)).rowcount == 1


def last_comparison(connection: Connection, name: str) -> Comparison | None:
    """Return what the last rebuild of a checkpoint found."""
    row = connection.execute(COMPARED, (name,)).fetchone()
    return msgspec.convert(row[0], Comparison) if row else None


def outdated(connection: Connection, lives: Sequence[Follower]) -> list[str]:
    """Name those that stand still because their code is another now."""
    names = [one.name for one in lives]
    return [name for (name,) in connection.execute(OUTDATED, (names, CHANGED)).fetchall()]


def prepare(connection: Connection, live: Rebuilt, build: Rebuilt) -> None:
    """Begin a rebuild, or take up the one that was interrupted."""
    connection.execute(REGISTER, (live.name, live.fingerprint))
    begun = connection.execute(BEGUN, (build.name,)).fetchone()
    if begun is not None and begun[0] == build.fingerprint:
        connection.execute(GO_ON, (build.name,))
        return
    connection.execute(DISCARD, (build.name,))
    connection.execute(RELEASE, (build.name,))
    for holds, name in build.names.items():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
        _create_beside(connection, live.names[holds], name)
    connection.execute(BEGIN, (build.name, build.fingerprint))


def _create_beside(connection: Connection, live: str, build: str) -> None:
    names = {"live": sql.Identifier(live), "build": sql.Identifier(build)}
    connection.execute(sql.SQL(COPY_TABLE).format(**names))
    row = connection.execute(OPTIONS, (live,)).fetchone()
    if row and row[0]:
        connection.execute(f'ALTER TABLE "{build}" SET ({row[0]})'.encode())
    for index, definition, primary in connection.execute(INDEXES, (live,)).fetchall():
        if primary:
            statement = f'ALTER TABLE "{build}" ADD CONSTRAINT "{index}{BUILD}" {primary}'
        else:
            _, _, rest = definition.partition(" USING ")
            statement = f'CREATE INDEX "{index}{BUILD}" ON "{build}" USING {rest}'
        connection.execute(statement.encode())


class _Stand(NamedTuple):
    name: str
    position: int
    head: int
    state: str
    detail: str


def _catch_up(
    database: Database,
    connection: Connection,
    pairs: Sequence[Pair],
    progress: AllProgress | None,
    batch: int,
    hands: int,
    stop: threading.Event | None,
) -> dict[str, _Stand]:
    """Carry all that are built to the head of the log, one reading for all of them."""
    lives = {pair.build.name: pair.live.name for pair in pairs}
    begun = _stands(connection, list(lives))
    builds = [pair.build for pair in pairs if pair.build.name in begun]
    runner = Runner(database, builds, batch=batch, hands=hands)
    try:
        while True:
            moved = runner.run_once()
            stands = _stands(connection, list(lives))
            for one in stands.values():
                if progress:
                    progress(lives[one.name], one.position, one.head)
            moving = [one for one in stands.values() if one.state != "halted"]
            done = all(one.position >= one.head for one in moving)
            if done or not moved or (stop is not None and stop.is_set()):
                return stands
    finally:
        runner.close()


def _stands(connection: Connection, names: Sequence[str]) -> dict[str, _Stand]:
    rows = connection.execute(STAND, (names,)).fetchall()
    return {stand.name: stand for stand in (_Stand(*row) for row in rows)}


def _put_in_place(connection: Connection, pair: Pair, batch: int) -> Comparison | None:
    """Hold both still, bring both to the head, compare, exchange; None if somebody else has."""
    live, build = pair
    held = connection.execute(HOLD, ([live.name, build.name],)).fetchall()
    places = {name: (int(position), state, made_by) for name, position, state, made_by in held}
    if build.name not in places or live.name not in places:
        return None
    position = _to_head(connection, build, places[build.name][0], batch)
    at, state, made_by = places[live.name]
    # Both at one position, or a difference would say nothing; one that has most of the log before
    # it (a new ledger) is not worth the way.
    same = state == "live" and made_by == live.fingerprint and position - at <= batch
    if same:
        same = _to_head(connection, live, at, batch) == position
    found = compare(connection, live.names, build.names, position=position, comparable=same)
    exchange(connection, live.names, build.names, found)
    connection.execute(RELEASE, (live.name,))
    connection.execute(INHERIT, (live.name, build.name))
    document = msgspec.json.encode(found).decode()
    put = (position, live.fingerprint, found.text, document, live.name)
    connection.execute(PUT_LIVE, put)
    connection.execute(DISCARD, (build.name,))
    for name in build.names.values():
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return found


def _to_head(connection: Connection, follower: Follower, position: int, batch: int) -> int:
    apart: frozenset[str] = frozenset()
    if follower.policy == "quarantine":
        apart = aside(connection, follower.name)
    while records := read_requests(connection, position, batch):
        follower.apply(connection, Batch(records).without(apart))
        position = records[-1].position
    return position
