"""Forms as JSON Schema: which keywords a field may have, what breaks them, whose data it is."""

from time import perf_counter
from typing import Any

import pytest

from api.problems import problem_of
from domain.kind import json_schema
from tests.support import given as g
from tests.support.small_kinds import Small, problems_of, small, written
from workflows.language import compile_kind


def field(**members: object) -> dict[str, Any]:
    return {"x": {"title": "甲", **members}}


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"type": "text", "class": "public"}, "form.x.class：text 是密封的文字，不能公开"),
    ({"type": "texts", "class": "public"}, "form.x.class：texts 是密封的文字"),
    ({"type": "code", "class": "personal"}, "form.x.class：code 以明文记录，只能是 public"),
    ({"type": "integer", "class": "internal"}, "form.x.class：integer 以明文记录"),
    ({"type": "text", "class": "internal", "subject": "reporter"}, "form.x.class：与 subject 矛盾"),
    ({"type": "text", "class": "secret"}, "form.x.class：只能是"),
    (
        {"type": "text", "minimum": 3},
        "form.x.minimum：text 不能有这一项；可用：format、maxLength、minLength、pattern",
    ),
    (
        {"type": "integer", "minLength": 3},
        "form.x.minLength：integer 不能有这一项；可用：maximum、minimum",
    ),
    (
        {"type": "choice", "values": ["a"], "pattern": "a"},
        "form.x.pattern：choice 不能有这一项；可用：无",
    ),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "form.x.minimum：不能大于 maximum"),
    ({"type": "code", "minLength": 9, "maxLength": 2}, "form.x.minLength：不能大于 maxLength"),
    ({"type": "codes", "minItems": 9, "maxItems": 2}, "form.x.minItems：不能大于 maxItems"),
    ({"type": "code", "pattern": "(?=a)b"}, "form.x.pattern：“(?=a)b”不是可用的正则表达式"),
    ({"type": "code", "pattern": "(?<!a)b"}, "form.x.pattern"),
    ({"type": "code", "pattern": "(a)\\1"}, "form.x.pattern"),
    ({"type": "code", "pattern": "("}, "form.x.pattern"),
    ({"type": "code", "format": "colour"}, "form.x.format：只能是"),
    ({"type": "integer", "minimum": 1.5}, "form.x.minimum"),
    ({"type": "integer", "default": "3"}, "form.x.default：与字段的类型不符"),
    ({"type": "integer", "default": True}, "form.x.default：与字段的类型不符"),
    ({"type": "integer", "minimum": 5, "default": 3}, "form.x.default：不能小于 5"),
    ({"type": "choice", "values": ["a"], "default": "b"}, "form.x.default：只能是：a"),
    ({"type": "text", "default": "无"}, "form.x.default：text 不能有默认值"),
    (
        {"type": "boolean", "default": True, "required": True},
        "form.x.default：必填的字段不能有默认值",
    ),
    ({"type": "choice", "values": ["a", "a"]}, "form.x.values：取值重复"),
]


@pytest.mark.parametrize(("members", "said"), BROKEN)
def test_a_field_has_only_keywords_that_go_with_its_type(
    members: dict[str, Any], said: str
) -> None:
    assert f"actions.judge.{said}" in problems_of(small(field(**members)))


# (a field, what is sent, where inside it something is wrong, what is said)
REFUSED: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"type": "text", "minLength": 3}, "短 ", "", "至少要有 3 个字"),
    ({"type": "text", "maxLength": 3}, "太长的话", "", "超过 3 个字"),
    ({"type": "code", "pattern": "^[0-9]{4}$"}, "12345", "", "不合格式 ^[0-9]{4}$"),
    ({"type": "code", "format": "email"}, "某人", "", "不是有效的电子邮件地址"),
    ({"type": "integer", "minimum": 1}, 0, "", "不能小于 1"),
    ({"type": "integer", "maximum": 9}, 10, "", "不能大于 9"),
    ({"type": "codes", "minItems": 2}, ["a"], "", "至少要有 2 项"),
    ({"type": "codes", "maxItems": 1}, ["a", "b"], "", "不能超过 1 项"),
    ({"type": "codes", "pattern": "^[a-z]$"}, ["a", "B"], "/1", "不合格式 ^[a-z]$"),
    ({"type": "texts", "minLength": 2}, ["很好", "差"], "/1", "至少要有 2 个字"),
    ({"type": "units", "minItems": 2}, [g.WATER.unit], "", "至少要有 2 项"),
]


