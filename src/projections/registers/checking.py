"""What a register must fulfil before it is published; each problem names its path in the file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from domain.kind import Kind
from projections.registers.forms import BUILT_IN, Forms, forms_of
from projections.registers.plan import (
    CASE_COLUMNS,
    CASE_NEVER_EMPTY,
    LISTED_AT,
    Own,
    Plan,
    is_text,
)
from projections.registers.sources import DATA, TEXT
from projections.registers.text import ColumnText, FilterText

CASE: Final = "case"
AGED: Final = frozenset({"date", "time"})


def problems(plan: Plan, kinds: Iterable[Kind] | None) -> list[str]:
    """Return everything that is wrong with what stands around the columns.

    `kinds` are those that the district has; None where nobody knows.
    """
    checker = _Checker(plan)
    found = [*checker.around()]
    if kinds is not None:
        found += _kind_problems(plan, {kind.name: kind for kind in kinds})
    return found


class _Checker:
    """Knows which columns there are, and of which sort."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._own = {one.name: one.sort for one in plan.made}
        self._own[LISTED_AT] = "time"
        self._empty = {one.name for one in plan.own if one.nullable}
        self._empty |= {one.name for one in plan.computed}
        self._case = (
            {name: column.kind for name, column in CASE_COLUMNS.items()}
            if plan.stream == CASE
            else {}
        )
        self._sorts: dict[str, str] = {**self._case, **self._own}
        self._listed = [column.called for column in plan.text.columns]

    def around(self) -> Iterator[str]:
        """Yield what is wrong with filters, order, summary and workbook."""
        yield from self._needs()
        yield from self._filters()
        yield from self._order()
        yield from self._summary()
        yield from self._workbook()

    def _needs(self) -> Iterator[str]:
        text = self._plan.text
        own = [one.name for one in self._plan.own]
        yield from self._unknown("needs", text.needs, own)
        if text.needs and self._plan.each is not None:
            yield "needs：只有一件事项一行的台账才写 needs；请删去"
        if text.kinds is not None and self._plan.stream != CASE:
            yield "kinds：这个台账的行不是事项的，没有事项类型；请删去"

    def _filters(self) -> Iterator[str]:
        for index, one in enumerate(self._plan.text.filters):
            name = one.given if isinstance(one, FilterText) else one
            path = f"filters.{index}"
            yield from self._unknown(path, [name], self._sorts, indexed=False)
            if isinstance(one, str) and self._sorts.get(name) == "reference":
                yield f"{path}：密封的文字不能按内容筛选；请改为 {{given: {name}}}"

    def _order(self) -> Iterator[str]:
        for index, name in enumerate(self._plan.text.sort):
            path = f"sort.{index}"
            yield from self._unknown(path, [name], [*self._listed, LISTED_AT], indexed=False)
            own_empty = name in self._empty
            case_empty = name in self._case and name not in CASE_NEVER_EMPTY
            if own_empty or (name not in self._own and case_empty):
                usable = "、".join(self._always())
                yield f"{path}：“{name}”可能没有值，不能用来排序；可用：{usable}"

    def _always(self) -> list[str]:
        shown = [
            name
            for name in self._listed
            if (name in self._own and name not in self._empty) or name in CASE_NEVER_EMPTY
        ]
        return [*shown, LISTED_AT]

    def _summary(self) -> Iterator[str]:
        summary = self._plan.text.summary
        yield from self._unknown("summary.by", summary.by, self._sorts)
        yield from self._unknown("summary.count", summary.count, self._sorts)
        yield from self._unknown("summary.sum", summary.sum, self._sorts)
        for index, name in enumerate(summary.sum):
            if self._sorts.get(name, "number") != "number":
                yield f"summary.sum.{index}：“{name}”不是数字，不能求和；请删去"
        for index, name in enumerate(summary.by):
            if self._sorts.get(name) == "reference":
                yield f"summary.by.{index}：密封的文字不能分组；请删去"
        if summary.ageing is not None:
            dated = [name for name, sort in self._sorts.items() if sort in AGED]
            since = summary.ageing.since
            yield from self._unknown("summary.ageing.since", [since], dated, indexed=False)
            if self._plan.stream != CASE:
                yield "summary.ageing：只有事项的台账才有在办的行；请删去"
            if sorted(set(summary.ageing.days)) != summary.ageing.days:
                yield "summary.ageing.days：天数须从小到大、不重复；请改正"

    def _workbook(self) -> Iterator[str]:
        book = self._plan.text.workbook
        yield from (
            f"workbook.widths.{name}：没有这一列；可用：{'、'.join(self._listed)}"
            for name in book.widths
            if name not in self._listed
        )
        if book.frozen > len(self._listed):
            yield f"workbook.frozen：只有 {len(self._listed)} 列；请改小"
        taken: set[str] = set()
        for index, group in enumerate(book.groups):
            path = f"workbook.groups.{index}.columns"
            yield from self._unknown(path, group.columns, self._listed)
            places = [self._listed.index(name) for name in group.columns if name in self._listed]
            if places != list(range(min(places, default=0), max(places, default=-1) + 1)):
                yield f"{path}：一组的列须相邻，并按 columns 的顺序写；请改正"
            if taken & set(group.columns):
                yield f"{path}：一列只能在一组里；请删去重复的"
            taken |= set(group.columns)

    def _unknown(
        self, path: str, names: Sequence[str], known: Iterable[str], *, indexed: bool = True
    ) -> Iterator[str]:
        usable = list(known)
        for index, name in enumerate(names):
            if name not in usable:
                at = f"{path}.{index}" if indexed else path
                yield f"{at}：没有“{name}”；可用：{'、'.join(usable)}"


