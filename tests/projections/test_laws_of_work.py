"""The laws of bitemporal rows, told in the words of each ledger, so that they bite."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import facts as f
from eventlog.database import Database
from projections.ledger import Ledger
from projections.ledgers import LEDGERS
from projections.rebuild import rebuild
from tests.projections.test_rows import SLOW, borders, clear, expected, found, holder, records_of
from tests.projections.test_rows import requests_of as requests_in
from tests.support.stories import (
    UNITS,
    Teller,
    at,
    dump,
    follow,
    move,
    reported,
    rescheduled,
    started,
    stopped,
    store,
)

Told = tuple[int, list[tuple[int, int]]]
Word = Callable[[int], f.Fact]
TASK: dict[str, Any] = {"clock": "assistance", "scope": "task:1", "cycle": 1, "sequence": 1}
HANDLING: dict[str, Any] = {"clock": "handling", "scope": "", "cycle": 1, "sequence": 1}
DUE = at(20)
DAY = date(2026, 3, 2)
FEW = settings(SLOW, max_examples=6)


def asked(n: int) -> dict[str, Any]:
    """Return what a request of somebody carries."""
    return {**move(holder=holder(n)), "request": n % 2 + 1, "by": f"who{n}"}


COMMON: tuple[Word, ...] = (
    lambda n: reported(f"n{n}", place=holder(n)),
    lambda n: f.UnitsSucceeded(
        **move(), division="d", units=(f.UnitPassed(holder(n).id, UNITS[0]),), recused=()
    ),
    lambda _: f.NoteRecorded(**move()),
)
RETURNS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.ReturnRequested(**asked(n)),
    lambda n: f.ReturnUpheld(**asked(n), charged_to=holder(n)),
    lambda n: f.ReturnRefused(**asked(n)),
    lambda n: f.ReturnFlagged(
        **move(), returner=holder(n), dispatcher=UNITS[0], times=n, returns=n
    ),
    lambda n: f.AssignmentBound(**move(), lead=holder(n)),
)
TASKS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.TaskAssigned(**move(), task=n % 2 + 1, unit=holder(n)),
    lambda n: f.TaskCompleted(**move(), task=n % 2 + 1),
    lambda n: f.TaskWaived(**move(), task=n % 2 + 1),
    lambda n: f.WhistleBlown(**move(), whistle=n, call=n % 2 + 1, unit=holder(n), caller=None),
    lambda n: f.ReportedIn(**move(), call=n % 2 + 1, unit=holder(n)),
    lambda n: f.CallReleased(**move(), call=n % 2 + 1),
    lambda n: f.WhistleRated(**move(), call=n % 2 + 1, side="report", score=n),
    lambda n: started(at(n), total=False, clock="assistance", scope=f"task:{n % 2 + 1}"),
    lambda n: rescheduled(DUE, at(n), clock="assistance", scope="task:1"),
    lambda n: stopped(at(n), at(n + 1), clock="assistance", scope="task:1"),
    lambda n: f.ClockPaused(**TASK, reason="r", request=n, paused_at=at(n), until=None, plan=()),
    lambda n: f.DeadlineBreached(
        **TASK, due=DUE, effective_at=at(n), detected_at=at(n), answerable=holder(n)
    ),
    lambda n: f.BreachRetracted(**TASK, due=DUE, reason=f"r{n}"),
)
SUPERVISION: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.SupervisionRaised(**move(holder=holder(n)), level=f"l{n}", previous=None),
    lambda n: f.SupervisionCleared(**move(), level=f"l{n}"),
    lambda n: f.CaseUrged(**move(holder=holder(n)), count=n),
    lambda n: f.InstructionGiven(**move(holder=holder(n))),
    lambda _: f.CompletionClaimed(**move()),
)
EXTENSIONS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.ExtensionRequested(**asked(n), clock="handling", asked=f"{n}wd"),
    lambda n: f.ExtensionGranted(**asked(n), clock="handling", granted=f"{n}wd"),
    lambda n: f.ExtensionRefused(**asked(n), clock="handling"),
    lambda n: rescheduled(DUE, at(20 + n), clock="handling", request=n % 2 + 1),
    lambda n: f.SuspensionRequested(**asked(n), reason="r", until=at(n)),
    lambda n: f.SuspensionGranted(**asked(n), reason="r"),
    lambda n: f.SuspensionRefused(**asked(n)),
    lambda n: f.ClockPaused(
        **HANDLING, reason="r", request=n % 2 + 1, paused_at=at(n), until=at(9), plan=()
    ),
    lambda n: f.ClockResumed(
        **HANDLING,
        reason="r",
        request=n % 2 + 1,
        resumed_at=at(n),
        running=True,
        short=False,
        calendar_version="1",
        previous_due=DUE,
        due=at(20 + n),
        provisional=False,
        generation=n,
        plan=(),
    ),
)
DECISIONS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.VoteHeld(
        **move(),
        step=f"s{n % 2}",
        body="party_branch",
        eligible=9,
        present=8,
        in_favour=n,
        quorum="2/3",
        majority="1/2",
        majority_of="present",
        passed=n > 4,
    ),
    lambda n: f.PublicationMade(**move(), step=f"s{n % 2}", since=DAY, until=DAY),
    lambda n: f.PublicationEnded(**move(), step=f"s{n % 2}"),
    lambda n: f.ObjectionRaised(**move(), objection=n % 2 + 1),
    lambda n: f.ObjectionAnswered(**move(), objection=n % 2 + 1),
    lambda n: f.SignatureRecorded(**move(), signatures=n),
)
RECEIPTS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.NoticeIssued(
        **HANDLING,
        notice=n % 2 + 1,
        cause=f"rung:{n}",
        step="notify",
        covers=(),
        recipient=f.Recipient("handler", holder(n)),
        acknowledge=f.Point("acknowledge:1", at(n)),
    ),
    lambda n: f.PartyNotified(
        notice=n % 2 + 1,
        cause="case-assigned",
        covers=(),
        action="dispatch",
        recipient=f.Recipient("lead", holder(n)),
        acknowledge=None,
        within="",
        calendar="",
        instead_of=n // 2,
    ),
    lambda n: f.NoticeDelivered(
        **HANDLING, notice=n % 2 + 1, channel="sms", attempts=n, receipt="ok"
    ),
    lambda n: f.PartyNoticeUndeliverable(
        notice=n % 2 + 1, channel="sms", attempts=n, reason="late"
    ),
    lambda n: f.NoticeAcknowledged(**HANDLING, notice=n % 2 + 1, by=f"who{n}"),
    lambda n: f.PartyNoticeUnsigned(notice=n % 2 + 1, effective_at=at(n), detected_at=at(n)),
    lambda n: f.NoticeDiverted(notice=n % 2 + 1, role="lead", withheld=()),
)
CATALOGUE: tuple[Word, ...] = (
    lambda n: f.ItemAdmitted(
        item=f"i{n % 2}", title=f"t{n}", department=None, people=n, money=n, since=DAY, case="c"
    ),
    lambda n: f.ItemAdjusted(
        item=f"i{n % 2}", title=f"t{n}", department="d", people=n, money=n, since=DAY, case="c"
    ),
    lambda n: f.ItemExited(item=f"i{n % 2}", since=DAY, case="c"),
    lambda n: f.CataloguePublished(
        name="standard", version=f"{n}", hash="h", document={"items": [{"conditions": [1]}]}
    ),
    lambda n: f.CodeTablePublished(
        system="s", version=f"{n}", hash="h", codes=(f.CodePair("1", "2"),)
    ),
)
DIRECTORY: tuple[Word, ...] = (
    lambda n: f.UnitEstablished(
        unit=f"u{n % 3}", code=f"{n}", name="村", level="community", parent=f"u{n // 3}"
    ),
    lambda n: f.UnitChanged(
        unit=f"u{n % 3}", code=f"{n}", name="镇", level="town", parent=f"u{n // 2}" if n else None
    ),
    lambda n: f.UnitDissolved(unit=f"u{n % 3}", on=DAY, successors=(f"u{n // 3}",)),
    lambda n: f.PostEstablished(post=f"p{n % 2}", unit=f"u{n % 3}", title="网格员", role="r"),
    lambda n: f.PostTaken(post=f"p{n % 2}", person=f"who{n}", since=DAY, until=None),
    lambda n: f.DeputyNamed(post=f"p{n % 2}", person=f"who{n}", since=DAY, until=None),
    lambda n: f.PostLeft(post=f"p{n % 2}", person=f"who{n}", until=DAY),
    lambda n: f.UnitRelated(
        relation=f"r{n % 2}",
        sort="liaison",
        unit=f"u{n % 3}",
        other="u1",
        person=None,
        since=DAY,
        until=None,
    ),
    lambda n: f.RelationEnded(relation=f"r{n % 2}", until=DAY),
    lambda n: f.DivisionDecreed(
        division=f"d{n}",
        on=DAY,
        established=(),
        moves=(f.DivisionMove(f"u{n % 3}", None, ()),),
    ),
    lambda n: f.DivisionCarriedOut(division=f"d{n}", cases=n, to_allot=0),
)
STORIES: dict[str, tuple[Word, ...]] = {
    "returns": RETURNS,
    "tasks": TASKS,
    "supervision": SUPERVISION,
    "extensions": EXTENSIONS,
    "decisions": DECISIONS,
    "notices": RECEIPTS,
    "catalogue": CATALOGUE,
    "directory": DIRECTORY,
}


def histories(words: Sequence[Word]) -> st.SearchStrategy[list[Told]]:
    """Return histories of two cases, told in these words."""
    facts = st.tuples(st.integers(0, len(words) - 1), st.integers(0, 6))
    requests = st.tuples(st.integers(0, 1), st.lists(facts, min_size=1, max_size=3))
    return st.lists(requests, min_size=1, max_size=12)


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> Ledger[Any, Any]:
    """Let this ledger, and that of cases, be all there are."""
    ledger = LEDGERS[name]
    for other in set(LEDGERS) - {name, "cases"}:
        monkeypatch.delitem(LEDGERS, other)
    return ledger


@pytest.mark.parametrize("name", list(STORIES))
def test_as_of_any_moment_and_rebuilt_in_any_batches_the_rows_are_the_fold(
    district: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ledger, words = only(monkeypatch, name), STORIES[name]

    @FEW
    @given(history=histories(words), batch=st.integers(1, 9))
    def hold(history: list[Told], batch: int) -> None:
        clear(district)
        teller = Teller()
        store(district, [requests_in(teller, case, told, words) for case, told in history])
        follow(district, batch=1)
        with district.connect() as connection:
            records = records_of(connection)
            for position in borders(records):
                for moment in (None, at(2), at(4.5)):
                    wanted = expected(ledger, records, moment, position)
                    assert found(connection, ledger, as_of=moment, position=position) == wanted
        one_by_one = dump(district)
        rebuild(district, ledger, batch=batch)
        assert dump(district) == one_by_one

    hold()
