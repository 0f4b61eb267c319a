"""A ledger (台账): what it keeps, what people see of it, and how it is asked.

Every answer is within a scope (see `projections/scope.py`; None sees everything). The scope
stands in the SQL of pages, counts and exports alike.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql
from psycopg.rows import dict_row

from domain.errors import UnknownField
from eventlog.database import Connection
from projections.export import PLAIN, Layout
from projections.query import (
    SEARCH,
    SORT,
    Column,
    Condition,
    Filter,
    Kind,
    Moment,
    conditions,
    find_moment,
    read_cursor,
    snapshot,
    source,
    write_cursor,
)
from projections.rows import R, S, Shape
from projections.scope import Sight
from projections.stock import cells_like
from projections.tables import Tables

EXPORT_CHUNK: Final = 2000

Item = dict[str, Any]

SELECT: Final = """
    SELECT case_id, row_key, {listed} FROM ({source}) r
    WHERE {where} ORDER BY {sort} {way}, case_id {way}, row_key {way}
"""
# Both at the same moment and position, so that a row's case is shown as it was with it.
BESIDE: Final = """
    SELECT o.case_id, o.row_key, {listed} FROM ({rows}) o JOIN ({cases}) c ON c.case_id = o.case_id
"""
# For some rows of many in an order of their own: the case of each is looked up.
EACH: Final = """
    SELECT o.case_id, o.row_key, {listed} FROM ({rows}) o
    CROSS JOIN LATERAL (SELECT * FROM ({cases}) x WHERE x.case_id = o.case_id OFFSET 0) c
