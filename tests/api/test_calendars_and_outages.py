"""Versions of calendars and outages over HTTP."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.actor import Role
from tests.api.house import House, fresh_key
from tests.support import calendars as c
from tests.support import districts as d
from tests.support.commands import eventually
from workflows.administration import issue_key
from workflows.calendar_office import assign, today_of

HALL = "/calendars/evening-hall"


def hall(*, saturdays: bool) -> dict[str, Any]:
    """A calendar of one's own for this year and the next, with or without working Saturdays."""
    year = datetime.now(UTC).year
    every = {
        str(one): {
            "sources": ["街道办公室通知"],
            "holidays": {},
            "workdays": {"周六值班": saturdays_of(one)} if saturdays else {},
        }
        for one in (year, year + 1)
    }
    covered = {"from": f"{year}-01-01", "to": f"{year + 1}-12-31"}
    return c.document("evening-hall", years=every, covered=covered)


def saturdays_of(year: int) -> str:
    first = date(year, 1, 1)
    days = (first + timedelta(days) for days in range(365))
    return " ".join(str(day) for day in days if day.weekday() == 5)


def test_a_preview_writes_nothing_and_says_what_would_move(house: House) -> None:
    before = house.admin.get("/calendars/cn-office").json()
    body = {"notices": [c.notice()], "preview": True}
    answer = house.admin.post("/calendars/cn-office/versions", body)
    assert answer.status_code == 200, answer.text
    preview = answer.json()
    assert preview["previous_version"] == before["versions"][-1]["version"]
    assert preview["covered_to"] == "2027-12-31"
    counts = preview["counts"]
    assert counts["open"] >= counts["earlier"] + counts["later"]
    assert house.admin.get("/calendars/cn-office").json()["versions"] == before["versions"]


def test_a_version_is_published_once_and_open_clocks_follow(house: House) -> None:
    first = {"document": hall(saturdays=False)}
    published = house.admin.post(HALL + "/versions", first)
    assert published.status_code == 200, published.text
    assert published.json()["effective_from"] is None
    with house.site.open("610327") as services:
        asyncio.run(assign(services.engine, d.OTHER_COMMUNITY, "evening-hall"))
    try:
        eventually(lambda: _calendar_of(house, house.integrator.report(unit=d.OTHER_COMMUNITY)))
        case = house.integrator.report(unit=d.OTHER_COMMUNITY)["id"]
        due = _total(house, case)["due"]
        key = fresh_key()
        body = {"document": hall(saturdays=True)}
        second = house.admin.post(HALL + "/versions", body, key=key)
        assert second.status_code == 200, second.text
        eventually(lambda: _total(house, case)["due"] < due)
        assert house.admin.post(HALL + "/versions", body, key=key).content == second.content
        versions = house.auditor.get(HALL).json()["versions"]
        with house.site.open("610327") as services:
            asyncio.run(services.engine.refresh())
            today = today_of(services.engine)
        saturday = today + timedelta(days=(5 - today.weekday()) % 7)
        assert [one["effective_from"] for one in versions] == [None, saturday.isoformat()]
        # Under another key there is nothing to publish.
        again = house.admin.post(HALL + "/versions", body)
        assert again.json()["version"] == second.json()["version"]
        assert house.auditor.get(HALL).json()["versions"] == versions
    finally:
        with house.site.open("610327") as services:
            asyncio.run(assign(services.engine, d.OTHER_COMMUNITY, None))


def _total(house: House, case: str) -> dict[str, Any]:
    clocks = house.auditor.get(f"/cases/{case}").json()["clocks"]
    return dict(next(clock for clock in clocks if clock["clock"] == "total"))


def _calendar_of(house: House, case: dict[str, Any]) -> bool:
    return bool(_total(house, case["id"])["calendar"] == "evening-hall")


