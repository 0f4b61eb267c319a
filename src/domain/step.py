"""One step of a case while its facts are being made: what the builders of facts are given."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.case import Case, evolve
from domain.kind import Action, HolderRule
from domain.world import World


class Step(Struct, frozen=True, kw_only=True):
    """What the builders need: the action, the case before, the values of the form, the world."""

    action: Action
    case: Case
    values: dict[str, Any]
    world: World
    at: datetime
    late: str | None = None

    def base(self, *, lead: f.Unit | None = None) -> dict[str, Any]:
        """Return what every fact of a case says: the action, the move, who holds it now."""
        kind = self.world.kind
        target = self.action.to or self.case.stage
        return {
            "action": self.action.name,
            "stage": f.Stage(self.case.stage, target, kind.stages[target].phase),
            "holder": self._holder(lead),
            "late": self.late,
        }

    def after(self, *facts: f.Fact) -> "Step":
        """Return the same step once these facts happened: what follows moves nothing any more."""
        case = self.case
        for fact in facts:
            case = evolve(case, fact, self.at)
        return replace(self, case=case)

    def _holder(self, lead: f.Unit | None) -> f.Unit | None:
        case, directory = self.case, self.world.directory
        match self.action.holder:
            case HolderRule.KEEP:
                return case.holder
            case HolderRule.LEAD:
                return lead or self.values.get("lead") or case.lead or case.holder
            case HolderRule.ACCEPTED_BY:
                return case.accepted_by or case.holder
            case HolderRule.VERIFIER:
                return case.verifier
            case HolderRule.CENTRE:
                return directory.centre or case.holder
            case HolderRule.COMMUNITY:
                return self._community()

    def _community(self) -> f.Unit | None:
        """首接负责: the community of the place, else the place, the reporter's unit, the centre."""
        directory, actor = self.world.directory, self.world.actor
        place = self.case.place or self.values.get("place")
        if place is None and actor.unit in directory.units:
            place = directory.unit(actor.unit) if actor.unit else None
        if place is None:
            return directory.centre
        return directory.ancestor(place, "community") or place


Builder = Callable[[Step], tuple[f.Fact, ...]]
