"""承接单位 in ledgers: who stands in a unit's place sees the case and answers for its clocks."""

from dataclasses import dataclass
from typing import Any

from domain import facts as f
from domain.actor import Actor, Role
from eventlog.database import Database
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.scope import scope_of
from tests.projections.test_deadlines import DUE, tell
from tests.support.stories import (
    BUREAU,
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    follow,
    move,
    reported,
    started,
    stopped,
    store,
)

HERE = f.Unit("here", ("county", "here"))


@dataclass(frozen=True)
class Names:
    """Which unit became which."""

    gone: f.Unit
    now: f.Unit


def succeeded(*units: Names, division: str = "2026-1", recused: Any = ()) -> f.UnitsSucceeded:  # noqa: ANN401 - a tuple
    return f.UnitsSucceeded(
        **move("b", "b"),
        division=division,
        units=tuple(f.UnitPassed(one.gone.id, one.now) for one in units),
        recused=recused,
    )


def clocks(district: Database) -> dict[str, Any]:
    with district.connect() as connection:
        found = DEADLINES.page(connection, scope=None, filters={}, limit=9).items
    return {str(one["clock"]): one["answerable"] for one in found}


def seen_from(district: Database, unit: f.Unit, *, recused: bool = False) -> int:
    actor = Actor(role=Role.TOWN_OFFICER, unit=unit.id, within=unit.path if recused else ())
    with district.connect() as connection:
        return len(CASES.page(connection, scope=scope_of(actor), filters={}, limit=9).items)


def test_open_clocks_bind_the_successor_and_those_that_ended_stay(district: Database) -> None:
    stage = started(DUE, total=False, answerable=BUREAU)
    tell(
        district,
        [(reported(), 0), (started(DUE, answerable=BUREAU), 0), (stage, 0)],
        [(stopped(at(1), DUE, clock="stage"), 1)],
        [(succeeded(Names(BUREAU, HERE)), 2)],
    )
    assert clocks(district) == {"total": "here", "stage": "bureau"}


def test_a_breach_keeps_who_answered_and_one_that_falls_away_binds_the_successor(
    district: Database,
) -> None:
    clock: dict[str, Any] = {"clock": "total", "scope": "", "cycle": 1, "sequence": 1}
    breach = f.DeadlineBreached(
        **clock, due=DUE, effective_at=DUE, detected_at=DUE, answerable=BUREAU
    )
    begun = [(reported(), 0), (started(DUE, answerable=BUREAU), 0), (breach, 1)]
    tell(district, begun, [(succeeded(Names(BUREAU, HERE)), 2)])
    assert clocks(district) == {"total": "bureau"}
    voided = f.BreachVoided(**clock, due=DUE, reason="misgraded")
    tell_more(district, len(begun) + 1, voided)
    assert clocks(district) == {"total": "here"}


def tell_more(district: Database, after: int, fact: f.Fact) -> None:
    teller = Teller()
    events = [teller.tell(1, fact, at(3)) for _ in range(after + 1)]
    store(district, [events[-1:]])
    follow(district)


def test_whoever_was_called_or_claimed_it_is_followed_by_the_successor(district: Database) -> None:
    called = f.WhistleBlown(**move(), whistle=1, call=1, unit=BUREAU, caller=TOWN)
    claimed = f.CaseClaimed(**move(), claimant=OTHER, person=None)
    tell(district, [(reported(), 0), (called, 0), (claimed, 0)])
    assert [seen_from(district, one) for one in (BUREAU, OTHER, HERE)] == [1, 1, 0]


def test_the_successors_see_what_those_before_them_saw(district: Database) -> None:
    called = f.WhistleBlown(**move(), whistle=1, call=1, unit=BUREAU, caller=TOWN)
    claimed = f.CaseClaimed(**move(), claimant=OTHER, person=None)
    passed = succeeded(Names(BUREAU, HERE), Names(OTHER, HERE))
    tell(district, [(reported(), 0), (called, 0), (claimed, 0), (passed, 1)])
    assert [seen_from(district, one) for one in (BUREAU, OTHER, HERE)] == [0, 0, 1]


def test_whoever_follows_a_recused_unit_does_not_see_the_case(district: Database) -> None:
    recusal = f.RecusalDeclared(**move(), unit=VILLAGE, person=None)
    passed = succeeded(recused=(f.RecusalPassed(VILLAGE.id, (HERE, TOWN)),))
    called = f.WhistleBlown(**move(), whistle=1, call=1, unit=HERE, caller=TOWN)
    tell(district, [(reported(), 0), (called, 0), (recusal, 0)])
    assert seen_from(district, HERE, recused=True) == 1
    tell_more(district, 3, passed)
    assert seen_from(district, HERE, recused=True) == 0
