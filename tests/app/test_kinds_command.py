"""`bihuan kinds` as somebody uses it who writes definitions and is no programmer."""

import asyncio
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest

from app.wiring import Site
from domain.actor import Role
from domain.commands import Act, Report
from eventlog.keys import LocalWrapper, load_kek
from tests.support import districts as d
from tests.support.commands import Bihuan, called, kept_running
from tests.support.kinds import REPAIR, next_version
from workflows.administration import import_directory
from workflows.engine import Engine

_codes = count(630301)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("kinds")) as running:
        yield running


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    bihuan("clock", "set", "2026-12-07T09:00:00+08:00", "--district", code)
    return code


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return written(tmp_path / "repair.yaml", REPAIR)


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def fill(bihuan: Bihuan, district: str, *actions: str) -> None:
    """Report a case of the small kind, and take these actions."""

    async def work(engine: Engine) -> None:
        await import_directory(engine, d.UNITS)
        told = Report(kind="repair", title="路灯不亮", unit=d.COMMUNITY)
        case = (await engine.report(told, d.caller(Role.INTEGRATOR))).case.id
        for action in actions:
            await engine.act(case, Act(action=action), d.caller(Role.DISPATCHER))

    site = Site(bihuan.dsn, LocalWrapper(load_kek(bihuan.data / "keys" / "master.key")))
    with site.open(district) as services:
        asyncio.run(work(services.engine))


def test_a_check_shows_each_problem_with_its_line_and_then_how_many(tmp_path: Path) -> None:
    wrong = REPAIR.replace("[received, ", "[recieved, ").replace("to: done", "to: gone")
    path = written(tmp_path / "draft.yaml", wrong)
    done = called("kinds", "check", path)
    assert (done.code, done.out) == (1, "")
    told = done.err.splitlines()
    line = 1 + next(n for n, one in enumerate(wrong.splitlines()) if "recieved" in one)
    assert told[0].startswith(f"draft.yaml:{line} actions.begin.in：没有“recieved”；可用：received")
    assert told[0].endswith("是不是“received”？")
    assert told[1] == f"{line:>6} | {wrong.splitlines()[line - 1]}"
    assert told[-1] == "错误：共 2 处，改正之后才能发布（bad-kind）。"
    shown = called("kinds", "check", path, "--json")
    assert (shown.code, shown.err) == (1, "")
    assert not shown.document["valid"]
    assert [one["line"] for one in shown.document["problems"]] == sorted(
        one["line"] for one in shown.document["problems"]
    )


def test_a_key_given_twice_names_both_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "draft.yaml", REPAIR.replace("    in: open\n", "    in: open\n" * 2))
    done = called("kinds", "check", path)
    line = REPAIR.splitlines().index("    in: open") + 1
    assert f"draft.yaml:{line + 1} actions.note.in：重复：第 {line} 行已经写过" in done.err


def test_a_check_says_in_plain_words_what_was_understood(first: Path) -> None:
    done = called("kinds", "check", first)
    assert done.code == 0, done
    told = done.out.splitlines()
    assert told[0] == "可用：维修 repair@1.0.0，4 个环节、5 个操作"
    assert "  网格发现：已收到" in told
    assert "  办结：谁 值班员；在哪个环节 处理中；要填 说明；办完之后 进入“已办结”" in told
    assert any(one.startswith("  总时限：多久 10 个工作日；从何时起 上报") for one in told)
    document = called("kinds", "check", first, "--json").document
    assert (document["valid"], document["hash"]) == (True, told[1])
    assert [one["title"] for one in document["tables"]][:3] == ["环节", "角色", "谁能办什么"]


def test_a_kind_is_drawn_as_a_page_a_diagram_or_tables(first: Path, tmp_path: Path) -> None:
    assert called("kinds", "draw", first).out.startswith("# 维修\n")
    drawn = called("kinds", "draw", first, "--format", "mermaid").out
    assert drawn.startswith("stateDiagram-v2\n")
    tables = called("kinds", "draw", first, "--format", "table").out
    assert "## 谁能办什么" in tables
    assert "mermaid" not in tables
    out = tmp_path / "page.md"
    assert called("kinds", "draw", "public-reply", "--out", out).code == 0
    assert out.read_text("utf-8").startswith("# 群众留言答复\n")
    for words in ((), ("no-such-kind",), (first, "--pages", tmp_path / "pages")):
        assert called("kinds", "draw", *words).code == 2


