"""议事台账: one row a vote, a publication, an objection, or all signatures of a case.

五民工作法, 四议两公开 and 居民公约 leave their marks here: who voted, by which rule, with what
result; what hung from when to when; who objected and was answered; how many signed.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, OF_CASE, case_columns, case_filters
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

VOTE: Final = "vote"
PUBLICATION: Final = "publication"
OBJECTION: Final = "objection"
SIGNATURES: Final = "signatures"


class DecisionRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A step of a council as it stands; shares are as the kind writes them: `2/3`."""

    sort: str
    item: int
    """Its number within the case, of its sort."""
    status: str
    """`passed`, `failed`; `posted`, `ended`; `raised`, `answered`; `signed`."""
    held_at: datetime
    """When it was voted, posted, raised, or first signed."""
    step: str | None = None
    body: str | None = None
    """Whose vote it was."""
    eligible: int | None = None
    present: int | None = None
    in_favour: int | None = None
    quorum: str | None = None
    majority: str | None = None
    majority_of: str | None = None
    since: date | None = None
    """The first day of a publication."""
    until: date | None = None
    """Its last day."""
    over_at: datetime | None = None
    """When a publication ended, an objection was answered, the latest name was signed."""
    signatures: int | None = None
    minutes: int | None = None
    resolution: int | None = None


class Decisions(Struct, array_like=True):
    """What a case has of all this by row key, how much of each, and what hangs now."""

    rows: dict[str, DecisionRow]
    votes: int = 0
    publications: int = 0
    step: str | None = None
    """What the latest publication is of."""


def fold(decisions: Decisions, record: Followed) -> Decisions:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](decisions, fact, record)
    return decisions


def show(decisions: Decisions, before: Mapping[str, DecisionRow]) -> Mapping[str, DecisionRow]:
    """Return all rows."""
    del before
    return dict(decisions.rows)


def _voted(decisions: Decisions, fact: f.VoteHeld, record: Followed) -> None:
    decisions.votes += 1
    sealed = {text.field: record.position for text in record.body.sealed}
    decisions.rows[f"{VOTE}:{decisions.votes}"] = DecisionRow(
        sort=VOTE,
        item=decisions.votes,
        status="passed" if fact.passed else "failed",
        held_at=record.occurred_at,
        step=fact.step,
        body=fact.body,
        eligible=fact.eligible,
        present=fact.present,
        in_favour=fact.in_favour,
        quorum=fact.quorum,
        majority=fact.majority,
        majority_of=fact.majority_of,
        minutes=sealed.get("minutes"),
        resolution=sealed.get("resolution"),
    )


def _posted(decisions: Decisions, fact: f.PublicationMade, record: Followed) -> None:
    decisions.publications += 1
    decisions.step = fact.step
    decisions.rows[f"{PUBLICATION}:{decisions.publications}"] = DecisionRow(
        sort=PUBLICATION,
        item=decisions.publications,
        status="posted",
        held_at=record.occurred_at,
        step=fact.step,
        since=fact.since,
        until=fact.until,
    )


def _taken_down(decisions: Decisions, fact: f.PublicationEnded, record: Followed) -> None:
    for key, row in decisions.rows.items():
        if row.sort == PUBLICATION and row.status == "posted" and row.step == fact.step:
            decisions.rows[key] = replace(row, status="ended", over_at=record.occurred_at)
            return


def _objected(decisions: Decisions, fact: f.ObjectionRaised, record: Followed) -> None:
    decisions.rows[f"{OBJECTION}:{fact.objection}"] = DecisionRow(
        sort=OBJECTION,
        item=fact.objection,
        status="raised",
        held_at=record.occurred_at,
        step=decisions.step,
    )


def _answered(decisions: Decisions, fact: f.ObjectionAnswered, record: Followed) -> None:
    key = f"{OBJECTION}:{fact.objection}"
    row = decisions.rows.get(key)
    if row is not None:
        decisions.rows[key] = replace(row, status="answered", over_at=record.occurred_at)


def _signed(decisions: Decisions, fact: f.SignatureRecorded, record: Followed) -> None:
    at, row = record.occurred_at, decisions.rows.get(SIGNATURES)
    if row is None:
        row = DecisionRow(sort=SIGNATURES, item=1, status="signed", held_at=at)
    decisions.rows[SIGNATURES] = replace(row, signatures=fact.signatures, over_at=at)


STEPS: Final[dict[type[f.Fact], Callable[[Decisions, Any, Followed], None]]] = {
    f.VoteHeld: _voted,
    f.PublicationMade: _posted,
    f.PublicationEnded: _taken_down,
    f.ObjectionRaised: _objected,
    f.ObjectionAnswered: _answered,
    f.SignatureRecorded: _signed,
}

DECISIONS: Final = Ledger(
    shape=Shape(
        name="decisions",
        version=1,
        facts=frozenset(STEPS),
        state=Decisions,
        row=DecisionRow,
        blank=lambda _: Decisions({}),
        fold=fold,
        show=show,
    ),
    title="议事台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("sort", "议事种类"),
        Column("item", "序号", "number"),
        Column("step", "议事环节"),
        Column("status", "议事状态"),
        Column("held_at", "议事时间", "time"),
        Column("body", "表决主体"),
        Column("eligible", "应到人数", "number"),
        Column("present", "到会人数", "number"),
        Column("in_favour", "赞成人数", "number"),
        Column("quorum", "到会要求"),
        Column("majority", "赞成要求"),
        Column("majority_of", "赞成基数"),
        Column("since", "公示自", "date"),
        Column("until", "公示至", "date"),
        Column("over_at", "结束或答复时间", "time"),
        Column("signatures", "签名户数", "number"),
        Column("minutes", "会议记录", "reference"),
        Column("resolution", "决议", "reference"),
        *case_columns("place", "holder", "reported_at", "ended_at", "outcome"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number", "place"),
        "sort_of": Filter("议事种类", "in", "sort"),
        "step": Filter("议事环节", "in", "step"),
        "body": Filter("表决主体", "in", "body"),
        "status": Filter("议事状态", "in", "status"),
        "held_from": Filter("议事时间起", "from", "held_at"),
        "held_before": Filter("议事时间止", "before", "held_at"),
        "until_from": Filter("公示至（起）", "day_from", "until"),
        "until_before": Filter("公示至（止）", "day_before", "until"),
    },
    sorts=("held_at", "number"),
    summarise=counting(
        {
            "votes": "sort = 'vote'",
            "passed": "status = 'passed'",
            "failed": "status = 'failed'",
            "publications": "sort = 'publication'",
            "posted": "status = 'posted' AND ended_at IS NULL",
            "objections": "sort = 'objection'",
            "unanswered": "status = 'raised' AND ended_at IS NULL",
        },
        by={"by_sort": "sort", "by_kind": "kind"},
        sums={"signatures": "coalesce(sum(signatures), 0)"},
    ),
)
