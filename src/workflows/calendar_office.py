"""Working calendars (工作日历) as a district keeps them: new versions, units' own, coverage.

A version is planned first, which writes nothing and says what would be published from which day
on; a preview of what would move goes by the same plan (`workflows/recounts.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from datetime import date, datetime
from itertools import count
from typing import Any, Final

from msgspec import Struct

from domain import facts as f
from domain.almanac import Almanac, almanac_of, with_version
from domain.calendar import Calendar
from domain.due import SHANGHAI
from domain.errors import Collision, UnknownCalendar
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.administration import administrator
from workflows.calendars.notices import (
    BadCalendarFile,
    is_notice,
    plain_document,
    read_calendar,
    read_notice,
    with_notice,
)
from workflows.engine import Caller, Engine
from workflows.reference import Reference

OFFICE: Final = "cn-office"
"""The calendar that notices of the State Council belong to."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,63}")
_NOVEMBER: Final = 11


class Planned(Struct, frozen=True, kw_only=True):
    """A version of a calendar that may be published."""

    name: str
    document: dict[str, Any]
    calendar: Calendar
    base: str | None
    """The version it follows; None for a calendar's first."""
    effective_from: date | None
    almanac: Almanac
    """The calendar as it would be then."""
    remarks: tuple[str, ...] = ()
    """What whoever publishes it should know, as people read it."""

    @property
    def unchanged(self) -> bool:
        """Whether it counts exactly as the version it follows: then there is nothing to do."""
        return self.calendar.version == self.base


def today_of(engine: Engine) -> date:
    """Return the district's day."""
    return day_of(engine.now())


def day_of(moment: datetime) -> date:
    """Return the day of a moment, in Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def plan(
    reference: Reference,
    today: date,
    contents: Sequence[Mapping[Any, object]],
    *,
    name: str = "",
    effective_from: date | None = None,
) -> Planned:
    """Return the version that a calendar's document, or notices of the State Council, make.

    Without `effective_from` it applies from the first day that it sees otherwise than the version
    before, but never from before today (clocks.md R13).

    Raises:
        BadCalendarFile: the files are no calendar and no notices, and what to mend.
        UnknownCalendar: the notices are for a calendar that the district does not have.
    """
    document = _document(reference, [plain_document(content) for content in contents], name)
    calendar = read_calendar(document)
    known = reference.calendars.get(calendar.name)
    if known is None:
        return _first(document, calendar, effective_from)
    if calendar.version == known.version.partition("~")[0]:
        return _planned(document, known.newest, known, known)
    calendar = calendar.called(calendar.name, _fresh(reference, calendar))
    differs = difference(known.newest, calendar, today)
    since, remarks = _effective(differs, today, effective_from)
    after = with_version(known, calendar, since)
    return _planned(document, calendar, known, after, since=since, remarks=remarks)


def _planned(
    document: dict[str, Any],
    calendar: Calendar,
    known: Almanac | None,
    after: Almanac,
    *,
    since: date | None = None,
    remarks: tuple[str, ...] = (),
) -> Planned:
    return Planned(
        name=calendar.name,
        document=document,
        calendar=calendar,
        base=known.version if known else None,
        effective_from=since,
        almanac=after,
        remarks=remarks,
    )


def _document(
    reference: Reference, contents: Sequence[dict[str, Any]], name: str
) -> dict[str, Any]:
    if not contents:
        raise BadCalendarFile(detail="没有内容；请给出日历文件或放假安排")
    if all(is_notice(content) for content in contents):
        return _noticed(reference, contents, name or OFFICE)
    if len(contents) > 1:
        raise BadCalendarFile(detail="完整的日历一次只能载入一个，也不能与放假安排混在一起")
    (document,) = contents
    own = str(document.get("name", ""))
    if not _NAME.fullmatch(own):
        raise BadCalendarFile(detail=f"名称“{own}”应为小写字母、数字和连字符，如 {OFFICE}（name）")
    if name not in {"", own}:
        raise BadCalendarFile(detail=f"文件里的日历名为“{own}”，与指定的“{name}”不同；请改正其一")
    return document


def _noticed(reference: Reference, contents: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    document = reference.documents.get(name)
    if document is None:
        raise UnknownCalendar(calendar=name, known="、".join(reference.calendars) or "无")
    notices = sorted((read_notice(content) for content in contents), key=lambda one: one.year)
    years = [notice.year for notice in notices]
    if len(set(years)) < len(years):
        raise BadCalendarFile(detail="同一年的放假安排给了两份；请只保留一份")
    for notice in notices:
        document = with_notice(document, notice)
    return document


def _first(document: dict[str, Any], calendar: Calendar, given: date | None) -> Planned:
    """Plan a new calendar, which counts every day from the beginning."""
    remarks = ("这是新日历，全部日子都按它计算，生效日期不起作用",) if given else ()
    return _planned(document, calendar, None, almanac_of(calendar), remarks=remarks)


def _fresh(reference: Reference, calendar: Calendar) -> str:
    """Return a version's name; what was published before and replaced since gets a number."""
    names = (f"{calendar.version}~{number}" for number in count(2))
    if (calendar.name, calendar.version) not in reference.almanacs:
        return calendar.version
    return next(name for name in names if (calendar.name, name) not in reference.almanacs)


