"""What a kind must say of hops, waits and whistles before it may be published."""

import pytest

from tests.support.people import TEXT
from workflows.language import BadKind, compile_kind

SKIP = "  - {urgency: urgent, tier: county, copied: [town]}"


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        (SKIP, "  - {urgency: at_once, tier: county}", "skip_levels.0.urgency"),
        (SKIP, "  - {tier: town, copied: [town]}", "skip_levels.0.copied"),
        (SKIP, "  - {tier: district}", "skip_levels.0.tier"),
        ("set: {suspension: awaiting_supplement}", "set: {suspension: asleep}", "suspension"),
        ("set: {side: whistle}", "set: {side: left}", "actions.rate_whistle.set.side"),
        ("emits: [case-escalated]", "emits: [note-recorded, case-escalated]", "escalate.emits"),
        ("emits: [void-refused]", "emits: [note-recorded]", "void-refused"),
        ("emits: [call-released]", "emits: [note-recorded]", "call-released"),
        ("start: [whistle-blown]", "start: [reported-in]", "clocks.reporting_in.start"),
        ("requires: [handover_pending]", "requires: [handed_over]", "accept_handover.requires"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(right: str, wrong: str, path: str) -> None:
    assert TEXT.count(right) == 1
    with pytest.raises(BadKind) as caught:
        compile_kind(TEXT.replace(right, wrong))
    assert path in str(caught.value)


def test_rules_to_skip_levels_need_an_action_that_escalates() -> None:
    start, end = TEXT.index("  escalate:"), TEXT.index("  accept_handover:")
    text = TEXT[:start] + TEXT[end:]
    with pytest.raises(BadKind, match="skip_levels"):
        compile_kind(
            text.replace("start: [case-handed-down, case-escalated]", "start: [case-handed-down]")
        )


def test_rules_are_compiled_in_their_order_and_name_themselves() -> None:
    text = TEXT.replace(SKIP, f"{SKIP}\n  - {{category: 燃气, urgency: normal, tier: town}}")
    rules = compile_kind(text).skip_levels
    assert [rule.said for rule in rules] == [
        "urgency=urgent>county",
        "category=燃气,urgency=normal>town",
    ]
    assert rules[0].copied == ("town",)
