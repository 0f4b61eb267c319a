"""The moves of a kind between its stages, as every diagram of it shows them."""

from typing import Final

from domain.kind import Kind
from workflows.kind_tables import opened

MADE: Final = "请勿手改：以 YAML 定义为准"
"""What stands in every file that is drawn."""
ANYWHERE: Final = "anywhere"
EVERYWHERE: Final = "未结束的任何环节"
"""What stands for every open stage, and its title."""
LONGEST: Final = 3
"""So many actions are named on one arrow; the table names all."""


def moves(kind: Kind) -> dict[tuple[str, str], list[str]]:
    """Return by (from, to) the titles of somebody's actions that lead there."""
    named: dict[tuple[str, str], list[str]] = {}
    for action in kind.actions.values():
        if not action.by or action.to is None:
            continue
        everywhere = action.stages == opened(kind) and len(action.stages) > LONGEST
        for source in [ANYWHERE] if everywhere else kind.stages:
            if source == ANYWHERE or (source in action.stages and source != action.to):
                named.setdefault((source, action.to), []).append(action.title)
    return named


def several(titles: list[str]) -> str:
    """Return what is written on one arrow."""
    shown = list(dict.fromkeys(titles))
    more = f" 等 {len(shown)} 项" if len(shown) > LONGEST else ""
    return " / ".join(shown[:LONGEST]) + more
