"""事项清单: what may be handed down, since when, and every version of the standards."""

from datetime import date
from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.catalogue import CATALOGUE
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import DAY_ONE, Teller, at

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def admitted(
    item: str = "a-1", since: date = MARCH, department: str | None = "water"
) -> f.ItemAdmitted:
    return f.ItemAdmitted(
        item=item,
        title="独居老人走访",
        department=department,
        people=2,
        money=30_000,
        since=since,
        case="c1",
    )


def adjusted(since: date = APRIL) -> f.ItemAdjusted:
    return f.ItemAdjusted(
        item="a-1",
        title="老人走访",
        department="water",
        people=3,
        money=40_000,
        since=since,
        case="c2",
    )


def exited(since: date = APRIL) -> f.ItemExited:
    return f.ItemExited(item="a-1", since=since, case="c3")


def published(version: str, *conditions: int) -> f.CataloguePublished:
    items: list[dict[str, Any]] = [
        {"code": f"{n}", "conditions": [1] * count} for n, count in enumerate(conditions)
    ]
    return f.CataloguePublished(
        name="standard", version=version, hash="h", document={"items": items}
    )


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, CATALOGUE, sort="changed_at", **asked)


def test_an_item_is_admitted_with_what_follows_it(district: Database) -> None:
    tell_case(district, [(admitted(), 0)])
    (row,) = rows(district)
    assert (row["sort"], row["code"], row["name"]) == ("item", "a-1", "独居老人走访")
    assert (row["status"], row["department"], row["decided_in"]) == ("admitted", "water", "c1")
    assert (row["people"], row["money"], row["admitted_since"]) == (2, 30_000, MARCH)


def test_an_adjustment_keeps_since_when_it_was_admitted(district: Database) -> None:
    tell_case(district, [(admitted(), 0)], [(adjusted(), 5)])
    (row,) = rows(district)
    assert (row["name"], row["people"], row["adjustments"]) == ("老人走访", 3, 1)
    assert (row["admitted_since"], row["adjusted_since"]) == (MARCH, APRIL)
    (before,) = rows(district, as_of=at(4))
    assert (before["people"], before["adjustments"]) == (2, 0)


def test_what_has_left_is_in_force_up_to_the_day(district: Database) -> None:
    tell_case(district, [(admitted(), 0)], [(exited(), 5)])
    (row,) = rows(district)
    assert (row["status"], row["exited_since"], row["decided_in"]) == ("exited", APRIL, "c3")
    counts = counts_of(district, CATALOGUE, now=DAY_ONE)
    assert (counts["open"], counts["exited"], counts["people"]) == (1, 1, 2)
    later = counts_of(district, CATALOGUE, now=at(24 * 40))
    assert (later["open"], later["money"]) == (0, 0)


def test_an_item_that_begins_later_is_not_yet_in_force(district: Database) -> None:
    tell_case(district, [(admitted(since=APRIL), 0)])
    assert counts_of(district, CATALOGUE, now=DAY_ONE)["open"] == 0
    assert rows(district, in_force="true", as_of=DAY_ONE) == []
    assert len(rows(district, in_force="true", as_of=at(24 * 40))) == 1


def test_who_is_admitted_again_begins_anew(district: Database) -> None:
    tell_case(district, [(admitted(), 0)], [(exited(), 1)], [(admitted(since=MAY), 2)])
    (row,) = rows(district)
    assert (row["status"], row["admitted_since"], row["exited_since"]) == ("admitted", MAY, None)


def test_an_item_whose_admission_is_not_known_is_shown_all_the_same(district: Database) -> None:
    tell_case(district, [(exited(), 1)])
    (row,) = rows(district)
    assert (row["code"], row["status"], row["admitted_since"]) == ("a-1", "exited", None)
    assert counts_of(district, CATALOGUE)["open"] == 0


def test_every_version_of_a_standard_is_a_row(district: Database) -> None:
    codes = f.CodeTablePublished(
        system="12345", version="1", hash="h", codes=(f.CodePair("7", "component-01-01"),)
    )
    tell_case(district, [(published("1", 2), 0)], [(published("2", 1, 3), 1)], [(codes, 2)])
    found = {(row["sort"], row["version"]): row for row in rows(district)}
    assert found["catalogue", "1"]["status"] == "replaced"
    second = found["catalogue", "2"]
    assert (second["status"], second["entries"], second["conditions"]) == ("current", 2, 4)
    assert found["codes", "1"]["entries"] == 1
    counts = counts_of(district, CATALOGUE)
    assert (counts["total"], counts["versions"]) == (0, 3)


def test_everybody_in_the_district_may_read_it(district: Database) -> None:
    tell_case(district, [(admitted(), 0)])
    for unit in ("county", "village", "other"):
        assert len(rows(district, scope=unit)) == 1, unit
        assert len(exported(district, CATALOGUE, scope=unit)) == 1, unit
        assert counts_of(district, CATALOGUE, scope=unit)["total"] == 1, unit


def test_items_are_counted_by_department(district: Database) -> None:
    tell_case(district, [(admitted("a-1"), 0), (admitted("a-2", department=None), 0)])
    assert counts_of(district, CATALOGUE)["by_department"] == {"": 1, "water": 1}
    assert [row["code"] for row in rows(district, department="water")] == ["a-1"]


def test_pages_go_on_where_the_one_before_ended(district: Database) -> None:
    tell_case(district, [(admitted(f"a-{n}"), n) for n in range(5)], teller=Teller())
    with district.connect() as connection:
        asked: dict[str, Any] = {"scope": None, "filters": {"sort": "code"}, "limit": 2}
        first = CATALOGUE.page(connection, **asked)
        second = CATALOGUE.page(connection, **asked, cursor=first.next)
    assert [row["code"] for row in (*first.items, *second.items)] == ["a-0", "a-1", "a-2", "a-3"]
