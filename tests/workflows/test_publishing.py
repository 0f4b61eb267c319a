"""What may not be published: ways that lead nowhere, people who cannot be, words that mean nothing."""
# ruff: noqa: E501 - one line for each row of the tables

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.small_kinds import problems_of, small

Change = Callable[[dict[str, Any]], object]


def role(name: str, held_by: list[str], relation: str) -> Change:
    """Give the kind another role, who may judge as well."""

    def change(data: dict[str, Any]) -> None:
        data["roles"][name] = {"title": "某人", "held_by": held_by, "from": relation}
        data["actions"]["judge"]["by"].append(name)

    return change


def stage(name: str) -> Change:
    """Give the kind another stage."""
    return lambda data: data["stages"].update({name: {"title": "某处", "phase": "joint_handling"}})


def both(*changes: Change) -> Change:
    """Change one thing after the other."""
    return lambda data: [change(data) for change in changes]


CLOCK = {
    "title": "时限",
    "start": ["case-reported"],
    "stop": ["case-closed"],
    "budget": "3wd",
    "calendar": "cn-office",
}


def clock(**members: object) -> Change:
    """Give the kind a clock."""
    return lambda data: data.update({"clocks": {"t": CLOCK | members}})


def ladder(*rungs: dict[str, str]) -> Change:
    """Give the kind a clock with a ladder."""
    return both(clock(ladder="up"), lambda data: data.update({"ladders": {"up": list(rungs)}}))


def duplicates(**members: object) -> Change:
    """Say what may be the same issue."""
    return lambda data: data.update({"duplicates": members})


def action(**members: object) -> Change:
    """Change the action."""
    return lambda data: data["actions"]["judge"].update(members)


# (what changes, what is said of it)
BROKEN: list[tuple[Change, str]] = [
    (stage("nowhere"), "stages.nowhere：没有操作能到达这个环节"),
    (both(stage("stuck"), action(to="stuck")), "stages.stuck：从这里没有办法结束"),
    (action(by=["nobody"]), "actions.judge.by：没有“nobody”；可用：anybody"),
    (action(emits=["case-sung"]), "actions.judge.emits：没有“case-sung”"),
    (action(when="data.age == 3"), "actions.judge.when：“data.age == 3”：没有“data.age”"),
    (action(requires=["luck"]), "actions.judge.requires：没有“luck”"),
    (role("ghost", [], "district"), "roles.ghost.held_by：没有人能担任这个角色；可用：admin、"),
    (role("ghost", ["timer", "importer"], "district"), "roles.ghost.held_by：没有人能担任这个角色"),
    (
        role("ghost", ["leader"], "lead"),
        "roles.ghost.from：没有操作会使任何单位成为 lead；emits 中须有 case-assigned",
    ),
    (
        role("ghost", ["leader"], "assisting"),
        "roles.ghost.from：没有操作会使任何单位成为 assisting",
    ),
    (role("ghost", ["leader"], "called"), "emits 中须有 whistle-blown"),
    (role("ghost", ["leader"], "claimant"), "emits 中须有 case-claimed"),
    (role("ghost", ["leader"], "leader"), "emits 中须有 leader-fixed"),
    (duplicates(radius=0), "duplicates.radius：不能小于 1"),
    (duplicates(hours="24h"), "duplicates.hours：须为整数"),
    (duplicates(category="near"), "duplicates.category：只能是 'same'、'any'"),
    (duplicates(metres=5), "duplicates.metres：没有这一项；请删去，或改正拼写"),
    (clock(per="objection"), "clocks.t.start：per: objection 的时限只能从 objection-raised 开始"),
    (clock(budget="3"), "clocks.t.budget：时限“3”没有写明"),
    (clock(budget="3天"), "clocks.t.budget：时限“3天”没有写明"),
    (clock(start=["case-sung"]), "clocks.t.start：没有“case-sung”"),
    (ladder({"at": "due+3", "do": "notify", "to": "handler"}), "ladders.up.0.at"),
    (ladder({"at": "due", "do": "notify", "to": "king"}), "ladders.up.0.to：没有“king”"),
    (
        ladder(
            {"at": "due+2wd", "do": "notify", "to": "handler"},
            {"at": "due+1wd", "do": "supervise", "to": "supervisor"},
        ),
        "ladders.up.1.at：“due+1wd”早于前一级“due+2wd”",
    ),
    (
        ladder({"at": "due", "do": "supervise", "to": "supervisor", "every": "1wd"}),
        "ladders.up.0.every：“supervise”不能反复进行",
    ),
]


@pytest.mark.parametrize(("change", "said"), BROKEN)
def test_what_cannot_work_is_not_published(change: Change, said: str) -> None:
    data = small()
    change(data)
    assert said in problems_of(data)


def test_the_small_kind_itself_may_be_published() -> None:
    assert problems_of(small()) == ""


def test_a_rung_cannot_send_back_to_one_before_it() -> None:
    """No ladder is a cycle: rungs name a time and a person, never each other."""
    data = small()
    ladder({"at": "due", "do": "notify", "to": "handler", "next": "due"})(data)
    assert "ladders.up.0.next：没有这一项" in problems_of(data)
