"""What an import answers: its numbers as promised, its rejected rows ready to be mended."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl

from app.register.mapping_file import parse_mapping
from app.register.records import RejectedRow
from app.register.report import ImportReport, write_rejections
from app.register.rows import open_register, read_register

MAPPING = parse_mapping(
    "kind: public-reply\n"
    "source: {system: message-board, id: {column: 编号}}\n"
    "title: {column: 主题}\n"
    "reported_at: {column: 时间}\n"
    "closed: {at: {column: 答复时间}}\n"
)


def test_the_report_is_the_promised_json() -> None:
    report = ImportReport(read=3, created=1, unchanged=1)
    report.rejected.append(RejectedRow(4, "7", "conflict", "内容不同"))
    assert report.as_json() == {
        "read": 3,
        "created": 1,
        "unchanged": 1,
        "updated": 0,
        "rejected": [{"row": 4, "source_id": "7", "reason": "conflict：内容不同"}],
    }


def test_rejected_rows_come_back_as_they_were_with_the_reason_in_red(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["某县登记簿"],
        ["编号", "主题", "时间", "答复时间"],
        ["1", "好", datetime(2025, 3, 3, 9, 5), None],
        [2, "=1+1", datetime(2025, 3, 3, 9, 5), date(2025, 3, 1)],
        [],
        ["3", "好", "昨天", None],
    ):
        book.active.append(row)
    book.active["B4"].data_type = "s"
    source = tmp_path / "a.xlsx"
    book.save(source)
    mapping = MAPPING.model_copy(update={"header_row": 2})
    table = open_register(source, mapping)
    rejected = [
        one
        for one in read_register(source, mapping, now=datetime(2026, 1, 1, tzinfo=UTC))
        if isinstance(one, RejectedRow)
    ]
    write_rejections(tmp_path / "out.xlsx", rejected, table)

    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("原行号", "退回原因", "编号", "主题", "时间", "答复时间")
    assert rows[1][0] == 4
    assert str(rows[1][1]).startswith("reply-before-report：")
    assert rows[1][2:] == (2, "=1+1", datetime(2025, 3, 3, 9, 5), datetime(2025, 3, 1))
    assert rows[2][0] == 6
    assert rows[2][2:] == ("3", "好", "昨天", None)
    assert len(rows) == 3
    assert sheet["B2"].font.color.rgb == "FFC00000"
    assert sheet["D2"].data_type == "s"
