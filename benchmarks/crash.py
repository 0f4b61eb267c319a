"""Kills PostgreSQL and the server under eight writers, again and again, then counts every fact.

`python -m benchmarks.crash --cycles 200`. Nothing acknowledged may be missing, nothing may stand
twice, positions may have no gap, and every request whose answer was lost must come to exactly one
fact when it is sent again under its key. `--synchronous-commit off` runs the same against a
database that forgets: then losses must be found, or the rig proves nothing.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # has no stubs of its own
import psycopg
from msgspec import Struct

from app import embedded
from benchmarks import over_http, processes
from benchmarks.writers import Acknowledged, Writer
from eventlog.verify import verify

WRITERS: Final = 8
CASES: Final = 64
SHORTEST, LONGEST = 0.1, 0.6
"""Seconds of writing between two kills."""
VICTIMS: Final = ("postgres", "server", "both")
# The start-up check refuses such a database; only here it is told to look away.
BYPASS: Final = "import app.wiring; app.wiring.assert_durable = lambda _: None; "
FACTS: Final = """
    SELECT c.key, e.stream_id::text, e.stream_version, e.position
    FROM command c JOIN event e ON e.command_id = c.command_id WHERE c.key LIKE 'crash-%'
"""
GAPS: Final = """
    SELECT (SELECT position FROM ledger) - count(*) + (count(*) - count(DISTINCT position))
    FROM event
"""
VERSION_GAPS: Final = """
    SELECT count(*) FROM (
        SELECT stream_id FROM event GROUP BY stream_id HAVING max(stream_version) <> count(*)) s
"""


class Findings(Struct, frozen=True, kw_only=True):
    """What became of all requests."""

    cycles: int
    acknowledged: int
    in_doubt: int
    """Requests whose first answer was lost; each was sent again until it was answered."""
    lost: int
    doubled: int
    gaps: int
    refused: list[str]
    problems: list[str]
    recovery_seconds: float
    """The longest time from a kill to the next use."""

    @property
    def clean(self) -> bool:
        """Whether everything is as promised."""
        wrong = self.lost + self.doubled + self.gaps + len(self.refused) + len(self.problems)
        return wrong == 0 and self.acknowledged > 0


def run(cycles: int, *, forgetful: bool = False, seed: int = 1) -> Findings:
    """Run the drill; `forgetful` turns synchronous_commit off behind the server's back."""
    with over_http.prepared(CASES) as ready:
        if forgetful:
            _forget(ready.dsn)
            _must_be_refused(ready.data)
        rig = _Rig(ready, forgetful=forgetful)
        with rig.writing() as writers:
            slowest = rig.kill_repeatedly(cycles, random.Random(seed))  # noqa: S311 - no secret
        return _count(ready, writers, cycles, slowest)


class _Rig:
    """The processes that live and die."""

    def __init__(self, ready: over_http.Prepared, *, forgetful: bool) -> None:
        self._data = ready.data
        self._ready = ready
        self._forgetful = forgetful
        self._port = processes.free_port()
        self._log = ready.data / "crash.log"
        self._server = self._serve()

    @contextmanager
    def writing(self) -> Generator[list[Writer]]:
        """Let the writers write for as long as the block lasts; then each finishes its request."""
        ready = self._ready
        writers = [
            Writer(n, self._port, ready.key, over_http.DISTRICT, ready.cases[n::WRITERS])
            for n in range(WRITERS)
        ]
        try:
            for writer in writers:
                writer.start()
            yield writers
        except BaseException:
            for writer in writers:
                writer.give_up()
            raise
        finally:
            for writer in writers:
                writer.stop()
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(30)

    def kill_repeatedly(self, cycles: int, chance: random.Random) -> float:
        """Kill and bring back; return the slowest return in seconds."""
        slowest = 0.0
        for cycle in range(cycles):
            time.sleep(chance.uniform(SHORTEST, LONGEST))
            victim = "postgres" if self._forgetful else VICTIMS[cycle % len(VICTIMS)]
            killed = time.monotonic()
            self._kill(victim)
            slowest = max(slowest, time.monotonic() - killed)
            if (cycle + 1) % 10 == 0:
                print(f"  {cycle + 1} cycles", file=sys.stderr, flush=True)
        time.sleep(LONGEST)
        return slowest

    def _kill(self, victim: str) -> None:
        if victim in {"postgres", "both"}:
            _kill_postgres(self._data)
        if victim in {"server", "both"}:
            self._server.kill()
            self._server.wait()
            self._server = self._serve()
        else:
            embedded.start(self._data).stop()
            processes.await_ready(self._server, self._port, self._log)

    def _serve(self) -> "subprocess.Popen[bytes]":
        command = processes.serving(self._data, self._port)
        if self._forgetful:
            command[2] = BYPASS + command[2]
        server = processes.start(command, self._log)
        processes.await_ready(server, self._port, self._log)
        return server


