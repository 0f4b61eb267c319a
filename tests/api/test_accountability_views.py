"""四定三包视图 over HTTP: cases, leaders, units, campaigns; scope, moments, vacancies, files."""

import asyncio
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from api.routes.accountability_views import GroupState, LineCellState, LineState, ViewState
from domain import facts as f
from domain.world import Draft
from eventlog.streams import stream_id
from tests.api.house import DISTRICT, House, Person
from tests.api.test_bad_input import ahead, check_problem
from tests.support import districts as d
from workflows.administration import administrator
from workflows.engine import Engine

TODAY = datetime.now(UTC).date()
POSTS = {
    "view-leader": ("ms-zhou", None),
    "view-other": ("mr-ma", None),
    "view-leaving": ("mr-qin", TODAY + timedelta(days=3)),
    "view-cadre": ("ms-li", None),
    "view-walker": ("mr-wang", None),
}
"""Posts, who holds them, and from which day on nobody does."""
VIEWS = ("cases", "leaders", "units", "campaigns")


def record(house: House, sort: str, stream: str, facts: list[f.Fact]) -> None:
    async def work(engine: Engine) -> None:
        await engine.refresh()
        drafts = [
            Draft(
                fact, engine.now(), (f.Text("name", f"person:{fact.person}", f"名{fact.person}"),)
            )
            if isinstance(fact, f.PersonRegistered)
            else Draft(fact, engine.now())
            for fact in facts
        ]
        await engine.record(sort, stream, drafts, administrator(engine, "views"))

    with house.site.open(DISTRICT) as services:
        asyncio.run(work(services.engine))


@pytest.fixture(scope="module", autouse=True)
def posts(house: House) -> None:
    facts: list[f.Fact] = []
    for post, (person, until) in POSTS.items():
        facts += [
            f.PostEstablished(post=post, unit=d.GRID, title=f"岗位{post}", role="grid_worker"),
            f.PersonRegistered(person=person),
            f.PostTaken(post=post, person=person, since=date(2020, 1, 1), until=until),
        ]
    record(house, f.DIRECTORY, stream_id(DISTRICT, f.DIRECTORY), facts)


def handled(house: House, severity: str = "major") -> str:
    """Return a case of this severity that the water bureau handles."""
    case = str(house.grid.report("邻里纠纷")["id"])
    house.community.done(case, "accept")
    house.community.done(case, "grade", severity=severity, override_reason="涉及人数多")
    house.dispatcher.done(case, "dispatch", lead=d.WATER)
    house.water.done(case, "start_handling")
    return case


def fixed(house: House, leader: str = "view-leader") -> str:
    """Return a major case of which the four stand."""
    case = handled(house)
    house.supervisor.done(case, "fix_leader", leader=leader)
    house.water.done(case, "fix_measures", measures=["走访", "调解"])
    house.water.done(case, "fix_deadline", deadline=ahead(60 * 24 * 5))
    people = {"cadre": "view-cadre", "grid_worker": "view-walker"}
    house.dispatcher.done(case, "fix_responsibility", **people)
    return case


def ask(person: Person, house: House, view: str, **asked: str | int) -> dict[str, Any]:
    """Return a whole view, read to the end, as the log stands."""
    wanted = {"at_least": house.auditor.head(), "limit": 500, **asked}
    answer = person.get(f"/accountability/{view}", wanted)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == set(ViewState.__struct_fields__)
    return dict(answer.json())


def line(house: House, case: str, **asked: str) -> dict[str, Any]:
    """Return the line of a case."""
    found = ask(house.auditor, house, "cases", **asked)["items"]
    return next(dict(one) for one in found if one["id"] == case)


def cell(house: House, case: str, part: str, **asked: str) -> dict[str, Any]:
    return next(dict(one) for one in line(house, case, **asked)["cells"] if one["part"] == part)


def states(one: dict[str, Any]) -> list[str]:
    return [cell["status"] for cell in one["cells"]]


def group(house: House, view: str, key: str, **asked: str) -> dict[str, Any]:
    found = ask(house.auditor, house, view, **asked)["items"]
    nobody: dict[str, Any] = {}
    return next((dict(one) for one in found if one["key"] == key), nobody)


