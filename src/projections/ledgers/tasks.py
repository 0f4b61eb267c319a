"""协同任务台账: one row for each piece of work that a unit owes another in a case.

Two sorts: `assist`, a task of joint handling (协办任务), and `call`, a department that was called
in (吹哨) and owes its coming (报到). Each has the due of its own clock, if the kind gives it one.
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

ASSIST: Final = "assist"
CALL: Final = "call"
OPEN: Final = "open"
DONE: Final = "done"
WAIVED: Final = "waived"
RELEASED: Final = "released"
SCOPES: Final = {"task": ASSIST, "call": CALL}
"""How the scope of a clock names what it belongs to: `task:2`, `call:1`."""
OVERDUE: Final = """
    status = 'open' AND ended_at IS NULL AND due < %(now)s
    AND (NOT paused OR breached_at IS NOT NULL)
"""
"""Not done though its due is past; what stands still is not, unless it was when it began to."""


class TaskRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A piece of work as it stands; units by id."""

    sort: str
    task: int
    """Its number within the case, of its sort."""
    owed_by: str | None
    owed_to: str | None
    """The lead of the case, or whoever called."""
    status: str = OPEN
    assigned_at: datetime
    done_at: datetime | None = None
    """When it was done (报到 for a call), waived or released."""
    due: datetime | None = None
    paused: bool = False
    breached_at: datetime | None = None
    whistle: int | None = None
    """Departments that were called at once share it."""
    report_score: int | None = None
    """How the caller rates the department, 1 to 5."""
    whistle_score: int | None = None
    """How the department rates the call, 1 to 5."""


class Tasks(Struct, array_like=True):
    """The tasks and calls of a case by row key."""

    rows: dict[str, TaskRow]


def heeds(fact: f.Fact) -> bool:
    """Say whether a fact is of a task: clocks of the case itself are not."""
    return not isinstance(fact, f.ClockFact) or fact.scope.startswith(("task:", "call:"))


def fold(tasks: Tasks, record: Followed) -> Tasks:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](tasks, fact, record.occurred_at)
    return tasks


def show(tasks: Tasks, before: Mapping[str, TaskRow]) -> Mapping[str, TaskRow]:
    """Return all rows."""
    del before
    return dict(tasks.rows)


def _assigned(tasks: Tasks, fact: f.TaskAssigned, at: datetime) -> None:
    lead = fact.holder.id if fact.holder else None
    row = TaskRow(sort=ASSIST, task=fact.task, owed_by=fact.unit.id, owed_to=lead, assigned_at=at)
    tasks.rows[f"{ASSIST}:{fact.task}"] = row


def _called(tasks: Tasks, fact: f.WhistleBlown, at: datetime) -> None:
    tasks.rows[f"{CALL}:{fact.call}"] = TaskRow(
        sort=CALL,
        task=fact.call,
        owed_by=fact.unit.id,
        owed_to=fact.caller.id if fact.caller else None,
        assigned_at=at,
        whistle=fact.whistle,
    )


def _completed(tasks: Tasks, fact: f.TaskCompleted, at: datetime) -> None:
    _change(tasks, f"{ASSIST}:{fact.task}", status=DONE, done_at=at)


def _waived(tasks: Tasks, fact: f.TaskWaived, at: datetime) -> None:
    _change(tasks, f"{ASSIST}:{fact.task}", status=WAIVED, done_at=at)


def _reported_in(tasks: Tasks, fact: f.ReportedIn, at: datetime) -> None:
    _change(tasks, f"{CALL}:{fact.call}", status=DONE, done_at=at)


def _released(tasks: Tasks, fact: f.CallReleased, at: datetime) -> None:
    """Whoever has come has done what they owed, also when they are needed no more."""
    key = f"{CALL}:{fact.call}"
    row = tasks.rows.get(key)
    if row is not None and row.status == OPEN:
        _change(tasks, key, status=RELEASED, done_at=at)


def _rated(tasks: Tasks, fact: f.WhistleRated, _: datetime) -> None:
    _change(tasks, f"{CALL}:{fact.call}", **{f"{fact.side}_score": fact.score})


def _timed(
    tasks: Tasks, fact: f.ClockStarted | f.ClockRescheduled | f.ClockStopped, _: datetime
) -> None:
    _change(tasks, _key(fact), due=fact.due)


def _paused(tasks: Tasks, fact: f.ClockPaused, _: datetime) -> None:
    _change(tasks, _key(fact), paused=True)


def _resumed(tasks: Tasks, fact: f.ClockResumed, _: datetime) -> None:
    _change(tasks, _key(fact), due=fact.due, paused=not fact.running)


