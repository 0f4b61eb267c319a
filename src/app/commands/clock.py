"""`bihuan clock due`: when a limit falls due, for one question or a file of them; no database."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Never, cast

import typer

from domain.due import (
    SHANGHAI,
    BareDuration,
    Budget,
    Cutoff,
    Due,
    NoOpening,
    Pause,
    due,
    opening,
    parse_budget,
)
from domain.errors import DuplicateMember, MalformedJson, NaiveTime, Refusal, UnknownField
from workflows.calendars import load_shipped

if TYPE_CHECKING:
    from app.commands.due_explained import DueExplained

clock = typer.Typer(name="clock", help="时限与时钟 Deadlines and clocks", no_args_is_help=True)

FAILED, WRONG_USAGE, SOME_REJECTED = 1, 2, 3
_MEMBERS = frozenset({"start", "budget", "calendar", "cutoff", "pauses", "extensions", "roll"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@clock.callback()
def _group() -> None:
    """Keep `due` a sub-command even while it is the only one."""


@clock.command("set")
def set_command(
    now: Annotated[str, typer.Argument(help="新的现在 The new now, RFC 3339")],
    *,
    district_code: Annotated[str, typer.Option("--district", help="区县代码 District code")],
    data: Annotated[Path | None, typer.Option("--data", help="数据目录 Data folder")] = None,
) -> None:
    """设置试运行区县的时钟，只能向前 Set a trial district's clock, forwards only."""
    # Imported here: `clock due` needs no database and starts in half a second.
    from app.commands.clock_set import set_clock  # noqa: PLC0415

    set_clock(now, district_code, data)


@clock.command("explain")
def explain_command(
    case: Annotated[str, typer.Argument(help="编号、标识或 系统/来源编号 Number, id or system/id")],
    name: Annotated[
        str, typer.Argument(metavar="CLOCK", help="时限 handling, handling.1.2, assistance@task:2")
    ],
    *,
    district_code: Annotated[str, typer.Option("--district", help="区县代码 District code")],
    as_of: Annotated[str, typer.Option("--as-of", help="按发生时间截至 As of, RFC 3339")] = "",
    known_at: Annotated[str, typer.Option("--known-at", help="按记录时间截至 Known at")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="数据目录 Data folder")] = None,
) -> None:
    """逐段说明一件事项的时限怎样算出 Explain how a clock of a case was counted."""
    # Imported here: as for `clock set`.
    from app.commands.clock_explain import explain_clock  # noqa: PLC0415

    explain_clock(
        case, name, district_code, as_of=as_of, known_at=known_at, as_json=as_json, data=data
    )


