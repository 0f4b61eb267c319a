"""重复件: suggested by place, time and category, and by number; scope respected."""

import time
from itertools import count
from typing import Any

import pytest

from tests.api.house import House, Person
from tests.api.test_kinds import published
from tests.support import districts as d
from tests.support.small_kinds import small, written

_places = count()


def somewhere() -> tuple[float, float]:
    """Return a place far from every other test's."""
    n = next(_places)
    return 107.0 + (n % 50) * 0.02, 34.0 + (n // 50) * 0.02


def at(longitude: float, latitude: float, crs: str = "wgs84") -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude], "crs": crs}


def found(person: Person, path: str, wanted: int, **params: str) -> list[dict[str, Any]]:
    """Return what is suggested, waiting a little for the tables to follow the log."""
    items: list[dict[str, Any]] = []
    for _ in range(100):
        answer = person.get(path, params)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        if len(items) >= wanted:
            return items
        time.sleep(0.05)
    return items


def settled(house: House) -> None:
    """Wait until everything that was reported so far can be found."""
    east, north = somewhere()
    last = house.integrator.report(unit=d.GRID, location=at(east, north))
    where = {"longitude": str(east), "latitude": str(north), "crs": "wgs84"}
    assert [one["id"] for one in found(house.admin, "/duplicates", 1, **where)] == [last["id"]]


METRE = 1 / 111_195
"""Of latitude, in degrees."""


def test_what_is_near_in_place_time_and_category_is_suggested_the_nearest_first(
    house: House,
) -> None:
    east, north = somewhere()
    own = house.integrator.report(unit=d.GRID, category="市政", location=at(east, north))
    near = house.integrator.report(
        unit=d.GRID, category="市政", location=at(east, north + 40 * METRE)
    )
    nearer = house.integrator.report(unit=d.GRID, location=at(east, north + 5 * METRE))
    house.integrator.report(unit=d.GRID, category="市政", location=at(east, north + 60 * METRE))
    house.integrator.report(unit=d.GRID, category="噪声", location=at(east, north))
    settled(house)
    items = found(house.community, f"/cases/{own['id']}/duplicates", 2)
    assert [(one["id"], one["distance"]) for one in items] == [
        (nearer["id"], 5),
        (near["id"], 40),
    ]
    assert all(one["reasons"] == ["place"] for one in items)


def test_the_radius_and_the_hours_can_be_set(house: House) -> None:
    east, north = somewhere()
    own = house.integrator.report(unit=d.GRID, location=at(east, north))
    house.integrator.report(unit=d.GRID, location=at(east, north + 80 * METRE))
    settled(house)
    path = f"/cases/{own['id']}/duplicates"
    assert found(house.admin, path, 0) == []
    assert len(found(house.admin, path, 1, radius="100")) == 1
    old = {"longitude": str(east), "latitude": str(north), "crs": "wgs84"}
    old |= {"at": "2026-01-01T00:00:00+08:00"}
    assert found(house.admin, "/duplicates", 0, **old) == []


def test_what_the_kind_does_not_ask_for_the_query_may_and_otherwise(house: House) -> None:
    east, north = somewhere()
    own = house.integrator.report(unit=d.GRID, category="市政", location=at(east, north))
    noise = house.integrator.report(unit=d.GRID, category="噪声", location=at(east, north))
    settled(house)
    path = f"/cases/{own['id']}/duplicates"
    assert found(house.admin, path, 0) == [], "closed-loop wants the same category"
    assert [one["id"] for one in found(house.admin, path, 1, alike="any")] == [noise["id"]]


def test_how_near_and_how_alike_is_what_the_kind_says(house: House) -> None:
    data: dict[str, Any] = small()
    data["duplicates"] = {"radius": 200, "hours": 1, "category": "any"}
    data["document"]["name"] = "wide"
    data["report"]["form"], data["roles"]["anybody"]["held_by"] = {}, ["integrator", "dispatcher"]
    published(house.admin, written(data))
    east, north = somewhere()
    own = house.integrator.report(
        kind="wide", unit=d.GRID, category="市政", location=at(east, north)
    )
    far = house.integrator.report(
        unit=d.GRID, category="噪声", location=at(east, north + 150 * METRE)
    )
    settled(house)
    path = f"/cases/{own['id']}/duplicates"
    assert [one["id"] for one in found(house.admin, path, 1)] == [far["id"]]
    assert found(house.admin, path, 0, radius="50") == []
    where = {"longitude": str(east), "latitude": str(north), "crs": "wgs84", "category": "其他"}
    assert found(house.admin, "/duplicates", 0, **where) == []
    before = found(house.admin, "/duplicates", 2, kind="wide", **where)
    assert [one["id"] for one in before] == [own["id"], far["id"]]
    unknown = house.admin.get("/duplicates", {**where, "kind": "wider"})
    assert unknown.json()["code"] == "unknown-kind"


