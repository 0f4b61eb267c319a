"""Founds the demo district: its calendar, units, posts and people; plays its first three months."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from app.demo.county import ROOT, County, Officer, county
from app.demo.lives import LIVES
from app.demo.lives.rounds import rounds
from app.demo.lives.seat import CLOSES, FRIDAY, OPENS, Seat
from app.demo.player import Clock, Life, Player, Tell
from domain import facts as f
from domain.due import SHANGHAI
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.administration import (
    administrator,
    found,
    import_directory,
    publish_calendar,
)
from workflows.calendars import shipped
from workflows.engine import Engine

SEED: Final = 610327
MONTHS: Final = timedelta(days=91)
CASES: Final = 420
"""How many begin in the three months, at scale 1; with their clocks about ten thousand facts."""
CALENDAR: Final = "demo-office"
HOURS: Final = ("08:30-12:00", "14:00-18:00")
SINCE: Final = date(2020, 1, 1)
AT_NIGHT: Final = 12
"""Percent of the cases that do not wait for office hours."""


async def founded(engine: Engine, name: str, *, scale: int = 1) -> County:
    """Found the district, as of the engine's time: calendar, units, posts, people."""
    await found(engine, engine.district, name, trial=True)
    official = deepcopy(shipped()["cn-office"])
    await publish_calendar(engine, CALENDAR, official | {"name": CALENDAR, "hours": [*HOURS]})
    there = county(Random(SEED), scale=scale)  # noqa: S311 - invented people, the same every time
    await import_directory(engine, there.units)
    drafts = list(_staffed(engine, there.officers))
    caller = administrator(engine, "demo-posts")
    await engine.record(f.DIRECTORY, stream_id(engine.district, f.DIRECTORY), drafts, caller)
    assigned = [Draft(f.CalendarAssigned(unit=ROOT, calendar=CALENDAR), engine.now())]
    stream = stream_id(engine.district, f.CALENDAR, CALENDAR)
    await engine.record(f.CALENDAR, stream, assigned, administrator(engine, "demo-calendar"))
    return there


def _staffed(engine: Engine, officers: Sequence[Officer]) -> Iterator[Draft]:
    """Yield the posts and who holds them; names are sealed, each under a key of its own."""
    now = engine.now()
    for one in officers:
        yield Draft(
            f.PostEstablished(post=one.post, unit=one.unit, title=one.title, role=one.role), now
        )
        if one.person:
            name = f.Text("name", one.person, one.name)
            yield Draft(f.PersonRegistered(person=one.person), now, (name,))
            taken = f.PostTaken(post=one.post, person=one.person, since=SINCE, until=None)
            yield Draft(taken, now)


async def played(
    engine: Engine, clock: Clock, there: County, until: datetime, *, scale: int, tell: Tell
) -> Player:
    """Play cases on the engine's clock until a moment, from which on time is the real one."""
    random = Random(SEED + 1)  # noqa: S311 - luck, the same every time
    player = Player(engine, clock, until)
    await player.play(lives(random, there, clock.now, until, scale), tell)
    clock.now = until
    return player


def lives(
    random: Random, there: County, began: datetime, until: datetime, scale: int
) -> Iterator[Life]:
    """Yield all lives that begin between two moments: what comes in, and the weekly rounds."""
    yield from _incoming(random, there, began, until, scale)
    yield from rounds(random, there, began, until)


def _incoming(
    random: Random, there: County, began: datetime, until: datetime, scale: int
) -> Iterator[Life]:
    """Yield each kind as often as its weight says."""
    grids = there.of_level("grid")
    weights = [weight for weight, _ in LIVES]
    for _ in range(CASES * scale):
        _, life = random.choices(LIVES, weights)[0]
        own = Random(random.getrandbits(64))  # noqa: S311 - see above
        moment = _somewhen(own, began, until)
        yield life(Seat(own, there, own.choice(grids), moment))


def _somewhen(random: Random, began: datetime, until: datetime) -> datetime:
    """Return a moment at which issues come in: mostly on workdays, by day."""
    span = int((until - began).total_seconds())
    while True:
        moment = began + timedelta(seconds=random.randrange(span))
        local = moment.astimezone(SHANGHAI)
        by_day = OPENS <= local.time() < CLOSES and local.weekday() < FRIDAY
        if by_day or random.random() * 100 < AT_NIGHT:
            return moment
