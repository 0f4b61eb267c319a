"""The shape of a kind's YAML: what may stand where, before anything is looked up."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actor import Role
from domain.due import Budget, Cutoff, parse_budget
from domain.kind import HolderRule, Relation

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
    type: Literal["text", "code", "choice", "unit", "units", "integer", "boolean"]
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


class ClockText(PartText):
    """时限, between facts of the case."""

    title: str
    start: list[str]
    stop: list[str]
    budget: BudgetText
    calendar: str
    cutoff: Cutoff = Field(Cutoff.close_of_business)
    total: bool = False


class KindText(PartText):
    """The whole file."""

    dsl: Literal["case/1"]
    document: DocumentText
    roles: dict[Name, RoleText]
    stages: dict[Name, StageText]
    report: ReportText
    actions: dict[Name, ActionText]
    clocks: dict[Name, ClockText] = {}
    tiers: dict[str, Literal["community", "town", "county"]] = {}
    milestones: dict[str, str] = {}


def limits_of(budget: BudgetText) -> dict[str, str]:
    """Return the budgets by the value that they are for, as written; one for all is `default`."""
    if isinstance(budget, str):
        return {"default": budget}
    return {value: limit for value, limit in budget.items() if isinstance(limit, str)}


def budgets_of(budget: BudgetText) -> tuple[tuple[str, Budget], ...]:
    """Return budgets as a clock has them: first match first, the default (for "") last.

    Raises:
        BareDuration, ZeroBudget.
    """
    limits = limits_of(budget)
    last = limits.pop("default")
    values = [(value, parse_budget(limit)) for value, limit in limits.items()]
    return (*values, ("", parse_budget(last)))
