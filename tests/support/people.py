"""Stories in which it is known which person acts; for requests, which others decide on."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.kind import Kind
from domain.world import World
from tests.support import districts as d
from tests.support import given as g
from workflows.language import compile_kind, shipped_sources

TEXT: Final = next(one.text for one in shipped_sources() if one.name == "closed-loop")
EVIDENCE: Final = {"evidence": "已处理"}
REASON: Final = {"reason": "理由"}
UNASKED: Final = (
    (
        "      major: [leader, measures, deadline, responsibility]\n"
        "      serious: [measures, deadline, responsibility]\n"
    ),
    "      default: []\n",
)
"""A closed loop (see `altered`) in which nobody is asked who answers (四定)."""
MEI, LAN, BO, KE = "mei", "lan", "bo", "ke"
LEAD: Final = Actor(role=Role.DEPARTMENT_OFFICER, unit=d.WATER, person=MEI)
VERIFIER: Final = Actor(role=Role.COMMUNITY_OFFICER, unit=d.COMMUNITY, person=LAN)
SUPERVISOR: Final = Actor(role=Role.SUPERVISOR, person=BO)
LEADER: Final = Actor(role=Role.LEADER, person=KE)
DISPATCHER: Final = Actor(role=Role.DISPATCHER, person=KE)


@cache
def altered(*changes: tuple[str, str]) -> Kind:
    """Return the closed loop with a few other words."""
    text = TEXT
    for right, other in changes:
        assert right in text, right
        text = text.replace(right, other)
    return compile_kind(text)


class Story(g.Story):
    """A story in which it is known which person acts, where the actor names one."""

    def __init__(self, *steps: Any, kind: Kind | None = None) -> None:  # noqa: ANN401 - as given() takes them
        """Begin with all this, one minute after the other; `kind` is the closed loop if absent."""
        super().__init__()
        self.kind = kind or self.kind
        self.given(*steps)

    def world(self, actor: Actor) -> World:
        """Return the world of a decision, with the person who acts."""
        return replace(super().world(actor), who=actor.person or "")

    def at(self, moment: str | datetime) -> "Story":
        """Let it be that moment."""
        self.now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        self.now = self.now.astimezone(UTC)
        return self


def only(story: g.Story, type_: type[f.Fact]) -> Any:  # noqa: ANN401 - a fact of that type
    """Return the one fact of a type that the last decision made."""
    [fact] = story.facts(type_)
    return fact


def handling(*steps: Any, kind: Kind | None = None) -> Story:  # noqa: ANN401 - as given() takes them
    """Begin with a case that is being handled."""
    return Story(*g.HANDLING, *steps, kind=kind)


def numbers(story: g.Story) -> list[int]:
    """Return the numbers of the requests that wait."""
    return [request.number for request in story.case.requests]
