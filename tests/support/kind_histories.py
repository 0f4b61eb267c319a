"""The courses of every shipped kind but `closed-loop`, `dispute-adoption` and `public-reply`."""

from collections.abc import Callable
from functools import partial
from typing import Final

from tests.support import given as g
from tests.support.courses import Course, told
from tests.support.courses_of_councils import (
    CATALOGUE_ADMISSION,
    CONDUCT_BOARD,
    COVENANT,
    DELIBERATION,
    FOUR_DISCUSSIONS,
)
from tests.support.courses_of_remedies import (
    HAZARD_REMEDY,
    HELP_BELL,
    PLACEMENT_PROMISE,
    SCREENING_ROUND,
    SERVICE_PROJECT,
    UNMANAGED_BUILDING,
)
from tests.support.courses_of_service import (
    AGENT_SERVICE,
    MICRO_TASK,
    MICRO_WISH,
    ONE_STOP,
    VOLUNTEER_ORDER,
)

COURSES: Final[dict[str, dict[str, Course]]] = {
    "volunteer-order": VOLUNTEER_ORDER,
    "micro-wish": MICRO_WISH,
    "micro-task": MICRO_TASK,
    "agent-service": AGENT_SERVICE,
    "one-stop-service": ONE_STOP,
    "catalogue-admission": CATALOGUE_ADMISSION,
    "deliberation": DELIBERATION,
    "four-discussions-two-disclosures": FOUR_DISCUSSIONS,
    "covenant": COVENANT,
    "help-bell": HELP_BELL,
    "placement-promise": PLACEMENT_PROMISE,
    "screening-round": SCREENING_ROUND,
    "unmanaged-building": UNMANAGED_BUILDING,
    "service-project": SERVICE_PROJECT,
    "hazard-remedy": HAZARD_REMEDY,
    "conduct-board": CONDUCT_BOARD,
}
"""By kind, every course that is recorded; together they take every action of the kind."""
KIND_HISTORIES: Final[dict[str, Callable[[], g.Story]]] = {
    f"{kind}/{name}": partial(told, kind, course)
    for kind, courses in COURSES.items()
    for name, course in courses.items()
}
