"""What a kind asks of 四定三包: which parts at which severity, and what bounds them."""

from collections.abc import Mapping

from msgspec import Struct

from domain.due import Budget

DEFAULT = "default"
"""Every severity that is not named, and a case that was not graded."""


class AccountabilityRule(Struct, frozen=True, kw_only=True):
    """By definition, not by code (workflow.md §2); a kind without one asks for nothing."""

    slots: Mapping[str, tuple[str, ...]] = {}
    """Of the four, what is required at which severity."""
    duties: Mapping[str, tuple[str, ...]] = {}
    """Of the three, likewise."""
    deadline_within: tuple[str, ...] = ()
    """Clocks whose dues the fixed date may not be later than, while they are open."""
    watch: Budget | None = None
    """How long stability is watched, from when it is taken."""
    reopens_to: str | None = None
    """Where a case that had ended goes on when its stability fails."""

    def slots_at(self, severity: str | None) -> tuple[str, ...]:
        """Return which of the four a severity requires."""
        return _of(self.slots, severity)

    def duties_at(self, severity: str | None) -> tuple[str, ...]:
        """Return which of the three a severity requires."""
        return _of(self.duties, severity)


def _of(required: Mapping[str, tuple[str, ...]], severity: str | None) -> tuple[str, ...]:
    return required.get(severity or DEFAULT, required.get(DEFAULT, ()))
