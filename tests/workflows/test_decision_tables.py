"""Decision tables: what may not be published, and that what may leaves nothing open."""

from itertools import product
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.decision import Table, evaluate
from domain.errors import GuardFailed, UnknownField
from tests.support.small_kinds import FORM, problems_of, small, written
from workflows.decision_tables import axes_of, gap, hash_of, overlaps
from workflows.kind_text import DecisionText
from workflows.language import compile_kind

REASON = {"override_reason": {"title": "理由", "type": "text"}}
INPUTS: dict[str, Any] = {
    "people": {"from": "data.people", "type": "integer", "least": 0, "most": 100},
    "danger": {"from": "data.danger", "type": "boolean"},
    "source": {
        "from": "case.source_system",
        "type": "choice",
        "values": ["hotline", "grid", "other"],
        "other": "other",
    },
}
WHOLE = {"when": {}, "then": {"level": "low"}}


def table(*rows: dict[str, Any], hit: Any = "unique", **inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - members of YAML
    return {
        "title": "研判表",
        "hit": hit,
        "inputs": inputs or INPUTS,
        "outputs": {"level": ["low", "high"]},
        "rows": list(rows) or [WHOLE],
    }


def row(level: Any = "low", **when: Any) -> dict[str, Any]:  # noqa: ANN401 - cells of YAML
    return {"when": when, "then": {"level": level}}


def kind(decision: dict[str, Any], form: dict[str, Any] | None = None) -> dict[str, Any]:
    data = small(FORM | REASON if form is None else form, decide="judging")
    return {**data, "decisions": {"judging": decision}}


def compiled(decision: dict[str, Any]) -> Table:
    found = compile_kind(written(kind(decision))).actions["judge"].decide
    assert found is not None
    return found


def test_a_table_without_gap_or_overlap_is_published() -> None:
    rows = (
        row(danger=True),
        row(danger=False, people="..29"),
        row("high", danger=False, people="30.."),
    )
    assert problems_of(kind(table(*rows))) == ""
    assert [len(one.pieces) for one in compiled(table(*rows)).inputs] == [2, 2, 3]


# (rows, what is said of them)
UNPROVED: list[tuple[list[dict[str, Any]], str]] = [
    ([row(danger=True)], "rows：没有一行适用于 people=0..100、danger=false、source=hotline"),
    ([row(people="..29"), row(people="31..")], "没有一行适用于 people=30、danger=false"),
    (
        [row(people="..29"), row(people="30..", source=["hotline", "grid"])],
        "没有一行适用于 people=30..100、danger=false、source=other",
    ),
    (
        [row(people="..30"), row(people="30..")],
        "rows.1：第 1 行与第 2 行重叠，如 people=30、danger=false、source=hotline",
    ),
    (
        [row(), row("high", danger=True, people=[7, "50..60"])],
        "第 1 行与第 2 行重叠，如 people=7、danger=true",
    ),
    (
        [row(danger=True), row(danger=[True, False])],
        "第 1 行与第 2 行重叠，如 people=0..100、danger=true",
    ),
]


@pytest.mark.parametrize(("rows", "said"), UNPROVED)
def test_a_gap_or_an_overlap_is_shown_by_an_example(rows: list[dict[str, Any]], said: str) -> None:
    assert said in problems_of(kind(table(*rows)))


def test_rows_may_overlap_where_all_that_apply_are_collected_but_leave_no_gap() -> None:
    overlapping = (row(), row("high", danger=True))
    assert problems_of(kind(table(*overlapping, hit="collect"))) == ""
    open_ = (row(people="..50"), row("high", danger=True))
    assert "没有一行适用于 people=51..100、danger=false" in problems_of(
        kind(table(*open_, hit="collect"))
    )


BAD_INPUTS: list[tuple[dict[str, Any], str]] = [
    ({"from": "data.people", "type": "integer"}, "inputs.x.least：integer 须写明 least 和 most"),
    ({"from": "data.people", "type": "integer", "least": 9, "most": 1}, "least：不能大于 most"),
    ({"from": "data.danger", "type": "boolean", "least": 1, "most": 2}, "只有 integer 可以有"),
    ({"from": "data.danger", "type": "boolean", "values": ["a"]}, "values：choice 须列出取值"),
    ({"from": "form.level", "type": "choice", "values": ["low", "low"]}, "取值重复"),
    (
        {"from": "case.severity", "type": "choice", "values": ["a"], "other": "b"},
        "other：须是 values 中的一个",
    ),
    ({"from": "data.danger", "type": "boolean", "default": "no"}, "default：须为 true 或 false"),
    (
        {"from": "data.people", "type": "integer", "least": 0, "most": 9, "default": "0..3"},
        "default：须为整数",
    ),
    ({"from": "data.people", "type": "boolean"}, "是 boolean，而 data.people 不是"),
    ({"from": "data.nothing", "type": "boolean"}, "没有“data.nothing”"),
    ({"from": "actor.role", "type": "choice", "values": ["a"], "other": "a"}, "没有“actor.role”"),
    (
        {"from": "data.story", "type": "choice", "values": ["a"], "other": "a"},
        "data.story，那是密封的文字",
    ),
    (
        {"from": "form.note", "type": "choice", "values": ["a"], "other": "a"},
        "form.note，那是密封的文字",
    ),
    (
        {"from": "form.level", "type": "choice", "values": ["low"], "other": "low"},
        "不能取自它自己的结果",
    ),
    ({"from": [], "type": "boolean"}, "decisions.judging.inputs.x"),
]


@pytest.mark.parametrize(("given", "said"), BAD_INPUTS)
def test_an_input_is_a_value_in_clear_with_a_declared_domain(
    given: dict[str, Any], said: str
) -> None:
    assert said in problems_of(kind(table(x=given)))


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"when": {"peple": 3}, "then": {"level": "low"}}, "rows.0.when：没有“peple”；可用：people"),
    ({"when": {}, "then": {"levl": "low"}}, "rows.0.then：没有“levl”；可用：level"),
    ({"when": {}, "then": {}}, "rows.0.then：缺少 level"),
    (row("middling"), "rows.0.then.level：没有“middling”"),
    (row(people="5-7"), "rows.0.when.people：“5-7”须为整数，或写成 0..29"),
    (row(people=".."), "“..”须为整数"),
    (row(people=True), "“True”须为整数"),
    (row(people="7..5"), "“7..5”里没有任何数"),
    (row(people="90..101"), "“90..101”超出 0..100"),
    (row(danger="yes"), "rows.0.when.danger：须为 true 或 false"),
    (row(source="fax"), "rows.0.when.source：只能是：hotline、grid、other"),
]