"""
VISIBLE_TO: Final = "visible_to"
AFTER: Final = "({sort}, case_id, row_key) {sign} (%(after)s, %(after_case)s, %(after_key)s)"


class Page(Struct, frozen=True):
    """Some rows; `next` is the cursor of the page after it, if any."""

    items: list[Item]
    next: str | None
    as_of: datetime | None
    position: int
    final: bool


class Extract(Struct, frozen=True):
    """All rows, streaming; valid as long as the `with` block that it came from."""

    items: Iterator[Item]
    as_of: datetime | None
    position: int
    final: bool


Summarise = Callable[[Connection, Condition, Condition, Moment], dict[str, Any]]
"""Counts over the visible rows (first condition) that satisfy the second."""
FromStock = Callable[[Connection, Condition, Condition, Condition, Moment], dict[str, Any]]
"""The same counts from the cells of the stock that are meant (first), with rows where need be."""


@dataclass(frozen=True, kw_only=True)
class Ledger(Generic[S, R]):
    """One ledger: its shape, its columns with Chinese labels, its filters, orders and counts."""

    shape: Shape[S, R]
    title: str
    columns: tuple[Column, ...]
    filters: Mapping[str, Filter]
    sorts: tuple[str, ...]
    """Columns to order by, never empty in any row; the first, descending, is the usual order."""
    summarise: Summarise
    from_stock: FromStock | None = None
    """How counters tell the summary of now; see `projections/stock.py`."""
    cases: "Ledger[Any, Any] | None" = None
    """The ledger of cases, where what a row says of its case is that ledger's to know.

    Its columns `of_case` then stand in the rows as of the same moment, and so does the scope.
    """
    of_case: tuple[str, ...] = ()
    open_to_all: bool = False
    """Whether everybody in the district may read all of it; its rows then say nothing of scope."""
    called: str = ""
    """What it is called in addresses, where its tables have another name."""
    layout: Layout = PLAIN
    """How its workbook looks."""

    def __post_init__(self) -> None:
        """Let rows be found by words of their cases."""
        if self.cases is not None and SEARCH in self.cases.filters:
            filters = {SEARCH: self.cases.filters[SEARCH], **self.filters}
            object.__setattr__(self, "filters", filters)

    @property
    def name(self) -> str:
        """What it is called in addresses and commands; tables have underscores for hyphens."""
        return self.called or self.shape.name.replace("_", "-")

    @property
    def follows(self) -> list[str]:
        """The checkpoints that its answers depend on."""
        return [self.tables.name, *(self.cases.follows if self.cases else ())]

    @cached_property
    def tables(self) -> Tables[S, R]:
        """The live tables, as the runner follows them."""
        return Tables(self.shape)

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
        """Return up to `limit` rows; `filters` may hold `sort` (a column, `-` for descending).

        Raises:
            UnknownParameter, UnknownField, NaiveTime: a filter is not understood.
            BadCursor: the cursor is not ours, or was made for another order.
        """
        with snapshot(connection):
            moment = self._moment(connection, as_of, known_at, now)
            query = self._select(scope, filters, moment, cursor, few=True)
            parameters = {**query.parameters, "limit": limit + 1}
            with connection.cursor(row_factory=dict_row) as rows:
                statement = sql.SQL("{} LIMIT %(limit)s").format(query.where)
                found = rows.execute(statement, parameters).fetchall()
        more = len(found) > limit
        following = write_cursor(self._sort(filters), found[limit - 1]) if more else None
        items = [_item(row) for row in found[:limit]]
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
        """Return the ledger's counts; without moments they are as of `now`. Raises as `page`."""
        with snapshot(connection):
            moment = self._moment(connection, as_of, known_at, now)
            rows = self._source(moment)
            # Which cases are kept from the caller is looked up apart: a few, found by an index.
            apart = moment if self.cases is None else replace(moment, current=False)
            where = self._where(filters, scope, apart)
            stock = self._stock(connection, scope, filters, moment)
            if stock is not None and self.from_stock is not None:
                counts = self.from_stock(connection, stock, rows, where, moment)
            else:
                counts = self.summarise(connection, rows, where, moment)
        stand = {"position": moment.position, "final": moment.final}
        return {"as_of": moment.now, **counts, **stand}

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
        """Stream all rows within one snapshot, in bounded memory. Raises as `page`."""
        with snapshot(connection):
            moment = self._moment(connection, as_of, known_at, now)
            query = self._select(scope, filters, moment, None)
            names = ("id", "row_key", *(column.name for column in self.columns))
            with connection.cursor(name=f"extract_{self.name}", binary=True) as rows:
                rows.itersize = EXPORT_CHUNK
                rows.execute(query.where, query.parameters)
                yield Extract(_items(rows, names), as_of, moment.position, moment.final)

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
        """Return all rows, streaming, where nobody asks for the position. Raises as `page`."""
        with self.extract(
            connection, scope=scope, filters=filters, as_of=as_of, known_at=known_at, now=now
        ) as extract:
            yield from extract.items

    def _moment(
        self,
        connection: Connection,
        as_of: datetime | None,
        known_at: datetime | None,
        now: datetime | None,
    ) -> Moment:
        return find_moment(connection, self.follows, as_of=as_of, known_at=known_at, now=now)

    def _source(self, moment: Moment, *, each: bool = False) -> Condition:
        """Return its rows as they stand at a moment, with what they say of their cases."""
        rows = source(self.tables.names, self.shape.columns, moment)
        if self.cases is None:
            return rows
        names = self.cases.tables.names
        cases = source(names, (*self.of_case, VISIBLE_TO), moment, each=each)
        listed = sql.SQL(", ").join(
            sql.SQL("{}.{}").format(sql.Identifier(table), sql.Identifier(column))
            for table, columns in (("o", self.shape.columns), ("c", (*self.of_case, VISIBLE_TO)))
            for column in columns
        )
        beside = sql.SQL(EACH if each else BESIDE)
        joined = beside.format(listed=listed, rows=rows.where, cases=cases.where)
        return Condition(joined, {**rows.parameters, **cases.parameters})

    def _where(self, filters: Mapping[str, str], scope: Sight, moment: Moment) -> Condition:
        whose = self.cases or self
        scope = None if self.open_to_all else scope
        return conditions(self.filters, filters, scope, moment, whose.tables.names["current"])

    def _own(self, sort: str, filters: Mapping[str, str]) -> bool:
        """Say whether its own columns alone decide which rows a page begins with."""
        own = {*self.shape.columns, ""}
        asked = [self.filters[name] for name in filters if name in self.filters]
        return sort in own and all(
            one.column in own and one.how not in {"open", "words", "within"} for one in asked
        )

    def _stock(
        self, connection: Connection, scope: Sight, filters: Mapping[str, str], moment: Moment
    ) -> Condition | None:
        """Return the counters that say what counting the rows would say, if there are any."""
        tally = self.shape.tally
        if not moment.current or tally is None or self.from_stock is None:
            return None
        return cells_like(connection, self.tables.names, tally, self.filters, filters, scope)

    def _sort(self, filters: Mapping[str, str]) -> str:
        sort = filters.get(SORT, f"-{self.sorts[0]}")
        if sort.removeprefix("-") not in self.sorts:
            known = "、".join(f"{name}、-{name}" for name in self.sorts)
            raise UnknownField(pointer=SORT, field=SORT, detail=f"可用的排序：{known}")
        return sort

    def _select(
        self,
        scope: Sight,
        filters: Mapping[str, str],
        moment: Moment,
        cursor: str | None,
        *,
        few: bool = False,
    ) -> Condition:
        sort = self._sort(filters)
        column = sort.removeprefix("-")
        rows = self._source(moment, each=few and self._own(column, filters) and not moment.current)
        where = self._where(filters, scope, moment)
        parameters = {**rows.parameters, **where.parameters}
        parts: list[sql.Composable] = [where.where]
        if cursor is not None:
            kind: Kind = next(known.kind for known in self.columns if known.name == column)
            place = read_cursor(sort, kind, cursor)
            parameters |= zip(("after", "after_case", "after_key"), place, strict=True)
            sign = sql.SQL("<" if sort.startswith("-") else ">")
            parts.append(sql.SQL(AFTER).format(sort=sql.Identifier(column), sign=sign))
        listed = sql.SQL(", ").join(sql.Identifier(known.name) for known in self.columns)
        query = sql.SQL(SELECT).format(
            listed=listed,
            source=rows.where,
            where=sql.SQL(" AND ").join(parts),
            sort=sql.Identifier(column),
            way=sql.SQL("DESC" if sort.startswith("-") else "ASC"),
        )
        return Condition(query, parameters)


def _items(rows: Iterable[tuple[Any, ...]], names: Sequence[str]) -> Iterator[Item]:
    """Return what people see of rows, as `_item`; their ids come first."""
    for row in rows:
        item = dict(zip(names, row, strict=True))
        item["id"] = str(item["id"])
        del item["row_key"]
        yield item


def _item(row: Mapping[str, Any]) -> Item:
    """Return what people see of a row, with the case's id first."""
    item = {name: value for name, value in row.items() if name not in {"case_id", "row_key"}}
    return {"id": str(row["case_id"]), **item}
