"""Pages of kinds: a diagram and plain tables, made from the definitions and nothing else."""

import re
from pathlib import Path

from domain.guards import REQUIREMENTS
from domain.kind import HolderRule, Relation, Rung
from tests.support.kinds import REPAIR, next_version
from workflows import kind_words as w
from workflows.kind_pages import mermaid, page, pages, write_pages
from workflows.kind_report import check
from workflows.kind_tables import tables
from workflows.language import SHIPPED, compile_kind, shipped_sources

ROOT = Path(__file__).parents[2]
SMALL = compile_kind(REPAIR)


def test_the_pages_in_the_docs_are_those_of_the_shipped_kinds() -> None:
    """`bihuan kinds draw --pages docs/kinds` writes them anew."""
    wanted = pages([compile_kind(source.text) for source in shipped_sources()])
    folder = ROOT / "docs" / "kinds"
    assert {path.name for path in folder.iterdir()} == set(wanted)
    for name, text in wanted.items():
        assert (folder / name).read_text("utf-8") == text, name
    assert len(wanted) == 2 * len(SHIPPED) + 1


def test_a_page_says_who_may_do_what_when_and_how_long_it_may_take() -> None:
    shown = page(SMALL)
    assert "- **网格发现**：已收到\n- **协同处置**：处理中、已搁置、已办结" in shown
    row = "| 办结 | 值班员 | 处理中 | 说明 |  | 进入“已办结” |"
    assert row in shown
    assert "| 开始处理 | 值班员 | 已收到、已搁置 |  |  | 进入“处理中” |" in shown
    assert "| 记录进展 | 值班员 | 未结束的任何环节 | 进展（必填） |  | 环节不变 |" in shown
    assert "| 总时限 | 10 个工作日 | 上报 | 结案 | cn-office | 总时限 |" in shown
    assert "一般 5 个工作日；重大 8 个工作日；其他 5 个工作日" in shown
    assert shown.count("```") == 2


def test_a_diagram_has_every_stage_and_every_move_between_two_stages() -> None:
    drawn = mermaid(SMALL)
    assert drawn.splitlines()[0] == "stateDiagram-v2"
    moves = re.findall(r"^    (\S+) --> (\S+?)(?:: (.+))?$", drawn, re.MULTILINE)
    assert moves == [
        ("[*]", "received", "报修"),
        ("received", "process", "开始处理"),
        ("parked", "process", "开始处理"),
        ("process", "parked", "搁置"),
        ("process", "done", "办结"),
        ("done", "[*]", ""),
    ]
    assert "class process,parked,done joint_handling" in drawn


def test_marks_of_the_diagram_in_a_title_break_nothing() -> None:
    odd = compile_kind(REPAIR.replace("title: 开始处理", 'title: "开始: 处理; #1"'))
    assert "received --> process: 开始： 处理； ＃1" in mermaid(odd)


def test_pages_are_written_once_and_those_of_kinds_that_are_gone_are_taken_away(
    tmp_path: Path,
) -> None:
    first = write_pages([SMALL], tmp_path)
    assert {path.name for path in first} == {"repair.md", "repair.svg", "README.md"}
    assert write_pages([SMALL], tmp_path) == []
    (tmp_path / "own.md").write_text("手写\n", "utf-8")
    other = compile_kind(next_version().replace("name: repair", "name: mending"))
    changed = {path.name for path in write_pages([other], tmp_path)}
    kept = {"mending.md", "mending.svg", "README.md"}
    assert changed == {"repair.md", "repair.svg"} | kept
    assert {path.name for path in tmp_path.iterdir()} == kept | {"own.md"}


def test_everything_that_a_kind_may_name_has_a_chinese_name() -> None:
    assert set(w.RELATIONS) == set(Relation)
    assert set(w.HOLDERS) == {rule.value for rule in HolderRule} - {"keep"}
    assert set(REQUIREMENTS) <= set(w.REQUIREMENTS)
    assert set(w.STEPS) == set(Rung.__annotations__["step"].__args__)


def test_tables_of_a_check_are_those_of_the_page() -> None:
    assert check(REPAIR).tables == tables(SMALL)
