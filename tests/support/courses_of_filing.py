"""Histories of filing and re-division: a code translated, a limit of its own, a case allotted."""

from collections.abc import Callable
from datetime import date
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Reallot
from domain.directory import Directory, fold_directory
from domain.divisions import facts_of
from domain.world import World
from tests.support import catalogues as c
from tests.support import districts as d
from tests.support import given as g

EAST, WEST = "610327100011", "610327100012"
SPLIT: Final = f.DivisionDecreed(
    division="2026-split",
    on=date(2026, 10, 12),
    established=tuple(
        f.NewUnit(code, code, name, "community", d.TOWN)
        for code, name in ((EAST, "东街东社区"), (WEST, "东街西社区"))
    ),
    moves=(f.DivisionMove(d.GRID, EAST, ()), f.DivisionMove(d.COMMUNITY, None, (EAST, WEST))),
)
CLERK: Final = Actor(role=Role.ADMIN)


def divided() -> Directory:
    """Return the small directory after the community was split in two."""
    before = g.directory()
    return fold_directory(before, [SPLIT, *facts_of(SPLIT, before)])


class Divided(c.Filed):
    """A story in a district that is re-divided on the way."""

    split = False

    def world(self, actor: Actor) -> World:
        """Return the world of a decision."""
        world = super().world(actor)
        return replace(world, directory=divided()) if self.split else world


def filed() -> g.Story:
    """Reported under another system's code, handled under a condition with a limit of its own."""
    source = f.SourceReference("hotline", "7")
    report = g.report(category="0101", source=source, content="f.", unit=d.GRID)
    grade = {"severity": "general", "urgency": "normal", **g.OVERRIDE}
    return c.Filed().given(
        (g.INTEGRATOR, report),
        (g.COMMUNITY, "accept"),
        (g.COMMUNITY, ("grade", grade)),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (g.WATER, "start_handling"),
        (g.COMMUNITY, ("file_under", {"condition": 2})),
        (g.WATER, ("claim_completion", {"evidence": "已处理"})),
        (g.COMMUNITY, "verify"),
        (g.COMMUNITY, ("close", {"grade": "substantive"})),
    )


def allotted() -> g.Story:
    """Its community is split, and nobody can tell which half it is in; the centre then says so."""
    story = Divided()
    story.given((g.INTEGRATOR, g.report(unit=d.COMMUNITY)), (g.COMMUNITY, "accept"))
    story.split = True
    story.given((CLERK, Reallot(SPLIT.division)), (g.DISPATCHER, ("allot", {"place": d.GRID})))
    return story


def succeeded() -> g.Story:
    """Whoever whistled and accepted it is split; in its place the half with the case goes on."""
    story = Divided()
    grade = {"severity": "general", "urgency": "normal", **g.OVERRIDE}
    story.given(
        (g.GRID, g.report()),
        (g.COMMUNITY, "accept"),
        (g.COMMUNITY, ("grade", grade)),
        (g.COMMUNITY, ("blow_whistle", {"departments": [d.WATER], "reason": "管网渗漏"})),
    )
    story.split = True
    east = Actor(role=Role.COMMUNITY_OFFICER, unit=EAST)
    return story.given(
        (CLERK, Reallot(SPLIT.division)),
        (g.WATER, "report_in"),
        (east, ("release_call", {"call": 1})),
    )


def filing_courses() -> dict[str, Callable[[], g.Story]]:
    """Return the histories by name."""
    return {
        "closed-loop/filed-under-a-condition": filed,
        "closed-loop/reallotted-after-a-split-and-allotted": allotted,
        "closed-loop/succeeded-after-a-split": succeeded,
    }
