"""What a kind may say of 四定三包, and what may not be published."""

import pytest

from domain.accountability_rule import AccountabilityRule
from workflows.language import BadKind, compile_kind, shipped_sources

TEXT = next(one.text for one in shipped_sources() if one.name == "dispute-adoption")
FOUR = "required_by: {default: [leader, measures, deadline, responsibility]}"
THREE = "required_by: {default: [investigation, handling, stability]}"
STABILITY = '["duty-taken:stability"]'

# (what stands in dispute-adoption.yaml, what stands there instead, what the problem names)
BROKEN: list[tuple[str, str, str]] = [
    (FOUR, "required_by: {grave: [leader]}", "accountability.four_fixed.required_by：没有“grave”"),
    (
        FOUR,
        "required_by: {default: [luck]}",
        "accountability.four_fixed.required_by.default：没有“luck”",
    ),
    (
        THREE,
        "required_by: {default: [peace]}",
        "accountability.duties.required_by.default：没有“peace”",
    ),
    (FOUR, "required_by: {}", "clocks.four_fixed.stop：没有“four-fixed”"),
    (
        "deadline_within: [adoption]",
        "deadline_within: [handling]",
        "accountability.deadline_within：没有“handling”",
    ),
    ("watch: 30nd", "watch: 30", "accountability.watch"),
    ("watch: 30nd", "colour: red", "accountability.colour：没有这一项"),
    ("  reopens_to: adopted\n", "", "accountability.reopens_to：稳控失败会重新办理"),
    ("reopens_to: adopted", "reopens_to: nowhere", "accountability.reopens_to：没有“nowhere”"),
    (
        "reopens_to: adopted",
        "reopens_to: circulated",
        "accountability.reopens_to：“circulated”是 ending 环节",
    ),
    (
        "requires: [four_fixed]",
        "requires: []",
        "actions.request_strike_off.requires：completion-claimed 须有 four_fixed",
    ),
    (
        "requires: [duties_done]",
        "requires: []",
        "actions.strike_off.requires：completion-verified 须有 duties_done",
    ),
    ("emits: [duty-failed]", "emits: [note-recorded]", "没有操作有 duty-failed"),
    (
        "values: [stable, unstable]",
        "values: [fine, unstable]",
        "actions.revisit.form.outcome.values：没有“fine”",
    ),
    (STABILITY, '["duty-taken:peace"]', "clocks.stability.start：没有“peace”"),
    (STABILITY, "[leader-fixed]", "clocks.stability.start：per: duty 的时限只能从"),
    (
        "    start: [leader-fixed, case-reopened]\n",
        "    start: [leader-fixed]\n    outlives: true\n",
        "clocks.four_fixed.outlives：只用于 per: duty",
    ),
    (
        "      leader: {title: 包案领导的岗位, type: post, required: true}\n      instruction",
        "      instruction",
        "actions.sign_off.form.leader",
    ),
]


def broken(right: str, wrong: str) -> str:
    assert right in TEXT, right
    return TEXT.replace(right, wrong)


@pytest.mark.parametrize(("right", "wrong", "problem"), BROKEN, ids=range(len(BROKEN)))
def test_a_kind_that_could_not_account_for_itself_is_not_published(
    right: str, wrong: str, problem: str
) -> None:
    with pytest.raises(BadKind) as caught:
        compile_kind(broken(right, wrong))
    assert problem in str(caught.value)


def test_its_facts_need_the_section() -> None:
    start = TEXT.index("\naccountability:")
    end = TEXT.index("\nladders:")
    with pytest.raises(BadKind) as caught:
        compile_kind(TEXT[:start] + TEXT[end:])
    assert "actions.sign_off.emits：有 leader-fixed 而没有 accountability" in str(caught.value)


def test_what_is_required_goes_by_severity_and_in_the_order_of_the_four() -> None:
    rule = AccountabilityRule(
        slots={"major": ("leader", "measures"), "default": ("measures",)},
        duties={"major": ("stability",)},
    )
    assert rule.slots_at("major") == ("leader", "measures")
    assert rule.slots_at("general") == rule.slots_at(None) == ("measures",)
    assert (rule.duties_at("major"), rule.duties_at(None)) == (("stability",), ())
    shuffled = broken(FOUR, "required_by: {default: [deadline, leader]}")
    compiled = compile_kind(shuffled).accountability
    assert compiled is not None
    assert compiled.slots_at(None) == ("leader", "deadline")
