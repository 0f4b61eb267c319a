"""From permitted actions to facts, of the family in `domain/civic.py`."""

from typing import Final

from domain import facts as f
from domain.forms import in_clear
from domain.step import Builder, Step


def _data_recorded(step: Step) -> tuple[f.Fact, ...]:
    """Record what the form says and no other fact of the action took; nothing, if that is all."""
    kept = {name: step.values[name] for name in step.action.recorded if name in step.values}
    data = in_clear({**step.action.set_data, **kept})
    return (f.DataRecorded(**step.base(), data=data),) if data else ()


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {}
CONSTANTS: Final[dict[str, frozenset[str]]] = {}
BUILDERS: Final[dict[str, Builder]] = {f.DataRecorded.TYPE: _data_recorded}
