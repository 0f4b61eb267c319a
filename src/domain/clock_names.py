"""How one clock of a case is written down, for a command line and for an address.

`handling` is the latest instance of that name; `handling.1.2` the second of the first cycle;
`assist@task:2` and `assist.1.1@task:2` belong to a task. Nothing of it needs escaping in a path.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from domain.clock import Clock, Instance
from domain.errors import NotFound

_NAME = re.compile(
    r"(?P<name>[^.@]+)(\.(?P<cycle>\d{1,6})\.(?P<sequence>\d{1,6}))?(@(?P<scope>.+))?"
)


class ClockName(Struct, frozen=True):
    """What somebody asks for; without numbers the latest instance is meant."""

    name: str
    scope: str = ""
    numbers: tuple[int, int] | None = None
    """Cycle and sequence."""


def clock_text(instance: Instance) -> str:
    """Write an instance in full, as `parse_clock` reads it."""
    name, scope, cycle, sequence = instance
    return f"{name}.{cycle}.{sequence}" + (f"@{scope}" if scope else "")


def parse_clock(text: str) -> ClockName:
    """Read the name of a clock.

    Raises:
        NotFound: no clock can be called this.
    """
    parts = _NAME.fullmatch(text)
    if parts is None:
        raise NotFound(what=f"时限“{text}”")
    numbers = (int(parts["cycle"]), int(parts["sequence"])) if parts["cycle"] else None
    return ClockName(parts["name"], parts["scope"] or "", numbers)


def find_clock(clocks: Sequence[Clock], text: str) -> Clock:
    """Return the clock that is meant, of those a case has.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    wanted = parse_clock(text)
    for clock in reversed(clocks):
        if (clock.name, clock.scope) == (wanted.name, wanted.scope) and wanted.numbers in {
            None,
            (clock.cycle, clock.sequence),
        }:
            return clock
    known = "、".join(clock_text(clock.instance) for clock in clocks) or "没有时限"
    raise NotFound(what=f"时限“{text}”（本事项有：{known}）")
