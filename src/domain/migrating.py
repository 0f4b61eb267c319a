"""Moving an open case to a new version of its kind: by an approved rule, or not at all.

Nothing is guessed: a stage, a clock or a request of which the rule does not say what becomes of
it keeps the case where it is, and the refusal names it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from msgspec.structs import replace

from domain import facts as f
from domain.case import Case, Request
from domain.clock import Clock
from domain.clocks import begin
from domain.commands import Migrate
from domain.errors import MigrationRefused
from domain.kind import ClockDefinition, Kind, Migration
from domain.limits import choose, reworked
from domain.planning import reckoned, rescheduled
from domain.reckoning import DATE
from domain.settling import settle
from domain.turn import Turn, of
from domain.world import Draft, World

ACTION: Final = "migrate"
"""What the fact names in place of an action of the kind."""
REASON: Final = "kind-migrated"
Change = Literal["kept", "restarted", "cancelled", "started"]


def migrate(command: Migrate, case: Case, world: World) -> list[Draft]:
    """Let a case follow a new version of its kind from now on.

    Nothing happens to one that does so already, that follows yet another version, or has ended.

    Raises:
        MigrationRefused: it would be stranded there; `why` says by what.
        UnknownCalendar.
    """
    old, new = world.kind, world.kinds[command.to]
    rule = new.migration_from(old.version)
    if old.hash != command.since or old.stages[case.stage].ending:
        return []
    if rule is None or rule.digest != command.plan:
        raise refused(case, "no-rule", f"{new.name}@{new.version} 没有这份迁移规则")
    turn = Turn(case, replace(world, kind=new))
    turn.take(settle(case, world.now, world))
    _passes(turn.case, new, rule)
    _move(turn, rule, old, world.now)
    return turn.drafts


def refused(case: Case, why: str, detail: str) -> MigrationRefused:
    """Return the refusal of one case."""
    return MigrationRefused(number=case.number, detail=detail, why=why)


def _passes(case: Case, new: Kind, rule: Migration) -> None:
    stage = rule.stages.get(case.stage, case.stage)
    if stage not in new.stages:
        detail = f"新版没有环节“{case.stage}”；请在 migration 的 stages 中写明它对应哪个环节"
        raise refused(case, "stage-unmapped", detail)
    ahead = new.ahead(stage)
    if not any(new.stages[name].ending for name in ahead):
        detail = f"到了新版的环节“{stage}”就没有办法结束；请改 migration 的 stages"
        raise refused(case, "no-way-out", detail)
    for clock in case.open_clocks:
        if rule.of_clock(clock.name) != "cancel":
            _clock_passes(case, clock, new, ahead)
    for request in case.requests:
        _request_passes(case, request, new)


def _clock_passes(case: Case, clock: Clock, new: Kind, ahead: frozenset[str]) -> None:
    definition = new.clock(clock.name)
    if definition is None:
        detail = f"新版没有时限“{clock.name}”；请在 migration 的 clocks 中写明 cancel（取消）"
        raise refused(case, "clock-unknown", detail)
    told = {fact for action in new.actions_in(ahead) for fact in action.emits}
    if not any(trigger.fact in told for trigger in definition.stop):
        detail = f"时限“{clock.name}”在那之后没有操作能停止；请改 stages，或写明 cancel（取消）"
        raise refused(case, "clock-stranded", detail)


def _request_passes(case: Case, request: Request, new: Kind) -> None:
    lost = request.sort == "suspension" and request.reason not in new.suspensions
    if request.sort == "extension" and request.clock is not None:
        definition = new.clock(request.clock[0])
        lost = definition is None or definition.extension is None
    if lost:
        detail = f"第 {request.number} 号申请正在等待审批，新版不能再批；请先审批"
        raise refused(case, "request-stranded", detail)


def _move(turn: Turn, rule: Migration, old: Kind, at: datetime) -> None:
    case, new = turn.case, turn.world.kind
    target = rule.stages.get(case.stage, case.stage)
    restarted, cancelled = _touched(case, new, rule)
    started = [one for one in new.clocks if _starts(one, rule, case, target)]
    fact = f.CaseMigrated(
        action=ACTION,
        stage=f.Stage(case.stage, target, new.stages[target].phase),
        holder=case.holder,
        from_hash=old.hash,
        to_hash=new.hash,
        version=new.version,
        plan=rule.digest,
        clocks=tuple(_passages(case, restarted, cancelled, started)),
    )
    turn.record(fact, at)
    for clock in cancelled:
        turn.record(f.ClockCancelled(**of(clock), cancelled_at=at, reason=REASON), at)
    for clock in restarted:
        _restart(turn, clock, at)
    for definition in started:
        begin(turn, definition, fact, at)


def _touched(case: Case, new: Kind, rule: Migration) -> tuple[list[Clock], list[Clock]]:
    """Return the clocks that count anew, and those that end. A breach stands, and so does a date.

    What the case brought a date for never moves (clocks.md R2).
    """
    restarted: list[Clock] = []
    cancelled: list[Clock] = []
    for clock in case.open_clocks:
        definition, change = new.clock(clock.name), rule.of_clock(clock.name)
        if change == "cancel":
            cancelled.append(clock)
        elif change == "restart" and definition is not None and _may_restart(clock, definition):
            restarted.append(clock)
    return restarted, cancelled


def _may_restart(clock: Clock, definition: ClockDefinition) -> bool:
    return clock.breached_at is None and clock.budget != DATE and bool(definition.budgets)


def _starts(definition: ClockDefinition, rule: Migration, case: Case, target: str) -> bool:
    if target not in rule.start.get(definition.name, ()):
        return False
    running = {clock.name for clock in case.open_clocks if not clock.scope}
    return definition.name not in running


def _passages(
    case: Case, restarted: list[Clock], cancelled: list[Clock], started: list[ClockDefinition]
) -> Iterator[f.ClockPassage]:
    for clock in case.open_clocks:
        change: Change = "kept"
        if clock in restarted:
            change = "restarted"
        elif clock in cancelled:
            change = "cancelled"
        yield f.ClockPassage(*clock.instance, change)
    for definition in started:
        before = [
            one for one in case.clocks if one.instance[:3] == (definition.name, "", case.cycle)
        ]
        yield f.ClockPassage(definition.name, "", case.cycle, len(before) + 1, "started")


def _restart(turn: Turn, clock: Clock, at: datetime) -> None:
    """Count a clock from now on with the budget of the new version; extensions are gone with it."""
    definition, kind = turn.definition(clock), turn.world.kind
    if definition is None:
        return
    budget, by = choose(definition, turn.case)
    if clock.limit.origin == "rework" and definition.rework is not None:
        budget = reworked(budget, definition.rework)
    limit = f.Limit(clock.limit.origin, f"{kind.name}@{kind.version}", by)
    fresh = replace(clock, budget=str(budget), limit=limit, started_at=at, extensions=(), floors=())
    fresh = reckoned(fresh, turn.almanac(clock.calendar), at)
    turn.record(rescheduled(clock, fresh, turn, at, reason=REASON), at)
