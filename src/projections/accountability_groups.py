"""Groups of cases in their order: by leader, unit or campaign, what presses most first.

A unit's counts are of the cases in which it has the lead; with its subordinates', by the tree as
the directory knows it now, of theirs too. Each case has one lead, so sums over units are exact.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from domain.directory import Directory
from projections.accountability import Group, empty
from projections.query import BadCursor

TROUBLE: Final = ("missing", "late", "failed")
"""What is counted to say how much a group presses."""
OPEN: Final = "open"
NONE: Final = ""
"""The key of cases without one: nobody leads, no unit holds, no campaign lists them."""


class Ranked(Struct, frozen=True, kw_only=True):
    """A group and its place; `within` is a unit's with its subordinates'."""

    key: str
    cases: dict[str, int]
    within: dict[str, int]
    held: dict[str, int]

    @property
    def place(self) -> tuple[int, str]:
        """Return where it comes: what presses most first, then by key."""
        return (-sum(self.within[name] for name in TROUBLE), self.key)


def ranked(groups: Mapping[str | None, Group]) -> list[Ranked]:
    """Return groups that have no tree in their order."""
    found = [
        Ranked(
            key=key or NONE,
            cases=empty() | group.cases,
            within=empty() | group.cases,
            held=_held(group),
        )
        for key, group in groups.items()
        if group.cases
    ]
    return sorted(found, key=_place)


def with_subordinates(groups: Mapping[str | None, Group], directory: Directory) -> list[Ranked]:
    """Return units in their order, those above them too, each with what lies below it."""
    within: dict[str, dict[str, int]] = {}
    for key, group in groups.items():
        entry = directory.units.get(key or NONE)
        for step in entry.path if entry else (key or NONE,):
            total = within.setdefault(step, empty())
            for name, count in group.cases.items():
                total[name] += count
    found = [
        Ranked(
            key=unit,
            cases=empty() | _of(groups, unit).cases,
            within=total,
            held=_held(_of(groups, unit)),
        )
        for unit, total in within.items()
    ]
    return sorted(found, key=_place)


def page_of(
    found: Sequence[Ranked], limit: int, cursor: str | None
) -> tuple[list[Ranked], str | None]:
    """Return some of them, and the cursor of the page after it. Raises BadCursor."""
    after = _read(cursor) if cursor is not None else None
    left = [one for one in found if after is None or one.place > after]
    following = _write(left[limit - 1].place) if len(left) > limit else None
    return left[:limit], following


def _place(group: Ranked) -> tuple[int, str]:
    return group.place


def _of(groups: Mapping[str | None, Group], unit: str) -> Group:
    return groups.get(unit or None) or Group(key=unit, cases={}, held={})


def _held(group: Group) -> dict[str, int]:
    """Return what the post or unit holds itself; whether those cases are open is not counted."""
    return {name: group.held.get(name, 0) for name in empty() if name != OPEN}


def _write(place: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[int, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        trouble, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if type(trouble) is not int or not isinstance(key, str):
            raise BadCursor
    except (ValueError, TypeError, binascii.Error):
        raise BadCursor from None
    return trouble, key
