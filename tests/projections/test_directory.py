"""组织台账: units, posts, who held them from when to when; each seen from its own unit up."""

from datetime import date, datetime
from typing import Any

from domain import facts as f
from eventlog.database import Database
from projections.ledgers.directory import DIRECTORY
from tests.support.asking import Story, counts_of, exported, rows_of, tell_case
from tests.support.stories import at

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
IN_MAY = at(24 * 60)


def unit(unit: str, parent: str | None, level: str = "community") -> f.UnitEstablished:
    return f.UnitEstablished(unit=unit, code=f"c-{unit}", name=unit, level=level, parent=parent)


def changed(unit: str, parent: str | None) -> f.UnitChanged:
    return f.UnitChanged(unit=unit, code=f"c-{unit}", name=unit, level="community", parent=parent)


def post(post: str, unit: str) -> f.PostEstablished:
    return f.PostEstablished(post=post, unit=unit, title="网格员", role="grid_worker")


def taken(post: str, person: str, since: date = MARCH, until: date | None = None) -> f.PostTaken:
    return f.PostTaken(post=post, person=person, since=since, until=until)


TREE: Story = [
    (unit("county", None, "county"), 0),
    (unit("town", "county", "town"), 0),
    (unit("far", "county", "town"), 0),
    (unit("village", "town"), 0),
]


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as asked
    return rows_of(district, DIRECTORY, **asked)


def only(district: Database, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as asked
    (row,) = rows(district, **asked)
    return row


def held(district: Database, moment: datetime) -> list[str]:
    return [row["person"] for row in rows(district, sort_of="term", holds="true", as_of=moment)]


def test_units_stand_with_their_code_and_level(district: Database) -> None:
    tell_case(district, TREE)
    row = only(district, code="c-village")
    assert (row["sort"], row["unit"], row["parent"]) == ("unit", "village", "town")
    assert (row["level"], row["changed_at"]) == ("community", at(0))
    assert counts_of(district, DIRECTORY)["by_level"] == {"community": 1, "county": 1, "town": 2}


def test_who_held_a_post_on_a_day_has_an_answer(district: Database) -> None:
    tell_case(
        district,
        TREE,
        [(post("p1", "village"), 0), (taken("p1", "li"), 0)],
        [(f.PostLeft(post="p1", person="li", until=APRIL), 1), (taken("p1", "wang", APRIL), 1)],
    )
    assert held(district, at(2)) == ["li"]
    assert held(district, IN_MAY) == ["wang"]
    assert len(rows(district, person="li")) == 1
    row = only(district, person="li")
    assert (row["since"], row["until"], row["post"], row["unit"]) == (MARCH, APRIL, "p1", "village")


def test_a_term_that_ended_before_it_began_holds_on_no_day(district: Database) -> None:
    leaves = f.PostLeft(post="p1", person="li", until=MARCH)
    tell_case(
        district, TREE, [(post("p1", "village"), 0), (taken("p1", "li", APRIL), 0)], [(leaves, 1)]
    )
    row = only(district, person="li")
    assert (row["since"], row["until"]) == (APRIL, APRIL)
    assert held(district, IN_MAY) == []


def test_a_post_that_nobody_holds_is_vacant(district: Database) -> None:
    tell_case(
        district,
        TREE,
        [(post("p1", "village"), 0), (post("p2", "town"), 0), (taken("p1", "li", APRIL), 0)],
        [(f.DeputyNamed(post="p2", person="wang", since=MARCH, until=None), 1)],
    )
    counts = counts_of(district, DIRECTORY, now=at(2))
    assert (counts["posts"], counts["vacant"], counts["terms"], counts["deputies"]) == (2, 2, 0, 1)
    later = counts_of(district, DIRECTORY, now=IN_MAY)
    assert (later["vacant"], later["terms"]) == (1, 1)


def test_relations_hold_from_a_day_to_a_day(district: Database) -> None:
    related = f.UnitRelated(
        relation="r1",
        sort="liaison",
        unit="village",
        other="far",
        person="li",
        since=MARCH,
        until=None,
    )
    tell_case(district, TREE, [(related, 1)], [(f.RelationEnded(relation="r1", until=APRIL), 2)])
    row = only(district, relation="liaison")
    assert (row["unit"], row["other"], row["until"]) == ("village", "far", APRIL)
    assert rows(district, relation="liaison", holds="true", as_of=IN_MAY) == []
    assert len(rows(district, relation="liaison", scope="far")) == 1


def test_a_dissolved_unit_names_its_successors(district: Database) -> None:
    gone = f.UnitDissolved(unit="village", on=APRIL, successors=("town", "far"))
    tell_case(district, TREE, [(post("p1", "village"), 0)], [(gone, 1)])
    assert only(district, code="c-village")["until"] == APRIL
    assert only(district, sort_of="post")["until"] == APRIL
    assert {row["other"] for row in rows(district, relation="successor")} == {"town", "far"}
    counts = counts_of(district, DIRECTORY, now=IN_MAY)
    assert (counts["units"], counts["dissolved"], counts["posts"]) == (4, 1, 0)


def test_a_unit_that_moves_takes_its_posts_along(district: Database) -> None:
    tell_case(
        district,
        TREE,
        [(post("p1", "village"), 0), (taken("p1", "li"), 0)],
        [(changed("village", "far"), 5)],
    )
    assert {row["sort"] for row in rows(district, scope="far")} == {"unit", "post", "term"}
    assert {row["unit"] for row in rows(district, scope="town")} == {"town"}
    before = rows(district, scope="town", as_of=at(4))
    assert {row["sort"] for row in before} == {"unit", "post", "term"}


def test_children_that_came_before_their_parents_are_seen_from_above(district: Database) -> None:
    tell_case(district, [(unit("village", "town"), 0)], [(unit("town", "county"), 1)])
    assert len(rows(district, scope="county")) == 2
    assert len(rows(district, scope="town")) == 2


def test_a_circle_of_units_halts_nothing(district: Database) -> None:
    tell_case(district, [(unit("a", "b"), 0), (unit("b", "a"), 0), (changed("a", "b"), 1)])
    assert len(rows(district, scope="a")) == 2


def test_a_division_is_decreed_and_carried_out(district: Database) -> None:
    decreed = f.DivisionDecreed(
        division="2026-1",
        on=APRIL,
        established=(),
        moves=(f.DivisionMove("village", "far", ()),),
    )
    done = f.DivisionCarriedOut(division="2026-1", cases=3, to_allot=0)
    tell_case(district, TREE, [(decreed, 1)], [(done, 2)])
    row = only(district, sort_of="division")
    assert (row["code"], row["since"], row["carried_out"]) == ("2026-1", APRIL, True)
    assert only(district, sort_of="division", as_of=at(1))["carried_out"] is False


def test_nobody_sees_the_posts_of_other_units(district: Database) -> None:
    tell_case(district, TREE, [(post("p1", "village"), 0), (post("p2", "far"), 0)])
    for scope, seen in (("county", 6), ("town", 3), ("village", 2), ("far", 2)):
        assert len(rows(district, scope=scope)) == seen, scope
        assert len(exported(district, DIRECTORY, scope=scope)) == seen, scope
        assert counts_of(district, DIRECTORY, scope=scope)["total"] == seen, scope


def test_a_term_in_a_post_that_is_not_known_is_kept(district: Database) -> None:
    tell_case(district, [(taken("p9", "li"), 0)])
    row = only(district)
    assert (row["post"], row["person"], row["unit"]) == ("p9", "li", None)
