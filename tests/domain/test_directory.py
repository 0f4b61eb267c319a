"""The directory: finding units, moving them, and who held a post when."""

from datetime import date

import pytest

from domain import facts as f
from domain.directory import Directory, circles, fold_directory
from domain.errors import UnknownUnit
from tests.support import districts as d
from tests.support.given import directory


def unit(code: str, name: str, level: str, parent: str | None) -> f.UnitEstablished:
    return f.UnitEstablished(unit=code, code=code, name=name, level=level, parent=parent)


def moved(code: str, name: str, level: str, parent: str | None) -> f.UnitChanged:
    return f.UnitChanged(unit=code, code=code, name=name, level=level, parent=parent)


TWINS = fold_directory(
    directory(),
    [
        unit("v1", "王家村", "community", d.TOWN),
        unit("v2", "王家村", "community", d.OTHER_TOWN),
        unit("s", "一/二网格", "grid", d.COMMUNITY),
    ],
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (d.COMMUNITY, d.COMMUNITY),
        (" 东街社区　", d.COMMUNITY),
        ("城关镇/王家村", "v1"),
        ("河北镇／王家村", "v2"),
        (r"演示县\河北镇\王家村", "v2"),
        ("河北镇 / 王家村", "v2"),
        ("一/二网格", "s"),
    ],
)
def test_a_unit_is_found_by_code_unique_name_or_with_what_lies_above(text: str, found: str) -> None:
    assert TWINS.find(text).id == found


@pytest.mark.parametrize("text", ["", "李家村", "东街社区/王家村", "王家"])
def test_what_nobody_answers_to_is_unknown(text: str) -> None:
    with pytest.raises(UnknownUnit) as refusal:
        TWINS.find(text, pointer="/unit")
    assert refusal.value.details["candidates"] == []
    assert refusal.value.pointer == "/unit"
    assert "不在组织目录中" in str(refusal.value)


def test_an_ambiguous_name_is_unknown_but_names_the_candidates() -> None:
    with pytest.raises(UnknownUnit) as refusal:
        TWINS.find("王家村")
    assert refusal.value.details["candidates"] == ["城关镇/王家村（v1）", "河北镇/王家村（v2）"]
    assert "河北镇/王家村（v2）" in str(refusal.value)


def test_paths_lead_from_the_county_down_also_when_children_come_first() -> None:
    later = fold_directory(
        Directory(), [unit("b", "乙", "town", "a"), unit("a", "甲", "county", None)]
    )
    assert later.unit("b").path == ("a", "b")
    assert later.root == later.units["a"]
    assert directory().ancestor(directory().unit(d.GRID), "town") == directory().unit(d.TOWN)
    assert directory().ancestor(directory().unit(d.WATER), "community") is None


def test_a_unit_that_moves_takes_what_lies_below_with_it() -> None:
    after = fold_directory(directory(), [moved(d.COMMUNITY, "东街社区", "community", d.OTHER_TOWN)])
    assert after.unit(d.GRID).path == (d.COUNTY, d.OTHER_TOWN, d.COMMUNITY, d.GRID)
    renamed = fold_directory(directory(), [moved(d.TOWN, "新城镇", "town", d.COUNTY)])
    assert renamed.find("新城镇").id == d.TOWN
    with pytest.raises(UnknownUnit):
        renamed.find("城关镇")


def test_a_circle_is_found_and_never_hangs_a_fold() -> None:
    after = fold_directory(directory(), [moved(d.TOWN, "城关镇", "town", d.GRID)])
    assert set(circles(after)) == {d.TOWN, d.COMMUNITY, d.GRID}
    assert circles(directory()) == []
    assert after.unit(d.GRID).path


def test_the_county_is_the_root_whoever_else_stands_at_the_top() -> None:
    odd = fold_directory(
        Directory(), [unit("x", "局", "department", None), unit("a", "县", "county", None)]
    )
    assert odd.root == odd.units["a"]
    assert Directory().centre is None


def test_a_post_knows_who_held_it_on_which_day() -> None:
    after = fold_directory(
        directory(),
        [
            f.PostEstablished(post="p", unit=d.COMMUNITY, title="书记", role="community_officer"),
            f.PersonRegistered(person="a"),
            f.PersonRegistered(person="b"),
            f.PostTaken(post="p", person="a", since=date(2026, 1, 1), until=date(2026, 3, 1)),
            f.PostTaken(post="p", person="b", since=date(2026, 3, 15), until=None),
        ],
    )
    held = after.posts["p"].holder_on
    assert [held(date(2026, *day)) for day in ((2, 28), (3, 1), (3, 15), (12, 31))] == [
        "a",
        None,
        "b",
        "b",
    ]
    assert held(date(2025, 12, 31)) is None
    assert after.persons == {"a", "b"}
