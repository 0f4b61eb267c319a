"""A re-division dated in the future, in a real server: on its day it happens by itself."""

import json
import time
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.due import SHANGHAI
from tests.app.test_timers_served import Server, add_district, serving
from tests.support.commands import Bihuan, eventually, kept_running

CODE = "610327"
TABLE = """code,name,level,parent
610327000000,演示县,county,
610327100000,城关镇,town,610327000000
610327100001,东街社区,community,610327100000
61032710000101,东街一网格,grid,610327100001
"""
PLAN = """division: split
units:
  - {code: "610327100011", name: 东街东社区, level: community, parent: "610327100000"}
moves:
  - {unit: "610327100001", into: ["610327100011"]}
"""


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("divided") / "var") as command:
        yield command


def test_on_its_day_the_server_carries_it_out(bihuan: Bihuan, tmp_path: Path) -> None:
    key = add_district(bihuan, CODE)
    table, plan = tmp_path / "units.csv", tmp_path / "plan.yaml"
    table.write_text(TABLE, "utf-8")
    plan.write_text(PLAN, "utf-8")
    bihuan("import", "directory", str(table), "--district", CODE)
    on = datetime.now(SHANGHAI).date() + timedelta(days=2)
    words = ("directory", "redivide", str(plan), "--district", CODE, "--on", on.isoformat())
    assert "自行划归" in bihuan(*words, "--apply").err
    with serving(bihuan) as server:
        body = {"title": "井盖破损", "unit": "61032710000101"}
        path = f"/v1/districts/{CODE}"
        case = json.loads(server.ask("POST", f"{path}/cases", key, body)[1])["id"]
        assert holder(server, path, key, case) == "610327100001"
        assert holder(server, path, key, case) == "610327100001"
        server.forward(CODE, key, timedelta(days=2))
        eventually(lambda: later_holder(server, path, key, case) == "610327100011", seconds=60)
        done = json.loads(server.ask("GET", f"{path}/directory/divisions", key)[1])["items"]
        assert [one["division"] for one in done] == ["split"]


def later_holder(server: Server, path: str, key: str, case: str) -> str:
    """Ask now and then: nobody reads what the server logs, and a pipe is soon full."""
    time.sleep(0.5)
    return holder(server, path, key, case)


def holder(server: Server, path: str, key: str, case: str) -> str:
    told = json.loads(server.ask("GET", f"{path}/cases/{case}", key)[1])
    return str(told["holder"])
