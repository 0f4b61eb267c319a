"""A served district and the people in it, each with a key, speaking HTTP."""

import asyncio
import io
import socket
import threading
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.wiring import Site
from domain.actor import Role
from tests.support import districts as d
from workflows.administration import found, import_directory, issue_key
from workflows.engine import Engine

DISTRICT = "610327"
REAL_DISTRICT = "610328"
"""A district that is no trial: its clock cannot be set."""
MAX_BODY = 65_536

HOLDERS: dict[str, tuple[Role, str | None]] = {
    "admin": (Role.ADMIN, None),
    "integrator": (Role.INTEGRATOR, None),
    "auditor": (Role.AUDITOR, None),
    "dashboard": (Role.DASHBOARD, None),
    "grid": (Role.GRID_WORKER, d.GRID),
    "community": (Role.COMMUNITY_OFFICER, d.COMMUNITY),
    "other_community": (Role.COMMUNITY_OFFICER, d.OTHER_COMMUNITY),
    "town": (Role.TOWN_OFFICER, d.TOWN),
    "water": (Role.DEPARTMENT_OFFICER, d.WATER),
    "housing": (Role.DEPARTMENT_OFFICER, d.HOUSING),
    "dispatcher": (Role.DISPATCHER, None),
    "supervisor": (Role.SUPERVISOR, None),
}
_numbers = count(1)


def fresh_key() -> str:
    """Return an Idempotency-Key that nobody used."""
    return f"test-{next(_numbers)}-{time.monotonic_ns()}"


class Person:
    """Somebody with a key, speaking HTTP."""

    def __init__(self, base: str, secret: str, district: str = DISTRICT) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.secret = secret
        self.base = f"/v1/districts/{district}"
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30)

    def get(
        self, path: str, params: Mapping[str, str | int] | None = None, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(self.base + path, params=params, headers=sent)

    def post(
        self, path: str, body: object = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        sent = {"Idempotency-Key": key or fresh_key()}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(self.base + path, json=body, headers=sent)

    def post_bytes(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        sent = {"Idempotency-Key": fresh_key(), "Content-Type": "application/json", **headers}
        return self.http.post(self.base + path, content=body, headers=sent)

    def report(self, title: str = "井盖破损", **members: object) -> dict[str, Any]:
        answer = self.post("/cases", {"title": title, **members})
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    def act(
        self, case: str, action: str, *, key: str | None = None, **data: object
    ) -> httpx.Response:
        return self.post(f"/cases/{case}/actions/{action}", {"data": data}, key=key)

    def done(self, case: str, action: str, **data: object) -> dict[str, Any]:
        answer = self.post(f"/cases/{case}/actions/{action}", {"data": data})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def head(self) -> int:
        """Return where the log stands, by the feed."""
        after = 0
        while True:
            feed = self.get("/events", params={"after": after, "limit": 1000}).json()
            if feed["through"] == after:
                return after
            after = feed["through"]


class House:
    """The server, its people, its log lines."""

    def __init__(self, base: str, secrets: dict[str, str], site: Site, log: io.BytesIO) -> None:
        self.base = base
        self.site = site
        self.secrets = secrets
        self._log = log
        self._people: dict[str, Person] = {}
        self._strangers: list[Person] = []

    def __getattr__(self, name: str) -> Person:
        if name not in self.secrets:
            raise AttributeError(name)
        if name not in self._people:
            self._people[name] = Person(self.base, self.secrets[name])
        return self._people[name]

    def stranger(self, secret: str = "") -> Person:
        person = Person(self.base, secret)
        self._strangers.append(person)
        return person

    def log(self) -> str:
        return self._log.getvalue().decode()

    def close(self) -> None:
        for person in [*self._people.values(), *self._strangers]:
            person.http.close()


def fill(site: Site, district: str, *, trial: bool) -> dict[str, str]:
    async def work(engine: Engine) -> dict[str, str]:
        await found(engine, district, "演示县", trial=trial)
        await import_directory(engine, d.UNITS)
        return {
            name: (await issue_key(engine, role, unit=unit, name=f"{name} 的密钥")).secret
            for name, (role, unit) in HOLDERS.items()
        }

    with site.open(district) as services:
        return asyncio.run(work(services.engine))


class Served:
    """uvicorn in a thread, as `bihuan serve` runs it."""

    def __init__(self, app: FastAPI) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
