"""四定三包挂图: the matrix as a sheet to print and hang up, one line a case, seven cells each.

A4 landscape, one page wide, the head repeated on every page, and a sheet that says as of when. The
same lines give the same bytes: the file carries no moment of its own making.
"""

# XlsxWriter's signatures are partly untyped.
# pyright: reportUnknownMemberType=false

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

import xlsxwriter
from msgspec import Struct
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from domain.accountability import TITLES
from domain.directory import Directory
from projections.accountability import PARTS
from projections.accountability_cells import LineCell, Who
from projections.export import BEIJING, Column, Value

TITLE: Final = "四定三包挂图"
NOTES: Final = "说明"
A4: Final = 9
HEAD_HEIGHT: Final = 30
LINE_HEIGHT: Final = 15
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter writes it as it stands
_COLOURS: Final = {
    "missing": "#F8CBAD",
    "at_risk": "#FFE699",
    "late": "#FF9999",
    "failed": "#FF9999",
    "fulfilled": "#C6E0B4",
}
"""红黄绿: what lacks or is late, what is at risk, what is done; the rest stays white."""
SEVERITIES: Final = {"general": "一般", "serious": "较大", "major": "重大"}
"""As the field calls them; another of a district's own is shown as it is."""
_HEAD: Final = (("序号", 5), ("编号", 19), ("类型、等级", 13), ("牵头单位", 15), ("上报日期", 11))
_CELL_WIDTH: Final = 20
_LEGEND: Final = (
    "缺：应定而未定、无人承担；缺位：岗位无人；临期：已到预警；逾期：已过期限；"
    "未落实：责任未能落实；落实：已落实、已办结；空白：不要求"
)


class Naming(Struct, frozen=True):
    """How ids are read: units and posts by the directory, persons where the reader has the right.

    A person who is not in `persons` stays an id.
    """

    directory: Directory
    persons: Mapping[str, str] = {}
    kinds: Mapping[str, str] = {}

    def sort(self, case: Mapping[str, Any]) -> str:
        """Return a case's kind and severity."""
        kind, severity = case["kind"], case["severity"]
        named = SEVERITIES.get(severity, severity) if severity else None
        return "\n".join(filter(None, (self.kinds.get(kind, kind), named)))

    def unit(self, unit: str | None) -> str:
        """Return a unit's name; of one that is not known, its id."""
        entry = self.directory.units.get(unit or "")
        return entry.name if entry else unit or ""

    def post(self, post: str | None) -> str:
        """Return a post's title; of one that is not known, its id."""
        entry = self.directory.posts.get(post or "")
        return entry.title if entry else post or ""

    def who(self, who: Who) -> str:
        """Return who answers in a few words."""
        person = self.persons.get(who.person or "") or who.person
        if who.post is None:
            return " ".join(filter(None, (self.unit(who.unit), person)))
        return f"{self.post(who.post)} {person or '缺位'}"


class ChartLine(Struct, frozen=True):
    """A case as the chart shows it."""

    case: Mapping[str, Any]
    cells: tuple[LineCell, ...]


def write_chart(
    target: BinaryIO, lines: Iterable[ChartLine], naming: Naming, provenance: Mapping[str, str]
) -> None:
    """Write the chart, then «说明» with `provenance` (as-of moment, position, filter)."""
    with TemporaryFile() as draft:
        workbook = xlsxwriter.Workbook(draft, {"constant_memory": True})
        try:
            workbook.set_properties({"title": TITLE, "created": _CREATED})
            _Chart(workbook, naming).write(lines, provenance)
        finally:
            workbook.close()  # also on failure: it removes the sheets' own temporary files
        draft.seek(0)
        while piece := draft.read(1 << 16):
            target.write(piece)


