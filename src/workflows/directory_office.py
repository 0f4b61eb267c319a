"""The directory as a workbook has it: units, posts, who holds them, relations; in and out.

What a book leaves out stays as it is; what differs becomes facts, all of them in one append. So
what was just exported changes nothing when it is imported again.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.directory import Directory, Post
from domain.relations import SECOND_PARENT, Relation
from domain.world import Draft
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from workflows.administration import (
    UnitRow,
    administrator,
    check_tree,
    directory_facts,
    unit_ids,
)
from workflows.calendar_office import today_of
from workflows.engine import Caller, Engine
from workflows.reference import Reference

NAME: Final = "name"
"""The sealed field of a person."""


class PostRow(Struct, frozen=True):
    """A post; `unit` is a code."""

    post: str
    unit: str
    title: str
    role: str


class TermRow(Struct, frozen=True, kw_only=True):
    """A person holds a post, or deputises for it, from a day until a day (exclusive)."""

    post: str
    person: str
    name: str
    since: date
    until: date | None
    deputy: bool = False


class RelationRow(Struct, frozen=True, kw_only=True):
    """A dated relation between two units, by their codes."""

    sort: str
    unit: str
    other: str
    person: str | None
    since: date
    until: date | None


class Book(Struct, frozen=True, kw_only=True):
    """A whole workbook; `second_parents` by the unit's code, absent where nothing is said."""

    units: tuple[UnitRow, ...] = ()
    second_parents: dict[str, tuple[str, ...]] = {}
    posts: tuple[PostRow, ...] = ()
    terms: tuple[TermRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()


class BookChange(Struct, frozen=True):
    """What an import did, in facts by what they are about."""

    units: int
    posts: int
    persons: int
    terms: int
    relations: int

    @property
    def total(self) -> int:
        """How many facts there were."""
        return self.units + self.posts + self.persons + self.terms + self.relations


def drafts_of(
    book: Book, directory: Directory, names: Mapping[str, str], today: date
) -> dict[str, list[tuple[f.Fact, str]]]:
    """Return the facts that make a directory what a book says, each with a name to be sealed.

    Raises:
        UnknownUnit, UnknownField: together with what is there already it would be no tree.
    """
    units = directory_facts(directory, book.units)
    check_tree(directory, units)
    ids = unit_ids(directory, book.units)
    return {
        "units": [(fact, "") for fact in units],
        "posts": [(fact, "") for fact in _posts(book, directory, ids)],
        "persons": list(_persons(book, names)),
        "terms": [(fact, "") for fact in _terms(book, directory)],
        "relations": [(fact, "") for fact in _relations(book, directory, ids, today)],
    }


def _posts(book: Book, directory: Directory, ids: Mapping[str, str]) -> Iterator[f.Fact]:
    for row in book.posts:
        unit, known = ids[row.unit], directory.posts.get(row.post)
        said = (unit, row.title, row.role)
        if known is None or (known.unit, known.title, known.role) != said:
            yield f.PostEstablished(post=row.post, unit=unit, title=row.title, role=row.role)


def _persons(book: Book, names: Mapping[str, str]) -> Iterator[tuple[f.Fact, str]]:
    """Register whoever is new, or is called otherwise now; without a name it stays as it is."""
    told = {row.person: row.name for row in book.terms if row.name}
    for person in dict.fromkeys(row.person for row in book.terms):
        name = told.get(person, "")
        if person not in names or (name and names[person] != name):
            yield f.PersonRegistered(person=person), name


def _terms(book: Book, directory: Directory) -> Iterator[f.Fact]:
    for row in book.terms:
        known = known_term(row, directory)
        if known is None:
            named = f.DeputyNamed if row.deputy else f.PostTaken
            yield named(post=row.post, person=row.person, since=row.since, until=row.until)
        elif row.until is not None and row.until != known[0]:
            yield f.PostLeft(post=row.post, person=row.person, until=row.until)


def known_term(row: TermRow, directory: Directory) -> tuple[date | None] | None:
    """Return until when a term is known to last; None if it is not known at all."""
    post = directory.posts.get(row.post)
    held = post.held if post else ()
    terms = directory.relations.deputies.get(row.post, ()) if row.deputy else held
    known = (one for one in terms if one[:2] == (row.person, row.since))
    return next(((until,) for _, _, until in known), None)


def known_relation(row: RelationRow, directory: Directory) -> tuple[date | None] | None:
    """Return until when a relation is known to last; None if it is not known at all."""
    unit, other = (directory.by_code.get(code, code) for code in (row.unit, row.other))
    relation = relation_id(row.sort, unit, other, row.person, row.since)
    known = directory.relations.known.get(relation)
    return (known.until,) if known else None


def relation_id(sort: str, unit: str, other: str, person: str | None, since: date) -> str:
    """Return the permanent id of a relation: what it says, so that it is never there twice."""
    return "/".join((sort, unit, other, person or "", since.isoformat()))


def _relations(
    book: Book, directory: Directory, ids: Mapping[str, str], today: date
) -> Iterator[f.Fact]:
    for row in book.relations:
        unit, other = ids[row.unit], ids[row.other]
        relation = relation_id(row.sort, unit, other, row.person, row.since)
        known = directory.relations.known.get(relation)
        if known is None:
            yield f.UnitRelated(
                relation=relation,
                sort=row.sort,
                unit=unit,
                other=other,
                person=row.person,
                since=row.since,
                until=row.until,
            )
        elif row.until is not None and row.until != known.until:
            yield f.RelationEnded(relation=relation, until=row.until)
    for code, parents in book.second_parents.items():
        yield from _second_parents(ids[code], [ids[one] for one in parents], directory, today)


def _second_parents(
    unit: str, wanted: Sequence[str], directory: Directory, today: date
) -> Iterator[f.Fact]:
    """Let the second parents be these from today on; those that were end today."""
    known = {
        one.other: one for one in directory.relations.on(today, SECOND_PARENT) if one.unit == unit
    }
    for other in wanted:
        if other not in known:
            yield f.UnitRelated(
                relation=relation_id(SECOND_PARENT, unit, other, None, today),
                sort=SECOND_PARENT,
                unit=unit,
                other=other,
                person=None,
                since=today,
                until=None,
            )
    for other, relation in known.items():
        if other not in wanted:
            yield f.RelationEnded(relation=relation.relation, until=today)


async def plan_book(engine: Engine, book: Book) -> BookChange:
    """Return what importing a book would change; writes nothing. Raises as `import_book`."""
    return _counted(await _made(engine, book))


async def _made(engine: Engine, book: Book) -> dict[str, list[tuple[f.Fact, str]]]:
    directory = (await engine.refresh()).directory
    names = await asyncio.to_thread(names_of, engine)
    return await asyncio.to_thread(drafts_of, book, directory, names, today_of(engine))


def _counted(made: Mapping[str, Sequence[object]]) -> BookChange:
    return BookChange(*(len(part) for part in made.values()))


def change_of(facts: Sequence[f.Fact]) -> BookChange:
    """Return what an import did, by the facts that it left."""

    def count(*types: type[f.Fact]) -> int:
        return sum(isinstance(fact, types) for fact in facts)

    return BookChange(
        units=count(f.UnitEstablished, f.UnitChanged),
        posts=count(f.PostEstablished),
        persons=count(f.PersonRegistered),
        terms=count(f.PostTaken, f.DeputyNamed, f.PostLeft),
        relations=count(f.UnitRelated, f.RelationEnded),
    )


async def import_book(engine: Engine, book: Book, *, caller: Caller | None = None) -> BookChange:
    """导入组织目录工作簿: all that differs becomes facts in one append; names are sealed.

    Raises:
        UnknownUnit, UnknownField: see `drafts_of`; then nothing is written.
    """
    made = await _made(engine, book)
    drafts = [
        Draft(fact, engine.now(), _sealed(fact, name))
        for part in made.values()
        for fact, name in part
    ]
    if drafts:
        stream = stream_id(engine.district, f.DIRECTORY)
        await engine.record(
            f.DIRECTORY, stream, drafts, caller or administrator(engine, "directory")
        )
    return _counted(made)


def _sealed(fact: f.Fact, name: str) -> tuple[f.Text, ...]:
    if not name or not isinstance(fact, f.PersonRegistered):
        return ()
    return (f.Text(NAME, f"person:{fact.person}", name),)


def names_of(engine: Engine) -> dict[str, str]:
    """Return what persons are called, as the vault has it; blocks. An erased name is empty."""
    with engine.database.connection() as connection:
        records = read_stream(connection, stream_id(engine.district, f.DIRECTORY))
    registered = [one for one in records if isinstance(one.fact, f.PersonRegistered)]
    texts = engine.vault.open_records(registered)
    return {
        one.fact.person: texts.get((one.position, NAME)) or ""
        for one in registered
        if isinstance(one.fact, f.PersonRegistered)
    }


def book_of(reference: Reference, names: Mapping[str, str], today: date) -> Book:
    """Return the directory as a workbook; units that were dissolved are left out."""
    directory = reference.directory
    there = [one for one in directory.units.values() if one.dissolved is None]
    codes = {one.id: one.code for one in directory.units.values()}
    posts = [one for one in directory.posts.values() if _stands(one, directory)]
    return Book(
        units=tuple(
            UnitRow(one.code, one.name, one.level, codes.get(one.parent or ""))
            for one in sorted(there, key=lambda one: (len(one.path), one.path))
        ),
        second_parents={
            one.code: tuple(_parents_of(one.id, directory, codes, today)) for one in there
        },
        posts=tuple(PostRow(one.id, codes[one.unit], one.title, one.role) for one in posts),
        terms=tuple(row for post in posts for row in _term_rows(post, directory, names)),
        relations=tuple(
            _relation_row(one, codes)
            for one in directory.relations.known.values()
            if one.sort != SECOND_PARENT and _both_stand(one, directory)
        ),
    )


def _stands(post: Post, directory: Directory) -> bool:
    return directory.units[post.unit].dissolved is None


def _both_stand(one: Relation, directory: Directory) -> bool:
    return all(directory.units[unit].dissolved is None for unit in (one.unit, one.other))


def _parents_of(
    unit: str, directory: Directory, codes: Mapping[str, str], today: date
) -> Iterator[str]:
    for one in directory.relations.on(today, SECOND_PARENT):
        if one.unit == unit:
            yield codes[one.other]


def _term_rows(post: Post, directory: Directory, names: Mapping[str, str]) -> Iterator[TermRow]:
    deputies = directory.relations.deputies.get(post.id, ())
    for deputy, terms in ((False, post.held), (True, deputies)):
        for person, since, until in terms:
            yield TermRow(
                post=post.id,
                person=person,
                name=names.get(person, ""),
                since=since,
                until=until,
                deputy=deputy,
            )


def _relation_row(one: Relation, codes: Mapping[str, str]) -> RelationRow:
    return RelationRow(
        sort=one.sort,
        unit=codes[one.unit],
        other=codes[one.other],
        person=one.person,
        since=one.since,
        until=one.until,
    )
