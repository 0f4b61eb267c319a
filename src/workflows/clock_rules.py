"""What the clocks of a kind must fulfil before it is published; and what is only worth a look."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from domain import facts as f
from domain.actor import Role
from domain.due import Budget, Unit, parse_budget
from domain.errors import Refusal
from domain.values import VALUES
from workflows.clock_ends import ending_warnings
from workflows.kind_clocks import PERCENT, offset_of, trigger_of
from workflows.kind_implied import implied
from workflows.kind_text import (
    ClockText,
    ExtensionText,
    KindText,
    ReworkText,
    RungText,
    budgets_of,
    chosen_by,
    form_values,
    limits_of,
    unknown,
)

DEPENDS_ON: Final = ("severity", "urgency")
RECIPIENTS: Final = (
    "handler",
    "holder",
    *(role.value for role in Role if role not in {Role.IMPORTER, Role.TIMER}),
)
PER: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "duty": (
        frozenset({f.DutyTaken.TYPE, f.RevisitRecorded.TYPE}),
        frozenset({f.DutyFulfilled.TYPE, f.DutyFailed.TYPE, f.RevisitRecorded.TYPE}),
    ),
    "task": (
        frozenset({f.TaskAssigned.TYPE}),
        frozenset({f.TaskCompleted.TYPE, f.TaskWaived.TYPE}),
    ),
    "call": (
        frozenset({f.WhistleBlown.TYPE}),
        frozenset({f.ReportedIn.TYPE, f.CallReleased.TYPE}),
    ),
    "objection": (frozenset({f.ObjectionRaised.TYPE}), frozenset({f.ObjectionAnswered.TYPE})),
}
"""From which facts a clock of its own for each task (call, duty) may start, and by which end."""
RECURRING: Final = frozenset({"notify", "remind"})
ROUGH_MINUTES: Final = {Unit.nh: 60, Unit.nd: 1440, Unit.wd: 2016, Unit.wh: 252}
"""How long a unit is on average, with eight hours a day and five days a week; only to compare."""
A_MONTH: Final = 43_800
WHOLE: Final = 100


def clock_problems(kind: KindText) -> list[str]:
    """Return everything that is wrong with a kind's clocks, each with its path in the file."""
    found = [
        f"clocks.{name}.{problem}"
        for name, clock in kind.clocks.items()
        for problem in _problems_of(clock, kind)
    ]
    for name, ladder in kind.ladders.items():
        found += [f"ladders.{name}{problem}" for problem in _ladder_problems(ladder)]
    if sum(clock.total for clock in kind.clocks.values()) > 1:
        found.append("clocks：最多只能有一个 total 时限")
    return found


def clock_warnings(kind: KindText) -> list[str]:
    """Return what may be published, though it is perhaps not what was meant (clocks.md R9)."""
    used = {clock.ladder for clock in kind.clocks.values()}
    found = [f"ladders.{name}：没有时限使用它" for name in kind.ladders if name not in used]
    found += ending_warnings(kind)
    total = next((clock for clock in kind.clocks.values() if clock.total and clock.budget), None)
    if total is None:
        return found
    values = dict.fromkeys(
        value for clock in kind.clocks.values() for value in limits_of(clock.budget)
    )
    return found + [warning for value in values for warning in _over_total(value, total, kind)]


def unreadable(where: str, *texts: str | None) -> list[str]:
    """Return the problem with each text that should be a budget and is none."""
    found: list[str] = []
    for text in texts:
        try:
            if text is not None:
                parse_budget(text)
        except Refusal as refusal:
            found.append(f"{where}：{refusal}")
    return found


def rough(budget: Budget) -> int:
    """Return about how many minutes a budget lasts, to compare those of different units."""
    return (
        budget.amount * ROUGH_MINUTES.get(budget.unit, A_MONTH)
        + budget.minutes * ROUGH_MINUTES.get(budget.unit, 0) // 60
    )


def _problems_of(clock: ClockText, kind: KindText) -> list[str]:
    named = [
        *_trigger_problems("start", clock.start, kind),
        *_trigger_problems("stop", clock.stop, kind),
        *unknown("ladder", [clock.ladder] if clock.ladder else [], kind.ladders),
        *_limit_problems(clock, kind),
        *_readable_problems(clock),
    ]
    return named or [
        *_warn_problems(clock),
        *_task_problems(clock),
        *_date_problems(clock),
        *_regrade_problems(clock),
        *(_extension_problems(clock.extension, clock, kind) if clock.extension else []),
        *(_rework_problems(clock.rework, clock) if clock.rework else []),
    ]


