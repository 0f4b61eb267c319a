"""The command line as a person meets it: what it says, what it prints, how it ends."""

import contextlib
import csv
import os
import re
import signal
from collections import Counter
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Final

import openpyxl
import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo

from app import migrate
from projections.ledgers import LEDGERS
from projections.registers.language import shipped_registers
from tests.support.commands import (
    PROJECT,
    Bihuan,
    begun,
    called,
    eventually,
    kept_running,
    postgres_runs,
)

DEMO: Final = PROJECT / "src" / "app" / "demo"
_codes = count(620101)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    """A new trial district."""
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    return code


@pytest.fixture(scope="module")
def filled(bihuan: Bihuan) -> str:
    """A district with the invented directory and register, which tests leave as it is."""
    code = "620100"
    bihuan("district", "add", code, "--name", "云岭县")
    bihuan("import", "directory", DEMO / "directory.csv", "--district", code)
    rejected = bihuan.data / "退回.xlsx"
    words = ("--mapping", DEMO / "mapping.yaml", "--rejected", rejected)
    bihuan("import", "cases", DEMO / "register.csv", "--district", code, *words, code=3)
    return code


# Districts and keys


def test_districts_are_added_once_and_listed(bihuan: Bihuan, district: str) -> None:
    assert f"{district}\t云岭县\t试运行\n" in bihuan("district", "list").out
    listed = bihuan("district", "list", "--json").document
    assert {"id": district, "name": "云岭县", "trial": True} in listed
    again = bihuan("district", "add", district, "--name", "另一个", code=1)
    assert f"区县 {district} 已经启用。（district-exists）" in again.err
    wrong = bihuan("district", "add", "61032X", "--name", "错", code=2)
    assert "区县编号 61032X 无效" in wrong.err


def test_a_secret_key_is_alone_on_its_line_and_never_shown_again(
    bihuan: Bihuan, district: str
) -> None:
    done = bihuan.process("key", "add", "--district", district, "--role", "auditor")
    assert re.fullmatch(r"bh_[\w-]{32}\n", done.out)
    listed = bihuan("key", "list", "--district", district, "--json")
    (key,) = listed.document
    assert (key["role"], key["unit"]) == ("auditor", None)
    assert done.out.strip() not in listed.out
    bihuan("key", "revoke", key["key"], "--district", district)
    assert bihuan("key", "list", "--district", district, "--json").document == []
    gone = bihuan("key", "revoke", key["key"], "--district", district, code=1)
    assert "没有找到密钥" in gone.err


def test_an_unknown_district_or_unit_is_named_with_what_there_is(
    bihuan: Bihuan, district: str
) -> None:
    words = ("--role", "admin")
    done = bihuan("key", "add", "--district", "999999", *words, code=2)
    assert "没有区县“999999”。已有：" in done.err
    assert district in done.err
    done = bihuan("key", "add", "--district", district, *words, "--unit", "月球", code=2)
    assert "单元“月球”不在组织目录中" in done.err


# The trial clock


def test_a_trial_clock_moves_forwards_only_and_keeps_running(bihuan: Bihuan, district: str) -> None:
    bihuan("clock", "set", "2030-01-01T09:00:00+08:00", "--district", district)
    back = bihuan("clock", "set", "2029-12-31T09:00:00+08:00", "--district", district, code=1)
    assert "只能向前拨" in back.err
    assert "clock-backwards" in back.err
    assert bihuan("doctor").code == 0
    bihuan("clock", "set", "2030-01-02T09:00:00+08:00", "--district", district)


def test_a_real_district_has_no_clock_to_set_and_a_time_needs_its_offset(
    bihuan: Bihuan, filled: str, district: str
) -> None:
    done = bihuan("clock", "set", "2030-01-01T09:00:00+08:00", "--district", filled, code=1)
    assert "trial-only" in done.err
    for naive in ("2030-01-01T09:00:00", "2030-01-01", "明天", "1893456000"):
        done = bihuan("clock", "set", naive, "--district", district, code=2)
        assert "naive-time" in done.err


# Ledgers


def test_a_ledger_is_exported_as_csv_and_as_a_workbook(
    bihuan: Bihuan, filled: str, tmp_path: Path
) -> None:
    text, book = tmp_path / "台账.csv", tmp_path / "台账.xlsx"
    words = ("--district", filled, "--out")
    assert bihuan("export", "deadlines", *words, text).out == ""
    with text.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 117
    assert {"编号", "标题", "到期时间"} <= set(rows[0])
    bihuan("export", "cases", *words, book)
    workbook = openpyxl.load_workbook(book)
    assert workbook.worksheets[0].max_row == 118
    workbook.close()


