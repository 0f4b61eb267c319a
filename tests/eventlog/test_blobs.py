"""Files beside the log: sealed in pieces, gone with their key, never both swept and referred to."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import psycopg
import pytest
from typing_extensions import override

from domain.errors import KeyReused, NotFound
from domain.facts import EvidenceAttached, Stage
from eventlog.appender import NewEvent, Request, append_batch
from eventlog.attachment_rows import EXPIRE
from eventlog.attachments import HELD, KEPT, NOT_HELD, Attachments, Kept
from eventlog.blobs import MAX_PIECE, TableBlobs
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_stream
from eventlog.sealed_pieces import PIECE, AttachmentDamaged
from eventlog.vault import Owner, SubjectErased, Vault
from eventlog.verify import verify
from tests.support.log import await_blocked
from tests.support.records import DISTRICT, START, Writer, append

pytestmark = pytest.mark.storage

CLIENT = "key:one"
CLEAR = bytes(range(256)) * 4096 + b"the end"  # two pieces and seven bytes
LATER = START + KEPT + timedelta(minutes=1)


def attachments(database: Database, vault: Vault | None = None) -> Attachments:
    """The files of a district, as one process sees them."""
    known = vault or Vault(database, DISTRICT, LocalWrapper(bytes(range(32))))
    return Attachments(database, DISTRICT, known)


@pytest.fixture
def store(district: Database) -> Attachments:
    return attachments(district)


def upload(
    store: Attachments, content: bytes = CLEAR, *, key: str | None = None, at: datetime = START
) -> Kept:
    arriving = store.begin(CLIENT, at)
    for n in range(0, len(content), 70_000):
        arriving.write(content[n : n + 70_000])
    return arriving.finish("image/png", key or str(uuid4()))


def evidence(kept: Kept, subject: str = "narrative") -> EvidenceAttached:
    return EvidenceAttached(
        action="note",
        stage=Stage("a", "a", "discovery"),
        holder=None,
        attachment=kept.id,
        sha256=kept.sha256,
        size=kept.size,
        media_type=kept.media_type,
        subject=subject,
    )


def attach(store: Attachments, kept: Kept) -> str:
    """Refer to a file from a new case; return the case."""
    writer = Writer()
    assert store.claim({kept.id: "narrative"}, writer.stream, "command", START)
    append(store.database, writer.write(evidence(kept)))
    return writer.stream


def read(store: Attachments, kept: Kept, case: str) -> bytes:
    file = store.open(kept.id, case)
    assert file is not None
    return b"".join(file.read(0, file.size - 1))


def state(database: Database, kept: Kept) -> str | None:
    with database.connection() as connection:
        query = "SELECT state FROM attachment WHERE id = %s"
        row = connection.execute(query, (kept.id,)).fetchone()
    return str(row[0]) if row else None


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7])
def test_what_was_uploaded_is_read_again_whatever_its_size(store: Attachments, size: int) -> None:
    content = (CLEAR * 2)[:size]
    kept = upload(store, content)
    assert (kept.size, kept.sha256) == (size, sha256(content).hexdigest())
    assert read(store, kept, attach(store, kept)) == content


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 0), (PIECE - 1, PIECE), (PIECE, PIECE), (5, len(CLEAR) - 2), (len(CLEAR) - 1,) * 2],
)
def test_a_range_is_read_from_the_pieces_it_lies_in(
    store: Attachments, first: int, last: int
) -> None:
    kept = upload(store)
    file = store.open(kept.id, attach(store, kept))
    assert file is not None
    assert b"".join(file.read(first, last)) == CLEAR[first : last + 1]


def test_the_table_holds_no_clear_byte_and_no_row_above_a_megabyte(
    district: Database, store: Attachments
) -> None:
    upload(store)
    with district.connection() as connection:
        rows = connection.execute("SELECT content FROM attachment_piece ORDER BY number").fetchall()
    assert len(rows) == 3
    for (content,) in rows:
        assert len(content) <= MAX_PIECE
        assert CLEAR[:32] not in content
        assert b"the end" not in content


CHANGES: dict[str, str] = {
    "a flipped byte": "UPDATE attachment_piece SET content = set_byte(content, 99,"
    " 255 - get_byte(content, 99)) WHERE number = 1",
    "a missing piece": "DELETE FROM attachment_piece WHERE number = 1",
    "a missing end": "DELETE FROM attachment_piece WHERE number = 2",
    "two pieces exchanged": "UPDATE attachment_piece SET number = 1 - number WHERE number < 2",
    "a shorter size": f"UPDATE attachment SET size = {2 * PIECE}",
    "another key": "UPDATE attachment SET bound = set_byte(bound, 20, 255 - get_byte(bound, 20))",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_changed_is_noticed_when_it_is_read(
    district: Database, store: Attachments, change: str
) -> None:
    kept = upload(store)
    case = attach(store, kept)
    with district.connection() as connection:
        if "exchanged" not in change:
            connection.execute("ALTER TABLE attachment_piece DROP CONSTRAINT attachment_piece_pkey")
        connection.execute(change.encode())
    with pytest.raises(AttachmentDamaged) as told:
        read(store, kept, case)
    assert told.value.code == "attachment-damaged"


def test_a_piece_of_another_file_does_not_open(district: Database, store: Attachments) -> None:
    one, other = upload(store), upload(store, CLEAR[::-1])
    case = attach(store, one)
    with district.connection() as connection:
        connection.execute("DELETE FROM attachment_piece WHERE blob_id = %s", (one.id,))
        swap = "UPDATE attachment_piece SET blob_id = %s WHERE blob_id = %s"
        connection.execute(swap, (one.id, other.id))
    with pytest.raises(AttachmentDamaged):
        read(store, one, case)


def test_referring_to_a_file_leaves_no_key_but_the_cases(
    district: Database, store: Attachments
) -> None:
    kept = upload(store)
    attach(store, kept)
    with district.connection() as connection:
        row = connection.execute("SELECT wrapped, bound IS NULL FROM attachment").fetchone()
    assert row == (None, False)


def test_with_the_key_of_its_subject_the_file_goes_and_the_log_still_verifies(
    district: Database, store: Attachments
) -> None:
    kept = upload(store)
    case = attach(store, kept)
    assert read(store, kept, case) == CLEAR
    with district.connection() as connection:
        connection.execute("UPDATE subject_key SET wrapped = NULL WHERE stream_id = %s", (case,))
    later = attachments(district)
    assert later.open(kept.id, case) is None
    assert later.sweep(START).erased == 1
    assert not later.blobs.exists(kept.id)
    assert later.sweep(START).erased == 0
    assert later.open(kept.id, case) is None
    verdict = verify(district)
    assert (verdict.positions, verdict.problems) == (1, [])
    with district.connection() as connection:
        fact = read_stream(connection, case)[0].fact
    assert isinstance(fact, EvidenceAttached)
    assert fact.sha256 == sha256(CLEAR).hexdigest()


def test_nothing_is_held_for_a_subject_that_was_erased(
    district: Database, store: Attachments
) -> None:
    kept, case = upload(store), str(uuid4())
    store.vault.prepare([(case, "narrative")])
    with district.connection() as connection:
        connection.execute("UPDATE subject_key SET wrapped = NULL")
    with pytest.raises(SubjectErased):
        attachments(district).claim({kept.id: "narrative"}, case, "command", START)
    assert state(district, kept) == "waiting"


def test_a_file_is_read_only_through_the_case_that_refers_to_it(store: Attachments) -> None:
    kept = upload(store)
    case = attach(store, kept)
    with pytest.raises(NotFound):
        store.open(kept.id, str(uuid4()))
    with pytest.raises(NotFound):
        store.open(upload(store).id, case)


def test_the_same_file_under_the_same_key_is_one_file(
    district: Database, store: Attachments
) -> None:
    first = upload(store, key="k")
    assert upload(store, key="k") == first
    with pytest.raises(KeyReused):
        upload(store, CLEAR[1:], key="k")
    with district.connection() as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM attachment),"
            " (SELECT count(DISTINCT blob_id) FROM attachment_piece)"
        ).fetchone()
    assert counts == (1, 1)


def test_an_upload_that_breaks_off_leaves_nothing(store: Attachments) -> None:
    arriving = store.begin(CLIENT, START)
    arriving.write(CLEAR)
    assert store.blobs.exists(arriving.id)
    arriving.discard()
    assert not store.blobs.exists(arriving.id)
    # Nor does one whose process died: the sweeper takes it after a day.
    arriving = store.begin(CLIENT, START)
    arriving.write(CLEAR)
    assert store.sweep(START + KEPT).deleted == 0
    assert store.sweep(LATER).deleted == 1
    assert not store.blobs.exists(arriving.id)
    with pytest.raises(NotFound):
        arriving.finish("image/png", "k")


def test_what_nobody_refers_to_goes_after_a_day_and_what_is_referred_to_stays(
    district: Database, store: Attachments
) -> None:
    loose, used = upload(store), upload(store)
    case = attach(store, used)
    assert store.sweep(START + KEPT).deleted == 0
    assert store.sweep(LATER).deleted == 1
    assert store.sweep(LATER).deleted == 0
    assert state(district, loose) is None
    assert not store.blobs.exists(loose.id)
    assert read(store, used, case) == CLEAR


def test_a_sweep_that_died_halfway_is_finished_by_the_next(
    district: Database, store: Attachments
) -> None:
    kept = upload(store)
    with district.connection() as connection:
        connection.execute(EXPIRE, (LATER - KEPT,))
    TableBlobs(district).delete([kept.id])
    assert store.sweep(START).deleted == 1
    assert state(district, kept) is None


def test_a_claim_whose_command_failed_is_given_back(district: Database, store: Attachments) -> None:
    kept, case = upload(store), str(uuid4())
    assert store.claim({kept.id: "narrative"}, case, "one", START)
    assert store.claim({kept.id: "narrative"}, case, "one", START), "the same command, once more"
    assert not store.claim({kept.id: "narrative"}, case, "other", START)
    assert not store.claim({kept.id: "narrative"}, str(uuid4()), "one", START)
    store.release("other")
    assert state(district, kept) == "claimed"
    store.release("one")
    assert store.claim({kept.id: "narrative"}, str(uuid4()), "other", START)
    # Its process died: nobody gives it back but the sweeper, and not at once.
    assert store.sweep(START + HELD).released == 0
    assert store.sweep(START + HELD + timedelta(seconds=1)).released == 1
    assert state(district, kept) == "waiting"


def test_of_several_files_all_are_held_or_none(district: Database, store: Attachments) -> None:
    first, second = upload(store), upload(store)
    assert store.claim({second.id: "narrative"}, str(uuid4()), "one", START)
    both = {first.id: "narrative", second.id: "narrative"}
    assert not store.claim(both, str(uuid4()), "other", START)
    assert state(district, first) == "waiting"


class Stepped(Vault):
    """A vault that stops inside the claim's transaction, with the rows locked."""

    reached: threading.Event
    go_on: threading.Event

    @override
    def bind_key(self, owner: Owner, blob: str, key: bytes) -> bytes:
        self.reached.set()
        assert self.go_on.wait(20)
        return super().bind_key(owner, blob, key)


