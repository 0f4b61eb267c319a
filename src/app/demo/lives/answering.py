"""四定三包 in the demo: who answers is fixed, duties are taken, stability is watched."""

from datetime import datetime, timedelta
from typing import Any, Final

from app.demo.lives.matters import disputed
from app.demo.lives.seat import Seat
from app.demo.player import Life, Steps, Tries
from domain.actor import Role
from domain.due import SHANGHAI

SERIOUS: Final = frozenset({"serious", "major"})
FORGOTTEN: Final = 8
"""Percent of the major ones in which a leader is fixed too late."""


def fixed(seat: Seat, at: datetime, severity: str) -> Steps:
    """Fix what the severity requires: 定领导 定措施 定时间 定责任."""
    if severity not in SERIOUS:
        return at
    if severity == "major":
        late = seat.chance(FORGOTTEN)
        at = seat.after(at, 26, 60) if late else seat.after(at, 0.3, 6)
        yield seat.act(at, seat.dispatcher, "fix_leader", leader=_post(seat, Role.LEADER))
    at = seat.after(at, 0.2, 4)
    measures = ["现场勘查取证", "约谈责任方", "限期整改到位"]
    yield seat.act(at, seat.cadre, "fix_measures", measures=measures)
    at = seat.after(at, 0.1, 2)
    deadline = (at + timedelta(days=seat.random.randint(6, 12))).astimezone(SHANGHAI)
    yield seat.act(at, seat.dispatcher, "fix_deadline", deadline=deadline.isoformat())
    at = seat.after(at, 0.1, 2)
    answering: dict[str, Any] = {
        "cadre": _post(seat, Role.COMMUNITY_OFFICER),
        "grid_worker": _post(seat, Role.GRID_WORKER),
    }
    yield seat.act(at, seat.cadre, "fix_responsibility", **answering)
    return at


def duties_done(seat: Seat, at: datetime, severity: str) -> Steps:
    """Take the three duties of a major case; investigate and handle it."""
    if severity != "major":
        return at
    at = seat.after(at, 0.3, 5)
    for duty in ("investigation", "handling", "stability"):
        yield seat.act(at, seat.cadre, "take_duty", duty=duty)
    at = seat.days(at, 0.5, 2)
    yield seat.act(at, seat.cadre, "fulfil_duty", duty="investigation", evidence="情况已查清。")
    at = seat.days(at, 0.5, 3)
    yield seat.act(at, seat.cadre, "fulfil_duty", duty="handling", evidence="处理方案已落实。")
    return at


def watched(seat: Seat, at: datetime, severity: str) -> Steps:
    """Revisit after closing, until stability is fulfilled."""
    if severity != "major":
        return at
    at = seat.days(at, 4, 8)
    yield seat.act(at, seat.worker, "revisit", outcome="stable", evidence="回访平稳。")
    if seat.chance(80):
        at = seat.days(at, 31, 36)
        yield seat.act(at, seat.cadre, "fulfil_duty", duty="stability", evidence="稳控期满。")
    return at


def _post(seat: Seat, role: Role) -> str:
    places = {
        Role.LEADER: seat.county.units[0].code,
        Role.COMMUNITY_OFFICER: seat.community,
        Role.GRID_WORKER: seat.grid.code,
    }
    officer = seat.county.officer(places[role], role.value)
    return officer.post if officer else ""


def adopted(seat: Seat) -> Life:
    """包案: a major dispute is adopted by a leader, from the form to its circulation."""
    story = disputed(seat.random)
    done = yield seat.report(
        seat.worker,
        "closed-loop",
        story.title,
        description=story.description,
        category=story.matter.category,
    )
    dispute = done.case.id
    seat.case = dispute
    at = seat.after(seat.began, 0.5, 5)
    yield seat.act(at, seat.cadre, "accept", note="情况属实，拟包案办理。")
    seat.case = ""
    seat.began = seat.after(at, 0.5, 6)
    yield seat.report(seat.cadre, "dispute-adoption", f"包案：{story.title}", data={"people": 12})
    at = seat.after(seat.began, 0.3, 3)
    yield seat.act(at, seat.cadre, "submit", dispute=dispute, opinion="建议由分管领导包案。")
    at = seat.after(at, 2, 20)
    leader = _post(seat, Role.LEADER)
    yield seat.act(at, seat.leader, "sign_off", leader=leader, instruction="同意包案。")
    at = seat.after(at, 1, 8)
    deadline = (at + timedelta(days=14)).astimezone(SHANGHAI).isoformat()
    plan: dict[str, Any] = {
        "measures": ["入户了解诉求", "召开联席会议", "签订调解协议"],
        "deadline": deadline,
        "cadre": _post(seat, Role.COMMUNITY_OFFICER),
        "grid_worker": _post(seat, Role.GRID_WORKER),
    }
    yield seat.act(at, seat.leader, "plan", **plan)
    ended = yield from _carried_out(seat, at)
    if ended is not None:
        seat.case = dispute
        at = seat.after(ended, 1, 8)
        yield seat.act(at, seat.dispatcher, "put_on_record", reason="已由包案办结，备案。")


def _carried_out(seat: Seat, at: datetime) -> Tries:
    """Take and fulfil the duties, tick the measures, strike it off and circulate it."""
    for duty in ("investigation", "handling", "stability"):
        yield seat.act(at, seat.leader, "take_duty", duty=duty)
    for number in (1, 2, 3):
        at = seat.days(at, 0.5, 3)
        yield seat.act(at, seat.cadre, "tick_measure", measure=number, evidence="已落实。")
    for duty in ("investigation", "handling"):
        at = seat.days(at, 0.3, 2)
        yield seat.act(at, seat.leader, "fulfil_duty", duty=duty, evidence="已完成。")
    at = seat.days(at, 0.3, 2)
    done = yield seat.act(at, seat.leader, "request_strike_off", evidence="协议已履行。")
    if done.refusal:
        return None
    at = seat.days(at, 0.3, 2)
    yield seat.act(at, seat.leader, "strike_off", opinion="同意销案。", may_fail=True)
    at = seat.days(at, 0.3, 2)
    told: dict[str, Any] = {"recipients": [seat.town], "notice": "包案办结情况通报。"}
    yield seat.act(at, seat.cadre, "circulate", may_fail=True, **told)
    return at
