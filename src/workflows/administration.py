"""Administration: founding a district, its directory, calendars, kinds, keys and trial clock.

All of it is facts of reference streams, written through the engine like everything else.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, count
from typing import Final
from uuid import uuid4

from msgspec import Struct

from domain import facts as f
from domain.actor import Actor, Role
from domain.calendar import calendar_from_document
from domain.directory import LEVELS, Directory, circles, fold_directory, homeless
from domain.errors import (
    BadInput,
    Collision,
    KeyReused,
    NaiveTime,
    NotFound,
    TrialOnly,
    UnknownField,
    UnknownKind,
    UnknownUnit,
)
from domain.world import Draft, Stream
from eventlog.streams import stream_id
from workflows.calendars import shipped
from workflows.engine import Caller, Engine
from workflows.kind_fit import fits
from workflows.language import Source, compile_kind, shipped_sources
from workflows.reference import Reference

KEY_PREFIX: Final = "bh_"
NEVER_ISSUED: Final = frozenset({Role.IMPORTER, Role.TIMER})
LATEST_YEAR: Final = 2200
"""How far a trial clock may be set; beyond, arithmetic with offsets would overflow one day."""


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


def administrator(engine: Engine, what: str, *parts: str, once: bool = False) -> Caller:
    """Return a caller for the command line: an administrator, with a key of one use.

    With `once` the key is the same every time, for what may happen only once in a district.
    """
    key = what if once else f"{what}:{uuid4()}"
    digest = engine.vault.digest("\0".join((what, *parts)).encode())
    return Caller(actor=Actor(role=Role.ADMIN), client="cli", key=key, digest=digest)


async def found(engine: Engine, code: str, name: str, *, trial: bool) -> None:
    """启用区县: with the official calendar and the kinds that ship, active; in one transaction.

    Raises:
        DistrictFounded: it was founded before.
    """
    reference = await engine.refresh()
    if reference.district is not None:
        raise DistrictFounded(district=engine.district)
    founded = f.DistrictFounded(district=engine.district, code=code, name=name, trial=trial)
    caller = administrator(engine, "district-add", code, name, str(trial), once=True)
    drafts = [Draft(founded, engine.now()), *_shipped(engine, reference)]
    try:
        await engine.record(f.DISTRICT, _district(engine), drafts, caller)
    except KeyReused:
        raise DistrictFounded(district=engine.district) from None


def _shipped(engine: Engine, reference: Reference) -> Iterator[Draft]:
    """Yield the calendars and kinds that ship, as far as they are not there."""
    district, now = engine.district, engine.now()
    for name, document in shipped().items():
        if name not in reference.calendars:
            version = calendar_from_document(document).version
            fact = f.CalendarPublished(name=name, version=version, document=document)
            calendar = Stream(f.CALENDAR, stream_id(district, f.CALENDAR, name))
            yield Draft(fact, now, stream=calendar)
    for source in shipped_sources():
        kind = Stream(f.KIND, stream_id(district, f.KIND, source.name))
        if source.hash not in reference.kinds:
            published = f.KindPublished(
                name=source.name, version=source.version, hash=source.hash, source=source.text
            )
            yield Draft(published, now, stream=kind)
        if source.name not in reference.active:
            yield Draft(f.KindActivated(name=source.name, hash=source.hash), now, stream=kind)


async def publish_calendar(engine: Engine, name: str, document: dict[str, object]) -> None:
    """发布工作日历: the whole document becomes a fact; published twice is published once."""
    version = calendar_from_document(document).version
    known = engine.reference.calendars.get(name)
    if known is not None and known.version == version:
        return
    published = f.CalendarPublished(name=name, version=version, document=document)
    stream = stream_id(engine.district, f.CALENDAR, name)
    caller = administrator(engine, "calendar-publish", name)
    await engine.record(f.CALENDAR, stream, [Draft(published, engine.now())], caller)


async def publish_kind(engine: Engine, source: Source, *, caller: Caller | None = None) -> int:
    """发布事项类型: known from now on by its hash; published twice is published once.

    Returns the position, 0 if it was known already.

    Raises:
        BadKind: it may not be published, or its rules would strand cases of a version before.
        UnknownCalendar: a clock counts with a calendar that the district does not have.
        VersionTaken: this version was published with other content.
    """
    if source.hash in engine.reference.kinds:
        return 0
    kind = compile_kind(source.text)
    fits(kind, source.text, engine.reference)
    published = f.KindPublished(
        name=kind.name, version=kind.version, hash=kind.hash, source=source.text
    )
    # Whoever publishes the same at the same time is given the first one's answer.
    who = caller or administrator(engine, f"kind-publish:{kind.hash}", kind.hash, once=True)
    stream = stream_id(engine.district, f.KIND, kind.name)

    def drafts(reference: Reference) -> list[Draft]:
        if kind.hash not in reference.kinds:
            fits(kind, source.text, reference)
        return [Draft(published, engine.now())]

    return (await engine.record(f.KIND, stream, drafts, who)).last


async def activate_kind(
    engine: Engine, name: str, digest: str, *, caller: Caller | None = None
) -> int:
    """启用事项类型: new cases follow this version; returns the position, 0 if they do already.

    Raises:
        UnknownKind: this version was not published.
    """
    kind = engine.reference.kinds.get(digest)
    if kind is None or kind.name != name:
        known = "、".join(f"{one.name}@{one.version}" for one in engine.reference.kinds.values())
        raise UnknownKind(kind=f"{name}（{digest[:12]}）", known=known or "无")
    if engine.reference.active.get(name) == digest:
        return 0
    activated = f.KindActivated(name=name, hash=digest)
    who = caller or administrator(engine, "kind-activate", name)
    stream = stream_id(engine.district, f.KIND, name)
    return (await engine.record(f.KIND, stream, [Draft(activated, engine.now())], who)).last


class Issued(Struct, frozen=True):
    """A key that was issued; the secret is shown once and kept nowhere."""

    key: str
    secret: str
    unit: str | None
    position: int


async def issue_key(
    engine: Engine,
    role: Role,
    *,
    unit: str | None,
    name: str | None,
    post: str | None = None,
    person: str | None = None,
    caller: Caller | None = None,
    identity: tuple[str, str] | None = None,
) -> Issued:
    """发放访问密钥. `identity` is the key's id and secret where a request determines them.

    `post` and `person` are ids: who acts with it, so that cases may be confided to them.

    Raises:
        UnknownUnit: no such unit.
        UnknownField: no such post, or no such person.
        BadInput: this role is never given to a key.
    """
    if role in NEVER_ISSUED:
        raise BadInput(detail=f"{role} 只供程序自己使用，不能发放密钥", pointer="/role")
    await engine.refresh()
    place = engine.reference.directory.find(unit, pointer="/unit").id if unit else None
    key, secret = identity or (str(uuid4()), KEY_PREFIX + secrets.token_urlsafe(24))
    issued = f.KeyIssued(key=key, digest=key_digest(secret), role=role.value, unit=place)
    texts = (f.Text("name", f"person:{key}", name),) if name else ()
    stream = stream_id(engine.district, f.ACCESS)
    drafts = [Draft(issued, engine.now(), texts)]
    if post or person:
        _check_holder(engine.reference.directory, post, person)
        drafts.append(Draft(f.KeyHolderNamed(key=key, post=post, person=person), engine.now()))
    who = caller or administrator(engine, "key-add", key)
    answer = await engine.record(f.ACCESS, stream, drafts, who)
    return Issued(key, secret, place, answer.last)


def _check_holder(directory: Directory, post: str | None, person: str | None) -> None:
    if post and post not in directory.posts:
        raise UnknownField(field="岗位", detail=f"没有岗位“{post}”", pointer="/post")
    if person and person not in directory.persons:
        raise UnknownField(field="人员", detail=f"没有人员“{person}”", pointer="/person")


async def revoke_key(engine: Engine, key: str, *, caller: Caller | None = None) -> int:
    """停用访问密钥; returns the position.

    Raises:
        NotFound: no such key is in use.
    """
    if all(grant.key != key for grant in (await engine.refresh()).keys.values()):
        raise NotFound(what="密钥")
    stream = stream_id(engine.district, f.ACCESS)
    draft = Draft(f.KeyRevoked(key=key), engine.now())
    who = caller or administrator(engine, "key-revoke", key)
    return (await engine.record(f.ACCESS, stream, [draft], who)).last


def key_digest(secret: str) -> str:
    """Return what is kept of a key; it is random enough that a plain hash suffices."""
    return sha256(secret.encode()).hexdigest()


async def set_trial_clock(engine: Engine, now: datetime, *, caller: Caller | None = None) -> int:
    """设置试运行时钟: the district's time is `now` from this moment on; returns the position.

    Raises:
        TrialOnly: it is a real district.
        ClockBackwards: the log's times only move forward.
        NaiveTime: no offset.
        BadInput: so far ahead that time could not be counted on from there.
    """
    if now.tzinfo is None:
        raise NaiveTime(value=now.isoformat(), pointer="/now")
    if now.year > LATEST_YEAR:
        raise BadInput(detail=f"时钟不能拨到 {LATEST_YEAR} 年以后", pointer="/now")
    reference = await engine.refresh()
    if reference.district is None or not reference.district.trial:
        raise TrialOnly(district=engine.district)
    if now < engine.now():
        raise ClockBackwards(now=engine.now(), wanted=now, pointer="/now")
    fact = f.TrialClockSet(now=now.astimezone(UTC), real=engine.real().astimezone(UTC))
    who = caller or administrator(engine, "clock-set", now.isoformat())
    draft = Draft(fact, engine.now())
    return (await engine.record(f.DISTRICT, _district(engine), [draft], who)).last


async def import_directory(engine: Engine, rows: Sequence[UnitRow]) -> DirectoryChange:
    """导入组织目录: units that are new are established, others changed where they differ.

    The rows were checked among themselves before. A unit that the file leaves out stays.

    Raises:
        UnknownUnit: a parent is neither in the file nor in the directory.
        UnknownField: a level is not one of ours, or together with what is there already it
            would be no tree.
    """
    directory = (await engine.refresh()).directory
    facts = directory_facts(directory, rows)
    check_tree(directory, facts)
    if facts:
        stream = stream_id(engine.district, f.DIRECTORY)
        drafts = [Draft(fact, engine.now()) for fact in facts]
        await engine.record(f.DIRECTORY, stream, drafts, administrator(engine, "directory"))
    established = sum(isinstance(fact, f.UnitEstablished) for fact in facts)
    return DirectoryChange(established, len(facts) - established, len(rows) - len(facts))


def directory_facts(directory: Directory, rows: Sequence[UnitRow]) -> list[f.Fact]:
    """Return what makes of a directory what the rows say.

    A unit's permanent id is the code it was first registered under; a code that was another
    unit's first one gets a number behind it.

    Raises:
        UnknownUnit, UnknownField: see `import_directory`.
    """
    ids = unit_ids(directory, rows)
    return [fact for row in rows if (fact := _unit_fact(row, ids, directory)) is not None]


def unit_ids(directory: Directory, rows: Sequence[UnitRow]) -> dict[str, str]:
    """Return the permanent ids of units by their codes: those there are, and those of the rows."""
    return {row.code: _new_id(row.code, directory) for row in rows} | directory.by_code


def _new_id(code: str, directory: Directory) -> str:
    later = (f"{code}~{number}" for number in count(2))
    return next(one for one in chain([code], later) if one not in directory.units)


def _unit_fact(row: UnitRow, ids: dict[str, str], directory: Directory) -> f.Fact | None:
    if row.level not in LEVELS:
        raise UnknownField(field="level", detail=f"“{row.level}”；可用：{'、'.join(LEVELS)}")
    if row.parent and row.parent not in ids:
        raise UnknownUnit(unit=row.parent)
    parent = ids[row.parent] if row.parent else None
    unit = ids[row.code]
    entry = directory.units.get(unit)
    fact: type[f.UnitEstablished | f.UnitChanged]
    if entry is None:
        fact = f.UnitEstablished
    elif (entry.name, entry.level, entry.parent) != (row.name, row.level, parent):
        fact = f.UnitChanged
    else:
        return None
    return fact(unit=unit, code=row.code, name=row.name, level=row.level, parent=parent)


def check_tree(directory: Directory, facts: Sequence[f.Fact]) -> None:
    """Refuse what would make of the directory anything but one tree.

    Raises:
        UnknownField.
    """
    after = fold_directory(directory, facts)
    round_about = [after.units[unit].name for unit in circles(after)]
    if round_about:
        problem = f"{'、'.join(round_about)} 顺着上级往上又回到了自己；请改正上级编码"
        raise UnknownField(field="parent", detail=problem)
    there = [unit for unit in after.units.values() if unit.dissolved is None]
    tops = [unit.name for unit in there if unit.parent is None]
    if len(tops) > 1:
        problem = f"最上一级只能有一个，现在有：{'、'.join(tops)}；请为其余的填写上级编码"
        raise UnknownField(field="parent", detail=problem)
    lost = [after.units[unit].name for unit in sorted({*homeless(after)} - {*homeless(directory)})]
    if lost:
        problem = f"这些楼栋不再属于任何网格：{'、'.join(lost)}；请把它们放在网格下面"
        raise UnknownField(field="parent", detail=problem)


def _district(engine: Engine) -> str:
    return stream_id(engine.district, f.DISTRICT)
