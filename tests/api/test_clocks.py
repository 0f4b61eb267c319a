"""Clocks over HTTP: all that is known of them, why they are due, whom time has told, who signed."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from api.routes.clocks import ExplainedChange, ExplainedRow, ExplanationDocument
from api.timed import ClockDocument, NoticeDocument, notices_of
from domain.actor import Actor, Role
from eventlog.database import Database
from eventlog.reader import read_stream
from tests.api.house import DISTRICT, House, Person, fresh_key
from tests.api.test_bad_input import ahead, check_problem
from tests.domain.test_golden import HISTORIES, happened, read
from tests.support import districts as d
from tests.support.given import OVERRIDE
from tests.support.stories import Teller, case_id, store
from workflows.engine import Caller, Engine


def items(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - an answer
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def clocks_of(person: Person, case: str, **moments: str) -> dict[str, dict[str, Any]]:
    return {one["clock"]: one for one in items(person.get(f"/cases/{case}/clocks", moments))}


def handled(house: House, urgency: str = "normal") -> str:
    """Return a case that the water bureau handles: within 5 working days, or urgently 24 hours."""
    case = str(house.grid.report("井盖破损")["id"])
    house.community.done(case, "accept")
    house.community.done(case, "grade", severity="serious", urgency=urgency, **OVERRIDE)
    house.dispatcher.done(case, "dispatch", lead=d.WATER)
    house.water.done(case, "start_handling")
    return case


def overdue(house: House) -> str:
    """Return a case whose source wanted it done before now, settled as the worker does."""
    case = house.integrator.report(
        "积水", unit=d.COMMUNITY, occurred_at=ahead(-120), due=ahead(-60)
    )
    settle(house, str(case["id"]))
    return str(case["id"])


def settle(house: House, case: str) -> None:
    async def work(engine: Engine) -> None:
        await engine.refresh()
        key = str(uuid4())
        timer = Actor(role=Role.TIMER)
        await engine.settle(case, Caller(actor=timer, client="timer", key=key, digest=bytes(32)))

    with house.site.open(DISTRICT) as services:
        asyncio.run(work(services.engine))


def test_a_clock_shows_its_limit_whom_it_binds_and_what_time_will_bring(house: House) -> None:
    case = handled(house)
    found = items(house.auditor.get(f"/cases/{case}/clocks"))
    assert all(set(one) == set(ClockDocument.__struct_fields__) for one in found)
    clocks = {one["clock"]: one for one in found}
    handling = clocks["handling"]
    assert (handling["name"], handling["title"]) == ("handling.1.1", "办理时限")
    assert handling["limit"] == {
        "origin": "kind",
        "version": "closed-loop@2.1.0",
        "by": "severity=serious",
    }
    assert (handling["answerable"], clocks["total"]["answerable"]) == (d.WATER, None)
    names = [point["name"] for point in handling["plan"]]
    assert {"threshold:50%", "threshold:80%", "breach", "rung:2"} <= set(names)
    assert [point["at"] for point in handling["plan"]] == sorted(
        point["at"] for point in handling["plan"]
    )
    breach = next(point["at"] for point in handling["plan"] if point["name"] == "breach")
    assert moment(breach) == moment(handling["due"]) + timedelta(seconds=1)
    assert (clocks["acceptance"]["status"], clocks["acceptance"]["met"]) == ("stopped", True)
    assert clocks["acceptance"]["plan"] == []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_due_of_a_case_is_that_of_the_clock_that_counts_and_ends_first(house: House) -> None:
    case = handled(house)
    clocks = clocks_of(house.auditor, case)
    shown = house.auditor.get(f"/cases/{case}").json()
    assert (shown["due"], shown["due_clock"]) == (clocks["handling"]["due"], "handling")
    house.water.done(
        case,
        "request_suspension",
        reason_code="awaiting_parties",
        until=ahead(60 * 24 * 3),
        evidence="当事人外出",
    )
    state = house.community.done(case, "grant_suspension")
    paused = clocks_of(house.auditor, case)
    assert (paused["handling"]["status"], paused["total"]["status"]) == ("paused", "running")
    assert (state["due"], state["due_clock"]) == (paused["total"]["due"], "total")
    (hold,) = paused["handling"]["holds"]
    assert (hold["reason"], hold["title"]) == ("awaiting_parties", "等待当事人")
    assert paused["handling"]["paused_at"] == hold["since"]
    assert [one["name"] for one in paused["handling"]["plan"]] == ["resume:awaiting_parties"]
    time.sleep(1.1)  # a pause is a span of whole seconds
    house.water.done(case, "resume")
    resumed = clocks_of(house.auditor, case)["handling"]
    assert (resumed["status"], resumed["generation"]) == ("running", 2)
    assert (len(resumed["pauses"]), resumed["holds"], resumed["paused_at"]) == (1, [], None)


def test_an_extension_shows_and_so_does_the_clock_before_it(house: House) -> None:
    case = handled(house)
    before = house.auditor.get(f"/cases/{case}").json()["version"]
    house.water.done(case, "request_extension", asked="3wd", reason="等待配件")
    house.community.done(case, "grant_extension", granted="2wd")
    now = clocks_of(house.auditor, case)["handling"]
    then = clocks_of(house.auditor, case, version=str(before))["handling"]
    assert (now["extensions"], then["extensions"]) == (["2wd"], [])
    assert moment(now["due"]) > moment(then["due"])
    assert (now["generation"], then["generation"]) == (2, 1)


def test_clocks_are_read_as_of_a_moment_and_as_known_then(house: House) -> None:
    case = str(house.integrator.report("旧事", unit=d.COMMUNITY, occurred_at=ahead(-60))["id"])
    half = ahead(-30)
    then = clocks_of(house.auditor, case, as_of=half)
    assert set(then) == {"total"} or "acceptance" in then
    check_problem(house.auditor.get(f"/cases/{case}/clocks", {"known_at": half}), 404, "not-found")
    check_problem(
        house.auditor.get(f"/cases/{case}/clocks", {"when": half}), 400, "unknown-parameter"
    )
    check_problem(
        house.auditor.get(f"/cases/{case}/clocks", {"version": 1, "as_of": half}), 400, "bad-input"
    )


def test_a_due_that_the_source_sets_is_a_clock_of_its_own(house: House) -> None:
    due = ahead(60)
    case = house.integrator.report("积水", unit=d.COMMUNITY, due=due)
    source = clocks_of(house.auditor, case["id"])["source"]
    assert moment(source["due"]) == datetime.fromisoformat(due).replace(microsecond=0)
    assert (source["budget"], source["limit"]["origin"]) == ("date", "source")
    assert case["due"] <= source["due"]
    whole = house.auditor.get(f"/cases/{case['id']}").json()
    assert whole["source_due"] == source["due"]
    for wrong, code in (
        ("2026-10-12", "naive-time"),
        (5, "naive-time"),
        (ahead(-60), "unknown-field"),
    ):
        answer = house.integrator.post("/cases", {"title": "积水", "due": wrong})
        check_problem(answer, 422, code, "/due")


def test_a_computation_adds_up_and_agrees_with_the_due(house: House) -> None:
    case = handled(house, "urgent")
    time.sleep(1.1)  # so that some of it is lived through
    answer = house.auditor.get(f"/cases/{case}/clocks/handling/explain")
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert set(found) == set(ExplanationDocument.__struct_fields__)
    assert set(found["rows"][0]) == set(ExplainedRow.__struct_fields__)
    assert set(found["changes"][0]) == set(ExplainedChange.__struct_fields__)
    assert (found["clock"], found["agrees"]) == ("handling.1.1", True)
    assert found["due"] == clocks_of(house.auditor, case)["handling"]["due"]
    counted = [row for row in found["rows"] if row["counted"] and not row["overrun"]]
    assert sum(row["amount"] for row in counted) == found["size"]
    lived = [row for row in counted if not row["ahead"]]
    assert {(row["charged_to"], row["charged_to_name"]) for row in lived} == {(d.WATER, "水务局")}
    assert found["rows"][0]["text"]


def test_a_computation_can_be_read_as_of_then_and_by_the_whole_name(house: House) -> None:
    case = handled(house)
    whole = house.auditor.get(f"/cases/{case}/clocks/handling.1.1/explain").json()
    version = house.auditor.get(f"/cases/{case}").json()["version"]
    house.water.done(case, "request_extension", asked="3wd", reason="等待配件")
    house.community.done(case, "grant_extension")
    now = house.auditor.get(f"/cases/{case}/clocks/handling/explain").json()
    then = house.auditor.get(f"/cases/{case}/clocks/handling/explain", {"version": version}).json()
    assert (now["extensions"], then["extensions"]) == (["3wd"], [])
    assert (then["due"], then["size"]) == (whole["due"], whole["size"])
    assert [change["code"] for change in now["changes"]] == ["started", "extension-granted"]


def test_an_unknown_clock_is_refused_with_those_there_are(house: House) -> None:
    case = handled(house)
    for name in ("nothing", "handling.1.9", "handling@task:1", "x" * 300, "@"):
        answer = house.auditor.get(f"/cases/{case}/clocks/{name}/explain")
        check_problem(answer, 404, "not-found")
        assert "handling.1.1" in answer.json()["detail"] or name == "@"


def test_notices_tell_who_was_told_and_a_receipt_is_signed_once(house: House) -> None:
    case = overdue(house)
    found = items(house.auditor.get(f"/cases/{case}/notices"))
    assert all(set(one) == set(NoticeDocument.__struct_fields__) for one in found)
    told = {one["step"]: one for one in found}
    supervise = told["supervise"]
    assert (supervise["state"], supervise["clock"]) == ("issued", "source.1.1")
    assert (supervise["recipient"]["role"], supervise["recipient"]["unit"]) == (
        "supervisor",
        d.COUNTY,
    )
    assert supervise["acknowledge_by"] is not None
    path, key = f"/cases/{case}/notices/{supervise['notice']}/receipt", fresh_key()
    check_problem(house.community.post(path), 403, "role-forbidden")
    before = house.auditor.get(f"/cases/{case}").json()["version"]
    stale = house.supervisor.post(path, If_Match=f'"{before - 1}"')
    check_problem(stale, 412, "version-stale")
    signed = house.supervisor.post(path, {}, key=key)
    assert (signed.status_code, signed.json()["version"]) == (200, before + 1)
    assert signed.headers["etag"] == f'"{before + 1}"'
    again = house.supervisor.post(path, {}, key=key)
    assert (again.status_code, again.content) == (200, signed.content)
    check_problem(house.supervisor.post(path), 404, "not-found")
    after = next(
        one
        for one in items(house.auditor.get(f"/cases/{case}/notices"))
        if one["notice"] == supervise["notice"]
    )
    assert (after["state"], after["acknowledged_by"][:4]) == ("acknowledged", "key:")
    then = items(house.auditor.get(f"/cases/{case}/notices", {"version": before}))
    assert {one["state"] for one in then} == {"issued"}


def test_what_became_of_each_notice_is_told_by_its_facts(district: Database) -> None:
    [path] = [path for path in HISTORIES if path.stem == "escalated-digest-after-downtime"]
    teller = Teller()
    store(district, [[teller.tell(1, fact, at) for fact, at in happened(read(path))]])
    with district.connect() as connection:
        notices = notices_of(read_stream(connection, case_id(1)))
    assert [one.notice for one in notices] == list(range(1, len(notices) + 1))
    handler, supervisor, dispatcher, leader, reminder = notices
    assert [one.state for one in notices] == [
        "delivered",
        "acknowledged",
        "delivered",
        "missed",
        "issued",
    ]
    assert (handler.channel, handler.attempts, handler.receipt) == ("webhook", 1, "200")
    assert handler.covers[-1] == "handling/rung:3"
    assert supervisor.recipient.vacant != []
    assert (supervisor.undeliverable_reason, supervisor.attempts) == ("http-503", 9)
    assert supervisor.acknowledged_by == supervisor.recipient.person
    assert (dispatcher.recipient.role, dispatcher.acknowledge_by) == ("dispatcher", None)
    assert leader.missed_at == leader.acknowledge_by
    assert (reminder.cause, reminder.delivered_at) == ("rung:3", None)


def test_a_receipt_needs_a_key_a_notice_and_a_case(house: House) -> None:
    case = overdue(house)
    path = f"/cases/{case}/notices"
    bare = house.supervisor.http.post(f"{house.supervisor.base}{path}/1/receipt", json={})
    check_problem(bare, 400, "key-missing")
    for number in ("0", "99", "x", "1" * 30, "一", "-1"):
        check_problem(house.supervisor.post(f"{path}/{number}/receipt"), 404, "not-found")
    check_problem(house.supervisor.post(f"{path}/1/receipt", {"x": 1}), 422, "unknown-field")
    nowhere = f"/cases/{uuid4()}"
    check_problem(house.supervisor.post(f"{nowhere}/notices/1/receipt"), 404, "not-found")
    check_problem(house.supervisor.post("/cases/x/notices/1/receipt"), 404, "not-found")
    check_problem(house.auditor.post(f"{path}/1/receipt"), 403, "role-forbidden")


def test_clocks_notices_and_computations_lie_within_the_scope(house: House) -> None:
    case = overdue(house)
    for path in ("clocks", "clocks/total/explain", "notices"):
        assert house.community.get(f"/cases/{case}/{path}").status_code == 200
        assert house.auditor.get(f"/cases/{uuid4()}/{path}").status_code == 404
        check_problem(house.other_community.get(f"/cases/{case}/{path}"), 404, "not-found")
    hidden = house.other_community.post(f"/cases/{case}/notices/1/receipt")
    check_problem(hidden, 404, "not-found")


def test_the_ledger_lists_what_is_late_paused_and_red(house: House) -> None:
    case = overdue(house)
    position = house.auditor.get(f"/cases/{case}").json()["position"]
    number = house.auditor.get(f"/cases/{case}").json()["number"]

    def clocks(**filters: str) -> set[str]:
        asked: Mapping[str, str | int] = {"number": number, "at_least": position, **filters}
        return {row["clock"] for row in items(house.auditor.get("/ledgers/deadlines", asked))}

    assert clocks(light="red") == clocks(overdue="true") == {"source"}
    assert "source" in clocks(warned="true")
    assert clocks(paused="true") == clocks(extended="true") == clocks(short_pause="true") == set()
    wrong = house.auditor.get("/ledgers/deadlines", {"paused": "perhaps"})
    check_problem(wrong, 422, "unknown-field", "paused")


def test_the_description_has_the_shapes_of_clocks_and_notices(house: House) -> None:
    schemas = house.auditor.http.get("/v1/openapi.json").json()["components"]["schemas"]
    assert {"ClockDocument", "ExplanationDocument", "NoticeDocument", "PointState"} <= set(schemas)
    assert {"due_clock", "source_due"} <= set(schemas["CaseDocument"]["properties"])
    assert "due" in schemas["ReportBody"]["properties"]
