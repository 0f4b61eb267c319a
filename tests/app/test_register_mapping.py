"""A mapping is refused with every mistake at once, each with its line and its mend."""

from pathlib import Path

import pytest

from app.register.errors import ColumnError, MappingError
from app.register.mapping_file import load_mapping, locate_columns, parse_mapping
from app.register.tables import read_table

PLAIN = """\
kind: public-reply
source: {system: message-board, id: {column: 留言编号}}
title: {column: 留言主题}
description: {column: 留言详情}
reporter: {name: {column: 留言用户}}
reported_at: {column: 留言时间, timezone: Asia/Shanghai}
closed: {at: {column: 答复时间}, reply: {column: 答复意见}}
"""
FULL = """\
kind: closed-loop
source: {system: "12345", id: {column: 单号, pattern: '(\\d+)'}}
title: {column: 标题}
reporter: {name: {column: 姓名}, phone: {column: 来电, pattern: '电话(?P<phone>\\d+)'}}
reported_at: {column: 时间, formats: ['%d/%m/%Y', '%d/%m/%Y %H:%M']}
category: {column: 类别, values: {01: 环境, 2: 噪声}}
unit: {column: 单位, aliases: {城关镇政府: 610327100000}}
location: {column: 地址}
data: {people: {column: 人数}, origin: {constant: 0917}}
accepted: {at: {column: 受理时间}}
dispatched: {at: {column: 派遣时间}, unit: {column: 单位}}
closed: {at: {column: 时间二}, reply: {column: 答复}, outcome: {column: 结果}}
header_row: 3
sheet: 登记
"""


def problems(text: str) -> list[str]:
    with pytest.raises(MappingError) as refusal:
        parse_mapping(text)
    assert refusal.value.code == "bad-mapping"
    return list(refusal.value.problems)


def test_the_documented_mapping_is_understood() -> None:
    mapping = parse_mapping(PLAIN)
    assert mapping.kind == "public-reply"
    assert mapping.source.system == "message-board"
    assert mapping.columns() == (
        "留言编号",
        "留言主题",
        "留言详情",
        "留言用户",
        "留言时间",
        "答复时间",
        "答复意见",
    )


def test_every_part_of_a_mapping_is_understood_as_written() -> None:
    mapping = parse_mapping(FULL)
    assert mapping.category is not None
    assert mapping.category.values == {"01": "环境", "2": "噪声"}
    assert mapping.unit is not None
    assert mapping.unit.aliases == {"城关镇政府": "610327100000"}
    assert mapping.data["origin"].constant == "0917"
    assert mapping.reported_at.all_formats == ("%d/%m/%Y", "%d/%m/%Y %H:%M")
    assert (mapping.header_row, mapping.sheet) == (3, "登记")
    assert {"单号", "受理时间", "派遣时间", "结果", "人数"} <= set(mapping.columns())


