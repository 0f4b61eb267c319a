"""Timers as they are run: by a server, by several of its processes, or by `bihuan work` alone."""

import http.client
import json
import re
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import pytest

from tests.support.commands import Bihuan, begun, eventually, kept_running

CODE: Final = "610327"
_keys = count(1)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("served") / "var") as command:
        yield command


def add_district(bihuan: Bihuan, code: str) -> str:
    """Add a trial district; return an administrator's key."""
    bihuan("district", "add", code, "--name", "县", "--trial")
    return bihuan("key", "add", "--district", code, "--role", "admin").out.strip()


class Server:
    """A server that runs, and an administrator of a district in it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, key: str = "", body: object = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": f"t{next(_keys)}"}
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> bool:
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def report(self, code: str, key: str) -> str:
        """Report a case; return its id."""
        body = {"kind": "closed-loop", "title": "路灯不亮"}
        status, answer = self.ask("POST", f"/v1/districts/{code}/cases", key, body)
        assert status == 201, answer
        return str(json.loads(answer)["id"])

    def forward(self, code: str, key: str, by: timedelta) -> None:
        """Set the district's clock so far ahead of the outside."""
        now = (datetime.now(UTC) + by).isoformat(timespec="seconds")
        status, answer = self.ask("POST", f"/v1/districts/{code}/clock", key, {"now": now})
        assert status == 200, answer

    def metric(self, name: str, code: str) -> float:
        """Return a number of the exposition; -1 if it is not there."""
        text = self.ask("GET", "/metrics")[1]
        found = re.search(rf'^{name}{{district="{code}"}} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else -1


@contextmanager
def serving(bihuan: Bihuan, *words: object, env: dict[str, str] | None = None) -> Generator[Server]:
    """Run a server; whatever happens, it is stopped, and in time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = begun("serve", "--port", port, "--data", bihuan.data, *words, env=env)
    try:
        server = Server(port)
        eventually(server.ready, seconds=60)
        yield server
    finally:
        _stopped(process)


def _stopped(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def facts(bihuan: Bihuan, code: str, case: str) -> Counter[str]:
    """Return how many facts of each sort a case has."""
    words = ("replay", case, "--district", code, "--json")
    told: list[dict[str, Any]] = bihuan(*words).document["facts"]
    return Counter(fact["type"] for fact in told)


def test_a_server_lets_happen_what_time_brings_and_tells_of_it(bihuan: Bihuan) -> None:
    key = add_district(bihuan, CODE)
    with serving(bihuan) as server:
        case = server.report(CODE, key)
        server.forward(CODE, key, timedelta(days=10))
        eventually(lambda: facts(bihuan, CODE, case)["deadline-breached"], seconds=10)
        eventually(lambda: server.metric("bihuan_timers_overdue", CODE) == 0)
        found = facts(bihuan, CODE, case)
        assert (found["threshold-reached"], found["deadline-breached"]) == (1, 1)
        assert server.metric("bihuan_timers_fired_total", CODE) >= 1
        assert server.metric("bihuan_timers_late_total", CODE) >= 1
        assert server.metric("bihuan_timers_failed_total", CODE) == 0
        assert server.metric("bihuan_timers_incidents", CODE) == 0
        assert server.metric("bihuan_timers_oldest_overdue_seconds", CODE) == 0
        assert server.metric("bihuan_timers_pending", CODE) == 2
        # A district that comes later is looked after too, though nobody asks for it.
        late = "610399"
        add_district(bihuan, late)
        eventually(lambda: server.metric("bihuan_timers_pending", late) == 0, seconds=10)
    lag = [one for one in bihuan("lag", "--json").document if one["ledger"] == "timers@1"]
    assert [one["behind"] for one in lag] == [0, 0]
    assert lag[0]["detail"] == "待执行 2 个，到时未执行 0 个（最久 0 秒），异常 0 个"
    assert f"{CODE} 计时点 2 个，到时未执行 0 个，异常 0 个" in bihuan("doctor").out
    assert "已重建 计时点（timers）" in bihuan("rebuild", "timers", "--district", CODE).err


def test_without_timers_a_server_leaves_them_to_a_process_of_their_own(bihuan: Bihuan) -> None:
    code = "610328"
    key = add_district(bihuan, code)
    with serving(bihuan, env={"BIHUAN_TIMERS": "off"}) as server:
        case = server.report(code, key)
        server.forward(code, key, timedelta(days=10))
        eventually(lambda: server.metric("bihuan_timers_overdue", code) == 2)
        assert server.metric("bihuan_timers_oldest_overdue_seconds", code) > 3600
        assert facts(bihuan, code, case)["deadline-breached"] == 0
        working = bihuan.begin("work", "--district", code)
        assert working.stderr is not None
        assert "正在执行" in working.stderr.readline()
        eventually(lambda: server.metric("bihuan_timers_overdue", code) == 0)
        _stopped(working)
    assert facts(bihuan, code, case)["deadline-breached"] == 1


@pytest.mark.slow
def test_several_server_processes_and_a_worker_do_everything_once(bihuan: Bihuan) -> None:
    code = "610329"
    key = add_district(bihuan, code)
    with serving(bihuan, "--workers", "2") as server:
        working = bihuan.begin("work", "--district", code)
        assert working.stderr is not None
        assert "正在执行" in working.stderr.readline()
        cases = [server.report(code, key) for _ in range(30)]
        server.forward(code, key, timedelta(days=10))
        eventually(lambda: server.metric("bihuan_timers_overdue", code) == 0, seconds=30)
        _stopped(working)
    for case in cases:
        found = facts(bihuan, code, case)
        assert (found["threshold-reached"], found["deadline-breached"]) == (1, 1)
