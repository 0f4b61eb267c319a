"""居民文明行为红黑榜、善行义举榜: one row a proposal, from the proposal to the end of its posting.

Nobody's name stands in a row, only where it lies sealed; in public it is shown masked (张*), see
`api/routes/conduct_board.py`.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from eventlog.records import Followed
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, case_columns, case_filters
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

KIND: Final = "conduct-board"
NAME: Final = "person_name"
BOARDS: Final = {"red": "红榜", "black": "黑榜", "good_deed": "善行义举榜"}
PROPOSED: Final = "proposed"
SUBMITTED: Final = "submitted"
SENT_BACK: Final = "sent_back"
REVIEWED: Final = "reviewed"
PUBLISHED: Final = "published"
LISTED: Final = "listed"
REJECTED: Final = "rejected"
WITHDRAWN: Final = "withdrawn"
STATUSES: Final = {
    PROPOSED: "拟榜",
    SUBMITTED: "待审核",
    SENT_BACK: "退回补充",
    REVIEWED: "已审核",
    PUBLISHED: "公示中",
    LISTED: "期满下榜",
    REJECTED: "不予上榜",
    WITHDRAWN: "已撤榜",
}
MILESTONES: Final = frozenset({SUBMITTED, SENT_BACK, REVIEWED})
HANGS: Final = """
    status = 'published' AND since <= (%(now)s AT TIME ZONE 'Asia/Shanghai')::date
    AND until >= (%(now)s AT TIME ZONE 'Asia/Shanghai')::date
"""
"""It is to be seen on the day of the moment asked for."""


class BoardRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A proposal as it stands."""

    board: str
    status: str
    proposed_at: datetime
    name: int | None = None
    """Where the name lies sealed."""
    submitted_at: datetime | None = None
    reviewed_at: datetime | None = None
    since: date | None = None
    until: date | None = None
    """The last day of the posting."""
    published_at: datetime | None = None
    objections: int = 0
    unanswered: int = 0
    objected_at: datetime | None = None
    answered_at: datetime | None = None
    over_at: datetime | None = None
    """When it was listed to the end, rejected or withdrawn."""


class Board(Struct, array_like=True):
    """The proposal, if the case is one, and which objections wait for their answer."""

    row: BoardRow | None = None
    waiting: tuple[int, ...] = ()


def fold(board: Board, record: Followed) -> Board:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    if isinstance(fact, f.CaseReported):
        if fact.kind == KIND:
            _proposed(board, fact, record)
    elif board.row is not None:
        board.row = STEPS[type(fact)](board, board.row, fact, record.occurred_at)
    return board


def show(board: Board, before: Mapping[str, BoardRow]) -> Mapping[str, BoardRow]:
    """Return the one row."""
    del before
    return {"": board.row} if board.row is not None else {}


def _proposed(board: Board, fact: f.CaseReported, record: Followed) -> None:
    name = any(text.field == NAME for text in record.body.sealed)
    board.row = BoardRow(
        board=str(fact.data.get("board", "")),
        status=PROPOSED,
        proposed_at=record.occurred_at,
        name=record.position if name else None,
    )


def _reached(_: Board, row: BoardRow, fact: f.MilestoneReached, at: datetime) -> BoardRow:
    if fact.milestone not in MILESTONES:
        return row
    moved = replace(row, status=fact.milestone)
    if fact.milestone == SUBMITTED:
        return replace(moved, submitted_at=at)
    return replace(moved, reviewed_at=at) if fact.milestone == REVIEWED else moved


def _published(_: Board, row: BoardRow, fact: f.PublicationMade, at: datetime) -> BoardRow:
    return replace(row, status=PUBLISHED, since=fact.since, until=fact.until, published_at=at)


def _objected(board: Board, row: BoardRow, fact: f.ObjectionRaised, at: datetime) -> BoardRow:
    board.waiting = tuple(dict.fromkeys((*board.waiting, fact.objection)))
    waiting = len(board.waiting)
    return replace(row, objections=row.objections + 1, unanswered=waiting, objected_at=at)


def _answered(board: Board, row: BoardRow, fact: f.ObjectionAnswered, at: datetime) -> BoardRow:
    board.waiting = tuple(one for one in board.waiting if one != fact.objection)
    return replace(row, unanswered=len(board.waiting), answered_at=at)


def _withdrawn(_: Board, row: BoardRow, fact: f.CaseWithdrawn, at: datetime) -> BoardRow:
    del fact
    return replace(row, status=WITHDRAWN, over_at=at)


def _closed(_: Board, row: BoardRow, fact: f.CaseClosed, at: datetime) -> BoardRow:
    return replace(row, status=REJECTED if fact.outcome == REJECTED else LISTED, over_at=at)


STEPS: Final[dict[type[f.Fact], Callable[[Board, BoardRow, Any, datetime], BoardRow]]] = {
    f.MilestoneReached: _reached,
    f.PublicationMade: _published,
    f.ObjectionRaised: _objected,
    f.ObjectionAnswered: _answered,
    f.CaseWithdrawn: _withdrawn,
    f.CaseClosed: _closed,
}
OF_CASE: Final = ("number", "stage", "place", "holder", "kind", "reported_at", "ended_at")

CONDUCT_BOARD: Final = Ledger(
    shape=Shape(
        name="conduct_board",
        version=1,
        facts=frozenset({f.CaseReported, *STEPS}),
        state=Board,
        row=BoardRow,
        blank=lambda _: Board(),
        fold=fold,
        show=show,
    ),
    title="文明行为榜台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number"),
        Column("board", "榜别", words=BOARDS),
        Column("status", "榜上状态", words=STATUSES),
        Column("name", "姓名", "reference", field=NAME),
        Column("proposed_at", "拟榜时间", "time"),
        Column("submitted_at", "送审时间", "time"),
        Column("reviewed_at", "审核时间", "time"),
        Column("published_at", "上榜时间", "time"),
        Column("since", "公示自", "date"),
        Column("until", "公示至", "date"),
        Column("objections", "异议数", "number"),
        Column("unanswered", "未答复异议", "number"),
        Column("objected_at", "最近异议时间", "time"),
        Column("answered_at", "最近答复时间", "time"),
        Column("over_at", "下榜、撤榜或不予上榜时间", "time"),
        *case_columns("stage", "place", "holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "unit", "number", "place"),
        "board": Filter("榜别", "in", "board"),
        "status": Filter("榜上状态", "in", "status"),
        "hangs": Filter("公示期内", "test", test=HANGS),
        "objected": Filter("有未答复异议", "some", "unanswered"),
        "until_from": Filter("公示至（起）", "day_from", "until"),
        "until_before": Filter("公示至（止）", "day_before", "until"),
        "proposed_from": Filter("拟榜时间起", "from", "proposed_at"),
        "proposed_before": Filter("拟榜时间止", "before", "proposed_at"),
    },
    sorts=("proposed_at", "number"),
    summarise=counting(
        {
            "hangs": HANGS,
            "unanswered": "unanswered > 0 AND ended_at IS NULL",
            "withdrawn": "status = 'withdrawn'",
            "listed": "status = 'listed'",
        },
        by={"by_board": "board", "by_status": "status"},
    ),
)
