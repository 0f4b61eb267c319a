"""Tables are read whatever a district's office saved them as."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from app.register.cells import clean, is_lossy_number, text_of
from app.register.errors import TableError
from app.register.tables import Table, read_table

HEADER = "编号,主题,时间"
LINES = f"{HEADER}\r\n1,路灯不亮,2025-01-02\r\n2,井盖松动,2025-01-03\r\n"


def saved(path: Path, content: bytes | str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def texts(table: Table) -> list[tuple[int, list[str]]]:
    return [(row.number, [text_of(cell) for cell in row.cells]) for row in table.rows()]


def code_of(path: Path, *, header_row: int = 1, sheet: str | None = None) -> tuple[str, str]:
    with pytest.raises(TableError) as refusal:
        list(read_table(path, header_row=header_row, sheet=sheet).rows())
    return refusal.value.code, refusal.value.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_every_common_encoding_gives_the_same_table(tmp_path: Path, encoding: str) -> None:
    table = read_table(saved(tmp_path / "a.csv", LINES, encoding))
    assert table.headers == ("编号", "主题", "时间")
    assert texts(table) == [
        (2, ["1", "路灯不亮", "2025-01-02"]),
        (3, ["2", "井盖松动", "2025-01-03"]),
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    table = read_table(saved(tmp_path / "a.csv", LINES.replace(",", delimiter)))
    assert texts(table)[0] == (2, ["1", "路灯不亮", "2025-01-02"])


def test_a_damaged_utf8_file_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    content = LINES.encode()
    at = content.index("井".encode()) + 1
    path = saved(tmp_path / "a.csv", content[:at] + b"\xff" + content[at + 1 :])
    code, message = code_of(path)
    assert code == "bad-encoding"
    assert f"第 {at} 字节" in message
    assert "文本第 3 行" in message
    assert "UTF-8" in message


def test_bytes_of_no_encoding_are_refused_with_byte_and_line(tmp_path: Path) -> None:
    code, message = code_of(saved(tmp_path / "a.csv", b"a,b\n1,2\n\xff\xff,3\n"))
    assert code == "bad-encoding"
    assert "GB18030" in message
    assert "第 9 字节、文本第 3 行" in message


def test_a_break_beyond_the_first_chunk_is_located_exactly(tmp_path: Path) -> None:
    content = ("字,列\n" + "好,坏\n" * 30_000).encode()
    code, message = code_of(saved(tmp_path / "a.csv", content + b"\xe5\xa5"))
    assert code == "bad-encoding"
    assert f"第 {len(content) + 1} 字节（文本第 30002 行）" in message


def test_rows_are_numbered_as_excel_shows_them(tmp_path: Path) -> None:
    content = '编号,详情\n1,"第一行\n第二行\n第三行"\n\n ,\u3000\n2,短\n'
    table = read_table(saved(tmp_path / "a.csv", content))
    assert texts(table) == [(2, ["1", "第一行\n第二行\n第三行"]), (5, ["2", "短"])]


def test_a_header_further_down_is_found_by_its_row(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", f"某县留言登记簿\n\n{LINES}")
    table = read_table(path, header_row=3)
    assert table.headers == ("编号", "主题", "时间")
    assert [row.number for row in table.rows()] == [4, 5]


def test_a_quote_that_is_never_closed_is_named_by_its_row(tmp_path: Path) -> None:
    code, message = code_of(saved(tmp_path / "a.csv", '编号,主题\n1,好\n2,"坏\n3,好\n4,好\n'))
    assert code == "unclosed-quote"
    assert "第 3 行" in message


def test_a_swallowed_half_file_is_named_by_its_row(tmp_path: Path) -> None:
    content = '编号,主题\n1,好\n2,"坏\n' + "3,好\n" * 50_000
    code, message = code_of(saved(tmp_path / "a.csv", content))
    assert code == "unclosed-quote"
    assert "第 3 行" in message


def test_a_csv_row_wider_than_its_header_says_so(tmp_path: Path) -> None:
    rows = list(read_table(saved(tmp_path / "a.csv", "a,b\n1,2,\n1,2,3\n1\n")).rows())
    assert [row.surplus for row in rows] == [False, True, False]
    assert rows[2].cells == ("1", None)


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "登记"
    sheet["A1"] = "留言登记"
    for place, name in enumerate(("编号", "时间", "日期", "备注"), start=1):
        sheet.cell(3, place, name)
    sheet.append([7019, datetime(2017, 12, 31, 16, 50), date(2017, 12, 31), 0.1 + 0.2])
    sheet.append([])
    sheet.append(["A-1", "2017/12/31 16:50:00", 43100.5, True])
    book.create_sheet("另一张").append(["甲"])
    book.save(path)
    return path


def test_a_workbook_keeps_real_dates_and_reads_ids_as_written(tmp_path: Path) -> None:
    table = read_table(workbook(tmp_path / "a.xlsx"), header_row=3)
    first, second = table.rows()
    assert (first.number, second.number) == (4, 6)
    assert first.cells[1:3] == (datetime(2017, 12, 31, 16, 50), date(2017, 12, 31))
    assert [text_of(cell) for cell in first.cells] == [
        "7019",
        "2017-12-31 16:50:00",
        "2017-12-31",
        "0.3",
    ]
    assert [text_of(cell) for cell in second.cells] == [
        "A-1",
        "2017/12/31 16:50:00",
        "43100.5",
        "TRUE",
    ]


def test_the_name_of_a_file_does_not_decide_what_it_is(tmp_path: Path) -> None:
    renamed = workbook(tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    assert read_table(renamed, header_row=3).headers[0] == "编号"
    assert read_table(saved(tmp_path / "b.xls", LINES, "gbk")).headers[0] == "编号"


def test_a_sheet_is_chosen_by_name_and_a_wrong_name_lists_them(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    assert read_table(path, sheet="另一张").headers == ("甲",)
    code, message = code_of(path, sheet="第三张")
    assert code == "unknown-sheet"
    assert "登记、另一张" in message


def test_a_hidden_sheet_is_not_the_first_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book["登记"].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert read_table(path).headers == ("甲",)


def test_an_ods_file_is_read_like_the_others(tmp_path: Path) -> None:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in ("编号", "主题")
    )
    row = (
        '<table:table-row><table:table-cell office:value-type="float" office:value="7019">'
        "<text:p>7019</text:p></table:table-cell><table:table-cell office:value-type="
        '"string"><text:p>好</text:p></table:table-cell></table:table-row>'
    )
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="一"><table:table-row>{cells}'
        f"</table:table-row>{row}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    assert texts(read_table(path)) == [(2, ["7019", "好"])]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-table"),
        (b"\n \n", "unreadable-table"),
        (b"PK\x03\x04 cut off", "unreadable-table"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "unreadable-table"),
        (b",,\n1,2,3\n", "no-header"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    assert code_of(saved(tmp_path / "a.xls", content))[0] == code


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    code, message = code_of(tmp_path / "没有.csv")
    assert code == "unreadable-table"
    assert "没有.csv" in message


def test_a_header_row_beyond_the_end_is_refused(tmp_path: Path) -> None:
    assert code_of(saved(tmp_path / "a.csv", LINES), header_row=9)[0] == "no-header"


def test_texts_lose_what_surrounds_them_and_nothing_within() -> None:
    assert (
        clean("\ufeff\t\u3000路灯\u00a0不亮\r\n\u200b第二\t行\u3000\n")
        == "路灯\u00a0不亮\n\u200b第二\t行"
    )
    assert clean("甲\x00乙\x1b\x7f\x85丙") == "甲乙丙"
    assert clean("e\u0301") == "\u00e9"


def test_numbers_that_lost_digits_are_known() -> None:
    assert is_lossy_number(202401010000123456.0)
    assert is_lossy_number("2.02401E+17")
    assert not is_lossy_number("202401010000123456")
    assert not is_lossy_number(7019.0)
