"""Commands: what somebody wants to happen to a case. Imperative, and with texts in clear."""

from datetime import datetime
from typing import Any

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
    source: SourceReference | None = None
    content: str | None = None
    data: dict[str, Any] = {}
    occurred_at: datetime | None = None
    due: datetime | None = None
    """By when the reporting system wants it done."""


class Act(Struct, frozen=True, kw_only=True):
    """办理: take one action of the case's kind, with the data of its form."""

    action: str
    data: dict[str, Any] = {}
    occurred_at: datetime | None = None


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


class Sign(Struct, frozen=True):
    """签收: whoever was told says so."""

    notice: int


class Delivery(Struct, frozen=True, kw_only=True):
    """送达结果: what became of a notice on its channel; without a receipt it was given up."""

    clock: Instance
    notice: int
    channel: str
    attempts: int
    receipt: str | None
    reason: str = ""


Command = Report | Act | Import | Update | Settle | Recount | Sign | Delivery
