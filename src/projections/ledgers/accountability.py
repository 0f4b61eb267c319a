"""四定三包台账: one row a case and part, with who answers, since when, by when and how it stands.

What facts alone say: a row is `late` only where it ended late. What time does to a row, whether a
post is vacant on a day, and what a severity requires of a case without any of it is asked of
`projections/accountability.py`, which reads these rows.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from psycopg import sql

from domain.accountability import Duty, Leader, Responsible
from domain.accountability_matrix import FOUR_FIXED
from domain.clock import Clock
from eventlog.database import Connection
from projections.answering import (
    CAMPAIGN,
    DUTY,
    FACTS,
    PERSONS,
    Answering,
    blank,
    dated,
    fold,
    latest,
)
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, OF_CASE, case_columns, case_filters
from projections.query import Column, Condition, Filter, Moment
from projections.rows import Shape

WARNED: Final = "threshold:"
PRESSED: Final = ("missing", "set", "at_risk")
"""What a row's due still presses upon."""

# One pass over the visible rows in effect at that moment; late by due, as the views count it.
SUMMARY: Final = """
    SELECT part, CASE WHEN status = ANY(%(pressed)s) AND due < %(now)s THEN 'late' ELSE status END,
           count(*), count(breached_at)
    FROM ({source}) r
    WHERE part <> 'campaign' AND (since IS NULL OR since <= %(now)s OR part <> ALL(%(persons)s))
      AND (until IS NULL OR until > %(now)s) AND {where} GROUP BY 1, 2
"""


class AccountabilityRow(Struct, frozen=True, kw_only=True):
    """A part of a case: units, posts and persons by id."""

    part: str
    """One of the seven; `campaign` only says in which campaign the case is listed."""
    status: str
    """`missing`, `set`, `at_risk` (a warning was reached), `fulfilled`, `failed`; `late`: ended."""
    post: str | None = None
    """Of 定责任, the cadre's; None where nobody, or only a unit, answers."""
    person: str | None = None
    """Who held the post when it was fixed."""
    worker_post: str | None = None
    """Of 定责任, the grid worker's."""
    worker_person: str | None = None
    units: tuple[str, ...] = ()
    since: datetime | None = None
    """From when it stands as it stands; of a leader, from when they answer."""
    until: datetime | None = None
    """Of leaders and responsible persons: until when, exclusive; then others answer."""
    due: datetime | None = None
    done: int | None = None
    """Of measures how many are done, of stability how many revisits there were."""
    total: int | None = None
    breached_at: datetime | None = None
    """Where this part lacked when a clock ran out: the due. It stays, whatever comes later."""
    breach_unit: str | None = None
    breach_posts: tuple[str, ...] = ()
    """Who answers for that, frozen: the leader in effect first. A person each, or nobody."""
    breach_persons: tuple[str, ...] = ()
    campaign: str | None = None


def show(state: Answering, before: Mapping[str, AccountabilityRow]) -> dict[str, AccountabilityRow]:
    """Return a row for each part that is there or was; of leaders, one for each term."""
    del before
    rows: dict[str, AccountabilityRow] = {}
    four = latest(state, lambda clock: clock.name == FOUR_FIXED)
    for part in state.parts:
        match part:
            case "leader":
                rows |= _terms(state, part, state.now.leaders, four)
            case "responsibility":
                rows |= _terms(state, part, state.now.responsible, four)
            case "measures":
                rows[part] = _measures(state, four)
            case "deadline":
                rows[part] = _deadline(state, four)
            case _:
                rows[part] = _duty(state, part)
    if state.marked:
        rows[CAMPAIGN] = AccountabilityRow(part=CAMPAIGN, status="set", campaign=state.campaign)
    return rows


def _pressed(clock: Clock | None) -> str:
    """Return how what is not done stands, but for the passing of its due."""
    warned = clock is not None and any(name.startswith(WARNED) for name in clock.reached)
    return "at_risk" if warned else "set"


def _frozen(state: Answering, part: str) -> dict[str, Any]:
    """Return who answers for the latest breach by which a part lacked."""
    found = next((one for one in reversed(state.breaches) if part in one.parts), None)
    if found is None:
        return {}
    return {
        "breached_at": found.at,
        "breach_unit": found.unit,
        "breach_posts": tuple(one.post for one in found.posts),
        "breach_persons": tuple(one.person or "" for one in found.posts),
    }


def _missing(
    state: Answering, part: str, four: Clock | None, until: datetime | None = None
) -> AccountabilityRow:
    counted = four if four is not None and four.status != "cancelled" else None
    status = "at_risk" if _pressed(counted) == "at_risk" else "missing"
    due = counted.due if counted else None
    frozen = _frozen(state, part)
    return AccountabilityRow(part=part, status=status, due=due, until=until, **frozen)


def _terms(
    state: Answering, part: str, terms: tuple[Leader | Responsible, ...], four: Clock | None
) -> dict[str, AccountabilityRow]:
    """Return who answers from when until when: what was recorded later wins from its `since` on."""
    rows: dict[str, AccountabilityRow] = {}
    if four is not None:
        first = min((term.since for term in terms), default=None)
        rows[part] = _missing(state, part, four, first)
    for number, term in enumerate(terms, 1):
        until = min((later.since for later in terms[number:]), default=None)
        rows[f"{part}:{number}"] = AccountabilityRow(
            part=part,
            status="set",
            since=term.since,
            until=until,
            **_persons(term),
            **_frozen(state, part),
        )
    return rows


