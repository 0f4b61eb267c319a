"""What `verify` asks of files: every one that a fact refers to is there, whole, and the same.

Each is opened piece by piece and hashed again; what went with its subject's key is right as well.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Final

from domain.errors import NotFound, Refusal
from domain.facts import EvidenceAttached
from eventlog.attachments import Attachments
from eventlog.database import Connection
from eventlog.records import UnknownFact, decode
from eventlog.sealed_pieces import SealedFile
from eventlog.verify import Problem

PAGE: Final = 500
REFERRED: Final = """
    SELECT position, stream_id::text, schema_version, body FROM event
    WHERE type = 'evidence-attached' AND position > %s ORDER BY position LIMIT %s
"""
ATTACHED: Final = "SELECT id::text FROM attachment WHERE state = 'attached' ORDER BY id"
# A key that is there can still open what lies under it.
KEY_KEPT: Final = """
    SELECT true FROM subject_key
    WHERE stream_id = %s AND subject = %s AND wrapped IS NOT NULL LIMIT 1
"""

Progress = Callable[[int], None]


def verify_attachments(
    store: Attachments, *, progress: Progress | None = None
) -> tuple[int, list[Problem]]:
    """Check every file that the log refers to; return how many there are, and what is wrong.

    `progress` hears how many were checked. A file's content passes through memory in pieces.
    """
    known: set[str] = set()
    found: list[Problem] = []
    for position, case, fact in _referred(store):
        known.add(fact.attachment)
        fault = _fault(store, case, fact)
        if fault:
            found.append(Problem(position, f"附件 {fact.attachment} {fault}"))
        if progress:
            progress(len(known))
    with store.database.connection() as connection:
        attached = [str(row[0]) for row in connection.execute(ATTACHED).fetchall()]
    stray = [one for one in attached if one not in known]
    return len(known), found + [Problem(0, f"附件 {one} 没有办理记录引用它") for one in stray]


def _referred(store: Attachments) -> Iterator[tuple[int, str, EvidenceAttached]]:
    """Yield the facts that refer to files; a body that is none was named by the log's own check."""
    after = 0
    while True:
        with store.database.connection() as connection:
            rows = connection.execute(REFERRED, (after, PAGE)).fetchall()
        for position, case, schema, body in rows:
            fact = _read(schema, bytes(body))
            if fact is not None:
                yield position, case, fact
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def _read(schema: int, body: bytes) -> EvidenceAttached | None:
    try:
        fact = decode(EvidenceAttached.TYPE, schema, body).data
    except (UnknownFact, ValueError):
        return None
    return fact if isinstance(fact, EvidenceAttached) else None


def _fault(store: Attachments, case: str, fact: EvidenceAttached) -> str | None:
    try:
        file = store.open(fact.attachment, case)
        if file is not None:
            return _differs(file, fact)
    except NotFound:
        return "缺失，或已归于另一事项"
    except Refusal as damaged:
        return f"打不开：{damaged}"
    with store.database.connection() as connection:
        kept = _key_kept(connection, case, fact.subject)
    return "的内容已删除，而其密钥尚未销毁" if kept else None


def _differs(file: SealedFile, fact: EvidenceAttached) -> str | None:
    """Say how the content is another than the fact's; raises AttachmentDamaged."""
    if file.size != fact.size:
        return f"有 {file.size} 字节，办理记录中是 {fact.size} 字节"
    digest = sha256()
    for piece in file.read(0, file.size - 1):
        digest.update(piece)
    return None if digest.hexdigest() == fact.sha256 else "的内容与办理记录中的摘要不符"


def _key_kept(connection: Connection, case: str, subject: str) -> bool:
    return connection.execute(KEY_KEPT, (case, subject)).fetchone() is not None
