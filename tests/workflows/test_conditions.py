"""Conditions of actions: what may not be published, when they hold, and that they fail closed."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from api.problems import response_to
from domain.guards import check, refusals
from tests.support import given as g
from tests.support.small_kinds import Small, problems_of, small

# (an expression, what is said of it)
BROKEN: list[tuple[str, str]] = [
    ("case.sevrity == null", "没有“case.sevrity”；可用：case.kind"),
    ("actor.name == 'x'", "没有“actor.name”；可用：actor.role、actor.unit"),
    ("form.lvel == 'low'", "没有“form.lvel”；可用：form.level"),
    ("data.peopl == null", "没有“data.peopl”；可用：data.people、data.danger"),
    ("other == 1", "没有other"),
    ("case.stage > 1", "类型不符：> 不能用于（文字、整数）"),
    ("case.severity == 1", "类型不符：== 不能用于（文字、整数）"),
    ("data.people == 'many'", "类型不符：== 不能用于（整数、文字）"),
    ("case.hops ? true : false", "类型不符"),
    ("case.hops", "结果须为是或否"),
    ("case.severity", "结果须为是或否"),
    ("case.stage ==", "语法有误，在第 14 个字符附近"),
    ("case.stage = 'x'", "中的 = 'x' 无法识别"),
    ("case.hops / 2 > 1", "不能用除法（/）"),
    ("case.hops % 2 == 1", "不能用取余（%）"),
    ("['a'][0] == 'a'", "不能用下标（[]）"),
    ("{'a': 1} == {'a': 1}", "不能用映射（{}）"),
    ("timestamp('2026-01-01T00:00:00Z') == null", "不能用时间（timestamp）"),
    ("duration('1s') == null", "不能用时长（duration）"),
    ("now() == null", "不能用当前时间（now）"),
    ("has(case.severity)", "请与 null 比较"),
    ("case.stage.matches('a+')", "不能用函数 matches；可用的函数：size"),
    ("double(case.hops) > 1", "不能用函数 double"),
    ("case.hops > 1.5", "不能用小数"),
    ("form.note == 'x'", "form.note 是密封的文字，不能用作条件"),
    ("data.story == 'x'", "data.story 是密封的文字，不能用作条件"),
    ("data.people > 3", "data.people 可能为空，请先与 null 比较"),
    ("case.severity.startsWith('m')", "case.severity 可能为空，请先与 null 比较"),
    ("case.severity == null || data.people > 3", "data.people 可能为空"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_condition_that_could_fail_is_not_published(text: str, said: str) -> None:
    problem = problems_of(small(when=text))
    assert f"actions.judge.when：“{text}”" in problem
    assert said in problem


def test_every_condition_is_named_by_its_place_in_the_list() -> None:
    problem = problems_of(small(when=["true", {"expr": "case.hop == 1", "otherwise": "不行"}]))
    assert "actions.judge.when.1：" in problem


def test_a_condition_says_no_more_than_it_may() -> None:
    problem = problems_of(small(when={"expr": "true", "colour": "red"}))
    assert "actions.judge.when" in problem


# (an expression, the data of the report, the data of the form, whether it holds)
JUDGED: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("case.duplicate_of == null && !case.merged && !case.confidential", {}, {}, True),
    ("case.kind == 'small' && case.stage == 'reported' && case.phase == 'discovery'", {}, {}, True),
    ("case.severity == null && case.urgency == null && case.tier == null", {}, {}, True),
    ("case.category == null && case.source_system == null", {}, {}, True),
    (
        "case.hops + case.returns + case.calls + case.open_tasks + case.redo + case.rework == 0",
        {},
        {},
        True,
    ),
    ("case.cycle == 1 && case.cycle * 3 - 1 < 9", {}, {}, True),
    ("actor.role == 'grid_worker'", {}, {}, True),
    ("actor.role in ['leader', 'supervisor']", {}, {}, False),
    ("actor.unit != null", {}, {}, True),
    ("data.danger", {"danger": True}, {}, True),
    ("data.danger", {"danger": False}, {}, False),
    ("data.people != null && data.people > 3", {"people": 4}, {}, True),
    ("data.people != null && data.people > 3", {"people": 3}, {}, False),
    ("data.people != null && data.people > 3", {}, {}, False),
    ("form.level == 'high'", {}, {"level": "high"}, True),
    ("form.level == 'high'", {}, {"level": "low"}, False),
    ("form.level == 'high'", {}, {}, False),
    ("form.level == null || form.level.size() == 3", {}, {"level": "low"}, True),
    ("['low', 'high'].exists(one, one == form.level)", {}, {"level": "low"}, True),
]


@pytest.mark.parametrize(("text", "reported", "filled", "holds"), JUDGED)
def test_a_condition_is_judged_by_the_case_the_actor_and_the_form(
    text: str, reported: dict[str, Any], filled: dict[str, Any], *, holds: bool
) -> None:
    story = Small(small(when=text), **reported).judged(**filled)
    if holds:
        assert story.refusal is None
    else:
        assert story.refused("guard-failed").details["detail"] == text


def test_lists_and_units_are_compared_by_codes() -> None:
    form = {
        "helpers": {"title": "协办", "type": "units"},
        "day": {"title": "日期", "type": "day", "required": True},
    }
    text = f"size(form.helpers) == 0 || '{g.HOUSING.unit}' in form.helpers"
    kind = small(form, when=[text, "form.day >= '2026-03-02'"])
    assert Small(kind).judged(day="2026-03-02").refusal is None
    assert Small(kind).judged(day="2026-03-02", helpers=[g.HOUSING.unit]).refusal is None
    Small(kind).judged(day="2026-03-02", helpers=[g.WATER.unit]).refused("guard-failed")
    Small(kind).judged(day="2026-03-01").refused("guard-failed")


def test_what_people_read_is_what_the_kind_says() -> None:
    told = {"expr": "case.hops > 0", "otherwise": "先交办再研判。"}
    refusal = Small(small(when=["true", told])).judged().refused("guard-failed")
    assert str(refusal) == "不满足办理条件：先交办再研判。"
    assert "broken" not in refusal.details


def test_an_action_that_does_not_hold_is_not_possible_before_its_form_is_filled_in() -> None:
    story = Small(small(when="case.hops > 0"))
    action = story.kind.actions["judge"]
    assert [one.code for one in refusals(action, story.case, story.world(g.GRID))] == [
        "guard-failed"
    ]


def test_what_asks_for_the_form_waits_for_it() -> None:
    story = Small(small(when="form.level == 'high'"))
    check(story.kind.actions["judge"], story.case, story.world(g.GRID))
    story.judged(level="low").refused("guard-failed")


def test_what_gives_neither_yes_nor_no_is_no_and_is_told() -> None:
    kind = small(when="data.danger")
    story = Small(kind, danger=True)
    story.case.data.clear()  # as if the case came from a version that did not ask for it
    refusal = story.judged().refused("guard-failed")
    assert refusal.details["broken"] == "data.danger"
    assert "无法判断" in str(refusal)


def test_whoever_runs_the_system_sees_what_gave_neither_yes_nor_no() -> None:
    story = Small(small(when="case.cycle + 9223372036854775807 > 0")).judged()
    with capture_logs() as lines:
        response_to(story.refused("guard-failed"), "trace-1")
    assert [(one["event"], one["condition"], one["trace_id"]) for one in lines] == [
        ("guard-broken", "case.cycle + 9223372036854775807 > 0", "trace-1")
    ]


def test_an_overflow_is_no_yes() -> None:
    story = Small(small(when="case.cycle + 9223372036854775807 > 0")).judged()
    assert story.refused("guard-failed").details["broken"]


def test_the_past_is_told_whatever_would_be_asked_for_today() -> None:
    story = Small(small(when="case.hops > 0"))
    story.when(g.IMPORTER, "judge")
    assert story.refusal is None
