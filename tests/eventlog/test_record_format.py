"""docs/record-format.md shows what the program writes, and its script recomputes the hashes."""

import hmac
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.facts import CaseAccepted, CaseFact, CaseReplied, CaseReported, Fact, Stage, Unit
from eventlog.appender import Appender, NewEvent, Request
from eventlog.database import Database
from eventlog.keys import DataKey
from eventlog.records import (
    NO_PREVIOUS,
    PROFILE,
    Body,
    Sealed,
    Who,
    body_hash,
    chain_hash,
    decode,
    encode,
    leaf_hash,
    microseconds,
)
from eventlog.verify import verify

DOCUMENT = Path(__file__).parents[2] / "docs" / "record-format.md"
DISTRICT = "610327"
CASE = "5f0c7a52-8f2e-5d7b-9a43-0c1f6a2b7d10"
KEY_ID = "0b6f6c1e-53a4-4d0e-9b61-2f7a4c8d9e01"
DATA_KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
CLEAR = "井盖破损，已放警示牌"
AT = datetime(2026, 10, 8, 1, 2, 3, tzinfo=UTC)
COMMUNITY = Unit("61032710000100", ("610327", "610327100", "61032710000100"))


def facts() -> Sequence[CaseFact]:
    """Return a case that is reported, accepted and answered."""
    return (
        CaseReported(
            action="report",
            stage=Stage("", "reported", "discovery"),
            holder=COMMUNITY,
            kind="closed-loop",
            number="610327-2026-0000001",
            place=COMMUNITY,
            category="public-facilities",
            severity="general",
            urgency="normal",
            location=None,
            source=None,
            content=None,
            late=None,
            data={},
        ),
        CaseAccepted(
            action="accept",
            stage=Stage("reported", "accepted", "community_response"),
            holder=COMMUNITY,
            accepted_by=COMMUNITY,
        ),
        CaseReplied(
            action="reply",
            stage=Stage("accepted", "replied", "joint_handling"),
            holder=COMMUNITY,
        ),
    )


def ciphertext() -> bytes:
    """Return the text of the first record, sealed with a fixed key and nonce."""
    binding = f"{DISTRICT}|{CASE}|1|narrative|narrative|{KEY_ID}".encode()
    return NONCE + DataKey(KEY_ID, DATA_KEY).cipher.encrypt(NONCE, CLEAR.encode(), binding)


def bodies() -> list[Body[Fact]]:
    """Return the example's three bodies."""
    key = DataKey(KEY_ID, DATA_KEY)
    digest = sha256(ciphertext()).hexdigest()
    sealed = (Sealed("narrative", "narrative", KEY_ID, digest, key.commitment),)
    prev, made = NO_PREVIOUS, list[Body[Fact]]()
    for version, fact in enumerate(facts(), 1):
        body: Body[Fact] = Body(
            profile=PROFILE,
            district=DISTRICT,
            stream_type=fact.STREAM,
            stream=CASE,
            version=version,
            event=str(UUID(int=0x0199_0000_0000_7000_8000_0000_0000_0000 + version)),
            command=str(UUID(int=0x0199_0000_0000_7000_9000_0000_0000_0000 + version)),
            type=fact.TYPE,
            schema=fact.SCHEMA,
            occurred_at=AT + timedelta(hours=version - 1),
            actor=Who("grid-worker", COMMUNITY.id, "post-7", "person-42", None),
            client="console",
            kind=sha256(b"the kind's canonical data").hexdigest(),
            reference_position=0,
            data=fact,
            sealed=sealed if version == 1 else (),
            prev=prev,
        )
        prev = body_hash(encode(body))
        made.append(body)
    return made


def recorded_at(version: int) -> datetime:
    return AT + timedelta(hours=version - 1, seconds=4, microseconds=5)


def expected_records() -> str:
    """Return the block of records as the document shows it: position, microseconds, body."""
    return "".join(
        f"{body.version} {microseconds(recorded_at(body.version))} {encode(body).decode()}\n"
        for body in bodies()
    )


