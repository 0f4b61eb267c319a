"""`bihuan work`: a process that serves nobody and only lets happen what time brings."""

import asyncio
import signal

from api.logs import configure_logs
from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, district, run
from app.output import say
from app.timers import begin, end


def work(*, district_code: DistrictOption, data: DataOption = None) -> None:
    """只执行到时的事：预警、超期、升级、自动恢复 Only let timers happen; Ctrl-C 停止.

    可与 bihuan serve 同时运行任意多个；每件事仍只发生一次 Any number beside servers.
    """
    configure_logs()
    with district(data, district_code, following=True) as services:
        run(lambda: _until_told(services))
    tally = services.timers
    say(f"已停止。执行 {tally.fired} 次，其中迟于一分钟 {tally.late} 次，失败 {tally.failed} 次。")


async def _until_told(services: DistrictServices) -> None:
    """Work until SIGINT, SIGTERM or SIGHUP."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    say(f"正在执行区县 {services.id} 到时的事。停止 stop: Ctrl-C")
    working = begin(services)
    await told.wait()
    await end(working)
