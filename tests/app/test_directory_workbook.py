"""The directory as a workbook: out and in again, every bad row named, names never in clear."""

from collections.abc import Generator
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from app.register.directory import BadDirectory, BadRow
from app.register.workbook import HEADERS, read_workbook, write_workbook
from domain.directory import Directory, fold_directory
from tests.support.commands import Bihuan, kept_running
from workflows.directory_office import Book, book_of, drafts_of
from workflows.reference import Reference

TODAY = date(2026, 10, 12)
_codes = count(620901)
UNITS = [
    ("C", "云岭县", "county", "", ""),
    ("D", "司法局", "department", "C", ""),
    ("T", "云溪镇", "town", "C", ""),
    ("P", "司法所", "department", "T", "D"),
    ("S", "老街社区", "community", "T", ""),
    ("G", "一网格", "grid", "S", ""),
    ("B", "1号楼", "building", "G", ""),
]
POSTS = [("P01", "P", "所长", "department_officer"), ("S01", "S", "书记", "community_officer")]
TERMS = [
    ("P01", "R001", "张某甲", "2024-01-01", "2026-01-01", "任职"),
    ("P01", "R002", "李某乙", "2026-01-01", "", "任职"),
    ("S01", "R003", "王某丙", "2025-05-01", "", "代理"),
]
RELATIONS = [
    ("包联", "S", "C", "R001", "2025-01-01", ""),
    ("双报到", "D", "S", "", "2025-01-01", "2026-01-01"),
    ("坐班", "P", "S", "", "2025-03-01", ""),
]
Sheets = dict[str, list[Any]]
GOOD: Sheets = {"单元": UNITS, "岗位": POSTS, "人员任职": TERMS, "关系": RELATIONS}


def workbook(tmp_path: Path, **sheets: list[Any]) -> Path:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in (GOOD | sheets).items():
        sheet = book.create_sheet(name)
        for row in (HEADERS[name], *rows):
            sheet.append(list(row))
    path = tmp_path / "目录.xlsx"
    book.save(path)
    return path


def bad(tmp_path: Path, **sheets: list[Any]) -> list[BadRow]:
    with pytest.raises(BadDirectory) as refusal:
        read_workbook(workbook(tmp_path, **sheets), Directory())
    for row in refusal.value.rows:
        assert f"{row.sheet} 第 {row.row} 行" in refusal.value.message
    return list(refusal.value.rows)


def taken(book: Book, before: Reference | None = None) -> tuple[Reference, dict[str, str], int]:
    """Apply a book; return the directory, the names and how many facts there were."""
    reference = before or Reference()
    names: dict[str, str] = {}
    made = drafts_of(book, reference.directory, names, TODAY)
    facts = [fact for part in made.values() for fact, _ in part]
    names = {getattr(fact, "person", ""): name for fact, name in made["persons"]}
    return Reference(directory=fold_directory(reference.directory, facts)), names, len(facts)


def test_what_is_exported_imports_again_and_changes_nothing(tmp_path: Path) -> None:
    book, notes = read_workbook(workbook(tmp_path), Directory())
    assert notes == ()
    reference, names, facts = taken(book)
    assert facts == 7 + 2 + 3 + 3 + 4
    assert names["R001"] == "张某甲"
    out = tmp_path / "导出.xlsx"
    write_workbook(out, book_of(reference, names, TODAY), {"日期": "2026-10-12"})
    again, _ = read_workbook(out, reference.directory)
    made = drafts_of(again, reference.directory, names, TODAY)
    assert [fact for part in made.values() for fact, _ in part] == []


