"""Who may not see this case, or not touch it; and the marks by which ledgers know it too.

- 保密 `confidentiality-set`: the named posts, wherever their unit is, and nobody else.
- 回避 `recusal-declared`: a unit with everything below it, or a person, does not see the case at
  all; being asked for it answers as if it did not exist.
- Administrators and auditors of the whole district, and the program itself (timers, the import of
  registers), see every case: somebody must be able to prove that nothing is hidden.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role

PrivacyEvent = (
    f.ConfidentialitySet | f.IdentityHidden | f.RecusalDeclared | f.RecusalLifted | f.AgencyRecorded
)

OVERSEERS: Final = frozenset({Role.ADMIN, Role.AUDITOR, Role.IMPORTER, Role.TIMER})
MARK: Final = "\x1f"
"""Begins what stands among the units of `visible_to` without being one; no unit's id does."""
CONFIDENTIAL: Final = f"{MARK}confidential"


class Privacy(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    posts: tuple[str, ...] = ()
    """The posts that may see a confidential case; none: it is not confidential."""
    hidden: bool = False
    """Whether only intake and callback read who reported it."""
    units: tuple[f.Unit, ...] = ()
    """Units that stay out of it (回避), each with all below it."""
    persons: tuple[str, ...] = ()
    agency: bool = False
    """Whether somebody acts on behalf of the reporter (帮办代办)."""

    def recuses(self, unit: f.Unit | None) -> bool:
        """Whether a unit is, or lies in, one that stays out of the case."""
        return unit is not None and any(one.id in unit.path for one in self.units)

    def lets(self, actor: Actor) -> bool | None:
        """Whether an actor sees the case whatever their unit; None: their unit decides."""
        if actor.person in self.persons:
            return False
        if oversees(actor):
            return True
        below = actor.within or ((actor.unit,) if actor.unit else ())
        if any(one.id in below for one in self.units):
            return False
        if actor.post is not None and actor.post in self.posts:
            return True
        return False if self.posts else None


def oversees(actor: Actor) -> bool:
    """Whether an actor sees every case: what oversees the whole district, not a part of it."""
    return actor.role in OVERSEERS and actor.unit is None


def privacy_after(privacy: Privacy, fact: PrivacyEvent, occurred_at: datetime) -> Privacy:
    """Return how it stands after one more fact."""
    del occurred_at
    match fact:
        case f.ConfidentialitySet():
            return replace(privacy, posts=fact.posts)
        case f.IdentityHidden():
            return replace(privacy, hidden=True)
        case f.RecusalDeclared():
            return _recused(privacy, fact)
        case f.RecusalLifted():
            lifted = fact.unit.id if fact.unit else None
            units = tuple(one for one in privacy.units if one.id != lifted)
            persons = tuple(one for one in privacy.persons if one != fact.person)
            return replace(privacy, units=units, persons=persons)
        case f.AgencyRecorded():
            return replace(privacy, agency=True)
        case _:
            assert_never(fact)


def _recused(privacy: Privacy, fact: f.RecusalDeclared) -> Privacy:
    units = (*privacy.units, fact.unit) if fact.unit else privacy.units
    persons = (*privacy.persons, fact.person) if fact.person else privacy.persons
    return replace(privacy, units=units, persons=persons)


def succeeded(privacy: Privacy, passed: Iterable[f.RecusalPassed]) -> Privacy:
    """Let all successors of a unit stay out of the case, wherever its people went."""
    by = {one.unit: one.by for one in passed}
    units = (now for unit in privacy.units for now in by.get(unit.id, (unit,)))
    return replace(privacy, units=tuple(dict.fromkeys(units)))


def marks_succeeded(marks: Iterable[str], passed: Iterable[f.RecusalPassed]) -> tuple[str, ...]:
    """Return the marks of a case after units that stay out of it were succeeded by others."""
    by = {recused_mark(one.unit): tuple(recused_mark(unit.id) for unit in one.by) for one in passed}
    return tuple(dict.fromkeys(now for mark in marks for now in by.get(mark, (mark,))))


def post_mark(post: str) -> str:
    """Return the mark of a post that may see a confidential case."""
    return f"{MARK}post:{post}"


def recused_mark(what: str) -> str:
    """Return the mark of a unit or person that stays out of a case."""
    return f"{MARK}recused:{what}"


def marks_after(marks: Iterable[str], fact: f.CaseFact) -> tuple[str, ...]:
    """Return the marks of a case after one more fact, in order."""
    kept = dict.fromkeys(marks)
    match fact:
        case f.ConfidentialitySet():
            kept = {one: None for one in kept if one.startswith(f"{MARK}recused:")}
            if fact.posts:
                kept |= dict.fromkeys((CONFIDENTIAL, *map(post_mark, fact.posts)))
        case f.RecusalDeclared() | f.RecusalLifted():
            named = (fact.unit.id if fact.unit else None, fact.person)
            changed = dict.fromkeys(recused_mark(one) for one in named if one is not None)
            lifted = isinstance(fact, f.RecusalLifted)
            kept = {one: None for one in kept if one not in changed} if lifted else kept | changed
        case _:
            pass
    return tuple(kept)
