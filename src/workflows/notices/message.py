"""What is sent of a notice, as a CloudEvent without personal data; and how a channel answers.

Titles, texts and names stay here: whoever is told opens the case, with rights of their own.
"""

from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from domain import facts as f
from domain.case import Case
from domain.clock import Instance
from domain.due import SHANGHAI
from eventlog.streams import stream_id
from workflows.notices.channel import Target

Notice = f.NoticeIssued | f.PartyNotified
_encode: Final = msgspec.json.Encoder().encode


class Message(Struct, frozen=True):
    """What is sent; a receiver that has seen the id before takes it for the same."""

    id: str
    body: bytes


class Taken(Struct, frozen=True):
    """The channel took it; the receipt is a code."""

    receipt: str


class Failed(Struct, frozen=True):
    """The channel did not take it; `final`: it never will."""

    error: str
    """A code, for example `timeout` or `http-500`."""
    final: bool = False


class Channel(Protocol):
    """Sends a message once; whatever goes wrong on the way is an answer, not an error."""

    async def send(self, target: Target, message: Message, at: datetime) -> Taken | Failed:
        """Send; `at` is the time outside, which the receiver compares with its own."""
        ...

    async def close(self) -> None:
        """Give back connections; the next message opens new ones."""
        ...


def message_id(district: str, case: str, notice: int) -> str:
    """Return a notice's id as its receiver knows it: the same at every attempt."""
    return stream_id(district, "notice", case, str(notice))


def clock_of(fact: Notice) -> Instance | None:
    """Return the clock that brought a notice about; None where somebody's action did (告知)."""
    if isinstance(fact, f.PartyNotified):
        return None
    return (fact.clock, fact.scope, fact.cycle, fact.sequence)


def compose(district: str, case: Case, fact: Notice, issued_at: datetime) -> Message:
    """Return what is sent of a notice."""
    key = message_id(district, case.id, fact.notice)
    base = f"/v1/districts/{district}"
    event = {
        "specversion": "1.0",
        "id": key,
        "source": base,
        "type": fact.TYPE,
        "subject": f"cases/{case.id}",
        "time": _shown(issued_at),
        "datacontenttype": "application/json",
        "data": _data(base, case, fact),
    }
    return Message(key, _encode(event))


def _data(base: str, case: Case, fact: Notice) -> dict[str, Any]:
    recipient = fact.recipient
    return {
        "case": case.id,
        "number": case.number,
        "kind": case.kind,
        "notice": fact.notice,
        **_what(case, fact),
        "cause": fact.cause,
        "covers": fact.covers,
        "acknowledge_by": _shown(fact.acknowledge.at) if fact.acknowledge else None,
        "recipient": {
            "role": recipient.role,
            "unit": recipient.unit.id if recipient.unit else None,
            "post": recipient.post,
            "person": recipient.person,
        },
        "links": {"case": f"{base}/cases/{case.id}"},
    }


def _what(case: Case, fact: Notice) -> dict[str, Any]:
    """Return of what it tells: a moment of a clock, or what somebody did."""
    if isinstance(fact, f.PartyNotified):
        # What is due first: of the case itself, not of somebody else's task.
        dues = [one.due for one in case.open_clocks if not one.scope]
        due = min(dues, default=None)
        return {"action": fact.action, "due": _shown(due) if due else None}
    due = next((one.due for one in case.clocks if one.instance == clock_of(fact)), None)
    return {
        "clock": fact.clock,
        "scope": fact.scope,
        "cycle": fact.cycle,
        "sequence": fact.sequence,
        "step": fact.step,
        "due": _shown(due) if due else None,
    }


def _shown(moment: datetime) -> str:
    """Return a time as answers carry it: whole seconds, +08:00."""
    return moment.astimezone(SHANGHAI).replace(microsecond=0).isoformat()
