"""Many followers: a few hands, one reading, one statement for all whom a range does not concern."""

import threading
from collections.abc import Sequence

import psycopg
import pytest

from domain import facts as f
from eventlog.ahead import Ahead
from eventlog.batch import Batch, batch_of
from eventlog.checkpoints import pass_by
from eventlog.database import Connection, Database
from eventlog.reader import read_range
from eventlog.records import Followed
from eventlog.runner import Policy, Runner, lag
from tests.support.stories import Teller, at, case_id, closed, reported, started, store


class Watching:
    """Remembers which facts it was given, in which thread and connection."""

    policy: Policy = "halt"
    fingerprint = "1"

    def __init__(self, name: str, facts: frozenset[type[f.Fact]]) -> None:
        self.name = name
        self.facts = facts
        self.taken: list[list[int]] = []
        self.backends: set[int] = set()

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        found = batch_of(records).of(self.facts)
        self.taken.append([record.position for record in found])
        self.backends.add(connection.info.backend_pid)


REPORTS = frozenset[type[f.Fact]]({f.CaseReported})
CLOSINGS = frozenset[type[f.Fact]]({f.CaseClosed})


def tell(district: Database, cases: int = 10) -> Teller:
    """Store so many cases: reported with a clock, one request each."""
    teller = Teller()
    store(
        district,
        [
            [teller.tell(n, reported(f"n{n}"), at(n)), teller.tell(n, started(at(99)), at(n))]
            for n in range(cases)
        ],
    )
    return teller


def standing(district: Database) -> dict[str, tuple[int, str]]:
    with district.connect() as connection:
        return {one.name: (one.position, one.state) for one in lag(connection)}


def carry(district: Database, followers: Sequence[Watching], *, batch: int = 8) -> None:
    runner = Runner(district, followers, batch=batch)
    while runner.run_once():
        pass
    runner.close()


def test_whom_a_range_does_not_concern_is_moved_past_it_without_being_asked(
    district: Database,
) -> None:
    tell(district)
    concerned, others = Watching("a@1", REPORTS), [Watching(f"b{n}@1", CLOSINGS) for n in range(9)]
    carry(district, [concerned, *others])
    assert [p for each in concerned.taken for p in each] == list(range(1, 20, 2))
    assert [one.taken for one in others] == [[]] * 9
    assert set(standing(district).values()) == {(20, "live")}


def test_thirty_followers_have_no_more_connections_than_hands(district: Database) -> None:
    tell(district)
    followers = [Watching(f"f{n}@1", REPORTS) for n in range(30)]
    runner = Runner(district, followers, batch=4, hands=2)
    while runner.run_once():
        pass
    runner.close()
    assert len({pid for one in followers for pid in one.backends}) <= 2
    assert len({str(one.taken) for one in followers}) == 1


