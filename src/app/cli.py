"""The command line `bihuan`: a table of contents; each command lives in `app/commands/`."""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typer

# One command or group a line: its module, its name there, what the list of commands says.
# Only what was named is imported: `bihuan clock due` answers in half a second because nothing
# else was loaded, and so does the list itself.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "serve": ("app.commands.serve", "serve", "启动服务 Start everything"),
    "work": ("app.commands.work", "work", "只执行到时的事 Only let timers happen"),
    "district": ("app.commands.district", "district", "区县 Districts"),
    "key": ("app.commands.key", "key", "访问密钥 Access keys"),
    "clock": ("app.commands.clock", "clock", "时限与时钟 Deadlines and clocks"),
    "calendar": ("app.commands.calendar", "calendar", "工作日历 Working calendars"),
    "outage": ("app.commands.outage", "outage", "停机与补录 Outages"),
    "channel": ("app.commands.channel", "channel", "通知渠道 Channel for notices"),
    "directory": ("app.commands.directory", "directory", "组织目录 Directory of units"),
    "catalogue": ("app.commands.catalogue", "catalogue", "事项目录 Catalogue of items"),
    "codes": ("app.commands.codes", "codes", "类别对照表 Codes of other systems"),
    "import": ("app.commands.importing", "importing", "导入目录、原有台账 Import"),
    "attachments": ("app.commands.attachments", "attachments", "附件 Attachments"),
    "export": ("app.commands.export", "export", "导出台账 Export a ledger"),
    "accountability": (
        "app.commands.accountability",
        "accountability",
        "四定三包 Who answers for what",
    ),
    "indicators": ("app.commands.indicators", "indicators", "考核指标 Indicators"),
    "ranking": ("app.commands.ranking", "ranking", "考核通报 Rankings of units"),
    "concerns": ("app.commands.concerns", "concerns", "民情规则 What keeps coming back"),
    "replay": ("app.commands.replay", "replay", "重放一件事项 Replay a case from its facts"),
    "reader": ("app.commands.reader", "reader", "报表用户 Database users for BI tools"),
    "rebuild": ("app.commands.ledgers", "rebuild", "从办理记录重建台账 Fold ledgers anew"),
    "lag": ("app.commands.ledgers", "lag", "各台账落后多少 How far ledgers are behind"),
    "verify": ("app.commands.verify", "verify", "核验日志 Recompute every hash and chain"),
    "registers": ("app.commands.registers", "registers", "自定台账 Registers as data"),
    "kinds": ("app.commands.kinds", "kinds", "事项类型 Kinds of case"),
    "demo": ("app.commands.demo", "demo", "演示区县 Make the demo district"),
    "doctor": ("app.commands.doctor", "doctor", "体检 Look over everything that can go wrong"),
}


def main() -> None:
    """Run the command that was named; anything refused ends with its message and a code."""
    os.umask(0o077)
    named = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        from app.usage import run  # noqa: PLC0415 - even this takes a moment that Ctrl-C may hit

        sys.exit(run(_application(named)))
    except KeyboardInterrupt:
        sys.exit(130)


def _application(named: str) -> "typer.Typer":
    """Return the command that was named, or the list of all."""
    import typer  # noqa: PLC0415 - see above

    app = typer.Typer(
        name="bihuan",
        help="闭环：基层治理事项闭环办理 Closed-loop issue handling",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_group)
    for name in [named] if named in COMMANDS else COMMANDS:
        module, attribute, title = COMMANDS[name]
        if name != named:
            app.command(name, help=title)(_listed)
            continue
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _group() -> None:
    """闭环：基层治理事项闭环办理 Closed-loop issue handling."""


def _listed() -> None:
    """Stand for a command in the list of all; the one that is run is always imported."""
