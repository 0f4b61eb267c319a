"""What an action makes happen in other streams, in the same transaction: all of it or nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.acting import after, report
from domain.case import Case, blank
from domain.commands import Report
from domain.errors import UnknownKind
from domain.world import Draft, Stream, World

FINDINGS: Final = "closed-loop"
"""The kind of case that a finding becomes."""


def elsewhere(case: Case, drafts: Sequence[Draft], world: World) -> Iterator[Draft]:
    """Yield what follows for other streams from what an action recorded in the case's own.

    `case` is the case before the action. One arm a fact that reaches beyond its own case.

    Raises:
        Whatever refuses there: then nothing happened here either.
    """
    for draft in drafts:
        match draft.fact:
            case f.FindingRecorded() as finding:
                yield from _reported(finding, draft, after(case, drafts), world)
            case f.AdmissionDecided() as decision:
                fact = _catalogued(decision, case)
                yield Draft(fact, draft.occurred_at, stream=Stream(f.CATALOGUE))
            case _:
                pass


def _reported(
    finding: f.FindingRecorded, draft: Draft, case: Case, world: World
) -> Iterator[Draft]:
    """Report what a round found as a case of its own, where the round says it lies."""
    digest = world.active.get(FINDINGS)
    if digest is None:
        raise UnknownKind(kind=FINDINGS, known="、".join(world.active))
    texts = {text.field: text.value for text in draft.texts}
    place = finding.place or case.place
    command = Report(
        kind=FINDINGS,
        title=texts.get("title", ""),
        description=texts.get("description"),
        category=finding.category,
        unit=place.id if place else None,
        occurred_at=draft.occurred_at,
    )
    there = replace(world, kind=world.kinds[digest], number=finding.number)
    stream = Stream(f.CASE, finding.case, digest)
    for one in report(command, blank(finding.case, digest), there, entitled=True):
        yield replace(one, stream=stream)


def _catalogued(decision: f.AdmissionDecided, case: Case) -> f.Fact:
    """Return what the catalogue is told of a decision on what communities may be given."""
    if decision.decision == "exited":
        return f.ItemExited(item=decision.item, since=decision.since, case=case.id)
    told = f.ItemAdjusted if decision.decision == "adjusted" else f.ItemAdmitted
    return told(
        item=decision.item,
        title=decision.title,
        department=decision.department.id if decision.department else None,
        people=decision.people or 0,
        money=decision.money or 0,
        since=decision.since,
        case=case.id,
    )
