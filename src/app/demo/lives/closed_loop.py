"""网格闭环: what comes in by grid workers, residents and the hotline, and how it is settled."""

from datetime import datetime
from typing import Final

from app.demo.lives.answering import duties_done, fixed, watched
from app.demo.lives.matters import Told, told
from app.demo.lives.seat import Seat
from app.demo.player import Do, Life, Steps, Tries
from domain.actor import Actor

ATTEMPTS: Final = 3
APPEALS: Final = 40
"""Percent of the late ones whose unit appeals."""


def found_by_the_grid(seat: Seat) -> Life:
    """Play a case from its discovery on; most end, some are still open when the play ends."""
    story = told(seat.random)
    done = yield _reported(seat, story)
    if done.refusal:
        return
    at = seat.began
    if seat.chance(22):
        at = seat.after(at, 0.3, 3, office=False)
        yield seat.act(at, seat.worker, "handle_on_the_spot", evidence=story.matter.done)
        return
    if seat.chance(30):
        at = seat.after(at, 0.1, 1, office=False)
        yield seat.act(at, seat.worker, "contain", evidence="已设置警示，劝离人员，先期处置。")
    if seat.chance(4):
        at = seat.after(at, 1, 6)
        yield seat.act(at, seat.worker, "withdraw", reason="复核后系误报。", may_fail=True)
        return
    if seat.chance(5):
        at = yield from _reported_twice(seat, at, story, done.case.id)
    at = seat.after(at, 0.4, 7)
    yield seat.act(at, seat.cadre, "accept", note="情况属实，予以受理。")
    yield from accepted(seat, at, story)


def _reported(seat: Seat, story: Told) -> Do:
    urgent = seat.chance(12)
    people = seat.random.choice((3, 8, 20, 60) if urgent else (0, 1, 2, 5))
    return seat.report(
        seat.hotline if seat.chance(30) else seat.worker,
        "closed-loop",
        story.title,
        description=story.description,
        category=story.matter.category,
        location=seat.location(),
        data={"people": people, "danger": urgent and seat.chance(50)},
    )


def _reported_twice(seat: Seat, at: datetime, story: Told, first: str) -> Steps:
    """Let somebody else report the same; the two become one (并案), and the first goes on."""
    at = seat.after(at, 0.2, 2, office=False)
    seat.began = at
    yield seat.report(
        seat.hotline,
        "closed-loop",
        f"又见{story.title}",
        description="另一位居民反映同一情况。",
        category=story.matter.category,
    )
    at = seat.after(at, 0.1, 2)
    yield seat.act(at, seat.dispatcher, "merge", into=first, note="同一地点同一事由。")
    seat.case = first
    return at


def accepted(seat: Seat, at: datetime, story: Told) -> Life:
    """Grade it, fix who answers where it is serious, and dispatch it; now and then wrongly."""
    at = seat.after(at, 0.2, 5)
    done = yield seat.act(at, seat.cadre, "grade")
    if done.refusal:
        return
    severity = done.case.severity or "general"
    at = yield from fixed(seat, at, severity)
    if seat.chance(6):
        at = yield from _whistled(seat, at, story)
    lead = seat.department(*story.matter.departments)
    if seat.chance(9):
        wrong = seat.department()
        at = seat.after(at, 0.2, 4)
        yield seat.act(at, seat.dispatcher, "dispatch", lead=wrong)
        at = seat.after(at, 2, 10)
        yield seat.act(at, seat.handler(wrong), "request_return", reason="不属本单位职责。")
        at = seat.after(at, 1, 6)
        yield seat.act(at, seat.dispatcher, "uphold_return", note="重新派遣。")
    at = seat.after(at, 0.2, 4)
    helping = [seat.department()] if seat.chance(18) else []
    helping = [one for one in helping if one != lead]
    yield seat.act(at, seat.dispatcher, "dispatch", lead=lead, assisting=helping)
    yield from handled(seat, at, (lead, helping, severity), story)


def _whistled(seat: Seat, at: datetime, story: Told) -> Steps:
    """吹哨: the community calls a department in; it reports in, and both sides are rated."""
    called = seat.department(*story.matter.departments)
    at = seat.after(at, 0.2, 3)
    yield seat.act(at, seat.cadre, "blow_whistle", departments=[called], reason="需现场会商。")
    at = seat.after(at, 0.3, 3)
    yield seat.act(at, seat.handler(called), "report_in", note="已到场。")
    at = seat.after(at, 0.3, 2)
    yield seat.act(at, seat.cadre, "rate_report", score=seat.random.randint(3, 5))
    yield seat.act(at, seat.cadre, "release_call", note="会商完毕。")
    return at


