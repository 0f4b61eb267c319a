"""考核通报 over HTTP: signed as it was previewed; corrections are versions; concerns beside it."""

import asyncio
from typing import Any

import pytest

from domain.actor import Role
from tests.api.house import DISTRICT, House, Person, fresh_key
from tests.api.test_bad_input import check_problem
from tests.support import districts as d
from workflows.administration import issue_key

PAST = "/rankings/unit-points/2020-01"


@pytest.fixture(scope="module")
def leader(house: House) -> Person:
    """Return a leader of the whole district."""
    with house.site.open(DISTRICT) as services:
        key = asyncio.run(issue_key(services.engine, Role.LEADER, unit=None, name="县长"))
    return house.stranger(key.secret)


def preview(person: Person, path: str = PAST, **asked: str) -> dict[str, Any]:
    answer = person.get(f"{path}/preview", asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def signing(shown: dict[str, Any], levels: list[str] | None = None) -> dict[str, Any]:
    named = {name: shown[name] for name in ("as_of", "position", "digest")}
    return named | ({"levels": levels} if levels else {})


def test_a_leader_signs_what_was_previewed_and_a_correction_is_the_next_version(
    house: House, leader: Person
) -> None:
    shown = preview(leader)
    assert (shown["version"], shown["signed_by"], shown["formula"]) == (
        1,
        None,
        "unit-points@1.0.0",
    )
    assert {one["rank"] for one in shown["items"]} == {1}
    assert {one["points"] for one in shown["items"]} == {"0"}
    key = fresh_key()
    signed = leader.post(PAST, signing(shown), key=key)
    assert signed.status_code == 201, signed.text
    first = signed.json()
    assert (first["items"], first["digest"]) == (shown["items"], shown["digest"])
    assert first["signed_by"].startswith("key:")
    again = leader.post(PAST, signing(shown), key=key)
    assert (again.status_code, again.json()) == (201, first)

    same = preview(leader)
    assert (same["version"], same["differences"]) == (2, [])
    check_problem(leader.post(PAST, signing(same)), 409, "collision")
    narrower = preview(leader, levels="town")
    assert {one["rank"] for one in narrower["differences"]} == {None}
    check_problem(leader.post(PAST, signing(narrower)), 409, "ranking-stale")
    second = leader.post(PAST, signing(narrower, ["town"])).json()
    assert (second["version"], second["differences"]) == (2, narrower["differences"])

    assert house.auditor.get(PAST).json()["version"] == 2
    assert house.grid.get(PAST, {"version": 1}).json() == first
    check_problem(house.auditor.get(PAST, {"version": 3}), 404, "not-found")
    listed = house.auditor.get("/rankings").json()["items"]
    assert {"ranking": "unit-points", "period": "2020-01", "version": 2} in listed


def test_the_ledger_shows_every_version_to_everybody(house: House, leader: Person) -> None:
    path = "/rankings/unit-points/2020-02"
    before = house.auditor.head()
    shown = preview(leader, path, levels="town")
    assert leader.post(path, signing(shown, ["town"])).status_code == 201
    asked: dict[str, str | int] = {"period": "2020-02", "at_least": house.auditor.head()}
    for person in (house.auditor, house.grid, house.dashboard):
        answer = person.get("/ledgers/unit-ranking", asked)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["items"]
        assert {row["unit"] for row in rows} == {one["unit"] for one in shown["items"]}
        assert {row["status"] for row in rows} == {"current"}
    assert house.auditor.head() > before
    file = house.auditor.get("/ledgers/unit-ranking", {**asked, "format": "csv"})
    assert "考核期" in file.text.splitlines()[0]
    then = house.auditor.get("/ledgers/unit-ranking", {**asked, "as_of": "2021-01-01T00:00:00Z"})
    assert then.json()["items"] == []


def test_nobody_else_signs_and_no_unfinished_or_unknown_period_is_signed(
    house: House, leader: Person
) -> None:
    shown = preview(house.admin)
    check_problem(house.admin.post(PAST, signing(shown)), 403, "role-forbidden")
    check_problem(house.grid.get(f"{PAST}/preview"), 403, "role-forbidden")
    check_problem(leader.get("/rankings/on-time-rate/2020-01/preview"), 400, "bad-input")
    check_problem(leader.get("/rankings/nothing/2020-01/preview"), 404, "not-found")
    check_problem(leader.get("/rankings/unit-points/2020-13/preview"), 400, "bad-input")
    check_problem(
        leader.get(f"{PAST}/preview", {"as_of": "2090-01-01T00:00:00Z"}), 422, "future-time"
    )
    early = preview(leader, PAST, as_of="2020-01-15T00:00:00Z")
    check_problem(leader.post(PAST, signing(early)), 400, "bad-input")
    ahead = {**signing(preview(leader)), "position": 10**9}
    check_problem(leader.post(PAST, ahead), 409, "ranking-stale")


def test_a_leader_of_a_town_does_not_rank_the_district(house: House) -> None:
    with house.site.open(DISTRICT) as services:
        key = asyncio.run(issue_key(services.engine, Role.LEADER, unit=d.TOWN, name="镇长"))
    check_problem(house.stranger(key.secret).get(f"{PAST}/preview"), 403, "role-forbidden")


def test_concerns_answer_as_every_ledger_does(house: House) -> None:
    for _ in range(5):
        house.integrator.report("夜间噪声", unit=d.COMMUNITY, category="concern-noise")
    asked: dict[str, str | int] = {"category": "concern-noise", "at_least": house.auditor.head()}
    answer = house.auditor.get("/ledgers/concerns", asked)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    assert (row["sort"], row["cases"], row["place"]) == ("recurring", 5, d.COMMUNITY)
    drilled = house.auditor.get("/" + row["drill"]).json()["items"]
    assert {one["id"] for one in drilled} == set(row["case_ids"].split(","))
    assert house.other_community.get("/ledgers/concerns", asked).json()["items"] == []
    summary = house.community.get("/ledgers/concerns/summary", asked).json()
    assert (summary["total"], summary["recurring"]) == (1, 1)
    then = {**asked, "as_of": "2020-01-01T00:00:00Z"}
    assert house.auditor.get("/ledgers/concerns", then).json()["items"] == []
    file = house.auditor.get("/ledgers/concerns", {**asked, "format": "csv"}).text
    assert "重复出现" in file
    assert "夜间噪声" not in file
    assert house.auditor.get("/ledgers/concerns", {**asked, "format": "xlsx"}).status_code == 200
    check_problem(house.auditor.get("/ledgers/concerns", {"colour": "x"}), 400, "unknown-parameter")
    assert "concerns" in {one["name"] for one in house.auditor.get("/ledgers").json()["items"]}
