"""`bihuan key`: access keys with a role, in a unit or in the whole district."""

from typing import Annotated

import typer

from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import WRONG_USAGE, document, fail, result, say
from domain.actor import Role
from workflows.administration import NEVER_ISSUED, issue_key, revoke_key

key = typer.Typer(help="访问密钥 Access keys", no_args_is_help=True)

# What a key may be given; commas with blanks, so that help can break the line.
_ROLES = [role.value for role in Role if role not in NEVER_ISSUED]


@key.command("add")
def add(
    *,
    district_code: DistrictOption,
    role: Annotated[str, typer.Option(help=f"角色 Role: {', '.join(_ROLES)}")],
    unit: Annotated[
        str, typer.Option(help="单元编码或名称，默认全区县 Unit; default: the whole district")
    ] = "",
    name: Annotated[str, typer.Option(help="用途或持有人 Label, 加密保存 kept sealed")] = "",
    post: Annotated[str, typer.Option(help="持有人的岗位编号 The holder's post, by id")] = "",
    person: Annotated[str, typer.Option(help="持有人的人员编号 The holder, by id")] = "",
    data: DataOption = None,
) -> None:
    """发放密钥，只显示这一次 Issue a key; the secret is printed once, alone on its line."""
    if role not in _ROLES:
        fail(f"没有角色“{role}”。可用：{'、'.join(_ROLES)}", WRONG_USAGE)
    with district(data, district_code) as services:
        issued = run(
            lambda: issue_key(
                services.engine,
                Role(role),
                unit=unit or None,
                name=name or None,
                post=post or None,
                person=person or None,
            )
        )
    say("密钥只显示这一次，请妥善保存：")
    result(issued.secret)


@key.command("list")
def list_keys(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出有效的密钥（不含密钥本身） List the keys in use, without their secrets."""
    with district(data, district_code) as services:
        grants = run(services.engine.refresh).keys.values()
    rows = [{"key": one.key, "role": one.role.value, "unit": one.unit} for one in grants]
    if as_json:
        document(rows)
        return
    for row in rows:
        result(f"{row['key']}\t{row['role']}\t{row['unit'] or '全区县'}")


@key.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="密钥编号 The key's id, see `key list`")],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
) -> None:
    """停用密钥 Revoke a key."""
    with district(data, district_code) as services:

        async def work() -> None:
            await services.engine.refresh()
            await revoke_key(services.engine, key_id)

        run(work)
    say(f"已停用密钥 {key_id}。")
