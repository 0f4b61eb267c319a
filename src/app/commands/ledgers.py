"""`bihuan rebuild` and `bihuan lag`: ledgers folded anew, and how far each has followed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

import typer

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run, site
from app.output import WRONG_USAGE, document, fail, progress, result, say
from eventlog.database import Connection
from eventlog.runner import lag as read_lag
from projections.ledgers import LEDGERS
from projections.places import NAME as PLACES
from projections.places import rebuild as rebuild_places
from projections.rebuild import Pair, RebuildHalted, pair_of, rebuild_all
from projections.registers.language import SHIPPED
from projections.search import NAME as SEARCHED
from projections.search import rebuild as rebuild_search
from projections.tables import BUILD
from workflows.notices.table import rebuild as rebuild_notices
from workflows.timers.claims import standing
from workflows.timers.table import NAME as TIMERS
from workflows.timers.table import TimerTable

DELIVERIES: Final = "deliveries"
"""What waits for the channel; `notices` is the ledger of all that was told."""
ALL: Final = "all"
"""What people write who mean `--all`."""
# What else follows the log.
TABLES: Final = {
    TIMERS: "计时点",
    DELIVERIES: "待送达通知",
    PLACES: "事项位置",
    SEARCHED: "查找索引",
}


def rebuild(
    ledgers: Annotated[list[str] | None, typer.Argument(help="台账 Ledgers")] = None,
    *,
    district_code: DistrictOption,
    everything: Annotated[bool, typer.Option("--all", help="全部 All of them")] = False,
    data: DataOption = None,
) -> None:
    """从办理记录重建台账；重建期间旧台账照常可读 Fold ledgers anew beside the live ones."""
    if (not ledgers and not everything) or ALL in (ledgers or []):
        known_names = "、".join([*LEDGERS, *SHIPPED, *TABLES])
        told = f"；不认识：{ALL}" if ledgers else ""
        fail(f"请写台账名或 --all。可用：{known_names}{told}", WRONG_USAGE)
    with district(data, district_code) as services:
        known = {name: one.title for name, one in services.ledgers.items()} | TABLES
        names = list(known) if everything else ledgers or []
        unknown = [name for name in names if name not in known]
        if unknown:
            fail(f"不认识：{'、'.join(unknown)}。可用：{'、'.join(known)}", WRONG_USAGE)
        halted = _rebuild(services, names, known)
        for name in names:
            if name in (DELIVERIES, PLACES, SEARCHED):
                _refill(services, name)
                say(f"已重建 {known[name]}（{name}）。")
    if halted:
        fail("；".join(map(str, halted)))


def _rebuild(
    services: DistrictServices, names: Sequence[str], titles: Mapping[str, str]
) -> list[RebuildHalted]:
    """Fold these anew in one pass over the log; return those that cannot be."""
    found = dict(_pairs(services, names))
    if not found:
        return []
    pairs = {pair.live.name: pair for pair in found.values()}
    called = {pair.live.name: name for name, pair in found.items()}
    with progress("重建") as bar:
        first, *_ = bar.task_ids
        tasks = {name: bar.add_task(called[name], total=None) for name in pairs}
        bar.update(first, visible=False)

        def told(name: str, done: int, head: int) -> None:
            bar.update(tasks[name], completed=done, total=head)

        outcomes = rebuild_all(services.database, list(pairs.values()), progress=told)
    for outcome in outcomes:
        if outcome.found is not None:
            name = called[outcome.name]
            say(f"已重建 {titles[name]}（{name}）。{outcome.found.text}。")
    return [RebuildHalted(called[one.name], one.halted) for one in outcomes if one.found is None]


def _pairs(services: DistrictServices, names: Sequence[str]) -> Iterator[tuple[str, Pair]]:
    for name in names:
        if name == TIMERS:
            yield name, Pair(TimerTable(), TimerTable(suffix=BUILD))
        elif name not in TABLES:
            yield name, pair_of(services.ledgers[name])


def _refill(services: DistrictServices, name: str) -> None:
    """Rebuild a table that is small enough to be filled in one transaction."""
    with services.database.connection() as connection:
        if name == DELIVERIES:
            rebuild_notices(connection)
        elif name == PLACES:
            rebuild_places(connection)
        else:
            rebuild_search(connection, services.vault)


def _detail(name: str, services: DistrictServices, connection: Connection) -> str:
    """Say of the timers also how many wait, and whether any of them fails."""
    if name != TimerTable().name:
        return ""
    now = run(services.engine.refresh).now(services.engine.real())
    found = standing(connection, now)
    overdue = f"到时未执行 {found.overdue} 个（最久 {found.age(now):.0f} 秒）"
    return f"待执行 {found.pending} 个，{overdue}，异常 {found.incidents} 个"


def lag(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """各区县台账落后日志多少 How far each ledger is behind its district's log."""
    rows: list[dict[str, object]] = []
    with site(data) as opened:
        for code in opened.districts():
            with opened.open(code) as services, services.database.connection() as connection:
                found: list[dict[str, object]] = [
                    {
                        "district": code,
                        "ledger": one.name,
                        "position": one.position,
                        "head": one.head,
                        "behind": one.behind,
                        "state": one.state,
                        "seconds": round(one.seconds),
                        "batches": one.batches,
                        "pace": one.pace,
                        "quarantined": one.quarantined,
                        "detail": one.detail or _detail(one.name, services, connection),
                    }
                    for one in read_lag(connection)
                ]
                rows += found
    if as_json:
        document(rows)
        return
    for row in rows:
        result("\t".join(str(value) for value in row.values()))