def _kind_problems(plan: Plan, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Yield what no kind that the register is of would ever bring."""
    named = plan.text.kinds
    if plan.stream != CASE:
        return
    unknown = [name for name in named or () if name not in kinds]
    for index, name in enumerate(named or ()):
        if name in unknown:
            yield f"kinds.{index}：没有“{name}”；可用：{'、'.join(kinds)}"
    chosen = [kinds[name] for name in named or kinds if name in kinds]
    if unknown or not chosen:
        return
    forms = forms_of(chosen)
    if plan.each is not None and not forms.is_emitted(plan.each):
        yield f"rows.each：这些事项类型都不会写下 {plan.each.TYPE}；请改用别的办理记录，或改 kinds"
    own = {one.name: one for one in plan.own}
    for index, column in enumerate(plan.text.columns):
        if column.called in own:
            yield from _column_problems(f"columns.{index}", column, own[column.called], forms)


def _column_problems(path: str, column: ColumnText, own: Own, forms: Forms) -> Iterator[str]:
    for written in column.sources:
        if written.startswith(DATA):
            yield from _data_problems(path, column, written.removeprefix(DATA), forms)
        elif is_text(written):
            yield from _text_problems(path, written.rpartition(TEXT)[2], forms)
        elif not any(forms.is_emitted(fact) for source in own.sources for fact in source.facts):
            name = written.partition(".")[0]
            yield f"{path}.from：这些事项类型都不会写下 {name}；请改用别的办理记录，或改 kinds"


def _data_problems(path: str, column: ColumnText, field: str, forms: Forms) -> Iterator[str]:
    if field not in forms.clear:
        if field in forms.sealed:
            yield f"{path}.from：“{field}”是密封的文字；请写 text.{field} 和 class: internal"
            return
        usable = "、".join(f"{DATA}{name}" for name in forms.clear)
        yield f"{path}.from：没有“{DATA}{field}”；可用：{usable}"
        return
    types = forms.types(field)
    if (column.type or "text") not in types:
        yield f"{path}.type：表单里的“{field}”应写 type: {'、'.join(sorted(types))}；请改正"
    values = forms.values(field)
    for code in column.words:
        if values and code not in values:
            yield f"{path}.words.{code}：没有“{code}”；可用：{'、'.join(sorted(values))}"


def _text_problems(path: str, field: str, forms: Forms) -> Iterator[str]:
    if field in BUILT_IN:
        return
    found = forms.sealed.get(field, [])
    if not found:
        usable = "、".join(f"{TEXT}{name}" for name in sorted({*forms.sealed, *BUILT_IN}))
        yield f"{path}.from：没有“{TEXT}{field}”；可用：{usable}"
    elif all(one.data_class == "personal" for one in found):
        yield f"{path}.from：“{field}”是个人信息，台账不列；请删去这一列"
