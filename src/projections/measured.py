"""What indicators count, folded from the facts of a case: rounds, dispatches, calls, supervision.

A row is one thing that is counted, and who is judged by it. The fold replaces rows and never
changes one; it still depends on nothing but the state and the fact.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from domain import facts as f
from eventlog.records import Followed
from projections import seen
from projections.measured_clocks import TICKED, change
from projections.measured_rows import (
    CALL,
    CLOSED,
    DISPATCH,
    ROUND,
    SUPERVISION,
    Measured,
    MeasureRow,
)


def unmeasured(_: str) -> Measured:
    """Return a case before its first fact."""
    return Measured()


def measure(state: Measured, record: Followed) -> Measured:
    """Take in one more fact of the case, and return what was given."""
    fact, at = record.body.data, record.body.occurred_at
    if isinstance(fact, f.CaseFact):
        before, state.holder = state.holder, fact.holder
        key = str(state.cycle)
        if key not in state.rows:
            state.rows = {**state.rows, key: MeasureRow(sort=ROUND, at=at, cycle=state.cycle)}
        MEASURES[type(fact)](state, fact, at, before)
        _judge(state)
    else:
        TICKED[type(fact)](state, fact)
    return state


def _judge(state: Measured) -> None:
    """Say who is judged by the round that runs; of one that ended it stands."""
    row = state.rows[str(state.cycle)]
    if row.ended_at is not None:
        return
    judged, place = state.judged, state.place
    if (judged.id if judged else None) != row.unit or (place.id if place else None) != row.other:
        change(state, str(state.cycle), **_unit(judged), **_other(place))


def _here(state: Measured, **changes: Any) -> None:  # noqa: ANN401 - as _set
    change(state, str(state.cycle), **changes)


def _row(state: Measured) -> MeasureRow:
    """Return the round that runs, or ran last."""
    return state.rows[str(state.cycle)]


def _unit(unit: f.Unit | None) -> dict[str, Any]:
    return {"unit": unit.id if unit else None, "unit_path": unit.path if unit else ()}


def _other(unit: f.Unit | None) -> dict[str, Any]:
    return {"other": unit.id if unit else None, "other_path": unit.path if unit else ()}


Before = f.Unit | None
"""Who held the case before the fact."""


def _reported(state: Measured, fact: f.CaseReported, at: datetime, _: Before) -> None:
    state.place = fact.place
    change(state, "1", at=at)


def _corrected(state: Measured, fact: f.CaseCorrected, _: datetime, __: Before) -> None:
    state.place = fact.place
    if "1" in state.rows:
        closed = state.rows["1"].closed_at
        change(state, "1", at=fact.reported_at, duration=_seconds(fact.reported_at, closed))


def _responded(state: Measured, at: datetime, **changes: Any) -> None:  # noqa: ANN401 - as _set
    """Take in an answer to the report: the first one counts."""
    _here(state, responded_at=_row(state).responded_at or at, **changes)


def _filed(state: Measured, at: datetime, **changes: Any) -> None:  # noqa: ANN401 - as _set
    """Take in that it was filed (立案), at the latest by this."""
    _responded(state, at, filed_at=_row(state).filed_at or at, **changes)


def _accepted(state: Measured, fact: f.CaseAccepted, at: datetime, _: Before) -> None:
    state.accepted_by = fact.accepted_by
    _filed(state, at, accepted_at=at)


def _assigned(state: Measured, fact: f.CaseAssigned, at: datetime, before: Before) -> None:
    state.lead = fact.lead
    state.dispatched += 1
    row = _row(state)
    _filed(state, at, dispatched_at=row.dispatched_at or at, dispatches=row.dispatches + 1)
    sent = MeasureRow(
        sort=DISPATCH, at=at, cycle=state.cycle, **_unit(before or fact.holder), **_other(fact.lead)
    )
    state.rows = {**state.rows, f"d{state.dispatched}": sent}


def _returned(state: Measured, fact: f.ReturnUpheld, _: datetime, __: Before) -> None:
    """Count it against the dispatch that was wrong, and whom its time is charged to."""
    state.lead = None
    _here(state, returns=_row(state).returns + 1)
    key = f"d{state.dispatched}"
    if key in state.rows:
        charged = _unit(fact.charged_to) if fact.charged_to else {}
        change(state, key, returns=1, **charged)


def _handed_on(
    state: Measured, fact: f.CaseHandedDown | f.CaseEscalated, _: datetime, __: Before
) -> None:
    """Let whoever was handed it be judged: a lead that hands it on leads no more."""
    del fact
    state.lead = None


def _responds(state: Measured, _: f.CaseFact, at: datetime, __: Before) -> None:
    _responded(state, at)


def _claimed(state: Measured, fact: f.CaseClaimed, at: datetime, _: Before) -> None:
    state.claimant = fact.claimant
    _filed(state, at)


def _released(state: Measured, _: f.ClaimReleased, __: datetime, ___: Before) -> None:
    state.claimant = None


def _passed(state: Measured, _: f.CompletionVerified, __: datetime, ___: Before) -> None:
    _here(state, passed=_row(state).passed + 1)


def _failed(state: Measured, _: f.ReworkRequired, __: datetime, ___: Before) -> None:
    _here(state, failed=_row(state).failed + 1)


def _closed(state: Measured, fact: f.CaseClosed, at: datetime, _: Before) -> None:
    row = _row(state)
    closing = {"closed_at": at, "duration": _seconds(row.at, at), "grade": fact.grade}
    ending = {"ended_at": row.ended_at or at, "ending": CLOSED}
    _filed(state, at, **closing, **ending)


def _seconds(since: datetime, until: datetime | None) -> int | None:
    return int((until - since).total_seconds()) if until is not None else None


def _on_the_spot(state: Measured, _: f.CaseHandledOnTheSpot, at: datetime, before: Before) -> None:
    """End it with whoever held it: the grid worker's own unit."""
    state.holder = state.holder or before
    _judge(state)
    row = _row(state)
    ending = {"ended_at": at, "ending": CLOSED, "on_the_spot": True}
    _filed(state, at, **ending, closed_at=at, duration=_seconds(row.at, at))


