"""The language of kinds: what may not be published, and what is known by which hash."""
# ruff: noqa: E501 - one line for each row of the tables

import re
from pathlib import Path

import pytest

from domain.due import Budget, Unit
from domain.errors import Refusal
from domain.kind import Rework, Rung, Suspension, Trigger
from workflows.language import (
    BadKind,
    compile_kind,
    published_kind,
    read_source,
    remarks,
)

KINDS = Path(__file__).parents[1] / "golden/kinds"
CLOSED_LOOP, PUBLIC_REPLY = (
    (KINDS / f"{name}@1.0.0.yaml").read_text("utf-8") for name in ("closed-loop", "public-reply")
)
"""As they landed: what ships may grow without a word here."""

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
    (
        "    title: 先期处置\n",
        "    title: 先期处置\n    title: 又一个\n",
        "actions.contain.title：重复",
    ),
    ("to: awaiting_dispatch\n  register", "to: closed\n  register", "actions.reopen"),
]
WARN = "warn: [50%, 80%, 2wh]"
EXTENSION = "extension: {max: 2, cap: 20wd, approvers: [verifier, supervisor]}"
REWORK = "rework: {percent: 50, least: 1wd}"
REMIND = "{at: due+1wd, do: remind, to: handler, every: 1wd}"
PARTIES = "clocks: [handling], cap: 20wd, until: required}"
HANDLING = "start: [case-assigned, rework-required]"
DATE = "date: source_due\n    calendar: cn-office\n    warn: [1wd]"
TASK = "start: [task-assigned]"

