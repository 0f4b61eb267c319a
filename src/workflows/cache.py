"""The cases a process knows by heart, with the ends of their streams: those used last."""

from collections import OrderedDict

from workflows.loading import Held


class Cache:
    """At most so many cases; the one unused for longest goes first."""

    def __init__(self, limit: int) -> None:
        """Begin empty."""
        self._limit = limit
        self._held: OrderedDict[str, Held] = OrderedDict()

    def get(self, case: str) -> Held | None:
        """Return a case, if it is known."""
        return self._held.get(case)

    def keep(self, *written: Held) -> None:
        """Keep cases as they are now; an older version than is known came late, and is left."""
        for held in written:
            known = self._held.get(held.case.id)
            if known is None or known.case.version <= held.case.version:
                self._held[held.case.id] = held
                self._held.move_to_end(held.case.id)
                if len(self._held) > self._limit:
                    self._held.popitem(last=False)

    def forget(self, *cases: str) -> None:
        """Forget cases that somebody else moved on."""
        for case in cases:
            self._held.pop(case, None)

    def clear(self) -> None:
        """Forget all of them."""
        self._held.clear()
