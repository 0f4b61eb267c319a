"""`bihuan channel`: where a district's notices are sent, when not, and the secret that signs."""

from pathlib import Path
from typing import Annotated

import typer

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import document, fail, result, say
from domain.due import SHANGHAI
from workflows.notices.channel import close_channel, set_channel, shown_quiet
from workflows.notices.claims import Standing, standing

channel = typer.Typer(help="通知渠道 Channel for notices", no_args_is_help=True)


@channel.command("set")
def set_(
    url: Annotated[str, typer.Argument(help="接收网址，勿含口令 Where to POST, no secrets in it")],
    *,
    district_code: DistrictOption,
    quiet: Annotated[
        str,
        typer.Option(
            help="静默时段，如 22:00-07:00；不写即没有 Quiet hours: notices wait; default: none"
        ),
    ] = "",
    secret_file: Annotated[
        Path | None,
        typer.Option(
            help="签名密钥文件 (whsec_); 默认沿用现有的, 首次自动生成 只显示一次 "
            "Signing secret; default: keep the present one, else one is made and shown once",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """设置通知渠道，立即生效 Set where notices are sent, at once."""
    secret = _read(secret_file) if secret_file else None
    with district(data, district_code) as services:
        done = run(lambda: set_channel(services.engine, url, quiet=quiet or None, secret=secret))
    say(f"区县 {district_code} 的通知将发往 {url}，静默时段：{quiet or '无'}。")
    if done.secret:
        say("签名密钥（Standard Webhooks）只显示这一次，请交给接收方妥善保存：")
        result(done.secret)


@channel.command("show")
def show(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """查看通知渠道和待送达的通知 Show the channel and the notices that wait for it."""
    with district(data, district_code) as services:
        url, quiet, stand = _shown(services)
    oldest = stand.oldest.astimezone(SHANGHAI).isoformat() if stand.oldest else None
    if as_json:
        waiting = {"waiting": stand.waiting, "oldest": oldest, "failing": stand.failing}
        document({"url": url, "quiet": quiet, **waiting, "last_error": stand.last_error or None})
        return
    result(f"网址\t{url or '未设置：通知照常记录，不外发'}")
    result(f"静默时段\t{quiet or '无'}")
    result(f"待送达\t{stand.waiting} 条" + (f"，最早 {oldest}" if oldest else ""))
    if stand.failing:
        result(f"送达失败待重试\t{stand.failing} 条，最近原因 {stand.last_error}")


@channel.command("off")
def off(*, district_code: DistrictOption, data: DataOption = None) -> None:
    """停用通知渠道；通知照常记录，不再外发 Send nothing any more; notices are kept."""
    with district(data, district_code) as services:
        run(lambda: close_channel(services.engine))
    say(f"区县 {district_code} 的通知不再外发。")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        fail(f"读不了密钥文件 {file}。请检查路径和权限；内容应为一行 whsec_…")


def _shown(services: DistrictServices) -> tuple[str | None, str | None, Standing]:
    configured = run(services.engine.refresh).channel
    with services.database.connection() as connection:
        stand = standing(connection)
    if configured is None or not configured.url:
        return None, None, stand
    return configured.url, shown_quiet(configured), stand