def test_an_export_as_of_a_day_has_what_had_happened_by_then_and_known_at_what_was_recorded(
    bihuan: Bihuan, filled: str, tmp_path: Path
) -> None:
    def rows(*moment: str) -> int:
        path = tmp_path / "then.csv"
        bihuan("export", "cases", "--district", filled, "--out", path, *moment)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return len(list(csv.DictReader(file)))

    assert 0 < rows("--as-of", "2025-07-01T00:00:00+08:00") < 117
    assert rows("--known-at", "2025-07-01T00:00:00+08:00") == 0
    naive = ("--out", tmp_path / "x.csv", "--as-of", "2025-07-01")
    done = bihuan("export", "cases", "--district", filled, *naive, code=2)
    assert "naive-time" in done.err
    assert not (tmp_path / "x.csv").exists()


def test_an_export_where_nobody_may_write_says_so(
    bihuan: Bihuan, filled: str, tmp_path: Path
) -> None:
    out = tmp_path / "missing" / "x.csv"
    done = bihuan("export", "cases", "--district", filled, "--out", out, code=1)
    assert str(out.parent) in done.err
    assert "Traceback" not in done.err


def test_ledgers_are_rebuilt_and_lag_says_how_far_they_are(bihuan: Bihuan, filled: str) -> None:
    done = bihuan("rebuild", "--all", "--district", filled)
    assert "已重建 事项台账（cases）。" in done.err
    lags = [row for row in bihuan("lag", "--json").document if row["district"] == filled]
    kept = Counter(row["ledger"].partition("@")[0] for row in lags)
    registers = [name for name in kept if name.startswith("register_")]
    assert len(registers) == len(shipped_registers()) == 10
    ledgers = {ledger.shape.name for ledger in LEDGERS.values()}
    assert kept.keys() - set(registers) == ledgers | {"timers", "notices", "places", "search"}
    assert set(kept.values()) == {1}
    assert all(row["behind"] == 0 and row["state"] == "live" for row in lags)
    assert f"{filled}\tcases@" in bihuan("lag").out


# Replay


def test_a_case_is_replayed_by_its_number_its_id_or_its_source(bihuan: Bihuan, filled: str) -> None:
    words = ("--district", filled, "--json")
    by_source = bihuan("replay", "message-board/YL20250001", *words).document
    state = by_source["state"]
    assert bihuan("replay", state["number"], *words).document == by_source
    assert bihuan("replay", by_source["state"]["id"], *words).document == by_source
    assert [fact["version"] for fact in by_source["facts"]] == [1, 2, 3, 4, 5][: state["version"]]
    texts = bihuan("replay", state["number"], "--district", filled).out
    assert "title: 崇文里树枝压住电线" in texts
    assert "case-reported" in texts


def test_a_case_is_replayed_as_it_stood_at_a_version_or_a_moment(
    bihuan: Bihuan, filled: str
) -> None:
    words = ("replay", "message-board/YL20250001", "--district", filled, "--json")
    now = bihuan(*words).document["state"]
    assert now["stage"] == "replied"
    first = bihuan(*words, "--version", 1).document
    assert len(first["facts"]) == 1
    assert first["state"]["stage"] == "received"
    before = bihuan(*words, "--as-of", "2025-01-10T15:42:24+08:00").document["state"]
    assert before["stage"] == "received"
    after = bihuan(*words, "--as-of", "2025-01-10T15:42:25+08:00").document["state"]
    assert after["stage"] == "replied"
    unknown = bihuan(*words, "--known-at", "2025-01-10T15:42:25+08:00", code=1)
    assert "not-found" in unknown.err
    assert "naive-time" in bihuan(*words, "--as-of", "2025-01-10", code=2).err


def test_the_difference_between_two_versions_names_what_changed(
    bihuan: Bihuan, filled: str
) -> None:
    words = ("replay", "message-board/YL20250001", "--district", filled, "--diff", 1)
    last = bihuan(*words, 2, "--json").document["facts"][-1]["version"]
    assert last == 2
    changed = bihuan(*words, 4, "--json").document
    assert {"stage", "version"} <= {change["field"] for change in changed["changes"]}
    assert [fact["version"] for fact in changed["facts"]] == [2, 3, 4]
    assert "stage: received → replied" in bihuan(*words, 4).out


def test_a_case_that_is_not_there_is_not_found(bihuan: Bihuan, filled: str) -> None:
    for case in ("message-board/none", "620100-2025-9999999", "x", district_id := "0" * 8):
        done = bihuan("replay", case, "--district", filled, code=1)
        assert "没有找到事项" in done.err, district_id


