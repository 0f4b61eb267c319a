"""Stories of 包案: a dispute that a leader adopts, from the form to the circulated file."""

from typing import Any, Final

from msgspec.structs import replace

from domain.actor import Actor, Role
from domain.case import blank
from domain.world import World
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g

KIND: Final = "dispute-adoption"
DISPUTE: Final = "1d6f6c1e-5b7e-4c8a-9c11-7c1f2f1d9a01"
FIRST: Final = Actor(role=Role.LEADER, person="first", post="post-first")
ADOPTER: Final = Actor(role=Role.LEADER, person=a.DEPUTY, post="post-deputy", unit=d.TOWN)
Step = tuple[Actor, Any]

REPORT: Final[Step] = (g.COMMUNITY, g.report(KIND, title="相邻权纠纷", unit=d.COMMUNITY))
SUBMIT: Final[Step] = (
    g.COMMUNITY,
    ("submit", {"dispute": DISPUTE, "proposed": "post-deputy", "opinion": "涉及三十户"}),
)
SIGN: Final[Step] = (FIRST, ("sign_off", {"leader": "post-deputy", "instruction": "同意"}))
PLAN: Final[Step] = (
    ADOPTER,
    (
        "plan",
        {
            "measures": ["逐户走访", "组织调解"],
            "owners": [d.COMMUNITY],
            "deadline": "2026-11-20T18:00:00+08:00",
            **a.RESPONSIBLE,
        },
    ),
)
REQUEST: Final[Step] = (ADOPTER, ("request_strike_off", a.EVIDENCE))
STRIKE: Final[Step] = (FIRST, "strike_off")
CIRCULATE: Final[Step] = (
    g.COMMUNITY,
    ("circulate", {"recipients": [d.TOWN], "notice": "已化解"}),
)


def take(name: str) -> Step:
    return ADOPTER, ("take_duty", {"duty": name, "post": "post-cadre"})


def fulfil(name: str) -> Step:
    return ADOPTER, ("fulfil_duty", {"duty": name, **a.EVIDENCE})


class Adoption(a.Story):
    """A story of an adoption; the dispute that it is about can be seen, or not."""

    def __init__(self, *steps: Step, seen: bool = True) -> None:
        """Begin with all this, one minute after the other."""
        super().__init__(KIND)
        self.seen = seen
        self.took(*steps)

    def world(self, actor: Actor) -> World:
        """Return the world of a decision, in which the dispute may be seen."""
        others = {DISPUTE: blank(DISPUTE, self.kind.hash)} if self.seen else {}
        return replace(super().world(actor), others=others)


ADOPTED: Final = (REPORT, SUBMIT, SIGN)
DUTIES: Final = tuple(
    step for name in ("investigation", "handling") for step in (take(name), fulfil(name))
)
IN_FORCE: Final = (*ADOPTED, PLAN)
CIRCULATED: Final = (*IN_FORCE, *DUTIES, take("stability"), REQUEST, STRIKE, CIRCULATE)
