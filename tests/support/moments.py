"""Moments as people in the district write them, and pauses between them."""

from datetime import datetime

from domain.due import SHANGHAI, Pause


def at(text: str) -> datetime:
    """Read a moment on the wall clock of Asia/Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def local(moment: datetime) -> str:
    """Write a moment on the wall clock of Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def pauses(*ends: str) -> list[Pause]:
    """Read pauses: from, until, from, until…."""
    return [(at(a), at(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
