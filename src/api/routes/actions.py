"""办理: take an action of a case (the hot path), and see which are possible."""

from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from api.access import Reader, Writer
from api.answers import answer, entity_tag, expected_version
from api.body import AttachmentIds, SentTime, tree_of, typed
from api.hot import HotRoute
from api.idempotency import caller_of
from api.metered import count_appended
from api.openapi import command, returns
from api.past import records_of
from api.problems import problem_of
from api.shapes import CaseState, state_fields
from api.times import moment
from domain.allotting import actions_of
from domain.case import Case
from domain.commands import Act
from domain.errors import NotFound
from domain.guards import refusals
from domain.kind import Action, json_schema
from domain.world import World
from workflows.loading import folded
from workflows.sight import is_case_id

router: Final = APIRouter()
CASE: Final = "/v1/districts/{district}/cases/{case_id}"


class ActBody(Struct, forbid_unknown_fields=True):
    """办理: `data` is the form of the action; `occurred_at` when it happened, if not just now."""

    data: dict[str, Any] = {}
    occurred_at: SentTime = None
    attachments: AttachmentIds = []


class Reason(Struct):
    """Why an action is not possible now."""

    code: str
    detail: str


class AvailableAction(Struct):
    """An action of the case's kind, and whether the caller may take it now."""

    action: str
    title: str
    allowed: bool
    reasons: list[Reason]
    schema: dict[str, Any]
    """JSON Schema (2020-12) of `data`."""


async def act(
    request: Request, asking: Writer, district: str, case_id: str, action: str
) -> Response:
    """Take an action: decided on the event loop, answered when it is durable."""
    tree = await tree_of(request)
    caller = caller_of(request, asking, tree)
    expected = expected_version(request)
    body = typed(tree, ActBody)
    at = None if body.occurred_at is None else moment(body.occurred_at, "/occurred_at")
    if not is_case_id(case_id):
        raise NotFound(what="事项")
    files = tuple(body.attachments)
    command = Act(action=action, data=body.data, occurred_at=at, attachments=files)
    engine = asking.services.engine
    outcome = await engine.act(case_id.lower(), command, caller, expected=expected)
    count_appended(request, district, outcome)
    case = outcome.case
    kind = engine.reference.kinds.get(case.kind_hash)
    state = CaseState(**state_fields(case, kind, case.version, outcome.position))
    return answer(state, headers={"ETag": entity_tag(case.version)})


router.add_api_route(
    CASE + "/actions/{action}",
    act,
    methods=["POST"],
    route_class_override=HotRoute,
    summary="办理",
    tags=["事项"],
    responses=returns(CaseState, "办理后的事项"),
    openapi_extra=command(ActBody, match=True),
)


@router.get(
    CASE + "/actions",
    summary="可办理的操作",
    tags=["事项"],
    responses=returns(AvailableAction, "全部操作；不能办理的说明原因", many=True),
)
def read_actions(asking: Reader, district: str, case_id: str) -> Response:
    """Return every action of the kind: possible now, or why not."""
    del district
    case = folded(records_of(asking, case_id))
    world = asking.services.engine.world(case, asking.actor, client=asking.client)
    actions = [
        _described(action, case, world)
        for action in actions_of(world.kind, case)
        if action.by  # the others only tell the past of an imported case
    ]
    return answer(actions, headers={"ETag": entity_tag(case.version)})


def _described(action: Action, case: Case, world: World) -> AvailableAction:
    found = refusals(action, case, world)
    reasons = [Reason(refusal.code, problem_of(refusal, "").detail) for refusal in found]
    return AvailableAction(action.name, action.title, not found, reasons, json_schema(action.form))
