"""What both shipped ledgers fold of a case: where it stands, how it ended, and who may see it.

The fold changes the state it is given: a batch owns its states, and copies of so wide a thing
would cost more than all the rest. It still depends on nothing but the state and the fact.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from domain import facts as f
from domain.privacy import MARK, marks_after, marks_succeeded
from domain.routing import units_of
from eventlog.records import Followed

TITLE: Final = "title"
"""The sealed field that names a case."""

HANDLED_ON_THE_SPOT: Final = "handled-on-the-spot"
NOT_ACCEPTED: Final = "not-accepted"
WITHDRAWN: Final = "withdrawn"
RECORDED: Final = "recorded"
TRANSFERRED_OUT: Final = "transferred-out"
VOIDED: Final = "voided"
MERGED: Final = "merged"
SPLIT: Final = "split"


class Seen(Struct, array_like=True):
    """A case as a ledger sees it; of an unknown past nothing is known, and that is no error."""

    version: int = 0
    changed_at: datetime | None = None
    kind: str = ""
    kind_hash: str = ""
    number: str = ""
    stage: str = ""
    phase: str = ""
    severity: str | None = None
    urgency: str | None = None
    tier: str | None = None
    category: str | None = None
    place: f.Unit | None = None
    holder: f.Unit | None = None
    lead: f.Unit | None = None
    accepted_by: f.Unit | None = None
    others: tuple[f.Unit, ...] = ()
    """Assisting and informed units."""
    workers: tuple[f.Unit, ...] = ()
    """Units that were given a task."""
    visible_to: tuple[str, ...] = ()
    """Every unit in whose scope the case lies, in order."""
    source: f.SourceReference | None = None
    reported_at: datetime | None = None
    closed_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    cycle: int = 1
    rework: int = 0
    title: int | None = None
    """The position of the fact that carries the latest title."""
    involved: tuple[f.Unit, ...] = ()
    claimant: f.Unit | None = None
    """Who claimed it for itself (认领)."""
    """Units that held it, were informed of a hop, or were called (吹哨)."""


def unseen(_: str) -> Seen:
    """Return a case before its first fact."""
    return Seen()


def see(seen: Seen, record: Followed) -> Seen:
    """Take in one more fact of the case, and return what was given."""
    body = record.body
    fact, occurred_at = body.data, body.occurred_at
    seen.version = body.version
    if seen.changed_at is None or (seen.changed_at < occurred_at and type(fact) not in _BROUGHT):
        seen.changed_at = occurred_at
    if body.kind is not None:
        seen.kind_hash = body.kind
    for text in body.sealed:
        # A round's finding has a title too: that of the case which it becomes.
        if text.field == TITLE and isinstance(fact, f.CaseReported | f.CaseCorrected):
            seen.title = record.position
    if isinstance(fact, f.CaseFact):
        seen.stage, seen.phase = fact.stage.target, fact.stage.phase
        units_changed = fact.holder != seen.holder
        seen.holder = fact.holder
        if _step(seen, fact, occurred_at) or units_changed:
            seen.visible_to = (*_scopes(seen), *_marks(seen))
    return seen


def _step(seen: Seen, fact: f.CaseFact, occurred_at: datetime) -> bool:
    """Take in what is particular to a fact; say whether it may concern other units."""
    return STEPS[type(fact)](seen, fact, occurred_at)


def _nothing(seen: Seen, fact: Any, occurred_at: datetime) -> bool:  # noqa: ANN401 - see STEPS
    """Take in a fact that says no more than every fact of a case."""
    del seen, fact, occurred_at
    return False


def _reported(seen: Seen, fact: f.CaseReported, occurred_at: datetime) -> bool:
    seen.kind, seen.number, seen.place = fact.kind, fact.number, fact.place
    seen.category, seen.severity, seen.urgency = fact.category, fact.severity, fact.urgency
    seen.source, seen.reported_at = fact.source, occurred_at
    return True


def _accepted(seen: Seen, fact: f.CaseAccepted, _: datetime) -> bool:
    seen.accepted_by = fact.accepted_by
    return True


def _assigned(seen: Seen, fact: f.CaseAssigned, _: datetime) -> bool:
    seen.lead, seen.others = fact.lead, (*fact.assisting, *fact.informed)
    return True


def _task_assigned(seen: Seen, fact: f.TaskAssigned, _: datetime) -> bool:
    seen.workers = (*seen.workers, fact.unit)
    return True


def _drawn_in(seen: Seen, fact: f.RoutingFact, _: datetime) -> bool:
    seen.involved = tuple(dict.fromkeys((*seen.involved, *units_of(fact))))
    return True


def _claimed(seen: Seen, fact: f.CaseClaimed, _: datetime) -> bool:
    seen.claimant = fact.claimant
    return True


def _released(seen: Seen, fact: f.ClaimReleased, _: datetime) -> bool:
    del fact
    seen.claimant = None
    return True


def _corrected(seen: Seen, fact: f.CaseCorrected, _: datetime) -> bool:
    seen.place, seen.category = fact.place, fact.category
    seen.reported_at = fact.reported_at
    return True


def _reclassified(seen: Seen, fact: f.CaseReclassified | f.CategoryMapped, _: datetime) -> bool:
    seen.category = fact.category
    return False


def _reallotted(seen: Seen, fact: f.CaseReallotted, _: datetime) -> bool:
    seen.place, seen.lead, seen.accepted_by = fact.place, fact.lead, fact.accepted_by
    seen.others = (*fact.assisting, *fact.informed)
    seen.workers = tuple(one.unit for one in fact.tasks)
    return True


def _succeeded(seen: Seen, fact: f.UnitsSucceeded, _: datetime) -> bool:
    """Let units be those in whose place others are now; what `case-reallotted` says stands."""
    by = {one.unit: one.by for one in fact.units}
    if seen.claimant is not None:
        seen.claimant = by.get(seen.claimant.id, seen.claimant)
    if fact.division:
        seen.involved = tuple(dict.fromkeys(by.get(one.id, one) for one in seen.involved))
    marks = marks_succeeded(_marks(seen), fact.recused)
    seen.visible_to = (*(one for one in seen.visible_to if not one.startswith(MARK)), *marks)
    return True


def _graded(seen: Seen, fact: f.CaseGraded, _: datetime) -> bool:
    seen.severity, seen.urgency, seen.tier = fact.severity, fact.urgency, fact.tier
    return False


def _reworked(seen: Seen, fact: f.ReworkRequired, _: datetime) -> bool:
    seen.rework = fact.count
    return False


def _closed(seen: Seen, fact: f.CaseClosed, occurred_at: datetime) -> bool:
    seen.closed_at = seen.ended_at = occurred_at
    seen.outcome = fact.outcome
    return False


def _ended(outcome: str) -> Callable[[Seen, Any, datetime], bool]:
    def end(seen: Seen, _: Any, occurred_at: datetime) -> bool:  # noqa: ANN401 - see STEPS
        seen.ended_at, seen.outcome = occurred_at, outcome
        return False

    return end


def _reopened(seen: Seen, fact: f.CaseReopened, _: datetime) -> bool:
    seen.closed_at = seen.ended_at = seen.outcome = None
    seen.cycle, seen.rework = fact.cycle, 0
    return False


def _marked(seen: Seen, fact: f.CaseFact, _: datetime) -> bool:
    """Keep in mind who may not see it, or who alone may (保密、回避)."""
    units = tuple(one for one in seen.visible_to if not one.startswith(MARK))
    seen.visible_to = (*units, *marks_after(_marks(seen), fact))
    return False


def _marks(seen: Seen) -> tuple[str, ...]:
    """Return what stands among the units without being one: see `domain/privacy.py`."""
    return tuple(one for one in seen.visible_to if one.startswith(MARK))


def _undone(seen: Seen, fact: f.RedoRequired | f.CallbackRecorded, _: datetime) -> bool:
    """Open a case again whose result did not satisfy: a case that is redone is not closed."""
    if isinstance(fact, f.RedoRequired) or fact.unsettled:
        seen.closed_at = seen.ended_at = seen.outcome = None
    return False


def _unmerged(seen: Seen, fact: f.CaseUnmerged, _: datetime) -> bool:
    del fact
    seen.ended_at = seen.outcome = None
    return False


def _merged(seen: Seen, fact: f.CaseMerged, occurred_at: datetime) -> bool:
    """End a duplicate; one that moves on with its primary to another had ended before."""
    if fact.stage.source != fact.stage.target:
        seen.ended_at, seen.outcome = occurred_at, MERGED
    return False


def _scopes(seen: Seen) -> tuple[str, ...]:
    """Return every unit that has a part in the case, with all units above it."""
    own = (seen.place, seen.holder, seen.lead, seen.accepted_by, seen.claimant)
    steps: set[str] = set()
    for unit in (*own, *seen.others, *seen.workers, *seen.involved):
        if unit is not None:
            steps.update(unit.path)
    return tuple(sorted(steps))


_DONE: Final = (
    f.ClockStarted,
    f.ClockPaused,
    f.ClockResumed,
    f.ClockRescheduled,
    f.ClockStopped,
    f.ClockCancelled,
)
_BROUGHT: Final = frozenset({*f.CLOCK_FACTS, *f.NOTICE_FACTS, f.CaseMigrated}).difference(_DONE)
"""What time, a channel or a new version of the kind brought: nobody did anything to the case."""

_QUIET: Final = (
    f.ContainmentTaken,
    f.NoteRecorded,
    f.HandlingStarted,
    f.TaskCompleted,
    f.TaskWaived,
    f.CompletionClaimed,
    f.CompletionVerified,
    f.CaseReplied,
    f.CaseResumed,
    f.MilestoneReached,
    f.SuspensionRequested,
    f.SuspensionGranted,
    f.SuspensionRefused,
    f.ExtensionRequested,
    f.ExtensionGranted,
    f.ExtensionRefused,
    f.ReturnRequested,
    f.ReturnUpheld,
    f.ReturnRefused,
    f.CorrectionRequested,
    f.CorrectionApproved,
    f.CorrectionRefused,
    f.HandoverAccepted,
    f.SupplementRequested,
    f.SupplementProvided,
    f.VoidRequested,
    f.VoidRefused,
    f.NonAcceptanceProposed,
    f.NonAcceptanceRefused,
    f.ReturnFlagged,
    f.AssignmentBound,
    f.ReportedIn,
    f.CallReleased,
    f.WhistleRated,
    f.MeetingHeld,
    f.SupervisionRaised,
    f.SupervisionCleared,
    f.CaseUrged,
    f.InstructionGiven,
    f.CaseFiled,
    f.AdmissionDecided,
    f.CaseRated,
    f.AppealLodged,
    f.AppealReviewed,
    f.AppealUpheld,
    f.AppealDismissed,
    f.DuplicateJoined,
    f.DuplicateParted,
    f.DuplicateAnswered,
    f.SplitOff,
    f.PartEnded,
    f.SplitAnswered,
    f.IdentityHidden,
    f.AgencyRecorded,
    f.DecisionMade,
    f.EvidenceAttached,
    f.LeaderFixed,
    f.MeasuresFixed,
    f.MeasureDone,
    f.DeadlineFixed,
    f.ResponsibilityFixed,
    f.FourFixed,
    f.DutyTaken,
    f.DutyFulfilled,
    f.DutyFailed,
    f.RevisitRecorded,
    f.DataRecorded,
    f.VoteHeld,
    f.PublicationMade,
    f.PublicationEnded,
    f.ObjectionRaised,
    f.ObjectionAnswered,
    f.SignatureRecorded,
    f.FindingRecorded,
    f.ZeroReported,
    f.RoundMissed,
)

# By type, not by `match`: this runs for every fact and ledger, and a match of this length costs
# as much as writing the row. A test holds the list against the vocabulary.
STEPS: Final[dict[type[f.CaseFact], Callable[[Seen, Any, datetime], bool]]] = {
    **dict.fromkeys(_QUIET, _nothing),
    f.CaseReported: _reported,
    f.CaseAccepted: _accepted,
    f.CaseAssigned: _assigned,
    f.TaskAssigned: _task_assigned,
    f.CaseCorrected: _corrected,
    f.CaseMigrated: _nothing,
    f.CaseReclassified: _reclassified,
    f.CategoryMapped: _reclassified,
    f.CaseReallotted: _reallotted,
    f.UnitsSucceeded: _succeeded,
    f.CaseGraded: _graded,
    f.ReworkRequired: _reworked,
    f.CaseClosed: _closed,
    f.CaseHandledOnTheSpot: _ended(HANDLED_ON_THE_SPOT),
    f.CaseNotAccepted: _ended(NOT_ACCEPTED),
    f.CaseWithdrawn: _ended(WITHDRAWN),
    f.CasePutOnRecord: _ended(RECORDED),
    f.CaseTransferredOut: _ended(TRANSFERRED_OUT),
    f.CaseVoided: _ended(VOIDED),
    f.CaseHandedDown: _drawn_in,
    f.CaseEscalated: _drawn_in,
    f.WhistleBlown: _drawn_in,
    f.CallbackRecorded: _undone,
    f.RedoRequired: _undone,
    f.CaseMerged: _merged,
    f.CaseUnmerged: _unmerged,
    f.CaseSplit: _ended(SPLIT),
    f.ConfidentialitySet: _marked,
    f.RecusalDeclared: _marked,
    f.RecusalLifted: _marked,
    f.CaseReopened: _reopened,
    f.CaseClaimed: _claimed,
    f.ClaimReleased: _released,
}
