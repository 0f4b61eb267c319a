"""What is wrong with a kind, told to whoever wrote it: file, line, path, the line, the mend."""

import re
from difflib import get_close_matches
from typing import Any, Final

from msgspec import Struct

from domain.kind import Kind
from workflows.kind_source import Problem, read
from workflows.kind_tables import Table, tables
from workflows.language import BadKind, compile_kind, remarks

_UNKNOWN: Final = re.compile(r"(.*：|)没有“([^”]+)”；可用：(.+)", re.DOTALL)
LISTED: Final = 12
"""Of more names that would do, only the likely ones are shown."""


class Checked(Struct, frozen=True):
    """What a look at a kind's text found; without problems there is a kind."""

    text: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    kind: Kind | None = None

    @property
    def tables(self) -> list[Table]:
        """What was understood, as people read it."""
        return tables(self.kind) if self.kind else []


def check(text: str) -> Checked:
    """Look at a kind's text; nothing is raised, whatever the text is."""
    try:
        kind = compile_kind(text)
    except BadKind as bad:
        return Checked(text, bad.found)
    warnings = sorted(map(read(text).located, remarks(text)), key=lambda one: one.line)
    return Checked(text, (), tuple(warnings), kind)


def said(problem: Problem, file: str, text: str) -> list[str]:
    """Say a problem: `file:line path：what`, and the line that it is about."""
    where = f"{file}:{problem.line}" if problem.line else file
    path = f" {problem.path}：" if problem.path else " "
    lines = [f"{where}{path}{mended(problem.detail)}"]
    written = text.splitlines()
    if 0 < problem.line <= len(written):
        lines.append(f"{problem.line:>6} | {written[problem.line - 1].rstrip()}")
    return lines


def mended(detail: str) -> str:
    """Return what is wrong with its mend: of many names that would do, the likely ones."""
    found = _UNKNOWN.fullmatch(detail)
    if found is None:
        return detail if "；" in detail else f"{detail}。请照此改正"
    where, name, usable = found[1], found[2], found[3].split("、")
    near = _near(name, usable)
    meant = f"。是不是“{'”“'.join(near)}”？" if near else "。请改用其中之一"
    if len(usable) <= LISTED:
        return f"{detail}{meant}"
    shown = "、".join(near or usable[:LISTED])
    return f"{where}没有“{name}”；可用：{shown} 等 {len(usable)} 个{meant}"


def _near(name: str, usable: list[str]) -> list[str]:
    """Return the names that were perhaps meant; of `case.x` and `case.y` only x and y count."""
    root = f"{name.partition('.')[0]}." if "." in name else ""
    if not all(one.startswith(root) for one in usable):
        root = ""
    tails = [one.removeprefix(root) for one in usable]
    return [f"{root}{one}" for one in get_close_matches(name.removeprefix(root), tails, 3, 0.6)]


def plain(problem: Problem, text: str) -> dict[str, Any]:
    """Return a problem as JSON data."""
    written = text.splitlines()
    inside = 0 < problem.line <= len(written)
    return {
        "line": problem.line or None,
        "path": problem.path,
        "problem": mended(problem.detail),
        "text": written[problem.line - 1].rstrip() if inside else None,
    }
