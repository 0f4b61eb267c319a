"""given / when / then for decisions: no database, no clock, no ids."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.case import Case, blank
from domain.commands import Act, Command, Report
from domain.decide import decide
from domain.directory import Directory, fold_directory
from domain.errors import Refusal
from domain.evolve import evolve
from domain.kind import Kind
from domain.world import Draft, World
from tests.support import districts as d
from workflows.calendars import load_shipped
from workflows.language import SHIPPED, compile_kind, shipped_sources

NOW: Final = d.START
CASE_ID: Final = "6f0c4a53-94b9-4a6f-8f0a-0d5c31a4a001"
NUMBER: Final = "610327-2026-0000001"

GRID: Final = Actor(role=Role.GRID_WORKER, unit=d.GRID)
COMMUNITY: Final = Actor(role=Role.COMMUNITY_OFFICER, unit=d.COMMUNITY)
OTHER_COMMUNITY: Final = Actor(role=Role.COMMUNITY_OFFICER, unit=d.OTHER_COMMUNITY)
TOWN: Final = Actor(role=Role.TOWN_OFFICER, unit=d.TOWN)
OTHER_TOWN: Final = Actor(role=Role.TOWN_OFFICER, unit=d.OTHER_TOWN)
WATER: Final = Actor(role=Role.DEPARTMENT_OFFICER, unit=d.WATER)
HOUSING: Final = Actor(role=Role.DEPARTMENT_OFFICER, unit=d.HOUSING)
DISPATCHER: Final = Actor(role=Role.DISPATCHER)
SUPERVISOR: Final = Actor(role=Role.SUPERVISOR)
INTEGRATOR: Final = Actor(role=Role.INTEGRATOR)
IMPORTER: Final = Actor(role=Role.IMPORTER)
CADRE: Final = "grid-cadre"
WALKER: Final = "grid-walker"


@cache
def directory() -> Directory:
    """Return the small directory of the test district."""
    return fold_directory(
        Directory(),
        [
            f.UnitEstablished(
                unit=row.code, code=row.code, name=row.name, level=row.level, parent=row.parent
            )
            for row in d.UNITS
        ]
        + _posts(),
    )


def _posts() -> list[f.Fact]:
    """Return two posts of the grid, by which somebody can be responsible (定责任)."""
    facts: list[f.Fact] = []
    for post, role in ((CADRE, "community_officer"), (WALKER, "grid_worker")):
        facts += [
            f.PostEstablished(post=post, unit=d.GRID, title=post, role=role),
            f.PostTaken(post=post, person=f"of-{post}", since=date(2020, 1, 1), until=None),
        ]
    return facts


@cache
def kind(name: str) -> Kind:
    """Return a shipped kind."""
    return next(compile_kind(one.text) for one in shipped_sources() if one.name == name)


def unit(unit_id: str) -> f.Unit:
    """Return a unit of the test district, with its path."""
    return directory().unit(unit_id)


def part_id(number: int) -> str:
    """Return the id of the n-th case that came out of the test's case."""
    return f"{CASE_ID[:-4]}{number:04}"


def report(kind_name: str = "closed-loop", **members: Any) -> Report:  # noqa: ANN401 - a report's members
    """Return a report of a broken manhole cover."""
    return Report(**{"kind": kind_name, "title": "井盖破损", **members})


def actions(*names: str | tuple[str, dict[str, Any]]) -> list[Act]:
    """Return actions by name, with the data of their forms where needed."""
    pairs = [(name, {}) if isinstance(name, str) else name for name in names]
    return [Act(action=name, data=data) for name, data in pairs]


BROUGHT_BY_TIME: Final = frozenset(
    {
        "threshold-reached",
        "escalation-raised",
        "notice-issued",
        *(fact.TYPE for fact in f.NOTICE_FACTS),
    }
)


OVERRIDE: Final = {"override_reason": "现场核定"}
"""Why a story grades otherwise than the decision table would."""


