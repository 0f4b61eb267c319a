"""Moments as people write them in registers: real Excel dates, serial numbers, and text."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from app.register.cells import Cell, clean, text_of

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100  # exclusive
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's serials know no zone
_WIDEST_OFFSET: Final = timedelta(hours=14)

_BEFORE_NOON: Final = {hour: hour % 12 for hour in range(13)}
_AFTER_NOON: Final = {hour: hour % 12 + 12 for hour in range(24)}
_EARLY: Final = {hour: hour for hour in range(12)}
# 晚上 12 点 and 晚上 1 点 may be of either day, so they are no hours.
_HOURS: Final[dict[str, dict[int, int]]] = {
    "上午": _BEFORE_NOON,
    "AM": _BEFORE_NOON,
    "凌晨": _BEFORE_NOON,
    "清晨": _EARLY,
    "早上": _EARLY,
    "早晨": _EARLY,
    "中午": {11: 11, 12: 12, 13: 13, 1: 13},
    "下午": _AFTER_NOON,
    "PM": _AFTER_NOON,
    "晚上": {hour: hour % 12 + 12 for hour in (*range(6, 12), *range(18, 24))},
}
_HALVES: Final = "|".join(_HOURS)
_DATE: Final = (
    r"(?P<year>\d{4}) ?(?:"
    r"(?P<sep>[-/.]) ?(?P<month>\d{1,2}) ?(?P=sep) ?(?P<day>\d{1,2})"
    r"|年 ?(?P<month_zh>\d{1,2}) ?月 ?(?P<day_zh>\d{1,2}) ?[日号]?"
    r"|(?P<month_8>\d{2})(?P<day_8>\d{2}))"
)
_WEEKDAY: Final = r"(?: ?\(?(?:星期|周)[一二三四五六日天]\)?)?"
_TIME: Final = (
    rf"(?P<half>{_HALVES})? ?(?P<hour>\d{{1,2}})"
    r"(?: ?: ?(?P<minute>\d{1,2})(?: ?: ?(?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"| ?[时点] ?(?:(?P<minute_zh>\d{1,2}) ?分? ?(?:(?P<second_zh>\d{1,2}) ?秒)?)?)"
    r" ?(?P<half_after>AM|PM)?"
)
# Without a gap, 2017/1/19:05 would be two different moments.
_GAP: Final = rf"(?: ?T ?| |(?<=[日号)])|(?={_HALVES}))"
_DASHES: Final = str.maketrans("–—−", "---")
_OFFSET: Final = r" ?(?P<offset>Z|(?:UTC|GMT)?(?P<sign>[-+])(?P<oh>\d{2}):?(?P<om>\d{2}))?"
_SHAPE: Final = re.compile(
    rf"{_DATE}{_WEEKDAY}(?:{_GAP}{_TIME}{_OFFSET})?", re.IGNORECASE | re.ASCII
)
_COMPACT: Final = re.compile(r"(\d{8})[T ]?(\d{2})(\d{2})(\d{2})?", re.ASCII)
_SERIAL: Final = re.compile(r"\d{5}(\.\d+)?", re.ASCII)


class DateError(ValueError):
    """The cell is no moment; the message quotes it and says why."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in its zone; `whole_day` when the cell gave a date without a time."""

    local: datetime
    whole_day: bool

    @property
    def earliest(self) -> datetime:
        """UTC; the first second of a whole day."""
        return self.local.astimezone(UTC)

    @property
    def latest(self) -> datetime:
        """UTC; the last second of a whole day."""
        local = self.local.replace(hour=23, minute=59, second=59) if self.whole_day else self.local
        return local.astimezone(UTC)


def parse_moment(cell: Cell, zone: ZoneInfo, formats: Sequence[str] = ()) -> Moment | None:
    """Read a cell as a moment, in `zone` unless it carries an offset; None when it is empty.

    Fractions of a second are cut. With `formats` (strptime), texts must follow one of them.
    A real Excel date at midnight counts as a date without time: Excel keeps no difference.

    Raises:
        DateError: ambiguous, impossible, or outside the years 1990 to 2099.
    """
    text = text_of(cell)
    if not text:
        return None
    try:
        moment = _read(cell, zone, formats)
    except DateError:
        raise
    except (ValueError, OverflowError) as error:
        raise DateError(f"“{text}”不是存在的日期时间") from error
    if not FIRST_YEAR <= moment.local.year < LAST_YEAR:
        raise DateError(f"“{text}”的年份不在 {FIRST_YEAR}—{LAST_YEAR - 1} 之间")
    return moment


