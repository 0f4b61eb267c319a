"""Which indicators a district has, and which version of each counts."""

from msgspec import Struct

from domain.definitions import INDICATOR, Definition, Definitions
from domain.errors import NotFound
from projections.indicators.formula import Formula, read_formula


class Kept(Struct, frozen=True):
    """A published version: as it was published, and what it says."""

    definition: Definition
    formula: Formula
    state: str
    """`active`, `published`, or `retired` with its whole indicator."""


def in_use(definitions: Definitions) -> list[Kept]:
    """Return the version that counts of each indicator, by name."""
    return [_kept(definitions, one) for one in definitions.in_use(INDICATOR)]


def versions(definitions: Definitions, name: str) -> list[Kept]:
    """Return every version of an indicator, the latest last.

    Raises:
        NotFound: none of this name was published.
    """
    found = [_kept(definitions, one) for one in definitions.versions(INDICATOR, name)]
    if not found:
        known = "、".join(one.formula.name for one in in_use(definitions)) or "无"
        raise NotFound(what=f"指标“{name[:64]}”（现有：{known}）")
    return found


def chosen(definitions: Definitions, name: str, version: str | None = None) -> Kept:
    """Return the version that counts, or the one that is asked for.

    Raises:
        NotFound: no such indicator, no such version, or none is in use.
    """
    published = versions(definitions, name)
    if version is None:
        wanted = [one for one in published if one.state == "active"]
    else:
        wanted = [one for one in published if one.formula.version == version]
    if not wanted:
        known = "、".join(one.formula.version for one in published)
        what = f"版本“{version[:32]}”" if version else "启用的版本"
        raise NotFound(what=f"指标“{name[:64]}”{what}（已发布：{known}）")
    return wanted[-1]


def _kept(definitions: Definitions, one: Definition) -> Kept:
    if (INDICATOR, one.name) in definitions.retired:
        state = "retired"
    elif definitions.active.get((INDICATOR, one.name)) == one.hash:
        state = "active"
    else:
        state = "published"
    return Kept(one, read_formula(one.source), state)
