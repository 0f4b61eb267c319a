"""Which ledgers a district has: those in code, and its active registers."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from domain.definitions import REGISTER, Definitions
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.registers.language import BadRegister, Register, published_register

Ledgers = Mapping[str, Ledger[Any, Any]]
Changed = Callable[[list[Ledger[Any, Any]]], None]
"""Hears which registers there are now, before anybody reads them."""


NONE: Final = Definitions()


class DistrictLedgers(Ledgers):
    """The ledgers of a district by name, as its definitions are at the moment of asking."""

    def __init__(
        self,
        definitions: Callable[[], Definitions] = lambda: NONE,
        changed: Changed | None = None,
        renew: Callable[[], object] | None = None,
    ) -> None:
        """`changed` is told the registers whenever they are others than before."""
        self._definitions = definitions
        self._renew = renew
        self._changed = changed
        self._lock = threading.Lock()
        self._seen: Definitions | None = None
        self._known: Ledgers = LEDGERS
        self.broken: dict[str, BadRegister] = {}
        """Active registers that this program cannot keep, by name."""

    def __getitem__(self, name: str) -> Ledger[Any, Any]:
        """Return a ledger; code comes first, should both have the name."""
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the ledgers in code, then the registers by name."""
        return iter(self._now())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._now())

    def renew(self) -> None:
        """Learn at once what another process has changed; raises nothing if nothing has."""
        if self._renew is not None:
            self._renew()
        self._now()

    def carried(self) -> list[Ledger[Any, Any]]:
        """Return the registers, having seen to it that they are followed."""
        return [ledger for name, ledger in self._now().items() if name not in LEDGERS]

    def _now(self) -> Ledgers:
        definitions = self._definitions()
        if definitions is self._seen:
            return self._known
        with self._lock:
            if definitions is not self._seen:
                found, self.broken = active_registers(definitions)
                ledgers = {one.name: one.ledger for one in found if one.name not in LEDGERS}
                self._known = {**LEDGERS, **ledgers}
                if self._changed is not None:
                    self._changed(list(ledgers.values()))
                self._seen = definitions
        return self._known


def active_registers(
    definitions: Definitions,
) -> tuple[list[Register], dict[str, BadRegister]]:
    """Return the registers in use, and those that this program cannot keep."""
    found: list[Register] = []
    broken: dict[str, BadRegister] = {}
    for one in definitions.in_use(REGISTER):
        try:
            found.append(published_register(one.source))
        except BadRegister as bad:
            broken[one.name] = bad
    return found, broken
