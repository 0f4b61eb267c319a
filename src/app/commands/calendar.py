"""`bihuan calendar`: new versions of working calendars, previewed; units' own; what there is."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from app.commands.calendar_moves import previewed, recounted
from app.commands.shared import (
    DataOption,
    DistrictOption,
    JsonOption,
    district,
    explained,
    run,
)
from app.output import SOME_REJECTED, WRONG_USAGE, document, fail, result, say
from domain.almanac import Almanac, Regime
from domain.errors import UnknownCalendar
from workflows.calendar_office import Planned, assign, coverage, plan, publish, today_of
from workflows.calendars.notices import BadCalendarFile
from workflows.reference import Reference

calendar = typer.Typer(help="工作日历 Working calendars", no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(
        help="日历，或一年一份的放假安排 A calendar, or yearly notices; JSON, YAML",
        exists=True,
        dir_okay=False,
    ),
]
Name = Annotated[str, typer.Argument(help="日历 Calendar")]


@calendar.command("load")
def load(
    files: Files,
    *,
    district_code: DistrictOption,
    name: Annotated[str, typer.Option(help="日历名称 Calendar; 默认 cn-office 或文件所写")] = "",
    effective_from: Annotated[
        str,
        typer.Option(help="生效日期 First day, 2027-01-01; 默认从最早的变化起 the first change"),
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="只看哪些到期时间会变 Show what moves, write nothing")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 Do not ask")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="改动清单 Every move, .csv", dir_okay=False, show_default=False),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """载入日历或放假安排：发布新版，重新计时 Publish a version, count open clocks anew.

    退出码 Exit codes: 0 已完成 done; 1 未发布 not published; 2 用法或文件有误 wrong usage or file;
    3 部分事项未能重新计时 some cases could not be counted.
    """
    with explained():
        since = _day(effective_from)
        contents = [_read(path) for path in files]
    with district(data, district_code) as services:
        engine = services.engine
        known = run(engine.refresh)
        planned = plan(known, today_of(engine), contents, name=name, effective_from=since)
        shown = _described(planned)
        for remark in planned.remarks:
            say(f"注意：{remark}。")
        if planned.unchanged:
            say(f"日历 {planned.name} 已是这一版（{planned.calendar.version}），不需要发布。")
        elif preview or out or not yes:
            shown |= previewed(services, planned, out, quiet=as_json)
        if not preview:
            if not planned.unchanged:
                _confirm(planned, yes=yes)
                run(lambda: publish(engine, planned))
                say(f"已发布日历 {planned.name} {planned.calendar.version}。")
            shown |= msgspec.to_builtins(recounted(services, planned.name))
    _finish(shown, as_json=as_json)


@calendar.command("recount")
def recount_command(
    name: Name = "cn-office",
    *,
    district_code: DistrictOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """继续没有做完的重新计时 Go on counting open clocks by the newest version."""
    with district(data, district_code) as services:
        _known(run(services.engine.refresh), name)
        shown = msgspec.to_builtins(recounted(services, name))
    _finish(shown, as_json=as_json)


@calendar.command("list")
def list_calendars(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出工作日历和单独指定了日历的单元 List the calendars, and which units have their own."""
    with district(data, district_code) as services:
        reference = run(services.engine.refresh)
        covered = coverage(reference, today_of(services.engine))
    assigned = reference.directory.calendars
    rows: list[dict[str, Any]] = [
        {
            "name": one.calendar,
            "version": reference.calendars[one.calendar].version,
            "covered_to": one.until.isoformat(),
            "days": one.days,
            "missing": one.missing,
            "units": sorted(unit for unit, name in assigned.items() if name == one.calendar),
        }
        for one in covered
    ]
    if as_json:
        document(rows)
        return
    for row in rows:
        units = "、".join(row["units"])
        result(f"{row['name']}\t{row['version']}\t已公布至 {row['covered_to']}\t{units}")


