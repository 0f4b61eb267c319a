"""One step of a case while its facts are being made: what the builders of facts are given."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.case import Case
from domain.decision import Decision
from domain.evolve import evolve
from domain.kind import Action, HolderRule
from domain.world import Upload, World


class Step(Struct, frozen=True, kw_only=True):
    """What the builders need: the action, the case before, the values of the form, the world."""

    action: Action
    case: Case
    values: dict[str, Any]
    world: World
    at: datetime
    late: str | None = None
    texts: tuple[f.Text, ...] = ()
    """What the form gave to be sealed: a builder may count them, no fact carries them."""
    uploads: tuple[Upload, ...] = ()
    """Files that the command refers to; their facts come after the action's own."""
    decision: Decision | None = None
    """What the action's decision table said, if it has one."""

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
        if not facts:
            return self
        case = self.case
        for fact in facts:
            case = evolve(case, fact, self.at)
        if self.action.holder is HolderRule.GIVER:
            # It has gone back already; what follows stays where it is.
            return replace(self, case=case, action=replace(self.action, holder=HolderRule.KEEP))
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
            case HolderRule.GIVER:
                if case.routing.centre_decides:
                    return directory.centre or case.holder
                return case.routing.giver or case.accepted_by or case.holder
            case HolderRule.PLACE:
                return case.place or self.values.get("place") or self._community()
            case HolderRule.COMMUNITY:
                return self._community()

    def _community(self) -> f.Unit | None:
        """首接负责: the community of the place, else the place, else the centre.

        What is reported without a place lies in the reporter's own unit (`acting.place_of`).
        """
        directory = self.world.directory
        place = self.case.place or self.values.get("place")
        if place is None:
            return directory.centre
        return directory.ancestor(place, "community") or place


Builder = Callable[[Step], tuple[f.Fact, ...]]
