"""What is said of clocks that begin with the end of a case, or outlive it; of hints, of scopes."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.clock import Clock
from tests.support import given as g
from tests.support.courses_of_councils import ANSWERED, DECIDED, OBJECTION, posted
from tests.support.kinds import REPAIR
from workflows.kind_report import mended
from workflows.language import compile_kind, remarks, shipped_sources

ADOPTION = next(one.text for one in shipped_sources() if one.name == "dispute-adoption")
RATING = """\
  rating:
    {title: 评价时限, start: [case-closed], stop: [case-rated], budget: 1wd, calendar: cn-office}
"""
RATE = """\
  rate:
    title: 评价
    in: [done]
    by: [desk]
    form: {satisfaction: {title: 满意度, type: integer, required: true}}
    emits: [case-rated]
clocks:
"""


def test_a_clock_that_only_the_end_of_a_case_starts_never_begins() -> None:
    text = (REPAIR + RATING).replace("clocks:\n", RATE)
    assert compile_kind(text)
    said = "；".join(remarks(text))
    assert "clocks.rating.start：case-closed 只随“办结”发生，事项已经结束" in said
    assert remarks(text.replace("start: [case-closed]", "start: [case-graded]")) == []


def test_a_clock_that_outlives_a_case_must_be_stopped_by_somebody_after_its_end() -> None:
    assert remarks(ADOPTION) == []
    revisits = "in: [in_force, striking_off, struck_off, circulated]"
    assert revisits in ADOPTION
    said = "；".join(remarks(ADOPTION.replace(revisits, "in: [in_force, striking_off]")))
    assert "clocks.stability.stop：事项结束之后没有操作能停止它" in said


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        (
            "“case.severety != null”：没有“case.severety”；可用：case.kind、case.severity",
            "case.severity",
        ),
        ("“form.stale == 0”：没有“form.stale”；可用：form.stalls、form.place", "form.stalls"),
        ("没有“recieved”；可用：received、process", "received"),
    ],
)
def test_a_misspelt_name_is_answered_with_what_was_meant(detail: str, hint: str) -> None:
    assert mended(detail).endswith(f"。是不是“{hint}”？"), mended(detail)


def test_of_many_names_only_the_likely_ones_are_listed() -> None:
    listed = "、".join([*(f"case.other{n}" for n in range(20)), "case.severity"])
    told = mended(f"“case.severety == 'major'”：没有“case.severety”；可用：{listed}")
    assert told.startswith(
        "“case.severety == 'major'”：没有“case.severety”；可用：case.severity 等 21 个"
    )


def objections(story: g.Story) -> list[Clock]:
    return [clock for clock in story.case.clocks if clock.name == "objection"]


def deciding(steps: Sequence[object]) -> g.Story:
    story = g.Story("deliberation")
    for step in steps:
        if isinstance(step, timedelta):
            story.later(seconds=step.total_seconds())
        else:
            story.given(step)  # type: ignore[arg-type]
    return story


def test_two_objections_at_once_have_a_clock_each() -> None:
    story = deciding((*DECIDED, posted("publish", 7), OBJECTION))
    story.later(hours=5).given(OBJECTION)
    first, second = objections(story)
    assert (first.scope, second.scope) == ("objection:1", "objection:2")
    assert first.started_at < second.started_at
    actor, (action, form) = ANSWERED
    story.given((actor, (action, {**form, "objection": 2})))
    first, second = objections(story)
    assert (first.open, second.open) == (True, False)
    story.given(ANSWERED)
    assert not any(clock.open for clock in objections(story))
