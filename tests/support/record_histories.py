"""Records the golden histories and samples: whole cases as the real decisions tell them.

Run once for each new history, `python -m tests.support.record_histories NAME…`; what is recorded
already is never recorded again (tests/golden/README.md).
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.almanac import Almanac, almanac_of, with_version
from domain.calendar import Calendar
from domain.commands import Act, Delivery, Import, Recount, Report, Settle, Sign, Update
from domain.directory import Directory, fold_directory
from domain.world import Draft, World
from tests.support import catalogue_facts
from tests.support import districts as d
from tests.support import given as g
from tests.support.accountable_histories import ACCOUNTABLE_HISTORIES
from tests.support.courses_of_aftercare import aftercare_courses
from tests.support.courses_of_filing import filing_courses
from tests.support.courses_of_routing import routing_courses
from tests.support.kind_histories import KIND_HISTORIES
from tests.support.told_histories import told_courses
from workflows.calendars import load_shipped
from workflows.language import shipped_sources

GOLDEN: Final = Path(__file__).parents[1] / "golden"
AT: Final = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
LONG_AGO: Final = date(2020, 1, 1)
IMPORTED_AT: Final = g.NOW - timedelta(days=60)
EVIDENCE: Final = {"evidence": "已处理"}
REASON: Final = {"reason": "理由"}

CHIEF: Final = "0c9b7f5e-58a4-4b53-8a0f-3c1f9f1d7a02"
INSPECTOR: Final = "9a3e2c71-6a0d-4f6d-8d0e-5b6a7c8d9e01"
DEPUTY: Final = "4d1f0b8a-2c3e-4a5b-9c6d-7e8f9a0b1c02"
TIMER: Final = Actor(role=Role.TIMER)
WATER: Final = replace(g.WATER, person=CHIEF)
SUPERVISOR: Final = replace(g.SUPERVISOR, person=INSPECTOR)
LEADER: Final = Actor(role=Role.LEADER, person=DEPUTY)
OTHER_SUPERVISOR: Final = replace(g.SUPERVISOR, person="7b6a5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c03")


def directory() -> Directory:
    """Return the small directory with a few posts; one of them is vacant."""
    posts = (
        ("b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b01", d.WATER, "局长", "department_officer", CHIEF),
        ("b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b02", d.COUNTY, "督查室主任", "supervisor", None),
        ("b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b03", d.COUNTY, "督查员", "supervisor", INSPECTOR),
        ("b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b04", d.COUNTY, "分管副县长", "leader", DEPUTY),
    )
    facts: list[f.Fact] = []
    for post, unit, title, role, person in posts:
        facts.append(f.PostEstablished(post=post, unit=unit, title=title, role=role))
        if person is not None:
            facts.append(f.PersonRegistered(person=person))
            facts.append(f.PostTaken(post=post, person=person, since=LONG_AGO, until=None))
    return fold_directory(g.directory(), facts)


class Telling(g.Story):
    """A story whose district has posts and people, and whose calendar may change."""

    def __init__(self, kind_name: str = "closed-loop", now: datetime = g.NOW) -> None:
        """Begin with a case of which nothing is known."""
        super().__init__(kind_name, now)
        self.almanac: Almanac = almanac_of(load_shipped("cn-office"))

    def world(self, actor: Actor) -> World:
        """Return the world of a decision."""
        who = actor.person or ":".join(filter(None, (actor.role.value, actor.unit)))
        calendars = {"cn-office": self.almanac}
        return replace(super().world(actor), who=who, directory=directory(), calendars=calendars)

    def at(self, day: int, hour: int, minute: int = 0) -> "Telling":
        """Let time pass until then: a day of October 2026 in Shanghai; the worker settles."""
        self.now = datetime(2026, 10, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)
        self.when(TIMER, Settle())
        if self.refusal is not None:
            raise self.refusal
        return self

    def took(self, *steps: tuple[Actor, Any]) -> "Telling":
        """Let this happen, one minute after the other."""
        self.given(*steps)
        return self


def told(*steps: tuple[Actor, Any], kind_name: str = "closed-loop") -> Telling:
    """Begin a story in which all this has happened."""
    return Telling(kind_name).took(*steps)


def handling(*more: tuple[Actor, Any], severity: str = "serious") -> Telling:
    """Begin with a case that the water bureau handles: serious within 5 working days."""
    return told(
        *g.ACCEPTED,
        (g.COMMUNITY, ("grade", {"severity": severity, **g.OVERRIDE})),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (WATER, "start_handling"),
        *(g.FIX if severity == "serious" else ()),
        *more,
    )


CLOSING: Final = (
    (WATER, ("claim_completion", EVIDENCE)),
    (g.COMMUNITY, "verify"),
    (g.COMMUNITY, ("close", {"grade": "substantive"})),
)


def full_loop() -> g.Story:
    """Through all four phases, once more after a rework, and once more after a reopening."""
    story = told(*g.CLAIMED, (g.COMMUNITY, ("rework", {"reason": "周边未清理"})))
    story.later(days=9)
    story.took(*CLOSING)
    story.later(days=3)
    return story.took(
        (SUPERVISOR, ("reopen", REASON)),
        (g.DISPATCHER, ("dispatch", {"lead": d.HOUSING})),
        (g.HOUSING, "start_handling"),
        (g.HOUSING, ("assign_task", {"unit": d.TOWN})),
        (g.HOUSING, ("waive_task", REASON)),
        (g.HOUSING, ("fix_measures", {"measures": ["重新修复"]})),
        (g.HOUSING, ("fix_deadline", {"deadline": "2026-10-28T12:00:00+08:00"})),
        (g.HOUSING, ("claim_completion", EVIDENCE)),
        (g.COMMUNITY, "verify"),
        (g.DISPATCHER, ("close", {"grade": "procedural"})),
    )


def contained() -> g.Story:
    """Accepted too late, and then put into another category."""
    story = told(*g.REPORTED, (g.GRID, ("contain", EVIDENCE)))
    story.later(days=2)
    return story.took((g.COMMUNITY, "accept"), (g.COMMUNITY, ("reclassify", {"category": "市容"})))


def not_accepted() -> g.Story:
    """Refused as a duplicate."""
    source = f.SourceReference("message-board", "9")
    report = g.report(unit=d.COMMUNITY, source=source, content="z.")
    refused = ("not_accept", {"reason_code": "duplicate", "reason": "重复"})
    confirmed = (g.DISPATCHER, "confirm_non_acceptance")
    return told((g.INTEGRATOR, report), (g.COMMUNITY, refused), confirmed)


def suspended() -> g.Story:
    """Waits overnight, which gains a day; then twice at once, until both end by themselves."""
    parties = {"reason_code": "awaiting_parties", "until": "2026-10-16T09:30:00+08:00"}
    procedure = {"reason_code": "awaiting_procedure", "until": "2026-10-20T12:00:00+08:00"}
    asked = (WATER, ("request_suspension", parties | EVIDENCE))
    story = handling().at(13, 17, 20).took(asked, (SUPERVISOR, "grant_suspension"))
    story.at(14, 9, 30).took((WATER, "resume"), asked)
    story.took((SUPERVISOR, ("grant_suspension", {"note": "同意"})))
    story.at(16, 9, 30)
    story.took((WATER, ("request_suspension", procedure | EVIDENCE)))
    story.at(16, 11).took((SUPERVISOR, "grant_suspension"))
    return story.at(21, 9).took(*CLOSING)


def extended() -> g.Story:
    """Asked for in time, granted after the due: the breach between is superseded."""
    story = handling().at(19, 16).took((WATER, ("request_extension", {"asked": "3wd", **REASON})))
    story.at(20, 9, 30).took((g.COMMUNITY, ("grant_extension", {"granted": "2wd"})))
    return story.at(21, 17).took(*CLOSING)


def refused_requests() -> g.Story:
    """Everything that may be asked for is asked for and refused."""
    suspend = {"reason_code": "awaiting_procedure", "evidence": "鉴定"}
    return handling(
        (WATER, ("request_suspension", suspend)),
        (g.COMMUNITY, ("refuse_suspension", REASON)),
        (WATER, ("request_extension", {"asked": "3wd", **REASON})),
        (g.COMMUNITY, ("refuse_extension", REASON)),
        (WATER, ("request_return", REASON)),
        (g.DISPATCHER, ("refuse_return", REASON)),
    )


def returned() -> g.Story:
    """Dispatched to the wrong unit, which returns it; its time is the dispatcher's."""
    story = (
        handling()
        .at(12, 11)
        .took((WATER, ("assign_task", {"unit": d.HOUSING})), (WATER, ("request_return", REASON)))
    )
    story.at(12, 15).took((g.DISPATCHER, "uphold_return"))
    return story.took((g.DISPATCHER, ("dispatch", {"lead": d.HOUSING})))


