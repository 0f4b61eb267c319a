"""`bihuan attachments`: what no case refers to goes after 24 hours; servers see to it too."""

from typing import Final

import typer

from app.commands.shared import DataOption, DistrictOption, JsonOption, district
from app.output import document, result

attachments: Final = typer.Typer(help="附件 Attachments", no_args_is_help=True)


@attachments.callback()
def group() -> None:
    """附件 Attachments."""


@attachments.command("sweep")
def sweep(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """删除 24 小时未被事项引用的附件 Delete files that no case refers to.

    bihuan serve 每十分钟自动执行 servers do so themselves; 可重复执行 safe to repeat.
    """
    with district(data, district_code) as services:
        swept = services.engine.uploads.sweep()
    if as_json:
        counts = {"released": swept.released, "deleted": swept.deleted, "erased": swept.erased}
        document(counts)
        return
    result(f"已删除 {swept.deleted} 个附件，另清除已无密钥的 {swept.erased} 个。")
