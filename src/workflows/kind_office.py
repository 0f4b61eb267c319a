"""What becomes of kinds in a district beside publishing: retiring, and what an upgrade brings."""

from domain import facts as f
from domain.errors import NotFound, Refusal
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.administration import administrator, publish_kind
from workflows.engine import Caller, Engine
from workflows.language import Source, shipped_sources


async def retire_kind(engine: Engine, name: str, *, caller: Caller | None = None) -> int:
    """停用事项类型: no new cases, while open ones go on; returns the position, 0 if it was retired.

    Activating one of its versions takes it into use again.

    Raises:
        NotFound: no version of it was published.
    """
    reference = await engine.refresh()
    if all(kind.name != name for kind in reference.kinds.values()):
        raise NotFound(what=f"事项类型“{name[:64]}”")
    if name in reference.retired:
        return 0
    draft = Draft(f.KindRetired(name=name), engine.now())
    who = caller or administrator(engine, "kind-retire", name)
    stream = stream_id(engine.district, f.KIND, name)
    return (await engine.record(f.KIND, stream, [draft], who)).last


async def publish_shipped(engine: Engine) -> tuple[list[Source], list[str]]:
    """Publish the kinds that came with an upgrade; which version is in use stays as it is (D6).

    Returns those that are new here, and what kept others out, in words. A district that was never
    founded is left alone; several processes may do this at once.
    """
    if (await engine.refresh()).district is None:
        return [], []
    published: list[Source] = []
    problems: list[str] = []
    for source in shipped_sources():
        try:
            if await publish_kind(engine, source):
                published.append(source)
        except Refusal as refusal:
            problems.append(f"{source.name}@{source.version}：{refusal}")
    return published, problems
