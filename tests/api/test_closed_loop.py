"""The closed loop over HTTP: seven keys, five roles, four phases, read back at every moment."""

from tests.api.house import House
from tests.support import districts as d
from tests.support.given import OVERRIDE


def test_five_roles_walk_a_case_through_all_four_phases(house: House) -> None:
    reported = house.grid.report(
        "井盖破损",
        description="东街路口的井盖破了，有人差点摔倒",
        location={"type": "Point", "coordinates": [106.85, 34.89], "crs": "gcj02"},
        data={"people": 2, "danger": True},
    )
    case = reported["id"]
    phases = [reported["phase"]]
    assert reported["place"] == d.GRID
    assert reported["holder"] == d.COMMUNITY
    for person, action, data in (
        (house.community, "accept", {}),
        (house.community, "grade", {"severity": "general", "urgency": "urgent", **OVERRIDE}),
        (house.dispatcher, "dispatch", {"lead": "水务局", "assisting": [d.HOUSING]}),
        (house.water, "start_handling", {}),
        (house.housing, "complete_task", {"evidence": "已围挡"}),
        (house.water, "claim_completion", {"evidence": "已换新井盖"}),
        (house.community, "rework", {"reason": "周边未清理"}),
        (house.water, "claim_completion", {"evidence": "已清理"}),
        (house.community, "verify", {}),
        (house.community, "close", {"grade": "substantive", "note": "已解决"}),
    ):
        phases.append(person.done(case, action, **data)["phase"])
    assert list(dict.fromkeys(phases)) == [
        "discovery",
        "community_response",
        "tiered_response",
        "joint_handling",
    ]
    closed = house.auditor.get(f"/cases/{case}").json()
    assert (closed["stage"], closed["outcome"], closed["rework"]) == ("closed", "closed", 1)
    assert closed["tasks"] == [{"task": 1, "unit": d.HOUSING, "status": "done"}]
    assert closed["location"]["crs"] == "gcj02"
    assert closed["location"]["coordinates"] == [106.85, 34.89]
    assert closed["data"] == {"people": 2, "danger": True}
    reopened = house.supervisor.done(case, "reopen", reason="再次破损")
    assert (reopened["cycle"], reopened["stage"]) == (2, "awaiting_dispatch")
