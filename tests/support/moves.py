"""Random attempts of many people at one case: what is possible then, or anything at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from msgspec import Struct

from domain.actor import Actor, Role
from domain.case import Case
from domain.commands import Act
from domain.guards import refusals
from domain.world import World
from tests.support import districts as d
from tests.support import given as g
from tests.support.samples import numbers, texts
from workflows.language import SHIPPED

ACTORS = [
    *(g.GRID, g.COMMUNITY, g.OTHER_COMMUNITY, g.TOWN, g.WATER, g.HOUSING),
    *(g.DISPATCHER, g.SUPERVISOR, g.INTEGRATOR, Actor(role=Role.AUDITOR)),
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.just("文字") | texts,
    "code": st.sampled_from(["市容", "环境", "2wd", "4nh"]) | texts,
    "moment": st.sampled_from(["2026-10-12T09:05:00+08:00", "2026-10-20T09:00:00+08:00"]) | texts,
    "unit": st.sampled_from([d.WATER, d.HOUSING, d.COMMUNITY, "城关镇", "无"]),
    "units": st.lists(st.sampled_from([d.HOUSING, d.TOWN, d.WATER]), max_size=2),
    "texts": st.lists(st.just("一项") | texts, max_size=3),
    "codes": st.lists(st.sampled_from(["市容", d.WATER, "2026-10-20T09:00:00+08:00"]), max_size=2),
    "day": st.sampled_from(["2026-10-20", "2027-01-31"]) | texts,
    "post": st.sampled_from([g.CADRE, g.WALKER]) | texts,
    "case": st.just("6f0c4a53-94b9-4a6f-8f0a-0d5c31a4a999") | texts,
    "integer": st.integers(0, 3) | numbers,
    "boolean": st.booleans(),
}


BEGUN_BY_INTAKE: Final = tuple(
    name
    for name in SHIPPED
    if any(Role.INTEGRATOR in rule.held_by for rule in g.kind(name).report.by)
    and not any(field.required for field in g.kind(name).report.form)
)
"""Kinds of which a channel begins a case without a word more than what it is."""


class Move(Struct, frozen=True):
    """Something somebody tries: one of what is possible then, or anything at all."""

    legal: bool
    pick: int
    values: dict[str, Any]
    extra: bool
    seconds: int
    shift: int | None


moves = st.builds(
    Move,
    legal=st.sampled_from([True, True, True, False]),
    pick=st.integers(0, 10_000),
    values=st.fixed_dictionaries(VALUES),
    extra=st.sampled_from([False] * 19 + [True]),
    seconds=st.sampled_from([0, 30, 3600, 100_000, 3_000_000]),
    shift=st.sampled_from([None, None, None, 0, -60, 60, 500, -100_000]),
)
sequences = st.tuples(
    st.sampled_from(["closed-loop", "closed-loop", *BEGUN_BY_INTAKE]),
    st.lists(moves, min_size=4, max_size=18),
)
Drawn = tuple[str, list[Move]]


def attempt(case: Case, move: Move, world: Callable[[Actor], World]) -> tuple[Actor, Act]:
    """Return who tries what."""
    worlds = [(actor, world(actor)) for actor in ACTORS]
    kind, now = worlds[0][1].kind, worlds[0][1].now
    pairs = [(one, action) for action in kind.actions.values() for one in worlds]
    every = [(actor, action) for (actor, _), action in pairs]
    legal = [(actor, action) for (actor, seen), action in pairs if not refusals(action, case, seen)]
    choices = (legal if move.legal else []) or every
    actor, action = choices[move.pick % len(choices)]
    data = {
        field.name: field.values[move.pick % len(field.values)]
        if field.values
        else move.values[field.type]
        for field in action.form
        if field.required or move.pick % 3
    }
    at = None if move.shift is None else now + timedelta(seconds=move.shift)
    return actor, Act(
        action=action.name, data=data | ({"extra": 1} if move.extra else {}), occurred_at=at
    )
