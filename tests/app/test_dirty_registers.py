"""Registers as they really come: dirty cells, later versions, mappings that do not fit."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

import openpyxl
import pytest

from tests.support.commands import Bihuan, kept_running
from tests.support.registers import DEMO, Desk, import_file, position, report, row

_systems = count(1)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("registers")) as running:
        yield running


@pytest.fixture(scope="module")
def plain(bihuan: Bihuan) -> str:
    """A district that the tests below share; each has a source system of its own."""
    code = "610499"
    bihuan("district", "add", code, "--name", "云岭县")
    bihuan("import", "directory", DEMO / "directory.csv", "--district", code)
    return code


@pytest.fixture
def desk(bihuan: Bihuan, plain: str, tmp_path: Path) -> Desk:
    system = f"desk-{next(_systems)}"
    text = (DEMO / "mapping.yaml").read_text("utf-8").replace("message-board", system)
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text, "utf-8")
    return Desk(bihuan, plain, system, mapping, tmp_path)


def test_a_register_in_gb18030_with_stray_tabs_and_wide_blanks_is_read(desk: Desk) -> None:
    path = desk.register(
        row("\t7019 ", "2017/12/29 9:05:07", closed="2018/1/5\u3000"),
        row("7020\u3000", "\u30002017-12-30\t", "\u3000\t", "\t"),
        row("7021", "2017年12月31日 16:50", closed="2018.01.02 10:00"),
        encoding="gb18030",
    )
    assert desk.takes(path) == report(read=3, created=3)
    assert desk.times("7019") == ("2017-12-29T09:05:07+08:00", "2018-01-05T23:59:59+08:00")
    assert desk.times("7020") == ("2017-12-30T00:00:00+08:00", None)
    assert desk.times("7021") == ("2017-12-31T16:50:00+08:00", "2018-01-02T10:00:00+08:00")
    assert desk.takes(path) == report(read=3, unchanged=3)


def test_a_workbook_with_real_dates_among_text_dates_is_read(desk: Desk) -> None:
    noon = datetime(2017, 5, 4, 12, 30, 15)  # noqa: DTZ001 - a cell of Excel knows no zone
    path = desk.workbook(
        row(1, noon, closed="2017/5/8 17:00:00"),
        row(2, "2017-05-04 08:00:00", closed=noon.replace(day=9)),
        row(3, noon.date(), closed=noon.date() + timedelta(1)),
    )
    assert desk.takes(path) == report(read=3, created=3)
    assert desk.times("1") == ("2017-05-04T12:30:15+08:00", "2017-05-08T17:00:00+08:00")
    assert desk.times("2") == ("2017-05-04T08:00:00+08:00", "2017-05-09T12:30:15+08:00")
    assert desk.times("3") == ("2017-05-04T00:00:00+08:00", "2017-05-05T23:59:59+08:00")


def test_exactly_the_bad_rows_are_rejected_with_reasons_and_a_workbook_to_mend(desk: Desk) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")
    path = desk.register(
        row("1", "2017-05-04 08:00:00", closed="2017-05-05"),
        row("2", "2017-05-04 08:00:00", "", "2017-05-05"),
        row("3", "2017-05-04 08:00:00", "已答复。", ""),
        row("4", "2017-05-04 08:00:00", closed="2017-05-03 23:59:59"),
        row("5", "2017-02-30", closed="2017-05-05"),
        row("", "2017-05-04 08:00:00", closed="2017-05-05"),
        row("7", ahead, ""),
        row("1", "2017-05-04 08:00:00", closed="2017-05-06"),
        row("9", "2017-05-04 08:00:00", "", ""),
    )
    mended = desk.folder / "退回.xlsx"
    done = desk.takes(path, "--rejected", mended, ends=3)
    reasons = {one["row"]: one["reason"].partition("：")[0] for one in done["rejected"]}
    assert reasons == {
        3: "reply-missing",
        4: "reply-time-missing",
        5: "reply-before-report",
        6: "bad-date",
        7: "id-missing",
        8: "future-time",
        9: "conflict",
    }
    assert (done["read"], done["created"]) == (9, 2)
    book = openpyxl.load_workbook(mended)
    titles, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert titles[:3] == ("原行号", "退回原因", "留言编号")
    assert [line[0] for line in rows] == [3, 4, 5, 6, 7, 8, 9]
    assert str(rows[2][1]).startswith("reply-before-report：")
    assert rows[2][2] == "4"
    book.close()


def test_without_json_the_rejections_are_listed_and_the_workbook_lies_beside_the_register(
    desk: Desk,
) -> None:
    path = desk.register(row("1", "昨天", ""), row("2", "2017-05-04", ""))
    done = import_file(desk.bihuan, desk.district, path, mapping=desk.mapping, ends=3)
    assert "读入 2  新建 1  未变 0  更新 0" in done.out
    assert "第 2 行\t1\tbad-date\t" in done.out
    assert "登记簿-退回.xlsx" in done.err
    assert (desk.folder / "登记簿-退回.xlsx").is_file()


def test_a_dry_run_says_what_would_happen_and_writes_nothing(desk: Desk) -> None:
    desk.takes(
        desk.register(row("1", "2017-05-04", closed="2017-05-05"), row("2", "2017-05-04", ""))
    )
    before = position(desk.bihuan, desk.district)
    path = desk.register(
        row("1", "2017-05-04", closed="2017-05-06"),
        row("2", "2017-05-04", closed="2017-05-09"),
        row("3", "2017-05-04", ""),
        row("3", "2017-05-04", ""),
        row("4", "无", ""),
    )
    files = set(desk.folder.iterdir())
    would = desk.takes(path, "--dry-run", ends=3)
    assert position(desk.bihuan, desk.district) == before
    assert set(desk.folder.iterdir()) == files
    assert desk.takes(path, ends=3) == would
    assert {one["source_id"] for one in would["rejected"]} == {"1", "4"}
    assert {name: would[name] for name in ("read", "created", "updated", "unchanged")} == {
        "read": 5,
        "created": 1,
        "updated": 1,
        "unchanged": 1,
    }


# A later register


def test_a_later_register_corrects_texts_by_a_fact_and_changes_back(desk: Desk) -> None:
    old = row("1", "2017-05-04 08:00:00", closed="2017-05-05")
    new = row("1", "2017-05-04 08:00:00", closed="2017-05-05", subject="东头路灯不亮")
    assert desk.takes(desk.register(old)) == report(read=1, created=1)
    assert desk.takes(desk.register(new)) == report(read=1, updated=1)
    assert desk.takes(desk.register(new)) == report(read=1, unchanged=1)
    last = desk.replay("1")["facts"][-1]
    assert last["type"] == "case-corrected"
    assert last["texts"]["title"] == "东头路灯不亮"
    assert desk.takes(desk.register(old)) == report(read=1, updated=1)
    assert desk.replay("1")["facts"][-1]["texts"]["title"] == "路灯不亮"


def test_the_times_of_a_closed_case_stand_against_a_later_register(desk: Desk) -> None:
    desk.takes(desk.register(row("1", "2017-05-04 08:00:00", closed="2017-05-05 10:00:00")))
    for later in (
        row("1", "2017-05-04 08:00:00", closed="2017-05-04 10:00:00"),
        row("1", "2017-05-03 08:00:00", closed="2017-05-05 10:00:00"),
        row("1", "2017-05-04 08:00:00", "", ""),
    ):
        done = desk.takes(desk.register(later), ends=3)
        assert [one["reason"].partition("：")[0] for one in done["rejected"]] == ["closed-times"]
    assert desk.times("1") == ("2017-05-04T08:00:00+08:00", "2017-05-05T10:00:00+08:00")


def test_an_open_case_that_got_its_reply_later_is_closed_at_that_time(desk: Desk) -> None:
    desk.takes(desk.register(row("1", "2017-05-04 08:00:00", "", "")))
    assert desk.times("1")[1] is None
    answered = desk.register(row("1", "2017-05-04 08:00:00", closed="2017-05-05 10:00:00"))
    assert desk.takes(answered) == report(read=1, updated=1)
    assert desk.times("1") == ("2017-05-04T08:00:00+08:00", "2017-05-05T10:00:00+08:00")
    assert desk.takes(answered) == report(read=1, unchanged=1)


# Mappings


def test_a_mapping_with_a_column_that_is_missing_is_refused_and_names_it(desk: Desk) -> None:
    path = desk.register(("1", "2017-05-04"), headers=("留言编号", "留言时间"))
    before = position(desk.bihuan, desk.district)
    done = import_file(desk.bihuan, desk.district, path, mapping=desk.mapping, ends=2)
    assert "留言主题" in done.err
    assert "现有的列：留言编号、留言时间" in done.err
    assert position(desk.bihuan, desk.district) == before


def closed_loop(desk: Desk, *more: str) -> None:
    text = (
        "kind: closed-loop\n"
        f"source: {{system: {desk.system}, id: {{column: 编号}}}}\n"
        "title: {column: 主题}\n"
        "unit: {column: 单位}\n"
        "reported_at: {column: 上报时间}\n"
        "accepted: {at: {column: 受理时间}}\n"
        "data: {people: {column: 人数}, danger: {column: 危险}}\n"
    )
    desk.mapping.write_text(text + "\n".join(more), "utf-8")


COLUMNS: Final = ("编号", "主题", "单位", "上报时间", "受理时间", "人数", "危险")


def test_numbers_and_yes_or_no_in_a_register_become_what_the_form_asks_for(desk: Desk) -> None:
    closed_loop(desk)
    unit = "610327101001"
    path = desk.register(
        ("1", "井盖破损", unit, "2017-05-04", "2017-05-05", "3", "是"),
        ("2", "井盖破损", unit, "2017-05-04", "", "１２.0", "否"),
        ("3", "井盖破损", unit, "2017-05-04", "", "", ""),
        ("4", "井盖破损", unit, "2017-05-04", "", "三五个", "是"),
        ("5", "井盖破损", unit, "2017-05-04", "", "2.5", "是"),
        ("6", "井盖破损", unit, "2017-05-04", "", "2", "也许"),
        headers=COLUMNS,
    )
    done = desk.takes(path, ends=3)
    assert done["created"] == 3
    assert [(one["source_id"], one["reason"]) for one in done["rejected"]] == [
        ("4", "unknown-field：字段“涉及人数”有误：须为整数。"),
        ("5", "unknown-field：字段“涉及人数”有误：须为整数。"),
        ("6", "unknown-field：字段“有无危险”有误：须为 true 或 false。"),
    ]
    reported = [desk.replay(number)["facts"][0]["data"]["data"] for number in "123"]
    assert reported == [{"people": 3, "danger": True}, {"people": 12, "danger": False}, {}]
    assert desk.replay("1")["state"]["stage"] == "awaiting_grading"


def test_a_mapping_that_does_not_fit_the_kind_is_refused_before_any_row(desk: Desk) -> None:
    path = desk.register(headers=(*COLUMNS, "派遣时间"))
    for more, told in (
        ("dispatched: {at: {column: 派遣时间}}", "没有这个里程碑；可用：accepted、closed"),
        ("location: {column: 单位}", ""),
    ):
        closed_loop(desk, more)
        words = {"mapping": desk.mapping, "ends": 2 if told else 0}
        assert told in import_file(desk.bihuan, desk.district, path, **words).err  # type: ignore[arg-type]
    text = desk.mapping.read_text("utf-8")
    for wrong, told in (
        (text.replace("people:", "crowd:"), "没有这个字段；可用：people、danger"),
        (text.replace("closed-loop", "closed-lop"), "可用的类型：closed-loop、public-reply"),
    ):
        desk.mapping.write_text(wrong, "utf-8")
        done = import_file(desk.bihuan, desk.district, path, mapping=desk.mapping, ends=2)
        assert told in done.err
