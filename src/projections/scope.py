"""Whose rows a caller may see: their unit's, but for what is kept from them (保密、回避).

What keeps a case from somebody stands among `visible_to` as marks (see `domain/privacy.py`). The
marks of the current row count, whatever moment is asked for: what is confidential today was not
public yesterday either.
"""

from typing import Final, LiteralString

from msgspec import Struct
from psycopg import sql

from domain.actor import Actor
from domain.privacy import CONFIDENTIAL, oversees, post_mark, recused_mark

# A row of the case as it is now tells; a case that is known only of the past has none.
NOW: Final = """
    EXISTS (SELECT FROM {current} n WHERE n.case_id = r.case_id AND n.visible_to {test})
"""
HERE: Final = "visible_to {test}"
FORBIDDEN: Final = "&& %(scope_forbidden)s::text[]"
CONFIDED: Final = "@> %(scope_confided)s::text[]"
UNIT: Final = "visible_to @> ARRAY[%(scope)s::text]"
SHARED: Final = "visible_to && %(scope)s::text[]"


class Scope(Struct, frozen=True):
    """What decides which rows somebody sees."""

    unit: str | None = None
    """The unit whose tree, or whose work, a row must belong to; absent: the whole district."""
    post: str | None = None
    recused: tuple[str, ...] = ()
    """The units and the person for whom cases may be closed by recusal, as marks."""
    overseer: bool = False
    """Whether confidential cases are shown too."""
    shared: tuple[str, ...] = ()
    """Units that stand under `unit` by a second parent (条线)."""

    @property
    def confided(self) -> tuple[str, ...]:
        """The marks of cases that are open to this post alone."""
        return () if self.post is None or self.overseer else (post_mark(self.post),)


Sight = Scope | str | None
"""None sees everything: the operator at the machine. A text is a unit without a post."""


def scope_of(actor: Actor) -> Scope:
    """Return the scope of an actor."""
    overseer = oversees(actor)
    units = () if overseer else actor.within or ((actor.unit,) if actor.unit else ())
    named = (*units, actor.person) if actor.person else units
    marks, shared = tuple(map(recused_mark, named)), tuple(sorted(actor.shared))
    return Scope(actor.unit, actor.post, marks, overseer, shared)


def within(sight: Sight, current: str | None) -> tuple[list[sql.Composable], dict[str, object]]:
    """Return what rows `r` must satisfy; `current` is the table that tells of now, if not `r`."""
    if sight is None:
        return [], {}
    scope = Scope(sight) if isinstance(sight, str) else sight
    parts: list[sql.Composable] = []
    parameters: dict[str, object] = {}
    unit: sql.Composable = sql.SQL("true")
    if scope.unit is not None:
        unit = sql.SQL(SHARED if scope.shared else UNIT)
        parameters["scope"] = [scope.unit, *scope.shared] if scope.shared else scope.unit
    if scope.overseer:
        parts.append(unit)
    else:
        parameters["scope_confidential"] = [CONFIDENTIAL]
        confidential = _test("@> %(scope_confidential)s::text[]", current)
        seen = sql.SQL("({} AND NOT {})").format(unit, confidential)
        if scope.post is not None:
            parameters["scope_confided"] = [post_mark(scope.post)]
            seen = sql.SQL("({} OR {})").format(seen, _test(CONFIDED, current))
        parts.append(seen)
    if scope.recused:
        parameters["scope_forbidden"] = list(scope.recused)
        parts.append(sql.SQL("NOT {}").format(_test(FORBIDDEN, current)))
    return parts, parameters


def _test(test: LiteralString, current: str | None) -> sql.Composable:
    if current is None:
        return sql.SQL(HERE).format(test=sql.SQL(test))
    table = sql.Identifier(current)
    return sql.SQL(NOW).format(current=table, test=sql.SQL(test))
