"""Reference data (目录, 日历, 事项类型, 密钥) as of a position: streams in the same log, folded."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Role
from domain.calendar import Calendar, calendar_from_document
from domain.directory import Directory, fold_directory
from domain.errors import UnknownKind
from domain.kind import Kind
from eventlog.records import Record
from workflows.language import published_kind


class Grant(Struct, frozen=True):
    """What a key allows: a role, in a unit or in the whole district."""

    key: str
    role: Role
    unit: str | None
    position: int


class Reference(Struct, frozen=True, kw_only=True):
    """Everything a decision looks up, from the facts up to `position`."""

    position: int = 0
    district: f.DistrictFounded | None = None
    trial_clock: f.TrialClockSet | None = None
    directory: Directory = Directory()
    calendars: dict[str, Calendar] = {}
    kinds: dict[str, Kind] = {}
    active: dict[str, str] = {}
    keys: dict[str, Grant] = {}

    def kind(self, name: str) -> Kind:
        """Return the active version of a kind, for a new case.

        Raises:
            UnknownKind: no kind of this name is active.
        """
        digest = self.active.get(name)
        if digest is None:
            raise UnknownKind(kind=name, known="、".join(self.active), pointer="/kind")
        return self.kinds[digest]

    def now(self, real: datetime) -> datetime:
        """Return the district's time, in whole seconds: real, or the trial clock's."""
        clock = self.trial_clock
        moment = clock.now + (real - clock.real) if clock else real
        return moment.replace(microsecond=0)

    def trial_offset(self, real: datetime) -> datetime:
        """Return the district's time with fractions, for `recorded_at`."""
        clock = self.trial_clock
        return clock.now + (real - clock.real) if clock else real


def fold_reference(reference: Reference, records: Sequence[Record], through: int) -> Reference:
    """Apply reference records; `through` is the position up to which they are complete."""
    directory = fold_directory(reference.directory, [record.fact for record in records])
    reference = replace(reference, directory=directory, position=through)
    for record in records:
        reference = _applied(reference, record)
    return reference


def _applied(reference: Reference, record: Record) -> Reference:
    match record.fact:
        case f.DistrictFounded() as founded:
            return replace(reference, district=founded)
        case f.TrialClockSet() as clock:
            return replace(reference, trial_clock=clock)
        case f.CalendarPublished() as published:
            calendar = calendar_from_document(published.document)
            return replace(reference, calendars=reference.calendars | {published.name: calendar})
        case f.KindPublished() as published:
            kind = published_kind(published.source)
            return replace(reference, kinds=reference.kinds | {published.hash: kind})
        case f.KindActivated() as activated:
            return replace(reference, active=reference.active | {activated.name: activated.hash})
        case f.KeyIssued() as issued:
            grant = Grant(issued.key, Role(issued.role), issued.unit, record.position)
            return replace(reference, keys=reference.keys | {issued.digest: grant})
        case f.KeyRevoked() as revoked:
            kept = {
                digest: grant
                for digest, grant in reference.keys.items()
                if grant.key != revoked.key
            }
            return replace(reference, keys=kept)
        case _:
            return reference
