"""The eventsourcing library's own conformance suites, on our recorders; and our strict mapper."""

import sys
from abc import ABC
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from eventsourcing import cryptography
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    MapperDeserialisationError,
    NotSupportedError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)

from domain.facts import Text
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.mapper import Entry, StrictMapper
from eventlog.reader import read_head, read_stream
from eventlog.recorder import LogAggregateRecorder, LogApplicationRecorder, LogProcessRecorder
from eventlog.records import UnknownFact, decode
from eventlog.vault import Vault
from eventlog.verify import verify
from tests.support.records import DISTRICT, Writer, append, note

# The suites import the library's cipher on pycryptodome, which nothing here uses: give them the
# same class on `cryptography`, which we have.
sys.modules.setdefault("eventsourcing.cipher", cryptography)
from eventsourcing.tests.persistence import (  # noqa: E402 - after the line above
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    RecorderTestCase,
    TrackingRecorderTestCase,
)


class OnOurLog(ABC):
    """What the library's suites need from us: a recorder on an empty district."""

    RECORDER: ClassVar[type[LogAggregateRecorder]]
    database: ClassVar[Database]

    def create_recorder(self) -> Any:  # noqa: ANN401 - each suite wants another interface
        return self.RECORDER(self.database)


# The suites stand inside a class, or pytest would collect them without a district.
class Conformance:
    """The suites by name."""

    class Aggregate(OnOurLog, AggregateRecorderTestCase):
        RECORDER = LogAggregateRecorder

    class Application(OnOurLog, ApplicationRecorderTestCase[LogApplicationRecorder]):
        RECORDER = LogApplicationRecorder

        def test_insert_subscribe(self) -> None:
            self.optional_test_insert_subscribe()

    class Process(OnOurLog, ProcessRecorderTestCase):
        RECORDER = LogProcessRecorder

    class Tracking(OnOurLog, TrackingRecorderTestCase):
        RECORDER = LogProcessRecorder

    class NonInterleaving(OnOurLog, NonInterleavingNotificationIDsBaseCase):
        RECORDER = LogApplicationRecorder
        insert_num = 200

    class ProcessAsApplication(Application):
        RECORDER = LogProcessRecorder


SUITES: Sequence[type[Any]] = (
    Conformance.Aggregate,
    Conformance.Application,
    Conformance.Process,
    Conformance.Tracking,
    Conformance.NonInterleaving,
    Conformance.ProcessAsApplication,
)
CASES = [
    pytest.param(suite, name, id=f"{suite.__name__}-{name}")
    for suite in SUITES
    for name in dir(suite)
    if name.startswith("test")
]


@pytest.mark.storage
@pytest.mark.parametrize(("suite", "name"), CASES, ids=str)
def test_the_librarys_own_suite_passes(district: Database, suite: type[Any], name: str) -> None:
    case = type(suite.__name__, (suite,), {"database": district})(name)
    with redirect_stdout(StringIO()):
        case.debug()


def test_every_suite_of_the_library_about_recorders_is_run() -> None:
    module = sys.modules[RecorderTestCase.__module__]
    offered = {
        each
        for name, each in vars(module).items()
        if name.endswith("RecorderTestCase") or each is NonInterleavingNotificationIDsBaseCase
    }
    run = {base for suite in SUITES for base in suite.__mro__}
    assert len(offered) == 6
    assert offered <= run


def event(stream: UUID, version: int, topic: str = "topic", state: bytes = b"x") -> StoredEvent:
    return StoredEvent(stream, version, topic, state)


def test_a_stream_may_begin_at_zero_or_one_and_nowhere_else(district: Database) -> None:
    recorder = LogApplicationRecorder(district)
    assert recorder.insert_events([event(uuid4(), 0)]) == [1]
    assert recorder.insert_events([event(uuid4(), 1)]) == [2]
    for version in (2, -1):
        with pytest.raises(IntegrityError):
            recorder.insert_events([event(uuid4(), version)])
    assert recorder.max_notification_id() == 2


