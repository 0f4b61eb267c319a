"""From permitted actions to facts, of the family in `domain/routing.py`."""

from typing import Any, Final

from domain import facts as f
from domain.asking import asked, decided, meant, person
from domain.calling import CALL_BUILDERS, CALL_FIELDS, CALL_NEEDED
from domain.errors import GuardFailed, ReturnNotAllowed, UnknownField
from domain.handing_on import subordinate, superior
from domain.step import Builder, Step

_CODES: Final = frozenset({"code", "choice"})
_UNIT: Final = frozenset({"unit"})
_UNITS: Final = frozenset({"units"})
_REQUEST: Final = {"request": frozenset({"integer"})}
LEVELS: Final = {"ordinary": "普通督办", "yellow": "黄牌督办", "red": "红牌督办"}
"""督办, with what people call it; only upwards."""
TWICE: Final = 2


def _hop(step: Step, receiver: f.Unit, informed: tuple[f.Unit, ...] = ()) -> dict[str, Any]:
    """Return what every hop says; whoever passes a case on holds it no more."""
    given: tuple[f.Unit, ...] = step.values.get("copied", ())
    return {
        **step.base(),
        "holder": receiver,
        "hop": step.case.routing.hops + 1,
        "giver": step.case.holder,
        "receiver": receiver,
        "copied": tuple(dict.fromkeys((*informed, *given))),
    }


def _handed_down(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseHandedDown(**_hop(step, subordinate(step))),)


def _escalated(step: Step) -> tuple[f.Fact, ...]:
    up = superior(step)
    return (f.CaseEscalated(**_hop(step, up.receiver, up.informed), rule=up.rule),)


def _handover_accepted(step: Step) -> tuple[f.Fact, ...]:
    base = step.base()
    return (f.HandoverAccepted(**base, unit=base["holder"]),)


def _supplement_requested(step: Step) -> tuple[f.Fact, ...]:
    chosen = step.action.set | step.values
    members = asked(step, "supplement", lambda _: True)
    provider, suspension = chosen.get("provider", "intake"), chosen.get("suspension", "")
    return (f.SupplementRequested(**members, provider=provider, suspension=suspension),)


def _supplement_provided(step: Step) -> tuple[f.Fact, ...]:
    """Whoever asked may also be the one who hears it from the reporter: nobody decides here."""
    request = meant(step, "supplement")
    by = person(step.world)
    return (f.SupplementProvided(**step.base(), request=request.number, by=by),)


def _transferred_out(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseTransferredOut(**step.base(), system=step.values["system"]),)


def _void_requested(step: Step) -> tuple[f.Fact, ...]:
    members = asked(step, "void", lambda _: True)
    return (f.VoidRequested(**members, reason=step.values.get("reason_code", "other")),)


def _void_refused(step: Step) -> tuple[f.Fact, ...]:
    return (f.VoidRefused(**decided(step, "void")[1]),)


def _voided(step: Step) -> tuple[f.Fact, ...]:
    request, members = decided(step, "void")
    return (f.CaseVoided(**members, reason=request.reason),)


def _non_acceptance_proposed(step: Step) -> tuple[f.Fact, ...]:
    members = asked(step, "non_acceptance", lambda _: True)
    return (f.NonAcceptanceProposed(**members, reason=step.values.get("reason_code", "other")),)


def _non_acceptance_refused(step: Step) -> tuple[f.Fact, ...]:
    return (f.NonAcceptanceRefused(**decided(step, "non_acceptance")[1]),)


def _return_flagged(step: Step) -> tuple[f.Fact, ...]:
    """Flag the return that was upheld just now, if it is not the first between the same two."""
    returns = step.case.routing.returns
    if not returns:
        return ()
    times = returns.count(returns[-1])
    if times < TWICE:
        return ()
    directory, latest = step.world.directory, returns[-1]
    return (
        f.ReturnFlagged(
            **step.base(),
            returner=directory.unit(latest.returner),
            dispatcher=directory.unit(latest.dispatcher),
            times=times,
            returns=len(returns),
        ),
    )


def _bound(step: Step) -> tuple[f.Fact, ...]:
    if step.case.lead is None:
        raise ReturnNotAllowed(detail="还没有牵头单位")
    return (f.AssignmentBound(**step.base(), lead=step.case.lead),)


