"""四定三包: who answers for a case, as a matrix of seven cells, now and at any moment."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.responses import Response

from api.access import Reader
from api.answers import answer, entity_tag
from api.openapi import returns
from api.past import AtMoment, Moment, records_of
from api.times import shown_or_none
from domain.accountability import TITLES
from domain.accountability_matrix import Answering, Cell, matrix
from domain.case import Case
from domain.kind import Kind
from workflows.loading import folded

router: Final = APIRouter()


class AnsweringState(Struct):
    """Who answers; ids only. A post without a person is vacant (缺位)."""

    post: str | None
    person: str | None
    unit: str | None


class CellState(Struct, kw_only=True):
    """One of the four (定…) or of the three (包…)."""

    part: str
    title: str
    required: bool
    """Whether the severity of the case requires it."""
    status: str
    """`missing`, `set`, `at_risk`, `late`, `fulfilled` or `failed`."""
    who: list[AnsweringState]
    since: str | None
    due: str | None
    vacant: bool
    done: int | None
    """Of measures: how many are done; of stability: how many revisits there were."""
    total: int | None
    """Of measures: how many there are."""


class AccountabilityDocument(Struct, kw_only=True):
    """The seven cells of a case, the four first."""

    severity: str | None
    complete: bool
    """Whether everything that the severity requires of the four has stood."""
    items: list[CellState]
    as_of: str | None
    known_at: str | None
    version: int
    position: int


@router.get(
    "/v1/districts/{district}/cases/{case_id}/accountability",
    summary="四定三包",
    tags=["四定三包"],
    responses=returns(
        AccountabilityDocument, "七格：定领导、定措施、定时间、定责任、包调查、包处理、包稳定"
    ),
)
def read_accountability(
    asking: Reader,
    district: str,
    case_id: str,
    moment: AtMoment,
) -> Response:
    """Return who answers for a case, as it is or as it was at a version or moment.

    Posts are looked up as of that day in the directory as it is known now.
    """
    del district
    chosen = moment.choose(records_of(asking, case_id))
    case, reference = folded(chosen), asking.reference
    kind = reference.kinds.get(case.kind_hash)
    at = moment.as_of or moment.known_at or _until(asking.services.engine.now(), case, moment)
    cells = matrix(case, reference.directory, at)
    document = AccountabilityDocument(
        severity=case.severity,
        complete=_complete(case, kind),
        items=[_cell(cell, _required(case, kind)) for cell in cells],
        as_of=shown_or_none(moment.as_of),
        known_at=shown_or_none(moment.known_at),
        version=chosen[-1].version,
        position=max(record.position for record in chosen),
    )
    return answer(document, headers={"ETag": entity_tag(chosen[-1].version)})


def _until(now: datetime, case: Case, moment: Moment) -> datetime:
    """Return until when time is told: now; of an older version, its last fact."""
    return case.changed_at or now if moment.version else now


def _required(case: Case, kind: Kind | None) -> tuple[str, ...]:
    rule = kind.accountability if kind else None
    if rule is None:
        return ()
    return (*rule.slots_at(case.severity), *rule.duties_at(case.severity))


def _complete(case: Case, kind: Kind | None) -> bool:
    rule = kind.accountability if kind else None
    required = rule.slots_at(case.severity) if rule else ()
    return set(required) <= set(case.accountability.complete)


def _cell(cell: Cell, required: tuple[str, ...]) -> CellState:
    return CellState(
        part=cell.part,
        title=TITLES[cell.part],
        required=cell.part in required,
        status=cell.status,
        who=[_answering(one) for one in cell.who],
        since=shown_or_none(cell.since),
        due=shown_or_none(cell.due),
        vacant=cell.vacant,
        done=cell.done,
        total=cell.total,
    )


def _answering(one: Answering) -> AnsweringState:
    return AnsweringState(one.post, one.person, one.unit.id if one.unit else None)