@calendar.command("show")
def show(
    name: Name = "cn-office",
    *,
    district_code: DistrictOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """显示一个工作日历的各个版本 Show a calendar, version by version."""
    with district(data, district_code) as services:
        reference = run(services.engine.refresh)
        rows = [_regime(one) for one in _known(reference, name).regimes]
    if as_json:
        document({"name": name, "versions": rows, "document": reference.documents[name]})
        return
    for row in rows:
        began = f"自 {row['effective_from']} 起" if row["effective_from"] else "最初"
        covered = f"{row['covered_from']} 至 {row['covered_to']}"
        result(f"{row['version']}\t{began}\t{' '.join(row['hours'])}\t已公布 {covered}")


@calendar.command("assign")
def assign_command(
    unit: Annotated[str, typer.Argument(help="单元编码或名称 Unit")],
    name: Annotated[str, typer.Argument(help="日历 Calendar")] = "",
    *,
    district_code: DistrictOption,
    none: Annotated[
        bool, typer.Option("--none", help="不再单独指定，随上级或事项类型 As the unit above")
    ] = False,
    data: DataOption = None,
) -> None:
    """指定单元的工作日历，此后开始的时限按它计 Give a unit, and those below it, a calendar."""
    if none == bool(name):
        fail("请写日历名称，或用 --none 取消指定，二者选一", WRONG_USAGE)
    with district(data, district_code) as services:
        done = run(lambda: assign(services.engine, unit, name or None))
    words = f"按日历 {name} 计时" if name else "不单独指定日历"
    say(f"{unit}{'此后' if done else '本来就'}{words}；已在计时的时限不变。")


def _read(path: Path) -> dict[Any, object]:
    try:
        text = path.read_text("utf-8-sig")
        # As YAML, JSON indented with tabs would not be understood.
        if path.suffix.lower() == ".json":
            content: object = json.loads(text)
        else:
            content = cast("Any", YAML(typ="safe", pure=True)).load(text)
    except json.JSONDecodeError as error:
        raise BadCalendarFile(detail=f"{path.name} 第 {error.lineno} 行不是有效的 JSON") from None
    except UnicodeDecodeError:
        raise BadCalendarFile(detail=f"{path.name} 不是 UTF-8 文本，请另存为 UTF-8") from None
    except YAMLError as error:
        raise BadCalendarFile(detail=f"{path.name}{_place(error)}不是有效的 YAML") from None
    if not isinstance(content, dict):
        raise BadCalendarFile(detail=f"{path.name} 的最外层应为对象")
    return cast("dict[Any, object]", content)


def _place(error: YAMLError) -> str:
    mark: Any = getattr(error, "problem_mark", None)
    return f" 第 {mark.line + 1} 行" if mark else " "


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(f"日期“{text}”应写作 2027-01-01", WRONG_USAGE)


def _described(planned: Planned) -> dict[str, Any]:
    since = planned.effective_from
    return {
        "name": planned.name,
        "version": planned.calendar.version,
        "previous_version": planned.base,
        "effective_from": since.isoformat() if since else None,
        "covered_to": planned.calendar.covered_to.isoformat(),
        "unchanged": planned.unchanged,
        "remarks": list(planned.remarks),
    }


def _confirm(planned: Planned, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        fail("请先用 --preview 查看，再加 --yes 发布", WRONG_USAGE)
    if not typer.confirm(f"发布日历 {planned.name} 的新版并重新计时？", err=True):
        fail("没有发布")


def _finish(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        document(shown)
    if shown.get("failures"):
        raise typer.Exit(SOME_REJECTED)


def _known(reference: Reference, name: str) -> Almanac:
    if name not in reference.calendars:
        raise UnknownCalendar(calendar=name, known="、".join(reference.calendars) or "无")
    return reference.calendars[name]


def _regime(regime: Regime) -> dict[str, Any]:
    one = regime.calendar
    return {
        "version": one.version,
        "effective_from": regime.since.isoformat() if regime.since else None,
        "covered_from": one.covered_from.isoformat(),
        "covered_to": one.covered_to.isoformat(),
        "hours": ["-".join(map(_clock, span)) for span in one.hours],
    }


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second % 3600 // 60:02}"
