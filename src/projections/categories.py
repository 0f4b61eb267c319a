"""Categories as cases have them now, by the system that reported: what no table translates."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from eventlog.database import Connection

# Of cases as they stand now; the newest case's number helps whoever looks into it.
USED: Final = """
    SELECT source_system, category, count(*), max(number) FROM cases
    WHERE source_system = ANY(%s) AND category IS NOT NULL
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


class Unmapped(Struct, frozen=True):
    """A code of another system that stands for none of our categories yet."""

    system: str
    code: str
    cases: int
    latest: str
    """The number of one of them."""


def unmapped(connection: Connection, known: Mapping[str, frozenset[str]]) -> list[Unmapped]:
    """Return the categories of cases that are not among those known for their system.

    `known` has, for each system that has a table, the categories that need no translation.
    """
    rows = connection.execute(USED, (list(known),)).fetchall()
    return [Unmapped(*row) for row in rows if row[1] not in known[row[0]]]
