"""The language of kinds, in its small form: YAML in, a compiled `Kind` out, errors with their path.

A kind is known by the hash of its data as written (RFC 8785 canonical JSON, before defaults), so
spelling a default out makes another version, and re-formatting the file does not.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from io import StringIO
from typing import Any, Final, cast

import rfc8785
from msgspec import Struct
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from domain.errors import Refusal
from domain.kind import Action, FormField, Kind, RoleRule, StageDefinition
from workflows.kind_clocks import budget_of, clocks_of, suspensions_of
from workflows.kind_text import ActionText, FieldText, KindText
from workflows.publishing import problems, recorded_fields, warnings

SHIPPED: Final = ("closed-loop", "public-reply")
SHAPE_PROBLEMS: Final = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项；请删去，或改正拼写",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "string_type": "须为文字；像数字或日期的请加引号",
    "string_pattern_mismatch": "不合格式 {pattern}",
    "list_type": "须为列表",
    "too_short": "至少要有 {min_length} 项",
    "dict_type": "须为映射",
    "model_type": "须为映射",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
}
"""What pydantic calls a problem, and what people read."""


class BadKind(Refusal):
    """事项类型定义有误：{problems}。"""

    code = "bad-kind"


class Source(Struct, frozen=True):
    """A kind as written, and the hash it is known by."""

    text: str
    hash: str
    name: str
    version: str


@lru_cache(maxsize=64)
def compile_kind(text: str) -> Kind:
    """Parse, check and compile a kind that may be published.

    Raises:
        BadKind: with every problem found, each with its path in the file.
    """
    data, parsed = _parse(text)
    found = problems(parsed)
    if found:
        raise BadKind(problems="；".join(found))
    return _compiled(parsed, _hash(data))


@lru_cache(maxsize=64)
def published_kind(text: str) -> Kind:
    """Compile a kind that was published, perhaps when less was asked of one.

    Raises:
        BadKind: the text is no kind at all.
    """
    data, parsed = _parse(text)
    return _compiled(parsed, _hash(data))


def _parse(text: str) -> tuple[dict[str, Any], KindText]:
    data = _load(text)
    try:
        return data, KindText.model_validate(data)
    except ValidationError as error:
        raise BadKind(problems="；".join(_shape_problems(error))) from None


def remarks(text: str) -> list[str]:
    """Return what somebody should look at in a kind that may be published all the same.

    Raises:
        BadKind: the text is no kind at all.
    """
    return warnings(_parse(text)[1])


def read_source(text: str) -> Source:
    """Return what a `kind-published` fact says of a kind.

    Raises:
        BadKind: the kind does not compile.
    """
    kind = compile_kind(text)
    return Source(text, kind.hash, kind.name, kind.version)


def shipped_sources() -> list[Source]:
    """Return the kinds that come with the program, in the order of the list above."""
    folder = files("workflows") / "kinds"
    return [read_source((folder / f"{name}.yaml").read_text("utf-8")) for name in SHIPPED]


def _load(text: str) -> dict[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        data: object = yaml.load(StringIO(text))  # pyright: ignore[reportUnknownMemberType]
    except YAMLError as error:
        raise BadKind(problems=f"YAML 无法读取：{error}") from None
    if not isinstance(data, dict):
        raise BadKind(problems="文件须为一个映射（document、roles、stages、actions…）")
    return cast("dict[str, Any]", data)


def _hash(data: dict[str, Any]) -> str:
    return sha256(rfc8785.dumps(data)).hexdigest()


def _shape_problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(step) for step in problem['loc'])}：{_in_chinese(problem)}"
        for problem in error.errors()
    ]


def _in_chinese(problem: Mapping[str, Any]) -> str:
    context: Mapping[str, Any] = problem.get("ctx", {})
    said = SHAPE_PROBLEMS.get(problem["type"], "取值有误（{msg}）")
    expected = str(context.get("expected", "")).replace(" or ", "、").replace(", ", "、")
    return said.format_map({**context, "expected": expected, "msg": problem["msg"]})


def _compiled(kind: KindText, digest: str) -> Kind:
    roles = {
        name: RoleRule(name, role.title, tuple(role.held_by), role.relation)
        for name, role in kind.roles.items()
    }
    opened = frozenset(name for name, stage in kind.stages.items() if not stage.ending)
    initial = next(name for name, stage in kind.stages.items() if stage.initial)
    report = Action(
        name="report",
        title=kind.report.title,
        stages=frozenset(),
        by=tuple(roles[name] for name in kind.report.by),
        form=_form(kind.report.form),
        requires=(),
        emits=("case-reported",),
        to=initial,
        holder=kind.report.holder,
        set={},
        backdating=budget_of(kind.report.backdate),
    )
    return Kind(
        hash=digest,
        name=kind.document.name,
        version=kind.document.version,
        title=kind.document.title,
        stages={
            name: StageDefinition(name, stage.title, stage.phase, stage.initial, stage.ending)
            for name, stage in kind.stages.items()
        },
        report=report,
        actions={
            name: _action(name, action, roles, opened) for name, action in kind.actions.items()
        },
        clocks=clocks_of(kind, roles),
        tiers={**kind.tiers},
        milestones=kind.milestones,
        suspensions=suspensions_of(kind),
    )


def _action(
    name: str, action: ActionText, roles: Mapping[str, RoleRule], opened: frozenset[str]
) -> Action:
    return Action(
        name=name,
        title=action.title,
        stages=opened if action.stages == "open" else frozenset(action.stages),
        by=tuple(roles[role] for role in action.by),
        form=_form(action.form),
        requires=tuple(action.requires),
        emits=tuple(action.emits),
        to=action.to,
        holder=action.holder,
        set=action.set,
        recorded=recorded_fields(action),
        set_data=action.set_data,
        backdating=budget_of(action.backdate),
    )


def _form(fields: Mapping[str, FieldText]) -> tuple[FormField, ...]:
    return tuple(
        FormField(
            name=name,
            title=field.title,
            type=field.type,
            required=field.required,
            subject=field.subject,
            values=tuple(field.values),
            max_length=field.max_length,
        )
        for name, field in fields.items()
    )
