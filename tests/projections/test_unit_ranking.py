"""考核通报 (单位): what was signed, version by version, with what moved."""

from datetime import date
from typing import Any

from domain import facts as f
from domain.rankings import Score, differences, ranked
from eventlog.database import Database
from projections.ledgers.unit_ranking import UNIT_RANKING
from projections.scope import Scope
from tests.support.asking import counts_of, exported, rows_of, tell_case
from tests.support.stories import BUREAU, DAY_ONE, OTHER, TOWN, at


def scored(unit: f.Unit, points: str, level: str = "town") -> Score:
    return Score(unit, unit.id, level, points, {"normal": 1})


def signed(version: int, *scores: Score, period: str = "2026-02") -> f.RankingSigned:
    return f.RankingSigned(
        ranking="unit-points",
        title="单位积分",
        formula="unit-points@1.0.0",
        formula_hash="h",
        period=period,
        since=date(2026, 2, 1),
        until=date(2026, 3, 1),
        as_of=DAY_ONE,
        position=version,
        version=version,
        digest="d",
        units=ranked(scores),
        by="somebody",
    )


FIRST = signed(1, scored(TOWN, "5"), scored(OTHER, "5"), scored(BUREAU, "-3", "department"))
SECOND = signed(2, scored(TOWN, "5"), scored(OTHER, "12"), scored(BUREAU, "-3", "department"))


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, UNIT_RANKING, sort="rank", **asked)


def test_equal_points_share_a_rank_and_levels_are_ranked_apart() -> None:
    south = f.Unit("south", ("county", "south"))
    units = ranked([*(scored(one, "10") for one in (TOWN, OTHER)), scored(south, "9.5")])
    assert [(one.unit.id, one.rank) for one in units] == [("other", 1), ("town", 1), ("south", 3)]
    assert [(one.unit.id, one.rank) for one in FIRST.units] == [
        ("other", 1),
        ("town", 1),
        ("bureau", 1),
    ]


def test_points_are_compared_as_numbers() -> None:
    units = ranked([scored(TOWN, "9"), scored(OTHER, "10"), scored(BUREAU, "10.0")])
    assert [(one.unit.id, one.rank) for one in units] == [("bureau", 1), ("other", 1), ("town", 3)]
    assert differences(ranked([scored(TOWN, "1.0")]), ranked([scored(TOWN, "1")])) == ()


def test_a_difference_names_who_moved_who_came_and_who_went() -> None:
    after = signed(2, scored(OTHER, "12"), scored(TOWN, "5"))
    found = {one.unit: one for one in differences(FIRST.units, after.units)}
    assert (found["other"].points_before, found["other"].points) == ("5", "12")
    assert (found["town"].rank_before, found["town"].rank) == (1, 2)
    assert (found["bureau"].rank_before, found["bureau"].rank) == (1, None)


def test_a_version_stands_until_a_correction_is_signed(district: Database) -> None:
    teller = tell_case(district, [(FIRST, 0)])
    assert {row["status"] for row in rows(district)} == {"current"}
    assert not any(row["moved"] for row in rows(district))
    tell_case(district, [(SECOND, 5)], teller=teller)
    assert len(rows(district)) == 6
    now = {row["unit"]: row for row in rows(district, status="current")}
    assert (now["town"]["rank"], now["town"]["rank_before"], now["town"]["moved"]) == (2, 1, True)
    assert (now["other"]["points"], now["other"]["points_before"]) == ("12", "5")
    assert now["bureau"]["moved"] is False
    counts = counts_of(district, UNIT_RANKING)
    assert (counts["total"], counts["current"], counts["moved"], counts["versions"]) == (6, 3, 2, 2)


def test_the_older_version_stays_readable_and_is_the_one_of_then(district: Database) -> None:
    tell_case(district, [(FIRST, 0)], [(SECOND, 5)])
    before = rows(district, as_of=at(4))
    assert {(row["version"], row["status"]) for row in before} == {(1, "current")}
    old = [row for row in rows(district) if row["version"] == 1]
    assert {row["status"] for row in old} == {"replaced"}
    assert {row["points"] for row in old} == {"5", "-3"}


def test_everybody_reads_all_of_it(district: Database) -> None:
    tell_case(district, [(FIRST, 0)])
    assert len(rows(district, scope=Scope("village"))) == 3
    assert len(exported(district, UNIT_RANKING, scope=Scope("other"))) == 3
    assert len(rows(district, level="department")) == 1
