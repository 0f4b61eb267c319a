"""What `bihuan calendar` shows of the clocks that a new version moves, before and after."""

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from api.services import DistrictServices
from app.commands.shared import run
from app.output import progress, result, say
from app.wiring import carry_ledgers
from domain.due import SHANGHAI
from projections.export import Column, Value, write_csv
from workflows.calendar_office import Planned
from workflows.open_clocks import followed
from workflows.recounts import Counts, Failure, Move, Preview, Recounted, Tell, recount

SHOWN: Final = 200
"""So many moves are shown; a file has them all."""
COLUMNS: Final = (
    Column("number", "事项编号"),
    Column("clock", "时限"),
    Column("scope", "范围"),
    Column("before", "原到期", "datetime"),
    Column("after", "新到期", "datetime"),
    Column("provisional_before", "原为暂定", "any"),
    Column("provisional_after", "仍为暂定", "any"),
    Column("compressed", "压缩", "any"),
)


def previewed(
    services: DistrictServices, planned: Planned, out: Path | None, *, quiet: bool
) -> dict[str, Any]:
    """Show what would move, and write all of it to a file if asked to."""
    followed(services.database, lambda: carry_ledgers(services))
    first: list[Move] = []
    with _told("预览") as tell:
        found = Preview(services.engine, planned, tell)
        rows = _rows(found, first)
        if out is None:
            deque(rows, maxlen=0)
        else:
            write_csv(out, COLUMNS, rows)
    if not quiet:
        _say(planned, found.counts, first)
    say_failures(found.failures)
    return {"counts": found.counts, "moves": list(map(_shown, first)), "failures": found.failures}


def _rows(found: Preview, first: list[Move]) -> Iterator[list[Value]]:
    for move in found:
        if len(first) < SHOWN:
            first.append(move)
        yield [getattr(move, column.name) for column in COLUMNS]


def _say(planned: Planned, counts: Counts, moves: list[Move]) -> None:
    for move in moves:
        shown = _shown(move)
        marks = (("暂定", move.provisional_after), ("压缩", move.compressed))
        words = [shown["number"], move.clock, move.scope, shown["before"], shown["after"]]
        result("\t".join([*words, " ".join(word for word, true in marks if true)]))
    began = f"自 {planned.effective_from} 起生效" if planned.effective_from else "首个版本"
    say(
        f"{planned.name} {planned.base or '无'} → {planned.calendar.version}，{began}。"
        f"未办结的时限 {counts.open} 个：提前 {counts.earlier}，推后 {counts.later}，"
        f"由暂定转为确定 {counts.confirmed}，不变 {counts.unchanged}；"
        f"其中因不足 8 工作时而少提前 {counts.compressed}。"
    )
    if len(moves) == SHOWN:
        say(f"只列出前 {SHOWN} 个；全部用 --out 改动.csv 查看。")


def _shown(move: Move) -> dict[str, Any]:
    return {
        "case": move.case,
        "number": move.number,
        "clock": move.clock,
        "scope": move.scope,
        "before": move.before.astimezone(SHANGHAI).isoformat(),
        "after": move.after.astimezone(SHANGHAI).isoformat(),
        "provisional_before": move.provisional_before,
        "provisional_after": move.provisional_after,
        "compressed": move.compressed,
    }


def recounted(services: DistrictServices, name: str) -> Recounted:
    """Count the open clocks anew, and say how many that were."""
    with _told("重新计时") as tell:
        counted = run(
            lambda: recount(
                services.engine, name, tell=tell, follow=lambda: carry_ledgers(services)
            )
        )
    say(f"已重新计时：核对 {counted.examined} 件，改动 {counted.changed} 件。")
    say_failures(counted.failures)
    return counted


def say_failures(failures: list[Failure]) -> None:
    """Say which cases could not be counted."""
    for failure in failures[:SHOWN]:
        say(f"未能计时 {failure.case}：{failure.problem}")


@contextmanager
def _told(title: str) -> Generator[Tell]:
    """Show a progress bar on a terminal."""
    with progress(title) as bar:
        task = bar.task_ids[0]

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell
