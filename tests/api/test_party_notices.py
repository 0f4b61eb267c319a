"""Over HTTP: who was told that somebody did something (告知), and who has signed for it."""

from api.timed import NoticeDocument, WithheldState, notices_of
from eventlog.database import Database
from eventlog.reader import read_stream
from tests.api.house import House
from tests.api.test_bad_input import check_problem
from tests.api.test_clocks import items
from tests.domain.test_golden import HISTORIES, happened, read
from tests.support import districts as d
from tests.support.given import OVERRIDE
from tests.support.stories import Teller, case_id, store


def dispatched(house: House) -> str:
    case = str(house.grid.report("井盖破损")["id"])
    house.community.done(case, "accept")
    house.community.done(case, "grade", severity="general", **OVERRIDE)
    house.dispatcher.done(case, "dispatch", lead=d.WATER, informed=[d.TOWN])
    return case


def test_whoever_is_assigned_a_case_finds_the_notice_and_signs_for_it_once(house: House) -> None:
    case = dispatched(house)
    lead, informed = items(house.auditor.get(f"/cases/{case}/notices"))
    assert set(lead) == set(NoticeDocument.__struct_fields__)
    assert (lead["cause"], lead["action"], lead["clock"], lead["step"]) == (
        "case-assigned",
        "dispatch",
        "",
        "inform",
    )
    assert (lead["recipient"]["role"], lead["recipient"]["unit"]) == ("lead", d.WATER)
    assert (lead["state"], lead["withheld"], lead["instead_of"]) == ("issued", [], 0)
    assert lead["acknowledge_by"] is not None
    assert (informed["recipient"]["unit"], informed["acknowledge_by"]) == (d.TOWN, None)
    path = f"/cases/{case}/notices/{lead['notice']}/receipt"
    check_problem(house.community.post(path), 403, "role-forbidden")
    assert house.water.post(path).status_code == 200
    check_problem(house.water.post(path), 404, "not-found")
    lead, _ = items(house.auditor.get(f"/cases/{case}/notices"))
    assert lead["state"] == "acknowledged"


def test_what_became_of_each_is_told_by_its_facts(district: Database) -> None:
    teller = Teller()
    names = ("told-signed-for-and-passed-on", "told-only-whom-it-is-confided-to")
    for number, name in enumerate(names, 1):
        [path] = [path for path in HISTORIES if path.stem == name]
        told = [teller.tell(number, fact, at) for fact, at in happened(read(path))]
        store(district, [told])
    with district.connect() as connection:
        lead, informed, helper, above = notices_of(read_stream(connection, case_id(1)))
        (diverted,) = notices_of(read_stream(connection, case_id(2)))
    states = ["acknowledged", "undeliverable", "acknowledged", "issued"]
    assert [one.state for one in (lead, informed, helper, above)] == states
    assert (lead.channel, lead.receipt) == ("webhook", "200")
    assert (informed.undeliverable_reason, informed.attempts) == ("http-503", 9)
    assert helper.missed_at == helper.acknowledge_by
    assert (above.instead_of, above.recipient.unit) == (helper.notice, d.COUNTY)
    assert diverted.withheld[0] == WithheldState(d.COMMUNITY, None, None, "confidential")
    assert diverted.recipient.post is not None
