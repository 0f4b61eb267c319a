"""Registers through the real command: in order, shuffled, twice, killed and resumed; dirty ones."""

import csv
import os
import re
import signal
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from domain.due import SHANGHAI, Cutoff, due, parse_budget
from eventlog.database import Database
from projections.ledgers import LEDGERS
from tests.support.commands import PROJECT, Bihuan, eventually, kept_running
from tests.support.registers import DEMO, Desk, Row, import_file, position, report
from workflows.calendars import load_shipped

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
_codes = count(610500)
_systems = count(1)


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
    text = KIND.read_text("utf-8").replace("version: 1.1.0", "version: 9.0.0")
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


# The directory


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
