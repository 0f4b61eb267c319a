"""Registers through the real command: in order, shuffled, twice, killed and resumed; dirty ones."""

import csv
import os
import re
import signal
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

import openpyxl
import psycopg
import pytest

from domain.due import SHANGHAI, Cutoff, due, parse_budget
from eventlog.database import Database
from projections.ledgers import LEDGERS
from tests.support.commands import PROJECT, Bihuan, Done, eventually, kept_running
from workflows.calendars import load_shipped

DEMO: Final = PROJECT / "src" / "app" / "demo"
KIND: Final = PROJECT / "src" / "workflows" / "kinds" / "public-reply.yaml"
COUNTS: Final = ("received", "closed", "open", "overdue", "closed_on_time")
# As of midnight: what shared/data/README.md says of the real register.
REAL: Final = {
    "2016-07-01": (518, 513, 5, 5, 391),
    "2017-01-01": (626, 611, 15, 10, 464),
    "2017-07-01": (843, 821, 22, 4, 588),
    "2018-01-01": (1079, 1048, 31, 9, 730),
}
CLOSED_ON_TIME: Final = {"5wd": 418, "10wd": 622, "15wd": 739, "30wd": 986}
THE_END: Final = "2019-01-01"
HEADERS: Final = (
    "留言编号",
    "留言用户",
    "留言主题",
    "留言时间",
    "留言详情",
    "答复意见",
    "答复时间",
)
_codes = count(610500)
_systems = count(1)

Row = Sequence[object]


