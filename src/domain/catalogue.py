"""The catalogue (事项目录) as of a position: items, what communities admitted, code tables.

Only looking up: no report is ever refused because something is missing here (workflow.md §1).
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f


class FilingCondition(Struct, frozen=True, gc=False):
    """立案条件: when an issue of an item is taken up, within what limit, and when it is closed."""

    number: int
    condition: str
    closing: str
    """结案条件."""
    limit: str
    """A budget, whose unit whoever loaded the catalogue chose."""
    closing_hash: str


class Item(Struct, frozen=True):
    """大类/小类, known by its code; the conditions in the order of the standard."""

    code: str
    sort: str
    """部件 or 事件, as the standard says."""
    major: str
    minor: str
    conditions: tuple[FilingCondition, ...] = ()

    def condition(self, number: int) -> FilingCondition | None:
        """Return the condition of this number."""
        return next((one for one in self.conditions if one.number == number), None)


class Catalogue(Struct, frozen=True):
    """One version of a catalogue."""

    name: str
    version: str
    hash: str
    items: dict[str, Item]


class Admitted(Struct, frozen=True, kw_only=True):
    """A community item (社区工作事项): since when it may be handed down, and what follows it."""

    item: str
    title: str
    department: str | None
    people: int
    money: int
    since: date
    until: date | None = None
    """From this day on it may not be handed down any more."""

    def holds_on(self, day: date) -> bool:
        """Whether a department may hand it down on a day."""
        return self.since <= day and (self.until is None or day < self.until)


class CodeTable(Struct, frozen=True):
    """One version of a table of another system's codes."""

    system: str
    version: str
    hash: str
    codes: dict[str, str]
    """From their code to our category."""


class Catalogues(Struct, frozen=True):
    """Everything, every version; the newest is the last."""

    published: dict[str, tuple[Catalogue, ...]] = {}
    admitted: dict[str, tuple[Admitted, ...]] = {}
    """By item: one entry a time that it was admitted or adjusted, in the order of the log."""
    tables: dict[str, tuple[CodeTable, ...]] = {}

    def newest(self, name: str) -> Catalogue | None:
        """Return the newest version of a catalogue."""
        versions = self.published.get(name)
        return versions[-1] if versions else None

    def find(self, code: str) -> tuple[Catalogue, Item] | None:
        """Return an item by its code, from the newest version of whichever catalogue has it."""
        for versions in self.published.values():
            item = versions[-1].items.get(code)
            if item is not None:
                return versions[-1], item
        return None

    def admitted_on(self, item: str, day: date) -> Admitted | None:
        """Return how an item stands admitted on a day; None if it may not be handed down."""
        entries = self.admitted.get(item, ())
        return next((one for one in reversed(entries) if one.holds_on(day)), None)

    def table(self, system: str) -> CodeTable | None:
        """Return the newest table of a system."""
        versions = self.tables.get(system)
        return versions[-1] if versions else None


def catalogue_of(published: f.CataloguePublished) -> Catalogue:
    """Return a version as its fact has it."""
    items = [_item(one) for one in published.document["items"]]
    return Catalogue(
        published.name, published.version, published.hash, {item.code: item for item in items}
    )


def _item(document: dict[str, Any]) -> Item:
    conditions = tuple(FilingCondition(**one) for one in document["conditions"])
    return Item(
        document["code"], document["sort"], document["major"], document["minor"], conditions
    )


def fold_catalogues(catalogues: Catalogues, facts: Iterable[f.Fact]) -> Catalogues:
    """Apply the catalogue's facts, in the order of the log."""
    for fact in facts:
        catalogues = _after(catalogues, fact)
    return catalogues


def _after(catalogues: Catalogues, fact: f.Fact) -> Catalogues:
    match fact:
        case f.CataloguePublished():
            versions = (*catalogues.published.get(fact.name, ()), catalogue_of(fact))
            return replace(catalogues, published=catalogues.published | {fact.name: versions})
        case f.CodeTablePublished():
            codes = {pair.code: pair.category for pair in fact.codes}
            table = CodeTable(fact.system, fact.version, fact.hash, codes)
            tables = (*catalogues.tables.get(fact.system, ()), table)
            return replace(catalogues, tables=catalogues.tables | {fact.system: tables})
        case f.ItemAdmitted() | f.ItemAdjusted():
            return _with(catalogues, fact.item, _entry(fact))
        case f.ItemExited():
            return _exited(catalogues, fact)
        case _:
            return catalogues


def _entry(fact: f.ItemAdmitted | f.ItemAdjusted) -> Admitted:
    return Admitted(
        item=fact.item,
        title=fact.title,
        department=fact.department,
        people=fact.people,
        money=fact.money,
        since=fact.since,
    )


def _with(catalogues: Catalogues, item: str, entry: Admitted) -> Catalogues:
    entries = (*catalogues.admitted.get(item, ()), entry)
    return replace(catalogues, admitted=catalogues.admitted | {item: entries})


def _exited(catalogues: Catalogues, fact: f.ItemExited) -> Catalogues:
    """End every entry that would still hold from that day on; what was before stays readable."""
    entries = tuple(
        replace(one, until=min(one.until or fact.since, fact.since))
        for one in catalogues.admitted.get(fact.item, ())
    )
    return replace(catalogues, admitted=catalogues.admitted | {fact.item: entries})
