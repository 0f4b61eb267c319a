"""What a register's text means, and what its author is told where it means nothing."""

import pytest

from domain import facts as f
from eventlog.database import Database
from eventlog.runner import Runner
from projections.ledgers.cases import CASES
from projections.registers.building import build, ensure
from projections.registers.language import BadRegister, Register, checked_register
from projections.registers.previewing import preview
from tests.support.golden_cases import shipped_kinds
from tests.support.stories import BUREAU, TOWN, Teller, at, closed, move, reported, store

SMALL = """\
register: small
version: 1.0.0
title: 小台账
kinds: [hazard-remedy]
columns:
  - {from: case.number}
  - {name: people, label: 人数, from: data.people, type: number}
  - {name: lead_unit, label: 责任单位, from: case-assigned.lead, clear: [return-upheld]}
  - {name: begun_on, label: 派遣日期, from: case-assigned.on, take: first}
  - {name: done_at, label: 完成时间, from: completion-claimed, clear: [rework-required]}
  - {name: taken, label: 用时, days: [begun_on, done_at]}
  - {name: reworked, label: 返工, from: rework-required, take: count}
  - {name: substantive, label: 实质办结, from: case-closed, where: {grade: substantive}, take: any}
  - {name: opinion, label: 复查意见, from: text.order, class: internal}
filters: [people, lead_unit, begun_on, done_at, substantive, {given: done_at}, place]
sort: [number]
summary:
  {by: [lead_unit], count: [done_at], sum: [people], ageing: {since: reported_at, days: [1, 3]}}
"""


def register(text: str = SMALL) -> Register:
    return checked_register(text, shipped_kinds())


def problems(text: str) -> list[str]:
    with pytest.raises(BadRegister) as refused:
        register(text)
    return [f"{one.line} {one.path}：{one.detail}" for one in refused.value.found]


def keep(district: Database, one: Register) -> None:
    """Carry a register to the end of the log."""
    with district.connect() as connection:
        ensure(connection, one.ledger)
    runner = Runner(district, [CASES.tables, one.ledger.tables])
    runner.run_until(10**6)
    runner.close()


def tell(district: Database, *, kind: str = "hazard-remedy", name: str = "one") -> Teller:
    teller = Teller()
    assigned = f.CaseAssigned(**move(), lead=BUREAU, assisting=(), informed=())
    story: list[tuple[f.Fact, float, list[str]]] = [
        (reported(f"n-{name}", kind=kind, data={"people": 7}), 0.0, ["title"]),
        (f.DataRecorded(**move(), data={"people": 9}), 1.0, []),
        (assigned, 24.0, ["order"]),
        (f.CompletionClaimed(**move()), 49.0, []),
    ]
    store(district, [[teller.tell(name, fact, at(hours), texts=t)] for fact, hours, t in story])
    return teller


def rows(district: Database, one: Register, **asked: object) -> list[dict[str, object]]:
    filters = {name: str(value) for name, value in asked.items()}
    with district.connect() as connection:
        return list(one.ledger.rows(connection, scope=None, filters=filters))


def test_columns_take_the_last_the_first_the_count_and_what_was_not_cleared(
    district: Database,
) -> None:
    one, teller = register(), tell(district)
    keep(district, one)
    (row,) = rows(district, one)
    assert (row["people"], row["lead_unit"], row["begun_on"]) == (9, BUREAU.id, at(24).date())
    assert (row["done_at"], row["taken"], row["reworked"], row["substantive"]) == (
        at(49),
        1,
        0,
        False,
    )
    assert row["opinion"] == 3, "the position of the fact that carries the text"
    store(district, [[teller.tell("one", f.ReworkRequired(**move(), count=1), at(50))]])
    store(district, [[teller.tell("one", closed(), at(51))]])
    keep(district, one)
    (row,) = rows(district, one)
    assert (row["done_at"], row["taken"], row["reworked"]) == (None, None, 1)
    assert row["substantive"] is True