def test_a_line_has_seven_cells_the_same_as_the_matrix_of_its_case(house: House) -> None:
    case = fixed(house)
    found = line(house, case)
    assert set(found) == set(LineState.__struct_fields__)
    assert all(set(one) == set(LineCellState.__struct_fields__) for one in found["cells"])
    assert states(found) == ["set"] * 4 + ["missing"] * 3
    assert {one["required"] for one in found["cells"]} == {True}
    told = house.auditor.get(f"/cases/{case}/accountability").json()["items"]
    assert [{n: one[n] for n in told[0]} for one in found["cells"]] == told


def test_a_case_of_which_nothing_is_fixed_is_missing_what_its_severity_requires(
    house: House,
) -> None:
    serious = line(house, handled(house, "serious"))
    assert [one["part"] for one in serious["cells"] if one["required"]] == [
        "measures",
        "deadline",
        "responsibility",
    ]
    assert set(states(serious)) == {"missing"}
    general = handled(house, "general")
    assert general not in {one["id"] for one in ask(house.auditor, house, "cases")["items"]}


def test_leaders_are_counted_with_their_cases_cells_and_duties(house: House) -> None:
    before = group(house, "leaders", "view-leader")
    case = fixed(house)
    taken = {"duty": "handling", "post": "view-leader"}
    house.supervisor.done(case, "take_duty", **taken)
    after = group(house, "leaders", "view-leader")
    assert set(after) == set(GroupState.__struct_fields__)
    assert (after["name"], after["unit"], after["person"]) == (
        "岗位view-leader",
        d.GRID,
        "ms-zhou",
    )
    earlier = before or {"cases": dict.fromkeys(after["cases"], 0), "held": {"set": 0}}
    grown = {name: count - earlier["cases"][name] for name, count in after["cases"].items()}
    assert grown == dict.fromkeys(grown, 0) | {"cases": 1, "open": 1, "missing": 2, "set": 5}
    assert after["held"]["set"] == earlier["held"]["set"] + 1
    led = ask(house.auditor, house, "cases", leader="ms-zhou")["items"]
    assert case in {one["id"] for one in led}
    assert len(led) == after["cases"]["cases"]


def test_the_sums_of_every_view_are_the_sums_over_its_cases(house: House) -> None:
    fixed(house)
    handled(house)
    lines = ask(house.auditor, house, "cases")["items"]
    cells = [cell for one in lines for cell in one["cells"]]
    for view in VIEWS[1:]:
        found = ask(house.auditor, house, view)["items"]
        for name in ("set", "late", "failed", "vacant"):
            wanted = sum(one["status"] == name or (name == "vacant" and one[name]) for one in cells)
            assert sum(one["cases"][name] for one in found) == wanted, (view, name)
        required = [one for one in cells if one["required"] and one["status"] == "missing"]
        assert sum(one["cases"]["missing"] for one in found) == len(required)


def test_a_unit_counts_its_own_and_those_of_its_subordinates(house: House) -> None:
    fixed(house)
    water = group(house, "units", d.WATER)
    county = group(house, "units", d.COUNTY)
    assert water["name"] == "水务局"
    assert water["cases"]["cases"] == water["within"]["cases"] > 0
    assert water["held"]["set"] > 0
    total = sum(one["cases"]["cases"] for one in ask(house.auditor, house, "units")["items"])
    assert county["within"]["cases"] == total
    assert county["cases"]["cases"] == 0


def test_as_of_a_day_to_come_the_date_is_late_and_the_post_that_is_left_is_vacant(
    house: House,
) -> None:
    case = fixed(house, leader="view-leaving")
    assert cell(house, case, "leader")["status"] == "set"
    later = {"as_of": ahead(60 * 24 * 6)}
    leader = cell(house, case, "leader", **later)
    assert (leader["status"], leader["vacant"], leader["who"][0]["person"]) == (
        "missing",
        True,
        None,
    )
    assert leader["since"].startswith((TODAY + timedelta(days=3)).isoformat())
    assert states(line(house, case, **later))[1:3] == ["late", "late"]
    vacant = ask(house.auditor, house, "cases", vacant="true", **later)["items"]
    assert case in {one["id"] for one in vacant}
    assert case not in {
        one["id"] for one in ask(house.auditor, house, "cases", vacant="true")["items"]
    }
    assert group(house, "leaders", "view-leaving", **later)["cases"]["vacant"] >= 1


