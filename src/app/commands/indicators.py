"""`bihuan indicators`: the indicators of a district, their numbers, and their formulas."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from api.defining import indicator_source
from app.commands.kind_files import Definition, text_of
from app.commands.shared import (
    AsOf,
    DataOption,
    DistrictOption,
    JsonOption,
    KnownAt,
    district,
    explained,
    follow,
    moment,
    run,
    with_indicators,
)
from app.output import FAILED, WRONG_USAGE, document, fail, result, say
from app.wiring import real_clock
from domain.definitions import INDICATOR
from domain.directory import LEVELS
from projections.export import write_csv
from projections.indicators import office, sheet
from projections.indicators.answers import GROUPS, Answer, Line, Question, answer
from projections.indicators.formula import UNITS, BadFormula, Formula, read_formula
from projections.indicators.periods import Period, read_period
from projections.workbook import write_xlsx
from workflows.definitions import activate_definition, publish_definition, retire_definition
from workflows.kind_report import plain, said

indicators = typer.Typer(help="考核指标 Indicators", no_args_is_help=True)
NONE: Final = "—"

Name = Annotated[str, typer.Argument(help="指标名称 Name, 如 on-time-rate")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="版本 Version, 如 1.0.0")]


@indicators.command("check")
def check(definition: Definition, *, as_json: JsonOption = False, data: DataOption = None) -> None:
    """检查指标定义，不写入 Check a formula, write nothing; needs no database.

    退出码 Exit codes: 0 可以发布 may be published; 1 有错误 there are problems;
    2 不是 UTF-8 文本 no UTF-8 text.
    """
    del data
    text = text_of(definition)
    try:
        formula = read_formula(text)
    except BadFormula as bad:
        if as_json:
            document({"valid": False, "problems": [plain(one, text) for one in bad.found]})
        else:
            for problem in bad.found:
                for line in said(problem, definition.name, text):
                    say(line)
            say(f"错误：共 {len(bad.found)} 处，改正之后才能发布（{bad.code}）。")
        raise typer.Exit(FAILED) from None
    if as_json:
        told = {"name": formula.name, "version": formula.version, "hash": formula.hash}
        document({"valid": True, **told, "problems": []})
        return
    result(f"可用：{formula.title} {formula.label}，单位{UNITS[formula.unit]}")
    result(formula.hash)


@indicators.command("list")
def list_command(
    *, district_code: DistrictOption, as_json: JsonOption = False, data: DataOption = None
) -> None:
    """列出启用的指标 List the indicators in use."""
    with district(data, district_code) as services:
        kept = office.in_use(with_indicators(services).definitions)
    formulas = [one.formula for one in kept]
    if as_json:
        document([_described(one) for one in formulas])
        return
    for one in formulas:
        result("\t".join((one.label, one.title, UNITS[one.unit], one.meaning)))


def _described(formula: Formula) -> dict[str, Any]:
    return {
        "name": formula.name,
        "version": formula.version,
        "title": formula.title,
        "unit": formula.unit,
        "meaning": formula.meaning,
        "hash": formula.hash,
    }


@indicators.command("show")
def show(  # noqa: PLR0913 - one argument an option
    name: Name,
    *,
    district_code: DistrictOption,
    period: Annotated[str, typer.Option(help="2026-10 或 2026；默认本期 The period")] = "",
    by: Annotated[str, typer.Option(help=f"分组 Group: {', '.join(GROUPS)}")] = "",
    levels: Annotated[str, typer.Option(help=f"比较的层级 Levels: {', '.join(LEVELS)}")] = "",
    unit: Annotated[str, typer.Option(help="只看这个单元及其下级 Only this unit's")] = "",
    compare: Annotated[bool, typer.Option(help="附环比、同比 With other periods")] = False,
    formula: Annotated[str, typer.Option(help="公式版本 Version of the formula")] = "",
    as_of: AsOf = "",
    known_at: KnownAt = "",
    out: Annotated[
        Path | None, typer.Option(help="写入 .xlsx 或 .csv", dir_okay=False, show_default=False)
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """计算一个指标 Show an indicator's number, by group if asked."""
    if by and by not in GROUPS:
        fail(f"没有分组“{by}”。可用：{'、'.join(GROUPS)}", WRONG_USAGE)
    if out is not None and out.suffix not in {".xlsx", ".csv"}:
        fail(f"不认识的输出格式“{out.suffix}”。请用 .xlsx 或 .csv", WRONG_USAGE)
    chosen = tuple(levels.split(",")) if levels else ()
    if unknown := [one for one in chosen if one not in LEVELS]:
        fail(f"没有层级“{'、'.join(unknown)}”。可用：{'、'.join(LEVELS)}", WRONG_USAGE)
    with explained():
        moments = {"as_of": moment(as_of), "known_at": moment(known_at)}
    with district(data, district_code) as services:
        reference = with_indicators(services)
        wanted = office.chosen(reference.definitions, name, formula or None).formula
        follow(services)
        now = reference.now(real_clock())
        question = Question(
            scope=None,
            period=_period(wanted, period),
            by=by or None,  # pyright: ignore[reportArgumentType] - checked above
            levels=chosen,
            unit=reference.directory.find(unit).id if unit else None,
            compare=compare,
            now=now,
            **moments,
        )
        with services.database.connection() as connection:
            found = answer(connection, wanted, question, reference.directory)
        if out is not None:
            asked = {"by": by, "levels": levels, "unit": unit, "as_of": as_of, "known_at": known_at}
            notes = sheet.notes(
                wanted,
                found,
                district=services.id,
                asked={one: text for one, text in asked.items() if text},
                now=now,
            )
            _write(out, wanted, found, notes)
            return
    if as_json:
        document(msgspec.to_builtins(found))
    else:
        _say(wanted, found)


