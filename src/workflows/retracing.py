"""From a case's records back to the commands that made them, as far as the facts still say it.

Sealed texts are not opened: a placeholder stands for each. What a form asked for and no fact kept
is left out, and then the action is perhaps refused; whoever retraces compares with the kind that
the case really followed, and so can tell.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, cast

from msgspec import Struct

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Act, Report, Settle
from domain.kind import SEALED, FormField, Kind
from eventlog.records import Record

PLACEHOLDER: Final = "（原文已加密）"
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "reason_code": ("reason",),
    "to": ("receiver",),
    "departments": ("unit",),
    "leader": ("post",),
    "effective_at": ("since",),
}
"""Fields of forms that facts keep under another name."""


class Deed(Struct, frozen=True, kw_only=True):
    """What somebody did, or time did, at a moment: enough to ask for it again."""

    actor: Actor
    client: str
    now: datetime
    occurred_at: datetime | None
    action: str
    """`report`, the name of an action, or empty: time went on."""
    facts: tuple[f.CaseFact, ...] = ()
    sealed: tuple[str, ...] = ()
    """Names of the texts that came along."""


def deeds(records: Sequence[Record]) -> list[Deed]:
    """Return what happened to a case, command by command and action by action."""
    found: list[Deed] = []
    for _, group in groupby(records, key=lambda one: one.body.command):
        told = list(group)
        steps = list(_steps(told))
        found += steps or [_passing(told)]
    return found


def _steps(records: Sequence[Record]) -> Iterator[Deed]:
    own = [one for one in records if isinstance(one.fact, f.CaseFact) and _told(one.fact)]
    for (action, at), group in groupby(own, key=_step_of):
        step = list(group)
        facts = tuple(one.fact for one in step if isinstance(one.fact, f.CaseFact))
        sealed = tuple(text.field for one in step for text in one.body.sealed)
        now = step[0].recorded_at.replace(microsecond=0)
        yield Deed(
            actor=_actor(step[0]),
            client=step[0].body.client,
            now=now,
            occurred_at=at if at != now else None,
            action=action,
            facts=facts,
            sealed=sealed,
        )


def _told(fact: f.CaseFact) -> bool:
    """Whether somebody asked for it; the rest follows by itself, or from elsewhere."""
    return not isinstance(fact, (f.CaseMigrated, f.CaseCorrected))


def _step_of(record: Record) -> tuple[str, datetime]:
    fact = record.fact
    return (fact.action if isinstance(fact, f.CaseFact) else "", record.occurred_at)


def _passing(records: Sequence[Record]) -> Deed:
    first = records[0]
    now = first.recorded_at.replace(microsecond=0)
    actor = Actor(role=Role.TIMER)
    return Deed(actor=actor, client=first.body.client, now=now, occurred_at=None, action="")


def _actor(record: Record) -> Actor:
    who = record.body.actor
    return Actor(
        role=Role(who.role),
        unit=who.unit,
        post=who.post,
        person=who.person,
        on_behalf_of=who.on_behalf_of,
    )


def command_of(deed: Deed, kind: Kind) -> Report | Act | Settle:
    """Return the command that asks a kind for the same again."""
    if not deed.action:
        return Settle()
    first = deed.facts[0]
    if isinstance(first, f.CaseReported):
        return Report(
            kind=kind.name,
            title=PLACEHOLDER,
            description=PLACEHOLDER if "description" in deed.sealed else None,
            category=first.category,
            unit=first.place.id if first.place else None,
            location=first.location,
            source=first.source,
            content=first.content,
            data=_data(kind.report.form, deed, first.data),
            occurred_at=deed.occurred_at,
            due=first.source_due,
        )
    action = kind.actions.get(deed.action)
    data = _data(action.form, deed, {}) if action else {}
    if action is not None and action.decide is not None:
        data = {name: value for name, value in data.items() if name not in _decided(deed)}
    return Act(action=deed.action, data=data, occurred_at=deed.occurred_at)


def _decided(deed: Deed) -> set[str]:
    """Return what a table had chosen, and nobody otherwise: a table decides it again."""
    return {
        name
        for fact in deed.facts
        if isinstance(fact, f.DecisionMade) and not fact.overridden
        for name in fact.outputs
    }


def _data(form: Sequence[FormField], deed: Deed, known: dict[str, Any]) -> dict[str, Any]:
    values = dict(known)
    for fact in deed.facts:
        if isinstance(fact, f.DataRecorded):
            values |= fact.data
    found = {field.name: _value(field, deed, values) for field in form}
    return {name: value for name, value in found.items() if value is not None}


def _value(field: FormField, deed: Deed, known: dict[str, Any]) -> object:
    if field.type in SEALED:
        return _text(field, deed)
    if field.name in known:
        return known[field.name]
    for name in (field.name, *ALIASES.get(field.name, ())):
        kept = [getattr(fact, name) for fact in deed.facts if name in fact.__struct_fields__]
        kept = [one for one in kept if one is not None]
        if kept:
            listed = field.type in {"units", "codes"} and not _many(kept[0])
            return _plain(tuple(kept) if listed else kept[0])
    return None


def _many(value: object) -> bool:
    return isinstance(value, tuple)


def _text(field: FormField, deed: Deed) -> object:
    count = sum(name == field.name or name.startswith(f"{field.name}.") for name in deed.sealed)
    if not count:
        # What a file stood for, or what the other kind asks for: nobody would be stopped by it.
        return PLACEHOLDER if field.or_attachment else None
    return [PLACEHOLDER] * count if field.type == "texts" else PLACEHOLDER


def _plain(value: object) -> object:
    """Return a value as a form takes it."""
    match value:
        case f.Unit():
            return value.id
        case tuple():
            return [_plain(one) for one in cast("tuple[object, ...]", value)]
        case datetime() | date():
            return value.isoformat()
        case _:
            return value
