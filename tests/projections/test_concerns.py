"""民情台账: what keeps coming back, stays unsolved or is everywhere; each says why."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.errors import UnknownField, UnknownParameter
from eventlog.database import Database
from projections.concerns.ledger import CONCERNS, ConcernLedger
from projections.concerns.rule import BadConcernRule, read_rule
from projections.query import BadCursor
from projections.scope import Scope, Sight
from tests.support.stories import (
    COUNTY,
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    case_id,
    closed,
    follow,
    move,
    reported,
    started,
    store,
)

GRID = f.Unit("grid", ("county", "town", "village", "grid"))
NORTH = f.Unit("north", ("county", "town", "north"))
SOUTH = f.Unit("south", ("county", "town", "south"))
UNITS = (
    ("county", "county", None),
    ("town", "town", "county"),
    ("other", "town", "county"),
    ("village", "community", "town"),
    ("north", "community", "town"),
    ("south", "community", "town"),
    ("far", "community", "other"),
    ("grid", "grid", "village"),
)
DAYS = 24.0
NOW = at(30 * DAYS)
HEAT = "供暖"


def units(teller: Teller) -> list[Any]:
    """Return the directory: a county, two towns, four communities, one grid."""
    established = (
        f.UnitEstablished(unit=unit, code=unit, name=unit, level=level, parent=parent)
        for unit, level, parent in UNITS
    )
    return [[teller.tell("directory", fact, at(-DAYS)) for fact in established]]


class Town:
    """A district in which people report."""

    def __init__(self, district: Database) -> None:
        self.district, self.teller, self.cases = district, Teller(), 0
        store(district, units(self.teller))

    def reports(
        self,
        *days: float,
        place: f.Unit = VILLAGE,
        category: str | None = HEAT,
        then: Sequence[tuple[f.Fact, float]] = (),
    ) -> list[str]:
        """Report a case on each of these days; `then` happens to each, hours later."""
        numbers: list[str] = []
        for day in days:
            self.cases += 1
            number = f"n{self.cases}"
            fact = reported(number, place=place, category=category)
            told = [self.teller.tell(number, replace(fact, holder=place), at(day * DAYS))]
            more = [self.teller.tell(number, one, at(day * DAYS + hours)) for one, hours in then]
            store(self.district, [told, *([more] if more else [])])
            numbers.append(number)
        follow(self.district)
        return numbers

    def finds(
        self,
        *,
        scope: Sight = None,
        ledger: ConcernLedger = CONCERNS,
        **asked: Any,  # noqa: ANN401 - as asked
    ) -> list[dict[str, Any]]:
        """Return the findings as a page shows them."""
        moments = {name: asked.pop(name) for name in ("as_of", "known_at") if name in asked}
        now = asked.pop("now", NOW)
        with self.district.connect() as connection:
            page = ledger.page(connection, scope=scope, filters=asked, limit=99, now=now, **moments)
        return page.items


@pytest.fixture
def town(district: Database) -> Town:
    return Town(district)


def test_five_cases_of_a_category_in_a_community_within_ninety_days_are_recurring(
    town: Town,
) -> None:
    numbers = town.reports(1, 2, 3) + town.reports(4, place=GRID)
    assert town.finds() == []
    numbers += town.reports(5, place=GRID)
    (found,) = town.finds()
    assert (found["sort"], found["category"], found["place"]) == ("recurring", HEAT, "village")
    assert (found["cases"], found["first_at"], found["last_at"]) == (5, at(DAYS), at(5 * DAYS))
    assert found["rule"] == "concerns@1.0.0/recurring"
    assert found["because"] == "90 天内同一地点同一类别 5 件，达到 5 件"
    assert found["numbers"].split("、") == numbers[::-1]
    assert found["case_ids"].split(",") == [case_id(number) for number in numbers[::-1]]
    assert found["drill"] == "ledgers/cases?number=n5%2Cn4%2Cn3%2Cn2%2Cn1"


def test_what_happened_longer_ago_or_elsewhere_or_of_another_sort_does_not_recur(
    town: Town,
) -> None:
    town.reports(1, 2, 3, 4, then=((closed(), 1),))
    town.reports(5, place=NORTH, then=((closed(), 1),))
    town.reports(5, category="噪声", then=((closed(), 1),))
    town.reports(5, category=None, then=((closed(), 1),))
    assert town.finds() == []
    town.reports(6, then=((closed(), 1),))
    assert len(town.finds()) == 1
    assert town.finds(now=at(92 * DAYS)) == []


def test_a_case_that_was_voided_is_not_counted(town: Town) -> None:
    voided = f.CaseVoided(**move(), request=1, by="somebody", reason="mistake")
    town.reports(1, 2, 3, 4)
    town.reports(5, then=((voided, 1),))
    assert town.finds() == []


def test_open_cases_that_are_old_overdue_or_done_again_and_again_are_chronic(town: Town) -> None:
    again = f.ReworkRequired(**move(), count=2)
    town.reports(0, then=((started(at(10 * DAYS)), 0),))
    town.reports(10, then=((again, 5),))
    town.reports(25)
    (found,) = town.finds()
    assert (found["sort"], found["cases"]) == ("chronic", 2)
    assert (found["old"], found["again"], found["overdue"]) == (0, 1, 1)
    assert found["because"] == "在办 2 件：重新办理或返工达到 2 次 1 件、已经超期 1 件"
    (found,) = town.finds(now=at(95 * DAYS))
    assert (found["old"], found["cases"]) == (1, 2)


def test_what_has_ended_is_no_longer_chronic_but_was_as_of_then(town: Town) -> None:
    town.reports(0, then=((started(at(10 * DAYS)), 0), (closed(), 20 * DAYS)))
    assert town.finds() == []
    (found,) = town.finds(as_of=at(15 * DAYS))
    assert (found["sort"], found["overdue"]) == ("chronic", 1)
    assert town.finds(as_of=at(5 * DAYS)) == []


def test_a_category_in_most_communities_of_a_town_is_widespread_there(town: Town) -> None:
    for place in (VILLAGE, NORTH):
        town.reports(1, place=place)
    assert town.finds() == []
    (number,) = town.reports(2, place=SOUTH)
    both = town.finds(sort="category")
    assert {one["place"]: (one["units"], one["of_units"]) for one in both} == {
        "town": (3, 3),
        "county": (3, 4),
    }
    assert {one["sort"] for one in both} == {"widespread"}
    first = next(one for one in both if one["place"] == "county")
    assert first["because"] == (
        "90 天内 4 个同级单元中有 3 个出现，达到 1/2 且不少于 3 个；共 3 件"
    )
    assert first["numbers"].split("、")[0] == number


def test_nobody_is_told_of_cases_that_are_not_theirs(town: Town) -> None:
    town.reports(1, 2, 3)
    town.reports(1, 2, place=NORTH)
    town.reports(1, 2, place=SOUTH)
    mine = town.reports(4, 5)
    secret = f.ConfidentialitySet(**move(), posts=("post",))
    (one,) = town.finds(scope=Scope("village"))
    assert (one["sort"], one["cases"]) == ("recurring", 5)
    assert town.finds(scope=Scope("other")) == []
    assert {found["place"] for found in town.finds(scope=Scope("town"))} == {
        "village",
        "town",
        "county",
    }
    store(town.district, [[town.teller.tell(mine[0], secret, at(6 * DAYS))]])
    follow(town.district)
    assert town.finds(scope=Scope("village")) == []
    assert town.finds(scope=Scope("village"), as_of=at(5.5 * DAYS)) == []
    assert len(town.finds(scope=Scope("village", post="post"))) == 1


def test_it_is_known_only_since_it_was_recorded(town: Town) -> None:
    town.reports(1, 2, 3, 4)
    town.reports(5)
    with town.district.connect() as connection:
        moments = connection.execute("SELECT recorded_at FROM event ORDER BY position").fetchall()
    assert len(town.finds(known_at=moments[-1][0] + timedelta(days=30))) == 1
    assert len(town.finds(as_of=at(5 * DAYS))) == 1
    assert town.finds(as_of=at(4.5 * DAYS)) == []


def test_findings_are_asked_by_sort_category_place_unit_and_kind(town: Town) -> None:
    town.reports(1, 2, 3, 4, 5)
    town.reports(1, 2, 3, 4, 5, place=NORTH, category="噪声")
    assert len(town.finds()) == 2
    assert [one["place"] for one in town.finds(category="噪声")] == ["north"]
    assert [one["place"] for one in town.finds(place="village")] == ["village"]
    assert len(town.finds(unit="town")) == 2
    assert town.finds(unit="other") == []
    assert town.finds(sort_of="chronic") == []
    assert town.finds(kind="closed-loop") == []
    with pytest.raises(UnknownParameter):
        town.finds(colour="red")
    with pytest.raises(UnknownField):
        town.finds(sort="-because")


def test_pages_follow_each_other_without_a_gap(town: Town) -> None:
    for category in ("甲", "乙", "丙"):
        town.reports(1, 2, 3, 4, 5, category=category)
    found: list[Any] = []
    cursor = None
    with town.district.connect() as connection:
        while True:
            asked: dict[str, Any] = {"scope": None, "filters": {}, "now": NOW}
            page = CONCERNS.page(connection, **asked, limit=1, cursor=cursor)
            found += page.items
            cursor = page.next
            if cursor is None:
                break
        with pytest.raises(BadCursor):
            CONCERNS.page(connection, **asked, limit=1, cursor="bm8")
        summary = CONCERNS.summary(connection, scope=None, filters={}, now=NOW)
    assert [one["id"] for one in found] == [one["id"] for one in town.finds()]
    assert len({UUID(one["id"]) for one in found}) == 3
    assert (summary["total"], summary["recurring"], summary["chronic"]) == (3, 3, 0)
    assert summary["by_category"] == {"丙": 1, "乙": 1, "甲": 1}


def test_a_place_above_communities_stands_for_itself(town: Town) -> None:
    town.reports(1, 2, 3, 4, 5, place=TOWN)
    (found,) = town.finds()
    assert found["place"] == "town"
    town.reports(1, 2, 3, 4, 5, place=OTHER)
    assert {one["place"] for one in town.finds()} == {"town", "other"}
    assert COUNTY.id not in {one["place"] for one in town.finds()}


def test_other_thresholds_are_another_version_of_the_rule(town: Town) -> None:
    text = (
        "rule: {name: concerns, version: 2.0.0, title: 试行}\nlevel: community\n"
        "recurring: {cases: 2, days: 30}\nchronic: {cases: 1, open_days: 30, again: 1}\n"
        'widespread: {days: 30, units: 2, share: "1/1"}\n'
        'likeness: {words: 3, cases: 2, share: "1/2"}\n'
    )
    town.reports(1, 2)
    (found,) = town.finds(ledger=ConcernLedger(read_rule(text)))
    assert found["rule"] == "concerns@2.0.0/recurring"
    assert found["because"].startswith("30 天内")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("cases: 5", "cases: 0"), "第 10 行 recurring.cases：须为 1 至 3660 的整数"),
        (('"1/2"', '"3/2"'), "widespread.share"),
        (('"1/2"', "0.5"), "widespread.share"),
        (("level: community", "level: street"), "level：须为单元的层级"),
        (("again: 2", "agian: 2"), "chronic.agian：没有“agian”"),
        (("version: 1.0.0", "version: '1'"), "rule.version"),
        (("recurring:", "recuring:"), "recuring：没有"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(change: tuple[str, str], told: str) -> None:
    text = shipped_text().replace(*change, 1)
    with pytest.raises(BadConcernRule, match=told):
        read_rule(text)


def shipped_text() -> str:
    return (files("projections") / "concerns" / "rule.yaml").read_text("utf-8")