def test_as_known_before_it_was_fixed_nobody_leads(house: House) -> None:
    case = handled(house)
    facts = house.auditor.get(f"/cases/{case}/events").json()["items"]
    known = {"known_at": facts[-1]["recorded_at"]}
    house.supervisor.done(case, "fix_leader", leader="view-other")
    before = ask(house.auditor, house, "cases", **known)["items"]
    assert [states(one)[0] for one in before if one["id"] == case] in ([], ["missing"])
    assert cell(house, case, "leader")["status"] == "set"
    assert group(house, "leaders", "view-other", **known).get("cases", {}).get("cases", 0) == 0
    assert group(house, "leaders", "view-other")["cases"]["cases"] == 1


def test_a_failed_duty_is_found_and_counted(house: House) -> None:
    case = fixed(house)
    house.supervisor.done(case, "take_duty", duty="investigation", post="view-cadre")
    failed = {"duty": "investigation", "reason_code": "no_contact", "reason": "当事人外出"}
    house.water.done(case, "fail_duty", **failed)
    assert cell(house, case, "investigation")["status"] == "failed"
    found = ask(house.auditor, house, "cases", status="failed", part="investigation")["items"]
    assert case in {one["id"] for one in found}
    assert all(states(one)[4] == "failed" for one in found)
    assert ask(house.auditor, house, "cases", status="failed", part="leader")["items"] == []
    assert group(house, "leaders", "view-cadre") == {}
    assert group(house, "leaders", "view-leader")["cases"]["failed"] >= 1


def test_who_answers_for_a_breach_stays_frozen_when_another_leads(house: House) -> None:
    case = handled(house)
    clock: dict[str, Any] = {"clock": "four_fixed", "scope": "", "cycle": 1, "sequence": 1}
    due = datetime.now(UTC).replace(microsecond=0)
    breach = f.DeadlineBreached(
        **clock,
        due=due,
        effective_at=due,
        detected_at=due,
        answerable=f.Unit(d.WATER, (d.COUNTY, d.WATER)),
        posts=(f.Answerable("view-other", "mr-ma"),),
    )
    record(house, f.CASE, case, [breach])
    late = cell(house, case, "leader")
    assert late["breached_at"] is not None
    assert late["answered"] == [{"post": "view-other", "person": "mr-ma", "unit": d.GRID}]
    house.supervisor.done(case, "fix_leader", leader="view-leader")
    now = cell(house, case, "leader")
    assert (now["status"], now["who"][0]["post"]) == ("set", "view-leader")
    assert now["answered"] == late["answered"]
    breached = ask(house.auditor, house, "cases", breached="true")["items"]
    assert case in {one["id"] for one in breached}


def test_a_campaign_counts_the_cases_that_are_listed_in_it(house: House) -> None:
    before = group(house, "campaigns", "safety_responsibility").get("cases", {}).get("cases", 0)
    case = str(
        house.grid.report("隐患", kind="hazard-remedy", data={"campaign": "safety_responsibility"})[
            "id"
        ]
    )
    after = group(house, "campaigns", "safety_responsibility")
    assert (after["name"], after["cases"]["cases"]) == ("安全责任大落实", before + 1)
    listed = ask(house.auditor, house, "cases", campaign="safety_responsibility")["items"]
    assert case in {one["id"] for one in listed}
    by_kind = {one["key"] for one in ask(house.auditor, house, "campaigns", by="kind")["items"]}
    assert "closed-loop" in by_kind
    wrong = house.auditor.get("/accountability/campaigns", {"by": "weather"})
    check_problem(wrong, 400, "bad-input", "by")


def test_pages_follow_each_other_and_show_every_row_once(house: House) -> None:
    fixed(house)
    handled(house)
    handled(house, "serious")
    for view, key in (("cases", "id"), ("units", "key")):
        whole = [one[key] for one in ask(house.auditor, house, view)["items"]]
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = house.auditor.get(f"/accountability/{view}", {"limit": 2, **cursor}).json()
            found += [one[key] for one in answer["items"]]
            if answer["next"] is None:
                break
            cursor = {"cursor": answer["next"]}
        assert found == whole
        assert len(set(whole)) == len(whole) > 2


