"""`bihuan directory`: the directory as it stands, out as a workbook; re-division on a date."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import SOME_REJECTED, WRONG_USAGE, document, fail, progress, result, say
from app.register.division import read_division
from app.register.workbook import write_workbook
from domain import facts as f
from domain.directory import Directory
from workflows.calendar_office import today_of
from workflows.directory_office import book_of, names_of
from workflows.divisions import (
    Passage,
    Redivided,
    carry_out,
    decree,
    planned,
    preview,
)
from workflows.unallotted import to_be_allotted

directory = typer.Typer(help="组织目录 Directory of units", no_args_is_help=True)


@directory.command("show")
def show(
    unit: Annotated[
        str, typer.Argument(help="单元编码或名称，默认列出缺位 Unit; default: the vacant posts")
    ] = "",
    *,
    district_code: DistrictOption,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """显示单元的岗位、任职和关系；不写单元时列出缺位 Show a unit, or every vacant post."""
    with district(data, district_code) as services:
        known = run(services.engine.refresh).directory
        today = today_of(services.engine)
    posts = [one for one in known.posts.values() if unit and one.unit == known.find(unit).id]
    rows = [
        _post(known, one.id, today) for one in (posts or () if unit else known.vacancies(today))
    ]
    related = [
        {"sort": one.sort, "unit": one.unit, "other": one.other, "since": one.since.isoformat()}
        for one in known.relations.on(today)
        if unit and known.find(unit).id in {one.unit, one.other}
    ]
    if as_json:
        document({"posts": rows, "relations": related})
        return
    for row in rows:
        holder = (
            row["holder"] or f"缺位（代理 {row['deputy']}）" if row["deputy"] else row["holder"]
        )
        result(f"{row['post']}\t{row['unit']}\t{row['title']}\t{holder or '缺位'}")
    for one in related:
        result(f"{one['sort']}\t{one['unit']}\t{one['other']}\t自 {one['since']}")


def _post(known: Directory, post_id: str, today: date) -> dict[str, Any]:
    post = known.posts[post_id]
    return {
        "post": post.id,
        "unit": known.units[post.unit].name,
        "title": post.title,
        "role": post.role,
        "holder": post.holder_on(today),
        "deputy": known.relations.deputy_on(post.id, today),
    }


@directory.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="写到 Workbook to write, .xlsx", dir_okay=False)],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
) -> None:
    """导出组织目录工作簿，含姓名；改后可再导入 Write the directory as a workbook, with names."""
    with district(data, district_code) as services:
        engine = services.engine
        reference, today = run(engine.refresh), today_of(engine)
        book = book_of(reference, names_of(engine), today)
        notes = {"区县": district_code, "日期": today.isoformat(), "位点": str(reference.position)}
        write_workbook(out, book, notes)
    say(f"已写出 {out}：单元 {len(book.units)}，岗位 {len(book.posts)}；内有姓名，请妥善保管。")


@directory.command("redivide")
def redivide(
    source: Annotated[
        Path, typer.Argument(help="调整方案 .yaml / .xlsx The plan", exists=True, dir_okay=False)
    ],
    *,
    district_code: DistrictOption,
    on: Annotated[str, typer.Option("--on", help="生效日期 From this day, 2027-01-01")],
    preview_only: Annotated[
        bool, typer.Option("--preview", help="只看影响（默认） Only show what it does")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="执行 Carry it out")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """区划调整：分设、合并、改隶；在办事项随之划归 Split, merge or move units from a day on.

    时限不受影响；分不清归谁的列入“待划归” Clocks do not notice; doubtful cases are listed.
    退出码 Exit codes: 0 完成 done; 2 方案有误 the plan is wrong; 3 部分事项未能划归 some failed.
    """
    if preview_only and apply:
        fail("--preview 和 --apply 二者选一", WRONG_USAGE)
    day = _day(on)
    with district(data, district_code) as services:
        known = run(services.engine.refresh)
        wanted = read_division(source, day, known.directory)
        planned(wanted, known)
        if apply:
            _apply(services, wanted, as_json=as_json)
        else:
            _show(services, wanted, as_json=as_json)


def _apply(services: DistrictServices, wanted: f.DivisionDecreed, *, as_json: bool) -> None:
    engine = services.engine
    if not run(lambda: decree(engine, wanted)):
        say(f"已登记区划调整 {wanted.division}；{wanted.on} 起由服务进程自行划归，也可再运行一次。")
        if as_json:
            document(msgspec.to_builtins(Redivided()))
        return
    with progress("划归 re-allotting") as bar:
        task = bar.task_ids[0]
        done = run(lambda: carry_out(engine, wanted.division, lambda n: bar.advance(task, n)))
    if as_json:
        document(msgspec.to_builtins(done))
    else:
        result(f"查看 {done.examined} 件  划归 {done.changed} 件  待划归 {done.to_allot} 件")
        for failure in done.failures:
            result(f"{failure.case}\t{failure.problem}")
    if done.failures:
        raise typer.Exit(SOME_REJECTED)


def _show(services: DistrictServices, wanted: f.DivisionDecreed, *, as_json: bool) -> None:
    passages: list[Passage] = list(preview(services.engine, wanted))
    if as_json:
        document({"division": wanted.division, "cases": [msgspec.to_builtins(p) for p in passages]})
        return
    for one in passages:
        mark = "\t待划归" if one.to_allot else ""
        result(f"{one.number}\t{one.before} → {one.after}{mark}")
    waiting = sum(one.to_allot for one in passages)
    say(f"涉及在办事项 {len(passages)} 件，其中待划归 {waiting} 件；只是预览，没有写入。")


@directory.command("unallotted")
def unallotted(
    *, district_code: DistrictOption, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """列出区划调整后待划归的事项 List cases without a place."""
    with district(data, district_code) as services:
        run(services.engine.refresh)
        cases = to_be_allotted(services.engine)
        units = services.engine.reference.directory.units
    rows = [
        {"case": one.id, "number": one.number, "holder": one.holder.id if one.holder else None}
        for one in cases
    ]
    if as_json:
        document(rows)
        return
    for row in rows:
        holder = units.get(row["holder"] or "")
        result(f"{row['number']}\t{holder.name if holder else '—'}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"日期“{text}”应写作 2027-01-01", WRONG_USAGE)
