"""The catalogue: filing under a condition, its limit, other systems' codes, what is admitted."""

from datetime import date
from typing import Any, Final

import pytest

from domain import facts as f
from domain.actor import Actor
from domain.catalogue import Catalogues, fold_catalogues
from domain.clock import Clock
from domain.errors import ItemNotAdmitted
from domain.filing_guards import check_filled
from domain.kind import Action, HolderRule
from domain.step import Step
from tests.support import catalogues as c
from tests.support import districts as d
from tests.support import given as g

SOURCE = f.SourceReference("hotline", "1")


def handling(story: g.Story) -> Clock:
    clock = story.case.clock("handling")
    assert clock is not None
    return clock


def limit(story: g.Story) -> tuple[str, str, str, str]:
    clock = handling(story)
    return (clock.budget, clock.limit.origin, clock.limit.version, clock.limit.by)


UNDER_COVER: Final[tuple[str, dict[str, Any]]] = (
    "file_under",
    {"item": c.COVER, "condition": 2},
)


def test_a_report_is_never_refused_for_lack_of_an_item_or_an_unknown_code() -> None:
    for category in (None, "没有这一类", "component-99-99", c.COVER):
        story = c.Filed().when(g.INTEGRATOR, g.report(category=category, unit=d.COMMUNITY))
        assert story.refusal is None
        assert story.case.category == category
    empty = g.Story().when(g.INTEGRATOR, g.report(category=c.COVER, unit=d.COMMUNITY))
    assert empty.refusal is None


def test_filing_gives_the_condition_its_own_limit_on_the_handling_clock() -> None:
    story = c.Filed().given(*g.GRADED)
    story.when(g.COMMUNITY, UNDER_COVER).then("case-filed", "case-reclassified")
    [filed] = story.facts(f.CaseFiled)
    assert isinstance(filed, f.CaseFiled)
    assert (filed.item, filed.condition, filed.version, filed.limit) == (c.COVER, 2, "1", "2wd")
    assert filed.closing == f"{2:064x}"
    assert story.case.category == c.COVER
    story.when(g.DISPATCHER, ("dispatch", {"lead": d.WATER}))
    assert limit(story) == ("2wd", "catalogue", "city-management@1", f"item={c.COVER}#2")


def test_without_an_item_the_limit_is_that_of_severity_and_urgency() -> None:
    story = c.Filed().given(*g.HANDLING)
    budget, origin, _, by = limit(story)
    assert (budget, origin, by) == ("5wd", "kind", "severity=serious")


def test_filing_while_the_clock_runs_counts_it_anew_by_the_condition() -> None:
    story = c.Filed().given(*g.HANDLING)
    before = handling(story).due
    story.when(g.COMMUNITY, ("file_under", {"item": c.COVER, "condition": 2}))
    story.then("case-filed", "case-reclassified", "clock-rescheduled")
    assert limit(story)[:2] == ("2wd", "catalogue")
    assert handling(story).due < before
    assert handling(story).started_at < story.now
    [moved] = story.facts(f.ClockRescheduled)
    assert isinstance(moved, f.ClockRescheduled)
    assert moved.reason == "filed"


def test_a_stricter_condition_leaves_at_least_the_grace() -> None:
    story = c.Filed().given(*g.HANDLING).later(days=3)
    story.when(g.COMMUNITY, ("file_under", {"item": c.COVER, "condition": 1}))
    assert handling(story).due > story.now
    [moved] = story.facts(f.ClockRescheduled)
    assert isinstance(moved, f.ClockRescheduled)
    assert moved.compressed


def test_another_grade_does_not_touch_the_limit_of_a_condition() -> None:
    story = c.Filed().given(*g.HANDLING, (g.COMMUNITY, UNDER_COVER))
    due = handling(story).due
    regrade = ("regrade", {"severity": "major", "urgency": "normal", "reason": "误判"})
    story.when(g.SUPERVISOR, regrade)
    assert "clock-rescheduled" not in [draft.fact.TYPE for draft in story.drafts]
    assert handling(story).due == due


def reworked(*filed: tuple[Actor, tuple[str, dict[str, Any]]]) -> g.Story:
    return c.Filed().given(
        *g.ACCEPTED,
        (g.COMMUNITY, ("grade", {"severity": "general", "urgency": "normal"})),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        *filed,
        (g.WATER, "start_handling"),
        (g.WATER, ("claim_completion", {"evidence": "已换井盖"})),
        (g.COMMUNITY, ("rework", {"reason": "未清理"})),
    )


def test_a_rework_gets_its_share_of_the_conditions_limit() -> None:
    assert limit(reworked())[:2] == ("5wd", "rework")
    filed = limit(reworked((g.COMMUNITY, UNDER_COVER)))
    assert filed == ("1wd", "rework", "city-management@1", f"item={c.COVER}#2")


def test_the_only_condition_need_not_be_named_and_a_category_of_ours_is_the_item() -> None:
    story = c.Filed()
    story.given((g.GRID, g.report(category=c.TREE)), *g.GRADED[1:])
    story.when(g.COMMUNITY, "file_under").then("case-filed")
    assert story.case.filing.limit == "4wh"


