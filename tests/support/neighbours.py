"""Several cases of one district at once: what one action writes elsewhere comes to pass too."""

from itertools import count
from typing import Any, Final

from msgspec.structs import replace
from typing_extensions import override

from domain import facts as f
from domain.actor import Actor
from domain.case import Case, blank
from domain.evolve import evolve
from domain.world import Draft, World
from tests.support import districts as d
from tests.support import given as g

EVIDENCE: Final = {"evidence": "已处理"}
REASON: Final = {"reason": "理由"}
GENERAL: Final = ("grade", {"severity": "general", **g.OVERRIDE})
ACCEPTED: Final = ((g.GRID, g.report()), (g.COMMUNITY, "accept"))
HANDLING: Final = (
    *ACCEPTED,
    (g.COMMUNITY, GENERAL),
    (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
    (g.WATER, "start_handling"),
)
CLOSING: Final = (
    (g.WATER, ("claim_completion", EVIDENCE)),
    (g.COMMUNITY, "verify"),
    (g.COMMUNITY, ("close", {"grade": "substantive", "reply": "已修好"})),
)
CLOSED: Final = (*HANDLING, *CLOSING)


class Neighbour(g.Story):
    """One of several cases; its id and number tell it from the others."""

    def __init__(self, place: "Neighbours", number: int) -> None:
        """Begin with a case of which nothing is known."""
        super().__init__()
        self.place, self.ordinal = place, number
        self.case = blank(f"6f0c4a53-94b9-4a6f-8f0a-{number:012d}", self.kind.hash)
        place.cases[self.case.id] = self.case

    @override
    def world(self, actor: Actor) -> World:
        """Return the world of a decision: with all the other cases, as they are now."""
        who = actor.person or ":".join(filter(None, (actor.role.value, actor.unit)))
        return replace(
            super().world(actor),
            number=f"610327-2026-{self.ordinal:07d}",
            who=who,
            others={one: case for one, case in self.place.cases.items() if one != self.case.id},
            kinds={self.kind.hash: self.kind},
            part_id=self._part_id,
        )

    @override
    def when(self, actor: Actor, step: Any) -> "Neighbour":
        """Decide; what is accepted comes to pass, here and elsewhere."""
        cases = self.place.cases
        self.case = cases[self.case.id]
        super().when(actor, step)
        cases[self.case.id] = self.case
        for draft in self.drafts:
            stream = draft.stream.id if draft.stream else self.case.id
            self.place.streams.setdefault(stream, []).append(replace(draft, stream=None))
            if draft.stream is not None:
                known = cases.get(draft.stream.id) or blank(draft.stream.id, self.kind.hash)
                cases[draft.stream.id] = evolve(known, draft.fact, draft.occurred_at)
        return self

    @override
    def later(self, **span: float) -> "Neighbour":
        """Let time pass."""
        super().later(**span)
        return self

    def told(self, *steps: tuple[Actor, Any]) -> "Neighbour":
        """Let all this happen, one minute after the other."""
        self.given(*steps)
        return self

    def whole(self) -> "Neighbour":
        """Return it with everything in its stream, whoever wrote it."""
        self.case, self.history = self.now_is, list(self.place.streams[self.case.id])
        return self

    @property
    def now_is(self) -> Case:
        """The case as it is, whoever wrote to it."""
        return self.place.cases[self.case.id]

    def elsewhere(self, case: Case) -> list[f.Fact]:
        """Return what the last decision wrote in another case's stream."""
        return [one.fact for one in self._beside(case.id)]

    def texts(self, case: Case) -> dict[str, str]:
        """Return the texts that go with it."""
        return {text.field: text.value for one in self._beside(case.id) for text in one.texts}

    def _part_id(self, number: int) -> str:
        return f"6f0c4a53-94b9-4a6f-8f0a-{self.ordinal:06d}{number:06d}"

    def _beside(self, case_id: str) -> list[Draft]:
        return [one for one in self.drafts if one.stream is not None and one.stream.id == case_id]


class Neighbours:
    """The cases by id."""

    def __init__(self) -> None:
        """Begin with none."""
        self.cases: dict[str, Case] = {}
        self.streams: dict[str, list[Draft]] = {}
        self.begun = count(1)

    def case(self, *steps: tuple[Actor, Any]) -> Neighbour:
        """Begin another case, in which all this has happened."""
        return Neighbour(self, next(self.begun)).told(*steps)

    def part(self, parent: Neighbour) -> Neighbour:
        """Return the first part of a case that was split."""
        facts = [draft.fact for draft in parent.whole().history]
        [split] = [fact for fact in facts if isinstance(fact, f.CaseSplit)]
        return self.known(split.parts[0].id, parent)

    def known(self, case_id: str, like: Neighbour) -> Neighbour:
        """Return the story of a case that another one's action began, at that one's time."""
        one = Neighbour(self, next(self.begun))
        del self.cases[one.case.id]
        one.case, one.now = self.cases[case_id], like.now
        return one
