"""What a row of a register turns out to be: a case as it was, or a rejection."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that happened to the case on its way; `name` is `accepted` or `dispatched`."""

    name: str
    at: datetime
    unit: str | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as the register has it. Moments are UTC, whole seconds; empty texts are None.

    `digest` is the SHA-256 of everything but `row`, as JSON with sorted keys and no blanks, UTF-8.
    It covers personal texts: keep it only keyed or sealed. For the same reason `repr` leaves
    them out.
    """

    row: int
    source_system: str
    source_id: str
    kind: str
    title: str = field(repr=False)
    description: str | None = field(repr=False)
    reporter: dict[str, str] = field(repr=False)
    category: str | None
    unit: str | None
    location: str | None = field(repr=False)
    occurred_at: datetime
    milestones: tuple[Milestone, ...]
    closed_at: datetime | None
    reply: str | None = field(repr=False)
    outcome: str | None
    data: dict[str, str] = field(repr=False)
    digest: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not taken; `code` is stable, `reason` is for the person who mends it."""

    row: int
    source_id: str
    code: str
    reason: str


def with_digest(case: CaseRow) -> CaseRow:
    """Fill in the digest of the case's content."""
    content = {
        "source": [case.source_system, case.source_id],
        "kind": case.kind,
        "title": case.title,
        "description": case.description,
        "reporter": case.reporter,
        "category": case.category,
        "unit": case.unit,
        "location": case.location,
        "occurred_at": case.occurred_at.isoformat(),
        "milestones": [
            [one.name, one.at.isoformat(), one.unit, one.text] for one in case.milestones
        ],
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "reply": case.reply,
        "outcome": case.outcome,
        "data": case.data,
    }
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return replace(case, digest=hashlib.sha256(written.encode()).hexdigest())


def not_after(case: CaseRow, now: datetime) -> CaseRow:
    """Cut what runs past `now` back to it: a closing dated today, or a clock slightly ahead.

    The digest stays that of the register's own content, so the same file read tomorrow is the
    same content.
    """
    moments = (case.occurred_at, case.closed_at, *(one.at for one in case.milestones))
    if all(moment is None or moment <= now for moment in moments):
        return case
    return replace(
        case,
        occurred_at=min(case.occurred_at, now),
        milestones=tuple(replace(one, at=min(one.at, now)) for one in case.milestones),
        closed_at=min(case.closed_at, now) if case.closed_at else None,
    )
