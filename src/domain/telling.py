"""Telling people (告知) what somebody did to a case: by the kind's `notices`, once each.

`party-notified` comes after all else that a request records, at the moment of the request: one
notice a recipient, of everything in it that they must know. Telling the past tells nobody.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, cast

from msgspec import Struct

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.due import SHANGHAI, Budget, Cutoff, due, parse_budget
from domain.kind import NoticeRule
from domain.parties import parties
from domain.recipients import ROLES, Found, above, find, find_post, meant
from domain.told import Told
from domain.turn import Turn
from domain.values import TOLD_BY
from domain.world import Draft, World


class _Telling(Struct):
    """What one recipient is told."""

    found: Found
    facts: list[f.CaseFact]
    rule: NoticeRule | None = None
    """The one with the shortest time to sign, of those that ask for a signature."""


def notify(turn: Turn) -> None:
    """Tell of what a request has recorded so far."""
    told_of = turn.world.kind.told_of
    if turn.world.importing or not told_of:
        return
    facts = [one.fact for one in turn.drafts if one.stream is None and one.fact.TYPE in told_of]
    for telling in _tellings(turn, cast("list[f.CaseFact]", facts)):
        _tell(turn, telling)


def _tellings(turn: Turn, facts: Iterable[f.CaseFact]) -> list[_Telling]:
    """Gather what each person, or each unit without posts, is told; nobody of their own doing."""
    told: dict[tuple[str | None, ...], _Telling] = {}
    for fact in facts:
        for value, rule in turn.world.kind.told_of[fact.TYPE]:
            if not value or value == str(getattr(fact, TOLD_BY[fact.TYPE])):
                for found in _recipients(rule, fact, turn):
                    telling = told.setdefault(_who(found.recipient), _Telling(found, []))
                    telling.facts.append(fact)
                    telling.rule = _stricter(telling.rule, rule)
    own = turn.world.actor.person
    return [one for one in told.values() if own is None or one.found.recipient.person != own]


def _who(told: f.Recipient) -> tuple[str | None, ...]:
    """Return what tells one recipient from another; as what they are told does not matter."""
    if told.person is not None:
        return (told.person,)
    return (None, told.unit.id if told.unit else told.role)


def _stricter(one: NoticeRule | None, other: NoticeRule) -> NoticeRule | None:
    """Return the rule that leaves less time to sign; of those that do not compare the first."""
    if other.acknowledge is None:
        return one
    if one is None or one.acknowledge is None:
        return other
    same = one.acknowledge.unit is other.acknowledge.unit
    return other if same and other.acknowledge.size < one.acknowledge.size else one


def _recipients(rule: NoticeRule, fact: f.CaseFact, turn: Turn) -> Iterator[Found]:
    world, privacy = turn.world, turn.case.privacy
    day = _today(world)
    for word in rule.to:
        for one in parties(word, fact, turn.case, world):
            if one.post:
                yield find_post(word, one.post, one.unit, world.directory, day, privacy)
            else:
                yield find(word, one.unit, world.directory, day, privacy)


def _today(world: World) -> date:
    return world.now.astimezone(SHANGHAI).date()


def _tell(turn: Turn, telling: _Telling) -> None:
    recipient, rule = telling.found.recipient, telling.rule
    covers = tuple(dict.fromkeys(fact.TYPE for fact in telling.facts))
    waits: dict[str, Any] = {"acknowledge": None, "within": "", "calendar": ""}
    if rule is not None and rule.acknowledge is not None:
        calendar = _calendar(recipient, rule.calendar, turn.world)
        waits = _waits(turn, rule.acknowledge, calendar)
    notice = f.PartyNotified(
        notice=turn.case.noticed + 1,
        cause=covers[0],
        covers=covers,
        action=telling.facts[0].action,
        recipient=recipient,
        instead_of=0,
        **waits,
    )
    turn.record(notice, turn.world.now)
    divert(turn, telling.found, turn.world.now)


def _waits(turn: Turn, within: Budget, calendar: str) -> dict[str, Any]:
    """Return until when the next notice is to be signed for."""
    by = due(turn.world.now, within, turn.almanac(calendar), Cutoff.close_of_business).at
    point = f.Point(f"acknowledge:{turn.case.noticed + 1}", by)
    return {"acknowledge": point, "within": str(within), "calendar": calendar}


def _calendar(recipient: f.Recipient, otherwise: str, world: World) -> str:
    """Return the calendar of the unit that is told, else the kind's (clocks.md R13)."""
    own = world.directory.calendar_of(recipient.unit) if recipient.unit else None
    return own if own is not None and own in world.calendars else otherwise


def divert(turn: Turn, found: Found, at: datetime) -> None:
    """Record of whom the latest notice was kept, if of anybody (保密、回避)."""
    if found.withheld:
        diverted = f.NoticeDiverted(
            notice=turn.case.noticed, role=found.asked, withheld=found.withheld
        )
        turn.record(diverted, at)


def unsigned(turn: Turn, told: Told, at: datetime) -> None:
    """Nobody signed in time: it is noted at that time."""
    fact = f.PartyNoticeUnsigned(notice=told.number, effective_at=at, detected_at=turn.world.now)
    turn.record(fact, at)


def pass_on(turn: Turn, told: Told, at: datetime) -> None:
    """Tell the next in line of a notice that nobody signed for, up to the district's centre.

    `at` is the moment up to which the request settled: what the request does then comes after it.
    """
    found = above(told.recipient, turn.world.directory, _today(turn.world), turn.case.privacy)
    if found is None:
        return
    notice = f.PartyNotified(
        notice=turn.case.noticed + 1,
        cause=told.cause,
        covers=(told.cause,),
        action=told.action,
        recipient=found.recipient,
        instead_of=told.number,
        **_waits(turn, parse_budget(told.within), told.calendar),
    )
    turn.record(notice, at)
    divert(turn, found, at)


def signed(told: Told, world: World, *, acted: bool = False) -> Draft:
    """签收: whoever was told says so."""
    fact = f.PartyNoticeAcknowledged(notice=told.number, by=world.who, acted=acted)
    return Draft(fact, world.now)


def signed_by_acting(case: Case, world: World) -> list[Draft]:
    """办理即签收: whoever acts on a case has read what they were told of it."""
    if world.importing or world.actor.role is Role.TIMER:
        return []
    return [
        signed(told, world, acted=True) for told in case.told if _speaks_for(told.recipient, world)
    ]


def _speaks_for(recipient: f.Recipient, world: World) -> bool:
    """Whether the actor is meant, not only somebody of the same unit with another role."""
    actor = world.actor
    in_person = recipient.person is not None and actor.person is not None
    if not in_person and recipient.role in ROLES and recipient.role != actor.role:
        return False
    return meant(recipient, actor, world.directory)