def regraded() -> g.Story:
    """Graded more strictly when the new limit is used up already: the grace is left."""
    story = handling(severity="major").at(20, 10)
    return story.took((SUPERVISOR, ("regrade", {"severity": "serious", **REASON}))).at(20, 14)


def misgraded() -> g.Story:
    """Overdue under a grade that was wrong: the breach is voided."""
    story = handling().at(20, 10)
    grade = {"severity": "major", "reason": "误定为严重"}
    return story.took((SUPERVISOR, ("correct_grading", grade))).at(21, 10)


def escalated() -> g.Story:
    """Nobody was there for two weeks: everything in due order, one digest a recipient."""
    story = handling().at(30, 9, 10)
    notices = [draft.fact for draft in story.drafts if isinstance(draft.fact, f.NoticeIssued)]
    first, *rest = (_delivered(notice) for notice in notices)
    lost = replace(rest[0], receipt=None, attempts=9, reason="http-503")
    story.took((TIMER, first), (TIMER, lost), *((TIMER, one) for one in rest[1:]))
    signed = next(one for one in notices if one.acknowledge and one.recipient.person == INSPECTOR)
    story.took((SUPERVISOR, Sign(signed.notice)))
    story.now += timedelta(days=4)
    story.when(TIMER, Settle())
    return story.took(*CLOSING)


