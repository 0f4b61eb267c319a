"""考核指标: given facts, the numbers that were worked out by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import facts as f
from domain.directory import Directory, UnitEntry
from domain.errors import NotFound
from eventlog.appender import NewEvent
from eventlog.database import Database
from eventlog.reader import read_range
from eventlog.records import Record
from projections.indicators import SHIPPED, shipped_texts
from projections.indicators.answers import Answer, Line, Question, answer
from projections.indicators.drilling import Drilled, Page, drill
from projections.indicators.formula import BadFormula, Formula, read_formula
from projections.indicators.periods import read_period
from projections.ledgers.measures import MEASURES
from projections.measured import measure, unmeasured
from tests.projections.test_dashboards import clear
from tests.support.stories import (
    BUREAU,
    COUNTY,
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
    stopped,
    store,
)

LEVEL = {"county": "county", "town": "town", "other": "town", "village": "community"}
DIRECTORY = Directory(
    units={
        one.id: UnitEntry(
            id=one.id,
            code=one.id,
            name=f"{one.id}名",
            level=LEVEL.get(one.id, "department"),
            parent=one.path[-2] if len(one.path) > 1 else None,
            path=one.path,
        )
        for one in (COUNTY, TOWN, OTHER, VILLAGE, BUREAU)
    }
)
MARCH = read_period(1, "2026-03")
DAY = 24.0
NOW = at(40 * DAY)
"""Eleven days into April."""

Told = Sequence[tuple[f.Fact, float]]


def formula(name: str) -> Formula:
    return read_formula(shipped_texts()[name])


def tell(district: Database, *cases: Told) -> None:
    """Store cases, each a list of facts and the hour at which they occurred; a request each."""
    teller = Teller()
    requests: list[list[NewEvent]] = [
        [teller.tell(number, fact, at(hours))]
        for number, told in enumerate(cases)
        for fact, hours in told
    ]
    store(district, requests)
    follow(district)


def ask(district: Database, wanted: Formula | str, **question: Any) -> Answer:  # noqa: ANN401
    asked = formula(wanted) if isinstance(wanted, str) else wanted
    members: dict[str, Any] = {"scope": None, "period": MARCH, "now": NOW, **question}
    with district.connect() as connection:
        return answer(connection, asked, Question(**members), DIRECTORY)


def numbers(lines: Sequence[Line]) -> dict[str, tuple[str | None, str, int | None]]:
    return {
        one.key: (one.number.value, one.number.numerator, one.number.denominator) for one in lines
    }


def assigned(lead: f.Unit) -> f.CaseAssigned:
    return f.CaseAssigned(
        **move("reported", "assigned", lead), lead=lead, assisting=(), informed=()
    )


def handled(lead: f.Unit, due: float, stop: float | None, **members: Any) -> Told:  # noqa: ANN401
    """Tell a case reported at 0 and led by a unit, with its total clock."""
    told: list[tuple[f.Fact, float]] = [
        (reported(**members), 0),
        (started(at(due)), 0),
        (assigned(lead), 1),
    ]
    if stop is not None:
        told += [(closed(), stop), (stopped(at(stop), at(due)), stop)]
    return told


def test_on_time_is_the_share_of_what_fell_due_in_the_period(district: Database) -> None:
    tell(
        district,
        handled(BUREAU, due=100, stop=90),
        handled(BUREAU, due=100, stop=100),
        handled(BUREAU, due=100, stop=101),
        handled(TOWN, due=100, stop=None),
        handled(TOWN, due=60 * DAY, stop=None),
    )
    found = ask(district, "on-time-rate", by="unit")
    assert (found.total.number.value, found.total.number.denominator) == ("50.00", 4)
    assert numbers(found.lines) == {
        "bureau": ("66.67", "2", 3),
        "other": (None, "0", 0),
        "town": ("0.00", "0", 1),
        "village": (None, "0", 0),
    }
    assert found.formula == "on-time-rate@1.0.0"


SUPERVISED = {
    level: f.SupervisionRaised(**move(), level=level, previous=None) for level in ("yellow", "red")
}


def test_points_are_the_weighted_sum_of_what_happened_to_each_unit(district: Database) -> None:
    tell(
        district,
        handled(BUREAU, due=100, stop=90),
        handled(BUREAU, due=100, stop=95),
        handled(BUREAU, due=100, stop=110),
        [(reported(), 0), (assigned(TOWN), 1), (SUPERVISED["yellow"], 2), (SUPERVISED["red"], 3)],
        [
            (reported(), 0),
            (assigned(BUREAU), 1),
            (SUPERVISED["red"], 2),
            (f.AppealUpheld(**move(), appeal=1, ground="supervision"), 9),
        ],
    )
    found = {one.key: one.number for one in ask(district, "unit-points", by="unit").lines}
    assert (found["bureau"].value, found["bureau"].terms) == (
        "2",
        {"normal": 2, "yellow": 0, "red": 0},
    )
    assert (found["town"].value, found["town"].terms) == (
        "-15",
        {"normal": 0, "yellow": 1, "red": 1},
    )
    assert found["village"].value == "0"


def test_another_version_of_a_formula_gives_its_own_number(district: Database) -> None:
    tell(
        district,
        handled(BUREAU, due=100, stop=90),
        [(reported(), 0), (assigned(BUREAU), 1), (SUPERVISED["yellow"], 2)],
    )
    text = shipped_texts()["unit-points"]
    gentle = text.replace("1.0.0", "1.1.0").replace("weight: -5", 'weight: "-0.5"')
    gentle = gentle.replace("decimals: 0", "decimals: 1")
    assert ask(district, "unit-points").total.number.value == "-4"
    other = ask(district, read_formula(gentle))
    assert (other.total.number.value, other.formula) == ("0.5", "unit-points@1.1.0")


def test_the_other_shipped_indicators_give_what_was_counted_by_hand(district: Database) -> None:
    asked = f.CallbackRecorded(**move(), solved=True, satisfaction=3, dissatisfied=False)
    pleased = f.CallbackRecorded(**move(), solved=True, satisfaction=5, dissatisfied=False)
    returned = f.ReturnUpheld(**move(holder=TOWN), request=1, by="p", charged_to=TOWN)
    tell(
        district,
        # Closed after 10 hours, one rework, verified at the second time, pleased.
        [
            (reported(), 0),
            (assigned(BUREAU), 1),
            (f.ReworkRequired(**move(holder=BUREAU), count=1), 5),
            (f.CompletionVerified(**move(holder=TOWN)), 9),
            (closed(), 10),
            (pleased, 12),
        ],
        # Handled in its grid within the hour.
        [(reported(), 0), (f.CaseHandledOnTheSpot(**move(holder=VILLAGE)), 1)],
        # Sent to the wrong unit, then closed after 20 hours; solved, but nobody is pleased.
        [
            (reported(), 0),
            (assigned(OTHER), 1),
            (returned, 2),
            (assigned(BUREAU), 3),
            (f.CompletionVerified(**move(holder=TOWN)), 19),
            (closed(), 20),
            (asked, 22),
        ],
        # Merged into another; another voided; one that nobody has answered.
        [
            (reported(), 0),
            (f.CaseMerged(**move("a", "m"), into="x", number="n", back_to="a"), 1),
        ],
        [(reported(), 0), (f.CaseVoided(**move(), request=1, by="p", reason="test"), 1)],
        [(reported(), 0)],
        # A department is called and comes late; the other one is in time, and rated.
        [
            (reported(), 30),
            (assigned(BUREAU), 31),
            *_whistle(1, due=35, came=36),
            *_whistle(2, due=35, came=33),
            (f.WhistleRated(**move(), call=2, side="report", score=5), 40),
            (f.WhistleRated(**move(), call=2, side="whistle", score=2), 40),
        ],
    )
    values = {name: _made(ask(district, name)) for name in SHIPPED}
    assert values == {
        "filing-rate": ("66.67", "4", 6),
        "closing-rate": ("75.00", "3", 4),
        "on-time-rate": (None, "0", 0),
        "handling-time": ("10.3", "111600", 3),
        "rework-rate": ("50.00", "1", 2),
        "verification-rate": ("66.67", "2", 3),
        "return-rate": ("25.00", "1", 4),
        "on-the-spot-rate": ("16.67", "1", 6),
        "duplicate-rate": ("16.67", "1", 6),
        "response-rate": ("66.67", "4", 6),
        "solution-rate": ("100.00", "2", 2),
        "satisfaction-rate": ("50.00", "1", 2),
        "unit-points": ("0", "0", None),
        "report-in-rate": ("50.00", "1", 2),
        "report-in-score": ("5.00", "5", 1),
        "whistle-score": ("2.00", "2", 1),
    }


def _whistle(call: int, *, due: float, came: float) -> list[tuple[f.Fact, float]]:
    clock: dict[str, Any] = {"clock": "report_in", "scope": f"call:{call}"}
    return [
        (f.WhistleBlown(**move(), whistle=1, call=call, unit=BUREAU, caller=VILLAGE), 32),
        (started(at(due), total=False, **clock), 32),
        (f.ReportedIn(**move(), call=call, unit=BUREAU), came),
        (stopped(at(came), at(due), **clock), came),
    ]


def _made(found: Answer) -> tuple[str | None, str, int | None]:
    number = found.total.number
    return number.value, number.numerator, number.denominator


def test_an_appeal_takes_a_case_out_of_the_rate_and_leaves_the_fact(district: Database) -> None:
    upheld = f.AppealUpheld(**move(), appeal=1, ground="overdue")
    late = handled(BUREAU, due=100, stop=120)
    tell(district, handled(BUREAU, due=100, stop=90), [*late, (upheld, 200)])
    assert _made(ask(district, "on-time-rate")) == ("100.00", "1", 1)
    assert _made(ask(district, "on-time-rate", as_of=at(150))) == ("50.00", "1", 2)


def test_a_caller_sees_numbers_of_their_own_cases_and_rows_of_their_own_units(
    district: Database,
) -> None:
    tell(
        district,
        handled(TOWN, due=100, stop=90, place=VILLAGE),
        handled(OTHER, due=100, stop=None, place=OTHER),
    )
    # The move of every fact in these stories leaves the case with the town, so it sees both.
    found = ask(district, "on-time-rate", by="unit", scope="village")
    assert numbers(found.lines) == {"town": ("100.00", "1", 1), "village": (None, "0", 0)}
    assert found.total.number.denominator == 1
    nothing = ask(district, "on-time-rate", by="unit", scope="bureau")
    assert numbers(nothing.lines) == {"bureau": (None, "0", 0)}
    page = drilled(district, "on-time-rate", scope="village", part="denominator")
    assert len(page.items) == 1


def drilled(district: Database, name: str, **members: Any) -> Page:  # noqa: ANN401
    asked: dict[str, Any] = {"scope": None, "period": MARCH, "now": NOW, **members}
    with district.connect() as connection:
        return drill(connection, formula(name), Drilled(**asked))


def test_a_number_leads_down_to_its_cases_and_the_facts_that_decided(district: Database) -> None:
    tell(
        district,
        handled(BUREAU, due=100, stop=90),
        handled(BUREAU, due=110, stop=120),
        handled(TOWN, due=120, stop=100),
    )
    everything = drilled(district, "on-time-rate", part="denominator")
    assert [one.row["due"] for one in everything.items] == [at(120), at(110), at(100)]
    good = drilled(district, "on-time-rate", part="numerator", unit="bureau")
    (only,) = good.items
    assert (only.row["id"], only.amount, only.row["on_time"]) == (case_id(0), 1, True)
    assert [one.type for one in only.facts] == ["clock-started", "case-closed", "clock-stopped"]
    assert [one.position for one in only.facts] == [2, 4, 5]
    first = drilled(district, "on-time-rate", part="denominator", limit=2)
    rest = drilled(district, "on-time-rate", part="denominator", limit=2, cursor=first.next)
    assert [one.row["id"] for one in (*first.items, *rest.items)] == [
        one.row["id"] for one in everything.items
    ]
    assert rest.next is None
    with pytest.raises(NotFound, match="numerator（分子）"):
        drilled(district, "on-time-rate", part="nonsense")


def test_periods_are_compared_with_the_one_before_and_that_of_a_year_ago(
    district: Database,
) -> None:
    year = 365 * DAY
    tell(
        district,
        handled(BUREAU, due=100, stop=90),
        handled(BUREAU, due=100, stop=110),
        # February: one in time of three; a year ago: nothing was due.
        *(handled(BUREAU, due=-10 * DAY, stop=-11 * DAY + hours) for hours in (0, 48, 72)),
        [(reported(), -year)],
    )
    found = ask(district, "on-time-rate", compare=True, by="unit")
    bureau = next(one for one in found.lines if one.key == "bureau")
    assert bureau.number.value == "50.00"
    assert bureau.previous is not None
    assert bureau.last_year is not None
    assert (bureau.previous.period, bureau.previous.number.value) == ("2026-02", "33.33")
    assert (bureau.previous.change, bureau.previous.rate) == ("16.67", "50.02")
    assert (bureau.last_year.period, bureau.last_year.number.value) == ("2025-03", None)
    assert (bureau.last_year.change, bureau.last_year.rate) == (None, None)
    months = ask(district, "on-time-rate", by="month", compare=True, period=read_period(1, "2026"))
    march = next(one for one in months.lines if one.key == "2026-03")
    assert march.previous == bureau.previous
    assert [one.key for one in months.lines] == [f"2026-{n:02d}" for n in range(1, 13)]
    assert months.total.number.denominator == 5


def test_a_month_from_the_26th_ends_on_the_25th_by_beijing_time(district: Database) -> None:
    text = shipped_texts()["filing-rate"].replace("period: natural", "period: 26-25")
    shifted = read_formula(text.replace("1.0.0", "1.0.1"))
    edges = (
        "2026-02-25T15:59:59+00:00",  # the last second of 25 February in Beijing
        "2026-02-25T16:00:00+00:00",
        "2026-03-25T15:59:59+00:00",
        "2026-03-25T16:00:00+00:00",
    )
    moments = [datetime.fromisoformat(edge) for edge in edges]
    teller = Teller()
    told = [[teller.tell(n, reported(), moment)] for n, moment in enumerate(moments)]
    store(district, told)
    follow(district)
    year = read_period(26, "2026")
    found = ask(district, shifted, by="month", period=year)
    counts = {one.key: one.number.denominator for one in found.lines if one.number.denominator}
    assert counts == {"2026-02": 1, "2026-03": 2, "2026-04": 1}
    for label, count in counts.items():
        one = ask(district, shifted, period=read_period(26, label))
        assert one.total.number.denominator == count
    assert ask(district, shifted, period=None, now=moments[3]).period.label == "2026-04"
    natural = ask(district, "filing-rate", by="month", period=read_period(1, "2026"))
    assert {one.key: one.number.denominator for one in natural.lines}["2026-03"] == 2


def test_groups_show_what_there_is_and_units_also_what_there_is_not(district: Database) -> None:
    source = f.SourceReference("hotline", "1")
    tell(
        district,
        [(reported(category="road", source=source), 0), (assigned(BUREAU), 1)],
        [(reported(category="road", place=OTHER), 0)],
        [(reported(place=None), 0)],
    )
    by_category = ask(district, "filing-rate", by="category")
    assert numbers(by_category.lines) == {"": ("0.00", "0", 1), "road": ("50.00", "1", 2)}
    by_source = ask(district, "filing-rate", by="source")
    assert numbers(by_source.lines) == {"": ("0.00", "0", 2), "hotline": ("100.00", "1", 1)}
    towns = ask(district, "filing-rate", by="unit", levels=("town",))
    assert {one.key: one.number.denominator for one in towns.lines} == {
        "": 1,
        "other": 0,
        "town": 2,
    }
    county = ask(district, "filing-rate", by="unit", levels=("county",))
    assert numbers(county.lines) == {"county": ("33.33", "1", 3)}


BAD = """\
indicator: {name: Bad Name, version: 1.0, title: 坏指标}
unit: percent
of: round
basis: happened
exclude:
  - {on_tme: true}
