"""From permitted actions to facts, of the family in `domain/civic.py`."""

from datetime import timedelta
from fractions import Fraction
from typing import Final

from domain import facts as f
from domain.due import SHANGHAI, Unit, parse_budget
from domain.errors import (
    AlreadyClaimed,
    NotFound,
    PublicationOpen,
    UnknownField,
    VoteContradicts,
)
from domain.forms import in_clear
from domain.roles import acting_unit
from domain.step import Builder, Step

_INTEGER: Final = frozenset({"integer"})
_DAY: Final = frozenset({"day"})
STEP: Final = frozenset({"step"})
DEFAULT_STEP: Final = "publication"


def _data_recorded(step: Step) -> tuple[f.Fact, ...]:
    """Record what the form says and no other fact of the action took; nothing, if that is all."""
    kept = {name: _meant(step, name) for name in step.action.recorded if name in step.values}
    data = in_clear({**step.action.set_data, **kept})
    return (f.DataRecorded(**step.base(), data=data),) if data else ()


def _meant(step: Step, name: str) -> object:
    """Return a value of the form; another case must be one that the actor may see.

    Raises:
        NotFound.
    """
    value: object = step.values[name]
    if not any(field.name == name and field.type == "case" for field in step.action.form):
        return value
    other = str(value).lower()
    if other not in step.world.others:
        raise NotFound(what="所指的事项", pointer=f"/data/{name}")
    return other


def _claimed(step: Step) -> tuple[f.Fact, ...]:
    """Claim it for the actor's unit.

    Raises:
        AlreadyClaimed: somebody was faster.
    """
    world = step.world
    if step.case.civic.claimant is not None:
        taken = world.directory.units.get(step.case.civic.claimant.id)
        raise AlreadyClaimed(unit=taken.name if taken else step.case.civic.claimant.id)
    unit = acting_unit(world.actor, world.directory)
    if unit is None:
        raise UnknownField(field="认领单位", detail="组织目录为空；请先导入组织目录")
    claimant = world.directory.unit(unit)
    return (f.CaseClaimed(**step.base(), claimant=claimant, person=world.actor.person),)


def _released(step: Step) -> tuple[f.Fact, ...]:
    return (f.ClaimReleased(**step.base()),)


def _vote_held(step: Step) -> tuple[f.Fact, ...]:
    """Count a vote by its rule; the action says which result it is for.

    Raises:
        UnknownField: numbers that cannot be.
        VoteContradicts: by the numbers the result is the other one.
    """
    values, rule = step.values, step.action.set
    eligible, present, in_favour = (values[name] for name in ("eligible", "present", "in_favour"))
    _refuse_impossible(eligible, present, in_favour)
    quorum, majority = rule.get("quorum", "1/2"), rule.get("majority", "1/2")
    of = rule.get("majority_of", "present")
    base = eligible if of == "eligible" else present
    attended = present >= Fraction(quorum) * eligible
    passed = attended and in_favour > Fraction(majority) * base
    if "result" in rule and passed != (rule["result"] == "passed"):
        raise VoteContradicts(
            result="通过" if passed else "未通过",
            quorum=quorum,
            majority=majority,
            of="应到人数" if of == "eligible" else "到会人数",
            pointer="/data/in_favour",
        )
    fact = f.VoteHeld(
        **step.base(),
        step=rule.get("step", step.action.name),
        body=rule.get("body", ""),
        eligible=eligible,
        present=present,
        in_favour=in_favour,
        quorum=quorum,
        majority=majority,
        majority_of=of,
        passed=passed,
    )
    return (fact,)


def _refuse_impossible(eligible: int, present: int, in_favour: int) -> None:
    if eligible < 1:
        raise UnknownField(field="应到人数", detail="至少为 1", pointer="/data/eligible")
    if not 0 <= present <= eligible:
        raise UnknownField(field="到会人数", detail="不能多于应到人数", pointer="/data/present")
    if not 0 <= in_favour <= present:
        raise UnknownField(field="赞成人数", detail="不能多于到会人数", pointer="/data/in_favour")


