"""A kind as somebody wrote it: the same data as ever, each part with its line, faults told."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.support.kinds import REPAIR, next_version
from workflows.kind_report import check, mended, plain, said
from workflows.kind_source import Problem, read
from workflows.language import BadKind, compile_kind, published_kind

ROOT = Path(__file__).parents[2]
TEXTS = sorted(
    [*(ROOT / "src/workflows/kinds").glob("*.yaml"), *(ROOT / "tests/golden/kinds").glob("*.yaml")]
)


def loaded(text: str) -> object:
    """Return the data as the library itself loads YAML 1.2."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    return yaml.load(StringIO(text))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_reading_gives_the_data_that_hashes_have_always_been_of(path: Path) -> None:
    text = path.read_text("utf-8")
    written = read(text)
    assert (written.faults, written.oddities) == ((), ())
    assert json.dumps(written.data) == json.dumps(loaded(text))


plain_values = st.none() | st.booleans() | st.integers(-9999, 9999) | st.text(max_size=12)
trees = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.recursive(
        plain_values,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=50)
@given(tree=trees, flow=st.booleans())
def test_whatever_is_written_is_read_as_the_library_reads_it(
    tree: dict[str, object],
    *,
    flow: bool,
) -> None:
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    out = StringIO()
    yaml.dump(tree, out)
    text = out.getvalue()
    written = read(text)
    if not (written.faults or written.oddities):
        assert written.data == loaded(text)


SPELLINGS = ("on", "yes", "n", "010", "0o10", "0x1F", "1_000", "12:30:45", "~", "NULL", "True")
ODD = (
    ".5",
    "1e3",
    "1.0",
    "+1",
    "2026-01-01",
    "!!str 5",
    "'f''g'",
    '"\\u4e00"',
    "|\n  x\n",
    "x\n  y",
)


@pytest.mark.parametrize("value", [*SPELLINGS, *ODD, "x\u2028y", "é # c", "b#c", "[b,\n  c]"])
def test_every_spelling_is_what_yaml_1_2_makes_of_it(value: str) -> None:
    for text in (f"a: {value}", f"a: {value}\nb: &x [c]"):
        written = read(text)
        assert written.faults == ()
        assert repr(written.data) == repr(loaded(text))


def test_a_directive_is_refused_of_whoever_publishes() -> None:
    written = read("# kind\n%YAML 1.1\n---\na: on")
    assert [(one.line, one.path) for one in written.oddities] == [(2, "")]
    assert written.data == loaded("%YAML 1.1\n---\na: on")


def test_every_part_has_its_line_and_what_is_missing_has_that_of_what_holds_it() -> None:
    written = read(REPAIR)
    lines = REPAIR.splitlines()
    for path, words in {
        "actions": "actions:",
        "actions.note": "  note:",
        "actions.note.form.note.required": "form: {note:",
        "clocks.handling.budget.by": "budget: {by: severity",
        "roles.desk.held_by.0": "desk: {title",
    }.items():
        assert words in lines[written.line(path) - 1], path
    assert written.line("actions.note.when") == written.line("actions.note")
    assert written.line("nothing.at.all") == 1
    assert read(next_version()).line("migration.from.1.0.x.stages.process") == read(
        next_version()
    ).line("migration.from.1.0.x.stages")


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\nb: 2\na: 3", 3, "a：重复：第 1 行已经写过"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", 4, "a.b：重复：第 2 行已经写过"),
        ("a: {b: 1, b: 2}", 1, "a.b：重复"),
        ("a: b: c", 1, "这里不能再出现冒号"),
        ("a:\n\t- b", 2, "用了制表符"),
        ("a: 'x", 1, "引号没有配对"),
        ("a: [1, 2\nb: 3", 2, "括号里的各项要用逗号隔开"),
        ("a:\n  b: 1\n c: 2", 3, "缩进没有对齐"),
        ("a: !odd 3", 1, "不认识这个标签"),
        ("a: *b", 1, "没有可引用的"),
        ("a: @b", 1, "请给整段文字加引号"),
        ("---\na: 1\n---\nb: 2", 3, "一个文件只写一个事项类型"),
        ("a: [1,,2]", 1, "删去多余的逗号"),
        ("", 1, "文件须为一个映射"),
        ("- a", 1, "文件须为一个映射"),
        ("\x00", 0, "不允许的字符"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line_in_chinese(text: str, line: int, told: str) -> None:
    (fault,) = read(text).faults
    assert fault.line == line
    assert told in str(fault)
    with pytest.raises(BadKind):
        published_kind(text)


MERGED = """  total:
    <<: {total: true}
    title: 总时限
    start"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("held_by: [dispatcher]", "held_by: &desk [dispatcher]", "&desk"),
        ("  total:\n    title: 总时限\n    total: true\n    start", MERGED, "<<"),
    ],
)
def test_what_refers_to_elsewhere_is_refused_of_whoever_publishes_but_was_read_once(
    right: str, wrong: str, line: str
) -> None:
    assert right in REPAIR
    text = REPAIR.replace(right, wrong)
    with pytest.raises(BadKind, match="请把内容直接写出来") as refusal:
        compile_kind(text)
    (problem,) = refusal.value.found
    assert line in text.splitlines()[problem.line - 1]
    assert published_kind(text).clock("total") is not None


def test_problems_are_told_by_file_and_line_with_the_line_itself_and_its_mend() -> None:
    wrong = REPAIR.replace("[received, ", "[recieved, ").replace("to: done", "to: gone")
    checked = check(wrong)
    assert checked.kind is None
    assert [one.line for one in checked.problems] == sorted(one.line for one in checked.problems)
    first, shown = said(checked.problems[0], "repair.yaml", wrong)
    line = [*wrong.splitlines()].index(shown.partition("| ")[2]) + 1
    assert first.startswith(f"repair.yaml:{line} actions.begin.in：没有“recieved”；可用：received")
    assert first.endswith("是不是“received”？")
    assert plain(checked.problems[0], wrong)["line"] == line
    assert check(REPAIR).problems == ()


def test_of_many_names_that_would_do_the_likely_ones_are_shown() -> None:
    names = [f"name-{number}" for number in range(40)]
    told = mended(f"没有“name-7x”；可用：{'、'.join(names)}")
    assert "是不是“name-7”" in told
    assert "等 40 个" in told
    assert mended("没有“zzz”；可用：a、b").endswith("请改用其中之一")
    assert mended("须为整数").endswith("请照此改正")


def test_a_problem_knows_its_pointer_and_says_what_it_has_no_line_of() -> None:
    assert Problem("a.b.0", 3, "错").pointer == "/a/b/0"
    assert str(Problem("", 0, "错")) == "错"
    # A sentence with a colon is not taken for a path.
    located = read(REPAIR).located("如此这般，不行：请改")
    assert (located.path, located.line) == ("", 0)
