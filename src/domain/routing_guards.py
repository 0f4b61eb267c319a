"""What actions may require of a case, of the family in `domain/routing.py`."""

from datetime import datetime
from typing import Final

from domain.actor import Role
from domain.case import Case
from domain.due import SHANGHAI, Budget, Cutoff, due
from domain.due import Unit as Counted
from domain.errors import GuardFailed, ReturnNotAllowed, RoleForbidden, UnknownCalendar
from domain.kind import Action
from domain.requirement import Requirement
from domain.roles import acting_unit
from domain.routing import Hop
from domain.world import World

WINDOW: Final = Budget(2, Counted.wd)
"""So long after a hop the receiver may return it; later it counts as accepted (workflow.md §1)."""
PROVIDERS: Final[dict[str, frozenset[Role]]] = {
    "intake": frozenset({Role.INTEGRATOR, Role.DISPATCHER, Role.ADMIN}),
    "reporter": frozenset({Role.INTEGRATOR, Role.DISPATCHER, Role.ADMIN}),
    "grid": frozenset({Role.GRID_WORKER}),
}
"""Who says what is missing, by whom it was asked of; for the reporter the intake, who asks them."""


def _handover_accepted(action: Action, case: Case, world: World) -> None:
    """Whoever was handed a case accepts it first, or returns it (首接负责)."""
    del action
    if case.routing.pending is not None and not world.importing:
        raise GuardFailed(detail="交来的事项还没有接办；请先接办，或在两个工作日内申请退回")


def _handover_pending(action: Action, case: Case, world: World) -> None:
    del action
    if case.routing.pending is None and not world.importing:
        raise GuardFailed(detail="没有等待接办的交办或上报")


def _push_forward(action: Action, case: Case, world: World) -> None:
    """Whoever gets a case back fixes, dispatches or returns it further, and no more."""
    if case.routing.returned and not world.importing:
        detail = f"退回的事项不能向前推送（{action.title}）；只能重新归类、重新派遣，或继续退回"
        raise GuardFailed(detail=detail)


def _not_bound(action: Action, case: Case, world: World) -> None:
    del action
    if case.routing.bound and not world.importing:
        raise ReturnNotAllowed(detail="由区县中心指定承办的事项不能退")


def _handed_to_holder(action: Action, case: Case, world: World) -> None:
    """What was handed on goes back within two working days, or when it came back itself."""
    del action
    routing = case.routing
    if world.importing:
        return
    last = routing.trail[-1] if routing.trail and routing.assigned_by is None else None
    if last is None or case.holder is None or last.receiver.id != case.holder.id:
        raise ReturnNotAllowed(detail="本单位最先接收，没有交来的单位可退（首接负责）")
    if routing.returned:
        return
    until = _window(last, case, world)
    if last.accepted or world.now > until:
        detail = f"接办之前、两个工作日之内才能退，最迟 {until.astimezone(SHANGHAI)}"
        raise ReturnNotAllowed(detail=detail)


def _window(hop: Hop, case: Case, world: World) -> datetime:
    own = world.directory.calendar_of(case.holder) if case.holder else None
    names = [own, *(clock.calendar for clock in world.kind.clocks)]
    name = next((one for one in names if one in world.calendars), None)
    if name is None:
        raise UnknownCalendar(calendar=names[-1] or "—", known="、".join(world.calendars))
    return due(hop.at, WINDOW, world.calendars[name], Cutoff.close_of_business).at


def _centre_from_third_return(action: Action, case: Case, world: World) -> None:
    """From the third return of a case on nobody decides but the centre."""
    centre = world.directory.centre
    if world.importing or not case.routing.centre_decides or centre is None:
        return
    if acting_unit(world.actor, world.directory) != centre.id:
        times = len(case.routing.returns)
        raise GuardFailed(
            detail=f"本事项已退单 {times} 次，第三次起由区县中心决定（{action.title}）"
        )


def _dispatch_free(action: Action, case: Case, world: World) -> None:
    """After the third return it is the centre that names who handles it (指定承办)."""
    if case.routing.designated_only and not world.importing:
        times = len(case.routing.returns)
        detail = f"本事项已退单 {times} 次，不能再{action.title}，须由区县中心指定承办"
        raise GuardFailed(detail=detail)


def _designation_due(action: Action, case: Case, world: World) -> None:
    if not case.routing.designated_only and not world.importing:
        raise GuardFailed(detail=f"退单三次起才由区县中心{action.title}；现在请按一般方式派遣")


def _call_unanswered(action: Action, case: Case, world: World) -> None:
    unit = acting_unit(world.actor, world.directory)
    mine = [one for one in case.routing.calls if one.unit.id == unit and not one.released]
    if not world.importing and all(one.reported for one in mine):
        raise GuardFailed(detail=f"没有等待本单位答复的吹哨，不需要再{action.title}")


def _not_lower(action: Action, case: Case, world: World) -> None:
    """督办 is never by a unit lower than the one that holds the case, or leads (workflow.md §1)."""
    entry = world.directory.units.get(acting_unit(world.actor, world.directory) or "")
    if world.importing or entry is None:
        return
    bound = [unit for unit in (case.holder, case.lead) if unit is not None]
    if any(len(unit.path) < len(entry.path) for unit in bound):
        raise GuardFailed(detail=f"下级单位不能对上级承办的事项{action.title}")


def _asked_to_provide(action: Action, case: Case, world: World) -> None:
    asked = next((one.asked for one in case.requests if one.sort == "supplement"), None)
    if world.importing or asked is None:
        return
    if world.actor.role not in PROVIDERS.get(asked, frozenset()):
        names = {"intake": "受理渠道", "reporter": "受理渠道（联系反映人）", "grid": "网格员"}
        raise RoleForbidden(
            role=world.actor.role.value, action=action.title, allowed=names.get(asked, asked)
        )


def _non_acceptance_proposed(action: Action, case: Case, world: World) -> None:
    if not world.importing and all(one.sort != "non_acceptance" for one in case.requests):
        raise GuardFailed(detail=f"还没有人提出不予受理，不能{action.title}；请先提出")


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "non_acceptance_proposed": _non_acceptance_proposed,
    "handover_accepted": _handover_accepted,
    "handover_pending": _handover_pending,
    "push_forward": _push_forward,
    "not_bound": _not_bound,
    "handed_to_holder": _handed_to_holder,
    "centre_from_third_return": _centre_from_third_return,
    "dispatch_free": _dispatch_free,
    "designation_due": _designation_due,
    "call_unanswered": _call_unanswered,
    "not_lower": _not_lower,
    "asked_to_provide": _asked_to_provide,
}
