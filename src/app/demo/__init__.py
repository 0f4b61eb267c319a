"""The demo district (演示数据): invented units and an invented register, made at first start."""

import asyncio
import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from app.imports import import_rows
from app.migrate import create_district
from app.output import say
from app.register.directory import read_directory
from app.register.mapping_file import load_mapping
from app.register.rows import read_register
from app.wiring import Site
from domain.actor import Role
from eventlog.reader import read_head
from workflows.administration import UnitRow, found, import_directory, issue_key

DEMO: Final = "610327"
NAME: Final = "云岭县（演示数据）"


def prepare_demo(site: Site, data: Path) -> str:
    """Found the demo district if it is not there; return a ready-made key.

    The key is kept in `data/demo-key`, readable by its owner alone: it opens invented data only.
    """
    kept = data / "demo-key"
    if DEMO in site.districts() and kept.exists():
        return kept.read_text("utf-8").strip()
    say("正在准备演示数据 preparing demo data …")
    if DEMO not in site.districts():
        create_district(site.dsn, DEMO)
    return _filled(site, kept)


def _filled(site: Site, kept: Path) -> str:

    with site.open(DEMO) as services, as_file(files("app") / "demo") as folder:
        engine = services.engine

        async def work() -> str:
            if (await engine.refresh()).district is None:
                await found(engine, DEMO, NAME, trial=True)
            table = read_directory(folder / "directory.csv")
            rows = [UnitRow(row.code, row.name, row.level, row.parent) for row in table.rows]
            await import_directory(engine, rows)
            mapping = load_mapping(folder / "mapping.yaml")
            register = read_register(folder / "register.csv", mapping, now=engine.now())
            await import_rows(engine, register)
            return await issue_key(engine, Role.ADMIN, unit=None, name="演示")

        secret = asyncio.run(work())
        with services.database.connection() as connection:
            services.runner.run_until(read_head(connection).position)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    return secret
