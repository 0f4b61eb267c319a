"""Whom a word of a kind's `notices` names: units and posts of a fact, or of the case."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final, get_args, get_type_hints

from msgspec import Struct

from domain import facts as f
from domain.case import Case
from domain.recipients import ROLES
from domain.world import World

Units = Iterable[f.Unit | None]
POST: Final = "post"
"""Of a fact that names a post with its unit (定领导、承担三包责任): whoever holds it."""
ADOPTER: Final = "adopter"


class Party(Struct, frozen=True):
    """Who is to be told: a post, else any post of a unit; of a role, from the unit upwards."""

    unit: f.Unit | None = None
    post: str = ""


def handler_of(case: Case) -> f.Unit | None:
    """Return who works on a case: its lead while it is with one, else its holder."""
    return case.lead if case.lead and case.routing.assigned_by else case.holder


def _assisting(case: Case, _: World) -> Units:
    return (*case.assisting, *(task.unit for task in case.open_tasks))


def _called(case: Case, _: World) -> Units:
    return (call.unit for call in case.routing.calls if not call.released)


UNITS: Final[dict[str, Callable[[Case, World], Units]]] = {
    "handler": lambda case, _: (handler_of(case),),
    "holder": lambda case, world: (case.holder or world.directory.centre,),
    "lead": lambda case, _: (case.lead,),
    "assisting": _assisting,
    "informed": lambda case, _: case.informed,
    "called": _called,
    "giver": lambda case, world: (case.routing.giver or world.directory.centre,),
    "verifier": lambda case, world: (case.verifier or world.directory.centre,),
    "claimant": lambda case, _: (case.civic.claimant,),
    "place": lambda case, _: (case.place or case.holder,),
    "centre": lambda _, world: (world.directory.centre,),
}
"""Words for units of the case, as it stands once the request has happened."""
OF_A_CASE: Final = (*UNITS, ADOPTER)


@cache
def words_of(fact: type[f.Fact]) -> tuple[str, ...]:
    """Return the members of a fact that name units or posts: they go before words of the case."""
    hints = get_type_hints(fact)
    named = [name for name in fact.__struct_fields__ if name not in f.CaseFact.__struct_fields__]
    found = [
        name for name in named if {f.Unit, f.Answerable} & {hints[name], *get_args(hints[name])}
    ]
    return (*found, POST) if {"post", "person", "unit"} <= set(named) else tuple(found)


def parties(word: str, fact: f.CaseFact, case: Case, world: World) -> Iterator[Party]:
    """Yield whom a word names: of the fact itself, else a role above the handler, else the case."""
    if word in words_of(type(fact)):
        yield from _of_fact(word, fact, world)
    elif word in ROLES:
        yield Party(handler_of(case))
    elif word == ADOPTER:
        yield from (Party(one.unit, one.who.post) for one in case.accountability.leaders[-1:])
    else:
        units = dict.fromkeys(unit for unit in UNITS[word](case, world) if unit is not None)
        yield from map(Party, units)


def _of_fact(word: str, fact: f.CaseFact, world: World) -> Iterator[Party]:
    value: Any = getattr(fact, word)
    if word == POST:
        yield Party(getattr(fact, "unit", None), value or "")
        return
    listed: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]
    for one in dict.fromkeys(listed):
        if isinstance(one, f.Unit):
            yield Party(one)
        elif isinstance(one, f.Answerable):
            yield Party(handler_of_post(one, world), one.post)


def handler_of_post(who: f.Answerable, world: World) -> f.Unit | None:
    """Return the unit of a post, as the directory knows it now."""
    post = world.directory.posts.get(who.post)
    known = post is not None and post.unit in world.directory.units
    return world.directory.unit(post.unit) if post and known else None
