"""`bihuan kinds simulate`: recorded cases under a draft, and what would be otherwise."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from app.commands.kind_files import Definition, text_of
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import document, progress, result, say
from domain.errors import Collision
from projections.export import Column, write_csv
from workflows.difference_words import WHAT, Words
from workflows.language import compile_kind
from workflows.simulating import Difference, Simulation, Tally

SHOWN: Final = 200
"""So many differences are shown; a file has them all."""
COLUMNS: Final = (
    Column("number", "事项编号"),
    Column("what", "哪一项不同"),
    Column("clock", "时限或操作"),
    Column("before", "现行"),
    Column("after", "按草案"),
)


def simulate_command(
    definition: Definition,
    *,
    district_code: DistrictOption,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="最多几件，最新的优先 So many, newest first")
    ] = 1000,
    out: Annotated[
        Path | None,
        typer.Option(help="全部差异 Every difference, .csv", dir_okay=False, show_default=False),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """用草案重演已有事项，看结果有何不同，不写入 Replay recorded cases under a draft."""
    with district(data, district_code) as services:
        draft = compile_kind(text_of(definition))
        reference = run(services.engine.refresh)
        if all(kind.name != draft.name for kind in reference.kinds.values()):
            raise Collision(detail=f"本区县没有事项类型“{draft.name}”，没有可以重演的事项")
        with progress("重演") as bar:
            found = Simulation(
                services.engine,
                draft,
                limit=limit,
                tell=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
            )
            differences = list(found)
        versions = [one for one in reference.kinds.values() if one.name == draft.name]
        words = Words((*versions, draft))
    if out is not None:
        write_csv(out, COLUMNS, (list(words.row(one)) for one in differences))
    if as_json:
        shown: list[Any] = msgspec.to_builtins(differences[:SHOWN])
        document({"tally": found.tally, "differences": shown})
        return
    _say(found.tally, differences, words)


def _say(tally: Tally, differences: list[Difference], words: Words) -> None:
    for one in differences[:SHOWN]:
        result("\t".join(words.row(one)))
    if len(differences) > SHOWN:
        say(f"只列出前 {SHOWN} 处；全部用 --out 差异.csv 查看。")
    say(
        f"重演 {tally.cases} 件：相同 {tally.same}，不同 {tally.different}"
        f"（其中有操作会被拒绝的 {tally.refused}），办理记录不足以重演的 {tally.unclear}。"
    )
    for what, number in tally.by.items():
        say(f"  {WHAT[what]}不同：{number} 处")
    for action, number in tally.actions.items():
        say(f"  操作“{words.action(action)}”会被拒绝：{number} 次")
