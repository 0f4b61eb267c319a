"""Answers reach whoever waits: threads by their future, tasks by their own event loop."""

import asyncio
import threading

import pytest

from eventlog.promises import Promise, tell


def test_a_whole_batch_wakes_the_loop_once_and_answers_all() -> None:
    async def scene() -> list[object]:
        loop = asyncio.get_running_loop()
        promises: list[Promise[int]] = [Promise(loop) for _ in range(3)]
        wakings: list[object] = []
        original = loop.call_soon_threadsafe

        def counted(*arguments: object) -> object:
            wakings.append(arguments)
            return original(*arguments)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        outcomes = [(promises[0], 1), (promises[1], ValueError("x")), (promises[2], 3)]
        threading.Thread(target=tell, args=(outcomes,)).start()
        answers = await asyncio.gather(
            *(p.awaiting for p in promises if p.awaiting), return_exceptions=True
        )
        assert len(wakings) == 1
        return list(answers)

    first, second, third = asyncio.run(scene())
    assert (first, str(second), third) == (1, "x", 3)


def test_who_gave_up_is_passed_over_and_a_closed_loop_harms_nobody() -> None:
    async def scene() -> Promise[int]:
        promise: Promise[int] = Promise(asyncio.get_running_loop())
        assert promise.awaiting
        assert promise.taken_up()
        promise.awaiting.cancel()
        assert not promise.taken_up()
        tell([(promise, 1)])
        await asyncio.sleep(0)
        assert promise.awaiting.cancelled()
        return Promise(asyncio.get_running_loop())

    late, here = asyncio.run(scene()), Promise[int]()
    tell([(late, 1), (here, 2)])
    assert here.future
    assert here.future.result(0) == 2


def test_an_error_is_raised_where_a_thread_waits() -> None:
    promise: Promise[int] = Promise()
    assert promise.taken_up()
    tell([(promise, KeyError("k"))])
    assert promise.future
    with pytest.raises(KeyError):
        promise.future.result(0)
