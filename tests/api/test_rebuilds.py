"""台账重建 over HTTP: begun by an administrator, followed by its progress, the result told."""

import time
from typing import Any

from eventlog.database import Database
from tests.api.house import DISTRICT, House, Person
from tests.support.log import new_id


def ended(person: Person, ledger: str = "cases", seconds: float = 30) -> dict[str, Any]:
    """Wait until a rebuild has ended and the ledger has followed."""
    found: dict[str, Any] = {}
    for _ in range(int(seconds / 0.05)):
        found = dict(person.get(f"/ledgers/{ledger}/rebuild").json())
        if found["state"] == "live" and found["behind"] == 0 and found["compared"]:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def database_of(house: House) -> Database:
    return Database(house.site.dsn, house.site.districts()[DISTRICT])


def test_an_administrator_rebuilds_a_ledger_and_is_told_what_differed(house: House) -> None:
    case = house.community.report("井盖破损")
    house.admin.get("/ledgers/cases", {"at_least": house.admin.head()})
    with database_of(house).connect() as connection:
        connection.execute("UPDATE cases SET stage = 'wrong' WHERE case_id = %s", (case["id"],))
    begun = house.admin.post("/ledgers/cases/rebuild")
    assert begun.status_code == 202, begun.text
    assert begun.json()["ledger"] == "cases"
    found = ended(house.admin)
    assert found["compared"]["comparable"]
    assert found["compared"]["first"] == [case["id"]]
    assert found["compared"]["text"] == found["detail"]
    rows = house.community.get("/ledgers/cases", {"number": case["number"]}).json()["items"]
    assert rows[0]["stage"] != "wrong"


def test_only_administrators_may(house: House) -> None:
    for person in (house.auditor, house.town, house.dashboard):
        assert person.post("/ledgers/cases/rebuild").status_code == 403
        assert person.get("/ledgers/cases/rebuild").status_code == 403


def test_an_unknown_ledger_is_not_found(house: House) -> None:
    assert house.admin.post("/ledgers/nothing/rebuild").status_code == 404
    assert house.admin.get("/ledgers/nothing/rebuild").status_code == 404


def test_the_list_of_ledgers_and_the_metrics_tell_how_each_stands(house: House) -> None:
    with database_of(house).connect() as connection:
        connection.execute("UPDATE checkpoint SET state = 'halted' WHERE name = 'returns@1'")
        connection.execute(
            "INSERT INTO quarantine VALUES ('deadlines@1', %s, 1, 'ValueError')", (new_id(),)
        )
    try:
        listed = {one["name"]: one for one in house.admin.get("/ledgers").json()["items"]}
        assert (listed["returns"]["state"], listed["cases"]["state"]) == ("halted", "live")
        assert listed["deadlines"]["quarantined"] == 1
        metrics = house.admin.http.get("/metrics").text
        for line in (
            'bihuan_ledger_quarantined{district="610327",ledger="deadlines@1"} 1.0',
            'bihuan_ledger_halted{district="610327",ledger="returns@1"} 1.0',
            'bihuan_ledger_building{district="610327",ledger="cases@1"} 0.0',
            'bihuan_ledger_lag_seconds{district="610327",ledger="cases@1"}',
            'bihuan_ledger_facts_per_second{district="610327",ledger="cases@1"}',
        ):
            assert line in metrics
    finally:
        with database_of(house).connect() as connection:
            connection.execute("UPDATE checkpoint SET state = 'live' WHERE name = 'returns@1'")
            connection.execute("DELETE FROM quarantine")
