"""Decisions by a table: what it fills in, who may choose otherwise, and what is recorded of it."""

from typing import Any

import pytest

from domain import facts as f
from tests.support import given as g
from tests.support.given import given


def decision(story: g.Story) -> f.DecisionMade:
    """Return what the last step decided."""
    [made] = story.facts(f.DecisionMade)
    assert isinstance(made, f.DecisionMade)
    return made


def graded(report: dict[str, Any] | None = None, **form: Any) -> g.Story:  # noqa: ANN401 - data of a form
    """Return a story in which this was graded."""
    story = given((g.GRID, g.report(data=report or {})), (g.COMMUNITY, "accept"))
    return story.when(g.COMMUNITY, ("grade", form))


# (data of the report, data of the form, row, severity, urgency)
GRADINGS: list[tuple[dict[str, Any], dict[str, Any], int, str, str]] = [
    ({}, {}, 13, "general", "normal"),
    ({"people": 4}, {}, 13, "general", "normal"),
    ({"people": 5}, {}, 7, "serious", "normal"),
    ({"people": 29}, {"attention": True}, 6, "serious", "urgent"),
    ({"people": 30}, {}, 5, "major", "normal"),
    ({"danger": True}, {}, 3, "serious", "urgent"),
    ({"danger": True, "people": 30}, {}, 1, "major", "urgent"),
    ({"danger": True}, {"key_person": True}, 2, "major", "urgent"),
    ({"danger": True}, {"danger": False}, 13, "general", "normal"),
    ({}, {"people": 31, "attention": True}, 4, "major", "urgent"),
    ({}, {"special_group": True}, 10, "serious", "normal"),
    ({}, {"repeated": True}, 11, "serious", "normal"),
]


@pytest.mark.parametrize(("report", "form", "row", "severity", "urgency"), GRADINGS)
def test_the_table_grades_what_nobody_graded(
    report: dict[str, Any], form: dict[str, Any], row: int, severity: str, urgency: str
) -> None:
    story = graded(report, **form)
    recorded = ("data-recorded",) if form else ()
    four_fixed = ("clock-started",) if severity == "major" else ()
    story.then("decision-made", "case-graded", *recorded, *four_fixed)
    assert (story.case.severity, story.case.urgency) == (severity, urgency)
    made = decision(story)
    assert (made.decision, made.rows, made.overridden) == ("grading", (row,), False)
    assert made.outputs == made.chosen == {"severity": severity, "urgency": urgency}


def test_what_was_decided_by_which_table_and_from_which_values_is_recorded() -> None:
    made = decision(graded({"people": 12}, attention=True))
    table = g.kind("closed-loop").actions["grade"].decide
    assert table is not None
    assert made.table == table.hash
    assert made.inputs == {
        "danger": False,
        "people": 12,
        "key_person": False,
        "attention": True,
        "special_group": False,
        "repeated": False,
        "source": "none",
    }


def test_where_it_came_from_counts_and_what_is_not_listed_is_other() -> None:
    for system, source, severity in (
        ("petition", "petition", "serious"),
        ("hotline", "hotline", "general"),
        ("drone", "other", "general"),
    ):
        report = g.report(source=f.SourceReference(system, "1"))
        story = given((g.GRID, report), (g.COMMUNITY, "accept")).when(g.COMMUNITY, "grade")
        assert (decision(story).inputs["source"], story.case.severity) == (source, severity)


def test_whoever_chooses_otherwise_says_why_and_that_is_sealed() -> None:
    reason = graded(severity="major").refused("evidence-missing", "/data/override_reason")
    assert "与分级表不同的理由" in str(reason)
    graded(severity="general", override_reason="  ", urgency="urgent").refused("evidence-missing")
    story = graded(severity="major", override_reason="涉及学校")
    made = decision(story)
    assert made.overridden
    assert made.outputs == {"severity": "general", "urgency": "normal"}
    assert made.chosen == {"severity": "major", "urgency": "normal"}
    assert story.case.severity == "major"
    assert [(text.field, text.value) for text in story.drafts[0].texts] == [
        ("override_reason", "涉及学校")
    ]


def test_to_choose_what_the_table_says_is_no_override() -> None:
    story = graded(severity="general", urgency="normal")
    assert not decision(story).overridden


def test_what_the_table_cannot_know_is_refused_by_its_name() -> None:
    refusal = graded({"people": 1_000_001}).refused("unknown-field", "/data/people")
    assert str(refusal) == "字段“涉及人数”有误：须为 0 至 1000000 的整数。"
    graded({"people": 1_000_001}, people=3).then("decision-made", "case-graded", "data-recorded")


def test_what_the_grader_adds_is_kept_for_the_next_decision() -> None:
    story = graded({"people": 3, "danger": False}, people=8, key_person=True)
    assert story.case.data == {"people": 8, "danger": False, "key_person": True}


def test_the_same_values_always_decide_the_same() -> None:
    one, other = graded({"people": 12}), graded({"people": 12})
    assert one.drafts == other.drafts


def test_a_register_that_tells_how_it_was_graded_is_not_decided_again() -> None:
    told = given(*g.ACCEPTED).when(g.IMPORTER, ("grade", {"severity": "major"}))
    assert not told.facts(f.DecisionMade)
    assert told.case.severity == "major"
    silent = given(*g.ACCEPTED).when(g.IMPORTER, "grade")
    silent.then("decision-made", "case-graded")
