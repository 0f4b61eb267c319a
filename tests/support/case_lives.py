"""The clocks of a case of kind `closed-loop`, counted by hand from what people did.

Only what people did is read (派遣, 定级, 挂账, 延期, 返工…), never a clock's own fact: `expected`
says what each of those should have said, by the rules of the kind as a person reads them.
"""

from datetime import datetime
from typing import Final

from domain import facts as f
from domain.wall import SHANGHAI
from domain.world import Draft
from tests.support import naive
from tests.support.clock_stories import HOURS, Version, moment
from tests.support.naive import DAY, Floor, NaiveClock

LIMITS: Final = {
    "urgent": ("nh", 24 * 60),
    "general": ("wd", 10),
    "serious": ("wd", 5),
    "major": ("wd", 25),
}
GRACE: Final = 120
"""Working minutes that a stricter limit leaves at least."""
OFFICES: Final = [Version("0", frozenset(), HOURS[0]).office(0)]
NAMES: Final = frozenset({"total", "acceptance", "handling", "verification"})


def minute_of(at: datetime) -> int:
    """Return a moment as a minute of the wall clock."""
    local = at.astimezone(SHANGHAI)
    assert (local.second, local.microsecond) == (0, 0), at
    return local.toordinal() * DAY + local.hour * 60 + local.minute


def second_of(at: datetime) -> int:
    """Return a moment as a second of the wall clock."""
    local = at.astimezone(SHANGHAI)
    return minute_of(at.replace(second=0)) * 60 + local.second


class Held:
    """A pause that was granted: from when, until when at the latest."""

    def __init__(self, reason: str, since: int, until: int) -> None:
        """Begin."""
        self.reason = reason
        self.since = since
        self.until = until


class ByHand:
    """One clock, counted by hand."""

    def __init__(self, start: int, unit: str, size: int, *, end_of_day: bool = False) -> None:
        """Start it."""
        self.clock = NaiveClock(unit, start, size, end_of_day)
        self.holds: list[Held] = []

    def due(self, now: int) -> int:
        """Return the second at which it falls due; a pause counts up to now."""
        self.clock.pauses = [
            (hold.since, min(hold.until, now)) for hold in self.holds if hold.since < now
        ]
        return naive.due(self.clock, OFFICES)

    def resume(self, now: int) -> None:
        """Let go what holds it."""
        for hold in self.holds:
            hold.until = min(hold.until, now)

    def holding(self, now: int) -> bool:
        """Say whether something holds it."""
        return any(hold.since <= now < hold.until for hold in self.holds)

    def regrade(self, unit: str, size: int, now: int, *, misgraded: bool) -> None:
        """Count by another limit from the start; a stricter one leaves some grace (R7)."""
        old = self.clock
        late = self.due(now) < now * 60
        if (old.unit, old.size) == (unit, size) or (late and not misgraded):
            return
        before = self.due(now)
        kept = old.extensions if old.unit == unit else []
        self.clock = NaiveClock(unit, old.start, size, old.end_of_day, extensions=list(kept))
        grace = Floor(now, "wh", GRACE)
        graced = naive.counted(self.clock, OFFICES, "wh", now, GRACE * 60)
        if self.due(now) < before and graced > self.due(now):
            self.clock.floors = [grace]
            if self.due(now) >= before:
                self.clock = old  # stricter never means later


class CaseByHand:
    """The clocks of a case."""

    def __init__(self) -> None:
        """Begin before the report."""
        self.clocks: dict[str, ByHand] = {}
        self.limit = LIMITS["general"]
        self.reworked = False
        self.asked: dict[int, tuple[int, datetime | None]] = {}

    def happened(self, draft: Draft) -> None:
        """Take note of what somebody did."""
        if isinstance(draft.fact, f.CaseFact):
            now = minute_of(draft.occurred_at)
            self._started(draft.fact, now)
            self._moved(draft.fact, now)

    def _started(self, fact: f.CaseFact, now: int) -> None:
        match fact:
            case f.CaseReported():
                self.clocks["total"] = ByHand(now, "wd", 30, end_of_day=True)
                self.clocks["acceptance"] = ByHand(now, "wh", 4 * 60)
            case f.CaseAssigned() | f.ReworkRequired():
                self.reworked = isinstance(fact, f.ReworkRequired)
                self.clocks["handling"] = ByHand(now, *self._limit())
            case f.CompletionClaimed():
                self.clocks["handling"].resume(now)
                self.clocks["verification"] = ByHand(now, "wd", 2)
            case _:
                pass

    def _moved(self, fact: f.CaseFact, now: int) -> None:
        match fact:
            case f.CaseGraded() as graded:
                self._graded(graded, now)
            case f.SuspensionRequested() as asked:
                self.asked[asked.request] = (now, asked.until)
            case f.SuspensionGranted() as granted:
                self._suspended(granted, now)
            case f.CaseResumed():
                for clock in self.clocks.values():
                    clock.resume(now)
            case f.ExtensionGranted() as granted:
                amount = int("".join(filter(str.isdigit, granted.granted)))
                hours = granted.granted.endswith("h")
                more = amount * 60 if hours else amount
                self.clocks["handling"].clock.extensions.append(more)
            case _:
                pass

    def expected(self, name: str, now: int) -> datetime:
        """Return when a clock falls due."""
        return moment(self.clocks[name].due(now))

    def _limit(self) -> tuple[str, int]:
        """Return the limit of handling: for a rework half of it, rounded up."""
        unit, size = self.limit
        return (unit, -(-size // 2)) if self.reworked else (unit, size)

    def _graded(self, graded: f.CaseGraded, now: int) -> None:
        known = graded.urgency if graded.urgency in LIMITS else graded.severity
        self.limit = LIMITS[known]
        if "handling" in self.clocks:
            unit, size = self._limit()
            self.clocks["handling"].regrade(unit, size, now, misgraded=graded.misgraded)

    def _suspended(self, granted: f.SuspensionGranted, now: int) -> None:
        asked_at, until = self.asked[granted.request]
        procedure = granted.reason == "awaiting_procedure"
        since = asked_at if procedure else now
        cap = 60 if procedure else 20
        for name in ("handling", "total") if procedure else ("handling",):
            clock = self.clocks[name]
            free = NaiveClock("wd", since, cap, clock.clock.end_of_day)
            longest = naive.due(free, OFFICES)
            ends = longest if until is None else min(second_of(until), longest)
            began = max(since, clock.clock.start)
            clock.holds.append(Held(granted.reason, began, ends // 60))
