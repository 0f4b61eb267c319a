"""The shape of a kind's YAML: what may stand where, before anything is looked up."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actor import Role
from domain.due import Budget, Cutoff, parse_budget
from domain.kind import FieldType, HolderRule, Relation

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""What the file gives a name to; names stand in facts, whose keys are ASCII."""
BudgetText = str | dict[str, str | list[str]]
"""One budget, or one for each value of severity or urgency, the first match first."""


class PartText(BaseModel):
    """A part of the file: no member that is not asked for, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class DocumentText(PartText):
    """Which kind this is, and at which version."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: str


class RoleText(PartText):
    """A role of the kind: who may play it, and how their unit must stand to the case."""

    title: str
    held_by: list[Role]
    relation: Relation = Field(alias="from")


class StageText(PartText):
    """环节, and the phase of the loop it belongs to."""

    title: str
    phase: Literal["discovery", "community_response", "tiered_response", "joint_handling"]
    initial: bool = False
    ending: bool = False


class FieldText(PartText):
    """A field of a form; `subject` is whose data a text is."""

    title: str
    type: FieldType
    required: bool = False
    subject: Literal["narrative", "reporter"] = "narrative"
    values: list[str] = []
    max_length: Annotated[int, Field(ge=1, le=20_000)] = 20_000


class ReportText(PartText):
    """上报: who may report, what is asked for, and who holds the case then."""

    title: str
    by: list[str]
    holder: HolderRule = Field(HolderRule.COMMUNITY)
    form: dict[Name, FieldText] = {}
    backdate: str | None = None


class ActionText(PartText):
    """操作; nobody in `by` takes one that only tells the past of an imported case."""

    title: str
    stages: list[str] | Literal["open"] = Field(alias="in")
    by: list[str]
    emits: Annotated[list[str], Field(min_length=1)]
    to: str | None = None
    holder: HolderRule = Field(HolderRule.KEEP)
    form: dict[Name, FieldText] = {}
    requires: list[str] = []
    set: dict[str, str] = {}
    set_data: dict[Name, str | int | bool] = {}
    backdate: str | None = None


class SuspensionText(PartText):
    """挂账理由: which clocks may pause for it, and for how long (clocks.md R5)."""

    title: str
    clocks: Annotated[list[str], Field(min_length=1)]
    cap: str | None = None
    until: Literal["required", "optional"] = "optional"
    begins: Literal["approval", "request"] = Field("approval", alias="from")
    natural_days: bool = False


class RungText(PartText):
    """升级阶梯的一级: `at` is `due`, or so much before or after it (clocks.md R11)."""

    at: Annotated[str, Field(pattern=r"^due([+-][0-9]+[a-z]+)?$")]
    do: Literal["notify", "remind", "supervise", "propose_reassignment", "name_leader", "publicise"]
    to: str
    acknowledge: str | None = None
    every: str | None = None


class ExtensionText(PartText):
    """延期: how often, how much together, and who grants the first, the second… (R6)."""

    max: Annotated[int, Field(ge=1, le=100)]
    cap: str | None = None
    approvers: Annotated[list[str], Field(min_length=1)]


class RegradeText(PartText):
    """What another severity or urgency does to a clock that runs (R7)."""

    policy: Literal["retroactive", "restart", "remaining_ratio"] = "retroactive"
    grace: str | None = None


class ReworkText(PartText):
    """返工时限 as a share of the original budget, but at least so much (R8)."""

    percent: Annotated[int, Field(ge=1, le=100)]
    least: str | None = None


class ClockText(PartText):
    """时限, between facts of the case: a budget, or an absolute date that the case brings."""

    title: str
    start: Annotated[list[str], Field(min_length=1)]
    stop: Annotated[list[str], Field(min_length=1)]
    budget: BudgetText | None = None
    date: Literal["source_due", "fixed_deadline", "duty_until"] | None = None
    calendar: str
    cutoff: Cutoff = Field(Cutoff.close_of_business)
    total: bool = False
    per: Literal["case", "task", "call", "duty"] = "case"
    nonworking_start: Literal["roll"] | None = None
    warn: list[str] = []
    extension: ExtensionText | None = None
    regrade: RegradeText | None = None
    rework: ReworkText | None = None
    ladder: str | None = None


class KindText(PartText):
    """The whole file."""

    dsl: Literal["case/1"]
    document: DocumentText
    roles: dict[Name, RoleText]
    stages: dict[Name, StageText]
    report: ReportText
    actions: dict[Name, ActionText]
    suspensions: dict[Name, SuspensionText] = {}
    ladders: dict[Name, Annotated[list[RungText], Field(min_length=1)]] = {}
    clocks: dict[Name, ClockText] = {}
    tiers: dict[str, Literal["community", "town", "county"]] = {}
    milestones: dict[str, str] = {}


def limits_of(budget: BudgetText | None) -> dict[str, str]:
    """Return the budgets by the value that they are for, as written; one for all is `default`."""
    if budget is None:
        return {}
    if isinstance(budget, str):
        return {"default": budget}
    return {
        value: limit for value, limit in budget.items() if isinstance(limit, str) and value != "by"
    }


def chosen_by(budget: BudgetText | None) -> tuple[str, ...]:
    """Return which values of a case choose among several budgets."""
    named = budget.get("by", ()) if isinstance(budget, dict) else ()
    return (named,) if isinstance(named, str) else tuple(named)


def budgets_of(budget: BudgetText | None) -> tuple[tuple[str, Budget], ...]:
    """Return budgets as a clock has them: first match first, the default (for "") last.

    Raises:
        BareDuration, ZeroBudget.
    """
    limits = limits_of(budget)
    if not limits:
        return ()
    last = limits.pop("default")
    values = [(value, parse_budget(limit)) for value, limit in limits.items()]
    return (*values, ("", parse_budget(last)))


def form_values(kind: KindText, fact: str, field: str) -> list[str]:
    """Return what a field of the forms that lead to a fact may be; constants count as well."""
    found: dict[str, None] = {}
    for action in kind.actions.values():
        if fact in action.emits:
            chosen = action.form[field].values if field in action.form else []
            constant = [action.set[field]] if field in action.set else []
            found |= dict.fromkeys([*chosen, *constant])
    return list(found)


def unknown(where: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the problem with each name that stands for nothing, with those that would do."""
    listed = list(known)
    usable = "、".join(listed) or "无"
    return [f"{where}：没有“{name}”；可用：{usable}" for name in names if name not in listed]
