"""Random lives of a clock, told twice: as facts that are folded, and to the naive second count.

Everything is drawn as plain data, in whole minutes of the wall clock. `Told` writes the facts that
decisions would record and lets the domain make of them what it does; `Lived` tells the same to
`tests.support.naive`, which knows nothing of the domain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from hypothesis import strategies as st

from domain import facts as f
from domain.almanac import Almanac, almanac_of, with_version
from domain.budget import parse_budget
from domain.calendar import Calendar
from domain.reckoning import reckon, share
from domain.wall import SHANGHAI
from tests.support import naive
from tests.support.clock_facts import ClockFacts
from tests.support.naive import DAY, Floor, NaiveClock, Office
from workflows.calendars import load_shipped

CN_OFFICE = load_shipped("cn-office")
FIRST, LAST = date(2023, 12, 1).toordinal(), date(2026, 10, 31).toordinal()
"""Starts lie between these days."""
NOTICED = {day: worked for day, worked in CN_OFFICE.days.items() if day.year >= 2023}
WEEKDAYS = frozenset(day for day in range(FIRST - 60, LAST + 900) if (day - 1) % 7 < 5)
SIZES = {"wh": 30 * 60, "nh": 72 * 60, "wd": 12, "nd": 15, "month": 2}
"""The largest budget of each unit: minutes, days, months."""
UNITS = tuple(SIZES)
REASONS = ("weather", "funds", "court")
HOURS = (
    ((540, 720), (840, 1080)),
    ((540, 720), (840, 1080)),
    ((510, 720), (840, 1080)),
    ((0, 1440),),
    ((600, 601), (602, 780), (1200, 1439)),
)
HOLDERS = tuple(f.Unit(name, ("610327", name)) for name in ("water", "roads", "town"))


@dataclass(frozen=True)
class Version:
    """A version of a calendar: the notices' days, some of them otherwise, and its hours."""

    name: str
    flipped: frozenset[int]
    hours: tuple[tuple[int, int], ...]

    @cached_property
    def days(self) -> Mapping[date, bool]:
        """The days that are not as the week has them."""
        known = dict(NOTICED)
        for ordinal in self.flipped:
            day = date.fromordinal(ordinal)
            known[day] = not known.get(day, day.weekday() < 5)
        return known

    def calendar(self) -> Calendar:
        """Return it as the domain has it."""
        hours = tuple((opens * 60, closes * 60) for opens, closes in self.hours)
        covered = (CN_OFFICE.covered_from, CN_OFFICE.covered_to)
        return Calendar("cn-office", self.name, hours, self.days, *covered)

    def office(self, first: int) -> Office:
        """Return it as the naive count has it, in force from a day on."""
        worked = set(WEEKDAYS)
        for day, is_worked in self.days.items():
            (worked.add if is_worked else worked.discard)(day.toordinal())
        minutes = {minute for opens, closes in self.hours for minute in range(opens, closes)}
        return Office(first, worked, minutes)


@dataclass(frozen=True)
class Event:
    """Something that happens to a clock, so many minutes after what came before."""

    after: int
    what: str
    """`pause`, `resume`, `extend`, `regrade`, `calendar`, `pass_on`."""
    number: int
    """Which reason, or which unit it is passed on to."""
    unit: str
    size: int
    """Of an extension or a new limit, as a share (of 1000) of the largest of its unit."""
    floor: int
    """At least so many working minutes are left; 0 for no floor."""
    flipped: frozenset[int]
    """Days from the start on that another version of the calendar has otherwise."""
    days: int
    """From which day on it counts, from the event's on."""
    minute: int | None = None
    """At this minute of a day instead: when offices open and close, for example."""

    def at(self, before: int) -> int:
        """Return when it happens, never before what came before."""
        now = before + self.after
        if self.minute is None:
            return now
        now = now // DAY * DAY + self.minute
        return now if now >= before else now + DAY


@dataclass(frozen=True)
class ClockStory:
    """A clock, and what happens to it until it stops."""

    start: int
    """Minutes since the ordinal 0."""
    unit: str
    size: int
    end_of_day: bool
    hours: tuple[tuple[int, int], ...]
    flipped: frozenset[int]
    events: tuple[Event, ...]
    ends_after: int


