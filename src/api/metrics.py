"""Counters for Prometheus: requests by route, facts appended, how far ledgers lag, timers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import psycopg
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from psycopg_pool import PoolTimeout

from api.ledger_metrics import LedgerMetrics
from api.services import DistrictServices
from api.timer_metrics import TimerMetrics
from eventlog.runner import lag
from workflows.calendar_office import coverage, today_of
from workflows.timers.claims import standing as timers_standing

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        labels = ["method", "route"]
        self._requests = Counter(
            "bihuan_http_requests",
            "Requests answered",
            [*labels, "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "bihuan_http_request_seconds",
            "Time to answer",
            labels,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._appended = Counter(
            "bihuan_appended_facts",
            "Facts recorded through the API",
            ["district"],
            registry=self._registry,
        )
        self._lag = Gauge(
            "bihuan_ledger_lag",
            "Positions a ledger is behind the log",
            ["district", "ledger"],
            registry=self._registry,
        )
        self._halted = Gauge(
            "bihuan_ledger_halted",
            "1 if a ledger has stopped",
            ["district", "ledger"],
            registry=self._registry,
        )
        self._ledgers = LedgerMetrics(self._registry)
        self._timers = TimerMetrics(self._registry)
        self._covered = Gauge(
            "bihuan_calendar_days_covered",
            "Days until the last one that a calendar's notices announce",
            ["district", "calendar"],
            registry=self._registry,
        )
        # Looking a child up by its labels costs more than counting.
        self._count = lru_cache(maxsize=1024)(self._requests.labels)
        self._observe = lru_cache(maxsize=256)(self._seconds.labels)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._count(method, route, str(status)).inc()
        self._observe(method, route).observe(seconds)

    def appended(self, district: str, facts: int) -> None:
        """Count facts recorded."""
        self._appended.labels(district).inc(facts)

    def exposition(self, districts: Mapping[str, DistrictServices]) -> bytes:
        """Return all of it in Prometheus' text format; a district that is away is left out."""
        for name in list(districts):
            try:
                services = districts[name]
                now = services.engine.now()
                with services.database.connection() as connection:
                    standing, timers = lag(connection), timers_standing(connection, now)
            except (psycopg.Error, PoolTimeout, KeyError):
                continue
            for one in standing:
                self._lag.labels(name, one.name).set(one.behind)
                self._halted.labels(name, one.name).set(one.state == "halted")
            self._ledgers.tell(name, standing)
            engine = districts[name].engine
            for calendar in coverage(engine.reference, today_of(engine)):
                self._covered.labels(name, calendar.calendar).set(calendar.days)
            self._timers.tell(name, timers, timers.age(now), services.timers)
        return generate_latest(self._registry)