def handled(seat: Seat, at: datetime, who: tuple[str, list[str], str], story: Told) -> Life:
    """Work on it: in time or late, with pauses, extensions, rework; then verify and close."""
    lead, helping, severity = who
    handler = seat.handler(lead)
    at = seat.after(at, 1, 20)
    done = yield seat.act(at, handler, "start_handling")
    if done.refusal:
        return
    for unit in helping:
        at = seat.days(at, 0.2, 3)
        yield seat.act(at, seat.handler(unit), "complete_task", evidence="协办事项已完成。")
    if seat.chance(8):
        at = yield from _paused(seat, at, handler)
    if seat.chance(10):
        at = yield from _extended(seat, at, handler)
    at = yield from duties_done(seat, at, severity)
    checked = yield from _finished(seat, at, handler, story)
    if checked is None:
        return
    at = seat.after(checked, 0.5, 8)
    grade = seat.random.choices(("substantive", "staged", "procedural"), (88, 9, 3))[0]
    done = yield seat.act(at, seat.cadre, "close", grade=grade, note="同意结案。")
    if done.refusal:
        return
    late = any(clock.breached_at is not None for clock in done.case.clocks)
    at = yield from watched(seat, at, severity)
    yield from _afterwards(seat, at, lead, late=late)


def _finished(seat: Seat, at: datetime, handler: Actor, story: Told) -> Tries:
    """Claim completion until a check passes; None where the case could not go on."""
    slow = seat.chance(14)
    for attempt in range(1, ATTEMPTS + 1):
        at = seat.days(at, 8, 18) if slow and attempt == 1 else seat.days(at, 0.3, 6)
        done = yield seat.act(at, handler, "claim_completion", evidence=story.matter.done)
        if done.refusal:
            return None
        if attempt == 1 and slow and seat.chance(50):
            yield seat.act(at, seat.supervisor, "supervise", level="ordinary", reason="办理超期。")
        at = seat.after(at, 1, 20)
        if attempt == ATTEMPTS or not seat.chance(11):
            yield seat.act(at, seat.cadre, "verify", note="现场核查通过。")
            return at
        yield seat.act(at, seat.cadre, "rework", reason="现场核查未达标，请继续处理。")
    return at


def _afterwards(seat: Seat, at: datetime, lead: str, *, late: bool) -> Life:
    """Call back, rate, appeal, archive."""
    if late and seat.chance(APPEALS):
        at = seat.days(at, 0.5, 3)
        handler = seat.handler(lead)
        done = yield seat.act(
            at, handler, "lodge_appeal", ground="overdue", reason="等待配件到货。", may_fail=True
        )
        if not done.refusal:
            view = "uphold" if seat.chance(50) else "dismiss"
            for reviewer in (seat.supervisor, seat.dispatcher):
                at = seat.days(at, 0.3, 2)
                yield seat.act(at, reviewer, "review_appeal", view=view, reason="经复核。")
    if seat.chance(70):
        at = seat.days(at, 0.5, 4)
        happy = seat.random.randint(3, 5)
        yield seat.act(at, seat.dispatcher, "record_callback", solved=True, satisfaction=happy)
        at = seat.days(at, 0.5, 3)
        yield seat.act(at, seat.worker, "rate", satisfaction=happy, may_fail=True)
        yield seat.act(seat.days(at, 1, 6), seat.dispatcher, "archive", note="归档。")


def _paused(seat: Seat, at: datetime, handler: Actor) -> Steps:
    at = seat.days(at, 0.2, 1)
    done = yield seat.act(
        at,
        handler,
        "request_suspension",
        reason_code="awaiting_procedure",
        evidence="等待第三方鉴定。",
        may_fail=True,
    )
    if done.refusal:
        return at
    at = seat.after(at, 1, 20)
    done = yield seat.act(at, seat.cadre, "grant_suspension", note="同意挂账。", may_fail=True)
    if done.refusal:
        yield seat.act(at, seat.cadre, "refuse_suspension", reason="已超期。", may_fail=True)
        return at
    at = seat.days(at, 3, 12)
    yield seat.act(at, handler, "resume", note="鉴定完成，恢复办理。")
    return at


def _extended(seat: Seat, at: datetime, handler: Actor) -> Steps:
    at = seat.days(at, 0.2, 1)
    done = yield seat.act(
        at,
        handler,
        "request_extension",
        clock="handling",
        asked="5wd",
        reason="需采购配件。",
        may_fail=True,
    )
    if done.refusal:
        return at
    at = seat.after(at, 1, 10)
    yield seat.act(at, seat.cadre, "grant_extension", granted="5wd", note="同意。", may_fail=True)
    return at
