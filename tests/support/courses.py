"""How cases of the shipped kinds go: courses of steps by the people who take them, for stories."""

from datetime import datetime, timedelta
from typing import Any, Final

from domain.actor import Actor, Role
from domain.commands import Command, Report, Settle
from tests.support import districts as d
from tests.support import given as g

Step = tuple[Actor, Command | str | tuple[str, dict[str, Any]]] | timedelta
"""Somebody does something; or time passes."""
Course = tuple[Step, ...]

TIMER: Final = Actor(role=Role.TIMER)
LEADER: Final = Actor(role=Role.LEADER)
OTHER_DISPATCHER: Final = Actor(role=Role.DISPATCHER, person="b2f5c0a4-6a0d-4f6d-8d0e-5b6a7c8d9e04")
A_DAY: Final = timedelta(days=1)
NOTE: Final = ("note", {"note": "已与当事人联系"})
REASON: Final = {"reason": "情况有变"}
EVIDENCE: Final = {"evidence": "已办理，有照片"}


def the_day(days: int) -> str:
    """Return the day so many days after a story begins."""
    return (g.NOW + timedelta(days=days)).date().isoformat()


def the_moment(days: int) -> str:
    """Return the moment so many days after a story begins, at five in the afternoon."""
    at = (g.NOW + timedelta(days=days)).replace(hour=9)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def reported(kind: str, unit: str | None = d.COMMUNITY, **data: Any) -> Report:  # noqa: ANN401 - a form's data
    """Return a report of this kind, with the data of its form."""
    return g.report(kind, unit=unit, data=data)


def told(kind: str, course: Course, now: datetime = g.NOW) -> g.Story:
    """Tell a whole course; one minute passes after each step."""
    story = g.Story(kind, now)
    for step in course:
        if isinstance(step, timedelta):
            story.now += step
            story.when(TIMER, Settle())
        else:
            story.given(step)
        if story.refusal is not None:
            raise story.refusal
    return story
