"""民情台账: a ledger that is a query. It keeps no rows: what it finds depends on the day of asking.

It is asked as every ledger is (rows, counts, files; as of, known at, within a scope); each row says
by which rule and which numbers it stands there, and which cases are behind it.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

from domain.errors import UnknownField, UnknownParameter
from eventlog.database import Connection
from projections.concerns.counting import (
    CHRONIC,
    FILTERS,
    OF_CASES,
    RECURRING,
    SORTS,
    Count,
)
from projections.concerns.rule import Rule, shipped_rule
from projections.export import PLAIN, Layout
from projections.ledger import Extract, Item, Page
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.ledgers.directory import DIRECTORY
from projections.query import (
    SORT,
    BadCursor,
    Column,
    Filter,
    Kind,
    Moment,
    find_moment,
    read_cursor,
    snapshot,
    write_cursor,
)
from projections.scope import Sight

_SPACE: Final = UUID("5f0a6b1e-7c52-5d0e-9a55-0d3c8f2b7e41")
COLUMNS: Final = (
    Column("sort", "民情种类", words=SORTS),
    Column("category", "类别"),
    Column("place", "地点", "unit"),
    Column("cases", "事项数", "number"),
    Column("units", "出现单元数", "number"),
    Column("of_units", "同级单元数", "number"),
    Column("old", "久拖不决", "number"),
    Column("again", "反复办理", "number"),
    Column("overdue", "超期", "number"),
    Column("first_at", "最早上报", "time"),
    Column("last_at", "最近上报", "time"),
    Column("rule", "规则"),
    Column("because", "依据"),
    Column("numbers", "所涉事项编号"),
    Column("case_ids", "所涉事项标识"),
    Column("drill", "下钻条件"),
)
USUAL: Final = "-cases"


class ConcernLedger:
    """Concerns by a rule; asked like a ledger that keeps rows."""

    name = "concerns"
    title = "民情台账"
    columns = COLUMNS
    filters: Mapping[str, Filter] = {**FILTERS, **OF_CASES}
    sorts = ("cases", "last_at", "category")
    layout: Layout = PLAIN

    def __init__(self, rule: Rule | None = None) -> None:
        """Find by a rule; without one, by that which comes with the program."""
        self.rule = rule or shipped_rule()

    @property
    def follows(self) -> list[str]:
        """The checkpoints that its answers depend on."""
        return [one.tables.name for one in (CASES, DEADLINES, DIRECTORY)]

    def page(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        limit: int,
        cursor: str | None = None,
        now: datetime | None = None,
    ) -> Page:
        """Return up to `limit` findings; raises as the page of any ledger does."""
        with snapshot(connection):
            found, moment, counted = self._find(connection, scope, filters, as_of, known_at, now)
            sort = self._sort(filters)
            rest = found if cursor is None else found[self._after(found, sort, cursor) :]
            items = self._named(counted, rest[:limit])
        more = len(rest) > limit
        following = write_cursor(sort, _place(rest[limit - 1])) if more else None
        return Page(items, following, as_of, moment.position, moment.final)

    def summary(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        now: datetime | None = None,
    ) -> dict[str, Any]:
        """Count findings by sort and category."""
        with snapshot(connection):
            items, moment, _ = self._find(connection, scope, filters, as_of, known_at, now)
        by_category: dict[str, int] = {}
        for item in sorted(items, key=lambda one: str(one["category"])):
            by_category[item["category"]] = by_category.get(item["category"], 0) + 1
        return {
            "as_of": moment.now,
            "total": len(items),
            **{sort: sum(item["sort"] == sort for item in items) for sort in SORTS},
            "by_category": by_category,
            "rule": self.rule.label,
            "position": moment.position,
            "final": moment.final,
        }

    @contextmanager
    def extract(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        now: datetime | None = None,
    ) -> Generator[Extract]:
        """Give all findings: few enough to be kept at once."""
        with snapshot(connection):
            found, moment, counted = self._find(connection, scope, filters, as_of, known_at, now)
            items = self._named(counted, found)
        yield Extract(iter(items), as_of, moment.position, moment.final)

    def rows(
        self,
        connection: Connection,
        *,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        now: datetime | None = None,
    ) -> Iterator[Item]:
        """Return all findings, where nobody asks for the position."""
        with self.extract(
            connection, scope=scope, filters=filters, as_of=as_of, known_at=known_at, now=now
        ) as extract:
            return extract.items

    def _find(
        self,
        connection: Connection,
        scope: Sight,
        filters: Mapping[str, str],
        as_of: datetime | None,
        known_at: datetime | None,
        now: datetime | None,
    ) -> tuple[list[Item], Moment, Count]:
        for name in filters:
            if name not in self.filters and name != SORT:
                known = "、".join([*self.filters, SORT])
                raise UnknownParameter(pointer=name, parameter=name, known=known)
        sort = self._sort(filters)
        moment = find_moment(connection, self.follows, as_of=as_of, known_at=known_at, now=now)
        counted = Count(connection, self.rule, moment, scope, filters)
        found = [self._told(one) for one in counted.findings()]
        found.sort(key=lambda one: _key(sort, one), reverse=sort.startswith("-"))
        return found, moment, counted

    def _sort(self, filters: Mapping[str, str]) -> str:
        sort = filters.get(SORT, USUAL)
        if sort.removeprefix("-") not in self.sorts:
            known = "、".join(f"{name}、-{name}" for name in self.sorts)
            raise UnknownField(pointer=SORT, field=SORT, detail=f"可用的排序：{known}")
        return sort

    def _after(self, items: list[Item], sort: str, cursor: str) -> int:
        """Return where the page begins: after the place that the cursor names."""
        column = sort.removeprefix("-")
        kind: Kind = next(one.kind for one in self.columns if one.name == column)
        value, finding, _ = read_cursor(sort, kind, cursor)
        place = (value, str(finding))
        down = sort.startswith("-")
        try:
            return sum(
                _key(sort, one) >= place if down else _key(sort, one) <= place for one in items
            )
        except TypeError:
            raise BadCursor from None

    def _told(self, found: Mapping[str, Any]) -> Item:
        """Return a finding with its reasons."""
        sort, category, place = found["sort"], found["category"], found["place"]
        return {
            "id": str(uuid5(_SPACE, f"{sort}\0{category}\0{place}")),
            **found,
            "rule": f"{self.rule.label}/{sort}",
            "because": _because(self.rule, found),
        }

    def _named(self, counted: Count, found: Sequence[Item]) -> list[Item]:
        """Return findings with the cases behind them."""
        if not found:
            return []
        return [
            {
                **one,
                "numbers": "、".join(numbers),
                "case_ids": ",".join(ids),
                "drill": "ledgers/cases?" + urlencode({"number": ",".join(numbers)}),
            }
            for one, (numbers, ids) in zip(found, counted.cases(found), strict=True)
        ]


def _because(rule: Rule, found: Mapping[str, Any]) -> str:
    """Say in a sentence which numbers met which thresholds."""
    cases = found["cases"]
    match found["sort"]:
        case concern if concern == RECURRING:
            days, least = rule.recurring.days, rule.recurring.cases
            return f"{days} 天内同一地点同一类别 {cases} 件，达到 {least} 件"
        case concern if concern == CHRONIC:
            parts = (
                (found["old"], f"办理超过 {rule.chronic.open_days} 天"),
                (found["again"], f"重新办理或返工达到 {rule.chronic.again} 次"),
                (found["overdue"], "已经超期"),
            )
            told = "、".join(f"{name} {number} 件" for number, name in parts if number)
            return f"在办 {cases} 件：{told}"
        case _:
            units, of = found["units"], found["of_units"]
            return (
                f"{rule.widespread.days} 天内 {of} 个同级单元中有 {units} 个出现，"
                f"达到 {rule.widespread.share} 且不少于 {rule.widespread.units} 个；共 {cases} 件"
            )


def _key(sort: str, item: Item) -> tuple[Any, str]:
    return item[sort.removeprefix("-")], item["id"]


def _place(item: Item) -> dict[str, Any]:
    """Return an item as cursors know rows."""
    return {**item, "case_id": item["id"], "row_key": ""}


CONCERNS: Final = ConcernLedger()