def _delivered(notice: f.NoticeIssued) -> Delivery:
    return Delivery(
        clock=(notice.clock, notice.scope, notice.cycle, notice.sequence),
        notice=notice.notice,
        channel="webhook",
        attempts=1,
        receipt="200",
    )


def corrected_stop() -> g.Story:
    """A claim was on paper in time: asked, refused, asked again, approved by two others."""
    asked = {"clock": "handling", "stopped_at": "2026-10-19T17:30:00+08:00", **EVIDENCE}
    story = handling().at(20, 9).took(*CLOSING)
    return story.took(
        (g.COMMUNITY, ("request_correction", asked)),
        (SUPERVISOR, ("refuse_correction", REASON)),
        (g.COMMUNITY, ("request_correction", asked)),
        (SUPERVISOR, "approve_correction"),
        (OTHER_SUPERVISOR, "approve_correction"),
    )


def wanted_by_the_source() -> g.Story:
    """The source sets a date, two units help, and the calendar changes on the way."""
    due = datetime(2026, 10, 16, 4, 0, tzinfo=UTC)
    report = g.report(unit=d.COMMUNITY, due=due)
    story = told((g.INTEGRATOR, report), *g.ASSIGNED[1:], (g.WATER, "start_handling"), *g.FIX)
    story.at(14, 9)
    story.almanac = with_version(story.almanac, _closed(date(2026, 10, 15)), date(2026, 10, 14))
    story.took((g.IMPORTER, Recount()))
    story.took((g.HOUSING, ("complete_task", EVIDENCE))).at(16, 14)
    return story.took(*CLOSING)


def _closed(day: date) -> Calendar:
    """Return the calendar with one more day off."""
    shipped = load_shipped("cn-office")
    days = {**shipped.days, day: False}
    return Calendar(
        shipped.name, "2027.00000000", shipped.hours, days, shipped.covered_from, shipped.covered_to
    )


def replied() -> g.Story:
    """Answered in time."""
    return told(
        (g.INTEGRATOR, g.report("public-reply")),
        (g.DISPATCHER, ("assign", {"lead": d.WATER})),
        (g.WATER, ("reply", {"reply": "已答复"})),
        kind_name="public-reply",
    )


def _imported() -> Report:
    source = f.SourceReference("message-board", "1")
    return g.report(
        "public-reply", source=source, content="a.x", occurred_at=IMPORTED_AT, unit="东街社区"
    )


def _answered(days: int) -> Act:
    answered_at = IMPORTED_AT + timedelta(days=days)
    return Act(action="reply", data={"reply": "已答复"}, occurred_at=answered_at)


def late() -> g.Story:
    """Imported with an answer that came too late."""
    told_once = Import(report=_imported(), steps=(_answered(50),))
    return told((g.IMPORTER, told_once), kind_name="public-reply")


