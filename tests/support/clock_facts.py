"""The facts of one clock, written one after the other as decisions would, each with its due."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from domain import facts as f
from domain.almanac import Almanac
from domain.clock import Clock, Instance, clocks_after
from domain.reckoning import reckon

INSTANCE: Instance = ("handling", "", 1, 1)
LATER = datetime(1, 1, 1, tzinfo=UTC)
"""Stands for a due that is only known when the fact is folded."""


class ClockFacts:
    """A clock, its facts so far, and the almanac it is counted by."""

    def __init__(self, almanac: Almanac, instance: Instance = INSTANCE) -> None:
        """Begin with nothing."""
        name, scope, cycle, sequence = instance
        self.of: dict[str, Any] = {
            "clock": name,
            "scope": scope,
            "cycle": cycle,
            "sequence": sequence,
        }
        self.clocks: tuple[Clock, ...] = ()
        self.records: list[tuple[f.Fact, datetime]] = []
        self.almanac = almanac
        self.almanacs = {(almanac.name, almanac.version): almanac}

    @property
    def clock(self) -> Clock:
        """The clock as folded."""
        return self.clocks[-1]

    def start(self, at: datetime, budget: str, **members: Any) -> "ClockFacts":  # noqa: ANN401
        """Record that it started."""
        told = {"total": False, "started_at": at, "budget": budget, "calendar": self.almanac.name}
        return self._record(
            f.ClockStarted, at, **{"cutoff": "close_of_business", **told, **members}
        )

    def pause(self, at: datetime, reason: str, until: datetime | None = None) -> "ClockFacts":
        """Record that it stands still for a reason."""
        told: dict[str, Any] = {
            "reason": reason,
            "request": 1,
            "paused_at": at,
            "until": until,
            "plan": (),
        }
        return self.append(f.ClockPaused(**self.of, **told), at)

    def resume(self, at: datetime, reason: str) -> "ClockFacts":
        """Record that a reason ceased."""
        told: dict[str, Any] = {"reason": reason, "request": 1, "resumed_at": at, "plan": ()}
        return self._record(
            f.ClockResumed, at, running=len(self.clock.held) == 1, short=False, **told
        )

    def extend(self, at: datetime, more: str) -> "ClockFacts":
        """Record that an extension was granted."""
        return self.move(at, "extension-granted", extensions=(*self.clock.extensions, more))

    def publish(self, at: datetime, almanac: Almanac, *floors: f.Floor) -> "ClockFacts":
        """Record that it is counted by another version of its calendar."""
        self.almanac = almanac
        self.almanacs[almanac.name, almanac.version] = almanac
        return self.move(at, "calendar-changed", floors=(*self.clock.floors, *floors))

    def move(self, at: datetime, reason: str, **changes: Any) -> "ClockFacts":  # noqa: ANN401
        """Record that its limit is another from now on."""
        clock = self.clock
        told: dict[str, Any] = {
            "budget": clock.budget,
            "extensions": clock.extensions,
            "floors": clock.floors,
            "started_at": clock.started_at,
            "limit": clock.limit,
        }
        return self._record(f.ClockRescheduled, at, reason=reason, **{**told, **changes})

    def stop(self, at: datetime) -> "ClockFacts":
        """Record that it stopped."""
        due = reckon(self.clock, self.almanac, at).due.at
        return self.append(f.ClockStopped(**self.of, stopped_at=at, due=due, met=at <= due), at)

    def cancel(self, at: datetime, **members: Any) -> "ClockFacts":  # noqa: ANN401
        """Record that it was cancelled."""
        return self.append(f.ClockCancelled(**self.of, cancelled_at=at, **members), at)

    def hold(self, at: datetime, unit: f.Unit | None) -> "ClockFacts":
        """Record that a unit holds the case from now on."""
        stage = f.Stage("handling", "handling", "joint_handling")
        fact = f.HandlingStarted(action="start_handling", stage=stage, holder=unit)
        self.records.append((fact, at))
        return self

    def append(self, fact: Any, at: datetime) -> "ClockFacts":  # noqa: ANN401 - a clock's fact
        """Record any other fact of the clock."""
        self.clocks = clocks_after(self.clocks, fact)
        self.records.append((fact, at))
        return self

    def _record(self, fact_type: Any, at: datetime, **members: Any) -> "ClockFacts":  # noqa: ANN401
        """Record a fact that says the due; what that is follows from the clock after the fact."""
        if fact_type is not f.ClockStarted:
            members |= {"previous_due": self.clock.due, "generation": self.clock.generation + 1}
        version = self.almanac.version
        told = {"due": LATER, "calendar_version": version, "provisional": False, **members}
        made = fact_type(**self.of, **told)
        after = clocks_after(self.clocks, made)[-1]
        if after.budget == "date":
            return self.append(made, at)
        falls = reckon(after, self.almanac, at).due
        return self.append(replace(made, due=falls.at, provisional=falls.provisional), at)
