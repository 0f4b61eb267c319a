"""Letting a decision table fill in what a form leaves open, and asking why somebody differs."""

from collections.abc import Mapping
from typing import Any, Final

from domain import facts as f
from domain.case import Case
from domain.conditions import value_of
from domain.decision import Decision, Table, evaluate
from domain.errors import EvidenceMissing
from domain.forms import Filled
from domain.kind import Action
from domain.step import Builder, Step
from domain.world import World

REASON: Final = "override_reason"
"""The text of the form that says why somebody chose otherwise than the table."""


def decided(action: Action, filled: Filled, case: Case, world: World) -> Decision | None:
    """Return what the action's table says, and what stands after all; None without a table.

    What a register tells of the past stands; a table decides then only where it says nothing.

    Raises:
        UnknownField: an input is missing, or outside what the table knows.
        EvidenceMissing: somebody chose otherwise, and does not say why.
    """
    table, values = action.decide, filled.values
    if table is None or (world.importing and _chosen(table, values)):
        return None
    made = evaluate(table, lambda name: value_of(name, case, values))
    made = Decision(
        table=table,
        inputs=made.inputs,
        rows=made.rows,
        outputs=made.outputs,
        chosen=made.outputs | _chosen(table, values),
    )
    if made.overridden and not any(text.field == REASON for text in filled.texts):
        raise EvidenceMissing(field=_title(action), pointer=f"/data/{REASON}")
    return made


def _chosen(table: Table, values: Mapping[str, Any]) -> dict[str, str]:
    return {name: values[name] for name in table.outputs if name in values}


def _title(action: Action) -> str:
    titles = [field.title for field in action.form if field.name == REASON]
    return next(iter(titles), "与决策表不同的理由")


def _decision_made(step: Step) -> tuple[f.Fact, ...]:
    made = step.decision
    if made is None:
        return ()
    return (
        f.DecisionMade(
            **step.base(),
            decision=made.table.name,
            table=made.table.hash,
            inputs=made.inputs,
            rows=made.rows,
            outputs=made.outputs,
            overridden=made.overridden,
            chosen=made.chosen,
        ),
    )


BUILDERS: Final[dict[str, Builder]] = {f.DecisionMade.TYPE: _decision_made}
