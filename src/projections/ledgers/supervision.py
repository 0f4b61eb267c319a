"""督办台账: one row an order of supervision, a leader's instruction, or all reminders of a case.

An order of a higher level takes the place of the one before it. What is noted, or claimed as done,
while an order stands counts as an answer to it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, OF_CASE, case_columns, case_filters
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

ORDER: Final = "order"
INSTRUCTION: Final = "instruction"
REMINDERS: Final = "reminders"
STANDING: Final = "standing"
RAISED: Final = "raised"
CLEARED: Final = "cleared"


class SupervisionRow(Struct, frozen=True, kw_only=True, array_like=True):
    """An order as it stands; an instruction and reminders have no level and no end."""

    sort: str
    item: int
    """Its number within the case, of its sort."""
    level: str | None = None
    """`ordinary` 普通, `yellow` 黄牌, `red` 红牌."""
    previous: str | None = None
    status: str | None = None
    """Of an order: `standing`, `raised` to a higher level, `cleared`."""
    supervised: str | None
    """Who held the case when it was given."""
    given_at: datetime
    latest_at: datetime
    """Of reminders, the last one; of others when it was given."""
    times: int = 1
    """Of reminders, how many."""
    over_at: datetime | None = None
    """When an order was cleared, or raised to a higher one."""
    responses: int = 0
    responded_at: datetime | None = None
    """The first answer."""
    reason: int | None = None
    """Where the text lies in which an order says what is wanted."""
    instruction: int | None = None


class Supervision(Struct, array_like=True):
    """What a case has of all this by row key, and how many orders and instructions there were."""

    rows: dict[str, SupervisionRow]
    orders: int = 0
    instructions: int = 0


def fold(supervision: Supervision, record: Followed) -> Supervision:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](supervision, fact, record)
    return supervision


def show(
    supervision: Supervision, before: Mapping[str, SupervisionRow]
) -> Mapping[str, SupervisionRow]:
    """Return all rows."""
    del before
    return dict(supervision.rows)


def _raised(supervision: Supervision, fact: f.SupervisionRaised, record: Followed) -> None:
    _end(supervision, RAISED, record.occurred_at)
    supervision.orders += 1
    supervision.rows[f"{ORDER}:{supervision.orders}"] = SupervisionRow(
        sort=ORDER,
        item=supervision.orders,
        level=fact.level,
        previous=fact.previous,
        status=STANDING,
        supervised=_id(fact.holder),
        given_at=record.occurred_at,
        latest_at=record.occurred_at,
        reason=_sealed(record, "reason"),
    )


def _cleared(supervision: Supervision, fact: f.SupervisionCleared, record: Followed) -> None:
    del fact
    _end(supervision, CLEARED, record.occurred_at)


def _end(supervision: Supervision, status: str, at: datetime) -> None:
    key = f"{ORDER}:{supervision.orders}"
    row = supervision.rows.get(key)
    if row is not None and row.status == STANDING:
        supervision.rows[key] = replace(row, status=status, over_at=at)


def _instructed(supervision: Supervision, fact: f.InstructionGiven, record: Followed) -> None:
    supervision.instructions += 1
    supervision.rows[f"{INSTRUCTION}:{supervision.instructions}"] = SupervisionRow(
        sort=INSTRUCTION,
        item=supervision.instructions,
        supervised=_id(fact.holder),
        given_at=record.occurred_at,
        latest_at=record.occurred_at,
        instruction=_sealed(record, "instruction"),
    )


def _urged(supervision: Supervision, fact: f.CaseUrged, record: Followed) -> None:
    at, row = record.occurred_at, supervision.rows.get(REMINDERS)
    if row is None:
        row = SupervisionRow(sort=REMINDERS, item=1, supervised=None, given_at=at, latest_at=at)
    supervision.rows[REMINDERS] = replace(
        row, supervised=_id(fact.holder), times=fact.count, latest_at=at
    )


def _answered(
    supervision: Supervision, fact: f.NoteRecorded | f.CompletionClaimed, record: Followed
) -> None:
    del fact
    key = f"{ORDER}:{supervision.orders}"
    row = supervision.rows.get(key)
    if row is None or row.status != STANDING:
        return
    first = row.responded_at or record.occurred_at
    supervision.rows[key] = replace(row, responses=row.responses + 1, responded_at=first)


def _sealed(record: Followed, field: str) -> int | None:
    return record.position if any(one.field == field for one in record.body.sealed) else None


def _id(unit: f.Unit | None) -> str | None:
    return unit.id if unit else None


STEPS: Final[dict[type[f.Fact], Callable[[Supervision, Any, Followed], None]]] = {
    f.SupervisionRaised: _raised,
    f.SupervisionCleared: _cleared,
    f.CaseUrged: _urged,
    f.InstructionGiven: _instructed,
    f.NoteRecorded: _answered,
    f.CompletionClaimed: _answered,
}

SUPERVISION: Final = Ledger(
    shape=Shape(
        name="supervision",
        version=1,
        facts=frozenset(STEPS),
        state=Supervision,
        row=SupervisionRow,
        blank=lambda _: Supervision({}),
        fold=fold,
        show=show,
    ),
    title="督办台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("sort", "督办种类"),
        Column("item", "序号", "number"),
        Column("level", "督办级别"),
        Column("previous", "原级别"),
        Column("status", "督办状态"),
        Column("supervised", "被督办单位", "unit"),
        Column("given_at", "督办时间", "time"),
        Column("latest_at", "最近时间", "time"),
        Column("times", "次数", "number"),
        Column("responses", "反馈次数", "number"),
        Column("responded_at", "首次反馈时间", "time"),
        Column("over_at", "解除或升级时间", "time"),
        Column("reason", "督办要求", "reference"),
        Column("instruction", "批示内容", "reference"),
        *case_columns("holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number"),
        "sort_of": Filter("督办种类", "in", "sort"),
        "level": Filter("督办级别", "in", "level"),
        "status": Filter("督办状态", "in", "status"),
        "supervised": Filter("被督办单位", "in", "supervised"),
        "responded": Filter("已反馈", "given", "responded_at"),
        "given_from": Filter("督办时间起", "from", "given_at"),
        "given_before": Filter("督办时间止", "before", "given_at"),
    },
    sorts=("given_at", "number"),
    summarise=counting(
        {
            "open": "status = 'standing' AND ended_at IS NULL",
            "cleared": "status = 'cleared'",
            "raised": "status = 'raised'",
            "unanswered": "status = 'standing' AND ended_at IS NULL AND responses = 0",
        },
        by={"by_level": "level", "by_unit": "supervised"},
        total="sort = 'order'",
        sums={
            "instructions": "count(*) FILTER (WHERE sort = 'instruction')",
            "reminders": "coalesce(sum(times) FILTER (WHERE sort = 'reminders'), 0)",
        },
    ),
)
