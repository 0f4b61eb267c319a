"""Rounds: each week in every grid; with findings, with 零报告, or in silence."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from random import Random
from typing import Final

from app.demo.county import County
from app.demo.lives.closed_loop import accepted
from app.demo.lives.matters import told
from app.demo.lives.seat import Seat
from app.demo.player import Life
from domain.actor import Actor, Role
from domain.due import SHANGHAI
from domain.facts import SourceReference
from eventlog.streams import part_of
from workflows.rounds import SYSTEM

KIND: Final = "screening-round"
TITLE: Final = "矛盾纠纷排查"
CLOCKWORK: Final = Actor(role=Role.TIMER)
WEEK: Final = timedelta(days=7)


def rounds(random: Random, there: County, began: datetime, until: datetime) -> Iterator[Life]:
    """Yield a life for each grid and week between two moments."""
    local = began.astimezone(SHANGHAI)
    monday = local.date() + timedelta(days=7 - local.weekday())
    at = datetime.combine(monday, time(0, 1), SHANGHAI)
    while at < until:
        for grid in there.of_level("grid"):
            own = Random(random.getrandbits(64))  # noqa: S311 - luck, the same every time
            yield _round(Seat(own, there, grid, at.astimezone(until.tzinfo)))
        at += WEEK


def _round(seat: Seat) -> Life:
    """Play one round; the next week's clockwork ends it where nobody did."""
    year, week, _ = seat.began.astimezone(SHANGHAI).date().isocalendar()
    period = f"{year}-W{week:02}"
    name = f"{KIND}:{seat.grid.code}:{period}"
    done = yield seat.report(
        CLOCKWORK,
        KIND,
        f"{TITLE}（{period}）",
        source=SourceReference(SYSTEM, name),
        content=f"{SYSTEM}.{name}",
    )
    if seat.chance(5):
        yield seat.act(seat.began + WEEK, CLOCKWORK, "miss")
        return
    at = seat.days(seat.began, 0.5, 4)
    visited = seat.random.randint(12, 60)
    if seat.chance(90):
        summary = "走访正常，无新增矛盾纠纷。"
        yield seat.act(at, seat.worker, "zero_report", visited=visited, summary=summary)
        return
    story = told(seat.random)
    yield seat.act(
        at,
        seat.worker,
        "find",
        title=story.title,
        description=story.description,
        category=story.matter.category,
    )
    at = seat.after(at, 0.5, 4)
    yield seat.act(at, seat.worker, "finish", visited=visited, summary="发现一件，已登记。")
    seat.case = part_of("610327", done.case.id, 1)
    at = seat.after(at, 0.5, 7)
    yield seat.act(at, seat.cadre, "accept", note="情况属实，予以受理。")
    yield from accepted(seat, at, story)
