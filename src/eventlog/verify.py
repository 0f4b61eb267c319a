"""Checks a whole log: every leaf, the chain, every link, every column against its body.

It reads page by page in short transactions, so that a running system is not disturbed; what is
appended meanwhile is left for the next time. Tampering is detected here, not prevented.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec import Struct
from psycopg.rows import args_row

from eventlog.database import Connection, Database
from eventlog.records import NO_PREVIOUS, chain_hash
from eventlog.verify_rows import (
    COMMANDS,
    ROWS,
    CommandCheck,
    Members,
    Row,
    SealedCheck,
    compare_columns,
    leaf_of,
    members,
)

PAGE: Final = 2_000
MAX_PROBLEMS: Final = 1_000
NO_CHAIN: Final = bytes(32)
BEFORE_ALL: Final = -(2**63)
# One statement, one moment: nothing can be appended between these answers.
HEAD: Final = """
    SELECT l.position, l.chain, timestamptz_send(l.last_recorded_at), l.reference_head,
           (SELECT count(*) FROM ledger), coalesce((SELECT max(position) FROM event), 0),
           coalesce((SELECT max(position) FROM personal), 0)
    FROM ledger l
"""
SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

Progress = Callable[[int, int], None]


class Problem(Struct, frozen=True):
    """What is wrong (in Chinese) and where; 0 when it is not at one position."""

    position: int
    what: str


class Verdict(Struct, frozen=True):
    """What `verify` found; no problems means that the log is as it was written."""

    positions: int
    head: int
    chain: str
    problems: list[Problem]


def verify(where: Connection | Database, *, progress: Progress | None = None) -> Verdict:
    """Check a district's log from its first position to its head.

    A connection must be in autocommit mode and idle. `progress` hears (position, head) a page.
    Memory grows with the number of streams (one hash each), not with the number of facts.
    """
    if isinstance(where, Database):
        with where.connection() as connection:
            return _verify(connection, progress)
    return _verify(where, progress)


def _verify(connection: Connection, progress: Progress | None) -> Verdict:
    # Held: the server keeps the sorted commands aside, and no transaction stays open for them.
    with connection.cursor(name="verify_commands", withhold=True) as commands:
        with _snapshot(connection):
            with connection.cursor(binary=True, row_factory=args_row(_Ledger)) as cursor:
                walk = _Walk(cursor.execute(HEAD).fetchone())
            commands.execute(COMMANDS, binary=True)
        check = CommandCheck(commands, walk.note)
        after = BEFORE_ALL
        while (last := walk.page(connection, after, check)) is not None:
            after = last
            if progress:
                progress(after, walk.head)
        check.finish(walk.head)
    return walk.verdict()


class _Ledger(NamedTuple):
    """The answers of HEAD."""

    position: int
    chain: bytes
    last_recorded_at: bytes
    reference_head: int
    rows: int
    last_event: int
    last_text: int


@contextmanager
def _snapshot(connection: Connection) -> Generator[None]:
    with connection.transaction():
        connection.execute(SNAPSHOT)
        yield


class _Walk:
    """The state of a walk along the log."""

    def __init__(self, ledger: _Ledger | None) -> None:
        self._problems: list[Problem] = []
        self._unlisted = 0
        self._district: str | None = None
        self._streams: dict[str, tuple[int, bytes]] = {}
        self._sealed = SealedCheck(self.note)
        self._count = self._position = self._reference = 0
        self._command = ""
        self._recorded_at: bytes = b""
        self._chain = NO_CHAIN
        self._ledger = ledger
        self.head = ledger.position if ledger else 0
        if ledger is None or ledger.rows != 1:
            self.note(0, "总账（ledger）应当恰有一行")

    def note(self, position: int, what: str) -> None:
        """Take down a problem; a ruined log does not fill the memory."""
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(position, what))
        else:
            self._unlisted += 1

    def page(self, connection: Connection, after: int, commands: CommandCheck) -> int | None:
        """Check the next facts; return the last position, or None at the end."""
        with _snapshot(connection):
            with connection.cursor(binary=True, row_factory=args_row(Row)) as cursor:
                rows = cursor.execute(ROWS, (after, self.head, PAGE)).fetchall()
            for row in rows:
                self._row(row)
                commands.step(row)
            last = rows[-1].position if rows else self.head
            self._sealed.check(connection, after, last)
        return last if rows else None

    def _row(self, row: Row) -> None:
        self._place(row)
        leaf = leaf_of(row)
        if leaf != row.leaf:
            self.note(row.position, "叶哈希与位点、记录时间、正文不符")
        self._chain = chain_hash(self._chain, leaf)
        if row.stream_type != "case":
            self._reference = row.position
        body = members(row, self.note)
        if body is None:
            self._streams[row.stream_id] = (row.stream_version, sha256(row.body).digest())
            return
        compare_columns(row, body, self.note)
        self._link(row, body)
        self._sealed.add(row.position, body)

    def _place(self, row: Row) -> None:
        """Positions have no gaps; time goes forward, from one command to the next strictly."""
        self._count += 1
        if row.position != self._position + 1:
            self.note(self._position + 1, f"缺少第 {self._position + 1} 至 {row.position - 1} 条")
        same = row.recorded_at == self._recorded_at
        if row.recorded_at < self._recorded_at or (same and row.command_id != self._command):
            self.note(row.position, "记录时间没有逐次递增")
        self._position = row.position
        self._recorded_at, self._command = row.recorded_at, row.command_id

    def _link(self, row: Row, body: Members) -> None:
        """Each body names the one before it in its stream."""
        if self._district is None:
            self._district = body.district
        if body.district != self._district:
            self.note(row.position, f"正文属于另一区县（{body.district}）")
        version, previous = self._streams.get(body.stream, (0, None))
        if body.version != version + 1:
            self.note(row.position, f"本事项的第 {version} 版之后是第 {body.version} 版")
        if body.prev != (previous.hex() if previous else NO_PREVIOUS):
            self.note(row.position, "prev 不是本事项前一条正文的哈希")
        self._streams[body.stream] = (body.version, sha256(row.body).digest())

    def verdict(self) -> Verdict:
        """Compare where the walk ended with the ledger row."""
        if self._ledger:
            self._close(self._ledger)
        if self._unlisted:
            self.note_unlisted()
        return Verdict(self._count, self.head, self._chain.hex(), self._problems)

    def _close(self, ledger: "_Ledger") -> None:
        head = ledger.position
        if self._position != head:
            self.note(self._position + 1, f"缺少第 {self._position + 1} 至 {head} 条")
        if ledger.last_event > head:
            self.note(head + 1, "总账（ledger）的位点之后还有办理记录")
        if ledger.last_text > head:
            self.note(ledger.last_text, "密文的位点超出日志末尾")
        if ledger.chain != self._chain:
            self.note(head, "总账（ledger）的链哈希与全部办理记录算出的不符")
        if self._count and ledger.last_recorded_at != self._recorded_at:
            self.note(head, "总账（ledger）的最后记录时间与末条不符")
        if ledger.reference_head != self._reference:
            self.note(head, "总账（ledger）的参考位点与日志不符")

    def note_unlisted(self) -> None:
        """Say how many problems were too many to list."""
        self._problems.append(Problem(0, f"另有 {self._unlisted} 处问题未列出"))
