"""What both shipped ledgers fold of a case: the case itself, how it ended, and who may see it."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.case import Case, blank, evolve
from eventlog.records import Record

TITLE: Final = "title"
"""The sealed field that names a case."""

HANDLED_ON_THE_SPOT: Final = "handled-on-the-spot"
NOT_ACCEPTED: Final = "not-accepted"
WITHDRAWN: Final = "withdrawn"


class Seen(Struct, frozen=True, kw_only=True):
    """A case as a ledger sees it."""

    case: Case
    version: int = 0
    ended_at: datetime | None = None
    outcome: str | None = None
    visible_to: tuple[str, ...] = ()
    """Every unit in whose scope the case lies, in order."""
    title: int | None = None
    """The position of the fact that carries the latest title."""


def unseen(case_id: str) -> Seen:
    """Return a case before its first fact."""
    return Seen(case=blank(case_id, ""))


def see(seen: Seen, record: Record) -> Seen:
    """Take in one more fact of the case."""
    body = record.body
    before, fact = seen.case, body.data
    case = evolve(before, fact, body.occurred_at)
    if body.kind is not None and body.kind != case.kind_hash:
        case = replace(case, kind_hash=body.kind)
    if case.data:  # what the kind adds is not for ledgers in code
        case = replace(case, data={})
    ended_at, outcome = _ending(seen, fact, body.occurred_at)
    return Seen(
        case=case,
        version=body.version,
        ended_at=ended_at,
        outcome=outcome,
        visible_to=seen.visible_to if _same_units(before, case) else tuple(sorted(case.units)),
        title=record.position if _carries_title(record) else seen.title,
    )


def _ending(seen: Seen, fact: f.Fact, occurred_at: datetime) -> tuple[datetime | None, str | None]:
    match fact:
        case f.CaseClosed():
            return occurred_at, fact.outcome
        case f.CaseHandledOnTheSpot():
            return occurred_at, HANDLED_ON_THE_SPOT
        case f.CaseNotAccepted():
            return occurred_at, NOT_ACCEPTED
        case f.CaseWithdrawn():
            return occurred_at, WITHDRAWN
        case f.CaseReopened():
            return None, None
        case _:
            return seen.ended_at, seen.outcome


def _carries_title(record: Record) -> bool:
    return any(text.field == TITLE for text in record.body.sealed)


def _same_units(before: Case, after: Case) -> bool:
    return (
        before.holder == after.holder
        and before.place == after.place
        and before.lead == after.lead
        and before.accepted_by == after.accepted_by
        and before.assisting == after.assisting
        and before.informed == after.informed
        and before.tasks == after.tasks
    )