def _period(formula: Formula, text: str) -> Period | None:
    return read_period(formula.start, text) if text else None


def _say(formula: Formula, found: Answer) -> None:
    unit = UNITS[formula.unit]
    span = f"{found.period.since} 起，{found.period.until} 前"
    say(f"{formula.title}（{formula.label}）{found.period.label}（{span}），位点 {found.position}")
    for line in (*found.lines, found.total):
        result("\t".join((line.name, *_cells(line, unit))))


def _cells(line: Line, unit: str) -> list[str]:
    number = line.number
    made = (
        "，".join(f"{name} {count}" for name, count in number.terms.items())
        if number.terms is not None
        else number.numerator
        if number.denominator is None
        else f"{number.numerator}/{number.denominator}"
    )
    cells = [f"{number.value} {unit}" if number.value is not None else NONE, made]
    for title, change in (("环比", line.previous), ("同比", line.last_year)):
        if change is not None:
            then, moved = change.number.value or NONE, change.change or NONE
            cells.append(f"{title} {change.period}：{then}，增减 {moved}")
    return cells


def _write(out: Path, formula: Formula, found: Answer, notes: dict[str, str]) -> None:
    columns = sheet.columns(formula, found)
    rows = sheet.rows(formula, found, numeric=out.suffix != ".csv")
    if out.suffix == ".csv":
        write_csv(out, columns, rows)
    else:
        write_xlsx(out, formula.title, columns, rows, notes)
    say(f"已写入 {out}（{formula.label}，位点 {found.position}）。")


@indicators.command("publish")
def publish(
    definition: Definition,
    *,
    district_code: DistrictOption,
    activate: Annotated[bool, typer.Option(help="发布后即启用 Activate it too")] = False,
    data: DataOption = None,
) -> None:
    """发布指标的新版本 Publish a version; older ones can still be asked for."""
    text = text_of(definition)
    with district(data, district_code) as services:
        source = indicator_source(text)
        with_indicators(services)

        async def work() -> None:
            await publish_definition(services.engine, source)
            if activate:
                await services.engine.refresh()
                await activate_definition(services.engine, INDICATOR, source.name, source.hash)

        run(work)
    say(f"已发布{'并启用' if activate else ''} {source.name}@{source.version}。")
    result(source.hash)


@indicators.command("activate")
def activate_command(
    name: Name, version: VersionArgument, *, district_code: DistrictOption, data: DataOption = None
) -> None:
    """启用已发布的版本 Let a published version count from now on."""
    with district(data, district_code) as services:
        found = office.chosen(with_indicators(services).definitions, name, version)
        digest = found.formula.hash
        done = run(lambda: activate_definition(services.engine, INDICATOR, name, digest))
    say(f"{name}@{version} {'已启用' if done else '本来就在启用'}；旧版仍可用 --formula 查询。")
    result(digest)


@indicators.command("retire")
def retire_command(name: Name, *, district_code: DistrictOption, data: DataOption = None) -> None:
    """停用指标 Take an indicator out of use; its versions can still be asked for."""
    with district(data, district_code) as services:
        with_indicators(services)
        done = run(lambda: retire_definition(services.engine, INDICATOR, name))
    say(f"{name} {'已停用' if done else '此前已停用'}；再次启用用 activate。")