def test_other_kinds_are_not_listed_and_nothing_of_them_is_stored(district: Database) -> None:
    one = register()
    tell(district, kind="micro-wish")
    keep(district, one)
    assert rows(district, one) == []
    with district.connect() as connection:
        state = one.ledger.tables.names["state"]
        assert connection.execute(f"SELECT count(*) FROM {state}".encode()).fetchone() == (0,)


def test_a_case_is_listed_once_what_is_needed_has_a_value(district: Database) -> None:
    one = register(SMALL.replace("columns:", "needs: [lead_unit]\ncolumns:", 1))
    tell(district)
    keep(district, one)
    with district.connect() as connection:
        before = list(one.ledger.rows(connection, scope=None, filters={}, as_of=at(23)))
        after = list(one.ledger.rows(connection, scope=None, filters={}, as_of=at(24)))
    assert (len(before), len(after)) == (0, 1)


def test_a_correction_says_all_that_was_reported(district: Database) -> None:
    one, teller = register(), tell(district)
    corrected = f.CaseCorrected(
        **move(),
        fields=("data",),
        reported_at=at(0),
        place=TOWN,
        category=None,
        content=None,
        data={},
    )
    store(district, [[teller.tell("one", corrected, at(60))]])
    keep(district, one)
    assert rows(district, one)[0]["people"] is None


def test_filters_follow_from_what_a_column_is(district: Database) -> None:
    one = register()
    tell(district)
    keep(district, one)
    assert set(one.ledger.filters) >= {
        "open",
        "unit",
        "people",
        "lead_unit",
        "begun_on_from",
        "begun_on_before",
        "done_at_from",
        "done_at_before",
        "substantive",
        "done_at_given",
        "place",
        "over_1_days",
        "over_3_days",
    }
    assert len(rows(district, one, lead_unit=BUREAU.id, done_at_given="true", people="true")) == 1
    assert len(rows(district, one, begun_on_from="2026-03-04")) == 0
    assert len(rows(district, one, begun_on_before="2026-03-04", substantive="false")) == 1


def test_a_summary_counts_sums_groups_and_tells_how_old_what_is_open_has_become(
    district: Database,
) -> None:
    one = register()
    tell(district)
    keep(district, one)
    with district.connect() as connection:
        counts = one.ledger.summary(connection, scope=None, filters={}, now=at(48))
        later = one.ledger.summary(connection, scope=None, filters={}, now=at(216))
    assert (counts["total"], counts["open"], counts["done_at"], counts["sum_people"]) == (
        1,
        1,
        1,
        9,
    )
    assert counts["by_lead_unit"] == {BUREAU.id: 1}
    ages = ("up_to_1_days", "2_to_3_days", "over_3_days")
    assert [counts[age] for age in ages] == [0, 1, 0]
    assert [later[age] for age in ages] == [0, 0, 1]


def test_a_preview_shows_rows_and_counts_and_leaves_nothing_behind(district: Database) -> None:
    one = register()
    tell(district)
    keep(district, register(SMALL.replace("小台账", "别的")))
    with district.connect() as connection:
        before = connection.execute("SELECT count(*) FROM pg_class").fetchone()
    shown = preview(district, one, scope=None, now=at(99))
    assert (len(shown.items), shown.summary["total"], shown.cases, shown.whole) == (1, 1, 1, True)
    assert preview(district, one, scope="elsewhere", now=at(99)).items == []
    with district.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_class").fetchone() == before


def test_a_build_that_was_broken_off_goes_on_where_it_stopped(district: Database) -> None:
    one = register()
    tell(district)
    with district.connect() as connection:
        ensure(connection, one.ledger, state="building")
    runner = Runner(district, [one.ledger.tables], batch=2)
    assert runner.run_once() == 2
    runner.close()
    heard: list[int] = []
    build(district, one.ledger, progress=lambda done, _: heard.append(done), batch=1)
    assert heard == [3, 4], "not from the first fact again"
    keep(district, one)
    assert rows(district, one)[0]["people"] == 9


