"""Who else is answered when a case ends: the callers of joined duplicates, and of a split parent.

What they get is written in the streams of their own cases, in the same transaction as the ending.
Both parts that end at once write to their parent, so that one of them must see the other's end.
"""

from collections.abc import Sequence
from typing import Any, Final

from domain import facts as f
from domain.case import Case
from domain.errors import DuplicatesJoined
from domain.merging_steps import ended
from domain.step import Step
from domain.world import Draft, Stream

UNANSWERED: Final = frozenset({f.CaseWithdrawn.TYPE, f.CaseVoided.TYPE})
"""Endings that answer nobody but whoever wanted them; not while others wait for the result."""
REPLY: Final = "reply"
"""The sealed text of an ending that every caller who is answered gets too."""


def answers(before: Case, step: Step, facts: Sequence[f.Fact]) -> list[Draft]:
    """Answer everybody who waits for this case, if these facts end it, however it ends.

    Raises:
        DuplicatesJoined: it may not end like this while other callers wait for its result.
    """
    case = step.case
    if not _ends(before, step) or case.waits:
        return []
    joined = case.aftercare.joined
    if joined and any(fact.TYPE in UNANSWERED for fact in facts):
        raise DuplicatesJoined(numbers="、".join(one.number for one in joined))
    grades = (fact.grade for fact in facts if isinstance(fact, f.CaseClosed))
    answering = _Answering(step)
    answering.ended(case, next(grades, None))
    return answering.drafts


def members_beside(case: Case, step: Step) -> dict[str, Any]:
    """Return what a fact says that an action of one case puts beside another: it moves nothing."""
    return {
        "action": step.action.name,
        "stage": f.Stage(case.stage, case.stage, case.phase),
        "holder": case.holder,
        "late": step.late,
    }


def _ends(before: Case, step: Step) -> bool:
    stages, stage = step.world.kind.stages, step.case.stage
    was_open = before.stage not in stages or not stages[before.stage].ending
    return stages[stage].ending and was_open and before.stage != stage


class _Answering:
    """One ending, as it reaches those who wait for it, and those who wait for them."""

    def __init__(self, step: Step) -> None:
        self.drafts: list[Draft] = []
        self._step = step
        self._settled: set[str] = set()
        self._texts = tuple(text for text in step.texts if text.field == REPLY)

    def ended(self, case: Case, grade: str | None) -> None:
        """Tell whoever waits for a case, which has its result now; each once."""
        if case.id in self._settled:
            return
        self._settled.add(case.id)
        for one in case.aftercare.joined:
            duplicate = self._step.world.others[one.id]
            self._duplicate(duplicate, case, grade)
            self.ended(duplicate, grade)
        if case.split.parent is not None:
            self._part(case, self._step.world.others[case.split.parent], grade)

    def _duplicate(self, duplicate: Case, primary: Case, grade: str | None) -> None:
        answered = f.DuplicateAnswered(
            **members_beside(duplicate, self._step),
            primary=primary.id,
            number=primary.number,
            ending=primary.stage,
            grade=grade,
        )
        self._tell(duplicate, answered, self._texts)

    def _part(self, part: Case, parent: Case, grade: str | None) -> None:
        """Tell a parent of one part; with the last its caller, and whoever waits with them."""
        base, parts = members_beside(parent, self._step), parent.split.parts
        left = sum(self._waits(one.id) for one in parts)
        ended_part = f.PartEnded(
            **base, part=part.id, number=part.number, ending=part.stage, grade=grade, left=left
        )
        self._tell(parent, ended_part, self._texts)
        if left == 0:
            self._tell(parent, f.SplitAnswered(**base, parts=len(parts)), ())
            self.ended(parent, None)

    def _waits(self, part: str) -> bool:
        """Whether a part has no result yet: it goes on, or waits for another case itself."""
        if part in self._settled:
            return False
        case = self._step.world.others[part]
        return case.waits or not ended(case, self._step)

    def _tell(self, case: Case, fact: f.Fact, texts: tuple[f.Text, ...]) -> None:
        self.drafts.append(Draft(fact, self._step.at, texts, Stream(f.CASE, case.id)))