def _publication_made(step: Step) -> tuple[f.Fact, ...]:
    """Post it, for at least as many natural days as the kind asks for."""
    today = step.at.astimezone(SHANGHAI).date()
    since = step.values.get("since", today)
    until = step.values["until"]
    least = parse_budget(step.action.set.get("least", "1nd"))
    days = least.size if least.unit is Unit.nd else 1
    earliest = since + timedelta(days=days - 1)
    if until < earliest:
        raise UnknownField(
            field="公示至", detail=f"至少公示 {days} 天，不能早于 {earliest}", pointer="/data/until"
        )
    name = step.action.set.get("step", DEFAULT_STEP)
    return (f.PublicationMade(**step.base(), step=name, since=since, until=until),)


def _publication_ended(step: Step) -> tuple[f.Fact, ...]:
    """Take it down, the day after its last.

    Raises:
        PublicationOpen: it has not hung long enough, or does not hang at all.
    """
    name = step.action.set.get("step", DEFAULT_STEP)
    until = step.case.civic.published.get(name)
    if until is None or step.at.astimezone(SHANGHAI).date() <= until:
        raise PublicationOpen(until=until or "尚未公示")
    return (f.PublicationEnded(**step.base(), step=name),)


def _objection_raised(step: Step) -> tuple[f.Fact, ...]:
    return (f.ObjectionRaised(**step.base(), objection=step.case.civic.objections + 1),)


def _objection_answered(step: Step) -> tuple[f.Fact, ...]:
    """Answer the objection that the form names; unnamed, the only one there is."""
    waiting = step.case.civic.unanswered
    named: int | None = step.values.get("objection")
    found = [one for one in waiting if named in {None, one}]
    if len(found) != 1:
        numbers = "、".join(map(str, waiting)) or "无"
        raise UnknownField(
            field="异议序号",
            detail=f"请写明是哪一项；未答复的：{numbers}",
            pointer="/data/objection",
        )
    return (f.ObjectionAnswered(**step.base(), objection=found[0]),)


def _signature(step: Step) -> tuple[f.Fact, ...]:
    return (f.SignatureRecorded(**step.base(), signatures=step.case.civic.signatures + 1),)


def _zero_reported(step: Step) -> tuple[f.Fact, ...]:
    """Say that nothing was found.

    Raises:
        UnknownField: findings were recorded.
    """
    if step.case.civic.findings:
        raise UnknownField(field="零报告", detail="本轮已登记发现的问题，不能零报告；请直接结束")
    return (f.ZeroReported(**step.base()),)


def _round_missed(step: Step) -> tuple[f.Fact, ...]:
    return (f.RoundMissed(**step.base()),)


def _finding(step: Step) -> tuple[f.Fact, ...]:
    """Record a finding; the case that it becomes is reported by `domain/beside.py`."""
    number = step.case.civic.findings + 1
    return (
        f.FindingRecorded(
            **step.base(),
            finding=number,
            case=step.world.part_id(number),
            number=f"{step.case.number}-{number}",
            place=step.values.get("unit"),
            category=step.values.get("category"),
        ),
    )


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.VoteHeld.TYPE: dict.fromkeys(("eligible", "present", "in_favour"), _INTEGER),
    f.PublicationMade.TYPE: {"since": _DAY, "until": _DAY},
    f.ObjectionAnswered.TYPE: {"objection": _INTEGER},
    f.FindingRecorded.TYPE: {
        "unit": frozenset({"unit"}),
        "category": frozenset({"code", "choice"}),
    },
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.VoteHeld.TYPE: ("eligible", "present", "in_favour"),
    f.PublicationMade.TYPE: ("until",),
}
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    f.VoteHeld.TYPE: frozenset({"step", "body", "quorum", "majority", "majority_of", "result"}),
    f.PublicationMade.TYPE: frozenset({"step", "least"}),
    f.PublicationEnded.TYPE: STEP,
}
BUILDERS: Final[dict[str, Builder]] = {
    f.DataRecorded.TYPE: _data_recorded,
    f.CaseClaimed.TYPE: _claimed,
    f.ClaimReleased.TYPE: _released,
    f.VoteHeld.TYPE: _vote_held,
    f.PublicationMade.TYPE: _publication_made,
    f.PublicationEnded.TYPE: _publication_ended,
    f.ObjectionRaised.TYPE: _objection_raised,
    f.ObjectionAnswered.TYPE: _objection_answered,
    f.SignatureRecorded.TYPE: _signature,
    f.FindingRecorded.TYPE: _finding,
    f.ZeroReported.TYPE: _zero_reported,
    f.RoundMissed.TYPE: _round_missed,
}
