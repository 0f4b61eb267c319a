"""The working calendars that ship with Bihuan, as data; today the official one, `cn-office`.

- `cn-office.json`: the State Council's holidays and make-up workdays 2007–2026, office hours
  09:00–12:00 and 14:00–18:00.
"""

import json
from functools import cache
from importlib.resources import files

from domain.calendar import Calendar, calendar_from_document
from domain.errors import UnknownCalendar

SHIPPED = ("cn-office",)


def shipped() -> dict[str, dict[str, object]]:
    """Return every shipped calendar's document by name."""
    return {name: _document(name) for name in SHIPPED}


@cache
def load_shipped(name: str) -> Calendar:
    """Return a shipped calendar, ready to count with. Raises UnknownCalendar."""
    if name not in SHIPPED:
        raise UnknownCalendar(calendar=name, known="、".join(SHIPPED))
    return calendar_from_document(_document(name))


def _document(name: str) -> dict[str, object]:
    text = files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, object] = json.loads(text)
    return document