def test_a_community_never_sees_a_row_that_is_not_its_own(house: House) -> None:
    case = fixed(house)
    number = line(house, case)["number"]
    stranger = house.other_community
    for view in VIEWS:
        for asked in ({}, {"open": "all"}, {"as_of": ahead(1)}, {"known_at": ahead(0)}):
            found = ask(stranger, house, view, **asked)
            assert number not in str(found)
            assert "view-leader" not in str(found)
            assert sum(one["cases"]["cases"] for one in found["items"] if "cases" in one) == 0
        for form in ("csv", "xlsx"):
            text = written(stranger.get(f"/accountability/{view}", {"format": form}), form)
            assert number not in text
            assert "岗位view-leader" not in text
    assert case in {one["id"] for one in ask(house.community, house, "cases")["items"]}


def written(answer: httpx.Response, form: str) -> str:
    """Return all the text of a file."""
    assert answer.status_code == 200, answer.text
    if form == "csv":
        return answer.text
    book = load_workbook(io.BytesIO(answer.content))
    return "\n".join(str(row) for sheet in book for row in sheet.iter_rows(values_only=True))


def test_the_chart_is_laid_out_for_paper_and_is_the_same_twice(house: House) -> None:
    case = fixed(house)
    number = line(house, case)["number"]
    last = house.auditor.get(f"/cases/{case}/events").json()["items"][-1]
    moment = {"as_of": last["occurred_at"], "format": "xlsx"}
    first = house.auditor.get("/accountability/cases", moment).content
    assert house.auditor.get("/accountability/cases", moment).content == first
    book = load_workbook(io.BytesIO(first))
    sheet, notes = book.worksheets
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    fitting, footer = sheet.sheet_properties.pageSetUpPr, sheet.oddFooter
    assert (sheet.print_title_rows, fitting and fitting.fitToPage) == ("$1:$1", True)
    assert sheet.print_area == f"'四定三包挂图'!$A$1:$L${sheet.max_row}"
    assert footer is not None
    assert footer.center is not None
    assert "&P" in (footer.center.text or "")
    heads = [one.value for one in sheet[1]][5:]
    assert heads == ["定领导", "定措施", "定时间", "定责任", "包调查", "包处理", "包稳定"]
    row = next(one for one in sheet.iter_rows(min_row=2) if one[1].value == number)
    assert row[5].value == "已定\n岗位view-leader 名ms-zhou"
    assert row[9].value == "缺"
    told = {one[0].value: one[1].value for one in notes.iter_rows()}
    assert told["区县"] == DISTRICT
    assert told["行数"] == str(sheet.max_row - 1)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert b"2000-01-01" in archive.read("docProps/core.xml")


def test_names_of_people_are_only_for_who_may_read_texts(house: House) -> None:
    fixed(house)
    for view in ("cases", "leaders"):
        for form in ("csv", "xlsx"):
            asked = {"format": form}
            with_right = written(house.auditor.get(f"/accountability/{view}", asked), form)
            without = written(house.dashboard.get(f"/accountability/{view}", asked), form)
            assert "名ms-zhou" in with_right
            assert "名ms-zhou" not in without
            assert "ms-zhou" in without


def test_other_views_come_as_plain_tables(house: House) -> None:
    fixed(house)
    for view in ("leaders", "units", "campaigns"):
        text = house.auditor.get(f"/accountability/{view}", {"format": "csv"}).text
        assert "事项数,未终结,缺,已定,临期,逾期,落实,未落实,缺位,曾超期" in text
        sheet = house.auditor.get(f"/accountability/{view}", {"format": "xlsx"})
        assert "事项数" in written(sheet, "xlsx")


def test_what_is_not_understood_is_refused_by_name(house: House) -> None:
    get = house.auditor.get
    check_problem(get("/accountability/cases", {"weather": "1"}), 400, "unknown-parameter")
    check_problem(get("/accountability/cases", {"status": "odd"}), 422, "unknown-field", "status")
    check_problem(get("/accountability/leaders", {"part": "odd"}), 422, "unknown-field", "part")
    check_problem(get("/accountability/units", {"vacant": "odd"}), 422, "unknown-field", "vacant")
    check_problem(get("/accountability/cases", {"cursor": "odd"}), 400, "bad-cursor")
    check_problem(get("/accountability/leaders", {"cursor": "odd"}), 400, "bad-cursor")
    check_problem(get("/accountability/cases", {"limit": 0}), 400, "bad-input", "limit")
    check_problem(get("/accountability/cases", {"as_of": "2026-10-12"}), 422, "naive-time")
    check_problem(get("/accountability/cases", {"at_least": 10**9}), 503, "ledger-behind")
    check_problem(get("/accountability/cases", {"format": "pdf"}), 406, "not-acceptable")
