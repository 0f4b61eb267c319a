"""A district whose posts are held by people, for stories of 四定三包."""

from datetime import date, datetime
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Settle
from domain.directory import Directory, fold_directory
from domain.world import World
from tests.support import districts as d
from tests.support import given as g

CHIEF, DEPUTY, CADRE, WORKER, OTHER_CADRE = "chief", "deputy", "cadre", "worker", "other-cadre"
"""Persons; posts are named `post-` and the same."""
LONG_AGO: Final = date(2020, 1, 1)
POSTS: Final = (
    (CHIEF, d.COUNTY, "县长", "leader"),
    (DEPUTY, d.TOWN, "镇长", "leader"),
    (CADRE, d.COMMUNITY, "社区副主任", "community_officer"),
    (WORKER, d.GRID, "网格员", "grid_worker"),
    (OTHER_CADRE, d.COMMUNITY, "社区委员", "community_officer"),
)
EMPTY: Final = "post-empty"
TIMER: Final = Actor(role=Role.TIMER)
LEADER: Final = Actor(role=Role.LEADER, post="post-chief", person=CHIEF)
LEAD: Final = replace(g.WATER, person="mei")
EVIDENCE: Final = {"evidence": "已落实"}
HANDOVER: Final = {"handover": "已交接"}
DEADLINE: Final = "2026-10-30T18:00:00+08:00"

FIX_LEADER: Final = (g.SUPERVISOR, ("fix_leader", {"leader": "post-chief"}))
FIX_MEASURES: Final = (LEAD, ("fix_measures", {"measures": ["入户走访", "修复管网"]}))
FIX_DEADLINE: Final = (LEAD, ("fix_deadline", {"deadline": DEADLINE}))
RESPONSIBLE: Final = {"cadre": "post-cadre", "grid_worker": "post-worker"}
FIX_RESPONSIBILITY: Final = (g.DISPATCHER, ("fix_responsibility", RESPONSIBLE))
FOUR: Final = (FIX_LEADER, FIX_MEASURES, FIX_DEADLINE, FIX_RESPONSIBILITY)


def directory(*terms: tuple[str, str, date, date | None]) -> Directory:
    """Return the small directory with these posts; `terms` are (post, person, from, until).

    A post of which `terms` speaks is held by nobody else.
    """
    facts: list[f.Fact] = [
        f.PostEstablished(post=EMPTY, unit=d.COUNTY, title="空缺岗位", role="leader")
    ]
    for name, unit, title, role in POSTS:
        post = f"post-{name}"
        facts.append(f.PostEstablished(post=post, unit=unit, title=title, role=role))
        if post not in {term[0] for term in terms}:
            facts.append(f.PostTaken(post=post, person=name, since=LONG_AGO, until=None))
    for post, person, since, until in terms:
        facts.append(f.PostTaken(post=post, person=person, since=since, until=until))
    return fold_directory(g.directory(), facts)


class Story(g.Story):
    """A story in a district with posts, in which it is known which person acts."""

    def __init__(self, kind_name: str = "closed-loop", now: datetime = g.NOW) -> None:
        """Begin with a case of which nothing is known."""
        super().__init__(kind_name, now)
        self.directory = directory()

    def world(self, actor: Actor) -> World:
        """Return the world of a decision."""
        who = actor.person or ":".join(filter(None, (actor.role.value, actor.unit)))
        return replace(super().world(actor), who=who, directory=self.directory)

    def at(self, moment: str) -> "Story":
        """Let it be that moment, in Shanghai; the worker settles what time has brought."""
        self.now = datetime.fromisoformat(f"{moment}+08:00").astimezone(g.NOW.tzinfo)
        self.when(TIMER, Settle())
        if self.refusal is not None:
            raise self.refusal
        return self

    def copy_at(self, actor: Actor, step: Any) -> "Story":  # noqa: ANN401 - as when() takes it
        """Return another story that begins here and goes on with one step."""
        other = Story(self.kind.name, self.now)
        other.case, other.history = replace(self.case), list(self.history)
        other.directory = self.directory
        other.when(actor, step)
        return other

    def took(self, *steps: tuple[Actor, Any]) -> "Story":
        """Let this happen, one minute after the other."""
        self.given(*steps)
        return self


def grade(severity: str) -> tuple[str, dict[str, Any]]:
    """Return the action that grades a case, whatever the table says."""
    return "grade", {"severity": severity, "override_reason": "按实际情况定级"}


def graded(severity: str = "major", *more: tuple[Actor, Any]) -> Story:
    """Begin with a case of this severity."""
    steps = (*g.ACCEPTED, (g.COMMUNITY, grade(severity)), *more)
    return Story().took(*steps)


def handling(severity: str = "major", *more: tuple[Actor, Any]) -> Story:
    """Begin with a case of this severity that the water bureau handles."""
    return graded(
        severity,
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (LEAD, "start_handling"),
        *more,
    )


def duty(name: str, *, post: str = "post-cadre") -> tuple[tuple[Actor, Any], tuple[Actor, Any]]:
    """Return the steps by which a duty is taken and fulfilled."""
    taken = (g.SUPERVISOR, ("take_duty", {"duty": name, "post": post}))
    return taken, (LEAD, ("fulfil_duty", {"duty": name, **EVIDENCE}))


STABILITY: Final = (g.SUPERVISOR, ("take_duty", {"duty": "stability", "post": "post-cadre"}))
CLAIM: Final = (LEAD, ("claim_completion", EVIDENCE))
VERIFY: Final = (g.COMMUNITY, "verify")
CLOSE: Final = (g.COMMUNITY, ("close", {"grade": "substantive"}))


def closed(*more: tuple[Actor, Any]) -> Story:
    """Begin with a major case that was closed; its stability is still watched."""
    story = handling("major", *FOUR, *duty("investigation"), *duty("handling"), STABILITY)
    return story.took(CLAIM, VERIFY, CLOSE, *more)
