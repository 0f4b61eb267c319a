"""`bihuan serve`: database, migrations, API and ledgers in one; Ctrl-C or SIGTERM stops it all."""

import os
import signal
from typing import Annotated, Final, Never

import typer
import uvicorn

from app.commands.shared import DataOption, settings_for, site
from app.demo import prepare_demo
from app.output import result, say
from app.server import DSN_VARIABLE, KEK_VARIABLE, application

GRACE_SECONDS: Final = 6
"""How long requests under way may take after a signal; the rest of 10 s is for the database."""


def serve(
    *,
    host: Annotated[str, typer.Option(help="监听地址 Address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 Port")] = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="启用演示区县 With the demo district")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="进程数 Processes")] = 1,
    data: DataOption = None,
) -> None:
    """启动服务 Start everything: 数据库 database, 接口 API, 台账 ledgers."""
    signal.signal(signal.SIGTERM, _stop)
    with site(data) as opened:
        settings = settings_for(data)
        key = prepare_demo(opened, settings.data) if demo else None
        _welcome(host, port, key)
        options = {
            "host": host,
            "port": port,
            "log_config": None,
            "access_log": False,
            "timeout_graceful_shutdown": GRACE_SECONDS,
            "server_header": False,
        }
        if workers == 1:
            uvicorn.run(application(opened, settings), **options)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        else:
            os.environ[DSN_VARIABLE] = opened.dsn
            os.environ[KEK_VARIABLE] = str(settings.master_key.resolve())
            uvicorn.run("app.server:worker", factory=True, workers=workers, **options)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    say("已停止。")


def _stop(*_: object) -> Never:
    raise SystemExit(0)


def _welcome(host: str, port: int, key: str | None) -> None:
    base = f"http://{host}:{port}"
    say(f"闭环 Bihuan 正在启动：{base}")
    say(f"  接口文档 API     {base}/v1/docs")
    say(f"  健康检查 health  {base}/health/ready")
    if key:
        say("  演示区县 610327（演示数据），密钥 key：")
        result(key)
        example = f"{base}/v1/districts/610327/ledgers/deadlines/summary"
        say(f"  试一试 try: curl -s -H 'Authorization: Bearer {key}' {example}")
