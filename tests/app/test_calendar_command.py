"""`bihuan calendar` and `bihuan outage` as a clerk uses them."""

import asyncio
import csv
import json
import os
import signal
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.wiring import Site
from domain.actor import Role
from domain.commands import Report
from eventlog.keys import LocalWrapper, load_kek
from tests.support import calendars as c
from tests.support import districts as d
from tests.support.commands import Bihuan, eventually, kept_running
from workflows.administration import import_directory
from workflows.engine import Engine

NOW = "2026-12-28T09:00:00+08:00"
_codes = count(620201)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("calendar")) as running:
        yield running


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    """A new trial district at the end of 2026."""
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    bihuan("clock", "set", NOW, "--district", code)
    return code


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    return written(tmp_path / "2027.json", c.notice())


def written(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False, indent="\t"), encoding="utf-8")
    return path


def fill(bihuan: Bihuan, district: str, cases: int) -> None:
    """Report so many cases, all at once."""

    async def work(engine: Engine) -> None:
        await import_directory(engine, d.UNITS)
        told = Report(kind="closed-loop", title="井盖破损", unit=d.COMMUNITY)
        await asyncio.gather(
            *(engine.report(told, d.caller(Role.INTEGRATOR)) for _ in range(cases))
        )

    site = Site(bihuan.dsn, LocalWrapper(load_kek(bihuan.data / "keys" / "master.key")))
    with site.open(district) as services:
        asyncio.run(work(services.engine))


def test_a_preview_shows_what_moves_and_writes_nothing(
    bihuan: Bihuan, district: str, notice: Path, tmp_path: Path
) -> None:
    fill(bihuan, district, 3)
    out = tmp_path / "改动.csv"
    words = ("calendar", "load", notice, "--district", district, "--preview", "--out", out)
    shown = bihuan(*words)
    assert "提前 0，推后 3" in shown.err
    assert "自 2026-12-28 起生效" in shown.err
    assert shown.out.count("2027-02-08T23:59:59+08:00\t2027-02-15T23:59:59+08:00") == 3
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    totals = [row for row in rows if row["时限"] == "total"]
    assert len(totals) == 3
    assert {row["新到期"] for row in totals} == {"2027-02-15T23:59:59+08:00"}
    before = bihuan("calendar", "list", "--district", district, "--json").document
    assert [row["covered_to"] for row in before] == ["2026-12-31"]
    document = bihuan(*words, "--json").document
    assert document["counts"]["later"] == 3
    assert (document["unchanged"], len(document["moves"])) == (False, len(rows))


def test_loading_publishes_and_counts_again_and_the_second_time_does_nothing(
    bihuan: Bihuan, district: str, notice: Path
) -> None:
    fill(bihuan, district, 3)
    load = ("calendar", "load", notice, "--district", district)
    refused = bihuan.process(*load, code=2)
    assert "--preview" in refused.err
    first = bihuan(*load, "--yes", "--json").document
    assert (first["examined"], first["changed"], first["failures"]) == (3, 3, [])
    assert (first["effective_from"], first["covered_to"]) == ("2026-12-28", "2027-12-31")
    again = bihuan(*load, "--yes", "--json").document
    assert (again["unchanged"], again["examined"], again["changed"]) == (True, 0, 0)
    shown = bihuan("calendar", "show", "--district", district, "--json").document
    assert [one["effective_from"] for one in shown["versions"]] == [None, "2026-12-28"]
    assert shown["document"]["years"]["2027"]["sources"] == c.notice()["papers"]
    lines = bihuan("calendar", "show", "--district", district).out.splitlines()
    assert lines[1].split("\t")[1:] == [
        "自 2026-12-28 起",
        "09:00-12:00 14:00-18:00",
        "已公布 2007-01-01 至 2027-12-31",
    ]


def test_a_load_killed_in_the_middle_is_begun_again_and_finds_the_rest(
    bihuan: Bihuan, district: str, notice: Path
) -> None:
    cases = 1200
    fill(bihuan, district, cases)
    running = bihuan.begin("calendar", "load", notice, "--district", district, "--yes")
    try:
        eventually(lambda: recounted(bihuan, district) > 50)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    done = recounted(bihuan, district)
    assert done < cases, "too late to be killed in the middle"
    # The same file again, or without it: both go on.
    rest = bihuan("calendar", "recount", "--district", district, "--json").document
    assert 0 < rest["changed"] <= cases - done
    assert recounted(bihuan, district) == cases
    again = bihuan("calendar", "load", notice, "--district", district, "--yes", "--json").document
    assert (again["examined"], again["changed"]) == (0, 0)
    assert most(bihuan, district) == 1


def recounted(bihuan: Bihuan, district: str) -> int:
    """Return how many cases have been counted again."""
    query = f"""
        SELECT count(DISTINCT stream_id) FROM d{district}.event WHERE type = 'clock-rescheduled'
    """
    with psycopg.connect(bihuan.dsn) as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


def most(bihuan: Bihuan, district: str) -> int:
    """Return how often, at most, a clock of a case was counted again."""
    query = f"""
        SELECT max(times) FROM (
            SELECT count(*) AS times FROM d{district}.event WHERE type = 'clock-rescheduled'
            GROUP BY stream_id, convert_from(body, 'utf8')::jsonb -> 'data' ->> 'clock'
        ) AS counted
    """
    with psycopg.connect(bihuan.dsn) as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