trees = st.lists(st.integers(0, 10**6), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(picks=trees, terms=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), max_size=6))
def test_any_directory_survives_the_way_out_and_in(
    tmp_path_factory: pytest.TempPathFactory, picks: list[int], terms: list[tuple[int, int]]
) -> None:
    levels = ("county", "town", "community", "grid", "building")
    units: list[tuple[str, ...]] = [("U0", "县", "county", "", "")]
    placed = [0]
    for number, pick in enumerate(picks, 1):
        above = [n for n, level in enumerate(placed) if level < 4]
        parent = above[pick % len(above)]
        placed.append(placed[parent] + 1)
        units.append((f"U{number}", f"单元{pick % 5}", levels[placed[-1]], f"U{parent}", ""))
    posts = [(f"P{n}", units[n % len(units)][0], "岗位", "leader") for n in range(4)]
    rows: list[tuple[str, ...]] = []
    since = date(2020, 1, 1)
    for post, days in terms:
        until = since + timedelta(days=days)
        rows.append((f"P{post}", f"R{days}", f"姓名{days}", str(since), str(until), "任职"))
        since = until
    tmp_path = tmp_path_factory.mktemp("book")
    book, _ = read_workbook(
        workbook(tmp_path, 单元=units, 岗位=posts, 人员任职=rows, 关系=[]), Directory()
    )
    reference, names, _ = taken(book)
    write_workbook(tmp_path / "b.xlsx", book_of(reference, names, TODAY), {})
    again, _ = read_workbook(tmp_path / "b.xlsx", reference.directory)
    made = drafts_of(again, reference.directory, names, TODAY)
    assert [fact for part in made.values() for fact, _ in part] == []


def test_a_cycle_an_orphan_a_duplicate_and_a_building_without_a_grid_are_all_named(
    tmp_path: Path,
) -> None:
    more = [
        ("X", "甲科", "department", "Y", ""),
        ("Y", "乙科", "department", "X", ""),
        ("O", "孤社区", "community", "NOWHERE", ""),
        ("S", "又一社区", "community", "T", ""),
        ("B2", "2号楼", "building", "S", ""),
    ]
    found = bad(tmp_path, 单元=[*UNITS, *more])
    assert [(one.sheet, one.row, one.code) for one in found] == [
        ("单元", 9, "cycle"),
        ("单元", 10, "cycle"),
        ("单元", 11, "unknown-parent"),
        ("单元", 12, "duplicate-code"),
        ("单元", 13, "no-grid"),
    ]
    assert "请把上级改成它所属的网格" in found[-1].reason


def test_bad_rows_of_every_sheet_are_named_at_once(tmp_path: Path) -> None:
    found = bad(
        tmp_path,
        单元=[*UNITS, ("Z", "派出所", "department", "T", "NOWHERE")],
        岗位=[*POSTS, ("P01", "Q", "", "king")],
        人员任职=[
            *TERMS,
            ("P01", "610327199001011234", "赵某", "2020-01-01", "2020-02-01", ""),
            ("P09", "R009", "", "昨天", "", "兼职"),
            ("S01", "R010", "钱某", "2026-06-01", "2026-05-01", ""),
            ("P01", "R011", "孙某", "2026-06-01", "", ""),
        ],
        关系=[*RELATIONS, ("结对", "S", "Q", "", "", "")],
    )
    codes: dict[tuple[str, int], set[str]] = {}
    for one in found:
        codes.setdefault((one.sheet, one.row), set()).add(one.code)
    assert codes == {
        ("单元", 9): {"unknown-unit"},
        ("岗位", 2): {"duplicate-code"},
        ("岗位", 4): {"duplicate-code", "unknown-unit", "name-missing", "unknown-role"},
        ("人员任职", 5): {"personal-number"},
        ("人员任职", 6): {"unknown-post", "bad-day", "unknown-sort", "name-missing"},
        ("人员任职", 7): {"bad-day"},
        ("人员任职", 8): {"overlap"},
        ("关系", 5): {"unknown-sort", "unknown-unit", "day-missing"},
    }


def test_a_second_parent_that_is_taken_out_ends_today(tmp_path: Path) -> None:
    book, _ = read_workbook(workbook(tmp_path), Directory())
    reference, _, _ = taken(book)
    assert reference.directory.shared_with("D", TODAY) == {"P"}
    units = [row if row[0] != "P" else (*row[:4], "") for row in UNITS]
    less, _ = read_workbook(workbook(tmp_path, 单元=units), reference.directory)
    after, _, facts = taken(less, reference)
    assert facts == 1 + 3  # the names are told anew where none is known
    assert after.directory.shared_with("D", TODAY) == frozenset()
    assert after.directory.shared_with("D", TODAY - timedelta(days=1)) == frozenset()


