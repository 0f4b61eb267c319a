"""Every row of a register becomes the case it was, or is rejected with its reason."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

import csv
import io
import os
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

import app
from app.register.directory import read_directory
from app.register.errors import ColumnError
from app.register.mapping_file import load_mapping, parse_mapping
from app.register.rows import CaseRow, RejectedRow, read_register

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
HEADER = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"]
GOOD = [
    "7",
    "甲女士",
    "路灯不亮",
    "2025/3/3 9:05:00",
    "三盏路灯不亮",
    "已修好",
    "2025/3/5 10:00:00",
]
MAPPING = """\
kind: public-reply
source: {system: message-board, id: {column: 留言编号}}
title: {column: 留言主题}
description: {column: 留言详情}
reporter: {name: {column: 留言用户}}
reported_at: {column: 留言时间}
closed: {at: {column: 答复时间}, reply: {column: 答复意见}}
"""
DEMO = Path(app.__file__).parent / "demo"
ROOT = Path(__file__).parents[2]
DATA = ROOT / os.environ.get("BIHUAN_TEST_DATA", "../shared/data")
REPLIES = DATA / "replies"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def good(**changes: str) -> list[str]:
    """Return the good row with some cells changed, by column."""
    return [changes.get(name, cell) for name, cell in zip(HEADER, GOOD, strict=True)]


def register(
    tmp_path: Path,
    *rows: list[str],
    mapping: str = MAPPING,
    header: list[str] = HEADER,
    now: datetime = NOW,
) -> list[CaseRow | RejectedRow]:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path = tmp_path / "register.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    return list(read_register(path, parse_mapping(mapping), now=now))


def case(tmp_path: Path, row: list[str], mapping: str = MAPPING, now: datetime = NOW) -> CaseRow:
    (found,) = register(tmp_path, row, mapping=mapping, now=now)
    assert isinstance(found, CaseRow), found
    return found


def rejection(tmp_path: Path, row: list[str], mapping: str = MAPPING) -> RejectedRow:
    (found,) = register(tmp_path, row, mapping=mapping)
    assert isinstance(found, RejectedRow), found
    return found


def test_a_row_becomes_the_case_it_was(tmp_path: Path) -> None:
    found = case(tmp_path, GOOD)
    assert (found.row, found.kind) == (2, "public-reply")
    assert (found.source_system, found.source_id) == ("message-board", "7")
    assert (found.title, found.description) == ("路灯不亮", "三盏路灯不亮")
    assert found.reporter == {"name": "甲女士"}
    assert found.occurred_at == utc("2025-03-03T09:05:00+08:00")
    assert found.closed_at == utc("2025-03-05T10:00:00+08:00")
    assert found.reply == "已修好"
    assert (found.milestones, found.data, found.outcome) == ((), {}, None)
    assert len(found.digest) == 64


def test_a_date_without_time_opens_its_day_for_a_report_and_ends_it_for_a_closing(
    tmp_path: Path,
) -> None:
    found = case(tmp_path, good(留言时间="2025-03-03", 答复时间="2025年3月3日"))
    assert found.occurred_at == utc("2025-03-03T00:00:00+08:00")
    assert found.closed_at == utc("2025-03-03T23:59:59+08:00")
    same_day = case(tmp_path, good(答复时间="2025-03-03"))
    assert same_day.occurred_at < utc("2025-03-03T23:59:59+08:00") == same_day.closed_at


def test_neither_time_nor_text_of_a_reply_is_an_open_case(tmp_path: Path) -> None:
    found = case(tmp_path, good(答复时间="", 答复意见=" \u3000"))
    assert (found.closed_at, found.reply) == (None, None)


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"答复时间": ""}, "reply-time-missing", "有“答复意见”，却缺少“答复时间”"),
        ({"答复意见": "\t"}, "reply-missing", "有“答复时间”，却缺少“答复意见”"),
        ({"答复时间": "2025/3/3 9:04:59"}, "reply-before-report", "早于“留言时间”"),
        ({"答复时间": "2025-03-02"}, "reply-before-report", "早于“留言时间”"),
        ({"留言编号": "\u3000 "}, "id-missing", "缺少“留言编号”"),
        ({"留言编号": "2.02401E+17"}, "id-damaged", "按文本重新导出"),
        ({"留言时间": ""}, "report-time-missing", "缺少“留言时间”"),
        ({"留言时间": "2025/13/03"}, "bad-date", "“留言时间”：“2025/13/03”"),
        ({"答复时间": "3/5"}, "bad-date", "“答复时间”：“3/5”"),
        ({"留言主题": "", "留言详情": "\u200b"}, "text-missing", "主题和详情都是空的"),
        ({"留言时间": "2026/7/1 10:02:01"}, "future-time", "“2026/7/1 10:02:01”还没有到"),
        ({"答复时间": "2026-07-02"}, "future-time", "“2026-07-02”还没有到"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(
    tmp_path: Path, changes: dict[str, str], code: str, says: str
) -> None:
    found = rejection(tmp_path, good(**changes))
    assert (found.row, found.code) == (2, code)
    assert says in found.reason


def test_a_row_wider_than_the_header_is_rejected(tmp_path: Path) -> None:
    assert rejection(tmp_path, [*GOOD, "错位"]).code == "surplus-cells"


def test_a_reply_time_alone_closes_where_the_mapping_names_no_reply(tmp_path: Path) -> None:
    mapping = MAPPING.replace(", reply: {column: 答复意见}", "")
    assert case(tmp_path, good(答复意见=""), mapping).closed_at is not None
    assert case(tmp_path, good(答复时间=""), mapping).closed_at is None


def test_a_clock_slightly_ahead_counts_as_now(tmp_path: Path) -> None:
    found = case(tmp_path, good(留言时间="2026/7/1 10:01:59", 答复时间="", 答复意见=""))
    assert found.occurred_at == NOW


def test_a_closing_dated_today_ends_now_and_is_the_same_content_tomorrow(tmp_path: Path) -> None:
    row = good(答复时间="2026-07-01")
    today = case(tmp_path, row)
    tomorrow = case(tmp_path, row, now=datetime(2026, 7, 2, tzinfo=UTC))
    assert today.closed_at == NOW
    assert tomorrow.closed_at == utc("2026-07-01T23:59:59+08:00")
    assert today.digest == tomorrow.digest


def test_without_a_title_the_description_begins_it(tmp_path: Path) -> None:
    found = case(tmp_path, good(留言主题="", 留言详情="第一行\n" + "很长" * 40))
    assert found.title == "第一行 " + "很长" * 13
    assert found.description == "第一行\n" + "很长" * 40


def test_stray_characters_do_not_make_another_case(tmp_path: Path) -> None:
    clean, dirty = register(
        tmp_path,
        GOOD,
        ["\ufeff7\t", "甲女士\u3000", "\t路灯不亮\n", "２０２５／３／３ ９：０５",
         "三盏路灯不亮\u200b",
         "\u00a0已修好", "2025/03/05 10:00 "],
    )  # fmt: skip
    assert isinstance(clean, CaseRow)
    assert isinstance(dirty, CaseRow)
    assert dirty.source_id == "7"
    assert dirty.digest == clean.digest


def test_the_same_number_again_is_the_same_or_a_conflict(tmp_path: Path) -> None:
    first, again, other, last = register(
        tmp_path, GOOD, GOOD, good(留言详情="另一件事"), good(留言编号="8")
    )
    assert isinstance(first, CaseRow)
    assert isinstance(again, CaseRow)
    assert (again.row, again.digest) == (3, first.digest)
    assert isinstance(other, RejectedRow)
    assert (other.row, other.source_id, other.code) == (4, "7", "conflict")
    assert "第 2 行" in other.reason
    assert isinstance(last, CaseRow)


def test_a_rejected_row_does_not_stand_in_the_way_of_a_good_one(tmp_path: Path) -> None:
    bad, mended = register(tmp_path, good(答复时间="昨天"), GOOD)
    assert isinstance(bad, RejectedRow)
    assert isinstance(mended, CaseRow)


@pytest.mark.parametrize(
    "changes",
    [{name: cell} for name, cell in zip(HEADER, ["8", "乙", "丙", "2025/3/3 9:05:01", "丁", "戊",
     "2025/3/5 10:00:01"], strict=True)],
)  # fmt: skip
def test_every_column_is_part_of_the_content(tmp_path: Path, changes: dict[str, str]) -> None:
    assert case(tmp_path, good(**changes)).digest != case(tmp_path, GOOD).digest


FULL_HEADER = [
    "单号",
    "标题",
    "来电",
    "时间",
    "类别",
    "单位",
    "地址",
    "人数",
    "受理",
    "派遣",
    "办结",
    "答复",
    "结果",
]
FULL = [
    "工单12号",
    "井盖响",
    "王先生 电话 13800000000",
    "3/4/2025 09:00",
    "01",
    "城关镇政府",
    "东街",
    "3",
    "2025-04-03",
    "2025-04-03 11:00",
    "2025-04-05",
    "已换",
    "解决",
]
FULL_MAPPING = r"""
kind: closed-loop
source: {system: "12345", id: {column: 单号, pattern: '(\d+)'}}
title: {column: 标题}
reporter:
  name: {column: 来电, pattern: '^(\S+)'}
  phone: {column: 来电, pattern: '(电话) ?(?P<phone>\d+)'}
