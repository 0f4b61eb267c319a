"""A proxy before PostgreSQL that can lose a reply after the server has committed."""

import socket
import tempfile
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

SOCKET = ".s.PGSQL.5432"
# ReadyForQuery, idle: the server is done with the statement, and so with its COMMIT.
READY = b"Z\x00\x00\x00\x05I"


class Proxy:
    """Forwards connections; `lose_next_reply` cuts one after the server's answer, unseen."""

    def __init__(self, dsn: str, folder: Path) -> None:
        """Listen in a folder, for connections to the server of a conninfo string."""
        self._server = f"{conninfo_to_dict(dsn)['host']}/{SOCKET}"
        self.dsn = make_conninfo(dsn, host=str(folder))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        self._losing = False
        self._closed = False
        self.lost = threading.Event()
        self.waiting = threading.Event()
        self._open = threading.Event()
        self._open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next_reply(self) -> None:
        """From now on: swallow the next reply, cut the connection, let nobody in until `mend`."""
        self._open.clear()
        self._losing = True

    def mend(self) -> None:
        """Let connections in again."""
        self._open.set()

    def close(self) -> None:
        """Listen no more; who still waits at the door is sent away."""
        self._closed = True
        self._open.set()
        # close() alone would not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if not self._open.is_set():
            self.waiting.set()
        self._open.wait()
        if self._closed:
            client.close()
            return
        server = socket.socket(socket.AF_UNIX)
        with closing(client), closing(server), suppress(OSError):
            server.connect(self._server)
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            self._answer(server, client)
            # Wakes the thread that copies the other way.
            client.shutdown(socket.SHUT_RDWR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        swallowed = b""
        while data := server.recv(65536):
            if not self._losing:
                client.sendall(data)
                continue
            swallowed += data
            if swallowed.endswith(READY):
                self._losing = False
                self.lost.set()
                return


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy_before(dsn: str) -> Generator[Proxy]:
    """Run a proxy in a short folder of its own (paths of sockets have a limit)."""
    with (
        tempfile.TemporaryDirectory(prefix="bihuan-proxy-") as folder,
        closing(Proxy(dsn, Path(folder))) as proxy,
    ):
        yield proxy
