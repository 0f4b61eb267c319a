"""The directory (组织目录) as of a position: units in their tree, posts, who holds them.

Ids are permanent; codes and names may change. A unit has one parent in the tree, which paths and
facts go by; a second parent (条线) is a relation that holds from a day to a day.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.errors import UnknownUnit
from domain.relations import SECOND_PARENT, Relations, Term, holder, left, related

_SEPARATORS: Final = re.compile(r"[/\\／]")
LEVELS: Final = ("county", "town", "community", "grid", "building", "household", "department")


class UnitEntry(Struct, frozen=True):
    """A unit as the directory knows it now; `path` leads from the root to it."""

    id: str
    code: str
    name: str
    level: str
    parent: str | None
    path: tuple[str, ...]
    dissolved: date | None = None
    """From this day on it is no more; its closed cases stay with it."""
    successors: tuple[str, ...] = ()


class Post(Struct, frozen=True):
    """岗位: a post in a unit, the role it gives, and who held it from when to when."""

    id: str
    unit: str
    title: str
    role: str
    held: tuple[Term, ...] = ()

    def holder_on(self, day: date) -> str | None:
        """Return the person who held the post on a day; None is a vacancy (缺位)."""
        return holder(self.held, day)


class Directory(Struct, frozen=True):
    """All units and posts, by permanent id."""

    units: dict[str, UnitEntry] = {}
    posts: dict[str, Post] = {}
    persons: frozenset[str] = frozenset()
    by_code: dict[str, str] = {}
    by_name: dict[str, tuple[str, ...]] = {}
    root: UnitEntry | None = None
    """The district's own unit: at the top, and of level county before any other."""
    calendars: dict[str, str] = {}
    """Names of the working calendars that units were assigned, by the unit's id."""
    relations: Relations = Relations()
    divisions: dict[str, f.DivisionDecreed] = {}
    """Re-divisions that were decreed, by their code."""
    carried_out: dict[str, f.DivisionCarriedOut] = {}
    """Those that every open case was asked about."""
    posts_of: dict[str, tuple[str, ...]] = {}
    """The posts of each unit that has any: whoever is told is looked for there at every notice."""

    def unit(self, unit_id: str) -> f.Unit:
        """Return a unit with its path, as facts carry it.

        Raises:
            UnknownUnit: no unit has this id.
        """
        entry = self.units.get(unit_id)
        if entry is None:
            raise UnknownUnit(unit=unit_id)
        return f.Unit(entry.id, entry.path)

    def find(self, text: str, *, pointer: str = "") -> f.Unit:
        """Find a unit by code, by name when only one has it, or by `town/name`.

        Raises:
            UnknownUnit: nothing, or more than one unit, answers to it.
        """
        wanted = text.strip()
        direct = self.by_code.get(wanted) or (wanted if wanted in self.units else None)
        if direct:
            return self._there(direct, text, pointer)
        *above, name = [part.strip() for part in _SEPARATORS.split(wanted)]
        found = self.by_name.get(wanted) or [
            unit for unit in self.by_name.get(name, ()) if self._lies_under(unit, above)
        ]
        if len(found) != 1:
            candidates = [self._described(unit) for unit in found]
            raise UnknownUnit(unit=text, candidates=candidates, pointer=pointer)
        return self._there(found[0], text, pointer)

    def _there(self, unit: str, text: str, pointer: str) -> f.Unit:
        """Return a unit; of one that was dissolved its only successor.

        Raises:
            UnknownUnit: it has several.
        """
        found = self.survivors(unit)
        if len(found) != 1:
            candidates = [self._described(one) for one in found]
            raise UnknownUnit(unit=text, candidates=candidates, pointer=pointer)
        return self.unit(found[0])

    def survivors(self, unit: str) -> list[str]:
        """Return the units that there are now in place of one; itself, if it was not dissolved."""
        found: dict[str, None] = {}
        waiting, seen = [unit], set[str]()
        while waiting:
            one = waiting.pop(0)
            entry = self.units.get(one)
            if entry is None or one in seen:
                continue
            seen.add(one)
            if entry.dissolved is None:
                found[one] = None
            waiting += entry.successors if entry.dissolved is not None else ()
        return list(found)

    def shared_with(self, unit: str, day: date) -> frozenset[str]:
        """Return the units that stand under this one, or below it, by a second parent (条线).

        Their cases are seen from here too; what facts say of paths is not touched by it.
        """
        return frozenset(
            one.unit
            for one in self.relations.on(day, SECOND_PARENT)
            if one.other in self.units and unit in self.units[one.other].path
        )

    def answers_on(self, post: Post, day: date) -> str | None:
        """Return who answers for a post on a day: its holder, else the deputy."""
        return post.holder_on(day) or self.relations.deputy_on(post.id, day)

    def vacancies(self, day: date) -> Iterator[Post]:
        """Yield the posts that nobody holds on a day (缺位), of units that there are."""
        for post in self.posts.values():
            entry = self.units.get(post.unit)
            there = entry is not None and entry.dissolved is None
            if there and post.holder_on(day) is None:
                yield post

    def _described(self, unit: str) -> str:
        """Return `town/name（code）`, which tells a unit from others of its name."""
        names = [self.units[step].name for step in self.units[unit].path[-2:]]
        return f"{'/'.join(names)}（{self.units[unit].code}）"

    def _lies_under(self, unit: str, names: list[str]) -> bool:
        above = [self.units[step].name for step in self.units[unit].path[:-1]]
        return all(name in above for name in names)

    def ancestor(self, unit: f.Unit, level: str) -> f.Unit | None:
        """Return the unit itself or the nearest one above it at a level."""
        for step in reversed(unit.path):
            entry = self.units.get(step)
            if entry is not None and entry.level == level:
                return f.Unit(entry.id, entry.path)
        return None

    def calendar_of(self, unit: f.Unit) -> str | None:
        """Return the calendar assigned to the unit, or to the nearest one above it (R13)."""
        for step in reversed(unit.path):
            name = self.calendars.get(step)
            if name is not None:
                return name
        return None

    @property
    def centre(self) -> f.Unit | None:
        """The district's centre, which answers when nobody else does."""
        root = self.root
        return f.Unit(root.id, root.path) if root else None


