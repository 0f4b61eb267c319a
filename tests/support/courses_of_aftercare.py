"""Golden histories of what follows closing, of merging and splitting, and of who may see a case."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from tests.support import districts as d
from tests.support import given as g
from tests.support.neighbours import (
    ACCEPTED,
    CLOSED,
    CLOSING,
    HANDLING,
    REASON,
    Neighbour,
    Neighbours,
)

CROSS: Final = {"solved": False, "satisfaction": 1, **REASON}
AGAIN: Final = ((g.DISPATCHER, ("redo", CROSS)), *CLOSING)
LEADER: Final = Actor(role=Role.LEADER)
ANNE: Final = replace(g.SUPERVISOR, person="9a3e2c71-6a0d-4f6d-8d0e-5b6a7c8d9e01")
BERT: Final = replace(g.SUPERVISOR, person="7b6a5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c03")
POST: Final = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b01"
INSPECTOR: Final = "9a3e2c71-6a0d-4f6d-8d0e-5b6a7c8d9e01"
SOURCE: Final = f.SourceReference("hotline", "12345-20261012-7")

Told = Callable[..., g.Story]


def aftercare_courses(told: Told) -> dict[str, Callable[[], g.Story]]:
    """Return the histories by name; `told` begins a story in a district with posts and people."""
    return {
        "closed-loop/called-back-redone-and-closed-by-a-leader": unsettled,
        "closed-loop/satisfied-rated-and-archived": archived,
        "closed-loop/appeals-upheld-and-dismissed": appealed,
        "closed-loop/merged-answered-and-rated": lambda: merged()[1],
        "closed-loop/merged-and-unmerged": lambda: merged()[2],
        "closed-loop/primary-of-duplicates": lambda: merged()[0],
        "closed-loop/split": lambda: split()[0],
        "closed-loop/split-off": lambda: split()[1],
        "closed-loop/split-answered-and-rated": split_answered,
        "closed-loop/confidential-hidden-and-recused": lambda: kept(told),
    }


def unsettled() -> Neighbour:
    """Dissatisfied three times: redone twice, then closed procedurally by a leader."""
    report = ((g.DISPATCHER, ("report_unsettled", CROSS)), (LEADER, ("close_unsettled", REASON)))
    return Neighbours().case(*CLOSED, *AGAIN, *AGAIN, *report)


def archived() -> Neighbour:
    """Asked, satisfied, rated, archived."""
    glad = ("record_callback", {"solved": True, "satisfaction": 5, "note": "很好"})
    rated = (g.INTEGRATOR, ("rate", {"satisfaction": 4}))
    return Neighbours().case(*CLOSED, (g.DISPATCHER, glad), rated, (g.DISPATCHER, "archive"))


def appealed() -> Neighbour:
    """Two appeals: against the rework, which two dismiss, and the dissatisfaction, upheld."""
    story = Neighbours().case(*CLOSED, *AGAIN)
    for ground, view in (("rework", "dismiss"), ("dissatisfaction", "uphold")):
        story.told(
            (g.WATER, ("lodge_appeal", {"ground": ground, **REASON})),
            (ANNE, ("review_appeal", {"view": view, **REASON})),
            (BERT, ("review_appeal", {"view": view, **REASON})),
        )
    return story


def merged() -> tuple[Neighbour, Neighbour, Neighbour]:
    """A primary, a duplicate that is answered with it, and one that was parted before."""
    town = Neighbours()
    primary = town.case(*HANDLING)
    stays = town.case((g.INTEGRATOR, g.report(unit=d.GRID, source=SOURCE, content="x.")))
    parts = town.case(*ACCEPTED)
    into = (g.DISPATCHER, ("merge", {"into": primary.case.id}))
    stays.later(hours=1).told(into)
    parts.later(hours=1).told(into)
    parts.later(hours=1).told((g.DISPATCHER, ("unmerge", REASON)))
    primary.later(hours=3).told(*CLOSING)
    stays.later(hours=4).told((g.INTEGRATOR, ("rate", {"satisfaction": 3})))
    return primary.whole(), stays.whole(), parts.whole()


def split() -> tuple[Neighbour, Neighbour]:
    """A report of two issues, and the first of its parts."""
    town = Neighbours()
    parent = town.case((g.INTEGRATOR, g.report(unit=d.GRID, source=SOURCE, content="y.")))
    form: dict[str, Any] = {"titles": ["井盖破损", "路灯不亮"], "categories": ["市政", "照明"]}
    parent.later(hours=1).told((g.DISPATCHER, ("split", form)))
    part = town.part(parent)
    return parent.whole(), part.told((g.COMMUNITY, "accept")).whole()


def split_answered() -> Neighbour:
    """A report of two issues, of which one is closed and one withdrawn; its caller rates."""
    town = Neighbours()
    parent = town.case((g.INTEGRATOR, g.report(unit=d.GRID, source=SOURCE, content="z.")))
    form = {"titles": ["井盖破损", "路灯不亮"], "units": [d.GRID, d.GRID]}
    parent.later(hours=1).told((g.DISPATCHER, ("split", form)))
    first, second = [town.known(one.id, parent) for one in parent.now_is.split.parts]
    first.told(*HANDLING[1:], *CLOSING)
    second.later(hours=2).told((g.INTEGRATOR, ("withdraw", REASON)))
    return parent.later(hours=4).told((g.INTEGRATOR, ("rate", {"satisfaction": 4}))).whole()


def kept(told: Told) -> g.Story:
    """Hidden reporter with an agent; confided to a post, opened again; two are recused, one not."""
    report = g.report(
        unit=d.GRID,
        identity="hidden",
        reporter={"name": "某甲"},
        agent={"name": "某乙", "relation": "family"},
    )
    keep = ("set_confidentiality", {"posts": [POST], **REASON})
    return told(
        (g.INTEGRATOR, report),
        (g.SUPERVISOR, keep),
        (g.SUPERVISOR, ("set_confidentiality", REASON)),
        (g.DISPATCHER, ("declare_recusal", {"unit": d.WATER, **REASON})),
        (g.DISPATCHER, ("declare_recusal", {"person": INSPECTOR, **REASON})),
        (g.DISPATCHER, ("lift_recusal", {"unit": d.WATER, **REASON})),
        (g.COMMUNITY, "accept"),
    )