def corrected() -> g.Story:
    """Imported open; then reported earlier; then answered in time all along."""
    earlier = replace(
        _imported(), content="b.x", category="环境", occurred_at=IMPORTED_AT - timedelta(days=2)
    )
    answered = Update(report=replace(earlier, content="b.y"), steps=(_answered(5),))
    return told(
        (g.IMPORTER, Import(report=_imported())),
        (g.IMPORTER, Update(report=earlier)),
        (g.IMPORTER, answered),
        kind_name="public-reply",
    )


HISTORIES: Final[dict[str, Callable[[], g.Story]]] = {
    "closed-loop/full-loop-with-rework-and-reopening": full_loop,
    "closed-loop/on-the-spot": lambda: told(
        *g.REPORTED, (g.GRID, ("handle_on_the_spot", EVIDENCE))
    ),
    "closed-loop/not-accepted": not_accepted,
    "closed-loop/withdrawn": lambda: told(
        *g.REPORTED, (g.GRID, "submit"), (g.GRID, ("withdraw", REASON))
    ),
    "closed-loop/contained-and-reclassified-late": contained,
    "closed-loop/suspended-and-resumed": suspended,
    "closed-loop/extended-late-breach-superseded": extended,
    "closed-loop/refused-requests": refused_requests,
    "closed-loop/returned": returned,
    "closed-loop/regraded-compressed": regraded,
    "closed-loop/misgraded-breach-voided": misgraded,
    "closed-loop/escalated-digest-after-downtime": escalated,
    "closed-loop/stop-corrected": corrected_stop,
    "closed-loop/source-due-and-another-calendar": wanted_by_the_source,
    **KIND_HISTORIES,
    **routing_courses(told),
    **filing_courses(),
    **aftercare_courses(told),
    **told_courses(told),
    "public-reply/on-time": replied,
    "public-reply/late": late,
    "public-reply/corrected-and-breach-retracted": corrected,
    **ACCOUNTABLE_HISTORIES,
}
HASH: Final = "5a0c" + "0" * 60
KEY: Final = "f0a1c1de-2f4b-4f5e-8a59-0f6a4f0b9c03"
POST: Final = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b01"
CALENDAR: Final[dict[str, Any]] = {
    "name": "cn-office",
    "hours": ["09:00-12:00", "14:00-18:00"],
    "covered": {"from": "2026-01-01", "to": "2026-12-31"},
    "years": {
        "2026": {
            "holidays": {"元旦": "2026-01-01/2026-01-03"},
            "workdays": {"元旦": "2026-01-04"},
        }
    },
}


def migration() -> Iterator[f.Fact]:
    """Yield the facts of an approved migration, and of a case that passed."""
    plan, to = "77d1" + "0" * 60, "6b1d" + "0" * 60
    clocks = (
        f.ClockPassage("total", "", 1, 1, "kept"),
        f.ClockPassage("handling", "", 1, 1, "restarted"),
    )
    yield f.KindMigrationApproved(
        name="public-reply",
        from_hash=HASH,
        to_hash=to,
        plan=plan,
        cases=214,
        refused=3,
        by=INSPECTOR,
    )
    yield f.CaseMigrated(
        action="migrate",
        stage=f.Stage("process", "handling", "joint_handling"),
        holder=g.unit(d.WATER),
        from_hash=HASH,
        to_hash=to,
        version="2.1.0",
        plan=plan,
        clocks=clocks,
    )


def ranking() -> f.RankingSigned:
    """Return a ranking of two bureaus as a leader signs it."""
    units = (
        f.RankedUnit(g.unit(d.WATER), "水务局", "department", 1, "7", {"normal": 12, "yellow": 1}),
        f.RankedUnit(g.unit(d.HOUSING), "住建局", "department", 2, "-3", {"normal": 7, "red": 1}),
    )
    return f.RankingSigned(
        ranking="unit-points",
        title="单位积分",
        formula="unit-points@1.0.0",
        formula_hash=HASH,
        period="2026-09",
        since=date(2026, 9, 1),
        until=date(2026, 10, 1),
        as_of=AT,
        position=4_811,
        version=1,
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        units=units,
        by=DEPUTY,
    )