def _trigger_problems(where: str, triggers: list[str], kind: KindText) -> list[str]:
    happens = {
        f.CaseReported.TYPE,
        *(fact for one in kind.actions.values() for fact in one.emits),
        *implied(kind),
    }
    found: list[str] = []
    for trigger in map(trigger_of, triggers):
        if trigger.fact not in happens:
            found += unknown(where, [trigger.fact], sorted(happens))
        elif trigger.value and trigger.fact not in VALUES:
            usable = "、".join(sorted(VALUES))
            found.append(f"{where}：{trigger.fact} 不能带取值；只有 {usable} 可以")
        elif trigger.value:
            # What was merged goes back to where it was merged: no form says where to.
            unmerged = trigger.fact == f.CaseUnmerged.TYPE
            said = form_values(kind, trigger.fact, VALUES[trigger.fact])
            known = list(kind.stages) if unmerged else said
            found += unknown(where, [trigger.value], known)
    return found


def _limit_problems(clock: ClockText, kind: KindText) -> list[str]:
    if (clock.budget is None) == (clock.date is None):
        return ["budget：须写明 budget 或 date，二者之一"]
    if clock.budget is None:
        return []
    return [f"budget：{problem}" for problem in _budget_problems(clock, kind)]


def _budget_problems(clock: ClockText, kind: KindText) -> list[str]:
    if isinstance(clock.budget, dict):
        named = chosen_by(clock.budget)
        found = unknown("by", named, DEPENDS_ON)
        if "default" not in limits_of(clock.budget):
            return [*found, "缺少 default（没有其他取值适用时的时限）"]
        if not named:
            return ["缺少 by（按 severity 还是 urgency 选用时限）"]
        if found:
            return found
        known = [value for field in named for value in form_values(kind, f.CaseGraded.TYPE, field)]
        values = [value for value in limits_of(clock.budget) if value != "default"]
        found = unknown("取值", values, known)
        if found:
            return found
    try:
        budgets_of(clock.budget)
    except Refusal as refusal:
        return [str(refusal)]
    return []


def _readable_problems(clock: ClockText) -> list[str]:
    found: list[str] = []
    for number, text in enumerate(clock.warn):
        if not PERCENT.fullmatch(text):
            found += unreadable(f"warn.{number}", text)
    if clock.extension:
        found += unreadable("extension.cap", clock.extension.cap)
    if clock.regrade:
        found += unreadable("regrade.grace", clock.regrade.grace)
    if clock.rework:
        found += unreadable("rework.least", clock.rework.least)
    return found


def _budgets(clock: ClockText) -> list[Budget]:
    return [budget for _, budget in budgets_of(clock.budget)]


def _units(clock: ClockText) -> list[str]:
    return list(dict.fromkeys(budget.unit.value for budget in _budgets(clock)))


def _warn_problems(clock: ClockText) -> list[str]:
    found: list[str] = []
    for number, text in enumerate(clock.warn):
        where = f"warn.{number}"
        percent = PERCENT.fullmatch(text)
        if percent and not 1 <= int(percent[1]) <= WHOLE:
            found.append(f"{where}：“{text}”须在 1% 至 100% 之间")
        if text in clock.warn[:number]:
            found.append(f"{where}：“{text}”重复，请只保留一个")
        if percent and clock.date:
            found.append(f"{where}：date 时限没有份额；请写剩余的时间，如 1wd")
        if not percent and any(_too_soon(text, budget) for budget in _budgets(clock)):
            found.append(f"{where}：“{text}”不短于时限本身，一开始就会预警；请写短些，或写百分比")
    return found


def _too_soon(left: str, budget: Budget) -> bool:
    warning = parse_budget(left)
    return warning.unit is budget.unit and warning.size >= budget.size


def _task_problems(clock: ClockText) -> list[str]:
    if clock.per == "case":
        return []
    found: list[str] = []
    starts, stops = PER[clock.per]
    what = f"per: {clock.per}"
    if not {trigger_of(text).fact for text in clock.start} <= starts:
        found.append(f"start：{what} 的时限只能从 {'、'.join(sorted(starts))} 开始")
    if not {trigger_of(text).fact for text in clock.stop} <= stops:
        found.append(f"stop：{what} 的时限只能由 {'、'.join(sorted(stops))} 结束")
    if clock.total:
        found.append(f"total：总时限属于整个事项，不能是 {what}")
    if clock.extension:
        found.append(f"extension：{what} 的时限不能延期；请去掉，或改为 per: case")
    return found


