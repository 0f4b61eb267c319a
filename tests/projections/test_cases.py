"""事项台账: what its rows say, who sees them, and how they are paged."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import facts as f
from domain.errors import NaiveTime, UnknownField, UnknownParameter
from eventlog.database import Connection, Database
from projections.ledger import Ledger, Page
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.query import BadCursor
from tests.support.stories import (
    BUREAU,
    COUNTY,
    OTHER,
    TOWN,
    UNITS,
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


def page(connection: Connection, **asked: Any) -> Page:  # noqa: ANN401 - passed on
    return CASES.page(connection, **{"scope": None, "filters": {}, "limit": 100, **asked})


def ids(found: Page) -> list[str]:
    return [item["id"] for item in found.items]


def tell_one(district: Database) -> None:
    """Report in the village, accept in town, assign to the bureau, close."""
    teller = Teller()
    source = f.SourceReference("board", "7019")
    told = [
        (reported("610327-2026-0000001", source=source, holder=VILLAGE), 0, ["title"]),
        (f.CaseAccepted(**move("reported", "accepted"), accepted_by=TOWN), 1, []),
        (
            f.CaseGraded(
                **move("accepted", "graded"), severity="serious", urgency="urgent", tier="town"
            ),
            2,
            [],
        ),
        (
            f.CaseAssigned(
                **move("graded", "handling", BUREAU), lead=BUREAU, assisting=(), informed=()
            ),
            3,
            [],
        ),
        (closed("solved"), 5, []),
    ]
    store(district, [[teller.tell(1, fact, at(h), texts=texts)] for fact, h, texts in told])
    follow(district)


def test_a_row_says_where_a_case_stands(district: Database) -> None:
    tell_one(district)
    with district.connect() as connection:
        found = page(connection)
    (item,) = found.items
    assert item == {
        "id": case_id(1),
        "number": "610327-2026-0000001",
        "title": 1,
        "kind": "public-reply",
        "stage": "closed",
        "phase": "discovery",
        "category": None,
        "severity": "serious",
        "urgency": "urgent",
        "tier": "town",
        "place": "village",
        "holder": "town",
        "lead": "bureau",
        "accepted_by": "town",
        "reported_at": at(0),
        "closed_at": at(5),
        "ended_at": at(5),
        "outcome": "solved",
        "cycle": 1,
        "rework": 0,
        "version": 5,
        "source_system": "board",
        "source_id": "7019",
        "changed_at": at(5),
    }
    assert (found.position, found.next, found.final) == (5, None, False)


def test_as_of_a_moment_the_case_stands_where_it_stood_then(district: Database) -> None:
    tell_one(district)
    with district.connect() as connection:
        stages = [
            [item["stage"] for item in page(connection, as_of=at(hours)).items]
            for hours in (-1, 0, 1.5, 3, 4.9, 5, 100)
        ]
    assert stages == [
        [],
        ["reported"],
        ["accepted"],
        ["handling"],
        ["handling"],
        ["closed"],
        ["closed"],
    ]


def test_known_at_shows_what_the_ledger_showed_and_whether_that_is_final(
    district: Database,
) -> None:
    teller = Teller()
    store(district, [[teller.tell(1, reported(), at(0))]], now=at(10))
    store(district, [[teller.tell(1, closed(), at(1))]], now=at(20))
    follow(district)
    with district.connect() as connection:
        then = page(connection, known_at=at(15), now=at(30))
        later = page(connection, known_at=at(25), now=at(24))
        both = page(connection, known_at=at(15), as_of=at(2), now=at(30))
    assert [item["stage"] for item in then.items] == ["reported"]
    assert (then.position, then.final) == (1, True)
    assert [item["stage"] for item in later.items] == ["closed"]
    assert (later.position, later.final) == (2, False)
    assert [item["stage"] for item in both.items] == ["reported"]


def test_an_answer_is_not_final_while_the_ledger_lags(district: Database) -> None:
    teller = Teller()
    store(district, [[teller.tell(1, reported(), at(0))]], now=at(10))
    follow(district)
    store(district, [[teller.tell(1, closed(), at(1))]], now=at(20))
    with district.connect() as connection:
        lagging = page(connection, known_at=at(25), now=at(90))
    assert (lagging.position, lagging.final) == (1, False)


@pytest.mark.parametrize(
    ("fact", "outcome"),
    [
        (closed("solved"), "solved"),
        (f.CaseHandledOnTheSpot(**move()), "handled-on-the-spot"),
        (f.CaseNotAccepted(**move(), reason="r"), "not-accepted"),
        (f.CaseWithdrawn(**move()), "withdrawn"),
    ],
)
def test_every_ending_ends_and_a_reopening_opens_again(
    district: Database, fact: f.Fact, outcome: str
) -> None:
    teller = Teller()
    store(district, [[teller.tell(1, reported(), at(0))], [teller.tell(1, fact, at(1))]])
    reopened = f.CaseReopened(**move("closed", "b"), cycle=2)
    store(district, [[teller.tell(1, reopened, at(2))]])
    follow(district)
    with district.connect() as connection:
        ended = page(connection, as_of=at(1)).items[0]
        again = page(connection).items[0]
    assert (ended["ended_at"], ended["outcome"]) == (at(1), outcome)
    assert (again["ended_at"], again["outcome"], again["cycle"]) == (None, None, 2)


def test_a_correction_changes_the_past_and_known_at_still_shows_the_error(
    district: Database,
) -> None:
    teller = Teller()
    corrected = f.CaseCorrected(
        **move("reported", "reported"),
        fields=("place",),
        reported_at=at(0),
        place=OTHER,
        category="c",
        content=None,
        data={},
    )
    store(district, [[teller.tell(1, reported(), at(0))]], now=at(10))
    store(district, [[teller.tell(1, closed(), at(5))]], now=at(11))
    store(district, [[teller.tell(1, corrected, at(0))]], now=at(20))
    follow(district)
    with district.connect() as connection:
        now = page(connection, as_of=at(1)).items[0]
        then = page(connection, as_of=at(1), known_at=at(15)).items[0]
        mine = page(connection, as_of=at(1), known_at=at(15), scope="village").items
        theirs = page(connection, as_of=at(1), scope="village").items
    assert (now["place"], then["place"]) == ("other", "village")
    assert (len(mine), len(theirs)) == (1, 0)


def test_a_case_is_seen_by_whoever_has_a_part_in_it_and_those_above(district: Database) -> None:
    teller = Teller()
    assigned = f.CaseAssigned(**move(), lead=BUREAU, assisting=(OTHER,), informed=())
    store(district, [[teller.tell(1, reported(), at(0)), teller.tell(1, assigned, at(0))]])
    follow(district)
    with district.connect() as connection:
        seen = [len(page(connection, scope=unit.id).items) for unit in UNITS]
        strangers = len(page(connection, scope="stranger").items)
    assert seen == [1, 1, 1, 1, 1]
    assert strangers == 0


PLACES = st.lists(st.sampled_from(UNITS), min_size=1, max_size=12)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(places=PLACES, limit=st.integers(1, 4), data=st.data())
def test_no_scope_ever_sees_a_foreign_row(
    district: Database, places: list[f.Unit], limit: int, data: st.DataObject
) -> None:
    scope = data.draw(st.sampled_from(["county", "town", "village", "other", "bureau", "nobody"]))
    moments: dict[str, Any] = data.draw(
        st.sampled_from([{}, {"as_of": at(50)}, {"known_at": at(99)}])
    )
    with district.connect() as connection:
        first = connection.execute("SELECT count(*) FROM cases").fetchone()
        assert first
    teller, base = Teller(), f"{first[0]}-{len(places)}-{data.draw(st.uuids())}"
    store(
        district,
        [
            [
                teller.tell((base, n), reported(f"{n}", place=place, holder=place), at(n)),
                teller.tell((base, n), started(at(60 + n)), at(n)),
            ]
            for n, place in enumerate(places)
        ],
    )
    follow(district)
    with district.connect() as connection:
        own = {
            row[0]
            for row in connection.execute(
                "SELECT case_id::text FROM cases WHERE %s = ANY(visible_to)", (scope,)
            )
        }
        for ledger in (CASES, DEADLINES):
            assert paged(connection, ledger, scope, limit, moments) == sorted(own)
            rows = ledger.rows(connection, scope=scope, filters={}, **moments)
            assert sorted(row["id"] for row in rows) == sorted(own)
            counts = ledger.summary(connection, scope=scope, filters={}, now=at(99), **moments)
            assert counts.get("total", counts.get("received")) == len(own)


def paged(
    connection: Connection,
    ledger: Ledger[Any, Any],
    scope: str,
    limit: int,
    moments: dict[str, Any],
) -> list[str]:
    """Return the ids of all pages together; none may repeat."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        each = ledger.page(
            connection, scope=scope, filters={}, limit=limit, cursor=cursor, **moments
        )
        assert len(each.items) <= limit
        found += ids(each)
        cursor = each.next
        if cursor is None:
            return sorted(found)


