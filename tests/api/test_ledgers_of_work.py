"""The ledgers of work and of the office over REST: what a day's work leaves in each of them."""

import io
from typing import Any

import openpyxl
import pytest

from projections.ledgers import LEDGERS
from projections.places import PlaceTable
from projections.sheet import HIDDEN, revealed
from tests.api.house import DISTRICT, House, Person
from tests.support import districts as d
from workflows.notices.table import DeliveryTable
from workflows.timers.table import TimerTable

REASON = {"reason": "理由"}
OFFICE = ("tasks", "returns", "supervision", "extensions", "decisions", "notices")


def dispatched(house: House) -> dict[str, Any]:
    """Return a case that the water bureau leads and the housing bureau assists in."""
    case = house.integrator.report("路面塌陷", unit=d.COMMUNITY)["id"]
    house.community.done(case, "accept")
    house.community.done(case, "grade")
    return house.community.done(case, "dispatch", lead=d.WATER, assisting=[d.HOUSING])


def listed(person: Person, ledger: str, after: dict[str, Any], **asked: str) -> list[Any]:
    params = {"at_least": after["position"], "number": after["number"], **asked}
    answer = person.get(f"/ledgers/{ledger}", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_return_that_was_asked_for_and_refused_stands_in_its_ledger(house: House) -> None:
    case = dispatched(house)["id"]
    house.water.done(case, "request_return", **REASON)
    done = house.dispatcher.done(case, "refuse_return", **REASON)
    (row,) = listed(house.water, "returns", done)
    assert (row["status"], row["returner"], row["number"]) == ("refused", d.WATER, done["number"])
    assert row["requested_by"] != row["decided_by"]
    assert "reason" not in row, "a sealed text leaves the house on the case's own routes alone"
    assert listed(house.other_community, "returns", done) == []


def test_why_it_was_returned_is_told_where_texts_may_be_read(house: House) -> None:
    case = dispatched(house)["id"]
    done = house.water.done(case, "request_return", reason="不属本局职责")
    assert listed(house.water, "returns", done)
    ledger = LEDGERS["returns"]
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        filters = {"number": str(done["number"])}
        rows = list(ledger.rows(connection, scope=None, filters=filters))
        (told,) = revealed(rows, ledger.columns, connection, services.vault)
        (hidden,) = revealed(rows, ledger.columns, connection, None)
    assert (told["reason"], told["title"]) == ("不属本局职责", "路面塌陷")
    assert hidden["reason"] == HIDDEN


def test_a_task_is_owed_with_the_due_of_its_clock_until_it_is_done(house: House) -> None:
    first = dispatched(house)
    (row,) = listed(house.housing, "tasks", first)
    assert (row["sort"], row["owed_by"], row["owed_to"]) == ("assist", d.HOUSING, d.WATER)
    assert (row["status"], row["due"] is not None) == ("open", True)
    done = house.housing.done(first["id"], "complete_task", evidence="已完成")
    (row,) = listed(house.housing, "tasks", done)
    assert (row["status"], row["done_at"] is not None) == ("done", True)


def test_a_whistle_is_owed_until_the_department_comes(house: House) -> None:
    case = house.integrator.report("路面塌陷", unit=d.COMMUNITY)["id"]
    house.community.done(case, "accept")
    called = house.community.done(case, "blow_whistle", departments=[d.WATER], **REASON)
    (row,) = listed(house.water, "tasks", called, status="open")
    assert (row["sort"], row["owed_to"], row["due"] is not None) == ("call", d.COMMUNITY, True)
    there = house.water.done(case, "report_in", note="已到场")
    assert listed(house.water, "tasks", there, status="open") == []
    (notice, *_) = listed(house.auditor, "notices", there, cause="whistle-blown")
    assert (notice["sort"], notice["recipient"]) == ("action", d.WATER)


def test_an_order_of_supervision_stands_with_its_level_and_the_reminder(house: House) -> None:
    case = dispatched(house)["id"]
    house.supervisor.done(case, "urge")
    done = house.supervisor.done(case, "supervise", level="yellow", **REASON)
    found = {row["sort"]: row for row in listed(house.water, "supervision", done)}
    assert (found["order"]["level"], found["order"]["supervised"]) == ("yellow", d.WATER)
    assert found["reminders"]["times"] == 1


def test_an_extension_says_when_the_clock_is_due_now(house: House) -> None:
    case = dispatched(house)["id"]
    house.water.done(case, "request_extension", clock="handling", asked="2wd", **REASON)
    done = house.supervisor.done(case, "grant_extension")
    (row,) = listed(house.water, "extensions", done)
    assert (row["status"], row["asked"], row["granted"], row["used"]) == (
        "granted",
        "2wd",
        "2wd",
        1,
    )
    assert row["previous_due"] < row["due"]


def test_a_suspension_lasts_until_it_is_resumed(house: House) -> None:
    case = dispatched(house)["id"]
    house.water.done(case, "start_handling")
    house.water.done(
        case, "request_suspension", reason_code="awaiting_procedure", evidence="等待审批"
    )
    paused = house.supervisor.done(case, "grant_suspension")
    (row,) = listed(house.water, "extensions", paused, suspended="true")
    assert (row["reason_code"], row["paused_at"] is not None) == ("awaiting_procedure", True)
    resumed = house.water.done(case, "resume")
    (row,) = listed(house.water, "extensions", resumed)
    assert row["resumed_at"] is not None


def test_the_directory_is_a_ledger_too(house: House) -> None:
    params: dict[str, str | int] = {"sort_of": "unit", "limit": 500}
    units = {
        one["unit"]: one for one in house.auditor.get("/ledgers/directory", params).json()["items"]
    }
    assert units[d.COMMUNITY]["name"] == "东街社区"
    seen = house.other_community.get("/ledgers/directory", params).json()["items"]
    assert {one["unit"] for one in seen} == {d.OTHER_COMMUNITY}


def test_a_published_table_is_a_row_that_everybody_reads(house: House) -> None:
    codes = {"codes": {"0101": "component-01-01"}}
    assert house.admin.post("/code-tables/ledger-of-work/versions", codes).status_code < 300
    asked: dict[str, str | int] = {"sort_of": "codes", "code": "ledger-of-work"}
    asked["at_least"] = house.admin.head()
    for person in (house.community, house.other_community, house.water):
        (row,) = person.get("/ledgers/catalogue", asked).json()["items"]
        assert (row["status"], row["version"], row["entries"]) == ("current", "1", 1)


@pytest.mark.parametrize("name", [*OFFICE, "catalogue", "directory"])
def test_every_one_is_listed_counted_and_written_out_with_chinese_headings(
    house: House, name: str
) -> None:
    case = dispatched(house)
    described = {one["name"]: one for one in house.auditor.get("/ledgers").json()["items"]}[name]
    params = {"at_least": case["position"]}
    counts = house.auditor.get(f"/ledgers/{name}/summary", params).json()
    assert {"total", "position", "as_of"} <= counts.keys()
    file = house.auditor.get(f"/ledgers/{name}", {**params, "format": "xlsx"})
    assert file.status_code == 200, file.text
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    headings = [cell.value for cell in next(book[book.sheetnames[0]].iter_rows(max_row=1))]
    assert headings == [column["label"] for column in described["columns"]]
    assert not any(str(heading).isascii() for heading in headings)
    assert book.sheetnames[0] == LEDGERS[name].title


def test_no_ledger_follows_the_log_as_somebody_else_does() -> None:
    # Whoever shares a checkpoint takes the other's place, and one of them sees nothing.
    followers = [one.tables.name for one in LEDGERS.values()]
    beside = [TimerTable().name, DeliveryTable().name, PlaceTable().name]
    assert len({*followers, *beside}) == len(followers) + len(beside)


def test_an_unknown_filter_names_those_that_there_are(house: House) -> None:
    refused = house.auditor.get("/ledgers/returns", {"colour": "red"}).json()
    assert refused["code"] == "unknown-parameter"
    bad = house.auditor.get("/ledgers/catalogue", {"admitted_from": "gestern"}).json()
    assert (bad["code"], "日期" in bad["detail"]) == ("unknown-field", True)