def test_what_cannot_be_read_is_refused_with_its_place(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"year": 2027,\n"days": [}', encoding="utf-8")
    loose = tmp_path / "loose.yaml"
    loose.write_text("year: 2027\ndays: [1\n", encoding="utf-8")
    latin = tmp_path / "latin.json"
    latin.write_bytes('{"name": "节假日"}'.encode("gb18030"))
    empty = written(tmp_path / "empty.json", c.notice(days=[]))
    listed = tmp_path / "list.json"
    listed.write_text("[]", encoding="utf-8")
    for path, words in (
        (broken, "第 2 行不是有效的 JSON"),
        (loose, "不是有效的 YAML"),
        (latin, "不是 UTF-8"),
        (empty, "2027 年没有列出任何日子"),
        (listed, "最外层应为对象"),
        (tmp_path / "missing.json", "不存在"),
    ):
        done = bihuan("calendar", "load", path, "--district", district, "--preview", code=2)
        assert words in done.err, path
    done = bihuan(
        *("calendar", "load", empty, "--district", district, "--effective-from", "明天"), code=2
    )
    assert "2027-01-01" in done.err


def test_a_calendar_of_ones_own_is_loaded_and_assigned_to_a_unit(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    fill(bihuan, district, 0)
    own = tmp_path / "own.yaml"
    # Dates without quotes, as people write them.
    own.write_text(
        "name: community-hall\ntitle: 无双休日\nhours: ['09:00-12:00', '14:00-18:30']\n"
        "covered: {from: 2026-01-01, to: 2026-12-31}\n"
        "years: {'2026': {holidays: {}, workdays: {无双休日: 2026-01-01/2026-12-31}}}\n",
        encoding="utf-8",
    )
    loaded = bihuan("calendar", "load", own, "--district", district, "--yes", "--json").document
    assert (loaded["name"], loaded["previous_version"]) == ("community-hall", None)
    assign = ("calendar", "assign", "东街社区")
    assert (
        "此后按日历 community-hall 计时"
        in bihuan(*assign, "community-hall", "--district", district).err
    )
    assert "本来就" in bihuan(*assign, "community-hall", "--district", district).err
    rows = bihuan("calendar", "list", "--district", district, "--json").document
    units = {row["name"]: row["units"] for row in rows}
    assert units == {"cn-office": [], "community-hall": [d.COMMUNITY]}
    bihuan(*assign, "--none", "--district", district)
    rows = bihuan("calendar", "list", "--district", district, "--json").document
    assert [row["units"] for row in rows] == [[], []]
    both = bihuan(*assign, "cn-office", "--none", "--district", district, code=2)
    assert "二者选一" in both.err
    unknown = bihuan(*assign, "cn-bank", "--district", district, code=2)
    assert "unknown-calendar" in unknown.err


def test_the_doctor_asks_for_the_next_year_from_november_on(
    bihuan: Bihuan, district: str, notice: Path
) -> None:
    def finding() -> dict[str, Any]:
        found = bihuan("doctor", "--json").document
        (one,) = [one for one in found if one["what"].startswith(f"{district} 工作日历")]
        return dict(one)

    # The notice may still come: one is told, and nothing fails.
    assert finding()["ok"] is True
    assert "bihuan calendar load" in finding()["remedy"]
    assert f"! {district} 工作日历 cn-office 已公布至 2026-12-31" in bihuan("doctor").out
    bihuan("calendar", "load", notice, "--district", district, "--yes")
    assert finding()["remedy"] == ""


def test_an_outage_takes_two_people(bihuan: Bihuan, district: str, tmp_path: Path) -> None:
    secret = bihuan("key", "add", "--district", district, "--role", "leader").out
    leader = tmp_path / "leader.key"
    leader.write_text(secret, encoding="utf-8")
    window = ("--from", "2026-12-25T08:00:00+08:00", "--until", "2026-12-25T20:00:00+08:00")
    declare = ("outage", "declare", "--district", district, *window, "--reason", "机房停电")
    assert bihuan(*declare).out == "1\n"
    approve = ("outage", "approve", "1", "--district", district)
    assert "same-person" in bihuan(*approve, code=1).err
    # Friday 25 December, two working days: Tuesday.
    assert bihuan(*approve, "--key-file", leader).out == "2026-12-29T18:00:00+08:00\n"
    (row,) = bihuan("outage", "list", "--district", district, "--json").document
    assert (row["outage"], row["declared_by"], row["reason"]) == (1, "cli", "机房停电")
    assert row["approved_by"].startswith("key:")
    assert (
        "补录至 2026-12-29T18:00:00+08:00" in bihuan("outage", "list", "--district", district).out
    )
    leader.write_text("", encoding="utf-8")
    assert "unauthenticated" in bihuan(*declare, "--key-file", leader, code=1).err
    grid = bihuan("key", "add", "--district", district, "--role", "auditor").out
    leader.write_text(grid, encoding="utf-8")
    assert "role-forbidden" in bihuan(*declare, "--key-file", leader, code=1).err
    naive = ("--from", "2026-12-25T08:00:00", *window[2:])
    done = bihuan("outage", "declare", "--district", district, *naive, "--reason", "x", code=2)
    assert "naive-time" in done.err
