"""附件: which uploaded files a command may refer to, and the facts that say it did."""

from collections.abc import Sequence
from typing import ClassVar, Final

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.commands import Act, Command, Report
from domain.errors import NotAllowed, UnknownField
from domain.step import Step
from domain.world import Upload, World

MOST: Final = 20
"""How many files one command may refer to."""
OF_REPORT: Final = "reporter"
OF_ACTION: Final = "narrative"
"""Whose data a file is: what came with the report is the reporter's, the rest the staff's."""


class AttachmentUnusable(NotAllowed):
    """附件“{attachment}”不能使用：{problem}。请重新上传，再用新的附件编号提交。"""

    code: ClassVar[str] = "attachment-unusable"


def named_uploads(command: Command) -> tuple[str, ...]:
    """Return the ids of the files that a command refers to, as it spells them."""
    return command.attachments if isinstance(command, (Act, Report)) else ()


def uploads_of(ids: Sequence[str], case: Case, world: World) -> tuple[Upload, ...]:
    """Return the files that a command refers to, in its order.

    Raises:
        UnknownField: too many, or one of them twice.
        AttachmentUnusable: never uploaded or by somebody else, too long ago, or in use already.
    """
    if len(ids) > MOST:
        raise UnknownField(field="附件", detail=f"超过 {MOST} 个", pointer="/attachments")
    found: list[Upload] = []
    for n, one in enumerate(ids):
        pointer = f"/attachments/{n}"
        upload = world.uploads.get(one.lower())
        problem = _problem(upload, case, world)
        if upload is None or problem:
            raise AttachmentUnusable(attachment=one, problem=problem, pointer=pointer)
        if upload in found:
            raise UnknownField(field="附件", detail="同一附件写了两次", pointer=pointer)
        found.append(upload)
    return tuple(found)


def attached(step: Step) -> list[f.Fact]:
    """Return one fact for each file of a step whose own facts have been made."""
    if not step.uploads:
        return []
    base = step.base()
    subject = OF_REPORT if step.action is step.world.kind.report else OF_ACTION
    return [
        f.EvidenceAttached(
            **base,
            attachment=upload.id,
            sha256=upload.sha256,
            size=upload.size,
            media_type=upload.media_type,
            subject=subject,
        )
        for upload in step.uploads
    ]


def _problem(upload: Upload | None, case: Case, world: World) -> str:
    """Say why a file cannot be referred to; empty if it can."""
    if upload is None or not (upload.own or world.actor.role is Role.ADMIN):
        return "没有这个附件，或不是用同一密钥上传的"
    if upload.case is not None:
        return "已用于本事项" if upload.case == case.id else "已用于另一事项"
    return "上传后超过 24 小时未使用，已经过期" if upload.expired else ""
