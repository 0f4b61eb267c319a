"""The eventsourcing library's mapper and factory for our records: written names, no imports."""

from typing import Any, Final
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    InfrastructureFactory,
    Mapper,
    MapperDeserialisationError,
    NotSupportedError,
    StoredEvent,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment
from msgspec import Struct
from typing_extensions import override

from domain.facts import Fact
from eventlog.database import Database
from eventlog.recorder import LogAggregateRecorder, LogApplicationRecorder, LogProcessRecorder
from eventlog.records import Body, UnknownFact, decode, encode

DSN: Final = "BIHUAN_DSN"
SCHEMA: Final = "BIHUAN_SCHEMA"


class Entry(Struct, frozen=True):
    """A body as the library's domain event: a fact of one stream at one version."""

    body: Body[Fact]

    @property
    def originator_id(self) -> UUID:
        """The stream."""
        return UUID(self.body.stream)

    @property
    def originator_version(self) -> int:
        """The version within the stream."""
        return self.body.version


class _Shape(Struct, frozen=True):
    schema: int


class StrictMapper(Mapper[UUID]):
    """Maps entries to stored events by the written names of facts; it never imports a topic."""

    def __init__(
        self,
        transcoder: Transcoder | None = None,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
    ) -> None:
        """Refuse what would change the bytes: a body is stored exactly as it was hashed."""
        if compressor or cipher:
            raise NotSupportedError("bodies are stored as hashed: no compressor, no cipher")
        # Our bodies have their own encoding; the library's attribute stays for whoever asks.
        if transcoder is not None:
            self.transcoder = transcoder
        self.compressor = self.cipher = None

    @override
    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return the exact bytes of an entry."""
        if not isinstance(domain_event, Entry):
            raise NotSupportedError(f"not an Entry: {type(domain_event).__name__}")
        body = domain_event.body
        return StoredEvent(UUID(body.stream), body.version, body.type, encode(body))

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Read an entry back.

        Raises:
            UnknownFact: no fact has this name and schema.
            MapperDeserialisationError: the bytes are not a body of this very place.
        """
        body = _decode(stored_event)
        place = (str(stored_event.originator_id), stored_event.originator_version)
        if (body.stream, body.version, body.type) != (*place, stored_event.topic):
            raise MapperDeserialisationError(f"the body belongs to another place than {place}")
        return Entry(body)


def _decode(stored_event: StoredEvent) -> Body[Fact]:
    try:
        schema = msgspec.json.decode(stored_event.state, type=_Shape).schema
        return decode(stored_event.topic, schema, stored_event.state)
    except UnknownFact:
        raise
    except (msgspec.MsgspecError, ValueError) as error:
        raise MapperDeserialisationError(f"not a body: {error}") from error


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Lets a library `Application` run on a district: PERSISTENCE_MODULE = `eventlog.mapper`."""

    def __init__(self, env: Environment | dict[str, str] | None = None) -> None:
        """Read BIHUAN_DSN and BIHUAN_SCHEMA from the application's environment."""
        super().__init__(env)
        dsn, schema = self.env.get(DSN), self.env.get(SCHEMA)
        if not dsn or not schema:
            raise NotSupportedError(f"{DSN} and {SCHEMA} are needed")
        self._database = Database(dsn, schema)

    @override
    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Any:
        """Return the strict mapper unless another is asked for."""
        return super().mapper(transcoder, mapper_class or StrictMapper)

    @override
    def aggregate_recorder(self, purpose: str = "events") -> LogAggregateRecorder:
        """Return a recorder of streams; there are no snapshots."""
        if purpose != "events":
            raise NotSupportedError("the log keeps no snapshots")
        return LogAggregateRecorder(self._database)

    @override
    def application_recorder(self) -> LogApplicationRecorder:
        """Return a recorder of the log."""
        return LogApplicationRecorder(self._database)

    @override
    def tracking_recorder(self, tracking_recorder_class: Any = None) -> LogProcessRecorder:
        """Return a recorder of positions."""
        return LogProcessRecorder(self._database)

    @override
    def process_recorder(self) -> LogProcessRecorder:
        """Return a recorder of both."""
        return LogProcessRecorder(self._database)

    @override
    def close(self) -> None:
        """Give the connections back."""
        self._database.close()
