"""Lives that follow a path: one step after the other, some of them only now and then."""

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from app.demo.lives.seat import Seat
from app.demo.player import Do, Done, Life
from domain.actor import Actor

Value = Any
"""A value of a form; a function is asked for one, with the seat and the moment."""


class Cast(Struct):
    """Who takes part in one life, found once: the same department throughout."""

    seat: Seat
    lead: str
    helper: str

    def actor(self, who: str) -> Actor:
        """Return who is meant by a word of a path.

        Raises:
            KeyError: no such word.
        """
        return WHO[who](self)


WHO: Final[dict[str, Callable[[Cast], Actor]]] = {
    "worker": lambda cast: cast.seat.worker,
    "cadre": lambda cast: cast.seat.cadre,
    "official": lambda cast: cast.seat.official,
    "hotline": lambda cast: cast.seat.hotline,
    "dispatcher": lambda cast: cast.seat.dispatcher,
    "supervisor": lambda cast: cast.seat.supervisor,
    "leader": lambda cast: cast.seat.leader,
    "lead": lambda cast: cast.seat.handler(cast.lead),
    "helper": lambda cast: cast.seat.handler(cast.helper),
}


class Step(Struct):
    """One step of a path: after so many hours somebody takes an action."""

    action: str
    who: str
    least: float
    most: float
    data: dict[str, Value] = {}
    percent: int = 100
    """How often it is taken at all."""
    ends: bool = False
    """Whether nothing follows, where it is taken."""
    office: bool = True


class Path(Struct, kw_only=True):
    """A sort of life: what is reported, by whom, and what follows."""

    kind: str
    by: str
    titles: tuple[str, ...]
    description: str = ""
    data: dict[str, Value] = {}
    departments: tuple[str, ...] = ()
    at_department: bool = False
    """Whether the case lies in the department that reports it, not in a grid."""
    steps: tuple[Step, ...]

    def __call__(self, seat: Seat) -> Life:
        """Play it once."""
        lead = seat.department(*self.departments)
        helper = seat.department()
        while helper == lead:
            helper = seat.department()
        cast = Cast(seat, lead, helper)
        members: dict[str, Any] = {"unit": lead} if self.at_department else {}
        done = yield seat.report(
            cast.actor(self.by),
            self.kind,
            seat.random.choice(self.titles),
            description=self.description or None,
            data=_filled(self.data, cast, seat.began),
            **members,
        )
        if not done.refusal:
            yield from self._followed(cast)

    def _followed(self, cast: Cast) -> Generator[Do, Done, None]:
        seat, at = cast.seat, cast.seat.began
        for step in self.steps:
            if not seat.chance(step.percent):
                continue
            at = seat.after(at, step.least, step.most, office=step.office)
            data = _filled(step.data, cast, at)
            done = yield seat.act(at, cast.actor(step.who), step.action, **data)
            if step.ends or done.refusal:
                return


def _filled(data: dict[str, Value], cast: Cast, at: datetime) -> dict[str, Any]:
    return {name: value(cast, at) if callable(value) else value for name, value in data.items()}


def lead(cast: Cast, _: datetime) -> str:
    """Return the department in charge."""
    return cast.lead


def helpers(cast: Cast, _: datetime) -> list[str]:
    """Return the department that helps, as a list."""
    return [cast.helper]


def town(cast: Cast, _: datetime) -> str:
    """Return the town."""
    return cast.seat.town


def community(cast: Cast, _: datetime) -> str:
    """Return the community."""
    return cast.seat.community


def grid(cast: Cast, _: datetime) -> str:
    """Return the grid."""
    return cast.seat.grid.code


def in_days(days: int) -> Callable[[Cast, datetime], str]:
    """Return a day so many days after the step."""
    return lambda cast, at: cast.seat.day(at, days)


def some(least: int, most: int) -> Callable[[Cast, datetime], int]:
    """Return a number between two."""
    return lambda cast, _: cast.seat.random.randint(least, most)


def one_of(*values: str) -> Callable[[Cast, datetime], str]:
    """Return one of some values."""
    return lambda cast, _: cast.seat.random.choice(values)
