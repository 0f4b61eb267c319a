"""Bitemporal rows: how the facts of a case turn into rows with two histories; pure.

A row holds from `valid_from` to `valid_to` (when it was true) and stands from `position_from` to
`position_to` (what the ledger showed). docs/decisions/0002-bitemporal-rows.md has the reasons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from domain.facts import CASE, Fact
from eventlog.records import Followed
from projections.counts import Tally

NEVER: Final = 2**63 - 1
"""The position at which nothing has happened yet."""

S = TypeVar("S", bound=Struct)
R = TypeVar("R", bound=Struct)


@dataclass(frozen=True, kw_only=True)
class Shape(Generic[S, R]):
    """What a ledger keeps: a state a case, folded from its facts, and the rows that show it.

    `fold` and `show` depend on what they are given alone; `fold` may change the state and return
    it. `show` never drops a row that it has once shown, and returns the rows by a key that is
    unique within the case. A fold tolerates absent predecessors. A case whose state is still blank
    is none of the ledger's, and nothing of it is stored.
    """

    name: str
    version: int
    stream: str = CASE
    """The type of the streams whose facts it folds; a "case" below is one of these streams."""
    facts: frozenset[type[Fact]] | None = None
    """The facts that it folds; None for every one. What it never sees costs it nothing."""
    heeds: Callable[[Fact], bool] | None = None
    """Which of these facts; None for all of them."""
    state: type[S]
    row: type[R]
    blank: Callable[[str], S]
    fold: Callable[[S, Followed], S]
    show: Callable[[S, Mapping[str, R]], Mapping[str, R]]
    tally: Tally[R] | None = None
    """What of its rows is counted for dashboards."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the value columns, in the order of the table."""
        return self.row.__struct_fields__

    def concerns(self, record: Followed) -> bool:
        """Say whether it folds this fact."""
        fact = record.body.data
        if self.stream != fact.STREAM or not (self.facts is None or type(fact) in self.facts):
            return False
        return self.heeds is None or self.heeds(fact)


class Span(Struct, frozen=True, array_like=True):
    """Since when the current row holds, and since which position the ledger shows it."""

    valid_from: datetime
    position: int


class Kept(Struct, Generic[S], frozen=True, array_like=True):
    """What is stored of a case between two batches."""

    state: S
    latest: datetime
    spans: dict[str, Span]


class Past(Struct, Generic[R]):
    """A row that is not, or no longer, the current one."""

    key: str
    row: R
    valid_from: datetime
    valid_to: datetime | None
    """None: it was taken back before it ended."""
    ended: int
    """The position at which `valid_to` became known."""
    position_from: int
    position_to: int


class Taken(Struct, frozen=True):
    """A stored past row that turned out wrong at a position."""

    key: str
    valid_from: datetime
    position: int


