"""What a kind of case (事项类型) is made of, compiled: data that the engine interprets.

`workflows/language.py` makes these values from YAML; the domain only reads them.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from domain.accountability_rule import AccountabilityRule
from domain.actor import Role
from domain.decision import Table
from domain.due import Budget, Cutoff

CODE_LENGTH: Final = 100
"""How long a code in clear may be; whoever has more to say uses a text, which is sealed."""
LARGEST_INTEGER: Final = 2**53 - 1
"""What JSON readers everywhere keep exactly (event-log.md)."""
PHASES: Final = ("discovery", "community_response", "tiered_response", "joint_handling")


FieldType = Literal[
    "text",
    "texts",
    "code",
    "codes",
    "choice",
    "unit",
    "units",
    "integer",
    "boolean",
    "moment",
    "day",
    "case",
    "post",
]
"""What a field of a form may be. `case` is another case's id, `post` a post's."""
SEALED: Final = frozenset({"text", "texts"})
"""Those that go into the vault; the others stand in the fact in clear."""


class Relation(StrEnum):
    """How the actor's unit must stand to the case for a role of the kind to be theirs."""

    DISTRICT = "district"
    """The district's centre, or anybody with that role."""
    PLACE = "place"
    """The unit in which the case lies, or one above it."""
    HOLDER = "holder"
    """The unit that holds the case now."""
    LEAD = "lead"
    ASSISTING = "assisting"
    """A unit that still owes a task."""
    CALLED = "called"
    """A unit that was called in (吹哨) and has not been released."""
    GIVER = "giver"
    """The unit that dispatched the case to its present holder, or handed it on to them."""
    CENTRE = "centre"
    """The district's centre itself."""
    CLAIMANT = "claimant"
    """The unit that claimed the case for itself (认领)."""
    LEADER = "leader"
    """Whoever holds the post of the adopting leader (包案领导); a key without one, its unit."""
    VERIFIER = "verifier"
    """The unit that accepted the case; where it leads the handling itself, the unit above it."""


class HolderRule(StrEnum):
    """Who holds the case after an action."""

    KEEP = "keep"
    LEAD = "lead"
    ACCEPTED_BY = "accepted_by"
    VERIFIER = "verifier"
    """Who checks the result: see Relation.VERIFIER."""
    GIVER = "giver"
    """Who gave it to the present holder; from the third return of a case on, the centre."""
    PLACE = "place"
    """The unit in which the case lies, else as for `community`."""
    COMMUNITY = "community"
    """The community of the place, else the place, else the centre."""
    CENTRE = "centre"


class RoleRule(Struct, frozen=True):
    """A role of the kind: which keys may play it, and how their unit stands to the case."""

    name: str
    title: str
    held_by: tuple[Role, ...]
    relation: Relation


class FormField(Struct, frozen=True, kw_only=True):
    """One field of a form; see SEALED for what becomes of its value."""

    name: str
    title: str
    type: FieldType
    required: bool = False
    or_attachment: bool = False
    """Of a required text: a file that comes along (附件) does as well."""
    subject: str = "narrative"
    values: tuple[str, ...] = ()
    max_length: int = 20_000
    keywords: dict[str, Any] = {}
    """Further keywords of JSON Schema, as written: `minimum`, `pattern`, `description`…"""
    item_keywords: dict[str, Any] = {}
    """Those that hold for every item of a list."""
    default: bool | int | str | None = None
    """What counts where it is left empty."""
    check: Callable[[object], list[tuple[str, str]]] | None = None
    """Returns (where inside the value, what is wrong) for every keyword that it breaks."""

    @property
    def data_class(self) -> Literal["public", "internal", "personal"]:
        """In clear, sealed as narrative, or sealed as the reporter's."""
        if self.type not in SEALED:
            return "public"
        return "personal" if self.subject == "reporter" else "internal"

    @property
    def limit(self) -> int:
        """How many characters it may have."""
        return self.max_length if self.type in SEALED else min(self.max_length, CODE_LENGTH)


