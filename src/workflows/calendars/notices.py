"""Yearly notices of the State Council (放假安排), and how one joins a calendar as a new version.

A notice comes in the shape of holiday-cn, one file a year: `year`, `papers` (where the notice was
published) and `days` (`name`, `date`, `isOffDay`). Nothing else of the document changes.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta, Struct

from domain.calendar import BadCalendar, Calendar, calendar_from_document
from domain.errors import BadInput

_WHERE: Final = re.compile(r"`\$?\.?([^`]+)`$")
_DAY: Final = timedelta(1)
_DECEMBER: Final = 12


class BadCalendarFile(BadInput):
    """工作日历文件有误：{detail}。"""

    code = "bad-calendar"


class NoticeDay(Struct, frozen=True, rename={"off": "isOffDay"}):
    """A day that a notice speaks of: off, or worked instead."""

    name: Annotated[str, Meta(min_length=1)]
    date: date
    off: bool


class Notice(Struct, frozen=True):
    """What the State Council announced for a year; its days may begin in December before."""

    year: Annotated[int, Meta(ge=1950, le=2200)]
    papers: list[str]
    days: list[NoticeDay]


def is_notice(content: Mapping[str, object]) -> bool:
    """Say whether a file's content means to be a notice rather than a whole calendar."""
    return "days" in content and "years" not in content


def read_notice(content: Mapping[str, object]) -> Notice:
    """Return a notice that contradicts neither itself nor its year.

    Raises:
        BadCalendarFile: and what to mend.
    """
    try:
        notice = msgspec.convert(dict(content), Notice)
    except msgspec.ValidationError as error:
        raise BadCalendarFile(detail=_shape_problem(str(error))) from None
    if not notice.days:
        detail = f"{notice.year} 年没有列出任何日子，放假安排可能尚未公布；请等公布后的文件"
        raise BadCalendarFile(detail=detail)
    if not any(paper.strip() for paper in notice.papers):
        raise BadCalendarFile(
            detail=f"{notice.year} 年没有写明来源文件；请在 papers 中填写通知网址"
        )
    _check_days(notice)
    return notice


def _shape_problem(problem: str) -> str:
    where = _WHERE.search(problem)
    place = f"（{where[1]}）" if where else ""
    return f"放假安排应有 year、papers 和 days，每天写明 name、date（2027-10-01）和 isOffDay{place}"


def _check_days(notice: Notice) -> None:
    first, last = date(notice.year - 1, _DECEMBER, 1), date(notice.year, _DECEMBER, 31)
    stated: dict[date, bool] = {}
    for day in notice.days:
        if not first <= day.date <= last:
            detail = f"{day.date} 不属于 {notice.year} 年（可涉及上一年 12 月）；请核对年份或日期"
            raise BadCalendarFile(detail=detail)
        if stated.setdefault(day.date, day.off) != day.off:
            detail = f"{day.date} 既是假日又是工作日；请核对后只保留一处"
            raise BadCalendarFile(detail=detail)


def with_notice(document: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
    """Return a calendar's document with a year added, or announced anew.

    Raises:
        BadCalendarFile: the year neither lies in the calendar nor follows it directly.
    """
    covered = document["covered"]
    begins, ends = date.fromisoformat(covered["from"]), date.fromisoformat(covered["to"])
    first, last = date(notice.year, 1, 1), date(notice.year, _DECEMBER, 31)
    if last < begins or first > ends + _DAY:
        detail = (
            f"日历已有 {begins} 至 {ends} 的安排，不能直接加上 {notice.year} 年；"
            f"请先载入 {ends.year + 1} 年的安排"
            if first > ends
            else f"{notice.year} 年早于日历的起始日 {begins}；请载入完整的日历文件"
        )
        raise BadCalendarFile(detail=detail)
    years = document["years"] | {str(notice.year): _year(notice)}
    reaching = {"from": covered["from"], "to": max(ends, last).isoformat()}
    return {**document, "covered": reaching, "years": dict(sorted(years.items()))}


def _year(notice: Notice) -> dict[str, Any]:
    return {
        "sources": notice.papers,
        "holidays": _by_name(day for day in notice.days if day.off),
        "workdays": _by_name(day for day in notice.days if not day.off),
    }


def _by_name(days: Iterable[NoticeDay]) -> dict[str, str]:
    """Return each holiday's days as the calendar's document writes them."""
    named: dict[str, set[date]] = {}
    for day in days:
        named.setdefault(day.name, set()).add(day.date)
    return {name: " ".join(_spans(sorted(dates))) for name, dates in named.items()}


def _spans(days: list[date]) -> list[str]:
    spans: list[list[date]] = []
    for day in days:
        if spans and day - spans[-1][-1] == _DAY:
            spans[-1].append(day)
        else:
            spans.append([day])
    return [f"{span[0]}/{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans]


def read_calendar(document: Mapping[str, Any]) -> Calendar:
    """Return the calendar that a document describes.

    Raises:
        BadCalendarFile: it cannot be counted with, and what to mend.
    """
    try:
        return calendar_from_document(document)
    except BadCalendar as error:
        raise BadCalendarFile(detail=str(error).rstrip("。")) from None


def plain_document(content: Mapping[object, object]) -> dict[str, Any]:
    """Return a file's content as JSON has it: YAML reads `2027-01-01` as a date.

    Raises:
        BadCalendarFile: it holds something that JSON does not have.
    """
    try:
        plain = msgspec.to_builtins(content, str_keys=True)
    except TypeError:
        raise BadCalendarFile(detail="只能有文字、数字、列表和对象") from None
    return cast("dict[str, Any]", plain)
