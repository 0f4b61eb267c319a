"""What an action writes in other streams: joined duplicates, answers, parts, findings, items.

It is recorded in the same transaction as the action's own facts, or not at all: so no caller of a
merged case is ever forgotten.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from domain import facts as f
from domain.answering import answers, members_beside
from domain.case import Case, blank
from domain.clocks import tick
from domain.errors import EvidenceMissing, UnknownKind
from domain.merging_steps import TITLES
from domain.step import Step
from domain.steps import BUILDERS
from domain.world import Draft, Stream

WRITTEN: Final = frozenset(
    {
        f.AppealUpheld.TYPE,
        f.AppealDismissed.TYPE,
        f.DuplicateJoined.TYPE,
        f.DuplicateParted.TYPE,
        f.DuplicateAnswered.TYPE,
        f.SplitOff.TYPE,
        f.PartEnded.TYPE,
        f.SplitAnswered.TYPE,
        f.UnitsSucceeded.TYPE,
    }
)
"""Facts that no kind emits: they follow from others of the same decision."""
NARRATIVE: Final = "narrative"
FINDINGS: Final = "closed-loop"
"""The kind of case that a finding becomes."""
TOLD_OF_A_FINDING: Final = ("title", "description")
"""The texts of the form that the new case gets; there is none without the first."""
SPLIT: Final = "split"
"""Why a part counts as registered late: staff could know of it only when it was split off."""


def beside(before: Case, step: Step, facts: Sequence[f.Fact]) -> list[Draft]:
    """Return what follows in other cases; `step` is the one after these facts.

    Raises:
        DuplicatesJoined: it may not end like this while other callers wait for its result.
        EvidenceMissing, UnknownKind: a finding cannot become a case.
    """
    drafts: list[Draft] = []
    for fact in facts:
        match fact:
            case f.CaseMerged():
                drafts += _joined(before, step, fact)
            case f.CaseUnmerged():
                drafts += _parted(step, fact)
            case f.CaseSplit():
                drafts += _parts(before, step, fact)
            case f.FindingRecorded():
                drafts += _found(before, step, fact)
            case f.AdmissionDecided():
                told = _catalogued(before, fact)
                drafts.append(Draft(told, step.at, stream=Stream(f.CATALOGUE)))
            case _:
                pass
    return drafts + answers(before, step, facts)


def _in(case: Case, step: Step, fact: f.Fact, texts: Sequence[f.Text] = ()) -> Draft:
    return Draft(fact, step.at, tuple(texts), Stream(f.CASE, case.id))


def _joined(before: Case, step: Step, fact: f.CaseMerged) -> list[Draft]:
    """Tell the primary; duplicates that had joined this case are merged into it themselves."""
    primary = step.world.others[fact.into]
    drafts = [_join(primary, before, step)]
    for one in before.aftercare.joined:
        duplicate = step.world.others[one.id]
        moved = f.CaseMerged(
            **members_beside(duplicate, step),
            into=fact.into,
            number=fact.number,
            back_to=duplicate.aftercare.came_from,
        )
        drafts += [_in(duplicate, step, moved), _join(primary, duplicate, step)]
    return drafts


def _join(primary: Case, duplicate: Case, step: Step) -> Draft:
    joined = f.DuplicateJoined(
        **members_beside(primary, step),
        duplicate=duplicate.id,
        number=duplicate.number,
        source=duplicate.source,
    )
    return _in(primary, step, joined)


def _parted(step: Step, fact: f.CaseUnmerged) -> list[Draft]:
    primary = step.world.others[fact.parted_from]
    parted = f.DuplicateParted(
        **members_beside(primary, step), duplicate=step.case.id, number=step.case.number
    )
    return [_in(primary, step, parted)]


def _found(before: Case, step: Step, finding: f.FindingRecorded) -> list[Draft]:
    """Report what a round found as a case of its own, where the form, or the round, says it lies.

    Whoever may record findings may report these.
    """
    world = step.world
    digest = world.active.get(FINDINGS)
    if digest is None:
        raise UnknownKind(kind=FINDINGS, known="、".join(world.active))
    texts = tuple(
        replace(text, subject=NARRATIVE) for text in step.texts if text.field in TOLD_OF_A_FINDING
    )
    if not any(text.field == TOLD_OF_A_FINDING[0] for text in texts):
        raise EvidenceMissing(field="标题", pointer="/data/title")
    kind = world.kinds[digest]
    place, category = finding.place or before.place, finding.category
    fresh = replace(
        step,
        action=kind.report,
        case=blank(finding.case, digest),
        values={"place": place, "category": category},
        world=replace(world, kind=kind, number=finding.number),
    )
    facts = BUILDERS[f.CaseReported.TYPE](fresh)
    own = fresh.after(*facts)
    first, *others = facts
    drafts = [Draft(first, step.at, texts), *[Draft(one, step.at) for one in others]]
    drafts += tick(fresh.case, own.case, facts, step.at, fresh.world)
    stream = Stream(f.CASE, finding.case, digest)
    return [replace(draft, stream=stream) for draft in drafts]


def _catalogued(before: Case, decision: f.AdmissionDecided) -> f.Fact:
    """Return what the catalogue is told of a decision on what communities may be given."""
    if decision.decision == "exited":
        return f.ItemExited(item=decision.item, since=decision.since, case=before.id)
    told = f.ItemAdjusted if decision.decision == "adjusted" else f.ItemAdmitted
    return told(
        item=decision.item,
        title=decision.title,
        department=decision.department.id if decision.department else None,
        people=decision.people or 0,
        money=decision.money or 0,
        since=decision.since,
        case=before.id,
    )


def _parts(before: Case, step: Step, fact: f.CaseSplit) -> list[Draft]:
    return [
        draft
        for number, part in enumerate(fact.parts, 1)
        for draft in _part(before, step, number, part)
    ]


def _part(before: Case, step: Step, number: int, part: f.CaseReference) -> list[Draft]:
    """Make one part: it waits since its parent was reported, its staff know of it from now on."""
    reported = _reported(before, step, number, part)
    at = before.reported_at or step.at
    fresh = blank(part.id, before.kind_hash)
    own = replace(step, case=fresh, at=at).after(reported)
    drafts = [Draft(reported, at, _texts(step.texts, number))]
    drafts += tick(fresh, own.case, [reported], at, step.world)
    own = replace(own, at=step.at)
    origin = f.SplitOff(
        **members_beside(own.case, step),
        parent=before.id,
        number=before.number,
        source=before.source,
    )
    drafts += [Draft(one, step.at) for one in (origin, *_inherited(before, own.case, step))]
    return [replace(draft, stream=Stream(f.CASE, part.id)) for draft in drafts]


def _reported(before: Case, step: Step, number: int, part: f.CaseReference) -> f.CaseReported:
    """Report a part where the form says it is, else where its parent is."""
    world, initial = step.world, step.world.kind.initial
    units, categories = step.values.get("units", ()), step.values.get("categories", ())
    place, category = before.place, before.category
    if number <= len(units):
        place = world.directory.find(units[number - 1], pointer=f"/data/units/{number - 1}")
    if number <= len(categories):
        category = categories[number - 1]
    holder = place and (world.directory.ancestor(place, "community") or place)
    return f.CaseReported(
        action=step.action.name,
        stage=f.Stage("", initial.name, initial.phase),
        holder=holder or before.holder,
        late=SPLIT,
        kind=world.kind.name,
        number=part.number,
        place=place,
        category=category,
        severity=None,
        urgency=None,
        location=None,
        source=None,
        content=None,
        source_due=before.source_due,
        data={},
    )


def _texts(texts: Iterable[f.Text], number: int) -> tuple[f.Text, ...]:
    """Return the title and description of a part, of those that the form gave for all."""
    names = {f"{TITLES}{number}": "title", f"descriptions.{number}": "description"}
    return tuple(
        f.Text(names[text.field], text.subject, text.value) for text in texts if text.field in names
    )


def _inherited(parent: Case, part: Case, step: Step) -> list[f.Fact]:
    """Keep from whom the parent was kept: what was secret in one is secret in its parts."""
    privacy, base = parent.privacy, members_beside(part, step)
    found: list[f.Fact] = []
    if privacy.posts:
        found.append(f.ConfidentialitySet(**base, posts=privacy.posts))
    if privacy.hidden:
        found.append(f.IdentityHidden(**base))
    found += [f.RecusalDeclared(**base, unit=unit, person=None) for unit in privacy.units]
    found += [f.RecusalDeclared(**base, unit=None, person=one) for one in privacy.persons]
    return found
