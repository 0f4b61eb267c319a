"""What a district has defined for itself (台账、指标): every version, and which ones count."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

REGISTER: Final = "register"
INDICATOR: Final = "indicator"

Key = tuple[str, str]
"""Which sort, and the name or hash."""


class Definition(Struct, frozen=True):
    """A version as it was published, and by whom; `position` is where."""

    sort: str
    name: str
    version: str
    hash: str
    source: str
    by: str
    position: int


class Definitions(Struct, frozen=True):
    """All definitions of a district up to a position."""

    published: dict[Key, Definition] = {}
    """By sort and hash."""
    active: dict[Key, str] = {}
    """The hash that counts, by sort and name."""
    retired: frozenset[Key] = frozenset()

    def after(
        self,
        fact: f.DefinitionPublished | f.DefinitionActivated | f.DefinitionRetired,
        by: str,
        position: int,
    ) -> "Definitions":
        """Take in one more fact."""
        place = (fact.sort, fact.name)
        match fact:
            case f.DefinitionPublished():
                known = Definition(
                    fact.sort, fact.name, fact.version, fact.hash, fact.source, by, position
                )
                return replace(self, published=self.published | {(fact.sort, fact.hash): known})
            case f.DefinitionActivated():
                active = self.active | {place: fact.hash}
                return replace(self, active=active, retired=self.retired - {place})
            case f.DefinitionRetired():
                active = {one: digest for one, digest in self.active.items() if one != place}
                return replace(self, active=active, retired=self.retired | {place})

    def in_use(self, sort: str) -> list[Definition]:
        """Return the active versions of a sort, by name."""
        chosen = sorted(place for place in self.active if place[0] == sort)
        return [self.published[sort, self.active[place]] for place in chosen]

    def versions(self, sort: str, name: str) -> list[Definition]:
        """Return all versions of one, in the order of their publication."""
        found = (one for one in self.published.values() if (one.sort, one.name) == (sort, name))
        return sorted(found, key=lambda one: one.position)

    def ever_used(self, sort: str, name: str) -> bool:
        """Say whether any version was taken into use."""
        return (sort, name) in self.active or (sort, name) in self.retired