def expected_hashes() -> str:
    """Return what the document's script prints: position, leaf, chain."""
    chain, lines = bytes(32), ""
    for body in bodies():
        leaf = leaf_hash(body.version, recorded_at(body.version), encode(body))
        chain = chain_hash(chain, leaf)
        lines += f"{body.version} {leaf.hex()} {chain.hex()}\n"
    return lines


def block(kind: str, number: int = 0) -> str:
    """Return a fenced block of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return found[number]


def run_script(records: str, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    script = tmp_path / "recompute.py"
    script.write_text(block("python"), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-I", script], input=records.encode(), capture_output=True, check=False
    )


def test_the_document_shows_the_records_that_the_program_writes() -> None:
    assert block("text") == expected_records(), "paste the right side into the document"
    assert block("text", 1) == expected_hashes(), "paste the right side into the document"


def test_the_documents_script_recomputes_the_documents_hashes(tmp_path: Path) -> None:
    done = run_script(block("text"), tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == block("text", 1)


def test_the_documents_script_is_short_and_needs_nothing_but_python() -> None:
    script = block("python")
    assert len(script.splitlines()) <= 15
    assert re.findall(r"^(?:import|from) .*", script, re.MULTILINE) == ["import hashlib, json, sys"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("accepted", "rejected"), ("public-facilities", "private"), ("console", "unknown")],
)
def test_the_documents_script_refuses_a_changed_record(tmp_path: Path, old: str, new: str) -> None:
    records = block("text").replace(old, new, 1)
    assert records != block("text")
    done = run_script(records, tmp_path)
    assert done.stdout.decode() != block("text", 1)


def test_the_documents_bodies_are_canonical_json_and_read_back_the_same() -> None:
    for line in block("text").splitlines():
        body = line.split(" ", 2)[2].encode()
        document = json.loads(body)
        assert rfc8785.dumps(document) == body
        assert encode(decode(document["type"], document["schema"], body)) == body


def test_the_documents_sealed_text_opens_with_its_key() -> None:
    shown = dict(
        re.findall(r"^(data key|ciphertext|clear text)\s+(.+)$", block("seal"), re.MULTILINE)
    )
    assert bytes.fromhex(shown["data key"]) == DATA_KEY
    assert bytes.fromhex(shown["ciphertext"]) == ciphertext(), ciphertext().hex()
    assert shown["clear text"] == CLEAR
    # By hand, from the words of the document alone.
    halves = HKDF(SHA256(), 64, None, b"bihuan data key").derive(DATA_KEY)
    binding = f"{DISTRICT}|{CASE}|1|narrative|narrative|{KEY_ID}".encode()
    assert AESGCM(halves[:32]).decrypt(NONCE, ciphertext()[12:], binding).decode() == CLEAR
    message = b"bihuan key commitment|" + KEY_ID.encode()
    (sealed,) = json.loads(block("text").split(" ", 2)[2].splitlines()[0])["sealed"]
    assert sealed["commitment"] == hmac.new(halves[32:], message, "sha256").hexdigest()
    assert sealed["digest"] == sha256(ciphertext()).hexdigest()


def test_the_database_computes_the_documents_hashes_too(district: Database) -> None:
    appender = Appender(district)
    try:
        for body in bodies():
            event = NewEvent(
                CASE, body.version, body.event, body.stream_type, body.type, body.schema,
                body.occurred_at, encode(body),
            )  # fmt: skip
            key = f"key-{body.version}"
            request = Request("test", key, b"", body.command, recorded_at(body.version), (event,))
            appender.submit(request).result(10)
    finally:
        appender.close()
    with district.connection() as connection:
        rows = connection.execute(
            "SELECT position, encode(leaf, 'hex') FROM event ORDER BY position"
        ).fetchall()
    shown = [line.split(" ") for line in block("text", 1).splitlines()]
    assert [(str(position), leaf) for position, leaf in rows] == [(p, h) for p, h, _ in shown]
    assert verify(district).chain == shown[-1][2]
