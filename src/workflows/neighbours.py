"""Other cases that a decision on one may read, or write to, in the same transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from domain.actor import Actor
from domain.case import Case
from workflows.loading import Held
from workflows.sight import is_case_id, visible

Load = Callable[[str], Awaitable[Held | None]]
Others = Mapping[str, Held]
"""Other cases by id."""


async def others_of(case: Case, named: Sequence[str], actor: Actor, load: Load) -> Others:
    """Return the cases that a command names, as far as the actor may see them.

    Besides all that are merged with this one, or split from the same, and whatever waits for
    these, whoever sees them: none of their callers is forgotten.
    """
    bound = await _bound(case, load)
    seen = await _loaded([one for one in named if is_case_id(one)], load)
    return {one: held for one, held in seen.items() if visible(held.case, actor)} | bound


async def _bound(case: Case, load: Load) -> dict[str, Held]:
    found: dict[str, Held] = {}
    news = set(case.bound)
    while news:
        loaded = await _loaded(sorted(news), load)
        found |= loaded
        news = {one for held in loaded.values() for one in held.case.bound}
        news -= {case.id, *found}
    return found


async def _loaded(cases: Sequence[str], load: Load) -> dict[str, Held]:
    """Load cases side by side, which is one statement; those that are not there are left out."""
    held = await asyncio.gather(*map(load, cases))
    return {case: one for case, one in zip(cases, held, strict=True) if one is not None}