def others() -> Iterator[f.Fact]:
    """Yield a sample of each fact that no history has."""
    community = {"code": d.COMMUNITY, "level": "community", "parent": d.TOWN}
    move = f.Stage("handling", "handling", "joint_handling")
    yield f.MilestoneReached(
        action="contain_hazard", stage=move, holder=g.unit(d.WATER), milestone="fenced_off"
    )
    yield f.EvidenceAttached(
        action="claim_completion",
        stage=move,
        holder=g.unit(d.WATER),
        attachment="019df0a1-6f0c-7a6f-8f0a-0d5c31a4a001",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        size=482_113,
        media_type="image/jpeg",
        subject="narrative",
    )
    yield f.DistrictFounded(district=d.DISTRICT, code=d.DISTRICT, name="演示县", trial=True)
    yield f.TrialClockSet(now=AT, real=AT - timedelta(days=40))
    yield f.UnitEstablished(unit=d.COMMUNITY, name="东街社区", **community)
    yield f.UnitChanged(unit=d.COMMUNITY, name="东关社区", **community)
    yield f.PostEstablished(post=POST, unit=d.WATER, title="局长", role="department_officer")
    yield f.PersonRegistered(person=CHIEF)
    yield f.PostTaken(post=POST, person=CHIEF, since=LONG_AGO, until=None)
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    yield f.KeyIssued(key=KEY, digest=digest, role="grid_worker", unit=d.GRID)
    yield f.KeyRevoked(key=KEY)
    yield f.KeyHolderNamed(key=KEY, post=POST, person=CHIEF)
    source = "dsl: case/1\n"
    yield f.KindPublished(name="public-reply", version="1.0.0", hash=HASH, source=source)
    yield f.KindActivated(name="public-reply", hash=HASH)
    yield f.KindRetired(name="public-reply")
    definition = {"sort": "register", "name": "hazards"}
    source = "title: 隐患台账\n"
    yield f.DefinitionPublished(**definition, version="1.0.0", hash=HASH, source=source)
    yield f.DefinitionActivated(**definition, hash=HASH)
    yield f.DefinitionRetired(**definition)
    yield ranking()
    yield from migration()
    yield from catalogue_facts.samples()
    yield f.CalendarPublished(
        name="cn-office",
        version="2026.1a2b3c4d",
        document=CALENDAR,
        effective_from=date(2026, 1, 1),
    )
    yield f.CalendarAssigned(unit=d.COMMUNITY, calendar="six-thirty")
    yield f.OutageDeclared(outage=1, since=AT, until=AT + timedelta(hours=5), by=f"key:{KEY}")
    yield f.OutageApproved(outage=1, register_by=AT + timedelta(days=2, hours=9), by=INSPECTOR)
    yield f.ChannelConfigured(
        channel="webhook",
        url="https://notices.example/bihuan",
        quiet_from="22:00",
        quiet_until="07:30",
    )


def record(names: list[str]) -> None:
    """Write the histories of these names, samples of facts that have none yet, and new kinds."""
    for source in shipped_sources():
        text = GOLDEN / f"kinds/{source.name}@{source.version}.yaml"
        if not text.exists():
            text.write_text(source.text, "utf-8")
    known = list(others())
    for name, tell in HISTORIES.items():
        story = tell()
        known += [draft.fact for draft in story.history]
        path = GOLDEN / f"{name}.json"
        if name in names and not path.exists():
            _write(path, _history(story))
    for kind in f.FACTS:
        path = GOLDEN / f"facts/{kind.TYPE}.{kind.SCHEMA}.json"
        if not path.exists():
            # The one that says most.
            samples = [_plain(fact) for fact in known if type(fact) is kind]
            _write(path, max(samples, key=lambda sample: len(json.dumps(sample))))


def _history(story: g.Story) -> dict[str, Any]:
    facts = [_told(draft) for draft in story.history]
    state = _plain(story.case)
    return {"case": story.case.id, "kind_hash": story.kind.hash, "facts": facts, "state": state}


def _told(draft: Draft) -> dict[str, Any]:
    fact = draft.fact
    occurred_at = _plain(draft.occurred_at)
    return {
        "type": fact.TYPE,
        "schema": fact.SCHEMA,
        "occurred_at": occurred_at,
        "data": _plain(fact),
    }


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    return json.loads(msgspec.json.encode(value))


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    record(sys.argv[1:] or list(HISTORIES))