def fold_directory(  # noqa: C901, PLR0912 - one arm a fact
    directory: Directory, facts: Iterable[f.Fact]
) -> Directory:
    """Apply the directory's facts, in the order of the log."""
    units = dict(directory.units)
    posts = dict(directory.posts)
    persons = set(directory.persons)
    calendars = dict(directory.calendars)
    divisions = dict(directory.divisions)
    carried_out = dict(directory.carried_out)
    relations = directory.relations
    moved = False
    for fact in facts:
        match fact:
            case f.UnitEstablished() | f.UnitChanged():
                moved = True
                units[fact.unit] = UnitEntry(
                    fact.unit, fact.code, fact.name, fact.level, fact.parent, ()
                )
            case f.UnitDissolved() if fact.unit in units:
                moved = True
                units[fact.unit] = replace(
                    units[fact.unit], dissolved=fact.on, successors=fact.successors
                )
            case f.DivisionDecreed():
                divisions[fact.division] = fact
            case f.DivisionCarriedOut():
                carried_out[fact.division] = fact
            case f.UnitRelated() | f.RelationEnded() | f.DeputyNamed():
                relations = related(relations, fact)
            case f.PostLeft():
                relations = related(relations, fact)
                post = posts[fact.post]
                held = left(post.held, fact.person, fact.until)
                posts[fact.post] = replace(post, held=held)
            case f.PostEstablished():
                known = posts.get(fact.post)
                held = known.held if known else ()
                posts[fact.post] = Post(fact.post, fact.unit, fact.title, fact.role, held)
            case f.CalendarAssigned(calendar=None):
                calendars.pop(fact.unit, None)
            case f.CalendarAssigned(calendar=str(name)):
                calendars[fact.unit] = name
            case f.PersonRegistered():
                persons.add(fact.person)
            case f.PostTaken():
                post = posts[fact.post]
                term = (fact.person, fact.since, fact.until)
                posts[fact.post] = replace(post, held=(*post.held, term))
            case _:
                continue
    kept = _indexed(units) if moved else directory
    return replace(
        kept,
        posts=posts,
        persons=frozenset(persons),
        calendars=calendars,
        relations=relations,
        divisions=divisions,
        carried_out=carried_out,
        posts_of=_by_unit(posts.values()),
    )


def _by_unit(posts: Iterable[Post]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for post in posts:
        found.setdefault(post.unit, []).append(post.id)
    return {unit: tuple(its) for unit, its in found.items()}


def _indexed(units: dict[str, UnitEntry]) -> Directory:
    """Return a directory of these units, and of nothing else yet."""
    paths: dict[str, tuple[str, ...]] = {}
    for unit in units:
        _place(unit, units, paths)
    placed = {unit: replace(entry, path=paths[unit]) for unit, entry in units.items()}
    names: dict[str, tuple[str, ...]] = {}
    there = [entry for entry in placed.values() if entry.dissolved is None]
    for entry in there:
        names[entry.name] = (*names.get(entry.name, ()), entry.id)
    # A code that a dissolved unit had may be another's now.
    gone = [entry for entry in placed.values() if entry.dissolved is not None]
    codes = {entry.code: entry.id for entry in (*gone, *there)}
    tops = [entry for entry in there if len(entry.path) == 1]
    root = min(tops, key=lambda entry: entry.level != "county", default=None)
    return Directory(units=placed, by_code=codes, by_name=names, root=root)


def _place(unit: str, units: dict[str, UnitEntry], paths: dict[str, tuple[str, ...]]) -> None:
    """Find the way from the top down to a unit.

    A circle, which no writer lets in (see `circles`), is cut where it closes: a fold never fails.
    """
    climbed: dict[str, None] = {}
    step: str | None = unit
    while step is not None and step in units and step not in paths and step not in climbed:
        climbed[step] = None
        step = units[step].parent
    above = paths.get(step, ()) if step is not None else ()
    for one in reversed(climbed):
        above = paths[one] = (*above, one)


def homeless(directory: Directory) -> list[str]:
    """Return the buildings that lie in no grid; a directory must have none (workflow.md §5)."""
    units = directory.units
    return [
        one.id
        for one in units.values()
        if one.level == "building"
        and one.dissolved is None
        and not any(units[step].level == "grid" for step in one.path if step in units)
    ]


def circles(directory: Directory) -> list[str]:
    """Return the units that lie below themselves; a directory must have none."""
    parents = {unit.id: unit.parent for unit in directory.units.values()}
    return [unit for unit in parents if _climbs_to_itself(unit, parents)]


def _climbs_to_itself(unit: str, parents: dict[str, str | None]) -> bool:
    step, seen = parents[unit], set[str]()
    while step is not None and step in parents and step not in seen:
        if step == unit:
            return True
        seen.add(step)
        step = parents[step]
    return False
