"""The language of kinds, in its small form: YAML in, a compiled `Kind` out, errors with their path.

A kind is known by the hash of its data as written (RFC 8785 canonical JSON, before defaults), so
spelling a default out makes another version, and re-formatting the file does not.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import rfc8785
from msgspec import Struct
from pydantic import ValidationError

from domain import facts as f
from domain.kind import Action, Kind, Likeness, RoleRule, StageDefinition
from eventlog.written import BadDefinition
from workflows.conditions import conditions_of
from workflows.decision_tables import table_of
from workflows.form_schemas import form_of
from workflows.kind_accountability import accountability_of
from workflows.kind_clocks import budget_of, clocks_of, suspensions_of
from workflows.kind_migration import migrations_of
from workflows.kind_notices import notices_of
from workflows.kind_rounds import recurring_of
from workflows.kind_routing import skip_levels_of
from workflows.kind_source import Written, read
from workflows.kind_text import ActionText, DuplicatesText, KindText
from workflows.publishing import problems, recorded_fields, warnings

SHIPPED: Final = (
    "closed-loop",
    "public-reply",
    "dispute-adoption",
    "volunteer-order",
    "micro-wish",
    "micro-task",
    "agent-service",
    "one-stop-service",
    "catalogue-admission",
    "deliberation",
    "four-discussions-two-disclosures",
    "covenant",
    "help-bell",
    "placement-promise",
    "screening-round",
    "unmanaged-building",
    "service-project",
    "hazard-remedy",
    "conduct-board",
)
"""What comes with the program, in the order of workflow.md §4 (the first two were first)."""
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


class BadKind(BadDefinition):
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
    written, parsed = _parse(text)
    found = [*written.oddities, *map(written.located, problems(parsed))]
    if found:
        raise BadKind(found)
    return _compiled(parsed, _hash(written.data))


@lru_cache(maxsize=64)
def published_kind(text: str) -> Kind:
    """Compile a kind that was published, perhaps when less was asked of one.

    Raises:
        BadKind: the text is no kind at all.
    """
    written, parsed = _parse(text)
    return _compiled(parsed, _hash(written.data))


def _parse(text: str) -> tuple[Written, KindText]:
    written = read(text)
    if written.faults:
        raise BadKind(written.faults)
    try:
        return written, KindText.model_validate(written.data)
    except ValidationError as error:
        raise BadKind([written.located(one) for one in _shape_problems(error)]) from None


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
        form=form_of(kind.report.form),
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
            name: _action(name, action, kind, roles, opened)
            for name, action in kind.actions.items()
        },
        clocks=clocks_of(kind, roles),
        tiers={**kind.tiers},
        milestones=kind.milestones,
        suspensions=suspensions_of(kind),
        accountability=accountability_of(kind.accountability),
        recurring=recurring_of(kind.recurring),
        skip_levels=skip_levels_of(kind.skip_levels),
        notices=notices_of(kind),
        likeness=_likeness(kind.duplicates),
        migrations=migrations_of(kind),
    )


def _likeness(text: DuplicatesText) -> Likeness:
    return Likeness(text.radius, text.hours, same_category=text.category == "same")


def _action(
    name: str,
    action: ActionText,
    kind: KindText,
    roles: Mapping[str, RoleRule],
    opened: frozenset[str],
) -> Action:
    decides = (f.DecisionMade.TYPE,) if action.decide else ()
    return Action(
        name=name,
        title=action.title,
        stages=opened if action.stages == "open" else frozenset(action.stages),
        by=tuple(roles[role] for role in action.by),
        form=form_of(action.form),
        requires=tuple(action.requires),
        when=conditions_of(kind, action),
        decide=table_of(action.decide, kind, action) if action.decide else None,
        emits=(*decides, *action.emits),
        to=action.to,
        holder=action.holder,
        set=action.set,
        recorded=recorded_fields(action),
        set_data=action.set_data,
        backdating=budget_of(action.backdate),
    )
