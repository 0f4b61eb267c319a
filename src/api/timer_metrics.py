"""Timers for Prometheus: what waits (of the district), what was done (by this process)."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from workflows.timers.claims import Standing
from workflows.timers.worker import Tally


class TimerMetrics:
    """The gauges and counters of timers, by district."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Start at zero."""

        def gauge(name: str, title: str) -> Gauge:
            return Gauge(f"bihuan_timers_{name}", title, ["district"], registry=registry)

        def counter(name: str, title: str) -> Counter:
            return Counter(f"bihuan_timers_{name}", title, ["district"], registry=registry)

        self._pending = gauge("pending", "Points of open clocks that time has still to bring")
        self._overdue = gauge("overdue", "Of them, those whose time has come")
        self._oldest = gauge(
            "oldest_overdue_seconds", "District time since the first of those should have happened"
        )
        self._incidents = gauge("incidents", "Points that failed and wait to be tried again")
        self._counters = {
            "fired": counter("fired", "Points that this process let happen"),
            "late": counter("late", "Of them, those more than a minute after their time"),
            "failed": counter("failed", "Attempts of this process that failed"),
        }
        self._told: dict[tuple[str, str], int] = {}

    def tell(self, district: str, found: Standing, age: float, tally: Tally) -> None:
        """Take over where a district stands; `age` of the oldest overdue point in seconds."""
        self._pending.labels(district).set(found.pending)
        self._overdue.labels(district).set(found.overdue)
        self._oldest.labels(district).set(age)
        self._incidents.labels(district).set(found.incidents)
        for name, counter in self._counters.items():
            done, told = int(getattr(tally, name)), self._told.get((district, name), 0)
            counter.labels(district).inc(done - told)
            self._told[district, name] = done
