"""A register read row by row: each row a case as it was, or a rejection with its reason."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.register.cells import Cell, is_lossy_number, text_of
from app.register.dates import DateError, Moment, parse_moment
from app.register.mapping import AcceptedRule, DispatchedRule, Mapping, MomentRule, TextRule
from app.register.mapping_file import locate_columns
from app.register.records import CaseRow, Milestone, RejectedRow, not_after, with_digest
from app.register.tables import Row, Table, read_table

__all__ = ["CaseRow", "Milestone", "RejectedRow", "open_register", "read_register"]

# interface.md: up to 120 s ahead counts as now; clocks of two machines never agree.
_TOLERANCE: Final = timedelta(seconds=120)
_TITLE_LENGTH: Final = 30


class _RejectionError(ValueError):
    """This row is rejected; the reader goes on with the next."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def open_register(path: Path, mapping: Mapping) -> Table:
    """Open the register's table as its mapping says (header row, sheet)."""
    return read_table(path, header_row=mapping.header_row, sheet=mapping.sheet)


def read_register(
    path: Path, mapping: Mapping, *, now: datetime
) -> Iterator[CaseRow | RejectedRow]:
    """Read a register; `now` (aware) is the moment beyond which nothing can have happened.

    The same number with the same content comes again as an equal case row; with other content
    the later row is rejected as `conflict`.

    Raises:
        TableError: at once, when the file cannot be read.
        ColumnError: at once, when the mapping does not fit it.
    """
    table = open_register(path, mapping)
    return _judged(table, _Reader(mapping, locate_columns(mapping, table), now.astimezone(UTC)))


def _judged(table: Table, reader: "_Reader") -> Iterator[CaseRow | RejectedRow]:
    seen: dict[str, tuple[int, str]] = {}
    for row in table.rows():
        try:
            case = reader.case(row)
            _refuse_conflict(case, seen)
        except _RejectionError as rejection:
            yield RejectedRow(row.number, reader.label(row), rejection.code, rejection.reason)
        else:
            yield case


