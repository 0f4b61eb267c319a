"""Whom a kind tells (告知): checked when published; sent, signed for, passed on as any notice."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Act
from domain.due import SHANGHAI, parse_budget
from domain.errors import NotFound, Refusal, UnknownCalendar
from domain.kind import Trigger
from domain.world import Draft
from eventlog.database import Database
from eventlog.runner import Runner
from eventlog.streams import stream_id
from tests.support import districts as d
from tests.support.couriers import PRIVATE, Post, run
from tests.support.kinds import REPAIR
from tests.support.receiver import Reply
from tests.support.timed import URGENT, Timed
from workflows.engine import Caller
from workflows.kind_fit import fits
from workflows.kind_report import check, said
from workflows.language import BadKind, compile_kind, shipped_sources
from workflows.notices.table import rebuild
from workflows.reference import Reference
from workflows.timers.fold import OF_THE_CASE
from workflows.timers.table import TimerTable

RULE = "  - {on: note-recorded, to: holder, acknowledge: 2wh}"
TEXT = f"{REPAIR}notices:\n{RULE}\n"


def test_whom_a_kind_tells_is_compiled_as_it_is_written() -> None:
    more = '  - {on: ["case-graded:major", case-closed], to: [place, supervisor]}\n'
    first, second = compile_kind(TEXT + more).notices
    assert first.on == (Trigger("note-recorded"),)
    assert (first.to, first.acknowledge) == (("holder",), parse_budget("2wh"))
    assert first.calendar == "cn-office", "of the first clock"
    assert second.on == (Trigger("case-graded", "major"), Trigger("case-closed"))
    assert (second.to, second.acknowledge) == (("place", "supervisor"), None)
    told_of = compile_kind(TEXT + more).told_of
    assert set(told_of) == {"note-recorded", "case-graded", "case-closed"}
    assert told_of["case-graded"] == (("major", second),)
    assert compile_kind(REPAIR).notices == ()


@pytest.mark.parametrize(
    ("wrong", "path", "detail"),
    [
        ("{on: note-recordd, to: holder}", "on", "note-recorded"),
        ("{on: case-assigned, to: holder}", "on", "没有“case-assigned”"),
        ("{on: notice-issued, to: holder}", "on", "没有“notice-issued”"),
        ("{on: note-recorded, to: holdr}", "to", "holder"),
        ("{on: note-recorded, to: receiver}", "to", "没有“receiver”"),
        ("{on: note-recorded, to: holder, acknowledge: '2'}", "acknowledge", "没有写明怎样计时"),
        ("{on: note-recorded, to: holder, acknowledge: 0wh}", "acknowledge", "不大于零"),
        ("{on: 'case-graded:worst', to: holder}", "on", "没有“worst”"),
        ("{on: 'note-recorded:x', to: holder}", "on", "不能带取值"),
        ("{on: note-recorded, to: [holder, holder]}", "to", "写了两次"),
        ("{on: note-recorded, to: holder, calendar: cn-office}", "calendar", "请去掉"),
        ("{on: note-recorded, to: holder, within: 2wh}", "within", "没有这一项"),
        ("{on: [], to: holder}", "on", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_its_mend(
    wrong: str, path: str, detail: str
) -> None:
    text = TEXT.replace(RULE, f"  - {wrong}")
    found = check(text)
    assert found.kind is None
    told = "\n".join(line for problem in found.problems for line in said(problem, "k.yaml", text))
    line = text[: text.index(wrong)].count("\n") + 1
    assert f"k.yaml:{line} notices.0.{path}" in told
    assert detail in told
    assert "；" in told or "请" in told, "how to mend it"


def test_the_same_rule_twice_is_named_and_so_is_a_time_without_a_calendar() -> None:
    with pytest.raises(BadKind, match="完全相同"):
        compile_kind(f"{TEXT}{RULE}\n")
    start = TEXT.index("clocks:")
    without = TEXT[:start] + TEXT[TEXT.index("notices:") :]
    with pytest.raises(BadKind, match="请写明 calendar"):
        compile_kind(without)
    named = without.replace("2wh}", "2wh, calendar: night-shift}")
    kind = compile_kind(named)
    assert kind.notices[0].calendar == "night-shift"
    with pytest.raises(UnknownCalendar):
        fits(kind, named, Reference())


def test_every_shipped_kind_that_gives_somebody_work_tells_them() -> None:
    for source in shipped_sources():
        kind = compile_kind(source.text)
        emitted = {fact for action in kind.actions.values() if action.by for fact in action.emits}
        for fact in ("case-assigned", "task-assigned", "supervision-raised", "whistle-blown"):
            assert fact not in emitted or fact in kind.told_of, (kind.name, fact)
        for fact in ("extension-granted", "extension-refused", "case-handed-down"):
            assert fact not in emitted or fact in kind.told_of, (kind.name, fact)


ASSIGNED = URGENT[:3]


def by(role: Role, unit: str | None = None) -> Caller:
    return d.caller(role, unit)


async def assigned(post: Post) -> str:
    """Report a case and dispatch it to the water bureau."""
    case = await post.reported()
    for role, unit, action, data in ASSIGNED:
        await post.engine.act(case, Act(action=action, data=data), by(role, unit))
    post.follow()
    return case


def test_whoever_is_assigned_a_case_is_told_by_the_channel_once(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(body=b'{"receipt": "sms-9"}')]
        case = await assigned(post)
        assert [(row[0], row[1]) for row in post.rows()] == [(case, 1)]
        assert await post.work() == 1
        (event,) = post.verified()
        assert (event["type"], event["subject"]) == ("party-notified", f"cases/{case}")
        data: dict[str, Any] = event["data"]
        due = min(one.due for one in (await post.engine.case(case)).open_clocks)
        assert data["due"] == due.astimezone(SHANGHAI).isoformat()
        told = {name: data[name] for name in ("notice", "cause", "covers", "action")}
        assert told == {
            "notice": 1,
            "cause": "case-assigned",
            "covers": ["case-assigned"],
            "action": "dispatch",
        }
        assert data["recipient"] == {"role": "lead", "unit": d.WATER, "post": None, "person": None}
        assert data["acknowledge_by"].endswith("+08:00")
        assert "clock" not in data
        body = post.receiver.got[0].body.decode()
        assert not any(word in body for word in PRIVATE)
        (outcome,) = post.records(case, f.PartyNoticeDelivered)
        assert outcome.fact == f.PartyNoticeDelivered(
            notice=1, channel="webhook", attempts=1, receipt="sms-9"
        )
        assert post.rows() == []
        post.follow()
        assert await post.work() == 0
        with post.database.connection() as connection:
            assert rebuild(connection) == 0

    run(district, story)


def test_a_notice_that_nobody_takes_is_given_up_and_that_is_a_fact(district: Database) -> None:
    async def story(post: Post) -> None:
        await post.opened()
        post.receiver.replies = [Reply(status=410)]
        case = await assigned(post)
        await post.work()
        (outcome,) = post.records(case, f.PartyNoticeUndeliverable)
        assert outcome.fact == f.PartyNoticeUndeliverable(
            notice=1, channel="webhook", attempts=1, reason="http-410"
        )
        assert post.rows() == []

    run(district, story)


def test_who_has_signed_is_not_sent_anything_any_more(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await assigned(post)
        assert len(post.rows()) == 1
        await post.engine.act(
            case, Act(action="start_handling"), by(Role.DEPARTMENT_OFFICER, d.WATER)
        )
        post.follow()
        assert post.rows() == []
        await post.opened()
        assert await post.work() == 0
        assert post.receiver.got == []

    run(district, story)


def test_what_became_secret_before_it_was_sent_is_not_sent(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await assigned(post)
        recused = {"unit": d.WATER, "reason": "被投诉"}
        out = Act(action="recuse_lead", data=recused)
        await post.engine.act(case, out, by(Role.SUPERVISOR))
        await post.opened()
        post.follow()
        await post.work()
        assert post.receiver.got == []
        (outcome,) = post.records(case, f.PartyNoticeUndeliverable)
        assert outcome.fact == f.PartyNoticeUndeliverable(
            notice=1, channel="webhook", attempts=0, reason="may-not-see"
        )

    run(district, story)


def test_it_is_signed_for_as_any_notice_is(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await assigned(post)
        with pytest.raises(Refusal, match="签收"):
            await post.engine.sign(case, 1, by(Role.SUPERVISOR))
        outcome = await post.engine.sign(case, 1, by(Role.DEPARTMENT_OFFICER, d.WATER))
        assert outcome.case.told == ()
        with pytest.raises(NotFound):
            await post.engine.sign(case, 1, by(Role.DEPARTMENT_OFFICER, d.WATER))

    run(district, story)


def test_a_signature_that_is_missed_is_noticed_by_time_itself(district: Database) -> None:
    async def story(post: Post) -> None:
        timed = Timed(post.database, post.clock, post.engine)
        case = await assigned(post)
        (told,) = (await post.engine.case(case)).told
        timed.follow()
        rows = {row for row in timed.rows() if row[1:5] == OF_THE_CASE}
        assert [(row[0], row[5]) for row in rows] == [(case, "acknowledge:1")]
        assert told.by is not None
        post.clock.now = told.by - timedelta(seconds=1)
        await timed.work()
        assert timed.facts(case, f.PartyNoticeUnsigned) == []
        post.clock.now = told.by
        assert await timed.work() == 1
        (missed,) = timed.facts(case, f.PartyNoticeUnsigned)
        assert missed == f.PartyNoticeUnsigned(
            notice=1, effective_at=told.by, detected_at=post.clock.now
        )
        passed = [
            one
            for one in timed.facts(case, f.PartyNotified)
            if isinstance(one, f.PartyNotified) and one.instead_of
        ]
        assert [(one.notice, one.recipient.unit) for one in passed] == [
            (2, f.Unit(d.COUNTY, (d.COUNTY,)))
        ]
        assert timed.incidents() == []
        assert {row[5] for row in timed.rows() if row[1:5] == OF_THE_CASE} == {"acknowledge:2"}
        await timed.close()

    run(district, story)


@pytest.mark.parametrize("batch", [1, 500])
def test_the_table_of_timers_waits_no_more_once_the_case_has_ended(
    district: Database, batch: int
) -> None:
    async def story(post: Post) -> None:
        case = await assigned(post)
        voiding = Act(action="request_void", data={"reason_code": "test", "reason": "测试"})
        await post.engine.act(case, voiding, by(Role.INTEGRATOR))
        confirmed = replace(by(Role.SUPERVISOR), client="another")
        await post.engine.act(case, Act(action="confirm_void"), confirmed)
        runner = Runner(post.database, [TimerTable()], batch=batch)
        while runner.run_once():
            pass
        runner.close()
        with post.database.connection() as connection:
            assert connection.execute("SELECT * FROM timer").fetchall() == []
        assert [one.by for one in (await post.engine.case(case)).told] == [None]

    run(district, story)


def test_an_overseer_alone_signs_for_what_nobody_else_may_know(district: Database) -> None:
    async def story(post: Post) -> None:
        case = await post.reported()
        mayor = f.PostEstablished(post="mayor", unit=d.TOWN, title="镇长", role="town_officer")
        stream = stream_id(d.DISTRICT, f.DIRECTORY)
        await post.engine.record(
            f.DIRECTORY, stream, [Draft(mayor, post.engine.now())], by(Role.ADMIN)
        )
        secret = Act(action="set_confidentiality", data={"posts": ["mayor"], "reason": "举报"})
        await post.engine.act(case, secret, by(Role.SUPERVISOR))
        confided = Actor(
            role=Role.TOWN_OFFICER, unit=d.TOWN, post="mayor", within=(d.COUNTY, d.TOWN)
        )
        urged = await post.engine.act(
            case, Act(action="urge"), replace(by(Role.TOWN_OFFICER), actor=confided)
        )
        assert urged.case.noticed == 1
        (diverted,) = post.records(case, f.NoticeDiverted)
        assert isinstance(diverted.fact, f.NoticeDiverted)
        assert {one.reason for one in diverted.fact.withheld} == {"confidential"}
        (notice,) = post.records(case, f.PartyNotified)
        assert isinstance(notice.fact, f.PartyNotified)
        assert notice.fact.recipient == f.Recipient("admin", None)

    run(district, story)
