"""Looking for a way by which a case that stands anywhere still ends: tried out, not drawn."""

from datetime import timedelta
from typing import Final

from domain.commands import Act
from tests.support.kind_model import ActionModel, Data
from tests.support.kind_moves import Attempt, possible, proposals
from tests.support.kind_tales import Walk

ROUNDS: Final = 8
"""How often everything is tried that might help, before giving up."""
PLAYERS: Final = 2
"""How many of those who may try an action once more where another was refused."""
AWHILE: Final = timedelta(days=9)
"""Longer than a notice must hang (公示)."""


GIVING: Final = frozenset({"task-assigned", "objection-raised", "rework-required"})
"""What nobody does who wants to come to an end."""


class Search:
    """Somebody diligent: goes on where it can go on; else does whatever else there is to do."""

    def __init__(self, walk: Walk) -> None:
        """Begin where a case stands; the case itself is left alone."""
        self.walk = walk.fork()
        self.far = walk.kind.distances()
        self.taken: list[str] = []
        self.turned: set[tuple[str, str]] = set()

    def ending(self) -> list[str] | None:
        """Return what was done until the case had ended; None: nothing ends it."""
        for _ in range(ROUNDS):
            self._go_on()
            if not self._ended:
                self._help()
            if self._ended:
                return self.taken
            self.walk.settle(AWHILE)
            self._turn_back()
        return None

    @property
    def _stage(self) -> str:
        return self.walk.paper.stage

    @property
    def _ended(self) -> bool:
        return self._stage in self.walk.kind.endings

    def _actions(self) -> list[ActionModel]:
        found = {one.name: one for _, one in possible(self.walk.paper)}
        return sorted(found.values(), key=lambda one: self.far[one.to or self._stage])

    def _go_on(self) -> bool:
        """Move as near to an ending as one can."""
        begun = self._stage
        while not self._ended and any(
            self._took(one) for one in self._actions() if one.to and self._nearer(one.to)
        ):
            pass
        return self._stage != begun

    def _nearer(self, stage: str) -> bool:
        return self.far[stage] < self.far[self._stage]

    def _help(self) -> None:
        """Do what moves nothing, in every way that is accepted, until one can go on."""
        for action in self._actions():
            if action.to is not None or not GIVING.isdisjoint(action.emits):
                continue
            for data in self._forms(action):
                if self._took(action, data) and self._go_on():
                    return

    def _turn_back(self) -> None:
        """Go where it is no nearer to an ending, once each: perhaps there is a way from there."""
        for action in self._actions():
            turn = (self._stage, action.name)
            if action.to is not None and turn not in self.turned:
                self.turned.add(turn)
                if self._took(action):
                    return

    def _forms(self, action: ActionModel) -> list[Data]:
        """Return forms to try; where one may say which task, every open one."""
        found = proposals(self.walk.kind, action, self.walk.tale.now)
        named = self.walk.paper.tasks if "task" in action.form else ()
        return [found[0] | {"task": number} for number in named] + found

    def _took(self, action: ActionModel, *forms: Data) -> bool:
        """Try an action; what is refused leaves everything as it was."""
        walk = self.walk
        if self._stage not in action.stages:
            return False
        players = [actor for actor, one in possible(walk.paper) if one is action][:PLAYERS]
        for data in forms or self._forms(action):
            for actor in players:
                walk.settle(timedelta(seconds=1))
                act = Act(action=action.name, data=data)
                if walk.attempt(Attempt(actor=actor, command=act)):
                    self.taken.append(action.name)
                    return True
        return False


def ending_of(walk: Walk) -> list[str] | None:
    """Return what somebody does, one after the other, until a case has ended; None: nothing."""
    return Search(walk).ending()
