"""Who is told: a role of a ladder, resolved to a unit, a post and a person when it is needed."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from domain import facts as f
from domain.directory import Directory, Post

OWN: Final = frozenset({"handler", "holder"})
"""Words for a unit of the case; every other word is a role that posts give."""


def resolve(to: str, unit: f.Unit | None, directory: Directory, day: date) -> f.Recipient:
    """Return who is told on a day; a vacant post (缺位) falls to its deputy, else the next in line.

    Clocks.md R11. A unit that was dissolved is answered for by its only successor.

    `handler` and `holder`: the posts of the unit, then of the units above it. A role: the posts
    with that role of the unit, then upwards. Where there are no posts at all the unit itself is
    told; where nobody is found, the district's centre.
    """
    passed: list[str] = []
    unit = _now(unit, directory)
    for step in _upwards(unit, directory):
        posts = _posts(to, step, directory)
        if not posts and to in OWN and not passed:
            return f.Recipient(to, step)
        for post in posts:
            person = post.holder_on(day)
            if person is not None:
                return f.Recipient(to, step, post.id, person, tuple(passed))
            passed.append(post.id)
            deputy = directory.relations.deputy_on(post.id, day)
            if deputy is not None:
                return f.Recipient(to, step, post.id, deputy, tuple(passed))
    return f.Recipient(to, directory.centre or unit, vacant=tuple(passed))


def _now(unit: f.Unit | None, directory: Directory) -> f.Unit | None:
    """Return whom a re-division put in place of a unit, if it is one."""
    entry = directory.units.get(unit.id) if unit else None
    if unit is None or entry is None or entry.dissolved is None:
        return unit
    found = directory.survivors(unit.id)
    return directory.unit(found[0]) if len(found) == 1 else unit


def above(recipient: f.Recipient, directory: Directory, day: date) -> f.Recipient | None:
    """Return who is told when a recipient did not sign; None where nobody stands above."""
    unit = recipient.unit
    if unit is None or len(unit.path) < 2:  # noqa: PLR2004 # the unit and one above
        return None
    return resolve(recipient.role, f.Unit(unit.path[-2], unit.path[:-1]), directory, day)


def _upwards(unit: f.Unit | None, directory: Directory) -> Iterator[f.Unit]:
    """Yield a unit and those above it; without a unit the centre."""
    unit = unit or directory.centre
    if unit is not None:
        for length in range(len(unit.path), 0, -1):
            yield f.Unit(unit.path[length - 1], unit.path[:length])


def _posts(to: str, unit: f.Unit, directory: Directory) -> Sequence[Post]:
    return [
        post
        for post in directory.posts.values()
        if post.unit == unit.id and (to in OWN or post.role == to)
    ]
