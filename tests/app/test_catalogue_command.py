"""`bihuan catalogue` and `bihuan codes` on the real standard, and on small ones."""

import asyncio
import os
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest

from app.wiring import Site
from domain.actor import Role
from domain.commands import Report
from domain.facts import SourceReference
from eventlog.keys import LocalWrapper, load_kek
from tests.support import districts as d
from tests.support.commands import PROJECT, Bihuan, kept_running
from workflows.engine import Engine

HEADER = "类型,大类代码,大类名称,小类代码,小类名称,立案条件,结案条件,处置时限"
_codes = count(620801)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("catalogue")) as running:
        yield running


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    return code


@pytest.fixture(scope="module")
def real() -> Path:
    folder = Path(os.environ.get("BIHUAN_TEST_DATA", PROJECT.parent / "shared" / "data"))
    path = folder / "standards" / "city_management_519.csv"
    if not path.is_file():
        pytest.skip(f"no {path}; BIHUAN_TEST_DATA names the folder of test data")
    return path


def standard(tmp_path: Path, *rows: str, name: str = "标准.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return path


COVER = "部件,1,公用设施,1,上水井盖,缺失、移位,恢复,2紧急工作时"
BROKEN = "部件,1,公用设施,1,上水井盖,破损,更换,4小时"
TREE = "事件,01,市容环境,22,非法伐树,未经审批,制止,1紧急工作时制止"


def test_of_the_real_standard_518_limits_are_read_and_one_is_refused_by_name(
    bihuan: Bihuan, district: str, real: Path
) -> None:
    words = ("catalogue", "load", real, "--district", district, "--days", "wd", "--hours", "wh")
    seen = bihuan(*words, "--preview", "--json", code=3).document
    assert (seen["read"], seen["conditions"], seen["previous_version"]) == (519, 518, None)
    listed = bihuan("catalogue", "list", "--district", district, "--json").document
    assert listed["catalogues"] == []
    loaded = bihuan(*words, "--json", code=3).document
    assert (loaded["version"], loaded["conditions"], len(loaded["added"])) == ("1", 518, 190)
    [refused] = loaded["rejected"]
    assert refused["row"] == 403
    assert refused["reason"].startswith("bare-duration：")
    assert "1紧急工作时制止" in refused["reason"]
    assert "非法伐树" in refused["reason"]
    shown = bihuan("catalogue", "show", "component-01-01", "--district", district, "--json")
    limits = [one["limit"] for one in shown.document["conditions"]]
    assert limits == ["2nh", "4wh", "2wd", "5wd"]
    again = bihuan(*words, "--json", code=3).document
    assert (again["unchanged"], again["version"]) == (True, "1")


def test_what_a_day_and_an_hour_are_must_be_said(bihuan: Bihuan, district: str, real: Path) -> None:
    refused = bihuan("catalogue", "load", real, "--district", district, code=2)
    assert "bare-duration" in refused.err
    assert "--days" in refused.err
    bihuan("catalogue", "load", real, "--district", district, "--days", "nd", code=2)
    listed = bihuan("catalogue", "list", "--district", district, "--json").document
    assert listed["catalogues"] == []


def test_the_choice_of_units_is_what_the_limits_then_count(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    path = standard(tmp_path, COVER, BROKEN)
    words = ("catalogue", "load", path, "--district", district, "--days", "nd", "--hours", "nh")
    assert bihuan(*words, "--json").document["conditions"] == 2
    shown = bihuan("catalogue", "show", "component-01-01", "--district", district, "--json")
    assert [one["limit"] for one in shown.document["conditions"]] == ["2nh", "4nh"]


def test_a_standard_that_says_it_all_needs_no_choice_and_a_bad_row_keeps_its_number(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    first = "事件,01,市容环境,22,非法伐树,砍伐,制止,3工作日"
    path = standard(tmp_path, TREE, first)
    loaded = bihuan("catalogue", "load", path, "--district", district, code=3)
    assert "第 2 行\tevent-01-22#1\tbare-duration" in loaded.out
    shown = bihuan("catalogue", "show", "event-01-22", "--district", district, "--json").document
    assert [(one["number"], one["limit"]) for one in shown["conditions"]] == [(2, "3wd")]


def test_a_preview_names_what_is_added_changed_and_left_out(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    other = "事件,01,市容环境,01,暴露垃圾,有垃圾,清除,4工作时"
    hours = ("--hours", "wh")
    load = ("catalogue", "load")
    bihuan(*load, standard(tmp_path, BROKEN, other), "--district", district, *hours)
    second = standard(
        tmp_path,
        BROKEN.replace("4小时", "6小时"),
        "事件,01,市容环境,02,乱堆,堆物,清除,4工作时",
    )
    seen = bihuan(*load, second, "--district", district, *hours, "--preview").out.splitlines()
    assert seen[0].startswith("新增 1  变更 1  不再列入 1")
    assert set(seen[1:]) == {"+ event-01-02", "~ component-01-01", "- event-01-01"}
    bihuan(*load, second, "--district", district, *hours)
    listed = bihuan("catalogue", "list", "--district", district, "--json").document
    assert [one["version"] for one in listed["catalogues"]] == ["1", "2"]


def test_a_table_of_codes_lists_what_it_lacks_and_refuses_no_report(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    table = tmp_path / "codes.csv"
    table.write_text("code,category\n0101,component-01-01\n", encoding="utf-8")
    words = ("codes", "load", table, "--district", district, "--system", "hotline")
    assert bihuan(*words).out == "hotline\t第 1 版\t1 条\n"
    assert bihuan(*words).out == "hotline\t第 1 版\t1 条\n"

    async def report(engine: Engine) -> None:
        await engine.refresh()
        for number, code in enumerate(("0101", "0909", "0909", "")):
            told = Report(
                kind="closed-loop",
                title="井盖破损",
                category=code or None,
                source=SourceReference("hotline", str(number)),
            )
            await engine.report(told, d.caller(Role.INTEGRATOR))

    site = Site(bihuan.dsn, LocalWrapper(load_kek(bihuan.data / "keys" / "master.key")))
    with site.open(district) as services:
        asyncio.run(report(services.engine))
    listed = bihuan("codes", "unmapped", "--district", district, "--json").document
    assert [(row["system"], row["code"], row["cases"]) for row in listed] == [
        ("hotline", "0909", 2)
    ]
    table.write_text("code,category\n0101,component-01-01\n0909,noise\n", encoding="utf-8")
    done = bihuan(*words)
    assert done.out == "hotline\t第 2 版\t2 条\n"
    assert "noise" in done.err


def test_a_table_with_a_code_twice_or_without_a_column_is_refused(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    table = tmp_path / "codes.csv"
    words = ("codes", "load", table, "--district", district, "--system", "hotline")
    table.write_text("code,category\n1,a\n1,b\n", encoding="utf-8")
    assert "第 3 行" in bihuan(*words, code=2).err
    table.write_text("code,name\n1,a\n", encoding="utf-8")
    assert "category" in bihuan(*words, code=2).err
