"""大屏: counts, what stands open and the map over HTTP, within the caller's scope."""

from typing import Any

from tests.api.house import House, Person
from tests.support import districts as d

ALWAYS = {"from": "2020-01-01", "to": "2029-12-31"}


def counts(person: Person, **asked: str | int) -> dict[str, Any]:
    answer = person.get("/dashboards/counts", {**ALWAYS, **asked})
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in answer.json()["items"]}


def test_a_report_is_counted_for_its_unit_and_for_nobody_else(house: House) -> None:
    category = "大屏计数"
    before = counts(house.admin, by="category").get(category, {"received": 0})
    case = house.integrator.report(unit=d.GRID, category=category)
    after = counts(house.admin, by="category", at_least=case["position"])[category]
    assert after["received"] == before["received"] + 1
    assert counts(house.community, by="category")[category]["received"] == after["received"]
    assert category not in counts(house.other_community, by="category")


def test_units_right_below_are_listed_with_zeros(house: House) -> None:
    found = counts(house.admin, by="unit")
    directory = house.admin.get("/directory").json()["items"]
    names = {one["id"]: one["name"] for one in directory}
    assert d.TOWN in found
    assert all(one["name"] == names[key] for key, one in found.items())
    below = counts(house.town, by="unit", unit=d.TOWN)
    assert d.COMMUNITY in below


def test_what_stands_open_is_told_by_phase(house: House) -> None:
    case = house.integrator.report(unit=d.GRID)
    asked = {"at_least": case["position"]}
    answer = house.community.get("/dashboards/standing", asked).json()
    assert answer["open"] == sum(answer["by_phase"].values()) >= 1
    early = house.community.get("/dashboards/standing", {"as_of": "2020-01-01T00:00:00+08:00"})
    assert early.json()["open"] == 0


def test_the_map_is_coarser_for_a_dashboard_than_for_who_handles(house: House) -> None:
    spot = {"type": "Point", "coordinates": [106.91234, 34.51234], "crs": "wgs84"}
    case = house.integrator.report(unit=d.GRID, location=spot, category="地图")
    asked = {"category": "地图", "step": 1, "at_least": case["position"]}
    fine = house.community.get("/dashboards/map", asked).json()
    coarse = house.dashboard.get("/dashboards/map", asked).json()
    assert (fine["step"], coarse["step"]) == (1_000, 100_000)
    assert fine["features"][0]["geometry"]["coordinates"] == [106.91235, 34.51235]
    assert coarse["features"][0]["geometry"]["coordinates"] == [106.915, 34.515]
    assert house.other_community.get("/dashboards/map", asked).json()["features"] == []


def test_what_is_not_understood_is_refused(house: House) -> None:
    for asked, code in (
        ({"from": "2026-13-01"}, 400),
        ({"from": "2026-03-02", "to": "2026-03-01"}, 400),
        ({"by": "street"}, 400),
        ({"colour": "red"}, 400),
        ({"at_least": "soon"}, 400),
    ):
        answer = house.admin.get("/dashboards/counts", asked)
        assert answer.status_code in {code, 422}, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
    outside = house.community.get("/dashboards/counts", {"unit": d.OTHER_COMMUNITY})
    assert outside.json()["code"] == "unknown-unit"
