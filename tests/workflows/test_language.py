"""The language of kinds: what may not be published, and what is known by which hash."""

import re

import pytest

from domain.errors import Refusal
from workflows.language import (
    BadKind,
    compile_kind,
    published_kind,
    read_source,
    shipped_sources,
)

CLOSED_LOOP, PUBLIC_REPLY = (source.text for source in shipped_sources())

# (what stands in closed-loop.yaml, what stands there instead, what the problem names)
BROKEN: list[tuple[str, str, str]] = [
    ("dsl: case/1", "dsl: case/9", "dsl：只能是"),
    ("version: 1.0.0", "version: 1.0", "document.version：须为文字"),
    ("name: closed-loop", "name: 闭环", "document.name：不合格式"),
    ("discovery, initial: true", "discovery", "须有且只有一个 initial"),
    ("phase: discovery, initial", "phase: nowhere, initial", "stages.reported.phase：只能是"),
    ("initial: true}", "initial: true, ending: true}", "initial 环节不能同时是 ending"),
    ("initial: true}", "initial: true, colour: red}", "stages.reported.colour：没有这一项"),
    ("to: withdrawn", "to: nowhere", "actions.withdraw.to：没有“nowhere”"),
    ("to: withdrawn", "to: closed", "stages.withdrawn：没有操作能到达"),
    ("to: withdrawn", "to: reported", "actions.withdraw.to：办结、不予受理或撤回之后"),
    ("in: [awaiting_grading]", "in: [grading]", "actions.grade.in：没有“grading”"),
    ("requires: [tasks_settled]", "requires: [luck]", "requires：没有“luck”"),
    ("emits: [case-graded]", "emits: [case-judged]", "actions.grade.emits：没有“case-judged”"),
    ("emits: [case-graded]", "emits: []", "actions.grade.emits：至少要有 1 项"),
    ("emits: [case-graded]", "emits: [case-reported]", "emits：没有“case-reported”"),
    ("emits: [handling-started]", "emits: [case-closed]", "须进入 ending"),
    ("emits: [case-closed]\n    set: {outcome: closed}", "emits: [note-recorded]", "进入 ending"),
    (
        "    by: [verifier, dispatcher]",
        "    by: []",
        "pre_closing_check：从这里没有办法结束",
    ),
    ("holder: verifier", "holder: nobody", "actions.claim_completion.holder：只能是"),
    ("urgency: {title: 紧急程度, type: choice", "urgency: {title: 紧急, type: unit", "不能有取值"),
    ("values: [normal, urgent]", "values: []", "form.urgency.values：choice 须列出取值"),
    ("severity: {title", "gravity: {title", "form.severity：case-graded 需要"),
    ("severity: {title", "gravity: {title", "form.gravity：没有一条办理记录会保存它"),
    ("people: {title", "人数: {title", "report.form.人数"),
    ("people: {title: 涉及人数, type: integer}", "title: {title: 名, type: text}", "另取一个"),
    ("budget: 30wd", "budget: 30", "clocks.total.budget"),
    ("budget: 30wd", "budget: 30天", "clocks.total.budget：时限“30天”没有写明"),
    ("budget: 4wh", "budget: 0wh", "clocks.acceptance.budget：时限“0wh”不大于零"),
    (", default: 10wd", "", "clocks.handling.budget：缺少 default"),
    ("by: [urgency, severity]", "by: [mood]", "clocks.handling.budget：by：没有“mood”"),
    ("stop: [completion-claimed]", "stop: [case-replied]", "clocks.handling.stop"),
    ("title: 受理时限\n", "title: 受理时限\n    total: true\n", "最多只能有一个 total"),
    ("accepted: accept", "accepted: welcome", "milestones：没有“welcome”"),
    ("serious: town", "serious: province", "tiers.serious：只能是"),
    ("from: verifier", "from: friend", "roles.verifier.from：只能是"),
    ("held_by: [grid_worker]", "held_by: [king]", "roles.grid_worker.held_by.0：只能是"),
    ("    title: 先期处置\n", "    title: 先期处置\n    title: 又一个\n", "YAML 无法读取"),
    ("to: awaiting_dispatch\n  register", "to: closed\n  register", "actions.reopen"),
]


@pytest.mark.parametrize(("right", "wrong", "problem"), BROKEN)
def test_what_is_wrong_with_a_kind_is_said_with_its_path(
    right: str, wrong: str, problem: str
) -> None:
    assert right in CLOSED_LOOP
    with pytest.raises(BadKind) as refusal:
        compile_kind(CLOSED_LOOP.replace(right, wrong))
    assert problem in str(refusal.value)
    # Nothing of the English of the libraries, beside the names in the file.
    if "YAML" not in problem:
        assert not re.search(
            r"(?<![-\w])(should|must|Input|required|valid)(?![-\w])", str(refusal.value)
        )


@pytest.mark.parametrize("text", ["", "[]", "a: &a [*a]", "dsl: case/1", "\x00", "- {", "a: b: c"])
def test_what_is_no_kind_at_all_is_refused(text: str) -> None:
    for read in (compile_kind, published_kind):
        with pytest.raises(Refusal):
            read(text)


def test_spelling_is_not_content_but_a_default_written_out_is() -> None:
    hashes = {
        read_source(text).hash
        for text in (PUBLIC_REPLY, PUBLIC_REPLY + "\n# 注释\n", PUBLIC_REPLY.replace("  ", "   "))
    }
    assert len(hashes) == 1
    spelt = PUBLIC_REPLY.replace("total: true", "total: true\n    title_: x")
    with pytest.raises(BadKind):
        read_source(spelt)
    spelt = PUBLIC_REPLY.replace("{title: 已收到,", "{title: 已收到, ending: false,")
    assert read_source(spelt).hash not in hashes


def test_what_was_published_once_stays_usable_though_more_is_asked_now() -> None:
    stuck = CLOSED_LOOP.replace("    by: [verifier, dispatcher]", "    by: []")
    with pytest.raises(BadKind):
        compile_kind(stuck)
    assert published_kind(stuck).name == "closed-loop"


def test_on_is_no_boolean() -> None:
    assert compile_kind(PUBLIC_REPLY.replace("title: 已收到", "title: on")).initial.title == "on"
