"""Invented notices and calendars: nobody has announced 2027 when this was written."""

from datetime import date, timedelta
from typing import Any

NEW_YEAR = ("2027-01-01", "2027-01-03")
SPRING = ("2027-02-05", "2027-02-12")
WORKED = ("2027-01-31", "2027-02-14")
"""Two Sundays, worked for it."""


def notice(year: int = 2027, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - what a file holds
    """Return an invented notice, in the shape that real ones have."""
    days = [
        *(day("元旦", one) for one in between(*NEW_YEAR)),
        *(day("春节", one) for one in between(*SPRING)),
        *(day("春节", one, off=False) for one in WORKED),
    ]
    return {"year": year, "papers": ["https://www.gov.cn/2026/invented"], "days": days} | changed


def day(name: str, text: str, *, off: bool = True) -> dict[str, Any]:
    """Return a day as a notice has it."""
    return {"name": name, "date": text, "isOffDay": off}


def between(first: str, last: str) -> list[str]:
    """Return the days from one to another."""
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    return [str(begins + timedelta(days)) for days in range((ends - begins).days + 1)]


def document(name: str = "community-hall", **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a calendar of one's own: every day of 2026 and 2027 is worked, until late."""
    years = {
        str(year): {
            "sources": ["街道办公室通知"],
            "holidays": {},
            "workdays": {"无双休日": f"{year}-01-01/{year}-12-31"},
        }
        for year in (2026, 2027)
    }
    return {
        "name": name,
        "title": "无双休日",
        "hours": ["09:00-12:00", "14:00-18:30"],
        "covered": {"from": "2026-01-01", "to": "2027-12-31"},
        "years": years,
    } | changed
