"""What actions may require of 四定三包: the four, then the duties."""

from typing import Final

from domain.accountability import STABILITY, TITLES
from domain.accountability_posts import standing
from domain.case import Case
from domain.errors import AccountabilityIncomplete
from domain.kind import Action
from domain.requirement import Requirement
from domain.world import World


def _four_fixed(action: Action, case: Case, world: World) -> None:
    """Completion cannot be claimed while one of the required four is missing, or is vacant."""
    rule = world.kind.accountability
    required = rule.slots_at(case.severity) if rule else ()
    if world.importing or not required:
        return
    stands = standing(case.accountability, world.directory, world.now)
    missing = [_lacking(name, case) for name in required if name not in stands]
    if missing:
        raise AccountabilityIncomplete(action=action.title, missing="、".join(missing))


def _lacking(name: str, case: Case) -> str:
    """Say what is missing; a part that was fixed and does not stand has a vacant post."""
    now = case.accountability
    fixed = {"leader": now.leaders, "responsibility": now.responsible}.get(name)
    return f"{TITLES[name]}（岗位缺位）" if fixed else f"未{TITLES[name]}"


def _duties_done(action: Action, case: Case, world: World) -> None:
    """Verification waits for 包调查 and 包处理; 包稳定 must be somebody's, and may go on."""
    if world.importing:
        return
    rule = world.kind.accountability
    required = rule.duties_at(case.severity) if rule else ()
    open_ = [problem for name in TITLES if (problem := _open(name, case, required))]
    if open_:
        raise AccountabilityIncomplete(action=action.title, missing="、".join(open_))


def _open(name: str, case: Case, required: tuple[str, ...]) -> str:
    """Say why a duty stands in the way of verification; nothing if it does not."""
    duty = case.accountability.duty(name)
    status = duty.status if duty else "none"
    if status == "running" and name != STABILITY:
        return f"{TITLES[name]}正在进行"
    if name not in required or status in {"running", "fulfilled"}:
        return ""
    return f"{TITLES[name]}{'未能落实' if status == 'failed' else '无人承担'}"


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "four_fixed": _four_fixed,
    "duties_done": _duties_done,
}