def sized(unit: str, share_of: int) -> int:
    """Return a budget between the smallest and the largest of its unit."""
    return 1 + (SIZES[unit] - 1) * share_of // 1000


WHATS = (
    *("pause", "pause", "pause", "resume", "resume"),
    *("extend", "regrade", "calendar", "pass_on"),
)
FLOORS = (0, 0, 60, 480, 700)
MINUTES = (0, 540, 719, 720, 840, 1079, 1080, 1439)
HEADER, EVENT, MOST_EVENTS = 12, 12, 7


def event_of(drawn: bytes) -> Event:
    """Read an event from bytes: to draw each member by itself takes longer than to count it."""
    at_edge = drawn[11] % 2
    return Event(
        minute=MINUTES[drawn[11] // 2 % len(MINUTES)] if at_edge else None,
        after=int.from_bytes(drawn[:2]) % (4 * DAY),
        what=WHATS[drawn[2] % len(WHATS)],
        number=drawn[3] % 3,
        unit=UNITS[drawn[4] % len(UNITS)],
        size=drawn[5] * 1000 // 255,
        floor=FLOORS[drawn[6] % len(FLOORS)],
        flipped=flipped_of(drawn[7:10]),
        days=drawn[10] % 16 - 3,
    )


def flipped_of(drawn: bytes) -> frozenset[int]:
    """Read a few days near the start; half of the bytes name none."""
    return frozenset(number % 28 - 2 for number in drawn if number < 128)


def story_of(header: bytes, rest: bytes) -> ClockStory:
    """Read a story from bytes."""
    unit = UNITS[header[0] % len(UNITS)]
    within = int.from_bytes(header[4:6])
    minute = MINUTES[within % len(MINUTES)] if header[3] % 4 == 0 else within % DAY
    return ClockStory(
        start=(FIRST + int.from_bytes(header[1:3]) % (LAST - FIRST)) * DAY + minute,
        unit=unit,
        size=sized(unit, header[6] * 1000 // 255),
        end_of_day=bool(header[3] % 2),
        hours=HOURS[header[7] % len(HOURS)],
        flipped=flipped_of(header[8:11]),
        events=tuple(
            event_of(rest[first : first + EVENT])
            for first in range(0, len(rest) - EVENT + 1, EVENT)
        ),
        ends_after=1 + header[11] * 100,
    )


STORIES = st.builds(
    story_of,
    st.binary(min_size=HEADER, max_size=HEADER),
    st.integers(0, MOST_EVENTS).flatmap(
        lambda number: st.binary(min_size=number * EVENT, max_size=number * EVENT)
    ),
)


def moment(second: int) -> datetime:
    """Return a second of the wall clock as a moment."""
    day, rest = divmod(second, DAY * 60)
    local = datetime.combine(date.fromordinal(day), datetime.min.time(), SHANGHAI)
    return (local + timedelta(seconds=rest)).astimezone(UTC)


def budget_text(unit: str, size: int) -> str:
    """Write a budget as the domain reads it: of hours the minutes."""
    return f"{size}{unit[0]}m" if unit in {"wh", "nh"} else f"{size}{unit}"


class Lived:
    """The story as the naive count knows it."""

    def __init__(self, story: ClockStory) -> None:
        """Start the clock."""
        self.story = story
        self.clock = NaiveClock(story.unit, story.start, story.size, story.end_of_day)
        self.offices = [Version("0", _near(story, story.flipped), story.hours).office(0)]
        self.held: dict[str, int] = {}

    def happen(self, event: Event, now: int) -> None:
        """Let something happen."""
        reason = REASONS[event.number]
        clock = self.clock
        if event.what == "pause":
            self.held.setdefault(reason, now)
        elif event.what == "resume" and reason in self.held:
            clock.pauses.append((self.held.pop(reason), now))
        elif event.what == "extend":
            clock.extensions.append(sized(clock.unit, event.size))
        elif event.what == "regrade":
            if event.unit != clock.unit:
                clock.extensions = []
            clock.unit, clock.size = event.unit, sized(event.unit, event.size)
            clock.floors = [Floor(now, "wh", event.floor)] if event.floor else []
        elif event.what == "calendar":
            first = max(now // DAY + event.days, 1)
            version = Version("new", _near(self.story, event.flipped), self.story.hours)
            kept = [office for office in self.offices if office.first < first]
            self.offices = [*kept, version.office(first)]
            if event.floor:
                clock.floors.append(Floor(now, "wh", event.floor))

    def due(self, now: int) -> int:
        """Return the second at which it falls due if what holds it lets go now."""
        return naive.due(self._as_of(now), self.offices)

    def threshold(self, now: int, percent: int) -> int:
        """Return the second at which a share of its limit is used up."""
        return naive.threshold(self._as_of(now), self.offices, percent)

    def _as_of(self, now: int) -> NaiveClock:
        clock = self.clock
        open_now = [(since, now) for since in self.held.values()]
        return NaiveClock(
            clock.unit,
            clock.start,
            clock.size,
            clock.end_of_day,
            clock.pauses + open_now,
            clock.extensions,
            clock.floors,
        )


class Told(ClockFacts):
    """The story as facts, which are folded as they come."""

    def __init__(self, story: ClockStory) -> None:
        """Record that the clock started."""
        first = Version("0", _near(story, story.flipped), story.hours)
        super().__init__(almanac_of(first.calendar()))
        self.story = story
        at = moment(story.start * 60)
        cutoff = "end_of_day" if story.end_of_day else "close_of_business"
        self.hold(at, HOLDERS[0])
        self.start(at, budget_text(story.unit, story.size), cutoff=cutoff)

    def happen(self, event: Event, now: int) -> None:
        """Record what happens."""
        at, reason, clock = moment(now * 60), REASONS[event.number], self.clock
        holds = [hold.reason for hold in clock.held]
        unit = parse_budget(clock.budget).unit.value
        floors = (f.Floor(at, f"{event.floor}wm"),) if event.floor else ()
        if event.what == "pass_on":
            self.hold(at, HOLDERS[event.number])
        elif event.what == "pause" and reason not in holds:
            self.pause(at, reason)
        elif event.what == "resume" and reason in holds:
            self.resume(at, reason)
        elif event.what == "extend":
            self.extend(at, budget_text(unit, sized(unit, event.size)))
        elif event.what == "regrade":
            budget = budget_text(event.unit, sized(event.unit, event.size))
            kept = clock.extensions if event.unit == unit else ()
            self.move(at, "regraded", budget=budget, extensions=kept, floors=floors)
        elif event.what == "calendar":
            self.publish(at, self._published(event, now), *floors)

    def due(self, now: int) -> datetime:
        """Return the due as the domain reckons it at this moment."""
        return reckon(self.clock, self.almanac, moment(now * 60)).due.at

    def threshold(self, now: int, percent: int) -> datetime:
        """Return when a share is used up, as the domain reckons it."""
        return share(self.clock, self.almanac, moment(now * 60), percent)

    def _published(self, event: Event, now: int) -> Almanac:
        name = str(len(self.almanacs))
        calendar = Version(name, _near(self.story, event.flipped), self.story.hours).calendar()
        first = date.fromordinal(max(now // DAY + event.days, 1))
        return with_version(self.almanac, calendar, first)


def _near(story: ClockStory, flipped: frozenset[int]) -> frozenset[int]:
    """Return days given from the start on as days."""
    return frozenset(story.start // DAY + day for day in flipped)


def told_and_lived(story: ClockStory) -> Iterator[tuple[Told, Lived, int]]:
    """Tell a story both ways, and stop after each thing that happens; then it stops."""
    told, lived, now = Told(story), Lived(story), story.start
    yield told, lived, now
    for event in story.events:
        now = event.at(now)
        told.happen(event, now)
        lived.happen(event, now)
        yield told, lived, now


def told_to_the_end(story: ClockStory) -> tuple[Told, int]:
    """Tell a story as facts, up to the clock's stop."""
    told, now = Told(story), story.start
    for event in story.events:
        now = event.at(now)
        told.happen(event, now)
    now += story.ends_after
    told.stop(moment(now * 60))
    return told, now