def _breached(tasks: Tasks, fact: f.DeadlineBreached, _: datetime) -> None:
    _change(tasks, _key(fact), breached_at=fact.effective_at)


def _unbreached(tasks: Tasks, fact: f.ClockFact, _: datetime) -> None:
    _change(tasks, _key(fact), breached_at=None)


def _reallotted(tasks: Tasks, fact: f.CaseReallotted, _: datetime) -> None:
    """Let open tasks be owed by, and to, whoever has the case now; what is over stays as it was."""
    lead = fact.lead.id if fact.lead else None
    for one in fact.tasks:
        key = f"{ASSIST}:{one.task}"
        row = tasks.rows.get(key)
        if row is not None and row.status == OPEN:
            _change(tasks, key, owed_by=one.unit.id, owed_to=lead or row.owed_to)


def _succeeded(tasks: Tasks, fact: f.UnitsSucceeded, _: datetime) -> None:
    """Let whoever is in a unit's place owe, and be owed, what is still open."""
    by = {one.unit: one.by.id for one in fact.units}
    for key, row in list(tasks.rows.items()):
        if row.status == OPEN and (row.owed_by in by or row.owed_to in by):
            owed_by, owed_to = (
                by.get(one, one) if one is not None else None for one in (row.owed_by, row.owed_to)
            )
            _change(tasks, key, owed_by=owed_by, owed_to=owed_to)


def _key(fact: f.ClockFact) -> str:
    word, _, number = fact.scope.partition(":")
    return f"{SCOPES.get(word, word)}:{number}"


def _change(tasks: Tasks, key: str, **changes: Any) -> None:  # noqa: ANN401 - as the row has them
    row = tasks.rows.get(key)
    if row is not None:
        tasks.rows[key] = replace(row, **changes)


STEPS: Final[dict[type[f.Fact], Callable[[Tasks, Any, datetime], None]]] = {
    f.TaskAssigned: _assigned,
    f.TaskCompleted: _completed,
    f.TaskWaived: _waived,
    f.WhistleBlown: _called,
    f.ReportedIn: _reported_in,
    f.CallReleased: _released,
    f.WhistleRated: _rated,
    f.ClockStarted: _timed,
    f.ClockRescheduled: _timed,
    f.ClockStopped: _timed,
    f.ClockPaused: _paused,
    f.ClockResumed: _resumed,
    f.DeadlineBreached: _breached,
    f.BreachRetracted: _unbreached,
    f.BreachSuperseded: _unbreached,
    f.BreachVoided: _unbreached,
    f.CaseReallotted: _reallotted,
    f.UnitsSucceeded: _succeeded,
}

TASKS: Final = Ledger(
    shape=Shape(
        name="tasks",
        version=1,
        facts=frozenset(STEPS),
        heeds=heeds,
        state=Tasks,
        row=TaskRow,
        blank=lambda _: Tasks({}),
        fold=fold,
        show=show,
    ),
    title="协同任务台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("sort", "任务种类"),
        Column("task", "任务序号", "number"),
        Column("owed_by", "承担单位", "unit"),
        Column("owed_to", "交办单位", "unit"),
        Column("status", "任务状态"),
        Column("assigned_at", "交办时间", "time"),
        Column("due", "到期时间", "time"),
        Column("paused", "暂停计时", "flag"),
        Column("done_at", "完成时间", "time"),
        Column("breached_at", "超期时间", "time"),
        Column("whistle", "吹哨序号", "number"),
        Column("report_score", "报到得分", "number"),
        Column("whistle_score", "吹哨得分", "number"),
        *case_columns("holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number"),
        "sort_of": Filter("任务种类", "in", "sort"),
        "status": Filter("任务状态", "in", "status"),
        "owed_by": Filter("承担单位", "in", "owed_by"),
        "owed_to": Filter("交办单位", "in", "owed_to"),
        "breached": Filter("已超期", "given", "breached_at"),
        "overdue": Filter("逾期未完成", "test", test=OVERDUE),
        "assigned_from": Filter("交办时间起", "from", "assigned_at"),
        "assigned_before": Filter("交办时间止", "before", "assigned_at"),
        "due_from": Filter("到期时间起", "from", "due"),
        "due_before": Filter("到期时间止", "before", "due"),
    },
    sorts=("assigned_at", "number"),
    summarise=counting(
        {
            "open": "status = 'open' AND ended_at IS NULL",
            "overdue": OVERDUE,
            "done": "status = 'done'",
            "waived": "status = 'waived'",
            "released": "status = 'released'",
            "done_late": "status = 'done' AND due < done_at",
        },
        by={"by_sort": "sort", "by_unit": "owed_by"},
    ),
)
