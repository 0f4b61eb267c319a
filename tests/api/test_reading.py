"""Reading: a case at any version and moment, its differences, feed, ledgers, within the scope."""

import csv
import io
import time
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from api import asked
from projections.ledgers import LEDGERS
from projections.registers.language import shipped_registers
from tests.api.house import House, Person
from tests.api.test_bad_input import ahead, check_problem
from tests.support import districts as d
from tests.support.given import OVERRIDE


def test_a_case_is_read_at_a_version_and_as_of_and_as_known_at_a_moment(house: House) -> None:
    early = ahead(-60)
    reported = house.integrator.report("旧事", description="原来", occurred_at=early, unit=d.GRID)
    case = reported["id"]
    time.sleep(1.1)
    house.community.done(case, "accept", note="收到")
    events = house.auditor.get(f"/cases/{case}/events").json()["items"]
    first, last = events[0], events[-1]
    assert first["type"] == "case-reported"
    assert first["data"]["late"] == "offline"
    whole = house.auditor.get(f"/cases/{case}").json()
    assert (whole["stage"], whole["title"], whole["description"]) == (
        "awaiting_grading",
        "旧事",
        "原来",
    )
    assert (whole["version"], whole["position"]) == (len(events), last["position"])
    then = house.auditor.get(f"/cases/{case}", {"version": reported["version"]})
    assert (then.json()["stage"], then.headers["etag"]) == ("reported", '"3"')
    # As of then: reported an hour ago, accepted only now.
    half = (datetime.fromisoformat(early) + timedelta(minutes=30)).isoformat()
    as_of = house.auditor.get(f"/cases/{case}", {"as_of": half}).json()
    assert (as_of["stage"], as_of["final"]) == ("reported", True)
    # As known then: nothing was recorded yet.
    check_problem(house.auditor.get(f"/cases/{case}", {"known_at": half}), 404, "not-found")
    known = house.auditor.get(f"/cases/{case}", {"known_at": first["recorded_at"][:-6] + "+08:00"})
    assert known.status_code in {200, 404}  # whole seconds: before or after the fraction
    later = house.auditor.get(f"/cases/{case}", {"known_at": ahead(60), "as_of": half}).json()
    assert (later["stage"], later["final"]) == ("reported", False)
    check_problem(house.auditor.get(f"/cases/{case}", {"version": 99}), 404, "not-found")
    check_problem(
        house.auditor.get(f"/cases/{case}", {"version": 1, "as_of": half}), 400, "bad-input"
    )


def test_a_difference_names_fields_and_who_changed_them(house: House) -> None:
    reported = house.integrator.report("积水", unit=d.COMMUNITY)
    case = reported["id"]
    house.community.done(case, "accept")
    graded = house.community.done(case, "grade", severity="major", **OVERRIDE)
    found = house.auditor.get(f"/cases/{case}/diff", {"from": reported["version"]}).json()
    assert (found["from"], found["to"]) == (reported["version"], graded["version"])
    changes = {change["field"]: change for change in found["changes"]}
    assert (changes["severity"]["before"], changes["severity"]["after"]) == (None, "major")
    assert changes["severity"]["by"]["type"] == "case-graded"
    assert changes["severity"]["by"]["actor"]["role"] == "community_officer"
    assert changes["stage"]["after"] == "awaiting_dispatch"
    assert [fact["version"] for fact in found["facts"]] == list(
        range(reported["version"] + 1, graded["version"] + 1)
    )
    assert house.auditor.get(
        f"/cases/{case}/diff", {"from": reported["version"], "to": ahead(5)}
    ).json()["changes"]
    check_problem(house.auditor.get(f"/cases/{case}/diff"), 400, "bad-input", "from")


def test_possible_actions_come_with_their_forms_and_the_rest_with_reasons(house: House) -> None:
    case = house.integrator.report("占道", unit=d.COMMUNITY)["id"]
    actions = {one["action"]: one for one in house.community.get(f"/cases/{case}/actions").json()}
    assert actions["accept"]["allowed"] is True
    assert actions["accept"]["reasons"] == []
    assert actions["not_accept"]["schema"]["required"] == ["reason_code", "reason"]
    assert actions["grade"]["allowed"] is False
    assert actions["grade"]["reasons"][0]["code"] == "action-unavailable"
    assert actions["handle_on_the_spot"]["reasons"][0]["code"] == "role-forbidden"
    assert "register_closing" not in actions