@dataclass(frozen=True)
class Register:
    """A register with what its summaries must say."""

    path: Path
    expected: dict[str, tuple[int, ...]]
    rows: int
    created: int


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("registers")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_data() -> Path:
    folder = Path(os.environ.get("BIHUAN_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}; BIHUAN_TEST_DATA names the folder")
    return folder


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Register:
    path = shared_data / "replies" / "replies_2011_2017_1079.csv"
    return Register(path, {**REAL, THE_END: (1079, 1079, 0, 0, CLOSED_ON_TIME["15wd"])}, 1079, 1079)


@pytest.fixture(scope="module")
def invented() -> Register:
    with (DEMO / "register.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    moments = ["2025-04-01", "2025-07-01", "2026-01-01"]
    # It ships with three rows that cannot be right, to show what becomes of such.
    good = [row for row in rows if row["留言编号"] not in {"YL20250059", "YL20250073"}]
    once = list({row["留言编号"]: row for row in reversed(good)}.values())
    return Register(
        DEMO / "register.csv", {at: counted(once, at) for at in moments}, len(rows), len(once)
    )


def counted(rows: Iterable[dict[str, str]], day: str) -> tuple[int, ...]:
    """Count by hand what a summary says: rule by rule, from the file alone."""
    at = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
    received = closed = overdue = on_time = 0
    for row in rows:
        reported = read(row["留言时间"], "00:00:00")
        replied = read(row["答复时间"], "23:59:59") if row["答复时间"] else None
        if reported > at:
            continue
        limit = due(reported, parse_budget("15wd"), load_shipped("cn-office"), Cutoff.end_of_day).at
        received += 1
        if replied and replied <= at:
            closed += 1
            on_time += replied <= limit
        else:
            overdue += limit < at
    return received, closed, received - closed, overdue, on_time


def read(text: str, missing: str) -> datetime:
    """Read a date as the invented register has them: 2025/3/1 7:04:05, 2025-03-01, 2025年…上午…"""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) == 3:
        numbers += map(int, missing.split(":"))
    half_day = 12 if "下午" in text else 0
    moment = datetime(*numbers, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]
    return moment + timedelta(hours=half_day)


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    """A new district without units."""
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县")
    return code


def summaries(bihuan: Bihuan, code: str, days: Iterable[str]) -> dict[str, tuple[int, ...]]:
    database = Database(bihuan.dsn, f"d{code}")
    with database.connect() as connection:
        return {
            day: tuple(
                LEDGERS["deadlines"].summary(
                    connection,
                    scope=None,
                    filters={},
                    as_of=datetime.fromisoformat(day).replace(tzinfo=SHANGHAI),
                )[name]
                for name in COUNTS
            )
            for day in days
        }


def position(bihuan: Bihuan, code: str) -> int:
    with psycopg.connect(bihuan.dsn) as connection:
        row = connection.execute(f"SELECT position FROM d{code}.ledger").fetchone()
    assert row
    return int(row[0])


def import_file(
    bihuan: Bihuan, code: str, path: Path, *more: object, mapping: Path | None = None, ends: int = 0
) -> Done:
    words = ("--district", code, "--mapping", mapping or DEMO / "mapping.yaml", *more)
    return bihuan("import", "cases", path, *words, code=ends)


def shuffled(source: Path, target: Path) -> Path:
    with source.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    # Two rows of one number stay in their order: the first one stands.
    order = {row[0]: sha256(row[0].encode()).digest() for row in rows}
    rows.sort(key=lambda row: order[row[0]])
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return target


# The real and the invented register, whole


@pytest.mark.parametrize("which", ["real", "invented"])
def test_a_register_imported_by_the_command_gives_every_number_and_twice_the_same(
    which: str, bihuan: Bihuan, district: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    register: Register = request.getfixturevalue(which)
    path = tmp_path / register.path.name  # rejected rows are written beside it
    path.write_bytes(register.path.read_bytes())
    words = ("import", "cases", path, "--district", district, "--json")
    mapping = ("--mapping", DEMO / "mapping.yaml")
    rejected = register.rows - register.created
    first = bihuan.process(*words, *mapping, code=3 if rejected else 0).document
    assert told(first) == (register.rows, register.created, 0, 0, rejected)
    assert summaries(bihuan, district, register.expected) == register.expected
    before = position(bihuan, district)
    again = bihuan(*words, *mapping, code=3 if rejected else 0).document
    assert told(again) == (register.rows, 0, register.created, 0, rejected)
    assert position(bihuan, district) == before
    assert bihuan("verify", "--district", district, "--json").document["problems"] == []


@pytest.mark.parametrize("which", ["real", "invented"])
def test_a_shuffled_register_gives_the_same_numbers(
    which: str, bihuan: Bihuan, district: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    register: Register = request.getfixturevalue(which)
    rejected = register.rows - register.created
    path = shuffled(register.path, tmp_path / "a.csv")
    done = import_file(bihuan, district, path, "--json", ends=3 if rejected else 0)
    assert told(done.document) == (register.rows, register.created, 0, 0, rejected)
    assert summaries(bihuan, district, register.expected) == register.expected


def test_an_import_killed_in_the_middle_and_resumed_gives_the_same_numbers(
    bihuan: Bihuan, district: str, real: Register
) -> None:
    words = ("import", "cases", real.path, "--district", district, "--json")
    mapping = ("--mapping", DEMO / "mapping.yaml")
    begun = bihuan.begin(*words, *mapping)
    eventually(lambda: position(bihuan, district) > 1800 or begun.poll() is not None)
    begun.send_signal(signal.SIGKILL)
    begun.communicate()
    assert begun.returncode == -signal.SIGKILL
    stored = cases_of(bihuan, district)
    assert 0 < stored < real.rows
    resumed = bihuan(*words, *mapping).document
    assert resumed == report(read=real.rows, created=real.rows - stored, unchanged=stored)
    assert summaries(bihuan, district, real.expected) == real.expected
    assert bihuan("verify", "--district", district, "--json").document["problems"] == []


def cases_of(bihuan: Bihuan, code: str) -> int:
    with psycopg.connect(bihuan.dsn) as connection:
        reported = f"SELECT count(*) FROM d{code}.event WHERE type = 'case-reported'"
        row = connection.execute(reported).fetchone()
    assert row
    return int(row[0])


def test_other_limits_are_kept_as_often_as_the_register_says(
    bihuan: Bihuan, district: str, real: Register, tmp_path: Path
) -> None:
    # The shipped kind with three more clocks, published as its next version.
    text = KIND.read_text("utf-8").replace("version: 1.0.0", "version: 1.1.0")
    clocks = "".join(
        f"  limit_{budget}: {{title: {budget}, start: [case-reported], stop: [case-closed],"
        f" budget: {budget}, calendar: cn-office, cutoff: end_of_day}}\n"
        for budget in ("5wd", "10wd", "30wd")
    )
    kind = tmp_path / "kind.yaml"
    kind.write_text(text.replace("\nmilestones:", f"{clocks}\nmilestones:"), "utf-8")
    bihuan("kinds", "publish", kind, "--activate", "--district", district)
    import_file(bihuan, district, real.path)
    with psycopg.connect(bihuan.dsn) as connection:
        query = f"SELECT budget, count(*) FILTER (WHERE met) FROM d{district}.deadlines GROUP BY 1"
        assert dict(connection.execute(query).fetchall()) == CLOSED_ON_TIME


def told(document: dict[str, Any]) -> tuple[int, ...]:
    """Return read, created, unchanged, updated, and how many were rejected."""
    counts = ("read", "created", "unchanged", "updated")
    return (*(int(document[name]) for name in counts), len(document["rejected"]))


def report(**counts: int) -> dict[str, Any]:
    return {"read": 0, "created": 0, "unchanged": 0, "updated": 0, "rejected": []} | counts


# Dirty registers


@pytest.fixture(scope="module")
def plain(bihuan: Bihuan) -> str:
    """A district that the tests below share; each has a source system of its own."""
    code = "610499"
    bihuan("district", "add", code, "--name", "云岭县")
    bihuan("import", "directory", DEMO / "directory.csv", "--district", code)
    return code


@dataclass(frozen=True)
class Desk:
    """Somebody who imports registers of one source system."""

    bihuan: Bihuan
    district: str
    system: str
    mapping: Path
    folder: Path

    def register(self, *rows: Row, headers: Row = HEADERS, encoding: str = "utf-8") -> Path:
        path = self.folder / "登记簿.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([headers, *rows])
        return path

    def workbook(self, *rows: Row, headers: Row = HEADERS) -> Path:
        book = openpyxl.Workbook()
        sheet = book.active
        for row in (headers, *rows):
            sheet.append(list(row))
        path = self.folder / "登记簿.xlsx"
        book.save(path)
        book.close()
        return path

    def takes(self, path: Path, *more: object, ends: int = 0) -> Any:  # noqa: ANN401 - JSON
        words = ("--json", *more)
        return import_file(
            self.bihuan, self.district, path, *words, mapping=self.mapping, ends=ends
        ).document

    def replay(self, source_id: str) -> Any:  # noqa: ANN401 - JSON
        case = f"{self.system}/{source_id}"
        return self.bihuan("replay", case, "--district", self.district, "--json").document

    def times(self, source_id: str) -> tuple[str, str | None]:
        """Return when the case was reported and closed, in Shanghai."""
        facts = self.replay(source_id)["facts"]
        at = {fact["type"]: fact["occurred_at"] for fact in facts}
        return at["case-reported"], at.get("case-closed")


@pytest.fixture
def desk(bihuan: Bihuan, plain: str, tmp_path: Path) -> Desk:
    system = f"desk-{next(_systems)}"
    text = (DEMO / "mapping.yaml").read_text("utf-8").replace("message-board", system)
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text, "utf-8")
    return Desk(bihuan, plain, system, mapping, tmp_path)


def row(
    number: object, reported: object, reply: object = "已处理。", closed: object = "", **other: str
) -> Row:
    subject = other.get("subject", "路灯不亮")
    return (number, "周大爷", subject, reported, "东头第二盏。", reply, closed)


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


# The directory


@pytest.fixture(scope="module")
def longxian(bihuan: Bihuan, shared_data: Path) -> str:
    code = "610327"
    bihuan("district", "add", code, "--name", "陇县")
    source = shared_data / "divisions" / "adcode2016_610327.csv"
    done = bihuan("import", "directory", source, "--district", code, "--json")
    assert done.document == {"read": 172, "created": 172, "updated": 0, "unchanged": 0}
    assert "161 行的级别 village（村）按 community（社区）导入" in done.err
    return code


def test_the_real_directory_twice_is_unchanged(
    bihuan: Bihuan, longxian: str, shared_data: Path
) -> None:
    before = position(bihuan, longxian)
    source = shared_data / "divisions" / "adcode2016_610327.csv"
    done = bihuan("import", "directory", source, "--district", longxian, "--json")
    assert done.document == {"read": 172, "created": 0, "updated": 0, "unchanged": 172}
    assert position(bihuan, longxian) == before


def test_a_village_is_found_by_code_or_by_town_and_name_and_an_ambiguous_name_is_refused(
    bihuan: Bihuan, longxian: str, shared_data: Path
) -> None:
    with (shared_data / "divisions" / "adcode2016_610327.csv").open(encoding="utf-8") as file:
        units = list(csv.DictReader(file))
    villages = [unit for unit in units if unit["level"] == "village"]
    names = [unit["name"] for unit in villages]
    twice = next(unit for unit in villages if names.count(unit["name"]) == 2)
    once = next(unit for unit in villages if names.count(unit["name"]) == 1)
    words = ("key", "add", "--district", longxian, "--role", "community_officer", "--unit")
    for named in (twice["code"], f"{twice['town']}/{twice['name']}", once["name"]):
        assert bihuan(*words, named).out.startswith("bh_")
    keys = bihuan("key", "list", "--district", longxian, "--json").document
    assert sorted(key["unit"] for key in keys) == sorted(
        [twice["code"], twice["code"], once["code"]]
    )
    refused = bihuan(*words, twice["name"], code=2)
    assert "不止一个" in refused.err
    assert f"{twice['town']}/{twice['name']}（{twice['code']}）" in refused.err
    assert refused.out == ""


GOOD_UNIT: Final = ("610499999", "新镇", "town", "610327000000")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (("1", "无上级村", "community", "999"), "999"),
        (("610327102000", "石桥镇", "town", "610327102000"), "顺着上级往上又回到了自己"),
        (("610327101000", "甲", "town", "610327000000"), "重复"),
        (("2", "", "town", "610327000000"), "缺少名称"),
        (("3", "乙", "galaxy", "610327000000"), "不认识级别"),
    ],
)
def test_a_bad_directory_is_refused_whole(
    bad: Row, told: str, bihuan: Bihuan, plain: str, desk: Desk
) -> None:
    before = position(bihuan, plain)
    top = ("610327000000", "云岭县", "county", "")
    town = ("610327101000", "云溪镇", "town", "610327000000")
    path = desk.register(top, town, bad, GOOD_UNIT, headers=("code", "name", "level", "parent"))
    done = bihuan("import", "directory", path, "--district", plain, code=2)
    assert told in done.err
    assert "第 4 行" in done.err
    assert position(bihuan, plain) == before


def test_a_changed_unit_is_updated_and_one_left_out_stays(
    bihuan: Bihuan, district: str, desk: Desk
) -> None:
    headers = ("编码", "名称", "级别", "上级编码")
    top, town = ("1", "云岭县", "区县", ""), ("11", "云溪镇", "镇街", "1")
    village = ("111", "槐荫里", "社区", "11")

    def imports(*units: Row) -> Any:  # noqa: ANN401 - JSON
        path = desk.register(*units, headers=headers)
        return bihuan("import", "directory", path, "--district", district, "--json").document

    assert imports(top, town, village)["created"] == 3
    renamed = ("111", "槐荫里社区", "社区", "11")
    expected = {"read": 3, "created": 0, "updated": 1, "unchanged": 2}
    assert imports(top, town, renamed) == expected
    assert imports(top, town) == {"read": 2, "created": 0, "updated": 0, "unchanged": 2}
    words = ("key", "add", "--district", district, "--role", "community_officer", "--unit")
    assert bihuan(*words, "云溪镇/槐荫里社区").out.startswith("bh_")
