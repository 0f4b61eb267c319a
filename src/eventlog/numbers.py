"""Case numbers people read (610327-2026-0000123), taken from the database in blocks.

A block that was not used up leaves a gap; the number is a name, not a count.
"""

from typing import Final

from eventlog.database import Database

BLOCK: Final = 200
TAKE: Final = """
    INSERT INTO number_block (year, next) VALUES (%(year)s, 1 + %(size)s)
    ON CONFLICT (year) DO UPDATE SET next = number_block.next + %(size)s
    RETURNING next - %(size)s
"""


class Numbers:
    """One process's blocks, one a year. Not thread-safe: one owner uses it."""

    def __init__(self, database: Database, code: str) -> None:
        """Take no block yet."""
        self._database = database
        self._code = code
        self._blocks: dict[int, range] = {}

    def at_hand(self, year: int) -> bool:
        """Whether the next number needs no database."""
        return bool(self._blocks.get(year))

    def take(self, year: int) -> str:
        """Return the next number of a year; fetches a block when the last is used up."""
        block = self._blocks.get(year) or self._fetch(year)
        self._blocks[year] = block[1:]
        return f"{self._code}-{year}-{block[0]:07d}"

    def _fetch(self, year: int) -> range:
        with self._database.connection() as connection:
            row = connection.execute(TAKE, {"year": year, "size": BLOCK}).fetchone()
        first = int(row[0]) if row else 1
        return range(first, first + BLOCK)
