"""四定三包 asked for: which cases must be answered for, how each cell stands, who has how many.

What facts say stands in the ledger of the name; here time, the directory and the kinds are brought
to it, at the moment asked for: what a due presses upon is late, a vacant post is missing, and what
a severity requires of a case that nobody has fixed anything of is missing too. A law holds the
answer against the domain's `matrix`, folded from the facts of each case.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import sql
from psycopg.rows import dict_row

from domain.accountability import DUTIES, SLOTS
from domain.accountability_posts import day_of
from domain.directory import Directory
from domain.errors import UnknownField, UnknownParameter
from domain.kind import Kind
from eventlog.database import Connection
from projections.accountability_sql import (
    AFTER,
    CELL,
    CELLS,
    CHOSEN,
    COUNTS,
    ENDED_BUT,
    EVERY,
    GOES_ON,
    GROUPS,
    HAS_ROWS,
    HELD,
    HOLDING,
    KEYS,
    KNOWN,
    LED,
    MARKS,
    MORE,
    RULED,
    STILL,
    SUMS,
    UNENDED,
    VACANCY,
    WITH,
)
from projections.copying import text_array
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.ledgers.cases import CASES, case_filters
from projections.query import (
    Condition,
    Filter,
    Moment,
    conditions,
    find_moment,
    read_cursor,
    snapshot,
    source,
    write_cursor,
)
from projections.scope import Sight

PARTS: Final = (*SLOTS, *DUTIES)
STATUSES: Final = ("missing", "set", "at_risk", "late", "fulfilled", "failed")
NOBODY: Final = "none"
"""As a leader: cases of which nobody is the leader."""
SORT: Final = "-reported_at"
Grouping = Literal["leader", "unit", "campaign", "kind", "category"]

OF_CASES: Final = case_filters(
    "kind", "stage", "category", "severity", "unit", "place", "holder", "lead", "number",
    "reported_from", "reported_before",
)  # fmt: skip
FILTERS: Final[dict[str, Filter]] = {
    "open": Filter("在办（默认 true；false 已办结；all 全部）", "open"),
    "status": Filter("有这样的一格：" + "、".join(STATUSES), "in"),
    "part": Filter("是这一格：" + "、".join(PARTS), "in"),
    "vacant": Filter("有缺位的一格", "flag"),
    "breached": Filter("有曾超期的一格", "flag"),
    "post": Filter("由这个岗位负责的一格", "in"),
    "leader": Filter(f"包案领导的岗位或人员；{NOBODY} 为未定领导", "in"),
    "campaign": Filter("专项行动", "in"),
    **OF_CASES,
}
"""What all views may be asked; those of a cell mean one and the same cell."""
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "open": ("true", "false", "all"),
    "status": STATUSES,
    "part": PARTS,
}
_CELLS: Final = ("status", "part", "vacant", "breached", "post")


class Asked(Struct, frozen=True, kw_only=True):
    """What a view is asked: by whom, of which cases, at which moment, by which kinds and posts."""

    scope: Sight
    kinds: Mapping[str, Kind]
    directory: Directory
    filters: Mapping[str, str] = {}
    as_of: datetime | None = None
    known_at: datetime | None = None
    now: datetime | None = None
    marked: bool = False
    """Whether cases count of which nothing is known but that they are listed in a campaign."""


class Lines(Struct, frozen=True):
    """Some cases, each with its cells by part; `next` is the cursor of the page after it."""

    items: list[dict[str, Any]]
    next: str | None
    moment: Moment


class Group(Struct, kw_only=True):
    """The cases of one leader, unit or campaign, and what the post or unit holds itself."""

    key: str | None
    cases: dict[str, int]
    held: dict[str, int]


class Groups(Struct, frozen=True):
    """All groups, and as of when."""

    items: dict[str | None, Group]
    moment: Moment


def page(connection: Connection, asked: Asked, *, limit: int, cursor: str | None = None) -> Lines:
    """Return up to `limit` cases with their cells, those reported last first.

    Raises:
        UnknownParameter, UnknownField, NaiveTime: a filter is not understood.
        BadCursor: the cursor is not ours.
    """
    with snapshot(connection):
        view = _View(connection, asked)
        chosen = view.page(cursor)
        query = sql.SQL("{} LIMIT {}").format(chosen, sql.Literal(limit + 1))
        with connection.cursor(row_factory=dict_row) as rows:
            found = rows.execute(query, view.parameters).fetchall()
        more, found = len(found) > limit, found[:limit]
        cells = view.cells(connection, found)
    following = write_cursor(SORT, found[-1]) if more else None
    return Lines([one | {"cells": cells[one["case_id"]]} for one in found], following, view.moment)


def groups(connection: Connection, asked: Asked, by: Grouping) -> Groups:
    """Count cases and cells by who leads, which unit has the lead, or in which campaign they are.

    Raises as `page`.
    """
    with snapshot(connection):
        view = _View(connection, asked)
        with connection.cursor(row_factory=dict_row) as rows:
            found = rows.execute(view.groups(by), view.parameters).fetchall()
    items: dict[str | None, Group] = {}
    for row in found:
        sort, key = row.pop("sort"), row.pop("key")
        group = items.setdefault(key, Group(key=key, cases={}, held={}))
        if sort == "cases":
            group.cases = row
        else:
            row.pop("open")
            group.held = row
    return Groups(items, view.moment)


def empty() -> dict[str, int]:
    """Return the counts of no cases."""
    return dict.fromkeys(("cases", "open", "missing", *SUMS), 0)


def rules_of(kinds: Iterable[Kind]) -> list[tuple[str, str | None, list[str], list[str]]]:
    """Return what kinds require: (hash, severity or none for all others, those named, parts)."""
    rules: list[tuple[str, str | None, list[str], list[str]]] = []
    for kind in kinds:
        rule = kind.accountability
        if rule is None:
            continue
        named = sorted({*rule.slots, *rule.duties} - {"default"})
        for severity in (*named, None):
            parts = [*rule.slots_at(severity), *rule.duties_at(severity)]
            if parts:
                rules.append((kind.hash, severity, named, parts))
    return rules


class _View:
    """One question, at its moment: the conditions and their parameters."""

    def __init__(self, connection: Connection, asked: Asked) -> None:
        checkpoints = ACCOUNTABILITY.follows
        self.asked = asked
        self.moment = find_moment(
            connection, checkpoints, as_of=asked.as_of, known_at=asked.known_at, now=asked.now
        )
        tables = ACCOUNTABILITY.tables
        self._rows = source(tables.names, tables.shape.columns, self.moment)
        self._each = source(tables.names, tables.shape.columns, self.moment, each=True)
        self._filters = _known(asked.filters)
        self.parameters: dict[str, object] = {
            **self._rows.parameters,
            "now": self.moment.now,
            "duties": list(DUTIES),
        }

    def page(self, cursor: str | None) -> sql.Composed:
        """Return the query of cases in their order, after a cursor."""
        after: sql.Composable = sql.SQL("true")
        if cursor is not None:
            place = read_cursor(SORT, "time", cursor)
            self.parameters |= zip(("after", "after_case", "after_key"), place, strict=True)
            after = sql.SQL(AFTER)
        order = sql.SQL("ORDER BY reported_at DESC, case_id DESC, row_key DESC")
        by_cell = any(name in self._filters for name in (*_CELLS, "leader"))
        if self.moment.current and not by_cell:
            # In their order, until the page is full.
            return sql.SQL("{} AND {} {}").format(self._chosen(self._open()), after, order)
        query = sql.SQL("{} SELECT * FROM chosen r WHERE {} AND {} {}")
        return query.format(self._with(), self._picked(), after, order)

    def groups(self, by: Grouping) -> sql.Composed:
        """Return the query of counts by a key."""
        picked = self._picked()
        sums = sql.SQL(", ").join(
            sql.SQL("sum(coalesce(b.{0}, 0))::bigint AS {0}").format(sql.Identifier(name))
            for name in SUMS
        )
        return sql.SQL(GROUPS).format(
            **{"with": self._with()},
            counts=sql.SQL(COUNTS),
            key=sql.SQL(KEYS[by]),
            sums=sums,
            picked=picked,
            holding=self._holding(by, picked),
        )

    def _holding(self, by: Grouping, picked: sql.Composable) -> sql.Composable:
        keys: dict[str, LiteralString] = {
            "leader": "CROSS JOIN LATERAL (SELECT h.post AS key) x"
            " WHERE h.part = ANY(%(duties)s) AND h.post IS NOT NULL",
            "unit": "CROSS JOIN LATERAL (SELECT DISTINCT unnest(h.units) AS key) x WHERE true",
        }
        if by not in keys:
            return sql.SQL("")
        counted = sql.SQL(COUNTS.replace("part = ANY(required)", "part = ANY(h.required)"))
        return sql.SQL(HOLDING).format(sums=counted, picked=picked, keys=sql.SQL(keys[by]))

    def cells(
        self, connection: Connection, cases: Sequence[Mapping[str, Any]]
    ) -> dict[UUID, dict[str, dict[str, Any]]]:
        """Return what stands of these cases, by part."""
        chosen = sql.SQL(
            "(SELECT *, '{{}}'::text[] AS required"
            " FROM unnest(%(page)s::uuid[], %(closed)s::timestamptz[]) n (case_id, closed_at))"
        ).format()
        query = self._held(chosen, MORE)
        given = {
            **self.parameters,
            "page": [one["case_id"] for one in cases],
            "closed": [one["closed_at"] for one in cases],
        }
        found: dict[UUID, dict[str, dict[str, Any]]] = {one["case_id"]: {} for one in cases}
        with connection.cursor(row_factory=dict_row) as rows:
            for row in rows.execute(query, given):
                found[row["case_id"]][row["part"]] = row
        return found

    def _with(self) -> sql.Composed:
        """Return all cases that may be meant, and what stands of them."""
        if self._filters.get("open", "true") == "true":
            parts = [
                *self._required(sql.SQL(UNENDED)),
                self._chosen(sql.SQL("true"), ENDED_BUT),
            ]
        else:
            parts = self._required(self._open())
        held = self._held(sql.SQL("chosen"))
        return sql.SQL(WITH).format(chosen=sql.SQL(" UNION ALL ").join(parts), held=held)

    def _required(self, is_open: sql.Composable) -> list[sql.Composed]:
        """Return the cases by their kinds and by their rows, each by an index; or in one pass."""
        if not self.moment.current:
            return [self._chosen(is_open)]
        rules = rules_of(self.asked.kinds.values())
        hashes = _texts(sorted({digest for digest, *_ in rules}))
        ruled = sql.SQL(RULED).format(hashes=hashes)
        return [
            self._chosen(sql.SQL("{} AND {}").format(is_open, ruled)),
            self._chosen(sql.SQL("{} AND NOT {}").format(is_open, ruled), KNOWN),
        ]

    def _held(self, chosen: sql.Composable, more: LiteralString = "") -> sql.Composed:
        rows, vacancy = self._each.where, self._vacancy()
        return sql.SQL(HELD).format(chosen=chosen, rows=rows, vacancy=vacancy, more=sql.SQL(more))

    def _vacancy(self) -> sql.Composable:
        return _vacancy(_Same(self.asked.directory), day_of(self.moment.now))

    def _chosen(self, is_open: sql.Composable, among: LiteralString = EVERY) -> sql.Composed:
        names = (
            "number", "kind", "kind_hash", "stage", "category", "severity", "place", "holder",
            "lead", "visible_to", "reported_at", "ended_at", "closed_at",
        )  # fmt: skip
        cases = source(CASES.tables.names, names, self.moment, each=among != EVERY)
        where = self._where()
        self.parameters |= {**cases.parameters, **where.parameters}
        marks = self.asked.marked or "campaign" in self._filters
        there = sql.SQL(HAS_ROWS).format(rows=self._each.where)
        if marks:
            there = sql.SQL("m.campaign IS NOT NULL OR {}").format(there)
        return sql.SQL(CHOSEN).format(
            campaign=sql.SQL("m.campaign" if marks else "NULL::text AS campaign"),
            cases=sql.SQL(among).format(
                cases=cases.where, rows=self._rows.where, goes_on=sql.SQL(GOES_ON), open=is_open
            ),
            rules=_rules(self.asked.kinds),
            marks=sql.SQL(MARKS).format(rows=self._rows.where) if marks else sql.SQL(""),
            where=where.where,
            open=is_open,
            there=sql.SQL("({})").format(there),
        )

    def _where(self) -> Condition:
        """Return what of a case decides: the scope, and its filters."""
        given = {name: value for name, value in self._filters.items() if name in OF_CASES}
        current = CASES.tables.names["current"]
        where = conditions(OF_CASES, given, self.asked.scope, self.moment, current)
        parts: list[sql.Composable] = [where.where]
        parameters = dict(where.parameters)
        if "campaign" in self._filters:
            parts.append(sql.SQL("m.campaign = ANY(%(campaigns)s)"))
            parameters["campaigns"] = self._filters["campaign"].split(",")
        return Condition(sql.SQL(" AND ").join(parts), parameters)

    def _open(self) -> sql.Composable:
        """Return whether a case `r` is open, as the filter wants it."""
        still = sql.SQL(STILL).format(rows=self._each.where, goes_on=sql.SQL(GOES_ON))
        match self._filters.get("open", "true"):
            case "true":
                return sql.SQL("({} OR {})").format(sql.SQL(UNENDED), still)
            case "false":
                return sql.SQL("(r.ended_at IS NOT NULL AND {} IS NULL)").format(still)
            case _:
                return sql.SQL("true")

    def _picked(self) -> sql.Composable:
        """Return what cells of a case `r` decide: that there is one like this, or who leads."""
        parts: list[sql.Composable] = [sql.SQL("true")]
        wanted = [sql.SQL(CELL[name]) for name in _CELLS if name in self._filters]
        if wanted:
            like = sql.SQL(" AND ").join(wanted)
            cells = sql.SQL("r.case_id IN (SELECT case_id FROM ({}) l WHERE {})")
            parts.append(cells.format(sql.SQL(CELLS), like))
            self.parameters |= {
                f"cell_{name}": _cell_value(name, self._filters[name])
                for name in _CELLS
                if name in self._filters
            }
        if "leader" in self._filters:
            parts.append(sql.SQL(LED))
            self.parameters |= self._leaders(self._filters["leader"].split(","))
        return sql.SQL(" AND ").join(parts)

    def _leaders(self, wanted: Sequence[str]) -> dict[str, object]:
        """Return posts: those named, and those that persons named hold on the day."""
        day = day_of(self.moment.now)
        by_person = _held_by(self.asked.directory, day)
        posts = [post for one in wanted for post in (one, *by_person.get(one, ()))]
        return {"leaders": posts, "led_by_nobody": NOBODY in wanted}


class _Same:
    """A directory that equals itself alone: what was worked out of it need not be again."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def __hash__(self) -> int:
        return id(self.directory)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.directory is self.directory


