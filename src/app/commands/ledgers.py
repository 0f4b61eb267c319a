"""`bihuan rebuild` and `bihuan lag`: ledgers folded anew, and how far each has followed."""

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
from projections.rebuild import rebuild as rebuild_ledger
from projections.rebuild import rebuild_beside
from projections.tables import BUILD
from workflows.notices.table import NAME as NOTICES
from workflows.notices.table import rebuild as rebuild_notices
from workflows.timers.claims import standing
from workflows.timers.table import NAME as TIMERS
from workflows.timers.table import TimerTable

# What else follows the log.
TABLES: Final = {TIMERS: "计时点", NOTICES: "待送达通知", PLACES: "事项位置"}


def rebuild(
    ledgers: Annotated[list[str] | None, typer.Argument(help="台账 Ledgers")] = None,
    *,
    district_code: DistrictOption,
    everything: Annotated[bool, typer.Option("--all", help="全部 All of them")] = False,
    data: DataOption = None,
) -> None:
    """从办理记录重建台账；重建期间旧台账照常可读 Fold ledgers anew beside the live ones."""
    known_names = [*LEDGERS, *TABLES]
    names = known_names if everything else ledgers or []
    unknown = [name for name in names if name not in known_names]
    if not names or unknown:
        known = "、".join(known_names)
        fail(f"请写台账名或 --all。可用：{known}；不认识：{'、'.join(unknown) or '—'}", WRONG_USAGE)
    with district(data, district_code) as services:
        for name in names:
            _rebuild(services, name)
            say(f"已重建 {LEDGERS[name].title if name in LEDGERS else TABLES[name]}（{name}）。")


def _rebuild(services: DistrictServices, name: str) -> None:
    with progress(f"重建 {name}") as bar:
        task = bar.task_ids[0]

        def told(done: int, head: int) -> None:
            bar.update(task, completed=done, total=head)

        if name == TIMERS:
            build = TimerTable(suffix=BUILD)
            rebuild_beside(services.database, TimerTable(), build, progress=told)
        elif name == NOTICES:
            with services.database.connection() as connection:
                rebuild_notices(connection)
        elif name == PLACES:
            with services.database.connection() as connection:
                rebuild_places(connection)
        else:
            rebuild_ledger(services.database, LEDGERS[name], progress=told)


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
