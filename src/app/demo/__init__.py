"""The demo district (演示数据): three invented months and an invented register, at first start."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Literal

from api.registers import bring_registers
from app.demo.founding import MONTHS, founded, played
from app.demo.player import Clock, Tell
from app.imports import import_rows
from app.migrate import create_district, drop_district
from app.output import fail, progress, say
from app.register.mapping_file import load_mapping
from app.register.rows import read_register
from app.wiring import Site, carry_ledgers
from domain.actor import Role
from workflows.administration import issue_key, key_digest
from workflows.engine import Engine

DEMO: Final = "610327"
NAME: Final = "云岭县（演示数据）"
State = Literal["absent", "complete", "keyless", "broken", "foreign"]


def prepare_demo(site: Site, data: Path, *, scale: int = 1) -> str:
    """Make the demo district, anew where a kill broke it off; return a ready-made key.

    The key is kept in `data/demo-key`, readable by its owner alone: it opens invented data only.
    A first key is issued last, so it tells that all is there. A district 610327 that is not the
    demo is left alone, and the command ends.
    """
    kept = data / "demo-key"
    secret = _read(kept)
    state = _state(site, secret)
    if state == "complete":
        return secret
    if state == "keyless":
        secret = _another_key(site)
        _keep(kept, secret)
        return secret
    if state == "foreign":
        fail(
            f"区县 {DEMO} 不是演示区县，没有放入演示数据。"
            "请去掉 --demo，或用 --data 换一个数据目录。"
        )
    say("正在准备演示数据 preparing demo data …")
    if state == "broken":
        drop_district(site.dsn, DEMO)
    with _bar() as tell:
        secret = make_demo(site, scale=scale, until=_minute(site.clock()), tell=tell)
    _keep(kept, secret)
    return secret


def make_demo(site: Site, *, scale: int, until: datetime, tell: Tell) -> str:
    """Found the demo district and play its cases up to a moment; return an administrator's key."""
    clock = Clock(until - MONTHS)
    create_district(site.dsn, DEMO)
    with replace(site, clock=clock).open(DEMO) as services:
        secret = asyncio.run(_made(services.engine, clock, until, scale, tell))
        bring_registers(services)
        carry_ledgers(services)
    return secret


async def _made(engine: Engine, clock: Clock, until: datetime, scale: int, tell: Tell) -> str:
    there = await founded(engine, NAME, scale=scale)
    player = await played(engine, clock, there, until, scale=scale, tell=tell)
    if player.refused:
        say(f"演示数据中有 {len(player.refused)} 步未被接受，例如：{player.refused[0]}")
    with as_file(files("app") / "demo") as folder:
        mapping = load_mapping(folder / "mapping.yaml")
        register = read_register(folder / "register.csv", mapping, now=engine.now())
        await import_rows(engine, register)
    return await _key(engine)


def _another_key(site: Site) -> str:
    """Issue a key to a demo district whose first one was lost; its data are left as they are."""
    with site.open(DEMO) as services:
        return asyncio.run(_key(services.engine))


async def _key(engine: Engine) -> str:
    await engine.refresh()
    return (await issue_key(engine, Role.ADMIN, unit=None, name="演示")).secret


def _state(site: Site, secret: str) -> State:
    """Return what there is of the demo; `foreign` is a district that is somebody else's."""
    if DEMO not in site.districts():
        return "absent"
    with site.open(DEMO) as services:
        reference = asyncio.run(services.engine.refresh())
    if reference.district is not None and reference.district.name != NAME:
        return "foreign"
    if key_digest(secret) in reference.keys:
        return "complete"
    return "keyless" if reference.keys else "broken"


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


@contextmanager
def _bar() -> Generator[Tell]:
    """Show on a terminal how far it is, in hundredths."""
    with progress("演示数据 demo") as bar:
        [task] = bar.task_ids
        bar.update(task, total=100)
        yield lambda share: bar.update(task, completed=round(share * 100))


def _read(kept: Path) -> str:
    return kept.read_text("utf-8").strip() if kept.exists() else ""


def _keep(kept: Path, secret: str) -> None:
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
