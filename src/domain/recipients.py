"""Who is told: a role, or a unit of the case, resolved to a post and a person when it is needed.

Nobody is told of a case that they may not see (保密、回避): the next in line who may see it is told
instead; else the confided posts, the nearest first; else whoever oversees the whole district. It is
the same rule as for sight, `domain/privacy.py`, and whom a notice was kept from is recorded.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.actor import Actor, Role
from domain.directory import Directory, Post
from domain.privacy import Privacy, oversees

ROLES: Final = frozenset(role.value for role in Role)
"""Words for a role that posts give; every other word is for a unit, and any of its posts."""
UNIT: Final = "handler"
"""Any word for a unit."""
OVERSEER: Final = Role.ADMIN.value
"""Who is told if nobody else may be: whoever administers the whole district."""
OPEN: Final = Privacy()


class Found(Struct, frozen=True):
    """Who is told, and who was to be told before but may not see the case."""

    recipient: f.Recipient
    withheld: tuple[f.Withheld, ...] = ()
    asked: str = ""
    """Who was asked for, where it was withheld from anybody."""


def resolve(to: str, unit: f.Unit | None, directory: Directory, day: date) -> f.Recipient:
    """Return who is told of a case that everybody may see."""
    return find(to, unit, directory, day).recipient


def find(
    to: str, unit: f.Unit | None, directory: Directory, day: date, privacy: Privacy = OPEN
) -> Found:
    """Return who is told on a day; a vacant post (缺位) falls to its deputy, else the next in line.

    Clocks.md R11. A unit that was dissolved is answered for by its only successor.

    A word for a unit: the posts of the unit, then of the units above it. A role: the posts with
    that role of the unit, then upwards. Where there are no posts at all the unit itself is told;
    where nobody is found, the district's centre.
    """
    return allowed(_in_line(to, _now(unit, directory), directory, day), directory, day, privacy)


def find_post(
    to: str,
    post: str,
    unit: f.Unit | None,
    directory: Directory,
    day: date,
    privacy: Privacy = OPEN,
) -> Found:
    """Return who is told in place of a post: its holder, its deputy, else the unit's next in line.

    `unit` counts where the directory does not know the post.
    """
    return allowed(_of_post(to, post, unit, directory, day), directory, day, privacy)


def above(
    recipient: f.Recipient, directory: Directory, day: date, privacy: Privacy = OPEN
) -> Found | None:
    """Return who is told when a recipient did not sign; None where nobody stands above."""
    unit = recipient.unit
    if unit is None or len(unit.path) < 2:  # noqa: PLR2004 # the unit and one above
        return None
    over = f.Unit(unit.path[-2], unit.path[:-1])
    return find(recipient.role, over, directory, day, privacy)


def allowed(
    line: Iterator[f.Recipient], directory: Directory, day: date, privacy: Privacy
) -> Found:
    """Return the first in line who may see the case; there is always somebody."""
    passed: list[f.Recipient] = []
    withheld: dict[f.Withheld, None] = {}
    for one in line:
        reason = barred(privacy, one)
        if not reason:
            return Found(one, tuple(withheld), passed[0].role if passed else "")
        passed.append(one)
        unit = one.unit.id if one.unit else None
        withheld[f.Withheld(unit, one.post, one.person, reason)] = None
    named = _confided(passed, directory, day, privacy)
    overseer = f.Recipient(OVERSEER, None)
    return Found(next(named, overseer), tuple(withheld), passed[0].role if passed else "")


def barred(privacy: Privacy, recipient: f.Recipient) -> str:
    """Say why a recipient may not see a case, as `Withheld.reason` has it; empty: they may."""
    if not (privacy.posts or privacy.units or privacy.persons):
        return ""
    if privacy.lets(_as_actor(recipient)) is not False:
        return ""
    recused = recipient.person in privacy.persons or privacy.recuses(recipient.unit)
    return "recused" if recused else "confidential"


def meant(recipient: f.Recipient, actor: Actor, directory: Directory) -> bool:
    """Whether the actor is the person, or acts for the unit (the centre where there is none)."""
    if recipient.unit is None and recipient.role == OVERSEER:
        return oversees(actor)
    if recipient.person is not None and actor.person is not None:
        return recipient.person == actor.person
    centre = directory.centre
    acting = actor.unit or (centre.id if centre else None)
    return recipient.unit is None or recipient.unit.id == acting


def _as_actor(recipient: f.Recipient) -> Actor:
    """Return a recipient as somebody who asks to see the case."""
    unit = recipient.unit
    if unit is None and recipient.role == OVERSEER:
        return Actor(role=Role.ADMIN)
    return Actor(
        role=Role.DASHBOARD,  # which role it is does not matter: only an overseer's would
        unit=unit.id if unit else None,
        within=unit.path if unit else (),
        post=recipient.post,
        person=recipient.person,
    )


def _in_line(
    to: str, unit: f.Unit | None, directory: Directory, day: date
) -> Iterator[f.Recipient]:
    passed: list[str] = []
    for step in _upwards(unit, directory):
        posts = _posts(to, step, directory)
        if not posts and to not in ROLES and not passed:
            yield f.Recipient(to, step)
        for post in posts:
            yield from _holding(to, step, post, directory, day, passed)
    yield f.Recipient(to, directory.centre or unit, vacant=tuple(passed))


def _of_post(
    to: str, name: str, unit: f.Unit | None, directory: Directory, day: date
) -> Iterator[f.Recipient]:
    passed: list[str] = []
    post = directory.posts.get(name)
    if post is not None and post.unit in directory.units:
        unit = directory.unit(post.unit)
        yield from _holding(to, unit, post, directory, day, passed)
    # After it any other post of the unit, whatever role it gives.
    for one in _in_line(UNIT, _now(unit, directory), directory, day):
        vacant = tuple(dict.fromkeys((*passed, *one.vacant)))
        yield f.Recipient(to, one.unit, one.post, one.person, vacant)


def _holding(
    to: str, unit: f.Unit, post: Post, directory: Directory, day: date, passed: list[str]
) -> Iterator[f.Recipient]:
    """Yield who holds a post, then their deputy; note that it is vacant where nobody holds it."""
    person = post.holder_on(day)
    if person is None:
        passed.append(post.id)
    for one in (person, directory.relations.deputy_on(post.id, day)):
        if one is not None:
            yield f.Recipient(to, unit, post.id, one, tuple(passed))


def _confided(
    passed: Sequence[f.Recipient], directory: Directory, day: date, privacy: Privacy
) -> Iterator[f.Recipient]:
    """Yield the holders of the posts that may see a confidential case, the nearest first."""
    if not passed:
        return
    way = passed[0].unit.path if passed[0].unit else ()
    posts = [directory.posts[one] for one in privacy.posts if one in directory.posts]
    for post in sorted(posts, key=lambda one: -way.index(one.unit) if one.unit in way else 1):
        if post.unit not in directory.units:
            continue
        vacant: list[str] = []
        for told in _holding(
            passed[0].role, directory.unit(post.unit), post, directory, day, vacant
        ):
            if not barred(privacy, told):
                yield told


def _now(unit: f.Unit | None, directory: Directory) -> f.Unit | None:
    """Return whom a re-division put in place of a unit, if it is one."""
    entry = directory.units.get(unit.id) if unit else None
    if unit is None or entry is None or entry.dissolved is None:
        return unit
    found = directory.survivors(unit.id)
    return directory.unit(found[0]) if len(found) == 1 else unit


def _upwards(unit: f.Unit | None, directory: Directory) -> Iterator[f.Unit]:
    """Yield a unit and those above it; without a unit the centre."""
    unit = unit or directory.centre
    if unit is not None:
        for length in range(len(unit.path), 0, -1):
            yield f.Unit(unit.path[length - 1], unit.path[:length])


def _posts(to: str, unit: f.Unit, directory: Directory) -> Sequence[Post]:
    here = [directory.posts[one] for one in directory.posts_of.get(unit.id, ())]
    return here if to not in ROLES else [post for post in here if post.role == to]
