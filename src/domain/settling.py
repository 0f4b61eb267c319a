"""What time has brought by now: resumptions, warnings, breaches, the rungs of ladders; and notices.

Everything happens in the order of time, whoever notices first: the worker, or somebody's action.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Final

from domain import facts as f
from domain.accountability_clocks import taker
from domain.accountability_posts import on_day
from domain.case import Case
from domain.clock import Clock
from domain.due import SHANGHAI, Cutoff, due
from domain.kind import Rung
from domain.notices import Cause, issue, missed
from domain.pausing import resume_by_itself
from domain.planning import ORDER, in_order, sort_of
from domain.telling import pass_on, unsigned
from domain.told import Told
from domain.turn import Turn, of
from domain.world import Draft, World

Happened = Iterator[Cause]
TOLD: Final = ORDER[:3]
"""What telling the past records; ladders and signatures are left to the worker."""


def settle(case: Case, until: datetime, world: World) -> list[Draft]:
    """Return what was planned for a case up to a moment, as `let_happen` records it."""
    turn = Turn(case, world)
    let_happen(turn, until)
    return turn.drafts


def let_happen(turn: Turn, until: datetime) -> None:
    """Let happen to a case what was planned up to a moment; then tell whom it concerns.

    Each point happens once, at its own time (`effective_at`), however late it is noticed; one
    notice a recipient tells of all of it (clocks.md R12). Telling the past tells nobody.
    """
    world = turn.world
    causes: list[Cause] = []
    waiting: list[Told] = []
    sorts = TOLD if world.importing else ORDER
    while (coming := _next(turn.case, until, sorts)) is not None:
        whose, point = coming
        if isinstance(whose, Told):
            unsigned(turn, whose, point.at)
            waiting.append(whose)
        else:
            causes += _HAPPENINGS[sort_of(point)](turn, whose, point)
    if causes and not world.importing:
        issue(turn, causes, until)
    for told in waiting:
        pass_on(turn, told, until)


def _next(case: Case, until: datetime, sorts: Sequence[str]) -> tuple[Clock | Told, f.Point] | None:
    """Return the earliest point that is due; a paused clock's plan holds only its resumption."""
    found: tuple[Clock | Told, f.Point] | None = None
    for clock in case.clocks:
        for point in clock.plan:
            if point.at > until:
                break
            if sort_of(point) in sorts and (found is None or in_order(point) < in_order(found[1])):
                found = (clock, point)
    for told in case.told if TOLD is not sorts else ():
        waits = told.point
        if waits and waits.at <= until and (found is None or in_order(waits) < in_order(found[1])):
            found = (told, waits)
    return found


def _resumes(turn: Turn, clock: Clock, point: f.Point) -> Happened:
    resume_by_itself(turn, clock, point)
    return iter(())


def _threshold(turn: Turn, clock: Clock, point: f.Point) -> Happened:
    _, _, name = point.name.partition(":")
    fact = f.ThresholdReached(
        **of(clock), threshold=name, effective_at=point.at, detected_at=turn.world.now
    )
    turn.record(fact, point.at)
    yield Cause(clock, point.name, "warn", "handler")


def _breach(turn: Turn, clock: Clock, point: f.Point) -> Happened:
    """A breach freezes who answers (clocks.md R12); it happened when the due passed."""
    del point
    turn.record(breached(turn, clock), clock.due)
    yield Cause(clock, "breach", "overdue", "handler")


def breached(turn: Turn, clock: Clock) -> f.DeadlineBreached:
    """Return the fact that a clock's due has passed, with whoever held the posts on that day."""
    answers = clock.answerable or turn.case.holder
    day = clock.due.astimezone(SHANGHAI).date()
    posts = turn.world.directory.posts.values() if answers else ()
    return f.DeadlineBreached(
        **of(clock),
        due=clock.due,
        effective_at=clock.due,
        detected_at=turn.world.now,
        answerable=answers,
        posts=tuple(
            dict.fromkeys(
                (
                    *_named(turn, clock, day),
                    *(
                        f.Answerable(post.id, post.holder_on(day))
                        for post in posts
                        if answers is not None and post.unit == answers.id
                    ),
                )
            )
        ),
    )


def _named(turn: Turn, clock: Clock, day: date) -> Iterator[f.Answerable]:
    """Yield who answers by name, as of the due: the adopting leader, then the duty's taker."""
    leader = turn.case.accountability.leader_at(clock.due)
    for who in (leader.who if leader else None, taker(clock, turn.case)):
        if who is not None and who.post:
            yield on_day(who, turn.world.directory, day)
        elif who is not None:
            yield who


def _rung(turn: Turn, clock: Clock, point: f.Point) -> Happened:
    number = int(point.name.partition(":")[2])
    definition = turn.definition(clock)
    if definition is None or number > len(definition.ladder):
        # A newer kind has a shorter ladder: the rung is gone, and so is its point.
        rung, step = None, "notify"
    else:
        rung = definition.ladder[number - 1]
        step = rung.step
    fact = f.EscalationRaised(
        **of(clock),
        rung=number,
        step=step,
        effective_at=point.at,
        detected_at=turn.world.now,
        again=_again(turn, clock, point, rung),
    )
    turn.record(fact, point.at)
    if rung is not None:
        yield Cause(clock, point.name, rung.step, rung.to, rung.acknowledge)


def _again(turn: Turn, clock: Clock, point: f.Point, rung: Rung | None) -> f.Point | None:
    """Return when a recurring rung comes next: never in the past, missed ticks are not replayed."""
    if rung is None or rung.every is None:
        return None
    almanac, cutoff = turn.almanac(clock.calendar), Cutoff(clock.cutoff)
    coming = due(point.at, rung.every, almanac, cutoff).at
    if coming <= turn.world.now:
        coming = due(turn.world.now, rung.every, almanac, cutoff).at
    return f.Point(point.name, coming)


_HAPPENINGS: Final[dict[str, Callable[[Turn, Clock, f.Point], Happened]]] = {
    "resume": _resumes,
    "threshold": _threshold,
    "breach": _breach,
    "rung": _rung,
    "acknowledge": missed,
}