def _date_problems(clock: ClockText) -> list[str]:
    """An absolute date is somebody else's: nothing here moves it (clocks.md R2)."""
    if clock.date is None:
        return []
    movers = {
        "extension": clock.extension,
        "regrade": clock.regrade,
        "rework": clock.rework,
        "nonworking_start": clock.nonworking_start,
    }
    return [
        f"{name}：date 时限的到期时间由来源规定，不能变动；请去掉"
        for name, mover in movers.items()
        if mover
    ]


def _regrade_problems(clock: ClockText) -> list[str]:
    if clock.regrade and clock.date is None and not chosen_by(clock.budget):
        return ["regrade：只用于按 severity 或 urgency 选用的时限；请去掉"]
    return []


def _extension_problems(extension: ExtensionText, clock: ClockText, kind: KindText) -> list[str]:
    grants = [one for one in kind.actions.values() if f.ExtensionGranted.TYPE in one.emits]
    granting = [name for action in grants for name in action.by]
    found = unknown("extension.approvers", extension.approvers, kind.roles)
    if not found:
        found = [
            f"extension.approvers：“{name}”不能批准延期；请把它加进批准延期的操作的 by"
            for name in extension.approvers
            if name not in granting
        ]
    return found + _unit_problems("extension.cap", extension.cap, clock)


def _rework_problems(rework: ReworkText, clock: ClockText) -> list[str]:
    found = _unit_problems("rework.least", rework.least, clock)
    if f.ReworkRequired.TYPE not in clock.start:
        found.append(f"rework：start 中没有 {f.ReworkRequired.TYPE}，返工不会开始这个时限")
    return found


def _unit_problems(where: str, text: str | None, clock: ClockText) -> list[str]:
    """Say if a limit is in a unit that none of the budgets has, so that nothing compares."""
    units = _units(clock)
    if text is None or clock.date or parse_budget(text).unit.value in units:
        return []
    return [f"{where}：“{text}”的单位与时限不同；可用：{'、'.join(units)}"]


def _ladder_problems(ladder: list[RungText]) -> Iterator[str]:
    readable = True
    for number, rung in enumerate(ladder):
        for problem in _rung_problems(rung):
            readable = readable and not problem.startswith("at：")
            yield f".{number}.{problem}"
    if readable:
        for number, (rung, following) in enumerate(pairwise(ladder), 1):
            if _offset(following) < _offset(rung):
                yield f".{number}.at：“{following.at}”早于前一级“{rung.at}”；请按时间先后排列"


def _rung_problems(rung: RungText) -> list[str]:
    found = [
        *unreadable("at", rung.at[4:] or None),
        *unknown("to", [rung.to], RECIPIENTS),
        *unreadable("acknowledge", rung.acknowledge),
        *unreadable("every", rung.every),
    ]
    if rung.every and rung.do not in RECURRING:
        found.append(f"every：“{rung.do}”不能反复进行；只有 {'、'.join(sorted(RECURRING))} 可以")
    if rung.acknowledge and rung.do == "publicise":
        found.append("acknowledge：通报（publicise）没有人签收；请去掉")
    return found


def _offset(rung: RungText) -> int:
    before, after = offset_of(rung.at)
    return (rough(after) if after else 0) - (rough(before) if before else 0)


def _over_total(value: str, total: ClockText, kind: KindText) -> list[str]:
    """Compare, for one severity or urgency; clocks that start together run side by side."""
    longest: dict[frozenset[str], int] = {}
    for clock in kind.clocks.values():
        if clock.budget and not clock.total and clock.per == "case":
            start = frozenset(clock.start)
            longest[start] = max(longest.get(start, 0), rough(_for(value, clock)))
    stages, whole = sum(longest.values()), _for(value, total)
    if stages <= rough(whole):
        return []
    days = -(-stages // ROUGH_MINUTES[Unit.wd])
    whom = "" if value == "default" else f"（{value}）"
    return [f"clocks：各环节时限{whom}合计约 {days} 个工作日，超过总时限 {whole}"]


def _for(value: str, clock: ClockText) -> Budget:
    budgets = dict(budgets_of(clock.budget))
    return budgets.get(value) or budgets[""]
