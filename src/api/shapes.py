"""What answers look like: a case after a command, a case as it is read, a fact."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from api.answers import plain
from api.times import shown, shown_or_none
from domain.case import Case
from domain.clock import Clock
from domain.facts import Unit
from domain.kind import Kind
from eventlog.records import Record

ERASED: Final = "已删除"


class CaseState(Struct, kw_only=True):
    """A case after a command. Only what its facts say: a repeated request gets the same bytes."""

    id: str
    number: str
    kind: str
    stage: str
    stage_title: str
    phase: str
    severity: str | None
    urgency: str | None
    tier: str | None
    category: str | None
    place: str | None
    holder: str | None
    lead: str | None
    outcome: str | None
    cycle: int
    rework: int
    reported_at: str | None
    closed_at: str | None
    due: str | None
    """The earliest due of the clocks that count now, those that stand still left aside."""
    due_clock: str | None
    """The clock that falls due then, as an address names it."""
    version: int
    position: int
    """Where its last fact stands in the district's log."""


class TaskState(Struct, kw_only=True):
    """An assisting task."""

    task: int
    unit: str
    status: str


class ClockState(Struct, kw_only=True):
    """One clock."""

    clock: str
    scope: str
    cycle: int
    sequence: int
    total: bool
    status: str
    budget: str
    cutoff: str
    calendar: str
    calendar_version: str
    started_at: str
    due: str
    provisional: bool
    stopped_at: str | None
    breached_at: str | None


class CaseDocument(CaseState, kw_only=True):
    """A case as it is read; texts only for those who may see them, 已删除 where erased."""

    kind_hash: str
    accepted_by: str | None
    assisting: list[str]
    informed: list[str]
    tasks: list[TaskState]
    clocks: list[ClockState]
    source: dict[str, str] | None
    source_due: str | None
    """By when the reporting system wants it done."""
    location: dict[str, Any] | None
    data: dict[str, Any]
    changed_at: str | None
    as_of: str | None
    known_at: str | None
    final: bool
    """False while a moment asked for has not passed yet."""
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    reply: str | UnsetType | None = UNSET
    reporter: dict[str, str] | UnsetType = UNSET
    texts: dict[str, str] | UnsetType = UNSET
    """Every text, the latest of each field."""


class FactActor(Struct):
    """Who did it: role and permanent ids."""

    role: str
    unit: str | None
    post: str | None
    person: str | None
    on_behalf_of: str | None


class SealedText(Struct):
    """What the record says of a text: enough to verify it, nothing to read."""

    field: str
    subject: str
    key: str
    digest: str
    commitment: str


class FactDocument(Struct, kw_only=True):
    """A fact as it stands in the log."""

    position: int
    version: int
    id: str
    type: str
    occurred_at: str
    recorded_at: str
    actor: FactActor
    data: dict[str, Any]
    sealed: list[SealedText]
    texts: dict[str, str] | UnsetType = UNSET


def state_fields(case: Case, kind: Kind | None, version: int, position: int) -> dict[str, Any]:
    """Return the members of `CaseState`."""
    stage = kind.stages.get(case.stage) if kind else None
    first = _first_due(case)
    return {
        "id": case.id,
        "number": case.number,
        "kind": case.kind,
        "stage": case.stage,
        "stage_title": stage.title if stage else case.stage,
        "phase": case.phase,
        "severity": case.severity,
        "urgency": case.urgency,
        "tier": case.tier,
        "category": case.category,
        "place": _id(case.place),
        "holder": _id(case.holder),
        "lead": _id(case.lead),
        "outcome": case.outcome,
        "cycle": case.cycle,
        "rework": case.rework,
        "reported_at": shown_or_none(case.reported_at),
        "closed_at": shown_or_none(case.closed_at),
        "due": shown(first.due) if first else None,
        "due_clock": _named(first) if first else None,
        "version": version,
        "position": position,
    }


def document_fields(case: Case) -> dict[str, Any]:
    """Return what a case that is read shows beyond its state."""
    return {
        "kind_hash": case.kind_hash,
        "accepted_by": _id(case.accepted_by),
        "assisting": [unit.id for unit in case.assisting],
        "informed": [unit.id for unit in case.informed],
        "tasks": [
            TaskState(task=task.number, unit=task.unit.id, status=task.status)
            for task in case.tasks
        ],
        "clocks": [ClockState(**clock_fields(clock)) for clock in case.clocks],
        "source": {"system": case.source.system, "id": case.source.id} if case.source else None,
        "source_due": shown_or_none(case.source_due),
        "data": plain(case.data),
        "changed_at": shown_or_none(case.changed_at),
    }


def text_fields(texts: Mapping[str, str]) -> dict[str, Any]:
    """Spread the latest texts over the members people ask for."""
    prefix = "reporter."
    return {
        "title": texts.get("title"),
        "description": texts.get("description"),
        "reply": texts.get("reply"),
        "reporter": {
            name.removeprefix(prefix): text
            for name, text in texts.items()
            if name.startswith(prefix)
        },
        "texts": dict(texts),
    }


def fact_document(record: Record, texts: Mapping[str, str] | None = None) -> FactDocument:
    """Return a fact; with its texts where the caller may see them."""
    body = record.body
    who = body.actor
    return FactDocument(
        position=record.position,
        version=body.version,
        id=body.event,
        type=body.type,
        occurred_at=shown(body.occurred_at),
        recorded_at=shown(record.recorded_at),
        actor=FactActor(who.role, who.unit, who.post, who.person, who.on_behalf_of),
        data=plain(body.data),
        sealed=[
            SealedText(one.field, one.subject, one.key, one.digest, one.commitment)
            for one in body.sealed
        ],
        texts=UNSET if texts is None else dict(texts),
    )


def clock_fields(clock: Clock) -> dict[str, Any]:
    """Return the members of `ClockState`."""
    return {
        "clock": clock.name,
        "scope": clock.scope,
        "cycle": clock.cycle,
        "sequence": clock.sequence,
        "total": clock.total,
        "status": clock.status,
        "budget": clock.budget,
        "cutoff": clock.cutoff,
        "calendar": clock.calendar,
        "calendar_version": clock.calendar_version,
        "started_at": shown(clock.started_at),
        "due": shown(clock.due),
        "provisional": clock.provisional,
        "stopped_at": shown_or_none(clock.stopped_at),
        "breached_at": shown_or_none(clock.breached_at),
    }


def _first_due(case: Case) -> Clock | None:
    """Return the clock whose due people see: of source, stage, total, task the earliest (R9)."""
    counting = [clock for clock in case.open_clocks if clock.status == "running"]
    return min(counting, key=_due, default=None)


def _due(clock: Clock) -> datetime:
    return clock.due


def _named(clock: Clock) -> str:
    """Return what finds the clock in an address: of its name, and task, it is the latest."""
    return f"{clock.name}@{clock.scope}" if clock.scope else clock.name


def _id(unit: Unit | None) -> str | None:
    return unit.id if unit else None
