"""What everybody who reads ledgers asks of one, whether it keeps rows of its own or is a query.

`projections/ledger.py` keeps rows and is followed by the runner; `projections/concerns` looks at
what other ledgers keep. To routes, files and commands both are the same.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, Protocol, TypeGuard

from eventlog.database import Connection
from projections.concerns.ledger import CONCERNS
from projections.export import Layout
from projections.ledger import Extract, Ledger, Page
from projections.ledgers import LEDGERS
from projections.query import Column, Filter
from projections.scope import Sight


class Readable(Protocol):
    """A ledger as it is read; see `projections/ledger.py` for what each member means."""

    @property
    def name(self) -> str:
        """What it is called in addresses and commands."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """What people see of a row."""
        ...

    @property
    def filters(self) -> Mapping[str, Filter]:
        """What can be asked."""
        ...

    @property
    def sorts(self) -> tuple[str, ...]:
        """Columns to order by."""
        ...

    @property
    def layout(self) -> Layout:
        """How its workbook looks."""
        ...

    @property
    def follows(self) -> list[str]:
        """The checkpoints that its answers depend on."""
        ...

    def page(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        limit: int,
        cursor: str | None = None,
        now: datetime | None = None,
    ) -> Page:
        """Return up to `limit` rows."""
        ...

    def summary(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        now: datetime | None = None,
    ) -> dict[str, Any]:
        """Return its counts."""
        ...

    def extract(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        now: datetime | None = None,
    ) -> AbstractContextManager[Extract]:
        """Stream all rows within one snapshot."""
        ...


QUERIES: Final[dict[str, Readable]] = {"concerns": CONCERNS}
"""The ledgers that are queries, by name: nothing follows the log for them, nothing is rebuilt."""
PROGRAMMED: Final[dict[str, Readable]] = {**LEDGERS, **QUERIES}
"""The ledgers that come with the program; a district's registers stand beside them."""


def keeps_rows(ledger: Readable) -> TypeGuard[Ledger[Any, Any]]:
    """Say whether a ledger keeps rows of its own, and is not only a query."""
    return isinstance(ledger, Ledger)
