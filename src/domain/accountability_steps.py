"""From permitted actions to facts: the four that are fixed (the duties: `duty_steps`)."""

from datetime import datetime
from typing import Final

from domain import duty_steps
from domain import facts as f
from domain.accountability import Leader, Responsible, in_effect
from domain.accountability_posts import day_of, find_post, standing
from domain.accountability_since import refuse_unsigned, takes_effect
from domain.due import SHANGHAI
from domain.errors import DeadlineNotAllowed, UnknownField
from domain.forms import read_moment
from domain.step import Builder, Step

_CODES: Final = frozenset({"codes"})
_MOMENT: Final = frozenset({"moment"})
_POST: Final = frozenset({"post"})
_TEXT: Final = frozenset({"text"})
_TEXTS: Final = frozenset({"texts"})
_CHANGE: Final = {"effective_at": _MOMENT, "handover": _TEXT}


def completed(step: Step) -> tuple[f.Fact, ...]:
    """Return the fact that everything the severity requires stands now, if it did not before.

    It is complete once: again only after a reopening, or when more comes to be required.
    """
    rule, now = step.world.kind.accountability, step.case.accountability
    required = rule.slots_at(step.case.severity) if rule else ()
    if set(required) <= set(now.complete):
        return ()
    if not set(required) <= set(standing(now, step.world.directory, step.at)):
        return ()
    base, severity = step.base(), step.case.severity
    return (f.FourFixed(**base, severity=severity, parts=required, count=now.completions + 1),)


def _leader_fixed(step: Step) -> tuple[f.Fact, ...]:
    """定领导; another leader takes effect at a moment of its own, and is handed over to.

    Raises:
        UnknownField: no such post, or the same leader again.
        EffectiveTooEarly, EvidenceMissing (no handover note).
    """
    directory, leaders = step.world.directory, step.case.accountability.leaders
    post = find_post(step.values["leader"], directory, "/data/leader")
    since = takes_effect(step, change=bool(leaders))
    who = f.Answerable(post.id, post.holder_on(day_of(since)))
    before: Leader | None = in_effect(leaders, since)
    if before is not None and before.who == who:
        raise UnknownField(
            field="包案领导", detail="与现在的相同，不需要变更", pointer="/data/leader"
        )
    if before is not None:
        refuse_unsigned(step)
    leader = f.LeaderFixed(
        **step.base(),
        post=who.post,
        person=who.person,
        unit=directory.unit(post.unit),
        since=since,
        previous=before.who if before else None,
    )
    return (leader,)


def _responsibility_fixed(step: Step) -> tuple[f.Fact, ...]:
    """定责任: the two who carry it out; the lead unit coordinates.

    Raises:
        UnknownField, EffectiveTooEarly, EvidenceMissing (no handover note).
    """
    case, terms = step.case, step.case.accountability.responsible
    since = takes_effect(step, change=bool(terms))
    cadre, grid_worker = (_person(step, name, since) for name in ("cadre", "grid_worker"))
    before: Responsible | None = in_effect(terms, since)
    if before is not None and before.persons != (cadre, grid_worker):
        refuse_unsigned(step)
    lead = case.lead or case.holder
    responsibility = f.ResponsibilityFixed(
        **step.base(),
        cadre=cadre,
        grid_worker=grid_worker,
        units=step.values.get("units") or ((lead,) if lead else ()),
        coordinator=lead,
        since=since,
    )
    return (responsibility,)


def _person(step: Step, field: str, since: datetime) -> f.Answerable:
    post = find_post(step.values[field], step.world.directory, f"/data/{field}")
    return f.Answerable(post.id, post.holder_on(day_of(since)))


def _measures_fixed(step: Step) -> tuple[f.Fact, ...]:
    number = sum(text.field.startswith("measures.") for text in step.texts)
    measures = f.MeasuresFixed(
        **step.base(),
        edition=step.case.accountability.editions + 1,
        owners=_owners(step, number),
    )
    return (measures,)


def _owners(step: Step, number: int) -> tuple[f.Unit, ...]:
    """Return who owes each measure: one unit for all of them, or one for each.

    Raises:
        UnknownField, UnknownUnit.
    """
    given: tuple[str, ...] = step.values.get("owners", ())
    found = [
        step.world.directory.find(code, pointer=f"/data/owners/{n}") for n, code in enumerate(given)
    ]
    own = step.case.lead or step.case.holder
    owners = found or ([own] if own else [])
    if len(owners) == 1:
        return tuple(owners * number)
    if len(owners) != number:
        raise UnknownField(
            field="措施责任单位",
            detail=f"须填 1 个或 {number} 个，与措施一一对应",
            pointer="/data/owners",
        )
    return tuple(owners)


