"""A case as it stands or stood: its stream, folded up to a version or a moment, within scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from msgspec import Struct

from api.access import Asking
from api.shapes import ERASED, CaseDocument, document_fields, state_fields, text_fields
from api.times import query_moment, shown_or_none
from domain.errors import BadInput, NotFound
from domain.facts import CASE, CaseReported, IdentityHidden
from eventlog.reader import read_stream
from eventlog.records import Record
from workflows.history import select
from workflows.loading import folded
from workflows.sight import is_case_id, reads_reporter, visible

REPORTER: Final = "reporter"
"""Whose texts are kept from most when a reporter is hidden."""
CONCEALED: Final = "已隐藏"

Texts = Mapping[tuple[int, str], str | None]


class Moment(Struct, frozen=True, kw_only=True):
    """Which of its facts count: up to a version, true by `as_of`, recorded by `known_at`."""

    version: int | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None

    def choose(self, records: Sequence[Record]) -> list[Record]:
        """Return the facts that count, in version order.

        Raises:
            NotFound: the case did not exist then, or has no such version.
        """
        if self.version is not None and self.version > len(records):
            raise NotFound(what=f"第 {self.version} 版（事项现在是第 {len(records)} 版）")
        chosen = select(records, version=self.version, as_of=self.as_of, known_at=self.known_at)
        if not chosen:
            raise NotFound(what="那时的事项")
        return chosen


# Async, so that it is called on the loop and takes no thread.
async def _asked(
    version: Annotated[
        str | None, Query(pattern=r"^[1-9][0-9]{0,8}$", description="版本：第几条办理记录之后")
    ] = None,
    as_of: Annotated[
        str | None, Query(description="那时实际的情况，按现在所知（RFC 3339）")
    ] = None,
    known_at: Annotated[str | None, Query(description="那时已经记录的情况（RFC 3339）")] = None,
) -> Moment:
    """Return the moment that the parameters of a query ask for.

    Raises:
        BadInput: a version and a moment at once.
        NaiveTime.
    """
    moment = Moment(
        version=int(version) if version else None,
        as_of=query_moment(as_of, "as_of") if as_of is not None else None,
        known_at=query_moment(known_at, "known_at") if known_at is not None else None,
    )
    if moment.version is not None and (moment.as_of or moment.known_at):
        raise BadInput(detail="version 不能与 as_of、known_at 同时使用", pointer="version")
    return moment


AtMoment = Annotated[Moment, Depends(_asked)]
"""What a route declares that shows a case as it is, or as it was at a version or moment."""


def records_of(asking: Asking, case_id: str) -> list[Record]:
    """Return all facts of a case that the caller may see.

    Raises:
        NotFound: no such case, or not in the caller's scope; nobody can tell which.
    """
    records: list[Record] = []
    if is_case_id(case_id):
        with asking.services.database.connection() as connection:
            records = read_stream(connection, case_id)
    if not records or records[0].body.stream_type != CASE:
        raise NotFound(what="事项")
    if not visible(folded(records), asking.actor):
        raise NotFound(what="事项")
    return records


def opened(asking: Asking, records: Sequence[Record]) -> Texts:
    """Return the texts of a case's facts in clear, by position and field; it takes all its facts.

    None for who may not see any; 已隐藏 for those of a reporter who is hidden from the caller.
    """
    texts = asking.services.vault.open_records(records) if asking.sees_texts else {}
    return texts | _hidden(asking, records) if texts else texts


def hides_reporter(asking: Asking, records: Sequence[Record]) -> bool:
    """Whether the reporter of a case is hidden from the caller; it takes all its facts."""
    if not any(isinstance(record.fact, IdentityHidden) for record in records):
        return False
    case = folded(records)
    world = asking.services.engine.world(case, asking.actor, client=asking.client)
    return not reads_reporter(case, asking.actor, world)


def _hidden(asking: Asking, records: Sequence[Record]) -> dict[tuple[int, str], str | None]:
    if not hides_reporter(asking, records):
        return {}
    return {
        (record.position, one.field): CONCEALED
        for record in records
        for one in record.body.sealed
        if one.subject == REPORTER
    }


def texts_of(record: Record, texts: Texts) -> dict[str, str]:
    """Return one fact's texts; 已删除 stands for what was erased."""
    found = ((one.field, texts.get((record.position, one.field))) for one in record.body.sealed)
    return {field: ERASED if text is None else text for field, text in found}


def latest_texts(records: Sequence[Record], texts: Texts) -> dict[str, str]:
    """Return the latest text of each field."""
    latest: dict[str, str] = {}
    for record in records:
        latest |= texts_of(record, texts)
    return latest


def read_document(asking: Asking, records: Sequence[Record], moment: Moment) -> CaseDocument:
    """Return a case as it was at a moment.

    Raises:
        NotFound: it did not exist then.
    """
    chosen = moment.choose(records)
    case, last = folded(chosen), chosen[-1]
    kind = asking.reference.kinds.get(case.kind_hash)
    texts: dict[str, Any] = {}
    if asking.sees_texts:
        texts = text_fields(latest_texts(chosen, opened(asking, records)))
    now = asking.services.engine.now()
    asked = [at for at in (moment.as_of, moment.known_at) if at]
    return CaseDocument(
        **state_fields(case, kind, last.version, max(record.position for record in chosen)),
        **document_fields(case),
        **texts,
        location=_location(chosen),
        as_of=shown_or_none(moment.as_of),
        known_at=shown_or_none(moment.known_at),
        final=all(at < now for at in asked),
    )


def _location(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return where it was reported, as GeoJSON with its reference system."""
    for record in records:
        fact = record.fact
        if isinstance(fact, CaseReported) and fact.location is not None:
            point = fact.location
            coordinates = [point.longitude / 1e7, point.latitude / 1e7]
            return {"type": "Point", "coordinates": coordinates, "crs": point.crs}
    return None
