"""What a clock's limit comes to: its due with floors and pauses, and its warnings."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import facts as f
from domain.almanac import almanac_of
from domain.clock import Clock, Hold
from domain.due import (
    Budget,
    Cutoff,
    Pause,
    PauseNotAllowed,
    Unit,
    UnitMismatch,
    consumed,
    due,
    parse_budget,
)
from domain.reckoning import left, pauses_of, reckon, share, used
from tests.support.counting import AUTUMN, BUDGETS, CUTOFFS, paused_starts, unhurried
from tests.support.moments import at, local, pauses
from workflows.calendars import load_shipped

OFFICE = load_shipped("cn-office")
ALMANAC = almanac_of(OFFICE)
NEVER = at("2027-01-01 00:00")


def clock(start: str, budget: str, *paused: str, cutoff: str = "close_of_business") -> Clock:
    return Clock(
        name="handling",
        scope="",
        cycle=1,
        sequence=1,
        total=False,
        started_at=at(start),
        budget=budget,
        cutoff=cutoff,
        calendar="cn-office",
        calendar_version="of the start",
        due=at("2026-12-01 12:34:56"),
        provisional=True,
        pauses=tuple(f.Span(since, until) for since, until in pauses(*paused)),
    )


def floor(since: str, budget: str) -> f.Floor:
    return f.Floor(at(since), budget)


def due_of(one: Clock, moment: datetime = NEVER) -> str:
    return local(reckon(one, ALMANAC, moment).due.at)


# ── The due ─────────────────────────────────────────────────────────────────────────────────────

REGRADED = clock("2026-10-12 09:00", "24wh", "2026-10-12 14:00", "2026-10-12 16:00")
STRICTER = replace(REGRADED, budget="8wh", floors=(floor("2026-10-13 10:00", "2wh"),))


def test_a_stricter_limit_counts_from_the_original_start_and_keeps_the_pauses() -> None:
    assert due_of(REGRADED) == "2026-10-15 16:00:00"
    assert due_of(STRICTER) == "2026-10-13 12:00:00"


def test_a_floor_that_comes_to_the_same_did_not_decide() -> None:
    assert reckon(STRICTER, ALMANAC, NEVER).floor is None


def test_a_floor_keeps_the_due_from_coming_at_once() -> None:
    late = replace(STRICTER, budget="2wh")
    answer = reckon(late, ALMANAC, NEVER)
    assert local(answer.due.at) == "2026-10-13 12:00:00"
    assert answer.floor == late.floors[0]


def test_the_latest_of_several_floors_decides() -> None:
    floors = (floor("2026-10-14 10:00", "2wh"), floor("2026-10-13 10:00", "2wh"))
    answer = reckon(replace(REGRADED, budget="2wh", floors=floors), ALMANAC, NEVER)
    assert (local(answer.due.at), answer.floor) == ("2026-10-14 12:00:00", floors[0])


def test_a_floor_stands_still_with_its_clock() -> None:
    paused = f.Span(at("2026-10-13 11:00"), at("2026-10-13 15:00"))
    late = replace(STRICTER, budget="2wh", pauses=(*STRICTER.pauses, paused))
    assert due_of(late) == "2026-10-13 16:00:00"


def test_a_floor_may_count_in_another_unit() -> None:
    days = clock("2026-10-12 10:00", "1wd")
    assert due_of(replace(days, floors=(floor("2026-10-13 17:00", "2wh"),))) == (
        "2026-10-14 10:00:00"
    )


def test_extensions_and_pauses_count_together() -> None:
    long = clock("2026-10-12 16:00", "4wh", "2026-10-12 17:00", "2026-10-13 10:00")
    assert due_of(replace(long, extensions=("2wh", "30wm"))) == "2026-10-13 17:30:00"
    with pytest.raises(UnitMismatch):
        due_of(replace(long, extensions=("1wd",)))


def test_a_pause_that_goes_on_counts_until_its_known_end_or_until_now() -> None:
    held = clock("2026-10-12 16:00", "4wh")
    since = at("2026-10-12 17:00")
    open_ = replace(held, held=(Hold("material", since, None),))
    assert due_of(open_, at("2026-10-13 10:00")) == "2026-10-13 15:00:00"
    assert due_of(open_, since) == due_of(held)
    until = replace(held, held=(Hold("material", since, at("2026-10-13 10:00")),))
    assert due_of(until, since) == "2026-10-13 15:00:00"
    both = replace(held, held=(*until.held, Hold("weather", since, at("2026-10-13 11:00"))))
    assert due_of(both, since) == "2026-10-13 16:00:00"
    assert pauses_of(both, since) == [(since, one.until) for one in both.held]


def test_a_pause_that_ended_before_it_began_is_refused() -> None:
    with pytest.raises(PauseNotAllowed):
        due_of(clock("2026-10-12 16:00", "4wh", "2026-10-13 10:00", "2026-10-12 17:00"))


def test_the_cutoff_is_the_clocks_own() -> None:
    days = clock("2026-10-12 10:00", "1wd", cutoff="end_of_day")
    assert due_of(days) == "2026-10-13 23:59:59"


def test_an_absolute_date_never_moves() -> None:
    dated = clock("2026-10-12 10:00", "date", "2026-10-13 09:00", "2026-10-14 09:00")
    dated = replace(dated, floors=(floor("2026-12-30 10:00", "9wd"),), extensions=("3wd",))
    answer = reckon(dated, ALMANAC, NEVER)
    assert answer.due.at == dated.due
    assert not answer.due.provisional
    assert answer.due.calendar_version == "of the start"
    assert answer.floor is None


def test_a_due_over_assumed_days_says_so_and_by_which_version() -> None:
    answer = reckon(clock("2026-12-20 10:00", "15wd"), ALMANAC, NEVER).due
    assert answer.provisional
    assert answer.calendar_version == OFFICE.version


# ── Warnings ────────────────────────────────────────────────────────────────────────────────────


def test_a_share_counts_through_calendar_pauses_and_extensions() -> None:
    plain = clock("2026-09-18 17:00", "4wh")
    assert local(share(plain, ALMANAC, NEVER, 80)) == "2026-09-20 11:12:00"
    paused = clock("2026-09-18 17:00", "4wh", "2026-09-20 09:00", "2026-09-20 11:00")
    assert local(share(paused, ALMANAC, NEVER, 80)) == "2026-09-20 15:12:00"
    longer = replace(plain, extensions=("6wh",))
    assert local(share(longer, ALMANAC, NEVER, 80)) == "2026-09-20 18:00:00"


def test_a_share_of_a_compressed_limit_is_one_of_what_was_left_at_least() -> None:
    late = replace(STRICTER, budget="2wh")
    assert local(share(late, ALMANAC, NEVER, 50)) == "2026-10-13 11:00:00"
    assert local(share(late, ALMANAC, NEVER, 100)) == due_of(late)


def test_a_share_of_a_date_is_one_of_the_open_time_until_then() -> None:
    dated = replace(clock("2026-10-12 09:00", "date"), due=at("2026-10-13 23:00"))  # 14 open hours
    assert local(share(dated, ALMANAC, NEVER, 50)) == "2026-10-12 18:00:00"
    assert local(share(dated, ALMANAC, NEVER, 99)) == "2026-10-13 17:51:36"
    assert share(dated, ALMANAC, NEVER, 100) == dated.due
    odd = replace(dated, due=at("2026-10-12 10:00:01"))
    assert local(share(odd, ALMANAC, NEVER, 50)) == "2026-10-12 09:30:01"
    weekend = replace(clock("2026-10-17 09:00", "date"), due=at("2026-10-18 09:00"))
    assert share(weekend, ALMANAC, NEVER, 80) == weekend.started_at


@pytest.mark.parametrize(
    ("budget", "of", "expected"),
    [
        ("8wh", "2wh", "2026-10-12 17:00:00"),
        ("7wh", "3wh", "2026-10-12 15:00:00"),
        ("7wh", "9wh", "2026-10-12 09:00:00"),
        ("3wd", "1wd", "2026-10-14 18:00:00"),
        ("3wd", "2wh", "2026-10-15 16:00:00"),
        ("3nd", "1nd", "2026-10-14 18:00:00"),
        ("1month", "1nd", "2026-11-11 18:00:00"),
        ("3wd", "9wd", "2026-10-12 09:00:00"),
        ("1wh", "2nd", "2026-10-12 09:00:00"),
    ],
)
def test_when_only_so_much_is_left(budget: str, of: str, expected: str) -> None:
    moment = left(clock("2026-10-12 09:00", budget), ALMANAC, NEVER, parse_budget(of))
    assert local(moment) == expected


def test_what_is_left_is_used_up_before_lunch_and_not_after() -> None:
    one = clock("2026-10-12 09:00", "5wh")
    assert local(left(one, ALMANAC, NEVER, Budget(2, Unit.wh))) == "2026-10-12 12:00:00"


def test_what_is_left_counts_pauses_and_extensions() -> None:
    paused = clock("2026-10-12 09:00", "5wh", "2026-10-12 10:00", "2026-10-12 11:00")
    assert local(left(paused, ALMANAC, NEVER, Budget(2, Unit.wh))) == "2026-10-12 15:00:00"
    longer = replace(paused, extensions=("1wh",))
    assert local(left(longer, ALMANAC, NEVER, Budget(2, Unit.wh))) == "2026-10-12 16:00:00"


def test_what_is_left_of_a_compressed_limit_counts_from_the_floor() -> None:
    late = replace(STRICTER, budget="2wh")
    assert local(left(late, ALMANAC, NEVER, Budget(1, Unit.wh))) == "2026-10-13 11:00:00"
    assert local(left(late, ALMANAC, NEVER, Budget(4, Unit.wh))) == "2026-10-13 10:00:00"
    days = replace(late, budget="1wd", started_at=at("2026-10-09 09:00"))
    assert local(left(days, ALMANAC, NEVER, Budget(1, Unit.wd))) == "2026-10-12 18:00:00"


def test_what_is_left_until_a_date_goes_back_from_it() -> None:
    dated = replace(clock("2026-10-12 09:00", "date"), due=at("2026-10-14 10:00"))
    assert local(left(dated, ALMANAC, NEVER, Budget(2, Unit.wh))) == "2026-10-13 17:00:00"
    assert local(left(dated, ALMANAC, NEVER, Budget(1, Unit.wd))) == "2026-10-13 18:00:00"


def test_what_a_clock_has_used_up_is_in_its_own_unit() -> None:
    held = replace(
        clock("2026-10-12 09:00", "4wh"), held=(Hold("material", at("2026-10-12 11:00"), None),)
    )
    assert used(held, ALMANAC, at("2026-10-12 17:00")) == 2 * 3600
    assert used(clock("2026-10-12 09:00", "4wd"), ALMANAC, at("2026-10-14 18:00")) == 2
    assert used(clock("2026-10-12 09:00", "date"), ALMANAC, at("2026-10-12 18:00")) == 7 * 3600


# ── Laws ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Drawn:
    clock: Clock
    paused: list[Pause]
    budget: Budget
    extensions: list[Budget]


@st.composite
def drawn_clocks(draw: st.DrawFn) -> Drawn:
    start, paused = draw(paused_starts(AUTUMN))
    budget, cutoff = draw(BUDGETS), draw(CUTOFFS)
    more = [Budget(size, budget.unit) for size in draw(st.lists(st.integers(1, 9), max_size=2))]
    made = replace(
        clock("2026-10-12 09:00", str(budget), cutoff=cutoff),
        started_at=start,
        pauses=tuple(f.Span(since, until) for since, until in paused),
        extensions=tuple(str(one) for one in more),
    )
    return Drawn(made, paused, budget, more)


FLOORS = st.lists(st.builds(f.Floor, AUTUMN, BUDGETS.map(str)), max_size=2).map(tuple)


@unhurried
@given(drawn_clocks())
def test_without_floors_a_clock_falls_due_as_its_parts_say(drawn: Drawn) -> None:
    one, cutoff = drawn.clock, Cutoff(drawn.clock.cutoff)
    answer = reckon(one, ALMANAC, NEVER)
    assert answer.floor is None
    assert answer.due == due(
        one.started_at,
        drawn.budget,
        OFFICE,
        cutoff,
        pauses=drawn.paused,
        extensions=drawn.extensions,
    )


@unhurried
@given(drawn_clocks(), FLOORS)
def test_a_floor_never_makes_a_due_earlier(drawn: Drawn, floors: tuple[f.Floor, ...]) -> None:
    plain = reckon(drawn.clock, ALMANAC, NEVER).due
    answer = reckon(replace(drawn.clock, floors=floors), ALMANAC, NEVER)
    assert answer.due.at >= plain.at
    assert (answer.floor is None) == (answer.due.at == plain.at)


@unhurried
@given(drawn_clocks(), FLOORS, st.integers(0, 100), st.integers(0, 100))
def test_shares_come_in_order_and_never_after_the_due(
    drawn: Drawn, floors: tuple[f.Floor, ...], one: int, other: int
) -> None:
    made = replace(drawn.clock, floors=floors)
    first, second = (share(made, ALMANAC, NEVER, percent) for percent in sorted((one, other)))
    assert first <= second <= reckon(made, ALMANAC, NEVER).due.at
    assert share(made, ALMANAC, NEVER, 100) == reckon(made, ALMANAC, NEVER).due.at


@unhurried
@given(drawn_clocks(), BUDGETS)
def test_what_is_left_begins_between_start_and_due(drawn: Drawn, rest: Budget) -> None:
    moment = left(drawn.clock, ALMANAC, NEVER, rest)
    falls = reckon(drawn.clock, ALMANAC, NEVER).due.at
    assert drawn.clock.started_at <= moment <= falls
    size = drawn.budget.size + sum(one.size for one in drawn.extensions)
    if rest.unit is drawn.budget.unit and rest.size < size:
        before = moment - timedelta(seconds=1)
        assert used(drawn.clock, ALMANAC, moment) >= size - rest.size
        assert (
            consumed(
                drawn.clock.started_at,
                before,
                rest.unit,
                OFFICE,
                Cutoff(drawn.clock.cutoff),
                pauses=drawn.paused,
            )
            < size - rest.size
        )