# Verify and doctor


def test_verify_finds_what_a_superuser_changed(bihuan: Bihuan, district: str) -> None:
    assert "完好：未发现改动。" in bihuan("verify", "--district", district).out
    with psycopg.connect(bihuan.dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            f"UPDATE d{district}.event SET occurred_at = occurred_at - interval '1 day'"
            " WHERE position = 2"
        )
    done = bihuan("verify", "--district", district, code=1)
    assert "发现 " in done.out
    assert "位点 2\t" in done.out
    problems = bihuan("verify", "--district", district, "--json", code=1).document["problems"]
    assert {problem["position"] for problem in problems} == {2}


def test_doctor_looks_at_everything_and_says_what_to_do(bihuan: Bihuan, district: str) -> None:
    findings = bihuan("doctor", "--json").document
    assert all(finding["ok"] for finding in findings), findings
    assert any(f"{district} 台账 cases" in finding["what"] for finding in findings)
    with psycopg.connect(bihuan.dsn, autocommit=True) as connection:
        halted = f"UPDATE d{district}.checkpoint SET state = 'halted', detail = 'position 3: X'"
        connection.execute(halted)
    try:
        done = bihuan("doctor", code=1)
        assert f"→ bihuan rebuild cases --district {district}" in done.out
    finally:
        bihuan("rebuild", "--all", "--district", district)
    assert bihuan("doctor").code == 0


# Kinds


def test_a_kind_is_checked_published_and_activated(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    source = PROJECT / "src" / "workflows" / "kinds" / "public-reply.yaml"
    shipped = bihuan("kinds", "check", source).out.splitlines()
    assert "群众留言答复 public-reply@1.1.0，3 个环节、4 个操作" in shipped[0]
    newer = tmp_path / "newer.yaml"
    newer.write_text(source.read_text("utf-8").replace("1.1.0", "1.2.0"), "utf-8-sig")
    words = ("--district", district)
    published = bihuan("kinds", "publish", newer, *words).out.strip()
    listed = {one["hash"]: one for one in bihuan("kinds", "list", *words, "--json").document}
    assert listed[shipped[1]]["active"]
    assert not listed[published]["active"]
    bihuan("kinds", "publish", newer, "--activate", *words)
    listed = {one["hash"]: one for one in bihuan("kinds", "list", *words, "--json").document}
    assert listed[published]["active"]
    assert not listed[shipped[1]]["active"]
    assert "public-reply@1.2.0\t群众留言答复\t启用" in bihuan("kinds", "list", *words).out


def test_a_broken_kind_is_refused_with_every_problem(bihuan: Bihuan, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("dsl: case/1\ndocument: {name: x}\n", "utf-8")
    done = bihuan("kinds", "check", broken, code=1)
    assert "bad-kind" in done.err
    broken.write_bytes("名称".encode("gb18030"))
    done = bihuan("kinds", "check", broken, code=2)
    assert "不是 UTF-8" in done.err


# Which database


def test_a_database_url_wins_and_the_data_folder_keeps_the_keys_alone(
    bihuan: Bihuan, filled: str, tmp_path: Path
) -> None:
    keys = {"BIHUAN_KEY_FILE": str(bihuan.data / "keys" / "master.key")}
    env = {"BIHUAN_DATABASE_URL": bihuan.dsn, **keys}
    done = called("district", "list", "--json", "--data", tmp_path / "var", env=env)
    assert done.code == 0, done
    assert filled in [one["id"] for one in done.document]
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://somebody:hunter2@127.0.0.1:1/nothing",
        "host=127.0.0.1 port=1 user=somebody password=hunter2",
        "postgres+wrong://somebody:hunter2@127.0.0.1/nothing",
        "postgresql://somebody:hunter2@127.0.0.1:port/nothing",
        "hunter2",
    ],
)
def test_a_database_url_that_fails_is_an_error_without_the_password_and_nothing_else_is_tried(
    url: str, tmp_path: Path
) -> None:
    done = called("lag", "--data", tmp_path / "var", env={"BIHUAN_DATABASE_URL": url})
    assert done.code == 1
    assert "连不上数据库" in done.err
    assert "BIHUAN_DATABASE_URL" in done.err
    assert "hunter2" not in done.err + done.out
    assert "Traceback" not in done.err
    assert not (tmp_path / "var" / "postgres").exists()


