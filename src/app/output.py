"""How commands speak: one JSON document or plain lines on stdout, everything else on stderr."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Never

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FAILED: Final = 1
WRONG_USAGE: Final = 2
SOME_REJECTED: Final = 3

messages = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Tell the person at the terminal something; never part of the result."""
    messages.print(text, markup=False, soft_wrap=True)


def result(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")


def document(value: Mapping[str, Any] | list[Any]) -> None:
    """Print the one JSON document of a command."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def fail(error: BaseException | str, code: int = FAILED) -> Never:
    """End the command with a message."""
    messages.print(f"错误：{error}", markup=False, style="red", soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def progress(title: str) -> Generator[Progress]:
    """Show a progress bar on a terminal; elsewhere stay silent."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
        disable=not messages.is_terminal,
        transient=True,
    ) as bar:
        bar.add_task(title, total=None)
        yield bar