def test_every_mistake_is_named_at_once_with_its_line() -> None:
    found = problems(
        "kindd: x\n"
        "source: {system: a}\n"
        "title: 主题\n"
        "reported_at: {colum: x, format: '%Y'}\n"
        "data:\n"
        "  people: {valuse: {1: 2}, column: 人数}\n"
        "header_row: 0\n"
    )
    assert found == [
        "第 1 行 kindd：没有这一项，是不是 kind？",
        "第 1 行 kind：缺少这一项",
        "第 2 行 source.id：缺少这一项",
        "第 3 行 title：要写成 {column: 列名} 或 {constant: 固定值} 这样的一组",
        "第 4 行 reported_at.column：缺少这一项",
        "第 4 行 reported_at.colum：没有这一项，是不是 column？",
        "第 4 行 reported_at.format：日期格式要有年 %Y、月 %m、日 %d，例如 %Y/%m/%d %H:%M:%S",
        "第 6 行 data.people.valuse：没有这一项，是不是 values？",
        "第 7 行 header_row：要从 1 起",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("title: {column: a, constant: b}", "column 和 constant 要写且只写一个"),
        ("title: {}", "column 和 constant 要写且只写一个"),
        ("title: {column: ' '}", "要写出列名"),
        ("title: {column: a, pattern: '('}", "不是正则表达式"),
        ("title: {column: a, pattern: 'a'}", "正则里要有一个括号"),
        ("title: {column: a}\ntimezone: Asia/Beijing", "没有时区“Asia/Beijing”"),
        ("title: {column: a}\nheader_row: 二", "要写成整数"),
        ("title: {column: a}\nxyz: 1", "没有这一项；这里可以写 kind、source"),
        ("description: ", "title 和 description 至少要写一个"),
        ("title: {column: a}\nclosed: {at: {column: a, format: '%Y%m%d %Q'}}", "不认识 %Q"),
        ("title: {column: a}\nclosed: {at: {column: a, format: '%Y%m%d %I'}}", "%p"),
    ],
)
def test_a_mistake_is_explained(line: str, problem: str) -> None:
    text = (
        "kind: public-reply\nsource: {system: a, id: {column: b}}\nreported_at: {column: c}\n"
        f"{line}\n"
    )
    assert any(problem in one for one in problems(text)), problems(text)


def test_a_constant_number_is_refused_for_the_id() -> None:
    text = PLAIN.replace("id: {column: 留言编号}", "id: {constant: 1}")
    assert any("source.id.constant：没有这一项" in one for one in problems(text))


def test_a_key_written_twice_is_refused_wherever_it_stands() -> None:
    assert problems(f"{PLAIN}kind: other\n") == [
        "第 8 行 kind：写了两次（第 1 行已有），请删去一个"
    ]
    nested = "unit:\n  column: a\n  aliases: {甲: 1, 甲: 2}\n"
    assert problems(PLAIN + nested) == [
        "第 10 行 unit.aliases.甲：写了两次（第 10 行已有），请删去一个"
    ]


@pytest.mark.parametrize(
    "text", ["kind: [x\n", "a: b: c\n", "kind: x\n\ttitle: y\n", "--- a\n--- b\n"]
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str) -> None:
    (problem,) = problems(text)
    assert "行：不是合格的 YAML" in problem


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "映射要写成" in problems(text)[0]


def test_anchors_that_repeat_without_end_are_refused() -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "嵌套" in problems(f"a0: &a0 [x]\n{layers}")[0]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="打不开"):
        load_mapping(tmp_path / "没有.yaml")
    path = tmp_path / "m.yaml"
    path.write_bytes(PLAIN.encode("gbk"))
    with pytest.raises(MappingError, match="不是 UTF-8"):
        load_mapping(path)
    path.write_bytes(PLAIN.encode("utf-8-sig"))
    assert load_mapping(path).kind == "public-reply"


def test_one_error_names_every_missing_column_and_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("留言编号,留言主题,留言详情,时间,用户\n", encoding="utf-8")
    with pytest.raises(ColumnError) as refusal:
        locate_columns(parse_mapping(PLAIN), read_table(path))
    assert refusal.value.code == "missing-column"
    assert "留言用户、留言时间、答复时间、答复意见" in refusal.value.message
    assert "留言编号、留言主题、留言详情、时间、用户" in refusal.value.message


def test_a_column_name_that_stands_twice_matters_only_when_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    header = "留言编号,留言主题,留言详情,留言用户,留言时间,答复时间,答复意见"
    path.write_text(f"{header},备注,备注,\n", encoding="utf-8")
    assert locate_columns(parse_mapping(PLAIN), read_table(path))["答复意见"] == 6
    path.write_text(f"{header},留言主题\n", encoding="utf-8")
    with pytest.raises(ColumnError) as refusal:
        locate_columns(parse_mapping(PLAIN), read_table(path))
    assert refusal.value.code == "duplicate-column"
    assert "留言主题" in refusal.value.message
