"""The seven cells of a line: what the query found of a case, with who holds the posts that day.

The same cells as the domain's `matrix`, from rows instead of facts: how each stands is in the rows
already (see `projections/accountability.py`); the directory says who holds a post on the day.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from msgspec import Struct

from domain import facts as f
from domain.accountability import DUTIES, TITLES
from domain.accountability_posts import day_of, on_day, vacant_since
from domain.directory import Directory
from domain.due import SHANGHAI
from projections.accountability import PARTS

LABELS: Final = {
    "missing": "缺",
    "set": "已定",
    "at_risk": "临期",
    "late": "逾期",
    "fulfilled": "落实",
    "failed": "未落实",
}
"""How people read the status of a cell."""
TAKEN: Final = "在办"
"""How they read `set` of a duty: it was taken and goes on."""
VACANT: Final = "缺位"


class Who(Struct, frozen=True):
    """Who answers, by ids; a post without a person is vacant (缺位)."""

    post: str | None
    person: str | None
    unit: str | None


class LineCell(Struct, frozen=True, kw_only=True):
    """A cell of a line; `frozen` is who answers for the breach by which it once lacked."""

    part: str
    title: str
    required: bool
    status: str
    who: tuple[Who, ...] = ()
    since: datetime | None = None
    due: datetime | None = None
    vacant: bool = False
    done: int | None = None
    total: int | None = None
    breached_at: datetime | None = None
    frozen: tuple[Who, ...] = ()

    @property
    def label(self) -> str:
        """Return how it stands, as people read it."""
        if self.status == "missing" and self.vacant:
            return VACANT
        if self.status == "missing" and not self.required:
            return ""
        taken = self.status == "set" and self.part in DUTIES
        return TAKEN if taken else LABELS[self.status]


def cells_of(
    line: Mapping[str, Any], directory: Directory, moment: datetime
) -> tuple[LineCell, ...]:
    """Return the seven cells of a line that a page found, the four first."""
    required: Sequence[str] = line["required"] or ()
    return tuple(
        _cell(part, line["cells"].get(part), part in required, directory, moment) for part in PARTS
    )


def _cell(
    part: str,
    row: Mapping[str, Any] | None,
    required: bool,  # noqa: FBT001 - the four that make a cell stand in one order everywhere
    directory: Directory,
    moment: datetime,
) -> LineCell:
    if row is None:
        return LineCell(part=part, title=TITLES[part], required=required, status="missing")
    persons = _persons(row)
    vacant, since = bool(row["vacant"]), row["since"]
    if vacant and part not in DUTIES:
        since = _vacant_from(persons, directory, day_of(moment)) or since
    return LineCell(
        part=part,
        title=TITLES[part],
        required=required,
        status=row["status"],
        who=_who(part, row, persons, directory, day_of(moment)),
        since=since,
        due=row["due"],
        vacant=vacant,
        done=row["done"],
        total=row["total"],
        breached_at=row["breached_at"],
        frozen=_frozen(row, directory),
    )


def _persons(row: Mapping[str, Any]) -> tuple[f.Answerable, ...]:
    """Return who was fixed or took it: posts, and who held them then."""
    pairs = [(row["post"], row["person"]), (row["worker_post"], row["worker_person"])]
    return tuple(f.Answerable(post or "", person) for post, person in pairs if post or person)


def _who(
    part: str,
    row: Mapping[str, Any],
    persons: tuple[f.Answerable, ...],
    directory: Directory,
    day: date,
) -> tuple[Who, ...]:
    held = tuple(
        Who(one.post or None, on_day(one, directory, day).person, _unit_of(one, directory))
        for one in persons
    )
    if part in DUTIES:
        named = any(one.unit is not None for one in held)
        person = held[0].person if held else None
        return held if named else (Who(None, person, row["units"][0]),) if row["units"] else ()
    units = {one.unit for one in held}
    return (*held, *(Who(None, None, unit) for unit in row["units"] if unit not in units))


def _unit_of(who: f.Answerable, directory: Directory) -> str | None:
    post = directory.posts.get(who.post)
    return post.unit if post and post.unit in directory.units else None


def _vacant_from(
    persons: Sequence[f.Answerable], directory: Directory, day: date
) -> datetime | None:
    days = [vacant_since(one, directory, day) for one in persons]
    known = [one for one in days if one is not None]
    return datetime.combine(min(known), time(), SHANGHAI) if known else None


def _frozen(row: Mapping[str, Any], directory: Directory) -> tuple[Who, ...]:
    """Return who answers for a breach, as the breach froze it; else the unit that it bound."""
    if row["breached_at"] is None:
        return ()
    pairs = zip(row["breach_posts"], row["breach_persons"], strict=True)
    posts = tuple(
        Who(post or None, person or None, _unit_of(f.Answerable(post, None), directory))
        for post, person in pairs
    )
    return posts or ((Who(None, None, row["breach_unit"]),) if row["breach_unit"] else ())
