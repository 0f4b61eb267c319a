"""The eventsourcing library's subscription on our log, by polling."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription
from typing_extensions import override

POLL_SECONDS: Final = 0.1
PAGE: Final = 500


class LogSubscription(Subscription[ApplicationRecorder]):
    """Polls: it depends on no notification getting through."""

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        """Start behind a position."""
        super().__init__(recorder, gt, topics)
        self._pending: deque[Notification] = deque()
        self._stopping = threading.Event()

    @override
    def stop(self) -> None:
        """End the iteration, also one that waits."""
        super().stop()
        self._stopping.set()

    @override
    def __next__(self) -> Notification:
        """Return the next event, waiting for it if need be."""
        while not self._stopping.is_set():
            if self._pending:
                notification = self._pending.popleft()
                self._last_notification_id = notification.id
                return notification
            self._pull()
            if not self._pending:
                self._stopping.wait(POLL_SECONDS)
        raise StopIteration

    def _pull(self) -> None:
        self._pending.extend(
            self._recorder.select_notifications(
                self._last_notification_id or 0, PAGE, topics=self._topics, inclusive_of_start=False
            )
        )
