"""Importing a register: rows become cases with their past, many at once, each whole or not at all.

A row is one append. What was imported stays imported when the program is killed, and the same
file again changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec

from app.register.records import CaseRow, RejectedRow
from app.register.report import ImportReport
from domain.actor import Actor, Role
from domain.commands import Act, Import, Report
from domain.errors import Refusal, UnknownKind
from domain.facts import SourceReference
from eventlog.vault import Vault
from workflows.engine import Caller, Engine, Outcome

WINDOW: Final = 128
"""Rows under way at once; they share transactions."""

Advance = Callable[[int], None]


async def import_rows(
    engine: Engine,
    rows: Iterable[CaseRow | RejectedRow],
    *,
    advance: Advance | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import the rows of a register; rejected ones are in the report with their reasons.

    With `dry_run` nothing is written: the counts say what was readable, as `created`.
    What is no refusal (a lost database) ends the import; what was imported by then stays.
    """
    report = ImportReport()
    await engine.refresh()
    async with asyncio.TaskGroup() as group:
        room = asyncio.Semaphore(WINDOW)
        under_way: dict[str, asyncio.Task[None]] = {}
        for row in rows:
            report.read += 1
            if isinstance(row, RejectedRow):
                report.rejected.append(row)
                continue
            if earlier := under_way.get(row.source_id):
                await asyncio.wait({earlier})
            await room.acquire()
            task = group.create_task(_import_row(engine, row, report, dry_run=dry_run))
            under_way[row.source_id] = task
            task.add_done_callback(_leaving(row.source_id, room, under_way, advance))
    report.rejected.sort(key=lambda rejected: rejected.row)
    return report


def _leaving(
    source_id: str,
    room: asyncio.Semaphore,
    under_way: dict[str, asyncio.Task[None]],
    advance: Advance | None,
) -> Callable[[asyncio.Task[None]], None]:
    """Return what happens when a row is done: room for the next, one step of progress."""

    def done(task: asyncio.Task[None]) -> None:
        if under_way.get(source_id) is task:
            del under_way[source_id]
        room.release()
        if advance:
            advance(1)

    return done


async def _import_row(engine: Engine, row: CaseRow, report: ImportReport, *, dry_run: bool) -> None:
    try:
        command = _command(row, engine)
        if dry_run:
            engine.reference.kind(row.kind)
            report.created += 1
            return
        outcome = await engine.report(command, _caller(row, engine.vault), updating=True)
    except Refusal as refusal:
        rejected = RejectedRow(row.row, row.source_id, refusal.code, str(refusal))
        report.rejected.append(rejected)
        return
    _count(outcome, report)


def _count(outcome: Outcome, report: ImportReport) -> None:
    if outcome.replayed or outcome.position == 0:
        report.unchanged += 1
    elif outcome.created:
        report.created += 1
    else:
        report.updated += 1


def _caller(row: CaseRow, vault: Vault) -> Caller:
    """Return who imports a row.

    The key is of one use: what makes an import repeatable is the row's content, which may change
    and change back.
    """
    return Caller(
        actor=Actor(role=Role.IMPORTER),
        client=f"import:{row.source_system}",
        key=str(uuid4()),
        digest=vault.digest(row.digest.encode()),
    )


def _command(row: CaseRow, engine: Engine) -> Import:
    """Turn a row into its report and the steps that its milestone columns stand for.

    Raises:
        UnknownKind: the mapping names a kind that the district does not have.
    """
    report = Report(
        kind=row.kind,
        title=row.title,
        description=_described(row),
        category=row.category,
        unit=row.unit,
        reporter=row.reporter,
        source=SourceReference(row.source_system, row.source_id),
        content=_content(row, engine.vault),
        data=dict(row.data),
        occurred_at=row.occurred_at,
    )
    return Import(report=report, steps=tuple(_steps(row, engine)))


def _described(row: CaseRow) -> str | None:
    """Keep a register's place column: it is text about the case, and may be an address."""
    parts = [row.description, f"地点：{row.location}" if row.location else None]
    return "\n".join(part for part in parts if part) or None


def _steps(row: CaseRow, engine: Engine) -> list[Act]:
    milestones = engine.reference.kind(row.kind).milestones
    steps: list[Act] = []
    for stone in row.milestones:
        data: dict[str, str] = {}
        if stone.unit:
            data["lead"] = stone.unit
        if stone.text:
            data["note"] = stone.text
        steps.append(_step(stone.name, data, stone.at, milestones, row.kind))
    if row.closed_at is not None:
        reply = {"reply": row.reply} if row.reply else {}
        steps.append(_step("closed", reply, row.closed_at, milestones, row.kind))
    return steps


def _step(
    milestone: str, data: dict[str, str], at: datetime, known: dict[str, str], kind: str
) -> Act:
    action = known.get(milestone)
    if action is None:
        raise UnknownKind(kind=f"{kind}（没有里程碑 {milestone}）", known="、".join(known) or "无")
    return Act(action=action, data=dict(data), occurred_at=at)


def _content(row: CaseRow, vault: Vault) -> str:
    """Return two keyed digests: of what was reported, and of what became of it."""
    reported = [
        row.title,
        row.description,
        row.location,
        row.reporter,
        row.category,
        row.unit,
        row.occurred_at,
        row.data,
        row.kind,
    ]
    became = [
        [(stone.name, stone.at, stone.unit, stone.text) for stone in row.milestones],
        row.closed_at,
        row.reply,
        row.outcome,
    ]
    encode = msgspec.json.Encoder(order="sorted").encode
    return f"{vault.fingerprint(encode(reported))}.{vault.fingerprint(encode(became))}"
