"""The ledgers that ship: one file each, and its line here.

- `cases` 事项台账: all cases, any filter
- `deadlines` 办结时限台账: every clock; what is due, met, overdue
"""

from typing import Any, Final

from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES

LEDGERS: Final[dict[str, Ledger[Any, Any]]] = {
    "cases": CASES,
    "deadlines": DEADLINES,
}
