"""Where a life takes place: whose grid it is, who is in charge there, and how long things take."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final

from msgspec import Struct

from app.demo.county import ROOT, County, Officer
from app.demo.player import Do
from domain.actor import Actor, Role
from domain.commands import Act, Report
from domain.due import SHANGHAI
from domain.facts import Location
from workflows.administration import UnitRow

OPENS, LUNCH, AGAIN, CLOSES = time(8, 30), time(12), time(14), time(18)
FRIDAY: Final = 5
WEST: Final = 1_068_500_000
SOUTH: Final = 348_900_000
"""Integers of 1e-7 degree: a corner of the invented county."""
EXTENT: Final = 400_000


class Seat(Struct):
    """One life's place, people and luck."""

    random: Random
    county: County
    grid: UnitRow
    began: datetime
    case: str = ""
    """Which case is meant, once it is another than the life began with."""

    def chance(self, percent: int) -> bool:
        """Whether something happens that happens so often."""
        return self.random.random() * 100 < percent

    @property
    def community(self) -> str:
        """The community that the grid lies in."""
        return self.grid.parent or ROOT

    @property
    def town(self) -> str:
        """The town that the community lies in."""
        [unit] = [unit for unit in self.county.units if unit.code == self.community]
        return unit.parent or ROOT

    def department(self, *names: str) -> str:
        """Return the code of one of these departments; of any, where none is named."""
        departments = self.county.of_level("department")
        found = [one.code for one in departments if one.name in names]
        return self.random.choice(found or [one.code for one in departments])

    def actor(self, role: Role, unit: str) -> Actor:
        """Return somebody with a role in a unit: whoever holds the post."""
        officer = self.county.officer(unit, role.value)
        return _acting(role, unit, officer)

    @property
    def worker(self) -> Actor:
        """The grid worker."""
        return self.actor(Role.GRID_WORKER, self.grid.code)

    @property
    def cadre(self) -> Actor:
        """The community's officer."""
        return self.actor(Role.COMMUNITY_OFFICER, self.community)

    @property
    def official(self) -> Actor:
        """The town's officer."""
        return self.actor(Role.TOWN_OFFICER, self.town)

    def handler(self, department: str) -> Actor:
        """Return who works for a department."""
        return self.actor(Role.DEPARTMENT_OFFICER, department)

    @property
    def dispatcher(self) -> Actor:
        """The district centre's dispatcher."""
        return _acting(Role.DISPATCHER, None, self.county.officer(ROOT, Role.DISPATCHER.value))

    @property
    def supervisor(self) -> Actor:
        """The district's supervisor."""
        return _acting(Role.SUPERVISOR, None, self.county.officer(ROOT, Role.SUPERVISOR.value))

    @property
    def leader(self) -> Actor:
        """A leader of the county."""
        return _acting(Role.LEADER, None, self.county.officer(ROOT, Role.LEADER.value))

    @property
    def hotline(self) -> Actor:
        """The hotline, which reports by system."""
        return Actor(role=Role.INTEGRATOR)

    def after(self, at: datetime, least: float, most: float, *, office: bool = True) -> datetime:
        """Return a moment so many hours later; in office hours unless things happen at any time."""
        hours = self.random.triangular(least, most, least + (most - least) / 3)
        moment = at + timedelta(seconds=round(hours * 3600))
        return in_office(moment, self.random) if office else moment

    def days(self, at: datetime, least: float, most: float) -> datetime:
        """Return a moment so many days later, in office hours."""
        return self.after(at, least * 24, most * 24)

    def day(self, at: datetime, later: int) -> str:
        """Return a day, some days after a moment, as forms take it."""
        return (at.astimezone(SHANGHAI).date() + timedelta(days=later)).isoformat()

    def location(self) -> Location:
        """Return a point in the invented county."""
        east, north = self.random.randrange(EXTENT), self.random.randrange(EXTENT)
        return Location("cgcs2000", WEST + east, SOUTH + north)

    def report(self, actor: Actor, kind: str, title: str, **members: Any) -> Do:  # noqa: ANN401 - a report's members
        """Return the report with which a life begins."""
        members.setdefault("unit", self.grid.code)
        return Do(self.began, actor, Report(kind=kind, title=title, **members))

    def act(
        self,
        at: datetime,
        actor: Actor,
        action: str,
        *,
        may_fail: bool = False,
        **data: Any,  # noqa: ANN401 - a form's data
    ) -> Do:
        """Return a further step of the life's case."""
        return Do(at, actor, Act(action=action, data=data), self.case, may_fail)


def _acting(role: Role, unit: str | None, officer: Officer | None) -> Actor:
    post, person = (officer.post, officer.person) if officer else (None, None)
    return Actor(role=role, unit=unit, post=post, person=person)


def in_office(moment: datetime, random: Random) -> datetime:
    """Return a moment, or one soon after the office next opens."""
    local = moment.astimezone(SHANGHAI)
    opening = _opening(local.date(), local.time())
    if opening is None:
        return moment
    return opening.astimezone(moment.tzinfo) + timedelta(seconds=random.randrange(60, 5400))


def _opening(day: date, clock: time) -> datetime | None:
    """Return when the office next opens; None while it is open."""
    if day.weekday() < FRIDAY:
        if clock < OPENS:
            return datetime.combine(day, OPENS, SHANGHAI)
        if LUNCH <= clock < AGAIN:
            return datetime.combine(day, AGAIN, SHANGHAI)
        if clock < CLOSES:
            return None
    day += timedelta(days=1)
    while day.weekday() >= FRIDAY:
        day += timedelta(days=1)
    return datetime.combine(day, OPENS, SHANGHAI)