class Line(Generic[S, R]):
    """One case during one batch: its state, its current rows, and what must be written."""

    def __init__(self, shape: Shape[S, R], case_id: str, kept: Kept[S] | None) -> None:
        """Start from what was stored, or from nothing."""
        self.case_id = case_id
        self.past: list[Past[R]] = []
        self.taken: list[Taken] = []
        self.stream: Sequence[Followed] = ()
        self.ordered = True
        """Whether all facts of the batch are in order; if not, `stream` is the whole stream."""
        self._shape = shape
        self.state: S = kept.state if kept else shape.blank(case_id)
        self.latest: datetime | None = kept.latest if kept else None
        self.spans: dict[str, Span] = dict(kept.spans) if kept else {}
        self.stored: dict[str, Span] = dict(self.spans)
        self.rows: Mapping[str, R] = shape.show(self.state, {}) if kept else {}
        self.shown: Final = self.rows
        """The rows as the batch found them."""

    def is_late(self, records: Sequence[Followed]) -> bool:
        """Say whether any of these facts is older than one before it."""
        latest = self.latest
        for record in records:
            occurred_at = record.body.occurred_at
            if latest is not None and occurred_at < latest:
                return True
            latest = occurred_at
        return False

    def apply(self, records: Sequence[Followed]) -> None:
        """Take in the case's facts of a batch, request by request."""
        start, count = 0, len(records)
        while start < count:
            stamp, stop = records[start].stamp, start + 1
            while stop < count and records[stop].stamp == stamp:
                stop += 1
            request = records[start:stop]
            if not self.ordered and self.is_late(request):
                self._refold(request)
            else:
                self._go_on(request)
            start = stop

    @property
    def worth_keeping(self) -> bool:
        """Whether the case is one of the ledger's."""
        return self.latest is not None

    def kept(self) -> Kept[S]:
        """Return what the next batch needs to know."""
        if self.latest is None:
            raise ValueError(self.case_id)
        return Kept(self.state, self.latest, self.spans)

    def changed(self) -> list[str]:
        """Name the rows whose current version must be written."""
        return [key for key, span in self.spans.items() if self.stored.get(key) is not span]

    def _go_on(self, request: Sequence[Followed]) -> None:
        """Fold facts that are no older than the case: the usual way."""
        position, last, fold = request[-1].position, len(request) - 1, self._shape.fold
        for index, record in enumerate(request):
            self.state = fold(self.state, record)
            if self.latest is None and self.state == self._shape.blank(self.case_id):
                continue
            occurred_at = record.body.occurred_at
            if index == last or request[index + 1].body.occurred_at != occurred_at:
                self._turn(occurred_at, position)
                self.latest = occurred_at

    def _turn(self, at: datetime, position: int) -> None:
        """Close the rows that changed at this moment and open their successors."""
        rows = self._shape.show(self.state, self.rows)
        for key, row in rows.items():
            before = self.rows.get(key)
            if before is row or before == row:
                continue
            if before is not None:
                self._leave(key, before, at, position)
            self.spans[key] = Span(at, position)
        self.rows = rows

    def _leave(self, key: str, row: R, at: datetime | None, position: int) -> None:
        """Make the current row a past one: ended at a moment, or taken back altogether."""
        span = self.spans[key]
        if at is None or at == span.valid_from:
            past = Past(key, row, span.valid_from, None, NEVER, span.position, position)
        else:
            past = Past(key, row, span.valid_from, at, position, span.position, NEVER)
        self.past.append(past)

    def _refold(self, request: Sequence[Followed]) -> None:
        """Rebuild the line of moments, because a fact is older than one before it."""
        position, first, last = request[-1].position, request[0].version, request[-1].version
        stream = self._begun()
        before, _ = trace(self._shape, self.case_id, [r for r in stream if r.version < first])
        upto = [record for record in stream if record.version <= last]
        if not upto:
            return
        after, self.state = trace(self._shape, self.case_id, upto)
        for key in after:
            self._mend(key, dict(before.get(key, ())), dict(after[key]), position)
        self.latest = max(record.occurred_at for record in upto)
        self.rows = self._shape.show(self.state, {})

    def _begun(self) -> Sequence[Followed]:
        """Return the stream from the first fact on that concerns the ledger.

        Facts that leave a blank state blank are never stored, so they must not count here either.
        """
        state, blank = self._shape.blank(self.case_id), self._shape.blank(self.case_id)
        for index, record in enumerate(self.stream):
            state = self._shape.fold(state, record)
            if state != blank:
                return self.stream[index:]
        return ()

    def _mend(
        self, key: str, old: dict[datetime, R], new: dict[datetime, R], position: int
    ) -> None:
        """Take back the stretches of one row that were wrong, and add the right ones."""
        old_ends, new_ends = _ends(old), _ends(new)
        right: set[datetime] = set()
        for since, row in old.items():
            if new.get(since) == row and new_ends[since] == old_ends[since]:
                right.add(since)
            elif old_ends[since] is not None:
                self._take_back(key, since, position)
            elif new.get(since) == row:
                self._leave(key, row, new_ends[since], position)
                right.add(since)
            else:
                self._leave(key, row, None, position)
        for since, row in new.items():
            if since in right:
                continue
            until = new_ends[since]
            if until is None:
                self.spans[key] = Span(since, position)
            else:
                self.past.append(Past(key, row, since, until, position, position, NEVER))

    def _take_back(self, key: str, since: datetime, position: int) -> None:
        for past in self.past:
            if (past.key, past.valid_from, past.position_to) == (key, since, NEVER):
                past.position_to = position
                return
        self.taken.append(Taken(key, since, position))


def trace(
    shape: Shape[S, R], case_id: str, records: Sequence[Followed]
) -> tuple[dict[str, list[tuple[datetime, R]]], S]:
    """Return each row's moments of change, and the state after all facts.

    This is the definition of "as of": the state at T is the fold, in version order, of the facts
    with `occurred_at` ≤ T.
    """
    lines: dict[str, list[tuple[datetime, R]]] = {}
    state, done = shape.blank(case_id), list[int]()
    for moment in sorted({record.occurred_at for record in records}):
        begun = [record for record in records if record.occurred_at <= moment]
        versions = [record.version for record in begun]
        if versions[: len(done)] != done:  # something came in between: fold anew
            state, done = shape.blank(case_id), []
        for record in begun[len(done) :]:
            state = shape.fold(state, record)
        done = versions
        for key, row in shape.show(state, {}).items():
            line = lines.setdefault(key, [])
            if not line or line[-1][1] != row:
                line.append((moment, row))
    return lines, state


def _ends(line: Mapping[datetime, Any]) -> dict[datetime, datetime | None]:
    """Return where each stretch of a line ends: where the next begins."""
    moments: list[datetime | None] = [*line, None]
    return {since: until for since, until in pairwise(moments) if since}
