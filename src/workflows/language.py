"""The language of kinds, in its small form: YAML in, a compiled `Kind` out, errors with their path.

A kind is known by the hash of its data as written (RFC 8785 canonical JSON, before defaults), so
spelling a default out makes another version, and re-formatting the file does not.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from io import StringIO
from typing import Annotated, Any, Final, Literal, cast

import rfc8785
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from domain.actor import Role
from domain.due import Budget, Cutoff, parse_budget
from domain.errors import Refusal
from domain.guards import REQUIREMENTS
from domain.kind import (
    Action,
    ClockDefinition,
    FormField,
    HolderRule,
    Kind,
    Relation,
    RoleRule,
    StageDefinition,
)
from domain.steps import BUILDERS

SHIPPED: Final = ("closed-loop", "public-reply")


class BadKind(Refusal):
    """事项类型定义有误：{problems}。"""

    code = "bad-kind"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Document(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: str


class _Role(_Part):
    title: str
    held_by: list[Role]
    relation: Relation = Field(alias="from")


class _Stage(_Part):
    title: str
    phase: Literal["discovery", "community_response", "tiered_response", "joint_handling"]
    initial: bool = False
    ending: bool = False


class _Field(_Part):
    title: str
    type: Literal["text", "code", "choice", "unit", "units", "integer", "boolean"]
    required: bool = False
    subject: str = "narrative"
    values: list[str] = []
    max_length: int = 20_000


class _Report(_Part):
    title: str
    by: list[str]
    holder: HolderRule = Field(HolderRule.COMMUNITY)
    form: dict[str, _Field] = {}


class _Action(_Part):
    title: str
    stages: list[str] | Literal["open"] = Field(alias="in")
    by: list[str]
    emits: list[str]
    to: str | None = None
    holder: HolderRule = Field(HolderRule.KEEP)
    form: dict[str, _Field] = {}
    requires: list[str] = []
    set: dict[str, str] = {}


class _Clock(_Part):
    title: str
    start: list[str]
    stop: list[str]
    budget: str | dict[str, str | list[str]]
    calendar: str
    cutoff: Cutoff = Field(Cutoff.close_of_business)
    total: bool = False


class _Kind(_Part):
    dsl: Literal["case/1"]
    document: _Document
    roles: dict[str, _Role]
    stages: dict[str, _Stage]
    report: _Report
    actions: dict[str, _Action]
    clocks: dict[str, _Clock] = {}
    tiers: dict[str, str] = {}
    milestones: dict[str, str] = {}


class Source(Struct, frozen=True):
    """A kind as written, and the hash it is known by."""

    text: str
    hash: str
    name: str
    version: str


@lru_cache(maxsize=64)
def compile_kind(text: str) -> Kind:
    """Parse, check and compile a kind.

    Raises:
        BadKind: with every problem found, each with its path in the file.
    """
    data = _load(text)
    try:
        parsed = _Kind.model_validate(data)
    except ValidationError as error:
        raise BadKind(problems="；".join(_pydantic_problems(error))) from None
    problems = _problems(parsed)
    if problems:
        raise BadKind(problems="；".join(problems))
    return _compiled(parsed, _hash(data))


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


def _pydantic_problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(step) for step in problem['loc'])}：{problem['msg']}"
        for problem in error.errors()
    ]


def _problems(kind: _Kind) -> list[str]:
    """Name whatever refers to something that is not there."""
    found: list[str] = []
    initial = [name for name, stage in kind.stages.items() if stage.initial]
    if len(initial) != 1:
        found.append(f"stages：须有且只有一个 initial 环节，现有 {len(initial)} 个")
    if not any(stage.ending for stage in kind.stages.values()):
        found.append("stages：没有 ending 环节，事项永远不能结束")
    for name, action in kind.actions.items():
        found += [f"actions.{name}.{problem}" for problem in _action_problems(action, kind)]
    found += _unknown("report.by", kind.report.by, kind.roles)
    for name, clock in kind.clocks.items():
        found += _unknown(f"clocks.{name}.start", clock.start, BUILDERS)
        found += _unknown(f"clocks.{name}.stop", clock.stop, BUILDERS)
        found += _budget_problems(name, clock.budget)
    found += _unknown("milestones", kind.milestones.values(), kind.actions)
    return found


def _action_problems(action: _Action, kind: _Kind) -> list[str]:
    stages = [] if action.stages == "open" else action.stages
    target = [action.to] if action.to else []
    return [
        *_unknown("in", stages, kind.stages),
        *_unknown("by", action.by, kind.roles),
        *_unknown("emits", action.emits, BUILDERS),
        *_unknown("requires", action.requires, REQUIREMENTS),
        *_unknown("to", target, kind.stages),
    ]


def _unknown(where: str, names: Any, known: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 - any iterable of names
    return [
        f"{where}：没有“{name}”；可用：{'、'.join(known)}" for name in names if name not in known
    ]


def _budget_problems(clock: str, budget: str | dict[str, str | list[str]]) -> list[str]:
    try:
        _budgets(budget)
    except Refusal as refusal:
        return [f"clocks.{clock}.budget：{refusal}"]
    return []


def _budgets(budget: str | dict[str, str | list[str]]) -> tuple[tuple[str, Budget], ...]:
    """Spread a budget over the values it depends on, first match first, `default` last."""
    if isinstance(budget, str):
        return (("", parse_budget(budget)),)
    limits = {value: limit for value, limit in budget.items() if isinstance(limit, str)}
    if "default" not in limits:
        raise BadKind(problems="缺少 default（没有其他取值适用时的时限）")
    last = limits.pop("default")
    return (
        *((value, parse_budget(limit)) for value, limit in limits.items()),
        ("", parse_budget(last)),
    )


def _compiled(kind: _Kind, digest: str) -> Kind:
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
        clocks=tuple(_clock(name, clock) for name, clock in kind.clocks.items()),
        tiers=kind.tiers,
        milestones=kind.milestones,
    )


def _action(
    name: str, action: _Action, roles: Mapping[str, RoleRule], opened: frozenset[str]
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
    )


def _form(fields: Mapping[str, _Field]) -> tuple[FormField, ...]:
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


def _clock(name: str, clock: _Clock) -> ClockDefinition:
    return ClockDefinition(
        name=name,
        title=clock.title,
        start=frozenset(clock.start),
        stop=frozenset(clock.stop),
        budgets=_budgets(clock.budget),
        calendar=clock.calendar,
        cutoff=clock.cutoff,
        total=clock.total,
    )
