"""退单台账: one row a request to send a case back, and what became of it.

Between the same two units a second return is flagged (乒乓退件); from the third of a case the
centre decides who handles it (指定承办): its decision stands in the row of the last return.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, OF_CASE, case_columns, case_filters
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

REQUESTED: Final = "requested"
UPHELD: Final = "upheld"
REFUSED: Final = "refused"
REASON: Final = "reason"
"""The sealed field in which a return says why."""


class ReturnRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A return as it stands; people by their id or key, the reason by where it lies."""

    request: int
    status: str
    returner: str | None
    """The unit that sends it back."""
    requested_at: datetime
    requested_by: str
    reason: int | None
    decided_at: datetime | None = None
    decided_by: str | None = None
    charged_to: str | None = None
    """Whose time it cost: who had dispatched it, or handed it on."""
    flagged: bool = False
    """Whether it was not the first between the same two units."""
    times: int = 1
    """How often the one had returned this case to the other, this time included."""
    bound_at: datetime | None = None
    bound_to: str | None = None
    """Whom the centre then made handle it."""


class Returns(Struct, array_like=True):
    """The returns of a case by row key, and the last one that was upheld."""

    rows: dict[str, ReturnRow]
    upheld: str = ""


def fold(returns: Returns, record: Followed) -> Returns:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](returns, fact, record)
    return returns


def show(returns: Returns, before: Mapping[str, ReturnRow]) -> Mapping[str, ReturnRow]:
    """Return all rows."""
    del before
    return dict(returns.rows)


def _requested(returns: Returns, fact: f.ReturnRequested, record: Followed) -> None:
    sealed = any(text.field == REASON for text in record.body.sealed)
    returns.rows[str(fact.request)] = ReturnRow(
        request=fact.request,
        status=REQUESTED,
        returner=fact.holder.id if fact.holder else None,
        requested_at=record.occurred_at,
        requested_by=fact.by,
        reason=record.position if sealed else None,
    )


def _decided(returns: Returns, fact: f.ReturnUpheld | f.ReturnRefused, record: Followed) -> None:
    key = str(fact.request)
    if key not in returns.rows:
        return
    upheld = isinstance(fact, f.ReturnUpheld)
    charged_to = fact.charged_to if isinstance(fact, f.ReturnUpheld) else None
    returns.rows[key] = replace(
        returns.rows[key],
        status=UPHELD if upheld else REFUSED,
        decided_at=record.occurred_at,
        decided_by=fact.by,
        charged_to=charged_to.id if charged_to else None,
    )
    if upheld:
        returns.upheld = key


def _flagged(returns: Returns, fact: f.ReturnFlagged, _: Followed) -> None:
    if returns.upheld:
        row = replace(returns.rows[returns.upheld], flagged=True, times=fact.times)
        returns.rows[returns.upheld] = row


def _bound(returns: Returns, fact: f.AssignmentBound, record: Followed) -> None:
    if returns.upheld:
        row = replace(
            returns.rows[returns.upheld], bound_at=record.occurred_at, bound_to=fact.lead.id
        )
        returns.rows[returns.upheld] = row


STEPS: Final[dict[type[f.Fact], Callable[[Returns, Any, Followed], None]]] = {
    f.ReturnRequested: _requested,
    f.ReturnUpheld: _decided,
    f.ReturnRefused: _decided,
    f.ReturnFlagged: _flagged,
    f.AssignmentBound: _bound,
}

RETURNS: Final = Ledger(
    shape=Shape(
        name="returns",
        version=1,
        facts=frozenset(STEPS),
        state=Returns,
        row=ReturnRow,
        blank=lambda _: Returns({}),
        fold=fold,
        show=show,
    ),
    title="退单台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("request", "申请序号", "number"),
        Column("status", "退单状态"),
        Column("returner", "退单单位", "unit"),
        Column("requested_at", "申请时间", "time"),
        Column("requested_by", "申请人", "person"),
        Column("reason", "退单理由", "reference"),
        Column("decided_at", "决定时间", "time"),
        Column("decided_by", "决定人", "person"),
        Column("charged_to", "时间计入单位", "unit"),
        Column("flagged", "乒乓退件", "flag"),
        Column("times", "两单位间第几次", "number"),
        Column("bound_at", "指定承办时间", "time"),
        Column("bound_to", "指定承办单位", "unit"),
        *case_columns("holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number"),
        "status": Filter("退单状态", "in", "status"),
        "returner": Filter("退单单位", "in", "returner"),
        "charged_to": Filter("时间计入单位", "in", "charged_to"),
        "flagged": Filter("乒乓退件", "flag", "flagged"),
        "bound": Filter("已指定承办", "given", "bound_at"),
        "requested_from": Filter("申请时间起", "from", "requested_at"),
        "requested_before": Filter("申请时间止", "before", "requested_at"),
    },
    sorts=("requested_at", "number"),
    summarise=counting(
        {
            "open": "status = 'requested' AND ended_at IS NULL",
            "upheld": "status = 'upheld'",
            "refused": "status = 'refused'",
            "flagged": "flagged",
            "bound": "bound_at IS NOT NULL",
        },
        by={"by_returner": "returner", "by_kind": "kind"},
    ),
)