def test_a_server_that_may_forget_is_refused(bihuan: Bihuan, tmp_path: Path) -> None:
    forgetful = make_conninfo(bihuan.dsn, options="-c synchronous_commit=off")
    done = called("lag", "--data", tmp_path, env={"BIHUAN_DATABASE_URL": forgetful})
    assert done.code == 1
    assert "synchronous_commit 为 off" in done.err


def test_a_user_who_may_not_make_tables_is_told_so(bihuan: Bihuan, tmp_path: Path) -> None:
    with psycopg.connect(bihuan.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE closed")
        connection.execute("CREATE ROLE outsider LOGIN")
    dsn = make_conninfo(bihuan.dsn, dbname="closed", user="outsider")
    done = called("lag", "--data", tmp_path, env={"BIHUAN_DATABASE_URL": dsn})
    assert done.code == 1
    assert "数据库拒绝建表或升级" in done.err


def test_a_database_of_a_newer_program_is_refused(bihuan: Bihuan, tmp_path: Path) -> None:
    with psycopg.connect(bihuan.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE newer")
    dsn = make_conninfo(bihuan.dsn, dbname="newer")
    migrate.create_district(dsn, "610327")
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE public.district SET revision = 'district_9999_later'")
    done = called("lag", "--data", tmp_path, env={"BIHUAN_DATABASE_URL": dsn})
    assert done.code == 1
    assert "district_9999_later" in done.err


def test_the_revision_by_name_is_the_one_that_alembic_finds() -> None:
    for branch in ("public", "district"):
        config = Config()
        folder = migrate.migrations_folder()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("script_location", str(folder))
        config.set_main_option("version_locations", str(folder / branch))
        head = ScriptDirectory.from_config(config).get_current_head()
        assert migrate.program_revision(branch) == head


def test_a_master_key_that_others_can_read_is_refused(bihuan: Bihuan, tmp_path: Path) -> None:
    key = tmp_path / "master.key"
    key.write_text("ab" * 32)
    key.chmod(0o644)
    env = {"BIHUAN_DATABASE_URL": bihuan.dsn, "BIHUAN_KEY_FILE": str(key)}
    done = called("lag", "--data", tmp_path, env=env)
    assert done.code == 1
    assert "chmod 600" in done.err


# Several at once, interrupted, cut off


def test_two_commands_share_a_data_folder_that_neither_has_seen_running(tmp_path: Path) -> None:
    words = ("--name", "县", "--data", tmp_path / "var")
    both = [begun("district", "add", code, *words) for code in ("610001", "610002")]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0], ends
    assert not postgres_runs(tmp_path / "var")
    with kept_running(tmp_path / "var") as bihuan:
        listed = bihuan("district", "list", "--json").document
    assert [one["id"] for one in listed] == ["610001", "610002"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_ends_cleanly_and_stops_the_database(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    data = tmp_path / "var"
    headers = "留言编号,留言用户,留言主题,留言时间,留言详情,答复意见,答复时间\n"
    rows = "".join(f"{n},甲,路灯不亮,2026/1/4 7:11:40,东头,,\n" for n in range(20_000))
    (tmp_path / "long.csv").write_text(headers + rows, "utf-8")
    with kept_running(data) as bihuan:
        bihuan("district", "add", "610001", "--name", "县")
    mapping = ("--mapping", DEMO / "mapping.yaml", "--district", "610001")
    process = begun("import", "cases", tmp_path / "long.csv", *mapping, "--data", data)
    try:
        eventually(lambda: stored(data) > 500)
    finally:
        os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert out == ""
    assert not postgres_runs(data)


def stored(data: Path) -> int:
    with (
        contextlib.suppress(psycopg.Error),
        psycopg.connect(host=str(data / "postgres"), user="bihuan", dbname="bihuan") as connection,
    ):
        row = connection.execute("SELECT position FROM d610001.ledger").fetchone()
        return int(row[0]) if row else 0
    return 0


def test_a_reader_who_leaves_is_no_error_worth_a_traceback() -> None:
    limit = ("--start", "2026-01-05T09:00:00+08:00", "--budget", "200wd")
    process = begun("clock", "due", *limit, "--explain")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=30) == 1


def test_json_is_one_document_on_stdout_whatever_else_is_said(
    bihuan: Bihuan, filled: str, tmp_path: Path
) -> None:
    source = tmp_path / "directory.csv"
    source.write_text("code,name,level,parent,more\n610327000000,云岭县,county,,x\n", "utf-8")
    words = ("--district", filled, "--json")
    done = bihuan.process("import", "directory", source, *words)
    assert done.out.count("\n") == 1
    assert done.document["unchanged"] == 1
    assert "没有用到这些列：more" in done.err
