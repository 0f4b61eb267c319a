"""考核指标 over HTTP: numbers, groups, comparisons, cases behind them, and formulas published."""

import io
from typing import Any

import openpyxl
import pytest

from projections.indicators import SHIPPED, shipped_texts
from tests.api.house import House, Person
from tests.support import districts as d

YEAR = {"period": "2026"}


def settled(person: Person, case: str, name: str, **asked: str) -> dict[str, Any]:
    """Return an indicator once the ledger has come to the case, whoever else wrote meanwhile."""
    wanted = person.get(f"/cases/{case}").json()["position"]
    answer = person.get(f"/indicators/{name}", params={**asked, "at_least": wanted})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["position"] >= wanted
    return found


def line(found: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for one in found["items"] if one["key"] == key)


def closed_case(house: House) -> str:
    case = house.integrator.report("路灯不亮", kind="public-reply", unit=d.COMMUNITY)["id"]
    house.dispatcher.done(case, "assign", lead=d.WATER)
    house.dispatcher.done(case, "reply", reply="已修好。")
    return str(case)


def test_every_shipped_indicator_is_in_use_and_has_a_number(house: House) -> None:
    items = house.auditor.get("/indicators").json()["items"]
    assert {one["name"] for one in items} >= set(SHIPPED)
    for name in SHIPPED:
        answer = house.auditor.get(f"/indicators/{name}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["formula"] == f"{name}@1.0.0"


def test_a_number_leads_from_the_unit_to_the_facts_of_its_cases(house: House) -> None:
    case = closed_case(house)
    found = settled(
        house.supervisor, case, "closing-rate", by="unit", levels="department", compare="true"
    )
    water = line(found, d.WATER)
    assert water["name"] == "水务局"
    assert water["denominator"] >= 1
    assert water["previous"]["period"] < found["period"]["label"]
    assert line(found, d.HOUSING)["name"] == "住建局"
    cases = house.supervisor.http.get(water["cases"]["numerator"]).json()
    mine = next(one for one in cases["items"] if one["id"] == case)
    assert [one["type"] for one in mine["facts"]][-1] == "case-closed"
    events = house.supervisor.http.get(mine["events"]).json()["items"]
    positions = {one["position"] for one in events}
    assert {one["position"] for one in mine["facts"]} <= positions
    assert len(cases["items"]) == int(water["numerator"]) or cases["next"]


def test_units_without_a_case_in_a_period_have_a_row_and_no_value(house: House) -> None:
    case = closed_case(house)
    long_ago = {"period": "2020-01", "by": "unit", "levels": "department"}
    found = settled(house.supervisor, case, "closing-rate", **long_ago)
    assert {d.WATER, d.HOUSING} <= {one["key"] for one in found["items"]}
    for one in (found["total"], *found["items"]):
        assert (one["value"], one["numerator"], one["denominator"]) == (None, "0", 0)
    behind = house.supervisor.http.get(line(found, d.HOUSING)["cases"]["denominator"]).json()
    assert (behind["items"], behind["next"]) == ([], None)


def test_the_cases_behind_a_number_are_those_of_the_position_asked_for(house: House) -> None:
    case = closed_case(house)
    position = house.supervisor.get(f"/cases/{case}").json()["position"]
    asked: dict[str, str | int] = {**YEAR, "part": "numerator", "at_least": position, "limit": 200}
    found = house.supervisor.get("/indicators/closing-rate/cases", asked).json()
    assert found["position"] >= position
    assert case in {one["id"] for one in found["items"]}


def test_pages_of_cases_follow_one_another(house: House) -> None:
    closed_case(house)
    case = closed_case(house)
    found = settled(house.supervisor, case, "closing-rate", **YEAR)
    address = found["total"]["cases"]["numerator"]
    first = house.supervisor.http.get(f"{address}&limit=1")
    second = house.supervisor.http.get(f"{address}&limit=1&cursor={first.json()['next']}")
    assert first.json()["items"][0]["id"] != second.json()["items"][0]["id"]
    assert 'rel="next"' in first.headers["link"]


def test_a_community_counts_what_it_may_see(house: House) -> None:
    case = closed_case(house)
    settled(house.supervisor, case, "filing-rate", **YEAR)
    there = house.other_community.get("/indicators/filing-rate", params={**YEAR, "by": "unit"})
    keys = {one["key"] for one in there.json()["items"]}
    assert d.OTHER_COMMUNITY in keys
    assert d.COMMUNITY not in keys
    path = "/indicators/filing-rate/cases"
    rows = house.other_community.get(path, params={**YEAR, "part": "denominator", "limit": 200})
    assert case not in {one["id"] for one in rows.json()["items"]}


def test_a_version_that_is_published_counts_once_it_is_activated(house: House) -> None:
    text = shipped_texts()["filing-rate"].replace("filing-rate", "our-filing-rate")
    made = house.admin.post("/indicators", {"source": text, "activate": True})
    assert (made.status_code, made.json()["state"]) == (201, "active")
    stricter = text.replace("1.0.0", "1.1.0").replace("filed_at: given", "accepted_at: given")
    second = house.admin.post("/indicators", {"source": stricter})
    assert second.json()["state"] == "published"
    closed_case(house)
    path = "/indicators/our-filing-rate"
    assert house.admin.get(path).json()["formula"] == "our-filing-rate@1.0.0"
    done = house.admin.post(f"{path}/activate", {"version": "1.1.0"})
    assert (done.status_code, done.json()["state"]) == (200, "active")
    assert house.admin.get(path).json()["formula"] == "our-filing-rate@1.1.0"
    older = house.admin.get(path, params={"formula": "1.0.0"}).json()
    assert older["formula"] == "our-filing-rate@1.0.0"
    states = [one["state"] for one in house.admin.get(f"{path}/versions").json()["items"]]
    assert states == ["published", "active"]
    assert house.admin.post(f"{path}/retire").json()["state"] == "retired"
    assert house.admin.get(path).status_code == 404
    assert house.admin.get(path, params={"formula": "1.0.0"}).status_code == 200


def test_other_content_under_a_known_version_is_refused(house: House) -> None:
    text = shipped_texts()["duplicate-rate"].replace("被并入另一件", "并入别的")
    answer = house.admin.post("/indicators", {"source": text})
    assert (answer.status_code, answer.json()["code"]) == (409, "version-taken")


def test_a_wrong_formula_is_refused_line_by_line_and_writes_nothing(house: House) -> None:
    text = shipped_texts()["filing-rate"].replace("filed_at", "filled_at")
    answer = house.admin.post("/indicators", {"source": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-formula")
    (error,) = answer.json()["errors"]
    assert (error["line"], error["pointer"]) == ("13", "/numerator/when/filled_at")
    checked = house.admin.post("/indicators/check", {"source": text}).json()
    assert (checked["valid"], checked["problems"][0]["line"]) == (False, 13)
    assert house.community.post("/indicators", {"source": text}).status_code == 403


@pytest.mark.parametrize(
    ("path", "asked", "status", "code"),
    [
        ("no-such", {}, 404, "not-found"),
        ("filing-rate", {"formula": "9.9.9"}, 404, "not-found"),
        ("filing-rate", {"period": "2026-13"}, 400, "bad-input"),
        ("filing-rate", {"period": "2026-10", "from": "2026-01-01"}, 400, "bad-input"),
        ("filing-rate", {"from": "2026-01-01"}, 400, "bad-input"),
        ("filing-rate", {"by": "weather"}, 400, "bad-input"),
        ("filing-rate", {"levels": "street"}, 400, "bad-input"),
        ("filing-rate", {"unit": "nobody"}, 422, "unknown-unit"),
        ("filing-rate", {"as_of": "2026-10-01"}, 422, "naive-time"),
        ("filing-rate", {"as_of": ""}, 422, "naive-time"),
        ("filing-rate", {"at_least": "-1"}, 400, "bad-input"),
        ("filing-rate/cases", {"part": "numerator", "at_least": "soon"}, 400, "bad-input"),
        ("filing-rate", {"format": "pdf"}, 406, "not-acceptable"),
        ("filing-rate/cases", {"part": "third"}, 404, "not-found"),
        ("filing-rate/cases", {"part": "numerator", "cursor": "x"}, 400, "bad-cursor"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    house: House, path: str, asked: dict[str, str], status: int, code: str
) -> None:
    answer = house.auditor.get(f"/indicators/{path}", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_the_table_comes_as_a_workbook_with_its_provenance_and_as_csv(house: House) -> None:
    case = closed_case(house)
    settled(house.supervisor, case, "filing-rate", **YEAR)
    asked = {**YEAR, "by": "unit", "levels": "department", "format": "xlsx", "compare": "true"}
    answer = house.supervisor.get("/indicators/filing-rate", params=asked)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet, told = (book[name] for name in book.sheetnames)
    heads = [cell.value for cell in sheet[1]]
    assert heads[:5] == ["编码", "名称", "立案率（%）", "分子", "分母"]
    assert "环比增减" in heads
    names = [row[1].value for row in sheet.iter_rows(min_row=2)]
    assert names == ["水务局", "住建局", "合计"] or names[-1] == "合计"
    notes = {row[0].value: row[1].value for row in told.iter_rows()}
    assert notes["指标"] == "立案率（filing-rate@1.0.0）"
    assert str(notes["周期"]).startswith("2026：2026-01-01 起")
    csv = house.supervisor.get("/indicators/filing-rate", params={**asked, "format": "csv"})
    assert csv.content.decode("utf-8-sig").splitlines()[0].startswith("编码,名称,立案率（%）")
    unknown = house.supervisor.get("/indicators/filing-rate", Accept="image/png")
    assert (unknown.status_code, unknown.json()["code"]) == (406, "not-acceptable")
