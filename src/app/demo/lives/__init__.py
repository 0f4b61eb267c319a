"""The invented lives of cases of every kind: who does what, after how long; see `player.py`."""

from collections.abc import Callable
from typing import Final

from app.demo.lives import paths
from app.demo.lives.answering import adopted
from app.demo.lives.closed_loop import found_by_the_grid
from app.demo.lives.seat import Seat
from app.demo.player import Life

LIVES: Final[tuple[tuple[int, Callable[[Seat], Life]], ...]] = (
    # One line a sort of life: how often, and how it goes.
    (60, found_by_the_grid),
    (6, paths.HAZARD),
    (5, paths.VOLUNTEER_ORDER),
    (4, paths.HELP_BELL),
    (4, paths.ONE_STOP),
    (4, paths.AGENT_SERVICE),
    (4, paths.MICRO_WISH),
    (3, paths.MICRO_TASK),
    (2, paths.PLACEMENT),
    (2, paths.BUILDING),
    (2, paths.DELIBERATION),
    (1, paths.FOUR_TWO),
    (1, paths.COVENANT),
    (1, paths.PROJECT),
    (2, paths.ADMISSION),
    (2, adopted),
)
