"""`bihuan serve` as a process: it becomes ready, stops in time, loses nothing, takes over."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # has no stubs of its own
import psycopg
import pytest

from tests.support.commands import Bihuan, begun, eventually, kept_running, postgres_runs, ran

DEMO: Final = "610327"
STOPS_WITHIN: Final = 10.0
_keys = count(1)


@dataclass
class Server:
    """A server that runs, and where."""

    process: "subprocess.Popen[str]"
    port: int
    data: Path

    def get(self, path: str, key: str | None = None) -> tuple[int, Any]:
        return self.ask("GET", path, key)

    def ask(
        self, method: str, path: str, key: str | None = None, body: object = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": f"k{next(_keys)}"}
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def ready(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def ends(self, number: signal.Signals, *, group: bool = False) -> tuple[int, float, str, str]:
        """Send a signal; return the exit code, the seconds it took, and what was said."""
        asked = time.monotonic()
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=3 * STOPS_WITHIN)
        return self.process.returncode, time.monotonic() - asked, out, err


@contextmanager
def serving(data: Path, *words: object) -> Generator[Server]:
    """Run a server until it is ready; whatever happens, nothing of it is left running."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(begun("serve", "--port", port, "--data", data, *words), port, data)
    try:
        eventually(server.ready, seconds=240 if "--demo" in words else 60)
        yield server
    finally:
        if server.process.poll() is None:
            server.ends(signal.SIGTERM)


def add_district(data: Path, code: str = "610001") -> str:
    """Add a district; return an administrator's key."""
    with kept_running(data) as bihuan:
        bihuan("district", "add", code, "--name", "县")
        return add_key(bihuan, code)


def add_key(bihuan: Bihuan, code: str) -> str:
    return bihuan("key", "add", "--district", code, "--role", "admin").out.strip()


def report(server: Server, code: str, key: str, title: str = "路灯不亮") -> tuple[int, Any]:
    body = {"kind": "public-reply", "title": title}
    return server.ask("POST", f"/v1/districts/{code}/cases", key, body)


def stored(data: Path, code: str) -> set[str]:
    """Return the cases in the log."""
    with kept_running(data) as bihuan, psycopg.connect(bihuan.dsn) as connection:
        query = f"SELECT stream_id::text FROM d{code}.event WHERE type = 'case-reported'"
        return {str(stream) for (stream,) in connection.execute(query)}


def write_until_refused(
    server: Server, code: str, key: str, kept: list[str], wrong: list[object]
) -> None:
    """Report case after case; an answer is kept, a refusal in good order or no server ends it."""
    while True:
        try:
            status, answer = report(server, code, key)
        except (OSError, http.client.HTTPException):
            return
        if status == 201:
            kept.append(answer["id"])
        elif status != 503:
            wrong.append(answer)
            return


@pytest.mark.parametrize(("number", "group"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_a_signal_stops_all_of_it_in_time_and_what_was_acknowledged_is_there_afterwards(
    number: signal.Signals,
    group: bool,  # noqa: FBT001 - whether the terminal's whole group gets it
    tmp_path: Path,
) -> None:
    data = tmp_path / "var"
    key = add_district(data)
    kept: list[str] = []
    wrong: list[object] = []
    with serving(data) as server:
        asking = (server, "610001", key, kept, wrong)
        writers = [threading.Thread(target=write_until_refused, args=asking) for _ in range(4)]
        for writer in writers:
            writer.start()
        eventually(lambda: len(kept) > 20)
        code, seconds, _, err = server.ends(number, group=group)
        for writer in writers:
            writer.join()
    assert code == 0, err
    assert seconds < STOPS_WITHIN
    assert "已停止。" in err
    assert "Traceback" not in err
    assert wrong == []
    assert not postgres_runs(data)
    assert set(kept) <= stored(data, "610001")


def test_killed_servers_leave_a_database_that_the_next_one_takes_over(tmp_path: Path) -> None:
    data = tmp_path / "var"
    key = add_district(data)
    with serving(data, "--workers", "2") as server:
        workers = workers_of(server)
        case = report(server, "610001", key)[1]["id"]
        server.ends(signal.SIGKILL)  # and waits until the workers have left, too
    eventually(lambda: not any(lives(worker) for worker in workers))
    assert postgres_runs(data)
    orphan = (data / "postgres" / "postmaster.pid").read_text().splitlines()[0]
    with serving(data) as server:
        assert (data / "postgres" / "postmaster.pid").read_text().splitlines()[0] == orphan
        assert server.get(f"/v1/districts/610001/cases/{case}", key)[0] == 200
        assert server.ends(signal.SIGTERM)[0] == 0
    assert not postgres_runs(data)


def test_several_processes_serve_and_stop_together(tmp_path: Path) -> None:
    data = tmp_path / "var"
    key = add_district(data)
    with serving(data, "--workers", "2") as server:
        workers = workers_of(server)
        for worker in workers:  # each one alone answers
            others = [other for other in workers if other != worker]
            for other in others:
                other.suspend()
            try:
                assert report(server, "610001", key)[0] == 201
            finally:
                for other in others:
                    other.resume()
        code, seconds, _, err = server.ends(signal.SIGTERM)
    assert code == 0, err
    assert seconds < STOPS_WITHIN
    assert not any(lives(worker) for worker in workers)
    assert not postgres_runs(data)


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def workers_of(server: Server) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children()
    workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 2
    return workers


def test_a_district_and_a_key_added_while_serving_work_at_once(tmp_path: Path) -> None:
    data = tmp_path / "var"
    first = add_district(data)
    with serving(data) as server:
        assert server.get("/v1/districts/610002/ledgers", first)[0] == 404
        second = add_district(data, "610002")
        eventually(lambda: report(server, "610002", second)[0] == 201, seconds=2)
        with kept_running(data) as bihuan:
            late = add_key(bihuan, "610001")
            bihuan("lag")
        eventually(lambda: server.get("/v1/districts/610001/ledgers", late)[0] == 200, seconds=1.5)
        code, *_, err = server.ends(signal.SIGTERM)
        assert code == 0, err


def test_the_demo_prints_a_key_that_works_and_keeps_it_and_its_data(tmp_path: Path) -> None:
    data = tmp_path / "var"
    told: list[str] = []
    summaries = []
    for _ in range(2):
        with serving(data, "--demo") as server:
            key = (data / "demo-key").read_text("utf-8").strip()
            path = f"/v1/districts/{DEMO}/ledgers/deadlines/summary"
            path += "?as_of=2026-06-30T00:00:00%2B08:00"
            status, summary = server.get(path, key)
            assert status == 200, summary
            summaries.append(summary)
            *_, out, err = server.ends(signal.SIGTERM)
            told.append(out)
            assert "演示数据" in err
            assert f"curl -s -H 'Authorization: Bearer {key}'" in err
    assert told == [f"{key}\n", f"{key}\n"]
    assert summaries[0] == summaries[1]
    assert summaries[0]["received"] > 100
    assert (data / "demo-key").stat().st_mode & 0o077 == 0


def test_the_demo_is_never_mixed_into_a_real_district(tmp_path: Path) -> None:
    data = tmp_path / "var"
    add_district(data, DEMO)
    done = ran("serve", "--demo", "--port", 0, "--data", data)
    assert done.code == 1
    assert "不是演示区县，没有放入演示数据" in done.err
    assert not postgres_runs(data)


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = ran("serve", "--port", taken.getsockname()[1], "--data", tmp_path / "var")
    assert done.code == 1
    assert "端口已被占用" in done.err
    assert not (tmp_path / "var").exists()