def _measure_done(step: Step) -> tuple[f.Fact, ...]:
    measures, number = step.case.accountability.measures, step.values["measure"]
    owed = (
        [n for n, _ in enumerate(measures.owners, 1) if n not in measures.done] if measures else []
    )
    if number not in owed:
        listed = "、".join(map(str, owed)) or "无"
        raise UnknownField(
            field="措施序号", detail=f"须为未落实的措施：{listed}", pointer="/data/measure"
        )
    return (f.MeasureDone(**step.base(), measure=number),)


def _deadline_fixed(step: Step) -> tuple[f.Fact, ...]:
    """定时间: once past it is not moved any more; what comes of that is on record.

    Raises:
        DeadlineNotAllowed: past, or later than a clock's due, or the one before has passed.
        UnknownField: milestones without a moment each, or out of order.
    """
    deadline: datetime = step.values["deadline"]
    before = step.case.accountability.deadline
    if before is not None and before.at < step.at:
        raise DeadlineNotAllowed(detail="原定的时间已过，不能再变更", pointer="/data/deadline")
    if deadline <= step.at:
        raise DeadlineNotAllowed(detail="须晚于现在", pointer="/data/deadline")
    _refuse_later(step, deadline)
    fixed = f.DeadlineFixed(
        **step.base(),
        deadline=deadline,
        milestones=_milestones(step, deadline),
        previous=before.at if before else None,
    )
    return (fixed,)


def _refuse_later(step: Step, deadline: datetime) -> None:
    """Compare with the dues as they stand now; extending a clock later does not move the date."""
    kind = step.world.kind
    within = kind.accountability.deadline_within if kind.accountability else ()
    for clock in step.case.open_clocks:
        if clock.name in within and deadline > clock.due:
            definition = kind.clock(clock.name)
            title = definition.title if definition else clock.name
            by = clock.due.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
            raise DeadlineNotAllowed(
                detail=f"不得晚于“{title}”的到期时间 {by}", pointer="/data/deadline"
            )


def _milestones(step: Step, deadline: datetime) -> tuple[datetime, ...]:
    given: tuple[str, ...] = step.values.get("milestone_dates", ())
    moments = [read_moment(text, f"/data/milestone_dates/{n}") for n, text in enumerate(given)]
    number = sum(text.field.startswith("milestones.") for text in step.texts)
    ascending = [step.at, *moments, deadline]
    if len(moments) != number or ascending != sorted(ascending):
        raise UnknownField(
            field="节点时间",
            detail="须与节点一一对应，按先后排列，在现在与定时间之间",
            pointer="/data/milestone_dates",
        )
    return tuple(moments)


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.LeaderFixed.TYPE: {"leader": _POST, **_CHANGE},
    f.MeasuresFixed.TYPE: {"measures": _TEXTS, "owners": _CODES},
    f.MeasureDone.TYPE: {"measure": frozenset({"integer"}), "evidence": _TEXT},
    f.DeadlineFixed.TYPE: {
        "deadline": _MOMENT,
        "milestones": _TEXTS,
        "milestone_dates": _CODES,
    },
    f.ResponsibilityFixed.TYPE: {
        "cadre": _POST,
        "grid_worker": _POST,
        "units": frozenset({"units"}),
        **_CHANGE,
    },
    **duty_steps.FIELDS,
}
"""Which fields of a form go into which fact (see domain/steps.py)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.LeaderFixed.TYPE: ("leader",),
    f.MeasuresFixed.TYPE: ("measures",),
    f.MeasureDone.TYPE: ("measure", "evidence"),
    f.DeadlineFixed.TYPE: ("deadline",),
    f.ResponsibilityFixed.TYPE: ("cadre", "grid_worker"),
    **duty_steps.NEEDED,
}
CONSTANTS: Final[dict[str, frozenset[str]]] = duty_steps.CONSTANTS
FOLLOWS: Final[dict[str, Builder]] = {
    f.LeaderFixed.TYPE: completed,
    f.MeasuresFixed.TYPE: completed,
    f.DeadlineFixed.TYPE: completed,
    f.ResponsibilityFixed.TYPE: completed,
    # What was fixed before may be all that a severity requires.
    f.CaseGraded.TYPE: completed,
}
"""What a fact may bring with it, of the case as it is after it (see domain/steps.py)."""
BUILDERS: Final[dict[str, Builder]] = {
    f.LeaderFixed.TYPE: _leader_fixed,
    f.MeasuresFixed.TYPE: _measures_fixed,
    f.MeasureDone.TYPE: _measure_done,
    f.DeadlineFixed.TYPE: _deadline_fixed,
    f.ResponsibilityFixed.TYPE: _responsibility_fixed,
    f.FourFixed.TYPE: completed,
    **duty_steps.BUILDERS,
}
