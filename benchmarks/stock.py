"""The peer: the eventsourcing library's own Application, PostgreSQL recorder and runner."""

import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

SCHEMA: Final = "stock"


class Ticket(Aggregate):
    """What the library's documentation calls an aggregate, with the fields of our case."""

    @event("Reported")
    def __init__(self, title: str, category: str, place: str) -> None:
        """Report it."""
        self.title = title
        self.category = category
        self.place = place
        self.notes: list[str] = []

    @event("Reclassified")
    def reclassify(self, category: str) -> None:
        """Change the category, which is what our side does too."""
        self.category = category


class Tickets(Application[UUID]):
    """The library's application, as its tutorial has it."""

    def report(self, number: int, facts: int) -> UUID:
        """Store an aggregate with so many events."""
        ticket = Ticket(f"第 {number} 号井盖破损", "01", "610327100001")
        for step in range(facts - 1):
            ticket.reclassify(f"{step + 10}")
        self.save(ticket)
        return ticket.id

    def reclassify(self, ticket_id: UUID, category: str) -> None:
        """Get, trigger, save."""
        ticket: Ticket = self.repository.get(ticket_id)
        ticket.reclassify(category)
        self.save(ticket)


def environment(dsn: str, *, threads: int, cached: int = 0) -> dict[str, str]:
    """Return the library's settings for this server; a connection for each thread."""
    parts = conninfo_to_dict(dsn)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port", 5432)),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": "unused: the server trusts its socket",
        "POSTGRES_SCHEMA": SCHEMA,
        "POSTGRES_POOL_SIZE": str(threads),
        "POSTGRES_MAX_OVERFLOW": "10",
    }
    return settings | ({"AGGREGATE_CACHE_MAXSIZE": str(cached)} if cached else {})


@contextmanager
def tickets(dsn: str, *, threads: int, cached: int = 0) -> Generator[Tickets]:
    """Open the library's application on a schema of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
    app = Tickets(env=environment(dsn, threads=threads, cached=cached))
    try:
        yield app
    finally:
        app.close()


def drop(dsn: str) -> None:
    """Remove what the library stored."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


def seed(app: Tickets, aggregates: int, facts: int) -> list[UUID]:
    """Store aggregates of so many events each."""
    return [app.report(number, facts) for number in range(aggregates)]


def hammer(app: Tickets, ids: Sequence[UUID], *, threads: int, seconds: float) -> int:
    """Let threads act on their own aggregates for a while; return how many saves were made."""
    until = time.perf_counter() + seconds

    def client(own: Sequence[UUID]) -> int:
        done = 0
        while time.perf_counter() < until:
            app.reclassify(own[done % len(own)], f"{done % 90 + 10}")
            done += 1
        return done

    shares: list[Any] = [ids[n::threads] for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(client, shares))
