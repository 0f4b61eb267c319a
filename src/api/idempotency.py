"""Idempotency-Key: under which a request can be sent again and be answered as the first time."""

import re
from typing import Final, TypeVar

import msgspec
from msgspec import structs
from starlette.requests import Request

from api.access import Asking
from api.body import Tree, tree_of, typed
from domain.errors import BadInput, KeyMissing, KeyReused
from eventlog.reader import Stored, read_command
from workflows.engine import Caller

T = TypeVar("T")
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_canonical: Final = msgspec.json.Encoder(order="sorted").encode


def caller_of(request: Request, asking: Asking, tree: Tree) -> Caller:
    """Return who asks for what under which key; the digest is keyed, so that it tells nothing.

    Raises:
        KeyMissing: a command needs the header.
        BadInput: it is longer than 255 characters, or not printable ASCII.
    """
    key = key_of(request)
    path = str(request.scope["path"]).encode()
    content = b"\0".join((request.method.encode(), path, canonical(tree)))
    digest = asking.services.vault.digest(content)
    return Caller(actor=asking.actor, client=asking.client, key=key, digest=digest)


async def sent(request: Request, asking: Asking, shape: type[T]) -> tuple[Caller, T]:
    """Return who asks for what under which key, and the body as a struct.

    Raises as `tree_of`, then as `caller_of`, then as `typed`.
    """
    tree = await tree_of(request)
    return caller_of(request, asking, tree), typed(tree, shape)


def again(caller: Caller) -> Caller:
    """Return the same caller for the second thing that one request asks for."""
    return structs.replace(caller, key=f"{caller.key}:2")


def key_of(request: Request) -> str:
    """Return the request's Idempotency-Key.

    Raises:
        KeyMissing, BadInput: as `caller_of`.
    """
    key = request.headers.get("idempotency-key")
    if not key:
        raise KeyMissing
    if not _KEY.fullmatch(key):
        raise BadInput(detail="Idempotency-Key 应为 1 至 255 个可见的 ASCII 字符")
    return key


def canonical(tree: object) -> bytes:
    """Return the same bytes for the same JSON, however it was spelled."""
    return _canonical(tree)


def recall(asking: Asking, caller: Caller) -> Stored | None:
    """Return what was stored under this key before, for commands that write reference facts.

    Raises:
        KeyReused: the key stands for another request.
    """
    with asking.services.database.connection() as connection:
        stored = read_command(connection, caller.client, caller.key)
    if stored is not None and stored.request != caller.digest:
        raise KeyReused
    return stored
