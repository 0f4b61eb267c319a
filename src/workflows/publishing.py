"""What a kind must fulfil before it is published; each problem names its path in the file.

Only publishing checks this: a kind that stands in the log already is used as it is.
"""

from collections.abc import Mapping
from typing import Final

from domain import facts as f
from domain.actor import Role
from domain.guards import REQUIREMENTS
from domain.kind import SEALED, Relation
from domain.steps import BUILDERS, CONSTANTS, FIELDS, NEEDED, YES
from workflows.clock_rules import clock_problems, clock_warnings
from workflows.conditions import condition_problems
from workflows.decision_tables import decision_fields, decision_problems
from workflows.form_schemas import form_problems
from workflows.kind_accountability import accountability_problems
from workflows.kind_migration import migration_problems
from workflows.kind_notices import notice_problems
from workflows.kind_rounds import recurring_problems
from workflows.kind_routing import routing_problems
from workflows.kind_text import ActionText, FieldText, KindText, unknown
from workflows.request_rules import request_problems

BY_ITSELF: Final = frozenset({f.CaseReported.TYPE, f.DecisionMade.TYPE})
"""Facts that no action asks for: a report makes its own, and `decide` the decision's."""
ENDINGS: Final = (
    f.CaseClosed.TYPE,
    f.CaseNotAccepted.TYPE,
    f.CaseWithdrawn.TYPE,
    f.CasePutOnRecord.TYPE,
    f.CaseTransferredOut.TYPE,
    f.CaseVoided.TYPE,
    f.CaseMerged.TYPE,
    f.CaseSplit.TYPE,
)
"""The facts that say how a case ended."""
NEVER_ISSUED: Final = frozenset({Role.IMPORTER, Role.TIMER})
BROUGHT_ABOUT: Final[dict[Relation, frozenset[str]]] = {
    Relation.LEAD: frozenset({f.CaseAssigned.TYPE}),
    Relation.ASSISTING: frozenset({f.CaseAssigned.TYPE, f.TaskAssigned.TYPE}),
    Relation.CALLED: frozenset({f.WhistleBlown.TYPE}),
    Relation.CLAIMANT: frozenset({f.CaseClaimed.TYPE}),
    Relation.LEADER: frozenset({f.LeaderFixed.TYPE}),
}
"""By which facts a unit comes to stand so to a case; the other relations hold from the start."""
TAKEN_FIELDS: Final = frozenset({"title", "description"})
"""Names of what every report has besides its form."""


def problems(kind: KindText) -> list[str]:
    """Return everything that is wrong with a kind; empty if it may be published."""
    found = [
        *_stage_problems(kind),
        *unknown("report.by", kind.report.by, kind.roles),
        *form_problems("report.form", kind.report.form),
        *_report_problems(kind.report.form),
        *unknown("milestones", kind.milestones.values(), kind.actions),
    ]
    for name, action in kind.actions.items():
        found += [f"actions.{name}.{problem}" for problem in _action_problems(action, kind)]
    found += decision_problems(kind)
    found += [f"roles.{problem}" for problem in _role_problems(kind)]
    found += clock_problems(kind)
    found += accountability_problems(kind)
    found += recurring_problems(kind)
    found += routing_problems(kind)
    found += notice_problems(kind)
    found += migration_problems(kind)
    # What was misnamed above would only be named again.
    found = found or request_problems(kind)
    # Ways through stages that do not exist would only repeat what was said above.
    return found or _way_problems(kind)


def warnings(kind: KindText) -> list[str]:
    """Return what may be published, though it is perhaps not what was meant."""
    return clock_warnings(kind)


def _stage_problems(kind: KindText) -> list[str]:
    found: list[str] = []
    initial = [stage for stage in kind.stages.values() if stage.initial]
    if len(initial) != 1:
        found.append(f"stages：须有且只有一个 initial 环节，现有 {len(initial)} 个")
    if any(stage.ending for stage in initial):
        found.append("stages：initial 环节不能同时是 ending 环节")
    if not any(stage.ending for stage in kind.stages.values()):
        found.append("stages：没有 ending 环节，事项永远不能结束")
    return found


def _role_problems(kind: KindText) -> list[str]:
    """Everybody who is named can exist: a key of one of the roles, standing so to the case."""
    happens = {fact for action in kind.actions.values() for fact in action.emits}
    found: list[str] = []
    for name, role in kind.roles.items():
        by_time = kind.recurring is not None and Role.TIMER in role.held_by
        if not by_time and not set(role.held_by) - NEVER_ISSUED:
            issued = "、".join(one.value for one in Role if one not in NEVER_ISSUED)
            found.append(f"{name}.held_by：没有人能担任这个角色；可用：{issued}")
        needs = BROUGHT_ABOUT.get(role.relation)
        if needs and not needs & happens:
            found.append(
                f"{name}.from：没有操作会使任何单位成为 {role.relation.value}；"
                f"emits 中须有 {'、'.join(sorted(needs))} 之一"
            )
    return found


