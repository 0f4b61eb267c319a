"""The rule of concerns (民情规则) as data: what counts as recurring, chronic, widespread, alike.

Everything that is wrong is told at once, with its line and how to mend it, in Chinese.
"""

import re
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, cast

from msgspec import Struct

from domain.directory import LEVELS
from eventlog.written import BadDefinition, read
from projections.reading import Reader

MEMBERS: Final = "rule、level、recurring、chronic、widespread、likeness…"
MOST_SHOWN: Final = 100
MOST_DAYS: Final = 3660
_HEAD: Final = {
    "name": re.compile(r"[a-z][a-z0-9-]{0,62}"),
    "version": re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}"),
    "title": re.compile(r"\S.{0,99}"),
}
_SHARE: Final = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")
_WORD: Final = re.compile(r"[a-z][a-z_]{0,62}")
_NUMBERS: Final = {
    "recurring": ("cases", "days"),
    "chronic": ("cases", "open_days", "again"),
    "widespread": ("days", "units"),
    "likeness": ("words", "cases"),
}
"""The whole numbers of each part, all at least 1."""
_SHARED: Final = ("widespread", "likeness")
"""Which parts have a `share`."""


class BadConcernRule(BadDefinition):
    """民情规则有误：{problems}。请照提示改正。"""

    code = "bad-concern-rule"


class Recurring(Struct, frozen=True):
    """重复出现: so many cases of a category at a place within so many days."""

    cases: int
    days: int


class Chronic(Struct, frozen=True):
    """长时间得不到解决: so many open cases that are old, were done again so often, or overdue."""

    cases: int
    open_days: int
    again: int
    """Reopenings and reworks together."""


class Widespread(Struct, frozen=True):
    """都会存在: a category in this share of the units of the level, and in so many at least."""

    days: int
    units: int
    share: Fraction


class Likeness(Struct, frozen=True):
    """Texts say the same if they share so much of the shorter one's pairs of characters."""

    words: int
    cases: int
    share: Fraction


class Rule(Struct, frozen=True, kw_only=True):
    """A version of the rule."""

    name: str
    version: str
    title: str
    level: str
    """Cases of one unit of this level are in one place."""
    leave_out: tuple[str, ...]
    """Outcomes of cases that do not count."""
    shown: int
    """How many cases a finding names, the latest first."""
    recurring: Recurring
    chronic: Chronic
    widespread: Widespread
    likeness: Likeness

    @property
    def label(self) -> str:
        """How findings call it: `concerns@1.0.0`."""
        return f"{self.name}@{self.version}"


@cache
def shipped_rule() -> Rule:
    """Return the rule that comes with the program."""
    return read_rule((files("projections") / "concerns" / "rule.yaml").read_text("utf-8"))


@lru_cache(maxsize=16)
def read_rule(text: str) -> Rule:
    """Read and check a rule.

    Raises:
        BadConcernRule: with every problem found, each with its line and path.
    """
    written = read(text, "民情规则", MEMBERS)
    reader = _Reader(written)
    rule = reader.rule() if written.data or not reader.problems else None
    if rule is None or reader.problems:
        raise BadConcernRule(reader.problems)
    return rule


class _Reader(Reader):
    """Reads one rule."""

    def rule(self) -> Rule | None:
        data = self.data
        known = ("rule", "level", "leave_out", "shown", *_NUMBERS)
        self._known("", data, known)
        head = self._mapping("rule", data.get("rule"), tuple(_HEAD))
        parts = {name: self._part(name) for name in _NUMBERS}
        found: dict[str, Any] = {
            **{
                name: self._text(f"rule.{name}", head.get(name), form)
                for name, form in _HEAD.items()
            },
            "level": self._level(data.get("level")),
            "leave_out": self._words("leave_out", data.get("leave_out", [])),
            "shown": self._number("shown", data.get("shown", 20), MOST_SHOWN),
        }
        if self.problems:
            return None
        return Rule(
            **found,
            recurring=Recurring(**parts["recurring"]),
            chronic=Chronic(**parts["chronic"]),
            widespread=Widespread(**parts["widespread"]),
            likeness=Likeness(**parts["likeness"]),
        )

    def _part(self, name: str) -> dict[str, Any]:
        numbers, shares = _NUMBERS[name], ("share",) if name in _SHARED else ()
        data = self._mapping(name, self.data.get(name), (*numbers, *shares))
        if not data:
            return {}
        found: dict[str, Any] = {
            one: self._number(f"{name}.{one}", data.get(one), MOST_DAYS) for one in numbers
        }
        return found | {one: self._share(f"{name}.{one}", data.get(one)) for one in shares}

    def _number(self, path: str, written: object, most: int) -> int:
        if type(written) is int and 1 <= written <= most:
            return written
        self._wrong(path, f"须为 1 至 {most} 的整数")
        return 1

    def _share(self, path: str, written: object) -> Fraction:
        found = _SHARE.fullmatch(written) if isinstance(written, str) else None
        if found and int(found[1]) <= int(found[2]):
            return Fraction(int(found[1]), int(found[2]))
        self._wrong(path, '须为加引号的分数，大于 0、不大于 1，如 "1/2"')
        return Fraction(1)

    def _level(self, written: object) -> str:
        if isinstance(written, str) and written in LEVELS:
            return written
        self._wrong("level", f"须为单元的层级；可用：{'、'.join(LEVELS)}")
        return ""

    def _words(self, path: str, written: object) -> tuple[str, ...]:
        listed = cast("list[object]", written) if isinstance(written, list) else [None]
        if all(isinstance(one, str) and _WORD.fullmatch(one) for one in listed):
            return tuple(map(str, listed))
        self._wrong(path, "须为办理结果的列表，如 [voided]")
        return ()

    def _text(self, path: str, written: object, form: re.Pattern[str]) -> str:
        if isinstance(written, str) and form.fullmatch(written):
            return written
        self._wrong(path, "缺少这一项" if written is None else "写法有误；须合 " + form.pattern)
        return ""