def test_gcj02_is_converted_before_comparing(house: House) -> None:
    # Xi'an's bell tower as maps in China show it, and as satellites do (some 500 m apart).
    house.integrator.report(unit=d.GRID, location=at(108.947039, 34.259428, "gcj02"))
    settled(house)
    satellites = {"longitude": "108.942347", "latitude": "34.260973", "crs": "wgs84"}
    [one] = found(house.admin, "/duplicates", 1, **satellites)
    assert one["distance"] < 20
    as_given = {"longitude": "108.947039", "latitude": "34.259428", "crs": "wgs84"}
    assert found(house.admin, "/duplicates", 0, **as_given) == []
    again = as_given | {"crs": "gcj02"}
    assert [one["distance"] for one in found(house.admin, "/duplicates", 1, **again)] == [0]


def test_only_what_the_caller_may_see_is_suggested(house: House) -> None:
    east, north = somewhere()
    mine = house.integrator.report(unit=d.GRID, location=at(east, north))
    house.integrator.report(unit=d.OTHER_COMMUNITY, location=at(east, north))
    settled(house)
    where = {"longitude": str(east), "latitude": str(north), "crs": "wgs84"}
    seen = found(house.community, "/duplicates", 1, **where)
    assert [one["id"] for one in seen] == [mine["id"]]
    assert len(found(house.admin, "/duplicates", 2, **where)) == 2


def test_what_has_ended_is_not_suggested(house: House) -> None:
    east, north = somewhere()
    one = house.integrator.report(unit=d.GRID, location=at(east, north))
    other = house.integrator.report(unit=d.GRID, location=at(east, north))
    house.integrator.done(other["id"], "withdraw", reason="重复上报")
    settled(house)
    where = {"longitude": str(east), "latitude": str(north), "crs": "wgs84"}
    assert [it["id"] for it in found(house.admin, "/duplicates", 1, **where)] == [one["id"]]


def test_the_same_number_of_another_system_comes_first(house: House) -> None:
    east, north = somewhere()
    near = house.integrator.report(unit=d.GRID, location=at(east, north))
    source = {"system": "hotline", "id": "D-2026-77"}
    numbered = house.integrator.report(unit=d.OTHER_COMMUNITY, source=source)
    own = house.integrator.report(
        unit=d.GRID, location=at(east, north), source={"system": "city", "id": "D-2026-77"}
    )
    settled(house)
    items = found(house.admin, f"/cases/{own['id']}/duplicates", 2)
    assert [(one["id"], one["reasons"]) for one in items] == [
        (numbered["id"], ["source"]),
        (near["id"], ["place"]),
    ]


def test_a_case_without_a_place_has_none_near_it(house: House) -> None:
    own = house.integrator.report(unit=d.GRID)
    assert house.community.get(f"/cases/{own['id']}/duplicates").json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"longitude": "181"},
        {"latitude": "nan"},
        {"crs": "bd09"},
        {"radius": "0"},
        {"hours": "99999"},
        {"at": "2026-01-01T00:00:00"},
        {"unknown": "1"},
    ],
)
def test_what_is_not_understood_is_refused(house: House, wrong: dict[str, str]) -> None:
    query = {"longitude": "107", "latitude": "34", "crs": "wgs84"} | wrong
    answer = house.community.get("/duplicates", query)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["code"]


def test_a_case_out_of_scope_has_no_duplicates_to_show(house: House) -> None:
    own = house.integrator.report(unit=d.GRID)
    answer = house.other_community.get(f"/cases/{own['id']}/duplicates")
    assert answer.status_code == 404