# The same, of what a kind says of its clocks and requests.
CLOCKS: list[tuple[str, str, str]] = [
    (HANDLING, "start: []", "clocks.handling.start：至少要有 1 项"),
    (HANDLING, "start: [case-judged]", "clocks.handling.start：没有“case-judged”"),
    (HANDLING, 'start: ["case-assigned:x"]', "clocks.handling.start：case-assigned 不能带取值"),
    (HANDLING, 'start: ["milestone-reached:x"]', "start：没有“milestone-reached”"),
    ("urgent: 24nh", "urgnt: 24nh", "clocks.handling.budget：取值：没有“urgnt”；可用：normal、urgent"),
    ("by: [urgency, severity], ", "", "clocks.handling.budget：缺少 by"),
    ("    date: source_due\n", "", "clocks.source.budget：须写明 budget 或 date"),
    ("budget: 4wh", "budget: 4wh\n    date: source_due", "clocks.acceptance.budget：须写明"),
    ("date: source_due", "date: whenever", "clocks.source.date：只能是"),
    (WARN, "warn: [0%]", "clocks.handling.warn.0：“0%”须在 1% 至 100% 之间"),
    (WARN, "warn: [50%, 101%]", "clocks.handling.warn.1：“101%”须在"),
    (WARN, "warn: [50%, 50%]", "clocks.handling.warn.1：“50%”重复"),
    (WARN, "warn: [half]", "clocks.handling.warn.0：时限“half”没有写明"),
    (WARN, "warn: [0wh]", "clocks.handling.warn.0：时限“0wh”不大于零"),
    (WARN, "warn: [5wd]", "clocks.handling.warn.0：“5wd”不短于时限本身"),
    ("warn: [1wd]", "warn: [80%]", "clocks.source.warn.0：date 时限没有份额"),
    (EXTENSION, "extension: {max: 0, approvers: [verifier]}", "extension.max：不能小于 1"),
    (EXTENSION, "extension: {max: 2, approvers: []}", "extension.approvers：至少要有 1 项"),
    (EXTENSION, "extension: {max: 2, approvers: [king]}", "extension.approvers：没有“king”"),
    (EXTENSION, "extension: {max: 2, approvers: [lead]}", "approvers：“lead”不能批准延期"),
    (EXTENSION, EXTENSION.replace("20wd", "20nd"), "extension.cap：“20nd”的单位与时限不同"),
    (EXTENSION, EXTENSION.replace("20wd", "20"), "clocks.handling.extension.cap"),
    (EXTENSION, "", "actions.request_extension.form.clock.values：没有“handling”"),
    (EXTENSION, "", "actions.request_extension.emits：没有时限规定了 extension"),
    ("policy: retroactive", "policy: never", "clocks.handling.regrade.policy：只能是"),
    ("grace: 2wh", "grace: 2", "clocks.handling.regrade.grace"),
    ("budget: 4wh", "budget: 4wh\n    regrade: {}", "clocks.acceptance.regrade：只用于按 severity"),
    (REWORK, "rework: {percent: 101}", "clocks.handling.rework.percent：不能大于 100"),
    (REWORK, "rework: {percent: 50, least: 1nd}", "rework.least：“1nd”的单位与时限不同"),
    (HANDLING, "start: [case-assigned]", "clocks.handling.rework：start 中没有 rework-required"),
    (DATE, f"{DATE}\n    {REWORK}", "clocks.source.rework：date 时限的到期时间由来源规定"),
    (DATE, f"{DATE}\n    {EXTENSION}", "clocks.source.extension：date 时限"),
    (DATE, f"{DATE}\n    regrade: {{grace: 2wh}}", "clocks.source.regrade：date 时限"),
    (DATE, f"{DATE}\n    nonworking_start: roll", "clocks.source.nonworking_start：date 时限"),
    ("budget: 4wh", "budget: 4wh\n    nonworking_start: wait", "nonworking_start：只能是"),
    (TASK, "start: [case-assigned]", "clocks.assistance.start：per: task 的时限只能从"),
    ("stop: [task-completed, task-waived]", "stop: [case-closed]", "assistance.stop：per: task"),
    ("per: task", f"per: task\n    {EXTENSION}", "clocks.assistance.extension：per: task"),
    ("per: task", "per: task\n    total: true", "clocks.assistance.total：总时限属于整个事项"),
    ("per: task", "per: person", "clocks.assistance.per：只能是"),
    ("ladder: overdue", "ladder: steep", "clocks.handling.ladder：没有“steep”；可用：overdue"),
    (REMIND, "{at: due+1day, do: remind, to: handler}", "ladders.overdue.2.at：时限“1day”没有写明"),
    (REMIND, "{at: later, do: remind, to: handler}", "ladders.overdue.2.at：不合格式"),
    (REMIND, "{at: due-1wd, do: remind, to: handler}", "overdue.2.at：“due-1wd”早于前一级“due”"),
    (REMIND, "{at: due+6wd, do: remind, to: handler}", "ladders.overdue.3.at：“due+3wd”早于"),
    (REMIND, "{at: due+1wd, do: shout, to: handler}", "ladders.overdue.2.do：只能是"),
    (REMIND, "{at: due+1wd, do: remind, to: king}", "ladders.overdue.2.to：没有“king”"),
    (REMIND, "{at: due+1wd, do: remind, to: timer}", "ladders.overdue.2.to：没有“timer”"),
    (REMIND, "{at: due+1wd, do: supervise, to: leader, every: 1wd}", "every：“supervise”不能反复"),
    (REMIND, "{at: due+1wd, do: remind, to: handler, every: 1}", "ladders.overdue.2.every"),
    (REMIND, "{at: due+1wd, do: publicise, to: leader, acknowledge: 8wh}", "2.acknowledge：通报"),
    ("acknowledge: 8wh", "acknowledge: 8", "ladders.overdue.1.acknowledge"),
    (PARTIES, "clocks: []}", "suspensions.awaiting_parties.clocks：至少要有 1 项"),
    (PARTIES, "clocks: [nothing]}", "suspensions.awaiting_parties.clocks：没有“nothing”"),
    (PARTIES, "clocks: [source]}", "awaiting_parties.clocks：“source”的到期时间由来源规定"),
    (PARTIES, "clocks: [handling], cap: 20}", "suspensions.awaiting_parties.cap"),
    (PARTIES, "clocks: [handling], until: never}", "suspensions.awaiting_parties.until：只能是"),
    (PARTIES, "clocks: [handling], from: birth}", "suspensions.awaiting_parties.from：只能是"),
    ("budget: 4wh", "budget: 4nd", "natural_days：“acceptance”以自然日计"),
    ("      until: {title: 挂账至, type: moment}\n", "", "request_suspension.form.until：有的挂账"),
    ("values: [awaiting_parties,", "values: [awaiting_rain,", "reason_code.values：没有“awaiting_rain”"),
    ("until: {title: 挂账至, type: moment}", "until: {title: 挂账至, type: code}", "form.until.type：须为 moment"),
    ("values: [acceptance, handling,", "values: [patience, handling,", "clock.values：没有“patience”"),
    ("emits: [case-resumed]", "emits: [handling-started]", "actions：有 suspension-requested 而没有 case-resumed"),
    ("emits: [extension-refused]", "emits: [extension-granted]", "而没有 extension-refused"),
    ("emits: [return-requested]", "emits: [note-recorded]", "有 return-upheld 而没有 return-requested"),
    ("asked: {title: 延长多少, type: code, required: true}", "asked: {title: 延长多少, type: code}", "request_extension.form.asked"),
    ('misgraded: "true"', 'misgraded: "no"', "actions.correct_grading.set.misgraded：只能是"),
    ("set: {misgraded:", "set: {severity:", "actions.correct_grading.set：没有“severity”"),
    (HANDLING, "start: [handling-started, rework-required]", "request_return.requires：没有时限从 case-assigned"),
    ("backdate: 72nh", "backdate: 72", "report.backdate"),
    ("backdate: 72nh", "backdate: 9wd", "report.backdate：“9wd”须以自然时计"),
    ("holder: verifier", "holder: verifier\n    backdate: 9wd", "actions.claim_completion.backdate"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "problem"), BROKEN + CLOCKS)