def _ended(ending: str, *, answered: bool) -> Callable[[Measured, Any, datetime, Before], None]:
    def end(state: Measured, _: Any, at: datetime, __: Before) -> None:  # noqa: ANN401 - MEASURES
        if answered:
            _responded(state, at, ended_at=at, ending=ending)
        else:
            _here(state, ended_at=at, ending=ending)

    return end


def _merged(state: Measured, fact: f.CaseMerged, at: datetime, _: Before) -> None:
    if fact.stage.source != fact.stage.target:
        _here(state, ended_at=at, ending=seen.MERGED)


def _unended(state: Measured, _: f.CaseFact, __: datetime, ___: Before) -> None:
    _here(state, closed_at=None, ended_at=None, ending=None, duration=None, on_the_spot=False)


def _redone(state: Measured, fact: f.RedoRequired, at: datetime, before: Before) -> None:
    _unended(state, fact, at, before)
    _here(state, redos=_row(state).redos + 1)


def _called_back(state: Measured, fact: f.CallbackRecorded, at: datetime, before: Before) -> None:
    """Take in what they say; the latest answer counts, and how often they were asked."""
    _here(
        state,
        callbacks=_row(state).callbacks + 1,
        solved=fact.solved,
        satisfaction=fact.satisfaction,
    )
    if fact.unsettled:
        _unended(state, fact, at, before)


def _rated(state: Measured, fact: f.CaseRated, _: datetime, __: Before) -> None:
    _here(state, satisfaction=fact.satisfaction)


def _reopened(state: Measured, fact: f.CaseReopened, at: datetime, _: Before) -> None:
    """Begin another round; the one before stays as it ended."""
    _here(state, latest=False)
    state.cycle = fact.cycle
    again = MeasureRow(sort=ROUND, at=at, cycle=fact.cycle, filed_at=at)
    state.rows = {**state.rows, str(fact.cycle): again}


def _joined(by: int) -> Callable[[Measured, Any, datetime, Before], None]:
    def join(state: Measured, _: Any, __: datetime, ___: Before) -> None:  # noqa: ANN401 - MEASURES
        _here(state, duplicates=max(0, _row(state).duplicates + by))

    return join


def _supervised(state: Measured, fact: f.SupervisionRaised, at: datetime, _: Before) -> None:
    """Count it against whoever has the case when it is raised."""
    state.supervised += 1
    row = _row(state)
    if fact.level in {"yellow", "red"}:
        _here(state, **{fact.level: getattr(row, fact.level) + 1})
    order = MeasureRow(
        sort=SUPERVISION, at=at, cycle=state.cycle, level=fact.level, **_unit(state.judged)
    )
    state.rows = {**state.rows, f"s{state.supervised}": order}


