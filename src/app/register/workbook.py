"""The directory as a workbook: 单元, 岗位, 人员任职, 关系; read and checked as a whole, or written.

All of it is taken, or none: every bad row is named with its sheet, what is wrong and the mend.
"""

# XlsxWriter's signatures are partly untyped.
# pyright: reportUnknownMemberType=false

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from app.register.cells import Cell, text_of
from app.register.directory import (
    SECOND_PARENT,
    BadDirectory,
    BadRow,
    DirectoryTable,
    examine,
)
from app.register.tables import Row, Table, read_table, sheets_of
from domain.actor import Role
from domain.directory import Directory
from domain.relations import SORTS
from workflows.administration import UnitRow
from workflows.directory_office import (
    Book,
    PostRow,
    RelationRow,
    TermRow,
    known_relation,
    known_term,
)

UNITS: Final = "单元"
POSTS: Final = "岗位"
TERMS: Final = "人员任职"
RELATIONS: Final = "关系"
HEADERS: Final[dict[str, tuple[str, ...]]] = {
    UNITS: ("code", "name", "level", "parent", "second_parent"),
    POSTS: ("post", "unit", "title", "role"),
    TERMS: ("post", "person", "name", "since", "until", "as"),
    RELATIONS: ("sort", "unit", "other", "person", "since", "until"),
}
HOLDER, DEPUTY = "任职", "代理"
DATED: Final = {name: title for name, title in SORTS.items() if name != "second_parent"}
ROLES: Final = [role.value for role in Role if role not in {Role.IMPORTER, Role.TIMER}]
_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,35}")
_PERSONAL: Final = re.compile(r"[0-9]{17}[0-9Xx]|1[0-9]{10}")
_BETWEEN: Final = re.compile(r"[、,，;；\s]+")
_DAY: Final = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")


def is_workbook(path: Path) -> bool:
    """Whether a file is a directory's workbook: it has the sheet 单元."""
    return UNITS in sheets_of(path)


def read_workbook(path: Path, directory: Directory) -> tuple[Book, tuple[str, ...]]:
    """Read and check a workbook; returns it with notes for whoever imports it.

    `directory` is what is there already: posts and people that the book need not repeat.

    Raises:
        TableError, ColumnError: the file cannot be read, or a sheet lacks a column.
        BadDirectory: some row is wrong; nothing of the book may be used.
    """
    found = sheets_of(path)
    units, bad = examine(read_table(path, sheet=UNITS))
    bad = [replace(one, sheet=UNITS) for one in bad]
    sheets: dict[str, _Sheet] = {
        name: _Sheet(name, read_table(path, sheet=name))
        for name in (UNITS, POSTS, TERMS, RELATIONS)
        if name in found
    }
    reading = _Reading(units, sheets, directory)
    book = reading.book()
    bad += reading.bad
    if bad:
        order = list(HEADERS)
        raise BadDirectory(sorted(bad, key=lambda one: (order.index(one.sheet), one.row)))
    return book, (*units.notes, *_strangers(found))


def _strangers(found: Sequence[str]) -> Iterator[str]:
    strange = [name for name in found if name not in {*HEADERS, "说明"}]
    if strange:
        yield f"没有用到这些工作表：{'、'.join(strange)}。"


