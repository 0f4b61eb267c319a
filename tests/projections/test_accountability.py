"""四定三包台账: given facts, these rows; terms, breaches and campaigns, as of and as known."""

from datetime import datetime
from typing import Any

from domain import facts as f
from domain.actor import Actor, Role
from eventlog.database import Database
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.scope import scope_of
from tests.support import accountable as a
from tests.support import given as g
from tests.support.accountable_histories import accounted_for
from tests.support.stories import (
    BUREAU,
    OTHER,
    TOWN,
    VILLAGE,
    Teller,
    at,
    case_id,
    closed,
    follow,
    move,
    reported,
    started,
    store,
)

FOUR: dict[str, Any] = {"clock": "four_fixed", "scope": "", "cycle": 1, "sequence": 1}
DUE = at(10)


def four() -> f.ClockStarted:
    return started(DUE, total=False, clock="four_fixed")


def leader(post: str, since: datetime, unit: f.Unit = TOWN) -> f.LeaderFixed:
    return f.LeaderFixed(
        **move(), post=post, person=f"of-{post}", unit=unit, since=since, previous=None
    )


def taken(duty: str, unit: f.Unit = BUREAU) -> f.DutyTaken:
    return f.DutyTaken(
        **move(),
        duty=duty,
        post=None,
        person=None,
        unit=unit,
        since=at(3),
        until=at(9),
        watch_until=None,
        previous=None,
    )


def breached(parts: tuple[f.Answerable, ...]) -> f.DeadlineBreached:
    return f.DeadlineBreached(
        **FOUR, due=DUE, effective_at=DUE, detected_at=at(11), answerable=TOWN, posts=parts
    )


def tell(district: Database, *told: tuple[f.Fact, float], name: object = 0) -> Teller:
    teller = Teller()
    store(district, [[teller.tell(name, fact, at(hours)) for fact, hours in told]])
    follow(district)
    return teller


