"""People are told what somebody did (告知): once, whoever may know, and they sign or act."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Act, Import, Settle, Sign
from domain.directory import Directory, fold_directory
from domain.due import parse_budget
from domain.evolve import evolve
from domain.kind import NoticeRule, Trigger
from domain.recipients import find
from domain.world import World
from tests.support import districts as d
from tests.support import given as g
from tests.support.told_histories import delivered

LONG_AGO = date(2020, 1, 1)
TIMER = Actor(role=Role.TIMER)
ADMIN = Actor(role=Role.ADMIN)
POSTS = (
    ("secretary", d.COMMUNITY, "community_officer", "p-secretary"),
    ("mayor", d.TOWN, "town_officer", None),
    ("deputy-mayor", d.TOWN, "town_officer", "p-mayor"),
    ("water-head", d.WATER, "department_officer", "p-water"),
    ("inspector", d.COUNTY, "supervisor", "p-inspector"),
    ("deputy-head", d.COUNTY, "leader", "p-leader"),
)
WATER_HEAD = replace(g.WATER, post="water-head", person="p-water")
INSPECTOR = replace(g.SUPERVISOR, post="inspector", person="p-inspector")
SECRET = {"reason": "涉及举报"}


@cache
def directory() -> Directory:
    facts: list[f.Fact] = []
    for post, unit, role, person in POSTS:
        facts.append(f.PostEstablished(post=post, unit=unit, title=post, role=role))
        if person is not None:
            facts.append(f.PersonRegistered(person=person))
            facts.append(f.PostTaken(post=post, person=person, since=LONG_AGO, until=None))
    return fold_directory(g.directory(), facts)


class Story(g.Story):
    """A story whose district has posts, held by people or vacant."""

    known = directory()

    def world(self, actor: Actor) -> World:
        who = actor.person or ":".join(filter(None, (actor.role.value, actor.unit)))
        return replace(super().world(actor), who=who, directory=self.known)


def story(*steps: Any, kind: str = "closed-loop") -> Story:  # noqa: ANN401 - as `given` takes them
    told = Story(kind)
    told.given(*steps)
    return told


def ruled(*rules: NoticeRule) -> Story:
    """Begin with a graded case of a kind that has only these rules."""
    told = Story()
    told.kind = replace(told.kind, notices=rules)
    told.given(*GRADED)
    return told


GRADED = (*g.ACCEPTED, (g.COMMUNITY, ("grade", {"severity": "general", **g.OVERRIDE})))
DISPATCH = (g.DISPATCHER, ("dispatch", {"lead": d.WATER, "assisting": [d.HOUSING]}))
ASSIGNED = (*GRADED, DISPATCH)
SUPERVISE = ("supervise", {"level": "ordinary", "reason": "限期办结"})


def told(of: g.Story, *causes: str) -> list[f.PartyNotified]:
    found = [one.fact for one in of.drafts if isinstance(one.fact, f.PartyNotified)]
    return [one for one in found if not causes or one.cause in causes]


def whom(notices: Sequence[f.PartyNotified]) -> list[tuple[str | None, str | None]]:
    who = [one.recipient for one in notices]
    return [(one.unit.id if one.unit else None, one.person) for one in who]


def test_a_lead_is_told_by_name_that_a_case_is_theirs_and_until_when_to_sign() -> None:
    case = story(*GRADED).when(*DISPATCH)
    (lead,) = told(case, "case-assigned")
    unit = g.unit(d.WATER)
    assert lead == f.PartyNotified(
        notice=1,
        cause="case-assigned",
        covers=("case-assigned",),
        action="dispatch",
        recipient=f.Recipient("lead", unit, "water-head", "p-water"),
        acknowledge=f.Point("acknowledge:1", case.now + timedelta(hours=2)),
        within="2wh",
        calendar="cn-office",
        instead_of=0,
    )
    (helper,) = told(case, "task-assigned")
    assert helper.recipient == f.Recipient("unit", g.unit(d.HOUSING))
    assert case.case.noticed == 2
    assert [one.number for one in case.case.told] == [1, 2]


def test_the_notices_come_last_and_move_nothing() -> None:
    case = story(*GRADED).when(*DISPATCH)
    made = [draft.fact.TYPE for draft in case.drafts]
    assert made[0] == "case-assigned"
    assert made[-2:] == ["party-notified", "party-notified"]
    assert case.case.changed_at == case.now
    before = case.case
    case.later(minutes=5).when(TIMER, delivered(1))
    assert case.case.changed_at == before.changed_at
    assert (case.case.stage, case.case.holder) == (before.stage, before.holder)


def test_who_is_told_of_several_facts_of_a_request_is_told_once_and_signs_by_the_shortest() -> None:
    rules = (
        _rule("case-assigned", "lead", "1wd"),
        _rule("task-assigned", "unit", "4wh"),
        _rule("task-assigned", "handler", "2wh"),
        _rule("case-assigned", "informed"),
    )
    units = {"lead": d.WATER, "assisting": [d.HOUSING], "informed": [d.WATER]}
    case = ruled(*rules).when(g.DISPATCHER, ("dispatch", units))
    water, housing = told(case)
    assert water.covers == ("case-assigned", "task-assigned")
    assert (water.within, housing.within) == ("1wd", "4wh")  # days and hours do not compare
    hours = ruled(_rule("case-assigned", "lead", "4wh"), rules[2])
    hours.when(g.DISPATCHER, ("dispatch", units))
    (only,) = told(hours)
    assert (only.covers, only.within) == (("case-assigned", "task-assigned"), "2wh")


def _rule(name: str, to: str, acknowledge: str | None = None) -> NoticeRule:
    fact, _, value = name.partition(":")
    within = None if acknowledge is None else parse_budget(acknowledge)
    return NoticeRule(
        on=(Trigger(fact, value),), to=(to,), acknowledge=within, calendar="cn-office"
    )


def test_nobody_is_told_of_what_they_did_themselves() -> None:
    case = ruled(_rule("note-recorded", "supervisor"))
    assert told(case.when(INSPECTOR, ("note", {"note": "在办"}))) == []
    other = replace(INSPECTOR, person="p-other")
    assert whom(told(case.when(other, ("note", {"note": "在办"})))) == [(d.COUNTY, "p-inspector")]


def test_a_vacant_post_falls_to_the_next_and_is_named() -> None:
    case = ruled(_rule("case-urged", "holder")).when(g.DISPATCHER, "urge")
    assert told(case)[0].recipient.person == "p-secretary"
    up = f.Recipient("receiver", g.unit(d.TOWN), "deputy-mayor", "p-mayor", ("mayor",))
    case = story(*GRADED).when(g.COMMUNITY, ("escalate", {"reason": "请镇里协调"}))
    assert [one.recipient for one in told(case, "case-escalated")] == [up]


def test_a_value_of_the_fact_chooses_who_is_told() -> None:
    asked = ("supervise", {"level": "red", "reason": "限期"})
    red = story(*ASSIGNED).when(INSPECTOR, asked)
    assert whom(told(red)) == [(d.WATER, "p-water"), (d.COUNTY, "p-leader")]
    ordinary = story(*ASSIGNED).when(INSPECTOR, SUPERVISE)
    assert whom(told(ordinary)) == [(d.WATER, "p-water")]
    supplement = ("request_supplement", {"provider": "grid", "items": "照片"})
    grid = story(*g.REPORTED).when(g.COMMUNITY, supplement)
    assert whom(told(grid)) == [(d.GRID, "of-grid-cadre")]
    intake = ("request_supplement", {"provider": "intake", "items": "照片"})
    assert told(story(*g.REPORTED).when(g.COMMUNITY, intake)) == []


def test_what_is_asked_granted_and_refused_is_told_to_both_sides() -> None:
    asked = ("request_extension", {"asked": "2wd", "reason": "等配件"})
    case = story(*ASSIGNED).when(WATER_HEAD, asked)
    assert whom(told(case)) == [(d.COMMUNITY, "p-secretary")]
    refused = case.later(hours=1).when(g.SUPERVISOR, ("refuse_extension", {"reason": "可以加班"}))
    assert whom(told(refused, "extension-refused")) == [(d.WATER, "p-water")]
    back = story(*ASSIGNED).given((WATER_HEAD, ("request_return", {"reason": "不属职责"})))
    back.when(g.DISPATCHER, "uphold_return")
    assert whom(told(back, "return-upheld")) == [
        (d.COMMUNITY, "p-secretary"),
        (d.WATER, "p-water"),
    ]


def test_departments_that_are_called_in_are_told_each() -> None:
    called = ("blow_whistle", {"departments": [d.WATER, d.HOUSING], "reason": "污水外溢"})
    case = story(*GRADED).when(g.COMMUNITY, called)
    assert whom(told(case)) == [(d.WATER, "p-water"), (d.HOUSING, None)]
    assert {one.within for one in told(case)} == {"1wh"}


def test_an_adopting_leader_is_told_by_their_post() -> None:
    case = story(*GRADED).when(g.DISPATCHER, ("fix_leader", {"leader": "deputy-head"}))
    (notice,) = told(case)
    told_of = f.Recipient("post", g.unit(d.COUNTY), "deputy-head", "p-leader")
    assert (notice.recipient, notice.cause) == (told_of, "leader-fixed")
    measures = ("fix_responsibility", g.RESPONSIBLE)
    case = story(*GRADED).when(g.DISPATCHER, measures)
    assert [one.recipient.person for one in told(case)] == ["of-grid-cadre", "of-grid-walker"]
    assert [one.recipient.role for one in told(case)] == ["cadre", "grid_worker"]


def test_telling_the_past_tells_nobody() -> None:
    report = g.report(unit=d.COMMUNITY, occurred_at=g.NOW - timedelta(days=5))
    graded = {"severity": "general", **g.OVERRIDE}
    steps = [
        Act(action=name, data=data, occurred_at=g.NOW - timedelta(days=4, minutes=-number))
        for number, (name, data) in enumerate(
            (("accept", {}), ("grade", graded), ("dispatch", {"lead": d.WATER}))
        )
    ]
    case = Story().when(g.IMPORTER, Import(report=report, steps=tuple(steps)))
    assert case.refusal is None
    assert case.case.stage == "assigned"
    assert told(case) == []


def test_an_older_version_of_a_kind_tells_nobody() -> None:
    case = Story()
    case.kind = replace(case.kind, notices=())
    assert told(case.given(*GRADED).when(*DISPATCH)) == []


def test_whoever_was_told_signs_once_and_nobody_else_may() -> None:
    case = story(*ASSIGNED)
    case.when(g.HOUSING, Sign(1)).refused("role-forbidden")
    case.when(replace(g.WATER, person="p-other"), Sign(1)).refused("role-forbidden")
    case.when(WATER_HEAD, Sign(1)).then("party-notice-acknowledged")
    (signed,) = case.facts(f.PartyNoticeAcknowledged)
    assert signed == f.PartyNoticeAcknowledged(notice=1, by="p-water", acted=False)
    case.when(WATER_HEAD, Sign(1)).refused("not-found")
    case.when(WATER_HEAD, Sign(9)).refused("not-found")


def test_whoever_acts_on_the_case_has_signed() -> None:
    case = story(*ASSIGNED).when(WATER_HEAD, "start_handling")
    (signed,) = case.facts(f.PartyNoticeAcknowledged)
    assert signed == f.PartyNoticeAcknowledged(notice=1, by="p-water", acted=True)
    assert [one.number for one in case.case.told] == [2]
    elsewhere = story(*ASSIGNED).when(g.SUPERVISOR, "urge")
    assert elsewhere.facts(f.PartyNoticeAcknowledged) == []


def test_another_of_the_same_unit_with_another_role_has_not_signed() -> None:
    red = ("supervise", {"level": "red", "reason": "限期"})
    case = story(*ASSIGNED).given((INSPECTOR, red))
    case.when(g.DISPATCHER, "urge")  # of the centre, as the leader is
    assert case.facts(f.PartyNoticeAcknowledged) == []
    case.when(Actor(role=Role.LEADER), ("instruct", {"instruction": "抓紧"}))
    assert [one.acted for one in case.facts(f.PartyNoticeAcknowledged)] == [True]  # type: ignore[attr-defined]


def test_who_does_not_sign_in_time_is_noted_and_the_next_in_line_told() -> None:
    case = story(*GRADED).given(DISPATCH)
    by = _until(case, 1)
    case.now = by - timedelta(seconds=1)
    assert case.when(TIMER, Settle()).drafts == ()
    case.now = by + timedelta(minutes=10)
    case.when(TIMER, Settle())
    (missed,) = case.facts(f.PartyNoticeUnsigned)
    assert case.drafts[0].occurred_at == by
    assert missed == f.PartyNoticeUnsigned(notice=1, effective_at=by, detected_at=case.now)
    (passed,) = told(case)
    assert whom([passed]) == [(d.COUNTY, "p-inspector")]
    assert (passed.instead_of, passed.cause, passed.within) == (1, "case-assigned", "2wh")
    assert _until(case, passed.notice) > case.now
    assert case.when(WATER_HEAD, Sign(1)).refusal is None, "late is better than never"


def _until(case: g.Story, notice: int) -> datetime:
    (point,) = [one.point for one in case.case.told if one.number == notice]
    assert point is not None
    return point.at


def test_what_is_passed_on_goes_before_an_action_told_a_little_later() -> None:
    case = story(*GRADED).given(DISPATCH)
    by = _until(case, 1)
    at = by + timedelta(seconds=30)
    case.now = at + timedelta(seconds=60)
    case.when(g.SUPERVISOR, Act(action="note", data={"note": "已到现场"}, occurred_at=at))
    assert case.refusal is None
    assert [(one.fact.TYPE, one.occurred_at) for one in case.drafts] == [
        ("party-notice-unsigned", by),
        ("party-notified", at),
        ("note-recorded", at),
    ]


def test_at_the_centre_nobody_stands_above() -> None:
    case = story(*GRADED).given((g.DISPATCHER, ("fix_leader", {"leader": "deputy-head"})))
    case.later(days=2).when(TIMER, Settle())
    assert len(case.facts(f.PartyNoticeUnsigned)) == 1
    assert told(case) == []
    assert case.later(days=9).when(TIMER, Settle()).facts(f.PartyNoticeUnsigned) == []


def test_once_the_case_has_ended_nobody_is_waited_for_and_may_sign_all_the_same() -> None:
    case = story(*g.REPORTED)
    case.kind = replace(case.kind, notices=(_rule("note-recorded", "holder", "4wh"),))
    case.given((g.TOWN, ("note", {"note": "已联系"})))
    assert [one.by is None for one in case.case.told] == [False]
    case.given((g.GRID, ("handle_on_the_spot", {"evidence": "已扶正"})))
    assert [one.by is None for one in case.case.told] == [True]
    case.later(days=9).when(TIMER, Settle())
    assert case.facts(f.PartyNoticeUnsigned) == []
    case.when(g.COMMUNITY, Sign(1)).then("party-notice-acknowledged")


# 保密、回避: nobody is told of a case that they may not see.


def confided(*posts: str) -> tuple[Actor, tuple[str, dict[str, Any]]]:
    return (g.SUPERVISOR, ("set_confidentiality", {"posts": list(posts), **SECRET}))


def _kept(case: g.Story) -> list[tuple[str | None, str | None, str]]:
    (diverted,) = case.facts(f.NoticeDiverted)
    assert isinstance(diverted, f.NoticeDiverted)
    return [(one.unit, one.person, one.reason) for one in diverted.withheld]


def test_a_confidential_case_is_told_to_a_confided_post_and_the_rest_recorded() -> None:
    case = story(*ASSIGNED, confided("deputy-head"))
    leader = Actor(role=Role.LEADER, post="deputy-head", person="p-other")
    case.when(leader, ("instruct", {"instruction": "从严"}))
    assert whom(told(case)) == [(d.COUNTY, "p-leader")]
    assert _kept(case) == [
        (d.WATER, "p-water", "confidential"),
        (d.COUNTY, "p-inspector", "confidential"),
    ]
    (diverted,) = case.facts(f.NoticeDiverted)
    assert diverted == f.NoticeDiverted(
        notice=told(case)[0].notice,
        role="handler",
        withheld=diverted.withheld,  # type: ignore[attr-defined]
    )


def test_the_nearest_confided_post_on_the_way_up_goes_before_others() -> None:
    case = story(*GRADED, confided("deputy-head", "deputy-mayor"))
    mayor = Actor(role=Role.TOWN_OFFICER, unit=d.TOWN, post="deputy-mayor")
    case.when(mayor, SUPERVISE)
    assert whom(told(case)) == [(d.TOWN, "p-mayor")]


def test_where_nobody_may_see_it_the_overseers_are_told_and_only_they_sign() -> None:
    case = story(*GRADED, confided("mayor"))  # vacant
    case.when(Actor(role=Role.TOWN_OFFICER, unit=d.TOWN, post="mayor"), SUPERVISE)
    (notice,) = told(case)
    assert notice.recipient == f.Recipient("admin", None)
    assert {reason for _, _, reason in _kept(case)} == {"confidential"}
    case.when(g.SUPERVISOR, Sign(notice.notice)).refused("role-forbidden")
    case.when(ADMIN, Sign(notice.notice)).then("party-notice-acknowledged")


def test_a_unit_that_stays_out_is_passed_over_with_all_below_it() -> None:
    recused = ("declare_recusal", {"unit": d.COMMUNITY, "reason": "被投诉"})
    case = ruled(_rule("note-recorded", "place")).given((g.DISPATCHER, recused))
    case.when(g.TOWN, ("note", {"note": "已约谈"}))
    assert whom(told(case)) == [(d.TOWN, "p-mayor")]
    assert _kept(case) == [
        (d.GRID, "of-grid-cadre", "recused"),
        (d.GRID, "of-grid-walker", "recused"),
        (d.COMMUNITY, "p-secretary", "recused"),
    ]


def test_the_deputy_stands_in_for_a_person_who_stays_out() -> None:
    deputy = f.DeputyNamed(post="water-head", person="p-deputy", since=LONG_AGO, until=None)
    case = Story()
    case.known = fold_directory(directory(), [deputy])
    case.given(*ASSIGNED)
    recused = ("declare_recusal", {"person": "p-water", "reason": "亲属"})
    case.given((g.DISPATCHER, recused)).when(INSPECTOR, SUPERVISE)
    assert whom(told(case)) == [(d.WATER, "p-deputy")]
    assert _kept(case) == [(d.WATER, "p-water", "recused")]


def test_a_ladder_passes_over_whoever_may_not_see_the_case() -> None:
    case = story(*ASSIGNED, confided("deputy-head"))
    case.later(days=30).when(TIMER, Settle())
    issued = [one for one in case.facts(f.NoticeIssued) if isinstance(one, f.NoticeIssued)]
    assert {one.recipient.person for one in issued} == {"p-leader"}
    diverted = [one for one in case.facts(f.NoticeDiverted) if isinstance(one, f.NoticeDiverted)]
    digest, by_name = issued  # of all that came to them instead of others; and as whom they are
    assert digest.notice == diverted[0].notice
    assert (digest.recipient.role, by_name.step) == ("handler", "name_leader")
    assert {"p-water", "p-inspector"} <= {one.person for one in diverted[0].withheld}
    assert {one.reason for each in diverted for one in each.withheld} == {"confidential"}


def test_a_ladder_goes_to_the_overseers_where_nobody_else_may_know() -> None:
    case = story(*ASSIGNED, confided("mayor"))
    case.later(days=30).when(TIMER, Settle())
    issued = [one for one in case.facts(f.NoticeIssued) if isinstance(one, f.NoticeIssued)]
    assert [one.recipient for one in issued] == [f.Recipient("admin", None)], "one digest"


def test_who_is_next_when_nobody_signed_may_see_the_case_too() -> None:
    case = story(*ASSIGNED)
    case.given((g.DISPATCHER, ("declare_recusal", {"person": "p-inspector", "reason": "亲属"})))
    case.later(hours=3).when(TIMER, Settle())
    passed = [one for one in told(case) if one.instead_of == 1]
    assert whom(passed) == [(d.COUNTY, "p-leader")]
    assert ("p-inspector", "recused") in [(person, why) for _, person, why in _kept(case)]


def test_an_open_case_costs_nobody_a_notice() -> None:
    found = find("supervisor", g.unit(d.WATER), directory(), date(2026, 10, 12))
    assert (found.recipient.person, found.withheld, found.asked) == ("p-inspector", (), "")


@pytest.mark.parametrize("post", ["mayor", "gone"])
def test_a_post_that_nobody_holds_or_that_is_gone_is_answered_for_above(post: str) -> None:
    case = ruled(_rule("case-urged", "adopter"))
    leader = f.LeaderFixed(
        action="fix_leader",
        stage=f.Stage("awaiting_dispatch", "awaiting_dispatch", "tiered_response"),
        holder=g.unit(d.COMMUNITY),
        post=post,
        person=None,
        unit=g.unit(d.TOWN),
        since=g.NOW,
        previous=None,
    )
    case.case = evolve(case.case, leader, case.now)
    case.when(g.DISPATCHER, "urge")
    (notice,) = told(case)
    assert (notice.recipient.role, notice.recipient.person) == ("adopter", "p-mayor")
    assert notice.recipient.vacant == ("mayor",)