def _meeting_held(step: Step) -> tuple[f.Fact, ...]:
    chosen = step.action.set | step.values
    attended = step.values.get("attended", ())
    return (f.MeetingHeld(**step.base(), sort=chosen.get("sort", "joint"), attended=attended),)


def _supervision_raised(step: Step) -> tuple[f.Fact, ...]:
    level, current = step.values["level"], step.case.routing.supervision
    if level not in LEVELS:
        known = "、".join(f"{name}（{title}）" for name, title in LEVELS.items())
        raise UnknownField(field="督办级别", detail=f"只能是：{known}", pointer="/data/level")
    rising = list(LEVELS)
    if current is not None and rising.index(level) <= rising.index(current):
        detail = f"现在已经是{LEVELS[current]}，只能升级"
        raise GuardFailed(detail=detail, pointer="/data/level")
    return (f.SupervisionRaised(**step.base(), level=level, previous=current),)


def _supervision_cleared(step: Step) -> tuple[f.Fact, ...]:
    """The result was verified: nothing is left to supervise; nothing, if nobody did."""
    level = step.case.routing.supervision
    return (f.SupervisionCleared(**step.base(), level=level),) if level else ()


def _urged(step: Step) -> tuple[f.Fact, ...]:
    return (f.CaseUrged(**step.base(), count=step.case.routing.urged + 1),)


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.CaseHandedDown.TYPE: {"to": _UNIT, "copied": _UNITS},
    f.CaseEscalated.TYPE: {"to": _UNIT, "copied": _UNITS},
    f.SupplementRequested.TYPE: {"provider": _CODES},
    f.SupplementProvided.TYPE: _REQUEST,
    f.CaseTransferredOut.TYPE: {"system": _CODES},
    f.VoidRequested.TYPE: {"reason_code": _CODES},
    f.VoidRefused.TYPE: _REQUEST,
    f.CaseVoided.TYPE: _REQUEST,
    f.NonAcceptanceProposed.TYPE: {"reason_code": _CODES},
    f.NonAcceptanceRefused.TYPE: _REQUEST,
    f.MeetingHeld.TYPE: {"sort": _CODES, "attended": _UNITS},
    f.SupervisionRaised.TYPE: {"level": _CODES},
    **CALL_FIELDS,
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.CaseHandedDown.TYPE: ("to",),
    f.CaseTransferredOut.TYPE: ("system",),
    f.SupervisionRaised.TYPE: ("level",),
    **CALL_NEEDED,
}
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    f.SupplementRequested.TYPE: frozenset({"provider", "suspension"}),
    f.MeetingHeld.TYPE: frozenset({"sort"}),
    f.WhistleRated.TYPE: frozenset({"side"}),
}
BUILDERS: Final[dict[str, Builder]] = {
    f.CaseHandedDown.TYPE: _handed_down,
    f.CaseEscalated.TYPE: _escalated,
    f.HandoverAccepted.TYPE: _handover_accepted,
    f.SupplementRequested.TYPE: _supplement_requested,
    f.SupplementProvided.TYPE: _supplement_provided,
    f.CasePutOnRecord.TYPE: lambda step: (f.CasePutOnRecord(**step.base()),),
    f.CaseTransferredOut.TYPE: _transferred_out,
    f.VoidRequested.TYPE: _void_requested,
    f.VoidRefused.TYPE: _void_refused,
    f.CaseVoided.TYPE: _voided,
    f.NonAcceptanceProposed.TYPE: _non_acceptance_proposed,
    f.NonAcceptanceRefused.TYPE: _non_acceptance_refused,
    f.ReturnFlagged.TYPE: _return_flagged,
    f.AssignmentBound.TYPE: _bound,
    f.MeetingHeld.TYPE: _meeting_held,
    f.SupervisionRaised.TYPE: _supervision_raised,
    f.SupervisionCleared.TYPE: _supervision_cleared,
    f.CaseUrged.TYPE: _urged,
    f.InstructionGiven.TYPE: lambda step: (f.InstructionGiven(**step.base()),),
    **CALL_BUILDERS,
}
