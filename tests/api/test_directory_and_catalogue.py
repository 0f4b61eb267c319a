"""The directory, the catalogue and tables of codes over HTTP; and who sees shared units' cases."""

import asyncio
from datetime import date
from itertools import count
from typing import Any

from api.services import DistrictServices
from domain import facts as f
from domain.actor import Role
from domain.world import Draft
from eventlog.streams import stream_id
from tests.api.house import DISTRICT, House, Person
from tests.support import districts as d
from tests.support.commands import eventually
from workflows.administration import administrator, issue_key

_names = count(1)
LONG_AGO = date(2020, 1, 1)


def condition(number: int = 1, limit: str = "2nh", code: str = "component-01-01") -> dict[str, Any]:
    return {
        "code": code,
        "sort": "部件",
        "major": "公用设施",
        "minor": "上水井盖",
        "number": number,
        "condition": f"情形{number}",
        "closing": "恢复",
        "limit": limit,
    }


def record(house: House, *facts: f.Fact) -> None:
    """Record it as another process does; wait until the server knows it."""

    async def work(services: DistrictServices) -> int:
        engine = services.engine
        await engine.refresh()
        stream = stream_id(engine.district, f.DIRECTORY)
        drafts = [Draft(fact, engine.now()) for fact in facts]
        done = await engine.record(f.DIRECTORY, stream, drafts, administrator(engine, "test"))
        return done.last

    with house.site.open(DISTRICT) as services:
        position = asyncio.run(work(services))
    eventually(lambda: house.admin.get("/directory").json()["position"] >= position)


def test_a_catalogue_is_previewed_published_and_every_version_stays(house: House) -> None:
    name = f"catalogue-{next(_names)}"
    path = f"/catalogue/{name}/versions"
    body = {"conditions": [condition(), condition(2, "4wh")]}
    seen = house.admin.post(path, {**body, "preview": True}).json()
    assert (seen["version"], seen["position"]) == ("1", None)
    first = house.admin.post(path, body, key=f"k-{name}")
    assert first.json()["added"] == ["component-01-01"]
    second = house.admin.post(path, {"conditions": [condition(limit="1nh")]}).json()
    assert (second["version"], second["changed"]) == ("2", ["component-01-01"])
    assert house.admin.post(path, body, key=f"k-{name}").json() == first.json()
    shown = house.water.get("/catalogue", params={"name": name}).json()["items"]
    assert [one["limit"] for one in shown[0]["conditions"]] == ["1nh"]
    old = house.water.get("/catalogue", params={"name": name, "version": "1"}).json()["items"]
    assert [one["limit"] for one in old[0]["conditions"]] == ["2nh", "4wh"]
    versions = house.water.get("/catalogue/versions").json()["items"]
    assert [one["version"] for one in versions if one["name"] == name] == ["1", "2"]
    assert house.water.get("/catalogue", params={"name": "none"}).status_code == 404
    assert house.water.get("/catalogue/admitted").json()["items"] == []


def test_only_administrators_publish_and_limits_must_say_what_they_count(house: House) -> None:
    body = {"conditions": [condition()]}
    refused = house.community.post("/catalogue/x/versions", body)
    assert refused.json()["code"] == "role-forbidden"
    bare = house.admin.post("/catalogue/x/versions", {"conditions": [condition(limit="2天")]})
    assert (bare.status_code, bare.json()["code"]) == (422, "bare-duration")


def test_a_table_translates_reports_and_names_what_it_lacks(house: House) -> None:
    system = f"hotline-{next(_names)}"
    path = f"/code-tables/{system}/versions"
    told = house.admin.post(path, {"codes": {"0101": "component-01-01"}}, key=f"k-{system}")
    assert told.json() == {"system": system, "version": "1", "codes": 1}
    for number, code in enumerate(("0101", "0999")):
        source = {"system": system, "id": str(number)}
        case = house.integrator.report(category=code, source=source, unit=d.COMMUNITY)
        facts = house.admin.get(f"/cases/{case['id']}/events").json()["items"]
        mapped = [fact["data"] for fact in facts if fact["type"] == "category-mapped"]
        assert [one["code"] for one in mapped] == (["0101"] if code == "0101" else [])
    tables = house.water.get("/code-tables").json()["items"]
    assert {
        "system": system,
        "version": "1",
        "versions": 1,
        "codes": {"0101": "component-01-01"},
    } in tables


def test_the_directory_is_read_as_of_a_day_with_posts_and_vacancies(house: House) -> None:
    post = f"post-{next(_names)}"
    record(
        house,
        f.PostEstablished(post=post, unit=d.WATER, title="局长", role="department_officer"),
        f.DeputyNamed(post=post, person="R009", since=LONG_AGO, until=None),
    )
    vacant = house.water.get("/directory/vacancies").json()["items"]
    assert [one["deputy"] for one in vacant if one["post"] == post] == ["R009"]
    unit = house.water.get(f"/directory/units/{d.WATER}").json()
    assert unit["unit"]["path"] == [d.COUNTY, d.WATER]
    assert post in [one["post"] for one in unit["posts"]]
    assert house.water.get("/directory/units/nowhere").status_code == 422
    assert house.water.get("/directory", params={"as_of": "2001-01-01"}).json()["items"] == []
    assert house.water.get("/directory", params={"as_of": "昨天"}).status_code == 400
    assert house.water.get("/directory/unallotted").json()["items"] == []


def test_the_second_parents_people_see_the_cases_of_the_shared_unit(house: House) -> None:
    office = f"61032710000{next(_names)}P"
    relation = f"second_parent/{office}"
    record(
        house,
        f.UnitEstablished(
            unit=office, code=office, name=f"司法所{office}", level="department", parent=d.TOWN
        ),
    )
    case = house.integrator.report(unit=office)["id"]

    async def key() -> str:
        with house.site.open(DISTRICT) as services:
            await services.engine.refresh()
            issued = await issue_key(services.engine, Role.SUPERVISOR, unit=d.HOUSING, name=None)
            return issued.secret

    supervisor = Person(house.base, asyncio.run(key()))
    assert supervisor.get(f"/cases/{case}").status_code == 404
    record(
        house,
        f.UnitRelated(
            relation=relation,
            sort="second_parent",
            unit=office,
            other=d.HOUSING,
            person=None,
            since=LONG_AGO,
            until=None,
        ),
    )
    assert supervisor.get(f"/cases/{case}").status_code == 200
    assert house.water.get(f"/cases/{case}").status_code == 404
    supervisor.done(case, "note", note="已督促")
    record(house, f.RelationEnded(relation=relation, until=LONG_AGO))
    assert supervisor.get(f"/cases/{case}").status_code == 404
    supervisor.http.close()
