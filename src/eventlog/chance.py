"""Random bytes for ids and nonces, drawn from the system by the thousand.

Every draw gives the GIL away; on the event loop that cost more than all else about an id.
"""

import os
from collections import deque
from typing import Final

BYTES: Final = 12
"""What a nonce of AES-GCM takes; an id takes less."""

_AT_ONCE: Final = 1000
_drawn: Final[deque[bytes]] = deque()
# A child process must not hand out what its parent does.
os.register_at_fork(after_in_child=_drawn.clear)


def chance() -> bytes:
    """Return 12 random bytes that nobody else gets."""
    try:
        return _drawn.popleft()
    except IndexError:
        drawn = os.urandom(BYTES * _AT_ONCE)
        _drawn.extend(drawn[n : n + BYTES] for n in range(BYTES, len(drawn), BYTES))
        return drawn[:BYTES]
