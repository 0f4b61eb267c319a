"""`bihuan clock explain` and `bihuan verify --clocks`, in a district with an imported register."""

from collections.abc import Generator

import psycopg
import pytest

from tests.support.commands import PROJECT, Bihuan, kept_running

DEMO = PROJECT / "src" / "app" / "demo"
CODE = "620100"
CASE = "message-board/YL20250001"


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("cli")) as running:
        running("district", "add", CODE, "--name", "云岭县", "--trial")
        running("import", "directory", DEMO / "directory.csv", "--district", CODE)
        mapping = ("--mapping", DEMO / "mapping.yaml", "--rejected", running.data / "退回.xlsx")
        running("import", "cases", DEMO / "register.csv", "--district", CODE, *mapping, code=3)
        yield running


def test_a_clock_of_a_case_is_explained_line_by_line(bihuan: Bihuan) -> None:
    done = bihuan("clock", "explain", CASE, "total", "--district", CODE)
    lines = done.out.splitlines()
    assert lines[0].startswith("时限 total.1.1：15wd，事项类型规定 public-reply@")
    assert "起算当日不计" in done.out
    assert lines[-2].startswith("到期 2025-01-26 周日 23:59:59")  # a make-up workday
    assert lines[-1] == "已停止，于 2025-01-10 周五 15:42:25，按时"


def test_as_json_the_rows_come_to_the_due(bihuan: Bihuan) -> None:
    words = ("clock", "explain", CASE, "total.1.1", "--district", CODE, "--json")
    document = bihuan(*words).document
    assert document["agrees"] is True
    rows = document["rows"]
    assert rows[0]["since"] == document["started_at"] == "2025-01-06T12:50:13+08:00"
    assert rows[-1]["until"] == document["due"]
    assert rows[-1]["total"] == document["size"] == 15
    assert {row["ahead"] for row in rows} == {False, True}
    known = bihuan(*words, "--as-of", "2025-01-07T09:00:00+08:00").document
    assert (known["status"], known["met"]) == ("running", None)


def test_a_clock_that_the_case_lacks_is_named_with_those_it_has(bihuan: Bihuan) -> None:
    done = bihuan("clock", "explain", CASE, "handling", "--district", CODE, code=1)
    assert "total.1.1" in done.err
    assert "not-found" in done.err
    bihuan("clock", "explain", "no-such-number", "total", "--district", CODE, code=1)
    wrong = ("clock", "explain", CASE, "total", "--district", CODE)
    bihuan(*wrong, "--as-of", "2025-01-07", code=2)


def test_counting_every_clock_again_finds_what_was_changed_and_nothing_else(
    bihuan: Bihuan,
) -> None:
    assert "一致" in bihuan("verify", "--clocks", "--district", CODE).out
    with psycopg.connect(bihuan.dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = connection.execute(
            f"UPDATE d{CODE}.event SET body = convert_to(replace(convert_from(body, 'UTF8'),"
            """ '"budget":"15wd"', '"budget":"16wd"'), 'UTF8') WHERE position ="""
            f" (SELECT min(position) FROM d{CODE}.event WHERE type = 'clock-started')"
        )
        assert changed.rowcount == 1
    done = bihuan("verify", "--clocks", "--district", CODE, "--json", code=1)
    assert sorted(one["what"] for one in done.document["drift"]) == ["due", "limit"]
    told = bihuan("verify", "--clocks", "--district", CODE, code=1).out
    assert "记录 16wd  重算 15wd" in told
