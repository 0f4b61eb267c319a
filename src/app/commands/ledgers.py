"""`bihuan rebuild` and `bihuan lag`: ledgers folded anew, and how far each has followed."""

from typing import Annotated

import typer

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, site
from app.output import WRONG_USAGE, document, fail, progress, result, say
from eventlog.runner import lag as read_lag
from projections.ledgers import LEDGERS
from projections.rebuild import rebuild as rebuild_ledger


def rebuild(
    ledgers: Annotated[list[str] | None, typer.Argument(help="台账 Ledgers")] = None,
    *,
    district_code: DistrictOption,
    everything: Annotated[bool, typer.Option("--all", help="全部 All of them")] = False,
    data: DataOption = None,
) -> None:
    """从办理记录重建台账；重建期间旧台账照常可读 Fold ledgers anew beside the live ones."""
    names = list(LEDGERS) if everything else ledgers or []
    unknown = [name for name in names if name not in LEDGERS]
    if not names or unknown:
        known = "、".join(LEDGERS)
        fail(f"请写台账名或 --all。可用：{known}；不认识：{'、'.join(unknown) or '—'}", WRONG_USAGE)
    with district(data, district_code) as services:
        for name in names:
            _rebuild(services, name)
            say(f"已重建 {LEDGERS[name].title}（{name}）。")


def _rebuild(services: DistrictServices, name: str) -> None:
    with progress(f"重建 {name}") as bar:
        task = bar.task_ids[0]

        def told(done: int, head: int) -> None:
            bar.update(task, completed=done, total=head)

        rebuild_ledger(services.database, LEDGERS[name], progress=told)


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
                        "detail": one.detail,
                    }
                    for one in read_lag(connection)
                ]
                rows += found
    if as_json:
        document(rows)
        return
    for row in rows:
        result("\t".join(str(value) for value in row.values()))
