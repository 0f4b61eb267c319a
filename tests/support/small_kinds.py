"""A small kind of case to try the language on: reported, noted and judged, closed."""

import json
from typing import Any, Final

from domain.actor import Actor
from domain.case import blank
from domain.commands import Report
from tests.support import given as g
from workflows.language import BadKind, compile_kind

DATA: Final[dict[str, Any]] = {
    "people": {"title": "涉及人数", "type": "integer"},
    "danger": {"title": "有无危险", "type": "boolean", "required": True},
    "story": {"title": "经过", "type": "text"},
}
FORM: Final[dict[str, Any]] = {
    "level": {"title": "级别", "type": "choice", "values": ["low", "high"]},
    "note": {"title": "说明", "type": "text"},
}


def small(form: dict[str, Any] | None = None, **action: Any) -> dict[str, Any]:  # noqa: ANN401 - members of YAML
    """Return the data of a kind whose action `judge` has this form and these members."""
    judge = {
        "title": "研判",
        "in": ["reported"],
        "by": ["anybody"],
        "form": FORM if form is None else form,
        "emits": ["note-recorded", "data-recorded"],
    }
    return {
        "dsl": "case/1",
        "document": {"name": "small", "version": "1.0.0", "title": "小事"},
        "roles": {
            "anybody": {
                "title": "任何人",
                "held_by": ["dispatcher", "grid_worker", "supervisor"],
                "from": "district",
            }
        },
        "stages": {
            "reported": {"title": "已上报", "phase": "discovery", "initial": True},
            "closed": {"title": "已办结", "phase": "joint_handling", "ending": True},
        },
        "report": {"title": "上报", "by": ["anybody"], "form": DATA},
        "actions": {
            "judge": judge | action,
            "close": {
                "title": "结案",
                "in": ["reported"],
                "by": ["anybody"],
                "emits": ["case-closed"],
                "to": "closed",
            },
        },
    }


def problems_of(data: dict[str, Any]) -> str:
    """Return what keeps a kind from being published; empty if nothing does."""
    try:
        compile_kind(written(data))
    except BadKind as refusal:
        return str(refusal)
    return ""


def written(data: dict[str, Any]) -> str:
    """Return a kind as a file; JSON is YAML."""
    return json.dumps(data, ensure_ascii=False, indent=1)


class Small(g.Story):
    """A story of a case of such a kind, reported by a grid worker."""

    def __init__(self, data: dict[str, Any], actor: Actor = g.GRID, **reported: Any) -> None:  # noqa: ANN401 - data of a report
        """Report it."""
        super().__init__()
        self.kind = compile_kind(written(data))
        self.case = blank(g.CASE_ID, self.kind.hash)
        self.given((actor, Report(kind="small", title="小事", data={"danger": False, **reported})))

    def judged(self, actor: Actor = g.GRID, **data: Any) -> "Small":  # noqa: ANN401 - data of a form
        """Take the action."""
        self.when(actor, ("judge", data))
        return self
