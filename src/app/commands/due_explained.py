"""`bihuan clock due --explain`: how a due date comes about, row by row; no database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from domain.almanac import almanac_of
from domain.calendar import Calendar
from domain.due import Budget, Cutoff, Pause
from domain.explain import counts_of, explain_budget
from domain.explain_text import rows_as_document, table_lines


class DueExplained:
    """The table of one question."""

    def __init__(
        self,
        start: datetime,
        budget: Budget,
        calendar: Calendar,
        cutoff: Cutoff,
        *,
        pauses: Sequence[Pause],
        extensions: Sequence[Budget],
    ) -> None:
        """Count it all again; raises what `domain.due.due` raises."""
        self.counts = counts_of(str(budget))
        self.table = explain_budget(
            start, budget, almanac_of(calendar), cutoff, pauses=pauses, extensions=extensions
        )

    def lines(self) -> Iterator[str]:
        """Yield the table for a terminal."""
        yield from table_lines(self.table.rows, self.counts, {}, {})
        if not self.table.complete:
            yield f"只列出前 {len(self.table.rows)} 行 (first rows only)"

    def document(self) -> list[dict[str, Any]]:
        """Return the rows as JSON data."""
        return rows_as_document(self.table.rows, self.counts, {}, {})
