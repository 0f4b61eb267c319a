"""Attempts at a case of any kind: forms filled in from the file, well or wrongly, by anybody."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from msgspec import Struct

from domain.actor import Actor, Role
from domain.commands import Act, Report
from domain.due import SHANGHAI
from tests.support import accountable as a
from tests.support import adoption
from tests.support import districts as d
from tests.support import given as g
from tests.support.case_model import CaseModel
from tests.support.kind_histories import COURSES
from tests.support.kind_model import ActionModel, Data, KindModel

T = TypeVar("T")
OTHER: Final = adoption.DISPUTE
"""Another case of the same kind, which forms may name."""
ACTORS: Final = (
    *(g.GRID, g.COMMUNITY, g.TOWN, g.DISPATCHER, g.SUPERVISOR, g.INTEGRATOR, g.WATER, g.HOUSING),
    *(g.OTHER_COMMUNITY, g.OTHER_TOWN, Actor(role=Role.DEPARTMENT_OFFICER, unit=d.COMMUNITY)),
    *(a.LEADER, adoption.FIRST, adoption.ADOPTER, Actor(role=Role.LEADER)),
    *(Actor(role=Role.ADMIN), Actor(role=Role.TIMER), Actor(role=Role.AUDITOR)),
    *(Actor(role=Role.DASHBOARD), Actor(role=Role.TOWN_OFFICER, unit=d.COUNTY)),
    *(Actor(role=Role.DISPATCHER, person="second"), Actor(role=Role.DISPATCHER, unit=d.COMMUNITY)),
    *(Actor(role=Role.GRID_WORKER, unit=d.OTHER_COMMUNITY), Actor(role=Role.COMMUNITY_OFFICER)),
)
UNITS: Final = (d.WATER, d.HOUSING, d.TOWN, d.COMMUNITY, d.OTHER_COMMUNITY, d.GRID, d.OTHER_TOWN)
WAITS: Final = (0, 30, 60, 60, 3600, 86_400, 4 * 86_400, 9 * 86_400, 31 * 86_400)
SHIFTS: Final = (*[None] * 12, -60, 60, -100, 500, -4_000, -100_000, -400_000)
"""Seconds by which the time that is given is off; mostly none is given."""
NAMED: Final[dict[str, tuple[Any, ...]]] = {
    "eligible": (30, 30, 1),
    "present": (24, 24, 0),
    "in_favour": (20, 9, 0),
    "satisfaction": (5, 1, 3, 4),
    "score": (4, 90, 1),
    "granted": ("1wd", "2wd", "1nh", "1nd"),
    "asked": ("2wd", "1wd", "1nh", "1nd"),
    "leader": ("post-deputy", "post-chief"),
    "proposed": ("post-deputy",),
    "cadre": ("post-cadre", g.CADRE),
    "grid_worker": ("post-worker", g.WALKER),
    "post": ("post-cadre", "post-worker"),
    "posts": (["post-chief"], ["post-chief", "post-cadre"]),
    "person": ("first", "of-grid-cadre"),
    "to": (d.TOWN, d.COMMUNITY, d.WATER, d.COUNTY, d.GRID),
    "owners": ([d.WATER], [d.COMMUNITY, d.TOWN]),
    "duty": ("investigation", "handling", "stability"),
    "item": ("community.water-meter", "市容"),
    "category": ("市容", "环境"),
    "units": ([d.COMMUNITY, d.GRID], [d.WATER]),
    "request": (1, 2, 3, 4),
    "departments": ([d.WATER], [d.HOUSING], [d.WATER, d.HOUSING]),
}
"""What people would fill in, by the name of a field; else by its type."""
USUAL: Final[dict[str, tuple[Any, ...]]] = {
    "boolean": (True, False),
    "case": (OTHER,),
    "text": ("情况属实",),
    "texts": (["第一项", "第二项"],),
    "unit": UNITS,
    "code": ("一般",),
    "codes": (["一般"],),
    "post": ("post-deputy",),
}
"""What people would fill in otherwise, by the type of a field."""
WRONG: Final[dict[str, object]] = {
    "integer": "三",
    "boolean": "是",
    "moment": "昨天",
    "day": "昨天",
    "unit": "没有这个单元",
    "units": "没有这个单元",
    "choice": "nonsense",
    "codes": "不是列表",
    "texts": "不是列表",
}


NUMBERS: Final = frozenset({"request", "appeal", "call", "task", "objection"})
"""Fields of forms that answer something: it should not wait for ever."""


class Picks:
    """Choices out of a few random bytes: zero is always the first one, so failures shrink."""

    def __init__(self, drawn: bytes) -> None:
        """Begin with all of them."""
        self._left = int.from_bytes(drawn, "big")

    def number(self, below: int) -> int:
        """Return a number."""
        self._left, found = divmod(self._left, below)
        return found

    def of(self, some: Sequence[T]) -> T:
        """Return one of some."""
        return some[self.number(len(some))]


class Attempt(Struct, frozen=True, kw_only=True):
    """Who tries what; `sound`: the form is filled in as it should be."""

    actor: Actor
    command: Act | Report
    sound: bool = True


@cache
def told(kind: str) -> dict[str, list[Data]]:
    """Return what was filled in where cases of a kind were told, by action."""
    found: dict[str, list[Data]] = {}
    for course in COURSES.get(kind, {}).values():
        for step in course:
            command = None if isinstance(step, timedelta) else step[1]
            if isinstance(command, Report):
                found.setdefault("report", []).append(command.data)
            elif isinstance(command, tuple):
                found.setdefault(command[0], []).append(command[1])
    return found


def value(name: str, field: Data, variant: int, now: datetime) -> object:
    """Return something that a field takes."""
    fitting = NAMED.get(name, ())
    match field["type"]:
        case "choice":
            fitting = tuple(one for one in fitting if one in field["values"]) or field["values"]
        case "integer":
            least = field.get("minimum", 1)
            fitting = tuple(one for one in fitting if isinstance(one, int))
            number = fitting[variant % len(fitting)] if fitting else least + variant % 3
            return max(least, min(number, field.get("maximum", number)))
        case "moment" | "day":
            return _when(name, field["type"], variant, now)
        case "codes" if name.endswith("_dates"):
            return [(now + timedelta(days=one)).isoformat() for one in (1, 2)]
        case "units":
            fitting = fitting or ([UNITS[variant % 7]], [UNITS[variant % 5], UNITS[variant % 7]])
        case sort:
            fitting = fitting or USUAL[sort]
    return fitting[variant % len(fitting)]


def _when(name: str, sort: str, variant: int, now: datetime) -> str:
    """Return a day or moment: mostly one to come; of what has stopped, one that was."""
    if sort == "day":
        today = now.astimezone(SHANGHAI).date()
        return (today + timedelta(days=(7, 90, 15, 0)[variant % 4])).isoformat()
    days = -1 - variant % 3 if name == "stopped_at" else (5, -1, 40)[variant % 3]
    return (now + timedelta(days=days)).isoformat()


def filled(action: ActionModel, variant: int, now: datetime, *, whole: bool) -> Data:
    """Fill in a form: all of it, or what must be there."""
    return {
        name: value(name, field, variant, now)
        for name, field in action.form.items()
        if whole or field.get("required")
    }


def proposals(kind: KindModel, action: ActionModel, now: datetime) -> list[Data]:
    """Return forms that somebody might well send, the likeliest first."""
    few = [filled(action, n, now, whole=False) for n in range(4)]
    much = [filled(action, n, now, whole=True) for n in range(2)]
    more = [
        few[n] | {name: value(name, field, n, now)}
        for name, field in action.form.items()
        for n in range(2)
        if not field.get("required")
    ]
    found = [*told(kind.name).get(action.name, []), *few, *much, *more]
    return [one for n, one in enumerate(found) if one not in found[:n]]


def spoilt(action: ActionModel, data: Data, picks: Picks) -> Data | None:
    """Return a form with one thing wrong; None where nothing can be."""
    required = [name for name, field in action.form.items() if field.get("required")]
    sorts = {name: field["type"] for name, field in action.form.items()}
    long = [name for name, sort in sorts.items() if sort in {"text", "code", "post", "case"}]
    match picks.number(4):
        case 0:
            return {**data, "不认识": 1}
        case 1 if required:
            missing = picks.of(required)
            return {name: one for name, one in data.items() if name != missing}
        case 2 if sorts:
            name = picks.of(list(sorts))
            return {**data, name: WRONG.get(sorts[name], 7)}
        case 3 if long:
            return {**data, picks.of(long): "长" * 20_001}
        case _:
            return None


def report(kind: KindModel, picks: Picks, now: datetime) -> Attempt:
    """Report a case: mostly somebody who may, where they are, with what is asked for."""
    place = picks.of((d.COMMUNITY, d.GRID, None, d.OTHER_COMMUNITY))
    everybody = [one for one in ACTORS if _reports(kind, one, place)]
    actor = picks.of(everybody if everybody and picks.number(8) else ACTORS)
    data = picks.of(proposals(kind, kind.report, now))
    wrong = spoilt(kind.report, data, picks) if picks.number(10) == 9 else None
    at = _time(picks, now)
    command = g.report(kind.name, unit=place, data=data if wrong is None else wrong, occurred_at=at)
    return Attempt(actor=actor, command=command, sound=wrong is None)


def _reports(kind: KindModel, actor: Actor, place: str | None) -> bool:
    fresh = CaseModel(kind)
    fresh.place = place or actor.unit
    return fresh.fits(kind.report, actor)


def _time(picks: Picks, now: datetime) -> datetime | None:
    shift = picks.of(SHIFTS)
    if shift is None:
        return None
    at = now + timedelta(seconds=shift)
    return at.replace(tzinfo=None) if picks.number(8) == 7 else at


def possible(model: CaseModel) -> list[tuple[Actor, ActionModel]]:
    """Return everybody, with what they may do where the case stands."""
    actions = [one for one in model.kind.actions.values() if model.stage in one.stages]
    roles = {role for one in actions for role in one.by}
    players = {role: [one for one in ACTORS if _plays(model, role, one)] for role in roles}
    return [
        (actor, one)
        for one in actions
        for actor in dict.fromkeys(player for role in one.by for player in players[role])
    ]


def _plays(model: CaseModel, role: tuple[frozenset[str], str], actor: Actor) -> bool:
    held_by, relation = role
    return actor.role in held_by and model.stands(relation, actor)


def attempt(model: CaseModel, picks: Picks, now: datetime) -> Attempt:
    """Try something: mostly what is possible, not too often what ends it."""
    kind = model.kind
    actor, action = _choice(model, picks)
    if action is None:
        return Attempt(actor=actor, command=Act(action="没有这项操作"))
    data = picks.of(proposals(kind, action, now))
    wrong = spoilt(action, data, picks) if picks.number(8) == 7 else None
    act = Act(
        action=action.name,
        data=data if wrong is None else wrong,
        occurred_at=_time(picks, now),
    )
    return Attempt(actor=actor, command=act, sound=wrong is None)


def _choice(model: CaseModel, picks: Picks) -> tuple[Actor, ActionModel | None]:
    how = picks.number(12)
    every = list(model.kind.actions.values())
    if how == 11:
        return picks.of(ACTORS), picks.of([*every, None])
    if how >= 9:
        here = [one for one in every if model.stage in one.stages]
        return picks.of(ACTORS), picks.of(here or every)
    pairs = possible(model)
    if how == 8:
        pairs = [pair for pair in pairs if not NUMBERS.isdisjoint(pair[1].form)] or pairs
    elif how < 4:
        pairs = [pair for pair in pairs if pair[1].to not in {None, *model.kind.endings}] or pairs
    elif how < 8:
        pairs = [pair for pair in pairs if pair[1].to not in model.kind.endings] or pairs
    if not pairs:
        return picks.of(ACTORS), picks.of(every)
    names = list(dict.fromkeys(one.name for _, one in pairs))
    name = picks.of(names)
    return picks.of([pair for pair in pairs if pair[1].name == name])
