"""A directory of units imports whole, or names every row that stops it."""

import os
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from app.register.directory import BadDirectory, DirectoryTable, read_directory
from app.register.errors import ColumnError, RegisterError

ROOT = Path(__file__).parents[2]
DATA = ROOT / os.environ.get("BIHUAN_TEST_DATA", "../shared/data")
DIVISIONS = DATA / "divisions" / "adcode2016_610327.csv"
COUNTY = "C,云岭县,county,610300"
TOWN = "T,云溪镇,town,C"


def directory(
    tmp_path: Path, *lines: str, header: str = "code,name,level,parent"
) -> DirectoryTable:
    path = tmp_path / "directory.csv"
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return read_directory(path)


def bad_rows(tmp_path: Path, *lines: str) -> list[tuple[int, str]]:
    with pytest.raises(BadDirectory) as refusal:
        directory(tmp_path, *lines)
    assert refusal.value.code == "bad-directory"
    for bad in refusal.value.rows:
        assert bad.reason in refusal.value.message
    return [(bad.row, bad.code) for bad in refusal.value.rows]


def test_parents_come_before_children_and_the_root_stands_alone(tmp_path: Path) -> None:
    units = directory(tmp_path, "G,一网格,grid,S", "S,老街社区,community,T", TOWN, COUNTY).rows
    assert [(unit.code, unit.parent, unit.row) for unit in units] == [
        ("C", None, 5),
        ("T", "C", 4),
        ("S", "T", 3),
        ("G", "S", 2),
    ]


def test_a_name_may_repeat_and_a_village_is_a_community(tmp_path: Path) -> None:
    table = directory(
        tmp_path, COUNTY, TOWN, "U,石桥镇,town,C", "1,下街村,village,T", "2,下街村,village,U"
    )
    assert [unit.level for unit in table.rows[-2:]] == ["community", "community"]
    assert table.notes == ("2 行的级别 village（村）按 community（社区）导入。",)


def test_departments_and_all_levels_fit(tmp_path: Path) -> None:
    table = directory(
        tmp_path,
        COUNTY,
        TOWN,
        "D,民政局,department,C",
        "D2,低保科,department,D",
        "P,派出所,department,T",
        "G,一网格,grid,T",
        "B,1号楼,building,G",
        "H,中心户,household,B",
    )
    assert len(table.rows) == 8


def test_further_columns_are_ignored_with_a_note(tmp_path: Path) -> None:
    header = "longitude,code,name,level,parent,rank"
    table = directory(tmp_path, "1.5,C,云岭县,county,,3", header=header)
    assert table.ignored_columns == ("longitude", "rank")
    assert "longitude、rank" in table.notes[0]


def test_chinese_columns_and_levels_are_understood(tmp_path: Path) -> None:
    header = "编码,名称,级别,上级编码"
    table = directory(tmp_path, "C,云岭县,县,", "T,云溪镇,镇街,C", header=header)
    assert [unit.level for unit in table.rows] == ["county", "town"]


def test_codes_that_excel_kept_as_numbers_are_read_as_digits(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["code", "name", "level", "parent"])
    book.active.append([610327000000, "云岭县", "county", 610300000000])
    book.active.append([610327101000, "云溪镇", "town", 610327000000])
    book.save(tmp_path / "a.xlsx")
    units = read_directory(tmp_path / "a.xlsx").rows
    assert [(unit.code, unit.parent) for unit in units] == [
        ("610327000000", None),
        ("610327101000", "610327000000"),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("T,又一镇,town,C", "duplicate-code"),
        ("X,某村,community,NOWHERE", "unknown-parent"),
        ("X,某村,community,", "orphan"),
        ("X 1,某村,community,T", "bad-code"),
        ("X/1,某村,community,T", "bad-code"),
        ("６,某村,community,T", "bad-code"),
        (",某村,community,T", "bad-code"),
        ("X,,community,T", "name-missing"),
        ("X,某村,comunity,T", "unknown-level"),
        ("X,某镇,town,T", "level-order"),
        ("X,某县,county,T", "level-order"),
        ("X,某村,community,T,错位", "surplus-cells"),
    ],
)
def test_one_bad_row_refuses_the_whole_file(tmp_path: Path, line: str, code: str) -> None:
    assert bad_rows(tmp_path, COUNTY, TOWN, line) == [(4, code)]


def test_a_misspelt_level_is_answered_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(BadDirectory, match="是不是 community"):
        directory(tmp_path, COUNTY, TOWN, "X,某村,comunity,T")


def test_a_cycle_names_all_its_rows_and_no_others(tmp_path: Path) -> None:
    lines = ("A,甲,grid,B", "B,乙,grid,E", "E,丙,grid,A", "F,丁,building,A")
    assert bad_rows(tmp_path, COUNTY, TOWN, *lines) == [(4, "cycle"), (5, "cycle"), (6, "cycle")]
    assert bad_rows(tmp_path, COUNTY, "A,甲,town,A") == [(3, "cycle")]


def test_every_bad_row_is_listed_at_once(tmp_path: Path) -> None:
    lines = (COUNTY, TOWN, "X 1,某村,community,T", TOWN, "Y,某村,community,NOWHERE")
    assert bad_rows(tmp_path, *lines) == [
        (4, "bad-code"),
        (5, "duplicate-code"),
        (6, "unknown-parent"),
    ]


def test_two_roots_of_one_rank_are_both_named(tmp_path: Path) -> None:
    assert bad_rows(tmp_path, "C,甲县,county,", "D,乙县,county,", "T,云溪镇,town,C") == [
        (2, "several-roots"),
        (3, "several-roots"),
    ]


def test_a_missing_column_and_an_empty_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="level、parent") as refusal:
        directory(tmp_path, "C,云岭县", header="code,name")
    assert refusal.value.code == "missing-column"
    with pytest.raises(RegisterError, match="一行也没有"):
        directory(tmp_path)


def test_a_deep_tree_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    chain = [f"D{n},科,department,{'C' if n == 0 else f'D{n - 1}'}" for n in range(2000)]
    assert len(directory(tmp_path, COUNTY, *chain).rows) == 2001


@pytest.mark.skipif(not DIVISIONS.is_file(), reason="BIHUAN_TEST_DATA: no divisions there")
def test_the_official_divisions_of_a_county_read_whole() -> None:
    table = read_directory(DIVISIONS)
    assert Counter(unit.level for unit in table.rows) == {"county": 1, "town": 10, "community": 161}
    assert table.rows[0].parent is None
    names = Counter(unit.name for unit in table.rows)
    assert sum(count == 2 for count in names.values()) == 6
    assert len(table.ignored_columns) == 16
