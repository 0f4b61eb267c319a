"""Hops, whistles and other ends over REST: who sees what, what may be done, what ledgers say."""

from tests.api.house import House
from tests.support import districts as d

REASON = {"reason": "理由"}


def test_a_called_department_sees_the_case_and_finds_what_it_may_do(house: House) -> None:
    case = house.integrator.report("路面塌陷", unit=d.COMMUNITY)["id"]
    house.community.done(case, "accept")
    assert house.water.get(f"/cases/{case}").status_code == 404
    called = house.community.done(case, "blow_whistle", departments=[d.WATER], **REASON)
    actions = {one["action"]: one for one in house.water.get(f"/cases/{case}/actions").json()}
    assert actions["report_in"]["allowed"] is True
    assert actions["contain"]["allowed"] is True
    [reason] = actions["escalate"]["reasons"]
    assert (reason["code"], "上报上级" in reason["detail"]) == ("role-forbidden", True)
    there = house.water.done(case, "report_in", note="已到场")
    [again] = {one["action"]: one for one in house.water.get(f"/cases/{case}/actions").json()}[
        "report_in"
    ]["reasons"]
    assert (again["code"], "—" in again["detail"]) == ("guard-failed", False)
    params = {"at_least": there["position"], "number": called["number"]}
    listed = house.water.get("/ledgers/cases", params=params).json()
    assert [row["id"] for row in listed["items"]] == [case]


def test_what_was_handed_on_is_listed_for_who_has_it_and_who_had_it(house: House) -> None:
    case = house.integrator.report("占道", unit=d.COMMUNITY)["id"]
    house.community.done(case, "accept")
    up = house.community.done(case, "escalate", **REASON)
    assert up["holder"] == d.TOWN
    refused = house.town.act(case, "escalate", **REASON).json()
    assert (refused["code"], "接办" in refused["detail"]) == ("guard-failed", True)
    house.town.done(case, "accept_handover")
    down = house.town.done(case, "hand_down", to=d.WATER, copied=[d.HOUSING])
    for person in (house.community, house.town, house.water, house.housing):
        params = {"at_least": down["position"], "number": down["number"]}
        assert person.get("/ledgers/cases", params=params).json()["items"]


def test_ledgers_say_how_a_case_ended(house: House) -> None:
    ends = {
        "recorded": ("put_on_record", REASON),
        "transferred-out": ("transfer_out", {"system": "12345", **REASON}),
    }
    for outcome, (action, data) in ends.items():
        case = house.integrator.report("其他", unit=d.COMMUNITY)["id"]
        done = house.community.done(case, action, **data)
        params = {"at_least": done["position"], "number": done["number"]}
        [row] = house.dispatcher.get("/ledgers/cases", params=params).json()["items"]
        assert (row["outcome"], row["ended_at"] is not None) == (outcome, True)


def test_two_keys_void_a_case_and_one_does_not(house: House) -> None:
    case = house.integrator.report("测试", unit=d.COMMUNITY)["id"]
    house.dispatcher.done(case, "request_void", reason_code="test", **REASON)
    assert house.dispatcher.act(case, "confirm_void").json()["code"] == "same-person"
    done = house.supervisor.done(case, "confirm_void")
    params = {"at_least": done["position"], "number": done["number"]}
    [row] = house.dispatcher.get("/ledgers/cases", params=params).json()["items"]
    assert (row["outcome"], row["stage"]) == ("voided", "voided")
