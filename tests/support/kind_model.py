"""A kind as its YAML file reads, by eye: stages, actions, roles, facts; the engine is not asked.

Nothing here imports what compiles or decides, so that a mistake there is not repeated here.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from ruamel.yaml import YAML

KINDS: Final = Path(__file__).parents[2] / "src" / "workflows" / "kinds"
NAMES: Final = tuple(sorted(path.stem for path in KINDS.glob("*.yaml")))
Data = dict[str, Any]


class ActionModel(Struct, frozen=True, kw_only=True):
    """An action as written."""

    name: str
    stages: frozenset[str]
    by: tuple[tuple[frozenset[str], str], ...]
    """(roles of keys, how their unit must stand to the case), one pair a role of the kind."""
    to: str | None
    holder: str
    emits: tuple[str, ...]
    requires: frozenset[str]
    conditions: bool
    decides: bool
    late: int
    """How many seconds late it may be registered."""
    form: dict[str, Data]


class KindModel(Struct, frozen=True, kw_only=True):
    """A kind as written."""

    name: str
    initial: str
    stages: frozenset[str]
    endings: frozenset[str]
    report: ActionModel
    actions: dict[str, ActionModel]
    reopens_to: str | None
    outliving: frozenset[str]
    """Clocks that go on when the case ends."""

    def next_to(self, stage: str) -> frozenset[str]:
        """Return the stages to which an action of somebody leads from one."""
        found = {one.to for one in self.actions.values() if one.by and stage in one.stages}
        return frozenset(stage for stage in found if stage is not None)

    def distances(self) -> dict[str, int]:
        """Return how many moves every stage is away from an ending, along the drawn arrows."""
        known = dict.fromkeys(self.endings, 0)
        for far in range(1, len(self.stages) + 1):
            here = {one for one in self.stages if not known.keys().isdisjoint(self.next_to(one))}
            known |= dict.fromkeys(here - known.keys(), far)
        return known


@cache
def model_of(name: str) -> KindModel:
    """Read a shipped kind."""
    reader: Any = YAML(typ="safe", pure=True)  # ruamel says of nothing what it is
    data: Data = reader.load(KINDS / f"{name}.yaml")
    stages: dict[str, Data] = data["stages"]
    endings = frozenset(one for one, stage in stages.items() if stage.get("ending"))
    clocks: dict[str, Data] = data.get("clocks", {})
    given = {"emits": ["case-reported"], "in": [], **data["report"]}
    return KindModel(
        name=name,
        initial=next(one for one, stage in stages.items() if stage.get("initial")),
        stages=frozenset(stages),
        endings=endings,
        report=_action("report", given, data, endings),
        actions={one: _action(one, told, data, endings) for one, told in data["actions"].items()},
        reopens_to=data.get("accountability", {}).get("reopens_to"),
        outliving=frozenset(one for one, clock in clocks.items() if clock.get("outlives")),
    )


def _action(name: str, told: Data, data: Data, endings: frozenset[str]) -> ActionModel:
    open_ = frozenset(data["stages"]) - endings
    roles = [data["roles"][one] for one in told["by"]]
    return ActionModel(
        name=name,
        stages=open_ if told["in"] == "open" else frozenset(told["in"]),
        by=tuple((frozenset(one["held_by"]), one["from"]) for one in roles),
        to=told.get("to"),
        holder=told.get("holder", "keep"),
        emits=tuple(told["emits"]),
        requires=frozenset(told.get("requires", ())),
        conditions=bool(told.get("when")),
        decides=bool(told.get("decide")),
        late=int(str(told.get("backdate", "0nh")).removesuffix("nh")) * 3600,
        form=told.get("form", {}),
    )


FOUR: Final = r"(four-fixed )?"
REOPENED: Final = r"(case-reopened )?"
FOLLOWERS: Final = {
    "case-reported": r"(category-mapped )?(identity-hidden )?(agency-recorded )?",
    "case-assigned": r"(task-assigned )*",
    "case-graded": FOUR,
    "leader-fixed": FOUR,
    "measures-fixed": FOUR,
    "deadline-fixed": FOUR,
    "responsibility-fixed": FOUR,
    "case-filed": r"(case-reclassified )?",
    "return-upheld": r"(task-waived )*",
    "recusal-declared": r"(task-waived )*",
    "appeal-reviewed": r"(appeal-upheld |appeal-dismissed )?",
    "duty-failed": REOPENED,
    "revisit-recorded": rf"(duty-failed {REOPENED})?",
    "whistle-blown": r"(whistle-blown )*",
}
"""What may follow a fact by itself; everything else an action names stands alone."""
OPTIONAL: Final = frozenset({"data-recorded", "supervision-cleared", "return-flagged"})
"""Facts that an action names and that are left out where there is nothing to say."""


def pattern(action: ActionModel) -> re.Pattern[str]:
    """Return the facts that an action may leave, each with a blank after it."""
    names = ("decision-made", *action.emits) if action.decides else action.emits
    parts = [f"({one} ){'?' if one in OPTIONAL else ''}{FOLLOWERS.get(one, '')}" for one in names]
    return re.compile("".join(parts))


ENDING: Final = frozenset(
    {
        *("case-closed", "case-not-accepted", "case-withdrawn", "case-put-on-record"),
        *("case-transferred-out", "case-voided", "case-merged", "case-split"),
    }
)
"""Facts of which each ends an open case, and without which none ends."""
REVIVING: Final = frozenset(
    {"case-reopened", "redo-required", "callback-recorded", "case-unmerged"}
)
"""Facts without which no case that had ended goes on."""

OF_FORM: Final = frozenset({"unknown-field", "evidence-missing", "unknown-unit", "naive-time"})
"""What is said of a form that is filled in wrongly."""
ANSWER: Final = ("unknown-field", "same-person")
BUDGET: Final = ("bare-duration", "zero-budget", "unit-mismatch", "unknown-field")
EXTENSION: Final = ("extension-late", "extension-not-allowed", *BUDGET)
DATED: Final = ("effective-too-early", "evidence-missing", "unknown-field")
OF_FACTS: Final[dict[str, tuple[str, ...]]] = {
    "case-not-accepted": ANSWER,
    "non-acceptance-proposed": ("request-pending",),
    "non-acceptance-refused": ANSWER,
    "void-requested": ("request-pending",),
    "void-refused": ANSWER,
    "case-voided": (*ANSWER, "duplicates-joined"),
    "case-withdrawn": ("duplicates-joined",),
    "case-graded": ("unknown-field",),
    "case-assigned": ("unknown-field",),
    "task-completed": ("unknown-field",),
    "task-waived": ("unknown-field",),
    "suspension-requested": ("pause-not-allowed", "unknown-field", "request-pending"),
    "suspension-granted": (*ANSWER, "pause-not-allowed"),
    "suspension-refused": ANSWER,
    "case-resumed": ("unknown-field",),
    "extension-requested": (*EXTENSION, "request-pending"),
    "extension-granted": (*EXTENSION, "same-person", "role-forbidden"),
    "extension-refused": ANSWER,
    "return-requested": ("request-pending",),
    "return-upheld": ANSWER,
    "return-refused": ANSWER,
    "correction-requested": (
        *("unknown-field", "correction-not-allowed", "future-time", "request-pending"),
    ),
    "correction-approved": ANSWER,
    "correction-refused": ANSWER,
    "supplement-requested": ("request-pending",),
    "supplement-provided": ("unknown-field",),
    "case-handed-down": ("unknown-field",),
    "case-escalated": ("unknown-field", "guard-failed"),
    "assignment-bound": ("return-not-allowed",),
    "whistle-blown": ("unknown-field",),
    "reported-in": ("unknown-field",),
    "call-released": ("unknown-field", "role-forbidden"),
    "whistle-rated": ("unknown-field", "guard-failed", "role-forbidden"),
    "supervision-raised": ("guard-failed", "unknown-field"),
    "callback-recorded": ("callback-dissatisfied", "unknown-field"),
    "case-rated": ("unknown-field",),
    "appeal-lodged": ("appeal-not-allowed",),
    "appeal-reviewed": ANSWER,
    "case-merged": ("merge-not-allowed", "not-found"),
    "case-unmerged": ("merge-not-allowed",),
    "case-split": ("unknown-field", "unknown-unit"),
    "confidentiality-set": ("unknown-field",),
    "recusal-declared": ("unknown-field", "recused-leads"),
    "recusal-lifted": ("unknown-field",),
    "leader-fixed": DATED,
    "responsibility-fixed": DATED,
    "measures-fixed": ("unknown-field", "unknown-unit"),
    "measure-done": ("unknown-field",),
    "deadline-fixed": ("deadline-not-allowed", "unknown-field", "naive-time"),
    "duty-taken": ("duty-not-allowed", *DATED),
    "duty-fulfilled": ("duty-not-allowed",),
    "duty-failed": ("duty-not-allowed",),
    "revisit-recorded": ("duty-not-allowed",),
    "case-filed": ("unknown-field",),
    "admission-decided": ("unknown-field",),
    "case-claimed": ("already-claimed",),
    "vote-held": ("unknown-field", "vote-contradicts"),
    "publication-made": ("unknown-field",),
    "publication-ended": ("publication-open",),
    "objection-answered": ("unknown-field",),
    "zero-reported": ("unknown-field",),
    "data-recorded": ("not-found",),
}
"""Why a fact cannot be made now, though the form is filled in well; others can always be."""
GUARDED: Final = ("guard-failed",)
OF_REQUIREMENTS: Final[dict[str, tuple[str, ...]]] = {
    "tasks_settled": ("tasks-open",),
    "another_unit": ("same-person",),
    "not_the_claimant": ("same-person",),
    "within_return_window": ("return-not-allowed",),
    "not_bound": ("return-not-allowed",),
    "handed_to_holder": ("return-not-allowed",),
    "applied_ahead": GUARDED,
    "admitted_for_community": ("item-not-admitted",),
    "asked_to_provide": ("role-forbidden",),
    "call_unanswered": GUARDED,
    "called_back": ("callback-missing",),
    "centre_from_third_return": GUARDED,
    "designation_due": GUARDED,
    "dispatch_free": GUARDED,
    "duties_done": ("accountability-incomplete",),
    "four_fixed": ("accountability-incomplete",),
    "handover_accepted": GUARDED,
    "handover_pending": GUARDED,
    "identity_open": GUARDED,
    "non_acceptance_proposed": GUARDED,
    "not_lower": GUARDED,
    "push_forward": GUARDED,
    "redo_exhausted": GUARDED,
    "redo_left": ("redo-exhausted",),
    "settled": ("leader-closes",),
    "to_be_allotted": GUARDED,
    "unrated": ("already-rated", "guard-failed"),
    "unsettled": GUARDED,
    "within_appeal_window": ("appeal-late",),
    "objections_answered": ("objections-open",),
    "publication_over": ("publication-open",),
}
"""How each named requirement refuses."""


def conditional(action: ActionModel) -> frozenset[str]:
    """Return with which codes a possible action may be refused, by what the file says of it."""
    codes = {code for one in action.emits for code in OF_FACTS.get(one, ())}
    codes |= {code for one in action.requires for code in OF_REQUIREMENTS[one]}
    codes |= {"guard-failed"} if action.conditions else set()
    codes |= {"unknown-field", "evidence-missing"} if action.decides else set()
    return frozenset(codes)
