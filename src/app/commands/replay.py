"""`bihuan replay`: an auditor's view of one case, folded anew from the log."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from api.services import DistrictServices
from app.commands.case_records import case_records
from app.commands.shared import (
    AsOf,
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    moment,
)
from app.output import document, result
from domain.case import Case
from eventlog.records import Record
from workflows.history import difference, select, state

SHANGHAI = ZoneInfo("Asia/Shanghai")


def replay(
    case: Annotated[str, typer.Argument(help="编号、标识或 系统/来源编号 Number, id or system/id")],
    *,
    district_code: DistrictOption,
    version: Annotated[int, typer.Option(min=0, help="第几版 Version; 0 = 最新 latest")] = 0,
    as_of: AsOf = "",
    known_at: Annotated[str, typer.Option(help="按记录时间截至 As known at, RFC 3339")] = "",
    diff: Annotated[
        tuple[int, int] | None, typer.Option(help="两个版本之间的变化 Between two versions A B")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """重放一件事项：全部办理记录，以及当时的状态 Replay a case from its facts."""
    with district(data, district_code) as services:
        records = case_records(services, case)
        if diff is not None:
            _show_difference(records, *diff, as_json=as_json)
            return
        chosen = select(
            records, version=version or None, as_of=moment(as_of), known_at=moment(known_at)
        )
        then = state(chosen)
        _show(chosen, then, services, as_json=as_json)


def _show(
    records: Sequence[Record], then: Case, services: DistrictServices, *, as_json: bool
) -> None:
    texts = services.vault.open_records(records)
    facts = [_fact(record, texts) for record in records]
    if as_json:
        document({"facts": facts, "state": msgspec.to_builtins(then)})
        return
    for fact in facts:
        result(
            f"{fact['version']:>3}  {fact['occurred_at']}  {fact['type']:<24}"
            f"{fact['stage'] or '':<22}{fact['actor']}  [位点 {fact['position']}]"
        )
        for field, text in fact["texts"].items():
            result(f"       {field}: {text}")
    for title, value in _summary(then):
        result(f"{title}  {value}")


def _summary(case: Case) -> Iterator[tuple[str, object]]:
    """Yield what a person first wants to know of a case as it stood."""
    yield "编号", f"{case.number}（第 {case.version} 版，第 {case.cycle} 轮）"
    yield "环节", f"{case.stage}（{case.phase}）"
    if case.severity:
        yield "分级", f"{case.severity} / {case.urgency}，由 {case.tier} 牵头"
    if case.holder:
        yield "承办", case.holder.id
    if case.outcome:
        yield "结果", case.outcome
    for clock in case.clocks:
        late = "，超期" if clock.breached_at else ""
        yield "时限", f"{clock.name} {clock.budget}，到期 {_local(clock.due)}，{clock.status}{late}"


def _fact(record: Record, texts: dict[tuple[int, str], str | None]) -> dict[str, Any]:
    body = record.body
    stage = getattr(body.data, "stage", None)
    return {
        "position": record.position,
        "version": record.version,
        "type": body.type,
        "occurred_at": _local(record.occurred_at),
        "recorded_at": _local(record.recorded_at),
        "stage": stage.target if stage else None,
        "actor": " ".join(part for part in (body.actor.role, body.actor.unit) if part),
        "data": msgspec.to_builtins(body.data),
        "texts": {
            one.field: texts.get((record.position, one.field)) or "已删除" for one in body.sealed
        },
    }


def _show_difference(records: Sequence[Record], first: int, last: int, *, as_json: bool) -> None:
    """Show which fields differ between two versions, and whose facts lie between them."""
    changes = difference(
        state(select(records, version=first)), state(select(records, version=last))
    )
    between = [record for record in records if first < record.version <= last]
    facts = [_fact(record, {}) for record in between]
    if as_json:
        changed = [msgspec.to_builtins(change) for change in changes]
        document({"facts": facts, "changes": changed})
        return
    for fact in facts:
        result(f"{fact['version']:>3}  {fact['occurred_at']}  {fact['type']:<24}{fact['actor']}")
    for change in changes:
        result(f"  {change.field}: {change.before} → {change.after}")


def _local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")
