"""Stream ids: derived from what they stand for, so that the unique key makes intake idempotent."""

from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("7d2c1d4e-0b0e-5c55-9f3a-6d5f0f6a3c11")


def stream_id(district: str, *parts: str) -> str:
    """Return the id of a named stream: a kind, a calendar, the directory, a sourced case.

    The district is its immutable id; the parts are joined by NUL, which no part may contain.
    """
    return str(uuid5(_NAMESPACE, "\0".join((district, *parts))))


def part_of(district: str, case: str, number: int) -> str:
    """Return the id of the n-th case that came out of a case: a part, a finding of a round."""
    return stream_id(district, "part", case, str(number))


def sourced_case(district: str, system: str, source_id: str) -> str:
    """Return the id of the case that another system knows by `source_id`."""
    return stream_id(district, "case", system, source_id)