def test_a_kind_lives_from_publishing_to_retiring(
    bihuan: Bihuan, district: str, first: Path
) -> None:
    words = ("--district", district)
    digest = bihuan("kinds", "publish", first, *words).out.strip()
    assert bihuan("kinds", "activate", "repair", "1.0.0", *words).out.strip() == digest
    assert "启用" in bihuan("kinds", "list", *words).out
    assert bihuan("kinds", "draw", "repair", *words).out.startswith("# 维修\n")
    written(first, REPAIR.replace("title: 报修", "title: 报修登记"))
    assert "version-taken" in bihuan("kinds", "publish", first, *words, code=1).err
    bihuan("kinds", "retire", "repair", *words)
    listed = {one["hash"]: one for one in bihuan("kinds", "list", *words, "--json").document}
    assert (listed[digest]["active"], listed[digest]["retired"]) == (False, True)
    assert "此前已停用" in bihuan("kinds", "retire", "repair", *words).err
    assert "not-found" in bihuan("kinds", "activate", "repair", "9.0.0", *words, code=1).err


def test_open_cases_are_migrated_after_a_preview_and_another_persons_approval(
    bihuan: Bihuan, district: str, first: Path, tmp_path: Path
) -> None:
    where = ("--district", district)
    bihuan("kinds", "publish", first, "--activate", *where)
    fill(bihuan, district, "begin")
    newer = written(tmp_path / "newer.yaml", next_version())
    bihuan("kinds", "publish", newer, "--activate", *where)
    words = ("kinds", "migrate", "repair", "--from", "1.0.0", "--to", "2.0.0", *where)
    shown = bihuan(*words)
    assert "未办结 1 件，可迁移 1 件，不能迁移 0 件" in shown.err
    assert "环节\t处理中 → 处理中\t1 件" in shown.out
    assert "时限\t办理时限\t按新版重新起算 1" in shown.out
    assert "migration-not-approved" in bihuan(*words, "--apply", code=1).err
    assert "same-person" in bihuan(*words, "--approve", code=1).err
    secret = bihuan("key", "add", *where, "--role", "admin", "--name", "另一位").out
    key = written(tmp_path / "key.txt", secret)
    bihuan(*words, "--approve", "--key-file", key)
    done = bihuan(*words, "--apply", "--json").document
    assert (done["migrated"], done["failures"]) == (1, [])
    assert bihuan(*words, "--apply", "--json").document["migrated"] == 0
    counts = bihuan(*words, "--preview", "--json").document["counts"]
    assert counts["open"] == 0
    assert bihuan(*words, "--preview", "--apply", code=2)


def test_a_draft_is_simulated_on_recorded_cases(
    bihuan: Bihuan, district: str, first: Path, tmp_path: Path
) -> None:
    where = ("--district", district)
    bihuan("kinds", "publish", first, "--activate", *where)
    fill(bihuan, district, "begin")
    text = REPAIR.replace("version: 1.0.0", "version: 1.1.0")
    draft = written(tmp_path / "draft.yaml", text.replace("default: 5wd", "default: 2wd"))
    out = tmp_path / "差异.csv"
    done = bihuan("kinds", "simulate", draft, *where, "--out", out)
    assert (
        "重演 1 件：相同 0，不同 1（其中有操作会被拒绝的 0），办理记录不足以重演的 0。" in done.err
    )
    assert "到期时间\t办理时限\t2026-12-14T18:00:00+08:00\t2026-12-09T18:00:00+08:00" in done.out
    assert "到期时间" in out.read_text("utf-8-sig")
    tally = bihuan("kinds", "simulate", draft, *where, "--json").document["tally"]
    assert (tally["different"], tally["by"]) == (1, {"due": 1})
    other = written(tmp_path / "other.yaml", text.replace("name: repair", "name: nothing"))
    assert "没有可以重演的事项" in bihuan("kinds", "simulate", other, *where, code=1).err
