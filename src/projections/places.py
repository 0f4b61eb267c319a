"""事项位置: where cases are, in one reference system; and which may be the same issue twice.

The table is only an index of the log: whatever else is asked of a case stands in the ledger
`cases`, its scope included.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from domain import facts as f
from domain.places import apart, box, in_wgs84
from eventlog.batch import Facts, batch_of
from eventlog.database import Connection
from eventlog.reader import read_requests
from eventlog.records import Followed
from eventlog.runner import BATCH, Policy
from projections.ledgers.cases import CASES
from projections.scope import Sight, within

NAME: Final = "places"
VERSION: Final = 1
CHECKPOINT: Final = f"{NAME}@{VERSION}"
FINGERPRINT: Final = str(VERSION)
MOST: Final = 50
"""So many suggestions at most, the nearest first."""

PUT: Final = """
    INSERT INTO place (case_id, longitude, latitude, reported_at)
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::timestamptz[])
    ON CONFLICT (case_id) DO UPDATE SET longitude = excluded.longitude,
        latitude = excluded.latitude, reported_at = excluded.reported_at
"""
# A register may correct when something was reported.
CORRECT: Final = """
    UPDATE place p SET reported_at = w.reported_at
    FROM unnest(%s::uuid[], %s::timestamptz[]) AS w (case_id, reported_at)
    WHERE p.case_id = w.case_id
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
OF_CASE: Final = "SELECT longitude, latitude FROM place WHERE case_id = %s::uuid"
SHOWN: Final = """
    r.case_id::text AS id, r.number, r.kind, r.stage, r.category, r.place, r.reported_at
"""
# By place and time through the one index; open cases only: into others nothing is merged.
NEAR: Final = """
    SELECT {shown}, p.longitude, p.latitude FROM place p JOIN {cases} r ON r.case_id = p.case_id
    WHERE p.latitude BETWEEN %(south)s AND %(north)s
      AND p.longitude BETWEEN %(west)s AND %(east)s
      AND p.reported_at BETWEEN %(since)s AND %(until)s
      AND (%(category)s::text IS NULL OR r.category IS NULL OR r.category = %(category)s)
      AND r.ended_at IS NULL AND r.case_id <> %(own)s::uuid AND {visible}
"""
# The same number, whichever system says it: platforms hand numbers on to each other.
SOURCED: Final = """
    SELECT {shown}, NULL::int, NULL::int FROM {cases} r
    WHERE r.source_id = ANY(%(numbers)s::text[])
      AND r.ended_at IS NULL AND r.case_id <> %(own)s::uuid AND {visible}
    ORDER BY r.reported_at DESC LIMIT %(most)s
"""
NOBODY: Final = "00000000-0000-0000-0000-000000000000"


class Wanted(Struct, frozen=True, kw_only=True):
    """What may be a duplicate of what: near in place and time, of the category, or by number."""

    point: tuple[int, int] | None
    at: datetime
    category: str | None = None
    numbers: tuple[str, ...] = ()
    radius: float = 50
    """Metres."""
    hours: int = 24
    own: str = NOBODY


class Suggestion(Struct, frozen=True, kw_only=True):
    """A case that may be the same issue, and why."""

    id: str
    number: str
    kind: str
    stage: str
    category: str | None
    place: str | None
    reported_at: datetime
    distance: int | None
    """Metres; none where only a number speaks for it."""
    reasons: tuple[str, ...]
    """`place` (and time, and category) or `source`."""


