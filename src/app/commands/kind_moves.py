"""`bihuan kinds migrate`: open cases pass to a new version, previewed, approved, applied."""

from collections import deque
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from msgspec.structs import replace

from api.services import DistrictServices
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import SOME_REJECTED, WRONG_USAGE, document, fail, progress, result, say
from domain.actor import Actor, Role
from domain.errors import RoleForbidden, Unauthenticated
from workflows.administration import administrator, key_digest
from workflows.engine import Caller
from workflows.kind_words import PASSAGES
from workflows.migrating import (
    Migrated,
    MigrationPreview,
    Passage,
    PassageCounts,
    PlannedMigration,
    approve_migration,
    migrate,
    plan,
)

SHOWN: Final = 200
"""So many refused cases are named; the counts are of all."""
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="以谁的密钥批准 Whose key approves; 默认为本机管理员 the operator here",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


def migrate_command(  # noqa: PLR0913 - one an option
    kind: Annotated[str, typer.Argument(help="类型名称 Kind")],
    *,
    since: Annotated[str, typer.Option("--from", help="原来的版本 Version before, 如 2.0.0")],
    to: Annotated[str, typer.Option("--to", help="新版本 New version, 如 2.1.0")],
    district_code: DistrictOption,
    preview: Annotated[
        bool, typer.Option("--preview", help="只看结果，不写入 Only show（默认 default）")
    ] = False,
    approve: Annotated[
        bool,
        typer.Option("--approve", help="批准，须由发布人以外的人 Approve, as another person"),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="迁移；中断后再运行一次 Do it, or go on")
    ] = False,
    key_file: KeyFile = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """把未办结的事项迁移到新版 Let open cases follow a new version: preview, approve, apply.

    退出码 Exit codes: 0 已完成 done; 1 未批准等 refused; 3 有事项不能迁移 some cases stayed.
    """
    if preview + approve + apply > 1:
        fail("--preview、--approve、--apply 只能选一个", WRONG_USAGE)
    with district(data, district_code) as services:
        planned = plan(run(services.engine.refresh), kind, since, to)
        if apply:
            shown = _applied(services, planned)
        else:
            shown = _previewed(services, planned, quiet=as_json)
            if approve:
                shown |= {"approved": _approved(services, planned, shown["counts"], key_file)}
    if as_json:
        document(shown)
    if shown.get("failures"):
        raise typer.Exit(SOME_REJECTED)


def _previewed(
    services: DistrictServices, planned: PlannedMigration, *, quiet: bool
) -> dict[str, Any]:
    refused: deque[Passage] = deque(maxlen=SHOWN)
    with progress("预览") as bar:
        found = MigrationPreview(
            services.engine,
            planned,
            lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
        )
        refused.extend(one for one in found if one.why)
    if not quiet:
        _say(planned, found.counts, refused)
    return {
        "kind": planned.new.name,
        "from": planned.old.version,
        "to": planned.new.version,
        "plan": planned.rule.digest,
        "counts": found.counts,
        "refused": [msgspec.to_builtins(one) for one in refused],
    }


def _say(planned: PlannedMigration, counts: PassageCounts, refused: deque[Passage]) -> None:
    old, new = planned.old, planned.new
    say(
        f"{new.title} {old.version} → {new.version}：未办结 {counts.open} 件，"
        f"可迁移 {counts.passing} 件，不能迁移 {counts.refused} 件。"
    )
    for before, targets in counts.stages.items():
        for after, number in targets.items():
            same = "（不变）" if before == after else ""
            titles = f"{old.stages[before].title} → {new.stages[after].title}{same}"
            result(f"环节\t{titles}\t{number} 件")
    for clock, changes in counts.clocks.items():
        told = "，".join(f"{PASSAGES[name]} {number}" for name, number in changes.items())
        definition = new.clock(clock) or old.clock(clock)
        result(f"时限\t{definition.title if definition else clock}\t{told}")
    for one in refused:
        result(f"不能迁移\t{one.number}\t{one.detail}")


def _approved(
    services: DistrictServices,
    planned: PlannedMigration,
    counts: PassageCounts,
    key_file: Path | None,
) -> int:
    secret = key_file.read_text("utf-8-sig").strip() if key_file else None

    async def work() -> int:
        caller = await _caller(services, secret, planned)
        return await approve_migration(services.engine, planned, counts, caller)

    position = run(work)
    say("已批准；用 --apply 开始迁移。")
    return position


def _applied(services: DistrictServices, planned: PlannedMigration) -> dict[str, Any]:
    with progress("迁移") as bar:

        def tell(done: int, total: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=total)

        async def work() -> Migrated:
            return await migrate(services.engine, planned, tell=tell)

        done = run(work)
    say(f"已迁移 {done.migrated} 件，未能迁移 {len(done.failures)} 件；可以重新运行。")
    for failure in done.failures[:SHOWN]:
        say(f"未能迁移 {failure.case}：{failure.problem}")
    shown: dict[str, Any] = msgspec.to_builtins(done)
    return shown


async def _caller(
    services: DistrictServices, secret: str | None, planned: PlannedMigration
) -> Caller:
    """Return who approves: the operator at this computer, or whoever's key it is.

    Raises:
        Unauthenticated: the key is none that is in use.
        RoleForbidden: it is no administrator's.
    """
    operator = administrator(services.engine, "kind-migration", *planned.pair)
    if secret is None:
        return operator
    grant = (await services.engine.refresh()).keys.get(key_digest(secret))
    if grant is None:
        raise Unauthenticated
    if grant.role is not Role.ADMIN:
        raise RoleForbidden(role=grant.role, action="批准迁移", allowed=Role.ADMIN)
    return replace(operator, actor=Actor(role=grant.role), client=f"key:{grant.key}")
