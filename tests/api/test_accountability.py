"""四定三包 over HTTP: the seven cells of a case now and then, and what is refused."""

import asyncio
import csv
import io
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook

from api.routes.accountability import AccountabilityDocument, AnsweringState, CellState
from domain import facts as f
from domain.world import Draft
from eventlog.streams import stream_id
from tests.api.house import DISTRICT, House
from tests.api.test_bad_input import ahead, check_problem
from tests.support import districts as d
from workflows.administration import administrator
from workflows.engine import Engine

POSTS = {"adopting": "zhang", "cadre": "li", "walker": "wang"}
"""Posts of the grid, where no other test looks for somebody to tell."""


@pytest.fixture(scope="module", autouse=True)
def posts(house: House) -> None:
    async def work(engine: Engine) -> None:
        await engine.refresh()
        facts: list[f.Fact] = []
        for post, person in POSTS.items():
            facts += [
                f.PostEstablished(post=post, unit=d.GRID, title=post, role="grid_worker"),
                f.PersonRegistered(person=person),
                f.PostTaken(post=post, person=person, since=date(2020, 1, 1), until=None),
            ]
        stream = stream_id(DISTRICT, f.DIRECTORY)
        drafts = [Draft(fact, engine.now()) for fact in facts]
        await engine.record(f.DIRECTORY, stream, drafts, administrator(engine, "posts"))

    with house.site.open(DISTRICT) as services:
        asyncio.run(work(services.engine))


def handled(house: House) -> str:
    """Return a major case that the water bureau handles."""
    case = str(house.grid.report("邻里纠纷")["id"])
    house.community.done(case, "accept")
    house.community.done(case, "grade", severity="major", override_reason="涉及人数多")
    house.dispatcher.done(case, "dispatch", lead=d.WATER)
    house.water.done(case, "start_handling")
    return case


def fixed(house: House) -> str:
    """Return a case of which the four stand."""
    case = handled(house)
    house.supervisor.done(case, "fix_leader", leader="adopting")
    house.water.done(case, "fix_measures", measures=["走访", "调解"])
    house.water.done(case, "fix_deadline", deadline=ahead(60 * 24 * 5))
    house.dispatcher.done(case, "fix_responsibility", cadre="cadre", grid_worker="walker")
    return case


def read(house: House, case: str, **moments: str) -> dict[str, Any]:
    answer = house.auditor.get(f"/cases/{case}/accountability", moments)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == set(AccountabilityDocument.__struct_fields__)
    return dict(answer.json())


def states(document: dict[str, Any]) -> list[str]:
    return [cell["status"] for cell in document["items"]]


def test_a_case_shows_seven_cells_and_what_is_required_of_it(house: House) -> None:
    document = read(house, handled(house))
    cells = document["items"]
    assert all(set(cell) == set(CellState.__struct_fields__) for cell in cells)
    assert [cell["title"] for cell in cells] == [
        "定领导",
        "定措施",
        "定时间",
        "定责任",
        "包调查",
        "包处理",
        "包稳定",
    ]
    assert (document["severity"], document["complete"]) == ("major", False)
    assert {cell["required"] for cell in cells} == {True}
    assert states(document) == ["missing"] * 7
    assert cells[0]["due"].endswith("+08:00")


def test_who_answers_is_shown_by_ids_and_as_of_a_version_or_moment(house: House) -> None:
    case = fixed(house)
    document = read(house, case)
    assert (document["complete"], states(document)[:4]) == (True, ["set"] * 4)
    [leader] = document["items"][0]["who"]
    assert set(leader) == set(AnsweringState.__struct_fields__)
    assert leader == {"post": "adopting", "person": "zhang", "unit": d.GRID}
    assert states(read(house, case, version="5"))[:4] == ["missing"] * 4
    later = read(house, case, as_of=ahead(60 * 24 * 6))
    assert states(later)[1:3] == ["late", "late"]
    assert read(house, case, known_at=ahead(60 * 24 * 6))["known_at"] is not None


def test_completion_waits_for_the_four_and_the_answer_names_what_is_missing(house: House) -> None:
    case = handled(house)
    refused = house.water.act(case, "claim_completion", evidence="已调解")
    check_problem(refused, 409, "accountability-incomplete")
    assert "未定领导、未定措施、未定时间、未定责任" in refused.json()["detail"]
    house.water.done(fixed(house), "claim_completion", evidence="已调解")


def test_a_post_that_is_not_there_is_refused_by_name(house: House) -> None:
    refused = house.supervisor.act(handled(house), "fix_leader", leader="nobody")
    check_problem(refused, 422, "unknown-field")


def test_only_who_may_see_the_case_may_see_who_answers(house: House) -> None:
    case = handled(house)
    hidden = house.other_community.get(f"/cases/{case}/accountability")
    check_problem(hidden, 404, "not-found")
    both = {"version": "1", "as_of": ahead(0)}
    check_problem(house.auditor.get(f"/cases/{case}/accountability", both), 400, "bad-input")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_several_units_of_one_cell_stand_side_by_side_in_files(house: House, form: str) -> None:
    case = handled(house)
    owners = [d.WATER, d.HOUSING]
    done = house.water.done(case, "fix_measures", measures=["走访", "调解"], owners=owners)
    asked = {"at_least": done["position"], "number": done["number"], "part": "measures"}
    file = house.auditor.get("/ledgers/accountability", {**asked, "format": form})
    assert file.status_code == 200, file.text
    rows = table(file.content, form)
    heads = rows[0]
    (row,) = rows[1:]
    assert row[heads.index("责任单位")] == f"{d.WATER}、{d.HOUSING}"


def table(content: bytes, form: str) -> list[list[Any]]:
    """Return the rows of a file, the headings first."""
    if form == "csv":
        return [list(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]