@pytest.mark.parametrize(("given", "said"), BAD_ROWS)
def test_a_row_asks_only_for_what_its_inputs_may_be(given: dict[str, Any], said: str) -> None:
    assert said in problems_of(kind(table(given)))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (REASON, "form.level：须有这个 choice 字段，决策表的结果填在这里"),
        (FORM, "form.override_reason：须有这个选填的 text 字段"),
        (
            FORM | REASON | {"level": FORM["level"] | {"required": True}},
            "form.level：由决策表填写，不能必填",
        ),
        (
            FORM | REASON | {"level": FORM["level"] | {"values": ["low"]}},
            "form.level.values：没有“high”",
        ),
    ],
)
def test_the_form_has_a_place_for_what_the_table_says(form: dict[str, Any], said: str) -> None:
    assert said in problems_of(kind(table(), form))


def test_an_action_decides_by_a_table_of_its_kind_and_says_so_in_no_other_way() -> None:
    assert "actions.judge.decide：没有“judging”" in problems_of(small(decide="judging"))
    assert "emits：没有“decision-made”" in problems_of(small(emits=["decision-made"]))


def test_a_table_is_known_by_the_hash_of_its_data_as_written() -> None:
    one, same = (DecisionText.model_validate(table(row())) for _ in range(2))
    other = DecisionText.model_validate(table(row(danger=[True, False])))
    assert hash_of(one) == hash_of(same) == compiled(table(row())).hash
    assert hash_of(one) != hash_of(other)