class _Sheet:
    """A sheet, its columns found by their names."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.rows = list(table.rows())
        wanted = HEADERS[name]
        self._places = {one: table.headers.index(one) for one in wanted if one in table.headers}
        for header in SECOND_PARENT:
            if name == UNITS and header in table.headers:
                self._places["second_parent"] = table.headers.index(header)
        self.missing = [one for one in wanted if one not in self._places]

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self._places

    def cell(self, row: Row, column: str) -> Cell:
        """Return a cell; one of a column that is not there is empty."""
        return row.cells[self._places[column]] if column in self._places else None

    def text(self, row: Row, column: str) -> str:
        """Return a cell as text."""
        return text_of(self.cell(row, column))


class _Reading:
    """A workbook being read; `bad` collects what is wrong, and every sheet is read to its end."""

    def __init__(
        self, units: DirectoryTable, sheets: Mapping[str, _Sheet], directory: Directory
    ) -> None:
        self.bad: list[BadRow] = []
        self._units = units
        self._sheets = sheets
        self._directory = directory
        self._codes = self._known_codes()
        self._posts = set(directory.posts)

    def book(self) -> Book:
        """Return the book as far as it can be read."""
        rows = self._units.rows
        return Book(
            units=tuple(UnitRow(one.code, one.name, one.level, one.parent) for one in rows),
            second_parents=self._second_parents(),
            posts=tuple(self._read(POSTS, self._post)),
            terms=tuple(self._unlike(self._read(TERMS, self._term))),
            relations=tuple(self._read(RELATIONS, self._relation)),
        )

    def _known_codes(self) -> set[str]:
        """Return every code that a cell may name, also where the sheet of units has bad rows."""
        sheet = self._sheets[UNITS]
        return {*(sheet.text(row, "code") for row in sheet.rows), *self._directory.by_code}

    def _second_parents(self) -> dict[str, tuple[str, ...]]:
        sheet = self._sheets[UNITS]
        if not sheet.has("second_parent"):
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for row in sheet.rows:
            code, parent = sheet.text(row, "code"), sheet.text(row, "parent")
            parents = _BETWEEN.split(sheet.text(row, "second_parent"))
            found[code] = tuple(filter(None, parents))
            for one in found[code]:
                if one in {code, parent}:
                    self._wrong(
                        sheet, row, "second-parent", "第二上级不能是自己或上级；请改正或留空"
                    )
                else:
                    self._unit(sheet, row, one)
        return found

    def _read(self, name: str, read: "_Reader") -> list[Any]:
        """Read a sheet row by row; of one that is not there, or lacks columns, nothing."""
        sheet = self._sheets.get(name)
        if sheet is None:
            return []
        if sheet.missing:
            listed = "、".join(sheet.missing)
            self.bad.append(BadRow(1, "", "missing-column", f"缺少这些列：{listed}；请补上", name))
            return []
        return [read(sheet, row) for row in sheet.rows]

    def _post(self, sheet: _Sheet, row: Row) -> PostRow:
        made = PostRow(*(sheet.text(row, one) for one in HEADERS[POSTS]))
        if not _ID.fullmatch(made.post):
            self._wrong(sheet, row, "bad-code", "岗位编号只能用数字、字母、- 和 _，至多 36 位")
        elif any(one is not row and sheet.text(one, "post") == made.post for one in sheet.rows):
            self._wrong(sheet, row, "duplicate-code", f"岗位编号 {made.post} 重复；请另取一个")
        self._posts.add(made.post)
        self._unit(sheet, row, made.unit)
        if not made.title:
            self._wrong(sheet, row, "name-missing", "缺少岗位名称")
        if made.role not in ROLES:
            known = "、".join(ROLES)
            self._wrong(sheet, row, "unknown-role", f"不认识角色“{made.role}”；可用：{known}")
        return made

    def _term(self, sheet: _Sheet, row: Row) -> TermRow:
        since, until = self._days(sheet, row)
        sort = sheet.text(row, "as") or HOLDER
        made = TermRow(
            post=sheet.text(row, "post"),
            person=sheet.text(row, "person"),
            name=sheet.text(row, "name"),
            since=since,
            until=until,
            deputy=sort == DEPUTY,
        )
        if made.post not in self._posts:
            self._wrong(sheet, row, "unknown-post", f"没有岗位 {made.post}；请先写在“{POSTS}”里")
        self._person(sheet, row, made.person, required=True)
        if sort not in {HOLDER, DEPUTY}:
            self._wrong(sheet, row, "unknown-sort", f"“{sort}”只能是 {HOLDER} 或 {DEPUTY}")
        self._ended(sheet, row, known_term(made, self._directory), until)
        if not made.name and made.person not in self._directory.persons:
            self._wrong(sheet, row, "name-missing", "新登记的人员缺少姓名")
        return made

    def _unlike(self, terms: list[TermRow]) -> list[TermRow]:
        """Name whoever would hold a post that another holds on the same day."""
        sheet = self._sheets.get(TERMS)
        rows = sheet.rows if sheet is not None and not sheet.missing else []
        for n, one in enumerate(terms):
            for m in range(n):
                other = terms[m]
                if (one.post, one.deputy) == (other.post, other.deputy) and _overlap(one, other):
                    reason = f"与第 {rows[m].number} 行的任期重叠；请写明前任的离任日期"
                    assert sheet is not None  # noqa: S101 - there are terms
                    self._wrong(sheet, rows[n], "overlap", reason)
        return terms

    def _relation(self, sheet: _Sheet, row: Row) -> RelationRow:
        said = sheet.text(row, "sort")
        sort = next((name for name, title in DATED.items() if said in {name, title}), "")
        if not sort:
            known = "、".join(DATED.values())
            self._wrong(sheet, row, "unknown-sort", f"不认识关系“{said}”；可用：{known}")
        since, until = self._days(sheet, row)
        person = sheet.text(row, "person") or None
        unit, other = sheet.text(row, "unit"), sheet.text(row, "other")
        for one in (unit, other):
            self._unit(sheet, row, one)
        if person is not None:
            self._person(sheet, row, person, required=False)
        made = RelationRow(
            sort=sort, unit=unit, other=other, person=person, since=since, until=until
        )
        self._ended(sheet, row, known_relation(made, self._directory), until)
        return made

    def _ended(
        self, sheet: _Sheet, row: Row, known: tuple[date | None] | None, until: date | None
    ) -> None:
        """What has ended stays so; what begins again is a row of its own."""
        ended = known[0] if known else None
        if ended is not None and (until is None or until > ended):
            reason = f"已于 {ended} 终止，不能改晚；重新开始请另写一行"
            self._wrong(sheet, row, "ended-before", reason)

    def _unit(self, sheet: _Sheet, row: Row, code: str) -> None:
        if code not in self._codes:
            self._wrong(sheet, row, "unknown-unit", f"没有单元“{code}”；请先写在“{UNITS}”里")

    def _person(self, sheet: _Sheet, row: Row, person: str, *, required: bool) -> None:
        """A person's id stands in clear for ever: it must say nothing about them."""
        if _PERSONAL.fullmatch(person):
            reason = "人员编号不能用身份证号或手机号；请另编一个号"
            self._wrong(sheet, row, "personal-number", reason)
        elif not _ID.fullmatch(person):
            empty = "缺少人员编号" if required and not person else f"人员编号“{person}”不合要求"
            self._wrong(sheet, row, "bad-code", f"{empty}；只能用数字、字母、- 和 _，至多 36 位")

    def _days(self, sheet: _Sheet, row: Row) -> tuple[date, date | None]:
        since, until = (self._day(sheet, row, one) for one in ("since", "until"))
        if since is None and not sheet.text(row, "since"):
            self._wrong(sheet, row, "day-missing", "缺少起始日期（since）")
        if since and until and until <= since:
            self._wrong(sheet, row, "bad-day", f"终止日期 {until} 应晚于起始日期 {since}")
        return since or date.min, until

    def _day(self, sheet: _Sheet, row: Row, column: str) -> date | None:
        cell, text = sheet.cell(row, column), sheet.text(row, column)
        if isinstance(cell, datetime):
            return cell.date()
        if isinstance(cell, date):
            return cell
        parts = _DAY.fullmatch(text)
        try:
            found = date(*map(int, parts.groups())) if parts else None
        except ValueError:
            found = None
        if found is None and text:
            self._wrong(sheet, row, "bad-day", f"日期“{text}”应写作 2026-03-02")
        return found

    def _wrong(self, sheet: _Sheet, row: Row, code: str, reason: str) -> None:
        label = " ".join(filter(None, (sheet.text(row, one) for one in HEADERS[sheet.name][:2])))
        self.bad.append(BadRow(row.number, label, code, reason, sheet.name))


_Reader = Callable[[_Sheet, Row], Any]


def _overlap(one: TermRow, other: TermRow) -> bool:
    last = date.max
    return one.since < (other.until or last) and other.since < (one.until or last)


def write_workbook(path: Path, book: Book, notes: Mapping[str, str]) -> None:
    """Write a directory as a workbook that imports as it stands; everything is text or a day."""
    second = book.second_parents
    sheets: dict[str, list[tuple[object, ...]]] = {
        UNITS: [
            (one.code, one.name, one.level, one.parent, "、".join(second.get(one.code, ())))
            for one in book.units
        ],
        POSTS: [(one.post, one.unit, one.title, one.role) for one in book.posts],
        TERMS: [
            (one.post, one.person, one.name, one.since, one.until, DEPUTY if one.deputy else HOLDER)
            for one in book.terms
        ],
        RELATIONS: [
            (DATED[one.sort], one.unit, one.other, one.person, one.since, one.until)
            for one in book.relations
        ],
        "说明": list(notes.items()),
    }
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate([HEADERS.get(name, ("", "")), *rows]):
                for column, value in enumerate(row):
                    sheet.write_string(number, column, "" if value is None else str(value))
