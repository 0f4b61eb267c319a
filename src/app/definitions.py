"""What districts are given to define for themselves, and may change: indicators, registers."""

from api.defining import indicator_source
from domain.errors import Refusal
from projections.indicators import shipped_texts
from workflows.definitions import DefinitionSource, bring_definitions
from workflows.engine import Engine


def shipped_definitions() -> list[DefinitionSource]:
    """Return the definitions that come with the program."""
    return [indicator_source(text) for text in shipped_texts().values()]


async def bring_shipped(engine: Engine) -> list[str]:
    """Publish what came with an upgrade; return what kept others out, in words.

    A district that published something else under the same version keeps its own.
    """
    problems: list[str] = []
    for source in shipped_definitions():
        try:
            await bring_definitions(engine, [source])
        except Refusal as refusal:
            problems.append(f"{source.sort} {source.name}@{source.version}：{refusal}")
    return problems
