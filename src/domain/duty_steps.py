"""From permitted actions to facts: the three duties (三包), taken, fulfilled, failed, revisited."""

from datetime import datetime
from typing import Any, Final

from domain import facts as f
from domain.accountability import DUTIES, STABILITY, TITLES, Duty
from domain.accountability_posts import day_of, find_post
from domain.accountability_since import refuse_unsigned, takes_effect
from domain.due import Budget, due
from domain.errors import DutyNotAllowed, UnknownField
from domain.roles import acting_unit
from domain.step import Builder, Step

STABLE: Final = "stable"
UNSTABLE: Final = "unstable"
OUTCOMES: Final = (STABLE, UNSTABLE)
_CODE: Final = frozenset({"code", "choice"})
_MOMENT: Final = frozenset({"moment"})
_TEXT: Final = frozenset({"text"})
_DUTY: Final = {"duty": _CODE}


def _duty_taken(step: Step) -> tuple[f.Fact, ...]:
    """Take a duty; one that runs changes hands, with a handover note, and its clock goes on.

    Raises:
        UnknownField, DutyNotAllowed (fulfilled already), EffectiveTooEarly, EvidenceMissing.
    """
    name = _named(step)
    before = step.case.accountability.duty(name)
    if before is not None and before.status == "fulfilled":
        raise DutyNotAllowed(duty=TITLES[name], detail="已经落实")
    running = before is not None and before.status == "running"
    since = takes_effect(step, change=running)
    until: datetime | None = step.values.get("until")
    if until is not None and until <= since:
        raise UnknownField(field="责任期限", detail="须晚于生效时间", pointer="/data/until")
    who, unit = _who(step, since)
    if before is not None and running:
        if (before.who, before.unit) == (who, unit):
            raise DutyNotAllowed(duty=TITLES[name], detail="已由同一岗位（单位）承担")
        if until not in {None, before.until}:
            raise DutyNotAllowed(duty=TITLES[name], detail="换人不改变责任期限")
        refuse_unsigned(step)
    kept = before if running else None
    return (
        f.DutyTaken(
            **step.base(),
            duty=name,
            post=who.post if who else None,
            person=who.person if who else None,
            unit=unit,
            since=since,
            until=until or (kept.until if kept else None),
            watch_until=kept.watch_until if kept else _watch_until(step, name, since),
            previous=kept.who if kept else None,
        ),
    )


def _who(step: Step, since: datetime) -> tuple[f.Answerable | None, f.Unit]:
    """Return who takes it: the post that is named, else the actor's own, else their unit."""
    directory, actor = step.world.directory, step.world.actor
    named: str | None = step.values.get("post") or actor.post
    if named is not None:
        post = find_post(named, directory, "/data/post")
        who = f.Answerable(post.id, post.holder_on(day_of(since)))
        return who, directory.unit(post.unit)
    unit = directory.unit(acting_unit(actor, directory) or "")
    return (f.Answerable("", actor.person) if actor.person else None), unit


def _watch_until(step: Step, name: str, since: datetime) -> datetime | None:
    """Return until when stability is watched; other duties are not."""
    rule = step.world.kind.accountability
    if name != STABILITY or rule is None or rule.watch is None:
        return None
    return _counted(step, since, rule.watch)


def _counted(step: Step, since: datetime, watch: Budget) -> datetime:
    """Count by the calendar of the kind's clocks; a watch is in natural days anyway."""
    names = [clock.calendar for clock in step.world.kind.clocks]
    calendars = [step.world.calendars[name] for name in names if name in step.world.calendars]
    return due(since, watch, calendars[0]).at


def _duty_fulfilled(step: Step) -> tuple[f.Fact, ...]:
    """A duty is fulfilled with evidence; stability after its watch, and a stable last revisit.

    Raises:
        DutyNotAllowed.
    """
    duty = _running(step, _named(step))
    if duty.name == STABILITY:
        _refuse_unwatched(step, duty)
    return (f.DutyFulfilled(**step.base(), duty=duty.name),)


