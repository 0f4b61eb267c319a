"""The runner: exactly once, whole requests, whatever is killed when."""

import threading
import time
from collections.abc import Sequence

import psycopg
import pytest

from eventlog.database import Connection, Database
from eventlog.records import Followed
from eventlog.runner import Policy, Runner, lag
from tests.support.stories import Teller, at, case_id, reported, store


class Counter:
    """Keeps one row a fact, and fails at the facts it is told to."""

    fingerprint = "1"

    def __init__(
        self, name: str = "counter@1", *, policy: Policy = "halt", poison: str = ""
    ) -> None:
        self.name = name
        self.policy: Policy = policy
        self.poison = poison
        self.ranges: list[list[int]] = []

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        self.ranges.append([record.position for record in records])
        for record in records:
            if record.stream == self.poison:
                raise ValueError("poison")
            connection.execute(
                "INSERT INTO counted (name, position) VALUES (%s, %s)", (self.name, record.position)
            )


@pytest.fixture(autouse=True)
def counted(district: Database) -> None:
    with district.connect() as connection:
        connection.execute(
            "CREATE TABLE counted (name text, position bigint, PRIMARY KEY (name, position))"
        )


def tell(district: Database, sizes: Sequence[int]) -> None:
    """Store requests of these many facts, one case each."""
    teller = Teller()
    store(
        district,
        [[teller.tell(n, reported(), at(0)) for _ in range(size)] for n, size in enumerate(sizes)],
    )


def positions(district: Database, name: str = "counter@1") -> list[int]:
    with district.connect() as connection:
        query = "SELECT position FROM counted WHERE name = %s ORDER BY position"
        return [row[0] for row in connection.execute(query, (name,)).fetchall()]


def run(district: Database, *followers: Counter, batch: int = 4) -> None:
    runner = Runner(district, followers, batch=batch)
    while runner.run_once():
        pass
    runner.close()


def test_every_fact_is_applied_once_and_in_order(district: Database) -> None:
    tell(district, [1, 3, 2, 1])
    counter = Counter()
    run(district, counter)
    assert positions(district) == [1, 2, 3, 4, 5, 6, 7]
    assert [p for each in counter.ranges for p in each] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
def test_a_range_never_ends_within_a_request(district: Database, batch: int) -> None:
    tell(district, [1, 3, 2, 5, 1])
    counter = Counter()
    run(district, counter, batch=batch)
    borders = {1, 4, 6, 11, 12}
    assert {each[-1] for each in counter.ranges} <= borders
    assert positions(district) == list(range(1, 13))


def test_followers_at_one_position_share_the_reading(district: Database) -> None:
    tell(district, [1, 1])
    seen: list[list[int]] = []

    class Remembering(Counter):
        def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
            seen.append([id(record) for record in records])
            super().apply(connection, records)

    run(district, Remembering("a@1"), Remembering("b@1"))
    assert seen[0] == seen[1]


def test_a_follower_that_comes_later_gets_its_own_ranges(district: Database) -> None:
    tell(district, [1, 1, 1])
    run(district, Counter("a@1"))
    run(district, Counter("a@1"), Counter("b@1"))
    assert positions(district, "a@1") == positions(district, "b@1") == [1, 2, 3]


def test_a_poisonous_fact_halts_visibly_right_before_it(district: Database) -> None:
    tell(district, [1] * 20)
    run(district, Counter(poison=case_id(13)), Counter("healthy@1"), batch=50)
    assert positions(district) == list(range(1, 14))
    assert positions(district, "healthy@1") == list(range(1, 21))
    with district.connect() as connection:
        halted, healthy = lag(connection)
    assert (halted.name, halted.position, halted.behind) == ("counter@1", 13, 7)
    assert (halted.state, halted.detail) == ("halted", "position 14: ValueError")
    assert (healthy.state, healthy.behind) == ("live", 0)


def test_a_halted_follower_stays_where_it_is(district: Database) -> None:
    tell(district, [1, 1])
    run(district, Counter(poison=case_id(0)))
    run(district, Counter())
    assert positions(district) == []


