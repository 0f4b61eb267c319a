"""保密、身份隐藏、回避: through every way in which a case can be read."""

import asyncio
import re
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor, Role
from domain.world import Draft
from eventlog.streams import stream_id
from tests.api.house import DISTRICT, House, Person
from tests.support import districts as d
from workflows.administration import administrator, issue_key
from workflows.engine import Engine

POST = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2c01"
OTHER_POST = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2c02"
PERSON = "0c9b7f5e-58a4-4b53-8a0f-3c1f9f1d7c03"
REASON = {"reason": "涉及个人隐私"}
PLACE = {"type": "Point", "coordinates": [107.3911, 34.5211], "crs": "wgs84"}
NEAR = {"longitude": "107.3911", "latitude": "34.5211", "crs": "wgs84"}

HOLDERS: dict[str, tuple[Role, str | None, str | None, str | None]] = {
    "confidant": (Role.DEPARTMENT_OFFICER, d.WATER, POST, None),
    "elsewhere": (Role.COMMUNITY_OFFICER, d.COMMUNITY, OTHER_POST, None),
    "person": (Role.SUPERVISOR, None, None, PERSON),
    "leader": (Role.LEADER, None, None, None),
}
People = dict[str, Person]


@pytest.fixture(scope="session")
def people(house: House) -> Generator[People]:
    """Return people whose keys say who acts: by post, by person."""

    async def work(engine: Engine) -> dict[str, str]:
        await engine.refresh()
        posts = [
            f.PostEstablished(post=POST, unit=d.WATER, title="专办员", role="department_officer"),
            f.PostEstablished(post=OTHER_POST, unit=d.COMMUNITY, title="主任", role="leader"),
        ]
        drafts = [Draft(one, engine.now()) for one in (*posts, f.PersonRegistered(person=PERSON))]
        stream = stream_id(engine.district, f.DIRECTORY)
        await engine.record(f.DIRECTORY, stream, drafts, administrator(engine, "posts"))
        return {
            name: (
                await issue_key(engine, role, unit=unit, name=None, post=post, person=person)
            ).secret
            for name, (role, unit, post, person) in HOLDERS.items()
        }

    with house.site.open(DISTRICT) as services:
        secrets = asyncio.run(work(services.engine))
    found = {name: Person(house.base, secret) for name, secret in secrets.items()}
    # The server learns of keys and posts at most a second later.
    for person in found.values():
        assert person.get("/cases/none").status_code == 404
    yield found
    for person in found.values():
        person.http.close()


def paths(house: House) -> list[str]:
    """Return every address by which a case is read, with `{case_id}` to fill in."""
    document = house.auditor.http.get("/v1/openapi.json").json()
    base = "/v1/districts/{district}"
    found = [path.removeprefix(base) for path, ways in document["paths"].items() if "get" in ways]
    return [path for path in found if "{case_id}" in path]


def filled(path: str, case: dict[str, Any]) -> str:
    """Fill in an address; what is not there of the case must not tell whether the case is."""
    known = {"case_id": case["id"], "clock": "total", "leader": "x"}
    address = re.sub(r"{(\w+)(?::\w+)?}", lambda match: str(known.get(match[1], "1")), path)
    return f"{address}?from=1" if address.endswith("/diff") else address


ABSENT = "6f0c4a53-94b9-4a6f-8f0a-0d5c31a4afff"


def looks_absent(person: Person, path: str, case: dict[str, Any]) -> bool:
    """Whether an address answers for a case as it answers for one that never was."""
    told = [person.get(filled(path, one)) for one in (case, {"id": ABSENT})]
    first, second = ({**one.json(), "trace_id": ""} for one in told)
    return first == second and told[0].status_code in {403, 404}


def confidential(house: House, source: str) -> dict[str, Any]:
    case = house.integrator.report(
        unit=d.GRID, location=PLACE, source={"system": "hotline", "id": source}
    )
    house.supervisor.done(case["id"], "set_confidentiality", posts=[POST], **REASON)
    return dict(house.admin.get(f"/cases/{case['id']}").json())


