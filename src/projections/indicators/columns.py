"""What a formula may name: columns of the ledger 指标底账 and of its cases, and what each holds."""

from typing import Final, Literal, LiteralString

from msgspec import Struct
from psycopg import sql

from domain import facts as f
from projections.ledgers.cases import CASES
from projections.ledgers.measures import MEASURES, OF_MEASURE

Holds = Literal["text", "flag", "number", "time"]
_HELD: Final[dict[str, Holds]] = {
    "text": "text",
    "unit": "text",
    "flag": "flag",
    "number": "number",
    "time": "time",
}
_UNNAMED: Final = frozenset({"sort", "title", "number", "unit_path", "other_path"})
# Whether it is settled that it was in time or late; what stands still or has ended is neither.
DECIDED: Final = """
    (stopped_at IS NOT NULL OR (due < %(now)s AND NOT paused AND ended_at IS NULL))
"""
# When that next changes by the clock alone; see `projections/remembered.py`.
CHANGES: Final = "SELECT min(due) FROM measures WHERE due >= %(now)s"


class Named(Struct, frozen=True):
    """A column that a condition may name; `formula` where it is no column of a table."""

    name: str
    label: str
    holds: Holds
    formula: LiteralString = ""

    @property
    def sql(self) -> sql.Composable:
        """How it is written in a query."""
        return sql.SQL(self.formula) if self.formula else sql.Identifier(self.name)


def _named() -> dict[str, Named]:
    columns = {
        one.name: Named(one.name, one.label, _HELD[one.kind])
        for one in MEASURES.columns
        if one.name not in _UNNAMED
    }
    return columns | {"decided": Named("decided", "按期与否已成定局", "flag", DECIDED)}


COLUMNS: Final = _named()
SUMMABLE: Final = tuple(name for name, one in COLUMNS.items() if one.holds == "number")
OF_CASE: Final = frozenset(OF_MEASURE)
OWN: Final = frozenset(MEASURES.shape.columns)

_DUE: Final = (
    f.ClockStarted,
    f.ClockRescheduled,
    f.ClockPaused,
    f.ClockResumed,
    f.ClockStopped,
    f.ClockStopCorrected,
    f.ClockCancelled,
)
_UNDONE: Final = (f.RedoRequired, f.CaseReopened, f.CaseUnmerged)
_ENDED: Final = (
    f.CaseClosed,
    f.CaseHandledOnTheSpot,
    f.CaseNotAccepted,
    f.CaseWithdrawn,
    f.CasePutOnRecord,
    f.CaseTransferredOut,
    f.CaseVoided,
    f.CaseMerged,
    f.CaseSplit,
    *_UNDONE,
)
_FILED: Final = (f.CaseAccepted, f.CaseAssigned, f.CaseClaimed, f.CaseHandledOnTheSpot)
_REPORTED: Final = (f.CaseReported, f.CaseCorrected, f.CaseReopened)

DECIDED_BY: Final[dict[str, tuple[type[f.Fact], ...]]] = {
    "at": _REPORTED,
    "reported_at": _REPORTED,
    "cycle": _REPORTED,
    "latest": _REPORTED,
    "filed_at": _FILED,
    "responded_at": (*_FILED, f.CaseReplied, f.HandoverAccepted, f.ReportedIn, *_ENDED),
    "accepted_at": (f.CaseAccepted,),
    "dispatched_at": (f.CaseAssigned,),
    "dispatches": (f.CaseAssigned,),
    "due": _DUE,
    "stopped_at": _DUE,
    "on_time": _DUE,
    "paused": _DUE,
    "decided": (*_DUE, *_ENDED),
    "closed_at": (f.CaseClosed, f.CaseHandledOnTheSpot, *_UNDONE),
    "grade": (f.CaseClosed,),
    "duration": (*_REPORTED, f.CaseClosed, f.CaseHandledOnTheSpot),
    "ended_at": _ENDED,
    "ending": _ENDED,
    "on_the_spot": (f.CaseHandledOnTheSpot,),
    "returns": (f.ReturnUpheld,),
    "passed": (f.CompletionVerified,),
    "failed": (f.ReworkRequired,),
    "redos": (f.RedoRequired,),
    "callbacks": (f.CallbackRecorded,),
    "solved": (f.CallbackRecorded,),
    "satisfaction": (f.CallbackRecorded, f.CaseRated),
    "duplicates": (f.DuplicateJoined, f.DuplicateParted),
    "yellow": (f.SupervisionRaised,),
    "red": (f.SupervisionRaised,),
    "level": (f.SupervisionRaised,),
    "score": (f.WhistleRated,),
    "other_score": (f.WhistleRated,),
    "exempt_overdue": (f.AppealUpheld,),
    "exempt_rework": (f.AppealUpheld,),
    "exempt_dissatisfaction": (f.AppealUpheld,),
    "exempt_supervision": (f.AppealUpheld,),
    "category": (f.CaseReported, f.CaseCorrected, f.CaseReclassified, f.CategoryMapped),
    "severity": (f.CaseGraded,),
    "urgency": (f.CaseGraded,),
}
"""Which facts say what stands in a column; drilling down names them."""

CASE_COLUMNS: Final = tuple(one.name for one in CASES.columns if one.name in OF_CASE)