def _persons(term: Leader | Responsible) -> dict[str, Any]:
    if isinstance(term, Leader):
        who = term.who
        return {"post": who.post, "person": who.person, "units": (term.unit.id,)}
    cadre, worker = term.cadre, term.grid_worker
    return {
        "post": cadre.post,
        "person": cadre.person,
        "worker_post": worker.post,
        "worker_person": worker.person,
        "units": tuple(unit.id for unit in term.units),
    }


def _measures(state: Answering, four: Clock | None) -> AccountabilityRow:
    measures, deadline = state.now.measures, state.now.deadline
    if measures is None:
        return _missing(state, "measures", four)
    pressed = _pressed(latest(state, dated))
    return AccountabilityRow(
        part="measures",
        status="fulfilled" if measures.all_done else pressed,
        units=tuple(dict.fromkeys(unit.id for unit in measures.owners)),
        since=measures.fixed_at,
        due=deadline.at if deadline else None,
        done=len(measures.done),
        total=len(measures.owners),
        **_frozen(state, "measures"),
    )


def _deadline(state: Answering, four: Clock | None) -> AccountabilityRow:
    """What the end of the case says of it is its ledger's to know."""
    fixed, clock = state.now.deadline, latest(state, dated)
    if fixed is None:
        return _missing(state, "deadline", four)
    if clock is not None and clock.status == "stopped" and clock.stopped_at is not None:
        status = "fulfilled" if clock.stopped_at <= fixed.at else "late"
    else:
        status = _pressed(clock)
    frozen = _frozen(state, "deadline")
    return AccountabilityRow(
        part="deadline", status=status, since=fixed.fixed_at, due=fixed.at, **frozen
    )


def _duty(state: Answering, name: str) -> AccountabilityRow:
    duty: Duty | None = state.now.duty(name)
    frozen = _frozen(state, name)
    if duty is None:
        return AccountabilityRow(part=name, status="missing", **frozen)
    clock = latest(state, lambda clock: clock.scope == f"{DUTY}{name}")
    return AccountabilityRow(
        part=name,
        status=_pressed(clock) if duty.status == "running" else duty.status,
        post=duty.who.post or None if duty.who else None,
        person=duty.who.person if duty.who else None,
        units=(duty.unit.id,),
        since=duty.ended_at or duty.since,
        due=duty.until or (clock.due if clock else duty.watch_until),
        done=duty.revisits or None,
        **frozen,
    )


def summarise(
    connection: Connection, source: Condition, where: Condition, moment: Moment
) -> dict[str, Any]:
    """Count the rows in effect, by part and by status, and those that once ran out of time."""
    query = sql.SQL(SUMMARY).format(source=source.where, where=where.where)
    given = {"now": moment.now, "pressed": list(PRESSED), "persons": list(PERSONS)}
    parameters = {**source.parameters, **where.parameters, **given}
    by_part: dict[str, dict[str, int]] = {}
    by_status: dict[str, int] = {}
    total = breached = 0
    for part, status, count, broken in sorted(connection.execute(query, parameters).fetchall()):
        by_part.setdefault(part, {})[status] = count
        by_status[status] = by_status.get(status, 0) + count
        total, breached = total + count, breached + broken
    return {"total": total, "breached": breached, "by_status": by_status, "by_part": by_part}


_CASE: Final = ("number", "title", "kind", "stage", "category", "severity", "holder")

ACCOUNTABILITY: Final = Ledger(
    shape=Shape(
        name="accountability",
        version=1,
        facts=frozenset(FACTS),
        state=Answering,
        row=AccountabilityRow,
        blank=blank,
        fold=fold,
        show=show,
    ),
    title="四定三包台账",
    columns=(
        *case_columns(*_CASE),
        Column("part", "四定三包"),
        Column("status", "状态"),
        Column("post", "责任岗位"),
        Column("person", "责任人", "person"),
        Column("worker_post", "责任网格员岗位"),
        Column("worker_person", "责任网格员", "person"),
        Column("units", "责任单位"),
        Column("since", "起始时间", "time"),
        Column("until", "终止时间", "time"),
        Column("due", "期限", "time"),
        Column("done", "已落实数", "number"),
        Column("total", "应落实数", "number"),
        Column("breached_at", "超期时间", "time"),
        Column("breach_unit", "超期责任单位", "unit"),
        Column("breach_posts", "超期责任岗位"),
        Column("breach_persons", "超期责任人", "person"),
        Column("campaign", "专项行动"),
        *case_columns("reported_at", "ended_at"),
    ),
    filters={
        "part": Filter("四定三包", "in", "part"),
        "status": Filter("状态", "in", "status"),
        "post": Filter("责任岗位", "in", "post"),
        "person": Filter("责任人", "in", "person"),
        "breached": Filter("曾超期", "given", "breached_at"),
        "due_from": Filter("期限起", "from", "due"),
        "due_before": Filter("期限止", "before", "due"),
        "campaign": Filter("专项行动", "in", "campaign"),
        "open": Filter("事项在办", "open"),
        **case_filters(
            "kind",
            "stage",
            "category",
            "severity",
            "unit",
            "place",
            "holder",
            "number",
            "reported_from",
            "reported_before",
        ),
    },
    sorts=("reported_at", "part"),
    summarise=summarise,
    cases=CASES,
    of_case=(*OF_CASE, "kind_hash", "lead", "closed_at"),
)
