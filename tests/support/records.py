"""Short streams of facts for tests of the log: encoded, hashed and linked as the engine does it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid4, uuid5

from domain.facts import CaseFact, NoteRecorded, Stage, Text, Unit
from eventlog.appender import Appender, NewEvent, Request
from eventlog.database import Database
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Who, body_hash, encode
from eventlog.vault import Vault

DISTRICT = "610327"
START = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)


def note(text: str = "note") -> NoteRecorded:
    """Return the simplest fact."""
    return NoteRecorded(action=text, stage=Stage("a", "a", "discovery"), holder=Unit("u", ("u",)))


class Writer:
    """Builds the facts of one stream, remembering version and previous hash."""

    def __init__(self, stream: str | None = None, *, vault: Vault | None = None) -> None:
        """Begin a stream; with a vault, texts are sealed."""
        self.stream = stream or str(uuid4())
        self.version = 0
        self.prev = NO_PREVIOUS
        self._vault = vault

    def write(
        self,
        fact: CaseFact | None = None,
        *,
        texts: Sequence[Text] = (),
        command: str | None = None,
        occurred_at: datetime | None = None,
    ) -> NewEvent:
        """Return the next fact, ready to append."""
        fact = fact or note()
        self.version += 1
        at = occurred_at or START + timedelta(minutes=self.version)
        pairs = [self._sealer().seal(self.stream, self.version, text) for text in texts]
        body = Body(
            profile=PROFILE,
            district=DISTRICT,
            stream_type=fact.STREAM,
            stream=self.stream,
            version=self.version,
            event=str(uuid5(NAMESPACE_URL, f"{self.stream}/{self.version}")),
            command=command or str(uuid5(NAMESPACE_URL, self.stream)),
            type=fact.TYPE,
            schema=fact.SCHEMA,
            occurred_at=at,
            actor=Who("grid-worker", "u", None, None, None),
            client="test",
            kind=None,
            reference_position=0,
            data=fact,
            sealed=tuple(sealed for sealed, _ in pairs),
            prev=self.prev,
        )
        content = encode(body)
        self.prev = body_hash(content)
        return NewEvent(
            self.stream,
            self.version,
            body.event,
            body.stream_type,
            body.type,
            body.schema,
            at,
            content,
            tuple(sealed for _, sealed in pairs),
        )

    def _sealer(self) -> Vault:
        if self._vault is None:
            raise LookupError("this writer has no vault")
        return self._vault


def append(
    database: Database, *events: NewEvent, command: str | None = None, at: datetime = START
) -> None:
    """Store facts of one command durably."""
    command = command or str(uuid5(NAMESPACE_URL, events[0].stream))
    appender = Appender(database)
    try:
        request = Request("test", str(uuid4()), b"\x00" * 32, command, at, events)
        answer = appender.submit(request).result(30)
    finally:
        appender.close()
    if answer.outcome != "stored":
        raise AssertionError(answer)