class StageDefinition(Struct, frozen=True):
    """环节: where a case may stand; an ending one needs no further action."""

    name: str
    title: str
    phase: str
    initial: bool
    ending: bool


class Condition(Struct, frozen=True, kw_only=True):
    """办理条件: an expression over the case, the actor and the form; it must be true."""

    text: str
    """As written."""
    otherwise: str
    """What people read if it does not hold; empty: the expression itself."""
    reads: tuple[str, ...]
    """The dotted names whose values it asks for."""
    holds: Callable[[Mapping[str, Any]], bool | None]
    """None: it gave neither yes nor no, and counts as no."""

    @property
    def of_form(self) -> bool:
        """Whether it can be judged only once the form is filled in."""
        return any(name.startswith("form.") for name in self.reads)


class Action(Struct, frozen=True, kw_only=True):
    """操作: what may be done in which stages, by whom, with which form, and what it then is."""

    name: str
    title: str
    stages: frozenset[str]
    by: tuple[RoleRule, ...]
    form: tuple[FormField, ...]
    requires: tuple[str, ...]
    when: tuple[Condition, ...] = ()
    decide: Table | None = None
    """The decision table that fills in what the form leaves open; its fact comes first."""
    emits: tuple[str, ...]
    to: str | None
    holder: HolderRule
    set: dict[str, str]
    """Constants for the fact, such as the grade and outcome of a closing."""
    recorded: tuple[str, ...] = ()
    """Fields of the form that no fact but `data-recorded` takes."""
    set_data: dict[str, Any] = {}
    """Constants for `data-recorded`."""
    backdating: Budget | None = None
    """How late it may be registered, in natural hours; a little skew is always allowed (R1)."""


class Suspension(Struct, frozen=True, kw_only=True):
    """挂账理由: a listed reason for which named clocks may pause (clocks.md R5)."""

    name: str
    title: str
    clocks: frozenset[str]
    cap: Budget | None
    """How long one pause may last at most; it then resumes by itself."""
    until_required: bool
    from_request: bool
    """Whether the pause begins when it was asked for; else when it was granted."""
    natural_days: bool
    """Whether clocks in natural days pause too, for whole days."""


class EarlyWarning(Struct, frozen=True):
    """预警: at a share of the budget, or when so much of it is left (clocks.md R10)."""

    name: str
    """As written: `80%` or `2wh`."""
    percent: int
    """0 if it goes by what is left."""
    left: Budget | None


class Extension(Struct, frozen=True, kw_only=True):
    """延期: how often, how much together, and who grants the first, the second… (R6)."""

    max: int
    cap: Budget | None
    approvers: tuple[RoleRule, ...]
    """Who grants the n-th; the last one also those after it."""


class Rung(Struct, frozen=True, kw_only=True):
    """升级阶梯的一级: what happens at which offset from the due, and who is told (R11)."""

    before: Budget | None
    """So much before the due; with `after` absent too: at the breach itself."""
    after: Budget | None
    step: Literal[
        "notify", "remind", "supervise", "propose_reassignment", "name_leader", "publicise"
    ]
    to: str
    """`handler` (whom the clock binds), `holder`, or a Role's value, nearest above the handler."""
    acknowledge: Budget | None
    every: Budget | None
    """Again and again, until the clock ends."""


class Rework(Struct, frozen=True):
    """返工时限: a share of the original budget, but at least so much (clocks.md R8)."""

    percent: int
    least: Budget | None


class Trigger(Struct, frozen=True):
    """A fact that starts or stops a clock, perhaps with one value: `milestone-reached:fenced`."""

    fact: str
    value: str = ""