def rows(district: Database, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as page() has it
    wanted: dict[str, Any] = {"scope": None, "filters": {"sort": "part"}, "limit": 50} | asked
    with district.connect() as connection:
        return ACCOUNTABILITY.page(connection, **wanted).items


def shown(district: Database, *columns: str, **asked: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    return [tuple(row[column] for column in columns) for row in rows(district, **asked)]


def test_a_case_without_any_of_it_is_none_of_the_ledgers(district: Database) -> None:
    tell(district, (reported(), 0), (closed(), 1), (f.CaseReopened(**move(), cycle=2), 2))
    with district.connect() as connection:
        kept = connection.execute("SELECT count(*) FROM accountability_state").fetchone()
    assert (rows(district), kept) == ([], (0,))


def test_the_clock_of_the_four_says_what_is_missing_and_by_when(district: Database) -> None:
    tell(district, (reported(), 0), (four(), 1))
    assert shown(district, "part", "status", "due") == [
        ("deadline", "missing", DUE),
        ("leader", "missing", DUE),
        ("measures", "missing", DUE),
        ("responsibility", "missing", DUE),
    ]
    warned = f.ThresholdReached(**FOUR, threshold="80%", effective_at=at(8), detected_at=at(8))
    tell(district, (reported(), 0), (four(), 1), (warned, 8), name=1)
    found = shown(district, "part", filters={"status": "at_risk", "sort": "part"})
    assert found == [("deadline",), ("leader",), ("measures",), ("responsibility",)]


def test_each_leader_has_a_term_and_what_was_recorded_later_wins(district: Database) -> None:
    tell(
        district,
        (reported(), 0),
        (leader("first", at(1)), 1),
        (leader("second", at(20)), 2),
        (leader("third", at(8)), 3),
    )
    assert shown(district, "post", "person", "since", "until", "units") == [
        ("first", "of-first", at(1), at(8), ["town"]),
        ("second", "of-second", at(20), at(8), ["town"]),
        ("third", "of-third", at(8), None, ["town"]),
    ]


def test_a_breach_freezes_who_answers_for_what_lacked_then(district: Database) -> None:
    posts = (f.Answerable("first", "of-first"), f.Answerable("second", None))
    told = [(reported(), 0), (four(), 1), (leader("first", at(2)), 2), (breached(posts), 11)]
    teller = tell(district, *told)
    columns = ("part", "breached_at", "breach_unit", "breach_posts", "breach_persons")
    frozen = (DUE, "town", ["first", "second"], ["of-first", ""])
    assert shown(district, *columns, filters={"breached": "true", "sort": "part"}) == [
        ("deadline", *frozen),
        ("measures", *frozen),
        ("responsibility", *frozen),
    ]
    measures = f.MeasuresFixed(**move(), edition=1, owners=(BUREAU, BUREAU))
    store(
        district, [[teller.tell(0, measures, at(12)), teller.tell(0, leader("x", at(13)), at(13))]]
    )
    follow(district)
    [late] = rows(district, filters={"part": "measures"})
    assert (late["status"], late["units"], late["total"]) == ("set", ["bureau"], 2)
    assert (late["breached_at"], late["breach_posts"]) == (DUE, ["first", "second"])


def test_a_breach_that_does_not_stand_freezes_nobody(district: Database) -> None:
    voided = f.BreachVoided(**FOUR, due=DUE, reason="misgraded")
    tell(district, (reported(), 0), (four(), 1), (breached(()), 11), (voided, 12))
    assert {row["breached_at"] for row in rows(district)} == {None}


def test_duties_are_taken_failed_and_for_a_new_cycle_to_take(district: Database) -> None:
    failed = f.DutyFailed(**move(), duty="handling", reason="no_contact")
    again = f.CaseReopened(**move("closed", "b"), cycle=2)
    tell(
        district,
        (reported(), 0),
        (taken("handling"), 3),
        (taken("stability"), 3),
        (failed, 4),
        (closed(), 5),
        (again, 6),
    )
    columns = ("part", "status", "units", "due")
    wanted: list[Any] = [("handling", "missing", [], None), ("stability", "set", ["bureau"], at(9))]
    assert shown(district, *columns) == wanted
    as_of = shown(district, "part", "status", "since", as_of=at(5))
    assert as_of == [("handling", "failed", at(4)), ("stability", "set", at(3))]


def test_a_successor_stands_in_the_place_of_whoever_answers_from_then_on(
    district: Database,
) -> None:
    passed = f.UnitsSucceeded(
        **move("b", "b"), division="2026-1", units=(f.UnitPassed("town", OTHER),), recused=()
    )
    told = [(reported(), 0), (leader("one", at(1)), 1), (taken("handling", TOWN), 3), (passed, 5)]
    tell(district, *told)
    assert shown(district, "part", "units") == [("handling", ["other"]), ("leader", ["other"])]
    assert shown(district, "units", as_of=at(4)) == [(["town"],), (["town"],)]


def test_a_campaign_is_a_row_that_says_so(district: Database) -> None:
    listed = f.DataRecorded(**move(), data={"campaign": "petition_backlog"})
    tell(district, (reported(data={"campaign": "hazard_remediation"}), 0), (listed, 2))
    wanted = [("campaign", "petition_backlog")]
    assert shown(district, "part", "campaign") == wanted
    assert shown(district, "part", "campaign", filters={"campaign": "petition_backlog"}) == wanted
    assert shown(district, "campaign", as_of=at(1)) == [("hazard_remediation",)]


def test_what_was_known_before_is_shown_as_it_was(district: Database) -> None:
    teller = Teller()
    store(district, [[teller.tell(0, reported(), at(0)), teller.tell(0, four(), at(1))]])
    with district.connect() as connection:
        known = connection.execute("SELECT last_recorded_at FROM ledger").fetchone()
    store(district, [[teller.tell(0, leader("one", at(2)), at(2))]])
    follow(district)
    assert known
    assert shown(district, "post", filters={"part": "leader"}, known_at=known[0]) == [(None,)]
    now = shown(district, "post", "until", filters={"part": "leader"})
    assert sorted(now, key=str) == [("one", None), (None, at(2))]


def test_the_summary_counts_what_is_in_effect_and_what_is_late(district: Database) -> None:
    tell(district, (reported(), 0), (four(), 1), (leader("one", at(2)), 2), (taken("handling"), 3))
    with district.connect() as connection:
        early = ACCOUNTABILITY.summary(connection, scope=None, filters={}, now=at(5))
        late = ACCOUNTABILITY.summary(connection, scope=None, filters={}, now=at(11))
    assert (early["total"], early["by_status"]) == (5, {"missing": 3, "set": 2})
    assert late["by_status"] == {"late": 4, "set": 1}
    assert late["by_part"]["leader"] == {"set": 1}


def test_a_foreign_community_sees_neither_rows_nor_counts(district: Database) -> None:
    tell(district, (reported(place=VILLAGE), 0), (four(), 1), (taken("handling"), 3))
    asked: dict[str, Any] = {"filters": {}, "now": at(20)}
    for unit, seen in ((VILLAGE, 5), (OTHER, 0)):
        actor = Actor(role=Role.COMMUNITY_OFFICER, unit=unit.id, within=unit.path)
        scope = scope_of(actor)
        with district.connect() as connection:
            then: dict[str, Any] = {**asked, "as_of": at(15)}
            for more in (asked, then):
                page = ACCOUNTABILITY.page(connection, scope=scope, limit=9, **more)
                counts = ACCOUNTABILITY.summary(connection, scope=scope, **more)
                exported = list(ACCOUNTABILITY.rows(connection, scope=scope, **more))
                assert (len(page.items), counts["total"], len(exported)) == (seen, seen, seen)


def test_a_whole_course_ends_with_what_became_of_each_part(district: Database) -> None:
    story = accounted_for()
    teller = Teller()
    events = [teller.tell(0, draft.fact, draft.occurred_at) for draft in story.history]
    store(district, [[event] for event in events])
    follow(district, batch=3)
    found = {(row["part"], row["post"]): row for row in rows(district)}
    assert found["investigation", "post-cadre"]["status"] == "fulfilled"
    assert found["stability", "post-cadre"]["done"] == 1
    assert found["leader", "post-chief"]["until"] == found["leader", "post-deputy"]["since"]
    assert found["deadline", None]["breached_at"] is not None
    assert found["deadline", None]["breach_posts"][0] == "post-chief"
    assert found["deadline", None]["breach_persons"][0] == a.CHIEF
    assert found["measures", None]["breached_at"] is None
    assert {row["id"] for row in rows(district)} == {case_id(0)}
    assert g.CASE_ID not in str(found)
