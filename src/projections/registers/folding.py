"""The fold of a register: what its facts change in a case's state, and the rows that show it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct, defstruct

from domain import facts as f
from eventlog.records import Followed
from projections.registers.plan import LISTED_AT, Computed, Own, Plan
from projections.registers.sources import BEIJING, KEEP, Sort

TYPES: Final[dict[Sort, Any]] = {
    "text": str,
    "number": int,
    "flag": bool,
    "date": date,
    "time": datetime,
    "unit": str,
    "reference": int,
}
STARTS: Final[dict[str, object]] = {"count": 0, "sum": 0, "any": False}
"""What a column begins with; the others begin with nothing."""
BEGINNINGS: Final = (f.CaseReported, f.CaseCorrected)
"""What tells of which kind a case is: seen from before its report, a correction is all there is."""
Take = Callable[[Any, Any], Any]
"""What becomes of a value when a fact says another."""
Step = Callable[[Any, Followed], None]

TAKES: Final[dict[str, Take]] = {
    "last": lambda _, new: new,
    "first": lambda old, new: new if old is None else old,
    "any": lambda old, new: old or (new is not None and new is not False),
    "count": lambda old, new: old + (new is not None),
    "sum": lambda old, new: old + (new or 0),
    "highest": lambda old, new: old if new is None else new if old is None else max(old, new),
    "lowest": lambda old, new: old if new is None else new if old is None else min(old, new),
}


class Folding:
    """A register's state and row structs, and how they change; pure."""

    def __init__(self, plan: Plan) -> None:
        """Make the structs and the steps once; folding is only looking up."""
        self._plan = plan
        self._kinds = None if plan.text.kinds is None else frozenset(plan.text.kinds)
        self._whole = [one for one in plan.own if not one.grouped]
        self._grouped = [one for one in plan.own if one.grouped]
        name = "".join(part.title() for part in plan.text.name.split("-"))
        since: tuple[str, Any, Any] = ("since", datetime | None, None)
        group = defstruct(f"{name}Group", [since, *map(_member, self._grouped)], array_like=True)
        self._group: Callable[[], Any] = group
        self.state: type[Struct] = defstruct(
            f"{name}State",
            [
                ("admitted", bool, False),
                ("listed", bool, False),
                since,
                ("groups", dict[str, group], {}),  # type: ignore[valid-type]
                *map(_member, self._whole),
            ],
            array_like=True,
        )
        self.row: type[Struct] = defstruct(
            f"{name}Row",
            [
                (LISTED_AT, datetime),
                *((one.name, _type(one)) for one in plan.own),
                *((one.name, TYPES[one.sort] | None) for one in plan.computed),
            ],
            frozen=True,
            array_like=True,
        )
        self._steps = self._made_steps()
        self.facts: frozenset[type[f.Fact]] = frozenset({*self._steps, *self._awaited()})

    def blank(self, _: str) -> Any:  # noqa: ANN401 - the state's type is made at run time
        """Return a case before the first fact that concerns the register."""
        return self.state()

    def fold(self, state: Any, record: Followed) -> Any:  # noqa: ANN401 - see above
        """Take in one more fact, and return what was given."""
        fact = record.body.data
        if self._kinds is not None and not state.admitted:
            if not isinstance(fact, BEGINNINGS) or fact.kind not in self._kinds:
                return state
            state.admitted = True
        for step in self._steps.get(type(fact), ()):
            step(state, record)
        if self._plan.each is None and not state.listed:
            self._list(state, record)
        return state

    def show(self, state: Any, before: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ANN401
        """Return the rows; what was listed once stays listed."""
        del before
        if self._plan.each is not None:
            return {key: self._shown(state, group) for key, group in state.groups.items()}
        return {"": self._shown(state, state)} if state.listed else {}

    def _awaited(self) -> tuple[type[f.Fact], ...]:
        """Return the facts that say which case this is, where that matters."""
        if self._plan.each is None or self._kinds is not None:
            return BEGINNINGS
        return ()

    def _list(self, state: Any, record: Followed) -> None:  # noqa: ANN401 - see above
        """List a case once it was reported and all that is needed has a value."""
        if isinstance(record.body.data, BEGINNINGS) and state.since is None:
            state.since = record.occurred_at
        if state.since is not None and all(getattr(state, one) for one in self._plan.text.needs):
            state.listed = True
            if self._plan.text.needs:
                state.since = record.occurred_at

    def _shown(self, state: Any, group: Any) -> Any:  # noqa: ANN401 - see above
        values = {one.name: getattr(state, one.name) for one in self._whole}
        values |= {one.name: getattr(group, one.name) for one in self._grouped}
        values[LISTED_AT] = group.since
        made = [_computed(one, values) for one in self._plan.computed]
        return self.row(group.since, *(values[one.name] for one in self._plan.own), *made)

    def _made_steps(self) -> dict[type[f.Fact], tuple[Step, ...]]:
        """Return what each fact does, columns in their order; a row is made before it is filled."""
        steps: dict[type[f.Fact], list[Step]] = {}
        if self._plan.each is not None:
            steps.setdefault(self._plan.each, []).append(self._open)
        for one in self._plan.own:
            target = self._find if one.grouped else _itself
            for fact in one.clear:
                steps.setdefault(fact, []).append(_clearing(one, target))
            for source in one.sources:
                step = _filling(one, source.read, target)
                for fact in source.facts:
                    steps.setdefault(fact, []).append(step)
        return {fact: tuple(found) for fact, found in steps.items()}

    def _key(self, record: Followed) -> str:
        """Return which row of the case a fact is of: by its members, or it is a row by itself."""
        if not self._plan.by:
            return str(record.version)
        return "/".join(str(get(record)) for get in self._plan.by)

    def _open(self, state: Any, record: Followed) -> None:  # noqa: ANN401 - see above
        key = self._key(record)
        if key not in state.groups:
            group = self._group()
            group.since = record.occurred_at
            state.groups[key] = group

    def _find(self, state: Any, record: Followed) -> Any:  # noqa: ANN401 - see above
        return state.groups.get(self._key(record))


def _itself(state: Any, record: Followed) -> Any:  # noqa: ANN401 - see above
    del record
    return state


def _filling(
    column: Own, read: Callable[[Followed], Any], target: Callable[[Any, Followed], Any]
) -> Step:
    take, name, where = TAKES[column.take], column.name, column.where

    def step(state: Any, record: Followed) -> None:  # noqa: ANN401 - see above
        place = target(state, record)
        if place is None or any(get(record) not in wanted for get, wanted in where):
            return
        value = read(record)
        if value is not KEEP:
            setattr(place, name, take(getattr(place, name), value))

    return step


def _clearing(column: Own, target: Callable[[Any, Followed], Any]) -> Step:
    def step(state: Any, record: Followed) -> None:  # noqa: ANN401 - see above
        place = target(state, record)
        if place is not None:
            setattr(place, column.name, STARTS.get(column.take))

    return step


def _member(column: Own) -> tuple[str, Any, Any]:
    start = STARTS.get(column.take)
    return column.name, TYPES[column.sort] if start is not None else _optional(column), start


def _type(column: Own) -> Any:  # noqa: ANN401 - a type
    return _optional(column) if column.nullable else TYPES[column.sort]


def _optional(column: Own) -> Any:  # noqa: ANN401 - a type
    return TYPES[column.sort] | None


def _computed(column: Computed, values: Mapping[str, Any]) -> int | bool | None:
    first, second = values[column.first], values[column.second]
    if first is None or second is None:
        return None
    return bool(first > second) if column.how == "later" else (_day(second) - _day(first)).days


def _day(value: date | datetime) -> date:
    return value.astimezone(BEIJING).date() if isinstance(value, datetime) else value