class ClockDefinition(Struct, frozen=True, kw_only=True):
    """时限: counts a budget from the first fact of `start` to the first of `stop`."""

    name: str
    title: str
    start: frozenset[Trigger]
    stop: frozenset[Trigger]
    budgets: tuple[tuple[str, Budget], ...]
    """(value of urgency or severity, budget), first match wins; "" matches always.

    Empty for a clock to an absolute date, which then comes from `date`.
    """
    by: tuple[str, ...] = ()
    """Which of `urgency`, `severity` choose the budget."""
    catalogue: bool = False
    """Whether a filing condition's own limit goes before these budgets (workflow.md §1)."""
    date: Literal["source_due", "fixed_deadline", "duty_until"] | None = None
    """For an absolute date: which value of the case is the due; without it no clock starts."""
    calendar: str
    cutoff: Cutoff
    total: bool
    per: Literal["case", "task", "call", "duty", "objection"] = "case"
    """One for the case, or one for each task, call, duty, objection (scope `task:<number>`)."""
    roll: bool = False
    """`nonworking_start: roll`: a start off working hours counts from the next opening (R3)."""
    warn: tuple[EarlyWarning, ...] = ()
    extension: Extension | None = None
    regrade: Literal["retroactive", "restart", "remaining_ratio"] = "retroactive"
    grace: Budget | None = None
    """What a stricter limit leaves at least, from the change on (R7)."""
    rework: Rework | None = None
    ladder: tuple[Rung, ...] = ()
    outlives: bool = False
    """Whether it goes on when the case ends (包稳定)."""


class NoticeRule(Struct, frozen=True, kw_only=True):
    """告知规则: who is told that a fact happened, and within what time they sign for it."""

    on: tuple[Trigger, ...]
    to: tuple[str, ...]
    """Members of the fact that name a unit or a post, words for a unit of the case, or Roles."""
    acknowledge: Budget | None
    calendar: str
    """By which that time is counted, unless the recipient's unit has its own; perhaps empty."""


class SkipLevel(Struct, frozen=True, kw_only=True):
    """越级规则: which cases may pass over levels, up to which one (workflow.md §1)."""

    category: str
    """Empty: any."""
    urgency: str
    """Empty: any."""
    tier: str
    """The level that it may go to: `town` or `county`."""
    copied: tuple[str, ...]
    """Levels that are passed over, and informed."""

    @property
    def said(self) -> str:
        """The rule as a fact names it: `urgency=urgent>county`."""
        named = (("category", self.category), ("urgency", self.urgency))
        chosen = ",".join(f"{name}={value}" for name, value in named if value)
        return f"{chosen or '*'}>{self.tier}"


class Likeness(Struct, frozen=True):
    """疑似重复: which open cases are suggested as the same issue (workflow.md §1)."""

    radius: int = 50
    """Metres."""
    hours: int = 24
    """Natural hours, before and after."""
    same_category: bool = True
    """Whether only those of the same category, or of none, come into question."""


class Recurring(Struct, frozen=True, kw_only=True):
    """周期任务: a case of the kind begins by itself, in every unit of a level, once a period."""

    every: Literal["day", "week", "month"]
    level: str
    title: str
    calendar: str
    """Days that are no workdays in it have no round of their own; empty: every day has."""
    missed: str
    """The action by which time ends a round of an earlier period that is still open."""