def _called(state: Measured, fact: f.WhistleBlown, at: datetime, _: Before) -> None:
    call = MeasureRow(
        sort=CALL, at=at, cycle=state.cycle, **_unit(fact.unit), **_other(fact.caller)
    )
    state.rows = {**state.rows, f"w{fact.call}": call}


def _reported_in(state: Measured, fact: f.ReportedIn, at: datetime, _: Before) -> None:
    if f"w{fact.call}" in state.rows:
        change(state, f"w{fact.call}", responded_at=at)


def _call_released(state: Measured, fact: f.CallReleased, at: datetime, _: Before) -> None:
    if f"w{fact.call}" in state.rows:
        change(state, f"w{fact.call}", ended_at=at, ending="released")


def _call_rated(state: Measured, fact: f.WhistleRated, _: datetime, __: Before) -> None:
    if f"w{fact.call}" in state.rows:
        side = "other_score" if fact.side == "whistle" else "score"
        change(state, f"w{fact.call}", **{side: fact.score})


def _exempted(state: Measured, fact: f.AppealUpheld, _: datetime, __: Before) -> None:
    """Exempt the score, never the fact: nothing else of the row changes."""
    column = f"exempt_{fact.ground}"
    if column not in MeasureRow.__struct_fields__:
        return
    for key, row in state.rows.items():
        concerned = row.sort == ROUND or (row.sort == SUPERVISION and fact.ground == "supervision")
        if concerned and row.cycle == state.cycle:
            change(state, key, **{column: True})


def _reallotted(state: Measured, fact: f.CaseReallotted, _: datetime, __: Before) -> None:
    state.place, state.lead, state.accepted_by = fact.place, fact.lead, fact.accepted_by


def _succeeded(state: Measured, fact: f.UnitsSucceeded, _: datetime, __: Before) -> None:
    by = {one.unit: one.by for one in fact.units}
    if state.claimant is not None:
        state.claimant = by.get(state.claimant.id, state.claimant)


MEASURES: Final[dict[type[f.Fact], Callable[[Measured, Any, datetime, Before], None]]] = {
    f.CaseReported: _reported,
    f.CaseCorrected: _corrected,
    f.CaseAccepted: _accepted,
    f.CaseNotAccepted: _ended(seen.NOT_ACCEPTED, answered=True),
    f.CaseHandledOnTheSpot: _on_the_spot,
    f.CaseAssigned: _assigned,
    f.CaseHandedDown: _handed_on,
    f.CaseEscalated: _handed_on,
    f.HandoverAccepted: _responds,
    f.CaseReplied: _responds,
    f.CaseClaimed: _claimed,
    f.ClaimReleased: _released,
    f.ReturnUpheld: _returned,
    f.CompletionVerified: _passed,
    f.ReworkRequired: _failed,
    f.CaseClosed: _closed,
    f.CaseReopened: _reopened,
    f.CaseWithdrawn: _ended(seen.WITHDRAWN, answered=False),
    f.CasePutOnRecord: _ended(seen.RECORDED, answered=True),
    f.CaseTransferredOut: _ended(seen.TRANSFERRED_OUT, answered=True),
    f.CaseVoided: _ended(seen.VOIDED, answered=False),
    f.CaseMerged: _merged,
    f.CaseUnmerged: _unended,
    f.CaseSplit: _ended(seen.SPLIT, answered=True),
    f.DuplicateJoined: _joined(1),
    f.DuplicateParted: _joined(-1),
    f.CallbackRecorded: _called_back,
    f.CaseRated: _rated,
    f.RedoRequired: _redone,
    f.AppealUpheld: _exempted,
    f.SupervisionRaised: _supervised,
    f.WhistleBlown: _called,
    f.ReportedIn: _reported_in,
    f.CallReleased: _call_released,
    f.WhistleRated: _call_rated,
    f.CaseReallotted: _reallotted,
    f.UnitsSucceeded: _succeeded,
}
FOLDED: Final = frozenset({*MEASURES, *TICKED})
"""What indicators count at all; every other fact costs them nothing."""
