"""What a register's columns mean: each resolved against the facts, or what is wrong with it.

Problems are told as `dotted.path：what`, which `eventlog/written.py` turns into lines.
"""

import keyword
from collections.abc import Callable, Iterator, Sequence
from types import NoneType
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from domain import facts as f
from projections.ledgers.cases import CASES, CaseRow
from projections.registers.reserved import RESERVED
from projections.registers.sources import (
    TEXT,
    Sort,
    Source,
    Unfit,
    fact_of,
    member_of,
    source_of,
)
from projections.registers.text import ColumnText, RegisterText, RowsText, Take

CASE_COLUMNS: Final = {column.name: column for column in CASES.columns}
"""What a register may say of a case."""
CASE_NEVER_EMPTY: Final = frozenset(
    one.name for one in msgspec.structs.fields(CaseRow) if NoneType not in get_args(one.type)
)
ALWAYS: Final[dict[Take, Sort]] = {"count": "number", "any": "flag", "sum": "number"}
"""What has a value whatever happened."""
LISTED_AT: Final = "listed_at"
"""When the row came to be listed; every row has it."""
Get = Callable[[Any], Any]
Wanted = tuple[Get, frozenset[object]]
"""How a member is read, and which values count."""


class Own(Struct, frozen=True, kw_only=True):
    """A column that the register keeps itself."""

    name: str
    label: str
    sort: Sort
    take: Take
    sources: tuple[Source, ...]
    where: tuple[Wanted, ...]
    clear: tuple[type[f.Fact], ...]
    grouped: bool
    """Whether it is of the row's own facts, not of the whole case."""
    nullable: bool
    words: dict[str, str]
    field: str
    """The sealed field, of a reference."""


class Computed(Struct, frozen=True, kw_only=True):
    """A column made of two others: natural days from one to the other, or whether it is later."""

    name: str
    label: str
    how: str
    first: str
    second: str

    @property
    def sort(self) -> Sort:
        """Of which sort its values are."""
        return "number" if self.how == "days" else "flag"


class Plan(Struct, frozen=True, kw_only=True):
    """A register, resolved."""

    text: RegisterText
    stream: str
    each: type[f.Fact] | None
    """The fact that makes a row; None where a case does."""
    by: tuple[Get, ...]
    own: tuple[Own, ...]
    computed: tuple[Computed, ...]

    @property
    def made(self) -> list[Own | Computed]:
        """All columns that are not the case's."""
        return [*self.own, *self.computed]


