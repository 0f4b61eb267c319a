"""Registers over HTTP: checked, previewed, published, activated beside the old one, retired."""

import asyncio
import threading

from api.registers import activate, look_at, publish, version_of
from eventlog.database import Database
from projections.registers.building import ensure
from projections.registers.language import SHIPPED, published_register
from tests.api.house import DISTRICT, House, fresh_key

TEXT = """\
register: {name}
version: {version}
title: 民声台账
kinds: [public-reply]
columns:
  - {{from: case.number}}
  - {{from: case.title, label: 来信, class: internal}}
  - {{name: came_on, label: 收件日期, from: case-reported.on}}
  - {{name: replies, label: {label}, from: case-replied, take: count}}
  - {{from: case.stage, label: 环节, words: {{received: 已收到}}}}
filters: [came_on, stage]
sort: [number]
summary: {{by: [stage], count: [replies]}}
workbook: {{title: 民声, frozen: 1, groups: [{{label: 办理, columns: [replies, stage]}}]}}
"""


def text(name: str, version: str = "1.0.0", label: str = "答复次数") -> str:
    return TEXT.format(name=name, version=version, label=label)


def listed(house: House) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in house.auditor.get("/ledgers").json()["items"]}


def test_the_shipped_registers_stand_beside_the_ledgers_in_code(house: House) -> None:
    ledgers = listed(house)
    assert set(SHIPPED) <= set(ledgers)
    assert (ledgers["hazards"]["sort"], ledgers["cases"]["sort"]) == ("register", "code")
    assert house.auditor.get("/ledgers/hazards", {"open": "true"}).status_code == 200
    assert house.auditor.get("/ledgers/hazards/summary").json()["total"] >= 0
    states = {one["name"]: one["state"] for one in house.auditor.get("/registers").json()["items"]}
    assert {states[name] for name in SHIPPED} == {"active"}


def test_a_register_is_checked_previewed_published_read_and_retired(house: House) -> None:
    case = house.integrator.report("路灯何时修", kind="public-reply")
    source = text("voices")
    checked = house.admin.post("/registers/check", {"source": source}).json()
    assert (checked["valid"], checked["problems"]) == (True, [])
    house.admin.get("/ledgers/cases", {"at_least": house.admin.head()})
    preview = house.admin.post("/registers/preview", {"source": source}).json()
    assert preview["summary"]["total"] >= 1
    assert "title" not in preview["items"][0], "a sealed text's place is of no use outside"
    assert "voices" not in listed(house)
    told = house.admin.post("/registers", {"source": source, "activate": True})
    assert (told.status_code, told.json()["state"]) == (201, "active"), told.text
    page = house.auditor.get("/ledgers/voices", {"at_least": house.admin.head()}).json()
    assert case["number"] in [one["number"] for one in page["items"]]
    columns = {one["name"]: one for one in listed(house)["voices"]["columns"]}  # type: ignore[attr-defined]
    assert columns["stage"]["words"] == {"received": "已收到"}
    csv = house.auditor.get("/ledgers/voices", {"format": "csv"}).text
    assert csv.splitlines()[0].endswith("编号,收件日期,答复次数,环节")
    assert "已收到" in csv
    nobody = house.other_community.get("/ledgers/voices").json()["items"]
    assert case["number"] not in [one["number"] for one in nobody]
    retired = house.admin.post("/registers/voices/retire")
    assert (retired.status_code, retired.json()["state"]) == (200, "retired")
    assert house.auditor.get("/ledgers/voices").status_code == 404
    again = house.admin.post("/registers/voices/activate", {"version": "1.0.0"}).json()
    assert again["state"] == "active"
    assert house.auditor.get("/ledgers/voices").json()["items"] != []


def test_what_is_wrong_comes_back_with_lines_and_pointers(house: House) -> None:
    wrong = text("wrong").replace("case-replied", "case-replyed")
    checked = house.admin.post("/registers/check", {"source": wrong}).json()
    (problem,) = checked["problems"]
    assert (checked["valid"], problem["path"]) == (False, "columns.3.from")
    assert wrong.splitlines()[problem["line"] - 1] == problem["text"]
    assert "是不是“case-replied”" in problem["problem"]
    refused = house.admin.post("/registers", {"source": wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-register")
    assert refused.json()["errors"][0]["pointer"] == "/columns/3/from"
    for name in ("cases", "notices", "concerns"):
        taken = house.admin.post("/registers", {"source": text(name)})
        assert "程序自带的台账" in taken.json()["errors"][0]["detail"]


def test_only_an_administrator_manages_registers(house: House) -> None:
    for path in ("/registers", "/registers/check", "/registers/preview"):
        assert house.supervisor.post(path, {"source": text("nobody")}).status_code == 403
    assert house.supervisor.post("/registers/hazards/retire").status_code == 403
    assert house.supervisor.get("/registers").status_code == 200


def test_another_version_is_built_beside_and_the_old_one_answers_until_then(house: House) -> None:
    house.integrator.report("何时通水", kind="public-reply")
    house.admin.post("/registers", {"source": text("water-voices"), "activate": True})
    second = text("water-voices", "1.1.0", "答复（次）")
    house.admin.post("/registers", {"source": second})
    stop, answers = threading.Event(), list[int]()

    def look() -> None:
        person = house.stranger(house.secrets["auditor"])
        while not stop.is_set():
            answers.append(person.get("/ledgers/water-voices").status_code)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        done = house.admin.post("/registers/water-voices/activate", {"version": "1.1.0"})
    finally:
        stop.set()
        looking.join()
    assert (done.status_code, done.json()["state"]) == (200, "active")
    assert set(answers) == {200}, "nobody was ever turned away"
    labels = [one["label"] for one in listed(house)["water-voices"]["columns"]]  # type: ignore[attr-defined]
    assert "答复（次）" in labels
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        query = "SELECT name FROM checkpoint WHERE name LIKE 'register\\_water%'"
        kept = [name for (name,) in connection.execute(query).fetchall()]
    assert kept == [published_register(second).ledger.tables.name], "the old one was dropped"


def test_what_another_process_takes_into_use_is_served_without_a_restart(house: House) -> None:

    with house.site.open(DISTRICT) as services:

        async def work() -> None:
            found = look_at(text("elsewhere"), await services.engine.refresh())
            await publish(services, found)
            definitions = (await services.engine.refresh()).definitions
            await activate(services, version_of(definitions, "elsewhere", "1.0.0"))

        asyncio.run(work())
    house.integrator.report("何时供暖", kind="public-reply")
    head = house.admin.head()
    page = house.auditor.get("/ledgers/elsewhere", {"at_least": head})
    assert page.status_code == 200, page.text
    assert page.json()["position"] >= head


def test_an_interrupted_build_goes_on_and_the_same_request_may_be_sent_again(house: House) -> None:
    source = text("slowly")
    house.admin.post("/registers", {"source": source})
    with house.site.open(DISTRICT) as services:
        database: Database = services.database
        with database.connection() as connection:  # as a killed process leaves it
            ensure(connection, published_register(source).ledger, state="building")
    stands = {one["name"]: one for one in house.admin.get("/registers").json()["items"]}
    assert (stands["slowly"]["state"], stands["slowly"]["built"]) == ("building", 0)
    assert house.auditor.get("/ledgers/slowly").status_code == 404
    key = fresh_key()
    for _ in range(2):
        done = house.admin.post("/registers/slowly/activate", {"version": "1.0.0"}, key=key)
        assert (done.status_code, done.json()["state"]) == (200, "active")
    unknown = house.admin.post("/registers/slowly/activate", {"version": "9.0.0"})
    assert unknown.status_code == 404