@pytest.mark.parametrize("sort", ["reported_at", "-reported_at", "changed_at", "number", "-number"])
def test_pages_follow_the_order_without_gap_or_double(district: Database, sort: str) -> None:
    teller = Teller()
    store(district, [[teller.tell(n, reported(f"n{n % 3}"), at(n % 2))] for n in range(7)])
    follow(district)
    with district.connect() as connection:
        whole = page(connection, filters={"sort": sort})
        pieces: list[str] = []
        cursor: str | None = None
        for _ in range(10):
            piece = page(connection, filters={"sort": sort}, limit=2, cursor=cursor)
            pieces += ids(piece)
            cursor = piece.next
            if cursor is None:
                break
    values = [item[sort.removeprefix("-")] for item in whole.items]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert pieces == ids(whole)
    assert len(pieces) == 7


def cases_by_filter(connection: Connection, **filters: str) -> int:
    return len(page(connection, filters=filters).items)


def test_filters_take_lists_times_flags_and_units(district: Database) -> None:
    teller = Teller()
    store(
        district,
        [
            [teller.tell(1, reported("n1", category="noise"), at(0))],
            [teller.tell(2, reported("n2", category="water", place=OTHER, holder=OTHER), at(30))],
            [teller.tell(2, closed(), at(31))],
        ],
    )
    follow(district)
    with district.connect() as connection:
        assert cases_by_filter(connection, category="noise") == 1
        assert cases_by_filter(connection, category="noise,water") == 2
        assert cases_by_filter(connection, category="noise' OR 'a'='a") == 0
        assert cases_by_filter(connection, open="true") == 1
        assert cases_by_filter(connection, open="false", outcome="solved") == 1
        assert cases_by_filter(connection, unit="village") == 1
        assert cases_by_filter(connection, unit="county") == 2
        assert cases_by_filter(connection, reported_from=at(30).isoformat()) == 1
        assert cases_by_filter(connection, reported_before=at(30).isoformat()) == 1


