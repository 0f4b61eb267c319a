"""How tests of ledgers tell the facts of one case, and ask a ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledger import Ledger
from projections.scope import Sight
from tests.support.stories import Teller, at, follow, store

Story = Sequence[tuple[f.Fact, float]]
"""The facts of one request, each with the hours after the first morning."""


def tell_case(
    district: Database, *told: Story, name: object = 1, teller: Teller | None = None
) -> Teller:
    """Store the requests of one case, and carry the ledgers to the end."""
    teller = teller or Teller()
    requests = [[teller.tell(name, fact, at(hours)) for fact, hours in one] for one in told]
    store(district, requests)
    follow(district)
    return teller


def rows_of(
    district: Database,
    ledger: Ledger[Any, Any],
    *,
    scope: Sight = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    **filters: str,
) -> list[dict[str, Any]]:
    """Return the rows of a ledger, as its page shows them."""
    with district.connect() as connection:
        page = ledger.page(
            connection, scope=scope, filters=filters, as_of=as_of, known_at=known_at, limit=99
        )
    return page.items


def counts_of(
    district: Database,
    ledger: Ledger[Any, Any],
    *,
    scope: Sight = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    now: datetime | None = None,
    **filters: str,
) -> dict[str, Any]:
    """Return the summary of a ledger."""
    with district.connect() as connection:
        return ledger.summary(
            connection, scope=scope, filters=filters, as_of=as_of, known_at=known_at, now=now
        )


def exported(
    district: Database, ledger: Ledger[Any, Any], *, scope: Sight = None
) -> list[dict[str, Any]]:
    """Return all rows of a ledger, as an export streams them."""
    with district.connect() as connection:
        return list(ledger.rows(connection, scope=scope, filters={}))
