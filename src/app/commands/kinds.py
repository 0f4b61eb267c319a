"""`bihuan kinds`: the kinds of case of a district, from a file to the day they are retired."""

from typing import Annotated

import typer

from app.commands.kind_files import Definition, check, draw, text_of
from app.commands.kind_moves import migrate_command
from app.commands.kind_simulate import simulate_command
from app.commands.shared import DataOption, DistrictOption, JsonOption, district, run
from app.output import document, result, say
from domain.kind import Kind
from workflows.administration import activate_kind, publish_kind
from workflows.kind_office import retire_kind
from workflows.language import read_source
from workflows.migrating import version
from workflows.reference import Reference

kinds = typer.Typer(help="事项类型 Kinds of case", no_args_is_help=True)
kinds.command("check")(check)
kinds.command("draw")(draw)
kinds.command("migrate")(migrate_command)
kinds.command("simulate")(simulate_command)

Name = Annotated[str, typer.Argument(help="类型名称 Kind")]


@kinds.command("list")
def list_kinds(
    *, district_code: DistrictOption, as_json: JsonOption = False, data: DataOption = None
) -> None:
    """列出事项类型 List the kinds."""
    with district(data, district_code) as services:
        reference = run(services.engine.refresh)
    rows = [
        {
            "name": kind.name,
            "version": kind.version,
            "title": kind.title,
            "hash": kind.hash,
            "active": reference.active.get(kind.name) == kind.hash,
            "retired": kind.name in reference.retired,
        }
        for kind in reference.kinds.values()
    ]
    if as_json:
        document(rows)
        return
    for kind in reference.kinds.values():
        words = (f"{kind.name}@{kind.version}", kind.title, state_of(kind, reference), kind.hash)
        result("\t".join(words))


def state_of(kind: Kind, reference: Reference) -> str:
    """Return whether new cases follow a version, in words."""
    if reference.active.get(kind.name) == kind.hash:
        return "启用"
    return "已停用" if kind.name in reference.retired else "未启用"


@kinds.command("publish")
def publish(
    definition: Definition,
    *,
    district_code: DistrictOption,
    activate: Annotated[bool, typer.Option(help="发布后即启用 Activate for new cases")] = False,
    data: DataOption = None,
) -> None:
    """发布事项类型的新版本 Publish a version of a kind; open cases keep theirs."""
    with district(data, district_code) as services:
        source = read_source(text_of(definition))

        async def work() -> None:
            await services.engine.refresh()
            await publish_kind(services.engine, source)
            if activate:
                await activate_kind(services.engine, source.name, source.hash)

        run(work)
    say(f"已发布{'并启用' if activate else ''} {source.name}@{source.version}。")
    result(source.hash)


@kinds.command("activate")
def activate_command(
    kind: Name,
    wanted: Annotated[str, typer.Argument(metavar="VERSION", help="版本 Version, 如 2.1.0")],
    *,
    district_code: DistrictOption,
    data: DataOption = None,
) -> None:
    """启用已发布的版本，此后新事项都用它 Let new cases follow a published version."""
    with district(data, district_code) as services:
        found = version(run(services.engine.refresh), kind, wanted)
        done = run(lambda: activate_kind(services.engine, kind, found.hash))
    say(f"{kind}@{wanted} {'已启用' if done else '本来就在启用'}；未办结的事项仍用原来的版本。")
    result(found.hash)


@kinds.command("retire")
def retire_command(kind: Name, *, district_code: DistrictOption, data: DataOption = None) -> None:
    """停用事项类型，不再受理新的 Retire a kind: no new cases; open ones go on."""
    with district(data, district_code) as services:
        done = run(lambda: retire_kind(services.engine, kind))
    say(f"{kind} {'已停用' if done else '此前已停用'}；未办结的事项照常办理。再次启用用 activate。")