def _action_problems(action: ActionText, kind: KindText) -> list[str]:
    stages = [] if action.stages == "open" else action.stages
    target = [action.to] if action.to else []
    named = [
        *unknown("in", stages, kind.stages),
        *unknown("by", action.by, kind.roles),
        *unknown("emits", action.emits, [name for name in BUILDERS if name not in BY_ITSELF]),
        *unknown("requires", action.requires, REQUIREMENTS),
        *unknown("to", target, kind.stages),
    ]
    return named or [
        *form_problems("form", action.form),
        *_recording_problems(action, decision_fields(action, kind)),
        *condition_problems(kind, action),
        *_ending_problems(action, kind),
    ]


def _report_problems(form: Mapping[str, FieldText]) -> list[str]:
    return [
        f"report.form.{name}：这个名称已用于上报本身，请另取一个"
        for name in form
        if name in TAKEN_FIELDS
    ]


def _recording_problems(action: ActionText, decided: Mapping[str, bool]) -> list[str]:
    """Every value of the form must find its place in a fact, and every fact its values.

    `decided`: the fields that the action's decision keeps; True where it fills them in as well.
    """
    places = {name: types for fact in action.emits for name, types in FIELDS.get(fact, {}).items()}
    keeps = f.DataRecorded.TYPE in action.emits
    found = [
        f"form.{name}：没有一条办理记录会保存它；请改为 text、去掉，或加上 {f.DataRecorded.TYPE}"
        for name in recorded_fields(action)
        if not keeps and name not in decided
    ]
    if action.set_data and not keeps:
        found.append(f"set_data：emits 须有 {f.DataRecorded.TYPE}")
    found += [
        f"form.{name}.type：须为 {'、'.join(sorted(places[name]))}"
        for name, field in action.form.items()
        if name in places and field.type not in places[name]
    ]
    needed = [name for fact in action.emits for name in NEEDED.get(fact, ())]
    found += [
        f"form.{name}：{'、'.join(action.emits)} 需要这个必填字段"
        for name in needed
        if name not in action.set
        and not decided.get(name)
        and (name not in action.form or not action.form[name].required)
    ]
    return found + _constant_problems(action)


def recorded_fields(action: ActionText) -> tuple[str, ...]:
    """Return the fields of the form, in clear, that no fact has a place of its own for."""
    places = {name for fact in action.emits for name in FIELDS.get(fact, {})}
    return tuple(
        name
        for name, field in action.form.items()
        if field.type not in SEALED and name not in places
    )


def _constant_problems(action: ActionText) -> list[str]:
    constants = {name for fact in action.emits for name in CONSTANTS.get(fact, ())}
    found = unknown("set", action.set, sorted(constants))
    if action.set.get("misgraded", YES) != YES:
        found.append(f'set.misgraded：只能是 "{YES}"；不是更正误定的分级就去掉')
    return found


def _ending_problems(action: ActionText, kind: KindText) -> list[str]:
    """An action ends a case if and only if it says so by a fact, and a closing has its outcome."""
    ends = action.to is not None and kind.stages[action.to].ending
    says = any(fact in ENDINGS for fact in action.emits)
    found: list[str] = []
    came = action.stages if isinstance(action.stages, list) else []
    again = bool(came) and all(kind.stages[name].ending for name in came)
    if ends and not says and not again:  # from one end to another, 归档: nothing ends then
        found.append(f"emits：进入 ending 环节须有 {'、'.join(ENDINGS)} 之一")
    if says and not ends:
        found.append("to：办结、不予受理或撤回之后须进入 ending 环节")
    if f.CaseReopened.TYPE in action.emits and (ends or action.to is None or not again):
        found.append("in、to：重新办理须从 ending 环节回到未结束的环节")
    return found


def _way_problems(kind: KindText) -> list[str]:
    """Every stage can be reached, and from every stage the case can end by somebody's action."""
    ways = _ways(kind, every=True)
    initial = next(name for name, stage in kind.stages.items() if stage.initial)
    reached = _closure({initial}, ways)
    found = [
        f"stages.{name}：没有操作能到达这个环节" for name in kind.stages if name not in reached
    ]
    back = {(target, source) for source, target in _ways(kind, every=False)}
    endings = {name for name, stage in kind.stages.items() if stage.ending}
    ending = _closure(endings, back)
    return found + [
        f"stages.{name}：从这里没有办法结束" for name in kind.stages if name not in ending
    ]


def _ways(kind: KindText, *, every: bool) -> set[tuple[str, str]]:
    """Return the moves between stages; those of nobody's actions only if `every`."""
    opened = [name for name, stage in kind.stages.items() if not stage.ending]
    return {
        (source, action.to)
        for action in kind.actions.values()
        if action.to and (every or action.by)
        for source in (opened if action.stages == "open" else action.stages)
    }


def _closure(start: set[str], ways: set[tuple[str, str]]) -> set[str]:
    reached, news = set(start), set(start)
    while news:
        news = {target for source, target in ways if source in news} - reached
        reached |= news
    return reached
