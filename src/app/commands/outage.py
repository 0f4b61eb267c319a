"""`bihuan outage`: times without the system, whose paper records may be registered afterwards."""

from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from api.services import DistrictServices
from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    moment,
    run,
)
from app.output import document, result, say
from domain.actor import Actor
from domain.due import SHANGHAI
from domain.errors import NaiveTime, RoleForbidden, Unauthenticated
from workflows.administration import administrator, key_digest
from workflows.engine import Caller
from workflows.outages import DECIDING, approve, declare, reasons
from workflows.reference import DeclaredOutage

outage = typer.Typer(help="停机与补录 Outages", no_args_is_help=True)

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="以谁的密钥，文件里只有密钥 Whose key; 默认为本机管理员 default: the operator here",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


@outage.command("declare")
def declare_command(
    *,
    district_code: DistrictOption,
    since: Annotated[str, typer.Option("--from", help="停机开始 Beginning, RFC 3339")],
    until: Annotated[str, typer.Option(help="停机结束 End, RFC 3339")],
    reason: Annotated[str, typer.Option(help="原因 Reason, 加密保存 kept sealed")],
    key_file: KeyFile = None,
    data: DataOption = None,
) -> None:
    """宣布停机；另一人批准后才可补录 Declare an outage; it takes another person's approval."""
    with explained():
        begins, ends = moment(since), moment(until)
        if begins is None or ends is None:
            raise NaiveTime(value=since if begins is None else until)
    with district(data, district_code) as services:
        secret = _secret(key_file)

        async def work() -> DeclaredOutage:
            who = await _caller(services, secret, "outage-declare", since, until, reason)
            return await declare(services.engine, begins, ends, reason, who)

        declared = run(work)
    say("已宣布停机，等待另一人批准；编号：")
    result(str(declared.outage))


@outage.command("approve")
def approve_command(
    number: Annotated[int, typer.Argument(help="停机编号 Number")],
    *,
    district_code: DistrictOption,
    key_file: KeyFile = None,
    data: DataOption = None,
) -> None:
    """批准停机补录，须由另一人 Approve an outage that somebody else declared."""
    with district(data, district_code) as services:
        secret = _secret(key_file)

        async def work() -> DeclaredOutage:
            who = await _caller(services, secret, "outage-approve", str(number))
            return await approve(services.engine, number, who)

        approved = _shown(run(work), "")
    say(f"已批准第 {number} 号停机；其间的纸质记录请在此前补录：")
    result(str(approved["register_by"]))


@outage.command("list")
def list_outages(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出停机 List the outages."""
    with district(data, district_code) as services:
        outages = list(run(services.engine.refresh).outages.values())
        told = reasons(services.engine, outages)
    rows = [_shown(one, told[one.outage]) for one in outages]
    if as_json:
        document(rows)
        return
    for row in rows:
        state = f"补录至 {row['register_by']}" if row["register_by"] else "等待批准"
        result(f"{row['outage']}\t{row['from']}\t{row['until']}\t{state}\t{row['reason']}")


def _secret(key_file: Path | None) -> str | None:
    return key_file.read_text("utf-8-sig").strip() if key_file else None


async def _caller(services: DistrictServices, secret: str | None, what: str, *parts: str) -> Caller:
    """Return who asks: the operator at this computer, or whoever's key it is.

    Raises:
        Unauthenticated: the key is none that is in use.
        RoleForbidden: its role neither declares nor approves outages.
    """
    operator = administrator(services.engine, what, *parts)
    if secret is None:
        return operator
    grant = (await services.engine.refresh()).keys.get(key_digest(secret))
    if grant is None:
        raise Unauthenticated
    if grant.role not in DECIDING:
        allowed = "、".join(sorted(DECIDING))
        raise RoleForbidden(role=grant.role, action="停机补录", allowed=allowed)
    actor = Actor(role=grant.role, unit=grant.unit)
    return replace(operator, actor=actor, client=f"key:{grant.key}")


def _shown(one: DeclaredOutage, reason: str) -> dict[str, Any]:
    approval = one.approval
    return {
        "outage": one.outage,
        "from": one.since.astimezone(SHANGHAI).isoformat(),
        "until": one.until.astimezone(SHANGHAI).isoformat(),
        "declared_by": one.by,
        "approved_by": approval.by if approval else None,
        "register_by": approval.register_by.astimezone(SHANGHAI).isoformat() if approval else None,
        "reason": reason,
    }
