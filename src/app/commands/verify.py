"""`bihuan verify`: the whole log recomputed, every hash and chain, every position counted."""

from typing import Annotated

import typer

from app.commands.shared import DataOption, DistrictOption, JsonOption, district
from app.commands.verify_clocks import verify_clocks
from app.output import FAILED, document, progress, result
from eventlog.verify import verify as verify_log
from eventlog.verify_attachments import verify_attachments


def verify(
    *,
    district_code: DistrictOption,
    clocks: Annotated[
        bool, typer.Option("--clocks", help="改为重算全部时限 Count every clock again instead")
    ] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """核验日志和附件：重算全部摘要与链，清点位点 Recompute every hash, count positions."""
    if clocks:
        with district(data, district_code) as services:
            verify_clocks(services, as_json=as_json)
        return
    with district(data, district_code) as services, progress("核验 verifying") as bar:
        task = bar.task_ids[0]
        verdict = verify_log(
            services.database,
            progress=lambda done, head: bar.update(task, completed=done, total=head),
        )
        files, faults = verify_attachments(services.engine.uploads.store)
    problems = [*verdict.problems, *faults]
    if as_json:
        document(
            {
                "positions": verdict.positions,
                "head": verdict.head,
                "chain": verdict.chain,
                "attachments": files,
                "problems": [{"position": one.position, "what": one.what} for one in problems],
            }
        )
    else:
        result(f"位点 {verdict.positions}/{verdict.head}  链 {verdict.chain}")
        if files:
            result(f"附件 {files} 个")
        for one in problems:
            result(f"位点 {one.position}\t{one.what}")
        result("完好：未发现改动。" if not problems else f"发现 {len(problems)} 处问题。")
    if problems:
        raise typer.Exit(FAILED)