def test_texts_are_opened_on_the_case_alone_and_never_for_a_dashboard(house: House) -> None:
    reported = house.integrator.report(
        "秘密标题甲", description="秘密正文乙", reporter={"name": "秘密姓名丙"}, unit=d.COMMUNITY
    )
    case = reported["id"]
    assert "秘密" not in str(reported)
    whole = house.community.get(f"/cases/{case}").json()
    assert (whole["title"], whole["reporter"]) == ("秘密标题甲", {"name": "秘密姓名丙"})
    events = house.community.get(f"/cases/{case}/events").json()["items"]
    assert events[0]["texts"]["description"] == "秘密正文乙"
    for path in ("", "/events", "/diff?from=1"):
        seen = house.dashboard.get(f"/cases/{case}{path}")
        assert seen.status_code == 200
        assert "秘密" not in seen.text
    params = {"at_least": reported["position"], "limit": 500}
    for path in ("/ledgers/cases", "/ledgers/deadlines"):
        for person in (house.auditor, house.dashboard):
            rows = person.get(path, params)
            assert case in rows.text
            assert "秘密" not in rows.text
            assert "秘密" not in person.get(path, {"format": "csv"}).text
    assert "秘密" not in _feed(house.auditor, reported["position"] - 5)[1]


def test_the_feed_passes_what_the_scope_leaves_out(house: House) -> None:
    start = house.auditor.head()
    seen = house.integrator.report("本社区", unit=d.COMMUNITY)
    unseen = house.integrator.report("外社区", unit=d.OTHER_COMMUNITY)
    items, _ = _feed(house.auditor, start)
    assert [item["position"] for item in items] == list(range(start + 1, unseen["position"] + 1))
    first = items[0]
    assert (first["specversion"], first["type"]) == ("1.0", "case-reported")
    assert first["subject"] == f"cases/{seen['id']}"
    assert first["time"].endswith("+08:00")
    answer = house.community.get("/events", {"after": start}).json()
    assert {item["subject"] for item in answer["items"]} == {f"cases/{seen['id']}"}
    assert answer["through"] == unseen["position"]
    empty = house.community.get("/events", {"after": unseen["position"]}).json()
    assert empty == {"items": [], "through": unseen["position"]}
    paged = house.auditor.get("/events", {"after": start, "limit": 1}).json()
    assert (len(paged["items"]), paged["through"]) == (1, start + 1)


def test_the_feed_holds_no_key_and_no_reference_fact(house: House) -> None:
    items, text = _feed(house.admin, 0)
    assert {item["type"] for item in items} & {"key-issued", "kind-published"} == set()
    assert "digest" in text  # of sealed texts, that is


def test_a_ledger_shows_only_the_scope_in_rows_counts_and_files(house: House) -> None:
    mine = house.integrator.report("甲", unit=d.GRID)
    other = house.integrator.report("乙", unit=d.OTHER_COMMUNITY)
    wait = {"at_least": other["position"]}
    for path in ("/ledgers/cases", "/ledgers/deadlines"):
        rows = {row["id"] for row in _all_rows(house.community, path, wait)}
        assert mine["id"] in rows
        assert other["id"] not in rows
        assert {mine["id"], other["id"]} <= {
            row["id"] for row in _all_rows(house.auditor, path, wait)
        }
    whole = house.auditor.get("/ledgers/cases/summary", wait).json()
    part = house.community.get("/ledgers/cases/summary", wait).json()
    assert 0 < part["total"] < whole["total"]
    assert part["total"] == len(_all_rows(house.community, "/ledgers/cases", wait))
    # A filter cannot widen the scope.
    narrowed = house.community.get("/ledgers/cases", {"unit": d.OTHER_COMMUNITY} | wait).json()
    assert narrowed["items"] == []
    file = house.community.get("/ledgers/cases", {"format": "csv"})
    assert mine["number"] in file.text
    assert other["number"] not in file.text
    # Assisting brings a case into sight.
    house.dispatcher.done(other["id"], "accept")
    house.dispatcher.done(other["id"], "grade", severity="general")
    check_problem(house.housing.get(f"/cases/{other['id']}"), 404, "not-found")
    house.dispatcher.done(other["id"], "dispatch", lead=d.WATER, assisting=[d.HOUSING])
    assert house.housing.get(f"/cases/{other['id']}").status_code == 200


def test_a_ledger_is_paged_with_a_link(house: House) -> None:
    last = [house.integrator.report(f"第 {n} 件", unit=d.TOWN) for n in range(3)][-1]
    first = house.auditor.get("/ledgers/cases", {"limit": 2, "at_least": last["position"]})
    assert len(first.json()["items"]) == 2
    link = first.headers["link"]
    assert link.endswith('>; rel="next"')
    following = house.auditor.http.get(link[1 : link.index(">")]).json()
    seen = {row["id"] for row in first.json()["items"]}
    assert not seen & {row["id"] for row in following["items"]}
    assert first.json()["items"][0]["reported_at"].endswith("+08:00")
    descending = house.auditor.get("/ledgers/cases", {"sort": "number", "limit": 500}).json()
    numbers = [row["number"] for row in descending["items"]]
    assert numbers == sorted(numbers)


