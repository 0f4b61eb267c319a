"""Drawings of kinds: complete, in their lanes, one box beside the other, the same bytes always."""

from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from domain.kind import Kind
from tests.support.kinds import REPAIR
from workflows.kind_drawing import LABELLED, svg
from workflows.kind_layout import GAP, HIGH, lay_out
from workflows.kind_moves import moves, several
from workflows.kind_words import PHASE_TITLES
from workflows.language import compile_kind, shipped_sources

KINDS = [compile_kind(source.text) for source in shipped_sources()]
NAMES = [kind.name for kind in KINDS]
SMALL = compile_kind(REPAIR)
SVG = "{http://www.w3.org/2000/svg}"


def words(drawn: str) -> list[str]:
    """Return what can be read in a drawing, without what shows only where one points."""
    return [one.text or "" for one in ET.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314 - our own


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_every_stage_phase_and_move_stands_in_the_drawing(kind: Kind) -> None:
    drawn = svg(kind)
    read = words(drawn)
    assert {stage.title for stage in kind.stages.values()} <= set(read)
    assert {PHASE_TITLES[stage.phase] for stage in kind.stages.values()} <= set(read)
    arrows = moves(kind)
    assert drawn.count("marker-end") == len(arrows) + 1
    everything = "\n".join(read)
    assert all(several(titles) in everything for titles in arrows.values())
    assert kind.report.title in read
    assert "<script" not in drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_a_drawing_is_the_same_whenever_it_is_made() -> None:
    again = compile_kind(f"{REPAIR}\n# 再编译一次\n")
    assert svg(again) == svg(SMALL)


def test_where_there_are_many_arrows_they_bear_numbers_that_are_explained() -> None:
    loop = next(kind for kind in KINDS if kind.name == "closed-loop")
    arrows = moves(loop)
    assert len(arrows) > LABELLED
    read = words(svg(loop))
    assert {str(number) for number in range(1, len(arrows) + 1)} <= set(read)
    assert any(one.endswith("：已上报 → 待分级") for one in read)


def test_marks_of_the_format_in_a_title_break_nothing() -> None:
    odd = compile_kind(REPAIR.replace("title: 开始处理", 'title: "<处理> & \\"查\\""'))
    assert '<处理> & "查"' in words(svg(odd))


def test_a_way_back_ends_where_it_leads_and_leaves_where_it_began() -> None:
    laid = lay_out({"a": "x", "b": "x", "c": "y"}, [("a", "b"), ("b", "c"), ("c", "a")], WIDE)
    assert [laid.boxes[name][1] for name in "abc"] == sorted(y for _, y in laid.boxes.values())
    first, *bends, last = laid.ways["c", "a"]
    assert abs(first[1] - laid.boxes["c"][1]) == abs(last[1] - laid.boxes["a"][1]) == HIGH // 2
    assert len(bends) == 1


WIDE = {"a": 80, "b": 80, "c": 80}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_boxes_stand_in_their_lane_and_none_on_another(kind: Kind) -> None:
    lanes = {stage.name: stage.phase for stage in kind.stages.values()}
    arrows = [pair for pair in moves(kind) if pair[0] in lanes]
    widths = dict.fromkeys(lanes, 90)
    laid = lay_out(lanes, arrows, widths)
    for name, (x, _) in laid.boxes.items():
        left, right = laid.lanes[lanes[name]]
        assert left < x - 45 < x + 45 < right
    for (x, y), (other, below) in combinations(laid.boxes.values(), 2):
        assert y != below or abs(x - other) >= 90 + GAP // 2
