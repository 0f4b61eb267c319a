"""Commands: what somebody wants to happen to a case. Imperative, and with texts in clear."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from domain.clock import Instance
from domain.facts import Location, SourceReference


class Report(Struct, frozen=True, kw_only=True):
    """上报: an issue, as it came. `unit` is a code or name, as the sender wrote it."""

    kind: str
    title: str
    description: str | None = None
    category: str | None = None
    unit: str | None = None
    location: Location | None = None
    reporter: dict[str, str] = {}
    identity: Literal["hidden"] | None = None
    """身份隐藏: nobody but intake and callback reads who reported it."""
    agent: dict[str, str] = {}
    """帮办代办: who reports on behalf of the reporter; `relation` is a code."""
    source: SourceReference | None = None
    content: str | None = None
    data: dict[str, Any] = {}
    occurred_at: datetime | None = None
    due: datetime | None = None
    """By when the reporting system wants it done."""
    attachments: tuple[str, ...] = ()
    """Ids of files that were uploaded before."""


class Act(Struct, frozen=True, kw_only=True):
    """办理: take one action of the case's kind, with the data of its form."""

    action: str
    data: dict[str, Any] = {}
    occurred_at: datetime | None = None
    attachments: tuple[str, ...] = ()
    """Ids of files that were uploaded before."""


class Import(Struct, frozen=True, kw_only=True):
    """导入: a case with its whole recorded past; the steps' times are given and in order."""

    report: Report
    steps: tuple[Act, ...] = ()


class Update(Struct, frozen=True, kw_only=True):
    """更新: a later register says more, or something else, about an imported case."""

    report: Report
    steps: tuple[Act, ...] = ()


class Settle(Struct, frozen=True):
    """到时: let everything happen to a case that time has brought by now."""


class Recount(Struct, frozen=True):
    """重新计时: count the open clocks by the calendars as they are now (clocks.md R13)."""


class Migrate(Struct, frozen=True):
    """迁移: follow another version of the kind, by the rule with this digest.

    `since` and `to` are the hashes of the versions.
    """

    since: str
    to: str
    plan: str


class Sign(Struct, frozen=True):
    """签收: whoever was told says so."""

    notice: int


class Delivery(Struct, frozen=True, kw_only=True):
    """送达结果: what became of a notice on its channel; without a receipt it was given up."""

    clock: Instance | None
    """Of the clock that brought the notice about; absent: somebody's action did (告知)."""
    notice: int
    channel: str
    attempts: int
    receipt: str | None
    reason: str = ""


class Reallot(Struct, frozen=True):
    """划归: let an open case follow its units through a re-division (workflow.md §5)."""

    division: str


Command = Report | Act | Import | Update | Settle | Recount | Migrate | Sign | Delivery | Reallot