class Story:
    """A case and the moment; `when` decides, `then` and `refused` look at what came of it."""

    def __init__(self, kind_name: str = "closed-loop", now: datetime = NOW) -> None:
        """Begin with a case of which nothing is known."""
        self.kind = kind(kind_name)
        self.now = now
        self.case = blank(CASE_ID, self.kind.hash)
        self.history: list[Draft] = []
        self.drafts: tuple[Draft, ...] = ()
        self.refusal: Refusal | None = None
        self.others: dict[str, Case] = {}
        """Other cases, as far as this one has to do with them."""

    def world(self, actor: Actor) -> World:
        """Return the world of a decision."""
        return World(
            now=self.now,
            actor=actor,
            kind=self.kind,
            directory=directory(),
            calendars={"cn-office": load_shipped("cn-office")},
            number=NUMBER,
            others=self.others,
            kinds={kind(name).hash: kind(name) for name in SHIPPED},
            active={name: kind(name).hash for name in SHIPPED},
            part_id=part_id,
        )

    def given(self, *steps: tuple[Actor, Command | str | tuple[str, dict[str, Any]]]) -> "Story":
        """Let all this happen, one minute after the other."""
        for actor, step in steps:
            self.when(actor, step)
            if self.refusal is not None:
                raise self.refusal
            self.later(minutes=1)
        self.drafts = ()
        return self

    def later(self, **span: float) -> "Story":
        """Let time pass."""
        self.now += timedelta(**span)
        return self

    def when(self, actor: Actor, step: Command | str | tuple[str, dict[str, Any]]) -> "Story":
        """Decide; what is accepted becomes part of the case."""
        command = step if isinstance(step, Command) else actions(step)[0]
        self.drafts, self.refusal = (), None
        try:
            self.drafts = decide(command, self.case, self.world(actor))
        except Refusal as refusal:
            self.refusal = refusal
        for draft in self.drafts:
            self._happened(draft)
        self.history += [draft for draft in self.drafts if draft.stream is None]
        return self

    def _happened(self, draft: Draft) -> None:
        """Let a fact happen to this case, or to the other one that it is about."""
        stream = draft.stream
        if stream is None:
            self.case = evolve(self.case, draft.fact, draft.occurred_at)
        elif stream.type == f.CASE:
            other = self.others.get(stream.id) or blank(stream.id, stream.kind or self.kind.hash)
            self.others[stream.id] = evolve(other, draft.fact, draft.occurred_at)

    def then(self, *types: str) -> "Story":
        """Check which facts came of it, in order; warnings and notices only where one is named."""
        if self.refusal is not None:
            raise self.refusal
        made = [draft.fact.TYPE for draft in self.drafts if draft.stream is None]
        aside = BROUGHT_BY_TIME if BROUGHT_BY_TIME.isdisjoint(types) else frozenset[str]()
        assert [one for one in made if one not in aside] == list(types), made
        return self

    def refused(self, code: str, pointer: str | None = None) -> Refusal:
        """Check that it was refused, and nothing happened."""
        assert self.refusal is not None, [draft.fact.TYPE for draft in self.drafts]
        assert self.refusal.code == code, str(self.refusal)
        assert self.drafts == ()
        if pointer is not None:
            assert self.refusal.pointer == pointer
        assert "—" not in str(self.refusal), "a detail of the message is missing"
        return self.refusal

    def facts(self, *types: type[f.Fact]) -> list[f.Fact]:
        """Return the last decision's facts of these types."""
        return [draft.fact for draft in self.drafts if isinstance(draft.fact, types)]

    def copy(self) -> "Story":
        """Return another story that begins here."""
        other = Story(self.kind.name, self.now)
        other.case, other.history = replace(self.case), list(self.history)
        return other


def given(
    *steps: tuple[Actor, Command | str | tuple[str, dict[str, Any]]],
    kind_name: str = "closed-loop",
    now: datetime = NOW,
) -> Story:
    """Begin a story in which all this has happened."""
    return Story(kind_name, now).given(*steps)


Steps = Sequence[tuple[Actor, Command | str | tuple[str, dict[str, Any]]]]
REPORTED: Final[Steps] = ((GRID, report()),)
ACCEPTED: Final[Steps] = (*REPORTED, (COMMUNITY, "accept"))
GRADED: Final[Steps] = (*ACCEPTED, (COMMUNITY, ("grade", {"severity": "serious", **OVERRIDE})))
ASSIGNED: Final[Steps] = (
    *GRADED,
    (DISPATCHER, ("dispatch", {"lead": d.WATER, "assisting": [d.HOUSING]})),
)
HANDLING: Final[Steps] = (*ASSIGNED, (WATER, "start_handling"))
ASSISTED: Final[Steps] = (*HANDLING, (HOUSING, ("complete_task", {"evidence": "已围挡"})))
RESPONSIBLE: Final = {"cadre": CADRE, "grid_worker": WALKER}
FIX: Final[Steps] = (
    (WATER, ("fix_measures", {"measures": ["更换井盖"]})),
    (WATER, ("fix_deadline", {"deadline": "2026-10-16T12:00:00+08:00"})),
    (DISPATCHER, ("fix_responsibility", RESPONSIBLE)),
)
"""What a serious case must have fixed before completion is claimed (四定, but for the leader)."""
FIXED: Final[Steps] = (*ASSISTED, *FIX)
CLAIMED: Final[Steps] = (*FIXED, (WATER, ("claim_completion", {"evidence": "已换井盖"})))
VERIFIED: Final[Steps] = (*CLAIMED, (COMMUNITY, "verify"))
CLOSED: Final[Steps] = (*VERIFIED, (COMMUNITY, ("close", {"grade": "substantive"})))


def same(one: Case, other: Case) -> None:
    """Check that two cases are the same, field by field for a readable failure."""
    for name in Case.__struct_fields__:
        assert getattr(one, name) == getattr(other, name), name
