"""Times at the door: in, RFC 3339 with an offset and nothing else; out, +08:00 in whole seconds."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from domain.errors import BadInput, NaiveTime

BEIJING: Final = timezone(timedelta(hours=8))
EARLIEST: Final = 1900
LATEST: Final = 2200
"""Years that a register can mean; beyond them arithmetic with offsets overflows."""
_HOUR: Final = r"(?:[01][0-9]|2[0-3])"
# No second 60: a leap second has no place in the calendar's arithmetic.
_RFC3339: Final = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_HOUR}:[0-5][0-9]:[0-5][0-9]"
    rf"(?:\.[0-9]+)?(?:[Zz]|[+-]{_HOUR}:[0-5][0-9])"
)
_FRACTION: Final = re.compile(r"\.[0-9]+")
_LOST_PLUS: Final = re.compile(r" ([0-9]{2}:[0-9]{2})$")


def moment(value: object, pointer: str) -> datetime:
    """Return a time that was sent, in UTC; fractions of a second are cut.

    Raises:
        NaiveTime: it is no text, has no offset, or is no RFC 3339 time.
        BadInput: its year is out of range.
    """
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise NaiveTime(value=value, pointer=pointer)
    try:
        at = datetime.fromisoformat(_FRACTION.sub("", value.upper()))
    except ValueError:
        raise NaiveTime(value=value, pointer=pointer) from None
    if not EARLIEST <= at.year <= LATEST:
        detail = f"时间的年份应在 {EARLIEST} 至 {LATEST} 之间"
        raise BadInput(detail=detail, pointer=pointer)
    return at.astimezone(UTC)


def query_moment(text: str, name: str) -> datetime:
    """Return a time of a query, where an unencoded + arrives as a space. Raises as `moment`."""
    return moment(with_plus(text), name)


def with_plus(text: str) -> str:
    """Give a time of a query back the + that decoding took from it."""
    return _LOST_PLUS.sub(r"+\1", text)


def shown(at: datetime) -> str:
    """Return a moment as answers carry it."""
    return at.astimezone(BEIJING).replace(microsecond=0).isoformat()


def shown_or_none(at: datetime | None) -> str | None:
    """Return a moment as answers carry it, if there is one."""
    return shown(at) if at else None