def _kill_postgres(data: Path) -> None:
    """Stop the postmaster first, so that it starts nothing while its family is killed."""
    pid = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    assert postmaster.name() == "postgres", postmaster
    postmaster.suspend()
    for process in [*postmaster.children(recursive=True), postmaster]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _forget(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER DATABASE bihuan SET synchronous_commit = off")


def _must_be_refused(data: Path) -> None:
    """Make sure that without the bypass the server does not start on such a database."""
    command = processes.serving(data, processes.free_port())
    refused = processes.start(command, data / "refused.log")
    assert refused.wait(60) != 0
    assert "synchronous_commit" in (data / "refused.log").read_text(encoding="utf-8")


def _count(
    ready: over_http.Prepared, writers: list[Writer], cycles: int, slowest: float
) -> Findings:
    told: dict[str, Acknowledged] = {}
    for writer in writers:
        told |= writer.acknowledged
    with ready.database.connect() as connection:
        facts: dict[str, list[tuple[str, int, int]]] = {}
        for key, stream, version, position in connection.execute(FACTS).fetchall():
            facts.setdefault(key, []).append((stream, version, position))
        gaps = sum(_number(connection, query) for query in (GAPS, VERSION_GAPS))
        verdict = verify(connection)
    right = {key: (said.case, said.version, said.position) for key, said in told.items()}
    return Findings(
        cycles=cycles,
        acknowledged=len(told),
        in_doubt=sum(writer.in_doubt for writer in writers),
        lost=sum(place not in facts.get(key, []) for key, place in right.items()),
        doubled=sum(len(places) - 1 for places in facts.values()) + len(facts.keys() - told.keys()),
        gaps=gaps,
        refused=[each for writer in writers for each in writer.refused],
        problems=[problem.what for problem in verdict.problems],
        recovery_seconds=slowest,
    )


def _number(connection: psycopg.Connection[tuple[int, ...]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def main() -> int:
    """Run and tell; 1 if it is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash", description=__doc__)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous-commit", choices=("on", "off"), default="on")
    given = parser.parse_args()
    forgetful = given.synchronous_commit == "off"
    found = run(given.cycles, forgetful=forgetful, seed=given.seed)
    print(
        f"{found.cycles} cycles, {WRITERS} writers: {found.acknowledged} acknowledged, "
        f"{found.in_doubt} in doubt, {found.lost} lost, {found.doubled} doubled, "
        f"{found.gaps} gaps, {len(found.refused)} refused, {len(found.problems)} problems; "
        f"slowest return {found.recovery_seconds:.1f} s"
    )
    for line in [*found.refused, *found.problems][:10]:
        print(f"  {line}")
    if forgetful:
        print("losses were found, as they must be" if found.lost else "NO LOSS WAS FOUND")
        return int(found.lost == 0)
    return int(not found.clean)


if __name__ == "__main__":
    raise SystemExit(main())