def test_the_highest_of_what_is_collected_prevails() -> None:
    made = evaluate(
        compiled(table(row(), row("high", danger=True), hit="collect")),
        {"data.people": 5, "data.danger": True, "case.source_system": "fax"}.get,
    )
    assert (made.rows, made.outputs) == ((1, 2), {"level": "high"})
    assert made.inputs == {"people": 5, "danger": True, "source": "other"}


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"data.danger": True, "case.source_system": "grid"}, "涉及人数"),
        ({"data.people": 101, "data.danger": True, "case.source_system": "grid"}, "涉及人数"),
        ({"data.people": True, "data.danger": True, "case.source_system": "grid"}, "涉及人数"),
        ({"data.people": 1, "data.danger": 1, "case.source_system": "grid"}, "有无危险"),
        ({"data.people": 1, "data.danger": True}, "source"),
    ],
)
def test_what_is_missing_or_outside_its_domain_decides_nothing(
    values: dict[str, Any], title: str
) -> None:
    with pytest.raises(UnknownField) as refused:
        evaluate(compiled(table()), values.get)
    assert refused.value.details["field"] == title


def test_a_table_that_nobody_proved_decides_nothing() -> None:
    unproved = Table(
        name="t", title="表", hash="", hit="unique", inputs=(), outputs={}, rows=({}, {})
    )
    with pytest.raises(GuardFailed) as refused:
        evaluate(unproved, str)
    assert refused.value.details["broken"] == "t"


# Small domains, so that every combination can be tried one by one.
LEAST, MOST = 0, 6
SMALL: dict[str, Any] = {
    "n": {"from": "data.people", "type": "integer", "least": LEAST, "most": MOST},
    "m": {"from": "data.people", "type": "integer", "least": LEAST, "most": MOST},
    "b": {"from": "data.danger", "type": "boolean"},
    "c": {"from": "case.source_system", "type": "choice", "values": ["x", "y", "z"], "other": "z"},
}
ints = st.integers(LEAST, MOST)
ranges = st.tuples(ints, ints).map(sorted).map(lambda ends: f"{ends[0]}..{ends[1]}")
numbers = ints | ranges | ints.map(lambda n: f"{n}..") | ints.map(lambda n: f"..{n}")
cells = {
    "n": numbers | st.lists(numbers, min_size=1, max_size=2),
    "m": numbers,
    "b": st.booleans() | st.lists(st.booleans(), min_size=1, max_size=2),
    "c": st.sampled_from("xyz") | st.lists(st.sampled_from("xyz"), min_size=1, max_size=3),
}
random_rows = st.lists(
    st.fixed_dictionaries({}, optional=cells).map(lambda when: row(**when)), min_size=1, max_size=7
)


def meets(cell: object, value: object) -> bool:
    """Say, in the simplest way, whether a value meets a cell."""
    if isinstance(cell, list):
        return any(meets(one, value) for one in cell)
    if isinstance(cell, str) and ".." in cell:
        first, _, last = cell.partition("..")
        return isinstance(value, int) and int(first or LEAST) <= value <= int(last or MOST)
    return bool(cell == value)


def applying(rows: list[dict[str, Any]], values: dict[str, Any]) -> list[int]:
    return [
        number
        for number, one in enumerate(rows, 1)
        if all(meets(cell, values[name]) for name, cell in one["when"].items())
    ]


EVERY = [
    dict(zip(SMALL, values, strict=True))
    for values in product(range(LEAST, MOST + 1), range(LEAST, MOST + 1), (False, True), "xyz")
]


