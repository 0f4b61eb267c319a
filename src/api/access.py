"""Who is asking, of which district, and whether this route is for their role.

Every route under /v1/districts/{district} has one `Guard`; a test lists those without.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Final, cast

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.services import DistrictServices, Services
from api.traces import trace_of
from domain.actor import Actor, Role
from domain.directory import Directory
from domain.errors import NotFound, RoleForbidden, Unauthenticated, UnknownParameter
from projections.scope import Scope, scope_of
from workflows.calendar_office import today_of
from workflows.reference import Grant, Reference

READING: Final = frozenset(Role) - {Role.IMPORTER, Role.TIMER}
WRITING: Final = READING - {Role.AUDITOR, Role.DASHBOARD}
ADMINISTERING: Final = frozenset({Role.ADMIN})
WITHOUT_TEXTS: Final = frozenset({Role.DASHBOARD})
LONGEST_SECRET: Final = 256
LOOK_AGAIN_SECONDS: Final = 0.2
"""How often an unknown key makes us look whether it was issued just now, elsewhere."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request whose key was accepted: for which district, as whom, knowing what."""

    services: DistrictServices
    grant: Grant
    actor: Actor
    reference: Reference

    @property
    def client(self) -> str:
        """Whose Idempotency-Keys these are."""
        return f"key:{self.grant.key}"

    @property
    def scope(self) -> Scope:
        """Whose rows of ledgers may be seen."""
        return scope_of(self.actor)

    @property
    def sees_texts(self) -> bool:
        """Whether sealed texts may be opened for this caller."""
        return self.actor.role not in WITHOUT_TEXTS


class Door:
    """Knows the districts and the keys; one an application."""

    def __init__(self, services: Services) -> None:
        """Keep what the routes work with."""
        self.services = services
        self._known: dict[str, DistrictServices] = {}
        self._looked: dict[str, float] = {}

    async def district(self, name: str) -> DistrictServices:
        """Return a district that is served here.

        Raises:
            NotFound: none of this id.
        """
        known = self._known.get(name)
        if known is None:
            # Looking up a district that is new here asks the database.
            known = await run_in_threadpool(self.services.districts.get, name)
            if known is None:
                raise NotFound(what="区县")
            self._known[name] = known
        return known

    async def grant(self, district: DistrictServices, header: str | None) -> Grant:
        """Return what the key in an Authorization header allows.

        Raises:
            Unauthenticated: no key, or none that is in use.
        """
        scheme, _, secret = (header or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or len(secret) > LONGEST_SECRET:
            raise Unauthenticated
        digest = sha256(secret.encode()).hexdigest()
        reference = await district.engine.current()
        grant = reference.keys.get(digest)
        if grant is None and self._may_look_again(district.id):
            grant = (await district.engine.refresh()).keys.get(digest)
        if grant is None:
            raise Unauthenticated
        return grant

    def _may_look_again(self, district: str) -> bool:
        now = time.monotonic()
        if now - self._looked.get(district, 0.0) < LOOK_AGAIN_SECONDS:
            return False
        self._looked[district] = now
        return True


class Guard:
    """Lets in whom a route is for; what a route declares as its caller."""

    def __init__(self, roles: frozenset[Role], *, any_parameter: bool = False) -> None:
        """Name the roles; `any_parameter` leaves the query to the route itself."""
        self.roles = roles
        self.any_parameter = any_parameter

    async def __call__(self, request: Request) -> Asking:
        """Return who asks.

        Raises:
            NotFound, Unauthenticated, RoleForbidden, UnknownParameter.
        """
        door = cast("Door", request.app.state.door)
        trace = trace_of(request.scope)
        name = str(request.path_params["district"])
        district = await door.district(name)
        trace.district = name
        grant = await door.grant(district, request.headers.get("authorization"))
        trace.role, trace.key = grant.role.value, grant.key
        if grant.role not in self.roles:
            raise RoleForbidden(
                role=grant.role.value,
                action=_title(request),
                allowed="、".join(sorted(role.value for role in self.roles)),
            )
        if not self.any_parameter and request.scope["query_string"]:
            refuse_unknown(request, declared_parameters(request.scope["route"]))
        reference = district.engine.reference
        actor = actor_of(grant, reference, today_of(district.engine))
        return Asking(district, grant, actor, reference)


def actor_of(grant: Grant, reference: Reference, today: date) -> Actor:
    """Return who acts with a key: its unit, and what shares it, as the directory says today."""
    directory = reference.directory
    entry = directory.units.get(grant.unit) if grant.unit else None
    return Actor(
        role=grant.role,
        unit=grant.unit,
        post=grant.post,
        person=grant.person,
        on_behalf_of=_deputised(grant, directory, today),
        within=entry.path if entry else (),
        shared=directory.shared_with(entry.id, today) if entry else frozenset(),
    )


def _deputised(grant: Grant, directory: Directory, today: date) -> str | None:
    """代理: for whom the key's person acts today as their deputy; None of a vacant post."""
    post = directory.posts.get(grant.post) if grant.post else None
    if post is None or grant.person is None:
        return None
    holder = post.holder_on(today)
    if holder == grant.person or directory.relations.deputy_on(post.id, today) != grant.person:
        return None
    return holder


Reader = Annotated[Asking, Depends(Guard(READING))]
Writer = Annotated[Asking, Depends(Guard(WRITING))]
Administrator = Annotated[Asking, Depends(Guard(ADMINISTERING))]
LedgerReader = Annotated[Asking, Depends(Guard(READING, any_parameter=True))]


def guard_of(route: APIRoute) -> Guard | None:
    """Return a route's guard, if it has one."""
    calls = (dependency.call for dependency in route.dependant.dependencies)
    return next((call for call in calls if isinstance(call, Guard)), None)


def declared_parameters(route: Any) -> list[str]:  # noqa: ANN401 - any route of Starlette's
    """Return the query parameters that a route declares, or what it depends on."""
    dependants = (route.dependant, *route.dependant.dependencies)
    return [field.alias for one in dependants for field in one.query_params]


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Refuse query parameters that would be ignored, or that are given twice.

    Raises:
        UnknownParameter: naming those that exist.
    """
    names = list(known)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in names or name in seen:
            listed = "、".join(names) or "无"
            raise UnknownParameter(parameter=name[:64], known=listed, pointer=name[:64])
        seen.add(name)


def _title(request: Request) -> str:
    return str(getattr(request.scope["route"], "summary", None) or "这项操作")