@pytest.mark.parametrize(
    ("data", "pointer", "told"),
    [
        ({"item": "event-09-09"}, "/data/item", "事项目录里没有"),
        ({}, "/data/item", "请填写编码"),
        ({"item": c.COVER}, "/data/condition", "1 缺失、移位、2 破损"),
        ({"item": c.COVER, "condition": 7}, "/data/condition", "没有这一条"),
    ],
)
def test_filing_under_what_is_not_there_says_what_there_is(
    data: dict[str, Any], pointer: str, told: str
) -> None:
    story = c.Filed().given(*g.GRADED).when(g.COMMUNITY, ("file_under", data))
    assert told in str(story.refused("unknown-field", pointer))


def test_a_new_version_is_for_new_filings_and_the_old_one_stays_readable() -> None:
    story = c.Filed()
    story.given(*g.HANDLING, (g.COMMUNITY, UNDER_COVER))
    story.catalogues = fold_catalogues(story.catalogues, [c.published("2", urgent="1nh")])
    assert limit(story)[2] == "city-management@1"
    assert [one.version for one in story.catalogues.published["city-management"]] == ["1", "2"]
    old, new = (one.items[c.COVER] for one in story.catalogues.published["city-management"])
    assert [(one.conditions[0].limit) for one in (old, new)] == ["2nh", "1nh"]


def test_a_table_translates_another_systems_category_and_keeps_its_code() -> None:
    story = c.Filed()
    story.when(g.INTEGRATOR, g.report(category="0101", source=SOURCE, unit=d.COMMUNITY))
    [reported] = story.facts(f.CaseReported)
    [mapped] = story.facts(f.CategoryMapped)
    assert isinstance(reported, f.CaseReported)
    assert isinstance(mapped, f.CategoryMapped)
    assert reported.category == "0101"
    assert (mapped.system, mapped.code, mapped.category) == ("hotline", "0101", c.COVER)
    assert (story.case.category, story.case.filing.code) == (c.COVER, "0101")


def test_a_code_that_no_table_has_is_kept_as_it_came() -> None:
    for source in (SOURCE, f.SourceReference("petition", "1"), None):
        story = c.Filed()
        story.when(g.INTEGRATOR, g.report(category="0909", source=source, unit=d.COMMUNITY))
        assert story.facts(f.CategoryMapped) == []
        assert story.case.category == "0909"


def held_by(item: str | None, actor: Actor, *facts: f.Fact, to: str = d.COMMUNITY) -> Step:
    """Return a step by which somebody hands a case down."""
    story = c.Filed(*facts).given((g.INTEGRATOR, g.report(category=item, unit=d.COMMUNITY)))
    action = Action(
        name="hand_down",
        title="交办",
        stages=frozenset(story.kind.stages),
        by=(),
        form=(),
        requires=("admitted_for_community",),
        emits=(),
        to=None,
        holder=HolderRule.KEEP,
        set={},
    )
    values = {"to": g.unit(to)}
    world = story.world(actor)
    return Step(action=action, case=story.case, values=values, world=world, at=story.now)


def test_handing_an_item_down_to_a_community_that_was_not_admitted_names_the_way() -> None:
    for item in (c.CERTIFICATE, None):
        with pytest.raises(ItemNotAdmitted) as refusal:
            check_filled(held_by(item, g.HOUSING))
        assert refusal.value.code == "item-not-admitted"
        told = str(refusal.value)
        assert "catalogue-admission" in told
        assert "住建局" in told
        assert "东街社区" in told
    with pytest.raises(ItemNotAdmitted):
        check_filled(held_by(c.CERTIFICATE, g.HOUSING, to=d.GRID))


def test_what_was_admitted_may_be_handed_down_while_it_is() -> None:
    check_filled(held_by(c.CERTIFICATE, g.HOUSING, c.admitted()))
    ended = f.ItemExited(item=c.CERTIFICATE, since=date(2026, 10, 12), case=g.CASE_ID)
    with pytest.raises(ItemNotAdmitted):
        check_filled(held_by(c.CERTIFICATE, g.HOUSING, c.admitted(), ended))
    with pytest.raises(ItemNotAdmitted):
        check_filled(held_by(c.CERTIFICATE, g.HOUSING, c.admitted(since=date(2026, 10, 13))))


def test_admission_binds_departments_only_and_only_towards_communities() -> None:
    check_filled(held_by(c.CERTIFICATE, g.TOWN))
    check_filled(held_by(c.CERTIFICATE, g.DISPATCHER))
    check_filled(held_by(c.CERTIFICATE, g.IMPORTER))
    check_filled(held_by(c.CERTIFICATE, g.HOUSING, to=d.WATER))


def test_items_are_admitted_adjusted_and_exit_and_every_state_stays_readable() -> None:
    adjusted = f.ItemAdjusted(
        item=c.CERTIFICATE,
        title="残疾人证办理",
        department=None,
        people=2,
        money=30_000,
        since=date(2026, 1, 1),
        case=g.CASE_ID,
    )
    exited = f.ItemExited(item=c.CERTIFICATE, since=date(2026, 6, 1), case=g.CASE_ID)
    known = fold_catalogues(Catalogues(), [c.admitted(), adjusted, exited])
    days = (date(2019, 1, 1), date(2025, 1, 1), date(2026, 5, 31), date(2026, 6, 1))
    found = [known.admitted_on(c.CERTIFICATE, day) for day in days]
    assert [one.people if one else None for one in found] == [None, 1, 2, None]
    again = fold_catalogues(known, [c.admitted(since=date(2026, 7, 1))])
    assert again.admitted_on(c.CERTIFICATE, date(2026, 7, 1)) is not None
    assert again.admitted_on(c.CERTIFICATE, date(2026, 6, 15)) is None