class _Chart:
    """A workbook being written, line by line."""

    def __init__(self, workbook: xlsxwriter.Workbook, naming: Naming) -> None:
        self._naming = naming
        self._sheet: Worksheet = workbook.add_worksheet(TITLE)
        self._notes: Worksheet = workbook.add_worksheet(NOTES)
        frame = {"border": 1, "text_wrap": True, "valign": "vcenter", "font_size": 9}
        self._head: Format = workbook.add_format(
            {**frame, "bold": True, "align": "center", "bg_color": "#D9E7F5"}
        )
        self._plain: Format = workbook.add_format(frame)
        self._cells: dict[str, Format] = {
            status: workbook.add_format({**frame, "bg_color": colour})
            for status, colour in _COLOURS.items()
        }

    def write(self, lines: Iterable[ChartLine], provenance: Mapping[str, str]) -> None:
        columns = [*_HEAD, *((TITLES[part], _CELL_WIDTH) for part in PARTS)]
        self._sheet.set_row(0, HEAD_HEIGHT)
        for place, (label, width) in enumerate(columns):
            self._sheet.set_column(place, place, width)
            self._sheet.write_string(0, place, label, self._head)
        number = 0
        for number, line in enumerate(lines, 1):
            self._line(number, line)
        self._lay_out(number, len(columns))
        self._tell({**provenance, "行数": str(number), "图例": _LEGEND})

    def _line(self, number: int, line: ChartLine) -> None:
        case, naming = line.case, self._naming
        reported = case["reported_at"].astimezone(BEIJING).date().isoformat()
        sort = naming.sort(case)
        lead = naming.unit(case["lead"] or case["holder"])
        texts = [cell_text(cell, naming) for cell in line.cells]
        height = max(len(text.split("\n")) for text in (sort, *texts))
        self._sheet.set_row(number, LINE_HEIGHT * max(height, 2))
        self._sheet.write_number(number, 0, number, self._plain)
        for place, text in enumerate((case["number"], sort, lead, reported), 1):
            self._sheet.write_string(number, place, _written(text), self._plain)
        for place, (cell, text) in enumerate(zip(line.cells, texts, strict=True), len(_HEAD)):
            shown = self._cells.get(cell.status) if cell.label else None
            self._sheet.write_string(number, place, _written(text), shown or self._plain)

    def _lay_out(self, lines: int, columns: int) -> None:
        """Make it a chart on paper."""
        sheet = self._sheet
        sheet.freeze_panes(1, 2)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, lines, columns - 1)
        sheet.set_header(f"&C&16{TITLE}")
        sheet.set_footer("&C第 &P 页，共 &N 页")

    def _tell(self, provenance: Mapping[str, str]) -> None:
        self._notes.set_column(0, 0, 16)
        self._notes.set_column(1, 1, 90)
        for line, (label, text) in enumerate(provenance.items()):
            self._notes.write_string(line, 0, _written(label), self._head)
            self._notes.write_string(line, 1, _written(text), self._plain)


def cell_text(cell: LineCell, naming: Naming) -> str:
    """Return a cell as people read it: how it stands, who, by when, who answers for a breach."""
    if not cell.label:
        return ""
    counted = f" {cell.done}/{cell.total}" if cell.total is not None else ""
    said = [cell.label + counted, *(naming.who(one) for one in cell.who)]
    if cell.due is not None:
        said.append(f"期限 {_day(cell.due)}")
    if cell.breached_at is not None:
        first = f"：{naming.who(cell.frozen[0])}" if cell.frozen else ""
        said.append(f"{_day(cell.breached_at)} 超期{first}")
    return "\n".join(said)


def _day(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _written(text: str) -> str:
    """Leave out what a sheet cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def flat_columns() -> list[Column]:
    """Return the columns of the same lines as a plain table, for csv."""
    head = [
        Column("id", "事项标识"),
        Column("number", "编号"),
        Column("kind", "事项类型"),
        Column("severity", "严重程度"),
        Column("lead", "牵头单位"),
        Column("reported_at", "上报时间", "datetime"),
        Column("ended_at", "终结时间", "datetime"),
    ]
    for part in PARTS:
        title = TITLES[part]
        head += [
            Column(f"{part}_status", title),
            Column(f"{part}_who", f"{title}（由谁）"),
            Column(f"{part}_due", f"{title}（期限）", "datetime"),
        ]
    return head


def flat_rows(lines: Iterable[ChartLine], naming: Naming) -> Iterator[list[Value]]:
    """Yield the lines as rows of a plain table."""
    for line in lines:
        case = line.case
        row: list[Value] = [str(case["case_id"]), case["number"], case["kind"], case["severity"]]
        row += [naming.unit(case["lead"] or case["holder"]), case["reported_at"], case["ended_at"]]
        for cell in line.cells:
            row += [cell.label, "；".join(map(naming.who, cell.who)), cell.due]
        yield row


def persons_of(lines: Sequence[ChartLine]) -> set[str]:
    """Return the persons that lines speak of."""
    return {
        who.person
        for line in lines
        for cell in line.cells
        for who in (*cell.who, *cell.frozen)
        if who.person
    }
