"""How a clock's time was counted, row by row, so that a citizen can check the sum by hand.

The rows partition the time from the start to the due, and beyond it to the moment asked for or the
clock's end. They are counted by walking from span to span, not by the arithmetic of `domain.due`:
that both agree is checked, here as `Table.due` and by a law over many thousands of clocks.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain.almanac import Almanac
from domain.budget import Cutoff, Unit
from domain.clock import Hold
from domain.explain_spans import ENDLESS, START_DAY, Span, spans

MOST_ROWS: Final = 4_000
"""More than anybody checks; a table that would be longer ends there and says so."""

PAUSED: Final = "paused"
BEFORE_CUTOFF: Final = "before-cutoff"
AFTER_CUTOFF: Final = "after-cutoff"
ROLLED: Final = "rolled"
FLOOR: Final = "floor"
ABSOLUTE: Final = "absolute-date"
DAYS: Final = frozenset({Unit.wd, Unit.nd, Unit.month})


class Row(Struct, frozen=True, gc=False, kw_only=True):
    """From, inclusive, until, exclusive; but for the due, at which a limit is still met."""

    since: datetime
    until: datetime
    counted: bool
    why: str
    reasons: tuple[str, ...] = ()
    """What held the clock."""
    amount: int
    """Seconds for hours, else days."""
    total: int
    charged_to: str | None = None
    """The unit whose time it was: of what has been counted, all is one unit's or another's.

    None for what is ahead, and where no unit ever held the case.
    """
    ahead: bool = False
    """Not lived through: later than the moment asked for, or than the clock's end."""
    overrun: bool = False
    """After the due."""
    calendar_version: str = ""
    provisional: bool = False
    """The calendar only assumes this day."""


class Matter(Struct, frozen=True, kw_only=True):
    """What the rows depend on."""

    start: datetime
    unit: Unit
    size: int
    """The budget with its extensions: seconds for hours, else days."""
    cutoff: Cutoff
    almanac: Almanac
    holds: tuple[Hold, ...] = ()
    floor: datetime | None = None
    """The latest of the moments before which it is not due."""
    lived: datetime
    """Until when it has counted: the moment asked for, or its end."""
    parties: tuple[tuple[datetime, str], ...] = ()
    """Who answers from when on; whoever is first also answers for the time before."""


class Table(Struct, frozen=True):
    """The rows, and what follows from them."""

    rows: tuple[Row, ...]
    due: datetime | None
    """None while nobody knows when the clock goes on, or if the table is too long."""
    complete: bool = True


def lay_out(matter: Matter) -> Table:
    """Count a clock, row by row."""
    walk = _Walk(matter)
    for span in spans(matter.unit, matter.start, matter.almanac, matter.cutoff):
        walk.take(span)
        if walk.over or len(walk.rows) >= MOST_ROWS:
            break
    return Table(tuple(walk.rows), walk.due, walk.over)


def lay_out_date(due: datetime, start: datetime, lived: datetime) -> Table:
    """Lay out a limit that is a date: nothing is counted, it is only waited for."""
    last = max(due, lived)
    edges = sorted({start, *(edge for edge in (due, lived, last) if edge > start)})
    rows = tuple(
        Row(
            since=since,
            until=until,
            counted=False,
            why=ABSOLUTE,
            amount=0,
            total=0,
            ahead=since >= lived,
            overrun=since >= due,
        )
        for since, until in pairwise(edges)
    )
    return Table(rows, due)


