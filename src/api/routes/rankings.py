"""考核通报: a ranking of units previewed, signed as previewed, and read version by version."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Asking, Guard, Reader
from api.answers import Listing, answer
from api.body import SentTime
from api.idempotency import recall, sent
from api.openapi import command, returns
from api.times import moment, query_moment, shown
from domain import facts as f
from domain.actor import Role
from domain.directory import LEVELS
from domain.errors import BadInput, FutureTime, NotFound, RoleForbidden
from domain.rankings import Difference, differences
from projections.indicators import office
from projections.indicators.periods import read_period
from projections.indicators.ranking import compute
from workflows.rankings import SIGNING, previewed, sign, versions

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/rankings"
ONE: Final = BASE + "/{ranking}/{period}"
PREVIEWING: Final = SIGNING | {Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR}

Previewing = Annotated[Asking, Depends(Guard(PREVIEWING))]
Signing = Annotated[Asking, Depends(Guard(SIGNING))]
Levels = Annotated[
    str | None, Query(max_length=100, description=f"给哪些层级排名：{'、'.join(LEVELS)}")
]
AsOf = Annotated[str | None, Query(description="数据截至（RFC 3339）；默认现在")]


class RankedLine(Struct, kw_only=True):
    """A unit's place within its level."""

    unit: str
    name: str
    level: str
    rank: int
    points: str
    terms: dict[str, int]


class RankingDocument(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    """A version of a ranking; of a preview, the version that it would be."""

    ranking: str
    title: str
    formula: str
    formula_hash: str
    period: str
    since: str
    until: str
    as_of: str
    position: int
    version: int
    digest: str
    signed_by: str | None
    items: list[RankedLine]
    differences: list[Difference]
    """What moved since the version before; of version 1 nothing."""


class SignBody(Struct, forbid_unknown_fields=True):
    """What somebody has previewed and signs."""

    as_of: SentTime
    position: Annotated[int, Meta(ge=0)]
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    levels: list[str] = []


@router.get(
    ONE + "/preview",
    summary="预览考核通报",
    tags=["考核通报"],
    responses=returns(RankingDocument, "按现有数据算出的名次；签发时带上 as_of、position、digest"),
)
def preview_ranking(
    *,
    asking: Previewing,
    district: str,
    ranking: str,
    period: str,
    as_of: AsOf = None,
    levels: Levels = None,
) -> Response:
    """Compute a ranking as it would be signed now; nothing is recorded."""
    del district
    at = query_moment(as_of, "as_of") if as_of else asking.services.engine.now()
    named = tuple(levels.split(",")) if levels else ()
    computed, before = _preview(asking, ranking, period, at, named)
    return answer(_document(computed, before))


@router.post(
    ONE,
    status_code=201,
    summary="签发考核通报",
    tags=["考核通报"],
    responses=returns(RankingDocument, "已签发的一版", status=201),
    openapi_extra=command(SignBody),
)
async def sign_ranking(
    request: Request, asking: Signing, district: str, ranking: str, period: str
) -> Response:
    """Sign a ranking as it was previewed: version 1, or the correction of the one before."""
    del district
    caller, body = await sent(request, asking, SignBody)
    engine = asking.services.engine
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        at = moment(body.as_of, "/as_of")
        wanted, _ = await run_in_threadpool(
            _preview, asking, ranking, period, at, tuple(body.levels)
        )
        await sign(engine, wanted, body.digest, body.position, caller)
    signed = await run_in_threadpool(versions, engine, ranking, period)
    version = next(place for place, one in enumerate(signed) if one.digest == body.digest)
    return answer(_document(signed[version], signed[version - 1] if version else None), 201)


@router.get(
    BASE,
    summary="已签发的考核通报",
    tags=["考核通报"],
    responses=returns(Listing, "每个指标、考核期的最新版次（items）"),
)
def list_rankings(asking: Reader, district: str) -> Response:
    """Return which rankings were signed, with their latest version."""
    del district
    items = [
        {"ranking": ranking, "period": period, "version": version}
        for (ranking, period), version in sorted(asking.reference.rankings.items())
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    ONE,
    summary="考核通报的一版",
    tags=["考核通报"],
    responses=returns(RankingDocument, "签发的一版；默认最新版"),
)
def read_ranking(
    *,
    asking: Reader,
    district: str,
    ranking: str,
    period: str,
    version: Annotated[int | None, Query(ge=1, le=100_000, description="版次")] = None,
) -> Response:
    """Return a signed version, with what moved since the one before it."""
    del district
    signed = versions(asking.services.engine, ranking, period)
    number = version or len(signed)
    if not 1 <= number <= len(signed):
        raise NotFound(what="这一版考核通报")
    return answer(_document(signed[number - 1], signed[number - 2] if number > 1 else None))


def _preview(
    asking: Asking, ranking: str, period: str, at: datetime, levels: tuple[str, ...]
) -> tuple[f.RankingSigned, f.RankingSigned | None]:
    """Compute a ranking, and return it with the version that it would correct.

    Raises:
        NotFound, BadInput: of the indicator, the period or the levels.
        RoleForbidden: the caller's key is for a part of the district only.
    """
    _refuse_part(asking)
    now = asking.services.engine.now()
    if at > now:
        raise FutureTime(value=at, now=now, pointer="as_of")
    formula = office.chosen(asking.reference.definitions, ranking).formula
    unknown = [one for one in levels if one not in LEVELS]
    if unknown:
        known = "、".join(LEVELS)
        raise BadInput(detail=f"没有层级“{unknown[0][:32]}”；可用：{known}", pointer="levels")
    services = asking.services
    with services.database.connection() as connection:
        computed = compute(
            connection,
            formula,
            asking.reference.directory,
            period=read_period(formula.start, period),
            levels=levels,
            as_of=at,
            now=now,
        )
    signed = versions(services.engine, ranking, period)
    return previewed(computed, signed), signed[-1] if signed else None


def _refuse_part(asking: Asking) -> None:
    """A ranking is of the whole district: whoever has a part of it cannot answer for it."""
    if asking.actor.unit is not None and len(asking.actor.within) > 1:
        raise RoleForbidden(
            role=asking.actor.role.value, action="考核通报", allowed="全区县的 leader"
        )


def _document(one: f.RankingSigned, before: f.RankingSigned | None) -> RankingDocument:
    return RankingDocument(
        ranking=one.ranking,
        title=one.title,
        formula=one.formula,
        formula_hash=one.formula_hash,
        period=one.period,
        since=one.since.isoformat(),
        until=one.until.isoformat(),
        as_of=shown(one.as_of),
        position=one.position,
        version=one.version,
        digest=one.digest,
        signed_by=one.by or None,
        items=[
            RankedLine(
                unit=line.unit.id,
                name=line.name,
                level=line.level,
                rank=line.rank,
                points=line.points,
                terms=line.terms,
            )
            for line in one.units
        ],
        differences=list(differences(before.units, one.units)) if before else [],
    )
