"""Importing a register: rows become cases with their past, many at once, each whole or not at all.

A row is one append. What was imported stays imported when the program is killed, and the same
file again changes nothing.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from app.register.mapping import Mapping
from app.register.records import CaseRow, RejectedRow
from app.register.report import ImportReport
from domain.actor import Actor, Role
from domain.case import Case, blank
from domain.commands import Act, Import, Report, Update
from domain.decide import decide
from domain.errors import NotFound, Refusal, UnknownField, UnknownKind
from domain.facts import SourceReference
from domain.kind import FormField, Kind
from eventlog.streams import sourced_case
from eventlog.vault import Vault
from workflows.engine import Caller, Engine

WINDOW: Final = 128
"""Rows under way at once; they share transactions."""

Advance = Callable[[int], None]

# Excel writes 3 as 3.0 when it feels like it; 2.5 people are refused.
_INTEGER: Final = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.0+)?", re.ASCII)
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "是", "有", "y", "yes", "√"), True),
    **dict.fromkeys(("false", "0", "否", "无", "没有", "n", "no", "×"), False),
}
_BETWEEN_UNITS: Final = re.compile(r"[、,，;；]")


async def import_rows(
    engine: Engine,
    rows: Iterable[CaseRow | RejectedRow],
    *,
    advance: Advance | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import the rows of a register; rejected ones are in the report with their reasons.

    With `dry_run` nothing is written: the counts and rejections say what an import would do.
    What is no refusal (a lost database) ends the import; what was imported by then stays.
    """
    report = ImportReport()
    await engine.refresh()
    async with asyncio.TaskGroup() as group:
        room = asyncio.Semaphore(WINDOW)
        under_way: dict[str, asyncio.Task[None]] = {}
        tried: set[str] = set()
        for row in rows:
            report.read += 1
            if isinstance(row, RejectedRow):
                report.rejected.append(row)
                _advance(advance)
                continue
            if earlier := under_way.get(row.source_id):
                await asyncio.wait({earlier})
            if dry_run and row.source_id in tried:
                # The same row again, as the reader refuses any other of the same number.
                report.unchanged += 1
                _advance(advance)
                continue
            tried.add(row.source_id)
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
        _advance(advance)

    return done


def _advance(advance: Advance | None) -> None:
    if advance:
        advance(1)


async def _import_row(engine: Engine, row: CaseRow, report: ImportReport, *, dry_run: bool) -> None:
    try:
        command = _command(row, engine)
        case = await _known(engine, row)
        if case is not None and case.content == command.report.content:
            report.unchanged += 1
        elif dry_run:
            _try(engine, command, case)
            _count(report, created=case is None)
        else:
            outcome = await engine.report(command, _caller(row, engine.vault), updating=True)
            _count(report, created=outcome.created, unchanged=outcome.position == 0)
    except Refusal as refusal:
        rejected = RejectedRow(row.row, row.source_id, refusal.code, str(refusal))
        report.rejected.append(rejected)


async def _known(engine: Engine, row: CaseRow) -> Case | None:
    """Return the row's case as it is now, if any; asked first, so as to waste no case number."""
    try:
        return await engine.case(sourced_case(engine.district, row.source_system, row.source_id))
    except NotFound:
        return None


def _try(engine: Engine, command: Import, case: Case | None) -> None:
    """Decide, and record nothing.

    Raises:
        Refusal: the row would be rejected.
    """
    actor = Actor(role=Role.IMPORTER)
    report = command.report
    if case is None:
        fresh = blank("", engine.reference.kind(report.kind).hash)
        decide(command, fresh, engine.world(fresh, actor))
    else:
        update = Update(report=report, steps=command.steps)
        decide(update, case, engine.world(case, actor))


def _count(report: ImportReport, *, created: bool, unchanged: bool = False) -> None:
    if unchanged:
        report.unchanged += 1
    elif created:
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


def check_fits(kind: Kind, mapping: Mapping) -> None:
    """Refuse a mapping whose fields the kind does not have, before any row is read.

    Raises:
        UnknownField: naming the field, and those there are.
    """
    form = [field.name for field in kind.report.form]
    _check_known(kind, "字段", mapping.data, form)
    told = {
        "accepted": mapping.accepted,
        "dispatched": mapping.dispatched,
        "closed": mapping.closed,
    }
    named = [name for name, rule in told.items() if rule is not None]
    _check_known(kind, "里程碑", named, kind.milestones)


def _check_known(kind: Kind, what: str, named: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for name in named:
        if name not in there:
            listed = "、".join(there) or "无"
            detail = f"事项类型 {kind.name} 没有这个{what}；可用：{listed}。请改正映射"
            raise UnknownField(field=name, detail=detail, pointer=f"/{name}")


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
        data=_typed(row.data, engine.reference.kind(row.kind).report.form),
        occurred_at=row.occurred_at,
    )
    return Import(report=report, steps=tuple(_steps(row, engine)))


def _typed(data: dict[str, str], form: tuple[FormField, ...]) -> dict[str, Any]:
    """Give the texts of a register the types that the form of the kind asks for.

    What cannot be read so stays a text; the form then refuses it, and names the field.
    """
    types = {field.name: field.type for field in form}
    return {name: _value(text, types.get(name)) for name, text in data.items()}


def _value(text: str, wanted: str | None) -> object:
    plain = unicodedata.normalize("NFKC", text).strip()
    if wanted == "integer" and _INTEGER.fullmatch(plain):
        return int(plain.partition(".")[0].replace(",", ""))
    if wanted == "boolean":
        return _BOOLEANS.get(plain.lower(), text)
    if wanted == "units":
        return [part for part in _BETWEEN_UNITS.split(text) if part.strip()]
    return text


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
