"""How ledgers follow the log, for Prometheus: lag in time, ranges, pace, rebuilds, cases aside."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from eventlog.checkpoints import Lag

_LABELS: Final = ["district", "ledger"]


class LedgerMetrics:
    """The gauges of all ledgers; a rebuild under way is one of them (`cases@1__build`)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"bihuan_ledger_{name}", text, _LABELS, registry=registry)

        self._all: Final = {
            "seconds": gauge("lag_seconds", "How long the next fact has been waiting for it"),
            "batches": gauge("batches", "Ranges of the log that it has taken"),
            "pace": gauge("facts_per_second", "Pace of its last range of a hundred facts or more"),
            "building": gauge("building", "1 for a rebuild under way"),
            "quarantined": gauge("quarantined", "Cases that it has set aside"),
        }

    def tell(self, district: str, standing: Sequence[Lag]) -> None:
        """Set all of a district's; what is gone since (a rebuild that ended) is forgotten."""
        for gauge in self._all.values():
            gauge.remove_by_labels({"district": district})
        for one in standing:
            values = {
                "seconds": one.seconds,
                "batches": one.batches,
                "pace": one.pace,
                "building": one.state == "building",
                "quarantined": one.quarantined,
            }
            for name, value in values.items():
                self._all[name].labels(district, one.name).set(value)