def _after(moment: str) -> str:
    """Return the next second: answers cut the fractions of a moment off."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=1)).isoformat()


def sees_anywhere(person: Person, case: dict[str, Any], position: int) -> list[str]:
    """Return the lists in which somebody finds a case."""
    params = {"at_least": position, "number": case["number"]}
    found: list[str] = []
    ways: dict[str, dict[str, Any]] = {
        "now": {},
        "as_of": {"as_of": case["reported_at"]},
        "known_at": {"known_at": _after(case["changed_at"])},
    }
    for name, moment in ways.items():
        rows = person.get("/ledgers/cases", params | moment).json()["items"]
        total = person.get("/ledgers/cases/summary", params | moment).json()["total"]
        assert total == len(rows), name
        found += [f"cases {name}"] * bool(rows)
    after = {"at_least": position, "limit": 500}
    rows = person.get("/ledgers/deadlines", after).json()["items"]
    found += ["deadlines"] * any(row["id"] == case["id"] for row in rows)
    near = person.get("/duplicates", NEAR).json()["items"]
    found += ["duplicates"] * any(one["id"] == case["id"] for one in near)
    text = person.get("/ledgers/cases", params | {"format": "csv"}).text
    found += ["csv"] * (case["number"] in text)
    feed = person.get("/events", {"after": case["position"] - 20, "limit": 200}).json()
    found += ["feed"] * any(one["subject"] == f"cases/{case['id']}" for one in feed["items"])
    return found


EVERYWHERE = [
    "cases now",
    "cases as_of",
    "cases known_at",
    "deadlines",
    "duplicates",
    "csv",
    "feed",
]


def test_a_confidential_case_is_there_for_the_named_post_and_overseers_alone(
    house: House, people: People
) -> None:
    case = confidential(house, "confidential-1")
    position = case["position"]
    outsiders = {
        "community": house.community,
        "grid": house.grid,
        "town": house.town,
        "dispatcher": house.dispatcher,
        "supervisor": house.supervisor,
        "integrator": house.integrator,
        "dashboard": house.dashboard,
        "another post": people["elsewhere"],
        "leader": people["leader"],
    }
    for name, person in outsiders.items():
        for path in paths(house):
            assert looks_absent(person, path, case), (name, path)
        by_source = person.get("/cases/by-source/hotline/confidential-1")
        assert by_source.status_code == 404, name
        assert sees_anywhere(person, case, position) == [], name
    insiders = {"post": people["confidant"], "admin": house.admin, "auditor": house.auditor}
    for name, person in insiders.items():
        assert person.get(f"/cases/{case['id']}").status_code == 200, name
        assert person.get("/cases/by-source/hotline/confidential-1").status_code == 200
        assert sees_anywhere(person, case, position) == EVERYWHERE, name


def test_acting_on_a_confidential_case_looks_like_acting_on_none(house: House) -> None:
    case = confidential(house, "confidential-2")
    answer = house.community.act(case["id"], "accept")
    absent = house.community.act(ABSENT, "accept")
    hidden, none = answer.json(), absent.json()
    for one in (hidden, none):
        del one["trace_id"]
    assert (answer.status_code, hidden) == (404, none)


def test_reporting_the_same_source_again_tells_nothing(house: House) -> None:
    confidential(house, "confidential-3")
    body = {"title": "另一件", "source": {"system": "hotline", "id": "confidential-3"}}
    answer = house.integrator.post("/cases", body)
    assert answer.status_code == 409
    assert "管辖" in answer.json()["detail"]
    assert "610327-" not in answer.text


def test_confidentiality_can_be_lifted_and_everybody_sees_it_again(
    house: House, people: People
) -> None:
    case = confidential(house, "confidential-4")
    lifted = house.admin.done(case["id"], "set_confidentiality", posts=[], **REASON)
    assert house.community.get(f"/cases/{case['id']}").status_code == 200
    seen = sees_anywhere(house.community, case, lifted["position"])
    assert {"cases now", "cases as_of", "deadlines", "duplicates", "csv", "feed"} <= {*seen, "feed"}
    assert people["elsewhere"].get(f"/cases/{case['id']}").status_code == 200


def test_a_post_must_exist(house: House) -> None:
    case = house.integrator.report(unit=d.GRID)
    answer = house.supervisor.act(case["id"], "set_confidentiality", posts=["没有"], **REASON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/data/posts/0"


def test_a_recused_unit_and_all_below_it_see_nothing_and_touch_nothing(house: House) -> None:
    case = house.integrator.report(unit=d.GRID, location=PLACE)
    done = house.dispatcher.done(
        case["id"], "declare_recusal", unit=d.COMMUNITY, reason="被反映的单位"
    )
    shown = house.admin.get(f"/cases/{case['id']}").json()
    for name, person in {"community": house.community, "grid": house.grid}.items():
        for path in paths(house):
            assert looks_absent(person, path, case), (name, path)
        assert sees_anywhere(person, shown, done["position"]) == [], name
        assert person.act(case["id"], "accept").status_code == 404
    assert done["holder"] == d.TOWN, "it passes to the unit above"
    assert house.town.get(f"/cases/{case['id']}").status_code == 200
    house.dispatcher.done(case["id"], "lift_recusal", unit=d.COMMUNITY, reason="查无此事")
    assert house.community.get(f"/cases/{case['id']}").status_code == 200


def test_nothing_is_given_to_a_recused_unit(house: House) -> None:
    case = house.integrator.report(unit=d.GRID)
    house.dispatcher.done(case["id"], "declare_recusal", unit=d.WATER, reason="被反映的单位")
    house.community.done(case["id"], "accept")
    grade = {"severity": "general", "override_reason": "现场核定"}
    house.community.done(case["id"], "grade", **grade)
    answer = house.dispatcher.act(case["id"], "dispatch", lead=d.WATER)
    assert (answer.status_code, answer.json()["code"]) == (403, "recused")
    house.dispatcher.done(case["id"], "dispatch", lead=d.HOUSING)


def test_a_lead_that_is_complained_about_loses_the_case(house: House) -> None:
    case = house.integrator.report(unit=d.GRID)
    house.community.done(case["id"], "accept")
    house.community.done(case["id"], "grade", severity="general", override_reason="现场核定")
    house.dispatcher.done(case["id"], "dispatch", lead=d.WATER)
    answer = house.dispatcher.act(case["id"], "declare_recusal", unit=d.WATER, **REASON)
    assert (answer.status_code, answer.json()["code"]) == (409, "recused-leads")
    done = house.dispatcher.done(case["id"], "recuse_lead", unit=d.WATER, **REASON)
    assert (done["stage"], done["holder"]) == ("awaiting_dispatch", d.COMMUNITY)
    assert house.water.get(f"/cases/{case['id']}").status_code == 404


def test_a_recused_person_sees_nothing_others_of_their_role_do(
    house: House, people: People
) -> None:
    case = house.integrator.report(unit=d.GRID, location=PLACE)
    done = house.dispatcher.done(case["id"], "declare_recusal", person=PERSON, **REASON)
    shown = house.admin.get(f"/cases/{case['id']}").json()
    assert people["person"].get(f"/cases/{case['id']}").status_code == 404
    assert sees_anywhere(people["person"], shown, done["position"]) == []
    assert house.supervisor.get(f"/cases/{case['id']}").status_code == 200


def test_a_hidden_reporter_is_read_by_intake_and_callback_alone(house: House) -> None:
    case = house.integrator.report(
        unit=d.GRID,
        identity="hidden",
        reporter={"name": "张三", "phone": "13900000000"},
        agent={"name": "李四", "relation": "family"},
    )
    one = f"/cases/{case['id']}"
    for person in (house.community, house.town, house.supervisor, house.auditor, house.grid):
        told = person.get(one).json()
        assert told["reporter"] == {"name": "已隐藏", "phone": "已隐藏"}
        assert told["title"] == "井盖破损"
        for path in (f"{one}/events", f"{one}?version=1", f"{one}/diff?from=1"):
            answer = (
                person.get(path.split("?")[0], dict([path.split("?")[1].split("=")]))
                if ("?" in path)
                else person.get(path)
            )
            assert answer.status_code == 200
            for secret in ("张三", "13900000000", "李四"):
                assert secret not in answer.text, path
    for person in (house.integrator, house.dispatcher, house.admin):
        assert person.get(one).json()["reporter"]["name"] == "张三"
    facts = [fact["type"] for fact in house.admin.get(f"{one}/events").json()["items"]]
    assert facts[:3] == ["case-reported", "identity-hidden", "agency-recorded"]


def test_whoever_calls_back_reads_the_hidden_reporter_then(house: House) -> None:
    case = house.integrator.report(unit=d.GRID, identity="hidden", reporter={"name": "王五"})["id"]
    house.community.done(case, "accept")
    house.community.done(case, "grade", severity="general", override_reason="现场核定")
    house.dispatcher.done(case, "dispatch", lead=d.WATER)
    house.water.done(case, "start_handling")
    house.water.done(case, "claim_completion", evidence="已处理")
    house.community.done(case, "verify")
    assert house.community.get(f"/cases/{case}").json()["reporter"]["name"] == "已隐藏"
    house.community.done(case, "close", grade="substantive")
    assert house.community.get(f"/cases/{case}").json()["reporter"]["name"] == "王五"
    assert house.water.get(f"/cases/{case}").json()["reporter"]["name"] == "已隐藏"


def test_on_whose_behalf_is_recorded_and_sealed(house: House) -> None:
    case = house.integrator.report(unit=d.GRID, reporter={"name": "赵奶奶"})["id"]
    done = house.community.done(case, "record_agency", relation="neighbour", agent_name="小孙")
    facts = house.community.get(f"/cases/{case}/events").json()["items"]
    fact = facts[-1]
    assert fact["type"] == "agency-recorded"
    assert fact["data"]["relation"] == "neighbour"
    assert fact["actor"]["role"] == "community_officer"
    assert [(one["field"], one["subject"]) for one in fact["sealed"]] == [
        ("agent_name", "reporter")
    ]
    assert fact["texts"] == {"agent_name": "小孙"}
    assert done["version"] == fact["version"]


def test_an_agent_needs_a_name_and_a_known_relation(house: House) -> None:
    body = {"title": "t", "unit": d.GRID, "agent": {"phone": "1"}}
    answer = house.integrator.post("/cases", body)
    assert answer.json()["errors"][0]["pointer"] == "/agent/name"
    body = {"title": "t", "unit": d.GRID, "agent": {"name": "李", "relation": "张三的儿子"}}
    answer = house.integrator.post("/cases", body)
    assert answer.json()["errors"][0]["pointer"] == "/agent/relation"


def test_a_key_carries_its_post_and_person(house: House, people: People) -> None:
    assert people
    body = {"role": "leader", "post": POST, "person": PERSON}
    issued = house.admin.post("/keys", body)
    assert issued.status_code == 201, issued.text
    keys = {one["key"]: one for one in house.admin.get("/keys").json()["items"]}
    mine = keys[issued.json()["key"]]
    assert (mine["post"], mine["person"]) == (POST, PERSON)
    for field in ("post", "person"):
        answer = house.admin.post("/keys", {"role": "leader", field: "没有"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")
    holder = house.stranger(issued.json()["secret"])
    case = holder.get("/cases/none")
    assert case.status_code == 404


def test_facts_say_who_acted_by_post_and_person(house: House, people: People) -> None:
    case = house.integrator.report(unit=d.GRID)["id"]
    people["elsewhere"].done(case, "accept")
    fact = house.admin.get(f"/cases/{case}/events").json()["items"]
    accepted = next(one for one in fact if one["type"] == "case-accepted")
    assert accepted["actor"]["post"] == OTHER_POST
    assert Actor(role=Role.ADMIN).within == ()
