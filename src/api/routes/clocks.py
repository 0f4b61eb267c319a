"""时限与通知: the clocks of a case, why each is due when it is, its notices and their receipts."""

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from api.access import Asking, Reader, Writer
from api.answers import Listing, answer, entity_tag, expected_version
from api.body import tree_of, typed
from api.idempotency import caller_of
from api.metered import count_appended
from api.openapi import command, returns
from api.past import AtMoment, Moment, records_of
from api.shapes import CaseState, state_fields
from api.timed import (
    ClockDocument,
    LimitState,
    NoticeDocument,
    clock_document,
    notices_of,
    reason_titles,
)
from api.times import shown_or_none
from domain.clock_names import find_clock
from domain.errors import NotFound
from domain.explain import explain
from domain.explain_text import as_document
from eventlog.records import Record
from workflows.loading import folded
from workflows.sight import is_case_id

router: Final = APIRouter()
CASE: Final = "/v1/districts/{district}/cases/{case_id}"
LONGEST: Final = 100
"""No clock, and no notice, has a longer name."""


class ReceiptBody(Struct, forbid_unknown_fields=True):
    """签收 needs no data: who signs is known by the key."""


class ExplainedRow(Struct, kw_only=True):
    """From, inclusive, until, exclusive; `amount` and `total` are seconds or days."""

    since: str
    until: str
    counted: bool
    why: str
    reasons: list[str]
    amount: int
    total: int
    charged_to: str | None
    ahead: bool
    overrun: bool
    calendar_version: str
    provisional: bool
    text: str
    amount_text: str
    total_text: str
    charged_to_name: str | None


class ExplainedChange(Struct, kw_only=True):
    """What set the limit, or moved it."""

    at: str
    code: str
    due: str | None
    previous_due: str | None
    budget: str
    added: str
    reason: str
    until: str | None
    request: int
    limit: LimitState | None
    calendar_version: str
    floors: list[dict[str, str]]
    compressed: bool
    stopped_at: str | None
    text: str


class ExplanationDocument(Struct, kw_only=True):
    """How a clock's due comes about: rows that anybody can add up, and what moved the limit."""

    clock: str
    until: str
    started_at: str
    budget: str
    extensions: list[str]
    size: int
    counts: str
    cutoff: str
    limit: LimitState
    calendar: str
    calendar_version: str
    rows: list[ExplainedRow]
    complete: bool
    changes: list[ExplainedChange]
    answerable: dict[str, Any] | None
    status: str
    due: str
    provisional: bool
    agrees: bool | None
    stopped_at: str | None
    met: bool | None
    breached_at: str | None


@router.get(
    CASE + "/clocks",
    summary="时限",
    tags=["时限"],
    responses=returns(ClockDocument, "事项的全部时限（items），以及时间还会带来什么"),
)
def read_clocks(
    asking: Reader,
    district: str,
    case_id: str,
    moment: AtMoment,
) -> Response:
    """Return every clock of a case, as it is or as it was at a version or moment."""
    del district
    chosen = moment.choose(records_of(asking, case_id))
    case = folded(chosen)
    kind = asking.reference.kinds.get(case.kind_hash)
    return _listed([clock_document(clock, kind) for clock in case.clocks], chosen, moment)


@router.get(
    CASE + "/clocks/{clock}/explain",
    summary="时限的计算过程",
    tags=["时限"],
    responses=returns(ExplanationDocument, "逐段列出计时与不计时及其理由、累计、承担单位"),
)
def explain_clock(
    asking: Reader,
    district: str,
    case_id: str,
    clock: str,
    moment: AtMoment,
) -> Response:
    """Return the whole computation of a clock's due, as it stood then."""
    del district
    chosen = moment.choose(records_of(asking, case_id))
    case, reference = folded(chosen), asking.reference
    found = explain(
        [(record.fact, record.occurred_at) for record in chosen],
        find_clock(case.clocks, clock[:LONGEST]).instance,
        reference.almanacs,
        moment.as_of or moment.known_at or _until(asking, chosen, moment),
    )
    units = {unit.id: unit.name for unit in reference.directory.units.values()}
    titles = reason_titles(reference.kinds.get(case.kind_hash))
    tag = entity_tag(chosen[-1].version)
    return answer(as_document(found, units, titles), headers={"ETag": tag})


@router.get(
    CASE + "/notices",
    summary="通知",
    tags=["时限"],
    responses=returns(NoticeDocument, "因时限、因办理发出的通知（items），送达与签收情况"),
)
def read_notices(
    asking: Reader,
    district: str,
    case_id: str,
    moment: AtMoment,
) -> Response:
    """Return the notices of a case: who was told what, how, when, and who signed."""
    del district
    chosen = moment.choose(records_of(asking, case_id))
    return _listed(notices_of(chosen), chosen, moment)


@router.post(
    CASE + "/notices/{notice}/receipt",
    summary="签收通知",
    tags=["时限"],
    responses=returns(CaseState, "签收后的事项"),
    openapi_extra=command(ReceiptBody, match=True),
)
async def sign(
    request: Request, asking: Writer, district: str, case_id: str, notice: str
) -> Response:
    """Sign for a notice, as whom it was sent to or for their unit; late is better than never."""
    tree = await tree_of(request)
    caller = caller_of(request, asking, tree)
    expected = expected_version(request)
    typed(tree, ReceiptBody)
    if not is_case_id(case_id):
        raise NotFound(what="事项")
    engine = asking.services.engine
    number = _number(notice)
    outcome = await engine.sign(case_id.lower(), number, caller, expected=expected)
    count_appended(request, district, outcome)
    case = outcome.case
    kind = engine.reference.kinds.get(case.kind_hash)
    state = CaseState(**state_fields(case, kind, case.version, outcome.position))
    return answer(state, headers={"ETag": entity_tag(case.version)})


def _number(notice: str) -> int:
    """Return the number of a notice; any other text names none, and number 0 is none either."""
    digits = notice.isascii() and notice.isdecimal() and len(notice) < 10  # noqa: PLR2004 - of an int4
    return int(notice) if digits else 0


def _until(asking: Asking, chosen: list[Record], moment: Moment) -> datetime:
    """Return until when time is told: now; of an older version, its last fact."""
    if moment.version is None:
        return asking.services.engine.now()
    return max(record.occurred_at for record in chosen)


def _listed(items: list[Any], chosen: list[Record], moment: Moment) -> Response:
    listing = Listing(
        items=items,
        as_of=shown_or_none(moment.as_of),
        position=max(record.position for record in chosen),
    )
    return answer(listing, headers={"ETag": entity_tag(chosen[-1].version)})