@clock.command("due")
def due_command(  # noqa: PLR0913 - one parameter an option
    *,
    start: Annotated[
        str, typer.Option(help="起算时间 Start, RFC 3339: 2026-09-30T17:00:00+08:00")
    ] = "",
    budget: Annotated[
        str, typer.Option(help="时限 Budget: 4wh 15wd 24nh 10nd 3month, 分钟 minutes 181wm 181nm")
    ] = "",
    calendar: Annotated[str, typer.Option(help="工作日历 Calendar")] = "cn-office",
    cutoff: Annotated[
        Cutoff, typer.Option(help="末日截止 Last second of the last day: 下班 or 23:59:59")
    ] = Cutoff.close_of_business,
    pause: Annotated[
        list[str] | None, typer.Option(help="暂停 Pause A/B; 可重复 repeatable")
    ] = None,
    extend: Annotated[
        list[str] | None, typer.Option(help="延期 Extension, same unit; 可重复 repeatable")
    ] = None,
    roll: Annotated[
        bool, typer.Option("--roll", help="下班后起算的，顺延至上班 Off-hours starts roll")
    ] = False,
    batch: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(help="每行一个 JSON 问题 One JSON question a line"),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="逐日列出 Show day by day")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="不需要数据库，忽略 Ignored: needs no database")
    ] = None,
) -> None:
    """算出到期时间 Say when a limit falls due.

    退出码 Exit codes: 0 已算出 done; 1 算不出 failed; 2 用法有误 wrong usage; 3 部分行有误 some
    lines rejected.
    """
    del data
    if batch is not None:
        raise typer.Exit(_answer_lines(batch))
    if not (start and budget):
        raise typer.BadParameter("请给出 --start 和 --budget，或 --batch (both, or a batch)")
    pauses: list[object] = [text.split("/") for text in pause or ()]
    asked = {"start": start, "budget": budget, "calendar": calendar, "cutoff": cutoff.value}
    try:
        lists = {"pauses": pauses, "extensions": extend or [], "roll": roll}
        question = _Question.read({**asked, **lists})
        _answer_one(question, explain=explain, as_json=as_json)
    except Refusal as refusal:
        _refuse(refusal, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a due date depends on, read from options or from a line of JSON."""

    start: datetime
    """From when it counts: rolled to the next opening where that was asked for."""
    budget: Budget
    calendar: str
    cutoff: Cutoff
    pauses: tuple[Pause, ...]
    extensions: tuple[Budget, ...]

    @classmethod
    def read(cls, asked: Mapping[str, object]) -> "_Question":
        if unknown := sorted(asked.keys() - _MEMBERS):
            raise UnknownField(
                field=unknown[0], detail=f"可用的字段：{'、'.join(sorted(_MEMBERS))}"
            )
        if missing := sorted({"start", "budget"} - asked.keys()):
            raise UnknownField(field=missing[0], detail="缺少这个字段，请补上")
        start, calendar = _read_moment(asked["start"]), str(asked.get("calendar", "cn-office"))
        return cls(
            opening(start, load_shipped(calendar)) if _read_roll(asked) else start,
            _read_budget(asked["budget"]),
            calendar,
            _read_cutoff(asked.get("cutoff", Cutoff.close_of_business.value)),
            tuple(_read_pause(pause) for pause in _read_list(asked, "pauses")),
            tuple(_read_budget(extension) for extension in _read_list(asked, "extensions")),
        )

    def answer(self) -> Due:
        return due(
            self.start,
            self.budget,
            load_shipped(self.calendar),
            self.cutoff,
            pauses=self.pauses,
            extensions=self.extensions,
        )

    def explained(self) -> "DueExplained":
        # Imported here: most who ask for a due date do not ask why.
        from app.commands.due_explained import DueExplained  # noqa: PLC0415

        return DueExplained(
            self.start,
            self.budget,
            load_shipped(self.calendar),
            self.cutoff,
            pauses=self.pauses,
            extensions=self.extensions,
        )


def _answer_one(question: _Question, *, explain: bool, as_json: bool) -> None:
    answer = question.answer()
    if as_json:
        rows = {"rows": question.explained().document()} if explain else {}
        version = {"calendar_version": answer.calendar_version}
        return _print({**_as_json(answer), **version, **rows})
    if explain:
        for line in question.explained().lines():
            typer.echo(line)
    typer.echo(_local(answer))
    if answer.provisional:
        typer.echo("暂定：含尚未公布放假安排的日子 (provisional)", err=True)
    return None


def _answer_lines(lines: Iterable[bytes]) -> int:
    """Answer each line with one line, in order and at once; return the exit code."""
    code = 0
    for line in lines:
        try:
            answer = _as_json(_Question.read(_parse(line)).answer())
        except Refusal as refusal:
            answer, code = _as_error(refusal), SOME_REJECTED
        _print(answer)
        sys.stdout.flush()  # who asks line by line waits for each answer
    return code


def _parse(line: bytes) -> Mapping[str, object]:
    try:
        asked: object = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise MalformedJson(detail=error) from None
    if not isinstance(asked, dict):
        raise MalformedJson(detail="每行应是一个对象")
    return cast("dict[str, object]", asked)


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for member, value in members:
        if member in found:
            raise DuplicateMember(member=member)
        found[member] = value
    return found


def _no_constant(constant: str) -> Never:
    raise MalformedJson(detail=f"{constant} 不是 JSON")


def _read_moment(text: object) -> datetime:
    """Read RFC 3339 with an offset; second 60, naive and numeric times are refused."""
    if isinstance(text, str) and _MOMENT.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper())
        except ValueError:
            pass
    raise NaiveTime(value=text)


def _read_budget(text: object) -> Budget:
    if not isinstance(text, str):
        raise BareDuration(text=text)
    return parse_budget(text)


def _read_cutoff(text: object) -> Cutoff:
    if text not in list(Cutoff):
        raise UnknownField(field="cutoff", detail=f"可用的值：{'、'.join(Cutoff)}")
    return Cutoff(str(text))


def _read_roll(asked: Mapping[str, object]) -> bool:
    roll = asked.get("roll", False)
    if not isinstance(roll, bool):
        raise UnknownField(field="roll", detail="应是 true 或 false")
    return roll


def _read_pause(ends: object) -> Pause:
    pair = cast("list[object]", ends) if isinstance(ends, list) else []
    if len(pair) != 2:  # noqa: PLR2004 # from and until
        raise UnknownField(field="pauses", detail="每次暂停须写明起止两个时间")
    return _read_moment(pair[0]), _read_moment(pair[1])


def _read_list(asked: Mapping[str, object], member: str) -> list[object]:
    items = asked.get(member, [])
    if not isinstance(items, list):
        raise UnknownField(field=member, detail="应是一个列表")
    return cast("list[object]", items)


def _local(answer: Due) -> str:
    return answer.at.astimezone(SHANGHAI).isoformat()


def _as_json(answer: Due) -> dict[str, object]:
    marked = {"provisional": True} if answer.provisional else {}
    return {"due": _local(answer), **marked}


def _as_error(refusal: Refusal) -> dict[str, object]:
    return {"error": refusal.code, "detail": str(refusal)}


def _refuse(refusal: Refusal, *, as_json: bool) -> Never:
    if as_json:
        _print(_as_error(refusal))
    else:
        typer.echo(f"{refusal.code}: {refusal}", err=True)
    raise typer.Exit(FAILED if isinstance(refusal, NoOpening) else WRONG_USAGE)


def _print(document: Mapping[str, object]) -> None:
    """Print one line of JSON; what a bad input has of lone surrogates becomes question marks."""
    text = json.dumps(document, ensure_ascii=False, default=str)
    sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")
