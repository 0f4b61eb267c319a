"""Answers to whoever waits: a thread holds a concurrent Future, a task one of its event loop.

A whole batch is told to an event loop in one call: each call wakes the loop, and a thread that
does so for every answer hands the GIL to and fro as often.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Promise(Generic[T]):
    """A place for an answer, made for the calling thread or for the running event loop."""

    __slots__ = ("awaiting", "future", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """With a loop, `awaiting` is for its tasks; else `future` is for any thread."""
        self.loop = loop
        self.future: Future[T] | None = None if loop else Future()
        self.awaiting: asyncio.Future[T] | None = loop.create_future() if loop else None

    def taken_up(self) -> bool:
        """Begin the work; false if nobody waits for it any more."""
        if self.future is not None:
            return self.future.set_running_or_notify_cancel()
        return self.awaiting is not None and not self.awaiting.cancelled()


def tell(outcomes: Iterable[tuple[Promise[T], T | BaseException]]) -> None:
    """Give everybody their answer, or the error that stands for it."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[T], T | BaseException]]] = {}
    for promise, outcome in outcomes:
        if promise.loop is not None and promise.awaiting is not None:
            loops.setdefault(promise.loop, []).append((promise.awaiting, outcome))
        elif promise.future is not None:
            _settle(promise.future, outcome)
    for loop, told in loops.items():
        # A closed loop: nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, told)


def _settle_all(told: Iterable[tuple[asyncio.Future[T], T | BaseException]]) -> None:
    for future, outcome in told:
        if not future.done():
            _settle(future, outcome)


def _settle(future: Future[T] | asyncio.Future[T], outcome: T | BaseException) -> None:
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
