"""Signing rankings of units (签发考核通报): versions of a result, each signed by a leader.

What is signed must be what was previewed, and still be so: somebody who signs knows what it says.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Role
from domain.due import SHANGHAI
from domain.errors import BadInput, Collision, RankingStale
from domain.rankings import digest_of
from domain.world import Draft
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from workflows.engine import Caller, Engine
from workflows.reference import Reference

SIGNING: Final = frozenset({Role.LEADER})
"""Who may sign."""


def versions(engine: Engine, ranking: str, period: str) -> list[f.RankingSigned]:
    """Return all signed versions of a ranking's period, the oldest first; blocks."""
    with engine.database.connection() as connection:
        records = read_stream(connection, stream_of(engine, ranking, period))
    return [record.fact for record in records if isinstance(record.fact, f.RankingSigned)]


def previewed(computed: f.RankingSigned, signed: Sequence[f.RankingSigned]) -> f.RankingSigned:
    """Return a ranking as it would be signed now: the version after those signed."""
    numbered = replace(computed, version=len(signed) + 1)
    return replace(numbered, digest=digest_of(numbered))


async def sign(
    engine: Engine, wanted: f.RankingSigned, digest: str, position: int, caller: Caller
) -> f.RankingSigned:
    """签发: make a version of what was previewed; `wanted` is the preview as it is now.

    Raises:
        RankingStale: it is not what was previewed, or somebody else has signed meanwhile.
        Collision: the version before it says the same.
        BadInput: the period is not over at the moment that it is as of.
    """
    if digest != wanted.digest or position > wanted.position:
        raise RankingStale(pointer="/digest")
    _refuse_early(wanted)
    stream = stream_of(engine, wanted.ranking, wanted.period)
    before = await asyncio.to_thread(versions, engine, wanted.ranking, wanted.period)
    if before and before[-1].units == wanted.units:
        detail = f"与第 {len(before)} 版相同，不需要再次签发"
        raise Collision(detail=detail)
    fact = replace(wanted, by=caller.actor.person or caller.client)

    def drafts(reference: Reference) -> list[Draft]:
        if reference.rankings.get((wanted.ranking, wanted.period), 0) != wanted.version - 1:
            raise RankingStale(pointer="/digest")
        return [Draft(fact, engine.now())]

    await engine.record(f.RANKING, stream, drafts, caller)
    return fact


def _refuse_early(wanted: f.RankingSigned) -> None:
    if wanted.as_of.astimezone(SHANGHAI).date() < wanted.until:
        detail = f"考核期到 {wanted.until} 才结束；请在此后按期满以后的时刻预览、签发"
        raise BadInput(detail=detail, pointer="/as_of")


def stream_of(engine: Engine, ranking: str, period: str) -> str:
    """Return the stream of a ranking's period."""
    return stream_id(engine.district, f.RANKING, ranking, period)
