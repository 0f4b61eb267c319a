"""A ranking of units out of an indicator's answer: what a leader is shown before signing."""

from datetime import datetime

from domain import facts as f
from domain.directory import Directory
from domain.errors import BadInput
from domain.rankings import Score, ranked
from eventlog.database import Connection
from projections.indicators.answers import ELSEWHERE, Answer, Question, answer
from projections.indicators.formula import Formula
from projections.indicators.periods import Period


def compute(
    connection: Connection,
    formula: Formula,
    directory: Directory,
    *,
    period: Period,
    levels: tuple[str, ...],
    as_of: datetime,
    now: datetime,
) -> f.RankingSigned:
    """Rank the units by an indicator in points, of all cases of the district, as of a moment.

    It has neither version nor digest yet, and nobody has signed it.

    Raises:
        BadInput: the indicator is not in points.
    """
    if formula.unit != "points":
        raise BadInput(detail=f"指标“{formula.title}”不以分计，不能排名", pointer="/ranking")
    question = Question(scope=None, by="unit", period=period, levels=levels, as_of=as_of, now=now)
    found = answer(connection, formula, question, directory)
    return f.RankingSigned(
        ranking=formula.name,
        title=formula.title,
        formula=formula.label,
        formula_hash=formula.hash,
        period=found.period.label,
        since=found.period.since,
        until=found.period.until,
        as_of=as_of,
        position=found.position,
        version=0,
        digest="",
        units=ranked(_scores(found, directory)),
        by="",
    )


def _scores(found: Answer, directory: Directory) -> list[Score]:
    """Return the units compared, each with its points."""
    units = directory.units
    return [
        Score(
            directory.unit(line.key),
            line.name,
            units[line.key].level,
            line.number.value or "0",
            line.number.terms or {},
        )
        for line in found.lines
        if line.key != ELSEWHERE
    ]