class Migration(Struct, frozen=True, kw_only=True):
    """迁移规则: how open cases of older versions pass to the version that holds it."""

    versions: str
    """`2.0.1`, or `2.0.x` for all that begin so."""
    stages: dict[str, str]
    """By the old stage, the new one; what is not named keeps its name."""
    clocks: dict[str, Literal["keep", "restart", "cancel"]]
    """What becomes of a clock that counts; "" stands for those that are not named."""
    start: dict[str, frozenset[str]]
    """Clocks that begin then, each for cases in these stages of the new version."""
    digest: str
    """SHA-256 of the rule as written."""

    def of_clock(self, name: str) -> Literal["keep", "restart", "cancel"]:
        """Return what becomes of a clock that counts."""
        return self.clocks.get(name, self.clocks[""])

    def meant(self, version: str) -> bool:
        """Whether it is for cases of this version."""
        if self.versions.endswith("x"):
            return version.startswith(self.versions.removesuffix("x"))
        return version == self.versions


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of case at one version, known by the hash of its source's data."""

    hash: str
    name: str
    version: str
    title: str
    stages: dict[str, StageDefinition]
    report: Action
    actions: dict[str, Action]
    clocks: tuple[ClockDefinition, ...]
    tiers: dict[str, str]
    """Which tier leads at which severity."""
    milestones: dict[str, str]
    """Which action a register's milestone column stands for."""
    suspensions: dict[str, Suspension] = {}
    skip_levels: tuple[SkipLevel, ...] = ()
    likeness: Likeness = Likeness()
    accountability: AccountabilityRule | None = None
    recurring: Recurring | None = None
    migrations: tuple[Migration, ...] = ()
    """How open cases of older versions pass to this one; the most particular rule first."""
    notices: tuple[NoticeRule, ...] = ()
    """Who is told of what somebody did (告知)."""
    told_of: dict[str, tuple[tuple[str, NoticeRule], ...]] = {}
    """By fact, at which value of it ("" for any) which rule tells; found from the notices."""
    triggers: frozenset[Trigger] = frozenset()
    """Everything that starts or stops a clock; found from the clocks, never given."""
    clock_names: dict[str, ClockDefinition] = {}
    """The clocks by their names; found from them, never given."""

    def __post_init__(self) -> None:
        """Gather once what is asked for at every action."""
        triggers = frozenset(one for clock in self.clocks for one in clock.start | clock.stop)
        force_setattr(self, "triggers", triggers)
        force_setattr(self, "clock_names", {clock.name: clock for clock in self.clocks})
        told_of: dict[str, tuple[tuple[str, NoticeRule], ...]] = {}
        for rule in self.notices:
            for one in rule.on:
                told_of[one.fact] = (*told_of.get(one.fact, ()), (one.value, rule))
        force_setattr(self, "told_of", told_of)

    def clock(self, name: str) -> ClockDefinition | None:
        """Return the definition of a clock."""
        return self.clock_names.get(name)

    def migration_from(self, version: str) -> Migration | None:
        """Return by which rule cases of an older version pass to this one."""
        return next((rule for rule in self.migrations if rule.meant(version)), None)

    def actions_in(self, stages: frozenset[str]) -> list[Action]:
        """Return what somebody may do in any of these stages."""
        return [one for one in self.actions.values() if one.by and one.stages & stages]

    def ahead(self, stage: str) -> frozenset[str]:
        """Return the stages that a case can come to from one, itself among them."""
        reached = {stage}
        news = [stage]
        while news:
            here = frozenset({news.pop()})
            for target in {one.to for one in self.actions_in(here) if one.to} - reached:
                reached.add(target)
                news.append(target)
        return frozenset(reached)

    @property
    def initial(self) -> StageDefinition:
        """Where a case of this kind begins."""
        return next(stage for stage in self.stages.values() if stage.initial)


def json_schema(form: tuple[FormField, ...]) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a form's data."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in form},
        "required": [one.name for one in form if one.required and not one.or_attachment],
        "additionalProperties": False,
    }


def _property(field: FormField) -> dict[str, object]:
    described: dict[str, object] = {"title": field.title, "x-class": field.data_class}
    described |= field.keywords
    match field.type:
        case "integer" | "boolean":
            return described | {"type": field.type}
        case "moment":
            return described | {"type": "string", "format": "date-time"}
        case "day":
            return described | {"type": "string", "format": "date"}
        case "units" | "codes" | "texts":
            items = {"type": "string", "maxLength": field.limit} | field.item_keywords
            return described | {"type": "array", "items": items}
        case "choice":
            return described | {"type": "string", "enum": list(field.values)}
        case "text" | "code" | "unit" | "case" | "post":
            return described | {"type": "string", "maxLength": field.limit}