class Planner:
    """Resolves a register's rows and columns, gathering what is wrong."""

    def __init__(self, text: RegisterText) -> None:
        """Begin with the rows: the columns depend on them."""
        self.problems: list[str] = []
        self._text = text
        self.each: type[f.Fact] | None = None
        self._by: list[str] = []
        getters = [*self._rows(text.rows)] if isinstance(text.rows, RowsText) else []
        self.stream = self.each.STREAM if self.each else f.CASE
        self._getters = tuple(getters)

    def plan(self) -> Plan:
        """Return the register, as far as its columns are right."""
        self._names()
        own: list[Own] = []
        computed: list[Computed] = []
        for index, column in enumerate(self._text.columns):
            path = f"columns.{index}"
            if not column.called:
                self.problems.append(f"{path}：缺少 name（小写字母、数字、下划线）；请补上")
            elif column.case_column:
                self._case_column(path, column)
            elif column.days or column.later:
                computed.append(self._computed(path, column))
            else:
                own += self._own(path, column)
        self._check_computed(own, computed)
        return Plan(
            text=self._text,
            stream=self.stream,
            each=self.each,
            by=self._getters,
            own=tuple(own),
            computed=tuple(computed),
        )

    def _rows(self, rows: RowsText) -> Iterator[Get]:
        try:
            self.each = fact_of(rows.each)
        except Unfit as unfit:
            self.problems.append(f"rows.each：{unfit}")
            return
        for index, member in enumerate(rows.by):
            try:
                _, _, get = member_of(self.each, member)
            except Unfit as unfit:
                self.problems.append(f"rows.by.{index}：{unfit}")
            else:
                self._by.append(member)
                yield get

    def _names(self) -> None:
        first: dict[str, int] = {}
        for index, column in enumerate(self._text.columns):
            name, path = column.called, f"columns.{index}"
            if not name:
                continue
            if name in first:
                detail = f"列名“{name}”重复（columns.{first[name]} 已用）；请另取一个"
                self.problems.append(f"{path}.name：{detail}")
            first.setdefault(name, index)
            taken = name in RESERVED or keyword.iskeyword(name)
            if not column.case_column and (taken or name in CASE_COLUMNS):
                detail = f"“{name}”已有别的用处，不能作列名；请另取一个"
                self.problems.append(f"{path}.name：{detail}")

    def _case_column(self, path: str, column: ColumnText) -> None:
        name = column.case_column
        if self.stream != f.CASE:
            self.problems.append(f"{path}.from：这个台账的行不是事项的，没有 case.{name}；请删去")
            return
        if name not in CASE_COLUMNS:
            usable = "、".join(f"case.{one}" for one in CASE_COLUMNS)
            self.problems.append(f"{path}.from：没有“case.{name}”；可用：{usable}")
            return
        if column.called != name:
            self.problems.append(f"{path}.name：事项的列沿用原名“{name}”；请删去 name，只写 label")
        if CASE_COLUMNS[name].kind == "reference":
            self._must_be_internal(path, column)
        plain = ("take", "where", "clear", "type", "days", "later")
        self.problems += [
            f"{path}.{member}：case. 的列原样列出，不能再写 {member}；请删去"
            for member in plain
            if member in column.model_fields_set
        ]

    def _own(self, path: str, column: ColumnText) -> Iterator[Own]:
        before = len(self.problems)
        if column.label is None:
            self.problems.append(f"{path}.label：缺少表头；请补上 label")
        if not column.sources:
            self.problems.append(f"{path}.from：缺少来源；请写 from、days 或 later 之一")
        sources = [*self._sources(path, column)]
        sorts = {source.sort for source in sources}
        fields = {source.field for source in sources if source.sort == "reference"}
        if len(sorts) > 1 or len(fields) > 1:
            self.problems.append(f"{path}.from：几个来源的类型不同，不能放在一列；请分列")
        clear = tuple(self._clearing(path, column))
        where = tuple(self._where(path, column, sources))
        if len(self.problems) > before or not sources:
            return
        sort = sources[0].sort
        self._check_take(path, column, sort)
        self._check_class(path, column, sort)
        grouped = self.each is not None and all(map(self._is_grouped, _facts(sources)))
        yield Own(
            name=column.called,
            label=column.label or "",
            sort=ALWAYS.get(column.take, sort),
            take=column.take,
            sources=tuple(sources),
            where=where,
            clear=clear,
            grouped=grouped,
            nullable=self._may_be_empty(column, sources),
            words=dict(column.words),
            field=sources[0].field if sort == "reference" else "",
        )

    def _sources(self, path: str, column: ColumnText) -> Iterator[Source]:
        for index, written in enumerate(column.sources):
            at = f"{path}.from" if len(column.sources) == 1 else f"{path}.from.{index}"
            try:
                source = source_of(written, column.type)
            except Unfit as unfit:
                self.problems.append(f"{at}：{unfit}")
                continue
            if any(self.stream != fact.STREAM for fact in source.facts):
                detail = f"“{written}”不在本台账的行所在的办理记录里；请删去"
                self.problems.append(f"{at}：{detail}")
            elif column.type not in {None, source.sort}:
                detail = f"这个来源的类型是 {source.sort}；请改正或删去 type"
                self.problems.append(f"{path}.type：{detail}")
            else:
                yield source

    def _clearing(self, path: str, column: ColumnText) -> Iterator[type[f.Fact]]:
        for index, name in enumerate(column.clear):
            try:
                yield fact_of(name)
            except Unfit as unfit:
                self.problems.append(f"{path}.clear.{index}：{unfit}")

    def _where(self, path: str, column: ColumnText, sources: Sequence[Source]) -> Iterator[Wanted]:
        for member, wanted in column.where.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            get: Get | None = None
            for fact in dict.fromkeys(_facts(sources)):
                try:
                    _, _, get = member_of(fact, member)
                except Unfit as unfit:
                    self.problems.append(f"{path}.where.{member}：{unfit}")
                    get = None
                    break
            if get is not None:
                yield get, frozenset(values)

    def _check_take(self, path: str, column: ColumnText, sort: Sort) -> None:
        needs: dict[Take, set[Sort]] = {
            "sum": {"number"},
            "highest": {"number", "date", "time"},
            "lowest": {"number", "date", "time"},
        }
        if column.take in needs and sort not in needs[column.take]:
            usable = "、".join(sorted(needs[column.take]))
            self.problems.append(
                f"{path}.take：{column.take} 只用于 {usable}，这一列是 {sort}；请改用 last、first"
            )
        if sort == "reference" and column.take not in {"last", "first"}:
            self.problems.append(f"{path}.take：密封的文字只能取 last 或 first；请改正")
        if column.words and ALWAYS.get(column.take, sort) != "text":
            self.problems.append(f"{path}.words：只有文字列才有对应的说法；请删去")

    def _check_class(self, path: str, column: ColumnText, sort: Sort) -> None:
        if column.data_class == "personal":
            detail = "台账不列个人信息（姓名、电话等）；请删去这一列"
            self.problems.append(f"{path}.class：{detail}")
        elif sort == "reference":
            self._must_be_internal(path, column)
        elif column.data_class == "internal":
            detail = "internal 只用于密封的文字（text.名称）；请删去 class"
            self.problems.append(f"{path}.class：{detail}")

    def _must_be_internal(self, path: str, column: ColumnText) -> None:
        if column.data_class != "internal":
            detail = "这是密封的文字，只有有权的人看得到；请写 class: internal"
            self.problems.append(f"{path}.class：{detail}")

    def _computed(self, path: str, column: ColumnText) -> Computed:
        if column.label is None:
            self.problems.append(f"{path}.label：缺少表头；请补上 label")
        if column.sources or (column.days and column.later):
            self.problems.append(f"{path}：from、days、later 只能写一个；请删去多余的")
        first, second = column.days or column.later or ["", ""]
        how = "days" if column.days else "later"
        return Computed(
            name=column.called, label=column.label or "", how=how, first=first, second=second
        )

    def _check_computed(self, own: Sequence[Own], computed: Sequence[Computed]) -> None:
        dated = {one.name: one.sort for one in own if one.sort in {"date", "time"}}
        dated[LISTED_AT] = "time"
        for one in computed:
            index = [column.called for column in self._text.columns].index(one.name)
            path = f"columns.{index}.{one.how}"
            missing = [name for name in (one.first, one.second) if name not in dated]
            self.problems += [f"{path}：没有“{name}”；可用：{'、'.join(dated)}" for name in missing]
            if not missing and one.how == "later" and dated[one.first] != dated[one.second]:
                self.problems.append(f"{path}：一列是日期、一列是时间，不能比较；请改用同一种")

    def _may_be_empty(self, column: ColumnText, sources: Sequence[Source]) -> bool:
        if column.take in ALWAYS:
            return False
        made = self.each is not None and all(fact is self.each for fact in _facts(sources))
        loose = bool(column.where) or bool(column.clear) or len(sources) > 1
        return not made or loose or sources[0].nullable

    def _is_grouped(self, fact: type[f.Fact]) -> bool:
        """Say whether a fact tells by itself which row it is of."""
        if not self._by:
            return fact is self.each
        members = {one.name for one in msgspec.structs.fields(fact)}
        return all(member.partition(".")[0] in members for member in self._by)


def _facts(sources: Sequence[Source]) -> list[type[f.Fact]]:
    return [fact for source in sources for fact in source.facts]


def is_text(written: str) -> bool:
    """Say whether a source is a sealed text."""
    return written.startswith(TEXT) or f".{TEXT}" in written
