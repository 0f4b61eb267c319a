"""Ledgers as Excel and CSV hold every value as it is, and nothing that runs."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from projections.export import Column, Value, iter_csv, write_csv
from projections.workbook import write_xlsx
from projections.workbook_cells import CELL_UNITS

COLUMNS = [
    Column("number", "编号"),
    Column("title", "主题"),
    Column("at", "时间", "datetime"),
    Column("day", "日期", "date"),
    Column("count", "次数", "number"),
]
MOMENT = datetime(2025, 3, 3, 1, 5, 59, 999_999, tzinfo=UTC)
ROWS: list[list[Value]] = [
    ["610327-1", "路灯不亮", MOMENT, date(2025, 3, 4), 3],
    ["0012", None, None, None, 2.5],
]
PROVENANCE = {"截至": "2025-03-05T00:00:00+08:00", "位点": "42", "筛选": "全部"}
DANGEROUS = [
    "=1+1",
    "+861380000",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "{=1}",
    "http://example.org",
    "=HYPERLINK(1)",
]


def book(
    rows: list[list[Value]],
    columns: list[Column] = COLUMNS,
    title: str = "台账",
    **options: Any,  # noqa: ANN401 - passed on
) -> tuple[bytes, Any]:
    stream = io.BytesIO()
    write_xlsx(stream, title, columns, rows, PROVENANCE, **options)
    return stream.getvalue(), openpyxl.load_workbook(io.BytesIO(stream.getvalue()))


def values(sheet: Any) -> list[tuple[object, ...]]:  # noqa: ANN401 - openpyxl is untyped
    return list(sheet.iter_rows(values_only=True))


def test_a_workbook_holds_the_rows_with_real_dates_of_beijing() -> None:
    _, found = book(ROWS)
    sheet = found["台账"]
    assert values(sheet) == [
        ("编号", "主题", "时间", "日期", "次数"),
        ("610327-1", "路灯不亮", datetime(2025, 3, 3, 9, 5, 59), datetime(2025, 3, 4), 3),
        ("0012", None, None, None, 2.5),
    ]
    assert sheet["C2"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert sheet["D2"].number_format == "yyyy-mm-dd"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E3"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["C"].width >= 19


def test_the_second_sheet_says_what_the_first_one_shows() -> None:
    _, found = book(ROWS)
    assert found.sheetnames == ["台账", "说明"]
    assert values(found["说明"])[:3] == list(PROVENANCE.items())


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    content, _ = book(ROWS)
    write_xlsx(tmp_path / "a.xlsx", "台账", COLUMNS, ROWS, PROVENANCE)
    assert (tmp_path / "a.xlsx").read_bytes() == content


@pytest.mark.parametrize("text", DANGEROUS)
def test_nothing_in_a_workbook_runs(text: str) -> None:
    content, found = book([[text, text, None, None, None]], title="=危险[1]")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert not any("hyperlink" in name.lower() for name in archive.namelist())
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    cell = found.worksheets[0]["A2"]
    assert cell.data_type in {"s", "inlineStr"}
    assert cell.value == text.replace("\r", "\n")


def test_a_text_beyond_a_cell_goes_on_in_another_sheet_uncut() -> None:
    text = "甲" + "\U00020000" * CELL_UNITS  # two UTF-16 units each: never halved
    _, found = book([["1", "短", None, None, None], ["2", text, None, None, None]])
    assert found.sheetnames == ["台账", "说明", "长文本"]
    header, *parts = values(found["长文本"])
    assert header == ("工作表", "行", "列", "段", "内容")
    assert [part[:4] for part in parts] == [("台账", 3, "主题", n) for n in (2, 3)]
    pieces = [str(found["台账"]["B3"].value), *(str(part[4]) for part in parts)]
    assert "".join(pieces) == text
    assert all(len(piece.encode("utf-16-le")) // 2 <= CELL_UNITS for piece in pieces)


@pytest.mark.parametrize(("length", "sheets"), [(CELL_UNITS, 2), (CELL_UNITS + 1, 3)])
def test_the_limit_of_a_cell_is_exact(length: int, sheets: int) -> None:
    _, found = book([["1", "a" * length, None, None, None]])
    assert len(found.sheetnames) == sheets


def test_rows_beyond_a_sheet_go_on_in_further_sheets() -> None:
    rows: list[list[Value]] = [[str(n), None, None, None, n] for n in range(7)]
    _, found = book(rows, sheet_rows=3)
    assert found.sheetnames == ["台账", "说明", "台账 (2)", "台账 (3)"]
    shown = [[row[0] for row in values(found[name])] for name in ("台账", "台账 (2)", "台账 (3)")]
    assert shown == [["编号", "0", "1", "2"], ["编号", "3", "4", "5"], ["编号", "6"]]
    assert found["台账 (3)"].auto_filter.ref == "A1:E2"


def test_a_full_last_sheet_is_followed_by_no_empty_one() -> None:
    rows: list[list[Value]] = [[str(n), None, None, None, n] for n in range(6)]
    assert book(rows, sheet_rows=3)[1].sheetnames == ["台账", "说明", "台账 (2)"]


def test_a_ledger_without_rows_still_has_its_header() -> None:
    _, found = book([])
    assert values(found["台账"]) == [("编号", "主题", "时间", "日期", "次数")]


def test_numbers_that_excel_would_blur_stay_texts() -> None:
    columns = [Column("any", "值", "any"), Column("n", "数", "number"), Column("t", "号", "text")]
    _, found = book([[202503030000123456, float("nan"), 7], [True, float("inf"), 2.0]], columns)
    assert values(found["台账"])[1:] == [("202503030000123456", "nan", "7"), ("是", "inf", "2.0")]


def test_what_xml_cannot_carry_does_not_spoil_the_file() -> None:
    _, found = book([["a\x00b\ud800c\ufffe", "_x0041_ 甲\r\n乙 ", None, None, None]])
    assert values(found["台账"])[1][0] == "a\ufffdb\ufffdc\ufffd"
    assert re.fullmatch("_x(005F_x)?0041_ 甲\n乙 ", str(values(found["台账"])[1][1]))


def test_a_moment_without_zone_is_an_error_of_the_program() -> None:
    naive = datetime(2025, 3, 3)
    with pytest.raises(ValueError, match="zone"):
        book([["1", None, naive, None, None]])
    with pytest.raises(ValueError, match="zone"):
        list(iter_csv(COLUMNS, [["1", None, naive, None, None]]))


def test_an_alarm_column_is_red() -> None:
    _, found = book([["退回"]], [Column("reason", "原因", alarm=True)])
    assert found["台账"]["A2"].font.color.rgb == "FFC00000"


def test_moments_before_excel_began_are_texts() -> None:
    old = datetime(1850, 1, 1, tzinfo=UTC)
    _, found = book([["1", None, old, date(1850, 1, 1), None]])
    assert values(found["台账"])[1][2:4] == ("1850-01-01 08:00:00", "1850-01-01")


def test_a_csv_opens_in_excel_and_reads_back() -> None:
    stream = io.BytesIO()
    write_csv(stream, COLUMNS, ROWS)
    content = stream.getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == 3
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))) == [
        ["编号", "主题", "时间", "日期", "次数"],
        ["610327-1", "路灯不亮", "2025-03-03T09:05:59+08:00", "2025-03-04", "3"],
        ["0012", "", "", "", "2.5"],
    ]


def test_a_csv_goes_to_a_path_as_well(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", COLUMNS, ROWS)
    assert (tmp_path / "a.csv").read_bytes() == b"".join(iter_csv(COLUMNS, ROWS))


@pytest.mark.parametrize("text", [text for text in DANGEROUS if text[0] not in "{h"])
def test_a_formula_in_a_csv_gets_an_apostrophe(text: str) -> None:
    content = b"".join(iter_csv([Column("a", text)], [[text]])).decode("utf-8-sig")
    assert all(cell.startswith("'") for (cell,) in csv.reader(io.StringIO(content, newline="")))


def test_negative_numbers_in_a_csv_stay_numbers() -> None:
    assert b"".join(iter_csv([Column("a", "a", "number")], [[-5]])).endswith(b"\r\n-5\r\n")


def test_offsets_of_all_sorts_become_beijing_time() -> None:
    moment = datetime(2025, 3, 3, 1, 5, tzinfo=timezone(timedelta(hours=-5)))
    assert b"2025-03-03T14:05:00+08:00" in b"".join(
        iter_csv([Column("a", "a", "datetime")], [[moment]])
    )


def test_a_csv_is_written_row_by_row() -> None:
    def endless() -> Iterator[list[Value]]:
        while True:
            yield ["1"]

    chunks = iter_csv([Column("a", "a")], endless())
    assert [next(chunks) for _ in range(3)] == [b"\xef\xbb\xbfa\r\n", b"1\r\n", b"1\r\n"]


def test_a_row_of_another_width_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match="zip"):
        book([["1"]])


def test_a_failing_export_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    def failing() -> Iterator[list[Value]]:
        yield ["1"]
        raise RuntimeError("the cursor broke")

    path = tmp_path / "a"
    path.write_bytes(b"older")
    with pytest.raises(RuntimeError):
        write_xlsx(path, "台账", [Column("a", "a")], failing(), {})
    with pytest.raises(RuntimeError):
        write_csv(path, [Column("a", "a")], failing())
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]
