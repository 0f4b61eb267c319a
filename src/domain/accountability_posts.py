"""Posts by which people answer: who holds one on a day, and what of the four stands then."""

from collections.abc import Iterable
from datetime import date, datetime

from domain import facts as f
from domain.accountability import Accountability, in_effect
from domain.directory import Directory, Post
from domain.due import SHANGHAI
from domain.errors import UnknownField


def day_of(moment: datetime) -> date:
    """Return the day of a moment, as people count days."""
    return moment.astimezone(SHANGHAI).date()


def on_day(who: f.Answerable, directory: Directory, day: date) -> f.Answerable:
    """Return who answers by a post on a day; of a post that is not in the directory, as fixed."""
    post = directory.posts.get(who.post)
    return f.Answerable(who.post, post.holder_on(day)) if post else who


def vacant(persons: Iterable[f.Answerable], directory: Directory, moment: datetime) -> bool:
    """Whether one of these posts has no holder at a moment (缺位)."""
    day = day_of(moment)
    return any(on_day(who, directory, day).person is None for who in persons)


def vacant_since(who: f.Answerable, directory: Directory, day: date) -> date | None:
    """Return from which day a post that is vacant has been so; None if nobody ever held it."""
    post = directory.posts.get(who.post)
    if post is None or post.holder_on(day) is not None:
        return None
    ends = [until for _, since, until in post.held if since <= day and until and until <= day]
    return max(ends, default=None)


def standing(now: Accountability, directory: Directory, moment: datetime) -> tuple[str, ...]:
    """Return which of the four stand at a moment; a vacant post does not."""
    leader, responsible = now.leader_at(moment), in_effect(now.responsible, moment)
    found = {
        "leader": leader is not None and not vacant([leader.who], directory, moment),
        "measures": now.measures is not None,
        "deadline": now.deadline is not None,
        "responsibility": responsible is not None
        and not vacant(responsible.persons, directory, moment),
    }
    return tuple(name for name, stands in found.items() if stands)


def find_post(text: str, directory: Directory, pointer: str) -> Post:
    """Find a post by its id, or by its title where only one has it.

    Raises:
        UnknownField: no post, or more than one, answers to it.
    """
    post = directory.posts.get(text)
    if post is not None:
        return post
    called = [post for post in directory.posts.values() if post.title == text]
    if len(called) != 1:
        why = f"有 {len(called)} 个岗位叫这个名称，请填岗位的编号" if called else "不在组织目录中"
        raise UnknownField(field="岗位", detail=f"“{text}”{why}", pointer=pointer)
    return called[0]
