"""What decisions look up: districts, directory, access, kinds, calendars, outages."""

from datetime import date, datetime
from typing import Any, ClassVar

from domain.facts.shapes import ACCESS, CALENDAR, DIRECTORY, DISTRICT, KIND, Fact


class DistrictFounded(Fact, frozen=True, kw_only=True):
    """区县启用."""

    TYPE: ClassVar[str] = "district-founded"
    STREAM: ClassVar[str] = DISTRICT
    district: str
    code: str
    name: str
    trial: bool


class TrialClockSet(Fact, frozen=True, kw_only=True):
    """试运行时钟: from `real` on, now reads `now` plus the time passed since."""

    TYPE: ClassVar[str] = "trial-clock-set"
    STREAM: ClassVar[str] = DISTRICT
    now: datetime
    real: datetime


class UnitEstablished(Fact, frozen=True, kw_only=True):
    """设立组织单元; `unit` is its permanent id, at first its code."""

    TYPE: ClassVar[str] = "unit-established"
    STREAM: ClassVar[str] = DIRECTORY
    unit: str
    code: str
    name: str
    level: str
    parent: str | None


class UnitChanged(Fact, frozen=True, kw_only=True):
    """组织单元变更: its code, name, level or parent from now on."""

    TYPE: ClassVar[str] = "unit-changed"
    STREAM: ClassVar[str] = DIRECTORY
    unit: str
    code: str
    name: str
    level: str
    parent: str | None


class PostEstablished(Fact, frozen=True, kw_only=True):
    """设立岗位 in a unit."""

    TYPE: ClassVar[str] = "post-established"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    unit: str
    title: str
    role: str


class PersonRegistered(Fact, frozen=True, kw_only=True):
    """登记人员; the name is sealed (field `name`)."""

    TYPE: ClassVar[str] = "person-registered"
    STREAM: ClassVar[str] = DIRECTORY
    person: str


class PostTaken(Fact, frozen=True, kw_only=True):
    """任职: a person holds a post from a day to a day (exclusive; open when absent)."""

    TYPE: ClassVar[str] = "post-taken"
    STREAM: ClassVar[str] = DIRECTORY
    post: str
    person: str
    since: date
    until: date | None


class KeyIssued(Fact, frozen=True, kw_only=True):
    """发放访问密钥; only its SHA-256 is kept, its label is sealed (field `name`)."""

    TYPE: ClassVar[str] = "key-issued"
    STREAM: ClassVar[str] = ACCESS
    key: str
    digest: str
    role: str
    unit: str | None


class KeyRevoked(Fact, frozen=True, kw_only=True):
    """停用访问密钥."""

    TYPE: ClassVar[str] = "key-revoked"
    STREAM: ClassVar[str] = ACCESS
    key: str


class KeyHolderNamed(Fact, frozen=True, kw_only=True):
    """密钥持有人: which post, and which person, act with a key; the latest one counts."""

    TYPE: ClassVar[str] = "key-holder-named"
    STREAM: ClassVar[str] = ACCESS
    key: str
    post: str | None
    person: str | None


class KindPublished(Fact, frozen=True, kw_only=True):
    """发布事项类型: the YAML source as written; `hash` is of its canonical data."""

    TYPE: ClassVar[str] = "kind-published"
    STREAM: ClassVar[str] = KIND
    name: str
    version: str
    hash: str
    source: str


class KindActivated(Fact, frozen=True, kw_only=True):
    """启用事项类型: new cases follow it from now on."""

    TYPE: ClassVar[str] = "kind-activated"
    STREAM: ClassVar[str] = KIND
    name: str
    hash: str


class KindRetired(Fact, frozen=True, kw_only=True):
    """停用事项类型: no new cases; open ones go on by the version that they follow."""

    TYPE: ClassVar[str] = "kind-retired"
    STREAM: ClassVar[str] = KIND
    name: str


class KindMigrationApproved(Fact, frozen=True, kw_only=True):
    """批准迁移: open cases of one version may pass to another, by the rule that was previewed."""

    TYPE: ClassVar[str] = "kind-migration-approved"
    STREAM: ClassVar[str] = KIND
    name: str
    from_hash: str
    to_hash: str
    plan: str
    """SHA-256 of the rule; another rule needs another approval."""
    cases: int
    """How many open cases could pass when it was approved."""
    refused: int
    """How many could not, and stay with their version."""
    by: str


class CalendarPublished(Fact, frozen=True, kw_only=True):
    """发布工作日历: a whole new version, with its source documents."""

    TYPE: ClassVar[str] = "calendar-published"
    STREAM: ClassVar[str] = CALENDAR
    name: str
    version: str
    document: dict[str, Any]
    effective_from: date | None = None
    """The first day that is counted by it; days before stay as they were (clocks.md R13)."""


class CalendarAssigned(Fact, frozen=True, kw_only=True):
    """指定工作日历: clocks that start in this unit, or below it, count by it from now on."""

    TYPE: ClassVar[str] = "calendar-assigned"
    STREAM: ClassVar[str] = CALENDAR
    unit: str
    calendar: str | None
    """Null: as the unit above, in the end as the kind says."""


class OutageDeclared(Fact, frozen=True, kw_only=True):
    """宣布停机: the system could not be used; of no effect until somebody else approves."""

    TYPE: ClassVar[str] = "outage-declared"
    STREAM: ClassVar[str] = DISTRICT
    outage: int
    since: datetime
    until: datetime
    by: str


class OutageApproved(Fact, frozen=True, kw_only=True):
    """批准停机补录: paper records of that time are let in until `register_by` (clocks.md R1)."""

    TYPE: ClassVar[str] = "outage-approved"
    STREAM: ClassVar[str] = DISTRICT
    outage: int
    register_by: datetime
    by: str


class ChannelConfigured(Fact, frozen=True, kw_only=True):
    """设置通知渠道: where notices are sent; the signing secret is sealed (field `secret`)."""

    TYPE: ClassVar[str] = "channel-configured"
    STREAM: ClassVar[str] = DISTRICT
    channel: str
    url: str
    """Empty: nothing is sent any more."""
    quiet_from: str
    """`22:00`: from then on notices wait; empty for never. Facts never wait."""
    quiet_until: str
