"""通知签收台账: one row a notice (通知、告知): who was told what, how, when, and who signed.

Notices that time brings (`clock`) and notices of what somebody did (`action`) are numbered together
within a case. Its tables are called `receipts`: the sender of notices follows the log as `notices`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
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

CLOCK: Final = "clock"
ACTION: Final = "action"
UNSIGNED: Final = "acknowledge_by IS NOT NULL AND acknowledged_at IS NULL"
OVERDUE: Final = f"{UNSIGNED} AND acknowledge_by < %(now)s"


class NoticeRow(Struct, frozen=True, kw_only=True, array_like=True):
    """A notice as it stands; posts and people by id."""

    notice: int
    sort: str
    cause: str
    """What it tells of: `threshold:80%`, `breach`, `rung:2`; or a fact, `case-assigned`."""
    step: str
    """What the ladder asks for there, or by which action it was done."""
    clock: str | None = None
    role: str
    """Who was to be told."""
    recipient: str | None
    post: str | None
    person: str | None
    vacancies: int
    """How many posts were passed over because nobody held them (缺位)."""
    issued_at: datetime
    acknowledge_by: datetime | None
    instead_of: int | None = None
    """The notice that nobody signed for in time, in whose place this one is."""
    status: str = "issued"
    """What became of it on its way: `issued`, `delivered`, `undeliverable`."""
    channel: str | None = None
    attempts: int = 0
    arrived_at: datetime | None = None
    """When it was delivered, or given up."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acted: bool | None = None
    """Whether they signed by acting on the case (办理即签收)."""
    missed_at: datetime | None = None
    """By when nobody had signed."""
    diverted: bool = False
    """Whether somebody else was to be told, and may not see the case (保密、回避)."""


class Notices(Struct, array_like=True):
    """The notices of a case by row key."""

    rows: dict[str, NoticeRow]


def fold(notices: Notices, record: Followed) -> Notices:
    """Take in one more fact of the case, and return what was given."""
    fact = record.body.data
    STEPS[type(fact)](notices, fact, record.occurred_at)
    return notices


def show(notices: Notices, before: Mapping[str, NoticeRow]) -> Mapping[str, NoticeRow]:
    """Return all rows."""
    del before
    return dict(notices.rows)


def _issued(notices: Notices, fact: f.NoticeIssued, at: datetime) -> None:
    told = _told(fact.recipient, fact.acknowledge, at)
    notices.rows[str(fact.notice)] = NoticeRow(
        notice=fact.notice, sort=CLOCK, cause=fact.cause, step=fact.step, clock=fact.clock, **told
    )


def _notified(notices: Notices, fact: f.PartyNotified, at: datetime) -> None:
    told = _told(fact.recipient, fact.acknowledge, at)
    notices.rows[str(fact.notice)] = NoticeRow(
        notice=fact.notice,
        sort=ACTION,
        cause=fact.cause,
        step=fact.action,
        instead_of=fact.instead_of or None,
        **told,
    )


def _told(recipient: f.Recipient, acknowledge: f.Point | None, at: datetime) -> dict[str, Any]:
    return {
        "role": recipient.role,
        "recipient": recipient.unit.id if recipient.unit else None,
        "post": recipient.post,
        "person": recipient.person,
        "vacancies": len(recipient.vacant),
        "issued_at": at,
        "acknowledge_by": acknowledge.at if acknowledge else None,
    }


def _delivered(
    notices: Notices, fact: f.NoticeDelivered | f.PartyNoticeDelivered, at: datetime
) -> None:
    way = {"channel": fact.channel, "attempts": fact.attempts}
    _change(notices, fact.notice, status="delivered", arrived_at=at, **way)


def _undeliverable(
    notices: Notices, fact: f.NoticeUndeliverable | f.PartyNoticeUndeliverable, at: datetime
) -> None:
    way = {"channel": fact.channel, "attempts": fact.attempts}
    _change(notices, fact.notice, status="undeliverable", arrived_at=at, **way)


def _acknowledged(
    notices: Notices, fact: f.NoticeAcknowledged | f.PartyNoticeAcknowledged, at: datetime
) -> None:
    acted = fact.acted if isinstance(fact, f.PartyNoticeAcknowledged) else False
    signed = {"acknowledged_at": at, "acknowledged_by": fact.by, "acted": acted}
    _change(notices, fact.notice, **signed)


