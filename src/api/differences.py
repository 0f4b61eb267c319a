"""What changed in a case between two versions or moments, and by whom."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, to_builtins

from api.access import Asking
from api.past import Moment, Texts, latest_texts, opened
from api.shapes import (
    FactActor,
    FactDocument,
    document_fields,
    fact_document,
    state_fields,
)
from api.times import query_moment, shown
from eventlog.records import Record
from workflows.loading import folded

_NOT_COMPARED: Final = frozenset({"version", "position", "changed_at", "id"})


class Change(Struct, kw_only=True):
    """One field that differs; `by` is the fact that changed it last on the way."""

    field: str
    before: Any
    after: Any
    by: "Changer | None"


class Changer(Struct, kw_only=True):
    """Who changed a field, with which fact."""

    version: int
    type: str
    occurred_at: str
    recorded_at: str
    actor: FactActor


class CaseDifference(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    """Two states of a case, the fields that differ, the facts that lie between."""

    since: int
    until: int
    changes: list[Change]
    facts: list[FactDocument]


def point_of(text: str, name: str) -> Moment:
    """Read a version, or a moment as of which is meant.

    Raises:
        NaiveTime: neither.
    """
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - digits of an int4
        return Moment(version=int(text))
    return Moment(as_of=query_moment(text, name))


def compare(
    asking: Asking, records: Sequence[Record], since: Moment, until: Moment
) -> CaseDifference:
    """Compare a case at two points.

    Raises:
        NotFound: it did not exist at one of them.
    """
    before, after = since.choose(records), until.choose(records)
    texts = opened(asking, records)
    old, new = _fields(before, texts, asking), _fields(after, texts, asking)
    known = {record.version for record in before}
    between = [record for record in after if record.version not in known]
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    changers = _changers(after, known, texts, asking)
    return CaseDifference(
        since=before[-1].version,
        until=after[-1].version,
        changes=[
            Change(field=name, before=old.get(name), after=new.get(name), by=changers.get(name))
            for name in names
        ],
        facts=[fact_document(record) for record in between],
    )


def _fields(records: Sequence[Record], texts: Texts, asking: Asking) -> dict[str, Any]:
    """Return what is compared: the members people see, and each text by its name."""
    case = folded(records)
    kind = asking.reference.kinds.get(case.kind_hash)
    shown_members = {**state_fields(case, kind, 0, 0), **document_fields(case)}
    fields: dict[str, Any] = {
        name: to_builtins(value)
        for name, value in shown_members.items()
        if name not in _NOT_COMPARED
    }
    if asking.sees_texts:
        latest = latest_texts(records, texts)
        fields |= {f"texts.{name}": text for name, text in latest.items()}
    return fields


def _changers(
    records: Sequence[Record], known: set[int], texts: Texts, asking: Asking
) -> dict[str, Changer]:
    """Fold fact by fact, and note for each field the last one that changed it."""
    changers: dict[str, Changer] = {}
    fields: dict[str, Any] = {}
    for number, record in enumerate(records, start=1):
        following = _fields(records[:number], texts, asking)
        if record.version not in known:
            for name, value in following.items():
                if fields.get(name) != value:
                    changers[name] = _changer(record)
        fields = following
    return changers


def _changer(record: Record) -> Changer:
    who = record.body.actor
    return Changer(
        version=record.version,
        type=record.body.type,
        occurred_at=shown(record.occurred_at),
        recorded_at=shown(record.recorded_at),
        actor=FactActor(who.role, who.unit, who.post, who.person, who.on_behalf_of),
    )
