"""The shape of a kind's YAML: what may stand where, before anything is looked up."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actor import Role
from domain.decision import InputType
from domain.due import Budget, Cutoff, parse_budget
from domain.kind import LARGEST_INTEGER, FieldType, HolderRule, Relation

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""What the file gives a name to; names stand in facts, whose keys are ASCII."""
ClockChange = Literal["keep", "restart", "cancel"]
"""What a migration does to a clock that counts."""
Whole = Annotated[int, Field(strict=True, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
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
    """A field of a form, with the keywords of JSON Schema it may have.

    `class` says where its value goes: in clear, sealed as narrative, sealed as the reporter's;
    `subject` is the older way to say the latter two.
    """

    title: str
    type: FieldType
    required: bool = False
    or_attachment: bool = False
    data_class: Literal["public", "internal", "personal"] | None = Field(None, alias="class")
    subject: Literal["narrative", "reporter"] = "narrative"
    values: list[str] = []
    min_length: Annotated[int, Field(ge=1, le=20_000)] | None = Field(None, alias="minLength")
    max_length: Annotated[int, Field(ge=1, le=20_000)] = Field(20_000, alias="maxLength")
    pattern: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    format: Literal["email", "uri", "ipv4", "uuid", "time"] | None = None
    minimum: Whole | None = None
    maximum: Whole | None = None
    min_items: Annotated[int, Field(ge=1, le=200)] | None = Field(None, alias="minItems")
    max_items: Annotated[int, Field(ge=1, le=200)] | None = Field(None, alias="maxItems")
    description: str | None = None
    examples: list[bool | int | str] = []
    default: bool | int | str | None = None

    @property
    def whose(self) -> Literal["narrative", "reporter"]:
        """Whose data it is where it is sealed."""
        return "reporter" if self.data_class == "personal" else self.subject


class ConditionText(PartText):
    """办理条件: a CEL expression that must be true, and what people read where it is not."""

    expr: str
    otherwise: str = ""


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
    when: str | ConditionText | list[str | ConditionText] | None = None
    decide: str | None = None
    set: dict[str, str] = {}
    set_data: dict[Name, str | int | bool] = {}
    backdate: str | None = None


Cell = bool | Whole | str
"""What a row asks of an input: a value, or for integers a range `a..b`, `a..`, `..b`."""


class InputText(PartText):
    """What a decision table asks for; of several sources the first that is known."""

    source: str | Annotated[list[str], Field(min_length=1)] = Field(alias="from")
    type: InputType
    title: str = ""
    least: Whole | None = None
    most: Whole | None = None
    values: list[str] = []
    other: str | None = None
    default: Cell | None = None


class RowText(PartText):
    """A row: what is not named in `when` may be anything."""

    when: dict[Name, Cell | Annotated[list[Cell], Field(min_length=1)]] = {}
    then: dict[Name, str]


class DecisionText(PartText):
    """决策表: exactly one row applies (`unique`), or all that do (`collect`)."""

    title: str
    hit: Literal["unique", "collect"]
    inputs: Annotated[dict[Name, InputText], Field(min_length=1, max_length=16)]
    outputs: Annotated[dict[Name, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]
    rows: Annotated[list[RowText], Field(min_length=1, max_length=500)]


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
    catalogue: bool = False
    date: Literal["source_due", "fixed_deadline", "duty_until"] | None = None
    calendar: str
    cutoff: Cutoff = Field(Cutoff.close_of_business)
    total: bool = False
    per: Literal["case", "task", "call", "duty", "objection"] = "case"
    nonworking_start: Literal["roll"] | None = None
    warn: list[str] = []
    extension: ExtensionText | None = None
    regrade: RegradeText | None = None
    rework: ReworkText | None = None
    ladder: str | None = None
    outlives: bool = False


class RequiredText(PartText):
    """What is required at which severity; `default` is every other, and an ungraded case."""

    required_by: dict[str, list[str]] = {}


class AccountabilityText(PartText):
    """四定三包: what must stand, by severity, and what bounds it (workflow.md §2)."""

    four_fixed: RequiredText = RequiredText()
    duties: RequiredText = RequiredText()
    deadline_within: list[str] = []
    watch: str | None = None
    reopens_to: str | None = None


class SkipLevelText(PartText):
    """越级规则: cases of this category and urgency may go straight up to a tier."""

    category: str = ""
    urgency: str = ""
    tier: Literal["town", "county"]
    copied: list[Literal["town", "community"]] = []


class RecurringText(PartText):
    """周期任务: in every unit of a level a case begins by itself, once a period."""

    every: Literal["day", "week", "month"]
    level: Literal["town", "community", "grid", "building", "department"]
    title: str
    calendar: str = ""
    missed: str


class DuplicatesText(PartText):
    """疑似重复: what is suggested as the same issue: how near, how close in time, how alike."""

    radius: Annotated[int, Field(strict=True, ge=1, le=9_999)] = 50
    """Metres."""
    hours: Annotated[int, Field(strict=True, ge=1, le=9_999)] = 24
    """Natural hours, before and after."""
    category: Literal["same", "any"] = "same"


class NoticeText(PartText):
    """告知: who is told of a fact, and within what time they must sign for it (签收)."""

    on: str | Annotated[list[str], Field(min_length=1)]
    to: str | Annotated[list[str], Field(min_length=1)]
    acknowledge: str | None = None
    calendar: str = ""


class MigrationRuleText(PartText):
    """How open cases of an older version pass to this one; see `workflows/kind_migration.py`."""

    stages: dict[str, str] = {}
    clocks: ClockChange | dict[str, ClockChange] = "keep"
    start: dict[str, Annotated[list[str], Field(min_length=1)]] = {}


class MigrationText(PartText):
    """迁移: by the older version, `2.0.1`, or `2.0.x` for all that begin so."""

    since: dict[
        Annotated[str, Field(pattern=r"^[0-9]+\.([0-9]+\.[0-9]+|[0-9]+\.x|x)$")], MigrationRuleText
    ] = Field(alias="from", min_length=1)


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
    decisions: dict[Name, DecisionText] = {}
    accountability: AccountabilityText | None = None
    recurring: RecurringText | None = None
    skip_levels: list[SkipLevelText] = []
    notices: list[NoticeText] = []
    duplicates: DuplicatesText = DuplicatesText()
    migration: MigrationText | None = None


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
