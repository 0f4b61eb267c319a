"""Outages (停机): times without the system, whose paper records may be registered afterwards.

One declares, another approves; then what happened in that time is let in until two working days
after its end (clocks.md R1).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from domain import facts as f
from domain.actor import Role
from domain.due import Budget, Unit, due
from domain.errors import BadInput, Collision, FutureTime, NaiveTime, NotFound, SamePerson
from domain.world import Draft
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from workflows.calendar_office import default_calendar
from workflows.engine import Caller, Engine
from workflows.reference import DeclaredOutage, Reference

DECIDING: Final = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.LEADER})
"""Who may declare an outage, and who may approve it."""
GRACE: Final = Budget(2, Unit.wd)
"""How long after its end paper records are let in."""
ERASED: Final = "已删除"


def asker(caller: Caller) -> str:
    """Return whom two who decide are told apart by: the person where known, else the key."""
    return caller.actor.person or caller.client


async def declare(
    engine: Engine, since: datetime, until: datetime, reason: str, caller: Caller
) -> DeclaredOutage:
    """宣布停机: of no effect until somebody else approves it.

    Raises:
        BadInput: it ends before it begins, or nobody says why.
        FutureTime: it has not ended yet.
        NaiveTime: a time has no offset.
    """
    await engine.refresh()
    since, until = _window(engine, since, until)
    if not reason.strip():
        raise BadInput(detail="请说明停机原因", pointer="/reason")
    text = f.Text("reason", "narrative", reason.strip())

    def drafts(reference: Reference) -> list[Draft]:
        number = max(reference.outages, default=0) + 1
        fact = f.OutageDeclared(outage=number, since=since, until=until, by=asker(caller))
        return [Draft(fact, engine.now(), (text,))]

    answer = await engine.record(f.DISTRICT, _stream(engine), drafts, caller)
    return declared_at(engine.reference, answer.last)


def _window(engine: Engine, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    for moment, pointer in ((since, "/from"), (until, "/until")):
        if moment.tzinfo is None:
            raise NaiveTime(value=moment.isoformat(), pointer=pointer)
    since, until = (at.astimezone(UTC).replace(microsecond=0) for at in (since, until))
    if since >= until:
        raise BadInput(detail="停机的结束时间应晚于开始时间", pointer="/until")
    if until > engine.now():
        raise FutureTime(value=until, now=engine.now(), pointer="/until")
    return since, until


async def approve(engine: Engine, number: int, caller: Caller) -> DeclaredOutage:
    """批准停机补录.

    Raises:
        NotFound: nobody declared this one.
        SamePerson: who declared it may not approve it.
        Collision: it was approved before, or it is too late for anybody to register.
    """

    def drafts(reference: Reference) -> list[Draft]:
        fact = _approval(reference, number, engine.now(), asker(caller))
        return [Draft(fact, engine.now())]

    await engine.record(f.DISTRICT, _stream(engine), drafts, caller)
    return engine.reference.outages[number]


def _approval(reference: Reference, number: int, now: datetime, by: str) -> f.OutageApproved:
    declared = reference.outages.get(number)
    if declared is None:
        raise NotFound(what=f"第 {number} 号停机")
    if declared.approval is not None:
        raise Collision(detail=f"第 {number} 号停机已经批准，不需要再次批准")
    if declared.by == by:
        raise SamePerson(action="批准停机补录")
    register_by = due(declared.until, GRACE, default_calendar(reference)).at
    if register_by < now:
        detail = f"第 {number} 号停机的补录期限已过；请改用导入，或经两人审批更正时间"
        raise Collision(detail=detail)
    return f.OutageApproved(outage=number, register_by=register_by, by=by)


def declared_at(reference: Reference, position: int) -> DeclaredOutage:
    """Return the outage that was declared at this position of the log."""
    return next(one for one in reference.outages.values() if one.position == position)


def reasons(engine: Engine, outages: Sequence[DeclaredOutage]) -> dict[int, str]:
    """Return why each of these was declared, as the vault has it; blocks."""
    wanted = {one.position: one.outage for one in outages}
    with engine.database.connection() as connection:
        records = read_stream(connection, _stream(engine))
    declarations = [record for record in records if record.position in wanted]
    texts = engine.vault.open_records(declarations)
    return {
        outage: texts.get((position, "reason")) or ERASED for position, outage in wanted.items()
    }


def _stream(engine: Engine) -> str:
    return stream_id(engine.district, f.DISTRICT)
