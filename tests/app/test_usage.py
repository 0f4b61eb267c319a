"""Help pages and wrong usage: in Chinese with English beside, and never a traceback."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from app.cli import COMMANDS
from app.usage import said
from tests.support.commands import called, ran

GROUPS: Final = {
    "district": ("add", "list"),
    "key": ("add", "list", "revoke"),
    "clock": ("due", "explain", "set"),
    "calendar": ("load", "recount", "list", "show", "assign"),
    "outage": ("declare", "approve", "list"),
    "channel": ("set", "show", "off"),
    "attachments": ("sweep",),
    "directory": ("show", "export", "redivide", "unallotted"),
    "catalogue": ("load", "list", "show"),
    "codes": ("load", "list", "unmapped"),
    "import": ("directory", "cases"),
    "kinds": (
        "check",
        "draw",
        "list",
        "publish",
        "activate",
        "retire",
        "migrate",
        "simulate",
    ),
    "accountability": ("cases", "leaders", "units", "campaigns"),
    "concerns": ("check", "try"),
    "indicators": ("check", "list", "show", "publish", "activate", "retire"),
    "ranking": ("preview", "sign", "show"),
    "reader": ("add", "list", "remove"),
    "registers": ("check", "list", "show", "preview", "publish", "activate", "retire"),
}
EVERY: Final = [
    *((name,) for name in COMMANDS),
    *((group, name) for group, names in GROUPS.items() for name in names),
]
NO_DATABASE: Final = {("concerns", "check"), ("concerns", "try")}
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


def test_the_list_of_commands_names_them_all_and_every_group_its_own() -> None:
    listed = called("--help").out
    assert all(f" {name} " in listed for name in COMMANDS)
    for group, names in GROUPS.items():
        listed = called(group, "--help").out
        assert all(f" {name} " in listed for name in names)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_explains_itself_in_chinese_with_english_beside(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = called(*words, "--help")
    assert done.code == 0
    assert "…" not in done.out.replace("]…", "").replace(" …", "")
    lines = [line.strip("│ ") for line in done.out.splitlines()]
    described = [line for line in lines if line.startswith(("--", "*"))]
    assert described
    for line in described:
        around = " ".join(lines[lines.index(line) : lines.index(line) + 4])
        assert CHINESE.search(around), line
        assert re.search(r"[A-Za-z]{2,}", around), line
    assert "Show this message" not in done.out
    if words[0] in COMMANDS and words[-1] not in GROUPS and words not in NO_DATABASE:
        assert "--data" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lagg",), "没有命令“lagg”，是不是 lag？"),
        (("key", "ad"), "没有命令“ad”，是不是 add？"),
        (("lag", "--dta", "x"), "没有选项 --dta，是不是 --data？"),
        (("lag", "more"), "多出了参数：more"),
        (("key", "add", "--district", "1"), "缺少选项 --role"),
        (("district", "add", "--name", "x"), "缺少参数 CODE"),
        (("key", "list", "--district"), "选项 --district 后面缺少值"),
        (("serve", "--port", "eighty"), "--port 的值不对：应为整数"),
        (("serve", "--workers", "0"), "--workers 的值不对：不能小于 1"),
        (("serve", "--port", "70000"), "--port 的值不对：不能大于 65535"),
        (("kinds", "check", "nowhere.yaml"), "DEFINITION 的值不对：文件“nowhere.yaml”不存在"),
        (("replay", "x", "--district", "1", "--diff", "1", "b"), "应为整数"),
        (("clock", "due", "--cutoff", "noon"), "没有“noon”；可用：'close_of_business'"),
        (("export", "all", "--district", "1", "--out", "x.csv"), "可用：cases、deadlines"),
        (("export", "cases", "--district", "1", "--out", "x.pdf"), "请用 .xlsx 或 .csv"),
        (("rebuild", "--district", "1"), "请写台账名或 --all"),
        (("rebuild", "all", "--district", "1"), "不认识：all"),
        (("key", "add", "--district", "1", "--role", "king"), "没有角色“king”。可用：admin"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_ends_with_2_and_a_sentence_in_chinese(
    words: tuple[str, ...], told: str
) -> None:
    done = called(*words)
    assert told in done.err
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.err


def test_wrong_usage_in_a_process_of_its_own_shows_no_traceback(tmp_path: Path) -> None:
    done = ran("key", "add", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "错误：缺少选项 --district\n用法见 bihuan key add --help\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_saying_of_the_library_is_passed_on_as_it_is() -> None:
    assert said("something else entirely") == "something else entirely"


def test_clock_due_takes_a_data_folder_and_ignores_it(tmp_path: Path) -> None:
    start = ("--start", "2026-10-08T09:00:00+08:00", "--budget", "4wh")
    done = called("clock", "due", *start, "--data", tmp_path / "none", "--json")
    assert json.loads(done.out)["due"].startswith("2026-10-08T15:00:00")
    assert not (tmp_path / "none").exists()
