"""From drafts to events: numbered, sealed, encoded, hashed; all of it before any lock is taken."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from domain.actor import Actor
from domain.facts import CaseMigrated, Text
from domain.world import Draft
from eventlog.appender import NewEvent, SealedText
from eventlog.records import PROFILE, Body, Sealed, Who, body_hash, encode, new_id


class Seals(Protocol):
    """What the envelope needs of the vault: keys are there already."""

    def seal(self, stream: str, version: int, text: Text) -> tuple[Sealed, SealedText]:
        """Encrypt one text for one fact."""
        ...


class Envelope(Struct, frozen=True, gc=False, kw_only=True):
    """What all facts of one command share."""

    district: str
    actor: Actor
    client: str
    command: str
    kind: str | None
    reference_position: int
    now: datetime


class Tail(Struct, frozen=True, gc=False):
    """Where a stream ends: its version, and the hash that the next record carries as `prev`."""

    stream: str
    stream_type: str
    version: int
    prev: str


def enclose(
    drafts: Sequence[Draft], tail: Tail, envelope: Envelope, vault: Seals
) -> tuple[tuple[NewEvent, ...], Tail]:
    """Turn drafts into events that continue a stream; returns them and the stream's new end."""
    actor = envelope.actor
    who = Who(actor.role.value, actor.unit, actor.post, actor.person, actor.on_behalf_of)
    events: list[NewEvent] = []
    version, prev = tail.version, tail.prev
    for draft in drafts:
        version += 1
        if isinstance(draft.fact, CaseMigrated):
            # This fact and those after it follow the new version of the kind.
            envelope = replace(envelope, kind=draft.fact.to_hash)
        event = _event(draft, tail, version, prev, envelope, who, vault)
        prev = body_hash(event.body)
        events.append(event)
    return tuple(events), Tail(tail.stream, tail.stream_type, version, prev)


def _event(
    draft: Draft,
    tail: Tail,
    version: int,
    prev: str,
    envelope: Envelope,
    who: Who,
    vault: Seals,
) -> NewEvent:
    fact = draft.fact
    event = new_id(envelope.now)
    sealed = [vault.seal(tail.stream, version, text) for text in draft.texts]
    body = Body(
        profile=PROFILE,
        district=envelope.district,
        stream_type=tail.stream_type,
        stream=tail.stream,
        version=version,
        event=event,
        command=envelope.command,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        occurred_at=draft.occurred_at,
        actor=who,
        client=envelope.client,
        kind=envelope.kind,
        reference_position=envelope.reference_position,
        data=fact,
        sealed=tuple(public for public, _ in sealed),
        prev=prev,
    )
    return NewEvent(
        stream=tail.stream,
        version=version,
        event=event,
        stream_type=tail.stream_type,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        occurred_at=draft.occurred_at,
        body=encode(body),
        sealed=tuple(secret for _, secret in sealed),
    )


def subjects(drafts: Iterable[Draft], stream: str) -> set[tuple[str, str]]:
    """Return whose keys are needed to seal the texts of drafts: (stream, subject)."""
    return {(stream, text.subject) for draft in drafts for text in draft.texts}
