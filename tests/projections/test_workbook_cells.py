"""Rows written aside are, byte for byte, those that XlsxWriter would have written."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from projections.export import Column, Layout, Value
from projections.workbook import write_xlsx

MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 31), timezones=st.just(UTC))
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
NUMBERS = st.one_of(st.integers(-(10**15) + 1, 10**15 - 1), st.floats(-1e14, 1e14, allow_nan=False))
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")),
    st.sampled_from(["_x0041_", " 边 ", "a\nb", "&<>\"'", "=1+1", "", "<r>", "\t甲"]),
)
KINDS = [("text", "@"), ("number", ""), ("datetime", "yyyy-mm-dd hh:mm:ss"), ("date", "yyyy-mm-dd")]


def rows_of(book: io.BytesIO) -> str:
    with zipfile.ZipFile(book) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    return re.sub(r' s="\d+"', "", sheet.partition("<sheetData>")[2].partition("</sheetData>")[0])


@given(st.lists(st.tuples(TEXTS, NUMBERS, MOMENTS, DAYS), max_size=4))
def test_rows_are_those_of_the_library(rows: list[tuple[str, float, datetime, date]]) -> None:
    ours, theirs = io.BytesIO(), io.BytesIO()
    columns = [Column(kind, kind, kind) for kind, _ in KINDS]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write_xlsx(ours, "表", columns, rows, {})
    book = xlsxwriter.Workbook(theirs, {"constant_memory": True})
    sheet = book.add_worksheet()
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column.label)
    for line, (text, number, moment, day) in enumerate(rows, start=1):
        wall = (moment + timedelta(hours=8)).replace(microsecond=0, tzinfo=None)
        if text:
            sheet.write_string(line, 0, text)
        sheet.write_number(line, 1, number)
        sheet.write_datetime(line, 2, wall)
        sheet.write_datetime(line, 3, datetime(day.year, day.month, day.day))
    book.close()
    assert rows_of(ours) == rows_of(theirs)


@pytest.mark.parametrize("label", ["<r>甲</r>", "<r><t>乙</r>", "=1+1", "&"])
def test_markup_stays_text_wherever_it_stands(label: str) -> None:
    stream = io.BytesIO()
    columns = [Column("a", label), Column("b", label), Column("c", "丙")]
    layout = Layout(groups=((label, ("a", "b")), (label, ("c",))))
    row: list[Value] = [label, label, None]
    write_xlsx(stream, "表", columns, [row], {label: label}, layout=layout)
    book = openpyxl.load_workbook(stream)
    groups, heads, values = book["表"].iter_rows(values_only=True)
    assert str(groups[0]).strip() == str(groups[2]).strip() == label
    assert heads == (label, label, "丙")
    assert values == (label, label, None)
    assert next(book["说明"].iter_rows(values_only=True)) == (label, label)


def test_a_sheet_says_how_far_it_reaches() -> None:
    stream = io.BytesIO()
    columns = [Column(str(place), str(place)) for place in range(30)]
    write_xlsx(stream, "表", columns, [["x", *[None] * 29], ["y", *[None] * 29]], {})
    sheet = openpyxl.load_workbook(stream, read_only=True)["表"]
    assert sheet.calculate_dimension() == "A1:AD3"


def test_columns_go_on_after_z() -> None:
    stream = io.BytesIO()
    columns = [Column(str(place), str(place)) for place in range(703)]
    write_xlsx(stream, "表", columns, [[str(place) for place in range(703)]], {})
    sheet = openpyxl.load_workbook(stream)["表"]
    assert [sheet[f"{at}2"].value for at in ("Z", "AA", "AZ", "BA", "ZZ", "AAA")] == [
        *("25", "26", "51", "52", "701", "702")
    ]
