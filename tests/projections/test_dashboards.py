"""Dashboards: counters say what counting the rows would say, for whoever asks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from domain import facts as f
from domain.privacy import recused_mark
from eventlog.database import Connection, Database
from eventlog.runner import Runner
from projections.counts import DISTRICT
from projections.dashboards import GROUPS, Asked, Counts, Standing, count, standing
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.maps import layer
from projections.places import PlaceTable
from projections.rebuild import rebuild
from projections.scope import Scope
from tests.support.stories import (
    BUREAU,
    COUNTY,
    OTHER,
    TOWN,
    UNITS,
    VILLAGE,
    Teller,
    at,
    closed,
    follow,
    move,
    reported,
    rescheduled,
    started,
    stopped,
    store,
)

SINCE, UNTIL = date(2026, 1, 1), date(2026, 12, 31)
FAR = at(24 * 365)
ALL_SEEING = Scope(overseer=True)
SCOPES = (
    ALL_SEEING,
    Scope(),
    Scope("town"),
    Scope("village", recused=(recused_mark("village"), recused_mark("town"))),
    Scope("bureau", post="chief"),
    Scope("other", shared=("village",)),
)
FILTERS: tuple[tuple[dict[str, str], int], ...] = (
    ({}, 3),
    ({}, 25),
    ({"open": "true"}, 60),
    ({"kind": "closed-loop", "unit": "village"}, 30),
    ({"open": "false", "category": "c1"}, 24 * 365),
)
"""Filters of summaries, and the hour of asking."""
HOURS = (19.5, 26, 51, 24 * 365)
"""When what stands is asked for: on the days when clocks fall due, and long after."""
HOUR = st.integers(0, 8)
FACTS: tuple[Callable[[int], f.Fact], ...] = (
    lambda n: reported(f"n{n}", place=UNITS[n % 5], category=f"c{n % 2}"),
    lambda n: f.CaseAccepted(**move("b", f"s{n}", UNITS[n % 5]), accepted_by=UNITS[n % 5]),
    lambda n: f.CaseGraded(**move(), severity=f"s{n % 2}", urgency="urgent", tier="town"),
    lambda n: f.CaseReclassified(**move(), previous="c0", category=f"c{n % 3}"),
    lambda n: closed(f"o{n % 2}"),
    lambda n: f.CaseReopened(**move("closed", "b"), cycle=n % 3 + 1),
    lambda n: started(at(20 + 30 * n), cycle=n % 2 + 1),
    lambda n: stopped(at(n), at(20)),
    lambda n: rescheduled(at(20), at(20 + n)),
    lambda n: f.TaskAssigned(**move(), task=n, unit=BUREAU),
    lambda n: f.ConfidentialitySet(**move(), posts=("chief",) if n % 2 else ()),
    lambda n: f.RecusalDeclared(**move(), unit=VILLAGE if n % 2 else None, person=None),
)
histories = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.lists(st.tuples(st.integers(0, len(FACTS) - 1), HOUR), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=16,
)


def counted(connection: Connection, scope: Scope, unit: str, by: Any, **more: Any) -> Counts:  # noqa: ANN401
    asked = Asked(scope=scope, units=(unit,), now=FAR, **more)
    return count(connection, asked, by, SINCE, UNTIL)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, batch=st.integers(1, 9))
def test_counters_say_what_counting_the_rows_would_say(
    fresh_district: Database, history: list[Any], batch: int
) -> None:
    clear(fresh_district)
    teller = Teller()
    store(
        fresh_district,
        [
            [teller.tell(name, FACTS[choice](n), at(n)) for choice, n in told]
            for name, told in history
        ],
    )
    follow(fresh_district, batch=batch)
    with fresh_district.connect() as connection:
        for scope in SCOPES:
            for unit in {scope.unit or DISTRICT, "village"}:
                for by in GROUPS:
                    now = counted(connection, scope, unit, by)
                    rows = counted(connection, scope, unit, by, known_at=FAR)
                    assert not rows.counters
                    assert now.groups == rows.groups
                # With a second parent, whatever it is, no counter is read.
                counting = structs.replace(scope, shared=(*scope.shared, "nowhere"))
                for hour in HOURS:
                    stands = stood(connection, scope, unit, hour)
                    assert stands == stood(connection, counting, unit, hour)
            for name in ("cases", "deadlines"):
                for filters, hour in FILTERS:
                    said, counted_so = (
                        ledger.summary(connection, scope=scope, filters=filters, now=at(hour))
                        for ledger in (LEDGERS[name], by_rows(name))
                    )
                    assert said == counted_so


def stood(connection: Connection, scope: Scope, unit: str, hour: float) -> Standing:
    return standing(connection, Asked(scope=scope, units=(unit,), now=at(hour)))


def by_rows(name: str) -> Ledger[Any, Any]:
    """Return a ledger that counts its rows where it could read counters."""
    return replace(LEDGERS[name], from_stock=None)


def clear(district: Database) -> None:
    """Empty the district: Hypothesis tells many histories in one test."""
    tables = [table for one in LEDGERS.values() for table in one.tables.names.values()]
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        listed = ", ".join(["event", "command", "personal", "checkpoint", *tables])
        connection.execute(f"TRUNCATE {listed}".encode())
        connection.execute(
            "UPDATE ledger SET position = 0, reference_head = 0, last_recorded_at = '2000-01-01Z'"
        )


@pytest.fixture
def told(district: Database) -> Database:
    """Two cases: one of the village, closed late; one of another town, open and overdue."""
    teller = Teller()
    here = reported("n1", place=VILLAGE, category="road")
    spot = f.Location("wgs84", 1073912345, 345678912)
    there = reported("n2", place=OTHER, holder=OTHER, category="water", location=spot)
    store(
        district,
        [
            [teller.tell(1, here, at(0)), teller.tell(1, started(at(20)), at(0))],
            [teller.tell(2, there, at(24)), teller.tell(2, started(at(30)), at(24))],
            [teller.tell(1, closed(), at(26)), teller.tell(1, stopped(at(26), at(20)), at(26))],
        ],
    )
    follow(district)
    return district


def test_days_are_days_of_beijing_and_carry_their_counts(told: Database) -> None:
    with told.connect() as connection:
        found = counted(connection, ALL_SEEING, DISTRICT, "day")
    assert found.counters
    assert found.groups["2026-03-02"]["received"] == 1
    assert found.groups["2026-03-03"] == {
        "received": 1, "ended": 1, "closed": 1, "falling_due": 2,
        "on_time": 0, "late": 1, "breached": 0,
    }  # fmt: skip


def test_a_unit_is_told_of_its_own_cases_only(told: Database) -> None:
    with told.connect() as connection:
        found = counted(connection, Scope("town"), "town", "category")
        stands = standing(connection, Asked(scope=Scope("town"), units=("town",), now=at(40)))
        others = standing(connection, Asked(scope=Scope("other"), units=("other",), now=at(40)))
    assert list(found.groups) == ["road"]
    assert (stands.open, stands.overdue) == (0, 0)
    assert (others.open, others.overdue, others.by_phase) == (1, 1, {"discovery": 1})


def test_as_of_a_moment_the_rows_are_counted(told: Database) -> None:
    with told.connect() as connection:
        early = counted(connection, ALL_SEEING, DISTRICT, "month", as_of=at(1))
        asked = Asked(scope=ALL_SEEING, units=(DISTRICT,), now=FAR, as_of=at(25))
        stands = standing(connection, asked)
    assert early.groups == {
        "2026-03": {
            "received": 1, "ended": 0, "closed": 0, "falling_due": 1,
            "on_time": 0, "late": 0, "breached": 0,
        }
    }  # fmt: skip
    assert (stands.open, stands.overdue, stands.due_within_a_day) == (2, 1, 1)


def test_a_rebuild_gives_the_same_counters(told: Database) -> None:
    with told.connect() as connection:
        before = connection.execute("TABLE cases_counts").fetchall()
        stock = connection.execute("TABLE deadlines_stock").fetchall()
        connection.execute("UPDATE cases_counts SET received = 7")
        connection.execute("UPDATE deadlines_stock SET number = 7")
    for name in ("cases", "deadlines"):
        rebuild(told, LEDGERS[name])
    with told.connect() as connection:
        assert sorted(connection.execute("TABLE cases_counts").fetchall()) == sorted(before)
        assert sorted(connection.execute("TABLE deadlines_stock").fetchall()) == sorted(stock)


def test_a_summary_of_now_reads_counters_where_they_can_tell(told: Database) -> None:
    with told.connect() as connection:
        connection.execute("UPDATE deadlines_stock SET number = number + 7")

        def received(scope: Scope, **filters: str) -> int:
            ledger = LEDGERS["deadlines"]
            return int(ledger.summary(connection, scope=scope, filters=filters)["received"])

        assert received(ALL_SEEING) > 2
        assert received(ALL_SEEING, category="road") == 1
        assert received(Scope("town", shared=("other",))) == 2


def test_the_map_shows_cells_and_within_the_scope_only(told: Database) -> None:
    runner = Runner(told, [PlaceTable()])
    runner.run_until(6)
    runner.close()
    with told.connect() as connection:
        coarse = layer(connection, ALL_SEEING, {}, step=100_000, now=FAR)
        fine = layer(connection, ALL_SEEING, {"open": True}, step=1_000, now=FAR)
        nothing = layer(connection, Scope("town"), {}, step=1_000, now=FAR)
    assert [(one.longitude, one.latitude) for one in coarse.cells] == [(1073950000, 345650000)]
    assert [(one.cases, one.open) for one in fine.cells] == [(1, 1)]
    assert nothing.cells == []


def test_the_counters_of_units_add_up_in_the_county(told: Database) -> None:
    with told.connect() as connection:
        asked = Asked(scope=Scope(), units=(COUNTY.id, TOWN.id, OTHER.id), now=FAR)
        found = count(connection, asked, "unit", SINCE, UNTIL)
    assert {key: one["received"] for key, one in found.groups.items()} == {
        "county": 2,
        "town": 1,
        "other": 1,
    }