@contextmanager
def in_background(work: Callable[[], object]) -> Generator[Callable[[], object]]:
    """Run something in another thread; the block gets what waits for its result."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield lambda: future.result(20)


def test_a_file_that_is_being_claimed_is_not_swept(district: Database, store: Attachments) -> None:
    kept, case = upload(store), str(uuid4())
    vault = Stepped(district, DISTRICT, LocalWrapper(bytes(range(32))))
    vault.reached, vault.go_on = threading.Event(), threading.Event()
    claiming = attachments(district, vault)
    claim = {kept.id: "narrative"}
    with in_background(lambda: claiming.claim(claim, case, "command", LATER)) as claimed:
        assert vault.reached.wait(20)
        with in_background(lambda: store.sweep(LATER)) as swept:
            await_blocked(district)
            vault.go_on.set()
            assert claimed() is True
            assert getattr(swept(), "deleted", None) == 0
    assert state(district, kept) == "claimed"
    assert store.blobs.exists(kept.id)


def test_a_file_that_is_being_swept_is_not_claimed(district: Database, store: Attachments) -> None:
    kept, case = upload(store), str(uuid4())
    with district.connect() as sweeper, sweeper.transaction():
        sweeper.execute(EXPIRE, (LATER - KEPT,))
        claim = {kept.id: "narrative"}
        pool = ThreadPoolExecutor(1)
        claimed = pool.submit(lambda: store.claim(claim, case, "command", START))
        await_blocked(district)
    assert claimed.result(20) is False
    pool.shutdown()
    assert store.sweep(START).deleted == 1


def test_a_sweep_waits_for_the_append_and_leaves_what_it_took(
    district: Database, store: Attachments
) -> None:
    kept, writer = upload(store), Writer()
    assert store.claim({kept.id: "narrative"}, writer.stream, "command", START)
    event = writer.write(evidence(kept))
    with (
        in_transaction(district, event) as commit,
        in_background(lambda: store.sweep(LATER)) as swept,
    ):
        await_blocked(district)
        commit()
        result = swept()
    assert (getattr(result, "released", None), getattr(result, "deleted", None)) == (0, 0)
    assert read(store, kept, writer.stream) == CLEAR


@contextmanager
def in_transaction(database: Database, event: NewEvent) -> Generator[Callable[[], None]]:
    """Append in a transaction that is open in the block, until told to commit."""
    request = Request("test", str(uuid4()), b"\x00" * 32, str(uuid4()), START, (event,))
    with database.connect() as connection:
        connection.execute("BEGIN")
        assert append_batch(connection, [request])[0].outcome == "stored"
        yield connection.commit


def append_late(store: Attachments) -> tuple[Kept, Writer]:
    """A command holds a file, stands still for a day, and its file is swept; then it appends."""
    kept, writer = upload(store), Writer()
    assert store.claim({kept.id: "narrative"}, writer.stream, "command", START)
    swept = store.sweep(LATER)
    assert (swept.released, swept.deleted) == (1, 1)
    append(store.database, writer.write(evidence(kept)))
    return kept, writer


def test_a_command_that_stood_still_cannot_refer_to_what_was_swept(
    district: Database, store: Attachments
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        append_late(store)
    assert refused.value.sqlstate == NOT_HELD
    assert verify(district).positions == 0


def test_without_the_condition_in_the_append_it_could(
    fresh_district: Database,
) -> None:
    with fresh_district.connection() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_attaches_evidence")
    kept, writer = append_late(attachments(fresh_district))
    assert verify(fresh_district).positions == 1
    with pytest.raises(NotFound):
        attachments(fresh_district).open(kept.id, writer.stream)


def test_an_append_for_another_case_takes_nothing(district: Database, store: Attachments) -> None:
    kept, writer = upload(store), Writer()
    assert store.claim({kept.id: "narrative"}, str(uuid4()), "command", START)
    with pytest.raises(psycopg.Error) as refused:
        append(district, writer.write(evidence(kept)))
    assert refused.value.sqlstate == NOT_HELD
    assert state(district, kept) == "claimed"
