"""A definition's text on its way into the log: checked here, where both rooms may be asked."""

from domain.definitions import INDICATOR
from projections.indicators.formula import read_formula
from workflows.definitions import DefinitionSource


def indicator_source(text: str) -> DefinitionSource:
    """Return what a `definition-published` fact says of an indicator.

    Raises:
        BadFormula: the text is no formula.
    """
    formula = read_formula(text)
    return DefinitionSource(INDICATOR, formula.name, formula.version, formula.hash, text)
