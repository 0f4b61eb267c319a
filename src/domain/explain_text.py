"""An explanation as people read it, in Chinese lines, and as programs do, as one document."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from unicodedata import east_asian_width

import msgspec

from domain import facts as f
from domain.explain import ANEW, Explanation
from domain.explain_changes import Change
from domain.explain_rows import (
    ABSOLUTE,
    AFTER_CUTOFF,
    BEFORE_CUTOFF,
    FLOOR,
    PAUSED,
    ROLLED,
    Row,
)
from domain.explain_spans import (
    HOLIDAY,
    MAKE_UP,
    NATURAL,
    NATURAL_DAY,
    OFF_HOURS,
    START_DAY,
    WEEKEND,
    WORKDAY,
    WORKING,
)
from domain.reckoning import DATE
from domain.wall import SHANGHAI

WHY: Final = {
    WORKING: "工作时间",
    MAKE_UP: "调休上班",
    WORKDAY: "工作日，到截止时刻计一日",
    NATURAL: "昼夜连续计时",
    NATURAL_DAY: "自然日，到截止时刻计一日",
    OFF_HOURS: "非工作时间",
    WEEKEND: "休息日",
    HOLIDAY: "法定假日",
    START_DAY: "起算当日不计",
    BEFORE_CUTOFF: "未到当日截止时刻",
    AFTER_CUTOFF: "当日截止时刻以后",
    PAUSED: "挂账",
    ROLLED: "期满遇休息日，顺延至工作日截止时刻",
    FLOOR: "时限已用完，最短期限未满",
    ABSOLUTE: "按指定日期到期，不计时",
    ANEW: "重新起算以前，不计",
}
"""Why a row counts or does not."""
CHANGES: Final = {
    "started": "开始计时",
    "paused": "挂账",
    "resumed": "恢复计时",
    "extension-granted": "延期",
    "regraded": "定级变更",
    "filed": "按立案条件归目",
    "calendar-changed": "日历更新",
    "kind-migrated": "迁移到新版类型",
    "report-time-corrected": "上报时间更正",
    "deadline-fixed": "重新定时间",
    "deadline-breached": "超期",
    "breach-retracted": "超期撤销",
    "breach-superseded": "超期因延期失效",
    "breach-voided": "超期作废",
    "clock-stopped": "停止计时",
    "clock-cancelled": "取消计时",
    "clock-stop-corrected": "办结时间更正",
}
STATUS: Final = {"running": "计时中", "paused": "暂停", "stopped": "已停止", "cancelled": "已取消"}
ORIGIN: Final = {
    "kind": "事项类型规定",
    "source": "来源系统指定",
    "rework": "返工时限",
    "catalogue": "事项目录立案条件",
    "accountability": "四定三包",
}
CUTOFF: Final = {"close_of_business": "下班时", "end_of_day": "当日 23:59:59"}
HEADINGS: Final = ("起", "止", "计时", "理由", "本段", "累计", "承担单位")
_WEEK: Final = "一二三四五六日"
_HOUR: Final = 3600


def why_text(row: Row, titles: Mapping[str, str]) -> str:
    """Say why a row counts or not; `titles` has the Chinese names of reasons for pausing."""
    why = WHY[row.why]
    if row.reasons:
        named = "、".join(titles.get(reason, reason) for reason in row.reasons)
        why += f"：{named}" if named else ""
    notes = [
        note
        for note, applies in (
            ("超期后", row.overrun),
            ("推算", row.ahead),
            ("暂定", row.provisional and row.counted),
        )
        if applies
    ]
    return f"{why}（{'，'.join(notes)}）" if notes else why


def amount_text(size: int, counts: str) -> str:
    """Write an amount in the clock's unit: hours as 3:00, with seconds if there are any."""
    if counts == DATE:
        return "—"
    if counts == "days":
        return f"{size}日"
    hours, rest = divmod(size, _HOUR)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def local_text(moment: datetime) -> str:
    """Write a moment as people do, in Asia/Shanghai, with seconds if there are any."""
    local = moment.astimezone(SHANGHAI)
    seconds = local.strftime(":%S") if local.second else ""
    return f"{local:%Y-%m-%d} 周{_WEEK[local.weekday()]} {local:%H:%M}{seconds}"