def test_what_is_wrong_with_a_kind_is_said_with_its_path(
    right: str, wrong: str, problem: str
) -> None:
    assert right in CLOSED_LOOP
    text = CLOSED_LOOP.replace(right, wrong)
    if "natural_days" in problem:
        text = text.replace(PARTIES, "clocks: [acceptance]}")
    with pytest.raises(BadKind) as refusal:
        compile_kind(text)
    assert problem in str(refusal.value)
    # Nothing of the English of the libraries, beside the names in the file.
    if "YAML" not in problem:
        assert not re.search(
            r"(?<![-\w'])(should|must|Input|required|valid)(?![-\w])", str(refusal.value)
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


def test_a_kind_says_how_its_clocks_start_pause_and_grow() -> None:
    kind = compile_kind(CLOSED_LOOP)
    handling, source, assistance = map(kind.clock, ("handling", "source", "assistance"))
    assert handling is not None
    assert handling.start == {Trigger("case-assigned"), Trigger("rework-required")}
    assert handling.by == ("urgency", "severity")
    assert [(one.name, one.percent, one.left) for one in handling.warn] == [
        ("50%", 50, None),
        ("80%", 80, None),
        ("2wh", 0, Budget(2, Unit.wh)),
    ]
    assert handling.extension is not None
    assert (handling.extension.max, handling.extension.cap) == (2, Budget(20, Unit.wd))
    assert [rule.name for rule in handling.extension.approvers] == ["verifier", "supervisor"]
    assert (handling.regrade, handling.grace) == ("retroactive", Budget(2, Unit.wh))
    assert handling.rework == Rework(50, Budget(1, Unit.wd))
    assert not handling.roll
    assert source is not None
    assert (source.date, source.budgets) == ("source_due", ())
    assert assistance is not None
    assert assistance.per == "task"
    assert kind.suspensions["awaiting_parties"] == Suspension(
        name="awaiting_parties",
        title="等待当事人",
        clocks=frozenset({"handling"}),
        cap=Budget(20, Unit.wd),
        until_required=True,
        from_request=False,
        natural_days=False,
    )
    assert kind.suspensions["awaiting_procedure"].from_request
    assert kind.report.backdating == Budget(72, Unit.nh)
    assert kind.actions["claim_completion"].backdating is None


def test_the_rungs_of_a_ladder_lie_before_at_or_after_the_due() -> None:
    handling = compile_kind(CLOSED_LOOP).clock("handling")
    assert handling is not None
    day, hours = Budget(1, Unit.wd), Budget(2, Unit.wh)
    signed = Budget(8, Unit.wh)
    assert handling.ladder[:3] == (
        Rung(before=hours, after=None, step="notify", to="handler", acknowledge=None, every=None),
        Rung(
            before=None,
            after=None,
            step="supervise",
            to="supervisor",
            acknowledge=signed,
            every=None,
        ),
        Rung(before=None, after=day, step="remind", to="handler", acknowledge=None, every=day),
    )


def test_a_start_may_wait_for_one_value_of_a_milestone() -> None:
    action = """\
  fence: {title: 围护, in: [handling], by: [lead], emits: [milestone-reached], set: {milestone: fenced}}
  claim_completion:
"""
    right = "stop: [completion-claimed]"
    text = CLOSED_LOOP.replace("  claim_completion:\n", action)
    kind = compile_kind(
        text.replace(right, 'stop: [completion-claimed, "milestone-reached:fenced"]')
    )
    handling = kind.clock("handling")
    assert handling is not None
    assert Trigger("milestone-reached", "fenced") in handling.stop
    with pytest.raises(BadKind, match="没有“mended”；可用：fenced"):
        compile_kind(text.replace(right, 'stop: ["milestone-reached:mended"]'))


@pytest.mark.parametrize("text", [CLOSED_LOOP, PUBLIC_REPLY])
def test_a_shipped_kind_has_neither_problems_nor_anything_to_look_at(text: str) -> None:
    assert compile_kind(text).clocks
    assert remarks(text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "warning"),
    [
        ("major: 25wd", "major: 28wd", "各环节时限（major）合计约 31 个工作日，超过总时限 30wd"),
        ("budget: 30wd", "budget: 12wd", "各环节时限合计约 13 个工作日，超过总时限 12wd"),
        ("    budget: 2wd\n    calendar: cn-office\n    ladder", "    budget: 5wd\n    calendar: cn-office\n    ladder", "（major）"),
        ("ladders:\n", "ladders:\n  idle: [{at: due, do: notify, to: holder}]\n", "ladders.idle：没有时限使用它"),
    ],
)  # fmt: skip
def test_what_is_perhaps_not_meant_is_said_but_not_refused(
    right: str, wrong: str, warning: str
) -> None:
    assert right in CLOSED_LOOP
    text = CLOSED_LOOP.replace(right, wrong)
    assert compile_kind(text)
    assert warning in "；".join(remarks(text))


def test_clocks_that_start_together_run_side_by_side() -> None:
    beside = """\
clocks:
  beside: {title: 并行, start: [case-assigned, rework-required], stop: [completion-claimed], budget: 10wd, calendar: cn-office}
"""
    assert remarks(CLOSED_LOOP.replace("clocks:\n", beside)) == []
