"""How much time a limit gives, and in which unit (clocks.md R2)."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from domain.errors import BadInput

_MINUTES = 60
_HOUR = 3600
_BUDGET = re.compile(r"(-?\d{1,6})(wh|wd|nh|nd|month|wm|nm)", re.ASCII)


class BareDuration(BadInput):
    """时限“{text}”没有写明怎样计时。请写整数加单位：4wh（工作时）、15wd（工作日）、24nh（自然时）、10nd（自然日）、3month（月）；分钟写 181wm 或 181nm。"""  # noqa: E501 # the docstring is the message: one line

    code = "bare-duration"


class ZeroBudget(BadInput):
    """时限“{text}”不大于零。请填写至少为 1 的时限。"""

    code = "zero-budget"


class UnitMismatch(BadInput):
    """延期“{extension}”与时限“{budget}”的计时单位不同。请用同一单位延期。"""

    code = "unit-mismatch"


class Unit(StrEnum):
    """What a budget counts (clocks.md R2)."""

    wh = "wh"
    """Working hours 工作时."""
    wd = "wd"
    """Working days 工作日."""
    nh = "nh"
    """Natural hours 自然时(紧急工作时), around the clock."""
    nd = "nd"
    """Natural days 自然日."""
    month = "month"
    """Natural months 月: to the same day number, else the last day of the month."""


class Cutoff(StrEnum):
    """At which second its last day ends, for budgets in days or months."""

    close_of_business = "close_of_business"
    end_of_day = "end_of_day"
    """23:59:59, the last whole second (Civil Code arts. 201, 203)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many of a unit, and for hours perhaps some minutes: 3 wh and 1 minute is `181wm`.

    Raises ZeroBudget unless there is something to use up, and UnitMismatch for minutes of days.
    """

    amount: int
    unit: Unit
    minutes: int = 0
    size: int = field(init=False, repr=False, compare=False)
    """What must be consumed: seconds for wh and nh, days for wd and nd, months for month."""

    def __post_init__(self) -> None:
        in_hours = self.unit in {Unit.wh, Unit.nh}
        if self.minutes and not in_hours:
            raise UnitMismatch(extension=f"{self.minutes} min", budget=f"{self.amount}{self.unit}")
        size = self.amount * _HOUR + self.minutes * _MINUTES if in_hours else self.amount
        if size <= 0:
            raise ZeroBudget(text=str(self))
        object.__setattr__(self, "size", size)  # frozen: only while being made

    def __str__(self) -> str:
        """Write the budget as `parse_budget` reads it."""
        if self.minutes:
            return f"{self.amount * _MINUTES + self.minutes}{self.unit[0]}m"
        return f"{self.amount}{self.unit}"


@lru_cache(maxsize=1024)  # a district knows few budgets, and each clock is read again and again
def parse_budget(text: str) -> Budget:
    """Read `4wh`, `15wd`, `24nh`, `10nd`, `3month`, or minutes: `181wm` (of wh), `181nm` (of nh).

    Whole numbers of up to six digits only: a fraction of an hour is written in minutes. Raises
    BareDuration for anything else ("3", "3天", "1.5wh"), ZeroBudget for nothing or less.
    """
    parts = _BUDGET.fullmatch(text)
    if parts is None:
        raise BareDuration(text=text)
    amount, word = int(parts[1]), parts[2]
    if amount <= 0:
        raise ZeroBudget(text=text)
    if word.endswith("m"):
        hours, minutes = divmod(amount, _MINUTES)
        return Budget(hours, Unit(f"{word[0]}h"), minutes)
    return Budget(amount, Unit(word))