class PlaceTable:
    """The table, as the runner carries it forward."""

    policy: Policy = "halt"
    name = CHECKPOINT
    fingerprint = FINGERPRINT
    facts: Facts = frozenset({f.CaseReported, f.CaseCorrected})

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write what changed."""
        put(connection, batch_of(records).of(self.facts))


def put(connection: Connection, records: Sequence[Followed]) -> None:
    """Write where the cases are of which these facts tell, each as the latest of them says."""
    found: dict[str, list[object]] = {}
    moved: dict[str, datetime] = {}
    for record in records:
        match record.fact:
            case f.CaseReported(location=f.Location() as location):
                found[record.stream] = [*in_wgs84(location), record.occurred_at]
            case f.CaseCorrected() as fact:
                moved[record.stream] = fact.reported_at
            case _:
                pass
    if found:
        columns = [list(column) for column in zip(*found.values(), strict=True)]
        connection.execute(PUT, [list(found), *columns])
    if moved:
        connection.execute(CORRECT, [list(moved), list(moved.values())])


def rebuild(connection: Connection, *, batch: int = BATCH) -> int:
    """Fold the table anew from the first fact, in one transaction; return the position."""
    with connection.transaction():
        connection.execute(REGISTER, (CHECKPOINT, FINGERPRINT))
        connection.execute(HOLD, (CHECKPOINT,))
        connection.execute("DELETE FROM place")
        position = 0
        while records := read_requests(connection, position, batch):
            put(connection, records)
            position = records[-1].position
        connection.execute(PUT_LIVE, (position, FINGERPRINT, CHECKPOINT))
    return position


def point_of(connection: Connection, case_id: str) -> tuple[int, int] | None:
    """Return where a case is, in WGS-84; None if nobody said."""
    row = connection.execute(OF_CASE, (case_id,)).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def suggest(connection: Connection, wanted: Wanted, scope: Sight) -> list[Suggestion]:
    """Return open cases that may be the same issue, the nearest first; others are not shown."""
    by_place = _near(connection, wanted, scope) if wanted.point else []
    by_number = _sourced(connection, wanted, scope) if wanted.numbers else []
    found = {one.id: one for one in by_place}
    for one in by_number:
        known = found.get(one.id)
        distance = known.distance if known else None
        reasons = (*known.reasons, *one.reasons) if known else one.reasons
        found[one.id] = replace(one, distance=distance, reasons=reasons)
    ranked = sorted(found.values(), key=_rank)
    return ranked[:MOST]


def _near(connection: Connection, wanted: Wanted, scope: Sight) -> list[Suggestion]:
    point = wanted.point
    if point is None:
        return []
    west, east, south, north = box(point, wanted.radius)
    span = timedelta(hours=wanted.hours)
    parameters: dict[str, object] = {
        "west": west,
        "east": east,
        "south": south,
        "north": north,
        "since": wanted.at - span,
        "until": wanted.at + span,
        "category": wanted.category,
        "own": wanted.own,
    }
    found: list[Suggestion] = []
    for row in _rows(connection, NEAR, parameters, scope):
        distance = apart(point, (row[7], row[8]))
        if distance <= wanted.radius:
            found.append(_suggestion(row, round(distance), ("place",)))
    return found


def _sourced(connection: Connection, wanted: Wanted, scope: Sight) -> list[Suggestion]:
    parameters = {"numbers": list(wanted.numbers), "own": wanted.own, "most": MOST}
    rows = _rows(connection, SOURCED, parameters, scope)
    return [_suggestion(row, None, ("source",)) for row in rows]


def _rows(
    connection: Connection, query: LiteralString, parameters: dict[str, Any], scope: Sight
) -> Iterable[Any]:
    visible, more = within(scope, None)
    statement = sql.SQL(query).format(
        shown=sql.SQL(SHOWN),
        cases=sql.Identifier(CASES.tables.names["current"]),
        visible=sql.SQL(" AND ").join([sql.SQL("true"), *visible]),
    )
    return connection.execute(statement, parameters | more).fetchall()


def _suggestion(row: Any, distance: int | None, reasons: tuple[str, ...]) -> Suggestion:  # noqa: ANN401 - a row
    return Suggestion(
        id=row[0],
        number=row[1],
        kind=row[2],
        stage=row[3],
        category=row[4],
        place=row[5],
        reported_at=row[6],
        distance=distance,
        reasons=reasons,
    )


def _rank(one: Suggestion) -> tuple[bool, int, datetime]:
    """What another system says is the same comes first, then what is nearest."""
    return "source" not in one.reasons, one.distance or 0, one.reported_at
