"""Who asks for something, and what became of it: what the engine is given and gives back."""

from datetime import datetime

from msgspec import Struct

from domain.actor import Actor
from domain.case import Case


class Caller(Struct, frozen=True, gc=False, kw_only=True):
    """Who asks, and under which key the request can be repeated; `digest` is of the request."""

    actor: Actor
    client: str
    key: str
    digest: bytes


class Outcome(Struct, frozen=True, gc=False, kw_only=True):
    """What became of a command: the case after it, and where its facts stand in the log."""

    case: Case
    first: int
    position: int
    recorded_at: datetime | None
    created: bool = False
    replayed: bool = False
