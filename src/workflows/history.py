"""A case as it stood: at a version, at a moment, or as the log knew it; and what changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from domain.case import Case
from domain.errors import NotFound
from eventlog.records import Record
from workflows.loading import folded


class Change(Struct, frozen=True):
    """One field that differs between two states of a case."""

    field: str
    before: Any
    after: Any


def select(
    records: Sequence[Record],
    *,
    version: int | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[Record]:
    """Return the records that count: up to a version, occurred by, recorded by.

    `as_of` and `known_at` may be combined: what was true then, as known then.
    """
    return [
        record
        for record in records
        if (version is None or record.version <= version)
        and (as_of is None or record.occurred_at <= as_of)
        and (known_at is None or record.recorded_at <= known_at)
    ]


def state(records: Sequence[Record]) -> Case:
    """Fold the records of one case, in version order.

    Raises:
        NotFound: there are none, so the case did not exist then.
    """
    if not records:
        raise NotFound(what="该时刻的事项")
    return folded(records)


def difference(before: Case | None, after: Case) -> list[Change]:
    """Return the fields that differ, in the order of the case's definition."""
    old: dict[str, Any] = msgspec.to_builtins(before) if before else {}
    new: dict[str, Any] = msgspec.to_builtins(after)
    return [
        Change(name, old.get(name), value) for name, value in new.items() if old.get(name) != value
    ]
