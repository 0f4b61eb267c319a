"""A writer that acts on its own cases over HTTP and sends again until it gets an answer."""

import http.client
import json
import threading
import time
from typing import Any, Final

from msgspec import Struct

ANSWER_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.02
GIVE_UP_SECONDS: Final = 120.0
OK: Final = 200
SERVER_ERROR: Final = 500


class Acknowledged(Struct, frozen=True):
    """Where a fact stands, as the server said when it acknowledged it."""

    case: str
    version: int
    position: int


class Writer:
    """One request after the other; the same key until it is answered."""

    def __init__(self, number: int, port: int, key: str, district: str, cases: list[str]) -> None:
        """Prepare; `start` begins."""
        self.acknowledged: dict[str, Acknowledged] = {}
        self.in_doubt = 0
        self.refused: list[str] = []
        self._number = number
        self._port = port
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._district = district
        self._cases = cases
        self._stop = threading.Event()
        self._given_up = False
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, name=f"writer-{number}", daemon=True)

    def start(self) -> None:
        """Write until told to stop."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the request under way, however often it takes."""
        self._stop.set()
        self._thread.join(GIVE_UP_SECONDS + ANSWER_SECONDS)

    def give_up(self) -> None:
        """Leave the request under way unanswered: the drill itself has failed."""
        self._given_up = True
        self._stop.set()

    def _run(self) -> None:
        count = 0
        while not self._stop.is_set():
            self._request(f"crash-{self._number}-{count}", count)
            count += 1
        self._disconnect()

    def _request(self, key: str, count: int) -> None:
        """Send until it is answered; a refusal is noted and not sent again."""
        case = self._cases[count % len(self._cases)]
        note = count % 2 == 1
        data = {"note": f"第 {count} 次查看"} if note else {"category": str(10 + count % 90)}
        path = f"/v1/districts/{self._district}/cases/{case}/actions/"
        body = json.dumps({"data": data})
        deadline, doubted = time.monotonic() + GIVE_UP_SECONDS, False
        while time.monotonic() < deadline and not self._given_up:
            status, answer = self._post(path + ("note" if note else "reclassify"), key, body)
            if status == OK:
                place = Acknowledged(case, answer["version"], answer["position"])
                self.acknowledged[key] = place
                return
            if 0 < status < SERVER_ERROR:
                self.refused.append(f"{key}: {status} {answer}")
                return
            if not doubted:
                doubted = True
                self.in_doubt += 1
            time.sleep(PAUSE_SECONDS)
        self.refused.append(f"{key}: no answer in {GIVE_UP_SECONDS:.0f} s")

    def _post(self, path: str, key: str, body: str) -> tuple[int, dict[str, Any]]:
        """Send once; status 0 if no whole answer came."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=ANSWER_SECONDS
            )
        headers = self._headers | {"Idempotency-Key": key}
        try:
            self._connection.request("POST", path, body.encode(), headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._disconnect()
            return 0, {}

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