def test_a_ledger_comes_as_csv_and_xlsx_by_parameter_or_accept(house: House) -> None:
    case = house.integrator.report("导出", unit=d.COMMUNITY)
    wait = {"at_least": case["position"]}
    by_parameter = house.auditor.get("/ledgers/cases", wait | {"format": "csv"})
    by_header = house.auditor.get("/ledgers/cases", wait, Accept="text/csv")
    assert by_parameter.headers["content-type"].startswith("text/csv")
    assert by_parameter.content == by_header.content
    rows = list(csv.reader(io.StringIO(by_parameter.content.decode("utf-8-sig"))))
    assert rows[0][0] == "编号"
    row = next(row for row in rows if row[0] == case["number"])
    assert "东街社区" in row  # units by name in files
    sheet = house.auditor.get("/ledgers/deadlines", wait | {"format": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    assert book.sheetnames[0] == "办结时限台账"
    assert any("位点" in str(cell.value) for cell in book["说明"]["A"])
    assert house.auditor.get("/ledgers/cases", Accept="application/json").json()["items"]
    check_problem(house.auditor.get("/ledgers/cases", Accept="image/png"), 406, "not-acceptable")


def test_a_summary_tells_where_it_stands(house: House) -> None:
    case = house.integrator.report("统计", unit=d.COMMUNITY)
    before = house.auditor.get(
        "/ledgers/deadlines/summary", {"as_of": "2020-01-01T00:00:00+08:00"}
    ).json()
    assert (before["received"], before["final"]) == (0, True)
    now = house.auditor.get("/ledgers/deadlines/summary", {"at_least": case["position"]}).json()
    assert now["received"] == now["open"] + now["closed"] > 0
    assert now["position"] >= case["position"]
    assert now["as_of"].endswith("+08:00")


@pytest.mark.parametrize(
    "path",
    [
        "/ledgers/cases",
        "/ledgers/cases/summary",
        "/accountability/cases",
        "/dashboards/counts",
        "/dashboards/standing",
        "/dashboards/map",
        "/indicators/filing-rate",
        "/indicators/filing-rate/cases?part=numerator",
    ],
)
def test_waiting_for_a_position_that_never_comes_ends(
    house: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "WAIT_SECONDS", 0.1)
    more = "&" if "?" in path else "?"
    answer = house.auditor.get(f"{path}{more}at_least={10**9}")
    check_problem(answer, 503, "ledger-behind")
    assert f"还没有处理到 {10**9}" in answer.json()["detail"]
    assert answer.headers["retry-after"]


def test_reference_data_can_be_read(house: House) -> None:
    units = {one["id"]: one for one in house.dashboard.get("/directory").json()["items"]}
    assert units[d.GRID]["path"] == [d.COUNTY, d.TOWN, d.COMMUNITY, d.GRID]
    kinds = {one["name"]: one for one in house.integrator.get("/kinds").json()["items"]}
    assert {"closed-loop", "public-reply"} <= set(kinds)
    assert "people" in kinds["closed-loop"]["report_schema"]["properties"]
    calendar = house.auditor.get("/calendars").json()["items"][0]
    assert calendar["hours"] == [["09:00", "12:00"], ["14:00", "18:00"]]
    ledgers = house.dashboard.get("/ledgers").json()["items"]
    programmed = [one["name"] for one in ledgers if one["sort"] == "code"]
    assert programmed == [*LEDGERS, "concerns"]
    own = {one["name"] for one in ledgers if one["sort"] == "register"}
    assert len(shipped_registers()) == 10
    # Other tests of this house publish registers of their own.
    assert {one.name for one in shipped_registers()} <= own


def test_a_trial_clock_is_set_forward_only_and_a_real_one_never(
    house: House, real_district: Person
) -> None:
    body = {"now": ahead(2)}
    check_problem(real_district.post("/clock", body), 409, "trial-only")
    check_problem(house.dispatcher.post("/clock", body), 403, "role-forbidden")
    check_problem(house.admin.post("/clock", {"now": ahead(-60)}), 409, "clock-backwards", "/now")
    key = "clock-" + body["now"]
    first, again = (house.admin.post("/clock", body, key=key) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    reported = house.integrator.report("新时间", unit=d.COMMUNITY)
    assert datetime.fromisoformat(reported["reported_at"]) >= datetime.fromisoformat(
        first.json()["now"]
    )


def _feed(person: Person, after: int) -> tuple[list[dict[str, Any]], str]:
    answer = person.get("/events", {"after": max(after, 0), "limit": 1000})
    return answer.json()["items"], answer.text


def _all_rows(person: Person, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = person.get(path, {"limit": 500} | params).json()
    while True:
        rows += page["items"]
        if page["next"] is None:
            return rows
        page = person.get(path, {"limit": 500, "cursor": page["next"]}).json()