def test_a_fact_that_cannot_be_read_halts_right_before_it(district: Database) -> None:
    tell(district, [1] * 10)
    with district.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        connection.execute("UPDATE event SET type = 'never-heard-of' WHERE position = 7")
    run(district, Counter(), batch=50)
    assert positions(district) == [1, 2, 3, 4, 5, 6]
    with district.connect() as connection:
        assert lag(connection)[0].detail == "position 7: UnknownFact"


def test_quarantine_sets_the_case_aside_visibly_and_goes_on(district: Database) -> None:
    teller = Teller()
    names = ["a", "bad", "b", "bad", "c"]
    store(district, [[teller.tell(name, reported(), at(0))] for name in names])
    run(district, Counter(policy="quarantine", poison=case_id("bad")), batch=50)
    assert positions(district) == [1, 3, 5]
    with district.connect() as connection:
        standing = lag(connection)[0]
        aside = connection.execute("SELECT stream_id::text, position FROM quarantine").fetchall()
    assert (standing.state, standing.behind) == ("live", 0)
    assert standing.detail == "1 quarantined, last at position 2"
    assert aside == [(case_id("bad"), 2)]


def test_changed_code_under_the_same_name_does_not_go_on(district: Database) -> None:
    tell(district, [1])
    run(district, Counter())
    other = Counter()
    other.fingerprint = "2"
    teller = Teller()
    store(district, [[teller.tell("x", reported(), at(0))]])
    run(district, other)
    assert positions(district) == [1]
    with district.connect() as connection:
        assert lag(connection)[0].state == "halted"


def test_two_runners_share_the_work_and_double_nothing(district: Database) -> None:
    tell(district, [1] * 150)
    stop = threading.Event()
    runners = [Runner(district, [Counter("a@1"), Counter("b@1")], batch=3) for _ in range(2)]
    threads = [threading.Thread(target=runner.run, args=(stop,)) for runner in runners]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    done = list(range(1, 151))
    while time.monotonic() < deadline and not all(
        positions(district, name) == done for name in ("a@1", "b@1")
    ):
        time.sleep(0.05)
    stop.set()
    for runner, thread in zip(runners, threads, strict=True):
        runner.wake()
        thread.join(10)
    assert positions(district, "a@1") == positions(district, "b@1") == done


def test_a_second_runner_passes_by_what_the_first_one_holds(district: Database) -> None:
    tell(district, [1])
    run_first = Runner(district, [Counter()])
    with district.connect() as holder, holder.transaction():
        run_first.lags()
        holder.execute("SELECT 1 FROM checkpoint WHERE name = 'counter@1' FOR UPDATE")
        assert run_first.run_once() == 0
    assert run_first.run_once() == 1
    run_first.close()


def test_a_zombie_loses_its_lease_and_leaves_nothing(district: Database) -> None:
    tell(district, [1, 1])

    class Asleep(Counter):
        def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
            super().apply(connection, records)
            time.sleep(1.0)

    zombie = Runner(district, [Asleep()], lease=0.2)
    with pytest.raises(psycopg.OperationalError):
        zombie.run_once()
    assert positions(district) == []
    run(district, Counter())
    assert positions(district) == [1, 2]


def test_an_append_wakes_a_runner_that_waits(district: Database) -> None:
    stop = threading.Event()
    runner = Runner(district, [Counter()], poll=30.0)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    time.sleep(0.3)
    tell(district, [1])
    runner.wake()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and positions(district) != [1]:
        time.sleep(0.02)
    found = positions(district)
    stop.set()
    runner.wake()
    thread.join(10)
    assert found == [1]


def test_without_any_hint_a_fact_arrives_within_the_poll_interval(district: Database) -> None:
    stop = threading.Event()
    runner = Runner(district, [Counter()], poll=0.1)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    tell(district, [1])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and positions(district) != [1]:
        time.sleep(0.02)
    found = positions(district)
    stop.set()
    runner.wake()
    thread.join(10)
    assert found == [1]


def test_run_until_carries_on_to_a_position(district: Database) -> None:
    tell(district, [1] * 9)
    runner = Runner(district, [Counter()], batch=2)
    runner.run_until(9)
    assert runner.lags()[0].position == 9
    runner.close()