@pytest.mark.parametrize(
    ("filters", "refusal"),
    [
        ({"colour": "red"}, UnknownParameter),
        ({"visible_to": "x"}, UnknownParameter),
        ({"open": "maybe"}, UnknownField),
        ({"sort": "visible_to"}, UnknownField),
        ({"category": "a\0b"}, UnknownField),
        ({"reported_from": "yesterday"}, NaiveTime),
        ({"reported_from": "2026-03-02T00:00:00"}, NaiveTime),
    ],
)
def test_what_is_not_understood_is_refused(
    district: Database, filters: dict[str, str], refusal: type[Exception]
) -> None:
    with district.connect() as connection, pytest.raises(refusal):
        page(connection, filters=filters)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "§",
        encoded("{}"),
        encoded('["-reported_at", "yesterday", "x", ""]'),
        encoded(f'["reported_at", "2026-03-02T00:00:00+00:00", "{case_id(1)}", ""]'),
        encoded(f'["-reported_at", "2026-03-02T00:00:00", "{case_id(1)}", ""]'),
        encoded(f'["-reported_at", "2026-03-02T00:00:00+00:00", "{case_id(1)}", "\\u0000"]'),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(district: Database, cursor: str) -> None:
    with district.connect() as connection, pytest.raises(BadCursor) as refused:
        page(connection, cursor=cursor)
    assert refused.value.code == "bad-cursor"


def test_the_summary_counts_open_and_closed_by_kind_and_stage(district: Database) -> None:
    tell_one(district)
    store(district, [[Teller().tell(2, reported(kind="closed-loop"), at(1))]])
    follow(district)
    with district.connect() as connection:
        counts = CASES.summary(connection, scope=None, filters={}, now=at(9))
        before = CASES.summary(connection, scope=None, filters={}, as_of=at(0), now=at(9))
        county = CASES.summary(connection, scope=COUNTY.id, filters={"open": "true"}, now=at(9))
    assert counts == {
        "as_of": at(9),
        "total": 2,
        "open": 1,
        "closed": 1,
        "by_kind": {"closed-loop": 1, "public-reply": 1},
        "by_stage": {"closed": 1, "reported": 1},
        "position": 6,
        "final": False,
    }
    assert (before["total"], before["open"], before["closed"]) == (1, 1, 0)
    assert county["total"] == 1
