"""Second parents, deputies, vacancies, dissolved units: who sees, who is told, who is meant."""

from datetime import date

import pytest

from domain import facts as f
from domain.directory import Directory, fold_directory, homeless
from domain.errors import UnknownUnit
from domain.recipients import resolve
from tests.support import districts as d
from tests.support.given import directory

DAY = date(2026, 10, 12)
BEFORE = date(2020, 1, 1)
OFFICE = "610327100001P"


def known(*facts: f.Fact) -> Directory:
    office = f.UnitEstablished(
        unit=OFFICE, code=OFFICE, name="司法所", level="department", parent=d.TOWN
    )
    return fold_directory(directory(), [office, *facts])


def second_parent(until: date | None = None, other: str = d.HOUSING) -> f.UnitRelated:
    return f.UnitRelated(
        relation="r1",
        sort="second_parent",
        unit=OFFICE,
        other=other,
        person=None,
        since=BEFORE,
        until=until,
    )


def post(name: str, unit: str = d.WATER, role: str = "department_officer") -> f.PostEstablished:
    return f.PostEstablished(post=name, unit=unit, title="局长", role=role)


def taken(name: str, person: str, since: date = BEFORE, until: date | None = None) -> f.PostTaken:
    return f.PostTaken(post=name, person=person, since=since, until=until)


def test_a_second_parent_reaches_the_shared_unit_while_the_relation_holds() -> None:
    there = known(second_parent(date(2026, 10, 13)))
    assert there.shared_with(d.HOUSING, DAY) == {OFFICE}
    assert there.shared_with(d.COUNTY, DAY) == {OFFICE}
    assert there.shared_with(d.WATER, DAY) == frozenset()
    assert there.shared_with(d.HOUSING, date(2026, 10, 13)) == frozenset()
    ended = fold_directory(there, [f.RelationEnded(relation="r1", until=DAY)])
    assert ended.shared_with(d.HOUSING, DAY) == frozenset()


def test_the_path_of_a_shared_unit_is_still_that_of_its_first_parent() -> None:
    there = known(second_parent())
    assert there.unit(OFFICE).path == (d.COUNTY, d.TOWN, OFFICE)


def test_a_vacant_post_falls_to_its_deputy_and_then_to_the_next_in_line() -> None:
    there = known(post("p1"), post("p2"), taken("p2", "second"))
    unit = there.unit(d.WATER)
    assert resolve("handler", unit, there, DAY) == f.Recipient(
        "handler", unit, "p2", "second", ("p1",)
    )
    named = f.DeputyNamed(post="p1", person="deputy", since=BEFORE, until=DAY)
    deputised = fold_directory(there, [named])
    earlier = date(2026, 10, 11)
    told = resolve("handler", unit, deputised, earlier)
    assert (told.post, told.person, told.vacant) == ("p1", "deputy", ("p1",))
    assert resolve("handler", unit, deputised, DAY).person == "second"
    held = fold_directory(deputised, [taken("p1", "first")])
    assert resolve("handler", unit, held, earlier).person == "first"


def test_a_post_that_was_left_shows_vacant_from_that_day() -> None:
    there = known(post("p1"), taken("p1", "first"))
    assert list(there.vacancies(DAY)) == []
    gone = fold_directory(there, [f.PostLeft(post="p1", person="first", until=DAY)])
    assert [one.id for one in gone.vacancies(DAY)] == ["p1"]
    assert gone.posts["p1"].holder_on(date(2026, 10, 11)) == "first"
    assert gone.answers_on(gone.posts["p1"], DAY) is None
    again = fold_directory(gone, [taken("p1", "next", DAY)])
    assert again.posts["p1"].holder_on(DAY) == "next"


def test_a_post_that_is_described_anew_keeps_who_held_it() -> None:
    there = known(post("p1"), taken("p1", "first"), post("p1", role="leader"))
    assert there.posts["p1"].role == "leader"
    assert there.posts["p1"].holder_on(DAY) == "first"


def test_a_dissolved_unit_is_answered_for_by_its_only_successor() -> None:
    gone = f.UnitDissolved(unit=d.WATER, on=DAY, successors=(d.HOUSING,))
    there = known(post("p1"), post("h1", d.HOUSING), taken("h1", "chief"), gone)
    assert there.find(d.WATER).id == d.HOUSING
    assert resolve("handler", there.unit(d.WATER), there, DAY).person == "chief"
    assert "p1" not in [one.id for one in there.vacancies(DAY)]
    with pytest.raises(UnknownUnit):
        there.find("水务局")


def test_a_unit_that_was_split_is_not_guessed() -> None:
    gone = f.UnitDissolved(unit=d.WATER, on=DAY, successors=(d.HOUSING, OFFICE))
    with pytest.raises(UnknownUnit) as refusal:
        known(gone).find(d.WATER)
    assert len(list(refusal.value.details["candidates"])) == 2  # type: ignore[call-overload]


def test_successors_of_successors_are_followed_and_a_circle_ends() -> None:
    there = known(
        f.UnitDissolved(unit=d.WATER, on=DAY, successors=(d.HOUSING,)),
        f.UnitDissolved(unit=d.HOUSING, on=DAY, successors=(OFFICE, d.WATER)),
    )
    assert there.survivors(d.WATER) == [OFFICE]


def test_a_building_outside_every_grid_is_homeless() -> None:
    def building(parent: str) -> f.UnitEstablished:
        return f.UnitEstablished(unit="b", code="b", name="楼", level="building", parent=parent)

    assert homeless(known(building(d.GRID))) == []
    assert homeless(known(building(d.COMMUNITY))) == ["b"]
