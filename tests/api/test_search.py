"""查找: pieces of sealed titles and of numbers, within scope, never a false hit."""

from typing import Any

import pytest

from eventlog.database import Database
from projections import search
from tests.api.house import DISTRICT, House, Person
from tests.api.test_bad_input import check_problem
from tests.support import districts as d


def found(person: Person, words: str, ledger: str = "cases", **more: str | int) -> list[str]:
    """Return the numbers of the cases that somebody finds, with all that was reported by now."""
    answer = person.get(f"/ledgers/{ledger}", {"q": words, **more})
    assert answer.status_code == 200, answer.text
    return sorted(item["number"] for item in answer.json()["items"])


def database_of(house: House) -> Database:
    return Database(house.site.dsn, house.site.districts()[DISTRICT])


def report(house: House, title: str, unit: str = d.GRID) -> dict[str, Any]:
    """Report a case and wait until it can be found."""
    case = house.integrator.report(title, unit=unit)
    answer = house.admin.get("/ledgers/cases", {"q": title, "at_least": house.admin.head()})
    assert answer.status_code == 200, answer.text
    return case


@pytest.mark.parametrize("words", ["晾衣", "绿化带里晾衣杆", "晾", "ＡＢ座 晾衣", "ab座"])
def test_a_piece_of_the_title_finds_the_case(house: House, words: str) -> None:
    case = report(house, "AB座绿化带里晾衣杆倒塌")
    assert case["number"] in found(house.admin, words)


def test_two_pieces_far_apart_do_not_make_a_word(house: House) -> None:
    """Their pieces of two characters are all in the title, but the word is not."""
    case = report(house, "窨井井盖盖井")
    assert case["number"] in found(house.admin, "井盖盖井")
    assert case["number"] not in found(house.admin, "盖盖井盖")


def test_a_piece_of_the_number_finds_the_case(house: House) -> None:
    case = report(house, "查编号")
    assert found(house.admin, case["number"][2:]) == [case["number"]]


def test_who_may_not_read_texts_looks_in_numbers_alone(house: House) -> None:
    case = report(house, "不可读标题")
    assert found(house.dashboard, "不可读") == []
    assert found(house.dashboard, case["number"]) == [case["number"]]


def test_nobody_finds_what_is_out_of_their_scope(house: House) -> None:
    case = report(house, "河北独有事项", d.OTHER_COMMUNITY)
    assert found(house.other_community, "独有事项") == [case["number"]]
    assert found(house.community, "独有事项") == []
    counts = house.community.get("/ledgers/cases/summary", {"q": "独有事项"}).json()
    assert counts["total"] == 0


def test_pages_go_through_all_that_was_found(house: House) -> None:
    numbers = sorted(report(house, f"翻页查找第{n}件")["number"] for n in range(5))
    report(house, "翻页但不查")
    seen: list[str] = []
    query: dict[str, str | int] = {"q": "翻页查找", "limit": 2, "sort": "number"}
    while True:
        page = house.admin.get("/ledgers/cases", query).json()
        seen += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == numbers


def test_summary_export_and_joined_ledgers_take_the_words_too(house: House) -> None:
    case = report(house, "合计与导出")
    assert house.admin.get("/ledgers/cases/summary", {"q": "与导出"}).json()["total"] == 1
    file = house.admin.get("/ledgers/cases", {"q": "与导出", "format": "csv"}).text
    assert [line for line in file.splitlines() if case["number"] in line]
    assert len(file.splitlines()) == 2
    described = {one["name"]: one for one in house.admin.get("/ledgers").json()["items"]}
    joined = [one for one in described.values() if one["name"] in {"returns", "tasks"}]
    assert all("q" in {known["name"] for known in one["filters"]} for one in joined)
    for one in joined:
        assert found(house.admin, "与导出", one["name"]) == []


def test_an_erased_text_cannot_be_found_and_leaves_no_trace(house: House) -> None:
    case = report(house, "将被删除的标题")
    assert found(house.admin, "将被删除") == [case["number"]]
    with database_of(house).connect() as connection:
        query = "SELECT field FROM search WHERE case_id = %s ORDER BY field"
        before = connection.execute(query, (case["id"],)).fetchall()
        connection.execute(
            "UPDATE subject_key SET wrapped = NULL WHERE stream_id = %s", (case["id"],)
        )
        after = connection.execute(query, (case["id"],)).fetchall()
    assert (before, after) == ([("number",), ("title",)], [("number",)])
    assert found(house.admin, case["number"]) == [case["number"]]


def test_an_erased_text_does_not_come_back_while_its_key_is_still_known(house: House) -> None:
    """A process that has just shown a text knows its key for a minute more."""
    case = report(house, "刚被删除的标题")
    query = "SELECT field FROM search WHERE case_id = %s ORDER BY field"
    with house.site.open(DISTRICT) as services, services.database.connect() as connection:
        search.rebuild(connection, services.vault)
        assert connection.execute(query, (case["id"],)).fetchall() == [("number",), ("title",)]
        connection.execute(
            "UPDATE subject_key SET wrapped = NULL WHERE stream_id = %s", (case["id"],)
        )
        search.rebuild(connection, services.vault)
        assert connection.execute(query, (case["id"],)).fetchall() == [("number",)]


def test_a_row_holds_no_clear_text(house: House) -> None:
    case = report(house, "明文不入表")
    with database_of(house).connect() as connection:
        rows = connection.execute(
            "SELECT s::text FROM search s WHERE case_id = %s", (case["id"],)
        ).fetchall()
    assert len(rows) == 2
    assert not [row for row in rows if "明" in row[0] or case["number"] in row[0]]


def test_too_many_candidates_ask_for_more_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        report(house, f"太多相同事项{n}")
    monkeypatch.setattr(search, "MOST", 2)
    check_problem(house.admin.get("/ledgers/cases", {"q": "太多相同"}), 400, "narrow-search")
    assert len(found(house.admin, "太多相同事项1")) == 1
    narrowed = {"q": "太多相同", "reported_from": "2199-01-01T00:00:00+08:00"}
    answer = house.admin.get("/ledgers/cases", narrowed)
    assert (answer.status_code, answer.json().get("items")) == (200, []), answer.text


@pytest.mark.parametrize("words", ["", "  ", "一 二 三 四 五 六 七 八 九", "长" * 65])
def test_words_that_say_nothing_or_too_much_are_refused(house: House, words: str) -> None:
    check_problem(house.admin.get("/ledgers/cases", {"q": words}), 400, "bad-search")


def test_the_index_is_rebuilt_to_itself(house: House) -> None:
    report(house, "重建查找索引")
    query = "SELECT s::text FROM search s ORDER BY 1"
    with house.site.open(DISTRICT) as services, services.database.connect() as connection:
        services.runner.run_until(house.admin.head())
        before = connection.execute(query).fetchall()
        search.rebuild(connection, services.vault)
        assert connection.execute(query).fetchall() == before