WRONG = {
    "unknown fact": ("case-assigned.on", "case-asigned.on", "9 columns.3.from：没有“case-asigned”"),
    "unknown member": ("case-assigned.on", "case-assigned.led", "9 columns.3.from：没有“led”"),
    "unknown field of a form": (
        "data.people",
        "data.peeple",
        "7 columns.1.from：没有“data.peeple”",
    ),
    "wrong type": (
        "type: number",
        "type: date",
        "7 columns.1.type：表单里的“people”应写 type: number",
    ),
    "unknown type": ("type: number", "type: money", "7 columns.1.type：只能是"),
    "column given twice": ("name: taken", "name: people", "11 columns.5.name：列名“people”重复"),
    "missing label": ("label: 人数, ", "", "7 columns.1.label：缺少表头"),
    "personal": ("class: internal", "class: personal", "14 columns.8.class：台账不列个人信息"),
    "sealed in clear": (", class: internal", "", "14 columns.8.class：这是密封的文字"),
    "sort by what may be empty": (
        "sort: [number]",
        "sort: [done_at]",
        "16 sort.0：“done_at”可能没有值",
    ),
    "unknown filter": (
        "lead_unit, begun_on, done",
        "led, begun_on, done",
        "15 filters.1：没有“led”",
    ),
    "unknown kind": ("[hazard-remedy]", "[hazard]", "4 kinds.0：没有“hazard”"),
    "name of the case": (
        "name: reworked",
        "name: rework",
        "12 columns.6.name：“rework”已有别的用处",
    ),
    "name of SQL": ("name: reworked", "name: order", "12 columns.6.name：“order”已有别的用处"),
    "sum of words": ("sum: [people]", "sum: [lead_unit]", "18 summary.sum.0：“lead_unit”不是数字"),
    "days between what is no day": (
        "days: [begun_on",
        "days: [people",
        "11 columns.5.days：没有“people”",
    ),
    "a fact of no such kind": (
        "from: rework-required",
        "from: vote-held",
        "12 columns.6.from：这些事项类型都不会写下",
    ),
    "who somebody is": (
        "case-assigned.lead,",
        "return-upheld.by,",
        "8 columns.2.from：“by”说的是某个人",
    ),
    "not a value": (
        "case-assigned.lead,",
        "case-assigned.stage,",
        "8 columns.2.from：“stage”不是一个值；可用：stage.source",
    ),
    "unknown word": ("version: 1.0.0", "version: 1.0.0\ncolour: red", "3 colour：没有这一项"),
    "bad version": ("version: 1.0.0", 'version: "1"', "2 version：不合格式"),
    "another stream": (
        "case-assigned.lead,",
        "unit-related.unit,",
        "8 columns.2.from：“unit-related.unit”不在",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_line_path_and_mend(name: str) -> None:
    old, new, told = WRONG[name]
    assert SMALL.count(old) >= 1, old
    found = problems(SMALL.replace(old, new, 1))
    assert any(one.startswith(told) for one in found), found
    assert all("；" in one or "请" in one or "可用" in one or "只能" in one for one in found), found


def test_personal_texts_of_a_form_are_refused() -> None:
    text = SMALL.replace("[hazard-remedy]", "[volunteer-order]")
    text = text.replace("text.order", "text.comment")
    assert any("“comment”是个人信息" in one for one in problems(text))


def test_the_hash_is_of_the_data_and_another_version_has_tables_of_its_own() -> None:
    one = register()
    assert register(f"# 说明\n{SMALL}").hash == one.hash
    other = register(SMALL.replace("小台账", "另一个"))
    assert other.hash != one.hash
    assert other.ledger.name == one.ledger.name == "small"
    assert set(other.ledger.tables.names.values()).isdisjoint(one.ledger.tables.names.values())
    assert other.ledger.tables.name != one.ledger.tables.name
