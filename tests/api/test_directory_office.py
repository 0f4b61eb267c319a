"""The directory's workbook and re-division over HTTP: whole or not at all, admin only, once."""

# XlsxWriter's signatures are partly untyped.
# pyright: reportUnknownMemberType=false

import io
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import xlsxwriter

from app.register.tables import read_table, sheets_of
from app.register.workbook import HEADERS
from tests.api.house import House, Person, fresh_key
from tests.support import districts as d
from tests.support.commands import eventually

_numbers = count(1)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "code,name,level,parent\n"


def send(
    house: House | Person,
    content: bytes,
    *,
    who: str = "admin",
    key: str | None = None,
    preview: bool = False,
    media: str = XLSX,
) -> httpx.Response:
    person = house if isinstance(house, Person) else getattr(house, who)
    headers = {"Idempotency-Key": key or fresh_key(), "Content-Type": media}
    query = {"preview": "true"} if preview else {}
    url = f"{person.base}/directory/imports"
    return person.http.post(url, content=content, headers=headers, params=query)


def book(**sheets: list[tuple[str, ...]]) -> bytes:
    target = io.BytesIO()
    names = {"units": "单元", "posts": "岗位", "terms": "人员任职", "relations": "关系"}
    with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(names[name])
            for number, row in enumerate([HEADERS[names[name]], *rows]):
                for column, value in enumerate(row):
                    sheet.write_string(number, column, value)
    return target.getvalue()


def community() -> str:
    return f"61032710009{next(_numbers)}"


ROOT = (d.COUNTY, "演示县", "county", "", "")


def units(house: House) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in house.admin.get("/directory").json()["items"]}