class _Walk:
    """Goes from one span to the next, and knows how much is used up."""

    def __init__(self, matter: Matter) -> None:
        self.matter = matter
        self.rows: list[Row] = []
        self.total = 0
        self.spent = False
        self.due: datetime | None = None
        self.over = False
        edges = [edge for hold in matter.holds for edge in (hold.since, hold.until) if edge]
        edges += [matter.lived, *(since for since, _ in matter.parties)]
        if matter.unit in DAYS:  # a day is one unit's, and held or not, as a whole
            edges = [matter.lived]
        self.edges = sorted(set(edges))

    def take(self, span: Span) -> None:
        """Make rows of a span: as many as what happens within it asks for."""
        since = span.since
        while since < span.until and not self.over:
            until = self._cut(span, since)
            row = self._row(span, since, until)
            self._add(row)
            self._spend(span, row)
            since = until
            self.over = self._nothing_left(since)

    def _cut(self, span: Span, since: datetime) -> datetime:
        """Return where the row that begins at `since` ends."""
        cuts = [span.until, *self.edges]
        if self.due is not None:
            cuts.append(self.due)
        elif span.cutoff is not None and self._ends(span):
            cuts.append(span.cutoff)
        elif span.cutoff is None and span.counts and not self._held(span, since):
            cuts.append(since + timedelta(seconds=self.matter.size - self.total))
        return min(cut for cut in cuts if cut > since)

    def _ends(self, span: Span) -> bool:
        """Whether the limit ends at this day's cutoff, by its budget."""
        if self._held(span, span.since):
            return False
        if self.spent:
            return span.worked
        return span.counts and self.total + 1 >= self.matter.size

    def _row(self, span: Span, since: datetime, until: datetime) -> Row:
        held = self._held(span, since)
        why = self._why(span, since, until, held)
        counted = why == span.why and span.counts
        amount = 0
        if counted:
            amount = 1 if span.cutoff else int((until - since).total_seconds())
        ahead = since >= self.matter.lived
        party = self._party(span.cutoff or since) if counted and not ahead else None
        return Row(
            since=since,
            until=until,
            counted=counted,
            why=why,
            reasons=held if why == PAUSED else (),
            amount=amount,
            total=self.total + amount,
            charged_to=party,
            ahead=ahead,
            overrun=self.due is not None and since >= self.due,
            calendar_version=span.version,
            provisional=span.provisional,
        )

    def _why(self, span: Span, since: datetime, until: datetime, held: tuple[str, ...]) -> str:
        if span.why == START_DAY:
            return START_DAY
        if self.spent and self.due is None:
            return PAUSED if held else ROLLED
        if held and (span.counts or span.cutoff is None):
            return PAUSED
        if self.due is not None and since < self.due:
            return FLOOR
        if span.cutoff is None or not span.counts or since < span.cutoff <= until:
            return span.why
        return AFTER_CUTOFF if since >= span.cutoff else BEFORE_CUTOFF

    def _held(self, span: Span, moment: datetime) -> tuple[str, ...]:
        """Return what holds the clock: hours at each moment, days as R5 has it for their unit."""
        holds = self.matter.holds
        if span.cutoff is None:
            found = [hold for hold in holds if _covers(hold, moment)]
        elif self.matter.unit is Unit.wd:
            found = [hold for hold in holds if _covers(hold, span.cutoff)]
        else:
            found = _whole_day(holds, span)
        return tuple(sorted({hold.reason for hold in found}))

    def _party(self, moment: datetime) -> str | None:
        parties = self.matter.parties
        began = [unit for since, unit in parties if since <= moment]
        return began[-1] if began else parties[0][1] if parties else None

    def _add(self, row: Row) -> None:
        """Join a row to the last one if it says the same; a day that counts stands alone."""
        last = self.rows[-1] if self.rows else None
        alone = row.counted and self.matter.unit in DAYS
        if last is None or alone or _said(last) != _said(row):
            self.rows.append(row)
            return
        amount = last.amount + row.amount
        self.rows[-1] = replace(last, until=row.until, amount=amount, total=row.total)

    def _spend(self, span: Span, row: Row) -> None:
        """Take note of what the row used up, and of the due if that was all."""
        self.total = row.total
        if self.due is not None:
            return
        ended = self.spent and row.until == span.cutoff and self._ends(span)
        self.spent = self.spent or self.total >= self.matter.size
        by_days = self.matter.unit in {Unit.nd, Unit.month}
        if ended or (self.spent and (not by_days or (row.counted and span.worked))):
            self.due = max(row.until, self.matter.floor or row.until)

    def _nothing_left(self, since: datetime) -> bool:
        if since >= self.matter.lived and any(
            hold.until is None and hold.since <= since for hold in self.matter.holds
        ):
            return True  # and nobody knows when it goes on
        return self.due is not None and since >= max(self.due, self.matter.lived)


def _covers(hold: Hold, moment: datetime) -> bool:
    return hold.since <= moment and (hold.until is None or moment < hold.until)


def _whole_day(holds: Iterable[Hold], span: Span) -> list[Hold]:
    """Return the holds that cover a day without a gap; none if there is one."""
    found: list[Hold] = []
    reached = span.since
    for hold in sorted(holds, key=lambda one: one.since):
        if hold.since <= reached and (hold.until is None or hold.until > reached):
            found.append(hold)
            reached = ENDLESS if hold.until is None else hold.until
        if reached >= span.until:
            return found
    return []


def _said(row: Row) -> Row:
    """Return what a row says, but for when and how much."""
    return replace(row, since=ENDLESS, until=ENDLESS, amount=0, total=0)
