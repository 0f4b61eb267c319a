"""Administration: founding a district, its directory, calendars, kinds, keys and trial clock.

All of it is facts of reference streams, written through the engine like everything else.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

from msgspec import Struct

from domain import facts as f
from domain.actor import Actor, Role
from domain.calendar import calendar_from_document
from domain.directory import LEVELS
from domain.errors import BadInput, Collision, NotFound, TrialOnly, UnknownField, UnknownUnit
from domain.world import Draft
from eventlog.streams import stream_id
from workflows.calendars import shipped
from workflows.engine import Caller, Engine
from workflows.language import Source, compile_kind, shipped_sources

KEY_PREFIX = "bh_"


class ClockBackwards(Collision):
    """试运行时钟只能向前拨：现在是 {now}，不能拨回 {wanted}。"""

    code = "clock-backwards"


class DistrictFounded(Collision):
    """区县 {district} 已经启用。"""

    code = "district-exists"


class UnitRow(Struct, frozen=True):
    """A unit as a directory file has it; `parent` is a code."""

    code: str
    name: str
    level: str
    parent: str | None


class DirectoryChange(Struct, frozen=True):
    """What an import of a directory did."""

    established: int
    changed: int
    unchanged: int


def administrator(engine: Engine, what: str, *parts: str) -> Caller:
    """Return a caller for the command line: an administrator, with a key of one use."""
    key = f"{what}:{uuid4()}"
    digest = engine.vault.digest("\0".join((what, *parts)).encode())
    return Caller(actor=Actor(role=Role.ADMIN), client="cli", key=key, digest=digest)


async def found(engine: Engine, code: str, name: str, *, trial: bool) -> None:
    """启用区县: its founding fact, the official calendar, and the kinds that ship, active.

    Raises:
        DistrictFounded: it was founded before.
    """
    if (await engine.refresh()).district is not None:
        raise DistrictFounded(district=engine.district)
    now = engine.now()
    founded = f.DistrictFounded(district=engine.district, code=code, name=name, trial=trial)
    caller = administrator(engine, "district-add")
    await engine.record(f.DISTRICT, _district(engine), [Draft(founded, now)], caller)
    for calendar, document in shipped().items():
        await publish_calendar(engine, calendar, document)
    for source in shipped_sources():
        await publish_kind(engine, source)
        await activate_kind(engine, source.name, source.hash)


async def publish_calendar(engine: Engine, name: str, document: dict[str, object]) -> None:
    """发布工作日历: the whole document becomes a fact."""
    version = calendar_from_document(document).version
    published = f.CalendarPublished(name=name, version=version, document=document)
    stream = stream_id(engine.district, f.CALENDAR, name)
    caller = administrator(engine, "calendar-publish", name)
    await engine.record(f.CALENDAR, stream, [Draft(published, engine.now())], caller)


async def publish_kind(engine: Engine, source: Source) -> None:
    """发布事项类型: known from now on by its hash; published twice is published once."""
    if source.hash in engine.reference.kinds:
        return
    kind = compile_kind(source.text)
    published = f.KindPublished(
        name=kind.name, version=kind.version, hash=kind.hash, source=source.text
    )
    caller = administrator(engine, "kind-publish", kind.name)
    stream = stream_id(engine.district, f.KIND, kind.name)
    await engine.record(f.KIND, stream, [Draft(published, engine.now())], caller)


async def activate_kind(engine: Engine, name: str, digest: str) -> None:
    """启用事项类型: new cases follow this version."""
    activated = f.KindActivated(name=name, hash=digest)
    caller = administrator(engine, "kind-activate", name)
    stream = stream_id(engine.district, f.KIND, name)
    await engine.record(f.KIND, stream, [Draft(activated, engine.now())], caller)


async def issue_key(engine: Engine, role: Role, *, unit: str | None, name: str | None) -> str:
    """发放访问密钥: returns the secret, which is shown once and kept nowhere.

    Raises:
        UnknownUnit: no such unit.
        BadInput: this role is never given to a key.
    """
    if role is Role.IMPORTER:
        raise BadInput(detail="importer 只供导入命令使用，不能发放密钥", pointer="/role")
    await engine.refresh()
    place = engine.reference.directory.find(unit, pointer="/unit").id if unit else None
    secret = KEY_PREFIX + secrets.token_urlsafe(24)
    key = str(uuid4())
    issued = f.KeyIssued(key=key, digest=key_digest(secret), role=role.value, unit=place)
    texts = (f.Text("name", f"person:{key}", name),) if name else ()
    caller = administrator(engine, "key-add", key)
    stream = stream_id(engine.district, f.ACCESS)
    await engine.record(f.ACCESS, stream, [Draft(issued, engine.now(), texts)], caller)
    return secret


async def revoke_key(engine: Engine, key: str) -> None:
    """停用访问密钥.

    Raises:
        NotFound: no such key is in use.
    """
    if all(grant.key != key for grant in engine.reference.keys.values()):
        raise NotFound(what="密钥")
    stream = stream_id(engine.district, f.ACCESS)
    draft = Draft(f.KeyRevoked(key=key), engine.now())
    await engine.record(f.ACCESS, stream, [draft], administrator(engine, "key-revoke", key))


def key_digest(secret: str) -> str:
    """Return what is kept of a key; it is random enough that a plain hash suffices."""
    return sha256(secret.encode()).hexdigest()


async def set_trial_clock(engine: Engine, now: datetime, real: datetime) -> None:
    """设置试运行时钟: the district's time is `now` from the moment `real` on.

    Raises:
        TrialOnly: it is a real district.
        ClockBackwards: the log's times only move forward.
    """
    reference = await engine.refresh()
    if reference.district is None or not reference.district.trial:
        raise TrialOnly(district=engine.district)
    if now < engine.now():
        raise ClockBackwards(now=engine.now(), wanted=now, pointer="/now")
    fact = f.TrialClockSet(now=now.astimezone(UTC), real=real.astimezone(UTC))
    caller = administrator(engine, "clock-set", now.isoformat())
    await engine.record(f.DISTRICT, _district(engine), [Draft(fact, engine.now())], caller)


async def import_directory(engine: Engine, rows: Sequence[UnitRow]) -> DirectoryChange:
    """导入组织目录: units that are new are established, others changed where they differ.

    The rows were checked as a whole before (no cycle, no orphan, no duplicate). A unit that the
    file leaves out stays.

    Raises:
        UnknownUnit: a parent is neither in the file nor in the directory.
        UnknownField: a level is not one of ours.
    """
    directory = (await engine.refresh()).directory
    now = engine.now()
    drafts: list[Draft] = []
    established = changed = 0
    named = {row.code for row in rows}
    for row in rows:
        if row.level not in LEVELS:
            raise UnknownField(field="level", detail=f"“{row.level}”；可用：{'、'.join(LEVELS)}")
        if row.parent and row.parent not in named and row.parent not in directory.by_code:
            raise UnknownUnit(unit=row.parent)
        parent = directory.by_code.get(row.parent, row.parent) if row.parent else None
        unit = directory.by_code.get(row.code)
        entry = directory.units.get(unit) if unit else None
        if entry is None:
            established += 1
            fact: f.Fact = f.UnitEstablished(
                unit=row.code, code=row.code, name=row.name, level=row.level, parent=parent
            )
        elif (entry.name, entry.level, entry.parent) != (row.name, row.level, parent):
            changed += 1
            fact = f.UnitChanged(
                unit=entry.id, code=row.code, name=row.name, level=row.level, parent=parent
            )
        else:
            continue
        drafts.append(Draft(fact, now))
    if drafts:
        stream = stream_id(engine.district, f.DIRECTORY)
        await engine.record(f.DIRECTORY, stream, drafts, administrator(engine, "directory"))
    return DirectoryChange(established, changed, len(rows) - len(drafts))


def _district(engine: Engine) -> str:
    return stream_id(engine.district, f.DISTRICT)
