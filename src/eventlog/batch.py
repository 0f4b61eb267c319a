"""A range of the log with its facts by class and by stream: grouped once for all who follow.

With thirty followers, asking of every fact whom it concerns would cost more than all their folds.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, overload

from typing_extensions import override

from domain.facts import Fact
from eventlog.records import Followed

Facts = frozenset[type[Fact]]
"""Classes of facts."""
Streams = Mapping[str, Sequence[Followed]]
"""Facts by their stream, each stream's in order."""

MOST: Final = 2
"""From so many parts of a range on, it is cheaper to pick from all than to sort what is picked."""


class Batch(Sequence[Followed]):
    """Whole requests in the order of the log; used by several threads, changed by none."""

    def __init__(self, records: Sequence[Followed]) -> None:
        """Take over the records."""
        self.records: Final = records
        self.by_fact: Final[dict[type[Fact], list[Followed]]] = {}
        known = self.by_fact
        for record in records:
            fact = type(record.body.data)
            try:
                known[fact].append(record)
            except KeyError:
                known[fact] = [record]
        self.facts: Final[Facts] = frozenset(known)
        self._streams: dict[Facts, Streams] = {}
        self._lock = threading.Lock()

    def streams(self, facts: Facts | None) -> Streams:
        """Return the facts of these classes (None: all) by stream; nobody may change the lists."""
        wanted = self.facts if facts is None else self.facts & facts
        with self._lock:
            known = self._streams.get(wanted)
            if known is None:
                known = self._streams[wanted] = _by_stream(self.of(wanted))
            return known

    def of(self, facts: Facts | None) -> Sequence[Followed]:
        """Return the facts of these classes (None: all), in order."""
        wanted = self.facts if facts is None else self.facts & facts
        if len(wanted) == len(self.facts):
            return self.records
        parts = [self.by_fact[fact] for fact in wanted]
        if len(parts) == 1:
            return parts[0]
        if sum(map(len, parts)) * MOST > len(self.records):
            return [record for record in self.records if type(record.body.data) in wanted]
        return sorted((record for part in parts for record in part), key=_position)

    def without(self, streams: frozenset[str]) -> "Batch":
        """Return the range without the facts of some streams."""
        if not streams:
            return self
        return Batch([record for record in self.records if record.body.stream not in streams])

    @override
    def __len__(self) -> int:
        return len(self.records)

    @override
    def __iter__(self) -> Iterator[Followed]:
        return iter(self.records)

    @overload
    def __getitem__(self, index: int) -> Followed: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Followed]: ...
    @override
    def __getitem__(self, index: int | slice) -> Followed | Sequence[Followed]:
        return self.records[index]


def batch_of(records: Sequence[Followed]) -> Batch:
    """Return records as a batch; one that the runner has grouped already is returned as it is."""
    return records if isinstance(records, Batch) else Batch(records)


def _position(record: Followed) -> int:
    return record.position


def _by_stream(records: Sequence[Followed]) -> Streams:
    streams: dict[str, list[Followed]] = {}
    for record in records:
        stream = record.body.stream
        try:
            streams[stream].append(record)
        except KeyError:
            streams[stream] = [record]
    return streams
