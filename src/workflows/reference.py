"""Reference data (目录, 日历, 事项类型, 密钥, 停机) up to a position: folded from the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Role
from domain.almanac import Almanac, almanac_of, with_version
from domain.calendar import Calendar, calendar_from_document
from domain.catalogue import Catalogues, fold_catalogues
from domain.definitions import Definitions
from domain.directory import Directory, fold_directory
from domain.errors import KindRetired, UnknownKind
from domain.kind import Kind
from domain.world import Outage
from eventlog.records import Record
from workflows.language import published_kind


class Grant(Struct, frozen=True):
    """What a key allows: a role, in a unit or in the whole district."""

    key: str
    role: Role
    unit: str | None
    position: int
    post: str | None = None
    """The post that acts with it, and who holds it, where they were named."""
    person: str | None = None


class Publication(Struct, frozen=True):
    """A version of a kind as it was published, and by whom."""

    fact: f.KindPublished
    by: str
    """The person where known, else the key: whoever approves must be somebody else."""
    position: int


class DeclaredOutage(Struct, frozen=True, kw_only=True):
    """A time without the system, as somebody declared it; in force once another approved it."""

    outage: int
    since: datetime
    until: datetime
    by: str
    position: int
    """Where it was declared: there the vault holds the reason."""
    approval: f.OutageApproved | None = None
    approved_position: int = 0


class Reference(Struct, frozen=True, kw_only=True):
    """Everything a decision looks up, from the facts up to `position`."""

    position: int = 0
    district: f.DistrictFounded | None = None
    trial_clock: f.TrialClockSet | None = None
    directory: Directory = Directory()
    calendars: dict[str, Almanac] = {}
    almanacs: dict[tuple[str, str], Almanac] = {}
    """By name and version: each as it stood when that version was the newest."""
    documents: dict[str, dict[str, Any]] = {}
    """Of each calendar the newest version's document, which a notice is merged into."""
    outages: dict[int, DeclaredOutage] = {}
    approved_outages: tuple[Outage, ...] = ()
    channel: f.ChannelConfigured | None = None
    channel_position: int = 0
    """Where the channel was configured: there the vault holds its signing secret."""
    catalogues: Catalogues = Catalogues()
    kinds: dict[str, Kind] = {}
    active: dict[str, str] = {}
    publications: dict[str, Publication] = {}
    """Of each published kind, by its hash."""
    retired: frozenset[str] = frozenset()
    """Names of kinds that take in no new cases."""
    migrations: dict[tuple[str, str, str], f.KindMigrationApproved] = {}
    """Approved ones: by the hashes of the two versions and of the rule."""
    definitions: Definitions = Definitions()
    rankings: dict[tuple[str, str], int] = {}
    """Of each ranking and period, the latest version that was signed."""
    keys: dict[str, Grant] = {}

    def kind(self, name: str) -> Kind:
        """Return the active version of a kind, for a new case.

        Raises:
            KindRetired: it takes in nothing new.
            UnknownKind: no kind of this name is active.
        """
        digest = self.active.get(name)
        if digest is None and name in self.retired:
            raise KindRetired(kind=name, known="、".join(self.active) or "无", pointer="/kind")
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
    facts = [record.fact for record in records]
    reference = replace(
        reference,
        directory=fold_directory(reference.directory, facts),
        catalogues=fold_catalogues(reference.catalogues, facts),
        position=through,
    )
    for record in records:
        reference = _applied(reference, record)
    return reference


