"""`bihuan serve`: database, migrations, API and ledgers in one; Ctrl-C or SIGTERM stops it all."""

import errno
import socket
import sys
from typing import Annotated, Final

import typer

from app.commands.shared import DataOption, settings_for, site
from app.output import fail, result, say

_MENDS: Final = {
    errno.EADDRINUSE: "端口已被占用，可能已有一个在运行。请换一个：--port",
    errno.EADDRNOTAVAIL: "本机没有这个地址。请改 --host",
    errno.EACCES: "没有权限使用这个端口。请用 1024 以上的端口",
}


def serve(
    *,
    host: Annotated[str, typer.Option(help="监听地址 Address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 Port; 0 = 任一空闲 any", min=0, max=65535)] = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="带演示区县（演示数据） With the demo district")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="进程数 Processes")] = 1,
    data: DataOption = None,
) -> None:
    """启动服务，Ctrl-C 停止 Start everything: 数据库 database, 接口 API, 台账 ledgers."""
    with _listening(host, port) as listening, site(data) as opened:
        # Only servers need these; `--help` and a port in use are answered without them.
        from app.demo import prepare_demo  # noqa: PLC0415
        from app.server import serve_alone, serve_together  # noqa: PLC0415

        settings = settings_for(data)
        key = prepare_demo(opened, settings.data) if demo else None
        _welcome(host, int(listening.getsockname()[1]), key)
        served = (
            serve_alone(opened, settings, listening)
            if workers == 1
            else serve_together(opened, settings, listening, workers)
        )
        if not served:
            fail("服务没有启动成功，原因见上面的日志。")
        say("正在停止……")
    say("已停止。")


def _listening(host: str, port: int) -> socket.socket:
    """Take the port first: whether it is free should not cost a start of the database."""
    from app.server import listen  # noqa: PLC0415 - see above

    try:
        return listen(host, port)
    except OSError as error:
        reason = _MENDS.get(error.errno or 0, str(error))
        fail(f"无法监听 {host}:{port}：{reason}。")


def _welcome(host: str, port: int, key: str | None) -> None:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - shown, not bound
    base = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    say(f"闭环 Bihuan 正在启动：{base}")
    say(f"  接口文档 API     {base}/v1/docs")
    say(f"  健康检查 health  {base}/health/ready")
    if key:
        say("  演示区县 610327（演示数据，全部虚构），管理员密钥 key：")
        result(key)
        sys.stdout.flush()
        example = f"{base}/v1/districts/610327/ledgers/deadlines/summary"
        say(f"  试一试 try: curl -s -H 'Authorization: Bearer {key}' {example}")
    say("  停止 stop: Ctrl-C")
