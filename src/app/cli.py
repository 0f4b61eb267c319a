"""The command line `bihuan`: a table of contents; each command lives in `app/commands/`."""

import os
import sys
from importlib import import_module
from typing import Final

# One folder or group a line. What a command needs is imported when it is called: `bihuan clock
# due` answers in half a second because nothing else was loaded.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "serve": ("app.commands.serve", "serve"),
    "district": ("app.commands.district", "district"),
    "key": ("app.commands.key", "key"),
    "clock": ("app.commands.clock", "clock"),
    "import": ("app.commands.importing", "importing"),
    "export": ("app.commands.export", "export"),
    "replay": ("app.commands.replay", "replay"),
    "rebuild": ("app.commands.ledgers", "rebuild"),
    "lag": ("app.commands.ledgers", "lag"),
    "verify": ("app.commands.verify", "verify"),
    "kinds": ("app.commands.kinds", "kinds"),
    "doctor": ("app.commands.doctor", "doctor"),
}


def main() -> None:
    """Run the command that was named; anything refused ends with its message and a code."""
    import typer  # noqa: PLC0415 - see above

    os.umask(0o077)
    named = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    app = typer.Typer(
        name="bihuan",
        help="闭环：基层治理事项闭环办理 Closed-loop issue handling",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_group)
    for name in [named] if named in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name]
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    app()


def _group() -> None:
    """闭环：基层治理事项闭环办理 Closed-loop issue handling."""
