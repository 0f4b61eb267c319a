"""What the directory knows beyond its tree: relations between units with their days, deputies."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

SORTS: Final = {
    "second_parent": "条线上级",
    "liaison": "包联",
    "double_report": "双报到",
    "duty_desk": "坐班",
}
"""How units can stand to each other beside the tree."""
SECOND_PARENT: Final = "second_parent"

Term = tuple[str, date, date | None]
"""A person, from a day, until a day (exclusive; open when absent)."""


class Relation(Struct, frozen=True, kw_only=True):
    """One relation; `f.UnitRelated` says what `unit` and `other` are for each sort."""

    relation: str
    sort: str
    unit: str
    other: str
    person: str | None
    since: date
    until: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.since <= day and (self.until is None or day < self.until)


class Relations(Struct, frozen=True):
    """All relations by id, and the deputies of each post."""

    known: dict[str, Relation] = {}
    deputies: dict[str, tuple[Term, ...]] = {}

    def on(self, day: date, sort: str = "") -> list[Relation]:
        """Return those that hold on a day, of one sort or of all."""
        return [one for one in self.known.values() if one.holds_on(day) and sort in {"", one.sort}]

    def deputy_on(self, post: str, day: date) -> str | None:
        """Return who deputises for a post on a day; the latest that was named."""
        return holder(self.deputies.get(post, ()), day)


def holder(terms: Iterable[Term], day: date) -> str | None:
    """Return who of these is there on a day; the latest that was recorded."""
    for person, since, until in reversed(tuple(terms)):
        if since <= day and (until is None or day < until):
            return person
    return None


def left(terms: tuple[Term, ...], person: str, until: date) -> tuple[Term, ...]:
    """Return terms of which a person's end on a day; one that would never begin is dropped."""
    kept: list[Term] = []
    for who, since, end in terms:
        if who != person or (end is not None and end <= until):
            kept.append((who, since, end))
        elif since < until:
            kept.append((who, since, until))
    return tuple(kept)


def related(relations: Relations, fact: f.Fact) -> Relations:
    """Return relations after one more fact of the directory."""
    match fact:
        case f.UnitRelated():
            one = Relation(
                relation=fact.relation,
                sort=fact.sort,
                unit=fact.unit,
                other=fact.other,
                person=fact.person,
                since=fact.since,
                until=fact.until,
            )
            return replace(relations, known=relations.known | {fact.relation: one})
        case f.RelationEnded():
            ended = replace(relations.known[fact.relation], until=fact.until)
            return replace(relations, known=relations.known | {fact.relation: ended})
        case f.DeputyNamed():
            terms = (*relations.deputies.get(fact.post, ()), (fact.person, fact.since, fact.until))
            return replace(relations, deputies=relations.deputies | {fact.post: terms})
        case f.PostLeft():
            terms = left(relations.deputies.get(fact.post, ()), fact.person, fact.until)
            return replace(relations, deputies=relations.deputies | {fact.post: terms})
        case _:
            return relations
