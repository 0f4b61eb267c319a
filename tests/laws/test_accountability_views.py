"""Who answered on that day: the views equal the domain's matrix, of every recorded history."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import facts as f
from domain.accountability_matrix import Cell, matrix
from domain.case import Case, blank
from domain.directory import Directory
from domain.evolve import fold
from domain.kind import Kind
from eventlog.appender import NewEvent
from eventlog.database import Database
from projections.accountability import PARTS, STATUSES, Asked, empty, groups, page
from projections.accountability_cells import LineCell, Who, cells_of
from projections.accountability_sql import SUMS
from tests.support import accountable as a
from tests.support import given as g
from tests.support.accountable_histories import ACCOUNTABLE_HISTORIES
from tests.support.stories import Teller, case_id, follow, store

GOLDEN = Path(__file__).parents[1] / "golden"
TELLS = {"leader-fixed", "measures-fixed", "deadline-fixed", "responsibility-fixed", "duty-taken"}
LAWS = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Told = tuple[tuple[f.Fact, datetime], ...]
POSTS = [f"post-{name}" for name, *_ in a.POSTS]


@cache
def histories() -> Mapping[str, Told]:
    """Return every recorded history in which somebody answers, and the stories of 四定三包."""
    found: dict[str, Told] = {
        name: tuple((draft.fact, draft.occurred_at) for draft in story().history)
        for name, story in ACCOUNTABLE_HISTORIES.items()
    }
    shapes = {(fact.TYPE, fact.SCHEMA): fact for fact in f.FACTS}
    for path in sorted(GOLDEN.glob("*/*.json")):
        facts: list[Any] = []
        if path.parent.name != "facts":
            facts = json.loads(path.read_text("utf-8"))["facts"]
        if TELLS & {one["type"] for one in facts}:
            found[f"golden/{path.parent.name}/{path.stem}"] = tuple(
                (
                    msgspec.convert(one["data"], shapes[one["type"], one["schema"]]),
                    msgspec.convert(one["occurred_at"], datetime),
                )
                for one in facts
            )
    return found


@cache
def kinds() -> Mapping[str, Kind]:
    """Return the kind by which all of them are asked: stories are stored under one hash."""
    kind = g.Story("closed-loop").kind
    return {"hash": msgspec.structs.replace(kind, hash="hash")}


def tell(district: Database, *, one_by_one: bool = False) -> None:
    teller = Teller()
    requests: list[list[NewEvent]] = []
    for name, told in histories().items():
        events = [teller.tell(name, fact, at) for fact, at in told]
        requests += [[event] for event in events] if one_by_one else [events]
    store(district, requests)
    follow(district, batch=7)


def folded(name: str, moment: datetime) -> Case:
    """Return a case as of a moment: by the facts that had occurred."""
    told = [(fact, at) for fact, at in histories()[name] if at <= moment]
    return fold(blank(case_id(name), "hash"), told)


def seen(
    district: Database, moment: datetime, directory: Directory, **filters: str
) -> dict[str, tuple[LineCell, ...]]:
    """Return the cells of every case that the view shows, by its id."""
    wanted = {"open": "all"} | filters
    asked = Asked(scope=None, kinds=kinds(), directory=directory, filters=wanted, as_of=moment)
    with district.connect() as connection:
        found = page(connection, asked, limit=200)
    return {str(one["case_id"]): cells_of(one, directory, moment) for one in found.items}


def told_of(cell: Cell) -> tuple[Any, ...]:
    who = tuple(Who(one.post, one.person, one.unit.id if one.unit else None) for one in cell.who)
    return (cell.part, cell.status, who, cell.since, cell.due, cell.vacant, cell.done, cell.total)


def shown_of(cell: LineCell) -> tuple[Any, ...]:
    rest = (cell.since, cell.due, cell.vacant, cell.done, cell.total)
    return (cell.part, cell.status, cell.who, *rest)


def moments() -> st.SearchStrategy[datetime]:
    """Draw moments at, just before and just after something happened, and long after."""
    known = sorted({at for told in histories().values() for _, at in told})
    near = st.tuples(st.sampled_from(known), st.sampled_from([-1, 0, 1, 3600, 86_400, 86_400 * 40]))
    return near.map(lambda pair: pair[0] + timedelta(seconds=pair[1]))


def directories() -> st.SearchStrategy[Directory]:
    """Draw directories in which a post changes hands, or falls vacant, on some day."""
    day = st.dates(date(2026, 10, 9), date(2026, 11, 20))
    return st.lists(st.tuples(st.sampled_from(POSTS), day), max_size=3).map(
        lambda left: a.directory(*((post, "somebody", a.LONG_AGO, until) for post, until in left))
    )


def test_on_any_day_each_line_is_the_matrix_of_its_case(district: Database) -> None:
    tell(district)

    @LAWS
    @given(moment=moments(), directory=directories())
    def holds(moment: datetime, directory: Directory) -> None:
        found = seen(district, moment, directory)
        for name in histories():
            case = folded(name, moment)
            wanted = [told_of(cell) for cell in matrix(case, directory, moment)]
            shown = found.get(case_id(name))
            if shown is None:
                assert {one[1] for one in wanted} <= {"missing"}
                assert not kinds()["hash"].accountability.slots_at(case.severity)  # type: ignore[union-attr]
            else:
                assert [shown_of(cell) for cell in shown] == wanted, name

    holds()


def test_on_any_day_the_sums_by_leader_unit_and_kind_are_the_sums_over_cases(
    district: Database,
) -> None:
    tell(district)

    @LAWS
    @given(moment=moments(), directory=directories())
    def holds(moment: datetime, directory: Directory) -> None:
        lines = seen(district, moment, directory)
        wanted = empty() | {"cases": len(lines)}
        for cells in lines.values():
            for cell in cells:
                counts = cell.required or cell.status != "missing"
                wanted[cell.status] += counts
                wanted["vacant"] += cell.vacant
                wanted["breached"] += cell.breached_at is not None
        asked = Asked(
            scope=None,
            kinds=kinds(),
            directory=directory,
            filters={"open": "all"},
            as_of=moment,
        )
        with district.connect() as connection:
            for by in ("leader", "unit", "kind", "category", "campaign"):
                found = groups(connection, asked, by).items.values()
                names = ("cases", "missing", *SUMS)
                summed = {n: sum(one.cases.get(n, 0) for one in found) for n in names}
                assert summed == {name: wanted[name] for name in names}, by

    holds()


def test_each_filter_finds_the_cases_that_have_such_a_cell(district: Database) -> None:
    tell(district)

    @settings(LAWS, max_examples=6)
    @given(moment=moments(), directory=directories())
    def holds(moment: datetime, directory: Directory) -> None:
        lines = seen(district, moment, directory)
        for status in STATUSES:
            like = {
                case
                for case, cells in lines.items()
                if any(
                    one.status == status and (one.required or status != "missing") for one in cells
                )
            }
            assert set(seen(district, moment, directory, status=status)) == like
        vacant = {case for case, cells in lines.items() if any(one.vacant for one in cells)}
        assert set(seen(district, moment, directory, vacant="true")) == vacant
        late = {case for case, cells in lines.items() if cells[0].status == "late"}
        found = seen(district, moment, directory, part=PARTS[0], status="late")
        assert set(found) == late

    holds()