reported_at: {column: 时间, format: '%d/%m/%Y %H:%M'}
category: {column: 类别, values: {01: 环境}}
unit: {column: 单位, aliases: {城关镇政府: 610327100000}}
location: {column: 地址}
data: {people: {column: 人数}, origin: {constant: 热线}, nothing: {column: 人数, pattern: '(x)'}}
accepted: {at: {column: 受理}}
dispatched:
  at: {column: 派遣}
  unit: {column: 单位, aliases: {城关镇政府: 610327100000}}
closed:
  at: {column: 办结}
  reply: {column: 答复}
  outcome: {column: 结果, values: {解决: substantive}}
"""


def full(tmp_path: Path, **changes: str) -> CaseRow | RejectedRow:
    row = [changes.get(name, cell) for name, cell in zip(FULL_HEADER, FULL, strict=True)]
    (found,) = register(tmp_path, row, mapping=FULL_MAPPING, header=FULL_HEADER)
    return found


def test_values_aliases_patterns_and_constants_fill_their_fields(tmp_path: Path) -> None:
    found = full(tmp_path)
    assert isinstance(found, CaseRow), found
    assert found.source_id == "12"
    assert found.reporter == {"name": "王先生", "phone": "13800000000"}
    assert (found.category, found.unit, found.location) == ("环境", "610327100000", "东街")
    assert found.data == {"people": "3", "origin": "热线"}
    assert found.outcome == "substantive"


def test_a_value_without_an_entry_is_kept(tmp_path: Path) -> None:
    found = full(tmp_path, 类别="99", 单位="水利局")
    assert isinstance(found, CaseRow)
    assert (found.category, found.unit) == ("99", "水利局")


def test_milestones_carry_their_own_moments_in_order(tmp_path: Path) -> None:
    found = full(tmp_path)
    assert isinstance(found, CaseRow)
    assert [(one.name, one.at, one.unit) for one in found.milestones] == [
        ("accepted", utc("2025-04-03T09:00:00+08:00"), None),
        ("dispatched", utc("2025-04-03T11:00:00+08:00"), "610327100000"),
    ]
    later = full(tmp_path, 受理="2025-04-04", 派遣="")
    assert isinstance(later, CaseRow)
    assert [one.at for one in later.milestones] == [utc("2025-04-04T00:00:00+08:00")]


@pytest.mark.parametrize(
    "changes",
    [{"受理": "2025-04-02"}, {"派遣": "2025-04-03 08:59"}, {"办结": "2025-04-03 10:00"},
     {"受理": "2025-04-03 12:00"}],
)  # fmt: skip
def test_milestones_out_of_order_are_rejected(tmp_path: Path, changes: dict[str, str]) -> None:
    found = full(tmp_path, **changes)
    assert isinstance(found, RejectedRow)
    assert found.code == "milestone-order"


def test_real_excel_dates_among_text_dates_and_numbers_give_the_same_cases(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER)
    sheet.append([7019, "甲", "一", datetime(2025, 3, 3, 9, 5), "详", "复", date(2025, 3, 5)])
    sheet.append(["7020", "乙", "二", "2025/3/3 9:05:00", "详", "复", "2025-03-05"])
    sheet.append([7021.0, "丙", "三", 45719.378472222222, "详", "复", 45721])
    book.save(tmp_path / "a.xlsx")
    found = list(read_register(tmp_path / "a.xlsx", parse_mapping(MAPPING), now=NOW))
    assert [one.source_id for one in found] == ["7019", "7020", "7021"]
    for one in found:
        assert isinstance(one, CaseRow), one
        assert one.occurred_at == utc("2025-03-03T09:05:00+08:00")
        assert one.closed_at == utc("2025-03-05T23:59:59+08:00")


def test_a_number_too_long_for_excel_is_rejected_as_an_id(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append([202503030000123456, *GOOD[1:]])
    book.save(tmp_path / "a.xlsx")
    (found,) = read_register(tmp_path / "a.xlsx", parse_mapping(MAPPING), now=NOW)
    assert isinstance(found, RejectedRow)
    assert found.code == "id-damaged"


def digests(path: Path) -> set[str]:
    found = read_register(path, parse_mapping(MAPPING), now=NOW)
    return {one.digest if isinstance(one, CaseRow) else one.code for one in found}


def test_gb18030_and_xlsx_give_the_digests_of_utf8(tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, GOOD])
    found: set[str] = set()
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        found |= digests(path)
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(GOOD)
    book.save(tmp_path / "a.xlsx")
    found |= digests(tmp_path / "a.xlsx")
    assert len(found) == 1


def test_a_mapping_that_does_not_fit_fails_before_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ColumnError):
        read_register(path, parse_mapping(MAPPING), now=NOW)


def test_what_is_printed_of_a_case_shows_no_personal_text(tmp_path: Path) -> None:
    shown = repr(case(tmp_path, GOOD))
    assert not any(text in shown for text in ("甲女士", "路灯", "已修好"))


def test_the_demo_register_reads_with_exactly_its_bad_rows_rejected() -> None:
    found = list(read_register(DEMO / "register.csv", load_mapping(DEMO / "mapping.yaml"), now=NOW))
    codes = [one.code for one in found if isinstance(one, RejectedRow)]
    assert len(found) == 120
    assert sorted(codes) == ["conflict", "reply-before-report", "reply-time-missing"]


def test_the_demo_directory_reads_whole() -> None:
    units = read_directory(DEMO / "directory.csv").rows
    assert Counter(unit.level for unit in units) == {
        "county": 1,
        "town": 2,
        "community": 5,
        "grid": 12,
        "department": 4,
    }


@pytest.mark.skipif(not REPLIES.is_dir(), reason="BIHUAN_TEST_DATA: no replies there")
def test_the_real_register_reads_without_a_rejection() -> None:
    path = REPLIES / "replies_2011_2017_1079.csv"
    found = list(read_register(path, parse_mapping(MAPPING), now=NOW))
    assert len(found) == 1079
    assert not [one for one in found if isinstance(one, RejectedRow)]
    assert all(one.closed_at for one in found if isinstance(one, CaseRow))


@pytest.mark.skipif(not REPLIES.is_dir(), reason="BIHUAN_TEST_DATA: no replies there")
def test_the_labelled_sample_has_one_number_with_two_categories() -> None:
    mapping = MAPPING[: MAPPING.index("closed")] + "category: {column: 一级分类}\n"
    path = REPLIES / "labelled_sample_495.csv"
    found = list(read_register(path, parse_mapping(mapping), now=NOW))
    rejected = [one for one in found if isinstance(one, RejectedRow)]
    assert len(found) == 495
    assert [(one.source_id, one.code) for one in rejected] == [("37042", "conflict")]
