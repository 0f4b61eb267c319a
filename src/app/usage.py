"""Help and wrong usage in the user's language: the command-line library speaks English only."""

import os
import re
import sys
from collections.abc import Callable
from typing import Any, Final

import typer
from typer._click.exceptions import (  # the library exports none but BadParameter
    ClickException,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)
from typer.core import TyperCommand, TyperGroup, TyperOption

from app.output import WRONG_USAGE, messages

# What the library says of a value, and the same in Chinese.
SAYINGS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"No such command '(?P<a>.*?)'\.(?: Did you mean '(?P<near>[^']*)'.*)?",
        "没有命令“{a}”{near}",
    ),
    (r"Got unexpected extra argument\(s\) \((?P<a>.*)\)", "多出了参数：{a}"),
    (r"Option '?(?P<a>.*?)'? requires .*argument.*", "选项 {a} 后面缺少值"),
    (r"Option '?(?P<a>.*?)'? does not take a value\.?", "选项 {a} 后面不写值"),
    (r"(?i)(?:file|path|directory) '?(?P<a>.*?)'? does not exist\.?", "文件“{a}”不存在"),
    (r"(?i)(?:file|path) '?(?P<a>.*?)'? is a directory\.?", "“{a}”是文件夹，不是文件"),
    (r"(?i)(?:file|path) '?(?P<a>.*?)'? is not readable\.?", "文件“{a}”没有读取权限"),
    (r"Input should be a valid integer.*", "应为整数"),
    (r"Input should be greater than or equal to (?P<a>.*)", "不能小于 {a}"),
    (r"Input should be less than or equal to (?P<a>.*)", "不能大于 {a}"),
    (r"(?:Value error, )?'(?P<a>.*?)' is not one of (?P<b>.*?)\.?", "没有“{a}”；可用：{b}"),
)


def run(app: typer.Typer) -> int:
    """Run a command line; return its exit code, 130 after Ctrl-C."""
    _translate_help(app)
    try:
        code = app(standalone_mode=False)
    except NoArgsIsHelpError as shown:
        sys.stderr.write(shown.message + "\n")
        return WRONG_USAGE
    except ClickException as error:
        _explain(error)
        return WRONG_USAGE if isinstance(error, UsageError) else error.exit_code
    except typer.Abort:
        return 130
    except BrokenPipeError:
        return _reader_left()
    return _flushed(code if isinstance(code, int) else 0)


def _flushed(code: int) -> int:
    """Write out what is buffered, so that a reader who left is noticed here."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    return code


def _reader_left() -> int:
    """End quietly, as `… | head` expects: nobody reads what would still be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _explain(error: ClickException) -> None:
    messages.print(f"错误：{_in_chinese(error)}", markup=False, style="red", soft_wrap=True)
    context = getattr(error, "ctx", None)
    if context is not None:
        hint = f"用法见 {context.command_path} --help"
        messages.print(hint, markup=False, soft_wrap=True)


def _in_chinese(error: ClickException) -> str:
    match error:
        case MissingParameter(param=param) if param is not None:
            what = "选项" if isinstance(param, TyperOption) else "参数"
            return f"缺少{what} {_named(param)}"
        case NoSuchOption():
            near = "、".join(error.possibilities or ())
            return f"没有选项 {error.option_name}" + (f"，是不是 {near}？" if near else "")
        case typer.BadParameter(param=param) if param is not None:
            return f"{_named(param)} 的值不对：{said(error.message)}"
        case _:
            return said(error.message)


def _named(param: Any) -> str:  # noqa: ANN401 - the library's parameters share no exported type
    if isinstance(param, TyperOption):
        return str(param.opts[0])
    return str(param.name).upper()


def said(text: str) -> str:
    """Return what the library said, in Chinese where the saying is known."""
    for saying, chinese in SAYINGS:
        if found := re.fullmatch(saying, text.strip(), re.DOTALL):
            parts = found.groupdict("")
            if near := parts.get("near"):
                parts["near"] = f"，是不是 {near}？"
            return chinese.format(**parts)
    return text


def _translate_panels() -> None:
    """Name the panels of every help page in both languages."""
    from typer import rich_utils  # noqa: PLC0415 - costs time that only help pages are worth

    rich_utils.ARGUMENTS_PANEL_TITLE = "参数 Arguments"
    rich_utils.OPTIONS_PANEL_TITLE = "选项 Options"
    rich_utils.COMMANDS_PANEL_TITLE = "命令 Commands"
    rich_utils.DEFAULT_STRING = "[默认 default: {}]"
    rich_utils.REQUIRED_LONG_STRING = "[必填 required]"


def _translate_help(app: typer.Typer) -> None:
    """Let every command explain --help in both languages."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        group.cls = _Group
        if group.typer_instance is not None:
            _translate_help(group.typer_instance)


class _Command(TyperCommand):
    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - not exported
        _translate_panels()
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> TyperOption | None:  # noqa: ANN401 - not exported
        return _helped(super().get_help_option, ctx)


class _Group(TyperGroup):
    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - not exported
        _translate_panels()
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> TyperOption | None:  # noqa: ANN401 - not exported
        return _helped(super().get_help_option, ctx)


def _helped(option_of: Callable[[Any], TyperOption | None], ctx: object) -> TyperOption | None:
    option = option_of(ctx)
    if option is not None:
        option.help = "显示帮助 Show this help"
    return option
