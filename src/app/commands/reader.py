"""`bihuan reader`: database users for BI tools, each reading the views within a unit."""

import secrets
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, explained, run
from app.output import document, fail, result, say
from eventlog.database import Connection
from projections.readers import ReaderExists, add_reader, readers, remove_reader
from projections.views import bring_views, view_schema

reader = typer.Typer(help="报表用户 Database users for BI tools", no_args_is_help=True)

_NO_RIGHT = "数据库用户无权创建角色或模式。请由数据库管理员授予 CREATEROLE 和建模式的权限后再试"


@reader.command("add")
def add(
    name: Annotated[str, typer.Argument(help="名称，小写字母、数字、下划线 a-z, 0-9, _")],
    *,
    district_code: DistrictOption,
    unit: Annotated[
        str, typer.Option(help="单元编码或名称，默认全区县 Unit; default: the whole district")
    ] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """添加只读的报表用户，口令只显示这一次 Add a user who reads the views."""
    role, password = _role(district_code, name), secrets.token_urlsafe(24)
    with district(data, district_code) as services, explained():
        found = run(services.engine.refresh).directory.find(unit) if unit else None
        with services.database.connection() as connection:
            _bring(services, connection)
            try:
                schema = services.database.schema
                path = found.path if found else ()
                add_reader(connection, schema, role, password, found.id if found else None, path)
            except ReaderExists as error:
                fail(str(error))
        address = _address(services, role, password)
    if as_json:
        document({"role": role, "schema": view_schema(services.database.schema), "dsn": address})
        return
    say(f"报表用户 {role} 已添加，只能读取模式 {view_schema(services.database.schema)} 中的视图。")
    say("连接地址（含口令）只显示这一次：")
    result(address)


@reader.command("list")
def list_readers(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出报表用户及其范围 List the users and their units."""
    with district(data, district_code) as services, services.database.connection() as connection:
        found = readers(connection)
    if as_json:
        document([{"role": role, "unit": unit} for role, unit in found])
        return
    for role, unit in found:
        result(f"{role}\t{unit or '全区县'}")


@reader.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="名称 Name, as given to `reader add`")],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
) -> None:
    """停用报表用户 Take a user's rights away."""
    role = _role(district_code, name)
    with district(data, district_code) as services, services.database.connection() as connection:
        if not remove_reader(connection, role):
            fail(f"没有报表用户“{role}”。可用 bihuan reader list 查看")
    say(f"已停用报表用户 {role}。")


def _role(code: str, name: str) -> str:
    if not (name.isascii() and name.replace("_", "").isalnum() and name == name.lower()):
        fail(f"名称“{name[:64]}”只能用小写字母、数字和下划线")
    return f"bi_{code}_{name}"[:63]


def _bring(services: DistrictServices, connection: Connection) -> None:
    try:
        bring_views(connection, services.database.schema, services.ledgers.values())
    except psycopg.errors.InsufficientPrivilege:
        fail(_NO_RIGHT)


def _address(services: DistrictServices, role: str, password: str) -> str:
    known = conninfo_to_dict(services.database.dsn)
    kept = {name: known[name] for name in ("host", "port", "dbname") if name in known}
    return make_conninfo("", **kept, user=role, password=password)
