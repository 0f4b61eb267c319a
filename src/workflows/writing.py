"""What one command writes: to the case's own stream, and in the same transaction to others."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from domain.case import Case, blank
from domain.evolve import evolve
from domain.facts import CASE
from domain.world import Draft, Stream
from eventlog.appender import NewEvent
from eventlog.envelope import Envelope, Seals, Tail, enclose, subjects
from eventlog.records import NO_PREVIOUS
from eventlog.streams import stream_id
from workflows.loading import Held


class Part(Struct, frozen=True, gc=False, kw_only=True):
    """What one stream gets; `case` is the case before it, absent for a stream of another sort."""

    case: Case | None
    tail: Tail
    kind: str | None
    drafts: tuple[Draft, ...]

    def after(self, tail: Tail) -> Held | None:
        """Return the case as it then is, with the end of its stream."""
        case = self.case
        if case is None:
            return None
        for draft in self.drafts:
            case = evolve(case, draft.fact, draft.occurred_at)
        return Held(case, tail)


def parts(
    drafts: Sequence[Draft],
    own: Held | Tail,
    others: Mapping[str, Held],
    tails: Mapping[Stream, Tail],
) -> list[Part]:
    """Part what a decision records by streams: first the own, then those that it names.

    `others` are the cases known by id, of any other the stream is new and follows the same kind;
    `tails` are the ends of streams of other sorts.
    """
    case, tail = (own.case, own.tail) if isinstance(own, Held) else (None, own)
    kind = case.kind_hash if case else None
    named = dict.fromkeys(draft.stream for draft in drafts if draft.stream is not None)
    here = tuple(draft for draft in drafts if draft.stream is None)
    found = [Part(case=case, tail=tail, kind=kind, drafts=here)] if here else []
    for stream in named:
        told = tuple(draft for draft in drafts if draft.stream == stream)
        found.append(_part(stream, told, kind, others, tails))
    return found


def _part(
    stream: Stream,
    drafts: tuple[Draft, ...],
    kind: str | None,
    others: Mapping[str, Held],
    tails: Mapping[Stream, Tail],
) -> Part:
    if stream.type != CASE:
        return Part(case=None, tail=tails[stream], kind=None, drafts=drafts)
    held = others.get(stream.id)
    if held is None:
        fresh = Tail(stream.id, CASE, 0, NO_PREVIOUS)
        kind = stream.kind or kind
        return Part(case=blank(stream.id, kind or ""), tail=fresh, kind=kind, drafts=drafts)
    return Part(case=held.case, tail=held.tail, kind=held.case.kind_hash, drafts=drafts)


def elsewhere(drafts: Sequence[Draft], district: str) -> dict[Stream, str]:
    """Return the streams of other sorts than cases that are written to, with their ids."""
    named = {draft.stream for draft in drafts if draft.stream is not None}
    return {
        stream: stream.id or stream_id(district, stream.type)
        for stream in named
        if stream.type != CASE
    }


def secrets(written: Sequence[Part]) -> set[tuple[str, str]]:
    """Return whose keys are needed to seal what is written: (stream, subject)."""
    return {pair for part in written for pair in subjects(part.drafts, part.tail.stream)}


def enclosed(
    written: Sequence[Part], envelope: Envelope, vault: Seals
) -> tuple[tuple[NewEvent, ...], list[Tail]]:
    """Turn what is written into events; returns them and the new end of each stream."""
    events: list[NewEvent] = []
    ends: list[Tail] = []
    for part in written:
        made, end = enclose(part.drafts, part.tail, replace(envelope, kind=part.kind), vault)
        events += made
        ends.append(end)
    return tuple(events), ends