def test_the_log_is_read_once_for_all_who_stand_at_one_place(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(district)
    asked: list[tuple[int, int]] = []
    read = Ahead.read

    def counting(ahead: Ahead, after: int, limit: int) -> Batch:
        asked.append((after, limit))
        return read(ahead, after, limit)

    monkeypatch.setattr(Ahead, "read", counting)
    carry(district, [Watching(f"f{n}@1", REPORTS) for n in range(12)], batch=10)
    assert asked == [(0, 10), (10, 10)]


def test_who_comes_later_is_soon_among_the_others(district: Database) -> None:
    teller = tell(district, 3)
    early, late = Watching("early@1", REPORTS), Watching("late@1", REPORTS)
    carry(district, [early])
    store(district, [[teller.tell(0, closed(), at(9))]])
    carry(district, [early, late], batch=100)
    assert late.taken == [[1, 3, 5]], "the range ended where the other stood"
    assert set(standing(district).values()) == {(7, "live")}


def test_followers_come_and_go_while_the_runner_runs(district: Database) -> None:
    teller = tell(district, 2)
    staying, leaving, coming = (Watching(f"{name}@1", REPORTS) for name in ("s", "l", "c"))
    stop, runner = threading.Event(), Runner(district, [staying, leaving], poll=0.02)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        wait_for(district, {"s@1": 4, "l@1": 4})
        runner.follow([staying, coming])
        wait_for(district, {"s@1": 4, "l@1": 4, "c@1": 4})
        store(district, [[teller.tell("x", reported("x"), at(9))]])
        wait_for(district, {"s@1": 5, "l@1": 4, "c@1": 5})
    finally:
        stop.set()
        runner.wake()
        thread.join(10)
    assert coming.taken == [[1, 3], [5]]


def wait_for(district: Database, wanted: dict[str, int], seconds: float = 10) -> None:
    moment = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if {name: position for name, (position, _) in standing(district).items()} == wanted:
            return
        moment.wait(0.02)
    raise AssertionError(standing(district))


def test_a_held_follower_is_not_moved_past_a_range_either(district: Database) -> None:
    tell(district, 1)
    runner = Runner(district, [Watching("held@1", CLOSINGS), Watching("free@1", CLOSINGS)])
    runner.lags()
    with district.connect() as holder, holder.transaction():
        holder.execute("SELECT 1 FROM checkpoint WHERE name = 'held@1' FOR UPDATE")
        runner.run_once()
        assert standing(district) == {"held@1": (0, "live"), "free@1": (2, "live")}
    runner.run_once()
    runner.close()
    assert standing(district)["held@1"] == (2, "live")


def test_a_halted_follower_is_not_moved_past_what_does_not_concern_it(district: Database) -> None:
    tell(district, 1)
    follower = Watching("halted@1", CLOSINGS)
    with district.connect() as connection:
        connection.execute(
            "INSERT INTO checkpoint (name, fingerprint, state) VALUES ('halted@1', '1', 'halted')"
        )
    carry(district, [follower])
    assert standing(district) == {"halted@1": (0, "halted")}


def test_who_moved_or_halted_meanwhile_is_not_moved_with_the_others(district: Database) -> None:
    tell(district, 3)
    with district.connect() as connection:
        connection.execute(
            "INSERT INTO checkpoint (name, position, state)"
            " VALUES ('here@1', 0, 'live'), ('ahead@1', 6, 'live'), ('behind@1', 0, 'halted')"
        )
        assert pass_by(connection, ["here@1", "ahead@1", "behind@1"], 0, 4) == 1
    positions = {name: position for name, (position, _) in standing(district).items()}
    assert positions == {"here@1": 4, "ahead@1": 6, "behind@1": 0}


def test_an_error_of_one_hand_leaves_the_others_right(district: Database) -> None:
    tell(district, 3)

    class Failing(Watching):
        def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
            super().apply(connection, records)
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    healthy = Watching("a@1", REPORTS)
    runner = Runner(district, [healthy, Failing("b@1", REPORTS)])
    with pytest.raises(psycopg.OperationalError):
        runner.run_once()
    runner.close()
    assert standing(district) == {"a@1": (6, "live"), "b@1": (0, "live")}


def test_a_batch_knows_its_facts_by_class_and_by_stream(district: Database) -> None:
    tell(district, 2)
    with district.connect() as connection:
        records = read_range(connection, 0, 10)
    batch = Batch(records)
    assert list(batch) == records
    assert [record.position for record in batch.of(REPORTS)] == [1, 3]
    assert batch.of(None) is records
    assert list(batch.of(CLOSINGS)) == []
    both = frozenset[type[f.Fact]]({f.CaseReported, f.ClockStarted, f.CaseClosed})
    streams = batch.streams(both)
    assert {name: [one.position for one in found] for name, found in streams.items()} == {
        case_id(0): [1, 2],
        case_id(1): [3, 4],
    }
    assert batch.streams(None) is streams, "grouped once for all who look at the same facts"
    assert [one.stream for one in batch.without(frozenset({case_id(0)}))] == [case_id(1)] * 2


def test_lag_tells_batches_and_how_long_the_next_fact_waits(district: Database) -> None:
    teller = tell(district, 3)
    carry(district, [Watching("a@1", REPORTS)], batch=2)
    store(district, [[teller.tell("x", reported("x"), at(9))]])
    with district.connect() as connection:
        (one,) = lag(connection)
        assert (one.batches, one.behind) == (3, 1)
        assert one.seconds > 0
        connection.execute("UPDATE checkpoint SET position = 7")
        assert lag(connection)[0].seconds == 0
