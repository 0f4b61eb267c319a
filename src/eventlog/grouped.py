"""Group reads: many waiting callers, one statement. The reading twin of the appender."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from eventlog.promises import Promise, tell

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """A thread that collects what is asked for while it works, and asks for all of it at once."""

    def __init__(
        self, name: str, work: Callable[[Sequence[Item]], Sequence[Result]], *, limit: int = 256
    ) -> None:
        """Start the thread; `work` returns one result for each item, in order."""
        self._work = work
        self._limit = limit
        self._waiting: deque[tuple[Item, Promise[Result]]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Queue an item from a task of the running loop; its future carries the result."""
        promise: Promise[Result] = Promise(asyncio.get_running_loop())
        with self._wake:
            self._waiting.append((item, promise))
            self._wake.notify()
        return promise.awaiting  # type: ignore[return-value] # it was made for a loop

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._settle(group)

    def _next_group(self) -> list[tuple[Item, Promise[Result]]]:
        with self._wake:
            while not self._waiting and not self._closing:
                self._wake.wait()
            size = min(len(self._waiting), self._limit)
            return [self._waiting.popleft() for _ in range(size)]

    def _settle(self, group: Sequence[tuple[Item, Promise[Result]]]) -> None:
        try:
            results = self._work([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            if len(group) == 1:
                tell([(group[0][1], error)])
                return
            for one in group:
                self._settle([one])
            return
        tell(zip([promise for _, promise in group], results, strict=True))
