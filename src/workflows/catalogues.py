"""The catalogue as a district keeps it: versions of the standard, tables of others' codes.

A version is planned first, which writes nothing and says what would differ from the one before.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from domain import facts as f
from domain.catalogue import Catalogue, CodeTable, Item, catalogue_of
from domain.errors import BadInput, Collision
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.administration import administrator
from workflows.engine import Caller, Engine
from workflows.reference import Reference

NAME: Final = "city-management"
"""The catalogue that a standard without a name of its own becomes."""
LONGEST_CODE: Final = 100
_canonical: Final = msgspec.json.Encoder(order="sorted").encode


class BadCatalogue(BadInput):
    """事项目录有误：{detail}。"""

    code = "bad-catalogue"


class BadCodeTable(BadInput):
    """类别对照表有误：{detail}。"""

    code = "bad-code-table"


class ConditionRow(Struct, frozen=True, kw_only=True):
    """One row of a standard: an item, and one of its filing conditions with its limit."""

    code: str
    sort: str
    major: str
    minor: str
    number: int
    condition: str
    closing: str
    limit: str
    """A budget."""


class Difference(Struct, frozen=True):
    """Codes of items that a version adds, changes, or leaves out; what is left out stays known."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


class Planned(Struct, frozen=True, kw_only=True):
    """A version of a catalogue that may be published."""

    fact: f.CataloguePublished
    base: str | None
    """The version it follows; None for a catalogue's first."""
    conditions: int
    difference: Difference

    @property
    def unchanged(self) -> bool:
        """Whether it says exactly what the version before says."""
        return self.base == self.fact.version


def plan_catalogue(
    reference: Reference, rows: Sequence[ConditionRow], *, name: str = NAME
) -> Planned:
    """Return the version that the rows of a standard make.

    Raises:
        BadCatalogue: there is nothing in it.
    """
    if not rows:
        raise BadCatalogue(detail="没有一条立案条件可以载入")
    document = {"items": _items(rows)}
    digest = sha256(_canonical(document)).hexdigest()
    known = reference.catalogues.newest(name)
    version = known.version if known and known.hash == digest else _next(known)
    fact = f.CataloguePublished(name=name, version=version, hash=digest, document=document)
    return Planned(
        fact=fact,
        base=known.version if known else None,
        conditions=len(rows),
        difference=difference(known, catalogue_of(fact)),
    )


def _next(known: Catalogue | CodeTable | None) -> str:
    return str(int(known.version) + 1 if known else 1)


def _items(rows: Sequence[ConditionRow]) -> list[dict[str, Any]]:
    """Return the items in the order of the standard, each with its conditions."""
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = {"code": row.code, "sort": row.sort, "major": row.major, "minor": row.minor}
        item = items.setdefault(row.code, {**known, "conditions": []})
        item["conditions"].append(
            {
                "number": row.number,
                "condition": row.condition,
                "closing": row.closing,
                "limit": row.limit,
                "closing_hash": sha256(row.closing.encode()).hexdigest(),
            }
        )
    return list(items.values())


def difference(before: Catalogue | None, after: Catalogue) -> Difference:
    """Compare two versions by their items."""
    was: dict[str, Item] = before.items if before else {}
    now = after.items
    return Difference(
        added=tuple(code for code in now if code not in was),
        changed=tuple(code for code, item in now.items() if code in was and was[code] != item),
        removed=tuple(code for code in was if code not in now),
    )


async def publish_catalogue(
    engine: Engine, planned: Planned, *, caller: Caller | None = None
) -> int:
    """发布事项目录: return the position of the new version.

    Raises:
        Collision: another version has been published meanwhile.
    """
    name = planned.fact.name

    def drafts(reference: Reference) -> list[Draft]:
        newest = reference.catalogues.newest(name)
        if (newest.version if newest else None) != planned.base:
            raise Collision(detail=f"事项目录“{name}”刚刚有了新版；请重新载入")
        return [Draft(planned.fact, engine.now())]

    who = caller or administrator(engine, "catalogue-load", name)
    return (await engine.record(f.CATALOGUE, _stream(engine), drafts, who)).last


def plan_codes(
    reference: Reference, system: str, codes: Mapping[str, str]
) -> tuple[f.CodeTablePublished, bool]:
    """Return the version that a table of codes makes, and whether it says anything new.

    Raises:
        BadCodeTable: it is empty, or a code is missing or too long.
    """
    if not system or len(system) > LONGEST_CODE:
        raise BadCodeTable(detail="须写明来源系统的代码")
    if not codes:
        raise BadCodeTable(detail="一条对照也没有")
    for code, category in codes.items():
        if not (0 < len(code) <= LONGEST_CODE and 0 < len(category) <= LONGEST_CODE):
            raise BadCodeTable(detail=f"“{code[:20]}”一条的编码为空，或超过 {LONGEST_CODE} 个字")
    pairs = tuple(f.CodePair(code, category) for code, category in sorted(codes.items()))
    digest = sha256(_canonical(pairs)).hexdigest()
    known = reference.catalogues.table(system)
    same = known is not None and known.hash == digest
    version = known.version if known and same else _next(known)
    fact = f.CodeTablePublished(system=system, version=version, hash=digest, codes=pairs)
    return fact, not same


async def publish_codes(
    engine: Engine, system: str, codes: Mapping[str, str], *, caller: Caller | None = None
) -> f.CodeTablePublished:
    """发布类别对照表: reports that come from now on are translated by it.

    Raises:
        BadCodeTable.
    """
    fact, news = plan_codes(await engine.refresh(), system, codes)
    if not news:
        return fact

    def drafts(reference: Reference) -> list[Draft]:
        latest, _ = plan_codes(reference, system, codes)
        return [Draft(latest, engine.now())]

    who = caller or administrator(engine, "codes-load", system)
    await engine.record(f.CATALOGUE, _stream(engine), drafts, who)
    return fact


def unknown_categories(reference: Reference, codes: Mapping[str, str]) -> list[str]:
    """Return categories that a table maps to and no catalogue has; a report takes them anyway."""
    return sorted({one for one in codes.values() if reference.catalogues.find(one) is None})


def known_codes(reference: Reference) -> dict[str, frozenset[str]]:
    """Return, by system that has a table, the categories that need no translation: our own."""
    catalogues = reference.catalogues
    ours = {code for versions in catalogues.published.values() for code in versions[-1].items}
    return {
        system: frozenset({*ours, *versions[-1].codes.values()})
        for system, versions in catalogues.tables.items()
    }


def _stream(engine: Engine) -> str:
    return stream_id(engine.district, f.CATALOGUE)
