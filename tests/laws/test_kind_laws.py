"""Random commands at every shipped kind: the engine and a slip of paper never part ways.

Some hundred steps in `make test`; in `make laws` as many as BIHUAN_LAWS says, over all kinds.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import districts as d
from tests.support import given as g
from tests.support import kind_moves as moves
from tests.support.courses import the_moment
from tests.support.kind_endings import ending_of
from tests.support.kind_model import NAMES, model_of
from tests.support.kind_moves import WAITS, Picks
from tests.support.kind_openings import DONE, HANDLED, openings
from tests.support.kind_tales import Walk
from workflows.language import SHIPPED

LIVES = int(os.environ.get("BIHUAN_LAWS", "300"))
LONG = LIVES > 1000
STEPS = 40
"""So many attempts one example makes, at one case after the other."""
SHORTEST = STEPS // 2
QUICK = 2
TRIED = 1000 if LONG else 40
"""So many further attempts at coming to other stages."""
KEPT = 5 if LONG else 1
"""From so many cases in each stage an ending is looked for."""
LIFE = 20
"""So many attempts at one case; those at one with which nothing can be done count five times."""
pytestmark = pytest.mark.timeout(0 if LONG else 300)

Record = Callable[[str, object], None]


def examples(kind: str) -> int:
    """Share the steps out among the kinds: one with more actions gets more."""
    if not LONG:
        return QUICK
    weights = {name: 5 + len(model_of(name).actions) for name in NAMES}
    return max(1, -(-LIVES * weights[kind] // (sum(weights.values()) * SHORTEST)))


def walked(kind: str, drawn: list[bytes]) -> Iterator[Walk]:
    """Try one thing after the other; begin another case where one is done with."""
    walk, tried = Walk(model_of(kind)), 0
    for one in drawn:
        if tried >= LIFE:
            yield walk
            walk, tried = Walk(model_of(kind)), 0
        step(walk, Picks(one))
        tried += 5 if walk.over else 1
    yield walk


def step(walk: Walk, picks: Picks) -> None:
    """Try one thing; or begin a case, perhaps in the middle of what may have happened to it."""
    if walk.paper.stage:
        walk.settle(timedelta(seconds=picks.of(WAITS)))
        walk.attempt(moves.attempt(walk.paper, picks, walk.tale.now))
    elif picks.number(3):
        course = picks.of(openings(walk.kind.name))
        left_out = max(0, picks.number(2 * len(course)) - len(course))
        walk.play(course[: len(course) - left_out])
    else:
        walk.attempt(moves.report(walk.kind, picks, walk.tale.now))


def many(kind: str) -> settings:
    return settings(
        max_examples=examples(kind),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.generate, Phase.shrink],
    )


DRAWN = st.lists(st.binary(min_size=16, max_size=16), min_size=SHORTEST, max_size=3 * STEPS // 2)


def test_the_model_is_of_every_kind_that_ships() -> None:
    assert set(NAMES) == set(SHIPPED)


@pytest.mark.parametrize("kind", NAMES)
def test_whatever_is_tried_comes_to_what_the_file_says(kind: str, record_property: Record) -> None:
    counted: Counter[str] = Counter()

    @many(kind)
    @given(DRAWN)
    def law(drawn: list[bytes]) -> None:
        for walk in walked(kind, drawn):
            counted["cases of random commands"] += 1
            assert walk.tale.again().history == walk.tale.history
            counted["random commands accepted"] += walk.taken
        counted["random commands at shipped kinds"] += len(drawn)

    law()
    for name, number in counted.items():
        record_property(name, number)


def visited(kind: str) -> dict[str, list[Walk]]:
    """Return cases in every stage that is come to: in what is told, and in what is tried."""
    found: dict[str, list[Walk]] = {}
    for course in openings(kind):
        walk = Walk(model_of(kind))
        for one in course:
            walk.play((one,))
            _keep(found, walk)
    walk = Walk(model_of(kind))
    for n in range(TRIED):
        walk = walk if n % LIFE else Walk(walk.kind)
        step(walk, Picks(sha256(f"{kind}{n}".encode()).digest()[:16]))
        _keep(found, walk)
    return found


def _keep(found: dict[str, list[Walk]], walk: Walk) -> None:
    kept = found.setdefault(walk.paper.stage, [])
    if len(kept) < KEPT:
        kept.append(walk.fork())


@pytest.mark.parametrize("kind", NAMES)
def test_from_every_stage_that_a_case_comes_to_it_can_still_end(
    kind: str, record_property: Record
) -> None:
    model = model_of(kind)
    assert set(model.distances()) == model.stages
    found = visited(kind)
    found.pop("", None)
    ways = {stage: [ending_of(one) for one in some] for stage, some in found.items()}
    record_property("stages from which an ending was looked for", len(ways))
    record_property("stages of shipped kinds", len(model.stages))
    assert {stage: some for stage, some in ways.items() if None in some} == {}


def test_a_duty_that_is_taken_after_the_end_starts_no_clock_that_does_not_outlive_it() -> None:
    walk = Walk(model_of("closed-loop"))
    walk.play((*HANDLED, *DONE))
    data = {"duty": "investigation", "post": "post-cadre", "until": the_moment(4)}
    walk.play(((g.COMMUNITY, ("take_duty", data)),))
    assert walk.paper.stage == "closed"
    assert [one.name for one in walk.tale.case.accountability.duties] == ["investigation"]


def test_what_lies_nowhere_is_the_centres_and_not_of_whoever_served() -> None:
    walk = Walk(model_of("volunteer-order"))
    walk.play(
        (
            (g.DISPATCHER, g.report("volunteer-order", data={"service": "理发"})),
            (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
            (g.WATER, "accept"),
            (g.WATER, ("serve", {"evidence": "已理发", "minutes": 30})),
        )
    )
    assert (walk.paper.stage, walk.paper.holder) == ("served", d.COUNTY)
