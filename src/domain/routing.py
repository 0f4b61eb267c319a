"""How a case came to where it is: hops, returns, who was called, who supervises."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

RoutingEvent = (
    f.CaseHandedDown
    | f.CaseEscalated
    | f.HandoverAccepted
    | f.CasePutOnRecord
    | f.CaseTransferredOut
    | f.ReturnFlagged
    | f.AssignmentBound
    | f.WhistleBlown
    | f.ReportedIn
    | f.CallReleased
    | f.WhistleRated
    | f.MeetingHeld
    | f.SupervisionRaised
    | f.SupervisionCleared
    | f.CaseUrged
    | f.InstructionGiven
)
HANDED_ON: Final = (f.CaseHandedDown, f.CaseEscalated, f.HandoverAccepted)
"""Whoever hands a case on, or accepts it, does not return it any more."""
CENTRE_DECIDES: Final = 2
"""After so many returns of a case the next one is for the centre (workflow.md §1)."""


class Hop(Struct, frozen=True, gc=False, kw_only=True):
    """交办 or 上报: from whom to whom, when, and whether the receiver has accepted."""

    giver: f.Unit | None
    receiver: f.Unit
    at: datetime
    accepted: bool = False


class Return(Struct, frozen=True, gc=False):
    """An upheld return (退单): who returned it, and who had dispatched it or handed it on."""

    returner: str
    dispatcher: str


class Call(Struct, frozen=True, gc=False, kw_only=True):
    """One department that was called in (吹哨)."""

    number: int
    unit: f.Unit
    caller: f.Unit | None
    reported: bool = False
    released: bool = False
    rated: tuple[str, ...] = ()
    """The sides that were rated."""


class Routing(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    responsible: f.Unit | None = None
    """首接负责: the first unit, until another has accepted."""
    hops: int = 0
    trail: tuple[Hop, ...] = ()
    """The hops that lead to the holder; one that was returned is off it."""
    involved: tuple[f.Unit, ...] = ()
    """Units that held it, were informed of a hop, or were called: they go on seeing it."""
    assigned_by: f.Unit | None = None
    """Who held it when it was assigned to its lead; nobody while it is with no lead."""
    returns: tuple[Return, ...] = ()
    returned: bool = False
    """Whether the holder got it back, and may not push it forward."""
    bound: bool = False
    """指定承办: the lead cannot return it."""
    whistles: int = 0
    calls: tuple[Call, ...] = ()
    supervision: str | None = None
    urged: int = 0

    @property
    def called(self) -> frozenset[str]:
        """Units that were called in and have not been released."""
        return frozenset(call.unit.id for call in self.calls if not call.released)

    @property
    def pending(self) -> Hop | None:
        """The latest hop, while its receiver has not accepted."""
        last = self.trail[-1] if self.trail else None
        return last if last is not None and not last.accepted else None

    @property
    def giver(self) -> f.Unit | None:
        """Who gave it to the present holder: whoever dispatched it, else handed it on."""
        return self.assigned_by or (self.trail[-1].giver if self.trail else None)

    @property
    def centre_decides(self) -> bool:
        """Whether the next return is for the centre."""
        return len(self.returns) >= CENTRE_DECIDES

    @property
    def designated_only(self) -> bool:
        """Whether the centre alone says who handles it from here on (指定承办)."""
        return len(self.returns) > CENTRE_DECIDES

    def call(self, number: int) -> Call | None:
        """Return a call by its number."""
        return next((one for one in self.calls if one.number == number), None)


def routing_after(  # noqa: C901, PLR0911 - one arm a fact
    routing: Routing, fact: RoutingEvent, occurred_at: datetime
) -> Routing:
    """Return how it stands after one more fact."""
    match fact:
        case f.CaseHandedDown() | f.CaseEscalated():
            hop = Hop(giver=fact.giver, receiver=fact.receiver, at=occurred_at)
            return replace(
                routing,
                hops=fact.hop,
                trail=(*routing.trail, hop),
                involved=_joined(routing, units_of(fact)),
                assigned_by=None,
            )
        case f.HandoverAccepted():
            return _accepted(routing, fact.unit)
        case f.AssignmentBound():
            return replace(routing, bound=True)
        case f.WhistleBlown():
            call = Call(number=fact.call, unit=fact.unit, caller=fact.caller)
            calls, involved = (*routing.calls, call), _joined(routing, units_of(fact))
            return replace(routing, whistles=fact.whistle, calls=calls, involved=involved)
        case f.ReportedIn():
            return _with(routing, fact.call, reported=True)
        case f.CallReleased():
            return _with(routing, fact.call, released=True)
        case f.WhistleRated():
            return _rated(routing, fact)
        case f.SupervisionRaised():
            return replace(routing, supervision=fact.level)
        case f.SupervisionCleared():
            return replace(routing, supervision=None)
        case f.CaseUrged():
            return replace(routing, urged=fact.count)
        case (
            f.CasePutOnRecord()
            | f.CaseTransferredOut()
            | f.ReturnFlagged()
            | f.MeetingHeld()
            | f.InstructionGiven()
        ):
            return routing
        case _:
            assert_never(fact)


def units_of(fact: f.CaseFact) -> tuple[f.Unit, ...]:
    """Return the units that a hop or a whistle brings into the case."""
    match fact:
        case f.CaseHandedDown() | f.CaseEscalated():
            giver = (fact.giver,) if fact.giver is not None else ()
            return (*giver, fact.receiver, *fact.copied)
        case f.WhistleBlown():
            return (fact.unit,)
        case _:
            return ()


def _joined(routing: Routing, units: tuple[f.Unit, ...]) -> tuple[f.Unit, ...]:
    return tuple(dict.fromkeys((*routing.involved, *units)))


def reported(routing: Routing, fact: f.CaseReported) -> Routing:
    """Whoever has it first answers for it (首接负责)."""
    return replace(routing, responsible=fact.holder)


def accepted(routing: Routing, fact: f.CaseAccepted) -> Routing:
    """Whoever accepts the case answers for it, and has accepted what it was handed."""
    return _accepted(routing, fact.accepted_by or fact.holder)


def assigned(
    routing: Routing, fact: f.CaseAssigned, holder: f.Unit | None, accepted_by: f.Unit | None
) -> Routing:
    """Note who dispatched it: the lead may return it to them.

    That is who held it before, unless another fact of the same action had moved it already.
    """
    moves = fact.stage.source != fact.stage.target
    by = holder if moves else accepted_by or holder
    return replace(routing, assigned_by=by, returned=False, bound=False)


def returned(routing: Routing, fact: f.ReturnUpheld, returner: f.Unit | None) -> Routing:
    """Count a return; the hop that it undoes leads to the holder no more."""
    dispatcher, trail = fact.charged_to, routing.trail
    undone = routing.assigned_by is None and bool(trail) and trail[-1].receiver == returner
    told = Return(returner.id if returner else "", dispatcher.id if dispatcher else "")
    return replace(
        routing,
        trail=trail[:-1] if undone else trail,
        returns=(*routing.returns, told),
        returned=True,
        assigned_by=None,
    )


def reopened(routing: Routing) -> Routing:
    """Begin another cycle: nobody has been assigned yet, and nothing was returned."""
    return replace(routing, assigned_by=None, returned=False, bound=False)


def succeeded(routing: Routing, now: Callable[[f.Unit], f.Unit]) -> Routing:
    """Let every unit be what there is now in its place; what was returned, by whom, is past."""

    def one(unit: f.Unit | None) -> f.Unit | None:
        return now(unit) if unit else None

    return replace(
        routing,
        responsible=one(routing.responsible),
        trail=tuple(
            replace(hop, giver=one(hop.giver), receiver=now(hop.receiver)) for hop in routing.trail
        ),
        involved=tuple(dict.fromkeys(map(now, routing.involved))),
        assigned_by=one(routing.assigned_by),
        calls=tuple(
            replace(call, unit=now(call.unit), caller=one(call.caller)) for call in routing.calls
        ),
    )


def allotted(routing: Routing, now: Callable[[f.Unit], f.Unit]) -> Routing:
    """Let whoever was allotted the case answer for it, and have been handed it."""
    last = tuple(replace(hop, receiver=now(hop.receiver)) for hop in routing.trail[-1:])
    responsible = now(routing.responsible) if routing.responsible else None
    return replace(routing, responsible=responsible, trail=(*routing.trail[:-1], *last))


def _accepted(routing: Routing, unit: f.Unit | None) -> Routing:
    trail = routing.trail
    if routing.pending is not None:
        trail = (*trail[:-1], replace(trail[-1], accepted=True))
    return replace(routing, responsible=unit or routing.responsible, trail=trail)


def _with(routing: Routing, number: int, **changes: bool) -> Routing:
    calls = (replace(one, **changes) if one.number == number else one for one in routing.calls)
    return replace(routing, calls=tuple(calls))


def _rated(routing: Routing, fact: f.WhistleRated) -> Routing:
    calls = (
        replace(one, rated=(*one.rated, fact.side)) if one.number == fact.call else one
        for one in routing.calls
    )
    return replace(routing, calls=tuple(calls))
