"""What all requests (申请) share: their numbers, who asks, and that somebody else decides."""

from collections.abc import Callable
from typing import Any

from domain.case import Request, RequestSort
from domain.errors import RequestPending, SamePerson, UnknownField
from domain.step import Step
from domain.world import World


def person(world: World) -> str:
    """Return who acts, as requests name them: the person or key, else the role and its unit."""
    actor = world.actor
    return world.who or ":".join(part for part in (actor.role.value, actor.unit) if part)


def asked(step: Step, sort: RequestSort, same: Callable[[Request], bool]) -> dict[str, Any]:
    """Return what a new request says; it is numbered within the case.

    Raises:
        RequestPending: one for the same waits already.
    """
    for request in step.case.requests:
        if request.sort == sort and same(request):
            raise RequestPending(request=request.number)
    return {**step.base(), "request": step.case.asked + 1, "by": person(step.world)}


def decided(step: Step, sort: RequestSort) -> tuple[Request, dict[str, Any]]:
    """Return the request that is decided on, and what the decision says.

    Raises:
        UnknownField: none waits, or the form does not say which.
        SamePerson: whoever asked, or approved already, does not decide.
    """
    request = meant(step, sort)
    _refuse_same_person(step, request)
    return request, {**step.base(), "request": request.number, "by": person(step.world)}


def _refuse_same_person(step: Step, request: Request) -> None:
    """Let nobody decide on their own request, nor twice; telling the past is not deciding.

    Raises:
        SamePerson.
    """
    who = step.world.who
    if who and not step.world.importing and who in {request.by, *request.approvals}:
        raise SamePerson(action=step.action.title)


def meant(step: Step, sort: RequestSort) -> Request:
    """Return the request that the form names; unnamed, the only one there is.

    Raises:
        UnknownField: none waits, or the form does not say which.
    """
    waiting = [request for request in step.case.requests if request.sort == sort]
    named: int | None = step.values.get("request")
    found = [request for request in waiting if named in {None, request.number}]
    if len(found) != 1:
        numbers = "、".join(str(request.number) for request in waiting) or "无"
        raise UnknownField(
            field="申请序号",
            detail=f"请写明是哪一项；等待审批的：{numbers}",
            pointer="/data/request",
        )
    return found[0]
