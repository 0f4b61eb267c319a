"""The demo district (演示数据): invented units and an invented register, made at first start."""

import asyncio
import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from app.imports import import_rows
from app.migrate import create_district
from app.output import fail, say
from app.register.directory import read_directory
from app.register.mapping_file import load_mapping
from app.register.rows import read_register
from app.wiring import Site, carry_ledgers
from domain.actor import Role
from workflows.administration import UnitRow, found, import_directory, issue_key, key_digest
from workflows.engine import Engine

DEMO: Final = "610327"
NAME: Final = "云岭县（演示数据）"


def prepare_demo(site: Site, data: Path) -> str:
    """Make the demo district, or what a kill left out of it; return a ready-made key.

    The key is kept in `data/demo-key`, readable by its owner alone: it opens invented data only.
    A district 610327 that is not the demo is left alone, and the command ends.
    """
    kept = data / "demo-key"
    if DEMO not in site.districts():
        create_district(site.dsn, DEMO)
    with site.open(DEMO) as services:
        secret, new = asyncio.run(_prepared(services.engine, _read(kept)))
        carry_ledgers(services)
    if new:
        _keep(kept, secret)
    return secret


async def _prepared(engine: Engine, secret: str) -> tuple[str, bool]:
    """Return the key, and whether it is new; it is issued last, so it tells that all is there."""
    reference = await engine.refresh()
    if reference.district is not None and reference.district.name != NAME:
        fail(
            f"区县 {DEMO} 是“{reference.district.name}”，不是演示区县，没有放入演示数据。"
            "请去掉 --demo，或用 --data 换一个数据目录。"
        )
    if key_digest(secret) in reference.keys:
        return secret, False
    say("正在准备演示数据 preparing demo data …")
    if reference.district is None:
        await found(engine, DEMO, NAME, trial=True)
    with as_file(files("app") / "demo") as folder:
        table = read_directory(folder / "directory.csv")
        rows = [UnitRow(row.code, row.name, row.level, row.parent) for row in table.rows]
        await import_directory(engine, rows)
        mapping = load_mapping(folder / "mapping.yaml")
        register = read_register(folder / "register.csv", mapping, now=engine.now())
        await import_rows(engine, register)
    return (await issue_key(engine, Role.ADMIN, unit=None, name="演示")).secret, True


def _read(kept: Path) -> str:
    return kept.read_text("utf-8").strip() if kept.exists() else ""


def _keep(kept: Path, secret: str) -> None:
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