def _read(cell: Cell, zone: ZoneInfo, formats: Sequence[str]) -> Moment:
    match cell:
        case datetime():
            return _placed(cell, zone, whole_day=cell.time() == time.min)
        case date():
            return _placed(datetime.combine(cell, time.min), zone, whole_day=True)
        case bool() | time() | timedelta():
            raise DateError(f"“{text_of(cell)}”不含年月日")
        case int() | float():
            return _from_digits(text_of(cell), zone)
        case _ if formats:
            return _by_format(clean(str(cell)), zone, formats)
        case _:
            return _from_text(clean(str(cell)), zone)


def _placed(naive: datetime, zone: ZoneInfo, *, whole_day: bool) -> Moment:
    return Moment(naive.replace(microsecond=0, tzinfo=naive.tzinfo or zone), whole_day)


def _from_digits(text: str, zone: ZoneInfo) -> Moment:
    """Read a plain number: 20171231, or an Excel serial such as 43100.7 (days since 1899-12-30)."""
    if _SERIAL.fullmatch(text):
        day, _, fraction = text.partition(".")
        # A serial is a double: 16:50:00 may come as 16:49:59.9999996, so round, then cut.
        seconds = int(round(float(f"0.{fraction or 0}") * 86400, 3))
        moment = _EXCEL_EPOCH + timedelta(days=int(day), seconds=seconds)
        return _placed(moment, zone, whole_day=not fraction)
    return _from_text(text, zone)


def _by_format(text: str, zone: ZoneInfo, formats: Sequence[str]) -> Moment:
    for form in formats:
        for written in (text, unicodedata.normalize("NFKC", text)):
            try:
                parsed = datetime.strptime(written, form)  # noqa: DTZ007 - _placed adds the zone
            except ValueError:
                continue
            whole_day = not any(part in form for part in ("%H", "%I"))
            return _placed(parsed, zone, whole_day=whole_day)
    raise DateError(f"“{text}”不符合映射里写的日期格式 {'、'.join(formats)}")


def _from_text(text: str, zone: ZoneInfo) -> Moment:
    plain = " ".join(unicodedata.normalize("NFKC", text).translate(_DASHES).split())
    if _SERIAL.fullmatch(plain):
        return _from_digits(plain, zone)
    if compact := _COMPACT.fullmatch(plain):
        day, hour, minute, second = compact.groups("00")
        plain = f"{day} {hour}:{minute}:{second}"
    found = _SHAPE.fullmatch(plain)
    if found is None:
        raise DateError(
            f"“{text}”不是能认出的日期，请写成 2017-12-31 16:50:00 这样，或在映射里写明 format"
        )
    part = found.groupdict()
    year, month, day_of_month = (
        int(part["year"]),
        int(part["month"] or part["month_zh"] or part["month_8"]),
        int(part["day"] or part["day_zh"] or part["day_8"]),
    )
    if part["hour"] is None:
        return _placed(datetime(year, month, day_of_month, tzinfo=zone), zone, whole_day=True)
    naive = datetime(  # noqa: DTZ001 - the zone follows, or the cell's own offset
        year,
        month,
        day_of_month,
        _hour(int(part["hour"]), f"{part['half'] or ''}{part['half_after'] or ''}".upper(), text),
        int(part["minute"] or part["minute_zh"] or 0),
        int(part["second"] or part["second_zh"] or 0),
    )
    offset = _offset(part, text)
    return _placed(naive.replace(tzinfo=offset) if offset else naive, zone, whole_day=False)


def _hour(hour: int, half: str, text: str) -> int:
    """Return the hour of 24; 下午 15 点 is understood, 上午 15 点 contradicts itself."""
    if not half:
        return hour
    understood = _HOURS.get(half, {}).get(hour)  # no entry: two halves, or a contradiction
    if understood is None:
        raise DateError(f"“{text}”的钟点说法有矛盾或有歧义")
    return understood


def _offset(part: dict[str, str | None], text: str) -> timezone | None:
    if part["offset"] is None:
        return None
    if part["sign"] is None:
        return UTC
    # “08:00-09:00” is a span of time, not an offset; with seconds before it, it is an offset.
    if part["sign"] == "-" and part["second"] is None:
        raise DateError(f"“{text}”像是一段时间，不是一个时刻")
    delta = timedelta(hours=int(part["oh"] or 0), minutes=int(part["om"] or 0))
    if delta > _WIDEST_OFFSET:
        raise DateError(f"“{text}”的时区偏移超出范围")
    return timezone(-delta if part["sign"] == "-" else delta)
