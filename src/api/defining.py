"""What people define (kinds, registers, indicators) on its way into the log and through checks."""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from domain.definitions import INDICATOR
from eventlog.written import Problem
from projections.indicators import shipped_texts
from projections.indicators.formula import read_formula
from workflows.definitions import DefinitionSource
from workflows.kind_report import plain


class SourceBody(Struct, forbid_unknown_fields=True):
    """A definition's YAML."""

    source: str
    activate: bool = False


class VersionBody(Struct, forbid_unknown_fields=True):
    """Which version of a definition."""

    version: str


class ProblemDocument(Struct, kw_only=True):
    """What is wrong with a definition, or to be looked at, and in which line."""

    line: int | None
    path: str
    problem: str
    text: str | None


class CheckDocument(Struct, kw_only=True):
    """What a look at a definition found."""

    valid: bool
    name: str | None = None
    version: str | None = None
    hash: str | None = None
    problems: list[ProblemDocument]


class DefinitionState(Struct, kw_only=True):
    """A definition after a step of its life."""

    name: str
    version: str | None
    hash: str | None
    state: str
    position: int


class Defined(Protocol):
    """A definition that was read."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def version(self) -> str:
        """Which version it is."""
        ...

    @property
    def hash(self) -> str:
        """The digest of its data."""
        ...


def good(found: Defined) -> CheckDocument:
    """Return what is said of a definition with which nothing is wrong."""
    return CheckDocument(
        valid=True, name=found.name, version=found.version, hash=found.hash, problems=[]
    )


def bad(problems: Iterable[Problem], source: str) -> CheckDocument:
    """Return what is wrong with a text, each with its line."""
    return CheckDocument(valid=False, problems=problem_documents(problems, source))


def problem_documents(problems: Iterable[Problem], source: str) -> list[ProblemDocument]:
    """Return problems of a text, each with its line."""
    return [ProblemDocument(**plain(one, source)) for one in problems]


def indicator_source(text: str) -> DefinitionSource:
    """Return what a `definition-published` fact says of an indicator.

    Raises:
        BadFormula: the text is no formula.
    """
    formula = read_formula(text)
    return DefinitionSource(INDICATOR, formula.name, formula.version, formula.hash, text)


def shipped_indicators() -> list[DefinitionSource]:
    """Return those that come with the program."""
    return [indicator_source(text) for text in shipped_texts().values()]
