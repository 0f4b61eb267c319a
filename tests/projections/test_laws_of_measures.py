"""The laws of bitemporal rows, told in the words of the ledger 指标底账, so that they bite."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import facts as f
from eventlog.database import Database
from projections.rebuild import rebuild
from tests.projections.test_laws_of_work import COMMON, FEW, Told, Word, asked, histories, only
from tests.projections.test_rows import borders, clear, expected, found, holder, records_of
from tests.projections.test_rows import requests_of as requests_in
from tests.support.stories import Teller, at, closed, dump, follow, move, started, stopped, store

DUE = at(20)
CALL: dict[str, Any] = {"clock": "report_in", "scope": "call:1"}
TOTAL: dict[str, Any] = {"clock": "total", "scope": "", "cycle": 1, "sequence": 1}
GROUNDS = ("overdue", "rework", "dissatisfaction", "supervision")
WORDS: tuple[Word, ...] = (
    *COMMON,
    lambda n: f.CaseAccepted(**move(holder=holder(n)), accepted_by=holder(n)),
    lambda n: f.CaseAssigned(**move(), lead=holder(n), assisting=(), informed=()),
    lambda n: f.ReturnUpheld(**asked(n), charged_to=holder(n)),
    lambda n: closed(f"o{n}"),
    lambda n: f.CaseReopened(**move("closed", "b"), cycle=n % 3 + 1),
    lambda n: f.RedoRequired(**move(), count=n),
    lambda n: f.CallbackRecorded(
        **move(), solved=n > 2, satisfaction=n, dissatisfied=n < 3, unsettled=n == 1
    ),
    lambda n: f.SupervisionRaised(**move(), level=("yellow", "red")[n % 2], previous=None),
    lambda n: f.AppealUpheld(**move(), appeal=n, ground=GROUNDS[n % 4]),
    lambda n: f.WhistleBlown(**move(), whistle=1, call=n % 2, unit=holder(n), caller=holder(n + 1)),
    lambda n: f.ReportedIn(**move(), call=n % 2, unit=holder(n)),
    lambda n: started(DUE, cycle=n % 2 + 1, sequence=n % 3 + 1),
    lambda n: started(at(n), total=False, **CALL),
    lambda n: stopped(at(n), DUE),
    lambda n: f.ClockCancelled(**TOTAL, cancelled_at=at(n)),
    lambda n: f.CaseClaimed(**move(), claimant=holder(n), person=None),
    lambda _: f.CaseHandledOnTheSpot(**move()),
    lambda n: f.CaseMerged(**move("a", "ab"[n % 2]), into="x", number="n", back_to="a"),
    lambda n: f.CaseCorrected(
        **move(),
        fields=("place",),
        reported_at=at(n),
        place=holder(n),
        category=None,
        content=None,
        data={},
    ),
)


def test_as_of_any_moment_and_rebuilt_in_any_batches_the_rows_are_the_fold(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = only(monkeypatch, "measures")

    @FEW
    @given(history=histories(WORDS), batch=st.integers(1, 9))
    def hold(history: list[Told], batch: int) -> None:
        clear(district)
        teller = Teller()
        store(district, [requests_in(teller, case, told, WORDS) for case, told in history])
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
