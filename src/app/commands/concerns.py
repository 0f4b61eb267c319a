"""`bihuan concerns`: the rule of concerns checked, and tried on a file of messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from app.commands.shared import JsonOption, explained
from app.output import document, fail, result, say
from app.register.cells import text_of
from app.register.dates import DateError, parse_moment
from app.register.tables import Row, Table, read_table
from domain.wall import SHANGHAI
from projections.concerns.rule import BadConcernRule, Rule, read_rule, shipped_rule
from projections.concerns.trial import Message, Trial, tried

concerns = typer.Typer(help="民情 What keeps coming back", no_args_is_help=True)

RuleFile = Annotated[
    Path | None,
    typer.Option("--rule", help="规则文件 Rule; 默认随程序的规则", exists=True, dir_okay=False),
]
MEMBERS: Final = {
    "number": ("留言编号", "编号"),
    "title": ("留言主题", "标题", "主题"),
    "at": ("留言时间", "上报时间"),
    "answered_at": ("答复时间", "办结时间"),
    "category": ("一级分类", "一级标签", "类别"),
    "place": ("地点", "社区", "发生地"),
}
"""By what headers the columns of a register are known; the first three must be there."""
NEEDED: Final = ("number", "title", "at")
TOLD: Final = {
    "messages": "读入",
    "groups": "说同一件事的组",
    "grouped": "组内件数",
    "largest": "最大一组",
    "recurring": "其中达到重复出现的组",
    "pairs": "相似的对（有类别的）",
    "right": "其中类别相同",
    "expected": "随机配对时类别相同",
    "group_pairs": "组内所有的对",
    "group_right": "其中类别相同（组内）",
    "cells": "同一类别同一地点重复出现",
    "unsolved": "超过久拖天数才答复或没有答复",
}


@concerns.command("check")
def check(
    rule: Annotated[Path, typer.Argument(help="规则文件 Rule", exists=True, dir_okay=False)],
) -> None:
    """检查民情规则，不写入 Check a rule, write nothing."""
    result(f"可用：{_rule(rule).label}")


@concerns.command("try")
def try_command(
    file: Annotated[Path, typer.Argument(help="csv 或 xlsx", exists=True, dir_okay=False)],
    *,
    rule: RuleFile = None,
    as_json: JsonOption = False,
) -> None:
    """在一份留言上试规则；不写入，不显示留言内容 Try the rule on messages; shows no text."""
    wanted = _rule(rule)
    with explained():
        trial = tried(wanted, _messages(read_table(file)))
    if as_json:
        told = msgspec.to_builtins(trial)
        document({name: value for name, value in told.items() if name != "found"})
        return
    _tell(trial)


def _tell(trial: Trial) -> None:
    say(f"规则 {trial.rule}")
    for name, title in TOLD.items():
        result(f"{title}\t{getattr(trial, name)}")


def _rule(path: Path | None) -> Rule:
    if path is None:
        return shipped_rule()
    try:
        return read_rule(path.read_text("utf-8-sig"))
    except BadConcernRule as bad:
        fail(str(bad))


def _messages(table: Table) -> list[Message]:
    places = _places(table.headers)
    return [_message(row, places) for row in table.rows()]


def _places(headers: Sequence[str]) -> dict[str, int]:
    found = {
        member: headers.index(name)
        for member, names in MEMBERS.items()
        for name in names[::-1]
        if name in headers
    }
    missing = [MEMBERS[name] for name in NEEDED if name not in found]
    if missing:
        told = "；".join("或".join(names) for names in missing)
        fail(f"表头缺少：{told}")
    return found


def _message(row: Row, places: dict[str, int]) -> Message:
    texts = {
        name: text_of(row.cells[place]) if place < len(row.cells) else ""
        for name, place in places.items()
    }
    try:
        moments = {
            name: parse_moment(row.cells[places[name]], SHANGHAI)
            for name in ("at", "answered_at")
            if name in places
        }
    except DateError as error:
        fail(f"第 {row.number} 行：{error}")
    at, answered = moments["at"], moments.get("answered_at")
    if at is None:
        fail(f"第 {row.number} 行没有留言时间")
    return Message(
        number=texts["number"],
        title=texts["title"],
        at=at.earliest,
        answered_at=answered.earliest if answered else None,
        category=texts.get("category") or None,
        place=texts.get("place") or None,
    )
