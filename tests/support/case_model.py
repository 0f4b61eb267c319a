"""Where a case of a kind stands, followed by hand from what people did and who they were.

Only commands and the kind's file are read, never the case of the engine, so that both can differ.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from domain.actor import Actor
from domain.commands import Act, Report
from domain.world import Draft
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.kind_model import ActionModel, KindModel, conditional

PARENTS: Final = {row.code: row.parent for row in d.UNITS}
SKEW: Final = 120
POSTS: Final = {f"post-{name}": (name, unit) for name, unit, _, _ in a.POSTS} | {
    one: (f"of-{one}", d.GRID) for one in (g.CADRE, g.WALKER)
}
"""Who holds each post, and of which unit it is."""


def path(unit: str | None) -> list[str]:
    """Return a unit and those above it, from itself up."""
    found: list[str] = []
    while unit is not None:
        found.append(unit)
        unit = PARENTS[unit]
    return found


def acts_for(actor: Actor) -> str:
    """Return the unit that somebody acts for."""
    return actor.unit or d.COUNTY


class Expected(Struct, frozen=True):
    """What must come of an attempt: this refusal; or else at most one of those."""

    refusal: str | None = None
    at: datetime | None = None
    codes: frozenset[str] = frozenset()


class CaseModel:
    """A case as somebody would keep it on a slip of paper."""

    def __init__(self, kind: KindModel) -> None:
        """Begin before the report."""
        self.kind = kind
        self.stage = ""
        self.holder: str | None = None
        self.place: str | None = None
        self.lead: str | None = None
        self.accepted_by: str | None = None
        self.claimant: str | None = None
        self.assigned_by: str | None = None
        self.hops: list[tuple[str | None, str]] = []
        self.returns = 0
        self.tasks: dict[int, str] = {}
        """Open tasks, and who owes them."""
        self.given = 0
        self.calls: dict[int, str] = {}
        self.called = 0
        self.leader: str | None = None
        self.recused: list[str] = []
        self.came_from = ""
        self.changed: datetime | None = None

    def fork(self) -> "CaseModel":
        """Return another slip of paper that says the same."""
        other = copy(self)
        other.hops, other.recused = list(self.hops), list(self.recused)
        other.tasks, other.calls = dict(self.tasks), dict(self.calls)
        return other

    def expected(self, actor: Actor, command: Act | Report, now: datetime) -> Expected:
        """Return what the file says of an attempt."""
        if isinstance(command, Report):
            return self._of_report(actor, command, now)
        action = self.kind.actions.get(command.action)
        if action is None:
            return Expected("action-unavailable")
        at = self._moment(command.occurred_at, now, action.late)
        if isinstance(at, str):
            return Expected(at)
        if self.stage not in action.stages:
            return Expected("action-unavailable")
        if not self.fits(action, actor):
            return Expected("role-forbidden")
        recused = frozenset({"recused"}) if self.recused else frozenset[str]()
        return Expected(self._hindered(action, actor), at, conditional(action) | recused)

    def _of_report(self, actor: Actor, command: Report, now: datetime) -> Expected:
        self.place = command.unit or actor.unit
        if not self.fits(self.kind.report, actor):
            return Expected("role-forbidden")
        at = self._moment(command.occurred_at, now, max(self.kind.report.late, 72 * 3600))
        return Expected(at) if isinstance(at, str) else Expected(None, at)

    def _moment(self, given: datetime | None, now: datetime, late: int) -> datetime | str:
        """Return when it happened, or why that cannot be said of it."""
        if given is None:
            at = now
        elif given.tzinfo is None:
            return "naive-time"
        else:
            at = min(given.replace(microsecond=0).astimezone(UTC), now)
            if given - now > timedelta(seconds=SKEW):
                return "future-time"
            if now - at > timedelta(seconds=max(late, SKEW)):
                return "too-old"
        if self.changed is None or at >= self.changed:
            return at
        return "too-old" if self.changed - at > timedelta(seconds=SKEW) else self.changed

    def _hindered(self, action: ActionModel, actor: Actor) -> str | None:
        """Return the one refusal of an action whose only requirement is known not to hold."""
        unit = acts_for(actor)
        hindrances = {
            "tasks_settled": ("tasks-open", bool(self.tasks)),
            "another_unit": ("same-person", self.lead == unit),
            "not_the_claimant": ("same-person", self.claimant == unit),
        }
        known = [hindrances[one] for one in action.requires if one in hindrances]
        if len(action.requires) != 1 or not known or not known[0][1]:
            return None
        return known[0][0]

    def fits(self, action: ActionModel, actor: Actor) -> bool:
        """Whether somebody plays one of the action's roles."""
        return any(
            actor.role in held_by and self.stands(relation, actor)
            for held_by, relation in action.by
        )

    def stands(self, relation: str, actor: Actor) -> bool:
        """Whether somebody stands to the case as a role asks."""
        unit = acts_for(actor)
        match relation:
            case "district":
                return True
            case "centre":
                return unit == d.COUNTY
            case "place":
                return actor.unit is None or actor.unit in path(self.place or self.holder)
            case "assisting":
                return unit in self.tasks.values()
            case "called":
                return unit in self.calls.values()
            case "leader":
                return self._leads(actor, unit)
            case "lead" | "claimant":
                return unit == (self.lead if relation == "lead" else self.claimant)
            case _:
                units = {
                    "holder": self.holder,
                    "giver": self._giver(),
                    "verifier": self._verifier(),
                }
                return unit == (units[relation] or d.COUNTY)

    def _leads(self, actor: Actor, unit: str) -> bool:
        if self.leader is None:
            return False
        person, of = POSTS[self.leader]
        if actor.post is None and actor.person is None:
            return unit == of
        return actor.post == self.leader or (actor.person is not None and actor.person == person)

    def _giver(self) -> str | None:
        return self.assigned_by or (self.hops[-1][0] if self.hops else None)

    def _verifier(self) -> str | None:
        """Return who accepted it; above whoever leads it, or stays out of it."""
        unit = self.accepted_by or self.holder
        while unit is not None and PARENTS[unit] is not None and self._may_not(unit):
            unit = PARENTS[unit]
        return unit

    def _may_not(self, unit: str) -> bool:
        return unit == self.lead or any(one in path(unit) for one in self.recused)

    def reported(self, actor: Actor, command: Report, at: datetime) -> None:
        """Take note of a report."""
        self.stage, self.changed = self.kind.initial, at
        self.place = command.unit or actor.unit
        community = {d.GRID: d.COMMUNITY}.get(self.place or d.COUNTY, self.place or d.COUNTY)
        kept = {"centre": d.COUNTY, "place": self.place or d.COUNTY}
        self.holder = kept.get(self.kind.report.holder, community)

    def acted(self, actor: Actor, act: Act, at: datetime) -> None:
        """Take note of an action that was accepted."""
        action, was, holder = self.kind.actions[act.action], self.stage, self.holder
        self.changed = at
        self.stage = action.to or was
        self.holder = self._held(action, act.data)
        for fact in action.emits:
            self._fact(fact, act.data, actor, (was, holder))

    def _held(self, action: ActionModel, data: dict[str, Any]) -> str | None:
        match action.holder:
            case "lead":
                return data.get("lead") or self.lead or self.holder
            case "accepted_by":
                return self.accepted_by or self.holder
            case "verifier":
                return self._verifier()
            case "centre":
                return d.COUNTY
            case "giver":
                centre = d.COUNTY if self.returns >= 2 else None
                return centre or self._giver() or self.accepted_by or self.holder
            case "place" | "community":
                place = self.place or d.COUNTY
                return d.COMMUNITY if place == d.GRID and action.holder == "community" else place
            case _:
                return self.holder

    def _fact(  # noqa: C901, PLR0912 - one arm a fact
        self, fact: str, data: dict[str, Any], actor: Actor, before: tuple[str, str | None]
    ) -> None:
        stage, holder = before
        match fact:
            case "case-accepted":
                self.accepted_by = self.holder
            case "case-assigned":
                moved = self.stage != stage
                self.assigned_by = holder if moved else self.accepted_by or holder
                self.lead = data.get("lead") or holder
                self._owed(data.get("assisting") or ())
            case "task-assigned":
                self._owed([data["unit"]])
            case "task-completed" | "task-waived":
                own = fact == "task-completed"
                mine = [n for n, unit in self.tasks.items() if not own or unit == acts_for(actor)]
                del self.tasks[data.get("task") or mine[0]]
            case "case-handed-down" | "case-escalated":
                receiver = data.get("to") or PARENTS[holder or ""] or ""
                self.hops.append((holder, receiver))
                self.holder, self.assigned_by = receiver, None
            case "return-upheld":
                self._returned(holder)
            case "case-claimed":
                self.claimant = acts_for(actor)
            case "claim-released":
                self.claimant = None
            case "whistle-blown":
                for unit in dict.fromkeys(data["departments"]):
                    self.called += 1
                    self.calls[self.called] = unit
            case "call-released":
                del self.calls[data.get("call") or next(iter(self.calls))]
            case "leader-fixed":
                self.leader = data["leader"]
            case "case-reopened":
                self._reopened()
            case "duty-failed" | "revisit-recorded":
                unstable = data.get("duty") == "stability" or data.get("outcome") == "unstable"
                if unstable and stage in self.kind.endings and self.kind.reopens_to:
                    self.stage, self.holder = self.kind.reopens_to, self.accepted_by or self.holder
                    self._reopened()
            case "case-merged":
                self.came_from = stage
            case "case-unmerged":
                self.stage = self.came_from
            case "recusal-declared":
                self._stays_out(data.get("unit"))
            case "recusal-lifted":
                self.recused = [one for one in self.recused if one != data.get("unit")]
            case _:
                pass

    def _owed(self, units: Iterable[str]) -> None:
        for unit in dict.fromkeys(units):
            self.given += 1
            self.tasks[self.given] = unit

    def _returned(self, returner: str | None) -> None:
        if self.assigned_by is None and self.hops and self.hops[-1][1] == returner:
            self.hops.pop()
        self.returns += 1
        self.assigned_by = None
        self.tasks.clear()

    def _reopened(self) -> None:
        self.accepted_by = self.accepted_by or self.holder
        self.assigned_by = None

    def _stays_out(self, unit: str | None) -> None:
        if unit is None:
            return
        self.recused.append(unit)
        self.tasks = {n: one for n, one in self.tasks.items() if unit not in path(one)}
        if unit in path(self.holder):
            self.holder = PARENTS[unit]

    def settled(self, drafts: Sequence[Draft]) -> None:
        """Take note of what time has brought: a pause ends by itself, and nothing else moves."""
        for draft in drafts:
            if draft.fact.TYPE in {"case-resumed", "clock-resumed"}:
                self.changed = max(self.changed or draft.occurred_at, draft.occurred_at)
            if draft.fact.TYPE == "case-resumed":
                ways = [one for one in self.kind.actions.values() if "case-resumed" in one.emits]
                [way] = [one for one in ways if self.stage in one.stages]
                self.stage = way.to or self.stage