def _refuse_unwatched(step: Step, duty: Duty) -> None:
    title = TITLES[duty.name]
    if duty.watch_until is not None and day_of(step.at) < day_of(duty.watch_until):
        last = day_of(duty.watch_until).isoformat()
        raise DutyNotAllowed(duty=title, detail=f"稳控观察期到 {last} 为止，期满当日起才能认定")
    if duty.outcome != STABLE:
        raise DutyNotAllowed(duty=title, detail="还没有结果为稳定的回访")


def _duty_failed(step: Step) -> tuple[f.Fact, ...]:
    return _failed(step, _running(step, _named(step)), step.values["reason_code"])


def _failed(step: Step, duty: Duty, reason: str) -> tuple[f.Fact, ...]:
    """A duty fails; where stability fails after the end, the case is open again (§2)."""
    failed = f.DutyFailed(**step.base(), duty=duty.name, reason=reason)
    if duty.name != STABILITY:
        return (failed,)
    return (failed, *_reopened(step.after(failed)))


def _reopened(step: Step) -> tuple[f.Fact, ...]:
    """Return the next cycle of a case that had ended; of an open one nothing."""
    kind, case = step.world.kind, step.case
    target = kind.accountability.reopens_to if kind.accountability else None
    if target is None or not kind.stages[case.stage].ending:
        return ()
    stage = f.Stage(case.stage, target, kind.stages[target].phase)
    members: dict[str, Any] = {**step.base(), "stage": stage}
    members["holder"] = case.accepted_by or case.holder
    return (f.CaseReopened(**members, cycle=case.cycle + 1),)


def _revisited(step: Step) -> tuple[f.Fact, ...]:
    """Record a revisit; if it is not stable any more, the duty has failed.

    Raises:
        DutyNotAllowed: stability is nobody's duty now.
    """
    duty = _running(step, STABILITY)
    outcome = step.values["outcome"]
    if outcome not in OUTCOMES:
        raise UnknownField(
            field="回访结果", detail=f"只能是：{'、'.join(OUTCOMES)}", pointer="/data/outcome"
        )
    fact = f.RevisitRecorded(
        **step.base(), duty=STABILITY, revisit=duty.revisits + 1, outcome=outcome
    )
    if outcome == STABLE:
        return (fact,)
    return (fact, *_failed(step.after(fact), duty, UNSTABLE))


def _running(step: Step, name: str) -> Duty:
    duty = step.case.accountability.duty(name)
    if duty is None or duty.status != "running":
        found = {"fulfilled": "已经落实", "failed": "未能落实，尚未重新承担"}
        detail = found.get(duty.status, "") if duty else "还没有人承担"
        raise DutyNotAllowed(duty=TITLES[name], detail=detail)
    return duty


def _named(step: Step) -> str:
    name: str = (step.action.set | step.values)["duty"]
    if name not in DUTIES:
        raise UnknownField(
            field="三包责任", detail=f"只能是：{'、'.join(DUTIES)}", pointer="/data/duty"
        )
    return name


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.DutyTaken.TYPE: {
        **_DUTY,
        "post": frozenset({"post"}),
        "until": _MOMENT,
        "effective_at": _MOMENT,
        "handover": _TEXT,
    },
    f.DutyFulfilled.TYPE: {**_DUTY, "evidence": _TEXT},
    f.DutyFailed.TYPE: {**_DUTY, "reason_code": _CODE},
    f.RevisitRecorded.TYPE: {"outcome": _CODE},
}
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    f.DutyTaken.TYPE: ("duty",),
    f.DutyFulfilled.TYPE: ("duty", "evidence"),
    f.DutyFailed.TYPE: ("duty", "reason_code"),
    f.RevisitRecorded.TYPE: ("outcome",),
}
CONSTANTS: Final[dict[str, frozenset[str]]] = {
    fact: frozenset({"duty"})
    for fact in (f.DutyTaken.TYPE, f.DutyFulfilled.TYPE, f.DutyFailed.TYPE)
}
BUILDERS: Final[dict[str, Builder]] = {
    f.DutyTaken.TYPE: _duty_taken,
    f.DutyFulfilled.TYPE: _duty_fulfilled,
    f.DutyFailed.TYPE: _duty_failed,
    f.RevisitRecorded.TYPE: _revisited,
}