class Difference(Struct, frozen=True):
    """Where two versions of a calendar differ, as seen on a day."""

    passed: date | None
    """The first day before it that only one of them works; `date.min` if all may differ."""
    coming: date | None
    """The first day, it or later, that they see otherwise: worked or not, announced or not."""


def difference(before: Calendar, after: Calendar, today: date) -> Difference:
    """Compare two versions; other hours, or another week, differ from the beginning."""
    if _rule(before) != _rule(after):
        return Difference(date.min, today)
    passed = [day for day in _days(before, after) if day < today and _works(before, after, day)]
    coming = [
        day
        for day in {today, *_days(before, after)}
        if day >= today
        and (_works(before, after, day) or before.is_provisional(day) != after.is_provisional(day))
    ]
    return Difference(min(passed, default=None), min(coming, default=None))


def _days(before: Calendar, after: Calendar) -> set[date]:
    """Return the days on which something may begin to differ."""
    edges = {date.fromordinal(one.firm[1] + 1) for one in (before, after)}
    return {*before.days, *after.days, *edges}


def _works(before: Calendar, after: Calendar, day: date) -> bool:
    return before.is_workday(day) != after.is_workday(day)


def _rule(calendar: Calendar) -> Calendar:
    """Return the rule behind a calendar: its week and hours, without any day of its own."""
    return changed(
        calendar,
        name="",
        version="",
        days={},
        covered_from=date.max,
        covered_to=date.max,
    )


def _effective(
    differs: Difference, today: date, given: date | None
) -> tuple[date, tuple[str, ...]]:
    """Return from which day on a version counts, and what to tell whoever publishes it."""
    if given is None:
        if differs.passed is None:
            return differs.coming or today, ()
        began = "全部日子" if differs.passed == date.min else f"{differs.passed} 起已有日子"
        remark = f"新版与现行版{began}不同；今天 {today} 以前的不重算，除非指定更早的生效日期"
        return differs.coming or today, (remark,)
    if given < today:
        return given, (f"生效日期 {given} 早于今天 {today}：其间已计的时间也会按新版重算",)
    if differs.coming is not None and differs.coming < given:
        remark = f"生效日期 {given} 以前的变化不起作用；最早的变化在 {differs.coming}"
        return given, (remark,)
    return given, ()


async def publish(engine: Engine, planned: Planned, *, caller: Caller | None = None) -> int:
    """发布工作日历: return the position of the new version.

    Raises:
        Collision: another version has been published meanwhile.
    """
    fact = f.CalendarPublished(
        name=planned.name,
        version=planned.calendar.version,
        document=planned.document,
        effective_from=planned.effective_from,
    )

    def drafts(reference: Reference) -> list[Draft]:
        newest = reference.calendars.get(planned.name)
        if (newest.version if newest else None) != planned.base:
            raise Collision(detail=f"日历“{planned.name}”刚刚有了新版；请重新载入")
        return [Draft(fact, engine.now())]

    stream = stream_id(engine.district, f.CALENDAR, planned.name)
    who = caller or administrator(engine, "calendar-load", planned.name)
    return (await engine.record(f.CALENDAR, stream, drafts, who)).last


async def assign(
    engine: Engine, unit: str, name: str | None, *, caller: Caller | None = None
) -> bool:
    """指定工作日历 of a unit and what lies below it, for clocks that start from now on.

    None: as the unit above, in the end as the kind says. Returns whether anything changed.

    Raises:
        UnknownUnit, UnknownCalendar.
    """
    reference = await engine.refresh()
    place = reference.directory.find(unit, pointer="/unit").id
    if name is not None and name not in reference.calendars:
        raise UnknownCalendar(calendar=name, known="、".join(reference.calendars) or "无")
    if reference.directory.calendars.get(place) == name:
        return False
    stream = stream_id(engine.district, f.CALENDAR)
    draft = Draft(f.CalendarAssigned(unit=place, calendar=name), engine.now())
    await engine.record(
        f.CALENDAR, stream, [draft], caller or administrator(engine, "calendar-assign", place)
    )
    return True


class Coverage(Struct, frozen=True):
    """How far a calendar is announced; `missing` from 1 November before the first open year."""

    calendar: str
    until: date
    days: int
    """Left from today; negative when the last one has passed."""
    missing: bool


def coverage(reference: Reference, today: date) -> list[Coverage]:
    """Return how far every calendar is announced (clocks.md R13)."""
    found: list[Coverage] = []
    for name, almanac in reference.calendars.items():
        until = almanac.newest.covered_to
        missing = today >= date(until.year, _NOVEMBER, 1)
        found.append(Coverage(name, until, (until - today).days, missing))
    return found


def default_calendar(reference: Reference) -> Almanac:
    """Return the calendar of the district as a whole.

    Raises:
        UnknownCalendar: it has none yet.
    """
    centre = reference.directory.centre
    name = (reference.directory.calendar_of(centre) if centre else None) or OFFICE
    if name not in reference.calendars:
        raise UnknownCalendar(calendar=name, known="、".join(reference.calendars) or "无")
    return reference.calendars[name]
