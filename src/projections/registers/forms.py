"""What the forms of kinds of case record, as registers may list it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.kind import SEALED, Action, FieldType, FormField, Kind
from domain.steps import BUILDERS

SORTS: Final[Mapping[FieldType, str]] = {
    "code": "text",
    "codes": "text",
    "choice": "text",
    "unit": "unit",
    "units": "number",
    "integer": "number",
    "boolean": "flag",
    "moment": "time",
    "day": "date",
    "case": "text",
    "post": "text",
}
"""Of which type a column of such a field is, unless it says otherwise."""
ALSO: Final[Mapping[FieldType, frozenset[str]]] = {
    "codes": frozenset({"number"}),
    "units": frozenset({"text"}),
}
"""Lists are told by their members or by how many they have."""
BUILT_IN: Final = frozenset({"title", "description"})
"""The texts of every report."""


class Forms(Struct, frozen=True):
    """What these kinds record in clear and sealed, and which facts their actions emit."""

    clear: Mapping[str, list[FormField]]
    sealed: Mapping[str, list[FormField]]
    emits: frozenset[str]

    def types(self, field: str) -> set[str]:
        """Return of which types a column of this field may be."""
        found = {SORTS[one.type] for one in self.clear.get(field, ())}
        return found.union(*(ALSO.get(one.type, frozenset()) for one in self.clear.get(field, ())))

    def values(self, field: str) -> set[str]:
        """Return the codes that may stand in a field; empty if anything may."""
        return {value for one in self.clear.get(field, ()) for value in one.values}

    def is_emitted(self, fact: type[f.Fact]) -> bool:
        """Say whether a fact can happen to these kinds; what no action emits, time may bring."""
        asked_for = fact.TYPE in BUILDERS and fact is not f.CaseReported
        return not asked_for or fact.TYPE in self.emits


def forms_of(kinds: Iterable[Kind]) -> Forms:
    """Gather what kinds record."""
    clear: dict[str, list[FormField]] = {}
    sealed: dict[str, list[FormField]] = {}
    emits: set[str] = set()
    for kind in kinds:
        for one in kind.report.form:
            (sealed if one.type in SEALED else clear).setdefault(one.name, []).append(one)
        for action in kind.actions.values():
            emits |= set(action.emits)
            for one in _kept(action):
                (sealed if one.type in SEALED else clear).setdefault(one.name, []).append(one)
    return Forms(clear, sealed, frozenset(emits))


def _kept(action: Action) -> Iterator[FormField]:
    """Yield the fields of an action that are sealed or recorded as the kind's own data."""
    for one in action.form:
        if one.type in SEALED or one.name in action.recorded:
            yield one