def test_what_has_ended_is_not_made_longer(tmp_path: Path) -> None:
    book, _ = read_workbook(workbook(tmp_path), Directory())
    reference, _, _ = taken(book)
    longer = [(*TERMS[0][:4], "", "任职"), *TERMS[1:]]
    with pytest.raises(BadDirectory) as refusal:
        read_workbook(workbook(tmp_path, 人员任职=longer), reference.directory)
    assert "ended-before" in {one.code for one in refusal.value.rows}


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("directory")) as running:
        yield running


def test_the_commands_bring_it_in_and_out_and_seal_the_names(
    bihuan: Bihuan, tmp_path: Path
) -> None:
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    load = ("import", "directory")
    done = bihuan(*load, workbook(tmp_path), "--district", code)
    assert done.out == "变更：单元 7  岗位 2  人员 3  任职 3  关系 4\n"
    assert "没有变更" in bihuan(*load, workbook(tmp_path), "--district", code).out
    out = tmp_path / "导出.xlsx"
    bihuan("directory", "export", out, "--district", code)
    assert "没有变更" in bihuan(*load, out, "--district", code).out
    names = {
        str(row[2]) for row in openpyxl.load_workbook(out)["人员任职"].iter_rows(values_only=True)
    }
    assert names == {"name", "张某甲", "李某乙", "王某丙"}
    vacant = bihuan("directory", "show", "--district", code, "--json").document["posts"]
    assert [(one["post"], one["deputy"]) for one in vacant] == [("S01", "R003")]
    with psycopg.connect(bihuan.dsn) as connection:
        query = sql.SQL("SELECT body FROM {}.event").format(sql.Identifier(f"d{code}"))
        bodies = connection.execute(query).fetchall()
    assert not any("张某甲".encode() in bytes(body) for (body,) in bodies)
    broken = workbook(tmp_path, 单元=[*UNITS, ("B2", "2号楼", "building", "S", "")])
    refused = bihuan(*load, broken, "--district", code, code=2)
    assert "单元 第 9 行 B2 2号楼" in refused.err


def test_a_renamed_person_is_one_more_sealed_fact(bihuan: Bihuan, tmp_path: Path) -> None:
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    load = ("import", "directory")
    bihuan(*load, workbook(tmp_path), "--district", code)
    renamed = [(*TERMS[0][:2], "张某丁", *TERMS[0][3:]), *TERMS[1:]]
    path = workbook(tmp_path, 人员任职=renamed)
    done = bihuan(*load, path, "--district", code, "--json").document
    assert (done["persons"], done["terms"]) == (1, 0)
    assert "没有变更" in bihuan(*load, path, "--district", code).out


PLAN = """
units: [{code: S2, name: 新街社区, level: community, parent: T}]
moves: [{unit: S, into: [S2]}]
"""


def test_the_command_shows_a_redivision_first_and_carries_it_out_when_told(
    bihuan: Bihuan, tmp_path: Path
) -> None:
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    bihuan("import", "directory", workbook(tmp_path), "--district", code)
    plan = tmp_path / "调整.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    words = ("directory", "redivide", plan, "--district", code, "--on", "2026-01-01")
    assert "没有写入" in bihuan(*words).err
    broken = tmp_path / "错.yaml"
    broken.write_text("moves: [{unit: G, into: [S]}]", encoding="utf-8")
    refused = bihuan("directory", "redivide", broken, *words[3:], code=2)
    assert "1号楼（B） 不再属于任何网格" in refused.err
    done = bihuan(*words, "--apply", "--json").document
    assert (done["examined"], done["changed"], done["failures"]) == (0, 0, [])
    assert bihuan(*words, "--apply").out == "查看 0 件  划归 0 件  待划归 0 件\n"
    assert bihuan("directory", "unallotted", "--district", code, "--json").document == []
    out = tmp_path / "后.xlsx"
    bihuan("directory", "export", out, "--district", code)
    sheet = openpyxl.load_workbook(out)["单元"]
    rows = {str(row[0]): str(row[3]) for row in sheet.iter_rows(values_only=True)}
    assert "S" not in rows
    assert rows["G"] == "S2"
    later = (*words[:-1], "2099-01-01")
    bihuan(*later, "--apply", code=1)
