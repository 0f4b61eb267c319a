"""`bihuan verify --clocks`: every clock counted again, and where that comes out differently."""

import msgspec
import typer

from api.services import DistrictServices
from app.output import FAILED, document, progress, result
from workflows.drifting import drifts
from workflows.loading import load_reference

WHAT = {"due": "到期时间", "limit": "时限", "calendar": "日历版本"}


def verify_clocks(services: DistrictServices, *, as_json: bool) -> None:
    """Count again, and show what differs; ends with code 1 if anything does."""
    reference = load_reference(services.database, services.engine.reference)
    with progress("重算时限 counting") as bar:
        task = bar.task_ids[0]
        found = list(
            drifts(
                services.database,
                reference,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    if as_json:
        document({"drift": msgspec.to_builtins(found)})
    for one in [] if as_json else found:
        now = one.now or "已不存在"
        result(f"{one.case}  {one.clock}  {WHAT[one.what]}  记录 {one.recorded}  重算 {now}")
    if not as_json:
        text = f"发现 {len(found)} 处不一致。" if found else "一致：全部时限重算结果与记录相同。"
        result(text)
    if found:
        raise typer.Exit(FAILED)