def _applied(reference: Reference, record: Record) -> Reference:
    match record.fact:
        case f.DistrictFounded() as founded:
            return replace(reference, district=founded)
        case f.TrialClockSet() as clock:
            return replace(reference, trial_clock=clock)
        case f.KindPublished() | f.KindActivated() | f.KindRetired() | f.KindMigrationApproved():
            return _of_kinds(reference, record)
        case f.DefinitionPublished() | f.DefinitionActivated() | f.DefinitionRetired():
            by = record.body.actor.person or record.body.client
            definitions = reference.definitions.after(record.fact, by, record.position)
            return replace(reference, definitions=definitions)
        case f.RankingSigned() as signed:
            latest = {(signed.ranking, signed.period): signed.version}
            return replace(reference, rankings=reference.rankings | latest)
        case f.KeyIssued() as issued:
            grant = Grant(issued.key, Role(issued.role), issued.unit, record.position)
            return replace(reference, keys=reference.keys | {issued.digest: grant})
        case f.KeyHolderNamed() as named:
            return replace(reference, keys=_named(reference.keys, named))
        case f.KeyRevoked() as revoked:
            kept = {
                digest: grant
                for digest, grant in reference.keys.items()
                if grant.key != revoked.key
            }
            return replace(reference, keys=kept)
        case _:
            return _timely(reference, record)


def _of_kinds(reference: Reference, record: Record) -> Reference:
    """Apply what becomes of kinds: published, active, retired, approved to take in older cases."""
    match record.fact:
        case f.KindPublished() as published:
            kind = published_kind(published.source)
            by = record.body.actor.person or record.body.client
            publication = Publication(published, by, record.position)
            return replace(
                reference,
                kinds=reference.kinds | {published.hash: kind},
                publications=reference.publications | {published.hash: publication},
            )
        case f.KindActivated() as activated:
            return replace(
                reference,
                active=reference.active | {activated.name: activated.hash},
                retired=reference.retired - {activated.name},
            )
        case f.KindRetired(name=name):
            active = {one: digest for one, digest in reference.active.items() if one != name}
            return replace(reference, active=active, retired=reference.retired | {name})
        case f.KindMigrationApproved() as approved:
            pair = (approved.from_hash, approved.to_hash, approved.plan)
            return replace(reference, migrations=reference.migrations | {pair: approved})
        case _:
            return reference


def _named(keys: dict[str, Grant], named: f.KeyHolderNamed) -> dict[str, Grant]:
    return {
        digest: replace(grant, post=named.post, person=named.person)
        if grant.key == named.key
        else grant
        for digest, grant in keys.items()
    }


def _timely(reference: Reference, record: Record) -> Reference:
    """Apply what clocks and notices go by."""
    match record.fact:
        case f.CalendarPublished() as published:
            return _published(reference, published)
        case f.OutageDeclared() as declared:
            outage = DeclaredOutage(
                outage=declared.outage,
                since=declared.since,
                until=declared.until,
                by=declared.by,
                position=record.position,
            )
            return replace(reference, outages=reference.outages | {declared.outage: outage})
        case f.OutageApproved() as approved:
            return _approved(reference, approved, record.position)
        case f.ChannelConfigured() as channel:
            return replace(reference, channel=channel, channel_position=record.position)
        case _:
            return reference


def _published(reference: Reference, published: f.CalendarPublished) -> Reference:
    name = published.name
    calendar = version_of(published)
    known = reference.calendars.get(name)
    almanac = (
        with_version(known, calendar, published.effective_from) if known else almanac_of(calendar)
    )
    return replace(
        reference,
        calendars=reference.calendars | {name: almanac},
        almanacs=reference.almanacs | {(name, almanac.version): almanac},
        documents=reference.documents | {name: published.document},
    )


def version_of(published: f.CalendarPublished) -> Calendar:
    """Return the calendar of a version, under the name and version it was published with."""
    calendar = calendar_from_document(published.document)
    return calendar.called(published.name, published.version)


def _approved(reference: Reference, approved: f.OutageApproved, position: int) -> Reference:
    declared = reference.outages[approved.outage]
    outage = Outage(declared.since, declared.until, approved.register_by)
    known = replace(declared, approval=approved, approved_position=position)
    return replace(
        reference,
        outages=reference.outages | {approved.outage: known},
        approved_outages=(*reference.approved_outages, outage),
    )