@pytest.mark.parametrize(("members", "value", "inside", "said"), REFUSED)
def test_what_breaks_a_keyword_is_refused_where_it_stands(
    members: dict[str, Any], value: object, inside: str, said: str
) -> None:
    refusal = (
        Small(small(field(**members))).judged(x=value).refused("unknown-field", f"/data/x{inside}")
    )
    assert said in str(refusal)


@pytest.mark.parametrize(
    ("members", "value"),
    [
        ({"type": "text", "minLength": 2, "maxLength": 4, "pattern": "^井"}, " 井盖 "),
        ({"type": "integer", "minimum": 1, "maximum": 9}, 9),
        ({"type": "codes", "minItems": 1, "maxItems": 2, "pattern": "^[a-z]$"}, ["a", "b"]),
        ({"type": "code", "format": "uuid"}, g.CASE_ID),
        ({"type": "integer", "minimum": 1}, None),
    ],
)
def test_what_keeps_to_the_keywords_is_taken(members: dict[str, Any], value: object) -> None:
    assert Small(small(field(**members))).judged(x=value).refusal is None


def test_everything_that_is_wrong_with_a_form_is_said_at_once() -> None:
    form = {
        "code": {"title": "代码", "type": "code", "pattern": "^[0-9]+$", "minLength": 3},
        "day": {"title": "日期", "type": "day"},
        "why": {"title": "理由", "type": "text", "required": True},
        "lead": {"title": "单位", "type": "unit"},
        "good": {"title": "好的", "type": "boolean"},
    }
    story = Small(small(form)).judged(code="a", day="明天", lead="月球局", good=True, colour="红")
    problem = problem_of(story.refused("unknown-field", "/data/colour"), "trace")
    assert [error["pointer"] for error in problem.errors] == [
        *("/data/colour", "/data/code", "/data/code", "/data/day", "/data/why", "/data/lead"),
    ]
    assert "必填" not in problem.detail
    assert {
        "pointer": "/data/why",
        "detail": "缺少办理凭据“理由”。请说明办理情况后再提交。",
    } in problem.errors


def test_what_is_left_empty_is_its_default() -> None:
    form = {
        "size": {"title": "多少", "type": "integer", "default": 3},
        "open": {"title": "公开", "type": "boolean", "default": False},
    }
    assert Small(small(form)).judged().case.data == {"danger": False, "size": 3, "open": False}
    assert Small(small(form)).judged(size=5, open=True).case.data["size"] == 5


def test_whose_data_a_text_is_follows_from_its_class() -> None:
    form = {
        "told": {"title": "甲", "type": "text"},
        "inside": {"title": "乙", "type": "text", "class": "internal"},
        "person": {"title": "丙", "type": "texts", "class": "personal"},
    }
    story = Small(small(form)).judged(told="一", inside="二", person=["三"])
    assert [(text.field, text.subject) for text in story.drafts[0].texts] == [
        *(("told", "narrative"), ("inside", "narrative"), ("person.1", "reporter")),
    ]


def test_the_schema_of_a_form_carries_keywords_and_classes() -> None:
    form = {
        "size": {
            "title": "多少",
            "type": "integer",
            "minimum": 1,
            "maximum": 9,
            "default": 3,
            "description": "几个",
            "examples": [2],
            "class": "public",
        },
        "tags": {
            "title": "标签",
            "type": "codes",
            "minItems": 1,
            "pattern": "^[a-z]+$",
            "maxLength": 9,
        },
        "who": {
            "title": "姓名",
            "type": "text",
            "class": "personal",
            "minLength": 2,
            "maxLength": 20,
        },
    }
    schema = json_schema(compile_kind(written(small(form))).actions["judge"].form)
    assert schema["properties"] == {
        "size": {
            "title": "多少",
            "x-class": "public",
            "type": "integer",
            "minimum": 1,
            "maximum": 9,
            "default": 3,
            "description": "几个",
            "examples": [2],
        },
        "tags": {
            "title": "标签",
            "x-class": "public",
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "maxLength": 9, "pattern": "^[a-z]+$"},
        },
        "who": {
            "title": "姓名",
            "x-class": "personal",
            "type": "string",
            "minLength": 2,
            "maxLength": 20,
        },
    }


def test_a_pattern_that_would_take_forever_takes_no_time() -> None:
    story = Small(small(field(type="text", pattern="^(a+)+$")))
    began = perf_counter()
    story.judged(x="a" * 15_000 + "b").refused("unknown-field")
    assert perf_counter() - began < 1
