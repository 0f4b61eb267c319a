"""访问密钥: issued, listed and revoked by administrators."""

import base64
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking
from api.answers import Listing, answer
from api.idempotency import caller_of, recall, sent
from api.openapi import command, returns
from api.shapes import ERASED
from api.times import shown
from domain import facts as f
from domain.actor import Role
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from workflows.administration import KEY_PREFIX, issue_key, revoke_key
from workflows.engine import Caller

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/keys"

KeyRole = Literal[
    "admin",
    "integrator",
    "auditor",
    "dashboard",
    "grid_worker",
    "community_officer",
    "town_officer",
    "department_officer",
    "dispatcher",
    "supervisor",
    "leader",
]


class KeyBody(Struct, forbid_unknown_fields=True):
    """A key to issue; without a unit it is for the whole district."""

    role: KeyRole
    unit: Annotated[str, Meta(max_length=100)] | None = None
    name: Annotated[str, Meta(max_length=200)] | None = None
    post: Annotated[str, Meta(max_length=100)] | None = None
    """The id of the post that acts with it; cases may be confided to posts (保密)."""
    person: Annotated[str, Meta(max_length=100)] | None = None


class IssuedKey(Struct, kw_only=True):
    """A key as it is issued; the secret is nowhere else."""

    key: str
    secret: str
    role: str
    unit: str | None
    position: int


class RevokedKey(Struct, kw_only=True):
    """A key that no longer opens anything."""

    key: str
    position: int


class KeyDocument(Struct, kw_only=True):
    """A key in use."""

    key: str
    role: str
    unit: str | None
    name: str | None
    post: str | None
    person: str | None
    issued_at: str


@router.get(
    BASE, summary="密钥", tags=["管理"], responses=returns(KeyDocument, "使用中的密钥（items）")
)
def list_keys(asking: Administrator, district: str) -> Response:
    """Return the keys in use, without their secrets."""
    del district
    used = {grant.key: grant for grant in asking.reference.keys.values()}
    services = asking.services
    with services.database.connection() as connection:
        records = read_stream(connection, stream_id(services.engine.district, f.ACCESS))
    texts = services.vault.open_records(records)
    items = [
        KeyDocument(
            key=fact.key,
            role=fact.role,
            unit=fact.unit,
            name=_name(texts, record.position) if record.body.sealed else None,
            post=used[fact.key].post,
            person=used[fact.key].person,
            issued_at=shown(record.recorded_at),
        )
        for record in records
        if isinstance(fact := record.fact, f.KeyIssued) and fact.key in used
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE,
    status_code=201,
    summary="发放密钥",
    tags=["管理"],
    responses=returns(IssuedKey, "新密钥；secret 只在这里出现", status=201),
    openapi_extra=command(KeyBody),
)
async def issue(request: Request, asking: Administrator, district: str) -> Response:
    """Issue a key.

    Its secret follows from the request and our master key, so that a repeated request gets the
    same answer although nobody keeps the secret.
    """
    del district
    caller, body = await sent(request, asking, KeyBody)
    key, secret = _derived(asking, caller)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        new = await issue_key(
            asking.services.engine,
            Role(body.role),
            unit=body.unit,
            name=body.name,
            post=body.post,
            person=body.person,
            caller=caller,
            identity=(key, secret),
        )
        unit, position = new.unit, new.position
    else:
        unit, position = await run_in_threadpool(_issued_unit, asking, key), stored.last
    issued = IssuedKey(key=key, secret=secret, role=body.role, unit=unit, position=position)
    return answer(issued, 201)


@router.delete(
    BASE + "/{key}",
    summary="停用密钥",
    tags=["管理"],
    responses=returns(RevokedKey, "已停用"),
    openapi_extra=command(None),
)
async def revoke(request: Request, asking: Administrator, district: str, key: str) -> Response:
    """Revoke a key; every process refuses it within a second."""
    del district
    caller = caller_of(request, asking, {})
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(RevokedKey(key=key, position=stored.last))
    position = await revoke_key(asking.services.engine, key, caller=caller)
    return answer(RevokedKey(key=key, position=position))


def _derived(asking: Asking, caller: Caller) -> tuple[str, str]:
    """Return the key's id and secret; only who has the master key can make them."""
    vault = asking.services.vault
    request = b"\0".join((caller.client.encode(), caller.key.encode(), caller.digest))
    key = UUID(bytes=vault.digest(b"key-id\0" + request)[:16], version=4)
    secret = base64.urlsafe_b64encode(vault.digest(b"key-secret\0" + request)[:24])
    return str(key), KEY_PREFIX + secret.decode()


def _issued_unit(asking: Asking, key: str) -> str | None:
    """Return the unit a key was issued for, whatever became of the key."""
    services = asking.services
    with services.database.connection() as connection:
        records = read_stream(connection, stream_id(services.engine.district, f.ACCESS))
    facts = (record.fact for record in records)
    return next(fact.unit for fact in facts if isinstance(fact, f.KeyIssued) and fact.key == key)


def _name(texts: dict[tuple[int, str], str | None], position: int) -> str:
    return texts.get((position, "name")) or ERASED
