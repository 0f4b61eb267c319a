"""文明行为榜 over HTTP: another person reviews it, everybody sees it masked, nobody sees an id."""

from datetime import datetime, timedelta

from tests.api.house import House
from tests.support import districts as d

NAME = "欧演示"


def in_a_month(house: House, case: str) -> str:
    """Return a day a month after the report: other tests move the district's clock."""
    found = house.auditor.get(f"/cases/{case}").json()
    reported = datetime.fromisoformat(found["reported_at"])
    return (reported + timedelta(days=30)).date().isoformat()


def test_a_good_deed_is_proposed_reviewed_posted_and_shown_masked(house: House) -> None:
    data = {"board": "good_deed", "person_name": NAME}
    reported = house.community.report("善行", kind="conduct-board", unit=d.COMMUNITY, data=data)
    case = reported["id"]
    house.community.done(case, "submit", evidence="事迹材料")
    refused = house.community.act(case, "review", opinion="属实")
    assert (refused.status_code, refused.json()["code"]) == (403, "same-person")
    house.town.done(case, "review", opinion="属实")
    house.community.done(case, "publish", until=in_a_month(house, case), notice="公示")
    head = house.auditor.head()
    rows = house.community.get("/ledgers/conduct-board", {"at_least": head}).json()["items"]
    assert [row["status"] for row in rows if row["id"] == case] == ["published"]
    assert "name" not in rows[0]
    for person in (house.dashboard, house.grid):
        answer = person.get("/conduct-board")
        assert answer.status_code == 200, answer.text
        (entry,) = answer.json()["items"]
        assert (entry["name"], entry["board_title"]) == ("欧*", "善行义举榜")
        assert NAME not in answer.text
        assert case not in answer.text
        assert reported["number"] not in answer.text
    house.integrator.done(case, "object", objection_text="时间不符")
    house.community.done(case, "answer", answer="已核对")
    house.town.done(case, "withdraw", reason="本人要求")
    head = house.auditor.head()
    house.community.get("/ledgers/conduct-board", {"at_least": head})
    assert house.dashboard.get("/conduct-board").json()["items"] == []
    before = house.dashboard.get("/conduct-board", {"as_of": "2020-01-01T00:00:00Z"})
    assert before.json()["items"] == []