def as_document(
    explained: Explanation, units: Mapping[str, str], titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return an explanation as JSON data: times with +08:00, codes, and the Chinese beside them."""
    document: dict[str, Any] = _localized(msgspec.to_builtins(explained, builtin_types=(datetime,)))
    document["rows"] = rows_as_document(explained.rows, explained.counts, units, titles)
    for told, change in zip(document["changes"], explained.changes, strict=True):
        told["text"] = change_text(change, titles)
    return document


def rows_as_document(
    rows: Sequence[Row], counts: str, units: Mapping[str, str], titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON data."""
    document: list[dict[str, Any]] = _localized(
        msgspec.to_builtins(rows, builtin_types=(datetime,))
    )
    for told, row in zip(document, rows, strict=True):
        told["text"] = why_text(row, titles)
        told["amount_text"] = amount_text(row.amount, counts)
        told["total_text"] = amount_text(row.total, counts)
        told["charged_to_name"] = units.get(row.charged_to) if row.charged_to else None
    return document


def _localized(value: Any) -> Any:  # noqa: ANN401 - any JSON data
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, dict):
        return {key: _localized(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_localized(item) for item in cast("tuple[object, ...]", value)]
    return value


def change_text(change: Change, titles: Mapping[str, str]) -> str:
    """Tell what happened to a limit, and where its due then was."""
    parts = [CHANGES.get(change.code, change.code)]
    if change.reason:
        parts.append(titles.get(change.reason, change.reason))
    if change.added:
        parts.append(f"+{change.added}")
    elif change.budget:
        parts.append(change.budget)
    parts += [f"自 {local_text(one.since)} 起至少 {one.budget}" for one in change.floors]
    if change.until is not None:
        parts.append(f"至 {local_text(change.until)}")
    if change.previous_due is not None and change.previous_due != change.due:
        parts.append(f"到期由 {local_text(change.previous_due)}")
    if change.due is not None:
        parts.append(f"到期 {local_text(change.due)}")
    return "，".join(parts)


def as_lines(
    explained: Explanation, units: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[str]:
    """Yield an explanation as lines for a terminal."""
    more = "".join(f" + {extension}" for extension in explained.extensions)
    yield f"时限 {explained.clock}：{explained.budget}{more}，{limit_text(explained.limit)}"
    yield (
        f"日历 {explained.calendar}（{explained.calendar_version}），"
        f"末日截止于{CUTOFF.get(explained.cutoff, explained.cutoff)}"
    )
    yield ""
    yield from table_lines(explained.rows, explained.counts, units, titles)
    if not explained.complete:
        yield f"只列出前 {len(explained.rows)} 行。"
    yield ""
    for change in explained.changes:
        yield f"{local_text(change.at)}  {change_text(change, titles)}"
    yield ""
    yield f"到期 {local_text(explained.due)}{'（暂定）' if explained.provisional else ''}"
    yield outcome_text(explained)


def limit_text(limit: f.Limit) -> str:
    """Say which limit applied, from which version, and what chose it."""
    chosen = f"（{limit.by}）" if limit.by else ""
    return f"{ORIGIN.get(limit.origin, limit.origin)} {limit.version}{chosen}"


def outcome_text(explained: Explanation) -> str:
    """Say where a clock stands."""
    parts = [STATUS[explained.status]]
    if explained.stopped_at is not None:
        parts.append(f"于 {local_text(explained.stopped_at)}")
    if explained.met is not None:
        parts.append("按时" if explained.met else "超期")
    elif explained.breached_at is not None:
        parts.append("已超期")
    if explained.agrees is False:
        parts.append("注意：按表推算的到期时间与记录不一致")
    return "，".join(parts)


def table_lines(
    rows: Sequence[Row], counts: str, units: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[str]:
    """Yield the rows as a table, aligned although Chinese is twice as wide."""
    shown = len(HEADINGS) if any(row.charged_to for row in rows) else -1
    told = [
        cells[:shown] for cells in (HEADINGS, *(_cells(row, counts, units, titles) for row in rows))
    ]
    widths = [max(map(_width, column)) for column in zip(*told, strict=True)]
    for cells in told:
        padded = (
            cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
        )
        yield "  ".join(padded).rstrip()


def _cells(
    row: Row, counts: str, units: Mapping[str, str], titles: Mapping[str, str]
) -> tuple[str, ...]:
    party = row.charged_to
    return (
        local_text(row.since),
        local_text(row.until),
        "计" if row.counted else "不计",
        why_text(row, titles),
        amount_text(row.amount, counts) if row.counted else "",
        amount_text(row.total, counts),
        units.get(party, party) if party else "",
    )


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WFA" else 1 for letter in text)