def test_a_refused_insert_leaves_no_gap(district: Database) -> None:
    recorder = LogApplicationRecorder(district)
    stream = uuid4()
    recorder.insert_events([event(stream, 1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([event(uuid4(), 1), event(stream, 1)])
    assert recorder.insert_events([event(stream, 2), event(uuid4(), 1)]) == [2, 3]
    with district.connection() as connection:
        assert read_head(connection).position == 3


def test_a_tracking_conflict_takes_its_events_with_it(district: Database) -> None:
    recorder = LogProcessRecorder(district)
    recorder.insert_tracking(Tracking("upstream", 5))
    with pytest.raises(IntegrityError):
        recorder.insert_events([event(uuid4(), 1)], tracking=Tracking("upstream", 5))
    assert recorder.max_notification_id() is None
    assert recorder.max_tracking_id("upstream") == 5


def test_a_name_that_is_no_id_is_the_librarys_error(district: Database) -> None:
    with pytest.raises(DataError):
        LogApplicationRecorder(district).select_events("not-an-id")


def test_a_missing_table_is_the_librarys_error(district: Database) -> None:
    with district.connection() as connection:
        connection.execute("DROP TABLE ledger")
    with pytest.raises(ProgrammingError):
        LogApplicationRecorder(district).max_notification_id()


def test_a_subscription_yields_what_comes_later_and_only_the_topics_asked_for(
    district: Database,
) -> None:
    recorder = LogApplicationRecorder(district)
    recorder.insert_events([event(uuid4(), 1, "a"), event(uuid4(), 1, "b")])
    with recorder.subscribe(topics=["b"]) as subscription:
        assert next(subscription).id == 2
        recorder.insert_events([event(uuid4(), 1, "a"), event(uuid4(), 1, "b")])
        assert next(subscription).id == 4
        subscription.stop()
        assert list(subscription) == []


def entries(writer: Writer, count: int, command: str) -> list[Entry]:
    events = [writer.write(command=command) for _ in range(count)]
    return [Entry(decode(e.type, e.schema, e.body)) for e in events]


def test_our_facts_stored_through_the_library_verify_like_any_other(district: Database) -> None:
    mapper, recorder = StrictMapper(), LogApplicationRecorder(district)
    writer = Writer()
    sent = entries(writer, 3, str(uuid4()))
    recorder.insert_events([mapper.to_stored_event(entry) for entry in sent])
    append(district, writer.write())
    assert verify(district).problems == []
    with district.connection() as connection:
        assert [r.body for r in read_stream(connection, writer.stream)][:3] == [
            entry.body for entry in sent
        ]
    stored = recorder.select_events(UUID(writer.stream), lte=3)
    assert [mapper.to_domain_event(each) for each in stored] == sent


def test_facts_of_two_commands_are_not_stored_as_one(district: Database) -> None:
    mapper, recorder = StrictMapper(), LogApplicationRecorder(district)
    writer = Writer()
    mixed = [*entries(writer, 1, str(uuid4())), *entries(writer, 1, str(uuid4()))]
    with pytest.raises(DataError, match="one command"):
        recorder.insert_events([mapper.to_stored_event(entry) for entry in mixed])


def test_a_fact_with_sealed_texts_is_not_stored_without_them(district: Database) -> None:
    vault = Vault(district, DISTRICT, LocalWrapper(bytes(32)))
    writer = Writer(vault=vault)
    vault.prepare([(writer.stream, "reporter")])
    sealed = writer.write(texts=[Text("name", "reporter", "张三")])
    entry = Entry(decode(sealed.type, sealed.schema, sealed.body))
    with pytest.raises(DataError, match="engine"):
        LogApplicationRecorder(district).insert_events([StrictMapper().to_stored_event(entry)])


def stored_note() -> StoredEvent:
    return StrictMapper().to_stored_event(entries(Writer(), 1, str(uuid4()))[0])


@pytest.mark.parametrize(
    "topic", ["case-forgotten", "domain.facts:NoteRecorded", "os:system", "builtins:eval", ""]
)
def test_an_unknown_name_is_an_error_and_never_an_import(topic: str) -> None:
    stored = stored_note()
    with pytest.raises(UnknownFact):
        StrictMapper().to_domain_event(StoredEvent(stored.originator_id, 1, topic, stored.state))


Damage = Callable[[StoredEvent], StoredEvent]


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: StoredEvent(uuid4(), 1, s.topic, s.state),
        lambda s: StoredEvent(s.originator_id, 2, s.topic, s.state),
        lambda s: StoredEvent(s.originator_id, 1, "case-replied", s.state),
        lambda s: StoredEvent(s.originator_id, 1, s.topic, b"not JSON"),
        lambda s: StoredEvent(s.originator_id, 1, s.topic, b"\xff{}"),
        lambda s: StoredEvent(s.originator_id, 1, s.topic, s.state.replace(b'"note"', b"1")),
    ],
)
def test_a_body_in_the_wrong_place_or_shape_is_an_error(damage: Damage) -> None:
    with pytest.raises(MapperDeserialisationError):
        StrictMapper().to_domain_event(damage(stored_note()))


def test_the_mapper_stores_nothing_else_and_changes_no_bytes() -> None:
    with pytest.raises(NotSupportedError):
        StrictMapper().to_stored_event(note())  # type: ignore[arg-type] # the point
    with pytest.raises(NotSupportedError):
        StrictMapper(compressor=object())  # type: ignore[arg-type] # the point


def versions(known: list[int] | None, events: Iterable[Any]) -> list[int] | None:
    return [*(known or []), *(event.originator_version for event in events)] or None


def test_a_library_application_runs_on_a_district(district: Database) -> None:
    environment = {
        "PERSISTENCE_MODULE": "eventlog.mapper",
        "BIHUAN_DSN": district.dsn,
        "BIHUAN_SCHEMA": district.schema,
    }
    application: Application[UUID] = Application(environment)
    try:
        writer = Writer()
        recordings = application.save(*entries(writer, 2, str(uuid4())))
        assert [recording.notification.id for recording in recordings] == [1, 2]
        get: Any = application.repository.get
        assert get(UUID(writer.stream), projector_func=versions) == [1, 2]
        assert get(UUID(writer.stream), version=1, projector_func=versions) == [1]
        with pytest.raises(AggregateNotFoundError):
            get(uuid4(), projector_func=versions)
        assert [n.id for n in application.notification_log.select(1, 10)] == [1, 2]
    finally:
        application.close()


def test_a_library_application_needs_to_know_which_district() -> None:
    with pytest.raises(NotSupportedError, match="BIHUAN_DSN"):
        Application({"PERSISTENCE_MODULE": "eventlog.mapper"})