def rows_of(house: House, *new: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the directory's units as a book has them, and some that are new."""
    known = sorted(units(house).values(), key=lambda one: len(one["path"]))
    by_id = {one["id"]: one["code"] for one in known}
    rows = [
        (one["code"], one["name"], one["level"], by_id.get(one["parent"], ""), "")
        for one in known
        if one["dissolved"] is None
    ]
    return [*rows, *new]


def test_a_workbook_is_checked_then_imported_and_again_changes_nothing(house: House) -> None:
    code, post = community(), f"post-{next(_numbers)}"
    content = book(
        units=rows_of(house, (code, "新社区", "community", d.TOWN, "")),
        posts=[(post, code, "社区主任", "community_officer")],
        terms=[(post, f"P{code}", "王小明", "2026-01-01", "", "")],
    )
    seen = send(house, content, preview=True).json()
    assert (seen["preview"], seen["units"], seen["posts"], seen["persons"]) == (True, 1, 1, 1)
    assert seen["position"] is None
    assert code not in units(house)
    key = fresh_key()
    first = send(house, content, key=key)
    assert first.status_code == 200, first.text
    assert (first.json()["units"], first.json()["terms"]) == (1, 1)
    assert units(house)[code]["name"] == "新社区"
    assert send(house, content, key=key).json() == first.json()
    again = send(house, content).json()
    assert [again[one] for one in ("units", "posts", "persons", "terms", "relations")] == [0] * 5
    other = send(house, content + b" ", key=key)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    assert "王小明" not in house.log()


def test_a_bad_book_is_refused_whole_and_every_bad_row_is_named(house: House) -> None:
    code = community()
    content = book(
        units=rows_of(
            house,
            (code, "好社区", "community", d.TOWN, ""),
            ("坏", "坏编码", "community", d.TOWN, ""),
            (code + "9", "", "星球", d.TOWN, ""),
        ),
        posts=[("p-1", "nowhere", "主任", "king")],
    )
    for preview in (True, False):
        refused = send(house, content, preview=preview)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (422, "bad-directory")
        assert refused.headers["content-type"].startswith("application/problem+json")
        told = {(one["sheet"], one["code"]) for one in problem["errors"]}
        assert told >= {
            ("单元", "bad-code"),
            ("单元", "name-missing"),
            ("单元", "unknown-level"),
            ("岗位", "unknown-unit"),
            ("岗位", "unknown-role"),
        }
        assert all(one["row"].isdecimal() and one["pointer"] for one in problem["errors"])
    assert code not in units(house)


def test_a_csv_of_units_does_as_well_also_as_a_form(house: House) -> None:
    code = community()
    text = CSV + "".join(",".join(row[:4]) + "\n" for row in rows_of(house))
    text += f"{code},表格社区,community,{d.TOWN}\n"
    assert send(house, text.encode(), media="text/csv", preview=True).json()["units"] == 1
    answer = house.admin.http.post(
        f"{house.admin.base}/directory/imports",
        files={"file": ("units.csv", text.encode(), "text/csv")},
        headers={"Idempotency-Key": fresh_key()},
    )
    assert answer.json()["units"] == 1, answer.text
    assert code in units(house)


def test_what_is_no_table_is_refused_without_a_path(house: House) -> None:
    for content in (b"", b"<html>", b"PK\x03\x04 broken"):
        refused = send(house, content)
        assert refused.status_code in {400, 422}
        assert refused.json()["code"] in {"bad-input", "bad-directory"}
        assert "bihuan-" not in refused.text


def test_the_export_imports_as_it_stands(real_district: Person, tmp_path: Path) -> None:
    # Other tests write people into the shared district whom nobody ever registered.
    answer = real_district.get("/directory/export")
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["cache-control"] == "private, no-store"
    path = tmp_path / "directory.xlsx"
    path.write_bytes(answer.content)
    assert set(HEADERS) <= set(sheets_of(path))
    codes = {str(row.cells[0]) for row in read_table(path, sheet="单元").rows()}
    assert d.COMMUNITY in codes
    previewed = send(real_district, answer.content, preview=True)
    assert previewed.status_code == 200, previewed.text
    seen = previewed.json()
    assert [seen[one] for one in ("units", "posts", "persons", "terms", "relations")] == [0] * 5


def test_only_administrators_handle_the_workbook_and_decree(house: House) -> None:
    assert send(house, b"x", who="town").json()["code"] == "role-forbidden"
    assert house.auditor.get("/directory/export").json()["code"] == "role-forbidden"
    body = {"division": "x", "on": "2030-01-01"}
    assert house.town.post("/directory/divisions", body).json()["code"] == "role-forbidden"
    assert house.town.post("/directory/divisions/x/apply").json()["code"] == "role-forbidden"
    bare = house.admin.http.post(f"{house.admin.base}/directory/divisions", json=body)
    assert bare.json()["code"] == "key-missing"


def split(old: str, on: str, division: str) -> dict[str, Any]:
    east, west = f"{old}e", f"{old}w"
    return {
        "division": division,
        "on": on,
        "units": [
            {"code": code, "name": f"分社区{code}", "level": "community", "parent": d.TOWN}
            for code in (east, west)
        ],
        "moves": [{"unit": old, "into": [east, west]}],
    }


def founded(house: House) -> str:
    """Import one more community, and return its code."""
    code = community()
    done = send(house, book(units=rows_of(house, (code, f"旧{code}", "community", d.TOWN, ""))))
    assert done.json()["units"] == 1, done.text
    return code


def test_a_re_division_is_previewed_decreed_and_applied(house: House) -> None:
    old = founded(house)
    case = house.integrator.report(unit=old)["id"]
    name = f"div-{old}"
    body = split(old, "2020-01-01", name)
    seen = house.admin.post("/directory/divisions", body | {"preview": True}).json()
    assert (seen["state"], seen["cases"], seen["to_allot"]) == ("preview", 1, 1)
    assert [one["case"] for one in seen["passages"]] == [case]
    assert f"{old}e" not in units(house)
    key = fresh_key()
    first = house.admin.post("/directory/divisions", body, key=key)
    assert (first.status_code, first.json()["state"]) == (200, "in_force"), first.text
    assert house.admin.post("/directory/divisions", body, key=key).json()["division"] == name
    assert units(house)[old]["successors"] == [f"{old}e", f"{old}w"]
    done = house.admin.post(f"/directory/divisions/{name}/apply").json()
    assert (done["state"], done["cases"], done["to_allot"], done["failures"]) == (
        "carried_out",
        1,
        1,
        [],
    )
    again = house.admin.post(f"/directory/divisions/{name}/apply").json()
    assert (again["cases"], again["state"]) == (1, "carried_out")
    listed = {
        one["division"]: one["state"]
        for one in house.water.get("/directory/divisions").json()["items"]
    }
    assert listed[name] == "carried_out"
    eventually(
        lambda: (
            case
            in [one["case"] for one in house.admin.get("/directory/unallotted").json()["items"]]
        )
    )
    house.dispatcher.done(case, "allot", place=f"{old}e")
    left = [one["case"] for one in house.admin.get("/directory/unallotted").json()["items"]]
    assert case not in left


def test_a_future_one_waits_for_its_day(house: House) -> None:
    old = founded(house)
    name = f"div-{old}"
    told = house.admin.post("/directory/divisions", split(old, "2099-01-01", name)).json()
    assert told["state"] == "decreed"
    assert units(house)[old]["dissolved"] is None
    early = house.admin.post(f"/directory/divisions/{name}/apply")
    assert (early.status_code, early.json()["code"]) == (400, "bad-input")
    assert "2099-01-01" in early.json()["detail"]
    unknown = house.admin.post("/directory/divisions/nothing/apply")
    assert unknown.json()["code"] == "not-found"
    other = split(old, "2099-02-01", name)
    assert house.admin.post("/directory/divisions", other).status_code == 409


def test_a_bad_plan_is_refused_whole_and_every_problem_is_named(house: House) -> None:
    old = founded(house)
    wrong = split(old, "2020-01-01", f"div-{old}")
    wrong["moves"] += [{"unit": d.GRID}, {"unit": d.TOWN, "parent": d.COUNTY, "into": [old]}]
    refused = house.admin.post("/directory/divisions", wrong)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "bad-division")
    assert len(problem["errors"]) == 2
    orphan = split(d.COMMUNITY, "2020-01-01", "orphans")
    refused = house.admin.post("/directory/divisions", orphan | {"preview": True})
    assert refused.json()["code"] == "bad-division"
    assert "东街一网格" in refused.json()["errors"][0]["detail"]
    strange = house.admin.post("/directory/divisions", {"division": "x", "on": "昨天"})
    assert strange.status_code == 422
    assert d.COMMUNITY in units(house)