def _refuse_conflict(case: CaseRow, seen: dict[str, tuple[int, str]]) -> None:
    """The first good row of a number stands; the same content may come again."""
    first_row, digest = seen.setdefault(case.source_id, (case.row, case.digest))
    if digest != case.digest:
        raise _RejectionError(
            "conflict",
            f"编号 {case.source_id} 与第 {first_row} 行相同，内容却不同；"
            "以先出现的一行为准，请核对后只留一行",
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """A mapping bound to the columns of one table."""

    mapping: Mapping
    columns: dict[str, int]
    now: datetime

    def case(self, row: Row) -> CaseRow:
        """Judge one row.

        Raises:
            _RejectionError: with the first reason found.
        """
        if row.surplus:
            raise _RejectionError(
                "surplus-cells", "这一行的格数比表头多，多半是文中的分隔符没有加引号，内容已错位"
            )
        mapping = self.mapping
        source_id = self._source_id(row)
        occurred_at = self._reported(row)
        milestones = tuple(self._milestones(row, occurred_at))
        closed_at = self._closed(row, occurred_at, milestones)
        closed = mapping.closed if closed_at else None
        title, description = self._title_and_description(row)
        case = CaseRow(
            row=row.number,
            source_system=mapping.source.system,
            source_id=source_id,
            kind=mapping.kind,
            title=title,
            description=description,
            reporter=self._texts(row, mapping.reporter.rules()),
            category=self._text(mapping.category, row),
            unit=self._text(mapping.unit, row),
            location=self._text(mapping.location, row),
            occurred_at=occurred_at,
            milestones=milestones,
            closed_at=closed_at,
            reply=self._text(closed.reply, row) if closed else None,
            outcome=self._text(closed.outcome, row) if closed else None,
            data=self._texts(row, mapping.data),
        )
        return not_after(with_digest(case), self.now)

    def label(self, row: Row) -> str:
        """Return the row's number as far as it can be read, to name the row in a report."""
        return text_of(self._cell(self.mapping.source.id.column, row))

    def _cell(self, column: str, row: Row) -> Cell:
        return row.cells[self.columns[column]]

    def _text(self, rule: TextRule | None, row: Row) -> str | None:
        if rule is None:
            return None
        if rule.column is None:
            return rule.constant
        text = _taken_out(rule.pattern, text_of(self._cell(rule.column, row)))
        text = rule.values.get(text, text)
        return rule.aliases.get(text, text) or None

    def _texts(self, row: Row, rules: dict[str, TextRule]) -> dict[str, str]:
        texts = {name: self._text(rule, row) for name, rule in rules.items()}
        return {name: text for name, text in texts.items() if text is not None}

    def _source_id(self, row: Row) -> str:
        rule = self.mapping.source.id
        cell = self._cell(rule.column, row)
        if is_lossy_number(cell):
            raise _RejectionError(
                "id-damaged",
                f"“{rule.column}”被存成了数字，超过 15 位的部分已经丢失；请从原系统按文本重新导出",
            )
        source_id = _taken_out(rule.pattern, text_of(cell))
        if not source_id:
            raise _RejectionError("id-missing", f"缺少“{rule.column}”")
        return source_id

    def _title_and_description(self, row: Row) -> tuple[str, str | None]:
        """Without a title, the description's beginning stands for it."""
        description = self._text(self.mapping.description, row)
        title = self._text(self.mapping.title, row) or description
        if title is None:
            raise _RejectionError("text-missing", "主题和详情都是空的")
        one_line = " ".join(title.split())
        return (one_line[:_TITLE_LENGTH] if title is description else one_line), description

    def _moment(self, rule: MomentRule, row: Row) -> Moment | None:
        """A moment that has begun by now: a whole day counts from its first second."""
        cell = self._cell(rule.column, row)
        try:
            moment = parse_moment(cell, self.mapping.zone(rule), rule.all_formats)
        except DateError as error:
            raise _RejectionError("bad-date", f"“{rule.column}”：{error}") from error
        if moment is not None and moment.earliest > self.now + _TOLERANCE:
            raise _RejectionError(
                "future-time", f"“{rule.column}”“{text_of(cell)}”还没有到，请核对年月日"
            )
        return moment

    def _reported(self, row: Row) -> datetime:
        moment = self._moment(self.mapping.reported_at, row)
        if moment is None:
            raise _RejectionError("report-time-missing", f"缺少“{self.mapping.reported_at.column}”")
        return moment.earliest

    def _milestones(self, row: Row, occurred_at: datetime) -> Iterator[Milestone]:
        previous = occurred_at
        rules = {"accepted": self.mapping.accepted, "dispatched": self.mapping.dispatched}
        for name, rule in rules.items():
            moment = None if rule is None else self._moment(rule.at, row)
            if rule is None or moment is None:
                continue
            at = _not_before(moment, previous)
            if at is None:
                raise _RejectionError("milestone-order", f"“{rule.at.column}”早于它前面的环节")
            previous = at
            yield self._milestone(name, at, rule, row)

    def _milestone(self, name: str, at: datetime, rule: AcceptedRule, row: Row) -> Milestone:
        unit = self._text(rule.unit, row) if isinstance(rule, DispatchedRule) else None
        return Milestone(name, at, unit, self._text(rule.text, row))

    def _closed(
        self, row: Row, occurred_at: datetime, milestones: tuple[Milestone, ...]
    ) -> datetime | None:
        """Return the closing moment, None while the case is open.

        A time without a reply text is rejected where the mapping names a reply: such a row
        says both that the case was answered and that it was not.
        """
        rule = self.mapping.closed
        if rule is None:
            return None
        moment = self._moment(rule.at, row)
        has_reply = self._text(rule.reply, row) is not None
        if moment is None:
            if has_reply and rule.reply is not None and rule.reply.column is not None:
                raise _RejectionError(
                    "reply-time-missing", f"有“{rule.reply.column}”，却缺少“{rule.at.column}”"
                )
            return None
        if rule.reply is not None and not has_reply:
            raise _RejectionError(
                "reply-missing", f"有“{rule.at.column}”，却缺少“{rule.reply.column}”"
            )
        if moment.latest < occurred_at:
            raise _RejectionError(
                "reply-before-report",
                f"“{rule.at.column}”早于“{self.mapping.reported_at.column}”",
            )
        if milestones and moment.latest < milestones[-1].at:
            raise _RejectionError("milestone-order", f"“{rule.at.column}”早于它前面的环节")
        return moment.latest


def _not_before(moment: Moment, previous: datetime) -> datetime | None:
    """Place a date without time as early on its day as the step before it allows."""
    at = max(moment.earliest, previous) if moment.whole_day else moment.earliest
    return at if previous <= at <= moment.latest else None


def _taken_out(pattern: str | None, text: str) -> str:
    """Return the named or first group where the pattern is found, nothing where it is not."""
    if pattern is None:
        return text
    found = re.search(pattern, text)
    if found is None:
        return ""
    named = [group for group in found.groupdict().values() if group is not None]
    return (named[0] if named else found.group(1) or "").strip()
