"""Counting what a command recorded."""

from starlette.requests import Request

from workflows.engine import Outcome


def count_appended(request: Request, district: str, outcome: Outcome) -> None:
    """Count new facts; a repeated request recorded none."""
    if outcome.position and not outcome.replayed:
        request.app.state.metrics.appended(district, outcome.position - outcome.first + 1)
