"""`bihuan ranking`: rankings of units previewed, signed with a leader's key, and shown."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec.structs import replace

from api.services import DistrictServices
from app.commands.shared import (
    AsOf,
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    follow,
    moment,
    run,
    with_indicators,
)
from app.output import document, fail, result, say
from app.wiring import real_clock
from domain import facts as f
from domain.actor import Actor
from domain.errors import RoleForbidden, Unauthenticated
from domain.rankings import differences
from projections.indicators import office
from projections.indicators.periods import read_period
from projections.indicators.ranking import compute
from workflows.administration import administrator, key_digest
from workflows.engine import Caller
from workflows.rankings import SIGNING, previewed, sign, versions

ranking = typer.Typer(help="考核通报 Rankings of units", no_args_is_help=True)

Period = Annotated[str, typer.Argument(help="考核期 Period, 2026-10 或 2026")]
Name = Annotated[str, typer.Option("--indicator", help="以分计的指标 Indicator in points")]
Levels = Annotated[str, typer.Option("--levels", help="层级 Levels, 如 town,community")]
USUAL: Final = "unit-points"


@ranking.command("preview")
def preview(
    period: Period,
    *,
    district_code: DistrictOption,
    name: Name = USUAL,
    levels: Levels = "",
    as_of: AsOf = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """预览名次，不写入 Show a ranking as it would be signed; write nothing."""
    with explained():
        at = moment(as_of)
    with district(data, district_code) as services:
        wanted, before = _preview(services, name, period, at, levels)
    _tell(wanted, before, as_json=as_json)
    say(f"签发时请写：--as-of {wanted.as_of.isoformat()} --digest {wanted.digest}")


@ranking.command("sign")
def sign_command(
    period: Period,
    *,
    district_code: DistrictOption,
    as_of: AsOf,
    digest: Annotated[str, typer.Option("--digest", help="预览给出的摘要 From the preview")],
    key_file: Annotated[
        Path, typer.Option("--key-file", help="领导的密钥文件 A leader's key", exists=True)
    ],
    name: Name = USUAL,
    levels: Levels = "",
    data: DataOption = None,
) -> None:
    """签发所预览的名次 Sign what was previewed, with a leader's key."""
    with explained():
        at = moment(as_of)
    secret = key_file.read_text("utf-8-sig").strip()
    with district(data, district_code) as services:
        wanted, _ = _preview(services, name, period, at, levels)

        async def work() -> f.RankingSigned:
            caller = await _caller(services, secret, wanted, digest)
            return await sign(services.engine, wanted, digest, wanted.position, caller)

        signed = run(work)
    say(f"已签发{signed.title} {signed.period} 第 {signed.version} 版。")


@ranking.command("show")
def show(
    period: Period,
    *,
    district_code: DistrictOption,
    name: Name = USUAL,
    version: Annotated[int, typer.Option("--version", min=0, help="版次；默认最新")] = 0,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """显示签发的一版 Show a signed version."""
    with district(data, district_code) as services:
        signed = versions(services.engine, name, period)
    number = version or len(signed)
    if not 1 <= number <= len(signed):
        fail(f"没有这一版；已签发 {len(signed)} 版")
    _tell(signed[number - 1], signed[number - 2] if number > 1 else None, as_json=as_json)


def _preview(
    services: DistrictServices, name: str, period: str, at: datetime | None, levels: str
) -> tuple[f.RankingSigned, f.RankingSigned | None]:
    reference = with_indicators(services)
    now = reference.now(real_clock())
    follow(services)
    formula = office.chosen(reference.definitions, name).formula
    with services.database.connection() as connection:
        computed = compute(
            connection,
            formula,
            reference.directory,
            period=read_period(formula.start, period),
            levels=tuple(filter(None, levels.split(","))),
            as_of=at or now,
            now=now,
        )
    signed = versions(services.engine, name, period)
    return previewed(computed, signed), signed[-1] if signed else None


async def _caller(
    services: DistrictServices, secret: str, wanted: f.RankingSigned, digest: str
) -> Caller:
    """Return whoever's key it is.

    Raises:
        Unauthenticated: the key is none that is in use.
        RoleForbidden: it is no leader's of the whole district.
    """
    grant = (await services.engine.refresh()).keys.get(key_digest(secret))
    if grant is None:
        raise Unauthenticated
    if grant.role not in SIGNING or grant.unit is not None:
        raise RoleForbidden(role=grant.role, action="签发考核通报", allowed="全区县的 leader")
    operator = administrator(services.engine, "ranking-sign", wanted.ranking, digest)
    actor = Actor(role=grant.role, unit=grant.unit, post=grant.post, person=grant.person)
    return replace(operator, actor=actor, client=f"key:{grant.key}")


def _tell(one: f.RankingSigned, before: f.RankingSigned | None, *, as_json: bool) -> None:
    moved = differences(before.units, one.units) if before else ()
    if as_json:
        document({**msgspec.to_builtins(one), "differences": msgspec.to_builtins(moved)})
        return
    say(f"{one.title} {one.period} 第 {one.version} 版（{one.formula}，位点 {one.position}）")
    for line in one.units:
        result(f"{line.level}\t{line.rank}\t{line.name}\t{line.points}")
    for change in moved:
        rank = f"{change.rank_before or '—'} → {change.rank or '—'}"
        points = f"{change.points_before or '—'} → {change.points or '—'}"
        result(f"变化\t{change.name}\t名次 {rank}\t得分 {points}")
