"""What a new case is known by: its id, and the number that people read, from a block at hand."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from domain.commands import Report
from eventlog.database import Database
from eventlog.numbers import Numbers
from eventlog.streams import sourced_case

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def case_id(district: str, report: Report) -> str:
    """Return the id of a case to be made: always the same for the same source reference."""
    if report.source is None:
        return str(uuid4())
    return sourced_case(district, report.source.system, report.source.id)


class Numbering:
    """The numbers of a district's cases, in one process."""

    def __init__(self, database: Database, district: str) -> None:
        """Begin without a block."""
        self._numbers = Numbers(database, district)
        self._taking = asyncio.Lock()

    async def take(self, reported_at: datetime) -> str:
        """Return the next number of the year in which a case was reported."""
        year = reported_at.astimezone(SHANGHAI).year
        async with self._taking:
            if self._numbers.at_hand(year):
                return self._numbers.take(year)
            return await asyncio.to_thread(self._numbers.take, year)
