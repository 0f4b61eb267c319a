"""`bihuan demo`: makes the demo district without serving it, also a hundred times the size."""

from typing import Annotated

import typer

from app.commands.shared import DataOption, JsonOption, settings_for, site
from app.demo import DEMO, prepare_demo
from app.output import document, result, say


def demo(
    *,
    scale: Annotated[int, typer.Option(min=1, max=1000, help="规模 How many times the cases")] = 1,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """生成演示区县（全部虚构），打印管理员密钥 Make the demo district, print its key.

    已有的演示区县不改动；中途被终止的重新生成 One that is there is left as it is.
    """
    with site(data) as opened:
        key = prepare_demo(opened, settings_for(data).data, scale=scale)
    if as_json:
        document({"district": DEMO, "key": key})
        return
    say(f"演示区县 {DEMO}（演示数据，全部虚构）已就绪，管理员密钥 key：")
    result(key)