numerator:
  when: {on_time: sometimes, duration: {least: "x"}, ending: {not: 3}, closed_at: 2026}
  sum: [due, nothing]
denominator_: {}
levels: [village]
period: 26-26
decimals: 9
"""


def test_a_formula_that_is_wrong_is_refused_with_every_line_and_mend() -> None:
    with pytest.raises(BadFormula) as refused:
        read_formula(BAD)
    found = {one.path: (one.line, one.detail) for one in refused.value.found}
    assert found["indicator.name"][0] == 1
    assert found["indicator.version"] == (1, "写法有误；须为1.0.0 的形式")
    assert found["basis"] == (4, "没有“happened”；可用：reported、due、closed、ended")
    assert found["exclude.0.on_tme"][0] == 6
    assert found["exclude.0.on_tme"][1].startswith("没有“on_tme”；可用：kind、")
    assert found["numerator.when.on_time"][0] == 8
    assert "true 或 false" in found["numerator.when.on_time"][1]
    assert "整数" in found["numerator.when.duration.least"][1]
    assert "numerator.when.ending.not" in found
    assert "given、missing" in found["numerator.when.closed_at"][1]
    assert "不是数" in found["numerator.sum"][1] or "没有" in found["numerator.sum"][1]
    assert found["denominator_"][0] == 10
    assert found["denominator"][1].startswith("单位是%时必须有分母")
    assert found["levels"][0] == 11
    assert found["period"] == (12, "周期须为 natural（自然月），或 26-25 这样的起止日")
    assert found["decimals"][0] == 13


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("indicator: {}\nunit: count\nunit: points\n", 3, "重复"),
        ("- 1\n", 1, "映射"),
        ("unit: [percent\n", 0, "YAML"),
        (shipped_texts()["unit-points"].replace("weight: 1\n", "weight: 1.5\n"), 12, "加引号"),
        (shipped_texts()["unit-points"] + "of: round\n", 27, "不能同时写"),
        (shipped_texts()["handling-time"].replace("sum: duration", "sum: passed"), 10, "duration"),
    ],
)
def test_what_yaml_or_a_formula_cannot_be_is_told_with_its_line(
    text: str, line: int, told: str
) -> None:
    with pytest.raises(BadFormula) as refused:
        read_formula(text)
    assert [one for one in refused.value.found if told in one.detail and one.line >= line]


def test_values_never_stand_in_the_sql(district: Database) -> None:
    evil = "x'); DROP TABLE measures; --"
    text = shipped_texts()["filing-rate"].replace("voided", f'"{evil}"').replace("1.0.0", "1.0.2")
    tell(district, [(reported(category=evil), 0)])
    assert ask(district, read_formula(text)).total.number.denominator == 1
    found = drilled(district, "filing-rate", part="denominator", facets={"category": evil})
    assert len(found.items) == 1


HOURS = st.integers(0, 30)
STEPS: tuple[Callable[[int], f.Fact], ...] = (
    lambda n: reported(place=(VILLAGE, OTHER)[n % 2]),
    lambda n: assigned((BUREAU, TOWN, OTHER)[n % 3]),
    lambda _: closed(),
    lambda n: started(at(10 + n)),
    lambda n: stopped(at(n), at(15)),
    lambda n: f.AppealUpheld(**move(), appeal=n, ground="overdue"),
    lambda _: f.RedoRequired(**move(), count=1),
    lambda n: f.CaseReopened(**move(), cycle=n % 3 + 1),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    told=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, len(STEPS) - 1), HOURS), min_size=1, max_size=14
    )
)
def test_as_of_and_as_known_at_any_moment_a_number_is_that_of_the_fold(
    fresh_district: Database, told: list[tuple[int, int, int]]
) -> None:
    clear(fresh_district)
    teller = Teller()
    requests = [[teller.tell(name, STEPS[step](n), at(n))] for name, step, n in told]
    store(fresh_district, requests)
    follow(fresh_district)
    with fresh_district.connect() as connection:
        records = read_range(connection, 0, 1000)
    for known in (records[0], records[len(records) // 2], records[-1]):
        for moment in (None, at(5), at(20)):
            until = {"as_of": moment, "known_at": known.recorded_at}
            found = ask(fresh_district, "on-time-rate", **until)
            assert _made(found)[1:] == _counted_by_hand(records, moment, known), until


def _counted_by_hand(
    records: Sequence[Record], moment: datetime | None, last: Record
) -> tuple[str, int]:
    """Count what was due in March, from the folds alone."""
    now = moment or last.recorded_at
    decided = good = 0
    for stream in {one.stream for one in records}:
        state = unmeasured(stream)
        for one in records:
            known = one.position <= last.position and (moment is None or one.occurred_at <= moment)
            if one.stream == stream and known and MEASURES.shape.concerns(one):
                state = measure(state, one)
        for row in state.rows.values():
            if row.sort != "round" or row.due is None or row.exempt_overdue:
                continue
            if row.stopped_at is None and (row.due >= now or row.paused or row.ended_at):
                continue
            decided += 1
            good += row.on_time is True
    return str(good), decided
