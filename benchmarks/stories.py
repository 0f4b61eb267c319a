"""Whole cases as templates: decided and enclosed by the real code once, then told of many cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.district import COMMUNITY, DEPARTMENT, DISPATCHER, IMPORTER
from domain.actor import Actor, Role
from domain.case import Case, blank
from domain.commands import Act, Command, Report
from domain.decide import decide
from domain.evolve import evolve
from domain.facts import CASE, SourceReference
from eventlog.appender import NewEvent
from eventlog.envelope import Envelope, Tail, enclose, subjects
from eventlog.records import NO_PREVIOUS, new_id
from workflows.engine import Engine

OFFICER: Final = Actor(role=Role.COMMUNITY_OFFICER, unit=COMMUNITY)
DEPARTMENT_OFFICER: Final = Actor(role=Role.DEPARTMENT_OFFICER, unit=DEPARTMENT)
CLIENT: Final = "bench-fill"
HOURS: Final = 5
"""Between two steps of a case."""

Step = tuple[Actor, str, dict[str, Any]]
Move = tuple[datetime, Actor, Command]
CLOSED_LOOP: Final[tuple[Step, ...]] = (
    (OFFICER, "accept", {}),
    (OFFICER, "grade", {"severity": "general"}),
    (OFFICER, "dispatch", {"lead": DEPARTMENT}),
    (DEPARTMENT_OFFICER, "start_handling", {}),
    (DEPARTMENT_OFFICER, "claim_completion", {"evidence": "已更换井盖，现场恢复。"}),
    (OFFICER, "verify", {}),
    (OFFICER, "close", {"grade": "substantive"}),
)
PUBLIC_REPLY: Final[tuple[Step, ...]] = (
    (DISPATCHER, "assign", {"lead": DEPARTMENT}),
    (DISPATCHER, "note", {"note": "已电话联系，约定周三现场查看。"}),
    (DISPATCHER, "reply", {"reply": "您反映的问题已处理完毕，感谢您的监督。"}),
)


class Template(Struct, frozen=True):
    """A case's requests as they were enclosed under placeholder ids."""

    stream: str
    number: str
    requests: tuple[tuple[str, tuple[NewEvent, ...]], ...]
    hashes: dict[bytes, bytes]
    """What the next fact carries as `prev`, by body."""

    @property
    def key(self) -> str:
        """The one key under which its texts are sealed."""
        (key,) = {text.key for _, events in self.requests for e in events for text in e.sealed}
        return key


class Told(Struct, frozen=True):
    """One fact of a case that was told: what its row needs besides its position."""

    event: str
    version: int
    body: bytes
    like: NewEvent


def templates(engine: Engine, count: int) -> list[Template]:
    """Return stories of both kinds, of different days, in turn."""
    now = engine.now()
    stories: list[Template] = []
    for number in range(count):
        kind, steps = (("closed-loop", CLOSED_LOOP), ("public-reply", PUBLIC_REPLY))[number % 2]
        start = now - timedelta(days=10 + number % 300, minutes=number)
        stories.append(_template(engine, kind, steps, start))
    return stories


def tell(template: Template, number: int) -> tuple[str, str, list[tuple[str, list[Told]]]]:
    """Return another case of the same story: its id, its key's, its requests with their facts.

    Its texts are the template's ciphertexts: right in every digest, but nobody can open them.
    """
    stream, key = str(uuid4()), str(uuid4())
    name = f"B{number:0{len(template.number) - 1}d}"
    at = template.requests[0][1][0].occurred_at
    old = [text.encode() for text in (template.stream, template.number, template.key)]
    new = [text.encode() for text in (stream, name, key)]
    before, prev, hashes = NO_PREVIOUS.encode(), NO_PREVIOUS.encode(), template.hashes
    requests: list[tuple[str, list[Told]]] = []
    for old_command, events in template.requests:
        command = new_id(at)
        told: list[Told] = []
        for like in events:
            event = new_id(at)
            body = like.body.replace(old[0], new[0]).replace(old[1], new[1])
            body = body.replace(old[2], new[2]).replace(old_command.encode(), command.encode())
            body = body.replace(like.event.encode(), event.encode()).replace(before, prev)
            before = hashes[like.body]
            prev = sha256(body).hexdigest().encode()
            told.append(Told(event, like.version, body, like))
        requests.append((command, told))
    return stream, key, requests


def _template(engine: Engine, kind: str, steps: Sequence[Step], start: datetime) -> Template:
    stream = str(uuid4())
    source = SourceReference("bench", stream)
    report = Report(
        kind=kind, title="路口井盖破损", unit=COMMUNITY, source=source, occurred_at=start
    )
    moves: list[Move] = [(start, IMPORTER, report)]
    for n, (actor, action, data) in enumerate(steps, 1):
        moves.append((start + timedelta(hours=HOURS * n), actor, Act(action=action, data=data)))
    return template(engine, kind, moves, stream=stream)


def template(engine: Engine, kind: str, moves: Sequence[Move], *, stream: str) -> Template:
    """Return a case to which all this happened, each by its actor at its time.

    Its id stands for the id of each case that it is told of, wherever it occurs.
    """
    number = "B00000000000000000"
    case, tail = blank(stream, engine.reference.kind(kind).hash), Tail(stream, CASE, 0, NO_PREVIOUS)
    requests: list[tuple[str, tuple[NewEvent, ...]]] = []
    for at, actor, command in moves:
        case, tail, request = _enclosed(engine, case, tail, (actor, command), at, number)
        requests.append(request)
    bodies = [event.body for _, events in requests for event in events]
    hashes = {body: sha256(body).hexdigest().encode() for body in bodies}
    return Template(stream, number, tuple(requests), hashes)


def _enclosed(
    engine: Engine, case: Case, tail: Tail, move: tuple[Actor, Command], at: datetime, number: str
) -> tuple[Case, Tail, tuple[str, tuple[NewEvent, ...]]]:
    actor, command = move
    world = replace(engine.world(case, actor, number=number), now=at)
    drafts = decide(command, case, world)
    engine.vault.prepare(subjects(drafts, case.id))
    envelope = Envelope(
        district=engine.district,
        actor=actor,
        client=CLIENT,
        command=new_id(at),
        kind=case.kind_hash,
        reference_position=world.reference_position,
        now=at,
    )
    events, tail = enclose(drafts, tail, envelope, engine.vault)
    for draft in drafts:
        case = evolve(case, draft.fact, draft.occurred_at)
    return case, tail, (envelope.command, events)