def test_what_cannot_be_a_version_is_refused(house: House) -> None:
    post = house.admin.post
    for path, body, status, code in (
        ("cn-office", {"notices": [c.notice(days=[])]}, 422, "bad-calendar"),
        ("cn-office", {"notices": [c.notice()], "document": {}}, 422, "bad-calendar"),
        ("cn-office", {}, 422, "bad-calendar"),
        ("cn-office", {"document": hall(saturdays=True)}, 422, "bad-calendar"),
        ("cn-bank", {"notices": [c.notice()]}, 422, "unknown-calendar"),
        ("cn-office", {"notices": [c.notice()], "effective_from": "x"}, 400, "bad-input"),
        ("cn-office", {"notices": {}}, 422, "unknown-field"),
    ):
        answer = post(f"/calendars/{path}/versions", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    body = {"notices": [c.notice()]}
    refused = house.supervisor.post("/calendars/cn-office/versions", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "role-forbidden")
    assert house.auditor.get("/calendars/cn-bank").status_code == 404


def test_the_metrics_say_how_far_a_calendar_is_announced(house: House) -> None:
    house.auditor.get("/calendars")
    metrics = house.stranger().http.get("/metrics").text
    assert 'bihuan_calendar_days_covered{calendar="cn-office",district="610327"}' in metrics


WINDOW = {
    "from": "2026-10-09T08:00:00+08:00",
    "until": "2026-10-09T20:00:00+08:00",
    "reason": "机房停电，王小明处理",
}


def recent() -> dict[str, str]:
    """An hour that has just ended."""
    until = datetime.now(UTC) - timedelta(minutes=5)
    window = {"from": until - timedelta(hours=1), "until": until}
    return WINDOW | {name: at.isoformat(timespec="seconds") for name, at in window.items()}


def test_an_outage_takes_two_people_and_repeats_its_answers(house: House) -> None:
    with house.site.open("610328") as services:
        secrets = [
            asyncio.run(issue_key(services.engine, role, unit=None, name=None)).secret
            for role in (Role.SUPERVISOR, Role.LEADER, Role.DASHBOARD)
        ]
    one, other, screen = (_person(house, secret) for secret in secrets)
    key, approval = fresh_key(), fresh_key()
    window = recent()
    declared = one.post("/outages", window, key=key)
    assert declared.status_code == 201, declared.text
    path = f"/outages/{declared.json()['outage']}/approve"
    assert one.post(path).json()["code"] == "same-person"
    approved = other.post(path, key=approval)
    assert approved.status_code == 200, approved.text
    assert approved.json()["register_by"] > window["until"]
    assert approved.json()["approved_by"] != declared.json()["declared_by"]
    assert one.post("/outages", window, key=key).content == declared.content
    assert other.post(path, key=approval).content == approved.content
    assert one.post(path).json()["code"] == "collision"
    (item,) = one.get("/outages").json()["items"]
    assert item["reason"] == WINDOW["reason"]
    assert screen.get("/outages").json()["items"] == [item | {"reason": None}]


def _person(house: House, secret: str) -> Any:  # noqa: ANN401 - closed with the house
    person = house.stranger(secret)
    person.base = "/v1/districts/610328"
    return person


def test_outages_are_for_few_and_their_windows_are_checked(house: House) -> None:
    for person in (house.integrator, house.community, house.auditor):
        assert person.post("/outages", WINDOW).status_code == 403
    late = {"from": "2199-01-01T00:00:00Z", "until": "2199-01-02T00:00:00Z", "reason": "停电"}
    for body, status, code in (
        (late, 422, "future-time"),
        (WINDOW | {"until": WINDOW["from"]}, 400, "bad-input"),
        (WINDOW | {"from": "2026-10-09T08:00:00"}, 422, "naive-time"),
        (WINDOW | {"reason": ""}, 422, "unknown-field"),
        (WINDOW | {"reason": "   "}, 400, "bad-input"),
    ):
        answer = house.supervisor.post("/outages", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    for number in ("99", "0", "x", "1" * 30):
        assert house.supervisor.post(f"/outages/{number}/approve").status_code == 404