def _missed(
    notices: Notices, fact: f.AcknowledgementMissed | f.PartyNoticeUnsigned, _: datetime
) -> None:
    _change(notices, fact.notice, missed_at=fact.effective_at)


def _diverted(notices: Notices, fact: f.NoticeDiverted, _: datetime) -> None:
    _change(notices, fact.notice, diverted=True)


def _change(notices: Notices, notice: int, **changes: Any) -> None:  # noqa: ANN401 - as the row
    row = notices.rows.get(str(notice))
    if row is not None:
        notices.rows[str(notice)] = replace(row, **changes)


STEPS: Final[dict[type[f.Fact], Callable[[Notices, Any, datetime], None]]] = {
    f.NoticeIssued: _issued,
    f.NoticeDelivered: _delivered,
    f.NoticeUndeliverable: _undeliverable,
    f.NoticeAcknowledged: _acknowledged,
    f.AcknowledgementMissed: _missed,
    f.PartyNotified: _notified,
    f.PartyNoticeDelivered: _delivered,
    f.PartyNoticeUndeliverable: _undeliverable,
    f.PartyNoticeAcknowledged: _acknowledged,
    f.PartyNoticeUnsigned: _missed,
    f.NoticeDiverted: _diverted,
}

RECEIPTS: Final = Ledger(
    called="notices",
    shape=Shape(
        name="receipts",
        version=1,
        facts=frozenset(STEPS),
        state=Notices,
        row=NoticeRow,
        blank=lambda _: Notices({}),
        fold=fold,
        show=show,
    ),
    title="通知签收台账",
    cases=CASES,
    of_case=OF_CASE,
    columns=(
        *case_columns("number", "title", "kind", "category", "stage"),
        Column("notice", "通知序号", "number"),
        Column("sort", "通知种类"),
        Column("cause", "事由"),
        Column("step", "要求或操作"),
        Column("clock", "时限"),
        Column("role", "通知对象"),
        Column("recipient", "接收单位", "unit"),
        Column("post", "接收岗位"),
        Column("person", "接收人", "person"),
        Column("vacancies", "越过的缺位岗位数", "number"),
        Column("issued_at", "通知时间", "time"),
        Column("status", "送达状态"),
        Column("channel", "渠道"),
        Column("attempts", "发送次数", "number"),
        Column("arrived_at", "送达或放弃时间", "time"),
        Column("acknowledge_by", "应签收时间", "time"),
        Column("acknowledged_at", "签收时间", "time"),
        Column("acknowledged_by", "签收人", "person"),
        Column("acted", "办理即签收", "flag"),
        Column("missed_at", "逾期未签收时间", "time"),
        Column("instead_of", "代替的通知", "number"),
        Column("diverted", "改送", "flag"),
        *case_columns("holder", "reported_at", "ended_at"),
    ),
    filters={
        **case_filters("open", "kind", "category", "unit", "number"),
        "sort_of": Filter("通知种类", "in", "sort"),
        "cause": Filter("事由", "in", "cause"),
        "status": Filter("送达状态", "in", "status"),
        "channel": Filter("渠道", "in", "channel"),
        "recipient": Filter("接收单位", "in", "recipient"),
        "post": Filter("接收岗位", "in", "post"),
        "person": Filter("接收人", "in", "person"),
        "unsigned": Filter("待签收", "test", test=UNSIGNED),
        "overdue": Filter("逾期未签收", "test", test=OVERDUE),
        "missed": Filter("曾逾期未签收", "given", "missed_at"),
        "diverted": Filter("改送", "flag", "diverted"),
        "issued_from": Filter("通知时间起", "from", "issued_at"),
        "issued_before": Filter("通知时间止", "before", "issued_at"),
    },
    sorts=("issued_at", "number"),
    summarise=counting(
        {
            "open": f"{UNSIGNED} AND ended_at IS NULL",
            "overdue": OVERDUE,
            "signed": "acknowledged_at IS NOT NULL",
            "missed": "missed_at IS NOT NULL",
            "delivered": "status = 'delivered'",
            "undeliverable": "status = 'undeliverable'",
            "diverted": "diverted",
        },
        by={"by_sort": "sort", "by_unit": "recipient"},
    ),
)