@lru_cache(maxsize=8)
def _vacancy(same: _Same, day: date) -> sql.Composable:
    """Posts stand in the text of the query: a list that is known is looked up by its hash."""
    posts = same.directory.posts
    vacant = [post.id for post in posts.values() if post.holder_on(day) is None]
    return sql.SQL(VACANCY).format(vacant=_texts(vacant), known=_texts(list(posts)))


def _known(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the filters, each with a value that it understands.

    Raises:
        UnknownParameter, UnknownField.
    """
    for name, value in given.items():
        if name not in FILTERS:
            raise UnknownParameter(pointer=name, parameter=name, known="、".join(FILTERS))
        allowed = _VALUES.get(name, ())
        wrong = [one for one in value.split(",") if allowed and one not in allowed]
        if wrong or "\0" in value:
            detail = f"可用的值：{'、'.join(allowed)}" if allowed else "含有不能使用的字符"
            raise UnknownField(pointer=name, field=name, detail=detail)
    return given


def _cell_value(name: str, value: str) -> object:
    if name not in {"vacant", "breached"}:
        return value.split(",")
    if value not in {"true", "false"}:
        raise UnknownField(pointer=name, field=name, detail="应为 true 或 false")
    return value == "true"


def _held_by(directory: Directory, day: date) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for post in directory.posts.values():
        person = post.holder_on(day)
        if person is not None:
            found.setdefault(person, []).append(post.id)
    return found


def _rules(kinds: Mapping[str, Kind]) -> sql.Composable:
    """Return what kinds require, as rows; one that fits no case, if they require nothing."""
    rules = rules_of(kinds.values()) or [("", None, [], [])]
    rows = [
        sql.SQL("({}, {}::text, {}, {})").format(
            sql.Literal(digest), sql.Literal(severity), _texts(named), _texts(parts)
        )
        for digest, severity, named, parts in rules
    ]
    return sql.SQL(", ").join(rows)


def _texts(texts: Sequence[str]) -> sql.Composable:
    return sql.SQL("{}::text[]").format(sql.Literal(text_array(texts)))