@for_all(random_rows)
@settings(max_examples=300, deadline=None)
def test_the_proof_agrees_with_trying_every_combination(rows: list[dict[str, Any]]) -> None:
    axes = axes_of(DecisionText.model_validate(table(*rows, **SMALL)))
    met = [applying(rows, values) for values in EVERY]
    assert (gap(axes) is not None) == any(not one for one in met)
    pairs = {
        (one[i], one[j]) for one in met for i in range(len(one)) for j in range(i + 1, len(one))
    }
    assert {found[:2] for found in overlaps(axes)} == pairs


@for_all(random_rows)
@settings(max_examples=150, deadline=None)
def test_every_example_is_one(rows: list[dict[str, Any]]) -> None:
    axes = axes_of(DecisionText.model_validate(table(*rows, **SMALL)))

    def values(example: tuple[int, ...]) -> dict[str, Any]:
        return {name: axes[name].pieces[piece] for name, piece in zip(axes, example, strict=True)}

    left = gap(axes)
    assert left is None or applying(rows, values(left)) == []
    for first, second, example in overlaps(axes):
        assert {first, second} <= set(applying(rows, values(example)))


@st.composite
def partitions(draw: st.DrawFn, names: tuple[str, ...] = tuple(SMALL)) -> list[dict[str, Any]]:
    """Draw rows that part the whole domain, input by input."""
    if not names:
        return [{}]
    name, rest = names[0], names[1:]
    if draw(st.booleans()):
        return draw(partitions(rest))
    if name in "nm":
        cut = draw(st.integers(LEAST, MOST - 1))
        parts: list[Any] = [f"..{cut}", f"{cut + 1}.."]
    else:
        parts = [True, False] if name == "b" else ["x", ["y", "z"]]
    return [{name: part, **when} for part in parts for when in draw(partitions(rest))]


@for_all(partitions(), st.sampled_from(EVERY))
@settings(max_examples=200, deadline=None)
def test_a_complete_table_has_exactly_one_row_for_every_input(
    parts: list[dict[str, Any]], values: dict[str, Any]
) -> None:
    rows = [row(**when) for when in parts]
    sources = {name: one | {"from": f"data.{name}"} for name, one in SMALL.items()}
    decision = compiled_alone(table(*rows, **sources))
    made = evaluate(decision, {f"data.{name}": value for name, value in values.items()}.get)
    assert list(made.rows) == applying(rows, values)
    assert len(made.rows) == 1


def compiled_alone(decision: dict[str, Any]) -> Table:
    """Compile a table whose inputs are all asked for in the report."""
    data = kind(decision)
    fields = {
        name: {
            "title": name,
            "type": {"integer": "integer", "boolean": "boolean"}.get(one["type"], "code"),
        }
        for name, one in decision["inputs"].items()
    }
    data["report"]["form"] = data["report"]["form"] | fields
    found = compile_kind(written(data)).actions["judge"].decide
    assert found is not None
    return found


def test_eight_inputs_and_forty_rows_are_proved_at_once() -> None:
    inputs = {
        f"n{n}": {"from": "data.people", "type": "integer", "least": 0, "most": 1_000_000}
        for n in range(8)
    }
    cuts = [
        row(n0=f"{n * 1000}..{n * 1000 + 999}", **{f"n{n % 7 + 1}": f"..{n * 10}"})
        for n in range(20)
    ]
    rest = [
        row(n0=f"{n * 1000}..{n * 1000 + 999}", **{f"n{n % 7 + 1}": f"{n * 10 + 1}.."})
        for n in range(20)
    ]
    last = row(n0="20000..")
    began = perf_counter()
    assert problems_of(kind(table(*cuts, *rest, last, **inputs))) == ""
    assert "没有一行适用于" in problems_of(kind(table(*cuts, *rest[1:], last, **inputs)))
    assert "重叠" in problems_of(kind(table(*cuts, *rest, last, row(n3=7), **inputs)))
    assert perf_counter() - began < 5
