"""`bihuan doctor`: everything an operator should look at, each with its remedy."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import psycopg
import typer
from msgspec import Struct

from app.commands.shared import DataOption, JsonOption, run, settings_for, site
from app.output import FAILED, document, result
from app.wiring import Site, real_clock
from eventlog.reader import read_head
from workflows.calendar_office import OFFICE, coverage, today_of
from workflows.engine import Engine
from workflows.timers.claims import Standing, standing

FREE_BYTES: Final = 2 * 1024**3
BEHIND: Final = 10_000
CLOCK: Final = timedelta(seconds=5)


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    ok: bool
    what: str
    remedy: str = ""


def doctor(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """体检：数据库、磁盘、密钥、时钟、台账 Look over everything that can go wrong."""
    settings = settings_for(data)
    with site(data) as opened:
        findings = [_disk(str(settings.data)), Finding(ok=True, what="主密钥可读，权限正确")]
        findings += _server(opened)
        for code in opened.districts():
            findings += _district(opened, code)
    if as_json:
        document([{"ok": one.ok, "what": one.what, "remedy": one.remedy} for one in findings])
    else:
        for one in findings:
            mark = "✗" if not one.ok else "!" if one.remedy else "✓"
            result(f"{mark} {one.what}{f'  → {one.remedy}' if one.remedy else ''}")
    if not all(one.ok for one in findings):
        raise typer.Exit(FAILED)


def _disk(folder: str) -> Finding:
    free = shutil.disk_usage(folder).free
    enough = free > FREE_BYTES
    what = f"数据目录所在磁盘剩余 {free / 1024**3:.1f} GB"
    return Finding(enough, what, "" if enough else "请清理磁盘或扩容，写满后将拒绝写入")


def _server(site: Site) -> Iterator[Finding]:
    with psycopg.connect(site.dsn) as connection:
        row = connection.execute("SELECT current_setting('server_version')").fetchone()
    yield Finding(ok=True, what=f"PostgreSQL {row[0] if row else '?'}，落盘设置正确")


def _district(site: Site, code: str) -> Iterator[Finding]:
    with site.open(code) as services, services.database.connection() as connection:
        head = read_head(connection)
        now = run(services.engine.refresh).trial_offset(real_clock())
        ahead = head.last_recorded_at - now
        yield Finding(ok=True, what=f"{code} 日志共 {head.position} 条办理记录")
        yield from _calendars(services.engine)
        good = ahead < CLOCK
        late = "服务器时间落后于日志，请校准（NTP）后再启动"
        yield Finding(good, f"{code} 时钟与日志一致", "" if good else late)
        for one in services.runner.lags():
            fine = one.state == "live" and one.behind < BEHIND and not one.quarantined
            remedy = f"bihuan rebuild {one.name.partition('@')[0]} --district {code}"
            what = f"{code} 台账 {one.name} 落后 {one.behind} 条（{one.state}）{one.detail}"
            yield Finding(fine, what, "" if fine else remedy)
        yield _timers(code, standing(connection, now), now)


def _timers(code: str, found: Standing, now: datetime) -> Finding:
    """Failures need somebody; what merely waits is done as soon as a server runs."""
    waits = f"，最久 {found.age(now):.0f} 秒" if found.overdue else ""
    what = (
        f"{code} 计时点 {found.pending} 个，到时未执行 {found.overdue} 个{waits}，"
        f"异常 {found.incidents} 个"
    )
    remedy = "请看服务日志中的 timer 记录；原因消除后会自动重试"
    return Finding(found.incidents == 0, what, remedy if found.incidents else "")


def _calendars(engine: Engine) -> Iterator[Finding]:
    """Say from 1 November on that the next year's holidays are missing (clocks.md R13).

    No failure while the notice may still come; nor in a trial, whose clock may show any year.
    """
    founded = engine.reference.district
    for one in coverage(engine.reference, today_of(engine)):
        what = f"{engine.district} 工作日历 {one.calendar} 已公布至 {one.until}"
        remedy = f"请载入新一年的放假安排：bihuan calendar load 文件 --district {engine.district}"
        if one.calendar != OFFICE:
            remedy += f" --name {one.calendar}"
        fine = one.days >= 0 or (founded is not None and founded.trial)
        yield Finding(fine, what, remedy if one.missing else "")
